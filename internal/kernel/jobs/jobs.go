// Package jobs runs work after the transaction that asked for it, over River
// (github.com/riverqueue/river) in the schema "river".
//
// A job is queued inside the business transaction by the database function app.enqueue,
// which adds the tenant bound to that transaction: a job exists only if the change
// committed, and it can never name another tenant. Every job may run more than once, so
// every handler must be safe to repeat. Arguments are ids, never personal data.
package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
)

// Args are the arguments of one kind of job: a struct of ids that encodes to a JSON object
// of at most 8 KiB. Kind is the name of the use case, such as "deal.expire"; it must not
// depend on the value. The JSON name "tenant" is taken.
type Args interface{ Kind() string }

// Job is one attempt at a job.
type Job[A Args] struct {
	ID          int64
	Tenant      id.ID // the tenant of the transaction that queued it, never Nil
	Args        A
	Attempt     int // from 1; with ID it tells this run from an earlier one that was given up
	MaxAttempts int
}

// Last reports whether no further attempt follows when this one fails.
func (j Job[A]) Last() bool { return j.Attempt >= j.MaxAttempts }

// Querier is the part of a transaction that queueing needs.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Option alters how a job is queued.
type Option func(*options)

type options struct {
	at     *time.Time
	unique *string
}

// At lets the job start no earlier than t.
func At(t time.Time) Option { return func(o *options) { o.at = &t } }

// Unique keeps at most one job of this tenant, kind and key waiting; queueing another one
// only moves its start to the earlier of both times. A job already running does not count:
// it may have read the state before this change, so one more is queued behind it.
func Unique(key string) Option { return func(o *options) { o.unique = &key } }

const sqlEnqueue = `select app.enqueue($1::text, $2::jsonb, $3::timestamptz, $4::text)`

// Enqueue queues a within the transaction q, for the tenant bound to it. It fails when no
// tenant is bound.
func Enqueue(ctx context.Context, q Querier, a Args, opts ...Option) error {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode job %s: %w", a.Kind(), err)
	}
	var queued int64
	if err := q.QueryRow(ctx, sqlEnqueue, a.Kind(), string(body), o.at, o.unique).Scan(&queued); err != nil {
		return fmt.Errorf("enqueue %s: %w", a.Kind(), err)
	}
	return nil
}
