package deal

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlQueue = `
select ` + dealColumns + ` from (
  select ` + rowColumns + ` from deal where tenant_id = $1 and state = 'submitted' and (submitted_at, deal_id) > ($2, coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'))
   order by submitted_at, deal_id limit $4) d` + dealNames + ` order by d.submitted_at, d.deal_id`

	sqlByIDs = `select ` + dealColumns + ` from deal d` + dealNames + ` where d.tenant_id = $1 and d.deal_id = any($2::uuid[])`

	// The one that holds the customer comes first, then the newest.
	sqlSameCustomer = `
select q.self, o.deal_id, '` + SameCustomer + `', o.holds, 1::float8 from unnest($2::uuid[], $3::text[]) as q (self, key)
 cross join lateral (
   select d.deal_id, exists (select 1 from deal_claim c where c.tenant_id = $1 and c.deal_id = d.deal_id and c.period @> $4::timestamptz) as holds
     from deal d where d.tenant_id = $1 and d.claim_key = q.key and d.claim_key <> '' and d.deal_id <> q.self
      and d.state in ('submitted', 'returned', 'approved', 'won', 'expired')
    order by 2 desc, d.created_at desc limit $5) o`

	sqlSameName = `
select q.self, o.deal_id, '` + SameName + `', false, 1::float8 from unnest($2::uuid[], $3::text[]) as q (self, norm)
 cross join lateral (
   select d.deal_id from deal d where d.tenant_id = $1 and d.name_norm = q.norm and d.name_norm <> '' and d.deal_id <> q.self
      and d.state in ('submitted', 'returned', 'approved', 'won', 'expired')
    order by d.created_at desc limit $4) o`

	sqlSimilar = `
select q.self, o.deal_id, '` + SimilarName + `', false, o.similarity::float8 from unnest($1::uuid[], $2::text[]) as q (self, norm)
  join app.similar_deals($2::text[], $3) o on o.name_norm = q.norm and o.deal_id <> q.self where q.norm <> ''
 order by o.similarity desc`
)

func read(ctx context.Context, tx *op.Tx, sql string, args ...any) ([]Deal, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanDeal)
}

// findAlike returns who stands beside whom, the surest reason first.
func findAlike(ctx context.Context, tx *op.Tx, deals []Deal) ([]found, error) {
	ids, keys, names := []id.ID{}, []string{}, []string{}
	for _, d := range deals {
		ids, keys, names = append(ids, d.ID), append(keys, d.ClaimKey), append(names, d.nameNorm())
	}
	var hits []found
	collect := func(rows pgx.Rows) error {
		more, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f found, err error) {
			err = row.Scan(&f.self, &f.other, &f.why, &f.claim, &f.sim)
			return f, err
		})
		hits = append(hits, more...)
		return err
	}
	b := &pgx.Batch{}
	b.Queue(sqlSameCustomer, tx.Who.Tenant, ids, keys, tx.Now, alikeMost).Query(collect)
	b.Queue(sqlSameName, tx.Who.Tenant, ids, names, alikeMost).Query(collect)
	b.Queue(sqlSimilar, ids, names, alikeMost).Query(collect)
	err := tx.SendBatch(ctx, b).Close()
	return hits, err
}
