-- +goose Up
-- What the probe of retention asks: is anything here that should have gone? It only counts.

-- +goose StatementBegin
-- retention_overdue returns which tables of the bound tenant hold rows whose period was over already so long ago, although no duty and no
-- hold keeps them and nothing refers to them. It counts at most 1000 rows of each and tells no content.
create function app.retention_overdue(since interval) returns table (tab text, category text, rows bigint) language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  d    record;
  t    record;
  h    record;
  kept text;
  over text;
  n    bigint;
begin
  h := app.held_objects(app.tenant());
  if h.whole then return; end if;
  for d in select x.tab, x.category, x.rel, x.shared from app.retention_tables() x
            where x.how in ('rows', 'partitions', 'columns') and has_table_privilege('entente_retention', x.rel, 'select') loop
    t := app.retention_terms(d.tab, d.category);
    continue when t.due = 'false' or t.keep is null;
    kept := case when h.ids = '{}' and h.emails = '{}' then 'false' else app.held_row(t.rel, 't') end;
    over := format('%s < %L', t.began, case when t.stored or d.shared then app.retention_cutoff(t.keep, app.clock() - since) else app.clock() - since end);
    execute format('select count(*) from (select from app.%I t where %s and %s and %s and not (%s)%s limit 1000) x', d.tab, t.mine, over, t.due, kept,
        case when t.how = 'columns' then '' else format(' and not (%s)', app.referred(t.rel, kept <> 'false')) end)
      into n using h.ids, h.emails;
    if n > 0 then
      tab := d.tab; category := d.category; rows := n;
      return next;
    end if;
  end loop;
end $$;
do $$ begin
  execute 'grant create on schema app to entente_retention';
  execute 'alter function app.retention_overdue(interval) owner to entente_retention';
  execute 'revoke all on function app.retention_overdue(interval) from public';
  execute 'revoke create on schema app from entente_retention';
end $$;
-- +goose StatementEnd
grant execute on function app.retention_overdue(interval) to entente_worker;
