-- +goose Up
-- What happened at the doors and behind them: each request, each fault, each job and each interaction with a system of somebody
-- else, and which page was used on which day.

create table app.access_log (
  tenant_id  uuid not null,
  access_id  uuid not null default gen_random_uuid(),
  at         timestamptz not null,
  actor_kind text not null,
  actor_name text not null default '' constraint access_log_actor_ck check (length(actor_name) <= 300),
  member_id  uuid,
  partner_id uuid, -- of the actor
  ip         text not null default '',
  method     text not null,
  route      text not null, -- the pattern, never the address: no id and no query is in it
  action     text not null default '',
  status     int not null constraint access_log_status_ck check (status between 100 and 599),
  took_us    bigint not null,
  user_agent text not null default '' constraint access_log_agent_ck check (length(user_agent) <= 300),
  request_id text not null default '',
  constraint access_log_pk primary key (tenant_id, at, access_id)
) partition by range (at);
create index access_log_member_ix on app.access_log (tenant_id, member_id, at desc);
call app.protect('access_log', 'select', worker => 'select, insert');
call app.classify('access_log', 'server-log', 'internal', 'tenant_id access_id at actor_kind member_id partner_id method route action status took_us request_id');
call app.classify('access_log', 'server-log', 'personal', 'actor_name ip user_agent');
create table app.access_log_rest partition of app.access_log default;
-- +goose StatementBegin
do $$ begin
  alter table app.access_log_rest enable row level security;
  alter table app.access_log_rest force row level security;
  create policy tenant_floor on app.access_log_rest as restrictive for all to entente_staff, entente_partner, entente_public, entente_worker, entente_platform using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()));
end $$;
-- +goose StatementEnd
call app.retain('access_log', 'server-log', 'recorded', 'at');

-- +goose StatementBegin
create or replace function app.ensure_partitions(from_at timestamptz, months int) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  parent text; first date; part text;
begin
  for i in 0 .. months - 1 loop
    first := (date_trunc('month', from_at at time zone 'UTC') + make_interval(months => i))::date;
    foreach parent in array array['row_history', 'audit_entry', 'access_log'] loop
      part := parent || '_' || to_char(first, 'YYYYMM');
      if to_regclass('app.' || part) is null then
        begin
          execute format('create table app.%I partition of app.%I for values from (%L) to (%L)', part, parent,
            first::timestamp at time zone 'UTC', (first + interval '1 month') at time zone 'UTC');
        exception when check_violation then -- nobody made this month in time: its rows stay in the partition for the rest
          continue;
        end;
        execute format('alter table app.%I enable row level security', part);
        execute format('alter table app.%I force row level security', part);
        execute format('create policy tenant_floor on app.%I as restrictive for all to entente_staff, entente_partner, entente_public, entente_worker, entente_platform using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()))', part);
      end if;
    end loop;
  end loop;
end $$;
-- +goose StatementEnd
select app.ensure_partitions(now(), 4);

-- Faults of the program, those of one cause together.
create table app.error_report (
  tenant_id   uuid not null constraint error_report_tenant_fk references app.tenant,
  report_id   uuid not null,
  fingerprint text not null constraint error_report_fingerprint_ck check (length(fingerprint) = 64),
  title       text not null constraint error_report_title_ck check (length(title) between 1 and 300),
  route       text not null default '',
  trace       text not null default '' constraint error_report_trace_ck check (length(trace) <= 4000),
  state       text not null default 'open' constraint error_report_state_ck check (state in ('open', 'solved')),
  seen        bigint not null default 1,
  first_at    timestamptz not null,
  last_at     timestamptz not null,
  solved_at   timestamptz,
  solved_by   uuid,
  solved_by_name text not null default '',
  version     int not null default 1,
  constraint error_report_pk primary key (tenant_id, report_id),
  constraint error_report_fingerprint_uq unique (tenant_id, fingerprint),
  constraint error_report_solved_ck check ((state = 'solved') = (solved_at is not null))
);
create index error_report_last_ix on app.error_report (tenant_id, last_at desc, report_id desc);
call app.protect('error_report', 'select, update', worker => 'select, insert, update');
call app.keep_history('error_report', 'report_id');
call app.classify('error_report', 'error-report', 'internal', 'tenant_id report_id fingerprint title route trace state seen first_at last_at solved_at solved_by version');
call app.classify('error_report', 'error-report', 'personal', 'solved_by_name');
call app.retain('error_report', 'error-report', 'recorded', 'last_at', 'solved', 'solved_at');

