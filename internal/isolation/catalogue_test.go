package isolation

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// check is one law over the catalogue. Its statement returns one text for each breach.
type check struct {
	id, law, sql string
}

var checks = []check{
	{"T1", "every table has a tenant_id that is not null and leads an index", `
select t.name || ': ' || case when t.tenant_att is null then 'no tenant_id that is not null' else 'no index that begins with tenant_id' end
  from tables t
 where t.tenant_att is null
    or not exists (select from pg_index i where i.indrelid = t.oid and i.indkey[0] = t.tenant_att and i.indpred is null and i.indisvalid)`},
	{"T1", "every table has forced row-level security", `
select t.name || ': row-level security is not ' || case when t.relrowsecurity then 'forced' else 'enabled' end
  from tables t where not (t.relrowsecurity and t.relforcerowsecurity)`},
	{"T1", "every table has the restrictive tenant floor for every persona", `
select t.name || ': the tenant floor is ' || coalesce((select string_agg(policy_text(p), ' and ') from pg_policy p where p.polrelid = t.oid and p.polname = 'tenant_floor'), 'missing')
  from tables t
 where t.tenant_att is not null and not exists (select from pg_policy p where p.polrelid = t.oid and p.polname = 'tenant_floor'
   and policy_text(p) = 'restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT app.tenant() AS tenant)) check (tenant_id = ( SELECT app.tenant() AS tenant))')`},
	{"T1", "every other policy is one of the templates of app.protect", `
select t.name || ': policy ' || p.polname || ' is ' || policy_text(p)
  from tables t join pg_policy p on p.polrelid = t.oid
 where p.polname <> 'tenant_floor'
   and not (p.polname = 'definer_leave' and not t.relispartition
            and policy_text(p) = 'permissive all to entente_definer using (tenant_id = ( SELECT app.tenant() AS tenant)) check (tenant_id = ( SELECT app.tenant() AS tenant))')
   and not (p.polname in ('staff_reach', 'worker_reach', 'platform_reach') and not t.relispartition
            and policy_text(p) = 'permissive all to entente_' || replace(p.polname, '_reach', '') || ' using true check true')
   and not (p.polname = 'partner_reach' and not t.relispartition and policy_text(p) = any (
     select 'permissive all to entente_partner using ' || reach || ' check ' || reach from reaches))
   and not (p.polname in ('definer_reach', 'definer_end') and policy_text(p) like 'permissive % to entente_definer %')
   and not (p.polname = 'retention_reach' and policy_text(p) like 'permissive % to entente_retention %')`},
	{"T1", "a policy stands only where its persona has a grant", `
select t.name || ': ' || p.polname || ' is there and ' || r.rolname || ' has no grant'
  from tables t join pg_policy p on p.polrelid = t.oid and p.polpermissive cross join lateral unnest(p.polroles) as x (role) join pg_roles r on r.oid = x.role
 where not has_table_privilege(r.oid, t.oid, 'select, insert, update, delete') and not has_any_column_privilege(r.oid, t.oid, 'select, insert, update')`},
	{"T1", "a partition is reached through its parent only", `
select t.name || ': ' || a.grantee::regrole || ' may ' || a.privilege_type
  from tables t join pg_class c on c.oid = t.oid cross join lateral aclexplode(c.relacl) a where t.relispartition and a.grantee <> c.relowner`},
	{"history", "every tenant table keeps the history of its rows", `
select t.name || ': no trigger ' || string_agg(w.name, ', ' order by w.name)
  from tables t cross join (values ('history_insert', 4, null, 'new_rows'), ('history_update', 16, 'old_rows', 'new_rows'), ('history_delete', 8, 'old_rows', null)) as w (name, kind, old, new)
 where not t.relispartition and t.tenant_att is not null
   and not exists (select from pg_trigger g where g.tgrelid = t.oid and g.tgname = w.name and g.tgenabled in ('O', 'A') and g.tgtype = w.kind and g.tgqual is null
     and g.tgfoid = 'app.history'::regproc and g.tgoldtable is not distinct from w.old and g.tgnewtable is not distinct from w.new
     and exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = split_part(encode(g.tgargs, 'escape'), '\000', 1) and a.atttypid = 'uuid'::regtype and a.attnotnull))
 group by t.name`},
	{"classes", "every column is classified", `
select t.name || '.' || a.attname || ': ' || coalesce(col_description(t.oid, a.attnum), 'no class')
  from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
 where not t.relispartition and coalesce(col_description(t.oid, a.attnum), '') !~ '^class=(public|internal|business|personal|secret) category=[a-z-]+$'`},
	{"classes", "what proves who somebody is is a secret, and is not kept in the history", `
select t.name || '.' || a.attname || ': ' || case when col_description(t.oid, a.attnum) like 'class=secret %' then 'is kept in the history' else 'is not classed secret' end
  from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
 where not t.relispartition
   and (a.attname ~ '(_hash|secret)$' and a.attname <> 'body_hash' and coalesce(col_description(t.oid, a.attnum), '') not like 'class=secret %'
     or col_description(t.oid, a.attnum) like 'class=secret %' and exists (select from pg_trigger g where g.tgrelid = t.oid and g.tgfoid = 'app.history'::regproc
          and not a.attname::text = any (string_to_array(encode(g.tgargs, 'escape'), '\000'))))`},
	{"retention", "every table says how long its rows are kept, by a category that its columns carry", `
select t.name || ': ' || coalesce(x.problem, 'no declaration: call app.retain, retain_columns, retain_with, retain_tenant or retain_job in its migration')
  from tables t
  left join lateral jsonb_array_elements(case when obj_description(t.oid, 'pg_class') like '[%' then obj_description(t.oid, 'pg_class')::jsonb end) d on true
  cross join lateral (select case
    when d is null then null
    when not exists (select from pg_attribute a where a.attrelid = t.oid and col_description(t.oid, a.attnum) ~ (' category=' || (d ->> 'category') || '$')) then 'no column of category ' || (d ->> 'category')
    when d ->> 'how' = 'parent' and not exists (select from pg_constraint c where c.conrelid = t.oid and c.contype = 'f' and c.confdeltype = 'c' and c.confrelid = to_regclass('app.' || quote_ident(d ->> 'parent')))
      then 'no foreign key that deletes its rows with those of ' || (d ->> 'parent')
    when d ->> 'how' not in ('rows', 'partitions', 'columns', 'parent', 'tenant', 'job') then 'how=' || (d ->> 'how')
    when d ->> 'how' = 'tenant' and d ->> 'category' not in ('authorization', 'business-data', 'feature-flag', 'customer-data', 'legal-entity', 'billing') then d ->> 'category' || ' does not live as long as a tenant'
    when exists (select from jsonb_object_keys(coalesce(d -> 'blank', '{}')) k where not exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = k)) then 'blanks a column that is not there'
    else '' end as problem) x
 where not t.relispartition and x.problem is distinct from ''`},
	{"names", "every constraint is named for its table and its kind", `
select t.name || ': constraint ' || c.conname
  from tables t join pg_constraint c on c.conrelid = t.oid
 where not t.relispartition and c.contype in ('p', 'u', 'f', 'c', 'x')
   and c.conname !~ ('^' || t.name || case c.contype when 'p' then '_pk$' when 'u' then '_.+_uq$' when 'f' then '_.+_fk$' when 'c' then '_.+_ck$' else '_.+_ex$' end)`},
	{"names", "every index is named for its table and its kind", `
select t.name || ': index ' || x.relname
  from tables t join pg_index i on i.indrelid = t.oid join pg_class x on x.oid = i.indexrelid
 where not t.relispartition and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x'))
   and x.relname !~ ('^' || t.name || '_.+' || case when i.indisunique then '_uq$' else '_ix$' end)`},
	{"T2", "views ask with the rights of their reader, and nothing is materialised", `
select c.relname || ': ' || case c.relkind when 'm' then 'a materialised view' when 'f' then 'a foreign table' else 'a view without security_invoker' end
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'app' and (c.relkind in ('m', 'f') or c.relkind = 'v' and not coalesce(c.reloptions, '{}') @> '{security_invoker=true}')`},
	{"T3", "what runs with its owner's rights stands on the list, with owner, search_path and callers", `
select p.oid::regprocedure || ' owner ' || p.proowner::regrole || ', ' || coalesce((select string_agg(s, '; ') from unnest(p.proconfig) s where s not like 'pg\_trgm.%'), 'no search_path') || ', called by ' ||
       coalesce((select string_agg(case a.grantee when 0 then 'PUBLIC' else a.grantee::regrole::text end, ' ' order by a.grantee::regrole::text) from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                  where a.grantee <> p.proowner), 'nobody')
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')`},
	{"T3", "a trigger or a language that is not trusted is nowhere", `
select p.oid::regprocedure || ': language ' || l.lanname from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
 where n.nspname = 'app' and l.lanname not in ('sql', 'plpgsql')`},
	{"T4", "a foreign key between tenant tables carries the tenant on both sides", `
select s.relname || ': ' || c.conname || ' does not carry tenant_id on both sides'
  from pg_constraint c join pg_class s on s.oid = c.conrelid join pg_class d on d.oid = c.confrelid join pg_namespace n on n.oid = s.relnamespace and n.nspname = 'app'
  join pg_attribute sa on sa.attrelid = s.oid and sa.attname = 'tenant_id' join pg_attribute da on da.attrelid = d.oid and da.attname = 'tenant_id'
 where c.contype = 'f' and not s.relispartition
   and not exists (select from unnest(c.conkey, c.confkey) as k (own, other) where k.own = sa.attnum and k.other = da.attnum)`},
	{"T4", "an id refers to a row, or is listed with the reason why not", `
select t.name || '.' || a.attname || ': refers to nothing'
  from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.atttypid = 'uuid'::regtype
 where not t.relispartition
   and not exists (select from pg_constraint c where c.contype = 'f' and c.conrelid = t.oid and a.attnum = any (c.conkey))
   and not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary and i.indnatts <= 2 and i.indkey[i.indnatts - 1] = a.attnum)`},
	{"T4", "what the partner persona writes refers only to what it sees", `
select t.name || ': ' || c.conname || ' is not guarded by app.guard_links'
  from tables t join pg_constraint c on c.conrelid = t.oid and c.contype = 'f' and cardinality(c.conkey) = 2
 where not t.relispartition and (has_any_column_privilege('entente_partner', t.oid, 'insert') or has_any_column_privilege('entente_partner', t.oid, 'update'))
   and not exists (select from pg_trigger g where g.tgrelid = t.oid and g.tgname = 'partner_links' and g.tgenabled in ('O', 'A') and g.tgtype = 23 and g.tgqual is null
     and cardinality(g.tgattr::int2[]) = 0 and g.tgfoid = 'app.partner_links'::regproc and c.conname::text = any (string_to_array(encode(g.tgargs, 'escape'), '\000')))`},
	{"T5", "a unique key begins with the tenant", `
select t.name || ': ' || x.relname || ' is unique across tenants'
  from tables t join pg_index i on i.indrelid = t.oid join pg_class x on x.oid = i.indexrelid
 where (i.indisunique or i.indisexclusion) and i.indkey[0] is distinct from t.tenant_att`},
	{"T6", "personas read and write rows, and nothing else", `
select n.nspname || '.' || c.relname || ': ' || case a.grantee when 0 then 'PUBLIC' else a.grantee::regrole::text end || ' may ' || a.privilege_type || case when a.is_grantable then ' and grant it' else '' end
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select * from aclexplode(c.relacl) union all select x.* from pg_attribute t, aclexplode(t.attacl) x where t.attrelid = c.oid) a
 where n.nspname in ('app', 'river') and a.grantee <> c.relowner
   and (a.grantee = 0 or a.is_grantable or n.nspname = 'river' or c.relkind not in ('r', 'p', 'v') or a.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
        or not a.grantee::regrole::text like 'entente\_%')`},
	{"T6", "nobody but the owners makes objects, and PUBLIC has no schema", `
select n.nspname || ': ' || case a.grantee when 0 then 'PUBLIC' else a.grantee::regrole::text end || ' has ' || a.privilege_type
  from pg_namespace n cross join lateral aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
 where a.grantee <> n.nspowner and n.nspname in ('app', 'river', 'public')
   and (a.privilege_type <> 'USAGE' or a.is_grantable or a.grantee = 0 and n.nspname <> 'public' or n.nspname = 'river')`},
	{"T6", "no function is PUBLIC's", `
select p.oid::regprocedure || ': PUBLIC may call it' from pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where n.nspname = 'app' and has_function_privilege('public', p.oid, 'execute')`},
	{"T6", "what later migrations make is given to nobody by default", `
select coalesce(n.nspname, 'everywhere') || ': ' || a.privilege_type || ' on ' || d.defaclobjtype::text || ' for ' || case a.grantee when 0 then 'PUBLIC' else a.grantee::regrole::text end
  from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace cross join lateral aclexplode(d.defaclacl) a where a.grantee <> d.defaclrole
union all select 'routines of entente_owner are PUBLIC''s by default'
 where not exists (select from pg_default_acl d where d.defaclrole = 'entente_owner'::regrole and d.defaclobjtype = 'f' and d.defaclnamespace = 0
   and not exists (select from aclexplode(d.defaclacl) a where a.grantee = 0))`},
	{"T6", "tables belong to the owner roles", `
select n.nspname || '.' || c.relname || ' belongs to ' || c.relowner::regrole from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname in ('app', 'river') and c.relowner::regrole::text <> case n.nspname when 'app' then 'entente_owner' else 'entente_jobs' end
union all select n.nspname || ' belongs to ' || n.nspowner::regrole from pg_namespace n
 where n.nspname in ('app', 'river') and n.nspowner::regrole::text <> case n.nspname when 'app' then 'entente_owner' else 'entente_jobs' end`},
	{"T7", "roles have no attribute that steps over row-level security", `
select r.rolname || ': ' || concat_ws(' ', case when r.rolsuper then 'superuser' end, case when r.rolbypassrls then 'bypassrls' end, case when r.rolcreaterole then 'createrole' end,
       case when r.rolcreatedb then 'createdb' end, case when r.rolreplication then 'replication' end, case when r.rolcanlogin and r.rolname not like '%\_' || suffix then 'login' end)
  from pg_roles r, installed where r.rolname ~ ('^entente_(owner|staff|partner|public|worker|platform|jobs|definer|retention)(_' || suffix || ')?$')
   and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolcanlogin and r.rolname not like '%\_' || suffix)`},
	{"T7", "a login is a member of its persona and of nothing else", `
select r.rolname || ': a member of ' || coalesce((select string_agg(x.rolname, ', ' order by x.rolname) from pg_roles x where x.oid <> r.oid and pg_has_role(r.oid, x.oid, 'member')), 'nothing')
  from pg_roles r, installed
 where r.rolname like '%\_' || suffix
   and (select array_agg(x.rolname::text) from pg_roles x where x.oid <> r.oid and pg_has_role(r.oid, x.oid, 'member')) is distinct from array[replace(r.rolname, '_' || suffix, '')]`},
	{"T7", "a persona is a member of nothing", `
select r.rolname || ': a member of ' || x.rolname from pg_roles r join pg_roles x on x.oid <> r.oid and pg_has_role(r.oid, x.oid, 'member')
 where r.rolname in ('entente_staff', 'entente_partner', 'entente_public', 'entente_worker', 'entente_platform', 'entente_jobs', 'entente_definer', 'entente_retention')`},
}

