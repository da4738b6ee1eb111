package file

import (
	"context"
	"errors"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// orphanAge is how old a blob without a row, or a row that is still being written, must be to be given up: longer than any
// transaction or job.
const orphanAge = 24 * time.Hour

// Delete ends a file before its time: its content is removed at once, its row says that it is gone. Errors: NotFound.
func (s *Service) Delete(ctx context.Context, who access.Actor, v id.ID) error {
	f, err := op.Write(ctx, s.ops, who, ActDelete, func(tx *op.Tx) (File, error) {
		f, err := lock(ctx, tx, v)
		if err != nil {
			return File{}, err
		}
		if err := allow(tx, f); err != nil {
			return File{}, err
		}
		if f.State == Gone {
			tx.Unchanged()
			return f, nil
		}
		now := f
		now.State = Gone
		tx.Audit(audit.Change{Type: "stored_file", ID: f.ID, Label: f.Name, Partner: f.seenBy(), Before: f, After: now})
		return f, markGone(ctx, tx, []id.ID{f.ID})
	})
	if err != nil || f.BlobKey == nil {
		return err
	}
	return s.remove(ctx, f.TenantID, []File{f})
}

// remove deletes the content of files that are gone and notes it. What cannot be deleted now is swept later.
func (s *Service) remove(ctx context.Context, tenant id.ID, files []File) error {
	var done []id.ID
	var fault error
	for _, f := range files {
		if err := s.blobs.Delete(ctx, *f.BlobKey); err != nil {
			fault = errors.Join(fault, unavailable(err))
			continue
		}
		done = append(done, f.ID)
	}
	if len(done) == 0 {
		return fault
	}
	_, err := op.Write(ctx, s.ops, access.NewSystem(tenant, "file store"), ActSweep, func(tx *op.Tx) (struct{}, error) {
		tx.Unchanged() // that they are gone is on record already
		return struct{}{}, errors.Join(tx.Allow(access.Object{}), clearBlobs(ctx, tx, done))
	})
	return errors.Join(fault, err)
}

// Sweep ends the files of a tenant whose time is up and those that were never finished: their content is removed, then their rows. It
// deletes blobs that no row knows, too. It returns how many files ended.
func (s *Service) Sweep(ctx context.Context, tenant id.ID) (int, error) {
	who, ended := access.NewSystem(tenant, "file store"), 0
	for {
		left, err := op.Write(ctx, s.ops, who, ActSweep, func(tx *op.Tx) ([]File, error) {
			if err := tx.Allow(access.Object{}); err != nil {
				return nil, err
			}
			over, err := endOver(ctx, tx, tx.Now, tx.Now.Add(-orphanAge))
			if err != nil {
				return nil, err
			}
			tx.Unchanged()
			for _, f := range over {
				tx.Audit(audit.Change{Type: "stored_file", ID: f.ID, Label: f.Name, Partner: f.seenBy(), Note: "its time is up"})
			}
			ended += len(over)
			if err := forget(ctx, tx); err != nil {
				return nil, err
			}
			return leftovers(ctx, tx)
		})
		if err != nil {
			return ended, err
		}
		if len(left) == 0 {
			break
		}
		if err := s.remove(ctx, tenant, left); err != nil {
			return ended, err
		}
	}
	return ended, s.sweepOrphans(ctx, who)
}

// sweepOrphans deletes blobs of the tenant that no row knows and that are too old to be on their way to one.
func (s *Service) sweepOrphans(ctx context.Context, who access.Actor) error {
	before := s.ops.Clock().Add(-orphanAge)
	var old []string
	flush := func() error {
		known, err := op.Read(ctx, s.ops, who, ActSweep, func(tx *op.Tx) (map[string]bool, error) { return knownBlobs(ctx, tx, old) })
		if err != nil {
			return err
		}
		for _, key := range old {
			if !known[key] {
				if err := s.blobs.Delete(ctx, key); err != nil {
					return unavailable(err)
				}
			}
		}
		old = old[:0]
		return nil
	}
	err := s.blobs.List(ctx, who.Tenant.String()+"/", func(i blob.Info) error {
		if !i.At.Before(before) {
			return nil
		}
		if old = append(old, i.Key); len(old) < 500 {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		var known *errs.Error
		if !errors.As(err, &known) {
			err = unavailable(err)
		}
	}
	return err
}

// SweepStore forgets what was begun in the store and never finished by a program that was killed.
func (s *Service) SweepStore(ctx context.Context) error {
	_, err := s.blobs.Forget(ctx, s.ops.Clock().Add(-orphanAge))
	return err
}

// Purge removes every blob of a tenant, known or not, and returns how many; the rows are the caller's to delete. For the
// deletion of a tenant; it may be run again.
func (s *Service) Purge(ctx context.Context, tenant id.ID) (int, error) {
	n := 0
	err := s.blobs.List(ctx, tenant.String()+"/", func(i blob.Info) error {
		n++
		return s.blobs.Delete(ctx, i.Key)
	})
	if err != nil {
		return n, unavailable(err)
	}
	return n, nil
}
