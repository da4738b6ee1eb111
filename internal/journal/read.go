package journal

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/op"
)

// The use cases of this room.
const (
	ActList   access.Action = "journal.list"
	ActSolve  access.Action = "journal.solve"
	ActRecord access.Action = "journal.record" // the program itself
)

// Entry is one line of the access log.
type Entry struct {
	ID        id.ID
	At        time.Time
	Kind      string
	Name      string
	Member    *id.ID
	Partner   *id.ID
	IP        string
	Method    string
	Route     string
	Action    string
	Status    int
	TookUS    int64 // microseconds
	UserAgent string
	RequestID string
}

// Took returns how long the answer took.
func (e Entry) Took() time.Duration { return time.Duration(e.TookUS) * time.Microsecond }

// Result says what came of it: done, refused or failed.
func (e Entry) Result() string {
	switch {
	case e.Status >= 500:
		return "failed"
	case e.Status >= 400:
		return "refused"
	}
	return "done"
}

// Query says which entries to list; zero values do not filter.
type Query struct {
	Text   string // part of the name or the route
	IP     string
	Result string // done, refused or failed
	Method string
	Member id.ID
	From   time.Time
	To     time.Time
	Limit  int
	Cursor string
}

// Page is one page of the access log, newest first; Next is the cursor of the next page, "" on the last.
type Page struct {
	Items []Entry
	Next  string
}

func (q Query) args(limit int) ([]any, error) {
	low, high := 100, 599
	switch q.Result {
	case "", "any":
	case "done":
		high = 399
	case "refused":
		low, high = 400, 499
	case "failed":
		low = 500
	default:
		return nil, errs.Refused([]errs.Field{{Name: "result", Code: "field.choice", Msg: "Use one of done, refused, failed."}})
	}
	from, to := q.From, q.To
	if from.IsZero() {
		from = time.Unix(0, 0)
	}
	if to.IsZero() {
		to = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return []any{like(q.Text), strings.TrimSpace(q.IP), low, high, strings.ToUpper(q.Method), opt(q.Member), from, to, nil, nil, limit}, nil
}

// like makes a pattern that finds a part.
func like(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(s) + "%"
}

// List returns one page of the access log. Errors: Invalid "result", a bad cursor.
func (s *Service) List(ctx context.Context, who access.Actor, q Query) (Page, error) {
	limit := page.Limit(q.Limit)
	args, err := q.args(limit + 1)
	if err != nil {
		return Page{}, err
	}
	if args[8], args[9], err = s.behind(who, q.Cursor, "access"); err != nil {
		return Page{}, err
	}
	var out Page
	err = op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sqlAccess, args, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
			return err
		})
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(last Entry) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "access", last.At, last.ID)
	})
	return out, err
}

// behind reads a cursor of a list that is ordered by time and id; nil without one.
func (s *Service) behind(who access.Actor, cursor, list string) (at, last any, err error) {
	if cursor == "" {
		return nil, nil, nil
	}
	c, err := s.ops.Pages.Decode(cursor, who.Tenant.String(), list)
	if err != nil {
		return nil, nil, err
	}
	var t time.Time
	var v id.ID
	err = c.Scan(&t, &v)
	return t, v, err
}

// Export writes the entries that q names as a table, newest first, at most page.MaxExport of them.
func (s *Service) Export(ctx context.Context, who access.Actor, q Query, w sheet.Writer) error {
	args, err := q.args(page.MaxExport)
	if err != nil {
		return err
	}
	err = op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sqlAccess, args, func(rows pgx.Rows) error {
			if err := w.Columns("at", "actor_kind", "actor", "ip", "method", "route", "action", "status", "microseconds", "user_agent", "request_id"); err != nil {
				return err
			}
			for rows.Next() {
				e, err := pgx.RowToStructByPos[Entry](rows)
				if err != nil {
					return err
				}
				w.Time(e.At)
				for _, cell := range []string{e.Kind, e.Name, e.IP, e.Method, e.Route, e.Action} {
					w.Text(cell)
				}
				w.Int(int64(e.Status))
				w.Int(e.TookUS)
				w.Text(e.UserAgent)
				w.Text(e.RequestID)
				if err := w.EndRow(); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	})
	if err != nil {
		return err
	}
	return w.Close()
}

// Report is faults of one cause.
type Report struct {
	ID       id.ID `db:"report_id"`
	Title    string
	Route    string
	Trace    string
	State    string `db:"state"` // open or solved
	Seen     int64
	FirstAt  time.Time
	LastAt   time.Time
	SolvedAt *time.Time `db:"solved_at"`
	SolvedBy string     `db:"solved_by_name"`
	Version  int
}

