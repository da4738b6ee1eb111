package deal

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// world is two tenants with two partners each, and the people who act in the tests.
type world struct {
	t      testing.TB
	s      *Service
	ops    *op.Ops
	super  *pgx.Conn
	clock  atomic.Int64 // microseconds
	events []string

	staff, boss    access.Actor // two people of the vendor
	partner, agent access.Actor // of the first partner
	rival          access.Actor // runs the second partner
	foreign        access.Actor // staff of the other tenant
	stages         map[string]id.ID
	lapsed         id.ID // a suspended partner
}

var start = time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{t: t, super: pgtest.Super(t, db), stages: map[string]id.ID{}}
	w.clock.Store(start.UnixMicro())
	w.ops = optest.New(t, db)
	w.ops.Clock = w.now
	for _, name := range []string{"submitted", "approved", "rejected", "returned", "withdrawn", "won", "lost", "expired", "noted"} {
		w.ops.Listeners["deal."+name] = []op.Listener{func(_ context.Context, _ *op.Tx, ev event.Event) error {
			w.events = append(w.events, ev.EventName())
			return nil
		}}
	}
	w.s = New(w.ops)
	a, b := w.tenant("acme"), w.tenant("bolt")
	p1, p2 := w.company(a, "North"), w.company(a, "South")
	w.lapsed = w.company(a, "Gone")
	w.exec(`update partner set status = 'suspended' where partner_id = $1`, w.lapsed)
	w.staff, w.boss = w.person(a, id.Nil, "staff", "Sam"), w.person(a, id.Nil, "admin", "Bea")
	w.partner, w.agent = w.person(a, p1, "partner", "Pat"), w.person(a, p1, "agent", "Al")
	w.rival = w.person(a, p2, "partner", "Rita")
	w.foreign = w.person(b, id.Nil, "admin", "Fay")
	return w
}

func (w *world) now() time.Time       { return time.UnixMicro(w.clock.Load()).UTC() }
func (w *world) pass(d time.Duration) { w.clock.Add(d.Microseconds()) }

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.super.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.super.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func (w *world) tenant(slug string) id.ID {
	v := id.New()
	w.exec(`insert into tenant (tenant_id, slug, name, default_currency) values ($1, $2, $2, 'EUR')`, v, slug)
	for i, name := range []string{"Qualify", "Propose", "Won", "Lost"} {
		kind := []string{"open", "open", "won", "lost"}[i]
		st := id.New()
		w.exec(`insert into stage (tenant_id, stage_id, name, position, kind) values ($1, $2, $3, $4, $5)`, v, st, name, i+1, kind)
		if slug == "acme" {
			w.stages[name] = st
		}
	}
	return v
}

func (w *world) company(tenant id.ID, name string) id.ID {
	v := id.New()
	w.exec(`insert into partner (tenant_id, partner_id, name) values ($1, $2, $3)`, tenant, v, name)
	return v
}

func (w *world) person(tenant, partner id.ID, r, name string) access.Actor {
	v := id.New()
	w.exec(`insert into member (tenant_id, member_id, partner_id, role, name, status) values ($1, $2, $3, $4, $5, 'active')`, tenant, v, partner, r, name)
	return access.Actor{Kind: access.Person, Persona: role.Persona(r), Tenant: tenant, Partner: partner, Member: v, Role: r, Name: name,
		Credential: id.New(), Grants: role.Grants(r)}
}

func (w *world) facts(domain string) CreateInput {
	n := int64(125_000)
	return CreateInput{Title: "Renewal of " + domain, Account: AccountFacts{Name: "Firma " + domain, Domain: domain, Country: "DE"}, AmountMinor: &n, Currency: "EUR"}
}

func (w *world) draft(who access.Actor, domain string) Deal {
	w.t.Helper()
	d, err := w.s.Create(w.t.Context(), who, w.facts(domain))
	if err != nil {
		w.t.Fatalf("create: %v", err)
	}
	return d
}

func (w *world) submitted(who access.Actor, domain string) Deal {
	w.t.Helper()
	d, err := w.s.Submit(w.t.Context(), who, Step{ID: w.draft(who, domain).ID})
	if err != nil {
		w.t.Fatalf("submit: %v", err)
	}
	return d
}

func (w *world) approved(who access.Actor, domain string) Deal {
	w.t.Helper()
	d, err := w.s.Approve(w.t.Context(), w.staff, Step{ID: w.submitted(who, domain).ID})
	if err != nil {
		w.t.Fatalf("approve: %v", err)
	}
	return d
}