// preamble names what the checks talk about: the tables of schema app without the migrations' own, the policies as text,
// and what a partner may reach.
const preamble = `with tables as (
  select c.oid, c.relname::text as name, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
         (select a.attnum from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull and not a.attisdropped) as tenant_att
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'app' and c.relkind in ('r', 'p') and c.relname <> 'schema_version'),
reaches (reach) as (values ('(partner_id = ( SELECT app.partner() AS partner))'), ('(member_id = ( SELECT app.member() AS member))'),
  ('(tenant_id = ( SELECT app.tenant() AS tenant))'),
  ('(EXISTS ( SELECT 1 FROM app.account_partner s WHERE ((s.tenant_id = ( SELECT app.tenant() AS tenant)) AND (s.partner_id = ( SELECT app.partner() AS partner)) AND (s.account_id = account.account_id))))')),
installed as (select right(replace(installation_id::text, '-', ''), 12) as suffix from app.installation)
`

// policyText writes a policy in one line. It is made for the session that asks.
const policyText = `create or replace function pg_temp.policy_text(p pg_policy) returns text language sql as $$
  select concat_ws(' ', case when p.polpermissive then 'permissive' else 'restrictive' end,
    case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
    'to', (select string_agg(case x.o when 0 then 'PUBLIC' else x.o::regrole::text end, ', ' order by x.o::regrole::text) from unnest(p.polroles) as x (o)),
    'using ' || regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\s+', ' ', 'g'),
    'check ' || regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), '\s+', ' ', 'g')) $$`

