package deal

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// The reasons why a deal stands beside another.
const (
	SameCustomer = "same customer" // the same claim key
	SameName     = "same name"     // the same normalised name
	SimilarName  = "similar name"
)

// alikeMost is how many look-alikes of each kind are shown beside a deal.
const alikeMost = 5

// queueMost is the longest page of the queue: look-alikes are looked for beside every deal of it.
const queueMost = 50

// Queue returns what waits for a decision, oldest first, each deal beside what looks like it. For the vendor's people.
func (s *Service) Queue(ctx context.Context, who access.Actor, q QueueQuery) (QueuePage, error) {
	limit := min(page.Limit(q.Limit), queueMost)
	since, last := time.Time{}, id.Nil
	if q.Cursor != "" {
		c, err := s.cursors.Decode(q.Cursor, scope(who), "queue")
		if err == nil {
			err = c.Scan(&since, &last)
		}
		if err != nil {
			return QueuePage{}, err
		}
	}
	return op.Read(ctx, s.ops, who, ActQueue, func(tx *op.Tx) (QueuePage, error) {
		var out QueuePage
		waiting, err := read(ctx, tx, sqlQueue, who.Tenant, since, last, limit+1)
		if err != nil {
			return out, err
		}
		if len(waiting) > limit {
			waiting = waiting[:limit]
			end := waiting[limit-1]
			out.Next = s.cursors.Encode(scope(who), "queue", *end.SubmittedAt, end.ID)
		}
		alike, err := lookAlikes(ctx, tx, waiting)
		for i, d := range waiting {
			out.Items = append(out.Items, Waiting{d, alike[i]})
		}
		return out, err
	})
}

// LookAlikes returns the registrations that may be of the same customer as one deal, the surest first. For the vendor's
// people. NotFound "deal.not_found".
func (s *Service) LookAlikes(ctx context.Context, who access.Actor, v id.ID) ([]LookAlike, error) {
	return op.Read(ctx, s.ops, who, ActQueue, func(tx *op.Tx) ([]LookAlike, error) {
		tx.About("deal", v)
		rows, err := tx.Query(ctx, sqlGet, who.Tenant, v)
		if err != nil {
			return nil, err
		}
		var d Deal
		if err := one(&d)(rows); err != nil {
			return nil, err
		}
		alike, err := lookAlikes(ctx, tx, []Deal{d})
		if err != nil {
			return nil, err
		}
		return alike[0], nil
	})
}

func read(ctx context.Context, tx *op.Tx, sql string, args ...any) ([]Deal, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanDeal)
}

// found is a look-alike by id: which deal of the list it stands beside, and why.
type found struct {
	self  id.ID
	other id.ID
	why   string
	claim bool
	sim   float64
}

// lookAlikes returns the look-alikes of each deal, in the order of deals.
func lookAlikes(ctx context.Context, tx *op.Tx, deals []Deal) ([][]LookAlike, error) {
	out := make([][]LookAlike, len(deals))
	if len(deals) == 0 {
		return out, nil
	}
	hits, err := findAlike(ctx, tx, deals)
	if err != nil {
		return out, err
	}
	var ids []id.ID
	for _, h := range hits {
		ids = append(ids, h.other)
	}
	others, err := read(ctx, tx, sqlByIDs, tx.Who.Tenant, ids)
	if err != nil {
		return out, err
	}
	byID := map[id.ID]Deal{}
	for _, d := range others {
		byID[d.ID] = d
	}
	for i, d := range deals {
		for _, h := range hits {
			other, ok := byID[h.other]
			seen := slices.ContainsFunc(out[i], func(l LookAlike) bool { return l.Deal.ID == h.other })
			if ok && h.self == d.ID && !seen {
				out[i] = append(out[i], LookAlike{Deal: other, Why: h.why, Claim: h.claim, Similarity: h.sim})
			}
		}
	}
	return out, nil
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
