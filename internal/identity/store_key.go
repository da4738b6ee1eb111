package identity

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlActorByKey = `
select tenant_id, key_id, member_id, person_id, partner_id, role, name, kind, scopes, expires_at, app.tenant_status(tenant_id) as tenant_status from app.actor_by_key($1, $2)`
	sqlTouchKey  = `select app.touch_api_key($1, $2, $3)`
	sqlInsertKey = `
insert into api_key (tenant_id, key_id, member_id, partner_id, name, prefix, key_hash, scopes, expires_at, created_by, created_at)
values (app.tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	sqlKeyColumns = `
select k.key_id, k.member_id, k.name, k.prefix, m.role, k.partner_id, coalesce(p.name, '') as partner_name, k.scopes, k.expires_at, k.last_used_at, k.revoked_at, k.created_at
  from api_key k join member m on m.tenant_id = k.tenant_id and m.member_id = k.member_id
  left join partner p on p.tenant_id = k.tenant_id and p.partner_id = k.partner_id
 where k.tenant_id = (select app.tenant())`
	sqlServiceKeys = sqlKeyColumns + ` and m.kind = 'service' and (k.created_at, k.key_id) < ($1, $2) order by k.created_at desc, k.key_id desc limit $3`
	sqlMyKeys      = sqlKeyColumns + ` and k.member_id = $1 order by k.created_at desc, k.key_id desc limit 200`
	sqlServiceKey  = sqlKeyColumns + ` and m.kind = 'service' and k.key_id = $1 for update of k`
	sqlMyKey       = sqlKeyColumns + ` and k.member_id = $2 and k.key_id = $1 for update of k`
	sqlKeyEnds     = `select expires_at from api_key where tenant_id = (select app.tenant()) and key_id = $1`
	sqlRevokeKey   = `update api_key set revoked_at = $2 where tenant_id = (select app.tenant()) and key_id = $1 and revoked_at is null`
	sqlRetire      = `update member set status = 'removed', version = version + 1, updated_at = $2 where tenant_id = (select app.tenant()) and member_id = $1 and kind = 'service'`

	sqlListenAuth = `listen entente_auth`
)

type keyRow struct {
	Tenant    id.ID      `db:"tenant_id"`
	Key       id.ID      `db:"key_id"`
	Member    id.ID      `db:"member_id"`
	Person    id.ID      `db:"person_id"`
	Partner   id.ID      `db:"partner_id"`
	Role      string     `db:"role"`
	Name      string     `db:"name"`
	Kind      string     `db:"kind"`
	Scopes    []string   `db:"scopes"`
	ExpiresAt *time.Time `db:"expires_at"`
	Status    string     `db:"tenant_status"`
}

func (s *Service) readKey(ctx context.Context, hash []byte, now time.Time) (keyRow, error) {
	rows, err := s.ops.DB.Pool(pg.Public).Query(ctx, sqlActorByKey, hash, now)
	if err != nil {
		return keyRow{}, err
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[keyRow])
	if errors.Is(err, pgx.ErrNoRows) {
		err = unauthenticated()
	}
	return row, err
}

func (s *Service) touchKey(ctx context.Context, tenant, key id.ID, now time.Time) error {
	_, err := s.run(ctx, sqlTouchKey, tenant, key, now)
	return err
}

func insertKey(ctx context.Context, tx *op.Tx, k Key, hash []byte) error {
	scopes := k.Scopes
	if scopes == nil {
		scopes = []string{}
	}
	_, err := tx.Exec(ctx, sqlInsertKey, k.ID, k.Member, k.PartnerID, k.Name, k.Prefix, hash, scopes, k.ExpiresAt, tx.Who.Member, tx.Now)
	return err
}

// keyEnds returns when a credential that is a key ends; nil for a key without end and for a session.
func keyEnds(ctx context.Context, tx *op.Tx, credential id.ID) (ends *time.Time, err error) {
	err = tx.QueryRow(ctx, sqlKeyEnds, credential).Scan(&ends)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return ends, err
}

func lockKey(ctx context.Context, tx *op.Tx, sql string, args ...any) (Key, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return Key{}, err
	}
	k, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Key])
	return k, missing(err, "key")
}

// revokeKey revokes a key, and with retire the service account that only it could use.
func revokeKey(ctx context.Context, tx *op.Tx, k Key, retire bool) error {
	b := &pgx.Batch{}
	b.Queue(sqlRevokeKey, k.ID, tx.Now)
	if retire {
		b.Queue(sqlRetire, k.Member, tx.Now)
	}
	return tx.SendBatch(ctx, b).Close()
}

// listen holds a connection of its own and hands every notice to hear until it is lost or ctx ends.
func (s *Service) listen(ctx context.Context, ready func(), hear func(payload string)) error {
	conn, err := pgx.ConnectConfig(ctx, s.ops.DB.Pool(pg.Public).Config().ConnConfig.Copy())
	if err != nil {
		return err
	}
	defer conn.Close(detached(ctx))
	if _, err := conn.Exec(ctx, sqlListenAuth); err != nil {
		return err
	}
	ready()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		hear(n.Payload)
	}
}

func myKeys(ctx context.Context, tx *op.Tx, member id.ID) ([]Key, error) {
	rows, err := tx.Query(ctx, sqlMyKeys, member)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Key])
}
