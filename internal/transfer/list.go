package transfer

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
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// Query says which imports, newest first.
type Query struct {
	Kind   string
	Status string
	Limit  int
	Cursor string
}

// Page is a part of the list; Next is the cursor of the rest.
type Page struct {
	Items []Run
	Next  string
}

var statuses = []string{Checking, Checked, Committing, Committed, Undoing, Undone, Failed}

// List returns imports without their reports, newest first. Errors: Invalid kind or status, Malformed cursor.
func (s *Service) List(ctx context.Context, who access.Actor, q Query) (Page, error) {
	var bad problems
	if q.Kind != "" && !slices.Contains(Kinds, q.Kind) {
		bad.add("kind", "field.choice", "Use one of "+strings.Join(Kinds, ", ")+".")
	}
	if q.Status != "" && !slices.Contains(statuses, q.Status) {
		bad.add("status", "field.choice", "Use one of "+strings.Join(statuses, ", ")+".")
	}
	if err := errs.Refused(bad); err != nil {
		return Page{}, err
	}
	from, last := s.ops.Clock().Add(time.Hour), id.Nil
	if err := s.ops.Pages.Resume(q.Cursor, who.Tenant.String(), "import", &from, &last); err != nil {
		return Page{}, err
	}
	limit := page.Limit(q.Limit)
	var out Page
	err := op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sqlRuns, []any{who.Tenant, q.Kind, q.Status, from, last, limit + 1}, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.CollectRows(rows, scanRun)
			return err
		})
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(end Run) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "import", end.CreatedAt, end.ID)
	})
	return out, err
}

// Get returns one import with its report. NotFound "import.not_found".
func (s *Service) Get(ctx context.Context, who access.Actor, v id.ID) (Run, error) {
	var out Run
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("import_run", v)
		r.Query(sqlRun, []any{who.Tenant, v}, oneRun(&out))
	})
	return out, err
}

// RowQuery says which rows of an import, in the order of the file.
type RowQuery struct {
	Import   id.ID
	Outcome  string // "" is every row
	Problems bool   // only rows with a problem, such as those that an undo had to leave
	Limit    int
	Cursor   string
}

// RowPage is a part of an import's rows.
type RowPage struct {
	Run   Run
	Items []Row
	Next  string
}

var outcomes = []string{Waiting, Created, Updated, Unchanged, Refused, TakenBack}

// Rows returns rows of an import, with the import. Errors: NotFound, Invalid outcome.
func (s *Service) Rows(ctx context.Context, who access.Actor, q RowQuery) (RowPage, error) {
	if q.Outcome != "" && !slices.Contains(outcomes, q.Outcome) {
		return RowPage{}, errs.Refused([]errs.Field{{Name: "outcome", Code: "field.choice", Msg: "Use one of " + strings.Join(outcomes, ", ") + "."}})
	}
	sort := fmt.Sprintf("import row %s %s %t", q.Import, q.Outcome, q.Problems)
	var after int64
	if err := s.ops.Pages.Resume(q.Cursor, who.Tenant.String(), sort, &after); err != nil {
		return RowPage{}, err
	}
	limit := page.Limit(q.Limit)
	var out RowPage
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("import_run", q.Import)
		r.Query(sqlRun, []any{who.Tenant, q.Import}, oneRun(&out.Run))
		r.Query(sqlRows, []any{who.Tenant, q.Import, q.Outcome, q.Problems, after, limit + 1}, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.CollectRows(rows, pgx.RowToStructByName[Row])
			return err
		})
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(last Row) string {
		return s.ops.Pages.Encode(who.Tenant.String(), sort, int64(last.No))
	})
	return out, err
}

// EachRefused calls fn for every refused row, in the order of the file, with the import. NotFound before the first call.
func (s *Service) EachRefused(ctx context.Context, who access.Actor, v id.ID, fn func(Run, Row) error) error {
	var run Run
	return op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("import_run", v)
		r.Query(sqlRun, []any{who.Tenant, v}, oneRun(&run))
		r.Query(sqlRows, []any{who.Tenant, v, Refused, false, 0, MaxRows}, func(rows pgx.Rows) error {
			defer rows.Close()
			for rows.Next() {
				row, err := pgx.RowToStructByName[Row](rows)
				if err != nil {
					return err
				}
				if err := fn(run, row); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	})
}
