package keyring

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

// Version is one data key of a tenant, without the key.
type Version struct {
	Number      uint32     `json:"version"`
	KEK         string     `json:"kek"`
	CreatedAt   time.Time  `json:"created_at"`
	DestroyedAt *time.Time `json:"destroyed_at,omitempty"`
}

// Versions returns every data key that the tenant has or had, the oldest first.
func (r *Ring) Versions(ctx context.Context, tenant id.ID) (out []Version, err error) {
	err = r.bound(ctx, tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sqlVersions, tenant)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (v Version, err error) {
			err = row.Scan(&v.Number, &v.KEK, &v.CreatedAt, &v.DestroyedAt)
			return v, err
		})
		return err
	})
	return out, err
}

type tenantRow struct {
	ID   id.ID
	Slug string
}

func (r *Ring) tenants(ctx context.Context) ([]tenantRow, error) {
	rows, err := r.db.Pool(pg.Worker).Query(ctx, sqlTenants)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t tenantRow, err error) {
		err = row.Scan(&t.ID, &t.Slug)
		return t, err
	})
}

// addVersion makes a data key the newest of its tenant, after the version that the caller read as newest.
func (r *Ring) addVersion(ctx context.Context, tenant id.ID, version uint32) error {
	wrapped, err := r.kek.Wrap(ctx, crypt.NewKey(), wrapData(tenant, version))
	if err != nil {
		return r.unwrapFailed(err, r.kek.ID())
	}
	return r.changed(ctx, tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlNewVersion, tenant, version, wrapped, r.kek.ID())
		return err
	})
}

// changed runs fn bound to the tenant, and has every process forget the tenant's keys when it has committed.
func (r *Ring) changed(ctx context.Context, tenant id.ID, fn func(tx pgx.Tx) error) error {
	defer r.forget(tenant)
	return r.bound(ctx, tenant, func(tx pgx.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, sqlTell, tenant.String())
		return err
	})
}

func (r *Ring) destroyVersion(ctx context.Context, tenant id.ID, version uint32) error {
	return r.changed(ctx, tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlDestroyVersion, tenant, version)
		return err
	})
}

// Destroy destroys every data key of a tenant, at once and for good: whatever they encrypted can be read by nobody any more, in no
// backup either that does not hold these keys. Every process of the installation forgets them. It may be called again.
func (r *Ring) Destroy(ctx context.Context, tenant id.ID) error {
	return r.changed(ctx, tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlDestroyAll, tenant)
		if err == nil {
			_, err = tx.Exec(ctx, sqlNoKey, tenant)
		}
		return err
	})
}

// rewrapTenant wraps the data keys of one tenant with another KEK, in one transaction, and returns how many it were.
func (r *Ring) rewrapTenant(ctx context.Context, tenant id.ID, to crypt.KEK) (n int, err error) {
	err = r.changed(ctx, tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sqlWrappedBy, tenant)
		if err != nil {
			return err
		}
		keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k keyRow, err error) {
			err = row.Scan(&k.Version, &k.Wrapped, &k.KEK)
			return k, err
		})
		for _, k := range keys {
			if k.KEK == to.ID() {
				continue
			}
			raw, err := r.unwrap(ctx, k.Wrapped, wrapData(tenant, k.Version), k.KEK)
			if err != nil {
				return err
			}
			fresh, err := to.Wrap(ctx, raw, wrapData(tenant, k.Version))
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, sqlRewrap, tenant, k.Version, fresh, to.ID()); err != nil {
				return err
			}
			n++
		}
		return err
	})
	return n, err
}

// rewrapSigning does the same for the signing keys, those retired too.
func (r *Ring) rewrapSigning(ctx context.Context, to crypt.KEK) (n int, err error) {
	err = pgx.BeginFunc(ctx, r.db.Pool(pg.Worker), func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sqlSigningKeys)
		if err != nil {
			return err
		}
		keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k signingRow, err error) {
			err = row.Scan(&k.ID, &k.Verifier, &k.Wrapped, &k.KEK)
			return k, err
		})
		for _, k := range keys {
			if k.KEK == to.ID() {
				continue
			}
			raw, err := r.unwrap(ctx, k.Wrapped, signData(k.ID), k.KEK)
			if err != nil {
				return err
			}
			fresh, err := to.Wrap(ctx, raw, signData(k.ID))
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, sqlRewrapSigning, k.ID, fresh, to.ID()); err != nil {
				return err
			}
			n++
		}
		return err
	})
	return n, err
}

// listen forgets keys as other processes tell, until ctx or the connection ends.
func (r *Ring) listen(ctx context.Context) error {
	conn, err := r.db.Pool(pg.Worker).Acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Conn().Close(context.WithoutCancel(ctx)); conn.Release() }() // it listens: nobody else may have it
	if _, err := conn.Exec(ctx, sqlListen); err != nil {
		return err
	}
	r.Forget() // what was told before is not known
	for {
		n, err := conn.Conn().WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if tenant, ok := id.Parse(n.Payload); ok {
			r.forget(tenant)
		} else {
			r.Forget()
		}
	}
}

// noSigningKey reports whether the installation has no signing key yet, as before its first start.
func (r *Ring) noSigningKey(ctx context.Context) (bool, error) {
	_, err := r.loadSigning(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil
	}
	return false, err
}
