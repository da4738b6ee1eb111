package retention_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/retention"
)

// programme is a small world of related rows, all of them past every period.
type programme struct {
	*world
	north, south, pat, acct, contact, deal, other, note id.ID
}

func newProgramme(t *testing.T) *programme {
	t.Helper()
	w := newWorld(t)
	t0 := begin().AddDate(0, 0, -1)
	p, _ := datamap.ProfileOf(datamap.DefaultProfile)
	w.at(t0)
	w.apply(p)
	g := &programme{world: w, north: id.New(), south: id.New(), pat: id.New(), acct: id.New(), contact: id.New(), deal: id.New(), other: id.New(), note: id.New()}
	stage := w.stage()
	for partner, name := range map[id.ID]string{g.north: "North", g.south: "South"} {
		w.exec(`insert into partner (tenant_id, partner_id, name) values ($1, $2, $3)`, w.tenant, partner, name)
	}
	w.exec(`insert into member (tenant_id, member_id, partner_id, role, name, email, status) values ($1, $2, $3, 'partner', 'Pat', 'pat@north.example', 'active')`, w.tenant, g.pat, g.north)
	w.exec(`insert into account (tenant_id, account_id, name) values ($1, $2, 'Konex')`, w.tenant, g.acct)
	w.exec(`insert into contact (tenant_id, contact_id, account_id, name, email) values ($1, $2, $3, 'Kim', 'kim@konex.example')`, w.tenant, g.contact, g.acct)
	w.exec(`insert into deal (tenant_id, deal_id, partner_id, account_id, title, state, stage_id, currency) values ($1, $2, $3, $4, 'Big deal', 'draft', $5, 'EUR')`, w.tenant, g.deal, g.north, g.acct, stage)
	w.exec(`insert into deal (tenant_id, deal_id, partner_id, title, state, stage_id, currency) values ($1, $2, $3, 'Other deal', 'draft', $4, 'EUR')`, w.tenant, g.other, g.south, stage)
	w.exec(`insert into deal_note (tenant_id, note_id, deal_id, author_id, author_name, author_side, body) values ($1, $2, $3, $4, 'Pat', 'partner', 'A word about Kim')`, w.tenant, g.note, g.other, g.pat)
	for to, about := range map[string]id.ID{"pat@north.example": g.deal, "kim@konex.example": g.other, "stranger@else.example": id.New()} {
		w.exec(`insert into mail (tenant_id, mail_id, template, to_email, subject, text_body, html_body, object_id, created_at) values ($1, gen_random_uuid(), 'x', $2, 'About '||$2, 'x', 'x', $3, $4)`, w.tenant, to, about, t0)
	}
	w.exec(`update tenant set deletion_requested_at = $2 where tenant_id = $1`, w.tenant, t0)
	return g
}

func (g *programme) left(table string) int64 {
	g.Helper()
	return g.count(`select count(*) from app.`+table+` where tenant_id = $1`, g.tenant)
}

func (g *programme) hold(in retention.PlaceInput) retention.Hold {
	g.Helper()
	in.Reason = "Dispute 14"
	h, err := g.s.Place(g.Context(), g.admin, in)
	if err != nil {
		g.Fatal(err)
	}
	return h
}

// later is past every period of the default profile.
func (g *programme) later() { g.at(begin().AddDate(8, 0, 0)) }

// Invariant 3, from kind to kind: what refers to a held object stays, the rest goes; released, it goes too.
func TestHoldsWin(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		place func(g *programme) retention.PlaceInput
		left  map[string]int64
	}{
		{"nothing", nil, map[string]int64{"deal": 0, "account": 0, "contact": 0, "mail": 0, "deal_note": 0}},
		{"a user", func(g *programme) retention.PlaceInput { return retention.PlaceInput{Kind: "person", Object: g.pat} },
			map[string]int64{"deal": 1, "deal_note": 1, "contact": 0, "mail": 1, "account": 0}},
		{"a contact", func(g *programme) retention.PlaceInput {
			return retention.PlaceInput{Kind: "person", Object: g.contact}
		},
			map[string]int64{"contact": 1, "mail": 1, "deal": 0}},
		{"an account", func(g *programme) retention.PlaceInput { return retention.PlaceInput{Kind: "account", Object: g.acct} },
			map[string]int64{"account": 1, "deal": 1, "contact": 1, "mail": 1}},
		{"a partner", func(g *programme) retention.PlaceInput { return retention.PlaceInput{Kind: "partner", Object: g.south} },
			map[string]int64{"deal": 1, "deal_note": 1, "mail": 1, "account": 0}},
		{"the programme", func(*programme) retention.PlaceInput { return retention.PlaceInput{Kind: "tenant"} },
			map[string]int64{"deal": 2, "account": 1, "contact": 1, "mail": 3, "deal_note": 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newProgramme(t)
			var h retention.Hold
			if c.place != nil {
				h = g.hold(c.place(g))
			}
			g.later()
			r := g.run()
			for table, want := range c.left {
				if n := g.left(table); n != want {
					t.Errorf("%s: %d rows left, want %d", table, n, want)
				}
			}
			if c.place == nil {
				return
			}
			if r.Held == 0 {
				t.Errorf("the report says nothing of what is held: %+v", r)
			}
			if _, err := g.s.Release(t.Context(), g.admin, retention.ReleaseInput{ID: h.ID, Reason: "settled"}); err != nil {
				t.Fatal(err)
			}
			g.run()
			for table := range c.left {
				if n := g.left(table); n != 0 {
					t.Errorf("%s: %d rows left after the release", table, n)
				}
			}
		})
	}
}

