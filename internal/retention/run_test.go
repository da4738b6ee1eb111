package retention_test

import (
	"strings"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/retention"
)

// F6, invariant 5.
func TestClocksThatDisagree(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{61 * time.Minute, -61 * time.Minute} {
		g := newProgramme(t)
		g.later()
		g.shift += by // the program's clock only
		before := g.left("mail")
		r, err := g.s.RunTenant(t.Context(), g.tenant, retention.Command, false)
		if !errs.Is(err, "retention.clock") || r.Outcome != retention.Refused || r.Problem == "" || r.SkewMS == 0 {
			t.Errorf("%s: %+v, %v", by, r, err)
		}
		if n := g.count(`select count(*) from retention_run where outcome = 'refused' and finished_at is not null and abs(skew_ms) > 3600000`); n != 1 || g.left("mail") != before {
			t.Errorf("%s: %d refusals on record, %d of %d mails left", by, n, g.left("mail"), before)
		}
		g.shift -= by
		g.shift += 50 * time.Minute
		if _, err := g.s.RunTenant(t.Context(), g.tenant, retention.Command, false); err != nil || g.left("mail") != 0 {
			t.Errorf("within an hour: %v", err)
		}
	}
}

// Invariant 4: neither the row nor its history says what was in it.
func TestHistoryForgetsToo(t *testing.T) {
	t.Parallel()
	g := newProgramme(t)
	p, _ := datamap.ProfileOf("partners-one") // keeps its log indefinitely
	g.apply(p)
	g.exec(`update retention_rule set keep = '12 months' where category = 'email-log'`)
	g.exec(`delete from contact where contact_id = $1`, g.contact) // by hand, before its time
	said := `select count(*) from row_history where (old_row::text || coalesce(new_row::text, '') like $1 or new_row::text like $1)`
	for _, word := range []string{"%About kim%", "%Kim%", "%Big deal%", "%A word about%", "%pat@north.example%"} {
		if g.count(said, word) == 0 {
			t.Fatalf("nothing in the history says %s", word)
		}
	}
	rows := g.count(`select count(*) from row_history where table_name in ('mail', 'deal', 'contact', 'deal_note')`)
	g.later()
	g.run()
	for _, word := range []string{"%About kim%", "%Kim%", "%Big deal%", "%A word about%", "%pat@north.example%"} {
		if n := g.count(said, word); n != 0 {
			t.Errorf("%d rows of the history still say %s", n, word)
		}
	}
	if g.count(`select count(*) from row_history where table_name in ('mail', 'deal', 'contact', 'deal_note')`) < rows {
		t.Error("who changed what is gone as well")
	}
}

