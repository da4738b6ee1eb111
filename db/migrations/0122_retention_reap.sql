-- +goose Up
-- What deletes: functions of entente_retention that look at the rule, the duty and the holds themselves, so that whoever calls them
-- can delete nothing before its time. Logs have no other way to lose a row.

-- +goose StatementBegin
-- retention_due returns which tables of which tenants have something whose period may be over, by the oldest row of each in the index
-- of its event. It tells no content. Rows with a lead (jobs that write to somebody first) are told 31 days ahead.
create function app.retention_due() returns table (tenant_id uuid, tab text, category text) language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  d    record;
  e    record;
  here timestamptz;
  whose text;
begin
  for d in select * from app.retention_tables() x where x.how in ('rows', 'partitions', 'columns', 'job') and (x.how <> 'job' or not (x.shared or x.partial)) loop
    here := app.clock() + case when d.how = 'job' then interval '31 days' else interval '0' end;
    whose := case when d.shared then 'true' when d.partial then '(x.tenant_id = t.tenant_id or x.tenant_id is null)' else 'x.tenant_id = t.tenant_id' end
      || case when exists (select from pg_attribute a where a.attrelid = d.rel and a.attname = 'erased_at' and not a.attisdropped) then ' and x.erased_at is null' else '' end;
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

-- retention_history empties the history of rows that are gone: who changed what kind of row when stays on record, what stood in it does not.
create function app.retention_history(in_table text, in_ids uuid[], in_columns text[] default null) returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
  update app.row_history h
     set old_row = case when in_columns is not null then h.old_row - in_columns end, new_row = case when in_columns is not null then h.new_row - in_columns end
   where h.tenant_id = app.tenant() and h.row_id = any (in_ids) and h.table_name = in_table and (h.old_row is not null or h.new_row is not null)
$$;

-- history_key is the column by which a table's history knows its rows; null for a table without one.
create function app.history_key(in_rel oid) returns text language sql stable set search_path = pg_catalog, pg_temp as $$
  select split_part(encode(g.tgargs, 'escape'), '\000', 1) from pg_trigger g where g.tgrelid = in_rel and g.tgname = 'history_delete'
$$;

-- referred is the condition, on a row called t, that something refers to it that does not go with it, or that goes with it and is held.
create function app.referred(in_rel oid, with_holds boolean) returns text language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(string_agg(format('exists (select from app.%I c where %s%s)', s.relname,
           (select string_agg(format('c.%I = t.%I', ca.attname, ta.attname), ' and ') from unnest(c.conkey, c.confkey) k (own, other)
              join pg_attribute ca on ca.attrelid = c.conrelid and ca.attnum = k.own join pg_attribute ta on ta.attrelid = c.confrelid and ta.attnum = k.other),
           case when c.confdeltype = 'c' then ' and ' || app.held_row(c.conrelid, 'c') else '' end), ' or '), 'false')
    from pg_constraint c join pg_class s on s.oid = c.conrelid
   where c.contype = 'f' and c.confrelid = in_rel and not s.relispartition and (c.confdeltype in ('a', 'r') or c.confdeltype = 'c' and with_holds)
     and has_table_privilege('entente_retention', c.conrelid, 'select')
$$;

