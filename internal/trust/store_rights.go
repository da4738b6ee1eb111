package trust

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
	"entente.dev/internal/policy"
)

const (
	sqlOverdue = `select tab, category, rows from app.retention_overdue($1::interval)`
	// When retention last ran to its end, when the tenant was founded, and whether a run is due since its policy was changed.
	sqlLastRun = `
select app.clock(), greatest(t.created_at, (select max(r.finished_at) from retention_run r where r.tenant_id = t.tenant_id and r.outcome = 'done' and not r.dry)),
       (select max(p.applied_at) from policy_version p where p.tenant_id = t.tenant_id and p.number > 1)
  from tenant t where t.tenant_id = (select app.tenant())`

	sqlLeaving = `
select t.status, t.purge_after, exists (select from legal_hold h where h.tenant_id = t.tenant_id and h.released_at is null and (h.until is null or h.until >= (app.now() at time zone 'UTC')::date)),
       (select count(*) from departure d where d.tenant_id = t.tenant_id and d.state in ('closing', 'purging'))
  from tenant t where t.tenant_id = (select app.tenant())`
	// Tables of tenants that the purge cannot empty.
	sqlUnpurged = `
select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition
   and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull)
   and not (exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'definer_leave') and has_table_privilege('entente_definer', c.oid, 'delete'))
 order by 1`
)

// overdueSince is how long after its time a row may still be there: retention runs every hour.
const overdueSince = 2 * time.Hour

// readOverdue returns what is still there although its time was over two hours ago, rules that are not as published, and how long ago
// retention last ran. After a stricter policy the next run has the same two hours.
func readOverdue(ctx context.Context, o *op.Ops, tenant id.ID) (wrong []string, age time.Duration, err error) {
	err = bound(ctx, o, pg.Worker, pg.Binding{Tenant: tenant}, func(tx pgx.Tx) error {
		var now, last time.Time
		var changed *time.Time
		if err := tx.QueryRow(ctx, sqlLastRun).Scan(&now, &last, &changed); err != nil {
			return err
		}
		age = now.Sub(last)
		if wrong, err = policy.Drift(ctx, tx); err != nil {
			return err
		}
		if changed != nil && now.Sub(*changed) < overdueSince {
			return nil
		}
		rows, err := tx.Query(ctx, sqlOverdue, fmt.Sprintf("%d seconds", int(overdueSince.Seconds())))
		if err != nil {
			return err
		}
		var table, category string
		var n int64
		_, err = pgx.ForEachRow(rows, []any{&table, &category, &n}, func() error {
			wrong = append(wrong, fmt.Sprintf("%d rows of %s in %s are beyond their period", n, category, table))
			return nil
		})
		return err
	})
	return wrong, age, err
}

// leaving is a programme that is on its way out.
type leaving struct {
	status     string
	purgeAfter *time.Time
	held       bool
	departures int
}

func readLeaving(ctx context.Context, o *op.Ops, tenant id.ID) (l leaving, err error) {
	err = bound(ctx, o, pg.Worker, pg.Binding{Tenant: tenant}, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, sqlLeaving).Scan(&l.status, &l.purgeAfter, &l.held, &l.departures)
	})
	return l, err
}

// readUnpurged returns the tables that the purge of a programme would leave behind.
func readUnpurged(ctx context.Context, o *op.Ops) ([]string, error) {
	rows, err := o.DB.Pool(pg.Worker).Query(ctx, sqlUnpurged)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
