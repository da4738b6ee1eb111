-- +goose Up
-- Notices (one text to many people, as a resumable job), versioned documents with a term of notice that this database itself
-- keeps, and who accepted what.
-- Retention: notice, notice_recipient: email-log, recorded (created_at); document_acceptance: legal-entity, relation-end.

create table app.notice (
  tenant_id    uuid not null constraint notice_tenant_fk references app.tenant,
  notice_id    uuid not null,
  kind         text not null constraint notice_kind_ck check (kind in ('document', 'processor', 'incident')),
  object_id    uuid not null, -- what it tells of, by kind
  audience     text not null constraint notice_audience_ck check (audience in ('vendor', 'partners', 'all', 'listed')),
  subject      text not null constraint notice_subject_ck check (length(subject) between 1 and 300),
  heading      text not null default '',
  paragraphs   text[] not null default '{}',
  button       text not null default '',
  path         text not null default '', -- what the button opens
  reason       text not null default '',
  status       text not null default 'sending' constraint notice_status_ck check (status in ('sending', 'done')),
  total        int not null default 0,
  done         int not null default 0,
  created_by   uuid,
  created_by_name text not null default '',
  created_at   timestamptz not null default app.now(),
  done_at      timestamptz,
  constraint notice_pk primary key (tenant_id, notice_id),
  constraint notice_done_ck check ((status = 'done') = (done_at is not null))
);
create index notice_object_ix on app.notice (tenant_id, object_id, created_at desc);
call app.protect('notice', 'select, insert', worker => 'select, insert, update, delete');
call app.keep_history('notice', 'notice_id');
call app.classify('notice', 'email-log', 'internal', 'tenant_id notice_id kind object_id audience status total done created_by created_at done_at button path');
call app.classify('notice', 'email-log', 'business', 'subject heading paragraphs reason');
call app.classify('notice', 'email-log', 'personal', 'created_by_name');

create table app.notice_recipient (
  tenant_id    uuid not null,
  recipient_id uuid not null default gen_random_uuid(),
  notice_id    uuid not null,
  position     int not null,
  member_id    uuid,
  partner_id   uuid,
  name         text not null default '',
  email        text not null,
  mail_id      uuid,
  outcome      text not null default 'waiting' constraint notice_recipient_outcome_ck check (outcome in ('waiting', 'queued')),
  queued_at    timestamptz,
  created_at   timestamptz not null default app.now(),
  constraint notice_recipient_pk primary key (tenant_id, recipient_id),
  constraint notice_recipient_notice_fk foreign key (tenant_id, notice_id) references app.notice (tenant_id, notice_id) on delete cascade,
  constraint notice_recipient_position_uq unique (tenant_id, notice_id, position),
  constraint notice_recipient_queued_ck check ((outcome = 'queued') = (queued_at is not null))
);
create index notice_recipient_waiting_ix on app.notice_recipient (tenant_id, notice_id, position) where outcome = 'waiting';
create index notice_recipient_member_ix on app.notice_recipient (tenant_id, member_id);
call app.protect('notice_recipient', 'select, insert', worker => 'select, insert, update, delete');
call app.keep_history('notice_recipient', 'recipient_id');
call app.classify('notice_recipient', 'email-log', 'internal', 'tenant_id recipient_id notice_id position member_id partner_id mail_id outcome queued_at created_at');
call app.classify('notice_recipient', 'email-log', 'personal', 'name email');

create table app.document (
  tenant_id   uuid not null constraint document_tenant_fk references app.tenant,
  document_id uuid not null,
  kind        text not null constraint document_kind_ck check (kind in ('privacy', 'terms', 'dpa', 'programme-terms')),
  audience    text not null default 'all' constraint document_audience_ck check (audience in ('vendor', 'partners', 'all')), -- who is told of a change
  acceptance  text not null default 'none' constraint document_acceptance_ck check (acceptance in ('none', 'asked', 'required')), -- required: no deal is registered past the day
  accept_for  text not null default 'company' constraint document_accept_for_ck check (accept_for in ('company', 'person')),
  accept_days int not null default 30 constraint document_accept_days_ck check (accept_days between 0 and 365), -- after a version took force
  version     int not null default 1,
  created_at  timestamptz not null default app.now(),
  updated_at  timestamptz not null default app.now(),
  constraint document_pk primary key (tenant_id, document_id),
  constraint document_kind_uq unique (tenant_id, kind)
);
call app.protect('document', 'select, insert, update', 'select', 'tenant');
grant select on app.document to entente_public;
create policy public_reach on app.document for select to entente_public using (true);
call app.keep_history('document', 'document_id');
call app.classify('document', 'business-data', 'public', 'tenant_id document_id kind audience acceptance accept_for accept_days version created_at updated_at');

