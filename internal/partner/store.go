package partner

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const columns = `tenant_id, partner_id, name, name_norm, kind, domains, country, region, manager_id, manager_name, status, external_id, import_id, version, created_at, updated_at`

const (
	sqlGet  = `select ` + columns + ` from partner where tenant_id = $1 and partner_id = $2`
	sqlLock = sqlGet + ` for update`
	sqlList = `select ` + columns + ` from partner where %s order by %s limit $%d`

	sqlInsert = `insert into partner (` + columns + `)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

	sqlUpdate = `update partner set name = $3, name_norm = $4, kind = $5, domains = $6, country = $7, region = $8, manager_id = $9, manager_name = $10,
  status = $11, external_id = $12, version = $13, updated_at = $14
where tenant_id = $1 and partner_id = $2 and version = $13 - 1`

	sqlExternalTaken = `select exists (select from partner where tenant_id = $1 and external_id = $2 and partner_id <> $3)`

	sqlManager = `select name from member where tenant_id = $1 and member_id = $2 and partner_id is null and kind = 'person' and status <> 'removed'`
)

func scan(row pgx.CollectableRow) (p Partner, err error) {
	err = row.Scan(&p.TenantID, &p.ID, &p.Name, &p.NameNorm, &p.Kind, &p.Domains, &p.Country, &p.Region, &p.ManagerID, &p.ManagerName,
		&p.Status, &p.ExternalID, &p.ImportID, &p.Version, &p.CreatedAt, &p.UpdatedAt)
	return p, err
}

func one(out *Partner) func(pgx.Rows) error { return pg.One(out, scan, "partner") }

func query(ctx context.Context, q pg.Querier, sql string, args ...any) (p Partner, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return p, err
	}
	err = one(&p)(rows)
	return p, err
}

// GetIn returns a partner within a running transaction, for other rooms. Errors: NotFound.
func GetIn(ctx context.Context, tx *op.Tx, v id.ID) (Partner, error) {
	return query(ctx, tx, sqlGet, tx.Who.Tenant, v)
}

func lock(ctx context.Context, tx *op.Tx, v id.ID) (Partner, error) {
	return query(ctx, tx, sqlLock, tx.Who.Tenant, v)
}

func insert(ctx context.Context, q pg.Querier, p Partner) error {
	_, err := q.Exec(ctx, sqlInsert, p.TenantID, p.ID, p.Name, p.NameNorm, p.Kind, p.Domains, p.Country, p.Region, p.ManagerID, p.ManagerName,
		p.Status, p.ExternalID, p.ImportID, p.Version, p.CreatedAt, p.UpdatedAt)
	return err
}

func update(ctx context.Context, q pg.Querier, p Partner) error {
	tag, err := q.Exec(ctx, sqlUpdate, p.TenantID, p.ID, p.Name, p.NameNorm, p.Kind, p.Domains, p.Country, p.Region, p.ManagerID, p.ManagerName,
		p.Status, p.ExternalID, p.Version, p.UpdatedAt)
	if err == nil && tag.RowsAffected() != 1 {
		return errs.New(errs.Stale, "partner.stale", "Somebody changed this partner since you opened it. Read it again and repeat your change.")
	}
	return err
}

func managerName(ctx context.Context, tx *op.Tx, member id.ID) (name string, err error) {
	err = tx.QueryRow(ctx, sqlManager, tx.Who.Tenant, member).Scan(&name)
	return name, err
}

// externalTaken reports whether another partner than self has an external id.
func externalTaken(ctx context.Context, tx *op.Tx, external string, self id.ID) (taken bool, err error) {
	err = tx.QueryRow(ctx, sqlExternalTaken, tx.Who.Tenant, external, self).Scan(&taken)
	return taken, err
}