// A run that was killed is marked and continued.
func TestInterruptedRunIsContinued(t *testing.T) {
	t.Parallel()
	g := newProgramme(t)
	g.later()
	r, err := g.s.Start(t.Context(), g.admin, retention.ByPage, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.s.RunTenant(t.Context(), g.tenant, retention.Command, false); !errs.Is(err, "retention.running") {
		t.Errorf("two at once: %v", err)
	}
	g.shift += 3 * time.Minute // nobody heard of it since
	next, err := g.s.RunTenant(t.Context(), g.tenant, retention.Command, false)
	if err != nil || next.Continues == nil || *next.Continues != r.ID || g.left("deal") != 0 {
		t.Errorf("%+v, %v", next, err)
	}
	if old, err := g.s.Get(t.Context(), g.admin, r.ID); err != nil || old.Outcome != retention.Interrupted || old.FinishedAt == nil {
		t.Errorf("%+v, %v", old, err)
	}
	// The job of the dead run finds nothing to do.
	if err := g.s.RunJob(t.Context(), jobs.Job[retention.Args]{Tenant: g.tenant, Args: retention.Args{Run: r.ID}, Attempt: 2, MaxAttempts: 8}); err != nil {
		t.Error(err)
	}
}

func TestDryRunCountsAndDeletesNothing(t *testing.T) {
	t.Parallel()
	g := newProgramme(t)
	g.later()
	dry, err := g.s.RunTenant(t.Context(), g.tenant, retention.Command, true)
	if err != nil || !dry.Dry || dry.Removed == 0 || g.left("mail") != 3 || g.left("deal") != 2 {
		t.Errorf("%+v, %v", dry, err)
	}
	// What the simulation foretells is what the run does.
	s, err := g.s.Simulate(t.Context(), g.admin, "")
	if err != nil {
		t.Fatal(err)
	}
	foretold := map[string]int64{}
	for _, o := range s.Tables {
		if len(o.Steps) > 0 && o.Steps[0].Day == s.From {
			foretold[o.Table] = o.Steps[0].Removed
		}
	}
	r := g.run()
	for _, c := range r.Counts {
		if c.Table == "mail" || c.Table == "deal" || c.Table == "contact" {
			if foretold[c.Table] != c.Removed {
				t.Errorf("%s: foretold %d, removed %d", c.Table, foretold[c.Table], c.Removed)
			}
			delete(foretold, c.Table)
		}
	}
	if foretold["mail"]+foretold["deal"]+foretold["contact"] != 0 {
		t.Errorf("foretold and not done: %v", foretold)
	}
}

// Invariant 7.
func TestAccountIsWarnedThenErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := datamap.ProfileOf(datamap.DefaultProfile)
	t0 := begin()
	w.at(t0)
	w.apply(p)
	person, member, key := id.New(), id.New(), id.New()
	w.exec(`insert into person (person_id, email, name) values ($1, 'pat@north.example', 'Pat')`, person)
	w.exec(`insert into member (tenant_id, member_id, person_id, role, name, email, status, last_seen_at) values ($1, $2, $3, 'staff', 'Pat', 'pat@north.example', 'active', $4)`, w.tenant, member, person, t0)
	w.exec(`insert into api_key (tenant_id, key_id, member_id, name, prefix, key_hash) values ($1, $2, $3, 'Pat''s', 'x', '\x01')`, w.tenant, key, member)
	last := t0.Truncate(24*time.Hour).AddDate(3, 0, 0)
	mails := func() int64 { return w.count(`select count(*) from mail where template = 'retention.account'`) }
	w.at(last.AddDate(0, 0, -32))
	w.run()
	if mails() != 0 {
		t.Error("warned too early")
	}
	for range 2 {
		w.at(last.AddDate(0, 0, -29))
		w.run()
	}
	if mails() != 1 {
		t.Errorf("%d warnings, want one", mails())
	}
	w.at(last.Add(23 * time.Hour))
	w.run()
	if w.count(`select count(*) from member where name = 'Pat'`) != 1 {
		t.Error("erased on the last day")
	}
	w.at(last.Add(25 * time.Hour))
	w.run()
	if w.count(`select count(*) from member where name = 'Former member' and email = '' and person_id is null and status = 'removed' and erased_at is not null`) != 1 {
		t.Error("not erased")
	}
	if w.count(`select count(*) from person where person_id = $1`, person)+w.count(`select count(*) from api_key`)+w.count(`select count(*) from row_history where new_row::text like '%pat@north%' and table_name = 'member'`) != 0 {
		t.Error("person, keys or history live on")
	}
	if w.count(`select count(*) from member where name = 'Ada'`) != 1 {
		t.Error("the last Admin went")
	}
}

// A policy that was made shorter gives 30 days from the warning on; who signs in stays.
func TestShorterPolicyStillWarns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := datamap.ProfileOf(datamap.DefaultProfile)
	t0 := begin()
	w.at(t0)
	w.apply(p)
	w.exec(`update retention_rule set keep = '2 months' where category = 'user-account'`)
	for _, name := range []string{"Pat", "Sam"} {
		person := id.New()
		w.exec(`insert into person (person_id, email, name) values ($1, lower($2::text) || '@north.example', $2)`, person, name)
		w.exec(`insert into member (tenant_id, member_id, person_id, role, name, email, status, last_seen_at) values ($1, gen_random_uuid(), $2, 'staff', $3::text, lower($3::text) || '@north.example', 'active', $4)`, w.tenant, person, name, t0)
	}
	there := func(name string) int64 { return w.count(`select count(*) from member where name = $1`, name) }
	w.at(t0.AddDate(1, 0, 0))
	w.run()
	if there("Pat") != 1 || w.count(`select count(*) from mail where template = 'retention.account'`) != 2 {
		t.Fatal("erased without a warning")
	}
	w.exec(`update member set last_seen_at = $1 where name = 'Sam'`, t0.AddDate(1, 0, 10))
	w.at(t0.AddDate(1, 0, 28))
	w.run()
	if there("Pat") != 1 {
		t.Error("erased before the 30 days")
	}
	w.at(t0.AddDate(1, 0, 31))
	w.run()
	if there("Pat") != 0 || there("Sam") != 1 {
		t.Errorf("Pat %d, Sam %d", there("Pat"), there("Sam"))
	}
}

