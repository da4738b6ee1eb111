package processor

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"context"
	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/notice"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// world is one tenant with two partners, and the clock of the test.
type world struct {
	t       *testing.T
	ops     *op.Ops
	super   *pgx.Conn
	s       *Service
	notices *notice.Service
	now     time.Time
	tenant  id.ID
	north   id.ID
	south   id.ID
	admin   access.Actor
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{t: t, ops: optest.New(t, db), super: pgtest.Super(t, db), now: time.Now().UTC().Truncate(time.Second), tenant: id.New(), north: id.New(), south: id.New()}
	w.ops.Clock = func() time.Time { return w.now }
	w.s, w.notices = New(w.ops, []Host{{Name: "smtp.example.net", Purpose: "mail server"}}), notice.New(w.ops)
	w.ops.Listeners["notice.sent"] = []op.Listener{func(ctx context.Context, tx *op.Tx, ev event.Event) error {
		return w.s.NoteSent(ctx, tx, ev.(notice.Sent))
	}}
	w.exec(`insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme')`, w.tenant)
	w.exec(`insert into partner (tenant_id, partner_id, name) values ($1, $2, 'North'), ($1, $3, 'South')`, w.tenant, w.north, w.south)
	w.admin = w.person(id.Nil, "admin", "Ada")
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.super.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) person(partner id.ID, r, name string) access.Actor {
	v := id.New()
	w.exec(`insert into member (tenant_id, member_id, partner_id, role, name, email, status) values ($1, $2, $3, $4, $5, $6, 'active')`, w.tenant, v, partner, r, name, strings.ToLower(name)+"@x.example")
	return access.Actor{Kind: access.Person, Persona: role.Persona(r), Tenant: w.tenant, Partner: partner, Member: v, Role: r, Name: name, Credential: id.New(), Grants: role.Grants(r)}
}

func (w *world) propose(replaces id.ID, f Facts) Processor {
	w.t.Helper()
	p, err := w.s.Propose(w.t.Context(), w.admin, ProposeInput{Replaces: replaces, Facts: f})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// raw runs a statement as one persona, bound to the tenant, as somebody with its password could.
func (w *world) raw(as pg.Role, sql string) error {
	w.t.Helper()
	ctx := w.t.Context()
	tx, err := w.ops.DB.Pool(as).Begin(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, pg.SQLBind, pg.Binding{Tenant: w.tenant, Op: id.New(), Now: w.now}.Args()...); err != nil {
		w.t.Fatal(err)
	}
	_, err = tx.Exec(ctx, sql)
	return err
}

// P5 and invariants 1 to 3: the first register needs no notice, every later change does, and the database says so.
func TestChangesNeedNotice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.announced(w.shortNotice())
}

// shortNotice registers the first entry and returns a proposal to change it, which nobody can announce in a hurry.
func (w *world) shortNotice() Processor {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	facts := Facts{Name: "Post GmbH", Purpose: "Sends our mail.", Country: "DE", Categories: []string{"email-log"}, Hosts: []string{"smtp.example.net"}}
	if hosts, err := w.s.Unlisted(ctx, w.tenant); err != nil || len(hosts) != 1 {
		t.Errorf("unlisted %v, %v", hosts, err)
	}
	first, err := w.s.Announce(ctx, w.admin, w.propose(id.Nil, facts).ID, "")
	if err != nil || first.Basis != "first" || !first.active(w.now) {
		t.Fatalf("%+v %v", first, err)
	}
	if hosts, err := w.s.Unlisted(ctx, w.tenant); err != nil || len(hosts) != 0 {
		t.Errorf("unlisted %v, %v", hosts, err)
	}
	w.person(w.north, "partner", "Una")
	facts.Country, facts.Safeguards = "US", "Standard contractual clauses"
	change := w.propose(first.ID, facts)
	it := ` where processor_id = '` + change.ID.String() + `'`
	for _, as := range []pg.Role{pg.Staff, pg.Worker} {
		for _, sql := range []string{`update app.processor set status = 'announced', effective_at = app.now() + interval '13 days'` + it,
			`update app.processor set status = 'announced', basis = 'first', effective_at = app.now()` + it} {
			if err := w.raw(as, sql); pg.Constraint(err) != "processor_notice_ck" {
				t.Errorf("%s: %s: %v", as, sql, err)
			}
		}
		if err := w.raw(as, `update app.processor set country = 'US' where processor_id = '`+first.ID.String()+`'`); pg.Constraint(err) != "processor_frozen_ck" {
			t.Errorf("%s changes an active entry: %v", as, err)
		}
	}
	return change
}

// announced follows the change to its day and beyond.
func (w *world) announced(change Processor) {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	pat, rita := w.person(w.north, "partner", "Pat"), w.person(w.south, "partner", "Rita")
	if _, err := w.s.Announce(ctx, w.admin, change.ID, w.now.AddDate(0, 0, 10).Format(time.DateOnly)); !errs.IsKind(err, errs.Invalid) {
		t.Errorf("10 days: %v", err)
	}
	change, err := w.s.Announce(ctx, w.admin, change.ID, "")
	if err != nil || change.EffectiveAt.Sub(w.now) < 15*24*time.Hour {
		t.Fatalf("%+v %v", change, err)
	}
	if err := w.notices.RunSend(ctx, jobs.Job[notice.SendArgs]{Tenant: w.tenant, Args: notice.SendArgs{Notice: change.NoticeID}}); err != nil {
		t.Fatal(err)
	}
	obj, err := w.s.Object(ctx, pat, change.ID, "Not the US.")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := w.s.Get(ctx, rita, change.ID); err != nil || len(r.Objections) != 0 {
		t.Errorf("another partner sees %+v, %v", r.Objections, err)
	}
	if _, err := w.s.Decide(ctx, w.admin, obj.ID, "declined", "Covered by clauses."); err != nil {
		t.Error(err)
	}
	if r, err := w.s.Get(ctx, pat, change.ID); err != nil || len(r.Objections) != 1 || r.Objections[0].OutcomeNote != "Covered by clauses." || r.Notice.Done != 0 {
		t.Errorf("%+v %v", r, err)
	}
	r, _ := w.s.List(ctx, pat)
	if got := r.In(Active); len(got) != 1 || got[0].Country != "DE" || len(r.In(Announced)) != 1 {
		t.Errorf("before its day: %+v", r.Entries)
	}
	w.now = change.EffectiveAt.Add(time.Minute)
	if r, _ = w.s.List(ctx, pat); len(r.In(Active)) != 1 || r.In(Active)[0].Country != "US" || len(r.In(Replaced)) != 1 {
		t.Errorf("on its day: %+v", r.Entries)
	}
	if _, err := w.s.Object(ctx, rita, change.ID, "Late."); !errs.Is(err, "processor.too_late") {
		t.Errorf("late: %v", err)
	}
	if p, err := w.s.Stop(ctx, w.admin, change.ID); err != nil || p.Status != Ended {
		t.Errorf("%+v %v", p, err)
	}
	if r, _ = w.s.List(ctx, pat); len(r.In(Active)) != 0 {
		t.Errorf("ended: %+v", r.In(Active))
	}
}
