package datamap

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/pg"
)

const sqlColumns = `
select c.relname, a.attname, coalesce(col_description(c.oid, a.attnum), '')
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app'
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'schema_version'
 order by c.relname, a.attnum`

// Load reads the classification of every column in schema app. An unclassified or misspelt one is an error that names it.
func Load(ctx context.Context, q pg.Querier) (Map, error) {
	rows, err := q.Query(ctx, sqlColumns)
	if err != nil {
		return Map{}, fmt.Errorf("read the data map: %w", err)
	}
	m := Map{columns: map[string]Column{}}
	var table, name, comment string
	var bad []string
	_, err = pgx.ForEachRow(rows, []any{&table, &name, &comment}, func() error {
		c, ok := parse(comment)
		if !ok {
			bad = append(bad, table+"."+name)
			return nil
		}
		c.Table, c.Name = table, name
		m.columns[table+"."+name] = c
		return nil
	})
	if err != nil {
		return Map{}, fmt.Errorf("read the data map: %w", err)
	}
	if len(bad) > 0 {
		return Map{}, fmt.Errorf("columns without a class and category (call app.classify in the migration that adds them): %s", strings.Join(bad, ", "))
	}
	return m, nil
}
