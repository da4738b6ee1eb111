package seal

import (
	"context"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Erase empties what the named entries of the transaction's tenant tell about people, in a transaction of a job, and returns how many
// it emptied. The entries, their commitments and proofs stay, and readers see when it was erased. It may be called twice.
func (s *Service) Erase(ctx context.Context, tx *op.Tx, entries []id.ID) (int, error) {
	return erase(ctx, tx, entries)
}
