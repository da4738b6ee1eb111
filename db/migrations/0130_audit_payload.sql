-- +goose Up
-- What an entry of the audit log tells about people becomes one encrypted value with a salted commitment, so that it can be erased
-- and the log can still be proved. Categories: audit-log, and security-event where the column category says so; both begin with `at`.
--
-- The plain columns of the foundation stay for one release, empty: a program of the release before may still write them while an
-- installation is updated node by node. The sequencer encrypts such rows and empties them (app.audit_adopt).

alter table app.audit_entry
  add column category   text not null default 'audit-log' constraint audit_entry_category_ck check (category in ('audit-log', 'security-event')),
  add column payload    bytea, -- encrypted with the tenant's key; null where it was erased
  add column salt       bytea constraint audit_entry_salt_ck check (length(salt) = 32),
  add column commitment bytea constraint audit_entry_commitment_ck check (length(commitment) = 32), -- SHA-256 of salt and plain payload
  add column erased_at  timestamptz,
  add column xact       xid8 not null default pg_current_xact_id(); -- which transaction wrote it; the sequencer reads by it
alter table app.audit_entry
  alter column actor_name set default '',
  add constraint audit_entry_payload_ck check ((payload is null) = (salt is null) and (payload is null or commitment is not null) and (erased_at is null or payload is null)),
  add constraint audit_entry_erased_ck check ((erased_at is not null) = (commitment is not null and payload is null));
call app.classify('audit_entry', 'audit-log', 'internal', 'category commitment erased_at xact');
call app.classify('audit_entry', 'audit-log', 'secret', 'payload salt');
create index audit_entry_xact_ix on app.audit_entry (xact);
create index audit_entry_plain_ix on app.audit_entry (tenant_id, at) where commitment is null;

-- A partner's people sign what they do with their own membership.
create policy partner_signs on app.audit_entry as restrictive for insert to entente_partner
  with check (actor_id is not distinct from (select app.member()) and actor_kind in ('person', 'service'));

-- The key of a new tenant is made in the transaction that makes the tenant.
grant insert, select (tenant_id, key_version) on app.data_key to entente_platform;
create policy platform_reach on app.data_key for all to entente_platform using (true) with check (true);

grant select (tenant_id, entry_id, at, commitment, erased_at, xact), update (category, payload, salt, commitment, erased_at, xact, actor_name, object_label, changes, note, request_id, ip, user_agent)
  on app.audit_entry to entente_definer;
create policy definer_reach on app.audit_entry for select to entente_definer using (tenant_id = (select app.tenant()));
create policy definer_change on app.audit_entry for update to entente_definer using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()));

-- +goose StatementBegin
-- audit_adopt takes over one plain entry of the bound tenant: what it told is now the encrypted payload. Nothing happens to an
-- entry that has a commitment already.
create function app.audit_adopt(p_at timestamptz, p_entry uuid, p_category text, p_payload bytea, p_salt bytea, p_commitment bytea) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update app.audit_entry set category = p_category, payload = p_payload, salt = p_salt, commitment = p_commitment, xact = pg_current_xact_id(),
         actor_name = '', object_label = '', changes = '{}', note = '', request_id = '', ip = '', user_agent = ''
   where tenant_id = app.tenant() and at = p_at and entry_id = p_entry and commitment is null
$$;

-- audit_erase empties what the named entries of the bound tenant tell about people, and returns how many it emptied. The entries, their
-- commitments and their places in the sealed log stay.
create function app.audit_erase(p_entries uuid[]) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare n int;
begin
  update app.audit_entry set payload = null, salt = null, erased_at = app.now()
   where tenant_id = app.tenant() and entry_id = any (p_entries) and commitment is not null and erased_at is null;
  get diagnostics n = row_count;
  return n;
end $$;

do $$ declare f text; begin
  execute 'grant create on schema app to entente_definer';
  foreach f in array array['app.audit_adopt(timestamptz, uuid, text, bytea, bytea, bytea)', 'app.audit_erase(uuid[])'] loop
    execute format('alter function %s owner to entente_definer', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to entente_worker', f);
  end loop;
  execute 'revoke create on schema app from entente_definer';
end $$;
-- +goose StatementEnd
create index audit_entry_entry_ix on app.audit_entry (tenant_id, entry_id);
