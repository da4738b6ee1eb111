package deal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// Sorts lists the orders a list can have. Deals without an amount count as the smallest, those without a closing date
// as the latest.
var Sorts = []string{"-created", "created", "-amount", "amount", "close", "-close"}

// searchMost is how many of the newest matches of a search are looked at.
const searchMost = 2000

// List returns the deals of a query that the actor may see, a page at a time. Invalid names every filter that is not
// acceptable; Malformed "cursor.bad" for a cursor of another list or order.
func (s *Service) List(ctx context.Context, who access.Actor, q Query) (Page, error) {
	sel, err := s.selection(who, q)
	if err != nil {
		return Page{}, err
	}
	limit := page.Limit(q.Limit)
	sql, args := sel.page(limit)
	var out Page
	err = op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sql, args, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.AppendRows(make([]Deal, 0, limit+1), rows, scanDeal)
			return err
		})
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(last Deal) string {
		return s.ops.Pages.Encode(scope(who), sel.sort, position(sel.sort, last)...)
	})
	return out, err
}

// Each calls fn with every deal of the query in its order, one after the other, from one statement. The deal is valid only
// during the call. Limit and Cursor do not count.
func (s *Service) Each(ctx context.Context, who access.Actor, q Query, fn func(*Deal) error) error {
	q.Cursor = ""
	sel, err := s.selection(who, q)
	if err != nil {
		return err
	}
	sql, args := sel.all()
	_, err = op.Read(ctx, s.ops, who, ActList, func(tx *op.Tx) (struct{}, error) {
		return struct{}{}, each(ctx, tx, sql, args, fn)
	})
	return err
}

func scope(who access.Actor) string { return "deals " + who.Tenant.String() }

// position returns where a deal stands in an order.
func position(sort string, d Deal) []any {
	switch strings.TrimPrefix(sort, "-") {
	case "amount":
		rank := int64(-1)
		if d.AmountMinor != nil {
			rank = *d.AmountMinor
		}
		return []any{rank, d.ID}
	case "close":
		return []any{string(d.ExpectedCloseOn), d.ID}
	}
	return []any{d.CreatedAt, d.ID}
}

// selection is a checked query: the conditions and the order of its statement.
type selection struct {
	where []string
	args  []any
	sort  string
	most  int // the place in args of how many matches of a search are looked at; 0 without a search
}

func (s *selection) arg(v any) string {
	s.args = append(s.args, v)
	return fmt.Sprintf("$%d", len(s.args))
}

func (s *selection) add(format string, v any) {
	s.where = append(s.where, fmt.Sprintf(format, s.arg(v)))
}

// orders are the columns behind the sorts; each has an index that begins with the tenant.
var orders = map[string]string{"created": "created_at", "amount": "amount_rank", "close": "close_rank"}

// order returns the order by list for the table alias a.
func (s *selection) order(a string) string {
	key, desc := strings.CutPrefix(s.sort, "-")
	way := ""
	if desc {
		way = " desc"
	}
	return a + orders[key] + way + ", " + a + "deal_id" + way
}

// page returns the statement for one page and a row more. The names are joined to the page only.
func (s *selection) page(limit int) (string, []any) {
	args := slices.Clone(s.args)
	if s.most > 0 && s.sort == "-created" && len(s.where) == 2 { // nothing but the search, which gives the newest first
		args[s.most] = limit + 1
	}
	args = append(args, limit+1)
	return fmt.Sprintf(sqlList, strings.Join(s.where, " and "), s.order(""), len(args), s.order("d.")), args
}

// all returns the statement for every row of the query.
func (s *selection) all() (string, []any) {
	return fmt.Sprintf(sqlEach, strings.Join(s.where, " and "), s.order("")), s.args
}

// selection checks a query and makes its conditions.
func (s *Service) selection(who access.Actor, q Query) (*selection, error) {
	var p problems
	sel := &selection{args: []any{who.Tenant}, where: []string{"tenant_id = $1"}, sort: q.Sort}
	if sel.sort == "" {
		sel.sort = Sorts[0]
	}
	if !slices.Contains(Sorts, sel.sort) {
		p.Add("sort", "field.choice", "Use one of: %s.", strings.Join(Sorts, ", "))
	}
	sel.facts(&p, q)
	sel.ranges(&p, q)
	sel.search(&p, q.Q)
	if err := errs.Refused(p.Problems); err != nil {
		return nil, err
	}
	return sel, s.after(sel, who, q.Cursor)
}

