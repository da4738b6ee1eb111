-- +goose Up
-- The rights of a person: requests with their clock, what partners answer, consent and objection, restricted processing, and the
-- ledger of erasures.

-- Restricted processing (Art. 18): the record stays, and neither the vendor's people nor a partner's see it. Only the worker
-- persona does, through which the room privacy shows it to the privacy officer.
alter table app.contact
  add column restricted_at timestamptz,
  add column restricted_reason text not null default '' constraint contact_restricted_reason_ck check (length(restricted_reason) <= 500),
  add constraint contact_restricted_ck check (restricted_at is null or restricted_reason <> '');
alter table app.member
  add column restricted_at timestamptz,
  add column restricted_reason text not null default '' constraint member_restricted_reason_ck check (length(restricted_reason) <= 500),
  add constraint member_restricted_ck check (restricted_at is null or restricted_reason <> '');
call app.classify('contact', 'customer-data', 'internal', 'restricted_at restricted_reason');
call app.classify('member', 'user-account', 'internal', 'restricted_at restricted_reason');
create policy unrestricted on app.contact as restrictive for all to entente_staff, entente_partner
  using (restricted_at is null) with check (restricted_at is null);
create policy unrestricted on app.member as restrictive for all to entente_staff, entente_partner
  using (restricted_at is null or member_id = (select app.member())) with check (restricted_at is null or member_id = (select app.member()));
create index contact_restricted_ix on app.contact (tenant_id, restricted_at) where restricted_at is not null;
create index member_restricted_ix on app.member (tenant_id, restricted_at) where restricted_at is not null;
create index contact_email_ix on app.contact (tenant_id, email) where email <> '';
create index member_email_ix on app.member (tenant_id, email) where email <> '';

-- What a person agreed to or refused, or on what other ground they are contacted. A row is never taken back: it is ended.
create table app.contact_consent (
  tenant_id    uuid not null,
  consent_id   uuid not null,
  partner_id   uuid, -- the partner that brought the person, whose people may read it
  contact_id   uuid,
  member_id    uuid,
  purpose      text not null constraint contact_consent_purpose_ck check (purpose in ('service', 'announcement', 'marketing', 'analytics', 'profiling')),
  basis        text not null constraint contact_consent_basis_ck check (basis in ('consent', 'contract', 'legal-obligation', 'vital-interest', 'public-task', 'legitimate-interest', 'objection')),
  given_at     timestamptz not null,
  withdrawn_at timestamptz,
  source       text not null constraint contact_consent_source_ck check (length(source) between 1 and 200),
  wording      text not null default '' constraint contact_consent_wording_ck check (length(wording) <= 2000),
  wording_version text not null default '' constraint contact_consent_version_ck check (length(wording_version) <= 40),
  recorded_by  uuid,
  recorded_by_name text not null default '',
  created_at   timestamptz not null default app.now(),
  constraint contact_consent_pk primary key (tenant_id, consent_id),
  constraint contact_consent_contact_fk foreign key (tenant_id, contact_id) references app.contact (tenant_id, contact_id) on delete cascade,
  constraint contact_consent_member_fk foreign key (tenant_id, member_id) references app.member (tenant_id, member_id) on delete cascade,
  constraint contact_consent_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id) on delete cascade,
  constraint contact_consent_who_ck check (num_nonnulls(contact_id, member_id) > 0),
  constraint contact_consent_end_ck check (withdrawn_at >= given_at)
);
create index contact_consent_contact_ix on app.contact_consent (tenant_id, contact_id, given_at desc) where contact_id is not null;
create index contact_consent_member_ix on app.contact_consent (tenant_id, member_id, given_at desc) where member_id is not null;
create index contact_consent_partner_ix on app.contact_consent (tenant_id, partner_id);
create index contact_consent_live_ix on app.contact_consent (tenant_id, purpose, basis) where withdrawn_at is null;
call app.protect('contact_consent', 'select, insert, update', 'select, insert, update');
call app.keep_history('contact_consent', 'consent_id');
call app.guard_links('contact_consent');
call app.classify('contact_consent', 'customer-data', 'personal', 'source wording recorded_by_name');
call app.classify('contact_consent', 'customer-data', 'internal', 'tenant_id consent_id partner_id contact_id member_id purpose basis given_at withdrawn_at wording_version recorded_by created_at');
call app.retain_with('contact_consent', 'customer-data', 'contact'); -- or with its member

