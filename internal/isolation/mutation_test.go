package isolation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/pg"
)

// mutation takes one protection away. The checks with the id in expects must then find something more that names object.
type mutation struct {
	sql, expects, object string
}

const personas = "entente_staff, entente_partner, entente_public, entente_worker, entente_platform"

// collect returns the rows of a query as strings.
func collect(ctx context.Context, conn *pgx.Conn, sql string) ([][]string, error) {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]string, error) {
		out := make([]string, len(r.FieldDescriptions()))
		to := make([]any, len(out))
		for i := range out {
			to[i] = &out[i]
		}
		return out, r.Scan(to...)
	})
}

// adder notes a mutation of object that the checks called expects must find.
type adder func(expects, object, format string, args ...any)

// families enumerate what there is to take away: each query gives the objects, each function what is done to one.
var families = []struct {
	sql string
	use func(add adder, v []string)
}{
	{`select c.relname, c.relispartition::text, c.relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull
		   where n.nspname = 'app' and c.relkind in ('r', 'p') and c.relname !~ '_\d{6}$' order by 1`, func(add adder, v []string) {
		t := v[0]
		add("T1", t, `alter table app.%s disable row level security`, t)
		add("T1", t, `alter table app.%s no force row level security`, t)
		add("T1", t, `drop policy tenant_floor on app.%s`, t)
		add("T1", t, `alter policy tenant_floor on app.%s using (true)`, t)
		add("T1", t, `alter policy tenant_floor on app.%s with check (true)`, t)
		add("T1", t, `alter policy tenant_floor on app.%s to entente_staff`, t)
		add("T1", t, `drop policy tenant_floor on app.%s; create policy tenant_floor on app.%s for all to %s using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()))`, t, t, personas)
		add("T1", t, `create policy wide on app.%s for select to entente_partner using (true)`, t)
		add("T6", t, `grant select on app.%s to public`, t)
		add("T6", t, `grant truncate on app.%s to entente_staff`, t)
		add("T6", t, `grant references on app.%s to entente_worker`, t)
		add("T6", t, `grant select on app.%s to entente_staff with grant option`, t)
		add("T6", t, `alter table app.%s owner to entente_jobs`, t)
		if v[1] == "false" && v[2] == "r" {
			add("T5", t, `alter table app.%s add column extra text; create unique index %s_extra_uq on app.%s (extra, tenant_id)`, t, t, t)
		}
		if v[1] == "true" {
			add("T1", t, `grant select on app.%s to entente_staff`, t)
		} else {
			add("classes", t, `alter table app.%s add column extra text`, t)
			add("retention", t, `comment on table app.%s is null`, t)
			add("retention", t, `comment on table app.%s is '[{"category": "backup", "how": "rows"}]'`, t)
			add("names", t, `alter table app.%s add check (tenant_id is not null)`, t)
		}
	}},
	{`select c.relname, p.polname from pg_policy p join pg_class c on c.oid = p.polrelid where p.polname like '%\_reach' and p.polname not in ('definer_reach', 'retention_reach') and p.polcmd = '*' and c.relname <> 'installation'
		   and not pg_get_expr(p.polqual, p.polrelid) = 'true' order by 1, 2`, func(add adder, v []string) {
		add("T1", v[0], `alter policy %s on app.%s using (true)`, v[1], v[0])
		add("T1", v[0], `alter policy %s on app.%s with check (true)`, v[1], v[0])
		add("T1", v[0], `alter policy %s on app.%s to %s`, v[1], v[0], personas)
	}},
	{`select s.relname, c.conname, a.attname, d.relname, o.attname from pg_constraint c join pg_class s on s.oid = c.conrelid join pg_class d on d.oid = c.confrelid join pg_namespace n on n.oid = s.relnamespace and n.nspname = 'app'
		   cross join lateral unnest(c.conkey, c.confkey) k (own, other) join pg_attribute a on a.attrelid = s.oid and a.attnum = k.own and a.attname <> 'tenant_id' join pg_attribute o on o.attrelid = d.oid and o.attnum = k.other
		  where c.contype = 'f' and cardinality(c.conkey) = 2 and s.relname <> 'session' and d.relname <> 'tenant' order by 1, 2`, func(add adder, v []string) {
		add("T4", v[0], `alter table app.%s drop constraint %s; create unique index %s_single_uq on app.%s (%s); alter table app.%s add constraint %s_single_fk foreign key (%s) references app.%s (%s)`,
			v[0], v[1], v[3], v[3], v[4], v[0], v[0], v[2], v[3], v[4])
		add("T4", v[0], `alter table app.%s drop constraint %s`, v[0], v[1])
	}},
	{`select c.relname, g.tgname from pg_trigger g join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app'
		   where g.tgname in ('history_insert', 'history_update', 'history_delete', 'partner_links') order by 1, 2`, func(add adder, v []string) {
		id := "history"
		if v[1] == "partner_links" {
			id = "T4"
		}
		add(id, v[0], `drop trigger %s on app.%s`, v[1], v[0])
		add(id, v[0], `alter table app.%s disable trigger %s`, v[0], v[1])
	}},
	{`select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'app' and p.prosecdef order by 1`, func(add adder, v []string) {
		add("T3", v[0], `alter function %s reset search_path`, v[0])
		add("T3", v[0], `alter function %s set search_path = app, pg_temp`, v[0])
		add("T3", v[0], `alter function %s owner to stranger`, v[0])
		add("T3", v[0], `grant execute on function %s to stranger`, v[0])
		add("T6", v[0], `grant execute on function %s to public`, v[0])
	}},
	{`select rolname from pg_roles where rolname in ('entente_staff', 'entente_partner', 'entente_public', 'entente_worker', 'entente_platform')`, func(add adder, v []string) {
		for _, attribute := range []string{"superuser", "bypassrls", "createrole", "createdb", "replication", "login"} {
			add("T7", v[0], `alter role %s %s`, v[0], attribute)
		}
		add("T7", v[0], `grant entente_definer to %s`, v[0])
		add("T7", v[0], `grant entente_retention to %s`, v[0])
		add("T7", v[0], `grant pg_read_all_data to %s`, v[0])
		add("T6", v[0], `grant create on schema app to %s`, v[0])
		add("T6", v[0], `grant create on schema public to %s`, v[0])
		add("T6", v[0], `grant usage on schema river to %s`, v[0])
		add("T6", v[0], `grant select on river.river_job to %s`, v[0])
		add("T6", v[0], `alter default privileges for role entente_owner in schema app grant select on tables to %s`, v[0])
		add("T6", v[0], `grant usage on all sequences in schema app to %s`, v[0])
	}},
	{`select ''`, func(add adder, _ []string) {
		add("T2", "wide", `create view app.wide as select * from app.deal`)
		add("T2", "wide", `create materialized view app.wide as select * from app.deal`)
		add("T1", "bare", `create table app.bare (tenant_id uuid not null, constraint bare_pk primary key (tenant_id))`)
		add("T1", "bare", `create table app.bare (id uuid constraint bare_pk primary key)`)
		add("T3", "wide", `create function app.wide() returns bigint language sql security definer as 'select count(*) from app.deal'`)
		add("T6", "public", `grant create on schema public to public`)
		add("T6", "app", `grant usage on schema app to public`)
		add("T6", "routines", `alter default privileges for role entente_owner grant execute on routines to public`)
		add("classes", "person", `comment on column app.person.email is null`)
		add("classes", "api_key", `comment on column app.api_key.key_hash is 'class=internal category=user-account'`)
	}},
}

