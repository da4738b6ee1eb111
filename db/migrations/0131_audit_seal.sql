-- +goose Up
-- The sealed log: one RFC 6962 tree for each tenant over the entries of its audit log, and one for the installation over the heads of
-- those trees. A leaf outlives its entry (category audit-log, event recorded: at); what it tells is a hash.

create table app.audit_leaf (
  tenant_id uuid not null constraint audit_leaf_tenant_fk references app.tenant,
  seq       bigint not null constraint audit_leaf_seq_ck check (seq >= 0),
  entry_id  uuid not null,
  at        timestamptz not null, -- of the entry
  category  text not null,
  constraint audit_leaf_pk primary key (tenant_id, seq),
  constraint audit_leaf_entry_uq unique (tenant_id, entry_id)
);
call app.protect('audit_leaf', 'select', worker => 'select, insert');
call app.classify('audit_leaf', 'audit-log', 'internal', 'tenant_id seq entry_id at category');

-- Hashes of complete subtrees, 256 to a tile: tile (level, n) holds those of height 8·level from n·256 on; the last of a level grows.
create table app.audit_tile (
  tenant_id uuid not null constraint audit_tile_tenant_fk references app.tenant,
  level     int not null constraint audit_tile_level_ck check (level between 0 and 7),
  n         bigint not null constraint audit_tile_n_ck check (n >= 0),
  hashes    bytea not null constraint audit_tile_hashes_ck check (length(hashes) between 32 and 8192 and length(hashes) % 32 = 0),
  constraint audit_tile_pk primary key (tenant_id, level, n)
);
alter table app.audit_tile alter column hashes set storage external;
call app.protect('audit_tile', 'select', worker => 'select, insert, update');
call app.classify('audit_tile', 'audit-log', 'internal', 'tenant_id level n hashes');

-- The newest head of each tenant's tree, and one of each hour and of each that left the host.
create table app.audit_tree (
  tenant_id uuid not null constraint audit_tree_tenant_fk references app.tenant,
  size      bigint not null,
  root      bytea not null constraint audit_tree_root_ck check (length(root) = 32),
  note      text not null, -- the signed checkpoint
  signed_at timestamptz not null,
  fence     bigint not null, -- the run of the sequencer that made it
  constraint audit_tree_pk primary key (tenant_id)
);
call app.protect('audit_tree', 'select', worker => 'select, insert, update');
call app.classify('audit_tree', 'audit-log', 'internal', 'tenant_id size root note signed_at fence');
create table app.audit_checkpoint (
  tenant_id uuid not null constraint audit_checkpoint_tenant_fk references app.tenant,
  size      bigint not null,
  root      bytea not null constraint audit_checkpoint_root_ck check (length(root) = 32),
  note      text not null,
  signed_at timestamptz not null,
  constraint audit_checkpoint_pk primary key (tenant_id, size)
);
create index audit_checkpoint_at_ix on app.audit_checkpoint (tenant_id, signed_at desc);
call app.protect('audit_checkpoint', 'select', worker => 'select, insert');
call app.classify('audit_checkpoint', 'audit-log', 'internal', 'tenant_id size root note signed_at');

-- Where a tenant's checkpoints went.
create table app.audit_delivery (
  tenant_id   uuid not null constraint audit_delivery_tenant_fk references app.tenant,
  delivery_id uuid not null,
  target      text not null, -- as the operator sees it, without secrets
  size        bigint not null,
  outcome     text not null constraint audit_delivery_outcome_ck check (outcome in ('done', 'failed')),
  detail      text not null default '',
  tries       int not null,
  at          timestamptz not null,
  constraint audit_delivery_pk primary key (tenant_id, delivery_id)
);
create index audit_delivery_at_ix on app.audit_delivery (tenant_id, at desc);
call app.protect('audit_delivery', 'select', worker => 'select, insert, delete');
call app.classify('audit_delivery', 'audit-log', 'internal', 'tenant_id delivery_id target size outcome detail tries at');