-- One request of a person (a data subject). States and rules: internal/privacy/doc.go.
create table app.privacy_request (
  tenant_id     uuid not null constraint privacy_request_tenant_fk references app.tenant,
  request_id    uuid not null,
  number        int not null constraint privacy_request_number_ck check (number > 0),
  kind          text not null constraint privacy_request_kind_ck check (kind in ('access', 'portability', 'correction', 'erasure', 'restriction', 'objection')),
  source        text not null constraint privacy_request_source_ck check (source in ('self-service', 'staff', 'e-mail', 'phone', 'partner', 'operator')),
  state         text not null constraint privacy_request_state_ck check (state in ('received', 'verifying', 'in-progress', 'waiting-partners', 'waiting-approval', 'executing', 'done', 'refused', 'withdrawn', 'forwarded')),
  member_id     uuid, -- the signed-in person who asked for themselves
  subject_email text not null default '' constraint privacy_request_email_ck check (length(subject_email) <= 254),
  subject_name  text not null default '' constraint privacy_request_name_ck check (length(subject_name) <= 200),
  subject_phone text not null default '' constraint privacy_request_phone_ck check (length(subject_phone) <= 50),
  namesakes     boolean not null default false, -- whether records that carry the name only are meant too
  purpose       text not null default '' constraint privacy_request_purpose_ck check (purpose in ('', 'service', 'announcement', 'marketing', 'analytics', 'profiling')),
  asked         text not null default '' constraint privacy_request_asked_ck check (length(asked) <= 4000),
  received_at   timestamptz not null,
  due_at        timestamptz not null,
  extended_at   timestamptz,
  extension_reason text not null default '' constraint privacy_request_extension_ck check (length(extension_reason) <= 1000),
  alarm         int not null default 0, -- how many of the deadline's alarms have been sent
  identity_how  text not null default '' constraint privacy_request_identity_ck check (identity_how in ('', 'session-and-code', 'mailed-code', 'document', 'call-back', 'known-in-person')),
  identity_note text not null default '' constraint privacy_request_identity_note_ck check (length(identity_note) <= 1000),
  identity_by   uuid,
  identity_by_name text not null default '',
  identity_at   timestamptz,
  code_hash     bytea,
  code_expires_at timestamptz,
  code_tries    int not null default 0,
  plan          jsonb not null default '{}',
  proposed_by   uuid,
  proposed_by_name text not null default '',
  proposed_at   timestamptz,
  approved_by   uuid,
  approved_by_name text not null default '',
  approved_at   timestamptz,
  approved_how  text not null default '' constraint privacy_request_approved_how_ck check (approved_how in ('', 'second-person', 'operator', 'app')),
  progress      jsonb not null default '{}',
  outcome       text not null default '' constraint privacy_request_outcome_ck check (length(outcome) <= 2000),
  forwarded_to  text not null default '' constraint privacy_request_forwarded_ck check (length(forwarded_to) <= 254),
  certificate   jsonb not null default '{}',
  package_file  uuid,
  package       bytea, -- sealed with the programme's key; gone when it expires
  package_until timestamptz,
  link_hash     bytea,
  link_expires_at timestamptz,
  link_used_at  timestamptz,
  closed_at     timestamptz,
  version       int not null default 1,
  created_at    timestamptz not null default app.now(),
  updated_at    timestamptz not null default app.now(),
  constraint privacy_request_pk primary key (tenant_id, request_id),
  constraint privacy_request_number_uq unique (tenant_id, number),
  constraint privacy_request_member_fk foreign key (tenant_id, member_id) references app.member (tenant_id, member_id) on delete set null (member_id),
  constraint privacy_request_subject_ck check (subject_email <> '' or subject_name <> '' or subject_phone <> '' or state in ('done', 'refused', 'withdrawn', 'forwarded')),
  constraint privacy_request_four_eyes_ck check (approved_by is null or approved_by is distinct from proposed_by),
  constraint privacy_request_approval_ck check ((approved_at is null) = (approved_how = '') and (approved_how <> 'second-person' or approved_by is not null)),
  constraint privacy_request_erasure_ck check (kind <> 'erasure' or state not in ('executing', 'done') or approved_at is not null and proposed_at is not null),
  constraint privacy_request_known_ck check (identity_at is not null or state in ('received', 'verifying', 'refused', 'withdrawn', 'forwarded')),
  constraint privacy_request_closed_ck check ((state in ('done', 'refused', 'withdrawn', 'forwarded')) = (closed_at is not null)),
  constraint privacy_request_due_ck check (due_at > received_at and (extended_at is null or extension_reason <> ''))
);
create index privacy_request_open_ix on app.privacy_request (tenant_id, due_at, request_id) where closed_at is null;
create index privacy_request_received_ix on app.privacy_request (tenant_id, received_at desc, request_id desc);
create index privacy_request_member_ix on app.privacy_request (tenant_id, member_id, received_at desc) where member_id is not null;
create index privacy_request_link_ix on app.privacy_request (link_hash) where link_hash is not null;
call app.protect('privacy_request', 'select, insert, update', 'select, insert, update', 'member');
call app.keep_history('privacy_request', 'request_id', 'code_hash link_hash package');
call app.guard_links('privacy_request');
call app.classify('privacy_request', 'audit-log', 'secret', 'code_hash link_hash package');
call app.classify('privacy_request', 'audit-log', 'personal', 'subject_email subject_name subject_phone asked identity_note identity_by_name proposed_by_name approved_by_name extension_reason outcome forwarded_to plan');
call app.classify('privacy_request', 'audit-log', 'internal', 'tenant_id request_id number kind source state member_id namesakes purpose received_at due_at extended_at alarm identity_how identity_by identity_at code_expires_at code_tries proposed_by proposed_at approved_by approved_at approved_how progress certificate package_file package_until link_expires_at link_used_at closed_at version created_at updated_at');
call app.retain('privacy_request', 'audit-log', 'recorded', 'closed_at', 'solved', 'closed_at'); -- on record as long as the log, once closed

