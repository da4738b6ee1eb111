package deal

import "github.com/jackc/pgx/v5"

// sqlPipeline and sqlBoard take a further condition for one partner or one owner, with arguments from $2 on.
const (
	sqlPipeline = `
select stage_id, currency, least(coalesce(sum(amount_minor), 0), 9223372036854775807)::bigint, count(*) from deal
 where tenant_id = $1 and state = 'approved' %s group by stage_id, currency order by 3 desc, currency`

	sqlBoard = `
select ` + dealColumns + ` from stage st cross join lateral (
  select ` + rowColumns + ` from deal where tenant_id = $1 and state = 'approved' and stage_id = st.stage_id %s order by amount_rank desc, deal_id desc limit 50) d` + dealNames + `
 where st.tenant_id = $1 and st.kind = 'open' order by st.position, d.amount_rank desc, d.deal_id desc`

	sqlWaiting = `
select floor(extract(epoch from $2::timestamptz - submitted_at) / 86400)::bigint, count(*) from deal
 where tenant_id = $1 and state = 'submitted' group by 1`
	sqlWonByMonth = `
select date_trunc('month', closed_on::timestamp)::date, currency, least(coalesce(sum(amount_minor), 0), 9223372036854775807)::bigint, count(*) from deal
 where tenant_id = $1 and state = 'won' and closed_on >= least($2::date, (
       select date_trunc('month', max(closed_on)::timestamp)::date - interval '17 months' from deal where tenant_id = $1 and state = 'won')::date)
 group by 1, 2 order by 1, 3 desc`
	sqlExpiring = `
select ` + dealColumns + ` from (
  select ` + rowColumns + ` from deal where tenant_id = $1 and state = 'approved' and protected_until > $2 order by protected_until limit 10) d` + dealNames + `
 order by d.protected_until`
)

func collectSums(out *[]stageSum) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s stageSum, err error) {
			err = row.Scan(&s.stage, &s.money.Currency, &s.money.Minor, &s.money.Count)
			return s, err
		})
		return err
	}
}

func scanAge(row pgx.CollectableRow) (a age, err error) {
	err = row.Scan(&a.days, &a.count)
	return a, err
}

func scanWon(row pgx.CollectableRow) (w wonSum, err error) {
	err = row.Scan(&w.month, &w.money.Currency, &w.money.Minor, &w.money.Count)
	return w, err
}
