-- +goose Up
-- An entry of the audit log whose payload was erased for a person is an entry still, and goes with its period like any other: until now it
-- stayed until its month was dropped. Only where retention itself empties rows (columns) or takes accounts (job) does erased_at say that it
-- is done with a row. And: what is declared of one table is read without reading what is declared of all of them.

-- +goose StatementBegin
-- retention_of reads the declarations of one table from the catalogue. Plain, so that the planner sees through it.
create function app.retention_of(in_rel oid) returns table (tab text, rel oid, category text, how text, events jsonb, blank jsonb, parent text, by text, shared boolean, partial boolean)
language sql stable as $$
  select c.relname::text, c.oid, d ->> 'category', d ->> 'how', coalesce(d -> 'events', '{}'), d -> 'blank', d ->> 'parent', d ->> 'by',
         t.attnum is null, t.attnum is not null and not t.attnotnull
    from pg_catalog.pg_class c
    join pg_catalog.pg_description s on s.objoid = c.oid and s.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and s.objsubid = 0
    left join pg_catalog.pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
    cross join lateral pg_catalog.jsonb_array_elements(case when s.description like '[%' then s.description::pg_catalog.jsonb else '[]' end) d
   where c.oid = in_rel and c.relkind in ('r', 'p') and not c.relispartition
$$;

create or replace function app.retention_tables() returns table (tab text, rel oid, category text, how text, events jsonb, blank jsonb, parent text, by text, shared boolean, partial boolean)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select d.* from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app' cross join lateral app.retention_of(c.oid) d
   where c.relkind in ('r', 'p') and not c.relispartition
   order by 1, 3
$$;

create or replace function app.retention_by_row(in_rel oid) returns boolean language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (select from pg_attribute a where a.attrelid = in_rel and a.attname = 'category' and not a.attisdropped)
     and (select count(*) from app.retention_of(in_rel) x where x.how in ('rows', 'partitions')) > 1
$$;

-- retention_only is the condition, on a row called by the alias, that it is one of the category's and not done with yet.
create function app.retention_only(in_rel oid, in_how text, in_category text, alias text) returns text language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when in_how in ('columns', 'job') and exists (select from pg_attribute a where a.attrelid = in_rel and a.attname = 'erased_at' and not a.attisdropped)
              then format(' and %I.erased_at is null', alias) else '' end
      || case when app.retention_by_row(in_rel) then format(' and %I.category = %L', alias, in_category) else '' end
$$;

create or replace function app.retention_terms(in_table text, in_category text, out rel oid, out how text, out mine text, out due text, out last_day text, out event text,
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
  select * into d from app.retention_of(to_regclass(format('app.%I', in_table))) x where x.category = in_category;
  if not found or the_tenant is null then
    raise exception 'app.retention_terms: % does not hold % or no tenant is bound', in_table, in_category using errcode = '22023';
  end if;
  rel := d.rel; how := d.how; blank := d.blank; stored := true;
  mine := case when d.shared then 'true' when d.partial then format('(t.tenant_id = %L or t.tenant_id is null)', the_tenant) else format('t.tenant_id = %L', the_tenant) end || app.retention_only(d.rel, d.how, in_category, 't');
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

create or replace function app.retention_due() returns table (tenant_id uuid, tab text, category text) language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  d    record;
  e    record;
  here timestamptz;
  whose text;
begin
  for d in select * from app.retention_tables() x where x.how in ('rows', 'partitions', 'columns', 'job') and (x.how <> 'job' or not (x.shared or x.partial)) loop
    here := app.clock() + case when d.how = 'job' then interval '31 days' else interval '0' end;
    whose := case when d.shared then 'true' when d.partial then '(x.tenant_id = t.tenant_id or x.tenant_id is null)' else 'x.tenant_id = t.tenant_id' end || app.retention_only(d.rel, d.how, d.category, 'x');
    for e in select k.key as event, k.value as mark from jsonb_each_text(d.events || '{"account-deletion": ""}') k loop
      return query execute format('select r.tenant_id, %L::text, %L::text from app.retention_rule r join app.tenant t on t.tenant_id = r.tenant_id and t.status <> ''purged''
         where r.category = %L and r.event = %L and r.keep is not null and (%s)', d.tab, d.category, d.category, e.event,
        case when e.event = 'account-deletion' then format('t.deletion_requested_at < app.retention_cutoff(r.keep, $1) and exists (select from app.%I x where %s)', d.tab, whose)
          else format('(select x.%1$I from app.%2$I x where %3$s and x.%1$I is not null order by x.%1$I limit 1) < case when r.stored then app.retention_cutoff(r.keep, $1) else ''infinity'' end', e.mark, d.tab, whose)
            || case when e.event = 'relation-end' then format(' or t.deletion_requested_at < app.retention_cutoff(r.keep, $1) and exists (select from app.%I x where %s)', d.tab, whose) else '' end end)
        using here;
    end loop;
  end loop;
end $$;

-- history_due returns the tenants for which empty_history may have something to do: contents in the history of rows that are gone, older
-- than the period of their table's category. It tells no content.
create function app.history_due() returns setof uuid language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare d record;
begin
  for d in select x.tab, x.category, app.history_key(x.rel) as key from app.retention_tables() x where x.how <> 'tenant' and app.history_key(x.rel) is not null loop
    return query execute format('select w.tenant_id
      from (select r.tenant_id, coalesce(m.emptied_to, ''-infinity'') as since,
                   case when r.event = ''recorded'' then app.retention_cutoff(greatest(r.keep, y.keep), $1)
                        when tn.deletion_requested_at < app.retention_cutoff(r.keep, $1) and y.category is null then ''infinity'' end as cutoff,
                   case when r.event = ''recorded'' or tn.deletion_requested_at is not null then app.retention_cutoff(l.keep, $1) end as log
              from app.retention_rule r
              join app.tenant tn on tn.tenant_id = r.tenant_id and tn.status <> ''purged''
              left join app.legal_duty y on y.tenant_id = r.tenant_id and y.category = r.category
              left join app.retention_rule l on l.tenant_id = r.tenant_id and l.category = ''audit-log''
              left join app.retention_mark m on m.tenant_id = r.tenant_id and m.table_name = %1$L
             where r.category = %2$L and r.event in (''recorded'', ''account-deletion'') and r.keep is not null) w
     where w.since < w.cutoff and (w.log is null or w.log < w.cutoff)
       and exists (select from app.row_history h where h.tenant_id = w.tenant_id and h.table_name = %1$L and h.at >= w.since and h.at < w.cutoff
                      and (h.old_row is not null or h.new_row is not null) and not exists (select from app.%3$I x where x.tenant_id = h.tenant_id and x.%4$I = h.row_id))', d.tab, d.category, d.tab, d.key)
      using app.clock();
  end loop;
end $$;
do $$ begin
  execute 'grant create on schema app to entente_retention';
  execute 'alter function app.history_due() owner to entente_retention';
  execute 'revoke all on function app.history_due() from public';
  execute 'revoke create on schema app from entente_retention';
end $$;
-- +goose StatementEnd
grant execute on function app.history_due() to entente_worker;
grant execute on function app.retention_of(oid) to entente_staff, entente_worker, entente_retention;
grant execute on function app.retention_only(oid, text, text, text) to entente_retention;

-- The last day of a row is asked for every row that is looked ahead for; without a setting of its own the planner sees through it.
alter function app.retention_last_day(timestamptz, interval) reset search_path;
