package transfer

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlBeginUndo = `
update import_run set status = 'undoing', phase = 'undo', report = $3, done = 0, last_row = 0, failure = '', acted_by = $4, acted_by_name = $5,
       version = version + 1, updated_at = $6
 where tenant_id = $1 and import_id = $2`

	// What the import made goes only while nobody has touched it and nothing else needs it.
	sqlDropDeals = `
delete from deal d where d.tenant_id = $1 and d.import_id = $2 and d.deal_id = any($3) and d.version = 1
   and not exists (select 1 from deal_note n where n.tenant_id = $1 and n.deal_id = d.deal_id)
   and not exists (select 1 from deal_claim c where c.tenant_id = $1 and c.deal_id = d.deal_id)
returning d.deal_id, d.title, d.partner_id`

	// Sight of an account that the import gave, and that no deal needs any more.
	sqlDropShares = `
delete from account_partner s
 using (select (before -> 'share' ->> 'partner_id')::uuid as partner_id, (before -> 'share' ->> 'account_id')::uuid as account_id from import_row
         where tenant_id = $1 and import_id = $2 and before -> 'share' is not null) v
 where s.tenant_id = $1 and s.partner_id = v.partner_id and s.account_id = v.account_id
   and not exists (select 1 from deal d where d.tenant_id = $1 and d.partner_id = v.partner_id and d.account_id = v.account_id)`

	sqlDropAccounts = `
delete from account a where a.tenant_id = $1 and a.import_id = $2 and ($3::uuid[] is null or a.account_id = any($3)) and a.version = 1
   and not exists (select 1 from deal d where d.tenant_id = $1 and d.account_id = a.account_id)
   and not exists (select 1 from contact c where c.tenant_id = $1 and c.account_id = a.account_id)
   and not exists (select 1 from account_partner s where s.tenant_id = $1 and s.account_id = a.account_id)
returning a.account_id, a.name, null::uuid`

	sqlDropProducts = `
delete from product p where p.tenant_id = $1 and p.import_id = $2 and p.product_id = any($3) and p.version = 1
returning p.product_id, p.name, null::uuid`

	sqlDropMembers = `
delete from member m where m.tenant_id = $1 and m.import_id = $2 and ($3::uuid[] is null or m.member_id = any($3)) and m.version = 1 and m.status = 'listed' and m.person_id is null
   and not exists (select 1 from deal d where d.tenant_id = $1 and d.owner_id = m.member_id)
returning m.member_id, m.name, m.partner_id`

	sqlDropPartners = `
delete from partner p where p.tenant_id = $1 and p.import_id = $2 and p.version = 1 and $3::uuid[] is null
   and not exists (select 1 from member m where m.tenant_id = $1 and m.partner_id = p.partner_id)
   and not exists (select 1 from deal d where d.tenant_id = $1 and d.partner_id = p.partner_id)
   and not exists (select 1 from contact c where c.tenant_id = $1 and c.partner_id = p.partner_id)
   and not exists (select 1 from account_partner s where s.tenant_id = $1 and s.partner_id = p.partner_id)
returning p.partner_id, p.name, p.partner_id`

	sqlMissing = `
select v.id from unnest($2::uuid[]) as v (id)
 where not exists (select 1 from member m where m.tenant_id = $1 and m.member_id = v.id)
   and not exists (select 1 from partner p where p.tenant_id = $1 and p.partner_id = v.id)`

	sqlLeftOver = `
select (select count(*) from member where tenant_id = $1 and import_id = $2) + (select count(*) from partner where tenant_id = $1 and import_id = $2)
     + (select count(*) from account where tenant_id = $1 and import_id = $2 and $3)`
)

// gone is an object that an undo removed.
type gone struct {
	ID      id.ID
	Label   string
	Partner id.ID
}

func beginUndo(ctx context.Context, tx *op.Tx, r Run, report Report) error {
	rep, err := json.Marshal(report)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sqlBeginUndo, tx.Who.Tenant, r.ID, string(rep), tx.Who.Member, tx.Who.Name, tx.Now)
	return err
}

// drop removes objects of the run by one of the sqlDrop statements; no ids means all that are left.
func drop(ctx context.Context, tx *op.Tx, sql string, run id.ID, ids []id.ID) ([]gone, error) {
	rows, err := tx.Query(ctx, sql, tx.Who.Tenant, run, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (g gone, err error) {
		err = row.Scan(&g.ID, &g.Label, &g.Partner)
		return g, err
	})
}

// missing returns which of the companies and people are gone.
func missing(ctx context.Context, tx *op.Tx, ids []id.ID) (map[id.ID]bool, error) {
	rows, err := tx.Query(ctx, sqlMissing, tx.Who.Tenant, ids)
	if err != nil {
		return nil, err
	}
	return idSet(rows)
}

func dropShares(ctx context.Context, tx *op.Tx, run id.ID) error {
	_, err := tx.Exec(ctx, sqlDropShares, tx.Who.Tenant, run)
	return err
}

// leftOver counts companies and people of the run, and with accounts its accounts, that an undo had to keep.
func leftOver(ctx context.Context, tx *op.Tx, run id.ID, accounts bool) (n int, err error) {
	err = tx.QueryRow(ctx, sqlLeftOver, tx.Who.Tenant, run, accounts).Scan(&n)
	return n, err
}
