package benchmark

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// The use cases of the room.
const (
	ActRead    access.Action = "benchmark.read"
	ActOpt     access.Action = "benchmark.opt"
	ActRelease access.Action = "benchmark.release"
)

// Service runs the room's use cases.
type Service struct {
	ops     *op.Ops
	tenants *tenant.Service
}

// New returns the room's service.
func New(o *op.Ops, tenants *tenant.Service) *Service { return &Service{ops: o, tenants: tenants} }

// Choice is whether a programme takes part.
type Choice struct {
	ID   id.ID     `db:"choice_id" json:"id"`
	In   bool      `db:"opted_in" json:"opted_in"`
	ByID id.ID     `db:"said_by" json:"-"`
	By   string    `db:"said_by_name" json:"by"`
	At   time.Time `db:"said_at" json:"at"`
}

// Figure is one figure that was released.
type Figure struct {
	Quarter time.Time `db:"quarter" json:"quarter"` // its first day
	Metric  string    `db:"metric" json:"metric"`
	Segment string    `db:"segment" json:"segment"` // all, small, medium, large, or a currency
	Value   float64   `db:"figure" json:"value"`    // days, a part of one, or minor units of the currency
	Band    string    `db:"band" json:"programmes"` // how many programmes stand behind it
}

// Board is what a programme sees: its choice, the figures and its own beside them.
type Board struct {
	Choice  Choice
	Figures []Figure
	Own     []Figure // of the quarters that were released; Band is ""
}

// Get returns the board. A programme that does not take part sees its choice only.
func (s *Service) Get(ctx context.Context, who access.Actor) (Board, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (Board, error) {
		var b Board
		var err error
		if b.Choice, err = choiceIn(ctx, tx); err != nil || !b.Choice.In {
			return b, err
		}
		if b.Figures, err = figures(ctx, tx); err != nil {
			return b, err
		}
		for i, f := range b.Figures {
			if i > 0 && f.Quarter.Equal(b.Figures[i-1].Quarter) {
				continue
			}
			own, err := partsIn(ctx, tx, f.Quarter, f.Quarter.AddDate(0, 3, 0))
			if err != nil {
				return b, err
			}
			for _, p := range own {
				if p.Deals >= minDeals && p.Segment != "" {
					b.Own = append(b.Own, Figure{Quarter: f.Quarter, Metric: p.Metric, Segment: p.Segment, Value: p.Value})
				}
			}
		}
		return b, nil
	})
}

// Opt says whether the actor's programme takes part. It counts at once: figures of a quarter are made of those who take part at
// that moment, and only they see any.
func (s *Service) Opt(ctx context.Context, who access.Actor, in bool) (Choice, error) {
	return op.Write(ctx, s.ops, who, ActOpt, func(tx *op.Tx) (Choice, error) {
		old, err := choiceIn(ctx, tx)
		if err != nil {
			return old, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return old, err
		}
		if old.In == in {
			tx.Unchanged()
			return old, nil
		}
		c := Choice{ID: id.New(), In: in, ByID: who.Member, By: who.Name, At: tx.Now}
		if err := addChoice(ctx, tx, c); err != nil {
			return old, err
		}
		note := "takes part in benchmarks"
		if !in {
			note = "takes no part in benchmarks any more"
		}
		tx.Audit(audit.Change{Type: "benchmark_choice", ID: c.ID, Label: "Benchmarks", Note: note})
		return c, nil
	})
}

// releaseAfter is how long after its end a quarter is released: what was decided late is in by then.
const releaseAfter = 5 * 24 * time.Hour

// lastQuarter returns the first day of the newest quarter that may be released at now.
func lastQuarter(now time.Time) time.Time {
	at := now.UTC().Add(-releaseAfter)
	this := time.Date(at.Year(), (at.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	return this.AddDate(0, -3, 0)
}

// RunRelease releases the last quarter, once. Each programme's part is read as that programme's own work; nothing but the figures
// is kept.
func (s *Service) RunRelease(ctx context.Context) error {
	quarter := lastQuarter(s.ops.Clock())
	done, err := released(ctx, s.ops, quarter)
	if err != nil || done {
		return err
	}
	all, err := s.tenants.Register(ctx)
	if err != nil {
		return err
	}
	by := map[[2]string][]Part{}
	for _, t := range all {
		if t.Status != "active" || t.IsDemo {
			continue
		}
		in, parts, err := s.partsOf(ctx, t.ID, quarter)
		if err != nil {
			return err
		}
		if !in {
			continue
		}
		for _, p := range parts {
			key := [2]string{p.Metric, p.Segment}
			by[key] = append(by[key], Part{Mark: string(s.mark(t.ID)), Deals: p.Deals, Value: p.Value})
		}
	}
	var cells []Cell
	for key, parts := range by {
		cells = append(cells, Cell{Metric: key[0], Segment: key[1], Parts: parts})
	}
	past, err := pastCells(ctx, s.ops)
	if err != nil {
		return err
	}
	err = keepRelease(ctx, s.ops, quarter, s.ops.Clock().UTC(), Release(cells, past))
	if errors.Is(err, errReleased) {
		return nil // another node was faster
	}
	return err
}

// partsOf reads what one programme brings, if it takes part.
func (s *Service) partsOf(ctx context.Context, t id.ID, quarter time.Time) (in bool, parts []part, err error) {
	_, err = op.Read(ctx, s.ops, access.NewSystem(t, "benchmark release"), ActRelease, func(tx *op.Tx) (struct{}, error) {
		c, err := choiceIn(ctx, tx)
		if in = c.In; err != nil || !in {
			return struct{}{}, err
		}
		parts, err = partsIn(ctx, tx, quarter, quarter.AddDate(0, 3, 0))
		return struct{}{}, err
	})
	return in, parts, err
}

// mark tells programmes apart without naming them: only with the installation's secret can it be made again.
func (s *Service) mark(t id.ID) []byte {
	m := hmac.New(sha256.New, s.ops.DB.Installation().Key("benchmark marks"))
	m.Write([]byte(t.String()))
	return m.Sum(nil)[:16]
}

// Try tries to keep a figure of nine programmes, in a transaction that is rolled back, and looks through everything that was
// released. It returns what is wrong, and how many figures it looked at.
func (s *Service) Try(ctx context.Context) (wrong []string, looked int, err error) {
	few := make([]Part, K-1)
	for i := range few {
		few[i] = Part{Mark: string(rune('a' + i)), Deals: minDeals, Value: 1}
	}
	if len(Release([]Cell{{Metric: WinRate, Segment: Whole, Parts: few}}, nil)) > 0 {
		wrong = append(wrong, "a figure of nine programmes would be released")
	}
	refused, err := tryNine(ctx, s.ops)
	if err != nil {
		return nil, 0, err
	}
	if !refused {
		wrong = append(wrong, "the database takes a figure of nine programmes")
	}
	past, err := pastCells(ctx, s.ops)
	for i, a := range past {
		if len(a.Marks) < K {
			wrong = append(wrong, "a figure stands on fewer than ten programmes")
		}
		for _, b := range past[:i] {
			x, y := len(minus(a.Marks, b.Marks)), len(minus(b.Marks, a.Marks))
			if a.Metric == b.Metric && x < len(a.Marks) && (0 < x && x < K || 0 < y && y < K) {
				wrong = append(wrong, "two figures differ by fewer than ten programmes")
			}
		}
	}
	return wrong, len(past), err
}

// errReleased says that the quarter has its release.
var errReleased = errs.New(errs.Conflict, "benchmark.released", "This quarter was released before.")