// Months go as a whole while somebody reads.
func TestMonthsAreDropped(t *testing.T) {
	t.Parallel()
	g := newProgramme(t)
	g.exec(`select ensure_partitions(now() - interval '3 years', 1)`)
	old := time.Now().AddDate(-3, 0, 0).UTC()
	g.exec(`set session_replication_role = replica`)
	g.exec(`insert into row_history (tenant_id, at, db_role, table_name, row_id, change, new_row) select $1, $2, 'x', 'deal', gen_random_uuid(), 'insert', '{}' from generate_series(1, 2000)`, g.tenant, old)
	g.exec(`set session_replication_role = origin`)
	other := id.New()
	g.exec(`insert into tenant (tenant_id, slug, name) values ($1, 'other', 'Other')`, other)
	g.exec(`insert into retention_rule (tenant_id, category, event, keep) values ($1, 'audit-log', 'recorded', null)`, other)
	g.exec(`set session_replication_role = replica`)
	g.exec(`insert into row_history (tenant_id, at, db_role, table_name, row_id, change) values ($1, $2, 'x', 'deal', gen_random_uuid(), 'insert')`, other, old)
	g.exec(`set session_replication_role = origin`)
	part := "row_history_" + old.Format("200601")
	exists := func() bool { return g.count(`select count(*) from pg_class where relname = $1`, part) == 1 }
	r, err := g.s.RunTenant(t.Context(), g.tenant, retention.Command, false)
	if err != nil || !exists() || r.Removed < 2000 {
		t.Errorf("another tenant keeps its log: %v, %+v, %v", exists(), r, err)
	}
	g.exec(`delete from row_history where tenant_id = $1`, other)
	r, err = g.s.RunTenant(t.Context(), g.tenant, retention.Command, false)
	if err != nil || exists() || r.Partitions == 0 || r.Bytes == 0 {
		t.Errorf("the month stands: %v, %+v, %v", exists(), r, err)
	}
	if n := g.count(`select count(*) from pg_class where relname in ('row_history_' || to_char(now() at time zone 'UTC', 'YYYYMM'), 'row_history_' || to_char(now() at time zone 'UTC' + interval '1 month', 'YYYYMM'))`); n != 2 {
		t.Errorf("%d of this month and the next stand", n)
	}
}

// An entry of the audit log goes by the period of its own category, and a month only when both are over.
func TestSecurityEventsHaveTheirOwnPeriod(t *testing.T) {
	t.Parallel()
	g := newProgramme(t)
	g.exec(`update tenant set deletion_requested_at = null`)
	g.at(time.Now())
	old := time.Now().AddDate(-3, 0, 0).UTC()
	g.exec(`select ensure_partitions($1, 1)`, old)
	part := "audit_entry_" + old.Format("200601")
	month := func() int64 { return g.count(`select count(*) from pg_class where relname = $1`, part) }
	left := func(category string) int64 {
		return g.count(`select count(*) from audit_entry where tenant_id = $1 and category = $2 and at = $3`, g.tenant, category, old)
	}
	keep := func(log, security any) {
		g.exec(`update retention_rule set keep = $2::text::interval where tenant_id = $1 and category = 'audit-log'`, g.tenant, log)
		g.exec(`update retention_rule set keep = $2::text::interval where tenant_id = $1 and category = 'security-event'`, g.tenant, security)
	}
	old = old.Truncate(time.Microsecond)
	for _, category := range []string{"audit-log", "security-event"} {
		for range 3 {
			g.put(declared{table: "audit_entry", category: category, events: map[string]string{"recorded": "at"}}, old, nil)
		}
	}
	for _, c := range []struct {
		log, security any
		logs, events  int64
		month         int64
	}{{nil, nil, 3, 3, 1}, {"10 years", "12 months", 3, 0, 1}, {nil, nil, 3, 0, 1}, {"12 months", "10 years", 0, 0, 0}} {
		keep(c.log, c.security)
		if c.log == nil && c.events == 3 && month() != 1 {
			t.Fatalf("no month %s", part)
		}
		if _, err := g.s.RunTenant(t.Context(), g.tenant, retention.Command, false); err != nil {
			t.Fatal(err)
		}
		if l, e, m := left("audit-log"), left("security-event"), month(); l != c.logs || e != c.events || m != c.month {
			t.Errorf("log %v, security %v: %d and %d left, %d months", c.log, c.security, l, e, m)
		}
	}
}