// F17: a hold that is being placed is waited for; one that comes while a batch is at work waits for that batch only.
func TestHoldPlacedDuringARunWins(t *testing.T) {
	t.Parallel()
	g := newProgramme(t)
	g.later()
	ctx := t.Context()
	tx, err := g.super.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, `insert into legal_hold (tenant_id, hold_id, kind, object_id, reason) values ($1, gen_random_uuid(), 'account', $2, 'x')`, g.tenant, g.acct); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := g.s.RunTenant(context.WithoutCancel(ctx), g.tenant, retention.Command, false)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("the run did not wait for the hold: %v", err)
	case <-time.After(700 * time.Millisecond):
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if g.left("account") != 1 || g.left("contact") != 1 {
		t.Error("the hold lost")
	}
	// The other way round: the batch is first.
	batch, err := g.ops.DB.Pool(pg.Worker).Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = batch.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := batch.Exec(ctx, `select set_config('app.tenant_id', $1, true)`, g.tenant.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := batch.Exec(ctx, `select app.reap('deal', 'customer-data', 10, false)`); err != nil {
		t.Fatal(err)
	}
	g.exec(`set lock_timeout = '200ms'`)
	_, err = g.super.Exec(ctx, `insert into legal_hold (tenant_id, hold_id, kind, object_id, reason) values ($1, gen_random_uuid(), 'partner', $2, 'x')`, g.tenant, g.south)
	if err == nil || !strings.Contains(err.Error(), "lock timeout") {
		t.Errorf("a hold went past a batch at work: %v", err)
	}
}

// A duty wins over a shorter rule, and ends.
func TestLegalDutyWins(t *testing.T) {
	t.Parallel()
	g := newProgramme(t)
	if _, err := g.s.SetDuty(t.Context(), g.admin, retention.DutyInput{Category: "email-log", Event: "recorded", Keep: "3 years", Reason: "Section 257 HGB: business letters"}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []retention.DutyInput{{Category: "mails", Event: "recorded", Keep: "3 years", Reason: "x"}, {Category: "email-log", Event: "solved", Keep: "3 years", Reason: "x"},
		{Category: "email-log", Event: "recorded", Keep: "-3 years", Reason: "x"}, {Category: "email-log", Event: "recorded", Keep: "3 years"}} {
		if _, err := g.s.SetDuty(t.Context(), g.admin, bad); !errs.IsKind(err, errs.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	g.at(begin().AddDate(2, 0, 0))
	g.run()
	if n := g.left("mail"); n != 3 {
		t.Errorf("%d mails, want those that the law asks for", n)
	}
	s, err := g.s.State(t.Context(), g.admin)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Categories {
		if c.ID == "email-log" && (c.Duty == nil || c.Duty.Reason == "" || c.LastDay == nil || c.LastDay.Before(begin().AddDate(3, 0, -2))) {
			t.Errorf("the duty is not shown: %+v", c)
		}
	}
	g.at(begin().AddDate(3, 0, 2))
	g.run()
	if n := g.left("mail"); n != 0 {
		t.Errorf("%d mails after the duty", n)
	}
}

// Invariant 2: nobody deletes before its time, and the logs have no other way.
func TestTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	g := newProgramme(t)
	ctx := t.Context()
	worker := g.ops.DB.Pool(pg.Worker)
	for _, sql := range []string{`delete from row_history`, `delete from audit_entry`, `update row_history set old_row = null`, `select app.retention_history('mail', '{}')`, `insert into clock_shift (shift) values ('9 years')`,
		`select app.drop_month('row_history_` + time.Now().UTC().Format("200601") + `')`} {
		if _, err := worker.Exec(ctx, sql); err == nil {
			t.Errorf("the worker persona may: %s", sql)
		}
	}
	tx, err := worker.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	// A clock that the program says counts for nothing.
	if _, err := tx.Exec(ctx, `select set_config('app.tenant_id', $1, true), set_config('app.now', '2099-01-01T00:00:00Z', true)`, g.tenant.String()); err != nil {
		t.Fatal(err)
	}
	var n int64
	if err := tx.QueryRow(ctx, `select (app.reap('row_history', 'audit-log', 1000, false)).removed + (app.reap('mail', 'email-log', 1000, false)).removed`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows deleted before their time, error %v", n, err)
	}
}
