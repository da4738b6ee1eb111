package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/op"
)

// What may begin a run.
const (
	Daily   = "daily"
	Hourly  = "hourly"
	Command = "command"
	ByPage  = "page"
	ByAPI   = "api"
)

// The outcomes of a run.
const (
	Running     = "running"
	Done        = "done"
	Failed      = "failed"
	Refused     = "refused"
	Interrupted = "interrupted"
)

const (
	batch    = 500             // rows that one transaction deletes at most
	maxSkew  = time.Hour       // between the two clocks
	stale    = 2 * time.Minute // a run that has not been heard of for so long was cut off
	maxWaits = 20              // how often a batch waits for a lock of somebody else
	dropWait = 25 * time.Millisecond
)

// Count is what a run did to one table and category.
type Count struct {
	Category string `json:"category"`
	Table    string `json:"table"`
	Removed  int64  `json:"removed"`
	Blanked  int64  `json:"blanked,omitempty"` // rows that stay because others refer to them, without what they said of somebody
	Held     int64  `json:"held,omitempty"`    // past their period and kept by a hold
	Blocked  int64  `json:"blocked,omitempty"` // past their period and kept because something kept refers to them
	Problem  string `json:"problem,omitempty"`
}

// Run is the report of one run.
type Run struct {
	ID         id.ID      `db:"run_id" json:"id"`
	Trigger    string     `db:"trigger" json:"trigger"`
	Dry        bool       `db:"dry" json:"dry"`
	Outcome    string     `db:"outcome" json:"outcome"`
	AsOf       time.Time  `db:"as_of" json:"as_of"`
	StartedAt  time.Time  `db:"started_at" json:"started_at"`
	BeatAt     time.Time  `db:"beat_at" json:"-"`
	FinishedAt *time.Time `db:"finished_at" json:"finished_at"`
	SkewMS     int64      `db:"skew_ms" json:"skew_ms"`
	Removed    int64      `db:"removed" json:"removed"`
	Blanked    int64      `db:"blanked" json:"blanked"`
	Held       int64      `db:"held" json:"held"`
	Partitions int        `db:"partitions" json:"partitions"`
	Bytes      int64      `db:"bytes" json:"bytes"`
	Counts     []Count    `db:"counts" json:"counts"`
	Problem    string     `db:"problem" json:"problem"`
	Continues  *id.ID     `db:"continues" json:"continues"`
	TreeSize   *int64     `db:"tree_size" json:"tree_size"`
	TreeRoot   *string    `db:"tree_root" json:"tree_root"`
	TreeAt     *time.Time `db:"tree_at" json:"tree_at"`
	AskedBy    *id.ID     `db:"asked_by" json:"asked_by"`
	AskedName  string     `db:"asked_by_name" json:"asked_by_name"`
}

// Args asks for one run to be carried out.
type Args struct {
	Run id.ID `json:"run"`
}

// Kind implements jobs.Args.
func (Args) Kind() string { return string(ActRun) }

// pair is a table and one category that it holds.
type pair struct{ Tab, Category string }

// table is a declaration as the catalogue has it.
type table struct {
	Tab      string `db:"tab"`
	Category string `db:"category"`
	How      string `db:"how"`
	By       string `db:"by"`
	Shared   bool   `db:"shared"`
}

// Start begins a run that a job carries out, and returns its report as far as it goes. A dry run counts and deletes nothing.
// Conflict "retention.running" while another one is at work, "retention.clock" when the clocks disagree.
func (s *Service) Start(ctx context.Context, who access.Actor, trigger string, dry bool) (Run, error) {
	return op.Write(ctx, s.ops, who, ActRun, func(tx *op.Tx) (Run, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Run{}, err
		}
		r, err := s.open(ctx, tx, trigger, dry)
		if err != nil {
			return Run{}, err
		}
		tx.Audit(audit.Change{Type: "retention_run", ID: r.ID, Label: word(dry), Note: "asked for"})
		return r, tx.Enqueue(ctx, Args{Run: r.ID})
	})
}

func word(dry bool) string {
	if dry {
		return "retention, dry run"
	}
	return "retention"
}

