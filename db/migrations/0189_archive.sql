-- +goose Up
-- Taking a whole tenant out and putting one in: what knows no table by name and works on all of them.

-- A run of an export that somebody asked for. The archive itself is a file of its own.
create table app.archive_run (
  tenant_id  uuid not null constraint archive_run_tenant_fk references app.tenant,
  run_id     uuid not null,
  status     text not null default 'waiting' constraint archive_run_status_ck check (status in ('waiting', 'working', 'done', 'failed')),
  step       text not null default '', -- the table it is at
  done       bigint not null default 0,
  total      bigint not null default 0,
  file_id    uuid, -- the archive, once it is done
  bytes      bigint not null default 0,
  failure    text not null default '',
  created_by uuid,
  created_by_name text not null default '',
  created_at timestamptz not null default app.now(),
  finished_at timestamptz,
  constraint archive_run_pk primary key (tenant_id, run_id)
);
create index archive_run_created_ix on app.archive_run (tenant_id, created_at desc, run_id desc);
call app.protect('archive_run', 'select, insert');
call app.keep_history('archive_run', 'run_id', 'step done');
call app.classify('archive_run', 'export', 'internal', 'tenant_id run_id status step done total file_id bytes failure created_by created_at finished_at');
call app.classify('archive_run', 'export', 'personal', 'created_by_name');

-- How a programme left, from the asking to the certificate. It outlives the programme.
create table app.departure (
  tenant_id    uuid not null constraint departure_tenant_fk references app.tenant,
  departure_id uuid not null,
  state        text not null constraint departure_state_ck check (state in ('asked', 'closing', 'purging', 'done', 'taken_back')),
  reason       text not null default '' constraint departure_reason_ck check (length(reason) <= 1000),
  at_once      boolean not null default false,
  asked_by     uuid,
  asked_by_name text not null default '',
  asked_at     timestamptz not null,
  agreed_by    uuid,
  agreed_by_name text not null default '',
  agreed_at    timestamptz,
  purge_after  timestamptz, -- set when it is agreed
  closed_at    timestamptz,
  step         text not null default '', -- of the purge: what it is at
  counts       jsonb not null default '{}', -- rows gone, by table
  kept         jsonb not null default '[]', -- what law keeps, of each table and category: rows, reason, until
  head         jsonb not null default '{}', -- of the audit log before the purge
  tell         jsonb not null default '[]', -- the last Admins, until they were told
  people       uuid[] not null default '{}', -- the persons behind the memberships, until those without another one are gone
  certificate  text not null default '',
  finished_at  timestamptz,
  told_at      timestamptz,
  version      int not null default 1,
  constraint departure_pk primary key (tenant_id, departure_id),
  constraint departure_four_eyes_ck check (agreed_by is null or asked_by is distinct from agreed_by)
);
create unique index departure_open_uq on app.departure (tenant_id) where state in ('asked', 'closing', 'purging');
call app.protect('departure', 'select, insert, update', worker => 'select, insert, update', platform => 'select, update');
call app.keep_history('departure', 'departure_id', 'tell counts');
call app.classify('departure', 'authorization', 'internal', 'tenant_id departure_id state at_once asked_by asked_at agreed_by agreed_at purge_after closed_at people step counts kept head finished_at told_at version');
call app.classify('departure', 'authorization', 'personal', 'reason asked_by_name agreed_by_name tell');
call app.classify('departure', 'business-data', 'public', 'certificate');

-- What law requires to be kept of a programme that is gone: restricted, nobody but the program itself reads it, until its day.
create table app.kept_record (
  tenant_id  uuid not null constraint kept_record_tenant_fk references app.tenant,
  record_id  uuid not null default gen_random_uuid(),
  table_name text not null,
  category   text not null,
  reason     text not null,
  until      timestamptz, -- null: indefinitely
  record     jsonb not null,
  created_at timestamptz not null default app.now(),
  constraint kept_record_pk primary key (tenant_id, record_id)
);
create index kept_record_until_ix on app.kept_record (tenant_id, until);
call app.protect('kept_record', '', platform => 'select, delete');
call app.keep_history('kept_record', 'record_id', 'record');
call app.classify('kept_record', 'legal-entity', 'personal', 'record');
call app.classify('kept_record', 'legal-entity', 'internal', 'tenant_id record_id table_name category reason until created_at');

