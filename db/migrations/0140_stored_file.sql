-- +goose Up
-- Files that the program makes for people: exports, bundles, evidence, certificates. The row is the truth, the content lies
-- outside the database, encrypted with the key of its tenant. Retention: category export, event recorded from kept_from (null:
-- the file has an end of its own, or none, as a certificate has).
create table app.stored_file (
  tenant_id    uuid not null constraint stored_file_tenant_fk references app.tenant,
  file_id      uuid not null,
  kind         text not null constraint stored_file_kind_ck check (kind in ('subject-export', 'tenant-export', 'audit-bundle', 'evidence', 'certificate')),
  name         text not null constraint stored_file_name_ck check (length(name) between 1 and 200),
  content_type text not null constraint stored_file_content_type_ck check (content_type ~ '^[a-z0-9.+-]+/[a-z0-9.+-]+(; ?charset=utf-8)?$'),
  partner_id   uuid, -- the partner whose people may have it too
  member_id    uuid, -- the one person it is for; nobody else of a partner may have it
  object_type  text not null default '',
  object_id    uuid, -- what it is about, such as a request of a data subject
  state        text not null constraint stored_file_state_ck check (state in ('writing', 'ready', 'gone')),
  size         bigint not null default 0 constraint stored_file_size_ck check (size >= 0), -- of the content, in bytes
  sha256       bytea constraint stored_file_sha256_ck check (length(sha256) = 32),         -- of the content
  key_version  int, -- of the data key that the content is encrypted with
  blob_key     text constraint stored_file_blob_key_ck check (length(blob_key) between 1 and 512), -- null: the content is removed
  created_by   uuid,
  created_by_name text not null default '',
  created_at   timestamptz not null default app.now(),
  kept_from    timestamptz,
  expires_at   timestamptz,
  version      int not null default 1,
  constraint stored_file_pk primary key (tenant_id, file_id),
  constraint stored_file_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id) on delete set null (partner_id),
  constraint stored_file_ready_ck check (state <> 'ready' or (sha256 is not null and blob_key is not null and key_version is not null))
);
create index stored_file_list_ix on app.stored_file (tenant_id, created_at desc, file_id desc);
create index stored_file_partner_ix on app.stored_file (tenant_id, partner_id, created_at desc);
create index stored_file_end_ix on app.stored_file (tenant_id, expires_at) where blob_key is not null;
create index stored_file_blob_ix on app.stored_file (tenant_id, blob_key);
call app.protect('stored_file', 'select, insert, update', 'select');
call app.keep_history('stored_file', 'file_id');
call app.classify('stored_file', 'export', 'personal', 'name created_by_name');
call app.classify('stored_file', 'export', 'internal', 'tenant_id file_id kind content_type partner_id member_id object_type object_id state size sha256 key_version blob_key created_by created_at kept_from expires_at version');
