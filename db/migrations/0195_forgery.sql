-- +goose Up
-- What a persona could still forge or shorten by SQL of its own: each refused here, whoever writes the statement.

-- +goose StatementBegin
-- audit_entry_stamp: the transaction of an entry is the one that writes it. An older one would keep the entry out of the sealed log for
-- ever; this also gives an entry that arrives in an archive, unsealed, a number of this cluster.
create function app.audit_entry_stamp() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.xact := pg_current_xact_id();
  return new;
end $$;

-- privacy_request_hands: who proposes says so with their own hand, and a request stays what it was opened as. Otherwise a proposer
-- could name somebody else and approve alone, or turn an approved correction into an erasure.
create function app.privacy_request_hands() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('is_superuser') = 'on' then
    return new;
  end if;
  if new.kind <> old.kind then
    raise exception 'a request stays what it was opened as' using errcode = '23514', constraint = 'privacy_request_kind_ck';
  end if;
  if new.proposed_by is distinct from old.proposed_by and new.proposed_by is not null and new.proposed_by is distinct from app.member() then
    raise exception 'a proposal is by its own hand' using errcode = '42501', constraint = 'privacy_request_four_eyes_ck';
  end if;
  if new.proposed_at is null and old.proposed_at is not null and new.state in ('waiting-approval', 'executing') then
    raise exception 'what is proposed has a proposer' using errcode = '42501', constraint = 'privacy_request_four_eyes_ck';
  end if;
  return new;
end $$;

-- legal_hold_guard: what a hold is about, since when and until when stays. It ends by being released, once, with a name and a reason.
create function app.legal_hold_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('is_superuser') = 'on' then
    return new;
  end if;
  if (new.hold_id, new.kind, new.object_id, new.label, new.email, new.reason, new.until, new.placed_by, new.placed_by_name, new.placed_at)
     is distinct from (old.hold_id, old.kind, old.object_id, old.label, old.email, old.reason, old.until, old.placed_by, old.placed_by_name, old.placed_at) then
    raise exception 'a hold stays as it was placed' using errcode = '23514', constraint = 'legal_hold_frozen_ck';
  end if;
  if old.released_at is not null and (new.released_at, new.released_by, new.released_by_name, new.release_reason)
     is distinct from (old.released_at, old.released_by, old.released_by_name, old.release_reason) then
    raise exception 'a released hold stays released' using errcode = '23514', constraint = 'legal_hold_frozen_ck';
  end if;
  if old.released_at is null and new.released_at is not null and (new.release_reason = '' or new.released_by_name = '' or new.released_by is distinct from app.member()) then
    raise exception 'a hold is released with a name and a reason' using errcode = '23514', constraint = 'legal_hold_released_ck';
  end if;
  return new;
end $$;

-- notice_guard: a notice begins with nobody told. Only the job that queues its mails says that it is done.
create function app.notice_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('is_superuser') = 'on' or app.is_worker() then
    return new;
  end if;
  if new.status <> 'sending' or new.done <> 0 then
    raise exception 'a notice begins with nobody told' using errcode = '23514', constraint = 'notice_begins_ck';
  end if;
  return new;
end $$;
create function app.notice_recipient_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('is_superuser') = 'on' or app.is_worker() then
    return new;
  end if;
  if new.outcome <> 'waiting' or new.mail_id is not null then
    raise exception 'a notice begins with nobody told' using errcode = '23514', constraint = 'notice_begins_ck';
  end if;
  return new;
end $$;

-- incident_clock_guard: a clock that runs is not set back, and one that was stopped stays so. Only the month of a final report counts
-- from a later step.
create function app.incident_clock_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('is_superuser') = 'on' then
    return new;
  end if;
  if (new.clock_id, new.incident_id, new.template, new.step, new.starts_at) is distinct from (old.clock_id, old.incident_id, old.template, old.step, old.starts_at)
     or new.due_at <> old.due_at and not (old.template = 'nis2' and old.step = 'final' and old.met_at is null and old.waived_at is null)
     or old.met_at is not null and (new.met_at, new.met_by_name, new.met_note) is distinct from (old.met_at, old.met_by_name, old.met_note)
     or old.waived_at is not null and (new.waived_at, new.met_note) is distinct from (old.waived_at, old.met_note) then
    raise exception 'a clock is met or waived, and not set back' using errcode = '42501', constraint = 'incident_clock_frozen_ck';
  end if;
  return new;
end $$;

-- only_redacted says whether a row of the history became another one by losing what it said: no field is new, and what is no text
-- (numbers, ids, times) is as it was, or gone.
create function app.only_redacted(was jsonb, becomes jsonb) returns boolean language sql immutable set search_path = pg_catalog, pg_temp as $$
  select becomes is null or was is not null and not exists (
    select from jsonb_each(becomes) b
     where not was ? b.key or b.value is distinct from was -> b.key and b.value not in ('null', '""', '{}', '[]')
       and not (jsonb_typeof(b.value) = jsonb_typeof(was -> b.key) and jsonb_typeof(b.value) in ('string', 'array', 'object')
                and (was ->> b.key) !~ '^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\d(T.*)?)$'))
$$;

-- rewrite_history takes words out of the rows kept by one line of the bound tenant's history; the line itself stays, and what is no
-- words cannot be changed.
create or replace function app.rewrite_history(in_at timestamptz, in_id bigint, in_old jsonb, in_new jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update app.row_history h set old_row = in_old, new_row = in_new where h.tenant_id = app.tenant() and h.at = in_at and h.history_id = in_id
     and app.only_redacted(h.old_row, in_old) and app.only_redacted(h.new_row, in_new);
  if not found and exists (select from app.row_history h where h.tenant_id = app.tenant() and h.at = in_at and h.history_id = in_id) then
    raise exception 'app.rewrite_history: a line of the history loses words, and gains nothing' using errcode = '42501';
  end if;
  return found;
end $$;

-- archive_insert puts rows, given as a JSON array of objects with the columns named, into a table of the bound tenant, which must be
-- one that is arriving. Rows of another tenant, and tables that are no tenant's, are refused.
create or replace function app.archive_insert(tab text, cols text[], rows jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare n bigint; list text;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'importing') then
    raise exception 'app.archive_insert: no tenant is arriving' using errcode = '42501';
  end if;
  if tab = 'tenant' or 'tenant_id' <> all (cols) or exists (select from jsonb_array_elements(rows) r where (r ->> 'tenant_id')::uuid is distinct from app.tenant()) then
    raise exception 'app.archive_insert: rows of the arriving tenant only' using errcode = '42501';
  end if;
  select string_agg(format('%I', c), ', ') into list from unnest(cols) c;
  execute format('insert into app.%I (%s) overriding system value select %s from jsonb_populate_recordset(null::app.%I, $1)', tab, list, list, tab) using rows;
  get diagnostics n = row_count;
  return n;
end $$;
-- +goose StatementEnd
grant execute on function app.only_redacted(jsonb, jsonb) to entente_definer;
create trigger audit_entry_stamp before insert on app.audit_entry for each row execute function app.audit_entry_stamp();
create trigger privacy_request_hands before update on app.privacy_request for each row execute function app.privacy_request_hands();
create trigger legal_hold_guard before update on app.legal_hold for each row execute function app.legal_hold_guard();
create trigger notice_guard before insert on app.notice for each row execute function app.notice_guard();
create trigger notice_recipient_guard before insert on app.notice_recipient for each row execute function app.notice_recipient_guard();
create trigger incident_clock_guard before update on app.incident_clock for each row execute function app.incident_clock_guard();
