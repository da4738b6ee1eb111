package transfer

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/account"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const accountColumns = `tenant_id, account_id, name, name_norm, domain, country, sector, employees, parent_name, source, external_id, import_id, version, created_at, updated_at`

const (
	// Accounts that rows may mean, by external id or by normalised name, the oldest first.
	sqlAccountsLike = `
select ` + accountColumns + ` from account where tenant_id = $1 and external_id = any($2)
union
select ` + accountColumns + ` from account where tenant_id = $1 and name_norm = any($3) and name_norm <> ''
order by created_at, account_id`

	sqlLockAccounts = `select account_id from account where tenant_id = $1 and account_id = any($2) order by account_id for update`

	sqlAddAccounts = `
insert into account (tenant_id, account_id, name, name_norm, domain, country, sector, employees, parent_name, source, external_id, import_id, created_at, updated_at)
select $1, v.account_id, v.name, v.name_norm, v.domain, v.country, v.sector, v.employees, v.parent_name, 'import', v.external_id, $2, $3, $3
  from jsonb_to_recordset($4::jsonb) as v (account_id uuid, name text, name_norm text, domain text, country text, sector text, employees int, parent_name text, external_id text)`

	sqlSetAccounts = `
update account a set name = v.name, name_norm = v.name_norm, domain = v.domain, country = v.country, sector = v.sector, employees = v.employees,
       parent_name = v.parent_name, external_id = v.external_id, version = a.version + 1, updated_at = $2
  from jsonb_to_recordset($3::jsonb) as v (account_id uuid, name text, name_norm text, domain text, country text, sector text, employees int, parent_name text,
       external_id text, version int)
 where a.tenant_id = $1 and a.account_id = v.account_id and a.version = v.version
returning a.account_id`
)

// accountRecord is what an import writes of an account; as the record of what stood before, Version is the one that the
// import left.
type accountRecord struct {
	ID         id.ID   `json:"account_id"`
	Name       string  `json:"name"`
	NameNorm   string  `json:"name_norm"`
	Domain     string  `json:"domain"`
	Country    string  `json:"country"`
	Sector     string  `json:"sector"`
	Employees  *int    `json:"employees"`
	ParentName string  `json:"parent_name"`
	ExternalID *string `json:"external_id"`
	Version    int     `json:"version"`
}

func recordOfAccount(a account.Account, version int) accountRecord {
	return accountRecord{a.ID, a.Name, a.NameNorm, a.Domain, a.Country, a.Sector, a.Employees, a.ParentName, a.ExternalID, version}
}

func accountsLike(ctx context.Context, tx *op.Tx, external, norms []string) ([]account.Account, error) {
	rows, err := tx.Query(ctx, sqlAccountsLike, tx.Who.Tenant, external, norms)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[account.Account])
}

func lockAccounts(ctx context.Context, tx *op.Tx, ids []id.ID) error {
	_, err := tx.Exec(ctx, sqlLockAccounts, tx.Who.Tenant, ids)
	return err
}

func addAccounts(ctx context.Context, tx *op.Tx, run id.ID, list []accountRecord) error {
	return add(ctx, tx, sqlAddAccounts, run, list)
}

// setAccounts writes records whose version still stands and returns which did.
func setAccounts(ctx context.Context, tx *op.Tx, list []accountRecord) (map[id.ID]bool, error) {
	return set(ctx, tx, sqlSetAccounts, list)
}

// set runs a set-based update that returns the ids it reached.
func set[T any](ctx context.Context, tx *op.Tx, sql string, list []T) (map[id.ID]bool, error) {
	if len(list) == 0 {
		return nil, nil
	}
	arg, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, sql, tx.Who.Tenant, tx.Now, string(arg))
	if err != nil {
		return nil, err
	}
	return idSet(rows)
}

func idSet(rows pgx.Rows) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	var v id.ID
	_, err := pgx.ForEachRow(rows, []any{&v}, func() error { out[v] = true; return nil })
	return out, err
}