// readCatalogue returns every breach of every check, or of those with the ids in only, each as "T1 table: what".
func readCatalogue(ctx context.Context, q pg.Querier, only ...string) ([]string, error) {
	// Names are written in full when nothing is on the search_path.
	if _, err := q.Exec(ctx, `set search_path = pg_catalog, pg_temp; `+policyText); err != nil {
		return nil, err
	}
	var parts []string
	for _, c := range checks {
		if len(only) == 0 || slices.Contains(only, c.id) {
			parts = append(parts, "select '"+c.id+" ' || f from ("+c.sql+") as found (f)")
		}
	}
	rows, err := q.Query(ctx, preamble+qualified(strings.Join(parts, "\nunion all\n")))
	if err != nil {
		return nil, err
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	slices.Sort(out)
	return out, nil
}

// breaches returns the findings that no line of the list excuses, and the lines that excuse nothing.
func breaches(found []string) (inexcusable, unused []string) {
	used := map[string]bool{}
	for _, f := range found {
		if excuses[f] == "" {
			inexcusable = append(inexcusable, f)
		}
		used[f] = true
	}
	for line := range excuses {
		if !used[line] {
			unused = append(unused, line)
		}
	}
	slices.Sort(unused)
	return inexcusable, unused
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	found, err := readCatalogue(t.Context(), pgtest.Super(t, pgtest.New(t)))
	if err != nil {
		t.Fatal(err)
	}
	inexcusable, unused := breaches(found)
	for _, f := range inexcusable {
		t.Errorf("%s\n\tway out: protect it like the others (see 0001_tenancy.sql), or list it with a reason in excuses_test.go", f)
	}
	for _, f := range unused {
		t.Errorf("excuses_test.go excuses what nobody does: %s\n\tway out: take the line away, or mend what it was about", f)
	}
}
