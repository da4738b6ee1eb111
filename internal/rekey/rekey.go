// Package rekey exchanges the data key of a tenant: everything is encrypted with a new one from now on, what the older ones
// encrypted is encrypted anew in chunks, and an older one is destroyed when nothing needs it any more.
//
//	running ──▶ waiting ──▶ done
//
// A rotation waits until every process must have heard of the new key, and looks once more for what was written meanwhile.
//
// Invariants:
//
//  1. Whatever kills the program, a rotation goes on: each chunk is one transaction, and what it did is not done again.
//  2. A key is destroyed only when no value, file or file under way needs it. Entries of the audit log are never written anew: the
//     key that encrypted them lives as long as they do.
package rekey

import (
	"context"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
)

// The use cases of the room; both belong to the program itself.
const (
	ActStart access.Action = "rekey.start"
	ActRun   access.Action = "rekey.run"
)

// Column is a column of encrypted values: keyring.Place is its table, the value of Key, and its name.
type Column struct {
	Table, Key, Column string
	Fixed              bool // never written anew, such as entries of the audit log
}

// Rotation is how far one is.
type Rotation struct {
	ID         id.ID      `db:"rotation_id" json:"id"`
	Version    int        `db:"key_version" json:"key_version"`
	State      string     `db:"state" json:"state"`
	Done       int64      `db:"done" json:"done"`
	Total      int64      `db:"total" json:"total"`
	Kept       []int32    `db:"kept" json:"kept"`
	StartedAt  time.Time  `db:"started_at" json:"started_at"`
	UpdatedAt  time.Time  `db:"updated_at" json:"updated_at"`
	FinishedAt *time.Time `db:"finished_at" json:"finished_at,omitempty"`
}

// The states.
const (
	Running = "running"
	Waiting = "waiting"
	Done    = "done"
)

// RunArgs asks for a rotation to go on.
type RunArgs struct {
	Rotation id.ID `json:"rotation"`
}

// Kind implements jobs.Args.
func (RunArgs) Kind() string { return string(ActRun) }

// Service runs the room's use cases.
type Service struct {
	ops     *op.Ops
	files   *file.Service
	columns []Column
}

// New returns the room's service over every column of encrypted values.
func New(o *op.Ops, files *file.Service, columns []Column) *Service {
	return &Service{o, files, columns}
}

func system(tenant id.ID) access.Actor { return access.NewSystem(tenant, "key rotation") }

// Start gives a tenant a new data key and queues the job that encrypts anew. A rotation that is under way is returned as it is.
// Errors: Conflict "keys.destroyed", Unavailable "keys.unavailable".
func (s *Service) Start(ctx context.Context, tenant id.ID) (Rotation, error) {
	have, err := s.Current(ctx, tenant)
	if err == nil || !errs.IsKind(err, errs.NotFound) {
		return have, err
	}
	version, err := s.ops.Keys.Rotate(ctx, tenant)
	if err != nil {
		return Rotation{}, err
	}
	return op.Write(ctx, s.ops, system(tenant), ActStart, func(tx *op.Tx) (Rotation, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Rotation{}, err
		}
		r := Rotation{ID: id.New(), Version: int(version), State: Running, StartedAt: tx.Now, UpdatedAt: tx.Now}
		for _, c := range s.columns {
			if !c.Fixed {
				n, err := countOld(ctx, tx, c, version)
				if err != nil {
					return r, err
				}
				r.Total += n
			}
		}
		n, err := s.files.OldKeys(ctx, tx, int(version))
		if err != nil {
			return r, err
		}
		r.Total += n
		tx.Audit(audit.Change{Type: "key_rotation", ID: r.ID, Label: "data key", After: r})
		if err := insert(ctx, tx, r); err != nil {
			return r, err
		}
		return r, tx.Enqueue(ctx, RunArgs{r.ID}, jobs.Unique(r.ID.String()))
	})
}

// Current returns the rotation of a tenant that is not done. Errors: NotFound.
func (s *Service) Current(ctx context.Context, tenant id.ID) (Rotation, error) {
	return op.Read(ctx, s.ops, system(tenant), ActRun, func(tx *op.Tx) (Rotation, error) { return current(ctx, tx) })
}

// Run is the handler of the job: it works until it is nearly out of time, and comes again.
func (s *Service) Run(ctx context.Context, j jobs.Job[RunArgs]) error {
	end := s.ops.Clock().Add(3 * time.Minute)
	for {
		r, err := s.Step(ctx, j.Tenant)
		switch {
		case errs.IsKind(err, errs.NotFound): // done by somebody else
			return nil
		case err != nil:
			return err
		case r.State == Done:
			return nil
		case r.State == Waiting:
			return jobs.Later(max(time.Second, r.StartedAt.Add(keyring.Settled+time.Second).Sub(s.ops.Clock())))
		case s.ops.Clock().After(end):
			return jobs.Later(time.Second)
		}
	}
}

