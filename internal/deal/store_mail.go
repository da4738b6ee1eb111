package deal

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	// The partner's manager, else everybody who can decide.
	sqlVendorReaders = `select m.name, m.email from member m
 where m.tenant_id = $1 and m.partner_id is null and m.kind = 'person' and m.status = 'active' and m.email <> '' and m.member_id is distinct from $3
   and (m.member_id = (select p.manager_id from partner p where p.tenant_id = $1 and p.partner_id = $2)
        or not exists (select 1 from partner p join member b on b.tenant_id = p.tenant_id and b.member_id = p.manager_id and b.status = 'active'
                        where p.tenant_id = $1 and p.partner_id = $2))
 order by m.name limit 20`

	// The owner, else those who run the partner's side.
	sqlPartnerReaders = `select m.name, m.email from member m
 where m.tenant_id = $1 and m.partner_id = $2 and m.kind = 'person' and m.status = 'active' and m.email <> '' and m.member_id is distinct from $4
   and (m.member_id = $3 or m.role = 'partner' and not exists (select 1 from member o where o.tenant_id = $1 and o.member_id = $3 and o.status = 'active' and o.email <> ''))
 order by m.name limit 20`
)

// getIn returns a deal within a running transaction. Errors: NotFound.
func getIn(ctx context.Context, tx *op.Tx, v id.ID) (Deal, error) {
	rows, err := tx.Query(ctx, sqlGet, tx.Who.Tenant, v)
	if err != nil {
		return Deal{}, err
	}
	d, err := pgx.CollectExactlyOneRow(rows, scanDeal)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, errs.Missing("deal")
	}
	return d, err
}

type reader struct{ Name, Email string }

func readersIn(ctx context.Context, tx *op.Tx, sql string, args ...any) ([]reader, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[reader])
}
