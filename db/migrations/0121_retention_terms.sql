-- +goose Up
-- When a row's period is over, and what is held against it: the rules as functions, read by everything that deletes or foretells.

-- What tests add to the database's clock. Only the owner writes it; on an installation it stays empty.
create table app.clock_shift (
  only_one boolean not null default true constraint clock_shift_pk primary key constraint clock_shift_one_ck check (only_one),
  shift    interval not null
);
alter table app.clock_shift enable row level security;
alter table app.clock_shift force row level security;
grant select on app.clock_shift to entente_retention;
create policy retention_reach on app.clock_shift for select to entente_retention using (true);
call app.classify('clock_shift', 'authorization', 'internal', 'only_one shift');
call app.retain_tenant('clock_shift', 'authorization');

-- +goose StatementBegin
-- clock is the database's own time, which no program can set: periods are compared with it.
create function app.clock() returns timestamptz language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select clock_timestamp() + coalesce((select c.shift from app.clock_shift c), interval '0')
$$;

-- retention_cutoff: an event before it is over at the moment `at`. A period in days, months or years runs through the UTC day of the event
-- plus the period; one with hours ends to the moment.
create function app.retention_cutoff(keep interval, at timestamptz) returns timestamptz language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  today date := (at at time zone 'UTC')::date;
  d     date;
begin
  if keep is null then return null; end if;
  if keep <> date_trunc('day', keep) then return at - keep; end if;
  d := (today - keep)::date;
  while (d + keep)::date >= today loop d := d - 1; end loop;
  while (d + 1 + keep)::date < today loop d := d + 1; end loop;
  return (d + 1)::timestamp at time zone 'UTC';
end $$;

-- retention_last_day is the last UTC day on which something of that event is there.
create function app.retention_last_day(event timestamptz, keep interval) returns date language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when keep <> date_trunc('day', keep) then ((event + keep) at time zone 'UTC')::date else ((event at time zone 'UTC')::date + keep)::date end
$$;

-- retention_tables reads the declarations of all tables from the catalogue.
create function app.retention_tables() returns table (tab text, rel oid, category text, how text, events jsonb, blank jsonb, parent text, by text, shared boolean, partial boolean)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.relname::text, c.oid, d ->> 'category', d ->> 'how', coalesce(d -> 'events', '{}'), d -> 'blank', d ->> 'parent', d ->> 'by',
         t.attnum is null, t.attnum is not null and not t.attnotnull
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app'
    left join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
    cross join lateral jsonb_array_elements(case when obj_description(c.oid, 'pg_class') like '[%' then obj_description(c.oid, 'pg_class')::jsonb else '[]' end) d
   where c.relkind in ('r', 'p') and not c.relispartition
   order by 1, 3
$$;

-- hold_gate keeps a hold and a batch of deletions apart: a batch that began earlier ends first, and no later one begins without it.
create function app.hold_gate() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('legal hold ' || new.tenant_id, 0));
  return new;
end $$;

-- held_objects returns what is held in a tenant: everything, or ids and addresses that a held row carries. A hold on an account or a
-- partner reaches the rows that refer to it, and by their ids whatever refers to those; one on a person, all their records here.
create function app.held_objects(in_tenant uuid, out whole boolean, out ids uuid[], out emails text[]) language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  today date := (app.clock() at time zone 'UTC')::date;
  h     record;
  f     record;
  more  uuid[];
begin
  whole := false; ids := '{}'; emails := '{}';
  for h in select l.kind, l.object_id, l.email from app.legal_hold l
            where l.tenant_id = in_tenant and l.released_at is null and (l.until is null or l.until >= today) loop
    ids := ids || h.object_id;
    if h.kind = 'tenant' then
      whole := true;
    elsif h.kind = 'person' then
      emails := emails || array(select e from (
        select h.email as e union select m.email from app.member m where m.tenant_id = in_tenant and m.member_id = h.object_id
        union select c.email from app.contact c where c.tenant_id = in_tenant and c.contact_id = h.object_id) x where e <> '');
      ids := ids || array(select m.member_id from app.member m where m.tenant_id = in_tenant and m.email = any (emails)
        union select m.person_id from app.member m where m.tenant_id = in_tenant and (m.email = any (emails) or m.member_id = h.object_id) and m.person_id is not null
        union select c.contact_id from app.contact c where c.tenant_id = in_tenant and c.email = any (emails));
    else
      for f in select s.relname, a.attname, i.attname as key
                 from pg_constraint c join pg_class s on s.oid = c.conrelid and not s.relispartition
                 cross join lateral unnest(c.conkey, c.confkey) k (own, other)
                 join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.own and a.attname <> 'tenant_id'
                 join pg_index x on x.indrelid = c.conrelid and x.indisprimary
                 join pg_attribute i on i.attrelid = c.conrelid and i.attnum = x.indkey[x.indnatts - 1] and i.atttypid = 'uuid'::regtype
                where c.contype = 'f' and c.confrelid = ('app.' || quote_ident(h.kind))::regclass and cardinality(c.conkey) = 2
                  and has_table_privilege('entente_retention', c.conrelid, 'select') loop
        execute format('select array_agg(x.%I) from app.%I x where x.tenant_id = $1 and x.%I = $2', f.key, f.relname, f.attname) into more using in_tenant, h.object_id;
        ids := ids || coalesce(more, '{}');
      end loop;
    end if;
  end loop;