// An entry whose payload was erased for a person is an entry still: nothing keeps it beyond the last day of the others.
func TestErasedEntriesGoOnTheirDay(t *testing.T) {
	t.Parallel()
	g := newProgramme(t)
	g.exec(`update retention_rule set keep = '2 months' where category = 'audit-log'`)
	t0 := begin()
	g.at(t0)
	mark := id.New()
	g.put(declared{table: "audit_entry", category: "audit-log", events: map[string]string{"recorded": "at"}}, t0,
		map[string]any{"entry_id": mark, "commitment": `\x` + strings.Repeat("01", 32), "erased_at": t0})
	until := t0.Truncate(24*time.Hour).AddDate(0, 2, 1)
	for _, c := range []struct {
		at   time.Time
		want int64
	}{{until.Add(-40 * time.Minute), 1}, {until.Add(40 * time.Minute), 0}} {
		g.at(c.at)
		g.run()
		if n := g.count(`select count(*) from audit_entry where entry_id = $1`, mark); n != c.want {
			t.Errorf("%d of it there on %s", n, c.at.Format(time.DateTime))
		}
	}
}

// A programme that has nothing due gets its report all the same, and what only its history still says is not passed over.
func TestWhoHasNothingDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := datamap.ProfileOf("partners-one") // keeps its log indefinitely
	w.apply(p)
	first := w.tenant
	for _, slug := range []string{"quiet", "deleted-by-hand"} {
		w.tenant = id.New()
		w.exec(`insert into tenant (tenant_id, slug, name) values ($1, $2, $2)`, w.tenant, slug)
		w.apply(p)
		w.exec(`update retention_rule set keep = '12 months' where tenant_id = $1 and category = 'email-log'`, w.tenant)
	}
	byHand := w.tenant
	w.exec(`insert into mail (tenant_id, mail_id, template, to_email, subject, text_body, html_body) values ($1, gen_random_uuid(), 'x', 'kim@big.example', 'x', 'x', 'x')`, byHand)
	w.exec(`delete from mail where tenant_id = $1`, byHand)
	w.exec(`insert into retention_run (tenant_id, run_id, trigger, outcome, as_of, started_at, beat_at) select tenant_id, gen_random_uuid(), 'daily', 'running', now(), now(), now() - interval '3 minutes' from tenant where slug = 'quiet'`)
	said := func() int64 {
		return w.count(`select count(*) from row_history where table_name = 'mail' and (old_row::text like '%kim@big%' or new_row::text like '%kim@big%')`)
	}
	for _, c := range []struct {
		days int
		said int64
	}{{0, 2}, {367, 0}, {368, 0}} {
		w.at(begin().AddDate(0, 0, c.days))
		runs, err := w.s.RunAll(t.Context(), retention.Daily)
		if err != nil || len(runs) != 3 {
			t.Fatalf("%d reports, %v", len(runs), err)
		}
		for _, r := range runs {
			if r.Outcome != retention.Done || r.FinishedAt == nil || r.Removed != 0 {
				t.Errorf("%+v", r)
			}
		}
		if n := said(); n != c.said {
			t.Errorf("after %d days %d rows of the history say who got the mail", c.days, n)
		}
		if c.days == 0 && w.count(`select count(*) from retention_run r join retention_run o on o.run_id = r.continues and o.outcome = 'interrupted' where r.outcome = 'done' and r.finished_at is not null`) != 1 {
			t.Error("a run that was cut off is not continued")
		}
	}
	if n := w.count(`select count(*) from retention_run where tenant_id = $1 and outcome = 'done'`, first); n != 3 {
		t.Errorf("%d reports of the first", n)
	}
}

func TestRefusedInput(t *testing.T) {
	t.Parallel()
	g := newProgramme(t)
	ctx := t.Context()
	for _, in := range []retention.PlaceInput{{Kind: "deal", Object: g.deal, Reason: "x"}, {Kind: "person", Object: id.New(), Reason: "x"}, {Kind: "account", Object: g.acct},
		{Kind: "account", Object: g.acct, Reason: "x", Until: "yesterday"}, {Kind: "account", Object: g.acct, Reason: "x", Until: "2001-01-01"}} {
		if _, err := g.s.Place(ctx, g.admin, in); !errs.IsKind(err, errs.Invalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	for _, until := range []string{"soon", "2001-01-01", "9999-01-01"} {
		if _, err := g.s.Simulate(ctx, g.admin, until); !errs.IsKind(err, errs.Invalid) {
			t.Errorf("%s: %v", until, err)
		}
	}
	if _, err := g.s.Release(ctx, g.admin, retention.ReleaseInput{ID: id.New(), Reason: "x"}); !errs.IsKind(err, errs.NotFound) {
		t.Error(err)
	}
	nobody := g.admin
	nobody.Grants = map[access.Action]access.Scope{}
	if _, err := g.s.Start(ctx, nobody, retention.ByPage, true); !errs.IsKind(err, errs.Forbidden) {
		t.Error(err)
	}
}