-- reap deletes (or blanks) at most so many rows of one table and category of the bound tenant whose period is over, that no duty and
-- no hold keeps and nothing refers to. With in_dry it counts instead. held is counted when in_dry or when nothing more is to go.
create function app.reap(in_table text, in_category text, in_most int, in_dry boolean, out removed bigint, out blanked bigint, out held bigint, out blocked bigint, out problem text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  t     record;
  h     record;
  key   text;
  pk    text;
  same  text;
  free  text;
  kept  text;
  refs  text;
  gone  uuid[];
  child record;
  lost  jsonb := '{}';
  theirs uuid[];
begin
  removed := 0; blanked := 0; held := 0; blocked := 0;
  -- A hold that is being placed is waited for; one that comes later waits for this batch.
  perform pg_advisory_xact_lock_shared(hashtextextended('legal hold ' || app.tenant(), 0));
  t := app.retention_terms(in_table, in_category);
  problem := t.problem;
  if t.due = 'false' or t.how not in ('rows', 'partitions', 'columns') then return; end if;
  h := app.held_objects(app.tenant());
  kept := case when h.whole then 'true' when h.ids = '{}' and h.emails = '{}' then 'false' else app.held_row(t.rel, 't') end;
  refs := app.referred(t.rel, kept <> 'false');
  free := format('%s and %s and not (%s)', t.mine, t.due, kept);
  select string_agg(format('t.%I', a.attname), ', ' order by o), string_agg(format('t.%1$I = p.%1$I', a.attname), ' and ') into pk, same
    from pg_index i cross join lateral unnest(i.indkey) with ordinality k (n, o) join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n
   where i.indrelid = t.rel and i.indisprimary;
  key := app.history_key(t.rel);
  if in_dry then
    execute format('select count(*) filter (where not (%s) and not (%s)), count(*) filter (where %s), count(*) filter (where not (%s) and (%s)) from app.%I t where %s and %s', kept, refs, kept, kept, refs, in_table, t.mine, t.due)
      into removed, held, blocked using h.ids, h.emails;
    if t.how = 'columns' then blanked := blocked; blocked := 0; end if;
    return;
  end if;
  -- Who goes with the rows: what their history says goes too.
  execute format('select %s from (select %s as id from app.%I t where %s and not (%s) order by %s limit %s for update of t skip locked) x',
      'array_agg(x.id)', coalesce('t.' || quote_ident(key), 'null::uuid'), in_table, free, refs, t.began, in_most) into gone using h.ids, h.emails;
  if key is not null and gone is not null then
    for child in select s.relname, app.history_key(s.oid) as key, a.attname from pg_constraint c join pg_class s on s.oid = c.conrelid
                   join pg_attribute a on a.attrelid = s.oid and a.attnum = any (c.conkey) and a.attname <> 'tenant_id'
                  where c.contype = 'f' and c.confdeltype = 'c' and c.confrelid = t.rel and app.history_key(s.oid) is not null and has_table_privilege('entente_retention', s.oid, 'select') loop
      execute format('select array_agg(c.%I) from app.%I c where c.tenant_id = app.tenant() and c.%I = any ($1)', child.key, child.relname, child.attname) into theirs using gone;
      if theirs is not null then lost := lost || jsonb_build_object(child.relname, to_jsonb(theirs)); end if;
    end loop;
    execute format('delete from app.%I t where %s and t.%I = any ($3)', in_table, free, key) using h.ids, h.emails, gone;
    get diagnostics removed = row_count;
    perform app.retention_history(in_table, gone);
    for child in select l.key as relname, array(select v::uuid from jsonb_array_elements_text(l.value) v) as ids from jsonb_each(lost) l loop
      perform app.retention_history(child.relname, child.ids);
    end loop;
  elsif gone is not null then
    execute format('delete from app.%I t using (select %s from app.%I t where %s and not (%s) order by %s limit %s for update of t skip locked) p where %s', in_table, pk, in_table, free, refs, t.began, in_most, same) using h.ids, h.emails;
    get diagnostics removed = row_count;
  end if;
  if t.how = 'columns' and removed < in_most then
    execute format('with p as (select %s from app.%I t where %s order by %s limit %s for update of t skip locked), done as (update app.%I t set erased_at = app.clock(), %s from p where %s returning t.%I as id) select array_agg(d.id) from done d',
      pk, in_table, free, t.began, in_most - removed, in_table,
      (select string_agg(format('%I = %s', b.key, case when b.value is null then 'null' else format('%L', b.value) end), ', ') from jsonb_each_text(t.blank) b), same, key) into gone using h.ids, h.emails;
    blanked := coalesce(cardinality(gone), 0);
    if gone is not null then
      perform app.retention_history(in_table, gone, array(select jsonb_object_keys(t.blank)));
    end if;
  end if;
  if removed + blanked < in_most then
    execute format('select count(*) filter (where %s), count(*) filter (where not (%s)) from app.%I t where %s and %s', kept, kept, in_table, t.mine, t.due) into held, blocked using h.ids, h.emails;
  end if;
end $$;

-- retention_outlook says, for one table and category of the bound tenant, how many rows have which last day; null is never. Held rows
-- are counted apart: they stay until their hold ends.
create function app.retention_outlook(in_table text, in_category text) returns table (last_day date, kept bigint, held bigint) language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  t record;
  h record;
  held_here text;
begin
  t := app.retention_terms(in_table, in_category);
  if t.how = 'job' and t.mine = 'true' then return; end if; -- of the whole installation: no tenant's business
  h := app.held_objects(app.tenant());
  held_here := case when h.whole then 'true' when h.ids = '{}' and h.emails = '{}' then 'false' else app.held_row(t.rel, 't') end;
  return query execute format('select %s, count(*) filter (where not (%s)), count(*) filter (where %s) from app.%I t where %s group by 1 order by 1', t.last_day, held_here, held_here, in_table, t.mine)
    using h.ids, h.emails;
end $$;

-- retention_state says, for one table and category of the bound tenant, when its oldest row began and its last day.
create function app.retention_state(in_table text, in_category text, out how text, out event text, out oldest timestamptz, out last_day date, out duty text, out problem text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare t record;
begin
  t := app.retention_terms(in_table, in_category);
  how := t.how; event := t.event; duty := t.duty; problem := t.problem;
  if t.how = 'job' and t.mine = 'true' then return; end if; -- of the whole installation: no tenant's business
  if t.problem is null and t.how in ('rows', 'partitions', 'columns', 'job') and has_table_privilege(t.rel, 'select') then
    execute format('select t.began, t.last_day from (select %s as began, %s as last_day from app.%I t where %s and %s is not null order by 1 limit 1) t', t.began, t.last_day, in_table, t.mine, t.began) into oldest, last_day;
  end if;
end $$;

-- empty_history takes the contents out of history rows, at most so many, that are older than the period of their own table's category,
-- where the log as such is kept for longer. What is held or still there keeps its history.
create function app.empty_history(in_most int) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  d     record;
  h     record;
  upto  timestamptz;
  since timestamptz;
  last  timestamptz;
  n     bigint;
  total bigint := 0;
  log   interval;
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('legal hold ' || app.tenant(), 0));
  h := app.held_objects(app.tenant());
  if h.whole then return 0; end if;
  select r.keep into log from app.retention_rule r where r.tenant_id = app.tenant() and r.category = 'audit-log';
  for d in select x.tab, x.rel, app.history_key(x.rel) as key, case r.event when 'recorded' then app.retention_cutoff(greatest(r.keep, y.keep), app.clock())
                  else case when tn.deletion_requested_at < app.retention_cutoff(r.keep, app.clock()) and y.category is null then 'infinity'::timestamptz end end as cutoff
             from app.retention_tables() x
             join app.retention_rule r on r.tenant_id = app.tenant() and r.category = x.category and r.event in ('recorded', 'account-deletion') and r.keep is not null
             join app.tenant tn on tn.tenant_id = r.tenant_id
             left join app.legal_duty y on y.tenant_id = r.tenant_id and y.category = x.category
            where x.how <> 'tenant' and app.history_key(x.rel) is not null loop
    continue when d.cutoff is null or log is not null and app.retention_cutoff(log, app.clock()) >= d.cutoff;
    select m.emptied_to into since from app.retention_mark m where m.tenant_id = app.tenant() and m.table_name = d.tab;
    continue when since >= d.cutoff;
    execute format('with p as (select r.tenant_id, r.at, r.history_id from app.row_history r
                       where r.tenant_id = app.tenant() and r.table_name = $1 and r.at >= $2 and r.at < $3 and (r.old_row is not null or r.new_row is not null)
                         and not (r.row_id = any ($4)) and not exists (select from app.%I x where x.tenant_id = r.tenant_id and x.%I = r.row_id)
                       order by r.at limit $5 for update of r skip locked),
                     done as (update app.row_history h set old_row = null, new_row = null from p where h.tenant_id = app.tenant() and h.at = p.at and h.history_id = p.history_id returning h.at)
                    select count(*), max(x.at) from done x', d.tab, d.key)
      into n, last using d.tab, coalesce(since, '-infinity'), d.cutoff, h.ids, in_most - total;
    upto := case when n < in_most - total then d.cutoff else last end;
    if d.cutoff < 'infinity' or n = 0 then
      insert into app.retention_mark (tenant_id, table_name, emptied_to) values (app.tenant(), d.tab, least(upto, app.clock()))
      on conflict on constraint retention_mark_pk do update set emptied_to = excluded.emptied_to;
    end if;
    total := total + n;
    exit when total >= in_most;
  end loop;
  return total;
end $$;

-- month_is_over says whether nobody's period, duty or hold asks for a month of a log any longer.
create function app.month_is_over(in_part text) returns boolean language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  m     record;
  owing boolean;
begin
  select p.relname as parent, x.category, x.events ->> 'recorded' as mark, b[1]::timestamptz as first, b[2]::timestamptz as beyond into m
    from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app'
    join pg_inherits i on i.inhrelid = c.oid join pg_class p on p.oid = i.inhparent
    join app.retention_tables() x on x.rel = p.oid and x.how = 'partitions'
    cross join lateral regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') b
   where c.relname = in_part and c.relispartition;
  -- Months that are still being written, or will be, are over for nobody, however empty.
  if m.parent is null or m.mark is null or m.beyond is null or m.beyond > app.clock() - interval '1 day' then return false; end if;
  execute format('select exists (select from app.tenant t
      left join app.retention_rule r on r.tenant_id = t.tenant_id and r.category = %L and r.event = ''recorded''
      left join app.legal_duty y on y.tenant_id = t.tenant_id and y.category = %L
     where (r.keep is null or app.retention_cutoff(r.keep, $1) < $3 or y.keep is not null and app.retention_cutoff(y.keep, $1) < $3
        or exists (select from app.legal_hold h where h.tenant_id = t.tenant_id and h.released_at is null and (h.until is null or h.until >= ($1 at time zone ''UTC'')::date)))
       and exists (select from app.%I x where x.tenant_id = t.tenant_id and x.%I >= $2 and x.%I < $3))', m.category, m.category, m.parent, m.mark, m.mark)
    into owing using app.clock(), m.first, m.beyond;
  return not owing;
end $$;

-- months_over lists the months of the logs that are over for everybody.
create function app.months_over() returns setof text language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app'
    join pg_inherits i on i.inhrelid = c.oid join app.retention_tables() x on x.rel = i.inhparent and x.how = 'partitions'
   where pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT' and app.month_is_over(c.relname::text) order by 1
$$;

-- forget_person deletes a person that no membership anywhere refers to any longer, with their sessions and links.
create function app.forget_person(in_person uuid) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from app.person p where p.person_id = in_person and not exists (select from app.member m where m.person_id = p.person_id);
  return found;
end $$;

-- erase_member takes a person out of a membership of the bound tenant whose period is over, that nothing holds, and that is not the
-- programme's last Admin: the row stays nameless, what belongs to it goes, the person goes with their last membership anywhere.
create function app.erase_member(in_member uuid) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  t     record;
  h     record;
  m     record;
  child record;
  theirs uuid[];
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('legal hold ' || app.tenant(), 0));
  t := app.retention_terms('member', 'user-account');
  h := app.held_objects(app.tenant());
  execute format('select t.member_id, t.person_id, t.role, t.status, t.kind from app.member t where %s and %s and t.member_id = $3 and not ($4 or %s) for update of t', t.mine, t.due, app.held_row(t.rel, 't'))
    into m using h.ids, h.emails, in_member, h.whole;
  if m.member_id is null or m.kind <> 'person' or m.role = 'admin' and m.status = 'active' and not exists (select from app.member o
       where o.tenant_id = app.tenant() and o.role = 'admin' and o.status = 'active' and o.kind = 'person' and o.member_id <> in_member) then
    return false;
  end if;
  for child in select c.tab, app.history_key(c.rel) as key from app.retention_tables() c where c.how = 'parent' and c.parent = 'member' loop
    execute format('with gone as (delete from app.%I c where c.tenant_id = app.tenant() and c.member_id = $1 returning c.%I as id) select array_agg(g.id) from gone g', child.tab, child.key) into theirs using in_member;
    perform app.retention_history(child.tab, theirs);
  end loop;
  delete from app.session s where s.tenant_id = app.tenant() and s.member_id = in_member;
  update app.member x set name = 'Former member', email = '', person_id = null, external_id = null, last_seen_at = null, status = 'removed', erased_at = app.clock(), version = x.version + 1
   where x.tenant_id = app.tenant() and x.member_id = in_member;
  perform app.retention_history('member', array[in_member], array['name', 'email', 'person_id', 'external_id', 'last_seen_at', 'active_at']);
  perform app.forget_person(m.person_id);
  return true;
