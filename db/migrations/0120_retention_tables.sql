-- +goose Up
-- What retention keeps about itself: legal holds, legal duties, the report of each run; and how long the rows of every table that
-- there is so far are kept.

-- From when on periods run that no row said yet.
alter table app.tenant add column if not exists deletion_requested_at timestamptz; -- event account-deletion
call app.classify('tenant', 'authorization', 'internal', 'deletion_requested_at');
alter table app.partner add column ended_at timestamptz, add column erased_at timestamptz;
call app.classify('partner', 'customer-data', 'internal', 'ended_at erased_at');
-- +goose StatementBegin
-- A relation ends when a partner's status says so, and runs again when it does not.
create function app.partner_relation() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if new.status <> 'ended' then
    new.ended_at := null;
  elsif tg_op = 'INSERT' then
    new.ended_at := coalesce(new.ended_at, app.now());
  elsif old.status <> 'ended' then
    new.ended_at := app.now();
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger partner_relation before insert or update of status on app.partner for each row execute function app.partner_relation();
update app.partner set ended_at = updated_at where status = 'ended';
create index partner_ended_ix on app.partner (tenant_id, ended_at) where ended_at is not null;

-- The period of an account runs from its last sign-in here; of one that never signed in, from its beginning.
alter table app.member add column erased_at timestamptz, add column erase_warned_at timestamptz,
  add column active_at timestamptz not null generated always as (coalesce(last_seen_at, created_at)) stored;
call app.classify('member', 'user-account', 'internal', 'erased_at erase_warned_at');
call app.classify('member', 'user-account', 'personal', 'active_at');
create index member_active_ix on app.member (tenant_id, active_at) where erased_at is null;

-- A session ends when it is revoked, unused or over, whatever comes first.
alter table app.session add column ended_at timestamptz not null generated always as (least(revoked_at, idle_expires_at, expires_at)) stored;
call app.classify('session', 'preference', 'internal', 'ended_at');
create index session_ended_ix on app.session (tenant_id, ended_at);
-- Who kept a mail, an account, a contact or a deal the longest is found in the index of its period.
create index contact_created_ix on app.contact (tenant_id, created_at);

-- A legal hold keeps every row that refers to its object, whatever a period, an erasure or a purge says, until it is released or over.
create table app.legal_hold (
  tenant_id    uuid not null constraint legal_hold_tenant_fk references app.tenant,
  hold_id      uuid not null,
  kind         text not null constraint legal_hold_kind_ck check (kind in ('person', 'account', 'partner', 'tenant')),
  object_id    uuid not null, -- person: a member or a contact; tenant: the tenant itself
  label        text not null default '' constraint legal_hold_label_ck check (length(label) <= 300),
  email        text not null default '' constraint legal_hold_email_ck check (length(email) <= 254), -- person: finds their rows that carry no id
  reason       text not null constraint legal_hold_reason_ck check (length(reason) between 1 and 2000),
  until        date, -- the last day; null: until released
  placed_by    uuid,
  placed_by_name text not null default '',
  placed_at    timestamptz not null default app.now(),
  released_by  uuid,
  released_by_name text not null default '',
  released_at  timestamptz,
  release_reason text not null default '' constraint legal_hold_release_ck check (length(release_reason) <= 2000),
  version      int not null default 1,
  constraint legal_hold_pk primary key (tenant_id, hold_id),
  constraint legal_hold_of_tenant_ck check (kind <> 'tenant' or object_id = tenant_id)
);
create index legal_hold_placed_ix on app.legal_hold (tenant_id, placed_at desc, hold_id desc);
create index legal_hold_active_ix on app.legal_hold (tenant_id, kind, object_id) where released_at is null;
call app.protect('legal_hold', 'select, insert, update', worker => 'select');
call app.keep_history('legal_hold', 'hold_id');
call app.classify('legal_hold', 'audit-log', 'internal', 'tenant_id hold_id kind object_id until placed_by placed_at released_by released_at version');
call app.classify('legal_hold', 'audit-log', 'personal', 'label email reason placed_by_name released_by_name release_reason');

-- A legal duty: what a law asks to be kept, of one category, at least as long, whatever shorter period a policy or a person asks for.
create table app.legal_duty (
  tenant_id  uuid not null constraint legal_duty_tenant_fk references app.tenant,
  duty_id    uuid not null,
  category   text not null,
  event      text not null constraint legal_duty_event_ck check (event in ('recorded', 'last-sign-in', 'relation-end', 'account-deletion', 'session-end', 'solved')),
  keep       interval not null constraint legal_duty_keep_ck check (keep > interval '0' and keep <= interval '100 years'),
  reason     text not null constraint legal_duty_reason_ck check (length(reason) between 1 and 500),
  set_by     uuid,
  set_by_name text not null default '',
  set_at     timestamptz not null default app.now(),
  constraint legal_duty_pk primary key (tenant_id, duty_id),
  constraint legal_duty_category_uq unique (tenant_id, category)
);
call app.protect('legal_duty', 'select, insert, update, delete', worker => 'select, insert, update, delete', platform => 'insert');
call app.keep_history('legal_duty', 'duty_id');
call app.classify('legal_duty', 'authorization', 'internal', 'tenant_id duty_id category event keep reason set_by set_at');
call app.classify('legal_duty', 'authorization', 'personal', 'set_by_name');

