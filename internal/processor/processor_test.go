package processor

import (
	"strings"
	"testing"
	"time"

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

// P5 and invariants 1 to 3: the first register needs no notice, every later change does, and the database says so.
func TestChangesNeedNotice(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	o, super, ctx := optest.New(t, db), pgtest.Super(t, db), t.Context()
	now := time.Now().UTC().Truncate(time.Second)
	o.Clock = func() time.Time { return now }
	s, notices := New(o, []Host{{Name: "smtp.example.net", Purpose: "mail server"}}), notice.New(o)
	o.Listeners["notice.sent"] = []op.Listener{func(ctx context.Context, tx *op.Tx, ev event.Event) error {
		return s.NoteSent(ctx, tx, ev.(notice.Sent))
	}}
	tenant, north, south := id.New(), id.New(), id.New()
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := super.Exec(ctx, sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme')`, tenant)
	exec(`insert into partner (tenant_id, partner_id, name) values ($1, $2, 'North'), ($1, $3, 'South')`, tenant, north, south)
	person := func(partner id.ID, r, name string) access.Actor {
		v := id.New()
		exec(`insert into member (tenant_id, member_id, partner_id, role, name, email, status) values ($1, $2, $3, $4, $5, $6, 'active')`, tenant, v, partner, r, name, strings.ToLower(name)+"@x.example")
		return access.Actor{Kind: access.Person, Persona: role.Persona(r), Tenant: tenant, Partner: partner, Member: v, Role: r, Name: name, Credential: id.New(), Grants: role.Grants(r)}
	}
	admin := person(id.Nil, "admin", "Ada")
	facts := Facts{Name: "Post GmbH", Purpose: "Sends our mail.", Country: "DE", Categories: []string{"email-log"}, Hosts: []string{"smtp.example.net"}}
	propose := func(replaces id.ID, f Facts) Processor {
		t.Helper()
		p, err := s.Propose(ctx, admin, ProposeInput{Replaces: replaces, Facts: f})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if hosts, err := s.Unlisted(ctx, tenant); err != nil || len(hosts) != 1 {
		t.Errorf("unlisted %v, %v", hosts, err)
	}
	first, err := s.Announce(ctx, admin, propose(id.Nil, facts).ID, "")
	if err != nil || first.Basis != "first" || !first.active(now) {
		t.Fatalf("%+v %v", first, err)
	}
	if hosts, err := s.Unlisted(ctx, tenant); err != nil || len(hosts) != 0 {
		t.Errorf("unlisted %v, %v", hosts, err)
	}
	pat, rita := person(north, "partner", "Pat"), person(south, "partner", "Rita")
	facts.Country, facts.Safeguards = "US", "Standard contractual clauses"
	change := propose(first.ID, facts)
	raw := func(as pg.Role, sql string) error {
		tx, err := db.Pool(as).Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(ctx) }()
		if _, err := tx.Exec(ctx, pg.SQLBind, pg.Binding{Tenant: tenant, Op: id.New(), Now: now}.Args()...); err != nil {
			t.Fatal(err)
		}
		_, err = tx.Exec(ctx, sql)
		return err
	}
	it := ` where processor_id = '` + change.ID.String() + `'`
	for _, as := range []pg.Role{pg.Staff, pg.Worker} {
		for _, sql := range []string{`update app.processor set status = 'announced', effective_at = app.now() + interval '13 days'` + it,
			`update app.processor set status = 'announced', basis = 'first', effective_at = app.now()` + it} {
			if err := raw(as, sql); pg.Constraint(err) != "processor_notice_ck" {
				t.Errorf("%s: %s: %v", as, sql, err)
			}
		}
		if err := raw(as, `update app.processor set country = 'US' where processor_id = '`+first.ID.String()+`'`); pg.Constraint(err) != "processor_frozen_ck" {
			t.Errorf("%s changes an active entry: %v", as, err)
		}
	}
	if _, err := s.Announce(ctx, admin, change.ID, now.AddDate(0, 0, 10).Format(time.DateOnly)); !errs.IsKind(err, errs.Invalid) {
		t.Errorf("10 days: %v", err)
	}
	if change, err = s.Announce(ctx, admin, change.ID, ""); err != nil || change.EffectiveAt.Sub(now) < 15*24*time.Hour {
		t.Fatalf("%+v %v", change, err)
	}
	if err := notices.RunSend(ctx, jobs.Job[notice.SendArgs]{Tenant: tenant, Args: notice.SendArgs{Notice: change.NoticeID}}); err != nil {
		t.Fatal(err)
	}
	obj, err := s.Object(ctx, pat, change.ID, "Not the US.")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := s.Get(ctx, rita, change.ID); err != nil || len(r.Objections) != 0 {
		t.Errorf("another partner sees %+v, %v", r.Objections, err)
	}
	if _, err := s.Decide(ctx, admin, obj.ID, "declined", "Covered by clauses."); err != nil {
		t.Error(err)
	}
	if r, err := s.Get(ctx, pat, change.ID); err != nil || len(r.Objections) != 1 || r.Objections[0].OutcomeNote != "Covered by clauses." || r.Notice.Done != 0 {
		t.Errorf("%+v %v", r, err)
	}
	r, _ := s.List(ctx, pat)
	if got := r.In(Active); len(got) != 1 || got[0].Country != "DE" || len(r.In(Announced)) != 1 {
		t.Errorf("before its day: %+v", r.Entries)
	}
	now = change.EffectiveAt.Add(time.Minute)
	if r, _ = s.List(ctx, pat); len(r.In(Active)) != 1 || r.In(Active)[0].Country != "US" || len(r.In(Replaced)) != 1 {
		t.Errorf("on its day: %+v", r.Entries)
	}
	if _, err := s.Object(ctx, rita, change.ID, "Late."); !errs.Is(err, "processor.too_late") {
		t.Errorf("late: %v", err)
	}
	if p, err := s.Stop(ctx, admin, change.ID); err != nil || p.Status != Ended {
		t.Errorf("%+v %v", p, err)
	}
	if r, _ = s.List(ctx, pat); len(r.In(Active)) != 0 {
		t.Errorf("ended: %+v", r.In(Active))
	}
}
