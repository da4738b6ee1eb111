package file

import (
	"context"
	"errors"
	"io"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Rekey encrypts up to limit files of a tenant anew that an older data key than version encrypted, and returns how many. The new
// content lies beside the old one until the row points to it: killed in between, an orphan is swept.
func (s *Service) Rekey(ctx context.Context, tenant id.ID, version, limit int) (n int, err error) {
	who := access.NewSystem(tenant, "key rotation")
	list, err := op.Read(ctx, s.ops, who, ActRekey, func(tx *op.Tx) ([]File, error) { return oldFiles(ctx, tx, version, limit) })
	if err != nil {
		return 0, err
	}
	for _, f := range list {
		if err := s.rekey(ctx, who, f); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (s *Service) rekey(ctx context.Context, who access.Actor, f File) error {
	from, err := s.content(ctx, f)
	if err != nil {
		return err
	}
	defer from.Close()
	fresh := f
	fresh.BlobKey, fresh.Size = blobKey(f), 0
	moved := false
	w, err := s.open(ctx, &fresh, func(done File) error {
		_, err := op.Write(ctx, s.ops, who, ActRekey, func(tx *op.Tx) (struct{}, error) {
			tx.Unchanged() // the content is the same
			if err := tx.Allow(access.Object{}); err != nil {
				return struct{}{}, err
			}
			moved, err = moveBlob(ctx, tx, f, done)
			return struct{}{}, err
		})
		return err
	})
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.Copy(w, from); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if !moved { // it was deleted or moved meanwhile
		return s.blobs.Delete(ctx, *fresh.BlobKey)
	}
	return errors.Join(from.Close(), s.blobs.Delete(ctx, *f.BlobKey))
}

// OldKeys returns how many files of the bound tenant an older data key than version encrypted.
func (s *Service) OldKeys(ctx context.Context, tx *op.Tx, version int) (int64, error) {
	return countOldFiles(ctx, tx, version)
}

// NeedsKey reports whether a file of the bound tenant needs the data key of this version, or is being written and may.
func (s *Service) NeedsKey(ctx context.Context, tx *op.Tx, version int) (bool, error) {
	return needsKey(ctx, tx, version)
}
