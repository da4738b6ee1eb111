package deal

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlNamesThen = `
select member_id, name from member where tenant_id = $1 and member_id = any ($2)
union all select partner_id, name from partner where tenant_id = $1 and partner_id = any ($2)
union all select stage_id, name from stage where tenant_id = $1 and stage_id = any ($2)`
	// The vendor's own namespace of external ids: only the vendor restores.
	sqlExternalTaken = `select exists (select from deal where tenant_id = $1 and external_id = $2 and external_by is null and deal_id <> $3)`
)

// namesThen fills in the names of whom and what deals referred to, as they are called now and as far as the actor sees them.
func namesThen(ctx context.Context, tx *op.Tx, all []*Deal) error {
	var ids []id.ID
	for _, d := range all {
		ids = append(ids, d.Owner, d.Partner, d.Stage)
	}
	rows, err := tx.Query(ctx, sqlNamesThen, tx.Who.Tenant, ids)
	if err != nil {
		return err
	}
	names := map[id.ID]string{}
	var key id.ID
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&key, &name}, func() error { names[key] = name; return nil }); err != nil {
		return err
	}
	called := func(v id.ID, gone string) string {
		if name, ok := names[v]; ok || v == id.Nil {
			return name
		}
		return gone
	}
	for _, d := range all {
		d.OwnerName, d.PartnerName, d.StageName = called(d.Owner, "somebody who is gone"), called(d.Partner, "a partner that is gone"), called(d.Stage, "a stage that is gone")
	}
	return nil
}

func externalTaken(ctx context.Context, tx *op.Tx, external string, self id.ID) (taken bool, err error) {
	err = tx.QueryRow(ctx, sqlExternalTaken, tx.Who.Tenant, external, self).Scan(&taken)
	return taken, err
}
