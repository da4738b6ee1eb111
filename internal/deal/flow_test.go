package deal

import (
	"slices"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/optest"
)

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if !errs.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestCreate(t *testing.T) {
	w := newWorld(t)
	d := w.draft(w.partner, "kunde.de")
	if d.State != StateDraft || d.Partner != w.partner.Partner || d.PartnerName != "North" || d.Owner != w.partner.Member || d.OwnerName != "Pat" ||
		d.StageName != "Qualify" || d.ClaimKey != "d:kunde.de" || d.AccountCountry != "DE" || d.Account == id.Nil || d.Version != 1 || d.Source != "portal" {
		t.Errorf("%+v", d)
	}
	got, err := w.s.Get(t.Context(), w.agent, d.ID)
	if err != nil || got.Title != d.Title || !got.CreatedAt.Equal(start) || got.ClaimKey != d.ClaimKey {
		t.Errorf("%+v, %v", got, err)
	}
	if n := w.count(`select count(*) from audit_entry where object_id = $1 and action = 'deal.create' and partner_id = $2`, d.ID, d.Partner); n != 1 {
		t.Errorf("%d audit entries", n)
	}
	if n := w.count(`select count(*) from row_history where row_id = $1 and change = 'insert'`, d.ID); n != 1 {
		t.Errorf("%d rows of history", n)
	}
	own := w.draft(w.staff, "direkt.de")
	if own.Partner != id.Nil || own.Owner != id.Nil || own.Source != "vendor" || own.CreatedBy != w.staff.Member {
		t.Errorf("the vendor's own pursuit: %+v", own)
	}
	in := w.facts("mail.de")
	in.Partner, in.Currency = w.rival.Partner, ""
	behalf, err := w.s.Create(t.Context(), w.staff, in)
	if err != nil || behalf.Partner != w.rival.Partner || behalf.Currency != "EUR" {
		t.Errorf("on behalf: %+v, %v", behalf, err)
	}
}

// The same customer named twice by one partner is one account; another partner gets its own record of it.
func TestCreateSharesNoAccounts(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.draft(w.partner, "kunde.de"), w.draft(w.agent, "www.Kunde.de"), w.draft(w.rival, "kunde.de")
	if a.Account != b.Account || a.Account == c.Account || a.ClaimKey != c.ClaimKey {
		t.Errorf("accounts %v, %v, %v; keys %s, %s", a.Account, b.Account, c.Account, a.ClaimKey, c.ClaimKey)
	}
}

