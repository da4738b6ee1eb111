package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// Schema is the database schema that holds River's tables; kernel/pg makes and migrates it.
const Schema = "river"

const (
	jobTimeout  = 5 * time.Minute
	rescueAfter = 10 * time.Minute
	softStop    = 8 * time.Second
	keepDone    = 24 * time.Hour
	keepFailed  = 30 * 24 * time.Hour
)

// Runner works the queue.
type Runner struct {
	client *river.Client[pgx.Tx]
	pool   *pgxpool.Pool
	kinds  map[string]handler
}

// New prepares a runner whose pool belongs to the role that owns River's tables, with at
// least four connections: one listens for new jobs. Nothing runs before Start.
func New(pool *pgxpool.Pool, r *Registry, log *slog.Logger) (*Runner, error) {
	observe := r.observe
	if observe == nil {
		observe = func(Outcome) {}
	}
	workers := river.NewWorkers()
	var periodic []*river.PeriodicJob
	for _, kind := range r.order {
		h := r.handlers[kind]
		river.AddWorkerArgs(workers, raw{kind}, &worker{handler: h, log: log, observe: observe, guard: r.guard})
		if h.schedule != nil {
			periodic = append(periodic, river.NewPeriodicJob(h.schedule,
				func() (river.JobArgs, *river.InsertOpts) { return raw{kind}, insertOpts() },
				&river.PeriodicJobOpts{ID: kind, RunOnStart: true}))
		}
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema:                      Schema,
		Workers:                     workers,
		PeriodicJobs:                periodic,
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: max(4, 2*runtime.GOMAXPROCS(0))}},
		FetchPollInterval:           time.Second,
		FetchCooldown:               50 * time.Millisecond,
		JobTimeout:                  jobTimeout,
		RescueStuckJobsAfter:        rescueAfter,
		SoftStopTimeout:             softStop,
		MaxAttempts:                 maxAttempts,
		CompletedJobRetentionPeriod: keepDone,
		CancelledJobRetentionPeriod: keepFailed,
		DiscardedJobRetentionPeriod: keepFailed,
		JobStuckHandler:             stuck(log),
		Logger:                      quiet(log),
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the job runner: %w", err)
	}
	return &Runner{client: client, pool: pool, kinds: r.handlers}, nil
}

// insertOpts lets one unfinished job of a platform kind exist at a time.
func insertOpts() *river.InsertOpts {
	return &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// Start begins to work the queue in the background. Jobs keep running until Stop, also
// after ctx ends.
func (r *Runner) Start(ctx context.Context) error {
	return r.client.Start(context.WithoutCancel(ctx))
}

const sqlReclaim = `
update river.river_job
   set state = case when attempt < max_attempts then 'available' else 'discarded' end::river.river_job_state,
       finalized_at = case when attempt < max_attempts then null else now() end, scheduled_at = now()
 where state = 'running'`

// Reclaim gives jobs back to the queue that a program which was killed left marked as running; their attempt counts. Call
// it before Start, and only when no other node can be at work on this database: it cannot tell the living from the dead.
// Without it such jobs are taken up ten minutes after they began.
func (r *Runner) Reclaim(ctx context.Context) (int64, error) {
	tag, err := r.pool.Exec(ctx, sqlReclaim)
	if err != nil {
		return 0, fmt.Errorf("reclaim jobs: %w", err)
	}
	return tag.RowsAffected(), nil
}

// Stop takes no further jobs and waits for those running. After eight seconds their
// contexts are cancelled; a job that ends for that reason goes back to the queue without
// losing an attempt. When ctx ends first, its error is returned and jobs still running are
// taken up again ten minutes later by whichever node then leads.
func (r *Runner) Stop(ctx context.Context) error { return r.client.Stop(ctx) }

// Trigger queues a periodic job to run now, unless one is unfinished already.
func (r *Runner) Trigger(ctx context.Context, name string) error {
	if h, ok := r.kinds[name]; !ok || h.schedule == nil {
		return fmt.Errorf("there is no periodic job %q", name)
	}
	_, err := r.client.Insert(ctx, raw{name}, insertOpts())
	return err
}

// Count is how many jobs of a kind are in a state that is not success.
type Count struct {
	Kind   string
	State  string // available, scheduled, retryable, running, pending, cancelled or discarded
	Jobs   int64
	Oldest time.Time // when the oldest of them was due
}

const sqlCounts = `
select kind, state::text as state, count(*) as jobs, min(scheduled_at) as oldest
  from river.river_job
 where state in ('available', 'scheduled', 'retryable', 'running', 'pending', 'cancelled', 'discarded')
 group by kind, state
 order by kind, state`

// Counts returns the jobs of all nodes by kind and state, for metrics. An old Oldest among
// the available says that the queue is not being worked.
func (r *Runner) Counts(ctx context.Context) ([]Count, error) {
	rows, err := r.pool.Query(ctx, sqlCounts)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByName[Count])
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return counts, nil
}

// stuck gives the place of a job that ignores its cancelled context to another one.
func stuck(log *slog.Logger) river.JobStuckHandler {
	return func(ctx context.Context, p river.JobStuckHandlerParams) river.JobStuckHandlerResult {
		log.LogAttrs(ctx, slog.LevelError, "job does not stop", slog.String("kind", p.Kind), slog.Int64("job", p.ID),
			slog.Int("stuck", p.TotalStuckJobs))
		return river.JobStuckHandlerResult{AddWorkerSlot: p.TotalStuckJobs <= 4}
	}
}

// quiet passes River's own messages on from warnings upwards; its reports of failed
// attempts are below that, and Work has logged them.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(quietHandler{log.Handler()}) }

type quietHandler struct{ slog.Handler }

func (h quietHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

func (h quietHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return quietHandler{h.Handler.WithAttrs(a)}
}

func (h quietHandler) WithGroup(name string) slog.Handler {
	return quietHandler{h.Handler.WithGroup(name)}
}
