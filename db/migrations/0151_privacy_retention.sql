-- +goose Up
-- How long what the rights of a person leave behind is kept.
call app.retain('privacy_request', 'audit-log', 'recorded', 'closed_at', 'solved', 'closed_at');
call app.retain_with('privacy_task', 'audit-log', 'privacy_request');
call app.retain_with('privacy_kept', 'audit-log', 'privacy_request');
call app.retain_with('contact_consent', 'customer-data', 'contact');
call app.retain_tenant('erasure_ledger', 'authorization'); -- it must outlive every backup

-- An erasure reaches the name of who applied a policy.
grant update (applied_by_name) on app.policy_version to entente_worker;

-- The number of the next request of the bound tenant. Nobody but the officer sees all requests, and everybody may ask.
-- +goose StatementBegin
create function app.next_privacy_number() returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('privacy_request ' || app.tenant(), 0));
  return coalesce((select max(r.number) from app.privacy_request r where r.tenant_id = app.tenant()), 0) + 1;
end $$;
do $$ begin
  execute 'grant create on schema app to entente_definer';
  execute 'alter function app.next_privacy_number() owner to entente_definer';
  execute 'revoke all on function app.next_privacy_number() from public';
  execute 'revoke create on schema app from entente_definer';
end $$;
-- +goose StatementEnd
grant select (number) on app.privacy_request to entente_definer;
grant execute on function app.next_privacy_number() to entente_staff, entente_partner, entente_worker;

-- A package is a stored file.
alter table app.privacy_request drop column package;