// mutations lists one mutation for each table, policy, foreign key, trigger, function and role that there is.
func mutations(ctx context.Context, conn *pgx.Conn) ([]mutation, error) {
	var out []mutation
	add := func(expects, object, format string, args ...any) {
		out = append(out, mutation{fmt.Sprintf(format, args...), expects, object})
	}
	for _, f := range families {
		rows, err := collect(ctx, conn, f.sql)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return nil, fmt.Errorf("nothing to mutate: %s", f.sql)
		}
		for _, v := range rows {
			f.use(add, v)
		}
	}
	return out, nil
}

// T11: with any one protection gone the catalogue checks find it.
func TestEveryLostProtectionIsFound(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn := newWorld(t).conn
	if _, err := conn.Exec(ctx, `begin; create role stranger; grant create on schema app to stranger`); err != nil {
		t.Fatal(err)
	}
	all, err := mutations(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	before := map[string][]string{}
	for _, m := range all {
		id := m.expects
		if before[id] == nil {
			if before[id], err = readCatalogue(ctx, conn, id); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := conn.Exec(ctx, `savepoint mutation`); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(ctx, m.sql); err != nil {
			t.Fatalf("%s: %v", m.sql, err)
		}
		after, err := readCatalogue(ctx, conn, id)
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(after, func(f string) bool { return strings.Contains(f, m.object) && !slices.Contains(before[id], f) })
		if !found {
			t.Errorf("nobody noticed: %s", m.sql)
		}
		if _, err := conn.Exec(ctx, `rollback to savepoint mutation; release savepoint mutation`); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d mutations", len(all))
}

// T11: without the floor, the partner's reach, the guard of links or row-level security itself, the mirror sees the other side.
func TestMirrorSeesWhatIsOpen(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := newWorld(t)
	if _, err := w.conn.Exec(ctx, `begin`); err != nil {
		t.Fatal(err)
	}
	actors := w.actors()
	by := func(role pg.Role, foreign *scope) []actor {
		return slices.DeleteFunc(slices.Clone(actors), func(a actor) bool { return a.role != role || a.foreign != foreign || a.tenant == "" })
	}
	try := func(actors []actor, name, sql string) {
		t.Helper()
		i := slices.IndexFunc(w.tables, func(o table) bool { return o.name == name })
		if _, err := w.conn.Exec(ctx, `savepoint mutation; `+sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		found, err := w.mirror(ctx, actors, w.tables[i:i+1])
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			t.Errorf("the mirror did not notice: %s", sql)
		}
		if _, err := w.conn.Exec(ctx, `rollback to savepoint mutation; release savepoint mutation`); err != nil {
			t.Fatal(err)
		}
	}
	for _, tab := range w.tables {
		who := pg.Staff
		if !w.reaches(ctx, t, who, tab.name) { // such as keys
			who = pg.Worker
		}
		try(by(who, w.other), tab.name, `drop policy tenant_floor on app.`+tab.name)
		try(by(who, w.other), tab.name, `alter table app.`+tab.name+` disable row level security`)
	}
	reach, err := collect(ctx, w.conn, `select c.relname from pg_policy p join pg_class c on c.oid = p.polrelid where p.polname = 'partner_reach' and has_table_privilege('entente_partner', c.oid, 'select')
	   and pg_get_expr(p.polqual, p.polrelid) <> '(tenant_id = ( SELECT app.tenant() AS tenant))' order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range reach {
		try(by(pg.Partner, w.south), v[0], `alter policy partner_reach on app.`+v[0]+` using (true) with check (true)`)
	}
	guarded, err := collect(ctx, w.conn, `select c.relname from pg_trigger g join pg_class c on c.oid = g.tgrelid where g.tgname = 'partner_links' and has_table_privilege('entente_partner', c.oid, 'insert') and c.relname <> 'member' order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range guarded {
		if v[0] != "saved_view" && v[0] != "privacy_request" { // its one link is also its reach
			try(by(pg.Partner, w.south), v[0], `drop trigger partner_links on app.`+v[0])
		}
	}
	try(by(pg.Partner, w.south), "account_partner", `drop policy partner_take on app.account_partner`)
	try(by(pg.Staff, w.other), "deal", `alter table app.deal drop constraint deal_account_fk`)
}

// reaches reports whether a persona has any grant on a table.
func (w *world) reaches(ctx context.Context, t *testing.T, role pg.Role, name string) bool {
	t.Helper()
	rows, err := collect(ctx, w.conn, fmt.Sprintf(`select has_any_column_privilege('%s', 'app.%s', 'select, insert, update')::text`, role, name))
	if err != nil {
		t.Fatal(err)
	}
	return rows[0][0] == "true"
}