-- The report of each run. counts holds one object for each table and category that had something to go or to be kept against it.
create table app.retention_run (
  tenant_id   uuid not null constraint retention_run_tenant_fk references app.tenant,
  run_id      uuid not null,
  trigger     text not null constraint retention_run_trigger_ck check (trigger in ('daily', 'hourly', 'command', 'page', 'api')),
  dry         boolean not null default false,
  outcome     text not null constraint retention_run_outcome_ck check (outcome in ('running', 'done', 'failed', 'refused', 'interrupted')),
  as_of       timestamptz not null, -- the database's time that periods were compared with
  started_at  timestamptz not null,
  beat_at     timestamptz not null, -- when it was last heard of
  finished_at timestamptz,
  skew_ms     bigint not null default 0, -- the program's clock minus the database's
  removed     bigint not null default 0,
  blanked     bigint not null default 0,
  held        bigint not null default 0,
  partitions  int not null default 0,
  bytes       bigint not null default 0,
  counts      jsonb not null default '[]',
  problem     text not null default '',
  continues   uuid, -- the run that was cut off and is finished by this one
  tree_size   bigint, -- head of the audit log's tree when the run ended
  tree_root   text,
  tree_at     timestamptz,
  asked_by    uuid,
  asked_by_name text not null default '',
  constraint retention_run_pk primary key (tenant_id, run_id)
);
create index retention_run_started_ix on app.retention_run (tenant_id, started_at desc, run_id desc);
create index retention_run_open_ix on app.retention_run (tenant_id) where outcome = 'running';
call app.protect('retention_run', 'select, insert, update', worker => 'select, insert, update');
call app.keep_history('retention_run', 'run_id', 'counts beat_at');
call app.classify('retention_run', 'business-data', 'internal', 'tenant_id run_id trigger dry outcome as_of started_at beat_at finished_at skew_ms removed blanked held partitions bytes counts problem continues tree_size tree_root tree_at asked_by');
call app.classify('retention_run', 'business-data', 'personal', 'asked_by_name');

-- Up to when the contents of a table's history are gone already, so that nobody looks there again.
create table app.retention_mark (
  tenant_id  uuid not null constraint retention_mark_tenant_fk references app.tenant,
  table_name text not null,
  emptied_to timestamptz not null,
  constraint retention_mark_pk primary key (tenant_id, table_name)
);
call app.protect('retention_mark', '', worker => 'select');
call app.classify('retention_mark', 'business-data', 'internal', 'tenant_id table_name emptied_to');
grant select, insert, update on app.retention_mark to entente_retention;
create policy retention_reach on app.retention_mark for all to entente_retention using (true) with check (true);

-- What deletes asks the rules, the tenants, holds and duties.
-- +goose StatementBegin
do $$ declare tab text; begin
  foreach tab in array array['tenant', 'retention_rule', 'legal_duty'] loop
    execute format('grant select on app.%I to entente_retention', tab);
    execute format('create policy retention_reach on app.%I for select to entente_retention using (true)', tab);
  end loop;
end $$;
-- +goose StatementEnd

call app.retain_tenant('tenant', 'authorization');
call app.retain_tenant('installation', 'authorization');
call app.retain_tenant('data_key', 'authorization');
call app.retain_tenant('signing_key', 'authorization');
call app.retain_tenant('policy_version', 'authorization');
call app.retain_tenant('retention_rule', 'authorization');
call app.retain_tenant('policy_clock', 'authorization');
call app.retain_tenant('legal_duty', 'authorization');
call app.retain_tenant('retention_run', 'business-data');
call app.retain_tenant('retention_mark', 'business-data');
call app.retain_tenant('stage', 'business-data');
call app.retain_tenant('product', 'business-data');

call app.retain('row_history', 'audit-log', 'recorded', 'at');
call app.retain('audit_entry', 'audit-log', 'recorded', 'at');
call app.retain('legal_hold', 'audit-log', 'recorded', 'released_at'); -- a hold is on record as long as the log, from its release on
call app.retain('mail', 'email-log', 'recorded', 'created_at');
call app.retain('idempotency', 'cache', 'recorded', 'created_at');
call app.retain('throttle', 'login-ip', 'recorded', 'tat');
call app.retain('session', 'preference', 'session-end', 'ended_at');
call app.retain_with('saved_view', 'preference', 'member');

call app.retain_job('member', 'user-account', 'account.erase', 'last-sign-in', 'active_at', 'recorded', 'created_at');
call app.retain_job('person', 'user-account', 'account.erase', 'last-sign-in', 'last_sign_in_at', 'recorded', 'created_at');
call app.retain_with('invitation', 'user-account', 'member');
call app.retain_with('api_key', 'user-account', 'member');
call app.retain_job('one_time_link', 'user-account', 'link.sweep', 'recorded', 'created_at'); -- swept a week after it expired

call app.retain_columns('partner', 'legal-entity',
  '{"name": "Former partner", "name_norm": "former partner", "domains": "{}", "country": "", "region": "", "manager_id": null, "manager_name": "", "external_id": null}',
  'relation-end', 'ended_at', 'recorded', 'created_at');
call app.retain('deal', 'customer-data', 'recorded', 'created_at');
call app.retain_with('deal_claim', 'customer-data', 'deal');
call app.retain_with('deal_note', 'customer-data', 'deal');
call app.retain('account', 'customer-data', 'recorded', 'created_at');
call app.retain_with('account_partner', 'customer-data', 'account');
call app.retain('contact', 'customer-data', 'recorded', 'created_at');
call app.retain('import_run', 'customer-data', 'recorded', 'created_at');
call app.retain_with('import_row', 'customer-data', 'import_run');
