package incident

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// Statuses are what a list can be narrowed to.
var Statuses = []string{"open", Reported, Assessing, Confirmed, Contained, Resolved, Closed, Dismissed}

// Query says which incidents to list.
type Query struct {
	Status string // "" is any
	Limit  int
	Cursor string
}

// Row is one incident with the clocks that still run, nearest first.
type Row struct {
	Incident
	Running []Clock
}

// Page is one page of the register; Next is the cursor of the next page, "" on the last.
type Page struct {
	Items []Row
	Next  string
	Now   time.Time
}

// List returns one page of the register, newest first. Errors: Invalid "status".
func (s *Service) List(ctx context.Context, who access.Actor, q Query) (Page, error) {
	var bad errs.Problems
	if q.Status != "" {
		choice(&bad, "status", q.Status, Statuses)
	}
	if err := errs.Refused(bad); err != nil {
		return Page{}, err
	}
	limit := page.Limit(q.Limit)
	at, lastID := s.ops.Clock().Add(time.Hour), id.Nil
	if err := s.ops.Pages.Resume(q.Cursor, who.Tenant.String(), "incident", &at, &lastID); err != nil {
		return Page{}, err
	}
	return op.Read(ctx, s.ops, who, ActList, func(tx *op.Tx) (Page, error) {
		items, err := many[Incident](ctx, tx, sqlList, at, lastID, q.Status, limit+1)
		if err != nil {
			return Page{}, err
		}
		out := Page{Now: tx.Now}
		items, out.Next = page.Cut(items, limit, func(last Incident) string {
			return s.ops.Pages.Encode(who.Tenant.String(), "incident", last.CreatedAt, last.ID)
		})
		ids := make([]id.ID, len(items))
		for n, i := range items {
			ids[n] = i.ID
		}
		clocks, err := many[Clock](ctx, tx, sqlClocksOf, ids)
		for _, i := range items {
			row := Row{Incident: i}
			for _, c := range clocks {
				if c.IncidentID == i.ID {
					row.Running = append(row.Running, c)
				}
			}
			out.Items = append(out.Items, row)
		}
		return out, err
	})
}

// Running is a clock that runs, and what its incident is.
type Running struct {
	Clock
	Number int    `db:"number"`
	Title  string `db:"title"`
}

// Nearest returns the running clocks of the programme whose time is up first, at most limit.
func (s *Service) Nearest(ctx context.Context, who access.Actor, limit int) (out []Running, err error) {
	err = op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sqlNearest, []any{who.Tenant, limit}, func(rows pgx.Rows) error {
			out, err = pgx.CollectRows(rows, pgx.RowToStructByName[Running])
			return err
		})
	})
	return out, err
}

// Reading is one incident with everything about it. Affected are the first 200 of the snapshot.
type Reading struct {
	Incident Incident
	Clocks   []Clock
	Entries  []Entry
	Counts   Counts
	Affected []Affected
	Notices  []Notice
	Actions  []Action
	Now      time.Time
}

// Get returns one incident with everything about it. Errors: NotFound.
func (s *Service) Get(ctx context.Context, who access.Actor, v id.ID) (Reading, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (r Reading, err error) {
		tx.About("incident", v)
		r.Now = tx.Now
		if r.Incident, err = one[Incident](ctx, tx, "incident", sqlGet, v); err != nil {
			return r, err
		}
		if r.Clocks, err = many[Clock](ctx, tx, sqlClocks, v); err != nil {
			return r, err
		}
		if r.Entries, err = many[Entry](ctx, tx, sqlEntries, v); err != nil {
			return r, err
		}
		if r.Counts, err = many[Count](ctx, tx, sqlCountAffected, v); err != nil {
			return r, err
		}
		if r.Affected, err = many[Affected](ctx, tx, sqlAffected, v, 200); err != nil {
			return r, err
		}
		if r.Notices, err = many[Notice](ctx, tx, sqlNoticesOf, v); err != nil {
			return r, err
		}
		r.Actions, err = many[Action](ctx, tx, sqlActions, v)
		return r, err
	})
}