-- +goose StatementBegin
-- The way of a request, whatever the program asks for: states follow the drawing, an approval is by its own hand and never by the
-- proposer's, what was approved does not change afterwards, and a partner's person only asks, proves and withdraws.
create function app.privacy_request_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  lawful boolean;
begin
  if current_setting('is_superuser') = 'on' then
    return new;
  end if;
  if tg_op = 'INSERT' then
    if new.state not in ('received', 'verifying', 'in-progress', 'forwarded') or new.approved_at is not null or new.proposed_at is not null then
      raise exception 'a request begins as received' using errcode = '23514', constraint = 'privacy_request_way_ck';
    end if;
    return new;
  end if;
  lawful := new.state = old.state or case old.state
    when 'received' then new.state in ('verifying', 'in-progress', 'refused', 'withdrawn', 'forwarded')
    when 'verifying' then new.state in ('in-progress', 'refused', 'withdrawn', 'forwarded')
    when 'in-progress' then new.state in ('waiting-partners', 'waiting-approval', 'executing', 'done', 'refused', 'withdrawn')
    when 'waiting-partners' then new.state in ('in-progress', 'waiting-approval', 'refused', 'withdrawn')
    when 'waiting-approval' then new.state in ('in-progress', 'executing', 'refused', 'withdrawn')
    when 'executing' then new.state in ('done', 'in-progress')
    else false end;
  if not lawful or old.closed_at is not null and new.state <> old.state then
    raise exception 'a request does not go from % to %', old.state, new.state using errcode = '23514', constraint = 'privacy_request_way_ck';
  end if;
  if pg_has_role(current_user, 'entente_partner', 'usage') and
     (new.state not in (old.state, 'verifying', 'withdrawn') and not (new.state = 'in-progress' and new.identity_how = 'session-and-code')
      or (new.proposed_by, new.approved_by, new.due_at, new.received_at, new.kind, new.member_id, new.plan, new.package_file)
         is distinct from (old.proposed_by, old.approved_by, old.due_at, old.received_at, old.kind, old.member_id, old.plan, old.package_file)) then
    raise exception 'a request is answered by the programme' using errcode = '42501', constraint = 'privacy_request_vendor_ck';
  end if;
  if new.approved_at is not null and old.approved_at is null then
    if new.approved_how = 'second-person' and (new.approved_by is distinct from app.member() or old.proposed_at is null or old.proposed_by is not distinct from app.member()) then
      raise exception 'nobody approves what they proposed' using errcode = '42501', constraint = 'privacy_request_four_eyes_ck';
    end if;
    if new.approved_how <> 'second-person' and not exists (
        select from app.policy_clock c where c.tenant_id = new.tenant_id and c.clock = 'subject-answer' and c.who = new.approved_how) then
      raise exception 'the policy does not let the % answer alone', new.approved_how using errcode = '42501', constraint = 'privacy_request_four_eyes_ck';
    end if;
  end if;
  if old.approved_at is not null and new.approved_at is not null and new.closed_at is null and old.kind = 'erasure'
     and (new.subject_email, new.subject_name, new.subject_phone, new.namesakes, new.proposed_by, new.approved_by)
         is distinct from (old.subject_email, old.subject_name, old.subject_phone, old.namesakes, old.proposed_by, old.approved_by) then
    raise exception 'what was approved does not change' using errcode = '23514', constraint = 'privacy_request_approved_ck';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger privacy_request_way before insert or update on app.privacy_request for each row execute function app.privacy_request_guard();

