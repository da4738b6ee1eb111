-- +goose Up
-- Imports and the e-mail log.

create table app.import_run (
  tenant_id   uuid not null constraint import_run_tenant_fk references app.tenant,
  import_id   uuid not null,
  kind        text not null constraint import_run_kind_ck check (kind in ('accounts', 'partners', 'deals', 'products')),
  status      text not null constraint import_run_status_ck check (status in ('uploaded', 'checking', 'checked', 'committing', 'committed', 'undoing', 'undone', 'failed')),
  file_name   text not null constraint import_run_file_ck check (length(file_name) <= 255),
  header      text[] not null default '{}',
  mapping     jsonb not null default '{}',
  report      jsonb not null default '{}',
  total       int not null default 0,
  done        int not null default 0,
  created     int not null default 0,
  updated     int not null default 0,
  unchanged   int not null default 0,
  refused     int not null default 0,
  failure     text not null default '',
  created_by  uuid,
  created_by_name text not null default '',
  version     int not null default 1,
  created_at  timestamptz not null default app.now(),
  updated_at  timestamptz not null default app.now(),
  committed_at timestamptz,
  constraint import_run_pk primary key (tenant_id, import_id)
);
create index import_run_created_ix on app.import_run (tenant_id, created_at desc, import_id desc);
call app.protect('import_run', 'select, insert, update');
call app.keep_history('import_run', 'import_id', 'report');
call app.classify('import_run', 'customer-data', 'internal', 'tenant_id import_id kind status file_name header mapping report total done created updated unchanged refused failure created_by version created_at updated_at committed_at');
call app.classify('import_run', 'customer-data', 'personal', 'created_by_name');

-- One row of the file: what it said, what became of it, and what stood there before, for undo.
create table app.import_row (
  tenant_id uuid not null,
  import_id uuid not null,
  row_no    int not null,
  cells     text[] not null,
  outcome   text not null default 'waiting' constraint import_row_outcome_ck check (outcome in ('waiting', 'ok', 'created', 'updated', 'unchanged', 'refused', 'undone')),
  problems  jsonb not null default '[]',
  object_id uuid,
  before    jsonb,
  constraint import_row_pk primary key (tenant_id, import_id, row_no),
  constraint import_row_run_fk foreign key (tenant_id, import_id) references app.import_run (tenant_id, import_id) on delete cascade
);
create index import_row_outcome_ix on app.import_row (tenant_id, import_id, outcome, row_no);
call app.protect('import_row', 'select, insert, update, delete');
call app.classify('import_row', 'customer-data', 'internal', 'tenant_id import_id row_no outcome object_id');
call app.classify('import_row', 'customer-data', 'personal', 'cells problems before');

-- Every mail the program sends, in full. link is the one-time link a mail carries until it is handed over; the log never keeps it.
create table app.mail (
  tenant_id  uuid not null,
  mail_id    uuid not null,
  template   text not null,
  to_email   text not null constraint mail_to_ck check (length(to_email) <= 254),
  to_name    text not null default '',
  subject    text not null,
  text_body  text not null,
  html_body  text not null,
  link       text,
  status     text not null default 'queued' constraint mail_status_ck check (status in ('queued', 'sent', 'logged', 'failed')),
  attempts   int not null default 0,
  last_error text not null default '',
  object_type text not null default '',
  object_id  uuid,
  created_at timestamptz not null default app.now(),
  sent_at    timestamptz,
  constraint mail_pk primary key (tenant_id, mail_id)
);
create index mail_created_ix on app.mail (tenant_id, created_at desc, mail_id desc);
call app.protect('mail', 'select, insert', 'insert', 'tenant');
call app.keep_history('mail', 'mail_id', 'link text_body html_body');
call app.classify('mail', 'email-log', 'personal', 'to_email to_name subject text_body html_body last_error');
call app.classify('mail', 'email-log', 'secret', 'link');
call app.classify('mail', 'email-log', 'internal', 'tenant_id mail_id template status attempts object_type object_id created_at sent_at');
