package file

import (
	"context"
	"io"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
)

// ContentIn returns the content of a file that is ready, decrypted, within a running transaction of the program itself: for taking
// a whole tenant elsewhere, which is on record as one thing. Close it. Errors as of Open.
func (s *Service) ContentIn(ctx context.Context, tx *op.Tx, v id.ID) (*Content, error) {
	f, err := get(ctx, tx, v)
	if err != nil {
		return nil, err
	}
	if f.State != Ready || f.BlobKey == nil {
		return nil, errs.New(errs.NotFound, "file.gone", "This file is no longer kept.")
	}
	return s.content(ctx, f)
}

// Take stores the content of a file that arrives with its tenant, encrypted with keys, and returns where: what its row needs.
func (s *Service) Take(ctx context.Context, keys keyring.Sealer, tenant, v id.ID, from io.Reader) (key string, version int, err error) {
	f := File{TenantID: tenant, ID: v}
	key = *blobKey(f)
	r, pipe := io.Pipe()
	go func() {
		sealed, err := keys.SealTo(f.place(), pipe)
		if err == nil {
			if _, err = io.Copy(sealed, from); err == nil {
				err = sealed.Close()
			}
		}
		pipe.CloseWithError(err) // nil is the end of the stream
	}()
	if err := s.blobs.Put(ctx, key, r); err != nil {
		r.CloseWithError(err)
		return "", 0, unavailable(err)
	}
	return key, int(keys.Version()), nil
}
