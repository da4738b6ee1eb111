-- The guards of published documents and sub-processors let a whole programme arrive from an archive, and let one that is closed go.
-- +goose Up

-- is_worker says that a statement is run by the program's own jobs, or by the archive's functions for a programme that is arriving
-- or closed.
-- +goose StatementBegin
create or replace function app.is_worker() returns boolean language sql stable set search_path = pg_catalog, pg_temp as $$
  select pg_has_role(current_user, 'entente_worker', 'usage')
      or current_user = 'entente_definer' and exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status in ('importing', 'closed'))
$$;
-- nobody_yet says that nobody works in a tenant: it is being restored from an archive.
create or replace function app.nobody_yet(tenant uuid) returns boolean language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (select from app.tenant t where t.tenant_id = tenant and t.status = 'importing')
      or not exists (select from app.member m where m.tenant_id = tenant and m.status = 'active')
$$;
-- +goose StatementEnd
grant execute on function app.nobody_yet(uuid), app.is_worker() to entente_definer;