end $$;

-- held_row is the condition, on a table called t, that a row carries an id or an address that is held.
create function app.held_row(in_rel oid, alias text) returns text language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce('coalesce(' || string_agg(case when a.atttypid = 'uuid'::regtype then format('%s.%I = any ($1)', alias, a.attname) else format('%s.%I = any ($2)', alias, a.attname) end, ' or ' order by a.attnum) || ', false)', 'false')
    from pg_attribute a
   where a.attrelid = in_rel and a.attnum > 0 and not a.attisdropped and a.attname not in ('tenant_id', 'op_id', 'import_id')
     and (a.atttypid = 'uuid'::regtype or a.atttypid = 'text'::regtype and a.attname ~ '(^|_)email$')
$$;

-- held says whether an object of the bound tenant is held: for whoever erases, corrects or purges.
create function app.held(in_tenant uuid, in_kind text, in_id uuid) returns boolean language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare h record;
begin
  if in_tenant is distinct from app.tenant() then return false; end if;
  h := app.held_objects(in_tenant);
  return h.whole or in_id = any (h.ids);
end $$;

-- retention_terms is what a table's rows of one category must meet to go, for the bound tenant: conditions as SQL on a table called t.
-- problem is set when the rule counts from an event that the table does not know.
create function app.retention_terms(in_table text, in_category text, out rel oid, out how text, out mine text, out due text, out last_day text, out event text,
                                    out keep interval, out stored boolean, out began text, out blank jsonb, out duty text, out problem text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  d   record;
  r   record;
  law record;
  account timestamptz;
  at  timestamptz := app.clock();
  the_tenant uuid := app.tenant();
  of_law text;
begin
  select * into d from app.retention_tables() x where x.tab = in_table and x.category = in_category;
  if not found or the_tenant is null then
    raise exception 'app.retention_terms: % does not hold % or no tenant is bound', in_table, in_category using errcode = '22023';
  end if;
  rel := d.rel; how := d.how; blank := d.blank; stored := true;
  mine := case when d.shared then 'true' when d.partial then format('(t.tenant_id = %L or t.tenant_id is null)', the_tenant) else format('t.tenant_id = %L', the_tenant) end;
  if exists (select from pg_attribute a where a.attrelid = d.rel and a.attname = 'erased_at' and not a.attisdropped) then
    mine := mine || ' and t.erased_at is null';
  end if;
  select x.* into r from app.retention_rule x where x.tenant_id = the_tenant and x.category = in_category;
  select t.deletion_requested_at into account from app.tenant t where t.tenant_id = the_tenant;
  event := r.event; keep := r.keep; due := 'false'; last_day := 'null::date';
  if r.category is null then
    problem := 'no rule';
    return;
  end if;
  stored := r.stored;
  began := app.retention_event(d.events, r.event, account);
  if began is null and r.event <> 'account-deletion' then
    problem := 'no event ' || r.event;
    return;
  end if;
  began := coalesce(began, 'null::timestamptz');
  if keep is not null then
    due := case when stored or d.shared then format('%s < %L', began, app.retention_cutoff(keep, at)) else 'true' end;
    last_day := format('app.retention_last_day(%s, %L)', began, keep);
  end if;
  select x.* into law from app.legal_duty x where x.tenant_id = the_tenant and x.category = in_category;
  if law.category is not null and keep is not null then
    of_law := coalesce(app.retention_event(d.events, law.event, account), 'null::timestamptz');
    duty := law.reason;
    due := due || format(' and %s < %L', of_law, app.retention_cutoff(law.keep, at));
    last_day := format('case when %s is not null then greatest(%s, app.retention_last_day(%s, %L)) end', of_law, last_day, of_law, law.keep);
  end if;
end $$;

-- retention_event is the SQL for when an event happened to a row; null when neither the table nor the tenant can say.
create function app.retention_event(events jsonb, event text, account timestamptz) returns text language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when event = 'account-deletion' then case when account is null then null else format('%L::timestamptz', account) end
    when event = 'relation-end' and events ? event then format('coalesce(t.%I, %L::timestamptz)', events ->> event, account)
    when event = 'relation-end' and account is not null then format('%L::timestamptz', account)
    when events ? event then format('t.%I', events ->> event)
  end
$$;
-- +goose StatementEnd
create trigger hold_gate before insert or update on app.legal_hold for each row execute function app.hold_gate();

-- What finds the ids that a hold on a person or a partner reaches.
-- +goose StatementBegin
do $$ declare f text; begin
  execute 'grant create on schema app to entente_retention';
  foreach f in array array['app.clock()', 'app.held_objects(uuid)', 'app.held(uuid, text, uuid)', 'app.retention_terms(text, text)'] loop
    execute format('alter function %s owner to entente_retention', f);
    execute format('revoke all on function %s from public', f);
  end loop;
  execute 'revoke create on schema app from entente_retention';
end $$;
-- +goose StatementEnd
grant execute on function app.clock(), app.retention_cutoff(interval, timestamptz), app.retention_last_day(timestamptz, interval), app.retention_tables(), app.held(uuid, text, uuid)
  to entente_staff, entente_worker;
grant execute on function app.retention_cutoff(interval, timestamptz), app.retention_last_day(timestamptz, interval), app.retention_tables(), app.retention_event(jsonb, text, timestamptz), app.held_row(oid, text)
  to entente_retention;
