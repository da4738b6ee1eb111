package incident

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
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

// P6 and invariant 1.
func TestClocksCountElapsedHours(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Amsterdam")
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

// world is one tenant with two partners, and the clock of the tests.
type world struct {
	t                 *testing.T
	ops               *op.Ops
	super             *pgx.Conn
	s                 *Service
	now               time.Time
	tenant            id.ID
	admin, staff, pat access.Actor
	it                id.ID // the incident
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.super.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string) (n int) {
	w.t.Helper()
	if err := w.super.QueryRow(w.t.Context(), sql).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) person(partner id.ID, r, name string) access.Actor {
	v := id.New()
	w.exec(`insert into member (tenant_id, member_id, partner_id, role, name, email, status, created_at) values ($1, $2, $3, $4, $5, $6, 'active', now() - interval '1 year')`, w.tenant, v, partner, r, name, strings.ToLower(name)+"@x.example")
	return access.Actor{Kind: access.Person, Persona: role.Persona(r), Tenant: w.tenant, Partner: partner, Member: v, Role: r, Name: name, Credential: id.New(), Grants: role.Grants(r)}
}

func (w *world) step(to string, want string) {
	w.t.Helper()
	_, err := w.s.Advance(w.t.Context(), w.admin, AdvanceInput{ID: w.it, To: to, AwareAt: w.now, Templates: []string{"gdpr-33", "nis2"}})
	if want == "" && err != nil || want != "" && !errs.Is(err, want) {
		w.t.Fatalf("%s: %v, want %q", to, err, want)
	}
}

// alarm gives what is due, twice, and counts the mails so far.
func (w *world) alarm(want int) {
	w.t.Helper()
	for range 2 {
		if _, _, err := w.s.Alarms(w.t.Context(), w.tenant); err != nil {
			w.t.Fatal(err)
		}
	}
	if got := w.count(`select count(*) from mail where template = 'incident.alarm'`); got != want {
		w.t.Errorf("%d alarm mails, want %d", got, want)
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{t: t, ops: optest.New(t, db), super: pgtest.Super(t, db), now: time.Now().UTC().Truncate(time.Second), tenant: id.New()}
	w.ops.Clock = func() time.Time { return w.now }
	w.s = New(w.ops)
	north, south := id.New(), id.New()
	w.exec(`insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme')`, w.tenant)
	w.exec(`insert into partner (tenant_id, partner_id, name) values ($1, $2, 'North'), ($1, $3, 'South')`, w.tenant, north, south)
	w.admin, w.staff, w.pat = w.person(id.Nil, "admin", "Ada"), w.person(id.Nil, "staff", "Sam"), w.person(north, "partner", "Pat")
	w.person(south, "partner", "Rita")
	w.exec(`insert into contact (tenant_id, contact_id, partner_id, name, email, created_at) values ($1, $2, $3, 'Carl', 'carl@c.example', now() - interval '1 month'), ($1, $4, $3, 'New', 'new@c.example', now() + interval '1 hour')`, w.tenant, id.New(), north, id.New())
	w.exec(`insert into policy_clock (tenant_id, clock, keep) values ($1, 'breach-notice', interval '24 hours')`, w.tenant)
	return w
}

func TestFromReportToClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.confirmed()
	n := w.fourParts()
	w.told(n)
	w.closed()
}

// confirmed reports an incident, assesses and confirms it, and finds who is affected.
func (w *world) confirmed() {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	if _, err := w.s.Report(ctx, w.pat, ReportInput{Title: "x", Kind: "other", Severity: "low"}); !errs.IsKind(err, errs.Forbidden) {
		t.Errorf("a partner reports: %v", err)
	}
	if _, err := w.s.Report(ctx, w.staff, ReportInput{Title: "", Kind: "x", Severity: "low", DetectedAt: w.now.Add(time.Hour)}); !errs.IsKind(err, errs.Invalid) || len(errs.Of(err).Fields) != 3 {
		t.Errorf("bad report: %v", err)
	}
	i, err := w.s.Report(ctx, w.staff, ReportInput{Title: "Lost laptop", Kind: "confidentiality", Severity: "high", Description: "A laptop with an export."})
	if err != nil {
		t.Fatal(err)
	}
	w.it = i.ID
	w.step(Contained, "incident.step")
	if _, err := w.s.Assess(ctx, w.admin, AssessInput{ID: w.it, Nature: "A lost laptop.", Severity: "high", Risk: "high", NotifyDecision: "not-needed"}); len(errs.Of(err).Fields) != 2 {
		t.Errorf("high risk and nobody told: %v", err)
	}
	if _, err := w.s.Assess(ctx, w.admin, AssessInput{ID: w.it, Nature: "A lost laptop.", Severity: "high", Risk: "risk", NotifyDecision: "notify", Categories: []string{"customer-data"}, Consequences: "Names may be read.", Measures: "Wiped."}); err != nil {
		t.Fatal(err)
	}
	w.step(Confirmed, "")
	found, err := w.s.FindAffected(ctx, w.admin, AffectedInput{ID: w.it, Categories: []string{"customer-data"}, From: w.now.AddDate(0, -6, 0), To: w.now})
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.s.Get(ctx, w.admin, found.ID)
	if err != nil || r.Counts.Words() != "1 partner, 1 person with an account, 1 contact" || len(r.Clocks) != 5 {
		t.Fatalf("%s, %d clocks, %v", r.Counts.Words(), len(r.Clocks), err)
	}
	if r.Clocks[0].DueAt.Sub(w.now) != 24*time.Hour {
		t.Errorf("the contract's clock: %s", r.Clocks[0].DueAt.Sub(w.now))
	}
	near, err := w.s.Nearest(ctx, w.admin, 2)
	if err != nil || len(near) != 2 || near[0].ID != r.Clocks[0].ID || near[0].Title != r.Incident.Title {
		t.Errorf("the nearest two: %v, %v", near, err)
	}
}

// fourParts tries to send a notice without its contact, also by SQL.
func (w *world) fourParts() Notice {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	n, err := w.s.SaveNotice(ctx, w.admin, NoticeInput{Incident: w.it, Recipient: ToAffected, Nature: "A lost laptop.", Impact: "x", Mitigation: "y"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.s.SendNotice(ctx, w.admin, n.ID); !errs.IsKind(err, errs.Invalid) || errs.Of(err).Fields[0].Name != "contact" {
		t.Errorf("without its contact: %v", err)
	}
	for _, as := range []pg.Role{pg.Staff, pg.Worker} {
		tx, err := w.ops.DB.Pool(as).Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = tx.Exec(ctx, pg.SQLBind, pg.Binding{Tenant: w.tenant, Op: id.New(), Now: w.now}.Args()...)
		if _, err := tx.Exec(ctx, `update app.incident_notice set status = 'sent', sent_at = now(), contact = E' \n'`); pg.Constraint(err) != "incident_notice_parts_ck" {
			t.Errorf("%s sends three parts: %v", as, err)
		}
		_ = tx.Rollback(ctx)
		tx, _ = w.ops.DB.Pool(as).Begin(ctx)
		if _, err := tx.Exec(ctx, `update app.incident_entry set body = 'x'`); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s rewrites the timeline: %v", as, err)
		}
		_ = tx.Rollback(ctx)
	}
	return n
}

// told gives alarms, each once, and sends the notice late.
func (w *world) told(n Notice) {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	// Alarms, each once: half, then (a day later) the contract's deadline passed.
	w.alarm(0)
	w.now = w.now.Add(13 * time.Hour)
	w.alarm(2) // the contract's and the early warning are past half
	w.now = w.now.Add(12 * time.Hour)
	w.alarm(4) // both passed: one mail each, not three
	if _, err := w.s.SaveNotice(ctx, w.admin, NoticeInput{Incident: w.it, Notice: n.ID, Nature: "A lost laptop.", Impact: "x", Mitigation: "y", Contact: "Ada, ada@x.example"}); err != nil {
		t.Fatal(err)
	}
	n, err := w.s.SendNotice(ctx, w.admin, n.ID)
	if err != nil || n.Total != 2 {
		t.Fatalf("%+v %v", n, err)
	}
	if err := notice.New(w.ops).RunSend(ctx, jobs.Job[notice.SendArgs]{Tenant: w.tenant, Args: notice.SendArgs{Notice: n.MailingID}}); err != nil {
		t.Fatal(err)
	}
	if got := w.count(`select count(*) from mail where template = 'notice.incident'`); got != 2 {
		t.Errorf("%d notices", got)
	}
	r, _ := w.s.Get(ctx, w.admin, w.it)
	if says := r.Clocks[0].Says(w.now); says != "met late by 1 h 0 min" {
		t.Errorf("stamped %q", says)
	}
}

// closed brings the incident to its end, step by step.
func (w *world) closed() {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	r, err := w.s.Get(ctx, w.admin, w.it)
	if err != nil {
		t.Fatal(err)
	}
	w.step(Contained, "")
	w.step(Resolved, "")
	w.step(Closed, "incident.clocks")
	for _, c := range r.Clocks {
		if c.Running() {
			if _, err := w.s.Settle(ctx, w.admin, c.ID, "", true); !errs.IsKind(err, errs.Invalid) {
				t.Errorf("waived without a reason: %v", err)
			}
			if _, err := w.s.Settle(ctx, w.admin, c.ID, "No essential service.", c.Template == "nis2"); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.step(Closed, "incident.postmortem")
	if _, err := w.super.Exec(ctx, `update incident set status = 'closed', closed_at = now()`); pg.Constraint(err) != "incident_postmortem_ck" {
		t.Errorf("closed by SQL: %v", err)
	}
	if _, err := w.s.Review(ctx, w.admin, ReviewInput{ID: w.it, Summary: "a", Cause: "b", Impact: "c", Response: "d", Lessons: "e"}); err != nil {
		t.Fatal(err)
	}
	a, err := w.s.AddAction(ctx, w.admin, w.it, "Encrypt all disks", "Sam", "2030-01-01")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.s.DoneAction(ctx, w.admin, a.ID); err != nil {
		t.Error(err)
	}
	w.step(Closed, "")
	p, err := w.s.List(context.WithoutCancel(ctx), w.staff, Query{Status: Closed})
	if err != nil || len(p.Items) != 1 || p.Items[0].Number != 1 {
		t.Errorf("%+v %v", p, err)
	}
	if left, ok, err := w.s.Alarms(ctx, w.tenant); err != nil || ok {
		t.Errorf("a clock of a closed incident: %s %v", left, err)
	}
}
