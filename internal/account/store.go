package account

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	columns = `tenant_id, account_id, name, name_norm, domain, country, sector, employees, parent_name, source, external_id, import_id, version, created_at, updated_at`

	contactColumns = `c.tenant_id, c.contact_id, c.partner_id, c.account_id, c.name, c.email, c.phone, c.title, c.external_id, c.version, c.created_at, c.updated_at`
)

const (
	sqlGet  = `select ` + columns + ` from account where tenant_id = $1 and account_id = $2`
	sqlLock = sqlGet + ` for update`
	sqlList = `select ` + columns + ` from account where %s order by %s limit $%d`

	sqlInsert = `insert into account (` + columns + `) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

	sqlShare = `insert into account_partner (tenant_id, partner_id, account_id) values ($1, $2, $3) on conflict on constraint account_partner_pk do nothing`

	sqlUpdate = `update account set name = $3, name_norm = $4, domain = $5, country = $6, sector = $7, employees = $8, parent_name = $9, external_id = $10,
  version = $11, updated_at = $12
where tenant_id = $1 and account_id = $2 and version = $11 - 1`

	// The domain wins over the name, the oldest over the newer; each half is one index look-up.
	sqlFind = `
(select ` + columns + ` from account where tenant_id = $1 and domain = $2 and domain <> '' order by created_at, account_id limit 1)
union all
(select ` + columns + ` from account where tenant_id = $1 and name_norm = $3 and name_norm <> '' and (country = $4 or $4 = '' or country = '')
    and ($2 = '' or domain = '') order by created_at, account_id limit 1)
limit 1`

	// With a partner, only accounts shared with that partner are looked at.
	sqlFindShared = `
(select ` + columns + ` from account where tenant_id = $1 and domain = $2 and domain <> ''
    and exists (select 1 from account_partner s where s.tenant_id = $1 and s.partner_id = $5 and s.account_id = account.account_id)
  order by created_at, account_id limit 1)
union all
(select ` + columns + ` from account where tenant_id = $1 and name_norm = $3 and name_norm <> '' and (country = $4 or $4 = '' or country = '')
    and ($2 = '' or domain = '') and exists (select 1 from account_partner s where s.tenant_id = $1 and s.partner_id = $5 and s.account_id = account.account_id)
  order by created_at, account_id limit 1)
limit 1`

	sqlGetContact = `select ` + contactColumns + `, coalesce(a.name, '') from contact c
  left join account a on a.tenant_id = c.tenant_id and a.account_id = c.account_id where c.tenant_id = $1 and c.contact_id = $2`
	sqlLockContact  = sqlGetContact + ` for update of c`
	sqlListContacts = `select ` + contactColumns + `, coalesce(a.name, '') from contact c
  left join account a on a.tenant_id = c.tenant_id and a.account_id = c.account_id where %s order by %s limit $%d`
	sqlInsertContact = `insert into contact (tenant_id, contact_id, partner_id, account_id, name, email, phone, title, external_id, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	sqlUpdateContact = `update contact set account_id = $3, name = $4, email = $5, phone = $6, title = $7, external_id = $8, version = $9, updated_at = $10
where tenant_id = $1 and contact_id = $2 and version = $9 - 1`
	sqlDeleteContact = `delete from contact where tenant_id = $1 and contact_id = $2`
)

func scan(row pgx.CollectableRow) (a Account, err error) {
	err = row.Scan(&a.TenantID, &a.ID, &a.Name, &a.NameNorm, &a.Domain, &a.Country, &a.Sector, &a.Employees, &a.ParentName, &a.Source,
		&a.ExternalID, &a.ImportID, &a.Version, &a.CreatedAt, &a.UpdatedAt)
	return a, err
}

func scanContact(row pgx.CollectableRow) (c Contact, err error) {
	err = row.Scan(&c.TenantID, &c.ID, &c.PartnerID, &c.AccountID, &c.Name, &c.Email, &c.Phone, &c.Title, &c.ExternalID, &c.Version,
		&c.CreatedAt, &c.UpdatedAt, &c.AccountName)
	return c, err
}

func one(out *Account) func(pgx.Rows) error { return pg.One(out, scan, "account") }

func oneContact(out *Contact) func(pgx.Rows) error { return pg.One(out, scanContact, "contact") }

func query(ctx context.Context, q pg.Querier, sql string, args ...any) (a Account, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return a, err
	}
	err = one(&a)(rows)
	return a, err
}

