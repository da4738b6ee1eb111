package jobs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// open returns a fresh database's pools: of the staff persona, which does business, and of
// the role that works the queue.
func open(t *testing.T) (business, queue *pgxpool.Pool) {
	t.Helper()
	db := pgtest.New(t)
	return db.Pool(pg.Staff), db.Pool(pg.Jobs)
}

type expire struct {
	Deal id.ID `json:"deal"`
}

func (expire) Kind() string { return "deal.expire" }

type other struct{}

func (other) Kind() string { return "deal.other" }

// asTenant runs fn in a transaction of the staff persona, bound to tenant unless it is Nil.
func asTenant(t *testing.T, business *pgxpool.Pool, tenant id.ID, fn func(tx pgx.Tx) error) error {
	t.Helper()
	return pgx.BeginFunc(t.Context(), business, func(tx pgx.Tx) error {
		if tenant != id.Nil {
			if _, err := tx.Exec(t.Context(), `select set_config('app.tenant_id', $1, true)`, tenant.String()); err != nil {
				return err
			}
		}
		return fn(tx)
	})
}

func enqueue(t *testing.T, business *pgxpool.Pool, tenant id.ID, a Args, opts ...Option) {
	t.Helper()
	err := asTenant(t, business, tenant, func(tx pgx.Tx) error { return Enqueue(t.Context(), tx, a, opts...) })
	if err != nil {
		t.Fatal(err)
	}
}

