// Package partnerapi is the API door of the partner room.
package partnerapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/partner"
)

type routes struct{ partners *partner.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *partner.Service) {
	h := routes{s}
	door.Register(a, partner.ActCreate, huma.Operation{Method: "POST", Path: "/partners", Summary: "Add a partner company", DefaultStatus: http.StatusCreated}, h.create)
	door.Register(a, partner.ActList, huma.Operation{Method: "GET", Path: "/partners", Summary: "List partner companies",
		Description: "A partner's people see their own company only."}, h.list)
	door.Register(a, partner.ActRead, huma.Operation{Method: "GET", Path: "/partners/{id}", Summary: "Read a partner company"}, h.read)
	door.Register(a, partner.ActUpdate, huma.Operation{Method: "PATCH", Path: "/partners/{id}", Summary: "Change a partner company"}, h.update)
	a.Raw("GET", "/partners.csv", partner.ActList, "Export partner companies as CSV", h.export(false), exported("partner.export_csv"))
	a.Raw("GET", "/partners.json", partner.ActList, "Export partner companies as JSON", h.export(true), exported("partner.export_json"))
}

func (h routes) create(ctx context.Context, who access.Actor, in *createIn) (*out, error) {
	return answer(h.partners.Create(ctx, who, in.input()))
}

func (h routes) update(ctx context.Context, who access.Actor, in *updateIn) (*out, error) {
	return answer(h.partners.Update(ctx, who, in.ID, in.Version, in.input()))
}

func (h routes) read(ctx context.Context, who access.Actor, in *readIn) (*out, error) {
	return answer(h.partners.Get(ctx, who, in.ID))
}

func answer(p partner.Partner, err error) (*out, error) {
	if err != nil {
		return nil, err
	}
	return &out{ETag: httpx.ETag(p.Version), Body: wire(p)}, nil
}

func (h routes) list(ctx context.Context, who access.Actor, in *listIn) (*pageOut, error) {
	page, err := h.partners.List(ctx, who, in.query())
	if err != nil {
		return nil, err
	}
	items := make([]Partner, len(page.Items))
	for i, p := range page.Items {
		items[i] = wire(p)
	}
	return &pageOut{Page{Items: items, NextCursor: page.Next}}, nil
}

// exported describes an export in the OpenAPI document: its name and its filters.
func exported(operation string) func(*huma.Operation) {
	return func(op *huma.Operation) {
		op.OperationID = operation
		op.Description = "Takes the filters and the order of the list. Every row is sent, as it is read."
		for _, name := range []string{"q", "status", "kind", "country", "sort"} {
			op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "query", Schema: &huma.Schema{Type: "string"}})
		}
	}
}

func (h routes) export(asJSON bool) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		v := r.URL.Query()
		q := partner.Query{Text: v.Get("q"), Status: v.Get("status"), Kind: v.Get("kind"), Country: v.Get("country"), Sort: v.Get("sort")}
		return h.partners.Export(r.Context(), who, q, door.APITable(w, "partners", asJSON))
	}
}
