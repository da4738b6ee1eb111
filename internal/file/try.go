package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
)

const (
	tryFiles = 3        // how many of the newest files Try reads
	tryBytes = 64 << 20 // a larger one is not read whole: of it only that its beginning opens is known
)

// Try reads the newest files of a tenant as they lie in the store: what lies there is not the content, opens in its own place as what was
// stored, and opens neither elsewhere nor with the key of the other tenant, if there is one. It returns how many it looked at, and what is
// wrong.
func (s *Service) Try(ctx context.Context, tenant, other id.ID) (looked int, wrong []string, err error) {
	files, err := op.Read(ctx, s.ops, access.NewSystem(tenant, "promise probe"), ActRekey, func(tx *op.Tx) ([]File, error) {
		return collect(ctx, tx, sqlNewestFiles, tryFiles)
	})
	for _, f := range files {
		why, err := s.tryFile(ctx, f, other)
		if err != nil {
			return looked, wrong, err
		}
		looked++
		if why != "" {
			wrong = append(wrong, fmt.Sprintf("the file %s %s", f.ID, why))
		}
	}
	return looked, wrong, err
}

func (s *Service) tryFile(ctx context.Context, f File, other id.ID) (why string, err error) {
	stored, err := s.blobs.Get(ctx, *f.BlobKey)
	if err != nil {
		return "is missing from the store", nil //nolint:nilerr // that is what the try is for
	}
	raw, err := io.ReadAll(io.LimitReader(stored, tryBytes+1))
	if _, closed := err, stored.Close(); err != nil || closed != nil {
		return "cannot be read from the store", nil //nolint:nilerr // as above
	}
	whole := len(raw) <= tryBytes
	if sum := sha256.Sum256(raw); bytes.Equal(sum[:], f.SHA256) || !whole && int64(len(raw)) > f.Size {
		return "lies in the store as it is", nil
	}
	opens := func(ctx context.Context, tenant id.ID, at File) ([]byte, error) {
		plain, err := s.ops.Keys.OpenFrom(ctx, tenant, at.place(), bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		if !whole {
			return io.ReadAll(io.LimitReader(plain, 1<<20))
		}
		return io.ReadAll(plain)
	}
	plain, err := opens(ctx, f.TenantID, f)
	if sum := sha256.Sum256(plain); err != nil || whole && !bytes.Equal(sum[:], f.SHA256) {
		return "does not open as what was stored", nil //nolint:nilerr // as above
	}
	elsewhere := f
	elsewhere.ID = id.New()
	if got, err := opens(keyring.Trial(ctx), f.TenantID, elsewhere); err == nil && len(got) > 0 {
		return "opens in another place", nil
	}
	if other != id.Nil {
		if got, err := opens(keyring.Trial(ctx), other, f); err == nil && len(got) > 0 {
			return "opens with the key of another programme", nil
		}
	}
	return "", nil
}
