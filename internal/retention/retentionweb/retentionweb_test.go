package retentionweb_test

import (
	"context"
	"testing"

	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/retention"
	"entente.dev/internal/retention/retentionweb"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The forms are sent with every field that their pages draw.
func TestHoldsAndDuties(t *testing.T) {
	w := doortest.New(t)
	retentionweb.Routes(w.Web, retentionweb.Deps{Page: w.Page, Retention: retention.New(w.Ops, retention.Options{Expire: map[string]func(context.Context, id.ID, bool) (int64, error){}})})
	form := doortest.Form
	north := w.Actors["partner"].Partner.String()
	w.Run(t, []doortest.Case{
		{Name: "blank", As: "admin", Ask: "GET /retention/holds/new?kind=partner&q=north", Status: 200, Want: []string{"form[action=/retention/holds] input[name=_idempotency]", "input[name=object][value=" + north + "]"}},
		{Name: "no reason", As: "admin", Ask: "POST /retention/holds", Body: form("_idempotency", "a", "kind", "partner", "q", "north", "object", north, "reason", "", "until", ""), Status: 422, Want: []string{".error-summary", "input[name=q][value=north]"}},
		{Name: "place", As: "admin", Ask: "POST /retention/holds", Body: form("_idempotency", "b", "kind", "partner", "q", "north", "object", north, "reason", "Dispute 2026-14", "until", ""), Status: 303, Audit: []string{"hold.place"}},
		{Name: "held", As: "admin", Ask: "GET /retention/holds", Status: 200, Want: []string{"~Dispute 2026-14"}},
		{Name: "duty", As: "admin", Ask: "POST /retention/duties", Body: form("_idempotency", "c", "category", "legal-entity", "keep", "10 years", "event", "relation-end", "reason", "Section 147 AO"), Status: 303, Audit: []string{"duty.set"}},
	})
}
