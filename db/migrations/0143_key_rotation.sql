-- +goose Up
-- A tenant gets a new data key, and what the older ones encrypted is encrypted anew, in chunks. One row a rotation: how far it is.
create table app.key_rotation (
  tenant_id   uuid not null constraint key_rotation_tenant_fk references app.tenant,
  rotation_id uuid not null,
  key_version int not null constraint key_rotation_version_ck check (key_version > 1), -- the new one
  state       text not null constraint key_rotation_state_ck check (state in ('running', 'waiting', 'done')),
  done        bigint not null default 0, -- values and files encrypted anew
  total       bigint not null default 0, -- that were there when it began
  kept        int[] not null default '{}', -- older versions that something still needs, such as entries of the audit log
  started_at  timestamptz not null,
  updated_at  timestamptz not null,
  finished_at timestamptz,
  constraint key_rotation_pk primary key (tenant_id, rotation_id)
);
create unique index key_rotation_current_uq on app.key_rotation (tenant_id) where state <> 'done';
call app.protect('key_rotation', '', worker => 'select, insert, update');
call app.keep_history('key_rotation', 'rotation_id');
call app.classify('key_rotation', 'authorization', 'internal', 'tenant_id rotation_id key_version state done total kept started_at updated_at finished_at');
call app.retain_tenant('key_rotation', 'authorization');
