package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// raw is the one argument type River sees: the kind is a value, the body stays JSON until
// the handler of the kind decodes it.
type raw struct{ kind string }

func (a raw) Kind() string                 { return a.kind }
func (a raw) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }
func (a *raw) UnmarshalJSON([]byte) error  { return nil }

// worker does the jobs of one kind.
type worker struct {
	river.WorkerDefaults[raw]
	handler handler
	log     *slog.Logger
	observe func(Outcome)
	guard   Guard
}

// delays follow the first to the seventh failed attempt: short enough that a blink goes
// unnoticed, long enough together that a mail server may be away for a night.
var delays = []time.Duration{
	10 * time.Second, time.Minute, 5 * time.Minute, 20 * time.Minute, time.Hour, 3 * time.Hour, 8 * time.Hour,
}

const maxAttempts = 8

// NextRetry spreads retries by up to a tenth; a periodic job waits for its next moment at
// most.
func (w *worker) NextRetry(j *river.Job[raw]) time.Time {
	now := time.Now()
	d := delays[min(max(j.Attempt, 1), len(delays))-1]
	due := now.Add(d + rand.N(d/10))
	if w.handler.schedule != nil {
		if next := w.handler.schedule.Next(now); next.Before(due) {
			return next
		}
	}
	return due
}

// Work runs the handler and reports how it went: to the log in full but for the arguments,
// to River's table only with what cannot hold a person's data.
func (w *worker) Work(ctx context.Context, j *river.Job[raw]) error {
	start := time.Now()
	tenant, err := w.tenant(j.JobRow)
	if err == nil && w.guard != nil && w.handler.schedule == nil {
		err = w.guard(ctx, j.Kind, tenant)
	}
	if err == nil {
		err = w.run(ctx, tenant, j.JobRow)
	}
	result, out := w.verdict(ctx, j.JobRow, err)
	ran := time.Since(start)
	if level, said := levels[result]; said {
		w.log.LogAttrs(ctx, level, "job "+result, slog.String("kind", j.Kind), slog.Int64("job", j.ID),
			slog.String("tenant", tenant.String()), slog.Int("attempt", j.Attempt), slog.Duration("ran", ran),
			slog.String("error", err.Error()))
	}
	outcome := Outcome{Kind: j.Kind, Tenant: tenant, Result: result, Ran: ran}
	if err != nil && result != "later" {
		outcome.Fault = safeText(err)
	}
	w.observe(outcome)
	return out
}

// tenant reads the tenant from the row and refuses a job that should have one and has not,
// or the reverse: such a row did not come from app.enqueue or names a platform kind.
func (w *worker) tenant(row *rivertype.JobRow) (id.ID, error) {
	var head struct {
		Tenant *string `json:"tenant"`
	}
	if err := json.Unmarshal(row.EncodedArgs, &head); err != nil {
		return id.Nil, GiveUp(errBadArgs)
	}
	if w.handler.schedule != nil {
		if head.Tenant != nil {
			return id.Nil, GiveUp(errTenant)
		}
		return id.Nil, nil
	}
	if head.Tenant == nil {
		return id.Nil, GiveUp(errNoTenant)
	}
	tenant, ok := id.Parse(*head.Tenant)
	if !ok || tenant == id.Nil {
		return id.Nil, GiveUp(errNoTenant)
	}
	return tenant, nil
}

// run turns a panic of the handler into an error that carries the stack.
func (w *worker) run(ctx context.Context, tenant id.ID, row *rivertype.JobRow) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{value: v, stack: debug.Stack()}
		}
	}()
	return w.handler.run(ctx, tenant, row)
}

// levels says which results are logged, and how loudly.
var levels = map[string]slog.Level{
	"stopped": slog.LevelInfo, "failed": slog.LevelWarn, "cancelled": slog.LevelError, "discarded": slog.LevelError,
}

// verdict names the result and translates the handler's error for River.
func (w *worker) verdict(ctx context.Context, row *rivertype.JobRow, err error) (result string, out error) {
	if err == nil {
		return "completed", nil
	}
	var wait *later
	if errors.As(err, &wait) {
		return "later", river.JobSnooze(wait.delay)
	}
	safe := &recorded{text: safeText(err), cause: err}
	var final *giveUp
	if errors.As(err, &final) {
		return "cancelled", river.JobCancel(safe)
	}
	if errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled) {
		return "stopped", safe
	}
	if row.Attempt >= row.MaxAttempts {
		return "discarded", safe
	}
	return "failed", safe
}

type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

// recorded is an error as River may store it. It still unwraps, for River treats an
// attempt that ended because the program stops as not made.
type recorded struct {
	text  string
	cause error
}

func (r *recorded) Error() string { return r.text }
func (r *recorded) Unwrap() error { return r.cause }

// safeText describes err without any text that may quote a value: codes only. The log has
// the rest under the job's number.
func safeText(err error) string {
	var (
		ours *errs.Error
		db   *pgconn.PgError
		p    *panicked
	)
	switch {
	case errors.Is(err, errNoTenant), errors.Is(err, errTenant), errors.Is(err, errBadArgs):
		return err.Error()
	case errors.As(err, &ours):
		return ours.Code
	case errors.As(err, &db):
		return "SQLSTATE " + db.Code + " " + db.ConstraintName
	case errors.As(err, &p):
		return "panic, see the log"
	case errors.Is(err, context.DeadlineExceeded):
		return "out of time"
	case errors.Is(err, context.Canceled):
		return "stopped"
	}
	return fmt.Sprintf("%T, see the log", err)
}
