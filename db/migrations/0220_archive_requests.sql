-- Requests of persons arrive from an archive as they stood there; everywhere else a request begins as received.
-- +goose Up

-- arriving says that a row is put in by the archive's functions, for a programme that is being restored.
-- +goose StatementBegin
create function app.arriving(tenant uuid) returns boolean language sql stable set search_path = pg_catalog, pg_temp as $$
  select current_user = 'entente_definer' and exists (select from app.tenant t where t.tenant_id = tenant and t.status = 'importing')
$$;
-- +goose StatementEnd
revoke all on function app.arriving(uuid) from public;
grant execute on function app.arriving(uuid) to entente_staff, entente_partner, entente_public, entente_worker, entente_definer, entente_retention;
drop trigger privacy_request_way on app.privacy_request;
create trigger privacy_request_way before insert on app.privacy_request for each row when (not app.arriving(new.tenant_id)) execute function app.privacy_request_guard();
create trigger privacy_request_steps before update on app.privacy_request for each row execute function app.privacy_request_guard();
