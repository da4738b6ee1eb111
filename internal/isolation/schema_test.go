package isolation

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/pg/pgtest"
)

// sections of db/schema.sql, each one statement that returns lines in their order. Monthly partitions are left out: which
// there are depends on the day.
var sections = []struct{ title, sql string }{
	{"Tables", `
select format(e'create table %s (\n%s\n)%s;', c.relname,
         (select string_agg('  ' || line || comma || note, e'\n' order by kind, at) from (select *, case when lead(true) over (order by kind, at) then ',' else '' end as comma from (
            select 1 as kind, a.attnum::int as at, format('%s %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
                   case when a.attnotnull then ' not null' else '' end,
                   case when a.attidentity <> '' and not c.relispartition then ' generated always as identity' else '' end,
                   coalesce(case when a.attgenerated <> '' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored' else ' default ' || pg_get_expr(d.adbin, d.adrelid) end, '')) as line,
                   coalesce(' -- ' || col_description(c.oid, a.attnum), '') as note
              from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            union all
            select 2, row_number() over (order by k.conname)::int, format('constraint %s %s', k.conname, pg_get_constraintdef(k.oid)), '' from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c', 'x')) l) x),
         case when c.relkind = 'p' then ' partition by ' || pg_get_partkeydef(c.oid) else '' end)
       || coalesce((select string_agg(e'\n' || pg_get_indexdef(i.indexrelid) || ';', '' order by x.relname) from pg_index i join pg_class x on x.oid = i.indexrelid
            where i.indrelid = c.oid and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))), '')
       || coalesce((select string_agg(format(e'\ngrant %s on %s to %s;', what, c.relname, who), '' order by who, what) from (
            select a.grantee::regrole::text as who, string_agg(lower(a.privilege_type), ', ' order by a.privilege_type) as what from aclexplode(c.relacl) a where a.grantee <> c.relowner group by 1
            union all
            select a.grantee::regrole::text, format('%s (%s)', lower(a.privilege_type), string_agg(t.attname, ', ' order by t.attnum)) from pg_attribute t cross join lateral aclexplode(t.attacl) a
             where t.attrelid = c.oid group by a.grantee, a.privilege_type) g), '')
       || case when c.relrowsecurity then format(e'\nalter table %s enable row level security;', c.relname) else '' end
       || case when c.relforcerowsecurity then format(e'\nalter table %s force row level security;', c.relname) else '' end
       || coalesce((select string_agg(format(e'\ncreate policy %s on %s as %s;', p.polname, c.relname, pg_temp.policy_text(p)), '' order by p.polname) from pg_policy p where p.polrelid = c.oid), '')
       || coalesce((select string_agg(e'\n' || pg_get_triggerdef(g.oid) || ';', '' order by g.tgname) from pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal), '')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'app' and c.relkind in ('r', 'p') and c.relname !~ '_\d{6}$' and c.relname <> 'schema_version' order by c.relname`},
	{"Views", `
select format(e'create view %s%s as\n%s', c.relname, coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', ''), pg_get_viewdef(c.oid))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'app' and c.relkind = 'v' order by c.relname`},
	{"Functions", `
select rtrim(pg_get_functiondef(p.oid), e' \n') || format(e';\nalter routine %s owner to %s;', p.oid::regprocedure, p.proowner::regrole)
       || coalesce((select string_agg(format(e'\ngrant execute on routine %s to %s;', p.oid::regprocedure, case a.grantee when 0 then 'public' else a.grantee::regrole::text end), '' order by a.grantee::regrole::text)
            from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee <> p.proowner), '')
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'app' order by p.proname, p.oid::regprocedure::text`},
}

// dump writes the schema app as SQL to read: it does not restore, and it is the same on every server version and day.
func dump(ctx context.Context, conn *pgx.Conn) (string, error) {
	var b strings.Builder
	b.WriteString("-- Code generated from db/migrations by internal/isolation. DO NOT EDIT.\n-- The schema app as the migrations make it, for reading; each column says its class and category.\n")
	// With app on the path names are short; helpers of the session are not part of the schema.
	if _, err := conn.Exec(ctx, `set search_path = app, public; `+policyText); err != nil {
		return "", err
	}
	for _, s := range sections {
		rows, err := conn.Query(ctx, s.sql)
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.title, err)
		}
		parts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.title, err)
		}
		if len(parts) > 0 {
			b.WriteString("\n-- " + s.title + "\n")
		}
		for _, p := range parts {
			b.WriteString("\n" + p + "\n")
		}
	}
	return b.String(), nil
}

func TestSchemaGolden(t *testing.T) {
	t.Parallel()
	got, err := dump(t.Context(), pgtest.Super(t, pgtest.New(t)))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("..", "..", "db", "schema.sql")
	if os.Getenv("ENTENTE_UPDATE") == "1" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("db/schema.sql is not what the migrations make; run make generate\n%s", diff)
	}
}