create table app.document_version (
  tenant_id    uuid not null constraint document_version_tenant_fk references app.tenant,
  version_id   uuid not null,
  document_id  uuid not null,
  number       int not null constraint document_version_number_ck check (number > 0),
  title        text not null constraint document_version_title_ck check (length(title) between 1 and 200),
  body         text not null default '' constraint document_version_body_ck check (length(body) <= 200000),
  digest       text not null default '', -- SHA-256 of title and body, hex
  change       text not null default 'material' constraint document_version_change_ck check (change in ('first', 'material', 'minor')),
  summary      text not null default '' constraint document_version_summary_ck check (length(summary) <= 2000),
  status       text not null default 'draft' constraint document_version_status_ck check (status in ('draft', 'announced', 'withdrawn')),
  announced_at timestamptz,
  notified_at  timestamptz, -- every mail of its notice was queued
  effective_at timestamptz,
  notice_seconds bigint not null default 0,
  notice_id    uuid,
  created_by   uuid,
  created_by_name text not null default '',
  announced_by uuid,
  announced_by_name text not null default '',
  version      int not null default 1,
  created_at   timestamptz not null default app.now(),
  updated_at   timestamptz not null default app.now(),
  constraint document_version_pk primary key (tenant_id, version_id),
  constraint document_version_document_fk foreign key (tenant_id, document_id) references app.document (tenant_id, document_id),
  constraint document_version_notice_fk foreign key (tenant_id, notice_id) references app.notice (tenant_id, notice_id) on delete set null (notice_id),
  constraint document_version_number_uq unique (tenant_id, document_id, number),
  constraint document_version_announced_ck check (status = 'draft' or announced_at is not null and effective_at is not null and effective_at >= announced_at and digest <> ''),
  constraint document_version_notice_ck check (status = 'draft' or extract(epoch from effective_at - announced_at) >= notice_seconds
    and (notified_at is null or extract(epoch from effective_at - notified_at) >= notice_seconds)),
  constraint document_version_material_ck check (status = 'draft' or change <> 'material' or notice_seconds >= 1209600)
);
create index document_version_effective_ix on app.document_version (tenant_id, document_id, effective_at desc) where status = 'announced';
call app.protect('document_version', 'select, insert, update, delete');
grant select on app.document_version to entente_partner, entente_public;
create policy partner_published on app.document_version for select to entente_partner using (status = 'announced');
create policy public_published on app.document_version for select to entente_public using (status = 'announced');
call app.keep_history('document_version', 'version_id');
call app.classify('document_version', 'business-data', 'public', 'tenant_id version_id document_id number title body digest change summary status announced_at notified_at effective_at notice_seconds notice_id version created_at updated_at');
call app.classify('document_version', 'authorization', 'internal', 'created_by announced_by');
call app.classify('document_version', 'authorization', 'personal', 'created_by_name announced_by_name');

-- +goose StatementBegin
-- notice_term returns how many seconds before it takes force a material change must be announced in a tenant: what its policy
-- says, and never less than 14 days.
create function app.notice_term(tenant uuid) returns bigint language sql stable set search_path = pg_catalog, pg_temp as $$
  select greatest(1209600, coalesce((select extract(epoch from c.keep)::bigint from app.policy_clock c where c.tenant_id = tenant and c.clock = 'policy-notice'), 0))
$$;
-- honest_now returns the operation's time. A clock that is set back would let a change be announced in the past: refused, but for the
-- demo programme, whose past is made.
create function app.honest_now(tenant uuid, what text) returns timestamptz language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if app.now() < clock_timestamp() - interval '1 hour' and not exists (select from app.tenant t where t.tenant_id = tenant and t.is_demo) then
    raise exception '%: the time of an announcement cannot lie in the past', what using errcode = '23514', constraint = what || '_backdated_ck';
  end if;
  return app.now();
end $$;
-- nobody_yet says that nobody is active in a tenant: it is being restored from an archive.
create function app.nobody_yet(tenant uuid) returns boolean language sql stable set search_path = pg_catalog, pg_temp as $$
  select not exists (select from app.member m where m.tenant_id = tenant and m.status = 'active')
$$;
-- is_worker says that a statement is run by the program's own jobs.
create function app.is_worker() returns boolean language sql stable set search_path = pg_catalog, pg_temp as $$
  select pg_has_role(current_user, 'entente_worker', 'usage')
$$;

