-- +goose Up
-- Envelope encryption: one data key for each tenant, wrapped by a key-encryption key that is never in the database, and the key
-- that signs checkpoints, certificates and packages of this installation. Only the worker persona reads them.

create table app.data_key (
  tenant_id    uuid not null constraint data_key_tenant_fk references app.tenant,
  key_version  int not null constraint data_key_version_ck check (key_version > 0),
  key_id       uuid not null default gen_random_uuid(), -- the row's own id, for the history
  wrapped      bytea, -- null: destroyed; whatever it encrypted is gone for good
  kek_id       text not null,
  created_at   timestamptz not null default app.now(),
  destroyed_at timestamptz,
  constraint data_key_pk primary key (tenant_id, key_version),
  constraint data_key_destroyed_ck check ((wrapped is null) = (destroyed_at is not null))
);
call app.protect('data_key', '', worker => 'select, insert, update');
call app.keep_history('data_key', 'key_id', 'wrapped'); -- when a key was made, wrapped anew and destroyed; never the key
call app.classify('data_key', 'authorization', 'secret', 'wrapped');
call app.classify('data_key', 'authorization', 'internal', 'tenant_id key_version key_id kek_id created_at destroyed_at');

create table app.signing_key (
  key_id     uuid not null constraint signing_key_pk primary key,
  verifier   text not null constraint signing_key_verifier_uq unique, -- the public half, as golang.org/x/mod/sumdb/note writes it
  wrapped    bytea not null,
  kek_id     text not null,
  created_at timestamptz not null default app.now(),
  retired_at timestamptz
);
create unique index signing_key_current_uq on app.signing_key ((true)) where retired_at is null;
alter table app.signing_key enable row level security;
alter table app.signing_key force row level security;
grant select, insert, update on app.signing_key to entente_worker;
create policy worker_reach on app.signing_key for all to entente_worker using (true) with check (true);
grant select (key_id, verifier, created_at, retired_at) on app.signing_key to entente_staff, entente_partner, entente_public;
create policy public_half on app.signing_key for select to entente_staff, entente_partner, entente_public using (true);
call app.classify('signing_key', 'authorization', 'secret', 'wrapped');
call app.classify('signing_key', 'authorization', 'public', 'key_id verifier kek_id created_at retired_at');
