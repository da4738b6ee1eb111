package retention

import (
	"context"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// Runs is one page of reports, the newest first; Next is the cursor of the next page, "" on the last.
type Runs struct {
	Items []Run
	Next  string
}

// List returns one page of the reports of runs. Malformed "cursor.bad".
func (s *Service) List(ctx context.Context, who access.Actor, limit int, cursor string) (Runs, error) {
	limit = page.Limit(limit)
	at, last, err := s.cursor(who, "runs", cursor)
	if err != nil {
		return Runs{}, err
	}
	var out Runs
	err = op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.Query(sqlRuns, []any{at, last, limit + 1}, collect(&out.Items))
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(r Run) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "runs", r.StartedAt, r.ID)
	})
	return out, err
}

// Get returns the report of one run. NotFound.
func (s *Service) Get(ctx context.Context, who access.Actor, v id.ID) (Run, error) {
	return s.get(ctx, who, v)
}

func (s *Service) get(ctx context.Context, who access.Actor, v id.ID) (out Run, err error) {
	err = op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("retention_run", v)
		r.Query(sqlRun, []any{v}, one(&out, "retention_run"))
	})
	return out, err
}

// Table is what a table holds of a category, as far as its oldest row tells.
type Table struct {
	Table   string     `json:"table"`
	How     string     `json:"how"`
	Parent  string     `json:"parent,omitempty"`
	Oldest  *time.Time `json:"oldest"`   // when the event of its oldest row happened
	LastDay *time.Time `json:"last_day"` // the last day on which that row is there
	Problem string     `json:"problem,omitempty"`
}

// Category is the state of a category: its rule and the tables that hold it.
type Category struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Period  string     `json:"period"` // "12 months", "indefinitely", "not stored"
	Event   string     `json:"event"`
	Duty    *Duty      `json:"duty,omitempty"`
	Tables  []Table    `json:"tables"`
	Oldest  *time.Time `json:"oldest"`
	LastDay *time.Time `json:"next_last_day"` // the first last day of all its rows
	Held    int64      `json:"held"`          // kept by a hold past its period, in the last run
}

// State is retention as it stands in a tenant.
type State struct {
	Now        time.Time  `json:"now"`
	Categories []Category `json:"categories"`
	Duties     []Duty     `json:"duties"`
	Last       *Run       `json:"last_run"`
}

// rule is a tenant's rule as it is stored.
type rule struct {
	Category string  `db:"category"`
	Event    string  `db:"event"`
	Keep     *string `db:"keep"`
	Stored   bool    `db:"stored"`
}

func (r rule) period() string {
	switch {
	case r.Category == "":
		return "no rule"
	case !r.Stored:
		return "not stored"
	case r.Keep == nil:
		return "indefinitely"
	}
	return *r.Keep
}

// declared is a declaration with what its oldest row says.
type declared struct {
	Tab      string     `db:"tab"`
	Category string     `db:"category"`
	How      string     `db:"how"`
	Parent   string     `db:"parent"`
	Oldest   *time.Time `db:"oldest"`
	LastDay  *time.Time `db:"last_day"`
	Problem  string     `db:"problem"`
}

// State returns every category with its rule, its tables and what goes next.
func (s *Service) State(ctx context.Context, who access.Actor) (State, error) {
	return s.state(ctx, who, true)
}

// Duties returns every category with its rule and the duties, without a look at what the tables hold.
func (s *Service) Duties(ctx context.Context, who access.Actor) (State, error) {
	return s.state(ctx, who, false)
}

func (s *Service) state(ctx context.Context, who access.Actor, rows bool) (State, error) {
	out := State{Categories: []Category{}}
	var rules []rule
	var tables []declared
	var runs []Run
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		out.Now = r.Now
		r.Query(sqlRules, nil, collect(&rules))
		r.Query(sqlDuties, nil, collect(&out.Duties))
		if rows {
			r.Query(sqlState, nil, collect(&tables))
		}
		r.Query(sqlRuns, []any{r.Now.Add(24 * time.Hour), id.Nil, 1}, collect(&runs))
	})
	if err != nil {
		return out, err
	}
	if len(runs) > 0 {
		out.Last = &runs[0]
	}
	for _, c := range datamap.Categories() {
		out.Categories = append(out.Categories, category(c, rules, tables, out.Duties, out.Last))
	}
	return out, nil
}

func category(c datamap.Category, rules []rule, tables []declared, duties []Duty, last *Run) Category {
	v := Category{ID: c.ID, Name: c.Name, Tables: []Table{}}
	if i := slices.IndexFunc(rules, func(r rule) bool { return r.Category == c.ID }); i >= 0 {
		v.Period, v.Event = rules[i].period(), rules[i].Event
	} else {
		v.Period = rule{}.period()
	}
	if i := slices.IndexFunc(duties, func(d Duty) bool { return d.Category == c.ID }); i >= 0 {
		v.Duty = &duties[i]
	}
	for _, d := range tables {
		if d.Category != c.ID {
			continue
		}
		v.Tables = append(v.Tables, Table{Table: d.Tab, How: d.How, Parent: d.Parent, Oldest: d.Oldest, LastDay: d.LastDay, Problem: d.Problem})
		v.Oldest, v.LastDay = earlier(v.Oldest, d.Oldest), earlier(v.LastDay, d.LastDay)
	}
	if last != nil {
		for _, n := range last.Counts {
			if n.Category == c.ID {
				v.Held += n.Held
			}
		}
	}
	return v
}

