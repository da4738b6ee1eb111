package trust

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlSums = `
select promise, count(*) filter (where kind = 'probe'), count(*) filter (where kind = 'probe' and result = 'kept'), count(*) filter (where kind = 'probe' and result = 'failing'),
       min(at) filter (where kind = 'probe'), max(at) filter (where kind = 'probe'), coalesce(extract(epoch from max(gap) filter (where kind = 'probe'))::int, 0),
       coalesce((array_agg(by_name || ', until ' || to_char(until_on, 'YYYY-MM-DD') || ': ' || checked order by at desc) filter (where result = 'attested'))[1], '')
  from (select e.*, e.at - lag(e.at) over (partition by e.promise, e.kind order by e.at) as gap from promise_evidence e where e.tenant_id = (select app.tenant()) and e.at >= $1 and e.at < $2) x
 group by promise`

	sqlSumsInstallation = `
select promise, count(*) filter (where kind = 'probe'), count(*) filter (where kind = 'probe' and result = 'kept'), count(*) filter (where kind = 'probe' and result = 'failing'),
       min(at) filter (where kind = 'probe'), max(at) filter (where kind = 'probe'), coalesce(extract(epoch from max(gap) filter (where kind = 'probe'))::int, 0),
       coalesce((array_agg(by_name || ', until ' || to_char(until_on, 'YYYY-MM-DD') || ': ' || checked order by at desc) filter (where result = 'attested'))[1], '')
  from (select e.*, e.at - lag(e.at) over (partition by e.promise, e.kind order by e.at) as gap from installation_evidence e where e.at >= $1 and e.at < $2) x
 group by promise`

	sqlRows = `
select evidence_id, promise, at, kind, result, checked, items, tree_size, tree_root, program, took_ms, by_name, until_on, detail
  from promise_evidence where tenant_id = (select app.tenant()) and at >= $1 and at < $2 order by at, evidence_id`

	// Details of the installation are the operator's: a programme's package goes without them.
	sqlRowsInstallation = `
select evidence_id, promise, at, kind, result, checked, items, tree_size, tree_root, program, took_ms, by_name, until_on, case when $3 then detail else '' end as detail
  from installation_evidence where at >= $1 and at < $2 order by at, evidence_id`
)

type sumKey struct {
	promise      string
	installation bool
}

type sum struct {
	Promise               string
	Probes, Kept, Failing int
	First, Last           *time.Time
	Gap                   int
	Attested              string
}

// sumUp counts the evidence of a period by promise, of the installation and, with a tenant, of the programme.
func sumUp(ctx context.Context, o *op.Ops, tenant id.ID, from, before time.Time) (map[sumKey]sum, error) {
	out := map[sumKey]sum{}
	err := bound(ctx, o, pg.Worker, pg.Binding{Tenant: tenant}, func(tx pgx.Tx) error {
		for sql, installation := range map[string]bool{sqlSumsInstallation: true, sqlSums: false} {
			rows, err := tx.Query(ctx, sql, from, before)
			if err != nil {
				return err
			}
			all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sum])
			if err != nil {
				return err
			}
			for _, n := range all {
				out[sumKey{n.Promise, installation}] = n
			}
		}
		return nil
	})
	return out, err
}

// eachEvidence calls fn for every line of a period: first the installation's, then the programme's.
func eachEvidence(ctx context.Context, o *op.Ops, tenant id.ID, from, before time.Time, fn func(Evidence) error) error {
	return bound(ctx, o, pg.Worker, pg.Binding{Tenant: tenant}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sqlRowsInstallation, from, before, tenant == id.Nil)
		if err != nil {
			return err
		}
		scan := pgx.RowToStructByName[Evidence]
		if err := pg.Each(rows, scan, func(e Evidence) error { e.Installation = true; return fn(e) }); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, sqlRows, from, before); err != nil {
			return err
		}
		return pg.Each(rows, scan, fn)
	})
}
