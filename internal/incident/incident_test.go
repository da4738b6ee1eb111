package incident

import (
	"context"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/notice"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// P6 and invariant 1.
func TestClocksCountElapsedHours(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	aware := time.Date(2026, 3, 28, 23, 30, 0, 0, zone) // the night before summer time begins
	all := clocksOf("nis2", aware, 0)
	if got := all[0].DueAt; !got.Equal(time.Date(2026, 3, 29, 22, 30, 0, 0, time.UTC)) || got.In(zone).Format("2006-01-02 15:04") != "2026-03-30 00:30" || got.Sub(aware) != 24*time.Hour {
		t.Errorf("+24 h is %s", got)
	}
	if got := all[1].DueAt; got.Sub(aware) != 72*time.Hour || !got.Equal(time.Date(2026, 3, 31, 22, 30, 0, 0, time.UTC)) {
		t.Errorf("+72 h is %s", got)
	}
	if got := all[2].DueAt; !got.Equal(time.Date(2026, 4, 30, 22, 30, 0, 0, time.UTC)) { // 31 March + 1 month
		t.Errorf("a month later is %s", got)
	}
	if got := clocksOf("contract", aware, 24*time.Hour)[0].DueAt; got.Sub(aware) != 24*time.Hour {
		t.Errorf("the contract's is %s", got)
	}
	c := Clock{StartsAt: aware, DueAt: aware.Add(72 * time.Hour)}
	for _, x := range []struct {
		after time.Duration
		says  string
		due   int
	}{{time.Hour, "71 h 0 min left", 0}, {36 * time.Hour, "36 h 0 min left", 1}, {54 * time.Hour, "18 h 0 min left", 2}, {68 * time.Hour, "4 h 0 min left", 3}, {72*time.Hour + 3*time.Minute, "late by 3 min", 4}} {
		if got := c.Says(aware.Add(x.after)); got != x.says || len(c.due(aware.Add(x.after))) != x.due {
			t.Errorf("after %s: %q, alarms %v", x.after, got, c.due(aware.Add(x.after)))
		}
	}
}

func TestFromReportToClosed(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	o, super, ctx := optest.New(t, db), pgtest.Super(t, db), t.Context()
	now := time.Now().UTC().Truncate(time.Second)
	o.Clock = func() time.Time { return now }
	s := New(o)
	tenant, north, south := id.New(), id.New(), id.New()
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := super.Exec(ctx, sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	count := func(sql string) (n int) {
		t.Helper()
		if err := super.QueryRow(ctx, sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	exec(`insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme')`, tenant)
	exec(`insert into partner (tenant_id, partner_id, name) values ($1, $2, 'North'), ($1, $3, 'South')`, tenant, north, south)
	person := func(partner id.ID, r, name string) access.Actor {
		v := id.New()
		exec(`insert into member (tenant_id, member_id, partner_id, role, name, email, status, created_at) values ($1, $2, $3, $4, $5, $6, 'active', now() - interval '1 year')`, tenant, v, partner, r, name, strings.ToLower(name)+"@x.example")
		return access.Actor{Kind: access.Person, Persona: role.Persona(r), Tenant: tenant, Partner: partner, Member: v, Role: r, Name: name, Credential: id.New(), Grants: role.Grants(r)}
	}
	admin, staff, pat := person(id.Nil, "admin", "Ada"), person(id.Nil, "staff", "Sam"), person(north, "partner", "Pat")
	person(south, "partner", "Rita")
	exec(`insert into contact (tenant_id, contact_id, partner_id, name, email, created_at) values ($1, $2, $3, 'Carl', 'carl@c.example', now() - interval '1 month'), ($1, $4, $3, 'New', 'new@c.example', now() + interval '1 hour')`, tenant, id.New(), north, id.New())
	exec(`insert into policy_clock (tenant_id, clock, keep) values ($1, 'breach-notice', interval '24 hours')`, tenant)

	if _, err := s.Report(ctx, pat, ReportInput{Title: "x", Kind: "other", Severity: "low"}); !errs.IsKind(err, errs.Forbidden) {
		t.Errorf("a partner reports: %v", err)
	}
	if _, err := s.Report(ctx, staff, ReportInput{Title: "", Kind: "x", Severity: "low", DetectedAt: now.Add(time.Hour)}); !errs.IsKind(err, errs.Invalid) || len(errs.Of(err).Fields) != 3 {
		t.Errorf("bad report: %v", err)
	}
	i, err := s.Report(ctx, staff, ReportInput{Title: "Lost laptop", Kind: "confidentiality", Severity: "high", Description: "A laptop with an export."})
	if err != nil {
		t.Fatal(err)
	}
	step := func(to string, want string) {
		t.Helper()
		_, err := s.Advance(ctx, admin, AdvanceInput{ID: i.ID, To: to, AwareAt: now, Templates: []string{"gdpr-33", "nis2"}})
		if want == "" && err != nil || want != "" && !errs.Is(err, want) {
			t.Fatalf("%s: %v, want %q", to, err, want)
		}
	}
	step(Contained, "incident.step")
	if _, err := s.Assess(ctx, admin, AssessInput{ID: i.ID, Nature: "A lost laptop.", Severity: "high", Risk: "high", NotifyDecision: "not-needed"}); len(errs.Of(err).Fields) != 2 {
		t.Errorf("high risk and nobody told: %v", err)
	}
	if _, err := s.Assess(ctx, admin, AssessInput{ID: i.ID, Nature: "A lost laptop.", Severity: "high", Risk: "risk", NotifyDecision: "notify", Categories: []string{"customer-data"}, Consequences: "Names may be read.", Measures: "Wiped."}); err != nil {
		t.Fatal(err)
	}
	step(Confirmed, "")
	found, err := s.FindAffected(ctx, admin, AffectedInput{ID: i.ID, Categories: []string{"customer-data"}, From: now.AddDate(0, -6, 0), To: now})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Get(ctx, admin, found.ID)
	if err != nil || r.Counts.Words() != "1 partner, 1 person with an account, 1 contact" || len(r.Clocks) != 5 {
		t.Fatalf("%s, %d clocks, %v", r.Counts.Words(), len(r.Clocks), err)
	}
	if r.Clocks[0].DueAt.Sub(now) != 24*time.Hour {
		t.Errorf("the contract's clock: %s", r.Clocks[0].DueAt.Sub(now))
	}
	n, err := s.SaveNotice(ctx, admin, NoticeInput{Incident: i.ID, Recipient: ToAffected, Nature: "A lost laptop.", Impact: "x", Mitigation: "y"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SendNotice(ctx, admin, n.ID); !errs.IsKind(err, errs.Invalid) || errs.Of(err).Fields[0].Name != "contact" {
		t.Errorf("without its contact: %v", err)
	}
	for _, as := range []pg.Role{pg.Staff, pg.Worker} {
		tx, err := db.Pool(as).Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = tx.Exec(ctx, pg.SQLBind, pg.Binding{Tenant: tenant, Op: id.New(), Now: now}.Args()...)
		if _, err := tx.Exec(ctx, `update app.incident_notice set status = 'sent', sent_at = now(), contact = E' \n'`); pg.Constraint(err) != "incident_notice_parts_ck" {
			t.Errorf("%s sends three parts: %v", as, err)
		}
		_ = tx.Rollback(ctx)
		tx, _ = db.Pool(as).Begin(ctx)
		if _, err := tx.Exec(ctx, `update app.incident_entry set body = 'x'`); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s rewrites the timeline: %v", as, err)
		}
		_ = tx.Rollback(ctx)
	}
	// Alarms, each once: half, then (a day later) the contract's deadline passed.
	alarm := func(want int) {
		t.Helper()
		for range 2 {
			if _, _, err := s.Alarms(ctx, tenant); err != nil {
				t.Fatal(err)
			}
		}
		if got := count(`select count(*) from mail where template = 'incident.alarm'`); got != want {
			t.Errorf("%d alarm mails, want %d", got, want)
		}
	}
	alarm(0)
	now = now.Add(13 * time.Hour)
	alarm(2) // the contract's and the early warning are past half
	now = now.Add(12 * time.Hour)
	alarm(4) // both passed: one mail each, not three
	if _, err := s.SaveNotice(ctx, admin, NoticeInput{Incident: i.ID, Notice: n.ID, Nature: "A lost laptop.", Impact: "x", Mitigation: "y", Contact: "Ada, ada@x.example"}); err != nil {
		t.Fatal(err)
	}
	if n, err = s.SendNotice(ctx, admin, n.ID); err != nil || n.Total != 2 {
		t.Fatalf("%+v %v", n, err)
	}
	if err := notice.New(o).RunSend(ctx, jobs.Job[notice.SendArgs]{Tenant: tenant, Args: notice.SendArgs{Notice: n.MailingID}}); err != nil {
		t.Fatal(err)
	}
	if got := count(`select count(*) from mail where template = 'notice.incident' and text_body like '%Ada, ada@x.example%'`); got != 2 {
		t.Errorf("%d notices", got)
	}
	r, _ = s.Get(ctx, admin, i.ID)
	if says := r.Clocks[0].Says(now); says != "met late by 1 h 0 min" {
		t.Errorf("stamped %q", says)
	}
	step(Contained, "")
	step(Resolved, "")
	step(Closed, "incident.clocks")
	for _, c := range r.Clocks {
		if c.Running() {
			if _, err := s.Settle(ctx, admin, c.ID, "", true); !errs.IsKind(err, errs.Invalid) {
				t.Errorf("waived without a reason: %v", err)
			}
			if _, err := s.Settle(ctx, admin, c.ID, "No essential service.", c.Template == "nis2"); err != nil {
				t.Fatal(err)
			}
		}
	}
	step(Closed, "incident.postmortem")
	if _, err := super.Exec(ctx, `update incident set status = 'closed', closed_at = now()`); pg.Constraint(err) != "incident_postmortem_ck" {
		t.Errorf("closed by SQL: %v", err)
	}
	if _, err := s.Review(ctx, admin, ReviewInput{ID: i.ID, Summary: "a", Cause: "b", Impact: "c", Response: "d", Lessons: "e"}); err != nil {
		t.Fatal(err)
	}
	a, err := s.AddAction(ctx, admin, i.ID, "Encrypt all disks", "Sam", "2030-01-01")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DoneAction(ctx, admin, a.ID); err != nil {
		t.Error(err)
	}
	step(Closed, "")
	p, err := s.List(context.WithoutCancel(ctx), staff, Query{Status: Closed})
	if err != nil || len(p.Items) != 1 || p.Items[0].Number != 1 {
		t.Errorf("%+v %v", p, err)
	}
	if left, ok, err := s.Alarms(ctx, tenant); err != nil || ok {
		t.Errorf("a clock of a closed incident: %s %v", left, err)
	}
}