create table app.error_occurrence (
  tenant_id     uuid not null,
  occurrence_id uuid not null default gen_random_uuid(),
  report_id     uuid not null,
  at            timestamptz not null,
  member_id     uuid,
  method        text not null,
  status        int not null,
  request_id    text not null default '',
  constraint error_occurrence_pk primary key (tenant_id, occurrence_id),
  constraint error_occurrence_report_fk foreign key (tenant_id, report_id) references app.error_report on delete cascade
);
create index error_occurrence_report_ix on app.error_occurrence (tenant_id, report_id, at desc);
create index error_occurrence_at_ix on app.error_occurrence (tenant_id, at);
call app.protect('error_occurrence', 'select', worker => 'select, insert, delete');
call app.classify('error_occurrence', 'error-report', 'internal', 'tenant_id occurrence_id report_id at method status request_id');
call app.classify('error_occurrence', 'error-report', 'personal', 'member_id');
call app.retain('error_occurrence', 'error-report', 'recorded', 'at');

-- Which page a member used on which day: analytics with identifiers. Not written where the policy says so.
create table app.usage_event (
  tenant_id  uuid not null,
  usage_id   uuid not null default gen_random_uuid(),
  day        date not null,
  member_id  uuid not null,
  partner_id uuid,
  route      text not null,
  visits     bigint not null constraint usage_event_visits_ck check (visits > 0),
  constraint usage_event_pk primary key (tenant_id, usage_id),
  constraint usage_event_page_uq unique (tenant_id, day, member_id, route)
);
create index usage_event_partner_ix on app.usage_event (tenant_id, partner_id, day);
call app.protect('usage_event', 'select', worker => 'select, insert, update');
call app.classify('usage_event', 'analytics', 'internal', 'tenant_id usage_id day partner_id route visits');
call app.classify('usage_event', 'analytics', 'personal', 'member_id');
call app.retain('usage_event', 'analytics', 'recorded', 'day');

-- The same counted for a whole side, so that it names nobody.
create table app.usage_day (
  tenant_id  uuid not null,
  usage_id   uuid not null default gen_random_uuid(),
  day        date not null,
  partner_id uuid, -- null: the vendor's people
  route      text not null,
  visits     bigint not null constraint usage_day_visits_ck check (visits > 0),
  constraint usage_day_pk primary key (tenant_id, usage_id),
  constraint usage_day_side_uq unique nulls not distinct (tenant_id, partner_id, day, route)
);
call app.protect('usage_day', 'select', worker => 'select, insert, update');
call app.classify('usage_day', 'business-data', 'internal', 'tenant_id usage_id day partner_id route visits');
call app.retain('usage_day', 'business-data', 'recorded', 'day');

-- Every job that ran for a tenant, and every interaction with a system of somebody else.
create table app.workflow_log (
  tenant_id uuid not null,
  entry_id  uuid not null default gen_random_uuid(),
  at        timestamptz not null,
  kind      text not null constraint workflow_log_kind_ck check (kind in ('job', 'vendor')),
  name      text not null constraint workflow_log_name_ck check (length(name) <= 200), -- of the job; of the outside system
  outcome   text not null constraint workflow_log_outcome_ck check (length(outcome) <= 40),
  took_us   bigint not null,
  fault     text not null default '' constraint workflow_log_fault_ck check (length(fault) <= 300), -- a code, never a text that quotes a value
  constraint workflow_log_pk primary key (tenant_id, entry_id)
);
create index workflow_log_at_ix on app.workflow_log (tenant_id, at desc, entry_id desc);
call app.protect('workflow_log', 'select', worker => 'select, insert');
call app.classify('workflow_log', 'workflow-log', 'internal', 'tenant_id entry_id at kind name outcome took_us fault');
call app.retain('workflow_log', 'workflow-log', 'recorded', 'at');
