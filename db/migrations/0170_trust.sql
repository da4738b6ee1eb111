-- +goose Up
-- The promise register's evidence: what each probe found, and what the operator or an Admin attests where software cannot see.
-- Evidence is written once and never changed; it falls away after 13 months. And the concerns that people report.
-- Retention: promise_evidence audit-log recorded at; concern workflow-log recorded created_at.

create table app.promise_evidence (
  tenant_id   uuid not null constraint promise_evidence_tenant_fk references app.tenant,
  evidence_id uuid not null,
  promise     text not null constraint promise_evidence_promise_ck check (promise ~ '^P-[0-9]{2}$'),
  at          timestamptz not null,
  kind        text not null constraint promise_evidence_kind_ck check (kind in ('probe', 'attestation')),
  result      text not null constraint promise_evidence_result_ck check (result in ('kept', 'failing', 'unseen', 'not-offered', 'attested', 'withdrawn')),
  checked     text not null constraint promise_evidence_checked_ck check (length(checked) <= 1000),
  items       bigint not null default 0 constraint promise_evidence_items_ck check (items >= 0),
  detail      text not null default '' constraint promise_evidence_detail_ck check (length(detail) <= 4000),
  tree_size   bigint,
  tree_root   text not null default '',
  program     text not null default '',
  took_ms     int not null default 0,
  by_name     text not null default '',
  until_on    date,
  constraint promise_evidence_pk primary key (tenant_id, evidence_id),
  constraint promise_evidence_attested_ck check ((kind = 'attestation') = (result in ('attested', 'withdrawn')) and (result <> 'attested' or until_on is not null and by_name <> ''))
);
create index promise_evidence_promise_ix on app.promise_evidence (tenant_id, promise, kind, at desc, evidence_id desc);
create index promise_evidence_at_ix on app.promise_evidence (tenant_id, at);
call app.protect('promise_evidence', 'select, insert', worker => 'select, insert, delete');
grant select (tenant_id, evidence_id, promise, at, kind, result, checked, items, tree_size, tree_root, program, took_ms, by_name, until_on) on app.promise_evidence to entente_public;
create policy public_reach on app.promise_evidence for select to entente_public using (true);
call app.classify('promise_evidence', 'audit-log', 'internal', 'tenant_id evidence_id detail took_ms');
call app.classify('promise_evidence', 'audit-log', 'public', 'promise at kind result checked items tree_size tree_root program until_on');
call app.classify('promise_evidence', 'audit-log', 'personal', 'by_name');

-- The same for what is true of the installation as a whole. No tenant's content is in it.
create table app.installation_evidence (
  evidence_id uuid not null constraint installation_evidence_pk primary key,
  promise     text not null constraint installation_evidence_promise_ck check (promise ~ '^P-[0-9]{2}$'),
  at          timestamptz not null,
  kind        text not null constraint installation_evidence_kind_ck check (kind in ('probe', 'attestation')),
  result      text not null constraint installation_evidence_result_ck check (result in ('kept', 'failing', 'unseen', 'not-offered', 'attested', 'withdrawn')),
  checked     text not null constraint installation_evidence_checked_ck check (length(checked) <= 1000),
  items       bigint not null default 0 constraint installation_evidence_items_ck check (items >= 0),
  detail      text not null default '' constraint installation_evidence_detail_ck check (length(detail) <= 4000),
  tree_size   bigint,
  tree_root   text not null default '',
  program     text not null default '',
  took_ms     int not null default 0,
  by_name     text not null default '',
  until_on    date,
  constraint installation_evidence_attested_ck check ((kind = 'attestation') = (result in ('attested', 'withdrawn')) and (result <> 'attested' or until_on is not null and by_name <> ''))
);
create index installation_evidence_promise_ix on app.installation_evidence (promise, kind, at desc, evidence_id desc);
create index installation_evidence_at_ix on app.installation_evidence (at);
alter table app.installation_evidence enable row level security;
alter table app.installation_evidence force row level security;
grant select, insert, delete on app.installation_evidence to entente_worker;
create policy worker_reach on app.installation_evidence for all to entente_worker using (true) with check (true);
grant select (evidence_id, promise, at, kind, result, checked, items, tree_size, tree_root, program, took_ms, by_name, until_on) on app.installation_evidence to entente_staff, entente_public;
create policy everybody on app.installation_evidence for select to entente_staff, entente_public using (true);
call app.classify('installation_evidence', 'audit-log', 'internal', 'evidence_id detail took_ms');
call app.classify('installation_evidence', 'audit-log', 'public', 'promise at kind result checked items tree_size tree_root program until_on');
call app.classify('installation_evidence', 'audit-log', 'personal', 'by_name');

-- What somebody reports through the public form.
create table app.concern (
  tenant_id   uuid not null constraint concern_tenant_fk references app.tenant,
  concern_id  uuid not null,
  kind        text not null constraint concern_kind_ck check (kind in ('security', 'privacy', 'abuse', 'other')),
  name        text not null default '' constraint concern_name_ck check (length(name) <= 200),
  email       text not null default '' constraint concern_email_ck check (length(email) <= 254),
  body        text not null constraint concern_body_ck check (length(body) between 1 and 5000),
  status      text not null default 'open' constraint concern_status_ck check (status in ('open', 'answered', 'closed')),
  answer      text not null default '' constraint concern_answer_ck check (length(answer) <= 5000),
  answered_by uuid,
  answered_by_name text not null default '',
  answered_at timestamptz,
  version     int not null default 1,
  created_at  timestamptz not null default app.now(),
  constraint concern_pk primary key (tenant_id, concern_id),
  constraint concern_answered_ck check (status <> 'answered' or answer <> '' and answered_at is not null)
);
create index concern_created_ix on app.concern (tenant_id, created_at desc, concern_id desc);
call app.protect('concern', 'select, update', worker => 'select, insert, update, delete');
call app.keep_history('concern', 'concern_id');
call app.classify('concern', 'workflow-log', 'personal', 'name email body answer answered_by_name');
call app.classify('concern', 'workflow-log', 'internal', 'tenant_id concern_id kind status answered_by answered_at version created_at');
