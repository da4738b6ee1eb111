package deal

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

// useCases calls every use case that names a deal, as who, about v.
func (w *world) useCases(who access.Actor, v id.ID) map[string]error {
	ctx, s, title := w.t.Context(), w.s, "taken over"
	out := map[string]error{}
	put := func(name string, err error) { out[name] = err }
	step := Step{ID: v}
	_, err := s.Get(ctx, who, v)
	put("get", err)
	_, err = s.Record(ctx, who, v)
	put("record", err)
	_, err = s.Notes(ctx, who, v)
	put("notes", err)
	_, err = s.Update(ctx, who, UpdateInput{ID: v, Title: &title})
	put("update", err)
	_, err = s.Submit(ctx, who, step)
	put("submit", err)
	_, err = s.Withdraw(ctx, who, WithdrawInput{Step: step})
	put("withdraw", err)
	_, err = s.Win(ctx, who, WinInput{Step: step})
	put("win", err)
	_, err = s.Lose(ctx, who, LoseInput{Step: step})
	put("lose", err)
	_, err = s.Move(ctx, who, MoveInput{ID: v, Stage: w.stages["Propose"]})
	put("move", err)
	_, err = s.Note(ctx, who, NoteInput{ID: v, Body: "hello"})
	put("note", err)
	_, err = s.Approve(ctx, who, step)
	put("approve", err)
	_, err = s.Reject(ctx, who, RejectInput{Step: step, Reason: "no"})
	put("reject", err)
	_, err = s.Return(ctx, who, ReturnInput{step, "more"})
	put("return", err)
	_, err = s.LookAlikes(ctx, who, v)
	put("lookalikes", err)
	return out
}