-- How a programme came here from another installation. It stands here and not in the programme's own log, which arrived as it was.
create table app.arrival (
  tenant_id   uuid not null constraint arrival_tenant_fk references app.tenant,
  arrival_id  uuid not null,
  manifest    text not null constraint arrival_manifest_ck check (manifest ~ '^[0-9a-f]{64}$'), -- SHA-256 of the archive's manifest
  signed_by   text not null default '', -- the verifier key that proved it; empty: taken unsigned
  exported_at timestamptz not null,
  arrived_at  timestamptz not null,
  constraint arrival_pk primary key (tenant_id, arrival_id)
);
call app.protect('arrival', 'select', platform => 'insert');
call app.keep_history('arrival', 'arrival_id');
call app.classify('arrival', 'authorization', 'internal', 'tenant_id arrival_id manifest signed_by exported_at arrived_at');

-- A foreign key in a circle, or of a table to itself, may be looked at when all rows are there.
-- +goose StatementBegin
do $$ declare k record; begin
  for k in select s.relname, c.conname from pg_constraint c join pg_class s on s.oid = c.conrelid join pg_namespace n on n.oid = s.relnamespace and n.nspname = 'app'
            where c.contype = 'f' and c.conparentid = 0 and (c.conrelid = c.confrelid or c.conname = 'partner_manager_fk') loop
    execute format('alter table app.%I alter constraint %I deferrable initially immediate', k.relname, k.conname);
  end loop;
end $$;

-- let_leave lets a whole tenant go and come: every tenant table can be written and emptied by the functions below, for the bound
-- tenant. A migration that adds a tenant table after this one calls it again.
create procedure app.let_leave() language plpgsql as $$
declare tab text;
begin
  for tab in select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition
                and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull)
                and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'definer_leave') loop
    execute format('grant select, insert, update, delete on app.%I to entente_definer', tab);
    execute format('create policy definer_leave on app.%I for all to entente_definer using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()))', tab);
  end loop;
end $$;
call app.let_leave();

-- archive_insert puts rows, given as a JSON array of objects with the columns named, into a table of the bound tenant, which must be
-- one that is arriving.
create function app.archive_insert(tab text, cols text[], rows jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare n bigint; list text;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'importing') then
    raise exception 'app.archive_insert: no tenant is arriving' using errcode = '42501';
  end if;
  select string_agg(format('%I', c), ', ') into list from unnest(cols) c;
  execute format('insert into app.%I (%s) overriding system value select %s from jsonb_populate_recordset(null::app.%I, $1)', tab, list, list, tab) using rows;
  get diagnostics n = row_count;
  return n;
end $$;

-- archive_delete deletes up to `most` rows of the bound tenant, which is closed, from a table and returns how many it were.
create function app.archive_delete(tab text, most int) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare n bigint; list text;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'closed') or tab = 'tenant' then
    raise exception 'app.archive_delete: the tenant is not closed' using errcode = '42501';
  end if;
  select string_agg(format('%I', a.attname), ', ' order by k.o) into strict list
    from pg_index i cross join lateral unnest(i.indkey) with ordinality as k (n, o) join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n
   where i.indrelid = format('app.%I', tab)::regclass and i.indisprimary;
  execute format('delete from app.%I where (%s) in (select %s from app.%I where tenant_id = app.tenant() limit $1)', tab, list, list, tab) using most;
  get diagnostics n = row_count;
  return n;
end $$;

-- archive_unlink empties a column that refers to another row, for up to `most` rows of the bound tenant, which is closed.
create function app.archive_unlink(tab text, col text, most int) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare n bigint;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'closed') or tab = 'tenant' then
    raise exception 'app.archive_unlink: the tenant is not closed' using errcode = '42501';
  end if;
  execute format('update app.%I set %I = null where tenant_id = app.tenant() and %I is not null and ctid = any (array(select ctid from app.%I where tenant_id = app.tenant() and %I is not null limit $1))',
    tab, col, col, tab, col) using most;
  get diagnostics n = row_count;
  return n;
end $$;

-- archive_drop_persons deletes those of the bound tenant's people who are members nowhere any more, once the tenant is closed.
create function app.archive_drop_persons(most int) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare n bigint;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'closed') then
    raise exception 'app.archive_drop_persons: the tenant is not closed' using errcode = '42501';
  end if;
  delete from app.person p where p.person_id in (
    select x.id from app.departure d cross join lateral unnest(d.people) as x (id)
     where d.tenant_id = app.tenant() and d.state = 'purging'
       and exists (select from app.person q where q.person_id = x.id) and not exists (select from app.member m where m.person_id = x.id) limit most);
  get diagnostics n = row_count;
  return n;