-- document_guard keeps the promise of notice whoever writes: what is published is stamped here, stays as it is, and takes force no
-- earlier than its term after its notices went out.
create function app.document_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    if old.status = 'draft' or app.is_worker() then return old; end if;
    raise exception 'a published version is kept' using errcode = '23514', constraint = 'document_version_kept_ck';
  end if;
  if tg_op = 'INSERT' then
    if new.status <> 'draft' and not (app.is_worker() and app.nobody_yet(new.tenant_id))
       or new.status = 'draft' and (new.announced_at is not null or new.notified_at is not null or new.effective_at is not null) then
      raise exception 'a version begins as a draft' using errcode = '23514', constraint = 'document_version_draft_ck';
    end if;
    return new;
  end if;
  if old.status = 'draft' then
    if new.status = 'draft' then
      if new.announced_at is not null or new.notified_at is not null or new.effective_at is not null then
        raise exception 'a draft is not announced' using errcode = '23514', constraint = 'document_version_draft_ck';
      end if;
      return new;
    end if;
    if new.status <> 'announced' then
      raise exception 'a draft is announced or deleted' using errcode = '23514', constraint = 'document_version_step_ck';
    end if;
    new.announced_at := app.honest_now(new.tenant_id, 'document_version');
    new.notified_at := null;
    new.notice_seconds := case new.change when 'material' then app.notice_term(new.tenant_id) else 0 end;
    if new.change = 'first' and exists (select from app.document_version v where v.tenant_id = new.tenant_id and v.document_id = new.document_id
       and v.status = 'announced' and v.version_id <> new.version_id) then
      raise exception 'there is a version already' using errcode = '23514', constraint = 'document_version_first_ck';
    end if;
    return new;
  end if;
  if old.status = 'withdrawn' or new.status not in ('announced', 'withdrawn')
     or (new.document_id, new.number, new.title, new.body, new.digest, new.change, new.summary, new.announced_at, new.notice_seconds, new.announced_by)
        is distinct from (old.document_id, old.number, old.title, old.body, old.digest, old.change, old.summary, old.announced_at, old.notice_seconds, old.announced_by) then
    raise exception 'a published version stays as it is' using errcode = '23514', constraint = 'document_version_frozen_ck';
  end if;
  if new.effective_at is distinct from old.effective_at and (new.effective_at is null or new.effective_at < old.effective_at
     or old.effective_at <= app.now() and (old.change <> 'material' or old.notified_at is not null)) then
    raise exception 'the day a version takes force may only move on' using errcode = '23514', constraint = 'document_version_notice_ck';
  end if;
  if new.status = 'withdrawn' and old.effective_at <= greatest(app.now(), clock_timestamp()) then
    raise exception 'a version in force is superseded, not withdrawn' using errcode = '23514', constraint = 'document_version_force_ck';
  end if;
  if new.notified_at is distinct from old.notified_at then
    if old.notified_at is not null or new.notice_id is null or not exists (select from app.notice n
       where n.tenant_id = new.tenant_id and n.notice_id = new.notice_id and n.object_id = new.version_id and n.status = 'done') then
      raise exception 'its notices are not out' using errcode = '23514', constraint = 'document_version_notice_ck';
    end if;
    new.notified_at := app.honest_now(new.tenant_id, 'document_version');
  end if;
  return new;
end $$;
-- +goose StatementEnd
grant execute on function app.notice_term(uuid), app.honest_now(uuid, text), app.nobody_yet(uuid), app.is_worker() to entente_staff, entente_worker;
create trigger document_guard before insert or update or delete on app.document_version for each row execute function app.document_guard();

create table app.document_acceptance (
  tenant_id     uuid not null,
  acceptance_id uuid not null,
  version_id    uuid not null,
  partner_id    uuid,
  member_id     uuid not null,
  name          text not null,
  digest        text not null, -- of the version as it was shown
  accepted_at   timestamptz not null default app.now(),
  constraint document_acceptance_pk primary key (tenant_id, acceptance_id),
  constraint document_acceptance_version_fk foreign key (tenant_id, version_id) references app.document_version (tenant_id, version_id),
  constraint document_acceptance_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id),
  constraint document_acceptance_member_fk foreign key (tenant_id, member_id) references app.member (tenant_id, member_id),
  constraint document_acceptance_once_uq unique nulls not distinct (tenant_id, version_id, partner_id, member_id)
);
create index document_acceptance_partner_ix on app.document_acceptance (tenant_id, partner_id, version_id);
create index document_acceptance_member_ix on app.document_acceptance (tenant_id, member_id);
call app.protect('document_acceptance', 'select, insert', 'select, insert');
call app.keep_history('document_acceptance', 'acceptance_id');
call app.guard_links('document_acceptance');
call app.classify('document_acceptance', 'legal-entity', 'internal', 'tenant_id acceptance_id version_id partner_id member_id digest accepted_at');
call app.classify('document_acceptance', 'legal-entity', 'personal', 'name');
