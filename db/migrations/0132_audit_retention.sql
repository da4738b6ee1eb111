-- +goose Up
-- Leaves and hashes of the sealed log outlive the entries, so that what is left can still be proved; they go with the tenant.
call app.retain_tenant('audit_leaf', 'authorization');
call app.retain_tenant('audit_tile', 'authorization');
call app.retain_tenant('audit_tree', 'authorization');
call app.retain_tenant('audit_checkpoint', 'authorization');
call app.retain_tenant('audit_sequencer', 'authorization');
call app.retain_tenant('audit_root_tile', 'authorization');
call app.retain_tenant('audit_root_leaf', 'authorization');
call app.retain_tenant('audit_target', 'authorization');
call app.retain('audit_delivery', 'audit-log', 'recorded', 'at');

-- A tenant may have more logs than one; which it is, is part of the key.
alter table app.audit_tree add column log text not null default 'audit';
alter table app.audit_tree drop constraint audit_tree_pk, add constraint audit_tree_pk primary key (tenant_id, log);
call app.classify('audit_tree', 'authorization', 'internal', 'tenant_id log size root note signed_at fence');
call app.classify('audit_leaf', 'authorization', 'internal', 'tenant_id seq entry_id at category');
call app.classify('audit_tile', 'authorization', 'internal', 'tenant_id level n hashes');
call app.classify('audit_checkpoint', 'authorization', 'internal', 'tenant_id size root note signed_at');
call app.classify('audit_sequencer', 'authorization', 'internal', 'only_one fence sealed_xact size note signed_at');
call app.classify('audit_root_tile', 'authorization', 'internal', 'level n hashes');
call app.classify('audit_root_leaf', 'authorization', 'internal', 'seq heads at');
call app.classify('audit_target', 'authorization', 'internal', 'target root_size sent_at done_at tried_at tries error');
