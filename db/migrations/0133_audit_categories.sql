-- +goose Up
-- An entry of the audit log says by itself to which category it belongs: a security event follows the period of security-event, any
-- other entry that of audit-log. A month goes as a whole when both are over for everybody.
call app.retain('audit_entry', 'security-event', 'recorded', 'at');
create index audit_entry_category_ix on app.audit_entry (tenant_id, category, at);

-- +goose StatementBegin
-- retention_by_row reports whether a table holds rows of several categories, each of which says its own in the column category.
create function app.retention_by_row(in_rel oid) returns boolean language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (select from pg_attribute a where a.attrelid = in_rel and a.attname = 'category' and not a.attisdropped)
     and (select count(*) from app.retention_tables() x where x.rel = in_rel and x.how in ('rows', 'partitions')) > 1
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
  select * into d from app.retention_tables() x where x.tab = in_table and x.category = in_category;
  if not found or the_tenant is null then
    raise exception 'app.retention_terms: % does not hold % or no tenant is bound', in_table, in_category using errcode = '22023';
  end if;
  rel := d.rel; how := d.how; blank := d.blank; stored := true;
  mine := case when d.shared then 'true' when d.partial then format('(t.tenant_id = %L or t.tenant_id is null)', the_tenant) else format('t.tenant_id = %L', the_tenant) end;
  if exists (select from pg_attribute a where a.attrelid = d.rel and a.attname = 'erased_at' and not a.attisdropped) then
    mine := mine || ' and t.erased_at is null';
  end if;
  if app.retention_by_row(d.rel) then
    mine := mine || format(' and t.category = %L', in_category);
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

create or replace function app.retention_due() returns table (tenant_id uuid, tab text, category text) language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  d    record;
  e    record;
  here timestamptz;
  whose text;
begin
  for d in select * from app.retention_tables() x where x.how in ('rows', 'partitions', 'columns', 'job') and (x.how <> 'job' or not (x.shared or x.partial)) loop
    here := app.clock() + case when d.how = 'job' then interval '31 days' else interval '0' end;
    whose := case when d.shared then 'true' when d.partial then '(x.tenant_id = t.tenant_id or x.tenant_id is null)' else 'x.tenant_id = t.tenant_id' end
      || case when exists (select from pg_attribute a where a.attrelid = d.rel and a.attname = 'erased_at' and not a.attisdropped) then ' and x.erased_at is null' else '' end
      || case when app.retention_by_row(d.rel) then format(' and x.category = %L', d.category) else '' end;
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

-- month_is_over says whether nobody's period, duty or hold, of any category in it, asks for a month of a log any longer.
create or replace function app.month_is_over(in_part text) returns boolean language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  m     record;
  owing boolean;
  known boolean := false;
begin
  for m in select p.relname as parent, p.oid as rel, x.category, x.events ->> 'recorded' as mark, b[1]::timestamptz as first, b[2]::timestamptz as beyond
             from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app'
             join pg_inherits i on i.inhrelid = c.oid join pg_class p on p.oid = i.inhparent
             join app.retention_tables() x on x.rel = p.oid and x.how = 'partitions'
             cross join lateral regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') b
            where c.relname = in_part and c.relispartition loop
    known := true;
    -- Months that are still being written, or will be, are over for nobody, however empty.
    if m.mark is null or m.beyond is null or m.beyond > app.clock() - interval '1 day' then return false; end if;
    execute format('select exists (select from app.tenant t
        left join app.retention_rule r on r.tenant_id = t.tenant_id and r.category = %L and r.event = ''recorded''
        left join app.legal_duty y on y.tenant_id = t.tenant_id and y.category = %L
       where (r.keep is null or app.retention_cutoff(r.keep, $1) < $3 or y.keep is not null and app.retention_cutoff(y.keep, $1) < $3
          or exists (select from app.legal_hold h where h.tenant_id = t.tenant_id and h.released_at is null and (h.until is null or h.until >= ($1 at time zone ''UTC'')::date)))
         and exists (select from app.%I x where x.tenant_id = t.tenant_id and x.%I >= $2 and x.%I < $3%s))', m.category, m.category, m.parent, m.mark, m.mark,
        case when app.retention_by_row(m.rel) then format(' and x.category = %L', m.category) else '' end)
      into owing using app.clock(), m.first, m.beyond;
    if owing then return false; end if;
  end loop;
  return known;
end $$;

create or replace function app.months_over() returns setof text language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select distinct c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app'
    join pg_inherits i on i.inhrelid = c.oid join app.retention_tables() x on x.rel = i.inhparent and x.how = 'partitions'
   where pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT' and app.month_is_over(c.relname::text) order by 1
$$;
-- +goose StatementEnd
grant execute on function app.retention_by_row(oid) to entente_retention;

-- Which period an entry has stands in its category.
call app.classify('audit_entry', 'security-event', 'internal', 'category');
