package archive

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlCountPartner = `
select (select count(*) from deal where tenant_id = (select app.tenant()) and partner_id = $1 and state in ('draft', 'submitted', 'returned', 'approved')),
       (select count(*) from deal where tenant_id = (select app.tenant()) and partner_id = $1 and state not in ('draft', 'submitted', 'returned', 'approved')),
       (select count(*) from member where tenant_id = (select app.tenant()) and partner_id = $1 and status <> 'removed'),
       (select count(*) from api_key where tenant_id = (select app.tenant()) and partner_id = $1 and revoked_at is null)`
	sqlHandDeals = `
update deal set partner_id = $2, owner_id = null, version = version + 1, updated_at = $3
 where tenant_id = (select app.tenant()) and partner_id = $1 and state in ('draft', 'submitted', 'returned', 'approved') returning deal_id, title`
	sqlHandClaims = `update deal_claim set partner_id = $2 where tenant_id = (select app.tenant()) and partner_id = $1 and deal_id = any ($3)`
	sqlHandShares = `
insert into account_partner (tenant_id, partner_id, account_id)
select distinct d.tenant_id, d.partner_id, d.account_id from deal d where d.tenant_id = (select app.tenant()) and d.deal_id = any ($1) and d.partner_id is not null and d.account_id is not null
on conflict on constraint account_partner_pk do nothing`
	sqlMembersOf = `select member_id from member where tenant_id = (select app.tenant()) and partner_id = $1 and status <> 'removed' order by member_id`

	sqlCountMember = `
select (select count(*) from deal where tenant_id = (select app.tenant()) and owner_id = $1 and state in ('draft', 'submitted', 'returned', 'approved')),
       (select count(*) from deal where tenant_id = (select app.tenant()) and owner_id = $1 and state not in ('draft', 'submitted', 'returned', 'approved')),
       (select count(*) from api_key where tenant_id = (select app.tenant()) and member_id = $1 and revoked_at is null)`
	sqlHandOwned = `
update deal set owner_id = $2, version = version + 1, updated_at = $3
 where tenant_id = (select app.tenant()) and owner_id = $1 and state in ('draft', 'submitted', 'returned', 'approved') returning deal_id, title`
	sqlDropViews  = `delete from saved_view where tenant_id = (select app.tenant()) and member_id = $1`
	sqlColleagues = `
select member_id, name from member where tenant_id = (select app.tenant()) and partner_id is not distinct from $1 and member_id <> $2 and kind = 'person' and status = 'active'
 order by name, member_id limit 200`
)

// handed is a deal that changes hands.
type handed struct {
	ID    id.ID
	Title string
}

func countPartner(ctx context.Context, tx *op.Tx, v id.ID, h *Handover) error {
	return tx.QueryRow(ctx, sqlCountPartner, v).Scan(&h.Deals, &h.Kept, &h.People, &h.Keys)
}

func countMember(ctx context.Context, tx *op.Tx, v id.ID, h *Handover) error {
	return tx.QueryRow(ctx, sqlCountMember, v).Scan(&h.Deals, &h.Kept, &h.Keys)
}

// handDeals gives the open deals of a partner, and what protects them, to another one or, with Nil, to the vendor.
func handDeals(ctx context.Context, tx *op.Tx, from, to id.ID) ([]handed, error) {
	out, err := handedOf(ctx, tx, sqlHandDeals, from, optional(to), tx.Now)
	if err != nil || len(out) == 0 {
		return out, err
	}
	ids := make([]id.ID, len(out))
	for i, d := range out {
		ids[i] = d.ID
	}
	if _, err := tx.Exec(ctx, sqlHandClaims, from, optional(to), ids); err != nil {
		return out, err
	}
	_, err = tx.Exec(ctx, sqlHandShares, ids)
	return out, err
}

func handOwned(ctx context.Context, tx *op.Tx, from, to id.ID) ([]handed, error) {
	return handedOf(ctx, tx, sqlHandOwned, from, optional(to), tx.Now)
}

func handedOf(ctx context.Context, tx *op.Tx, sql string, args ...any) ([]handed, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[handed])
}

func membersOf(ctx context.Context, tx *op.Tx, v id.ID) ([]id.ID, error) {
	rows, err := tx.Query(ctx, sqlMembersOf, v)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[id.ID])
}

func colleaguesOf(ctx context.Context, tx *op.Tx, m identity.Member) ([]identity.Member, error) {
	rows, err := tx.Query(ctx, sqlColleagues, optional(m.PartnerID), m.ID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (c identity.Member, err error) {
		err = r.Scan(&c.ID, &c.Name)
		return c, err
	})
}

func dropViews(ctx context.Context, tx *op.Tx, v id.ID) error {
	_, err := tx.Exec(ctx, sqlDropViews, v)
	return err
}

// optional is null for Nil.
func optional(v id.ID) *id.ID {
	if v == id.Nil {
		return nil
	}
	return &v
}
