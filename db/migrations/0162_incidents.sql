-- +goose Up
-- The incident register: what happened, the clocks that run, who is affected, what they were told and what was learnt.
-- Retention: incident and its clocks, timeline, notices and actions: authorization (the record that GDPR Art. 33(5) asks for);
-- incident_affected: audit-log, recorded (created_at).

create table app.incident (
  tenant_id    uuid not null constraint incident_tenant_fk references app.tenant,
  incident_id  uuid not null,
  number       int not null constraint incident_number_ck check (number > 0),
  title        text not null constraint incident_title_ck check (length(title) between 1 and 200),
  kind         text not null constraint incident_kind_ck check (kind in ('confidentiality', 'integrity', 'availability', 'vulnerability', 'other')),
  severity     text not null constraint incident_severity_ck check (severity in ('low', 'medium', 'high', 'critical')),
  description  text not null default '' constraint incident_description_ck check (length(description) <= 10000),
  status       text not null default 'reported' constraint incident_status_ck check (status in ('reported', 'assessing', 'confirmed', 'contained', 'resolved', 'closed', 'dismissed')),
  detected_at  timestamptz not null,
  aware_at     timestamptz, -- confirmed: from here the clocks run
  contained_at timestamptz,
  resolved_at  timestamptz,
  closed_at    timestamptz,
  reported_by  uuid,
  reported_by_name text not null default '',
  nature       text not null default '' constraint incident_nature_ck check (length(nature) <= 5000),
  categories   text[] not null default '{}' constraint incident_categories_ck check (cardinality(categories) <= 50),
  people_count bigint constraint incident_people_ck check (people_count >= 0),
  record_count bigint constraint incident_records_ck check (record_count >= 0),
  consequences text not null default '' constraint incident_consequences_ck check (length(consequences) <= 5000),
  measures     text not null default '' constraint incident_measures_ck check (length(measures) <= 5000),
  risk         text not null default '' constraint incident_risk_ck check (risk in ('', 'none', 'risk', 'high')),
  notify_decision text not null default '' constraint incident_notify_ck check (notify_decision in ('', 'notify', 'not-needed')),
  notify_reason text not null default '' constraint incident_notify_reason_ck check (length(notify_reason) <= 5000),
  pm_summary   text not null default '', pm_cause text not null default '', pm_impact text not null default '',
  pm_response  text not null default '', pm_lessons text not null default '',
  version      int not null default 1,
  created_at   timestamptz not null default app.now(),
  updated_at   timestamptz not null default app.now(),
  constraint incident_pk primary key (tenant_id, incident_id),
  constraint incident_number_uq unique (tenant_id, number),
  constraint incident_aware_ck check ((status in ('reported', 'assessing', 'dismissed')) or aware_at is not null),
  constraint incident_reason_ck check (notify_decision <> 'not-needed' or notify_reason <> ''),
  constraint incident_postmortem_ck check (status <> 'closed' or closed_at is not null and pm_summary <> '' and pm_cause <> '' and pm_impact <> '' and pm_response <> '' and pm_lessons <> '')
);
create index incident_created_ix on app.incident (tenant_id, created_at desc, incident_id desc);
call app.protect('incident', 'select, insert, update');
call app.keep_history('incident', 'incident_id');
call app.classify('incident', 'authorization', 'internal', 'tenant_id incident_id number kind severity status detected_at aware_at contained_at resolved_at closed_at reported_by categories people_count record_count risk notify_decision version created_at updated_at');
call app.classify('incident', 'authorization', 'business', 'title description nature consequences measures notify_reason pm_summary pm_cause pm_impact pm_response pm_lessons');
call app.classify('incident', 'authorization', 'personal', 'reported_by_name');

create table app.incident_clock (
  tenant_id   uuid not null,
  clock_id    uuid not null,
  incident_id uuid not null,
  template    text not null, -- the duty it stands for, such as gdpr-33
  step        text not null,
  label       text not null,
  starts_at   timestamptz not null,
  due_at      timestamptz not null,
  met_at      timestamptz,
  met_by_name text not null default '',
  met_note    text not null default '',
  waived_at   timestamptz,
  alarm_half_at    timestamptz,
  alarm_quarter_at timestamptz,
  alarm_last_at    timestamptz,
  alarm_passed_at  timestamptz,
  created_at  timestamptz not null default app.now(),
  constraint incident_clock_pk primary key (tenant_id, clock_id),
  constraint incident_clock_incident_fk foreign key (tenant_id, incident_id) references app.incident (tenant_id, incident_id),
  constraint incident_clock_step_uq unique (tenant_id, incident_id, template, step),
  constraint incident_clock_due_ck check (due_at > starts_at),
  constraint incident_clock_once_ck check (met_at is null or waived_at is null),
  constraint incident_clock_waived_ck check (waived_at is null or met_note <> '')
);
create index incident_clock_running_ix on app.incident_clock (tenant_id, due_at) where met_at is null and waived_at is null;
call app.protect('incident_clock', 'select, insert, update');
call app.keep_history('incident_clock', 'clock_id');
call app.classify('incident_clock', 'authorization', 'internal', 'tenant_id clock_id incident_id template step label starts_at due_at met_at met_note waived_at alarm_half_at alarm_quarter_at alarm_last_at alarm_passed_at created_at');
call app.classify('incident_clock', 'authorization', 'personal', 'met_by_name');