-- The installation's own: the sequencer's place, the tree over the tenants' heads, and the places that checkpoints are sent to.
create table app.audit_sequencer (
  only_one    boolean not null default true constraint audit_sequencer_pk primary key constraint audit_sequencer_one_ck check (only_one),
  fence       bigint not null default 0,
  sealed_xact xid8 not null default '0',
  size        bigint not null default 0,
  note        text not null default '',
  signed_at   timestamptz
);
insert into app.audit_sequencer default values;
create table app.audit_root_tile (
  level  int not null constraint audit_root_tile_level_ck check (level between 0 and 7),
  n      bigint not null,
  hashes bytea not null constraint audit_root_tile_hashes_ck check (length(hashes) between 32 and 8192 and length(hashes) % 32 = 0),
  constraint audit_root_tile_pk primary key (level, n)
);
alter table app.audit_root_tile alter column hashes set storage external;
create table app.audit_root_leaf (
  seq   bigint not null constraint audit_root_leaf_pk primary key,
  heads text not null, -- a line for each tenant that grew: tenant, size, root
  at    timestamptz not null
);
create table app.audit_target (
  target    text not null constraint audit_target_pk primary key,
  root_size bigint not null default 0,
  sent_at   timestamptz, -- the newest checkpoint that arrived was signed then
  done_at   timestamptz,
  tried_at  timestamptz,
  tries     int not null default 0, -- since the last success
  error     text not null default ''
);
-- +goose StatementBegin
do $$ declare t text; begin
  foreach t in array array['audit_sequencer', 'audit_root_tile', 'audit_root_leaf', 'audit_target'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('grant select, insert, update on app.%I to entente_worker', t);
    execute format('create policy worker_reach on app.%I for all to entente_worker using (true) with check (true)', t);
  end loop;
end $$;
-- +goose StatementEnd
grant delete on app.audit_root_leaf, app.audit_target to entente_worker;
call app.classify('audit_sequencer', 'audit-log', 'internal', 'only_one fence sealed_xact size note signed_at');
call app.classify('audit_root_tile', 'audit-log', 'internal', 'level n hashes');
call app.classify('audit_root_leaf', 'audit-log', 'internal', 'seq heads at');
call app.classify('audit_target', 'audit-log', 'internal', 'target root_size sent_at done_at tried_at tries error');

-- The sequencer reads what is new of every tenant at once: an idle installation costs one look into an index, however many tenants
-- there are. Nothing that tells about people is given out.
grant select (op_id, category, actor_kind, actor_id, actor_role, credential_id, partner_id, action, outcome, object_type, object_id) on app.audit_entry to entente_definer;
alter policy definer_reach on app.audit_entry using (true);
grant select (tenant_id, entry_id) on app.audit_leaf to entente_definer;
create policy definer_reach on app.audit_leaf for select to entente_definer using (true);
-- +goose StatementBegin
-- audit_unsealed returns committed entries from a transaction number on that have no leaf yet, oldest transaction first.
create function app.audit_unsealed(p_from xid8, p_limit int)
  returns table (xact xid8, tenant_id uuid, entry_id uuid, at timestamptz, op_id uuid, category text, actor_kind text, actor_id uuid, actor_role text,
                 credential_id uuid, partner_id uuid, action text, outcome text, object_type text, object_id uuid, commitment bytea)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.xact, e.tenant_id, e.entry_id, e.at, e.op_id, e.category, e.actor_kind, e.actor_id, e.actor_role, e.credential_id, e.partner_id, e.action, e.outcome,
         e.object_type, e.object_id, e.commitment
    from app.audit_entry e
   where e.xact >= p_from and e.commitment is not null
     and not exists (select from app.audit_leaf l where l.tenant_id = e.tenant_id and l.entry_id = e.entry_id)
   order by e.xact, e.at, e.entry_id limit p_limit
$$;
-- audit_plain returns tenants that have entries which a program before this one wrote.
create function app.audit_plain() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select distinct tenant_id from app.audit_entry where commitment is null limit 100
$$;
do $$ declare f text; begin
  execute 'grant create on schema app to entente_definer';
  foreach f in array array['app.audit_unsealed(xid8, int)', 'app.audit_plain()'] loop
    execute format('alter function %s owner to entente_definer', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to entente_worker', f);
  end loop;
  execute 'revoke create on schema app from entente_definer';
end $$;
-- +goose StatementEnd
