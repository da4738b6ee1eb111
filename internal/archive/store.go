package archive

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/pg"
)

const (
	sqlTables = `
select c.relname::text,
       array(select a.attname::text from pg_index i cross join lateral unnest(i.indkey) with ordinality as k (n, o) join pg_attribute a on a.attrelid = c.oid and a.attnum = k.n
              where i.indrelid = c.oid and i.indisprimary order by k.o),
       (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, null), 'not_null', a.attnotnull, 'generated', a.attgenerated <> '',
                 'secret', d.comment like 'class=secret %', 'class', substring(d.comment from 'class=(\S+)'), 'category', substring(d.comment from 'category=(\S+)')) order by a.attnum)
          from pg_attribute a cross join lateral (select coalesce(col_description(c.oid, a.attnum), 'class=secret ') as comment) d
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
       coalesce((select json_agg(json_build_object('column', a.attname, 'to', f.relname, 'deferrable', k.condeferrable, 'not_null', a.attnotnull) order by k.conname)
          from pg_constraint k join pg_class f on f.oid = k.confrelid cross join lateral unnest(k.conkey) as x (n) join pg_attribute a on a.attrelid = c.oid and a.attnum = x.n
         where k.contype = 'f' and k.conrelid = c.oid and a.attname <> 'tenant_id'
           and exists (select from pg_attribute t where t.attrelid = f.oid and t.attname = 'tenant_id' and t.attnotnull)), '[]')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app'
 where c.relkind in ('r', 'p') and not c.relispartition
   and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull)
 order by 1`

	sqlPatience = `select set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true), set_config('TimeZone', 'UTC', true),
       set_config('DateStyle', 'ISO', true), set_config('IntervalStyle', 'postgres', true)`
)

// readTables returns every tenant table, those first that others refer to.
func readTables(ctx context.Context, q pg.Querier) ([]table, error) {
	rows, err := q.Query(ctx, sqlTables)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (t table, err error) {
		var columns, links []byte
		if err = r.Scan(&t.Name, &t.Key, &columns, &links); err == nil {
			if err = json.Unmarshal(columns, &t.Columns); err == nil {
				err = json.Unmarshal(links, &t.Links)
			}
		}
		return t, err
	})
	if err != nil {
		return nil, err
	}
	return inOrder(all)
}

// patient lets the running transaction take its time, and makes it write times and dates in one way.
func patient(ctx context.Context, q pg.Querier) error {
	_, err := q.Exec(ctx, sqlPatience)
	return err
}
