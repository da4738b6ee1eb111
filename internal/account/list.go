package account

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

// Query says which accounts or contacts to list, in which order.
type Query struct {
	Text      string // part of the name or, for accounts, of the domain; for contacts of the e-mail address
	Country   string // accounts only
	Sector    string // accounts only
	AccountID id.ID  // contacts only
	Sort      string // one of Sorts; "" is the first
	Limit     int
	Cursor    string
}

// Sorts are the orders a list can have.
var Sorts = []string{"name", "-name", "created", "-created"}

// Page is one page of accounts; Next is the cursor of the next page, "" on the last.
type Page struct {
	Items []Account
	Next  string
}

// ContactPage is one page of contacts.
type ContactPage struct {
	Items []Contact
	Next  string
}

// order is a checked sort: the column behind it and which way it goes.
type order struct{ sort, by, way, after string }

func orderOf(q Query, name, created string) (order, error) {
	o := order{sort: q.Sort, by: name, after: ">"}
	if o.sort == "" {
		o.sort = Sorts[0]
	}
	if !slices.Contains(Sorts, o.sort) {
		return o, errs.Refused([]errs.Field{{Name: "sort", Code: "field.choice", Msg: "Sort by one of " + strings.Join(Sorts, ", ") + "."}})
	}
	key, desc := strings.CutPrefix(o.sort, "-")
	if key == "created" {
		o.by = created
	}
	if desc {
		o.way, o.after = " desc", "<"
	}
	return o, nil
}

// pick returns the value the order goes by.
func (o order) pick(name string, created time.Time) any {
	if strings.HasSuffix(o.sort, "created") {
		return created
	}
	return name
}

// behind continues after a cursor of the list kind; key is the column that makes the order strict.
func (s *Service) behind(w *where, who access.Actor, q Query, o order, kind, key string) error {
	if q.Cursor == "" {
		return nil
	}
	c, err := s.ops.Pages.Decode(q.Cursor, who.Tenant.String(), kind+" "+o.sort)
	if err != nil {
		return err
	}
	var at time.Time
	var name string
	var last id.ID
	if strings.HasSuffix(o.sort, "created") {
		err = c.Scan(&at, &last)
		w.add2("("+o.by+", "+key+") "+o.after+" ($%d, $%d)", at, last)
	} else {
		err = c.Scan(&name, &last)
		w.add2("("+o.by+", "+key+") "+o.after+" ($%d, $%d)", name, last)
	}
	return err
}

// Get returns one account. Errors: NotFound.
func (s *Service) Get(ctx context.Context, who access.Actor, v id.ID) (Account, error) {
	var out Account
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("account", v)
		r.Query(sqlGet, []any{who.Tenant, v}, one(&out))
	})
	return out.shown(who), err
}

// List returns one page of the accounts that the actor may see.
func (s *Service) List(ctx context.Context, who access.Actor, q Query) (Page, error) {
	limit := page.Limit(q.Limit)
	sql, args, o, err := s.listSQL(who, q, limit+1)
	if err != nil {
		return Page{}, err
	}
	var out Page
	err = op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sql, args, func(rows pgx.Rows) (err error) { out.Items, err = pgx.CollectRows(rows, scan); return err })
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(last Account) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "account "+o.sort, o.pick(last.NameNorm, last.CreatedAt), last.ID)
	})
	for i := range out.Items {
		out.Items[i] = out.Items[i].shown(who)
	}
	return out, err
}

// Each calls fn for every account that q names and the actor may see, in order, without holding them in memory.
func (s *Service) Each(ctx context.Context, who access.Actor, q Query, fn func(Account) error) error {
	q.Cursor = ""
	sql, args, _, err := s.listSQL(who, q, page.MaxExport)
	if err != nil {
		return err
	}
	return op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sql, args, func(rows pgx.Rows) error {
			return pg.Each(rows, scan, func(a Account) error { return fn(a.shown(who)) })
		})
	})
}

