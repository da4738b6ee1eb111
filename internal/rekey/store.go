package rekey

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/op"
)

const (
	sqlCurrent = `select rotation_id, key_version, state, done, total, kept, started_at, updated_at, finished_at from key_rotation where tenant_id = $1 and state <> 'done'`

	sqlInsert = `insert into key_rotation (tenant_id, rotation_id, key_version, state, total, started_at, updated_at) values ($1, $2, $3, 'running', $4, $5, $5)`

	sqlProgress = `update key_rotation set state = $3, done = done + $4, updated_at = $5 where tenant_id = $1 and rotation_id = $2 and state <> 'done'`

	sqlFinish = `update key_rotation set state = $3, done = done + $4, kept = $5, updated_at = $6, finished_at = $7 where tenant_id = $1 and rotation_id = $2 and state <> 'done'`

	// A value begins with its format and the number of its key, so that older ones sort before the first of the new key. The names
	// are those of Column, which the program declares.
	sqlCountOld = `select count(*) from %[1]s where tenant_id = $1 and substr(%[3]s, 1, 5) < $2`
	sqlReadOld  = `select %[2]s::text, %[3]s from %[1]s where tenant_id = $1 and substr(%[3]s, 1, 5) < $2 limit $3 for update skip locked`
	sqlUses     = `select exists (select from %[1]s where tenant_id = $1 and substr(%[3]s, 1, 5) = $2 and %[2]s is not null)`
	sqlWrite    = `update %[1]s r set %[3]s = v.fresh from unnest($2::text[], $3::bytea[]) as v (key, fresh) where r.tenant_id = $1 and r.%[2]s = v.key::uuid`
)

func mark(version uint32) []byte { return binary.BigEndian.AppendUint32([]byte{1}, version) }

func (c Column) sql(template string) string {
	name := func(s string) string { return pgx.Identifier{s}.Sanitize() }
	return fmt.Sprintf(template, name(c.Table), name(c.Key), name(c.Column))
}

func current(ctx context.Context, tx *op.Tx) (Rotation, error) {
	rows, err := tx.Query(ctx, sqlCurrent, tx.Who.Tenant)
	if err != nil {
		return Rotation{}, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Rotation])
	if errors.Is(err, pgx.ErrNoRows) {
		return r, errs.Missing("key_rotation")
	}
	return r, err
}

func insert(ctx context.Context, tx *op.Tx, r Rotation) error {
	_, err := tx.Exec(ctx, sqlInsert, tx.Who.Tenant, r.ID, r.Version, r.Total, r.StartedAt)
	return err
}

func progress(ctx context.Context, tx *op.Tx, r Rotation, state string, more int) error {
	_, err := tx.Exec(ctx, sqlProgress, tx.Who.Tenant, r.ID, state, more, tx.Now)
	return err
}

func finish(ctx context.Context, tx *op.Tx, r Rotation, more int) error {
	if r.Kept == nil {
		r.Kept = []int32{}
	}
	_, err := tx.Exec(ctx, sqlFinish, tx.Who.Tenant, r.ID, r.State, more, r.Kept, r.UpdatedAt, r.FinishedAt)
	return err
}

func countOld(ctx context.Context, tx *op.Tx, c Column, version uint32) (n int64, err error) {
	err = tx.QueryRow(ctx, c.sql(sqlCountOld), tx.Who.Tenant, mark(version)).Scan(&n)
	return n, err
}

func uses(ctx context.Context, tx *op.Tx, c Column, version uint32) (yes bool, err error) {
	err = tx.QueryRow(ctx, c.sql(sqlUses), tx.Who.Tenant, mark(version)).Scan(&yes)
	return yes, err
}

// sealed is one encrypted value and what takes its place.
type sealed struct {
	Key          string
	Value, Fresh []byte
}

func readOld(ctx context.Context, tx *op.Tx, c Column, version uint32) ([]sealed, error) {
	rows, err := tx.Query(ctx, c.sql(sqlReadOld), tx.Who.Tenant, mark(version), valuesAtOnce)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (v sealed, err error) {
		err = row.Scan(&v.Key, &v.Value)
		return v, err
	})
}

func writeFresh(ctx context.Context, tx *op.Tx, c Column, list []sealed) error {
	keys, fresh := make([]string, len(list)), make([][]byte, len(list))
	for i, v := range list {
		keys[i], fresh[i] = v.Key, v.Fresh
	}
	_, err := tx.Exec(ctx, c.sql(sqlWrite), tx.Who.Tenant, keys, fresh)
	return err
}