end $$;
do $$ declare f text; begin
  execute 'grant create on schema app to entente_retention';
  foreach f in array array['app.retention_due()', 'app.retention_history(text, uuid[], text[])', 'app.reap(text, text, int, boolean)', 'app.retention_outlook(text, text)', 'app.retention_state(text, text)',
      'app.empty_history(int)', 'app.month_is_over(text)', 'app.months_over()', 'app.forget_person(uuid)', 'app.erase_member(uuid)'] loop
    execute format('alter function %s owner to entente_retention', f);
    execute format('revoke all on function %s from public', f);
  end loop;
  execute 'revoke create on schema app from entente_retention';
end $$;

-- drop_month drops one month of a log that is over for everybody, and returns how many bytes that gave back. It asks for a moment
-- alone with the table: set lock_timeout before, and try again when it was not to be had.
create function app.drop_month(in_part text) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare bytes bigint;
begin
  if not app.month_is_over(in_part) then
    raise exception 'app.drop_month: % is not over for everybody', in_part using errcode = '42501';
  end if;
  bytes := pg_total_relation_size(format('app.%I', in_part)::regclass);
  execute format('drop table app.%I', in_part);
  return bytes;
end $$;
-- +goose StatementEnd
revoke all on function app.drop_month(text) from public;
grant execute on function app.month_is_over(text) to entente_owner;
grant execute on function app.history_key(oid), app.referred(oid, boolean) to entente_retention;
grant execute on function app.retention_due(), app.reap(text, text, int, boolean), app.empty_history(int), app.months_over(), app.drop_month(text), app.erase_member(uuid) to entente_worker;
grant execute on function app.retention_outlook(text, text), app.retention_state(text, text) to entente_worker, entente_staff;
