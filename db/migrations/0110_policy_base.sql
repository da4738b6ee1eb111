-- +goose Up
-- What the operator promises for a tenant stands beside what the tenant made of it: a tenant may be stricter, never laxer.
alter table app.policy_version add column base jsonb not null default '{}';
call app.classify('policy_version', 'authorization', 'internal', 'base');

-- A tenant's public pages may stand on a host of its own.
alter table app.tenant add column public_host text not null default ''
  constraint tenant_public_host_ck check (public_host ~ '^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$');
create unique index tenant_public_host_uq on app.tenant (public_host) where public_host <> '';
call app.classify('tenant', 'authorization', 'public', 'public_host');

-- +goose StatementBegin
-- tenant_by_host names the tenant of a host, before any tenant is bound. It tells what the address already tells.
create function app.tenant_by_host(host text) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.tenant_id from app.tenant t where t.public_host = host and host <> ''
$$;
do $$ begin
  execute 'grant create on schema app to entente_definer';
  execute 'alter function app.tenant_by_host(text) owner to entente_definer';
  execute 'revoke create on schema app from entente_definer';
end $$;
-- +goose StatementEnd
revoke all on function app.tenant_by_host(text) from public;
grant execute on function app.tenant_by_host(text) to entente_public;