func earlier(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}

// Step is a day on which rows of a table are gone that were there the day before.
type Step struct {
	Day     string `json:"day"`
	Removed int64  `json:"removed"`
	Kept    int64  `json:"kept"` // what remains from that day on, held rows included
}

// Outlook is what becomes of the rows that a table holds of a category now.
type Outlook struct {
	Category string `json:"category"`
	Table    string `json:"table"`
	Now      int64  `json:"now"`
	Held     int64  `json:"held"`                  // kept by a hold, whatever their period
	FirstDay string `json:"first_day,omitempty"`   // the first day on which something is gone
	LastDay  string `json:"last_day,omitempty"`    // the last day with rows; "" when some are kept without end
	EmptyOn  string `json:"empty_on,omitempty"`    // the first day without any
	Kept     int64  `json:"kept_until_the_end"`    // what remains on the last day asked about
	Removed  int64  `json:"removed_until_the_end"` //
	Steps    []Step `json:"steps"`
	Problem  string `json:"problem,omitempty"`
}

// Simulation foretells retention for the rows that are there now.
type Simulation struct {
	From   string    `json:"from"`
	Until  string    `json:"until"`
	Tables []Outlook `json:"categories"`
}

// maxAhead bounds a simulation.
const maxAhead = 110

type bucket struct {
	LastDay *time.Time `db:"last_day"`
	Kept    int64      `db:"kept"`
	Held    int64      `db:"held"`
}

// Simulate says, table by table, which rows that are there now would remain on which day until a day: YYYY-MM-DD, "" for ten years.
// Nothing is changed. Refused with the field "until".
func (s *Service) Simulate(ctx context.Context, who access.Actor, until string) (Simulation, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (Simulation, error) {
		at, err := clock(ctx, tx)
		if err != nil {
			return Simulation{}, err
		}
		today := at.UTC().Truncate(24 * time.Hour)
		end := today.AddDate(10, 0, 0)
		if until = strings.TrimSpace(until); until != "" {
			if end, err = time.Parse(time.DateOnly, until); err != nil || end.Before(today) || end.After(today.AddDate(maxAhead, 0, 0)) {
				return Simulation{}, errs.Refused([]errs.Field{{Name: "until", Code: "field.date", Msg: "Give a day from " + today.Format(time.DateOnly) + " to " + today.AddDate(maxAhead, 0, 0).Format(time.DateOnly) + "."}})
			}
		}
		out := Simulation{From: today.Format(time.DateOnly), Until: end.Format(time.DateOnly), Tables: []Outlook{}}
		tables, err := declarations(ctx, tx)
		if err != nil {
			return out, err
		}
		for _, t := range tables {
			b, err := outlook(ctx, tx, t)
			if err != nil {
				return out, err
			}
			out.Tables = append(out.Tables, foretell(t, b, today, end))
		}
		return out, nil
	})
}

// foretell adds up what remains from day to day.
func foretell(t table, all []bucket, today, end time.Time) Outlook {
	o := Outlook{Category: t.Category, Table: t.Tab, Steps: []Step{}}
	for _, b := range all {
		o.Now, o.Held = o.Now+b.Kept+b.Held, o.Held+b.Held
	}
	left, forever := o.Now, o.Held
	for _, b := range all {
		if b.LastDay == nil {
			forever += b.Kept
			continue
		}
		if b.Kept == 0 {
			continue
		}
		gone := b.LastDay.AddDate(0, 0, 1)
		if gone.Before(today) {
			gone = today // goes with the next run
		}
		if gone.After(end) {
			continue
		}
		left -= b.Kept
		o.Removed += b.Kept
		d := gone.Format(time.DateOnly)
		if n := len(o.Steps); n > 0 && o.Steps[n-1].Day == d {
			o.Steps[n-1].Removed, o.Steps[n-1].Kept = o.Steps[n-1].Removed+b.Kept, left
		} else {
			o.Steps = append(o.Steps, Step{d, b.Kept, left})
		}
	}
	o.Kept = left
	if len(o.Steps) > 0 {
		o.FirstDay = o.Steps[0].Day
		if left == 0 {
			last, _ := time.Parse(time.DateOnly, o.Steps[len(o.Steps)-1].Day)
			o.EmptyOn, o.LastDay = last.Format(time.DateOnly), last.AddDate(0, 0, -1).Format(time.DateOnly)
		}
	}
	return o
}
