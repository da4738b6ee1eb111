-- +goose Up
-- The policy a tenant runs on: which profile, since when, and every number that follows from it. What publishes a period and
-- what enforces it read the same rows.

create table app.policy_version (
  tenant_id   uuid not null constraint policy_version_tenant_fk references app.tenant,
  policy_id   uuid not null,
  number      int not null constraint policy_version_number_ck check (number > 0),
  profile     text not null constraint policy_version_profile_ck check (profile ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  document    jsonb not null, -- the whole effective policy: every category and clock, as the API shows it
  applied_by  uuid,
  applied_by_name text not null,
  applied_at  timestamptz not null default app.now(),
  constraint policy_version_pk primary key (tenant_id, policy_id),
  constraint policy_version_number_uq unique (tenant_id, number)
);
call app.protect('policy_version', 'select, insert', worker => 'select, insert', platform => 'insert');
grant select (tenant_id, policy_id, number, profile, document, applied_at) on app.policy_version to entente_public;
create policy public_reach on app.policy_version for select to entente_public using (true);
call app.keep_history('policy_version', 'policy_id');
call app.classify('policy_version', 'authorization', 'public', 'tenant_id policy_id number profile document applied_at');
call app.classify('policy_version', 'authorization', 'internal', 'applied_by');
call app.classify('policy_version', 'authorization', 'personal', 'applied_by_name');

-- One row for each data category: how long, from which event. keep null: indefinitely; stored false: never written at all.
create table app.retention_rule (
  tenant_id uuid not null constraint retention_rule_tenant_fk references app.tenant,
  rule_id   uuid not null default gen_random_uuid(),
  category  text not null,
  event     text not null constraint retention_rule_event_ck check (event in ('recorded', 'last-sign-in', 'relation-end', 'account-deletion', 'session-end', 'solved')),
  keep      interval constraint retention_rule_keep_ck check (keep >= interval '0' and keep <= interval '100 years'),
  stored    boolean not null default true,
  from_tenant boolean not null default false, -- true: the tenant's own, stricter than the profile
  constraint retention_rule_pk primary key (tenant_id, category),
  constraint retention_rule_stored_ck check (stored or keep = interval '0')
);
call app.protect('retention_rule', 'select, insert, update, delete', 'select', 'tenant', platform => 'insert');
grant select on app.retention_rule to entente_public;
create policy public_reach on app.retention_rule for select to entente_public using (true);
call app.keep_history('retention_rule', 'rule_id');
call app.classify('retention_rule', 'authorization', 'public', 'tenant_id rule_id category event keep stored from_tenant');

-- The other numbers a document promises.
create table app.policy_clock (
  tenant_id uuid not null constraint policy_clock_tenant_fk references app.tenant,
  clock_id  uuid not null default gen_random_uuid(),
  clock     text not null constraint policy_clock_clock_ck check (clock in ('breach-notice', 'purge-after-deletion', 'policy-notice', 'subject-answer')),
  keep      interval constraint policy_clock_keep_ck check (keep >= interval '0' and keep <= interval '5 years'),
  who       text not null default '', -- subject-answer: tenant-admin, operator, controller, app
  constraint policy_clock_pk primary key (tenant_id, clock)
);
call app.protect('policy_clock', 'select, insert, update, delete', 'select', 'tenant', platform => 'insert');
grant select on app.policy_clock to entente_public;
create policy public_reach on app.policy_clock for select to entente_public using (true);
call app.keep_history('policy_clock', 'clock_id');
call app.classify('policy_clock', 'authorization', 'public', 'tenant_id clock_id clock keep who');
