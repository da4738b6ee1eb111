package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/riverqueue/river/rivertype"

	"entente.dev/internal/kernel/id"
)

// Registry knows what to do for each kind of job. Fill it before New; it is not safe for
// concurrent change.
type Registry struct {
	handlers map[string]handler
	order    []string
	observe  func(Outcome)
	guard    Guard
}

// Guard is asked before each job of a tenant; its error takes the place of the job's own.
type Guard func(ctx context.Context, kind string, tenant id.ID) error

// handler does the jobs of one kind. A schedule marks a periodic platform job, which
// belongs to no tenant.
type handler struct {
	schedule Schedule
	run      func(ctx context.Context, tenant id.ID, row *rivertype.JobRow) error
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry { return &Registry{handlers: map[string]handler{}} }

// kindRE is the form app.enqueue accepts as well.
var kindRE = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)

// Handle makes fn do the jobs of A's kind. An error makes the job run again, with growing
// delays over about twelve hours, until eight attempts are used up; GiveUp and Later say
// otherwise. ctx ends after five minutes or when the program stops. Handle panics when the
// kind is malformed or taken: that is a mistake in the wiring.
func Handle[A Args](r *Registry, fn func(ctx context.Context, j Job[A]) error) {
	var zero A
	r.add(zero.Kind(), handler{run: func(ctx context.Context, tenant id.ID, row *rivertype.JobRow) error {
		j := Job[A]{ID: row.ID, Tenant: tenant, Attempt: row.Attempt, MaxAttempts: row.MaxAttempts}
		if err := json.Unmarshal(row.EncodedArgs, &j.Args); err != nil {
			return GiveUp(errBadArgs)
		}
		return fn(ctx, j)
	}})
}

// Periodic runs fn at the moments of s, on one node at a time, and once more whenever
// another node takes the lead, so that a moment missed while nothing ran is made up for.
// It belongs to no tenant. While one run is unfinished no other begins. The name has the
// form of a kind, such as "audit.seal".
func (r *Registry) Periodic(name string, s Schedule, fn func(ctx context.Context) error) {
	r.add(name, handler{schedule: s, run: func(ctx context.Context, _ id.ID, _ *rivertype.JobRow) error {
		return fn(ctx)
	}})
}

// Kinds returns the registered kinds in the order of registration.
func (r *Registry) Kinds() []string { return append([]string(nil), r.order...) }

// Guard makes fn the judge of every tenant's jobs, such as one who knows which tenants are closed.
func (r *Registry) Guard(fn Guard) { r.guard = fn }

// Observe makes fn see the outcome of every attempt on this node; it must be quick.
func (r *Registry) Observe(fn func(Outcome)) { r.observe = fn }

func (r *Registry) add(kind string, h handler) {
	if !kindRE.MatchString(kind) || len(kind) > 100 {
		panic(fmt.Sprintf("jobs: %q is not a job kind", kind))
	}
	if _, taken := r.handlers[kind]; taken {
		panic(fmt.Sprintf("jobs: kind %q is handled twice", kind))
	}
	r.handlers[kind] = h
	r.order = append(r.order, kind)
}

// Outcome says how one attempt ended.
type Outcome struct {
	Kind   string
	Tenant id.ID  // Nil for a platform job
	Result string // completed, failed (will be tried again), discarded, cancelled, later or stopped
	Ran    time.Duration
	Fault  string // why it did not complete: codes, no text that quotes a value
}

// Schedule says when a periodic job is due next; see Every and Daily.
type Schedule interface {
	Next(after time.Time) time.Time
}

type every time.Duration

// Every is due at the multiples of d since the zero time, so that a restart does not
// postpone it. It panics unless d is positive.
func Every(d time.Duration) Schedule {
	if d <= 0 {
		panic("jobs: Every needs a positive duration")
	}
	return every(d)
}

func (e every) Next(after time.Time) time.Time {
	return after.Truncate(time.Duration(e)).Add(time.Duration(e))
}

type daily struct{ hour, minute int }

// Daily is due once a day at that time in UTC.
func Daily(hour, minute int) Schedule {
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		panic("jobs: Daily needs a time of day")
	}
	return daily{hour, minute}
}

func (d daily) Next(after time.Time) time.Time {
	y, m, day := after.UTC().Date()
	t := time.Date(y, m, day, d.hour, d.minute, 0, 0, time.UTC)
	if !t.After(after) {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

var (
	errBadArgs  = errors.New("the arguments cannot be read")
	errNoTenant = errors.New("the job names no tenant")
	errTenant   = errors.New("a platform job must not name a tenant")
)

type giveUp struct{ err error }

func (e *giveUp) Error() string { return e.err.Error() }
func (e *giveUp) Unwrap() error { return e.err }

// GiveUp marks err as final: the job is cancelled and not tried again.
func GiveUp(err error) error { return &giveUp{err} }

type later struct{ delay time.Duration }

func (e *later) Error() string { return "later, in " + e.delay.String() }

// Later, returned by a handler, runs the job again after d without counting the attempt.
func Later(d time.Duration) error { return &later{max(d, 0)} }
