package partnerweb

import (
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/partner"
	"entente.dev/internal/ui"
)

type listView struct {
	ui.List
	who      access.Actor
	partners []partner.Partner
	problems []errs.Field // of filters nobody can use
}

// list shows the programme's partners; a partner's people are led to their own company.
func (p pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	if who.Persona == access.Partner {
		httpx.SeeOther(w, r, "/partners/"+who.Partner.String())
		return nil
	}
	v := listView{List: ui.ListOf(r), who: who}
	v.Noun, v.Sort = "partners", orElse(v.Sort, partner.Sorts[0])
	page, err := p.Partners.List(r.Context(), who, queryOf(v.List))
	status, problems, err := ui.FilterProblems(err)
	if err != nil {
		return err
	}
	v.problems = problems
	v.partners, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	pg, err := p.Page(w, r, who, "Partners", "partners")
	if err != nil {
		return err
	}
	pg.Actions = listTools(v)
	return ui.Render(w, r, status, listPage(pg, v))
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

var kindLabels = map[string]string{"reseller": "Reseller", "referrer": "Referrer", "distributor": "Distributor", "agency": "Agency", "technology": "Technology"}

var statusLabels = map[string]string{"active": "Active", "invited": "Invited", "suspended": "Suspended", "ended": "Ended"}

func choices(values []string, labels map[string]string) []ui.Option {
	out := make([]ui.Option, len(values))
	for i, v := range values {
		out[i] = ui.Option{Value: v, Label: labels[v]}
	}
	return out
}

func kinds() []ui.Option    { return choices(partner.Kinds, kindLabels) }
func statuses() []ui.Option { return choices(partner.Statuses, statusLabels) }

func countries() []ui.Option {
	all := country.All()
	out := make([]ui.Option, len(all))
	for i, c := range all {
		out[i] = ui.Option{Value: c.Code, Label: c.Name}
	}
	return out
}