// GetIn returns an account within a running transaction, for other rooms. Errors: NotFound.
func GetIn(ctx context.Context, tx *op.Tx, v id.ID) (Account, error) {
	return query(ctx, tx, sqlGet, tx.Who.Tenant, v)
}

// find returns the account that want describes, among those of the partner when there is one.
func find(ctx context.Context, tx *op.Tx, want Account, partner id.ID) (Account, bool, error) {
	sql, args := sqlFind, []any{tx.Who.Tenant, want.Domain, want.NameNorm, want.Country}
	if partner != id.Nil || tx.Who.Persona == access.Partner {
		sql, args = sqlFindShared, append(args, partner)
	}
	a, err := query(ctx, tx, sql, args...)
	if errs.IsKind(err, errs.NotFound) {
		return a, false, nil
	}
	return a, err == nil, err
}

// insert adds an account and, for a partner, its share; in this order, for a partner sees the row through the share only.
func insert(ctx context.Context, q pg.Querier, a Account, partner id.ID) error {
	b := &pgx.Batch{}
	b.Queue(sqlInsert, a.TenantID, a.ID, a.Name, a.NameNorm, a.Domain, a.Country, a.Sector, a.Employees, a.ParentName, a.Source,
		a.ExternalID, a.ImportID, a.Version, a.CreatedAt, a.UpdatedAt)
	if partner != id.Nil {
		b.Queue(sqlShare, a.TenantID, partner, a.ID)
	}
	return q.SendBatch(ctx, b).Close()
}

func update(ctx context.Context, q pg.Querier, a Account) error {
	tag, err := q.Exec(ctx, sqlUpdate, a.TenantID, a.ID, a.Name, a.NameNorm, a.Domain, a.Country, a.Sector, a.Employees, a.ParentName,
		a.ExternalID, a.Version, a.UpdatedAt)
	if err == nil && tag.RowsAffected() != 1 {
		return stale("account")
	}
	return err
}

func lockContact(ctx context.Context, tx *op.Tx, v id.ID) (Contact, error) {
	return queryContact(ctx, tx, sqlLockContact, v)
}

func getContact(ctx context.Context, tx *op.Tx, v id.ID) (Contact, error) {
	return queryContact(ctx, tx, sqlGetContact, v)
}

func queryContact(ctx context.Context, tx *op.Tx, sql string, v id.ID) (c Contact, err error) {
	rows, err := tx.Query(ctx, sql, tx.Who.Tenant, v)
	if err != nil {
		return c, err
	}
	err = oneContact(&c)(rows)
	return c, err
}

func insertContact(ctx context.Context, q pg.Querier, c Contact) error {
	_, err := q.Exec(ctx, sqlInsertContact, c.TenantID, c.ID, c.PartnerID, c.AccountID, c.Name, c.Email, c.Phone, c.Title, c.ExternalID,
		c.Version, c.CreatedAt, c.UpdatedAt)
	return err
}

func updateContact(ctx context.Context, q pg.Querier, c Contact) error {
	tag, err := q.Exec(ctx, sqlUpdateContact, c.TenantID, c.ID, c.AccountID, c.Name, c.Email, c.Phone, c.Title, c.ExternalID, c.Version, c.UpdatedAt)
	if err == nil && tag.RowsAffected() != 1 {
		return stale("contact")
	}
	return err
}

// ShareIn lets a partner's people see an account; sharing twice changes nothing.
func ShareIn(ctx context.Context, tx *op.Tx, account, partner id.ID) error {
	if partner == id.Nil {
		return nil
	}
	_, err := tx.Exec(ctx, sqlShare, tx.Who.Tenant, partner, account)
	return err
}

func deleteContact(ctx context.Context, tx *op.Tx, v id.ID) error {
	_, err := tx.Exec(ctx, sqlDeleteContact, tx.Who.Tenant, v)
	return err
}