func (s *selection) facts(p *problems, q Query) {
	if q.State != "" {
		if !slices.Contains(States, q.State) {
			p.Add("state", "field.choice", "Use one of: %s.", joinStates())
		}
		s.add("state = %s", string(q.State))
	}
	if q.Stage != "" {
		if v, ok := id.Parse(q.Stage); ok {
			s.add("stage_id = %s", v)
		} else {
			s.add("stage_id = (select x.stage_id from stage x where x.tenant_id = $1 and x.name = %s)", p.Text("stage", q.Stage, 60))
		}
	}
	for _, f := range []struct {
		cond string
		v    id.ID
	}{{"partner_id = %s", q.Partner}, {"owner_id = %s", q.Owner}, {"account_id = %s", q.Account}} {
		if f.v != id.Nil {
			s.add(f.cond, f.v)
		}
	}
	if q.NoAccount {
		s.where = append(s.where, "account_id is null")
		if q.Account != id.Nil {
			p.Add("account", "field.choice", "Give either an account or none.")
		}
	}
	if q.Currency != "" {
		s.add("currency = %s", p.currency(q.Currency))
	}
}

func joinStates() string {
	var out []string
	for _, s := range States {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}

func (s *selection) ranges(p *problems, q Query) {
	from, to := p.day("created_from", q.CreatedFrom), p.day("created_to", q.CreatedTo)
	if from != "" {
		s.add("created_at >= %s", from.Time())
	}
	if to != "" {
		s.add("created_at < %s", to.Time().AddDate(0, 0, 1))
	}
	if d := p.day("close_from", q.CloseFrom); d != "" {
		s.add("close_rank >= %s", d)
	}
	if d := p.day("close_to", q.CloseTo); d != "" {
		s.add("close_rank <= %s", d)
	}
	for _, m := range []struct {
		name, cond string
		v          *int64
	}{{"amount_min", "amount_rank >= %s", q.MinMinor}, {"amount_max", "amount_rank <= %s and amount_minor is not null", q.MaxMinor}} {
		if m.v == nil {
			continue
		}
		if *m.v < 0 || *m.v > MaxAmountMinor {
			p.Add(m.name, "field.range", "Give 0 to %d.", int64(MaxAmountMinor))
		}
		s.add(m.cond, *m.v)
	}
}

// search looks for a part of the text. Two characters or fewer are looked for at the beginnings of words: the trigram
// index knows nothing shorter.
func (s *selection) search(p *problems, q string) {
	q = orgname.SearchText(p.Text("q", q, 100))
	if q == "" {
		return
	}
	pattern := "%" + likeEscaper.Replace(q) + "%"
	if utf8.RuneCountInString(q) < 3 {
		pattern = "% " + pattern[1:]
	}
	s.most = len(s.args) + 1
	s.where = append(s.where, "deal_id = any(array(select app.search_deals("+s.arg(pattern)+", "+s.arg(searchMost)+")))")
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// after continues behind a cursor.
func (s *Service) after(sel *selection, who access.Actor, token string) error {
	if token == "" {
		return nil
	}
	c, err := s.ops.Pages.Decode(token, scope(who), sel.sort)
	if err != nil {
		return err
	}
	var last id.ID
	var v any
	key, desc := strings.CutPrefix(sel.sort, "-")
	switch key {
	case "amount":
		var n int64
		err = c.Scan(&n, &last)
		v = n
	case "close":
		var d string
		err = c.Scan(&d, &last)
		v = Day(d)
		if d == "" {
			v = "infinity"
		}
	default:
		var t time.Time
		err = c.Scan(&t, &last)
		v = t
	}
	if err != nil {
		return err
	}
	op := ">"
	if desc {
		op = "<"
	}
	sel.where = append(sel.where, "("+orders[key]+", deal_id) "+op+" ("+sel.arg(v)+", "+sel.arg(last)+")")
	return nil
}
