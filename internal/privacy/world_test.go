package privacy

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var start = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// world is two programmes, the first with two partners, and the people who act in the tests.
type world struct {
	t      testing.TB
	s      *Service
	ops    *op.Ops
	super  *pgx.Conn
	clock  atomic.Int64
	ledger string

	officer, second, staff access.Actor
	partner, rival         access.Actor
	foreign                access.Actor
	stage                  map[id.ID]id.ID
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{t: t, super: pgtest.Super(t, db), ops: optest.New(t, db), stage: map[id.ID]id.ID{}, ledger: filepath.Join(t.TempDir(), "erasures.jsonl")}
	w.clock.Store(start.UnixMicro())
	w.ops.Clock = func() time.Time { return time.UnixMicro(w.clock.Load()).UTC() }
	blobs, err := blob.Open("dir:"+t.TempDir(), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.s = New(w.ops, file.New(w.ops, blobs), Options{Ledger: w.ledger})
	a, b := w.tenant("acme"), w.tenant("bolt")
	north, south := w.company(a, "North"), w.company(a, "South")
	w.officer, w.second, w.staff = w.person(a, id.Nil, "admin", "Olga Officer"), w.person(a, id.Nil, "admin", "Sid Second"), w.person(a, id.Nil, "staff", "Stan Staff")
	w.partner, w.rival = w.person(a, north, "partner", "Pat Partner"), w.person(a, south, "partner", "Rita Rival")
	w.foreign = w.person(b, id.Nil, "admin", "Fay Foreign")
	return w
}

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

func (w *world) text(sql string, args ...any) (s string) {
	w.t.Helper()
	if err := w.super.QueryRow(w.t.Context(), sql, args...).Scan(&s); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return s
}

func (w *world) tenant(slug string) id.ID {
	v := id.New()
	w.exec(`insert into tenant (tenant_id, slug, name) values ($1, $2, $2)`, v, slug)
	stage := id.New()
	w.exec(`insert into stage (tenant_id, stage_id, name, position) values ($1, $2, 'New', 1)`, v, stage)
	w.stage[v] = stage
	return v
}

func (w *world) company(tenant id.ID, name string) id.ID {
	v := id.New()
	w.exec(`insert into partner (tenant_id, partner_id, name) values ($1, $2, $3)`, tenant, v, name)
	return v
}

func (w *world) person(tenant, partner id.ID, as, name string) access.Actor {
	person, member := id.New(), id.New()
	mail := "p-" + member.String() + "@example.com"
	w.exec(`insert into person (person_id, email, name) values ($1, $2, $3)`, person, mail, name)
	w.exec(`insert into member (tenant_id, member_id, person_id, partner_id, role, name, email, status) values ($1, $2, $3, $4, $5, $6, $7, 'active')`,
		tenant, member, person, partner, as, name, mail)
	return access.Actor{Kind: access.Person, Persona: role.Persona(as), Tenant: tenant, Partner: partner, Member: member, Person: person, Role: as, Name: name,
		Credential: id.New(), Grants: role.Grants(as)}
}

func (w *world) contact(who access.Actor, name, email, phone string) id.ID {
	v := id.New()
	w.exec(`insert into contact (tenant_id, contact_id, partner_id, name, email, phone, title) values ($1, $2, $3, $4, $5, $6, 'CFO')`, who.Tenant, v, who.Partner, name, email, phone)
	return v
}

func (w *world) deal(who access.Actor, title string) id.ID {
	v := id.New()
	w.exec(`insert into deal (tenant_id, deal_id, partner_id, title, state, stage_id, currency, search_text) values ($1, $2, $3, $4, 'draft', $5, 'USD', lower($4))`,
		who.Tenant, v, who.Partner, title, w.stage[who.Tenant])
	return v
}

func (w *world) note(who access.Actor, deal id.ID, body string) id.ID {
	v := id.New()
	w.exec(`insert into deal_note (tenant_id, note_id, deal_id, partner_id, author_id, author_name, author_side, body) values ($1, $2, $3, $4, $5, $6, 'vendor', $7)`,
		who.Tenant, v, deal, who.Partner, who.Member, who.Name, body)
	return v
}