// A1, invariant 7: to another partner and to another tenant a deal answers exactly like an id that nobody has.
func TestForeignDealsDoNotExist(t *testing.T) {
	w := newWorld(t)
	d := w.submitted(w.partner, "kunde.de")
	before := w.count(`select count(*) from row_history where table_name like 'deal%'`)
	for _, who := range []access.Actor{w.rival, w.foreign} {
		who.Grants = map[access.Action]access.Scope{ActWithdraw: access.All}
		for act, sc := range role.Grants(role.Admin) {
			who.Grants[act] = sc
		}
		theirs, nobodys := w.useCases(who, d.ID), w.useCases(who, id.New())
		for name, err := range theirs {
			if !errs.Is(err, "deal.not_found") || nobodys[name] == nil || err.Error() != nobodys[name].Error() {
				t.Errorf("%s, %s: %v; a random id: %v", who.Name, name, err, nobodys[name])
			}
		}
		if n := w.count(`select count(*) from audit_entry where tenant_id = $1 and actor_id = $2 and object_id = $3 and outcome = 'denied' and partner_id is null`,
			who.Tenant, who.Member, d.ID); n != len(theirs) {
			t.Errorf("%s: %d of %d refusals on record", who.Name, n, len(theirs))
		}
	}
	if n := w.count(`select count(*) from row_history where table_name like 'deal%'`); n != before {
		t.Errorf("%d rows changed", n-before)
	}
	if got, err := w.s.Get(t.Context(), w.agent, d.ID); err != nil || got.Version != d.Version {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNobodyAndNoGrant(t *testing.T) {
	w := newWorld(t)
	d := w.submitted(w.partner, "kunde.de")
	bare := w.staff
	bare.Grants = nil
	for name, err := range w.useCases(bare, d.ID) {
		if !errs.Is(err, "denied") {
			t.Errorf("without grants, %s: %v", name, err)
		}
	}
	for name, err := range w.useCases(access.Actor{}, d.ID) {
		if !errs.IsKind(err, errs.Unauthenticated) {
			t.Errorf("nobody, %s: %v", name, err)
		}
	}
}

// An agent changes own deals only, unless the programme lets agents change their company's.
func TestAgentsOwn(t *testing.T) {
	w := newWorld(t)
	d, title := w.draft(w.partner, "kunde.de"), "Better title"
	if _, err := w.s.Get(t.Context(), w.agent, d.ID); err != nil {
		t.Errorf("an agent sees the company's deals: %v", err)
	}
	_, err := w.s.Update(t.Context(), w.agent, UpdateInput{ID: d.ID, Title: &title})
	wantCode(t, err, "denied")
	_, err = w.s.Submit(t.Context(), w.agent, Step{ID: d.ID})
	wantCode(t, err, "denied")
	own := w.draft(w.agent, "eigen.de")
	if _, err = w.s.Update(t.Context(), w.agent, UpdateInput{ID: own.ID, Title: &title}); err != nil {
		t.Error(err)
	}
	w.exec(`update tenant set agent_edits = 'company' where slug = 'acme'`)
	if _, err = w.s.Update(t.Context(), w.agent, UpdateInput{ID: d.ID, Title: &title}); err != nil {
		t.Errorf("agents may edit the company's deals: %v", err)
	}
}

// Invariant 2, 3 and 4, A60: whatever the program asks for, the database refuses a partner's decision.
func TestDatabaseRefusesDecisions(t *testing.T) {
	w := newWorld(t)
	d, held := w.submitted(w.partner, "kunde.de"), w.approved(w.partner, "fest.de")
	forged := w.partner
	forged.Grants = role.Grants(role.Admin)
	step := Step{ID: d.ID}
	for name, err := range map[string]error{
		"approve": func() error { _, err := w.s.Approve(t.Context(), forged, step); return err }(),
		"reject": func() error {
			_, err := w.s.Reject(t.Context(), forged, RejectInput{Step: step, Reason: "x"})
			return err
		}(),
		"return": func() error { _, err := w.s.Return(t.Context(), forged, ReturnInput{step, "x"}); return err }(),
	} {
		if !errs.IsKind(err, errs.Forbidden) {
			t.Errorf("%s with forged grants: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		who  access.Actor
		sql  string
		args []any
		ck   string
	}{
		"prolong":       {w.partner, `update deal set protected_until = protected_until + interval '1 day' where deal_id = $1`, []any{held.ID}, "deal_decision_vendor_ck"},
		"protect":       {w.partner, `update deal set protected_until = now() where deal_id = $1`, []any{d.ID}, "deal_decision_vendor_ck"},
		"unprotect":     {w.partner, `update deal set protected_until = null where deal_id = $1`, []any{held.ID}, "deal_decision_vendor_ck"},
		"win undecided": {w.partner, `update deal set state = 'won', closed_on = now() where deal_id = $1`, []any{d.ID}, "deal_decision_vendor_ck"},
		"back to draft": {w.partner, `update deal set state = 'draft' where deal_id = $1`, []any{held.ID}, "deal_decision_vendor_ck"},
		"stretch claim": {w.partner, `update deal_claim set period = tstzrange(lower(period), null) where deal_id = $1`, []any{held.ID}, "deal_claim_vendor_ck"},
		"another key":   {w.partner, `update deal_claim set claim_key = 'd:x.de' where deal_id = $1`, []any{held.ID}, "deal_claim_vendor_ck"},
		"own approval":  {w.staff, `update deal set state = 'approved', decided_by = $2, owner_id = $2 where deal_id = $1`, []any{d.ID, w.staff.Member}, "deal_four_eyes_ck"},
		"nobody's":      {w.staff, `update deal set state = 'approved' where deal_id = $1`, []any{d.ID}, "deal_four_eyes_ck"},
		"another's":     {w.staff, `update deal set state = 'approved', decided_by = $2 where deal_id = $1`, []any{d.ID, w.boss.Member}, "deal_four_eyes_ck"},
	} {
		_, err := op.Write(t.Context(), w.ops, c.who, ActNote, func(tx *op.Tx) (int, error) {
			_, err := tx.Exec(t.Context(), c.sql, c.args...)
			return 0, err
		})
		if got := pg.Constraint(err); got != c.ck {
			t.Errorf("%s: %q, %v; want %s", name, got, err, c.ck)
		}
	}
}

// Invariant 1 under a race: two managers approve two partners' registrations of one customer at once.
func TestTwoApprovalsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.ops.Listeners = nil
	for round := range 50 {
		a, b := w.submitted(w.partner, "kunde.de"), w.submitted(w.rival, "kunde.de")
		errsOf := w.atOnce(
			func(ctx context.Context) error { _, err := w.s.Approve(ctx, w.staff, Step{ID: a.ID}); return err },
			func(ctx context.Context) error { _, err := w.s.Approve(ctx, w.boss, Step{ID: b.ID}); return err })
		if (errsOf[0] == nil) == (errsOf[1] == nil) || !errs.Is(errors.Join(errsOf...), "deal.protected") {
			t.Fatalf("round %d: %v", round, errsOf)
		}
		if n := w.count(`select count(*) from deal where state = 'approved'`); n != 1 {
			t.Fatalf("round %d: %d approved", round, n)
		}
		winner := a.ID
		who := w.partner
		if errsOf[0] != nil {
			winner, who = b.ID, w.rival
		}
		w.pass(time.Second)
		if _, err := w.s.Withdraw(t.Context(), who, WithdrawInput{Step: Step{ID: winner}}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
	}
}

// The exclusion constraint holds without the lock and the look that come before it.
func TestClaimConstraint(t *testing.T) {
	w := newWorld(t)
	a, b := w.approved(w.partner, "kunde.de"), w.draft(w.rival, "kunde.de")

	_, err := w.super.Exec(t.Context(), sqlClaim, w.staff.Tenant, id.New(), b.ID, b.Partner, a.ClaimKey, w.now().Add(time.Hour), w.now().Add(2*time.Hour))
	if pg.Constraint(err) != "deal_claim_one_ex" {
		t.Errorf("%v", err)
	}
}

// A60: of several decisions on one version exactly one is taken.
func TestDecisionsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.ops.Listeners = nil
	d := w.submitted(w.partner, "kunde.de")
	step := Step{ID: d.ID, Version: d.Version}
	got := w.atOnce(
		func(ctx context.Context) error { _, err := w.s.Approve(ctx, w.staff, step); return err },
		func(ctx context.Context) error { _, err := w.s.Approve(ctx, w.boss, step); return err },
		func(ctx context.Context) error {
			_, err := w.s.Reject(ctx, w.boss, RejectInput{Step: step, Reason: "x"})
			return err
		},
		func(ctx context.Context) error {
			_, err := w.s.Return(ctx, w.staff, ReturnInput{step, "x"})
			return err
		})
	done := 0
	for _, err := range got {
		if err == nil {
			done++
		} else if !errs.Is(err, "deal.stale") && !errs.Is(err, "deal.state") {
			t.Errorf("%v", err)
		}
	}
	if done != 1 {
		t.Errorf("%d decisions: %v", done, got)
	}
}

func (w *world) atOnce(fns ...func(context.Context) error) []error {
	out, ready := make([]error, len(fns)), make(chan struct{})
	var wg sync.WaitGroup
	for i, fn := range fns {
		wg.Go(func() {
			<-ready
			out[i] = fn(w.t.Context())
		})
	}
	close(ready)
	wg.Wait()
	return out
}

// A retried request has one effect and the same answer; the same key for something else is refused.
func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	who := w.partner
	who.Request = access.Request{IdempotencyKey: "k1", BodyHash: "h1"}
	a, err := w.s.Create(t.Context(), who, w.facts("kunde.de"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.s.Create(t.Context(), who, w.facts("kunde.de"))
	if err != nil || a.ID != b.ID || b.Title != a.Title || *b.AmountMinor != *a.AmountMinor || !b.CreatedAt.Equal(a.CreatedAt) {
		t.Errorf("%+v, %v", b, err)
	}
	if n := w.count(`select count(*) from deal`); n != 1 {
		t.Errorf("%d deals", n)
	}
	who.Request.BodyHash = "h2"
	_, err = w.s.Create(t.Context(), who, w.facts("kunde.de"))
	wantCode(t, err, "idempotency.reused")
}
