package privacy

import (
	"strings"
	"testing"
	"time"

	"entente.dev/internal/account"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/errs"
)

// What an erasure took does not come back through the versions of a record: neither the person nor a mention of them.
func TestErasedDoesNotComeBackByVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	deals, accounts := deal.New(w.ops), account.New(w.ops)
	ada := w.contact(w.staff, "Ada Lovelace", "ada@example.com", "+31 6 1234 5678")
	d := w.deal(w.staff, "Roof for Ada Lovelace")
	w.clock.Store(time.Now().UnixMicro()) // the scene is set by SQL, at the machine's time
	title, product := "Roof", "Tiles"
	if _, err := deals.Update(ctx, w.staff, deal.UpdateInput{ID: d, Title: &title, Product: &product}); err != nil {
		t.Fatal(err)
	}
	if seen, err := deals.Version(ctx, w.staff, d, 1); err != nil || seen.Back["title"] != [2]any{"Roof", "Roof for Ada Lovelace"} {
		t.Fatalf("before: %+v, %v", seen, err)
	}
	w.erased(Subject{Email: "ada@example.com"})
	if _, err := accounts.ContactVersions(ctx, w.staff, ada, trail.VersionQuery{}); !errs.Is(err, "contact.not_found") {
		t.Errorf("error %v", err)
	}
	page, err := deals.Versions(ctx, w.staff, d, trail.VersionQuery{})
	if err != nil || len(page.Items) != 2 || strings.Contains(page.Items[0].Changes["title"][0].(string), "Ada") {
		t.Errorf("%+v, %v", page, err)
	}
	done, err := deals.Restore(ctx, w.staff, d, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Kept) != 1 || done.Kept[0].Column != "title" || done.Kept[0].Then != nil || len(done.Back) != 1 {
		t.Errorf("%+v", done)
	}
	if now, err := deals.Get(ctx, w.staff, d); err != nil || now.Title != "Roof" || now.Product != "" {
		t.Errorf("%+v, %v", now, err)
	}
}
