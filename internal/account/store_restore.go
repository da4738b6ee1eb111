package account

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlExternalTaken        = `select exists (select from account where tenant_id = $1 and external_id = $2 and account_id <> $3)`
	sqlContactExternalTaken = `select exists (select from contact where tenant_id = $1 and external_id = $2 and contact_id <> $3)`
	sqlNames                = `select account_id, name from account where tenant_id = $1 and account_id = any ($2)`
)

// isTaken reports whether another record than self has an external id.
func isTaken(ctx context.Context, tx *op.Tx, sql, external string, self id.ID) (taken bool, err error) {
	err = tx.QueryRow(ctx, sql, tx.Who.Tenant, external, self).Scan(&taken)
	return taken, err
}

// namesOf returns the names of accounts, as far as the actor sees them.
func namesOf(ctx context.Context, tx *op.Tx, ids []id.ID) (map[id.ID]string, error) {
	rows, err := tx.Query(ctx, sqlNames, tx.Who.Tenant, ids)
	if err != nil {
		return nil, err
	}
	out := map[id.ID]string{}
	var key id.ID
	var name string
	_, err = pgx.ForEachRow(rows, []any{&key, &name}, func() error { out[key] = name; return nil })
	return out, err
}
