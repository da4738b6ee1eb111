-- +goose Up
-- A person's own request: what the role of partners' people may write of one. The database refuses what its SQL could otherwise
-- forge: a proved identity, somebody else's address, and a file to download as one's package.

-- +goose StatementBegin
create function app.privacy_request_own() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('is_superuser') = 'on' or not pg_has_role(current_user, 'entente_partner', 'usage') then
    return new;
  end if;
  if tg_op = 'INSERT' then
    if new.source <> 'self-service' or new.namesakes or new.state not in ('verifying', 'forwarded') or new.identity_at is not null or new.package_file is not null or new.link_hash is not null
       or new.subject_email is distinct from (select m.email from app.member m where m.tenant_id = new.tenant_id and m.member_id = new.member_id) then
      raise exception 'people ask for themselves, and prove it afterwards' using errcode = '42501', constraint = 'privacy_request_own_ck';
    end if;
    return new;
  end if;
  if (new.number, new.source, new.namesakes, new.package_file, new.package_until, new.link_hash, new.link_expires_at)
     is distinct from (old.number, old.source, old.namesakes, old.package_file, old.package_until, old.link_hash, old.link_expires_at)
     or new.subject_email not in ('', old.subject_email) or new.subject_name not in ('', old.subject_name) or new.subject_phone not in ('', old.subject_phone) then
    raise exception 'whom a request is about, and what answers it, is said by the programme' using errcode = '42501', constraint = 'privacy_request_own_ck';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger privacy_request_own before insert or update on app.privacy_request for each row when (not app.arriving(new.tenant_id)) execute function app.privacy_request_own();
