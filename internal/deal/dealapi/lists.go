package dealapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

func (h routes) list(ctx context.Context, who access.Actor, in *listIn) (*pageOut, error) {
	page, err := h.deals.List(ctx, who, in.query())
	if err != nil {
		return nil, err
	}
	items := make([]Deal, len(page.Items))
	for i := range page.Items {
		items[i] = wire(who, &page.Items[i])
	}
	return &pageOut{Page{Items: items, NextCursor: page.Next}}, nil
}

func (h routes) queue(ctx context.Context, who access.Actor, in *queueIn) (*queueOut, error) {
	page, err := h.deals.Queue(ctx, who, deal.QueueQuery{Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	var o queueOut
	o.Body.NextCursor = page.Next
	for i := range page.Items {
		o.Body.Items = append(o.Body.Items, Waiting{wire(who, &page.Items[i].Deal), wireAlike(who, page.Items[i].Alike)})
	}
	return &o, nil
}

func (h routes) lookAlikes(ctx context.Context, who access.Actor, in *oneIn) (*alikeOut, error) {
	all, err := h.deals.LookAlikes(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	var o alikeOut
	o.Body.Items = wireAlike(who, all)
	return &o, nil
}

func (h routes) stages(ctx context.Context, who access.Actor, _ *struct{}) (*stagesOut, error) {
	all, err := h.deals.Stages(ctx, who)
	if err != nil {
		return nil, err
	}
	var o stagesOut
	for _, s := range all {
		o.Body.Items = append(o.Body.Items, Stage{s.ID, s.Name, s.Position, s.Probability, s.Kind})
	}
	return &o, nil
}

// filters are the query parameters of an export: those of the list but for the pages.
var filters = []string{"state", "stage", "partner_id", "owner_id", "account_id", "account", "currency", "q", "created_from", "created_to",
	"close_from", "close_to", "amount_min", "amount_max", "sort"}

// exported describes an export in the OpenAPI document: its name and its filters.
func exported(operation, media string) func(*huma.Operation) {
	return func(op *huma.Operation) {
		op.OperationID = operation
		op.Description = "Takes the filters and the order of the list. Every row is sent, as it is read."
		op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{media: {}}}}
		for _, name := range filters {
			op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "query", Schema: &huma.Schema{Type: "string"}})
		}
	}
}

func (h routes) export(asJSON bool) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		q, err := exportQuery(r)
		if err != nil {
			return err
		}
		return h.deals.Export(r.Context(), who, q, door.APITable(w, "deals", asJSON))
	}
}

// exportQuery reads the filters; the room checks what they mean.
func exportQuery(r *http.Request) (deal.Query, error) {
	v := r.URL.Query()
	var bad []errs.Field
	ref := func(name string) id.ID {
		out, ok := id.Parse(v.Get(name))
		if !ok && v.Get(name) != "" {
			bad = append(bad, errs.Field{Name: name, Code: "field.id", Msg: "Give an id as this API returned it: a UUID."})
		}
		return out
	}
	amount := func(name string) *int64 {
		if v.Get(name) == "" {
			return nil
		}
		n, err := strconv.ParseInt(v.Get(name), 10, 64)
		if err != nil {
			bad = append(bad, errs.Field{Name: name, Code: "field.type", Msg: "Give a whole number."})
		}
		return &n
	}
	q := deal.Query{State: deal.State(v.Get("state")), Stage: v.Get("stage"), Partner: ref("partner_id"), Owner: ref("owner_id"), Account: ref("account_id"),
		NoAccount: v.Get("account") == "none", Currency: v.Get("currency"), Q: v.Get("q"), CreatedFrom: deal.Day(v.Get("created_from")),
		CreatedTo: deal.Day(v.Get("created_to")), CloseFrom: deal.Day(v.Get("close_from")), CloseTo: deal.Day(v.Get("close_to")),
		MinMinor: amount("amount_min"), MaxMinor: amount("amount_max"), Sort: v.Get("sort")}
	if a := v.Get("account"); a != "" && a != "none" {
		bad = append(bad, errs.Field{Name: "account", Code: "field.choice", Msg: "Use one of: none."})
	}
	return q, errs.Refused(bad)
}

func (h routes) viewRoutes(a *door.API) {
	door.Register(a, deal.ActViews, huma.Operation{Method: "GET", Path: "/views", Summary: "List one's saved views of a list"}, h.views)
	door.Register(a, deal.ActSaveView, huma.Operation{Method: "POST", Path: "/views", Summary: "Save a view of a list", DefaultStatus: http.StatusCreated,
		Description: "One's view of the same name is replaced."}, h.saveView)
	door.Register(a, deal.ActDeleteView, huma.Operation{Method: "DELETE", Path: "/views/{id}", Summary: "Delete one's saved view", DefaultStatus: http.StatusNoContent}, h.deleteView)
}

func (h routes) views(ctx context.Context, who access.Actor, in *viewsIn) (*viewsOut, error) {
	all, err := h.deals.Views(ctx, who, in.List)
	if err != nil {
		return nil, err
	}
	var o viewsOut
	for _, v := range all {
		o.Body.Items = append(o.Body.Items, wireView(v))
	}
	return &o, nil
}

func (h routes) saveView(ctx context.Context, who access.Actor, in *viewIn) (*viewOut, error) {
	v, err := h.deals.SaveView(ctx, who, deal.ViewInput(in.Body))
	if err != nil {
		return nil, err
	}
	return &viewOut{wireView(v)}, nil
}

func (h routes) deleteView(ctx context.Context, who access.Actor, in *oneIn) (*struct{}, error) {
	return nil, h.deals.DeleteView(ctx, who, in.ID)
}
