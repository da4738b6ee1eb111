package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

const (
	sqlKey = `select key_version, wrapped, kek_id from data_key
 where tenant_id = $1 and ($2 = 0 or key_version = $2) order by key_version desc limit 1`

	sqlAddKey = `insert into data_key (tenant_id, key_version, wrapped, kek_id) values ($1, $2, $3, $4)
on conflict on constraint data_key_pk do nothing`

	sqlSigningKey = `select key_id, verifier, wrapped, kek_id from signing_key where retired_at is null`

	sqlNewVersion = `insert into data_key (tenant_id, key_version, wrapped, kek_id) values ($1, $2, $3, $4) on conflict on constraint data_key_pk do nothing`

	sqlVersions = `select key_version, kek_id, created_at, destroyed_at from data_key where tenant_id = $1 order by key_version`

	sqlDestroyVersion = `update data_key set wrapped = null, destroyed_at = app.now() where tenant_id = $1 and key_version = $2 and destroyed_at is null`

	// A tenant that never had a key gets none any more.
	sqlNoKey      = `insert into data_key (tenant_id, key_version, wrapped, kek_id, destroyed_at) select $1, 1, null, '', app.now() where not exists (select from data_key where tenant_id = $1)`
	sqlDestroyAll = `update data_key set wrapped = null, destroyed_at = app.now() where tenant_id = $1 and destroyed_at is null`

	sqlWrappedBy = `select key_version, wrapped, kek_id from data_key where tenant_id = $1 and wrapped is not null order by key_version for update`
	sqlRewrap    = `update data_key set wrapped = $3, kek_id = $4 where tenant_id = $1 and key_version = $2 and wrapped is not null`

	sqlSigningKeys   = `select key_id, verifier, wrapped, kek_id from signing_key order by created_at for update`
	sqlRewrapSigning = `update signing_key set wrapped = $2, kek_id = $3 where key_id = $1`

	sqlTenants = `select tenant_id, slug from app.tenant_list() order by tenant_id`

	// What every process with a cache of keys listens to; the payload is a tenant, or "" for all.
	sqlTell   = `select pg_notify('entente_keys', $1)`
	sqlListen = `listen entente_keys`

	sqlAddSigningKey = `insert into signing_key (key_id, verifier, wrapped, kek_id) values ($1, $2, $3, $4) on conflict do nothing`
)

type keyRow struct {
	Version uint32
	Wrapped []byte
	KEK     string
}

type signingRow struct {
	ID       id.ID
	Verifier string
	Wrapped  []byte
	KEK      string
}

// loadSigning returns the current signing key; pgx.ErrNoRows before there is one.
func (r *Ring) loadSigning(ctx context.Context) (k signingRow, err error) {
	err = r.db.Pool(pg.Worker).QueryRow(ctx, sqlSigningKey).Scan(&k.ID, &k.Verifier, &k.Wrapped, &k.KEK)
	return k, err
}

// addSigning adds a signing key unless there is a current one.
func (r *Ring) addSigning(ctx context.Context, k signingRow) error {
	_, err := r.db.Pool(pg.Worker).Exec(ctx, sqlAddSigningKey, k.ID, k.Verifier, k.Wrapped, k.KEK)
	return err
}

// bound runs fn in a transaction of the worker persona, bound to the tenant.
func (r *Ring) bound(ctx context.Context, tenant id.ID, fn func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, r.db.Pool(pg.Worker), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, pg.SQLBind, pg.Binding{Tenant: tenant, Now: r.clock()}.Args()...); err != nil {
			return err
		}
		return fn(tx)
	})
}

// load returns a wrapped key; the first one of a tenant is made here.
func (r *Ring) load(ctx context.Context, name keyName) (k keyRow, err error) {
	err = r.bound(ctx, name.tenant, func(tx pgx.Tx) error {
		read := func() error {
			return tx.QueryRow(ctx, sqlKey, name.tenant, name.version).Scan(&k.Version, &k.Wrapped, &k.KEK)
		}
		if err := read(); !errors.Is(err, pgx.ErrNoRows) || name.version != 0 {
			return err
		}
		wrapped, err := r.kek.Wrap(ctx, crypt.NewKey(), wrapData(name.tenant, 1))
		if err != nil {
			return r.unwrapFailed(err, r.kek.ID())
		}
		if _, err := tx.Exec(ctx, sqlAddKey, name.tenant, 1, wrapped, r.kek.ID()); err != nil {
			return err
		}
		return read()
	})
	var known *errs.Error
	switch {
	case errors.As(err, &known):
		return k, err
	case errors.Is(err, pgx.ErrNoRows):
		return k, fmt.Errorf("tenant %s has no data key of version %d: %w", name.tenant, name.version, crypt.ErrWrongKey)
	case pg.Constraint(err) == "data_key_tenant_fk":
		return k, errs.Missing("tenant")
	case err != nil:
		return k, &errs.Error{Kind: errs.Unavailable, Code: "keys.unavailable", Msg: "The keys of this programme cannot be read right now. Try again in a moment.", Err: err}
	case k.Wrapped == nil:
		return k, errs.New(errs.Conflict, "keys.destroyed", "The keys of this programme were destroyed; what they encrypted is gone for good.")
	}
	return k, nil
}

// addKey stores the first key of a tenant; made is false when there is one already.
func addKey(ctx context.Context, q pg.Querier, tenant id.ID, wrapped []byte, kek string) (made bool, err error) {
	tag, err := q.Exec(ctx, sqlAddKey, tenant, 1, wrapped, kek)
	return tag.RowsAffected() == 1, err
}
