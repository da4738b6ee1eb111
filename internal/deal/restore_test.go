package deal

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/optest"
)

func ptr[T any](v T) *T { return &v }

func (w *world) update(in UpdateInput) Deal {
	w.t.Helper()
	d, err := w.s.Update(w.t.Context(), w.staff, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) restore(d id.ID, number int) trail.Comparison {
	w.t.Helper()
	c, err := w.s.Restore(w.t.Context(), w.staff, d, number, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func keptOf(c trail.Comparison) (out []string) {
	for _, k := range c.Kept {
		out = append(out, k.Column)
	}
	return out
}

// Restoring brings back the facts exactly, and nothing that a step of the registration wrote.
func TestRestore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	in := w.facts("konex.example")
	in.ExpectedCloseOn, in.Product, in.ExternalID, in.Owner = "2026-09-01", "Robot", "", w.agent.Member
	first, err := w.s.Create(ctx, w.partner, in)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	if _, err := w.s.Submit(ctx, w.partner, Step{ID: first.ID}); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.update(UpdateInput{ID: first.ID, Title: ptr("Wrong"), Owner: ptr(id.Nil), Account: &AccountFacts{Name: "Zot", Domain: "zot.example", Country: "FR"}, AmountMinor: ptr(int64(5)), Currency: ptr("USD"),
		ExpectedCloseOn: ptr(Day("")), Product: ptr(""), ExternalID: ptr("crm-9")})
	w.pass(time.Minute)

	page, err := w.s.Versions(ctx, w.staff, first.ID, trail.VersionQuery{})
	if err != nil || len(page.Items) != 3 || page.Current != 3 {
		t.Fatalf("%+v, %v", page, err)
	}
	if top := page.Items[0]; top.Actor != "Sam" || top.Changes["owner_id"] != [2]any{"Al", ""} || top.Changes["amount_minor"] != [2]any{125000.0, 5.0} || top.Changes["account_id"] != [2]any{} {
		t.Errorf("%+v", top)
	}
	if page.Items[1].Did() != "submitted" || page.Items[2].Did() != "registered" || page.Items[2].Actor != "Pat" {
		t.Errorf("%+v", page.Items)
	}
	if _, err := w.s.Restore(ctx, w.staff, first.ID, 1, 2); !errs.Is(err, "deal.stale") {
		t.Errorf("error %v", err)
	}
	if _, err := w.s.Restore(ctx, w.partner, first.ID, 1, 3); !errs.Is(err, "denied") {
		t.Errorf("error %v", err)
	}
	seen, err := w.s.Version(ctx, w.boss, first.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	done := w.restore(first.ID, 1)
	if diff := cmp.Diff(seen.Back, done.Back); diff != "" || done.Current != 4 || !slices.Equal(keptOf(done), []string{"answer", "state"}) {
		t.Errorf("%+v %s", done, diff)
	}
	now, err := w.s.Get(ctx, w.staff, first.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := first
	want.State, want.Answer, want.SubmittedAt, want.Version, want.UpdatedAt = StateSubmitted, now.Answer, now.SubmittedAt, 4, now.UpdatedAt
	if diff := cmp.Diff(want, now); diff != "" || now.ClaimKey == "" {
		t.Error(diff)
	}
	lines := optest.Told(t, w.ops, w.super, `action = 'deal.restore' and outcome = 'done'`)
	if len(lines) != 1 || !strings.HasPrefix(lines[0].Note, "Version 1 of 28 Mar 2026, 12:00") || !strings.Contains(string(lines[0].Changes), `"Wrong"`) {
		t.Errorf("%+v", lines)
	}
	if _, err := w.s.Restore(ctx, w.staff, first.ID, 4, 0); !errs.Is(err, "version.nothing") {
		t.Errorf("error %v", err)
	}
	// The partner sees the restored account, as after any change of it.
	if n := w.count(`select count(*) from account_partner where partner_id = $1 and account_id = $2`, first.Partner, first.Account); n != 1 {
		t.Errorf("%d shares", n)
	}
}

// A protected customer comes back with its claim, unless somebody else is protected for it by now.
func TestRestoreTakesTheClaimAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	d := w.approved(w.partner, "konex.example")
	w.pass(time.Minute)
	w.update(UpdateInput{ID: d.ID, Title: ptr("Other"), Account: &AccountFacts{Name: "Zot", Domain: "zot.example", Country: "DE"}})
	w.pass(time.Minute)
	w.restore(d.ID, d.Version)
	held := func(key string) int {
		return w.count(`select count(*) from deal_claim where deal_id = $1 and claim_key = $2 and period @> $3::timestamptz`, d.ID, key, w.now().Add(time.Second))
	}
	now, _ := w.s.Get(ctx, w.staff, d.ID)
	if held(d.ClaimKey) != 1 || held(now.ClaimKey) != 1 || now.ClaimKey != d.ClaimKey || now.State != StateApproved || !now.Protected(w.now()) {
		t.Errorf("claims %d, deal %+v", held(d.ClaimKey), now)
	}
	w.pass(time.Minute)
	w.update(UpdateInput{ID: d.ID, Title: ptr("Other again"), Account: &AccountFacts{Name: "Zot", Domain: "zot.example", Country: "DE"}})
	w.pass(time.Minute)
	w.approved(w.rival, "konex.example")
	c := w.restore(d.ID, d.Version)
	if !slices.Equal(keptOf(c), []string{"account_domain", "account_name"}) || !strings.Contains(c.Kept[0].Why, "protected for South until") || len(c.Back) != 1 {
		t.Errorf("%+v", c)
	}
	if now, _ = w.s.Get(ctx, w.staff, d.ID); now.Title != d.Title || now.AccountDomain != "zot.example" {
		t.Errorf("%+v", now)
	}
}

// What the rules refuse today stays as it is, with the reason.
func TestRestoreKeepsWhatRulesRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	in := w.facts("konex.example")
	in.Partner, in.Owner, in.ExternalID, in.AmountMinor = w.partner.Partner, w.agent.Member, "crm-1", nil
	d, err := w.s.Create(ctx, w.boss, in)
	if err != nil {
		t.Fatal(err)
	}
	w.update(UpdateInput{ID: d.ID, Title: ptr("Wrong"), Owner: &w.partner.Member, AmountMinor: ptr(int64(7)), ExternalID: ptr(""), Account: &AccountFacts{Name: "Zot", Domain: "zot.example"}})
	if _, err := w.s.Submit(ctx, w.staff, Step{ID: d.ID}); err != nil {
		t.Fatal(err)
	}
	other := w.facts("else.example")
	other.ExternalID = "crm-1"
	if _, err := w.s.Create(ctx, w.boss, other); err != nil {
		t.Fatal(err)
	}
	w.exec(`update member set status = 'removed' where member_id = $1`, w.agent.Member)
	w.exec(`update row_history set new_row = new_row || '{"account_id": "018f0000-0000-7000-8000-000000000000"}' where row_id = $1 and new_row ->> 'version' = '1'`, d.ID)
	c := w.restore(d.ID, 1)
	if got := keptOf(c); !slices.Equal(got, []string{"account_country", "account_domain", "account_name", "amount_minor", "answer", "external_id", "owner_id", "state"}) || len(c.Back) != 1 {
		t.Errorf("kept %v, back %v", got, c.Back)
	}
	// A deal that is closed is not touched, and says so beforehand.
	if _, err := w.s.Withdraw(ctx, w.partner, WithdrawInput{Step: Step{ID: d.ID}}); err != nil {
		t.Fatal(err)
	}
	if seen, err := w.s.Version(ctx, w.staff, d.ID, 2); err != nil || !strings.Contains(seen.Refused, "withdrawn and cannot be changed") {
		t.Errorf("%+v, %v", seen, err)
	}
	if _, err := w.s.Restore(ctx, w.staff, d.ID, 2, 0); !errs.Is(err, "deal.state") {
		t.Errorf("error %v", err)
	}
}

func TestVersionsOfForeignDeals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft(w.partner, "konex.example")
	for _, c := range []struct {
		who  access.Actor
		deal id.ID
		code string
	}{{w.foreign, d.ID, "deal.not_found"}, {w.staff, id.New(), "deal.not_found"}, {w.agent, d.ID, "denied"}, {w.rival, d.ID, "denied"}, {access.Actor{}, d.ID, "unauthenticated"}} {
		_, list := w.s.Versions(t.Context(), c.who, c.deal, trail.VersionQuery{})
		_, show := w.s.Version(t.Context(), c.who, c.deal, 1)
		_, back := w.s.Restore(t.Context(), c.who, c.deal, 1, 0)
		for _, err := range []error{list, show, back} {
			if !errs.Is(err, c.code) {
				t.Errorf("error %v, want %s", err, c.code)
			}
		}
	}
	if _, err := w.s.Version(t.Context(), w.staff, d.ID, 2); !errs.Is(err, "version.not_found") {
		t.Errorf("error %v", err)
	}
}
