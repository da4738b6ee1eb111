package partner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

// Query says which partners to list, in which order.
type Query struct {
	Text    string // part of the name
	Status  string
	Kind    string
	Country string
	Sort    string // one of Sorts; "" is the first
	Limit   int
	Cursor  string
}

// Sorts are the orders a list can have.
var Sorts = []string{"name", "-name", "created", "-created"}

// Page is one page of a list; Next is the cursor of the next page, "" on the last.
type Page struct {
	Items []Partner
	Next  string
}

// check refuses what the query may not ask and fills in the order.
func (q *Query) check() error {
	if q.Sort == "" {
		q.Sort = Sorts[0]
	}
	var bad []errs.Field
	if q.Status != "" && !slices.Contains(Statuses, q.Status) {
		bad = append(bad, errs.Field{Name: "status", Code: "field.choice", Msg: "Choose one of " + strings.Join(Statuses, ", ") + "."})
	}
	if q.Kind != "" && !slices.Contains(Kinds, q.Kind) {
		bad = append(bad, errs.Field{Name: "kind", Code: "field.choice", Msg: "Choose one of " + strings.Join(Kinds, ", ") + "."})
	}
	if !slices.Contains(Sorts, q.Sort) {
		bad = append(bad, errs.Field{Name: "sort", Code: "field.choice", Msg: "Sort by one of " + strings.Join(Sorts, ", ") + "."})
	}
	return errs.Refused(bad)
}

// List returns one page of the partners that the actor may see.
func (s *Service) List(ctx context.Context, who access.Actor, q Query) (Page, error) {
	if err := q.check(); err != nil {
		return Page{}, err
	}
	limit := page.Limit(q.Limit)
	sql, args, err := s.listSQL(who, q, limit+1)
	if err != nil {
		return Page{}, err
	}
	var out Page
	err = op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sql, args, func(rows pgx.Rows) error { out.Items, err = pgx.CollectRows(rows, scan); return err })
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(last Partner) string {
		return s.cursor(who, q.Sort, last)
	})
	for i := range out.Items {
		out.Items[i] = out.Items[i].shown(who)
	}
	return out, err
}

// Each calls fn for every partner that q names and the actor may see, in order, without holding them in memory.
func (s *Service) Each(ctx context.Context, who access.Actor, q Query, fn func(Partner) error) error {
	if err := q.check(); err != nil {
		return err
	}
	q.Cursor = ""
	sql, args, err := s.listSQL(who, q, page.MaxExport)
	if err != nil {
		return err
	}
	return op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sql, args, func(rows pgx.Rows) error {
			return pg.Each(rows, scan, func(p Partner) error { return fn(p.shown(who)) })
		})
	})
}

func (s *Service) listSQL(who access.Actor, q Query, limit int) (string, []any, error) {
	where := []string{"tenant_id = $1"}
	args := []any{who.Tenant}
	add := func(cond string, v any) {
		args = append(args, v)
		where = append(where, fmt.Sprintf(cond, len(args)))
	}
	if q.Status != "" {
		add("status = $%d", q.Status)
	}
	if q.Kind != "" {
		add("kind = $%d", q.Kind)
	}
	if q.Country != "" {
		add("country = $%d", strings.ToUpper(q.Country))
	}
	if n := orgname.SearchText(q.Text); n != "" {
		add("position($%d in lower(name)) > 0", n)
	}
	key, desc := strings.CutPrefix(q.Sort, "-")
	column, way, after := "name_norm", "", ">"
	if key == "created" {
		column = "created_at"
	}
	if desc {
		way, after = " desc", "<"
	}
	if q.Cursor != "" {
		at, last, err := s.position(who, q)
		if err != nil {
			return "", nil, err
		}
		args = append(args, at, last)
		where = append(where, fmt.Sprintf("(%s, partner_id) %s ($%d, $%d)", column, after, len(args)-1, len(args)))
	}
	args = append(args, limit)
	order := column + way + ", partner_id" + way
	return fmt.Sprintf(sqlList, strings.Join(where, " and "), order, len(args)), args, nil
}

// position reads the cursor: where in the order the page before ended.
func (s *Service) position(who access.Actor, q Query) (at any, last id.ID, err error) {
	c, err := s.ops.Pages.Decode(q.Cursor, who.Tenant.String(), "partner "+q.Sort)
	if err != nil {
		return nil, last, err
	}
	if strings.HasSuffix(q.Sort, "created") {
		var t time.Time
		err = c.Scan(&t, &last)
		return t, last, err
	}
	var name string
	err = c.Scan(&name, &last)
	return name, last, err
}

func (s *Service) cursor(who access.Actor, sort string, last Partner) string {
	var at any = last.NameNorm
	if strings.HasSuffix(sort, "created") {
		at = last.CreatedAt
	}
	return s.ops.Pages.Encode(who.Tenant.String(), "partner "+sort, at, last.ID)
}