// open inserts the row of a run that begins. It marks runs that were cut off.
func (s *Service) open(ctx context.Context, tx *op.Tx, trigger string, dry bool) (Run, error) {
	r, err := s.next(ctx, tx, trigger, dry)
	if err != nil {
		return r, err
	}
	return r, insertRun(ctx, tx, r)
}

// next returns the run that may begin now: refused when the clocks disagree. It marks runs that were cut off.
func (s *Service) next(ctx context.Context, tx *op.Tx, trigger string, dry bool) (Run, error) {
	at, err := clock(ctx, tx)
	if err != nil {
		return Run{}, err
	}
	r := Run{ID: id.New(), Trigger: trigger, Dry: dry, Outcome: Running, AsOf: at, StartedAt: tx.Now, BeatAt: tx.Now, SkewMS: tx.Now.Sub(at).Milliseconds(), Counts: []Count{},
		AskedBy: opt(tx.Who.Member), AskedName: tx.Who.Name}
	other, err := openRun(ctx, tx)
	if err != nil {
		return r, err
	}
	if other != nil && tx.Now.Sub(other.BeatAt).Abs() < stale {
		return r, errs.New(errs.Conflict, "retention.running", "A retention run is at work. Wait until it is done.")
	}
	if other != nil {
		other.Outcome, other.FinishedAt, other.Problem = Interrupted, &tx.Now, "It was cut off; the next run continued it."
		r.Continues = &other.ID
		if err := saveRun(ctx, tx, *other); err != nil {
			return r, err
		}
	}
	if tx.Now.Sub(at).Abs() > maxSkew {
		r.Outcome, r.FinishedAt = Refused, &tx.Now
		r.Problem = fmt.Sprintf("The clock of this host says %s, that of the database %s: they differ by %s, more than an hour. Nothing was deleted. Set the clocks right and run again.",
			tx.Now.Format(time.RFC3339), at.Format(time.RFC3339), tx.Now.Sub(at).Abs().Round(time.Second))
	}
	return r, nil
}

func opt(v id.ID) *id.ID {
	if v == id.Nil {
		return nil
	}
	return &v
}

// RunJob carries out a run that Start began: the handler of the job. It may run twice; what is gone is gone.
func (s *Service) RunJob(ctx context.Context, j jobs.Job[Args]) error {
	who := access.NewSystem(j.Tenant, "retention")
	r, err := s.get(ctx, who, j.Args.Run)
	if err != nil || r.Outcome != Running {
		return err
	}
	pairs, err := s.pairs(ctx, who)
	if err != nil {
		return err
	}
	_, err = s.carryOut(ctx, who, r, pairs)
	return err
}

// RunTenant runs retention for one tenant now and returns the report. Errors: Conflict "retention.running"; Conflict
// "retention.clock" when the clocks disagree by more than an hour, with the refused report.
func (s *Service) RunTenant(ctx context.Context, tenant id.ID, trigger string, dry bool) (Run, error) {
	who := access.NewSystem(tenant, "retention")
	pairs, err := s.pairs(ctx, who)
	if err != nil {
		return Run{}, err
	}
	months, bytes, err := 0, int64(0), error(nil)
	r, err := s.begin(ctx, who, trigger, dry)
	if err != nil {
		return r, err
	}
	if !dry {
		if months, bytes, err = s.dropMonths(ctx, who); err != nil {
			s.ops.Log.Warn("months of the logs not dropped; their rows go one by one", "error", err)
		}
	}
	r.Partitions, r.Bytes = months, bytes
	return s.carryOut(ctx, who, r, pairs)
}

// begin opens a run; a refusal because of the clocks is on record when it returns.
func (s *Service) begin(ctx context.Context, who access.Actor, trigger string, dry bool) (Run, error) {
	r, err := op.Write(ctx, s.ops, who, ActRun, func(tx *op.Tx) (Run, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Run{}, err
		}
		tx.Unchanged() // told when it ends, or by its report
		return s.open(ctx, tx, trigger, dry)
	})
	return s.told(who, r, err)
}

