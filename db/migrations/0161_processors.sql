-- +goose Up
-- The register of sub-processors. A new one, and every change of one, is announced first: the same term of notice as a document's,
-- kept by this database.
-- Retention: processor: business-data; processor_objection: legal-entity, relation-end.

create table app.processor (
  tenant_id    uuid not null constraint processor_tenant_fk references app.tenant,
  processor_id uuid not null,
  replaces_id  uuid, -- the entry that this one takes the place of when it takes force
  name         text not null constraint processor_name_ck check (length(name) between 1 and 200),
  purpose      text not null constraint processor_purpose_ck check (length(purpose) between 1 and 1000),
  categories   text[] not null default '{}' constraint processor_categories_ck check (cardinality(categories) <= 50),
  country      text not null default '' constraint processor_country_ck check (country ~ '^([A-Z]{2})?$'),
  regions      text not null default '' constraint processor_regions_ck check (length(regions) <= 300),
  safeguards   text not null default '' constraint processor_safeguards_ck check (length(safeguards) <= 1000),
  link         text not null default '' constraint processor_link_ck check (length(link) <= 500),
  hosts        text[] not null default '{}' constraint processor_hosts_ck check (cardinality(hosts) <= 50),
  basis        text not null default 'notice' constraint processor_basis_ck check (basis in ('first', 'notice')), -- first: it was there before anybody was to tell
  status       text not null default 'proposed' constraint processor_status_ck check (status in ('proposed', 'announced', 'withdrawn', 'ended')),
  announced_at timestamptz,
  notified_at  timestamptz,
  effective_at timestamptz,
  ended_at     timestamptz,
  notice_seconds bigint not null default 0,
  notice_id    uuid,
  created_by   uuid,
  created_by_name text not null default '',
  version      int not null default 1,
  created_at   timestamptz not null default app.now(),
  updated_at   timestamptz not null default app.now(),
  constraint processor_pk primary key (tenant_id, processor_id),
  constraint processor_replaces_fk foreign key (tenant_id, replaces_id) references app.processor (tenant_id, processor_id),
  constraint processor_notice_fk foreign key (tenant_id, notice_id) references app.notice (tenant_id, notice_id) on delete set null (notice_id),
  constraint processor_announced_ck check (status = 'proposed' or announced_at is not null and effective_at is not null and effective_at >= announced_at),
  constraint processor_notice_ck check (status = 'proposed' or basis = 'first' or extract(epoch from effective_at - announced_at) >= notice_seconds
    and notice_seconds >= 1209600 and (notified_at is null or extract(epoch from effective_at - notified_at) >= notice_seconds)),
  constraint processor_ended_ck check ((status = 'ended') = (ended_at is not null))
);
create index processor_status_ix on app.processor (tenant_id, status, name, processor_id);
create index processor_replaces_ix on app.processor (tenant_id, replaces_id) where replaces_id is not null;
call app.protect('processor', 'select, insert, update, delete');
grant select on app.processor to entente_partner, entente_public;
create policy partner_published on app.processor for select to entente_partner using (status <> 'proposed');
create policy public_published on app.processor for select to entente_public using (status <> 'proposed');
call app.keep_history('processor', 'processor_id');
call app.classify('processor', 'business-data', 'public', 'tenant_id processor_id replaces_id name purpose categories country regions safeguards link hosts basis status announced_at notified_at effective_at ended_at notice_seconds notice_id version created_at updated_at');
call app.classify('processor', 'authorization', 'internal', 'created_by');
call app.classify('processor', 'authorization', 'personal', 'created_by_name');

