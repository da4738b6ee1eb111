package keyring

import (
	"context"

	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

// Found makes the first key of a tenant that q's transaction is making, and returns its sealer. The key exists only if that
// transaction commits, so it is not kept in memory. A tenant that has a key already gets what Sealer returns. Errors as of Sealer.
func (r *Ring) Found(ctx context.Context, q pg.Querier, tenant id.ID) (Sealer, error) {
	raw := crypt.NewKey()
	wrapped, err := r.kek.Wrap(ctx, raw, wrapData(tenant, 1))
	if err != nil {
		return Sealer{}, r.unwrapFailed(err, r.kek.ID())
	}
	made, err := addKey(ctx, q, tenant, wrapped, r.kek.ID())
	if err != nil {
		return Sealer{}, err
	}
	if !made {
		return r.Sealer(ctx, tenant)
	}
	key, err := crypt.NewDataKey(raw)
	return Sealer{tenant: tenant, version: 1, key: key}, err
}