end $$;

-- archive_bury leaves a nameless stone of the bound tenant, which is closed and empty, and ends its departure. What these last steps
-- wrote into the history goes with them.
create function app.archive_bury(at timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'closed') then
    raise exception 'app.archive_bury: the tenant is not closed' using errcode = '42501';
  end if;
  update app.departure set state = 'done', step = '', tell = '[]', people = '{}', reason = '', asked_by_name = '', agreed_by_name = '', finished_at = at, version = version + 1
   where tenant_id = app.tenant() and state = 'purging';
  update app.departure set reason = '', asked_by_name = '', agreed_by_name = '' where tenant_id = app.tenant() and state <> 'done';
  update app.tenant set status = 'purged', purged_at = at, slug = 'gone-' || replace(tenant_id::text, '-', ''), name = 'Deleted programme', closing_reason = '', closing_by = null,
         brand_color = '#1f5fd6', logo = null, logo_type = '', time_zone = 'UTC', version = version + 1, updated_at = at
   where tenant_id = app.tenant();
  delete from app.row_history where tenant_id = app.tenant();
end $$;
grant delete on app.person to entente_definer;

-- archive_persons lists the people who are members of the bound tenant: their address and name, and nothing else of them.
create function app.archive_persons() returns table (person_id uuid, email text, name text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.person_id, p.email, p.name from app.person p
   where exists (select from app.member m where m.tenant_id = app.tenant() and m.person_id = p.person_id) order by p.person_id
$$;

-- archive_person returns the person of an address, made with the id proposed when nobody has the address (and the id is free): an
-- arriving tenant's people keep theirs. A person who is there already keeps their name and password.
create function app.archive_person(in_id uuid, in_email text, in_name text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare the_id uuid;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'importing') then
    raise exception 'app.archive_person: no tenant is arriving' using errcode = '42501';
  end if;
  if exists (select from app.person p where p.person_id = in_id and p.email <> lower(in_email)) then
    in_id := gen_random_uuid();
  end if;
  insert into app.person (person_id, email, name) values (in_id, lower(in_email), in_name) on conflict (email) do nothing returning person_id into the_id;
  if the_id is null then
    select p.person_id into the_id from app.person p where p.email = lower(in_email);
  end if;
  return the_id;
end $$;

-- archive_arrive makes the bound tenant: arriving, with nothing but its id and its slug.
create function app.archive_arrive(in_slug text, in_name text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into app.tenant (tenant_id, slug, name, status) values (app.tenant(), in_slug, in_name, 'importing')
$$;

-- archive_settle gives the arriving tenant what the archive says of it, and drops the history that the arrival itself wrote: the
-- archive brings its own. The tenant is at work from then on.
create function app.archive_settle(cols text[], fresh jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare list text;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'importing') then
    raise exception 'app.archive_settle: no tenant is arriving' using errcode = '42501';
  end if;
  select string_agg(format('%I = r.%I', c, c), ', ') into list from unnest(cols) c where c not in ('tenant_id', 'slug');
  execute format('update app.tenant t set %s from jsonb_populate_record(null::app.tenant, $1) r where t.tenant_id = app.tenant()', list) using fresh;
  delete from app.row_history where tenant_id = app.tenant() and op_id = app.op();
end $$;

do $$ declare f text; begin
  execute 'grant create on schema app to entente_definer';
  foreach f in array array['app.archive_insert(text, text[], jsonb)', 'app.archive_drop_persons(int)', 'app.archive_bury(timestamptz)', 'app.archive_delete(text, int)', 'app.archive_unlink(text, text, int)', 'app.archive_persons()',
    'app.archive_person(uuid, text, text)', 'app.archive_arrive(text, text)', 'app.archive_settle(text[], jsonb)'] loop
    execute format('alter function %s owner to entente_definer', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to %s', f, case when f = 'app.archive_persons()' then 'entente_worker' else 'entente_platform' end);
  end loop;
  execute 'revoke create on schema app from entente_definer';
end $$;
-- +goose StatementEnd

call app.retain('archive_run', 'export', 'recorded', 'created_at');
call app.retain_tenant('departure', 'authorization');
call app.retain_tenant('arrival', 'authorization');
call app.retain_job('kept_record', 'legal-entity', 'archive.kept');
