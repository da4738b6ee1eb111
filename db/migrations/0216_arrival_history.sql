-- +goose Up
-- A programme that arrives brings its own history: what its arrival wrote besides was a second line for every row, thrown away at the
-- end. It is not written any more.

-- +goose StatementBegin
-- restoring says that the bound tenant is being restored from an archive, by the archive's own functions.
create function app.restoring() returns boolean language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'importing')
$$;
do $$ begin
  execute 'grant create on schema app to entente_definer';
  execute 'alter function app.restoring() owner to entente_definer';
  execute 'revoke all on function app.restoring() from public';
  execute 'revoke create on schema app from entente_definer';
end $$;
grant execute on function app.restoring() to entente_owner;

create or replace function app.history() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  key text := tg_argv[0];
  hidden text[] := tg_argv[1:];
begin
  if tg_op = 'INSERT' then
    if pg_has_role(session_user, 'entente_platform', 'usage') and app.restoring() then
      return null;
    end if;
    insert into app.row_history (tenant_id, at, op_id, member_id, db_role, table_name, row_id, change, new_row)
    select n.tenant_id, app.now(), app.op(), app.member(), session_user, tg_table_name, (r.j ->> key)::uuid, 'insert', r.j - hidden
      from new_rows n, lateral (select to_jsonb(n) as j) r;
  elsif tg_op = 'DELETE' then
    insert into app.row_history (tenant_id, at, op_id, member_id, db_role, table_name, row_id, change, old_row)
    select o.tenant_id, app.now(), app.op(), app.member(), session_user, tg_table_name, (r.j ->> key)::uuid, 'delete', r.j - hidden
      from old_rows o, lateral (select to_jsonb(o) as j) r;
  else
    insert into app.row_history (tenant_id, at, op_id, member_id, db_role, table_name, row_id, change, old_row, new_row)
    select coalesce(n.tenant_id, o.tenant_id), app.now(), app.op(), app.member(), session_user, tg_table_name,
           coalesce(n.j ->> key, o.j ->> key)::uuid, 'update', o.j - hidden, n.j - hidden
      from (select x.tenant_id, to_jsonb(x) as j from new_rows x) n
      full join (select x.tenant_id, to_jsonb(x) as j from old_rows x) o on o.j ->> key = n.j ->> key;
  end if;
  return null;
end $$;
-- +goose StatementEnd
