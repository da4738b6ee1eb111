-- +goose Up
-- How long the rows of a table are kept follows from its category and the tenant's rule for it (app.retention_rule). What the
-- rule needs to know of a table stands in the table's own comment, written here and read from the catalogue by the program
-- (internal/datamap) and by the functions that delete: there is no list of tables anywhere.
--
-- The comment is a JSON array with one object for each category that the table holds:
--   category  a data category of internal/datamap
--   how       rows        a row goes when its period is over
--             partitions  the same, and a month that is over for everybody goes as a whole
--             columns     the columns in "blank" get neutral values; a row that nothing refers to goes
--             parent      goes with the row of "parent" that it belongs to
--             tenant      lives as long as the tenant; it goes with it
--             job         the program's use case "by" does it, for the same reason at the same time
--   events    for each event of a rule the column that says when it happened; null: the period has not begun.
--             account-deletion needs none: it is the tenant's.
-- The role that deletes (entente_retention) can do so only through functions that look at the rule.
grant usage on schema app to entente_retention;
grant execute on function app.tenant(), app.now() to entente_retention;

-- +goose StatementBegin
-- declare_retention adds one declaration to a table's comment, in place of an earlier one for the same category.
create procedure app.declare_retention(tab text, declaration jsonb) language plpgsql as $$
declare
  rel  regclass := format('app.%I', tab)::regclass;
  kept jsonb;
  mark text;
begin
  for mark in select value from jsonb_each_text(coalesce(declaration -> 'events', '{}')) loop
    if not exists (select from pg_attribute a where a.attrelid = rel and a.attname = mark and not a.attisdropped and a.atttypid in ('timestamptz'::regtype, 'date'::regtype)) then
      raise exception 'app.retain: % has no column % that is a time', tab, mark;
    end if;
  end loop;
  select coalesce(jsonb_agg(d), '[]') into kept from jsonb_array_elements(coalesce(obj_description(rel, 'pg_class')::jsonb, '[]')) d
   where d ->> 'category' <> declaration ->> 'category';
  execute format('comment on table %s is %L', rel, (kept || jsonb_build_array(declaration))::text);
  if declaration ->> 'how' in ('rows', 'partitions', 'columns', 'parent', 'job')
     and not exists (select from pg_policy p where p.polrelid = rel and p.polname = 'retention_reach') then
    execute format('grant select, update, delete on %s to entente_retention', rel);
    execute format('create policy retention_reach on %s for all to entente_retention using (true) with check (true)', rel);
  end if;
end $$;

-- retain says that rows of a table belong to a category: event, column, event, column and so on say from when on a period runs.
--   call app.retain('mail', 'email-log', 'recorded', 'created_at');
create procedure app.retain(tab text, category text, variadic marks text[] default '{}') language plpgsql as $$
declare way text;
begin
  select case relkind when 'p' then 'partitions' else 'rows' end into way from pg_class where oid = format('app.%I', tab)::regclass;
  call app.declare_retention(tab, jsonb_build_object('category', category, 'events', jsonb_object(marks), 'how', way));
end $$;

-- retain_columns: others refer to the rows, so that a row loses what it says of somebody: each column named in blank gets the value
-- given there. The table has a column erased_at, which says that it happened.
create procedure app.retain_columns(tab text, category text, blank jsonb, variadic marks text[] default '{}') language plpgsql as $$
begin
  call app.declare_retention(tab, jsonb_build_object('category', category, 'events', jsonb_object(marks), 'how', 'columns', 'blank', blank));
end $$;

-- retain_with: rows belong to a row of another table, by a foreign key that deletes them with it.
create procedure app.retain_with(tab text, category text, parent text) language plpgsql as $$
begin
  call app.declare_retention(tab, jsonb_build_object('category', category, 'how', 'parent', 'parent', parent));
end $$;

-- retain_tenant: rows live as long as their tenant (or the installation).
create procedure app.retain_tenant(tab text, category text) language plpgsql as $$
begin
  call app.declare_retention(tab, jsonb_build_object('category', category, 'how', 'tenant'));
end $$;

-- retain_job: a use case of the program does what deleting rows would not, such as writing to somebody first.
create procedure app.retain_job(tab text, category text, by text, variadic marks text[] default '{}') language plpgsql as $$
begin
  call app.declare_retention(tab, jsonb_build_object('category', category, 'events', jsonb_object(marks), 'how', 'job', 'by', by));
end $$;
-- +goose StatementEnd
