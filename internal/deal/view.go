package deal

import (
	"context"
	"slices"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// viewLists are the lists that can have saved views.
var viewLists = []string{"deals", "partners", "accounts", "contacts"}

// Views returns the actor's saved views of a list, by name.
func (s *Service) Views(ctx context.Context, who access.Actor, list string) ([]View, error) {
	if !slices.Contains(viewLists, list) {
		return nil, errs.Refused([]errs.Field{badList()})
	}
	var out []View
	err := op.Batch(ctx, s.ops, who, ActViews, func(r *op.Reads) {
		r.Query(sqlViews, []any{who.Tenant, who.Member, list}, views(&out))
	})
	return out, err
}

func badList() errs.Field {
	return errs.Field{Name: "list", Code: "field.choice", Msg: "Use one of: " + strings.Join(viewLists, ", ") + "."}
}

// SaveView keeps a list's address under a name; the actor's view of that name is replaced. Invalid names list, name or query.
func (s *Service) SaveView(ctx context.Context, who access.Actor, in ViewInput) (View, error) {
	return op.Write(ctx, s.ops, who, ActSaveView, func(tx *op.Tx) (View, error) {
		if err := tx.Allow(access.Object{Partner: who.Partner, Owner: who.Member}); err != nil {
			return View{}, err
		}
		var p problems
		v := View{ID: id.New(), List: in.List, CreatedAt: tx.Now}
		v.Name = p.Text("name", in.Name, 60)
		p.Need("name", v.Name)
		v.Query = p.Text("query", strings.TrimPrefix(in.Query, "?"), 2000)
		if !slices.Contains(viewLists, in.List) {
			p.Problems = append(p.Problems, badList())
		}
		if err := errs.Refused(p.Problems); err != nil {
			return v, err
		}
		if err := saveView(ctx, tx, &v); err != nil {
			return v, err
		}
		tx.Audit(audit.Change{Type: "saved_view", ID: v.ID, Label: v.Name, Partner: who.Partner, After: v})
		return v, nil
	})
}

// DeleteView removes one of the actor's views. NotFound "view.not_found".
func (s *Service) DeleteView(ctx context.Context, who access.Actor, v id.ID) error {
	_, err := op.Write(ctx, s.ops, who, ActDeleteView, func(tx *op.Tx) (struct{}, error) {
		tx.About("saved_view", v)
		if err := tx.Allow(access.Object{Partner: who.Partner, Owner: who.Member}); err != nil {
			return struct{}{}, err
		}
		gone, err := deleteView(ctx, tx, v)
		if err != nil {
			return struct{}{}, err
		}
		tx.Audit(audit.Change{Type: "saved_view", ID: v, Label: gone.Name, Partner: who.Partner, Before: gone})
		return struct{}{}, nil
	})
	return err
}
