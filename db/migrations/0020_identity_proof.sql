-- +goose Up
-- What identity does across the line between a tenant's transaction and the tables of persons and sessions, which no
-- tenant persona reads: each step is one SECURITY DEFINER function that is bound to app.tenant() and app.member(), so that
-- the effect and its audit entry commit together. And the word that goes round when a credential must die at once.

-- The operator founds a programme: its stages and its first Admin. It may insert these and read none of them.
-- +goose StatementBegin
do $$ declare tab text; begin
  foreach tab in array array['stage', 'member', 'api_key'] loop
    execute format('grant insert on app.%I to entente_platform', tab);
    execute format('create policy platform_reach on app.%I for all to entente_platform using (true) with check (true)', tab);
  end loop;
end $$;
-- +goose StatementEnd

grant update (token_hash, tenant_id, member_id, last_seen_at, idle_expires_at, expires_at, revoked_at) on app.session to entente_definer;
create policy definer_end on app.session for update to entente_definer using (true) with check (true);

-- +goose StatementBegin
-- bind_session puts a session that is still unused, or in use with another membership, to work for app.member(). The
-- session must belong to that member's person. The token changes with it, so that the old one is worth nothing.
create function app.bind_session(in_session uuid, in_old_hash bytea, in_new_hash bytea, in_idle timestamptz, in_expires timestamptz, at timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update app.session s set token_hash = in_new_hash, tenant_id = m.tenant_id, member_id = m.member_id,
         last_seen_at = at, idle_expires_at = least(in_idle, in_expires), expires_at = in_expires
    from app.member m
   where s.session_id = in_session and s.token_hash = in_old_hash and s.revoked_at is null and s.expires_at > at and s.idle_expires_at > at
     and m.tenant_id = app.tenant() and m.member_id = app.member() and m.person_id = s.person_id and m.status = 'active';
  return found;
end $$;

-- end_member_sessions ends every session in use with a membership of the bound tenant, and of the bound partner if one is.
create function app.end_member_sessions(in_member uuid, at timestamptz) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare n int;
begin
  update app.session s set revoked_at = at from app.member m
   where m.tenant_id = app.tenant() and m.member_id = in_member and (app.partner() is null or m.partner_id = app.partner())
     and s.tenant_id = m.tenant_id and s.member_id = m.member_id and s.revoked_at is null;
  get diagnostics n = row_count;
  return n;
end $$;

-- my_sessions lists the living sessions of the person behind app.member().
create function app.my_sessions(at timestamptz)
returns table (session_id uuid, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz, ip text, user_agent text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.session_id, s.created_at, s.last_seen_at, s.expires_at, s.ip, s.user_agent
    from app.member m join app.session s on s.person_id = m.person_id
   where m.tenant_id = app.tenant() and m.member_id = app.member() and s.revoked_at is null and s.expires_at > at and s.idle_expires_at > at
   order by s.last_seen_at desc, s.session_id limit 200
$$;

-- end_my_sessions ends sessions of the person behind app.member(): the one named, or all but in_keep. It returns which.
create function app.end_my_sessions(in_one uuid, in_keep uuid, at timestamptz) returns setof uuid
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update app.session s set revoked_at = at from app.member m
   where m.tenant_id = app.tenant() and m.member_id = app.member() and s.person_id = m.person_id and s.revoked_at is null
     and (in_one is null or s.session_id = in_one) and (in_keep is null or s.session_id <> in_keep)
  returning s.session_id
$$;

-- my_password returns the hash of the person behind app.member(), for asking the current password again.
create function app.my_password() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select pe.password_hash from app.member m join app.person pe on pe.person_id = m.person_id
   where m.tenant_id = app.tenant() and m.member_id = app.member()
$$;

-- change_my_password replaces the hash of the person behind app.member() if it is still the one that was verified.
create function app.change_my_password(in_old_hash text, in_new_hash text, at timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update app.person pe set password_hash = in_new_hash, password_set_at = at from app.member m
   where m.tenant_id = app.tenant() and m.member_id = app.member() and pe.person_id = m.person_id and pe.password_hash = in_old_hash;
  return found;
end $$;

-- set_founder_password gives the first Admin of a programme that is being founded a first password. A person who has one keeps it.
create function app.set_founder_password(in_person uuid, in_password_hash text, in_name text, at timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update app.person pe set password_hash = in_password_hash, password_set_at = at, name = in_name
   where pe.person_id = in_person and pe.password_hash is null
     and exists (select 1 from app.member m where m.tenant_id = app.tenant() and m.person_id = pe.person_id and m.role = 'admin');
  return found;
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
do $$ declare f text; begin
  foreach f in array array[
    'app.bind_session(uuid, bytea, bytea, timestamptz, timestamptz, timestamptz)', 'app.end_member_sessions(uuid, timestamptz)',
    'app.my_sessions(timestamptz)', 'app.end_my_sessions(uuid, uuid, timestamptz)', 'app.my_password()',
    'app.change_my_password(text, text, timestamptz)', 'app.set_founder_password(uuid, text, text, timestamptz)'] loop
    execute 'grant create on schema app to entente_definer';
    execute format('alter function %s owner to entente_definer', f);
    execute 'revoke create on schema app from entente_definer';
    execute format('revoke all on function %s from public', f);
  end loop;
end $$;
-- +goose StatementEnd
grant execute on function app.bind_session(uuid, bytea, bytea, timestamptz, timestamptz, timestamptz), app.end_member_sessions(uuid, timestamptz),
  app.my_sessions(timestamptz), app.end_my_sessions(uuid, uuid, timestamptz), app.my_password(), app.change_my_password(text, text, timestamptz)
  to entente_staff, entente_partner;
grant execute on function app.end_member_sessions(uuid, timestamptz) to entente_worker;
grant execute on function app.set_founder_password(uuid, text, text, timestamptz) to entente_platform;

-- +goose StatementBegin
-- tell_auth announces on the channel entente_auth that whatever is cached about an id must be read again. Its argument is the
-- column that holds the id; the triggers below name the changes that matter, so that a use of a credential is not one.
create function app.tell_auth() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_notify('entente_auth', to_jsonb(old) ->> tg_argv[0]);
  return null;
end $$;
-- +goose StatementEnd
create trigger tell_auth_update after update on app.tenant for each row when (old.status is distinct from new.status) execute function app.tell_auth('tenant_id');
create trigger tell_auth_update after update on app.partner for each row when (old.status is distinct from new.status) execute function app.tell_auth('partner_id');
create trigger tell_auth_update after update on app.member for each row
  when ((old.status, old.role, old.name, old.partner_id) is distinct from (new.status, new.role, new.name, new.partner_id)) execute function app.tell_auth('member_id');
create trigger tell_auth_delete after delete on app.member for each row execute function app.tell_auth('member_id');
create trigger tell_auth_update after update on app.api_key for each row
  when ((old.revoked_at, old.expires_at, old.scopes) is distinct from (new.revoked_at, new.expires_at, new.scopes)) execute function app.tell_auth('key_id');
create trigger tell_auth_update after update on app.session for each row
  when ((old.revoked_at, old.token_hash, old.member_id) is distinct from (new.revoked_at, new.token_hash, new.member_id)) execute function app.tell_auth('session_id');
create trigger tell_auth_delete after delete on app.session for each row execute function app.tell_auth('session_id');
