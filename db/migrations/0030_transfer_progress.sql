-- +goose Up
-- What an import needs to go on where it stopped: which work is under way, the last row it finished, and who asked for it.

alter table app.import_run
  add column phase       text not null default 'check' constraint import_run_phase_ck check (phase in ('check', 'commit', 'undo')),
  add column last_row    int not null default 0,
  add column file_info   jsonb not null default '{}',
  add column acted_by    uuid,
  add column acted_by_name text not null default '',
  add column undone_at   timestamptz;
call app.classify('import_run', 'customer-data', 'internal', 'phase last_row file_info acted_by undone_at');
call app.classify('import_run', 'customer-data', 'personal', 'acted_by_name');

-- An import takes a row back only while nobody else has touched its object: these find what an import made.
create index account_import_ix on app.account (tenant_id, import_id) where import_id is not null;
create index partner_import_ix on app.partner (tenant_id, import_id) where import_id is not null;
create index member_import_ix on app.member (tenant_id, import_id) where import_id is not null;