-- What a partner that received the person's data is asked to do with its own copy, and what it answered.
create table app.privacy_task (
  tenant_id   uuid not null,
  task_id     uuid not null,
  request_id  uuid not null,
  partner_id  uuid not null,
  kind        text not null constraint privacy_task_kind_ck check (kind in ('correction', 'erasure', 'restriction', 'objection')),
  state       text not null default 'open' constraint privacy_task_state_ck check (state in ('open', 'done', 'kept', 'closed')),
  subject     text not null constraint privacy_task_subject_ck check (length(subject) <= 500),
  records     jsonb not null default '[]',
  due_at      timestamptz not null,
  reason      text not null default '' constraint privacy_task_reason_ck check (length(reason) <= 1000),
  answered_by uuid,
  answered_by_name text not null default '',
  answered_at timestamptz,
  created_at  timestamptz not null default app.now(),
  constraint privacy_task_pk primary key (tenant_id, task_id),
  constraint privacy_task_request_fk foreign key (tenant_id, request_id) references app.privacy_request (tenant_id, request_id) on delete cascade,
  constraint privacy_task_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id) on delete cascade,
  constraint privacy_task_answer_ck check ((state = 'open') = (answered_at is null) and (state not in ('kept', 'closed') or reason <> ''))
);
create index privacy_task_request_ix on app.privacy_task (tenant_id, request_id, partner_id);
create index privacy_task_partner_ix on app.privacy_task (tenant_id, partner_id, state, due_at);
call app.protect('privacy_task', 'select, insert, update', 'select');
grant update (state, reason, answered_by, answered_by_name, answered_at) on app.privacy_task to entente_partner;
call app.keep_history('privacy_task', 'task_id');
call app.guard_links('privacy_task');
call app.classify('privacy_task', 'audit-log', 'personal', 'subject records reason answered_by_name');
call app.classify('privacy_task', 'audit-log', 'internal', 'tenant_id task_id request_id partner_id kind state due_at answered_by answered_at created_at');
call app.retain_with('privacy_task', 'audit-log', 'privacy_request');

