-- +goose Up
-- Who may empty the log, shorten its period or let a programme leave, whoever writes the statement.

-- +goose StatementBegin
-- installation_proof returns what only this installation's database can say about a text: its secret is read by nobody else.
create function app.installation_proof(what text) returns text language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select encode(sha256(i.secret || sha256(i.secret || convert_to(what, 'UTF8'))), 'hex') from app.installation i
$$;

-- erasing says whether an erasure that two people decided on is being carried out in the bound tenant; with a request, whether that one is.
create function app.erasing(in_request uuid default null) returns boolean language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from app.privacy_request r where r.tenant_id = app.tenant() and r.kind = 'erasure' and r.state = 'executing' and (in_request is null or r.request_id = in_request))
$$;

-- erasure_proof returns the proof that a request of the bound tenant was approved, while it is carried out; null otherwise. The ledger keeps
-- it beside the database: a database that is restored from before the approval lets the erasure be done again by it.
create function app.erasure_proof(in_request uuid) returns text language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select case when app.erasing(in_request) then app.installation_proof('erasure ' || app.tenant() || ' ' || in_request) end
$$;

-- empty_entries is what both ways below do.
create function app.empty_entries(p_entries uuid[]) returns int language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare n int;
begin
  update app.audit_entry set payload = null, salt = null, erased_at = app.now()
   where tenant_id = app.tenant() and entry_id = any (p_entries) and commitment is not null and erased_at is null;
  get diagnostics n = row_count;
  return n;
end $$;

-- audit_erase empties what the named entries of the bound tenant tell about people, while an erasure is carried out that two people decided
-- on, and returns how many it emptied. The entries, their commitments and their places in the sealed log stay.
create or replace function app.audit_erase(p_entries uuid[]) returns int language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not app.erasing() then
    raise exception 'app.audit_erase: no approved erasure is being carried out' using errcode = '42501';
  end if;
  return app.empty_entries(p_entries);
end $$;

-- audit_erase again, after a restore: with the proof that the ledger kept.
create function app.audit_erase(p_entries uuid[], p_request uuid, p_proof text) returns int language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if p_proof is distinct from app.installation_proof('erasure ' || app.tenant() || ' ' || p_request) then
    raise exception 'app.audit_erase: this is no proof of an approved erasure' using errcode = '42501';
  end if;
  return app.empty_entries(p_entries);
end $$;

do $$ declare f text; begin
  execute 'grant create on schema app to entente_definer';
  foreach f in array array['app.erasing(uuid)', 'app.erasure_proof(uuid)', 'app.empty_entries(uuid[])', 'app.audit_erase(uuid[], uuid, text)'] loop
    execute format('alter function %s owner to entente_definer', f);
    execute format('revoke all on function %s from public', f);
  end loop;
  execute 'revoke create on schema app from entente_definer';
end $$;

-- is_staff says that a statement is run for the vendor's people.
create function app.is_staff() returns boolean language sql stable set search_path = pg_catalog, pg_temp as $$
  select current_setting('is_superuser') <> 'on' and pg_has_role(current_user, 'entente_staff', 'usage')
$$;

-- departure_guard: a departure begins with somebody's own asking, and is agreed to by another one's own hand.
create function app.departure_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if not app.is_staff() then
    return new;
  end if;
  if tg_op = 'INSERT' then
    if new.state <> 'asked' or new.agreed_by is not null or new.agreed_at is not null or new.purge_after is not null
       or new.closed_at is not null or new.finished_at is not null or new.certificate <> ''
       or new.asked_by is distinct from app.member() and not exists (select from app.member m where m.tenant_id = app.tenant() and m.member_id = app.member() and m.kind = 'service') then -- a key asks for whoever made it
      raise exception 'a departure begins by being asked for' using errcode = '42501', constraint = 'departure_begins_ck';
    end if;
    return new;
  end if;
  if (new.departure_id, new.asked_by, new.asked_by_name, new.asked_at, new.reason, new.at_once) is distinct from (old.departure_id, old.asked_by, old.asked_by_name, old.asked_at, old.reason, old.at_once)
     or new.state <> old.state and (old.state, new.state) not in (('asked', 'closing'), ('asked', 'taken_back'), ('closing', 'taken_back'))
     or new.state = 'closing' and old.state = 'asked' and new.agreed_by is distinct from app.member() -- alone only where there is nobody else
        and (new.agreed_by is not null or exists (select from app.member m where m.tenant_id = app.tenant() and m.role = 'admin' and m.kind = 'person' and m.status = 'active' and m.member_id is distinct from new.asked_by))
     or old.state <> 'asked' and (new.agreed_by, new.agreed_at, new.purge_after) is distinct from (old.agreed_by, old.agreed_at, old.purge_after)
     or new.certificate is distinct from old.certificate then
    raise exception 'a departure is agreed to or taken back, and nothing else' using errcode = '42501', constraint = 'departure_frozen_ck';
  end if;
  return new;
end $$;

-- log_period_guard: the people of a programme do not shorten the period of its audit log; who did something could so get rid of the trace.
create function app.log_period_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if app.is_staff() and old.category in ('audit-log', 'security-event') and (tg_op = 'DELETE' or new.category <> old.category or new.event <> old.event
     or old.stored and not new.stored or new.keep < coalesce(old.keep, interval '1000 years')) then
    raise exception 'only the operator shortens the period of the audit log' using errcode = '42501', constraint = 'retention_rule_log_ck';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
-- +goose StatementEnd
grant execute on function app.is_staff() to entente_staff, entente_worker, entente_platform, entente_definer, entente_retention;
revoke all on function app.installation_proof(text) from public;
grant execute on function app.installation_proof(text) to entente_definer;
grant execute on function app.erasure_proof(uuid), app.audit_erase(uuid[], uuid, text) to entente_worker;
create trigger departure_guard before insert or update on app.departure for each row execute function app.departure_guard();
create trigger log_period_guard before update or delete on app.retention_rule for each row execute function app.log_period_guard();