func TestCreateRefuses(t *testing.T) {
	w := newWorld(t)
	huge, negative := int64(MaxAmountMinor+1), int64(-1)
	_, err := w.s.Create(t.Context(), w.partner, CreateInput{Title: " ", AmountMinor: &huge, Currency: "XXX", ExpectedCloseOn: "2026-02-30", Product: strings.Repeat("x", 121)})
	var names []string
	for _, f := range errs.Of(err).Fields {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "title amount_minor currency expected_close_on product" {
		t.Errorf("A65: fields %q (%v)", got, err)
	}
	_, err = w.s.Create(t.Context(), w.partner, CreateInput{Title: "x", AmountMinor: &negative, Currency: "EUR"})
	if !errs.IsKind(err, errs.Invalid) {
		t.Errorf("negative: %v", err)
	}
	_, err = w.s.Create(t.Context(), w.partner, CreateInput{Title: "x", Currency: "EUR", Account: AccountFacts{Name: "K", Domain: "not a domain", Country: "ZZ"}})
	if f := errs.Of(err).Fields; len(f) != 2 || f[0].Name != "account.domain" || f[1].Name != "account.country" {
		t.Errorf("account: %v", err)
	}
	for name, c := range map[string]struct {
		who  access.Actor
		in   CreateInput
		code string
	}{
		"a partner names another partner":    {w.partner, CreateInput{Title: "x", Partner: w.rival.Partner}, "partner.not_found"},
		"a partner names nobody's id":        {w.partner, CreateInput{Title: "x", Partner: id.New()}, "partner.not_found"},
		"staff name another tenant's":        {w.foreign, CreateInput{Title: "x", Partner: w.rival.Partner}, "partner.not_found"},
		"staff name a suspended one":         {w.staff, CreateInput{Title: "x", Partner: w.lapsed}, "partner.closed"},
		"an owner of another partner":        {w.partner, CreateInput{Title: "x", Owner: w.rival.Member}, "member.not_found"},
		"staff give it to a foreign partner": {w.staff, CreateInput{Title: "x", Partner: w.partner.Partner, Owner: w.rival.Member}, "member.not_found"},
		"an account nobody shared":           {w.partner, CreateInput{Title: "x", AccountID: w.draft(w.rival, "rival.de").Account}, "account.not_found"},
	} {
		_, err := w.s.Create(t.Context(), c.who, c.in)
		if !errs.Is(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	in := w.facts("eins.de")
	in.ExternalID = "CRM-1"
	if _, err := w.s.Create(t.Context(), w.partner, in); err != nil {
		t.Fatal(err)
	}
	_, err = w.s.Create(t.Context(), w.partner, in)
	wantCode(t, err, "deal.external_taken")
	d, err := w.s.Create(t.Context(), w.rival, in) // another partner's ids are its own: taken would tell who else works with the customer
	if err != nil {
		t.Fatal(err)
	}
	staffs := w.facts("zwei.de")
	staffs.ExternalID, staffs.Partner = "CRM-2", w.partner.Partner
	if _, err := w.s.Create(t.Context(), w.staff, staffs); err != nil {
		t.Fatal(err)
	}
	second := "CRM-2"
	if _, err = w.s.Update(t.Context(), w.rival, UpdateInput{ID: d.ID, Version: d.Version, ExternalID: &second}); err != nil {
		t.Errorf("a partner learns which ids the vendor uses: %v", err)
	}
}

func TestWholeLife(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	d := w.submitted(w.agent, "kunde.de")
	if d.State != StateSubmitted || d.Answer != Free || d.Version != 2 || !d.SubmittedAt.Equal(start) {
		t.Fatalf("%+v", d)
	}
	d, err := w.s.Return(ctx, w.staff, ReturnInput{Step{ID: d.ID, Note: "call them"}, "Which product?"})
	if err != nil || d.State != StateReturned || d.Reason != "Which product?" {
		t.Fatalf("%+v, %v", d, err)
	}
	product := "GTX"
	if d, err = w.s.Update(ctx, w.agent, UpdateInput{ID: d.ID, Version: d.Version, Product: &product}); err != nil || d.Product != "GTX" {
		t.Fatalf("%+v, %v", d, err)
	}
	if d, err = w.s.Submit(ctx, w.agent, Step{ID: d.ID}); err != nil || d.Reason != "" || d.DecidedBy != id.Nil {
		t.Fatalf("%+v, %v", d, err)
	}
	w.pass(time.Hour)
	if d, err = w.s.Approve(ctx, w.staff, Step{ID: d.ID, Version: d.Version}); err != nil {
		t.Fatal(err)
	}
	if until := w.now().AddDate(0, 0, 90); !d.ProtectedUntil.Equal(until) || d.DecidedBy != w.staff.Member || !d.Protected(w.now()) {
		t.Errorf("%+v", d)
	}
	if d, err = w.s.Move(ctx, w.agent, MoveInput{ID: d.ID, Stage: w.stages["Propose"]}); err != nil || d.StageName != "Propose" {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err = w.s.Win(ctx, w.agent, WinInput{Step: Step{ID: d.ID}}); err != nil || d.StageName != "Won" || d.ClosedOn != "2026-03-28" {
		t.Errorf("%+v, %v", d, err)
	}
	if n := w.count(`select count(*) from deal_claim where deal_id = $1 and period @> $2::timestamptz`, d.ID, w.now().AddDate(0, 0, 89)); n != 1 {
		t.Error("invariant 4: winning ended the claim")
	}
	want := "deal.submitted deal.returned deal.submitted deal.approved deal.won"
	if got := strings.Join(w.events, " "); got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	rec, err := w.s.Record(ctx, w.agent, d.ID)
	if err != nil || len(rec.Timeline) != 8 || rec.Timeline[0].Action != "deal.win" || len(rec.Stages) != 4 || rec.Claim == nil || len(rec.Notes) != 0 || rec.DecidedByName != "" {
		t.Errorf("%d entries, %d notes, %v: %v", len(rec.Timeline), len(rec.Notes), rec.Claim, err)
	}
	if c := rec.Timeline[0].Changes["stage_id"]; c[0] != "Propose" || c[1] != "Won" {
		t.Errorf("the timeline tells ids, not names: %v", rec.Timeline[0].Changes)
	}
	if rec, err = w.s.Record(ctx, w.boss, d.ID); err != nil || len(rec.Notes) != 1 || !rec.Notes[0].Internal || rec.DecidedByName != "Sam" {
		t.Errorf("%+v, %v", rec.Notes, err)
	}
}

func TestSubmitNeedsFacts(t *testing.T) {
	w := newWorld(t)
	d, err := w.s.Create(t.Context(), w.partner, CreateInput{Title: "Idea"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.s.Submit(t.Context(), w.partner, Step{ID: d.ID})
	if f := errs.Of(err).Fields; len(f) != 2 || f[0].Name != "account.name" || f[1].Name != "amount_minor" {
		t.Errorf("%v", err)
	}
}

func TestReject(t *testing.T) {
	w := newWorld(t)
	d := w.submitted(w.partner, "kunde.de")
	for _, in := range []RejectInput{{}, {Code: "other"}, {Code: "because"}, {Reason: strings.Repeat("x", 2001)}} {
		in.ID = d.ID
		if _, err := w.s.Reject(t.Context(), w.staff, in); !errs.IsKind(err, errs.Invalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	got, err := w.s.Reject(t.Context(), w.staff, RejectInput{Step: Step{ID: d.ID}, Code: "existing_customer"})
	if err != nil || got.State != StateRejected || got.ReasonCode != "existing_customer" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = w.s.Approve(t.Context(), w.staff, Step{ID: d.ID})
	wantCode(t, err, "deal.state")
}

// A60: one's own, one's own on behalf of a partner, and a stale version.
func TestApproveRefuses(t *testing.T) {
	w := newWorld(t)
	own := w.submitted(w.staff, "direkt.de")
	_, err := w.s.Approve(t.Context(), w.staff, Step{ID: own.ID})
	wantCode(t, err, "deal.own")
	if _, err = w.s.Approve(t.Context(), w.boss, Step{ID: own.ID}); err != nil {
		t.Errorf("a colleague approves: %v", err)
	}
	in := w.facts("mail.de")
	in.Partner, in.Owner = w.partner.Partner, w.partner.Member
	behalf, err := w.s.Create(t.Context(), w.staff, in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.s.Submit(t.Context(), w.staff, Step{ID: behalf.ID}); err != nil {
		t.Fatal(err)
	}
	_, err = w.s.Approve(t.Context(), w.staff, Step{ID: behalf.ID})
	wantCode(t, err, "deal.own")

	// A service account is its maker's hand: it cannot approve what the maker registered.
	hand := w.staff
	hand.Kind, hand.Member = access.Service, id.New()
	w.exec(`insert into member (tenant_id, member_id, kind, role, name, status) values ($1, $2, 'service', 'staff', 'bot', 'active')`, hand.Tenant, hand.Member)
	w.exec(`insert into api_key (tenant_id, key_id, member_id, name, prefix, key_hash, created_by) values ($1, $2, $3, 'bot', 'x', 'x', $4)`,
		hand.Tenant, id.New(), hand.Member, w.staff.Member)
	_, err = w.s.Approve(t.Context(), hand, Step{ID: behalf.ID})
	wantCode(t, err, "deal.own")

	d := w.submitted(w.partner, "kunde.de")
	_, err = w.s.Approve(t.Context(), w.staff, Step{ID: d.ID, Version: d.Version - 1})
	wantCode(t, err, "deal.stale")
	_, err = w.s.Approve(t.Context(), w.partner, Step{ID: d.ID})
	wantCode(t, err, "denied")
}

// Invariant 1, in sequence: the second approval names the holder, and what ends a claim gives the customer free.
func TestOneClaim(t *testing.T) {
	w := newWorld(t)
	first := w.approved(w.partner, "kunde.de")
	d := w.submitted(w.rival, "shop.kunde.de")
	if d.Answer != Taken {
		t.Errorf("answer %s", d.Answer)
	}
	_, err := w.s.Approve(t.Context(), w.staff, Step{ID: d.ID})
	wantCode(t, err, "deal.protected")
	if !strings.Contains(err.Error(), "North") || !strings.Contains(err.Error(), "2026-06-26") {
		t.Errorf("staff are not told by whom and until when: %v", err)
	}
	if first, err = w.s.Withdraw(t.Context(), w.partner, WithdrawInput{Step: Step{ID: first.ID}, Reason: "gone"}); err != nil || first.Protected(w.now()) {
		t.Fatalf("%+v, %v", first, err)
	}
	w.pass(time.Second)
	if _, err = w.s.Approve(t.Context(), w.staff, Step{ID: d.ID}); err != nil {
		t.Errorf("after the withdrawal: %v", err)
	}
	if _, err = w.s.Lose(t.Context(), w.rival, LoseInput{Step: Step{ID: d.ID}}); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	w.approved(w.partner, "kunde.de")
}

func TestMoveToTheEnds(t *testing.T) {
	w := newWorld(t)
	d := w.submitted(w.partner, "kunde.de")
	_, err := w.s.Move(t.Context(), w.partner, MoveInput{ID: d.ID, Stage: w.stages["Won"]})
	wantCode(t, err, "deal.state")
	_, err = w.s.Move(t.Context(), w.partner, MoveInput{ID: d.ID, Stage: id.New()})
	if f := errs.Of(err).Fields; len(f) != 1 || f[0].Name != "stage_id" {
		t.Errorf("%v", err)
	}
	d = w.approved(w.partner, "firma.de")
	d, err = w.s.Move(t.Context(), w.partner, MoveInput{ID: d.ID, Stage: w.stages["Lost"], Reason: "price"})
	if err != nil || d.State != StateLost || d.ClosedOn == "" || d.Reason != "price" || w.events[len(w.events)-1] != "deal.lost" {
		t.Errorf("%+v, %v", d, err)
	}
	if n := w.count(`select count(*) from audit_entry where object_id = $1 and action = 'deal.lose'`, d.ID); n != 1 {
		t.Errorf("%d entries deal.lose", n)
	}
	narrow := w.partner
	narrow.Grants = map[access.Action]access.Scope{ActMove: access.All}
	d = w.approved(w.partner, "dritte.de")
	_, err = w.s.Move(t.Context(), narrow, MoveInput{ID: d.ID, Stage: w.stages["Won"]})
	wantCode(t, err, "denied")
}

func TestExpire(t *testing.T) {
	w := newWorld(t)
	d, young := w.approved(w.partner, "alt.de"), Deal{}
	w.pass(30 * 24 * time.Hour)
	young = w.approved(w.partner, "jung.de")
	w.pass(60*24*time.Hour + time.Second)
	for i, want := range []int{1, 0} {
		if n, err := w.s.Expire(t.Context(), w.staff.Tenant); err != nil || n != want {
			t.Errorf("run %d: %d, %v", i, n, err)
		}
	}
	got, err := w.s.Get(t.Context(), w.partner, d.ID)
	if err != nil || got.State != StateExpired || got.Protected(w.now()) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, _ = w.s.Get(t.Context(), w.partner, young.ID); got.State != StateApproved {
		t.Errorf("%s", got.State)
	}
	if n := w.count(`select count(*) from audit_entry where object_id = $1 and action = 'deal.expire' and actor_kind = 'system'`, d.ID); n != 1 {
		t.Errorf("%d entries", n)
	}
	w.approved(w.rival, "alt.de")
	if _, err := w.s.Win(t.Context(), w.partner, WinInput{Step: Step{ID: d.ID}, ClosedOn: "2026-06-01"}); err != nil {
		t.Errorf("an expired deal can still be won: %v", err)
	}
}

func TestClosingDays(t *testing.T) {
	w := newWorld(t)
	w.exec(`update tenant set time_zone = 'Pacific/Auckland' where slug = 'acme'`)
	d := w.approved(w.partner, "kunde.de")
	for _, day := range []Day{"2026-03-30", "2026-02-30", "soon"} {
		_, err := w.s.Win(t.Context(), w.partner, WinInput{Step: Step{ID: d.ID}, ClosedOn: day})
		if f := errs.Of(err).Fields; len(f) != 1 || f[0].Name != "closed_on" {
			t.Errorf("%s: %v", day, err)
		}
	}
	if d, err := w.s.Win(t.Context(), w.partner, WinInput{Step: Step{ID: d.ID}}); err != nil || d.ClosedOn != "2026-03-29" {
		t.Errorf("today is a day ahead in Auckland: %s, %v", d.ClosedOn, err)
	}
}

func TestUpdateTakesTheClaimAlong(t *testing.T) {
	w := newWorld(t)
	w.approved(w.rival, "vergeben.de")
	d := w.approved(w.partner, "kunde.de")
	w.pass(time.Minute)
	_, err := w.s.Update(t.Context(), w.staff, UpdateInput{ID: d.ID, Account: &AccountFacts{Name: "Vergeben", Domain: "vergeben.de"}})
	wantCode(t, err, "deal.protected")
	got, err := w.s.Update(t.Context(), w.staff, UpdateInput{ID: d.ID, Account: &AccountFacts{Name: "Neu", Domain: "neu.de"}})
	if err != nil || got.ClaimKey != "d:neu.de" || !got.ProtectedUntil.Equal(*d.ProtectedUntil) {
		t.Fatalf("%+v, %v", got, err)
	}
	if a, err := w.s.Check(t.Context(), w.rival, CheckInput{Domain: "neu.de"}); err != nil || a != Taken {
		t.Errorf("%s, %v", a, err)
	}
	if a, err := w.s.Check(t.Context(), w.rival, CheckInput{Domain: "kunde.de"}); err != nil || a != Free {
		t.Errorf("%s, %v", a, err)
	}
	if got, err = w.s.Update(t.Context(), w.staff, UpdateInput{ID: d.ID, Title: &got.Title}); err != nil || got.Version != d.Version+1 {
		t.Errorf("a change of nothing raised the version: %d, %v", got.Version, err)
	}
	_, err = w.s.Update(t.Context(), w.partner, UpdateInput{ID: d.ID, Title: &got.Title})
	wantCode(t, err, "deal.state")
}

func TestCheck(t *testing.T) {
	w := newWorld(t)
	w.submitted(w.rival, "kunde.de")
	for _, c := range []struct {
		in   CheckInput
		want Answer
	}{
		{CheckInput{Domain: "https://www.kunde.de/shop"}, Look},
		{CheckInput{Domain: "andere.de"}, Free},
		{CheckInput{Domain: "andere.de", Name: "Firma Kunde.de GmbH"}, Look},
		{CheckInput{Name: "Niemand AG"}, Free},
		{CheckInput{Name: "Firma Kunden.de"}, Look},
	} {
		if got, err := w.s.Check(t.Context(), w.partner, c.in); err != nil || got != c.want {
			t.Errorf("%+v: %s, %v", c.in, got, err)
		}
	}
	for _, in := range []CheckInput{{}, {Domain: "no domain"}, {Domain: "gmail.com"}, {Domain: "kunde.de", Country: "Atlantis"}} {
		if _, err := w.s.Check(t.Context(), w.partner, in); !errs.IsKind(err, errs.Invalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	told := optest.Told(t, w.ops, w.super, `action = 'deal.check' and actor_id = $1`, w.partner.Member)
	if len(told) != 5 || slices.ContainsFunc(told, func(l optest.Line) bool { return l.Note == "" }) {
		t.Errorf("checks on record: %+v", told)
	}
	var err error
	for range 60 {
		if _, err = w.s.Check(t.Context(), w.partner, CheckInput{Domain: "kunde.de"}); err != nil {
			break
		}
	}
	if !errs.IsKind(err, errs.Throttled) || errs.Of(err).RetryAfter <= 0 {
		t.Errorf("the 65th check in a minute: %v", err)
	}
	if _, err = w.s.Check(t.Context(), w.rival, CheckInput{Domain: "kunde.de"}); err != nil {
		t.Errorf("one asker throttles another: %v", err)
	}
	w.pass(time.Minute)
	if _, err = w.s.Check(t.Context(), w.partner, CheckInput{Domain: "kunde.de"}); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestNotes(t *testing.T) {
	w := newWorld(t)
	d := w.draft(w.partner, "kunde.de")
	for _, c := range []struct {
		who      access.Actor
		internal bool
		want     bool
	}{{w.partner, true, false}, {w.staff, true, true}, {w.staff, false, false}} {
		n, err := w.s.Note(t.Context(), c.who, NoteInput{ID: d.ID, Body: "from " + c.who.Name, Internal: c.internal})
		if err != nil || n.Internal != c.want {
			t.Errorf("%s: %+v, %v", c.who.Name, n, err)
		}
	}
	for who, want := range map[string]int{"partner": 2, "staff": 3} {
		notes, err := w.s.Notes(t.Context(), map[string]access.Actor{"partner": w.partner, "staff": w.staff}[who], d.ID)
		if err != nil || len(notes) != want {
			t.Errorf("%s reads %d notes, %v", who, len(notes), err)
		}
	}
	rec, err := w.s.Record(t.Context(), w.partner, d.ID)
	if err != nil || len(rec.Timeline) != 3 {
		t.Errorf("the partner's timeline tells of internal notes: %d entries, %v", len(rec.Timeline), err)
	}
	if _, err := w.s.Note(t.Context(), w.partner, NoteInput{ID: d.ID, Body: "  "}); !errs.IsKind(err, errs.Invalid) {
		t.Errorf("empty: %v", err)
	}
}

func TestViews(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	v, err := w.s.SaveView(ctx, w.partner, ViewInput{List: "deals", Name: "Mine", Query: "?state=draft"})
	if err != nil || v.Query != "state=draft" {
		t.Fatalf("%+v, %v", v, err)
	}
	again, err := w.s.SaveView(ctx, w.partner, ViewInput{List: "deals", Name: "Mine", Query: "state=won"})
	if err != nil || again.ID != v.ID {
		t.Errorf("%+v, %v", again, err)
	}
	if views, err := w.s.Views(ctx, w.partner, "deals"); err != nil || len(views) != 1 || views[0].Query != "state=won" {
		t.Errorf("%+v, %v", views, err)
	}
	for _, other := range []access.Actor{w.agent, w.staff, w.foreign} {
		if views, err := w.s.Views(ctx, other, "deals"); err != nil || len(views) != 0 {
			t.Errorf("%s sees %+v, %v", other.Name, views, err)
		}
		wantCode(t, w.s.DeleteView(ctx, other, v.ID), "view.not_found")
	}
	if err := w.s.DeleteView(ctx, w.partner, v.ID); err != nil {
		t.Error(err)
	}
	if _, err := w.s.SaveView(ctx, w.partner, ViewInput{List: "people", Name: ""}); len(errs.Of(err).Fields) != 2 {
		t.Errorf("%v", err)
	}
}