-- +goose StatementBegin
create function app.processor_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    if old.status = 'proposed' or app.is_worker() then return old; end if;
    raise exception 'an announced entry is kept' using errcode = '23514', constraint = 'processor_kept_ck';
  end if;
  if tg_op = 'INSERT' then
    if new.status <> 'proposed' and not (app.is_worker() and app.nobody_yet(new.tenant_id))
       or new.status = 'proposed' and (new.announced_at is not null or new.notified_at is not null or new.effective_at is not null) then
      raise exception 'an entry begins as a proposal' using errcode = '23514', constraint = 'processor_step_ck';
    end if;
    return new;
  end if;
  if old.status = 'proposed' then
    if new.status = 'proposed' then
      if new.announced_at is not null or new.notified_at is not null or new.effective_at is not null then
        raise exception 'a proposal is not announced' using errcode = '23514', constraint = 'processor_step_ck';
      end if;
      return new;
    end if;
    if new.status <> 'announced' then
      raise exception 'a proposal is announced or deleted' using errcode = '23514', constraint = 'processor_step_ck';
    end if;
    if new.basis = 'first' and exists (select from app.member m where m.tenant_id = new.tenant_id and m.partner_id is not null and m.status = 'active') then
      raise exception 'there are partners to tell' using errcode = '23514', constraint = 'processor_notice_ck';
    end if;
    new.announced_at := app.honest_now(new.tenant_id, 'processor');
    new.notified_at := null;
    new.notice_seconds := case new.basis when 'first' then 0 else app.notice_term(new.tenant_id) end;
    return new;
  end if;
  if old.status in ('withdrawn', 'ended') or new.status = 'proposed'
     or (new.replaces_id, new.name, new.purpose, new.categories, new.country, new.regions, new.safeguards, new.hosts, new.basis, new.announced_at, new.notice_seconds)
        is distinct from (old.replaces_id, old.name, old.purpose, old.categories, old.country, old.regions, old.safeguards, old.hosts, old.basis, old.announced_at, old.notice_seconds) then
    raise exception 'an announced entry changes by a new one with notice' using errcode = '23514', constraint = 'processor_frozen_ck';
  end if;
  if new.effective_at is distinct from old.effective_at and (new.effective_at is null or new.effective_at < old.effective_at
     or old.effective_at <= app.now() and (old.basis = 'first' or old.notified_at is not null)) then
    raise exception 'the day a change takes force may only move on' using errcode = '23514', constraint = 'processor_notice_ck';
  end if;
  if new.notified_at is distinct from old.notified_at then
    if old.notified_at is not null or new.notice_id is null or not exists (select from app.notice n
       where n.tenant_id = new.tenant_id and n.notice_id = new.notice_id and n.object_id = new.processor_id and n.status = 'done') then
      raise exception 'its notices are not out' using errcode = '23514', constraint = 'processor_notice_ck';
    end if;
    new.notified_at := app.honest_now(new.tenant_id, 'processor');
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger processor_guard before insert or update or delete on app.processor for each row execute function app.processor_guard();

create table app.processor_objection (
  tenant_id    uuid not null,
  objection_id uuid not null,
  processor_id uuid not null,
  partner_id   uuid, -- null: the vendor's own people recorded it
  member_id    uuid,
  by_name      text not null,
  reason       text not null constraint processor_objection_reason_ck check (length(reason) between 1 and 2000),
  outcome      text not null default 'open' constraint processor_objection_outcome_ck check (outcome in ('open', 'accepted', 'declined', 'withdrawn')),
  outcome_note text not null default '' constraint processor_objection_note_ck check (length(outcome_note) <= 2000),
  decided_at   timestamptz,
  decided_by_name text not null default '',
  version      int not null default 1,
  created_at   timestamptz not null default app.now(),
  constraint processor_objection_pk primary key (tenant_id, objection_id),
  constraint processor_objection_processor_fk foreign key (tenant_id, processor_id) references app.processor (tenant_id, processor_id),
  constraint processor_objection_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id),
  constraint processor_objection_member_fk foreign key (tenant_id, member_id) references app.member (tenant_id, member_id),
  constraint processor_objection_decided_ck check ((outcome = 'open') = (decided_at is null))
);
create index processor_objection_processor_ix on app.processor_objection (tenant_id, processor_id, created_at);
create index processor_objection_partner_ix on app.processor_objection (tenant_id, partner_id);
create index processor_objection_member_ix on app.processor_objection (tenant_id, member_id);
call app.protect('processor_objection', 'select, insert, update', 'select, insert');
call app.keep_history('processor_objection', 'objection_id');
call app.guard_links('processor_objection');
call app.classify('processor_objection', 'legal-entity', 'internal', 'tenant_id objection_id processor_id partner_id member_id outcome decided_at version created_at');
call app.classify('processor_objection', 'legal-entity', 'personal', 'by_name decided_by_name reason outcome_note');
