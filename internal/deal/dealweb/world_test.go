package dealweb_test

import (
	"context"
	"testing"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/deal/dealweb"
	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/partner"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// form makes a form's body of pairs.
var form = doortest.Form

type world struct {
	*doortest.World
	deals  *deal.Service
	stages map[string]string // address form of the stages' ids, by name
}

func build(t testing.TB) *world {
	t.Helper()
	w := &world{World: doortest.New(t), stages: map[string]string{}}
	w.deals = deal.New(w.Ops)
	owners := func(_ context.Context, who access.Actor, _ id.ID) ([]ui.Option, error) {
		if !who.May("person.list") {
			return nil, nil
		}
		return []ui.Option{{Value: w.Actors["agent"].Member.String(), Label: "Abe Agent"}, {Value: w.Actors["partner"].Member.String(), Label: "Pat Partner"}}, nil
	}
	dealweb.Routes(w.Web, w.deals, dealweb.Deps{Page: w.Page, Partners: partner.New(w.Ops), Tenants: tenant.New(w.Ops), Trail: trail.New(w.Ops), Owners: owners})
	all, err := w.deals.Stages(t.Context(), w.Actors["staff"])
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		w.stages[s.Name] = s.ID.String()
	}
	return w
}

// draft, submitted and approved bring a deal of somebody to a state; Sam Staff decides.
func (w *world) draft(as, title, domain string) deal.Deal {
	w.T.Helper()
	amount := int64(12_400_00)
	in := deal.CreateInput{Title: title, AmountMinor: &amount, Currency: "EUR", ExpectedCloseOn: "2027-03-28"}
	if domain != "" {
		in.Account = deal.AccountFacts{Name: title, Domain: domain, Country: "DE"}
	}
	d, err := w.deals.Create(w.T.Context(), w.Actors[as], in)
	if err != nil {
		w.T.Fatal(err)
	}
	return d
}

func (w *world) submitted(as, title, domain string) deal.Deal {
	w.T.Helper()
	d, err := w.deals.Submit(w.T.Context(), w.Actors[as], deal.Step{ID: w.draft(as, title, domain).ID})
	if err != nil {
		w.T.Fatal(err)
	}
	return d
}

func (w *world) approved(as, title, domain string) deal.Deal {
	w.T.Helper()
	d, err := w.deals.Approve(w.T.Context(), w.Actors["staff"], deal.Step{ID: w.submitted(as, title, domain).ID})
	if err != nil {
		w.T.Fatal(err)
	}
	return d
}

func (w *world) state(v id.ID) (state string) {
	w.T.Helper()
	if err := w.Super.QueryRow(w.T.Context(), `select state from deal where deal_id = $1`, v).Scan(&state); err != nil {
		w.T.Fatal(err)
	}
	return state
}

func (w *world) count(sql string, args ...any) (n int) {
	w.T.Helper()
	if err := w.Super.QueryRow(w.T.Context(), sql, args...).Scan(&n); err != nil {
		w.T.Fatal(err)
	}
	return n
}

func href(d deal.Deal) string { return "/deals/" + d.ID.String() }