func (s *Service) listSQL(who access.Actor, q Query, limit int) (string, []any, order, error) {
	o, err := orderOf(q, "name_norm", "created_at")
	if err != nil {
		return "", nil, o, err
	}
	w := where{args: []any{who.Tenant}, conds: []string{"tenant_id = $1"}}
	if q.Country != "" {
		w.add("country = $%d", strings.ToUpper(q.Country))
	}
	if q.Sector != "" {
		w.add("sector = $%d", q.Sector)
	}
	if n := orgname.SearchText(q.Text); n != "" {
		w.add("(position($%[1]d in name_norm) > 0 or position($%[1]d in lower(name)) > 0 or position($%[1]d in domain) > 0)", n)
	}
	if err := s.behind(&w, who, q, o, "account", "account_id"); err != nil {
		return "", nil, o, err
	}
	w.args = append(w.args, limit)
	return fmt.Sprintf(sqlList, strings.Join(w.conds, " and "), o.by+o.way+", account_id"+o.way, len(w.args)), w.args, o, nil
}

// ListContacts returns one page of the contacts that the actor may see, by name.
func (s *Service) ListContacts(ctx context.Context, who access.Actor, q Query) (ContactPage, error) {
	limit := page.Limit(q.Limit)
	sql, args, o, err := s.contactSQL(who, q, limit+1)
	if err != nil {
		return ContactPage{}, err
	}
	var out ContactPage
	err = op.Batch(ctx, s.ops, who, ActContactList, func(r *op.Reads) {
		r.Query(sql, args, func(rows pgx.Rows) (err error) { out.Items, err = pgx.CollectRows(rows, scanContact); return err })
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(last Contact) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "contact "+o.sort, o.pick(last.Name, last.CreatedAt), last.ID)
	})
	for i := range out.Items {
		out.Items[i] = out.Items[i].shown(who)
	}
	return out, err
}

// EachContact calls fn for every contact that q names and the actor may see, by name.
func (s *Service) EachContact(ctx context.Context, who access.Actor, q Query, fn func(Contact) error) error {
	q.Cursor = ""
	sql, args, _, err := s.contactSQL(who, q, page.MaxExport)
	if err != nil {
		return err
	}
	return op.Batch(ctx, s.ops, who, ActContactList, func(r *op.Reads) {
		r.Query(sql, args, func(rows pgx.Rows) error {
			return pg.Each(rows, scanContact, func(c Contact) error { return fn(c.shown(who)) })
		})
	})
}

func (s *Service) contactSQL(who access.Actor, q Query, limit int) (string, []any, order, error) {
	o, err := orderOf(q, "c.name", "c.created_at")
	if err != nil {
		return "", nil, o, err
	}
	w := where{args: []any{who.Tenant}, conds: []string{"c.tenant_id = $1"}}
	if q.AccountID != id.Nil {
		w.add("c.account_id = $%d", q.AccountID)
	}
	if n := strings.ToLower(strings.TrimSpace(q.Text)); n != "" {
		w.add("(position($%[1]d in lower(c.name)) > 0 or position($%[1]d in c.email) > 0)", n)
	}
	if err := s.behind(&w, who, q, o, "contact", "c.contact_id"); err != nil {
		return "", nil, o, err
	}
	w.args = append(w.args, limit)
	return fmt.Sprintf(sqlListContacts, strings.Join(w.conds, " and "), o.by+o.way+", c.contact_id"+o.way, len(w.args)), w.args, o, nil
}

// where collects conditions and their arguments.
type where struct {
	conds []string
	args  []any
}

func (w *where) add(cond string, v any) {
	w.args = append(w.args, v)
	w.conds = append(w.conds, fmt.Sprintf(cond, len(w.args)))
}

func (w *where) add2(cond string, a, b any) {
	w.args = append(w.args, a, b)
	w.conds = append(w.conds, fmt.Sprintf(cond, len(w.args)-1, len(w.args)))
}