const (
	valuesAtOnce = 500
	filesAtOnce  = 4
)

// Step does one chunk of the tenant's rotation and returns how far it is. While it waits, a step does nothing. Errors: NotFound when
// there is no rotation under way.
func (s *Service) Step(ctx context.Context, tenant id.ID) (Rotation, error) {
	r, err := s.Current(ctx, tenant)
	if err != nil {
		return r, err
	}
	if r.State == Waiting && s.ops.Clock().Before(r.StartedAt.Add(keyring.Settled)) {
		return r, nil
	}
	for _, c := range s.columns {
		if c.Fixed {
			continue
		}
		n, err := s.values(ctx, tenant, r, c)
		if err != nil {
			return r, err
		}
		if n > 0 {
			return s.Current(ctx, tenant)
		}
	}
	n, err := s.files.Rekey(ctx, tenant, r.Version, filesAtOnce)
	if err != nil {
		return r, err
	}
	return s.settle(ctx, tenant, r, n)
}

// values encrypts a chunk of one column anew.
func (s *Service) values(ctx context.Context, tenant id.ID, r Rotation, c Column) (int, error) {
	return op.Write(ctx, s.ops, system(tenant), ActRun, func(tx *op.Tx) (int, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return 0, err
		}
		tx.Unchanged() // the values say what they said
		sealer, err := tx.Sealer(ctx)
		if err != nil {
			return 0, err
		}
		if int(sealer.Version()) < r.Version { // an older key in memory
			s.ops.Keys.Forget()
			return 0, errs.New(errs.Unavailable, "keys.unavailable", "The new key is not known here yet. Try again in a moment.")
		}
		old, err := readOld(ctx, tx, c, uint32(r.Version))
		if err != nil || len(old) == 0 {
			return 0, err
		}
		for i, v := range old {
			at := keyring.Place{Table: c.Table, Row: v.Key, Column: c.Column}
			plain, err := s.ops.Keys.Open(ctx, tenant, at, v.Value)
			if err != nil {
				return 0, err
			}
			if old[i].Fresh, err = sealer.Seal(at, plain); err != nil {
				return 0, err
			}
		}
		if err := writeFresh(ctx, tx, c, old); err != nil {
			return 0, err
		}
		return len(old), progress(ctx, tx, r, Running, len(old))
	})
}

// settle moves a rotation on that found no value any more: files were done, or it waits, or older keys are destroyed.
func (s *Service) settle(ctx context.Context, tenant id.ID, r Rotation, files int) (Rotation, error) {
	state := Running
	settled := !s.ops.Clock().Before(r.StartedAt.Add(keyring.Settled))
	if files == 0 {
		state = Waiting
	}
	if files == 0 && settled {
		kept, err := s.retire(ctx, tenant, r)
		if err != nil {
			return r, err
		}
		state, r.Kept = Done, kept
	}
	return op.Write(ctx, s.ops, system(tenant), ActRun, func(tx *op.Tx) (Rotation, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return r, err
		}
		out := r
		out.State, out.Done, out.UpdatedAt = state, r.Done+int64(files), tx.Now
		if state == Done {
			out.FinishedAt = &tx.Now
			tx.Audit(audit.Change{Type: "key_rotation", ID: r.ID, Label: "data key", Before: r, After: out})
		} else {
			tx.Unchanged()
		}
		return out, finish(ctx, tx, out, files)
	})
}

// retire destroys every older key that nothing needs, and returns those that something does.
func (s *Service) retire(ctx context.Context, tenant id.ID, r Rotation) ([]int32, error) {
	list, err := s.ops.Keys.Versions(ctx, tenant)
	if err != nil {
		return nil, err
	}
	kept := []int32{}
	for _, v := range list {
		if v.DestroyedAt != nil || int(v.Number) >= r.Version {
			continue
		}
		used, err := op.Read(ctx, s.ops, system(tenant), ActRun, func(tx *op.Tx) (bool, error) {
			for _, c := range s.columns {
				if yes, err := uses(ctx, tx, c, v.Number); err != nil || yes {
					return yes, err
				}
			}
			return s.files.NeedsKey(ctx, tx, int(v.Number))
		})
		if err != nil {
			return nil, err
		}
		if used {
			kept = append(kept, int32(v.Number))
			continue
		}
		if err := s.ops.Keys.Retire(ctx, tenant, v.Number); err != nil {
			return nil, err
		}
	}
	return kept, nil
}