-- The timeline: nobody may change or delete an entry.
create table app.incident_entry (
  tenant_id   uuid not null,
  entry_id    uuid not null,
  incident_id uuid not null,
  at          timestamptz not null default app.now(),
  by_id       uuid,
  by_name     text not null,
  kind        text not null default 'note' constraint incident_entry_kind_ck check (kind in ('note', 'step', 'clock', 'notice', 'alarm')),
  body        text not null constraint incident_entry_body_ck check (length(body) between 1 and 5000),
  constraint incident_entry_pk primary key (tenant_id, entry_id),
  constraint incident_entry_incident_fk foreign key (tenant_id, incident_id) references app.incident (tenant_id, incident_id)
);
create index incident_entry_incident_ix on app.incident_entry (tenant_id, incident_id, at);
call app.protect('incident_entry', 'select, insert', worker => 'select, insert');
call app.keep_history('incident_entry', 'entry_id');
call app.classify('incident_entry', 'authorization', 'internal', 'tenant_id entry_id incident_id at by_id kind');
call app.classify('incident_entry', 'authorization', 'personal', 'by_name body');

-- Who is affected, as the query found it at that moment.
create table app.incident_affected (
  tenant_id   uuid not null,
  affected_id uuid not null,
  incident_id uuid not null,
  kind        text not null constraint incident_affected_kind_ck check (kind in ('partner', 'member', 'contact')),
  ref_id      uuid not null,
  partner_id  uuid,
  name        text not null,
  email       text not null default '',
  records     bigint not null default 0,
  why         text not null default '',
  created_at  timestamptz not null default app.now(),
  constraint incident_affected_pk primary key (tenant_id, affected_id),
  constraint incident_affected_incident_fk foreign key (tenant_id, incident_id) references app.incident (tenant_id, incident_id),
  constraint incident_affected_ref_uq unique (tenant_id, incident_id, kind, ref_id)
);
call app.protect('incident_affected', 'select, insert, delete');
call app.keep_history('incident_affected', 'affected_id');
call app.classify('incident_affected', 'audit-log', 'internal', 'tenant_id affected_id incident_id kind ref_id partner_id records why created_at');
call app.classify('incident_affected', 'audit-log', 'personal', 'name email');

-- What the affected and the authority are told. It cannot go out with one of its four parts missing.
create table app.incident_notice (
  tenant_id   uuid not null,
  notice_id   uuid not null,
  incident_id uuid not null,
  recipient   text not null constraint incident_notice_recipient_ck check (recipient in ('affected', 'authority')),
  nature      text not null default '', impact text not null default '', mitigation text not null default '', contact text not null default '',
  status      text not null default 'draft' constraint incident_notice_status_ck check (status in ('draft', 'sent')),
  sent_at     timestamptz,
  sent_by_name text not null default '',
  mailing_id  uuid,
  version     int not null default 1,
  created_at  timestamptz not null default app.now(),
  updated_at  timestamptz not null default app.now(),
  constraint incident_notice_pk primary key (tenant_id, notice_id),
  constraint incident_notice_incident_fk foreign key (tenant_id, incident_id) references app.incident (tenant_id, incident_id),
  constraint incident_notice_mailing_fk foreign key (tenant_id, mailing_id) references app.notice (tenant_id, notice_id) on delete set null (mailing_id),
  constraint incident_notice_length_ck check (length(nature) <= 5000 and length(impact) <= 5000 and length(mitigation) <= 5000 and length(contact) <= 1000),
  constraint incident_notice_parts_ck check (status = 'draft' or sent_at is not null and btrim(nature, E' \t\r\n') <> '' and btrim(impact, E' \t\r\n') <> ''
    and btrim(mitigation, E' \t\r\n') <> '' and btrim(contact, E' \t\r\n') <> '')
);
create index incident_notice_incident_ix on app.incident_notice (tenant_id, incident_id, created_at);
call app.protect('incident_notice', 'select, insert, update');
call app.keep_history('incident_notice', 'notice_id');
call app.classify('incident_notice', 'authorization', 'internal', 'tenant_id notice_id incident_id recipient status sent_at mailing_id version created_at updated_at');
call app.classify('incident_notice', 'authorization', 'business', 'nature impact mitigation contact');
call app.classify('incident_notice', 'authorization', 'personal', 'sent_by_name');
-- +goose StatementBegin
create function app.incident_notice_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if old.status = 'sent' and (new.status, new.nature, new.impact, new.mitigation, new.contact, new.sent_at, new.recipient)
     is distinct from (old.status, old.nature, old.impact, old.mitigation, old.contact, old.sent_at, old.recipient) then
    raise exception 'a notice that was sent stays as it is' using errcode = '23514', constraint = 'incident_notice_frozen_ck';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger incident_notice_guard before update on app.incident_notice for each row execute function app.incident_notice_guard();

create table app.incident_action (
  tenant_id   uuid not null,
  action_id   uuid not null,
  incident_id uuid not null,
  body        text not null constraint incident_action_body_ck check (length(body) between 1 and 1000),
  owner_id    uuid,
  owner_name  text not null,
  due_on      date not null,
  done_at     timestamptz,
  created_at  timestamptz not null default app.now(),
  constraint incident_action_pk primary key (tenant_id, action_id),
  constraint incident_action_incident_fk foreign key (tenant_id, incident_id) references app.incident (tenant_id, incident_id)
);
create index incident_action_incident_ix on app.incident_action (tenant_id, incident_id, due_on);
call app.protect('incident_action', 'select, insert, update');
call app.keep_history('incident_action', 'action_id');
call app.classify('incident_action', 'authorization', 'internal', 'tenant_id action_id incident_id owner_id due_on done_at created_at');
call app.classify('incident_action', 'authorization', 'business', 'body');
call app.classify('incident_action', 'authorization', 'personal', 'owner_name');