// Reports is one page of error reports, the latest first.
type Reports struct {
	Items []Report
	Next  string
}

// Errors returns one page of error reports; state is open, solved or "" for both.
func (s *Service) Errors(ctx context.Context, who access.Actor, state, cursor string, limit int) (Reports, error) {
	var out Reports
	limit = page.Limit(limit)
	if state != "" && state != "open" && state != "solved" {
		return out, errs.Refused([]errs.Field{{Name: "state", Code: "field.choice", Msg: "Use one of open, solved."}})
	}
	at, last, err := s.behind(who, cursor, "errors")
	if err != nil {
		return out, err
	}
	err = op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sqlErrors, []any{state, at, last, limit + 1}, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Report])
			return err
		})
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(x Report) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "errors", x.LastAt, x.ID)
	})
	return out, err
}

// Happening is one time a fault was met.
type Happening struct {
	At        time.Time
	Member    *id.ID
	Method    string
	Status    int
	RequestID string
}

// Error returns a report with its latest happenings. Errors: NotFound.
func (s *Service) Error(ctx context.Context, who access.Actor, v id.ID) (Report, []Happening, error) {
	var out Report
	var times []Happening
	err := op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.About("error_report", v)
		r.Query(sqlError, []any{v}, func(rows pgx.Rows) error {
			all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Report])
			if err == nil && len(all) == 0 {
				return errs.Missing("error_report")
			}
			if err == nil {
				out = all[0]
			}
			return err
		})
		r.Query(sqlHappenings, []any{v}, func(rows pgx.Rows) (err error) {
			times, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Happening])
			return err
		})
	})
	return out, times, err
}

// Solve notes that a fault was followed up (solved), or that it was not after all. Errors: NotFound.
func (s *Service) Solve(ctx context.Context, who access.Actor, v id.ID, solved bool) (Report, error) {
	return op.Write(ctx, s.ops, who, ActSolve, func(tx *op.Tx) (Report, error) {
		tx.About("error_report", v)
		old, err := lockError(ctx, tx, v)
		if err != nil {
			return old, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return old, err
		}
		r := old
		r.State, r.SolvedAt, r.SolvedBy = "open", nil, ""
		by := id.Nil
		if solved {
			r.State, r.SolvedAt, r.SolvedBy, by = "solved", &tx.Now, who.Name, who.Member
		}
		if r.State == old.State {
			tx.Unchanged()
			return old, nil
		}
		r.Version++
		tx.Audit(audit.Change{Type: "error_report", ID: v, Label: r.Title, Before: old, After: r})
		return r, saveState(ctx, tx, r, by)
	})
}

// Work is one line of the workflow log.
type Work struct {
	ID      id.ID
	At      time.Time
	Kind    string
	Name    string
	Outcome string
	TookUS  int64
	Fault   string
}

// Took returns how long it took.
func (w Work) Took() time.Duration { return time.Duration(w.TookUS) * time.Microsecond }

// Works is one page of the workflow log, newest first.
type Works struct {
	Items []Work
	Next  string
}

// WorkQuery says which lines to list.
type WorkQuery struct {
	Kind, Outcome, Name string
	Cursor              string
	Limit               int
}

// Workflows returns one page of the workflow log.
func (s *Service) Workflows(ctx context.Context, who access.Actor, q WorkQuery) (Works, error) {
	var out Works
	limit := page.Limit(q.Limit)
	at, last, err := s.behind(who, q.Cursor, "workflows")
	if err != nil {
		return out, err
	}
	err = op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sqlWorkflows, []any{q.Kind, q.Outcome, like(q.Name), at, last, limit + 1}, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Work])
			return err
		})
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(x Work) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "workflows", x.At, x.ID)
	})
	return out, err
}

// Adoption is how much a partner used the portal in the last 90 days.
type Adoption struct {
	Visits int64
	People int64 // 0 where analytics with identifiers are not stored
	Last   time.Time
}

// Adoption returns how much a partner's people used the portal lately.
func (s *Service) Adoption(ctx context.Context, who access.Actor, partner id.ID) (Adoption, error) {
	var out Adoption
	var last *time.Time
	err := op.Batch(ctx, s.ops, who, ActAdoption, func(r *op.Reads) {
		since := r.Now.AddDate(0, 0, -90)
		r.Query(sqlAdoption, []any{partner, since}, func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&out.Visits, &last}, func() error { return nil })
			return err
		})
		r.Query(sqlAdopters, []any{partner, since}, func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&out.People}, func() error { return nil })
			return err
		})
	})
	if last != nil {
		out.Last = *last
	}
	return out, err
}

// ActAdoption lets the vendor's people see how much a partner uses the portal.
const ActAdoption access.Action = "journal.adoption"
