package privacy

import (
	"context"
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/datamap"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// The use cases of the room.
const (
	ActList       access.Action = "privacy.list"
	ActRead       access.Action = "privacy.read"
	ActFind       access.Action = "privacy.find"
	ActRestricted access.Action = "privacy.restricted"
	ActOpen       access.Action = "privacy.open"
	ActVerify     access.Action = "privacy.verify"
	ActUpdate     access.Action = "privacy.update"
	ActPropose    access.Action = "privacy.propose"
	ActApprove    access.Action = "privacy.approve"
	ActAnswer     access.Action = "privacy.answer"
	ActRestrict   access.Action = "privacy.restrict"
	ActRun        access.Action = "privacy.run"
	ActReplay     access.Action = "privacy.replay"
	ActTaskList   access.Action = "privacy.task_list"
	ActTaskAnswer access.Action = "privacy.task_answer"
	ActMine       access.Action = "me.privacy"
	ActAsk        access.Action = "me.request"
)

const erased = datamap.Erased

// Options are what the room needs besides the database.
type Options struct {
	Ledger string // the file that knows every erasure beside the database; "" keeps none (then a restore is not noticed)
	// TreeHead returns the head of the sealed log in words, for certificates; nil where nothing is sealed.
	TreeHead func(ctx context.Context, tenant id.ID) (string, error)
}

// Service runs the room's use cases.
type Service struct {
	ops   *op.Ops
	files *file.Service
	opts  Options
}

// New returns the room's service.
func New(o *op.Ops, files *file.Service, opts Options) *Service {
	return &Service{ops: o, files: files, opts: opts}
}

// RunArgs asks for an approved request to be carried out, or for the package of one to be made.
type RunArgs struct {
	Request id.ID `json:"request"`
}

// Kind implements jobs.Args.
func (RunArgs) Kind() string { return string(ActRun) }

// change runs fn on a locked request and saves what it changes. version 0 takes whatever stands. Errors: NotFound, Stale
// "privacy.stale", and whatever fn returns.
func (s *Service) change(ctx context.Context, who access.Actor, act access.Action, v id.ID, version int, fn func(tx *op.Tx, r *Request) (note string, err error)) (Request, error) {
	return op.Write(ctx, s.ops, who, act, func(tx *op.Tx) (Request, error) {
		tx.About("privacy_request", v)
		r, err := lockRequest(ctx, tx, v)
		if err != nil {
			return r, err
		}
		if err := tx.Allow(r.object(tx.Who)); err != nil {
			return r, err
		}
		if version != 0 && version != r.Version {
			return r, errStale
		}
		before := r.told()
		note, err := fn(tx, &r)
		if err != nil {
			return r, err
		}
		if r.closes() {
			r.ClosedAt = &tx.Now
		}
		tx.Audit(audit.Change{Type: "privacy_request", ID: r.ID, Label: r.label(), Before: before, After: r.told(), Note: note})
		return r, save(ctx, tx, &r)
	})
}

func (r Request) closes() bool {
	return r.ClosedAt == nil && slices.Contains([]State{Done, Refused, Withdrawn, Forwarded}, r.State)
}

func zoneOf(set tenant.Settings) *time.Location {
	if zone, err := time.LoadLocation(set.TimeZone); err == nil {
		return zone
	}
	return time.UTC
}