// told passes on what became of the beginning of a run; that it was refused is an error.
func (s *Service) told(who access.Actor, r Run, err error) (Run, error) {
	if err == nil && r.Outcome == Refused {
		s.alarm(who.Tenant, r)
		return r, errs.New(errs.Conflict, "retention.clock", "%s", r.Problem)
	}
	return r, err
}

func (s *Service) alarm(tenant id.ID, r Run) {
	s.ops.Log.Error("retention did not run", "tenant", tenant, "outcome", r.Outcome, "problem", r.Problem, "skew_ms", r.SkewMS)
	if s.opt.Alarm != nil {
		s.opt.Alarm(tenant, r.Outcome)
	}
}

// carryOut does the work of a run and finishes its report.
func (s *Service) carryOut(ctx context.Context, who access.Actor, r Run, pairs []table) (Run, error) {
	w := &work{s: s, who: who, run: r, counts: map[pair]*Count{}}
	for _, c := range r.Counts { // of a run that was cut off and goes on
		w.counts[pair{c.Table, c.Category}] = &Count{Category: c.Category, Table: c.Table, Removed: c.Removed, Blanked: c.Blanked}
	}
	err := w.all(ctx, pairs)
	r = w.report()
	r.Outcome = Done
	if err != nil {
		r.Outcome, r.Problem = Failed, errs.Of(err).Msg
		if ctx.Err() != nil {
			return r, err // cut off: the row stays running, the next run continues it
		}
	}
	s.head(ctx, who, &r)
	r, saveErr := op.Write(ctx, s.ops, who, ActRun, func(tx *op.Tx) (Run, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return r, err
		}
		r.FinishedAt, r.BeatAt = &tx.Now, tx.Now
		if r.Removed+r.Blanked+r.Held == 0 && r.Outcome == Done {
			tx.Unchanged()
		} else {
			tx.Audit(audit.Change{Type: "retention_run", ID: r.ID, Label: word(r.Dry), Note: r.Sentence()})
		}
		return r, saveRun(ctx, tx, r)
	})
	if r.Outcome == Failed {
		s.alarm(who.Tenant, r)
	}
	return r, errors.Join(err, saveErr)
}

// head puts the head of the log's tree into a report; where it cannot be had, the report goes without.
func (s *Service) head(ctx context.Context, who access.Actor, r *Run) {
	if s.opt.Head == nil {
		return
	}
	if h, err := s.opt.Head(ctx, who.Tenant); err == nil && h.Size > 0 {
		r.TreeSize, r.TreeRoot, r.TreeAt = &h.Size, &h.Root, &h.At
	}
}

// Sentence says what a run did.
func (r Run) Sentence() string {
	verb := "removed"
	if r.Dry {
		verb = "would remove"
	}
	parts := []string{fmt.Sprintf("%s %d rows", verb, r.Removed)}
	if r.Blanked > 0 {
		parts = append(parts, fmt.Sprintf("emptied %d", r.Blanked))
	}
	if r.Held > 0 {
		parts = append(parts, fmt.Sprintf("kept %d that are held", r.Held))
	}
	if r.Partitions > 0 {
		parts = append(parts, fmt.Sprintf("dropped %d months of logs", r.Partitions))
	}
	return strings.Join(parts, ", ")
}

// work is what one run has done so far.
type work struct {
	s      *Service
	who    access.Actor
	run    Run
	counts map[pair]*Count
}

func (w *work) count(t table) *Count {
	k := pair{t.Tab, t.Category}
	if w.counts[k] == nil {
		w.counts[k] = &Count{Category: t.Category, Table: t.Tab}
	}
	return w.counts[k]
}

// all goes over the tables until a pass removes nothing more: a row that another one refers to goes once that one is gone.
func (w *work) all(ctx context.Context, tables []table) error {
	for pass := range 10 {
		before := w.removed()
		for _, t := range tables {
			var err error
			switch {
			case t.How == "job" && pass == 0:
				err = w.job(ctx, t)
			case t.How != "job":
				err = w.table(ctx, t)
			}
			if err != nil {
				return fmt.Errorf("retention of %s: %w", t.Tab, err)
			}
		}
		if w.run.Dry || w.removed() == before {
			break
		}
	}
	if w.run.Dry {
		return nil
	}
	for {
		n, err := w.batch(ctx, nil, sqlEmptyHistory, batch)
		if err != nil || n.Removed < batch {
			return err
		}
	}
}

