package deal

import (
	"context"
	"fmt"

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
		r.Query(fmt.Sprintf(sqlPipeline, narrow), args, collectSums(&sums))
		r.Query(fmt.Sprintf(sqlBoard, narrow), args, many(&cards))
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
