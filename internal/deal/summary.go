package deal

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// months is how far back the won value goes.
const months = 18

// ages are the buckets of what waits for a decision.
var ages = []AgeBucket{{"up to 1 day", 1, 0}, {"2 to 3 days", 3, 0}, {"4 to 7 days", 7, 0}, {"8 to 14 days", 14, 0}, {"longer", 0, 0}}

// Summary returns what home pages show, as far as the actor may see the deals behind it. One round trip.
func (s *Service) Summary(ctx context.Context, who access.Actor) (Summary, error) {
	var (
		out   Summary
		all   []Stage
		sums  []stageSum
		first Day
	)
	err := op.Batch(ctx, s.ops, who, ActHome, func(r *op.Reads) {
		first = firstMonth(r.Now)
		r.Query(sqlStages, []any{who.Tenant}, stages(&all))
		r.Query(fmt.Sprintf(sqlPipeline, ""), []any{who.Tenant}, collectSums(&sums))
		r.Query(sqlWaiting, []any{who.Tenant, r.Now}, func(rows pgx.Rows) error {
			days, err := pgx.CollectRows(rows, scanAge)
			out.Waiting = byAge(days)
			return err
		})
		r.Query(sqlWonByMonth, []any{who.Tenant, first}, func(rows pgx.Rows) error {
			won, err := pgx.CollectRows(rows, scanWon)
			out.WonByMonth = byMonth(newest(first, won), won)
			return err
		})
		r.Query(sqlExpiring, []any{who.Tenant, r.Now}, many(&out.Expiring))
	})
	for _, st := range all {
		if st.Kind == tenant.StageOpen {
			out.Pipeline = append(out.Pipeline, StageSum{st, totalsOf(sums, st.ID)})
		}
	}
	return out, err
}

func firstMonth(now time.Time) Day {
	return DayOf(time.Date(now.Year(), now.Month()-(months-1), 1, 0, 0, 0, 0, time.UTC))
}

// newest returns the first month to show: of the last 18 months or, where nothing was won in those, of the 18 months up to
// the last win.
func newest(first Day, won []wonSum) Day {
	if n := len(won); n > 0 && won[n-1].month < first {
		return firstMonth(won[n-1].month.Time())
	}
	return first
}

// age is how many deals wait for so many whole days.
type age struct{ days, count int64 }

// byAge sorts what waits into the buckets; a deal that waits for a part of a day counts as waiting one day.
func byAge(waiting []age) []AgeBucket {
	out := append([]AgeBucket(nil), ages...)
	for _, w := range waiting {
		for i := range out {
			if out[i].UpToDays == 0 || w.days < int64(out[i].UpToDays) {
				out[i].Count += w.count
				break
			}
		}
	}
	return out
}

type wonSum struct {
	month Day
	money Money
}

// byMonth returns every month from first on, also those in which nothing was won.
func byMonth(first Day, won []wonSum) []MonthSum {
	out := make([]MonthSum, months)
	at := first.Time()
	for i := range out {
		out[i].Month = DayOf(at.AddDate(0, i, 0))
		for _, w := range won {
			if w.month == out[i].Month {
				out[i].Totals = append(out[i].Totals, w.money)
			}
		}
	}
	return out
}