-- What an erasure left in place, and why: law or a hold asks for it (P2).
create table app.privacy_kept (
  tenant_id  uuid not null,
  kept_id    uuid not null,
  request_id uuid not null,
  category   text not null,
  table_name text not null,
  row_key    text not null,
  reason     text not null constraint privacy_kept_reason_ck check (reason <> ''),
  until      date,
  created_at timestamptz not null default app.now(),
  constraint privacy_kept_pk primary key (tenant_id, kept_id),
  constraint privacy_kept_row_uq unique (tenant_id, request_id, table_name, row_key),
  constraint privacy_kept_request_fk foreign key (tenant_id, request_id) references app.privacy_request (tenant_id, request_id) on delete cascade
);
call app.protect('privacy_kept', 'select', worker => 'select, insert, delete');
call app.keep_history('privacy_kept', 'kept_id');
call app.classify('privacy_kept', 'audit-log', 'internal', 'tenant_id kept_id request_id category table_name row_key reason until created_at');
call app.retain_with('privacy_kept', 'audit-log', 'privacy_request');

-- Every erasure that was carried out, without anything personal: ids and keyed hashes. A copy stands outside the database, so that
-- an erasure survives a restore (P-27).
create table app.erasure_ledger (
  tenant_id  uuid not null,
  ledger_id  uuid not null,
  request_id uuid not null,
  at         timestamptz not null,
  hashes     jsonb not null,
  refs       jsonb not null,
  replayed_at timestamptz,
  constraint erasure_ledger_pk primary key (tenant_id, ledger_id)
);
create index erasure_ledger_at_ix on app.erasure_ledger (tenant_id, at desc);
call app.protect('erasure_ledger', 'select', worker => 'select, insert, update');
call app.keep_history('erasure_ledger', 'ledger_id');
call app.classify('erasure_ledger', 'authorization', 'internal', 'tenant_id ledger_id request_id at hashes refs replayed_at');
call app.retain_tenant('erasure_ledger', 'authorization'); -- it outlives every backup