// logs is a log that may be read while others write.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// start runs r until the test ends and returns its runner and what it logs.
func start(t *testing.T, queue *pgxpool.Pool, r *Registry) (*Runner, *logs) {
	t.Helper()
	out := &logs{}
	runner, err := New(queue, r, slog.New(slog.NewTextHandler(out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := runner.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return runner, out
}

// take waits for the next value of c.
func take[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(15 * time.Second):
		t.Fatal("nothing came within 15 s")
		panic("unreachable")
	}
}

// outcomes makes r report to a channel.
func outcomes(r *Registry) <-chan Outcome {
	c := make(chan Outcome, 100)
	r.Observe(func(o Outcome) { c <- o })
	return c
}

func count(t *testing.T, queue *pgxpool.Pool, where string) int {
	t.Helper()
	var n int
	if err := queue.QueryRow(t.Context(), `select count(*) from river.river_job where `+where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestJobRunsForItsTenant(t *testing.T) {
	t.Parallel()
	business, queue := open(t)
	r := NewRegistry()
	got := make(chan Job[expire], 1)
	Handle(r, func(_ context.Context, j Job[expire]) error { got <- j; return nil })
	start(t, queue, r)

	tenant, deal := id.New(), id.New()
	var j Job[expire]
	var waits []time.Duration
	for range 9 {
		begin := time.Now()
		enqueue(t, business, tenant, expire{Deal: deal})
		j = take(t, got)
		waits = append(waits, time.Since(begin))
	}
	// Polling alone, once a second, would give a median of half a second.
	if slices.Sort(waits); waits[4] > 250*time.Millisecond {
		t.Errorf("jobs start %v after their commit: the notification does not arrive", waits)
	}
	j.ID = 0
	if diff := gocmp.Diff(Job[expire]{Tenant: tenant, Args: expire{deal}, Attempt: 1, MaxAttempts: 8}, j); diff != "" {
		t.Error(diff)
	}
}

func TestJobIsPartOfItsTransaction(t *testing.T) {
	t.Parallel()
	business, queue := open(t)
	rollback := errors.New("change of mind")
	err := asTenant(t, business, id.New(), func(tx pgx.Tx) error {
		if err := Enqueue(t.Context(), tx, expire{}); err != nil {
			return err
		}
		return rollback
	})
	if !errors.Is(err, rollback) {
		t.Fatal(err)
	}
	if n := count(t, queue, "true"); n != 0 {
		t.Errorf("%d jobs outlived the transaction that queued them", n)
	}
}

type forged struct {
	Tenant id.ID `json:"tenant"`
}

func (forged) Kind() string { return "deal.forged" }

// A18: a job names the tenant of its transaction, whatever its arguments say.
func TestJobCannotNameAnotherTenant(t *testing.T) {
	t.Parallel()
	business, queue := open(t)
	mine, theirs := id.New(), id.New()
	enqueue(t, business, mine, forged{Tenant: theirs})
	if n := count(t, queue, "args->>'tenant' = '"+mine.String()+"'"); n != 1 {
		t.Error("the job is not for the tenant of its transaction")
	}
}

func TestEnqueueRefuses(t *testing.T) {
	t.Parallel()
	business, _ := open(t)
	cases := map[string]struct {
		tenant id.ID
		args   Args
		state  string
	}{
		"no tenant bound":     {id.Nil, expire{}, "42501"},
		"a malformed kind":    {id.New(), custom{kind: "Deal Expire"}, "22023"},
		"no object":           {id.New(), custom{kind: "deal.x", body: `[1]`}, "22023"},
		"arguments too large": {id.New(), custom{kind: "deal.x", body: `{"x":"` + strings.Repeat("x", 9000) + `"}`}, "22023"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := asTenant(t, business, c.tenant, func(tx pgx.Tx) error { return Enqueue(t.Context(), tx, c.args) })
			var pgErr *pgconn.PgError
			if !errors.As(err, &pgErr) || pgErr.Code != c.state {
				t.Errorf("error %v, want SQLSTATE %s", err, c.state)
			}
		})
	}
	if _, err := business.Exec(t.Context(), `insert into river.river_job (kind, max_attempts, args) values ('x.y', 1, '{}')`); err == nil {
		t.Error("a persona may write River's table directly")
	}
}

type custom struct{ kind, body string }

func (c custom) Kind() string { return c.kind }
func (c custom) MarshalJSON() ([]byte, error) {
	return []byte(cmp.Or(c.body, "{}")), nil
}

func TestUniqueWaitsOnce(t *testing.T) {
	t.Parallel()
	business, queue := open(t)
	a, b := id.New(), id.New()
	tomorrow := time.Now().Add(24 * time.Hour)
	enqueue(t, business, a, expire{}, Unique("k"), At(tomorrow))
	enqueue(t, business, a, expire{}, Unique("k"), At(tomorrow.Add(time.Hour)))
	if n := count(t, queue, "state = 'scheduled'"); n != 1 {
		t.Errorf("%d jobs wait for one key", n)
	}
	enqueue(t, business, a, expire{}, Unique("other"), At(tomorrow))
	enqueue(t, business, a, other{}, Unique("k"), At(tomorrow))
	enqueue(t, business, b, expire{}, Unique("k"), At(tomorrow))
	if n := count(t, queue, "state = 'scheduled'"); n != 4 {
		t.Errorf("%d jobs wait, want 4: keys are apart by tenant, kind and key", n)
	}
	enqueue(t, business, a, expire{}, Unique("k"))
	if n := count(t, queue, "state = 'available' and scheduled_at <= now()"); n != 1 {
		t.Errorf("%d jobs are due, want the one that was asked for sooner", n)
	}
	if n := count(t, queue, "true"); n != 4 {
		t.Errorf("%d jobs, want 4", n)
	}
}

// What is queued while a job of its key runs must not get lost: the running one may have
// read the old state.
func TestUniqueQueuesBehindARunningJob(t *testing.T) {
	t.Parallel()
	business, queue := open(t)
	r := NewRegistry()
	running, release := make(chan int64, 10), make(chan struct{})
	busy := errors.New("busy")
	Handle(r, func(_ context.Context, j Job[expire]) error { running <- j.ID; <-release; return busy })
	done := outcomes(r)
	runner, _ := start(t, queue, r)
	tenant := id.New()
	// From the third on both slots of the key are taken by running jobs.
	for range 4 {
		enqueue(t, business, tenant, expire{}, Unique("k"))
		take(t, running)
	}
	close(release)
	for range 4 {
		if o := take(t, done); o.Result != "failed" {
			t.Errorf("outcome %+v", o)
		}
	}
	if err := runner.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, queue, "state = 'retryable'"); n != 4 {
		t.Errorf("%d of 4 failed jobs wait for another attempt", n)
	}
}

// A waiting job that a transaction relies on must not start before that transaction is
// over, for it would not see the change.
func TestUniqueHoldsTheWaitingJobBack(t *testing.T) {
	t.Parallel()
	business, queue := open(t)
	r := NewRegistry()
	ran := make(chan string, 10)
	Handle(r, func(context.Context, Job[expire]) error { ran <- "expire"; return nil })
	Handle(r, func(context.Context, Job[other]) error { ran <- "other"; return nil })
	tenant := id.New()
	enqueue(t, business, tenant, expire{}, Unique("k"))
	err := asTenant(t, business, tenant, func(tx pgx.Tx) error {
		if err := Enqueue(t.Context(), tx, expire{}, Unique("k")); err != nil {
			return err
		}
		start(t, queue, r)
		for range 2 {
			enqueue(t, business, tenant, other{})
			if kind := take(t, ran); kind != "other" {
				t.Errorf("%s ran before the transaction it belongs to was over", kind)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if kind := take(t, ran); kind != "expire" {
		t.Errorf("%s ran, want the job that was held back", kind)
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	business, queue := open(t)
	cases := []struct {
		name, result, state, stored string
		fail                        func() error
	}{
		{"again", "failed", "retryable", "deal.busy", func() error {
			return &errs.Error{Kind: errs.Unavailable, Code: "deal.busy", Msg: "busy", Err: errors.New("person@example.test")}
		}},
		{"give up", "cancelled", "cancelled", "see the log", func() error { return GiveUp(errors.New("person@example.test")) }},
		{"panic", "failed", "retryable", "panic, see the log", func() error { panic("person@example.test") }},
		{"later", "later", "scheduled", "", func() error { return Later(time.Hour) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := NewRegistry()
			Handle(r, func(context.Context, Job[expire]) error { return c.fail() })
			done := outcomes(r)
			runner, out := start(t, queue, r)
			enqueue(t, business, id.New(), expire{})
			if o := take(t, done); o.Result != c.result {
				t.Errorf("result %q, want %q", o.Result, c.result)
			}
			if err := runner.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			var state, stored string
			err := queue.QueryRow(t.Context(), `delete from river.river_job returning state::text, coalesce(errors::text, '')`).Scan(&state, &stored)
			if err != nil {
				t.Fatal(err)
			}
			if state != c.state || !strings.Contains(stored, c.stored) || strings.Contains(stored, "example.test") {
				t.Errorf("state %s, stored %s", state, stored)
			}
			if logged := strings.Contains(out.String(), "example.test"); logged != (c.stored != "") {
				t.Errorf("log: %s", out)
			}
		})
	}
}

// A18: rows that did not come from app.enqueue with a tenant, or name a platform kind with
// one, are refused for good and said loudly.
func TestRefusedRows(t *testing.T) {
	t.Parallel()
	_, queue := open(t)
	rows := map[string]struct{ kind, args string }{
		"no tenant":          {"deal.expire", `{}`},
		"an empty tenant":    {"deal.expire", `{"tenant":""}`},
		"a tenant not an id": {"deal.expire", `{"tenant":"x' or true"}`},
		"arguments unlike":   {"deal.expire", `{"tenant":"0190b1a5-7a3f-7c11-8000-000000000001","deal":[1]}`},
		"platform + tenant":  {"audit.seal", `{"tenant":"0190b1a5-7a3f-7c11-8000-000000000001"}`},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			r := NewRegistry()
			Handle(r, func(context.Context, Job[expire]) error { t.Error("it ran"); return nil })
			r.Periodic("audit.seal", Daily(3, 0), func(context.Context) error { return nil })
			refused := make(chan Outcome, 1)
			r.Observe(func(o Outcome) {
				if o.Result != "completed" {
					refused <- o
				}
			})
			_, err := queue.Exec(t.Context(), `insert into river.river_job (kind, args, max_attempts) values ($1, $2, 8)`, row.kind, row.args)
			if err != nil {
				t.Fatal(err)
			}
			_, out := start(t, queue, r)
			if o := take(t, refused); o.Kind != row.kind || o.Result != "cancelled" {
				t.Errorf("outcome %+v", o)
			}
			if !strings.Contains(out.String(), "level=ERROR") {
				t.Errorf("log: %s", out)
			}
		})
	}
}

func TestPeriodicRunsOnceAcrossNodes(t *testing.T) {
	t.Parallel()
	_, queue := open(t)
	ran := make(chan struct{}, 10)
	release := make(chan struct{})
	registry := func() *Registry {
		r := NewRegistry()
		r.Periodic("audit.seal", Daily(3, 0), func(context.Context) error { ran <- struct{}{}; <-release; return nil })
		return r
	}
	first, _ := start(t, queue, registry())
	start(t, queue, registry())
	take(t, ran)
	for range 3 {
		if err := first.Trigger(t.Context(), "audit.seal"); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, queue, "true"); n != 1 {
		t.Errorf("%d periodic jobs exist, want the running one only", n)
	}
	close(release)
	if err := first.Trigger(t.Context(), "deal.expire"); err == nil {
		t.Error("triggered a job that is not periodic")
	}
}

// A job stopped by the program's end goes back to the queue without losing an attempt.
func TestStopGivesJobsBack(t *testing.T) {
	t.Parallel()
	business, queue := open(t)
	r := NewRegistry()
	running := make(chan struct{})
	Handle(r, func(ctx context.Context, _ Job[expire]) error { close(running); <-ctx.Done(); return ctx.Err() })
	done := outcomes(r)
	runner, _ := start(t, queue, r)
	enqueue(t, business, id.New(), expire{})
	take(t, running)
	if err := runner.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o := take(t, done); o.Result != "stopped" {
		t.Errorf("outcome %+v", o)
	}
	if n := count(t, queue, "state = 'available' and attempt = 0 and errors is null"); n != 1 {
		t.Error("the job did not go back to the queue untouched")
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	business, queue := open(t)
	runner, err := New(queue, handled(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	tenant := id.New()
	enqueue(t, business, tenant, expire{})
	enqueue(t, business, tenant, expire{})
	enqueue(t, business, tenant, expire{}, At(time.Now().Add(time.Hour)))
	got, err := runner.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].Oldest = time.Time{}
	}
	want := []Count{{Kind: "deal.expire", State: "available", Jobs: 2}, {Kind: "deal.expire", State: "scheduled", Jobs: 1}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func handled() *Registry {
	r := NewRegistry()
	Handle(r, func(context.Context, Job[expire]) error { return nil })
	return r
}
