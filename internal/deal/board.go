package deal

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// Board returns the approved deals by stage: how many, their value by currency, and the 50 dearest of each stage.
func (s *Service) Board(ctx context.Context, who access.Actor, q BoardQuery) (Board, error) {
	var (
		all   []Stage
		sums  []stageSum
		cards []Deal
	)
	args := []any{who.Tenant}
	narrow := ""
	if q.Partner != id.Nil {
		args = append(args, q.Partner)
		narrow += " and partner_id = $2"
	}
	if q.Owner != id.Nil {
		args = append(args, q.Owner)
		narrow += map[bool]string{true: " and owner_id = $3", false: " and owner_id = $2"}[q.Partner != id.Nil]
	}
	err := op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sqlStages, []any{who.Tenant}, stages(&all))
		r.Query(pipelineSQL(narrow), args, collectSums(&sums))
		r.Query(boardSQL(narrow), args, many(&cards))
	})
	if err != nil {
		return Board{}, err
	}
	var b Board
	for _, st := range all {
		c := Column{Stage: st}
		if st.Kind == tenant.StageOpen {
			c.Totals = totalsOf(sums, st.ID)
			for _, m := range c.Totals {
				c.Count += m.Count
			}
			for _, d := range cards {
				if d.Stage == st.ID {
					c.Cards = append(c.Cards, d)
				}
			}
		}
		b.Columns = append(b.Columns, c)
	}
	return b, nil
}

// stageSum is the value of approved deals in one stage and currency.
type stageSum struct {
	stage id.ID
	money Money
}

func totalsOf(sums []stageSum, stage id.ID) []Money {
	var out []Money
	for _, s := range sums {
		if s.stage == stage {
			out = append(out, s.money)
		}
	}
	return out
}

func collectSums(out *[]stageSum) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s stageSum, err error) {
			err = row.Scan(&s.stage, &s.money.Currency, &s.money.Minor, &s.money.Count)
			return s, err
		})
		return err
	}
}

// sqlPipeline and sqlBoard are read for everybody; pipelineSQL and boardSQL narrow them to a partner or an owner.
const (
	pipelineHead = `
select stage_id, currency, least(coalesce(sum(amount_minor), 0), 9223372036854775807)::bigint, count(*) from deal where tenant_id = $1 and state = 'approved'`
	pipelineTail = ` group by stage_id, currency order by 3 desc, currency`
	sqlPipeline  = pipelineHead + pipelineTail

	boardHead = `
select ` + dealColumns + ` from stage st cross join lateral (
  select ` + rowColumns + ` from deal where tenant_id = $1 and state = 'approved' and stage_id = st.stage_id`
	boardTail = ` order by amount_rank desc, deal_id desc limit 50) d` + dealNames + `
 where st.tenant_id = $1 and st.kind = 'open' order by st.position, d.amount_rank desc, d.deal_id desc`
	sqlBoard = boardHead + boardTail
)

func pipelineSQL(narrow string) string { return pipelineHead + narrow + pipelineTail }
func boardSQL(narrow string) string    { return boardHead + narrow + boardTail }