func (w *work) removed() (n int64) {
	for _, c := range w.counts {
		n += c.Removed
	}
	return n
}

func (w *work) table(ctx context.Context, t table) error {
	c := w.count(t)
	for {
		n, err := w.batch(ctx, c, sqlReap, t.Tab, t.Category, batch, w.run.Dry)
		if err != nil {
			return err
		}
		*c = c.and(n)
		if w.run.Dry || n.Removed+n.Blanked < batch {
			return nil
		}
	}
}

func (w *work) job(ctx context.Context, t table) error {
	if t.By == accountJob {
		if t.Tab != "member" {
			return nil // persons go with their last membership
		}
		return w.accounts(ctx, w.count(t))
	}
	if fn := w.s.opt.Expire[t.By]; fn != nil {
		n, err := fn(ctx, w.who.Tenant, w.run.Dry)
		w.count(t).Removed += n
		return err
	}
	return nil
}

// and adds what a batch did.
func (c Count) and(n Count) Count {
	c.Removed, c.Blanked = c.Removed+n.Removed, c.Blanked+n.Blanked
	c.Held, c.Blocked, c.Problem = n.Held, n.Blocked, n.Problem
	return c
}

// batch runs one statement that deletes, in a transaction of its own, and notes what it adds to a count in the report, so that whoever
// kills the program does not lose it. A lock that somebody else holds is waited for in turns, so that others are not kept waiting behind it.
func (w *work) batch(ctx context.Context, c *Count, sql string, args ...any) (Count, error) {
	for try := 1; ; try++ {
		out, err := op.Write(ctx, w.s.ops, w.who, ActRun, func(tx *op.Tx) (Count, error) {
			if err := tx.Allow(access.Object{}); err != nil {
				return Count{}, err
			}
			tx.Unchanged() // the report of the run tells it
			n, err := runBatch(ctx, tx, sql, args...)
			if err != nil {
				return n, err
			}
			return n, beat(ctx, tx, w.run.ID, w.soFar(c, n))
		})
		if !lockTimeout(err) || try == maxWaits {
			return out, err
		}
		if err := pause(ctx, time.Duration(try)*dropWait); err != nil {
			return out, err
		}
	}
}

func lockTimeout(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "55P03"
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// soFar returns the counts as they are once a batch has added to one of them; nil when it adds nothing.
func (w *work) soFar(c *Count, n Count) []Count {
	if c == nil || w.run.Dry || n.Removed+n.Blanked == 0 {
		return nil
	}
	before := *c
	*c = c.and(n)
	all := w.report().Counts
	*c = before
	return all
}

// report returns the run with what was done, in the order of categories.
func (w *work) report() Run {
	r := w.run
	r.Counts, r.Removed, r.Blanked, r.Held = []Count{}, 0, 0, 0
	for _, c := range w.counts {
		r.Removed, r.Blanked, r.Held = r.Removed+c.Removed, r.Blanked+c.Blanked, r.Held+c.Held
		if c.Removed+c.Blanked+c.Held+c.Blocked > 0 || c.Problem != "" {
			r.Counts = append(r.Counts, *c)
		}
	}
	slices.SortFunc(r.Counts, func(a, b Count) int {
		return cmp.Or(strings.Compare(a.Category, b.Category), strings.Compare(a.Table, b.Table))
	})
	return r
}

// dropMonths drops the months of the logs that are over for everybody, and returns how many and how many bytes that gave back.
func (s *Service) dropMonths(ctx context.Context, who access.Actor) (n int, bytes int64, err error) {
	months, err := s.monthsOver(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, m := range months {
		for try := 1; ; try++ {
			size, err := s.dropMonth(ctx, who, m)
			if err == nil {
				n, bytes = n+1, bytes+size
				break
			}
			if !lockTimeout(err) || try == maxWaits {
				return n, bytes, fmt.Errorf("drop %s: %w", m, err)
			}
			if err := pause(ctx, time.Duration(try)*dropWait); err != nil {
				return n, bytes, err
			}
		}
	}
	return n, bytes, nil
}
