-- +goose Up
-- How a programme leaves: active → closing (asked for, can be taken back, read-only) → closed (dead to everybody, being purged) →
-- purged (a nameless stone). importing is a programme that is arriving; nobody sees it before its import commits.
-- The policy's event account-deletion is deletion_requested_at. It is set when the programme closes for good: while it is closing it
-- is still a customer, and nothing goes that could not come back.

alter table app.tenant drop constraint tenant_status_ck;
alter table app.tenant
  add constraint tenant_status_ck check (status in ('active', 'suspended', 'closing', 'closed', 'purged', 'importing')),
  add column if not exists deletion_requested_at timestamptz,
  add column closing_at  timestamptz, -- its deletion was asked for
  add column closing_by  uuid,
  add column closing_reason text not null default '' constraint tenant_closing_reason_ck check (length(closing_reason) <= 1000),
  add column purge_after timestamptz, -- closes and is purged from this moment on
  add column closed_at   timestamptz,
  add column purged_at   timestamptz,
  add constraint tenant_leaving_ck check (
    case status when 'closing' then closing_at is not null and purge_after is not null and closed_at is null
                when 'closed' then closed_at is not null and purge_after is not null
                when 'purged' then closed_at is not null and purged_at is not null
                else closed_at is null end);
call app.classify('tenant', 'authorization', 'internal', 'deletion_requested_at closing_at closing_by purge_after closed_at purged_at');
call app.classify('tenant', 'authorization', 'personal', 'closing_reason');

-- +goose StatementBegin
-- Who may enter: a programme that is closing still lets its people in, to read and to export.
do $$ declare f record; body text; begin
  for f in select p.oid from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'app' and p.proname in ('memberships', 'actor_by_key', 'actor_by_session', 'invitation_by_token') loop
    body := pg_get_functiondef(f.oid);
    if position('t.status = ''active''' in body) = 0 then
      raise exception 'app function % does not ask for the status of the tenant', f.oid::regprocedure;
    end if;
    execute replace(body, 't.status = ''active''', 't.status in (''active'', ''closing'')');
  end loop;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- tenant_status says whether a programme lives, for who holds its id already.
create function app.tenant_status(in_tenant uuid) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.status from app.tenant t where t.tenant_id = in_tenant
$$;

-- end_tenant_access ends every session, invitation and key of the bound tenant at once, and returns how many sessions it were.
create function app.end_tenant_access(at timestamptz) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare n int;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'closed') then
    raise exception 'app.end_tenant_access: the tenant is not closed' using errcode = '42501';
  end if;
  update app.session s set revoked_at = at where s.tenant_id = app.tenant() and s.revoked_at is null;
  get diagnostics n = row_count;
  update app.api_key k set revoked_at = at where k.tenant_id = app.tenant() and k.revoked_at is null;
  update app.invitation i set revoked_at = at where i.tenant_id = app.tenant() and i.revoked_at is null and i.used_at is null;
  return n;
end $$;
-- +goose StatementEnd
grant update (revoked_at) on app.api_key, app.invitation to entente_definer;
create policy definer_end on app.invitation for update to entente_definer using (true) with check (true);
-- +goose StatementBegin
do $$ declare f text; begin
  foreach f in array array['app.tenant_status(uuid)', 'app.end_tenant_access(timestamptz)'] loop
    execute 'grant create on schema app to entente_definer';
    execute format('alter function %s owner to entente_definer', f);
    execute 'revoke create on schema app from entente_definer';
    execute format('revoke all on function %s from public', f);
  end loop;
end $$;
-- +goose StatementEnd
grant execute on function app.tenant_status(uuid) to entente_public, entente_worker;
grant execute on function app.end_tenant_access(timestamptz) to entente_worker;
grant update (status, deletion_requested_at, closing_at, closing_by, closing_reason, purge_after, closed_at, purged_at, slug, name, logo, logo_type, brand_color, version, updated_at) on app.tenant to entente_worker;