-- What crosses row-level security for the rights of a person: each is bound to app.tenant().
grant select (tenant_id, contact_id, email, restricted_at) on app.contact to entente_definer;
create policy definer_reach on app.contact for select to entente_definer using (true);
grant select (tenant_id, contact_id, member_id, purpose, basis, given_at, withdrawn_at) on app.contact_consent to entente_definer;
create policy definer_reach on app.contact_consent for select to entente_definer using (true);
grant update (person_id) on app.member to entente_definer;
create policy definer_end on app.member for update to entente_definer using (true) with check (true);
grant delete on app.person to entente_definer;
grant delete on app.session to entente_definer;
create policy definer_forget on app.session for delete to entente_definer using (true);
grant select (tenant_id, at, history_id), update (old_row, new_row) on app.row_history to entente_definer;
create policy definer_reach on app.row_history for all to entente_definer using (true) with check (true);
grant select (tenant_id, link_hash, request_id) on app.privacy_request to entente_definer;
create policy definer_reach on app.privacy_request for select to entente_definer using (true);
grant select (created_at, last_sign_in_at) on app.person to entente_definer;
-- +goose StatementBegin
-- may_mail says why no mail for a purpose goes to an address: 'restricted', 'objected', 'no-consent', or '' when it may go.
create function app.may_mail(in_email text, in_purpose text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with whom (contact_id, member_id, restricted) as (
    select c.contact_id, null::uuid, c.restricted_at is not null from app.contact c where c.tenant_id = app.tenant() and c.email = lower(in_email) and in_email <> ''
    union all
    select null, m.member_id, m.restricted_at is not null from app.member m where m.tenant_id = app.tenant() and m.email = lower(in_email) and in_email <> ''),
  said (basis) as (
    select k.basis from app.contact_consent k join whom w on k.contact_id = w.contact_id or k.member_id = w.member_id
     where k.tenant_id = app.tenant() and k.purpose = in_purpose and k.withdrawn_at is null and k.given_at <= app.now())
  select case
    when exists (select from whom where restricted) then 'restricted'
    when exists (select from said where basis = 'objection') then 'objected'
    when in_purpose in ('marketing', 'announcement', 'analytics', 'profiling') and not exists (select from said where basis <> 'objection') then 'no-consent'
    else '' end
$$;

-- subject_people returns the logins behind members of the bound tenant: for the search of the data map, which holds no login.
create function app.subject_people(in_members uuid[])
returns table (person_id uuid, member_id uuid, email text, name text, created_at timestamptz, last_sign_in_at timestamptz, elsewhere boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.person_id, m.member_id, p.email, p.name, p.created_at, p.last_sign_in_at,
         exists (select from app.member o where o.person_id = p.person_id and o.tenant_id <> m.tenant_id and o.status <> 'removed')
    from app.member m join app.person p on p.person_id = m.person_id
   where m.tenant_id = app.tenant() and m.member_id = any (in_members)
   order by p.person_id, m.member_id limit 200
$$;

-- subject_sessions returns the sessions of members of the bound tenant.
create function app.subject_sessions(in_members uuid[])
returns table (session_id uuid, member_id uuid, created_at timestamptz, last_seen_at timestamptz, ip text, user_agent text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.session_id, s.member_id, s.created_at, s.last_seen_at, s.ip, s.user_agent
    from app.session s where s.tenant_id = app.tenant() and s.member_id = any (in_members)
   order by s.created_at desc, s.session_id limit 1000
$$;

-- forget_member takes the login and the sessions away from a member of the bound tenant; the login itself goes when no membership of
-- any tenant is left. It returns 'gone', 'kept' (used elsewhere) or 'none'.
create function app.forget_member(in_member uuid) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare whose uuid;
begin
  select m.person_id into whose from app.member m where m.tenant_id = app.tenant() and m.member_id = in_member;
  delete from app.session s where s.tenant_id = app.tenant() and s.member_id = in_member;
  if whose is null then
    return 'none';
  end if;
  update app.member m set person_id = null where m.tenant_id = app.tenant() and m.member_id = in_member;
  if exists (select from app.member m where m.person_id = whose) then
    return 'kept';
  end if;
  delete from app.person p where p.person_id = whose;
  return 'gone';
end $$;

-- rewrite_history replaces the rows kept by one line of the bound tenant's history; the line itself stays.
create function app.rewrite_history(in_at timestamptz, in_id bigint, in_old jsonb, in_new jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update app.row_history h set old_row = in_old, new_row = in_new where h.tenant_id = app.tenant() and h.at = in_at and h.history_id = in_id;
  return found;
end $$;

-- privacy_by_link returns the tenant and request that a one-time link is for, before anybody is signed in.
create function app.privacy_by_link(in_hash bytea) returns table (tenant_id uuid, request_id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.tenant_id, r.request_id from app.privacy_request r where r.link_hash = in_hash
$$;

do $$ declare f text; begin
  execute 'grant create on schema app to entente_definer';
  foreach f in array array['app.may_mail(text, text)', 'app.subject_people(uuid[])', 'app.subject_sessions(uuid[])', 'app.forget_member(uuid)',
    'app.rewrite_history(timestamptz, bigint, jsonb, jsonb)', 'app.privacy_by_link(bytea)'] loop
    execute format('alter function %s owner to entente_definer', f);
    execute format('revoke all on function %s from public', f);
  end loop;
  execute 'revoke create on schema app from entente_definer';
end $$;
-- +goose StatementEnd
grant execute on function app.may_mail(text, text) to entente_staff, entente_partner, entente_worker, entente_platform;
grant execute on function app.subject_people(uuid[]), app.subject_sessions(uuid[]), app.forget_member(uuid),
  app.rewrite_history(timestamptz, bigint, jsonb, jsonb) to entente_worker;
grant execute on function app.privacy_by_link(bytea) to entente_public;

-- A mail that must not go is logged as suppressed, with the reason.
alter table app.mail drop constraint mail_status_ck;
alter table app.mail add constraint mail_status_ck check (status in ('queued', 'sent', 'logged', 'failed', 'suppressed'));
