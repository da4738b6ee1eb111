// Package retention makes what a policy says about keeping come true: each row goes when its period is over, not a day before and not
// a day after.
//
//	declaration   a table's comment: its category and, for each event, the column that says when it happened (db/migrations/0103)
//	rule          a tenant's period for a category and the event that it runs from (app.retention_rule)
//	duty          what a law asks to be kept at least as long; it wins over a shorter rule and over erasure
//	hold          keeps every row that refers to a person, an account, a partner or the whole tenant, until it is released
//	run           one pass over a tenant, with a report
//
// A run is  running ──▶ done | failed, or refused before it began; one that was cut off is interrupted and the next one continues it.
//
// Invariants:
//
//  1. A row whose event happened on day D is there through D + period and gone the day after; a period in hours ends to the moment.
//     Days are days in UTC; the time is the database's.
//  2. What deletes looks at the rule, the duty and the holds itself, in the database: no caller can delete before its time.
//  3. A hold placed while a run is at work wins: a batch that began earlier ends first, and no batch begins after it without it.
//  4. What a deleted row said does not live on in the history of rows.
//  5. Nothing is deleted while the program's clock and the database's disagree by more than an hour.
//  6. Each run leaves a report.
//  7. A user is written to before their account goes, and the last Admin of a programme stays.
package retention

import (
	"context"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// The use cases of the room.
const (
	ActRead     access.Action = "retention.read"
	ActRun      access.Action = "retention.run"
	ActWarn     access.Action = "retention.warn"
	ActErase    access.Action = "retention.erase"
	ActHolds    access.Action = "hold.list"
	ActPlace    access.Action = "hold.place"
	ActRelease  access.Action = "hold.release"
	ActDuty     access.Action = "duty.set"
	ActDutyDrop access.Action = "duty.drop"
)

// Head is the head of an audit log's tree, for the report of a run.
type Head struct {
	Size int64
	Root string
	At   time.Time
}

// Options are what the room asks of others; the zero value works.
type Options struct {
	// Head returns the head of a tenant's audit log; nil where there is none.
	Head func(ctx context.Context, tenant id.ID) (Head, error)
	// Expire are what tables declared by app.retain_job need besides accounts, by the name in the declaration: it removes what is over
	// and returns how much. dry only counts.
	Expire map[string]func(ctx context.Context, tenant id.ID, dry bool) (int64, error)
	// Alarm hears that a run was refused or failed; nil is nobody.
	Alarm func(tenant id.ID, outcome string)
}

// Service runs the room's use cases.
type Service struct {
	ops *op.Ops
	opt Options
}

// New returns the room's service.
func New(o *op.Ops, opt Options) *Service { return &Service{ops: o, opt: opt} }
