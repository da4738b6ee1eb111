-- Code generated from db/migrations by internal/isolation. DO NOT EDIT.
-- The schema app as the migrations make it, for reading; each column says its class and category.

-- Tables

create table access_log (
  tenant_id uuid not null, -- class=internal category=server-log
  access_id uuid not null default gen_random_uuid(), -- class=internal category=server-log
  at timestamp with time zone not null, -- class=internal category=server-log
  actor_kind text not null, -- class=internal category=server-log
  actor_name text not null default ''::text, -- class=personal category=server-log
  member_id uuid, -- class=internal category=server-log
  partner_id uuid, -- class=internal category=server-log
  ip text not null default ''::text, -- class=personal category=server-log
  method text not null, -- class=internal category=server-log
  route text not null, -- class=internal category=server-log
  action text not null default ''::text, -- class=internal category=server-log
  status integer not null, -- class=internal category=server-log
  took_us bigint not null, -- class=internal category=server-log
  user_agent text not null default ''::text, -- class=personal category=server-log
  request_id text not null default ''::text, -- class=internal category=server-log
  constraint access_log_actor_ck CHECK ((length(actor_name) <= 300)),
  constraint access_log_agent_ck CHECK ((length(user_agent) <= 300)),
  constraint access_log_pk PRIMARY KEY (tenant_id, at, access_id),
  constraint access_log_status_ck CHECK (((status >= 100) AND (status <= 599)))
) partition by RANGE (at);
CREATE INDEX access_log_member_ix ON ONLY app.access_log USING btree (tenant_id, member_id, at DESC);
grant delete, insert, select, update on access_log to entente_definer;
grant delete, select, update on access_log to entente_retention;
grant select on access_log to entente_staff;
grant insert, select on access_log to entente_worker;
alter table access_log enable row level security;
alter table access_log force row level security;
create policy definer_leave on access_log as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on access_log as permissive all to entente_retention using true check true;
create policy staff_reach on access_log as permissive all to entente_staff using true check true;
create policy tenant_floor on access_log as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on access_log as permissive all to entente_worker using true check true;

create table access_log_rest (
  tenant_id uuid not null,
  access_id uuid not null default gen_random_uuid(),
  at timestamp with time zone not null,
  actor_kind text not null,
  actor_name text not null default ''::text,
  member_id uuid,
  partner_id uuid,
  ip text not null default ''::text,
  method text not null,
  route text not null,
  action text not null default ''::text,
  status integer not null,
  took_us bigint not null,
  user_agent text not null default ''::text,
  request_id text not null default ''::text,
  constraint access_log_actor_ck CHECK ((length(actor_name) <= 300)),
  constraint access_log_agent_ck CHECK ((length(user_agent) <= 300)),
  constraint access_log_rest_pkey PRIMARY KEY (tenant_id, at, access_id),
  constraint access_log_status_ck CHECK (((status >= 100) AND (status <= 599)))
);
CREATE INDEX access_log_rest_tenant_id_member_id_at_idx ON app.access_log_rest USING btree (tenant_id, member_id, at DESC);
alter table access_log_rest enable row level security;
alter table access_log_rest force row level security;
create policy tenant_floor on access_log_rest as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));

create table account (
  tenant_id uuid not null, -- class=internal category=customer-data
  account_id uuid not null, -- class=internal category=customer-data
  name text not null, -- class=business category=customer-data
  name_norm text not null default ''::text, -- class=business category=customer-data
  domain text not null default ''::text, -- class=business category=customer-data
  country text not null default ''::text, -- class=business category=customer-data
  sector text not null default ''::text, -- class=business category=customer-data
  employees integer, -- class=business category=customer-data
  parent_name text not null default ''::text, -- class=business category=customer-data
  source text not null default 'vendor'::text, -- class=internal category=customer-data
  external_id text, -- class=internal category=customer-data
  import_id uuid, -- class=internal category=customer-data
  version integer not null default 1, -- class=internal category=customer-data
  created_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  updated_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  constraint account_country_ck CHECK ((country ~ '^([A-Z]{2})?$'::text)),
  constraint account_domain_ck CHECK (((domain = lower(domain)) AND (length(domain) <= 253))),
  constraint account_employees_ck CHECK (((employees >= 0) AND (employees <= 100000000))),
  constraint account_external_uq UNIQUE (tenant_id, external_id),
  constraint account_name_ck CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint account_parent_ck CHECK ((length(parent_name) <= 200)),
  constraint account_pk PRIMARY KEY (tenant_id, account_id),
  constraint account_sector_ck CHECK ((length(sector) <= 100)),
  constraint account_source_ck CHECK ((source = ANY (ARRAY['vendor'::text, 'partner'::text, 'import'::text]))),
  constraint account_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX account_created_ix ON app.account USING btree (tenant_id, created_at DESC, account_id DESC);
CREATE INDEX account_domain_ix ON app.account USING btree (tenant_id, domain) WHERE (domain <> ''::text);
CREATE INDEX account_import_ix ON app.account USING btree (tenant_id, import_id) WHERE (import_id IS NOT NULL);
CREATE INDEX account_name_ix ON app.account USING btree (tenant_id, name_norm, account_id);
grant delete, insert, select, update on account to entente_definer;
grant select (xmin, tenant_id, account_id, source) on account to entente_definer;
grant insert, select, update on account to entente_partner;
grant delete, select, update on account to entente_retention;
grant delete, insert, select, update on account to entente_staff;
grant delete, insert, select, update on account to entente_worker;
alter table account enable row level security;
alter table account force row level security;
create policy definer_leave on account as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on account as permissive select to entente_definer using true;
create policy partner_add on account as permissive insert to entente_partner check (source = 'partner'::text);
create policy partner_reach on account as permissive all to entente_partner using (EXISTS ( SELECT 1 FROM account_partner s WHERE ((s.tenant_id = ( SELECT tenant() AS tenant)) AND (s.partner_id = ( SELECT partner() AS partner)) AND (s.account_id = account.account_id)))) check (EXISTS ( SELECT 1 FROM account_partner s WHERE ((s.tenant_id = ( SELECT tenant() AS tenant)) AND (s.partner_id = ( SELECT partner() AS partner)) AND (s.account_id = account.account_id))));
create policy retention_reach on account as permissive all to entente_retention using true check true;
create policy staff_reach on account as permissive all to entente_staff using true check true;
create policy tenant_floor on account as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on account as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.account REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('account_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.account REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('account_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.account REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('account_id');

create table account_partner (
  tenant_id uuid not null, -- class=internal category=customer-data
  share_id uuid not null default gen_random_uuid(), -- class=internal category=customer-data
  partner_id uuid not null, -- class=internal category=customer-data
  account_id uuid not null, -- class=internal category=customer-data
  created_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  constraint account_partner_account_fk FOREIGN KEY (tenant_id, account_id) REFERENCES account(tenant_id, account_id) ON DELETE CASCADE,
  constraint account_partner_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id) ON DELETE CASCADE,
  constraint account_partner_pk PRIMARY KEY (tenant_id, partner_id, account_id)
);
CREATE INDEX account_partner_account_ix ON app.account_partner USING btree (tenant_id, account_id);
grant delete, insert, select, update on account_partner to entente_definer;
grant insert, select on account_partner to entente_partner;
grant delete, select, update on account_partner to entente_retention;
grant delete, insert, select on account_partner to entente_staff;
grant delete, insert, select, update on account_partner to entente_worker;
alter table account_partner enable row level security;
alter table account_partner force row level security;
create policy definer_leave on account_partner as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on account_partner as permissive select to entente_definer using true;
create policy partner_reach on account_partner as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy partner_take on account_partner as restrictive insert to entente_partner check may_take_account(account_id);
create policy retention_reach on account_partner as permissive all to entente_retention using true check true;
create policy staff_reach on account_partner as permissive all to entente_staff using true check true;
create policy tenant_floor on account_partner as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on account_partner as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.account_partner REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('share_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.account_partner REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('share_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.account_partner REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('share_id');

create table api_key (
  tenant_id uuid not null, -- class=internal category=user-account
  key_id uuid not null, -- class=internal category=user-account
  member_id uuid not null, -- class=internal category=user-account
  partner_id uuid, -- class=internal category=user-account
  name text not null, -- class=internal category=user-account
  prefix text not null, -- class=internal category=user-account
  key_hash bytea not null, -- class=secret category=user-account
  scopes text[] not null default '{}'::text[], -- class=internal category=user-account
  expires_at timestamp with time zone, -- class=internal category=user-account
  last_used_at timestamp with time zone, -- class=internal category=user-account
  revoked_at timestamp with time zone, -- class=internal category=user-account
  created_by uuid, -- class=internal category=user-account
  created_at timestamp with time zone not null default app.now(), -- class=internal category=user-account
  constraint api_key_member_fk FOREIGN KEY (tenant_id, member_id) REFERENCES member(tenant_id, member_id) ON DELETE CASCADE,
  constraint api_key_name_ck CHECK (((length(name) >= 1) AND (length(name) <= 100))),
  constraint api_key_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id) ON DELETE CASCADE,
  constraint api_key_pk PRIMARY KEY (tenant_id, key_id),
  constraint api_key_scopes_ck CHECK ((cardinality(scopes) <= 50))
);
CREATE INDEX api_key_hash_ix ON app.api_key USING btree (key_hash);
CREATE INDEX api_key_member_ix ON app.api_key USING btree (tenant_id, member_id, created_at DESC);
grant delete, insert, select, update on api_key to entente_definer;
grant update (last_used_at, revoked_at) on api_key to entente_definer;
grant insert, select, update on api_key to entente_partner;
grant insert on api_key to entente_platform;
grant delete, select, update on api_key to entente_retention;
grant insert, select, update on api_key to entente_staff;
grant delete, insert, select, update on api_key to entente_worker;
alter table api_key enable row level security;
alter table api_key force row level security;
create policy definer_leave on api_key as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on api_key as permissive all to entente_definer using true check true;
create policy partner_reach on api_key as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy platform_reach on api_key as permissive all to entente_platform using true check true;
create policy retention_reach on api_key as permissive all to entente_retention using true check true;
create policy staff_reach on api_key as permissive all to entente_staff using true check true;
create policy tenant_floor on api_key as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on api_key as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.api_key REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('key_id', 'key_hash');
CREATE TRIGGER history_insert AFTER INSERT ON app.api_key REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('key_id', 'key_hash');
CREATE TRIGGER history_update AFTER UPDATE ON app.api_key REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('key_id', 'key_hash');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.api_key FOR EACH ROW EXECUTE FUNCTION partner_links('api_key_member_fk', 'member_id', 'member', 'member_id', 'api_key_partner_fk', 'partner_id', 'partner', 'partner_id');
CREATE TRIGGER tell_auth_update AFTER UPDATE ON app.api_key FOR EACH ROW WHEN ((((old.revoked_at IS DISTINCT FROM new.revoked_at) OR (old.expires_at IS DISTINCT FROM new.expires_at)) OR (old.scopes IS DISTINCT FROM new.scopes))) EXECUTE FUNCTION tell_auth('key_id');

create table archive_run (
  tenant_id uuid not null, -- class=internal category=export
  run_id uuid not null, -- class=internal category=export
  status text not null default 'waiting'::text, -- class=internal category=export
  step text not null default ''::text, -- class=internal category=export
  done bigint not null default 0, -- class=internal category=export
  total bigint not null default 0, -- class=internal category=export
  file_id uuid, -- class=internal category=export
  bytes bigint not null default 0, -- class=internal category=export
  failure text not null default ''::text, -- class=internal category=export
  created_by uuid, -- class=internal category=export
  created_by_name text not null default ''::text, -- class=personal category=export
  created_at timestamp with time zone not null default app.now(), -- class=internal category=export
  finished_at timestamp with time zone, -- class=internal category=export
  constraint archive_run_pk PRIMARY KEY (tenant_id, run_id),
  constraint archive_run_status_ck CHECK ((status = ANY (ARRAY['waiting'::text, 'working'::text, 'done'::text, 'failed'::text]))),
  constraint archive_run_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX archive_run_created_ix ON app.archive_run USING btree (tenant_id, created_at DESC, run_id DESC);
grant delete, insert, select, update on archive_run to entente_definer;
grant delete, select, update on archive_run to entente_retention;
grant insert, select on archive_run to entente_staff;
grant delete, insert, select, update on archive_run to entente_worker;
alter table archive_run enable row level security;
alter table archive_run force row level security;
create policy definer_leave on archive_run as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on archive_run as permissive all to entente_retention using true check true;
create policy staff_reach on archive_run as permissive all to entente_staff using true check true;
create policy tenant_floor on archive_run as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on archive_run as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.archive_run REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('run_id', 'step', 'done');
CREATE TRIGGER history_insert AFTER INSERT ON app.archive_run REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('run_id', 'step', 'done');
CREATE TRIGGER history_update AFTER UPDATE ON app.archive_run REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('run_id', 'step', 'done');

create table arrival (
  tenant_id uuid not null, -- class=internal category=authorization
  arrival_id uuid not null, -- class=internal category=authorization
  manifest text not null, -- class=internal category=authorization
  signed_by text not null default ''::text, -- class=internal category=authorization
  exported_at timestamp with time zone not null, -- class=internal category=authorization
  arrived_at timestamp with time zone not null, -- class=internal category=authorization
  constraint arrival_manifest_ck CHECK ((manifest ~ '^[0-9a-f]{64}$'::text)),
  constraint arrival_pk PRIMARY KEY (tenant_id, arrival_id),
  constraint arrival_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
grant delete, insert, select, update on arrival to entente_definer;
grant insert on arrival to entente_platform;
grant select on arrival to entente_staff;
grant delete, insert, select, update on arrival to entente_worker;
alter table arrival enable row level security;
alter table arrival force row level security;
create policy definer_leave on arrival as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy platform_reach on arrival as permissive all to entente_platform using true check true;
create policy staff_reach on arrival as permissive all to entente_staff using true check true;
create policy tenant_floor on arrival as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on arrival as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.arrival REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('arrival_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.arrival REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('arrival_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.arrival REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('arrival_id');

create table audit_checkpoint (
  tenant_id uuid not null, -- class=internal category=authorization
  size bigint not null, -- class=internal category=authorization
  root bytea not null, -- class=internal category=authorization
  note text not null, -- class=internal category=authorization
  signed_at timestamp with time zone not null, -- class=internal category=authorization
  constraint audit_checkpoint_pk PRIMARY KEY (tenant_id, size),
  constraint audit_checkpoint_root_ck CHECK ((length(root) = 32)),
  constraint audit_checkpoint_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX audit_checkpoint_at_ix ON app.audit_checkpoint USING btree (tenant_id, signed_at DESC);
grant delete, insert, select, update on audit_checkpoint to entente_definer;
grant select on audit_checkpoint to entente_staff;
grant insert, select on audit_checkpoint to entente_worker;
alter table audit_checkpoint enable row level security;
alter table audit_checkpoint force row level security;
create policy definer_leave on audit_checkpoint as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on audit_checkpoint as permissive all to entente_staff using true check true;
create policy tenant_floor on audit_checkpoint as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on audit_checkpoint as permissive all to entente_worker using true check true;

create table audit_delivery (
  tenant_id uuid not null, -- class=internal category=audit-log
  delivery_id uuid not null, -- class=internal category=audit-log
  target text not null, -- class=internal category=audit-log
  size bigint not null, -- class=internal category=audit-log
  outcome text not null, -- class=internal category=audit-log
  detail text not null default ''::text, -- class=internal category=audit-log
  tries integer not null, -- class=internal category=audit-log
  at timestamp with time zone not null, -- class=internal category=audit-log
  constraint audit_delivery_outcome_ck CHECK ((outcome = ANY (ARRAY['done'::text, 'failed'::text]))),
  constraint audit_delivery_pk PRIMARY KEY (tenant_id, delivery_id),
  constraint audit_delivery_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX audit_delivery_at_ix ON app.audit_delivery USING btree (tenant_id, at DESC);
grant delete, insert, select, update on audit_delivery to entente_definer;
grant delete, select, update on audit_delivery to entente_retention;
grant select on audit_delivery to entente_staff;
grant delete, insert, select on audit_delivery to entente_worker;
alter table audit_delivery enable row level security;
alter table audit_delivery force row level security;
create policy definer_leave on audit_delivery as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on audit_delivery as permissive all to entente_retention using true check true;
create policy staff_reach on audit_delivery as permissive all to entente_staff using true check true;
create policy tenant_floor on audit_delivery as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on audit_delivery as permissive all to entente_worker using true check true;

create table audit_entry (
  tenant_id uuid not null, -- class=internal category=audit-log
  entry_id uuid not null, -- class=internal category=audit-log
  at timestamp with time zone not null, -- class=internal category=audit-log
  op_id uuid not null, -- class=internal category=audit-log
  actor_kind text not null, -- class=internal category=audit-log
  actor_id uuid, -- class=internal category=audit-log
  actor_name text not null default ''::text, -- class=personal category=audit-log
  actor_role text not null, -- class=internal category=audit-log
  credential_id uuid, -- class=internal category=audit-log
  partner_id uuid, -- class=internal category=audit-log
  action text not null, -- class=internal category=audit-log
  outcome text not null, -- class=internal category=audit-log
  object_type text not null, -- class=internal category=audit-log
  object_id uuid, -- class=internal category=audit-log
  object_label text not null default ''::text, -- class=personal category=audit-log
  changes jsonb not null default '{}'::jsonb, -- class=personal category=audit-log
  note text not null default ''::text, -- class=personal category=audit-log
  request_id text not null default ''::text, -- class=internal category=audit-log
  ip text not null default ''::text, -- class=personal category=audit-log
  user_agent text not null default ''::text, -- class=personal category=audit-log
  category text not null default 'audit-log'::text, -- class=internal category=security-event
  payload bytea, -- class=secret category=audit-log
  salt bytea, -- class=secret category=audit-log
  commitment bytea, -- class=internal category=audit-log
  erased_at timestamp with time zone, -- class=internal category=audit-log
  xact xid8 not null default pg_current_xact_id(), -- class=internal category=audit-log
  constraint audit_entry_actor_kind_ck CHECK ((actor_kind = ANY (ARRAY['person'::text, 'service'::text, 'system'::text, 'anonymous'::text]))),
  constraint audit_entry_category_ck CHECK ((category = ANY (ARRAY['audit-log'::text, 'security-event'::text]))),
  constraint audit_entry_commitment_ck CHECK ((length(commitment) = 32)),
  constraint audit_entry_erased_ck CHECK (((erased_at IS NOT NULL) = ((commitment IS NOT NULL) AND (payload IS NULL)))),
  constraint audit_entry_outcome_ck CHECK ((outcome = ANY (ARRAY['done'::text, 'denied'::text]))),
  constraint audit_entry_payload_ck CHECK ((((payload IS NULL) = (salt IS NULL)) AND ((payload IS NULL) OR (commitment IS NOT NULL)) AND ((erased_at IS NULL) OR (payload IS NULL)))),
  constraint audit_entry_pk PRIMARY KEY (tenant_id, at, entry_id),
  constraint audit_entry_salt_ck CHECK ((length(salt) = 32))
) partition by RANGE (at);
CREATE INDEX audit_entry_action_ix ON ONLY app.audit_entry USING btree (tenant_id, action, at DESC);
CREATE INDEX audit_entry_actor_ix ON ONLY app.audit_entry USING btree (tenant_id, actor_id, at DESC);
CREATE INDEX audit_entry_category_ix ON ONLY app.audit_entry USING btree (tenant_id, category, at);
CREATE INDEX audit_entry_entry_ix ON ONLY app.audit_entry USING btree (tenant_id, entry_id);
CREATE INDEX audit_entry_object_ix ON ONLY app.audit_entry USING btree (tenant_id, object_id, at DESC);
CREATE INDEX audit_entry_partner_ix ON ONLY app.audit_entry USING btree (tenant_id, partner_id, at DESC);
CREATE INDEX audit_entry_plain_ix ON ONLY app.audit_entry USING btree (tenant_id, at) WHERE (commitment IS NULL);
CREATE INDEX audit_entry_xact_ix ON ONLY app.audit_entry USING btree (xact);
grant delete, insert, select, update on audit_entry to entente_definer;
grant select (tenant_id, entry_id, at, op_id, actor_kind, actor_id, actor_role, credential_id, partner_id, action, outcome, object_type, object_id, category, commitment, erased_at, xact) on audit_entry to entente_definer;
grant update (actor_name, object_label, changes, note, request_id, ip, user_agent, category, payload, salt, commitment, erased_at, xact) on audit_entry to entente_definer;
grant insert, select on audit_entry to entente_partner;
grant insert on audit_entry to entente_platform;
grant delete, select, update on audit_entry to entente_retention;
grant insert, select on audit_entry to entente_staff;
grant insert, select on audit_entry to entente_worker;
alter table audit_entry enable row level security;
alter table audit_entry force row level security;
create policy definer_change on audit_entry as permissive update to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_leave on audit_entry as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on audit_entry as permissive select to entente_definer using true;
create policy partner_reach on audit_entry as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy partner_signs on audit_entry as restrictive insert to entente_partner check ((NOT (actor_id IS DISTINCT FROM ( SELECT member() AS member))) AND (actor_kind = ANY (ARRAY['person'::text, 'service'::text])));
create policy partner_witness on audit_entry as permissive insert to entente_partner check (partner_id IS NULL);
create policy platform_reach on audit_entry as permissive all to entente_platform using true check true;
create policy retention_reach on audit_entry as permissive all to entente_retention using true check true;
create policy staff_reach on audit_entry as permissive all to entente_staff using true check true;
create policy tenant_floor on audit_entry as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on audit_entry as permissive all to entente_worker using true check true;
CREATE TRIGGER audit_entry_stamp BEFORE INSERT ON app.audit_entry FOR EACH ROW EXECUTE FUNCTION audit_entry_stamp();

create table audit_entry_rest (
  tenant_id uuid not null,
  entry_id uuid not null,
  at timestamp with time zone not null,
  op_id uuid not null,
  actor_kind text not null,
  actor_id uuid,
  actor_name text not null default ''::text,
  actor_role text not null,
  credential_id uuid,
  partner_id uuid,
  action text not null,
  outcome text not null,
  object_type text not null,
  object_id uuid,
  object_label text not null default ''::text,
  changes jsonb not null default '{}'::jsonb,
  note text not null default ''::text,
  request_id text not null default ''::text,
  ip text not null default ''::text,
  user_agent text not null default ''::text,
  category text not null default 'audit-log'::text,
  payload bytea,
  salt bytea,
  commitment bytea,
  erased_at timestamp with time zone,
  xact xid8 not null default pg_current_xact_id(),
  constraint audit_entry_actor_kind_ck CHECK ((actor_kind = ANY (ARRAY['person'::text, 'service'::text, 'system'::text, 'anonymous'::text]))),
  constraint audit_entry_category_ck CHECK ((category = ANY (ARRAY['audit-log'::text, 'security-event'::text]))),
  constraint audit_entry_commitment_ck CHECK ((length(commitment) = 32)),
  constraint audit_entry_erased_ck CHECK (((erased_at IS NOT NULL) = ((commitment IS NOT NULL) AND (payload IS NULL)))),
  constraint audit_entry_outcome_ck CHECK ((outcome = ANY (ARRAY['done'::text, 'denied'::text]))),
  constraint audit_entry_payload_ck CHECK ((((payload IS NULL) = (salt IS NULL)) AND ((payload IS NULL) OR (commitment IS NOT NULL)) AND ((erased_at IS NULL) OR (payload IS NULL)))),
  constraint audit_entry_rest_pkey PRIMARY KEY (tenant_id, at, entry_id),
  constraint audit_entry_salt_ck CHECK ((length(salt) = 32))
);
CREATE INDEX audit_entry_rest_tenant_id_action_at_idx ON app.audit_entry_rest USING btree (tenant_id, action, at DESC);
CREATE INDEX audit_entry_rest_tenant_id_actor_id_at_idx ON app.audit_entry_rest USING btree (tenant_id, actor_id, at DESC);
CREATE INDEX audit_entry_rest_tenant_id_at_idx ON app.audit_entry_rest USING btree (tenant_id, at) WHERE (commitment IS NULL);
CREATE INDEX audit_entry_rest_tenant_id_category_at_idx ON app.audit_entry_rest USING btree (tenant_id, category, at);
CREATE INDEX audit_entry_rest_tenant_id_entry_id_idx ON app.audit_entry_rest USING btree (tenant_id, entry_id);
CREATE INDEX audit_entry_rest_tenant_id_object_id_at_idx ON app.audit_entry_rest USING btree (tenant_id, object_id, at DESC);
CREATE INDEX audit_entry_rest_tenant_id_partner_id_at_idx ON app.audit_entry_rest USING btree (tenant_id, partner_id, at DESC);
CREATE INDEX audit_entry_rest_xact_idx ON app.audit_entry_rest USING btree (xact);
alter table audit_entry_rest enable row level security;
alter table audit_entry_rest force row level security;
create policy tenant_floor on audit_entry_rest as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
CREATE TRIGGER audit_entry_stamp BEFORE INSERT ON app.audit_entry_rest FOR EACH ROW EXECUTE FUNCTION audit_entry_stamp();

create table audit_leaf (
  tenant_id uuid not null, -- class=internal category=authorization
  seq bigint not null, -- class=internal category=authorization
  entry_id uuid not null, -- class=internal category=authorization
  at timestamp with time zone not null, -- class=internal category=authorization
  category text not null, -- class=internal category=authorization
  constraint audit_leaf_entry_uq UNIQUE (tenant_id, entry_id),
  constraint audit_leaf_pk PRIMARY KEY (tenant_id, seq),
  constraint audit_leaf_seq_ck CHECK ((seq >= 0)),
  constraint audit_leaf_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
grant delete, insert, select, update on audit_leaf to entente_definer;
grant select (tenant_id, entry_id) on audit_leaf to entente_definer;
grant select on audit_leaf to entente_staff;
grant insert, select on audit_leaf to entente_worker;
alter table audit_leaf enable row level security;
alter table audit_leaf force row level security;
create policy definer_leave on audit_leaf as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on audit_leaf as permissive select to entente_definer using true;
create policy staff_reach on audit_leaf as permissive all to entente_staff using true check true;
create policy tenant_floor on audit_leaf as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on audit_leaf as permissive all to entente_worker using true check true;

create table audit_root_leaf (
  seq bigint not null, -- class=internal category=authorization
  heads text not null, -- class=internal category=authorization
  at timestamp with time zone not null, -- class=internal category=authorization
  constraint audit_root_leaf_pk PRIMARY KEY (seq)
);
grant delete, insert, select, update on audit_root_leaf to entente_worker;
alter table audit_root_leaf enable row level security;
alter table audit_root_leaf force row level security;
create policy worker_reach on audit_root_leaf as permissive all to entente_worker using true check true;

create table audit_root_tile (
  level integer not null, -- class=internal category=authorization
  n bigint not null, -- class=internal category=authorization
  hashes bytea not null, -- class=internal category=authorization
  constraint audit_root_tile_hashes_ck CHECK ((((length(hashes) >= 32) AND (length(hashes) <= 8192)) AND ((length(hashes) % 32) = 0))),
  constraint audit_root_tile_level_ck CHECK (((level >= 0) AND (level <= 7))),
  constraint audit_root_tile_pk PRIMARY KEY (level, n)
);
grant insert, select, update on audit_root_tile to entente_worker;
alter table audit_root_tile enable row level security;
alter table audit_root_tile force row level security;
create policy worker_reach on audit_root_tile as permissive all to entente_worker using true check true;

create table audit_sequencer (
  only_one boolean not null default true, -- class=internal category=authorization
  fence bigint not null default 0, -- class=internal category=authorization
  sealed_xact xid8 not null default '0'::xid8, -- class=internal category=authorization
  size bigint not null default 0, -- class=internal category=authorization
  note text not null default ''::text, -- class=internal category=authorization
  signed_at timestamp with time zone, -- class=internal category=authorization
  constraint audit_sequencer_one_ck CHECK (only_one),
  constraint audit_sequencer_pk PRIMARY KEY (only_one)
);
grant insert, select, update on audit_sequencer to entente_worker;
alter table audit_sequencer enable row level security;
alter table audit_sequencer force row level security;
create policy worker_reach on audit_sequencer as permissive all to entente_worker using true check true;

create table audit_target (
  target text not null, -- class=internal category=authorization
  root_size bigint not null default 0, -- class=internal category=authorization
  sent_at timestamp with time zone, -- class=internal category=authorization
  done_at timestamp with time zone, -- class=internal category=authorization
  tried_at timestamp with time zone, -- class=internal category=authorization
  tries integer not null default 0, -- class=internal category=authorization
  error text not null default ''::text, -- class=internal category=authorization
  constraint audit_target_pk PRIMARY KEY (target)
);
grant delete, insert, select, update on audit_target to entente_worker;
alter table audit_target enable row level security;
alter table audit_target force row level security;
create policy worker_reach on audit_target as permissive all to entente_worker using true check true;

create table audit_tile (
  tenant_id uuid not null, -- class=internal category=authorization
  level integer not null, -- class=internal category=authorization
  n bigint not null, -- class=internal category=authorization
  hashes bytea not null, -- class=internal category=authorization
  constraint audit_tile_hashes_ck CHECK ((((length(hashes) >= 32) AND (length(hashes) <= 8192)) AND ((length(hashes) % 32) = 0))),
  constraint audit_tile_level_ck CHECK (((level >= 0) AND (level <= 7))),
  constraint audit_tile_n_ck CHECK ((n >= 0)),
  constraint audit_tile_pk PRIMARY KEY (tenant_id, level, n),
  constraint audit_tile_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
grant delete, insert, select, update on audit_tile to entente_definer;
grant select on audit_tile to entente_staff;
grant insert, select, update on audit_tile to entente_worker;
alter table audit_tile enable row level security;
alter table audit_tile force row level security;
create policy definer_leave on audit_tile as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on audit_tile as permissive all to entente_staff using true check true;
create policy tenant_floor on audit_tile as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on audit_tile as permissive all to entente_worker using true check true;

create table audit_tree (
  tenant_id uuid not null, -- class=internal category=authorization
  size bigint not null, -- class=internal category=authorization
  root bytea not null, -- class=internal category=authorization
  note text not null, -- class=internal category=authorization
  signed_at timestamp with time zone not null, -- class=internal category=authorization
  fence bigint not null, -- class=internal category=authorization
  log text not null default 'audit'::text, -- class=internal category=authorization
  constraint audit_tree_pk PRIMARY KEY (tenant_id, log),
  constraint audit_tree_root_ck CHECK ((length(root) = 32)),
  constraint audit_tree_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
grant delete, insert, select, update on audit_tree to entente_definer;
grant select on audit_tree to entente_staff;
grant insert, select, update on audit_tree to entente_worker;
alter table audit_tree enable row level security;
alter table audit_tree force row level security;
create policy definer_leave on audit_tree as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on audit_tree as permissive all to entente_staff using true check true;
create policy tenant_floor on audit_tree as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on audit_tree as permissive all to entente_worker using true check true;

create table benchmark_cell (
  cell_id uuid not null, -- class=internal category=business-data
  release_id uuid not null, -- class=internal category=business-data
  metric text not null, -- class=internal category=business-data
  segment text not null, -- class=internal category=business-data
  figure double precision not null, -- class=internal category=business-data
  contributors integer not null, -- class=internal category=business-data
  band text not null, -- class=internal category=business-data
  marks bytea[] not null, -- class=secret category=business-data
  constraint benchmark_cell_band_ck CHECK ((band = ANY (ARRAY['10 to 19'::text, '20 to 49'::text, '50 to 99'::text, '100 or more'::text]))),
  constraint benchmark_cell_contributors_ck CHECK ((contributors >= 10)),
  constraint benchmark_cell_marks_ck CHECK ((cardinality(marks) = contributors)),
  constraint benchmark_cell_metric_ck CHECK ((metric = ANY (ARRAY['decision-days'::text, 'win-rate'::text, 'deal-size'::text]))),
  constraint benchmark_cell_once_uq UNIQUE (release_id, metric, segment),
  constraint benchmark_cell_pk PRIMARY KEY (cell_id),
  constraint benchmark_cell_release_fk FOREIGN KEY (release_id) REFERENCES benchmark_release(release_id)
);
grant select (cell_id, release_id, metric, segment, figure, band) on benchmark_cell to entente_staff;
grant insert, select on benchmark_cell to entente_worker;
alter table benchmark_cell enable row level security;
alter table benchmark_cell force row level security;
create policy partaker on benchmark_cell as permissive select to entente_staff using ( SELECT c.opted_in FROM benchmark_choice c WHERE (c.tenant_id = ( SELECT tenant() AS tenant)) ORDER BY c.said_at DESC, c.choice_id DESC LIMIT 1);
create policy worker_reach on benchmark_cell as permissive all to entente_worker using true check true;

create table benchmark_choice (
  tenant_id uuid not null, -- class=internal category=authorization
  choice_id uuid not null, -- class=internal category=authorization
  opted_in boolean not null, -- class=internal category=authorization
  said_by uuid, -- class=internal category=authorization
  said_by_name text not null, -- class=personal category=authorization
  said_at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  constraint benchmark_choice_pk PRIMARY KEY (tenant_id, choice_id),
  constraint benchmark_choice_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX benchmark_choice_said_ix ON app.benchmark_choice USING btree (tenant_id, said_at DESC, choice_id DESC);
grant delete, insert, select, update on benchmark_choice to entente_definer;
grant insert, select on benchmark_choice to entente_staff;
grant delete, insert, select on benchmark_choice to entente_worker;
alter table benchmark_choice enable row level security;
alter table benchmark_choice force row level security;
create policy definer_leave on benchmark_choice as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on benchmark_choice as permissive all to entente_staff using true check true;
create policy tenant_floor on benchmark_choice as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on benchmark_choice as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.benchmark_choice REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('choice_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.benchmark_choice REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('choice_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.benchmark_choice REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('choice_id');

create table benchmark_release (
  release_id uuid not null, -- class=internal category=business-data
  quarter date not null, -- class=internal category=business-data
  released_at timestamp with time zone not null, -- class=internal category=business-data
  constraint benchmark_release_pk PRIMARY KEY (release_id),
  constraint benchmark_release_quarter_ck CHECK ((quarter = (date_trunc('quarter'::text, (quarter)::timestamp with time zone))::date)),
  constraint benchmark_release_quarter_uq UNIQUE (quarter)
);
grant select on benchmark_release to entente_staff;
grant insert, select on benchmark_release to entente_worker;
alter table benchmark_release enable row level security;
alter table benchmark_release force row level security;
create policy partaker on benchmark_release as permissive select to entente_staff using ( SELECT c.opted_in FROM benchmark_choice c WHERE (c.tenant_id = ( SELECT tenant() AS tenant)) ORDER BY c.said_at DESC, c.choice_id DESC LIMIT 1);
create policy worker_reach on benchmark_release as permissive all to entente_worker using true check true;

create table clock_shift (
  only_one boolean not null default true, -- class=internal category=authorization
  shift interval not null, -- class=internal category=authorization
  constraint clock_shift_one_ck CHECK (only_one),
  constraint clock_shift_pk PRIMARY KEY (only_one)
);
grant select on clock_shift to entente_retention;
alter table clock_shift enable row level security;
alter table clock_shift force row level security;
create policy retention_reach on clock_shift as permissive select to entente_retention using true;

create table concern (
  tenant_id uuid not null, -- class=internal category=workflow-log
  concern_id uuid not null, -- class=internal category=workflow-log
  kind text not null, -- class=internal category=workflow-log
  name text not null default ''::text, -- class=personal category=workflow-log
  email text not null default ''::text, -- class=personal category=workflow-log
  body text not null, -- class=personal category=workflow-log
  status text not null default 'open'::text, -- class=internal category=workflow-log
  answer text not null default ''::text, -- class=personal category=workflow-log
  answered_by uuid, -- class=internal category=workflow-log
  answered_by_name text not null default ''::text, -- class=personal category=workflow-log
  answered_at timestamp with time zone, -- class=internal category=workflow-log
  version integer not null default 1, -- class=internal category=workflow-log
  created_at timestamp with time zone not null default app.now(), -- class=internal category=workflow-log
  constraint concern_answer_ck CHECK ((length(answer) <= 5000)),
  constraint concern_answered_ck CHECK (((status <> 'answered'::text) OR ((answer <> ''::text) AND (answered_at IS NOT NULL)))),
  constraint concern_body_ck CHECK (((length(body) >= 1) AND (length(body) <= 5000))),
  constraint concern_email_ck CHECK ((length(email) <= 254)),
  constraint concern_kind_ck CHECK ((kind = ANY (ARRAY['security'::text, 'privacy'::text, 'abuse'::text, 'other'::text]))),
  constraint concern_name_ck CHECK ((length(name) <= 200)),
  constraint concern_pk PRIMARY KEY (tenant_id, concern_id),
  constraint concern_status_ck CHECK ((status = ANY (ARRAY['open'::text, 'answered'::text, 'closed'::text]))),
  constraint concern_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX concern_created_ix ON app.concern USING btree (tenant_id, created_at DESC, concern_id DESC);
grant delete, insert, select, update on concern to entente_definer;
grant delete, select, update on concern to entente_retention;
grant select, update on concern to entente_staff;
grant delete, insert, select, update on concern to entente_worker;
alter table concern enable row level security;
alter table concern force row level security;
create policy definer_leave on concern as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on concern as permissive all to entente_retention using true check true;
create policy staff_reach on concern as permissive all to entente_staff using true check true;
create policy tenant_floor on concern as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on concern as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.concern REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('concern_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.concern REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('concern_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.concern REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('concern_id');

create table contact (
  tenant_id uuid not null, -- class=internal category=customer-data
  contact_id uuid not null, -- class=internal category=customer-data
  partner_id uuid, -- class=internal category=customer-data
  account_id uuid, -- class=internal category=customer-data
  name text not null, -- class=personal category=customer-data
  email text not null default ''::text, -- class=personal category=customer-data
  phone text not null default ''::text, -- class=personal category=customer-data
  title text not null default ''::text, -- class=personal category=customer-data
  external_id text, -- class=internal category=customer-data
  version integer not null default 1, -- class=internal category=customer-data
  created_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  updated_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  restricted_at timestamp with time zone, -- class=internal category=customer-data
  restricted_reason text not null default ''::text, -- class=internal category=customer-data
  constraint contact_account_fk FOREIGN KEY (tenant_id, account_id) REFERENCES account(tenant_id, account_id) ON DELETE SET NULL (account_id),
  constraint contact_email_ck CHECK (((email = lower(email)) AND (length(email) <= 254))),
  constraint contact_external_uq UNIQUE (tenant_id, external_id),
  constraint contact_name_ck CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint contact_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id),
  constraint contact_phone_ck CHECK ((length(phone) <= 50)),
  constraint contact_pk PRIMARY KEY (tenant_id, contact_id),
  constraint contact_restricted_ck CHECK (((restricted_at IS NULL) OR (restricted_reason <> ''::text))),
  constraint contact_restricted_reason_ck CHECK ((length(restricted_reason) <= 500)),
  constraint contact_title_ck CHECK ((length(title) <= 200))
);
CREATE INDEX contact_account_ix ON app.contact USING btree (tenant_id, account_id, name);
CREATE INDEX contact_created_ix ON app.contact USING btree (tenant_id, created_at);
CREATE INDEX contact_email_ix ON app.contact USING btree (tenant_id, email) WHERE (email <> ''::text);
CREATE INDEX contact_name_ix ON app.contact USING btree (tenant_id, name, contact_id);
CREATE INDEX contact_partner_ix ON app.contact USING btree (tenant_id, partner_id, name, contact_id);
CREATE INDEX contact_restricted_ix ON app.contact USING btree (tenant_id, restricted_at) WHERE (restricted_at IS NOT NULL);
grant delete, insert, select, update on contact to entente_definer;
grant select (tenant_id, contact_id, email, restricted_at) on contact to entente_definer;
grant delete, insert, select, update on contact to entente_partner;
grant delete, select, update on contact to entente_retention;
grant delete, insert, select, update on contact to entente_staff;
grant delete, insert, select, update on contact to entente_worker;
alter table contact enable row level security;
alter table contact force row level security;
create policy definer_leave on contact as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on contact as permissive select to entente_definer using true;
create policy partner_reach on contact as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy retention_reach on contact as permissive all to entente_retention using true check true;
create policy staff_reach on contact as permissive all to entente_staff using true check true;
create policy tenant_floor on contact as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy unrestricted on contact as restrictive all to entente_partner, entente_staff using (restricted_at IS NULL) check (restricted_at IS NULL);
create policy worker_reach on contact as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.contact REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('contact_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.contact REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('contact_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.contact REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('contact_id');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.contact FOR EACH ROW EXECUTE FUNCTION partner_links('contact_account_fk', 'account_id', 'account', 'account_id', 'contact_partner_fk', 'partner_id', 'partner', 'partner_id');

create table contact_consent (
  tenant_id uuid not null, -- class=internal category=customer-data
  consent_id uuid not null, -- class=internal category=customer-data
  partner_id uuid, -- class=internal category=customer-data
  contact_id uuid, -- class=internal category=customer-data
  member_id uuid, -- class=internal category=customer-data
  purpose text not null, -- class=internal category=customer-data
  basis text not null, -- class=internal category=customer-data
  given_at timestamp with time zone not null, -- class=internal category=customer-data
  withdrawn_at timestamp with time zone, -- class=internal category=customer-data
  source text not null, -- class=personal category=customer-data
  wording text not null default ''::text, -- class=personal category=customer-data
  wording_version text not null default ''::text, -- class=internal category=customer-data
  recorded_by uuid, -- class=internal category=customer-data
  recorded_by_name text not null default ''::text, -- class=personal category=customer-data
  created_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  constraint contact_consent_basis_ck CHECK ((basis = ANY (ARRAY['consent'::text, 'contract'::text, 'legal-obligation'::text, 'vital-interest'::text, 'public-task'::text, 'legitimate-interest'::text, 'objection'::text]))),
  constraint contact_consent_contact_fk FOREIGN KEY (tenant_id, contact_id) REFERENCES contact(tenant_id, contact_id) ON DELETE CASCADE,
  constraint contact_consent_end_ck CHECK ((withdrawn_at >= given_at)),
  constraint contact_consent_member_fk FOREIGN KEY (tenant_id, member_id) REFERENCES member(tenant_id, member_id) ON DELETE CASCADE,
  constraint contact_consent_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id) ON DELETE CASCADE,
  constraint contact_consent_pk PRIMARY KEY (tenant_id, consent_id),
  constraint contact_consent_purpose_ck CHECK ((purpose = ANY (ARRAY['service'::text, 'announcement'::text, 'marketing'::text, 'analytics'::text, 'profiling'::text]))),
  constraint contact_consent_source_ck CHECK (((length(source) >= 1) AND (length(source) <= 200))),
  constraint contact_consent_version_ck CHECK ((length(wording_version) <= 40)),
  constraint contact_consent_who_ck CHECK ((num_nonnulls(contact_id, member_id) > 0)),
  constraint contact_consent_wording_ck CHECK ((length(wording) <= 2000))
);
CREATE INDEX contact_consent_contact_ix ON app.contact_consent USING btree (tenant_id, contact_id, given_at DESC) WHERE (contact_id IS NOT NULL);
CREATE INDEX contact_consent_live_ix ON app.contact_consent USING btree (tenant_id, purpose, basis) WHERE (withdrawn_at IS NULL);
CREATE INDEX contact_consent_member_ix ON app.contact_consent USING btree (tenant_id, member_id, given_at DESC) WHERE (member_id IS NOT NULL);
CREATE INDEX contact_consent_partner_ix ON app.contact_consent USING btree (tenant_id, partner_id);
grant delete, insert, select, update on contact_consent to entente_definer;
grant select (tenant_id, contact_id, member_id, purpose, basis, given_at, withdrawn_at) on contact_consent to entente_definer;
grant insert, select, update on contact_consent to entente_partner;
grant delete, select, update on contact_consent to entente_retention;
grant insert, select, update on contact_consent to entente_staff;
grant delete, insert, select, update on contact_consent to entente_worker;
alter table contact_consent enable row level security;
alter table contact_consent force row level security;
create policy definer_leave on contact_consent as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on contact_consent as permissive select to entente_definer using true;
create policy partner_reach on contact_consent as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy retention_reach on contact_consent as permissive all to entente_retention using true check true;
create policy staff_reach on contact_consent as permissive all to entente_staff using true check true;
create policy tenant_floor on contact_consent as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on contact_consent as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.contact_consent REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('consent_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.contact_consent REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('consent_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.contact_consent REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('consent_id');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.contact_consent FOR EACH ROW EXECUTE FUNCTION partner_links('contact_consent_contact_fk', 'contact_id', 'contact', 'contact_id', 'contact_consent_member_fk', 'member_id', 'member', 'member_id', 'contact_consent_partner_fk', 'partner_id', 'partner', 'partner_id');

create table data_key (
  tenant_id uuid not null, -- class=internal category=authorization
  key_version integer not null, -- class=internal category=authorization
  key_id uuid not null default gen_random_uuid(), -- class=internal category=authorization
  wrapped bytea, -- class=secret category=authorization
  kek_id text not null, -- class=internal category=authorization
  created_at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  destroyed_at timestamp with time zone, -- class=internal category=authorization
  constraint data_key_destroyed_ck CHECK (((wrapped IS NULL) = (destroyed_at IS NOT NULL))),
  constraint data_key_pk PRIMARY KEY (tenant_id, key_version),
  constraint data_key_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id),
  constraint data_key_version_ck CHECK ((key_version > 0))
);
grant delete, insert, select, update on data_key to entente_definer;
grant insert on data_key to entente_platform;
grant select (tenant_id, key_version) on data_key to entente_platform;
grant insert, select, update on data_key to entente_worker;
alter table data_key enable row level security;
alter table data_key force row level security;
create policy definer_leave on data_key as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy platform_reach on data_key as permissive all to entente_platform using true check true;
create policy tenant_floor on data_key as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on data_key as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.data_key REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('key_id', 'wrapped');
CREATE TRIGGER history_insert AFTER INSERT ON app.data_key REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('key_id', 'wrapped');
CREATE TRIGGER history_update AFTER UPDATE ON app.data_key REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('key_id', 'wrapped');

create table deal (
  tenant_id uuid not null, -- class=internal category=customer-data
  deal_id uuid not null, -- class=internal category=customer-data
  partner_id uuid, -- class=internal category=customer-data
  owner_id uuid, -- class=internal category=customer-data
  account_id uuid, -- class=internal category=customer-data
  title text not null, -- class=business category=customer-data
  account_name text not null default ''::text, -- class=business category=customer-data
  account_domain text not null default ''::text, -- class=business category=customer-data
  account_country text not null default ''::text, -- class=business category=customer-data
  claim_key text not null default ''::text, -- class=business category=customer-data
  name_norm text not null default ''::text, -- class=business category=customer-data
  search_text text not null default ''::text, -- class=business category=customer-data
  state text not null, -- class=business category=customer-data
  stage_id uuid not null, -- class=business category=customer-data
  amount_minor bigint, -- class=business category=customer-data
  amount_rank bigint not null generated always as (COALESCE(amount_minor, ('-1'::integer)::bigint)) stored, -- class=business category=customer-data
  currency text not null, -- class=business category=customer-data
  product text not null default ''::text, -- class=business category=customer-data
  expected_close_on date, -- class=business category=customer-data
  submitted_at timestamp with time zone, -- class=business category=customer-data
  decided_at timestamp with time zone, -- class=business category=customer-data
  decided_by uuid, -- class=internal category=customer-data
  protected_until timestamp with time zone, -- class=business category=customer-data
  closed_on date, -- class=business category=customer-data
  reason_code text not null default ''::text, -- class=business category=customer-data
  reason text not null default ''::text, -- class=business category=customer-data
  answer text not null default ''::text, -- class=business category=customer-data
  source text not null default 'portal'::text, -- class=business category=customer-data
  external_id text, -- class=internal category=customer-data
  import_id uuid, -- class=internal category=customer-data
  version integer not null default 1, -- class=internal category=customer-data
  created_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  updated_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  created_by uuid, -- class=internal category=customer-data
  close_rank date not null generated always as (COALESCE(expected_close_on, 'infinity'::date)) stored, -- class=business category=customer-data
  external_by uuid default partner(), -- class=internal category=customer-data
  constraint deal_account_fk FOREIGN KEY (tenant_id, account_id) REFERENCES account(tenant_id, account_id),
  constraint deal_account_name_ck CHECK ((length(account_name) <= 200)),
  constraint deal_amount_ck CHECK (((amount_minor >= 0) AND (amount_minor <= '1000000000000000'::bigint))),
  constraint deal_answer_ck CHECK ((answer = ANY (ARRAY[''::text, 'free'::text, 'taken'::text, 'look'::text]))),
  constraint deal_closed_ck CHECK (((state = ANY (ARRAY['won'::text, 'lost'::text])) = (closed_on IS NOT NULL))),
  constraint deal_currency_ck CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint deal_decided_ck CHECK (((state <> ALL (ARRAY['rejected'::text, 'returned'::text])) OR (reason <> ''::text) OR (reason_code <> ''::text))),
  constraint deal_owner_fk FOREIGN KEY (tenant_id, owner_id) REFERENCES member(tenant_id, member_id),
  constraint deal_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id),
  constraint deal_pk PRIMARY KEY (tenant_id, deal_id),
  constraint deal_product_ck CHECK ((length(product) <= 120)),
  constraint deal_reason_ck CHECK ((length(reason) <= 2000)),
  constraint deal_source_ck CHECK ((source = ANY (ARRAY['portal'::text, 'api'::text, 'import'::text, 'vendor'::text, 'demo'::text]))),
  constraint deal_stage_fk FOREIGN KEY (tenant_id, stage_id) REFERENCES stage(tenant_id, stage_id),
  constraint deal_state_ck CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text, 'returned'::text, 'approved'::text, 'rejected'::text, 'withdrawn'::text, 'won'::text, 'lost'::text, 'expired'::text]))),
  constraint deal_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id),
  constraint deal_title_ck CHECK (((length(title) >= 1) AND (length(title) <= 200)))
);
CREATE INDEX deal_account_ix ON app.deal USING btree (tenant_id, account_id, created_at DESC) WHERE (account_id IS NOT NULL);
CREATE INDEX deal_amount_ix ON app.deal USING btree (tenant_id, amount_rank DESC, deal_id DESC);
CREATE INDEX deal_claim_ix ON app.deal USING btree (tenant_id, claim_key) WHERE (claim_key <> ''::text);
CREATE INDEX deal_close_ix ON app.deal USING btree (tenant_id, close_rank, deal_id);
CREATE INDEX deal_created_ix ON app.deal USING btree (tenant_id, created_at DESC, deal_id DESC);
CREATE INDEX deal_expiry_ix ON app.deal USING btree (tenant_id, protected_until) WHERE ((state = 'approved'::text) AND (protected_until IS NOT NULL));
CREATE UNIQUE INDEX deal_external_uq ON app.deal USING btree (tenant_id, external_id, external_by) NULLS NOT DISTINCT WHERE (external_id IS NOT NULL);
CREATE INDEX deal_import_ix ON app.deal USING btree (tenant_id, import_id) WHERE (import_id IS NOT NULL);
CREATE INDEX deal_name_ix ON app.deal USING btree (tenant_id, name_norm) WHERE (name_norm <> ''::text);
CREATE INDEX deal_owner_ix ON app.deal USING btree (tenant_id, owner_id, created_at DESC, deal_id DESC);
CREATE INDEX deal_partner_created_ix ON app.deal USING btree (tenant_id, partner_id, created_at DESC, deal_id DESC);
CREATE INDEX deal_partner_stage_ix ON app.deal USING btree (tenant_id, partner_id, stage_id, amount_rank DESC, deal_id DESC);
CREATE INDEX deal_pipeline_ix ON app.deal USING btree (tenant_id, partner_id, stage_id) INCLUDE (currency, amount_minor) WHERE (state = 'approved'::text);
CREATE INDEX deal_queue_ix ON app.deal USING btree (tenant_id, submitted_at, deal_id) WHERE (state = 'submitted'::text);
CREATE INDEX deal_search_ix ON app.deal USING gin (search_trigrams(tenant_id, search_text) COLLATE "C") WITH (gin_pending_list_limit='512');
CREATE INDEX deal_similar_ix ON app.deal USING gin (tenant_id, name_norm gin_trgm_ops) WHERE (state = ANY (ARRAY['submitted'::text, 'returned'::text, 'approved'::text]));
CREATE INDEX deal_stage_ix ON app.deal USING btree (tenant_id, stage_id, amount_rank DESC, deal_id DESC) WHERE (state = 'approved'::text);
CREATE INDEX deal_state_ix ON app.deal USING btree (tenant_id, state, created_at DESC, deal_id DESC);
CREATE INDEX deal_won_ix ON app.deal USING btree (tenant_id, partner_id, closed_on) INCLUDE (currency, amount_minor) WHERE (state = 'won'::text);
grant delete, insert, select, update on deal to entente_definer;
grant select (tenant_id, deal_id, partner_id, title, account_name, claim_key, name_norm, search_text, state, amount_minor, currency, created_at) on deal to entente_definer;
grant insert, select, update on deal to entente_partner;
grant delete, select, update on deal to entente_retention;
grant delete, insert, select, update on deal to entente_staff;
grant delete, insert, select, update on deal to entente_worker;
alter table deal enable row level security;
alter table deal force row level security;
create policy definer_leave on deal as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on deal as permissive select to entente_definer using true;
create policy partner_reach on deal as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy retention_reach on deal as permissive all to entente_retention using true check true;
create policy staff_reach on deal as permissive all to entente_staff using true check true;
create policy tenant_floor on deal as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on deal as permissive all to entente_worker using true check true;
CREATE TRIGGER deal_decision_vendor BEFORE INSERT OR UPDATE ON app.deal FOR EACH ROW EXECUTE FUNCTION deal_decision_is_the_vendors();
CREATE TRIGGER history_delete AFTER DELETE ON app.deal REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('deal_id', 'search_text', 'name_norm', 'amount_rank', 'close_rank');
CREATE TRIGGER history_insert AFTER INSERT ON app.deal REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('deal_id', 'search_text', 'name_norm', 'amount_rank', 'close_rank');
CREATE TRIGGER history_update AFTER UPDATE ON app.deal REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('deal_id', 'search_text', 'name_norm', 'amount_rank', 'close_rank');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.deal FOR EACH ROW EXECUTE FUNCTION partner_links('deal_account_fk', 'account_id', 'account', 'account_id', 'deal_owner_fk', 'owner_id', 'member', 'member_id', 'deal_partner_fk', 'partner_id', 'partner', 'partner_id', 'deal_stage_fk', 'stage_id', 'stage', 'stage_id');

create table deal_claim (
  tenant_id uuid not null, -- class=internal category=customer-data
  claim_id uuid not null, -- class=internal category=customer-data
  deal_id uuid not null, -- class=internal category=customer-data
  partner_id uuid, -- class=internal category=customer-data
  claim_key text not null, -- class=business category=customer-data
  period tstzrange not null, -- class=internal category=customer-data
  constraint deal_claim_deal_fk FOREIGN KEY (tenant_id, deal_id) REFERENCES deal(tenant_id, deal_id) ON DELETE CASCADE,
  constraint deal_claim_key_ck CHECK ((claim_key <> ''::text)),
  constraint deal_claim_one_ex EXCLUDE USING gist (tenant_id WITH =, claim_key WITH =, period WITH &&),
  constraint deal_claim_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id),
  constraint deal_claim_period_ck CHECK ((NOT isempty(period))),
  constraint deal_claim_pk PRIMARY KEY (tenant_id, claim_id)
);
CREATE INDEX deal_claim_deal_ix ON app.deal_claim USING btree (tenant_id, deal_id);
grant delete, insert, select, update on deal_claim to entente_definer;
grant select (tenant_id, deal_id, partner_id, claim_key, period) on deal_claim to entente_definer;
grant select, update on deal_claim to entente_partner;
grant delete, select, update on deal_claim to entente_retention;
grant delete, insert, select, update on deal_claim to entente_staff;
grant delete, insert, select, update on deal_claim to entente_worker;
alter table deal_claim enable row level security;
alter table deal_claim force row level security;
create policy definer_leave on deal_claim as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on deal_claim as permissive select to entente_definer using true;
create policy partner_reach on deal_claim as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy retention_reach on deal_claim as permissive all to entente_retention using true check true;
create policy staff_reach on deal_claim as permissive all to entente_staff using true check true;
create policy tenant_floor on deal_claim as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on deal_claim as permissive all to entente_worker using true check true;
CREATE TRIGGER deal_claim_vendor BEFORE UPDATE ON app.deal_claim FOR EACH ROW EXECUTE FUNCTION deal_claim_only_shrinks();
CREATE TRIGGER history_delete AFTER DELETE ON app.deal_claim REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('claim_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.deal_claim REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('claim_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.deal_claim REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('claim_id');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.deal_claim FOR EACH ROW EXECUTE FUNCTION partner_links('deal_claim_deal_fk', 'deal_id', 'deal', 'deal_id', 'deal_claim_partner_fk', 'partner_id', 'partner', 'partner_id');

create table deal_note (
  tenant_id uuid not null, -- class=internal category=customer-data
  note_id uuid not null, -- class=internal category=customer-data
  deal_id uuid not null, -- class=internal category=customer-data
  partner_id uuid, -- class=internal category=customer-data
  author_id uuid, -- class=internal category=customer-data
  author_name text not null, -- class=personal category=customer-data
  author_side text not null, -- class=internal category=customer-data
  body text not null, -- class=personal category=customer-data
  created_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  constraint deal_note_body_ck CHECK (((length(body) >= 1) AND (length(body) <= 10000))),
  constraint deal_note_deal_fk FOREIGN KEY (tenant_id, deal_id) REFERENCES deal(tenant_id, deal_id) ON DELETE CASCADE,
  constraint deal_note_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id),
  constraint deal_note_pk PRIMARY KEY (tenant_id, note_id),
  constraint deal_note_side_ck CHECK ((author_side = ANY (ARRAY['vendor'::text, 'partner'::text])))
);
CREATE INDEX deal_note_deal_ix ON app.deal_note USING btree (tenant_id, deal_id, created_at DESC);
grant delete, insert, select, update on deal_note to entente_definer;
grant insert, select on deal_note to entente_partner;
grant delete, select, update on deal_note to entente_retention;
grant delete, insert, select, update on deal_note to entente_staff;
grant delete, insert, select, update on deal_note to entente_worker;
alter table deal_note enable row level security;
alter table deal_note force row level security;
create policy definer_leave on deal_note as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on deal_note as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy retention_reach on deal_note as permissive all to entente_retention using true check true;
create policy staff_reach on deal_note as permissive all to entente_staff using true check true;
create policy tenant_floor on deal_note as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on deal_note as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.deal_note REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('note_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.deal_note REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('note_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.deal_note REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('note_id');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.deal_note FOR EACH ROW EXECUTE FUNCTION partner_links('deal_note_deal_fk', 'deal_id', 'deal', 'deal_id', 'deal_note_partner_fk', 'partner_id', 'partner', 'partner_id');

create table departure (
  tenant_id uuid not null, -- class=internal category=authorization
  departure_id uuid not null, -- class=internal category=authorization
  state text not null, -- class=internal category=authorization
  reason text not null default ''::text, -- class=personal category=authorization
  at_once boolean not null default false, -- class=internal category=authorization
  asked_by uuid, -- class=internal category=authorization
  asked_by_name text not null default ''::text, -- class=personal category=authorization
  asked_at timestamp with time zone not null, -- class=internal category=authorization
  agreed_by uuid, -- class=internal category=authorization
  agreed_by_name text not null default ''::text, -- class=personal category=authorization
  agreed_at timestamp with time zone, -- class=internal category=authorization
  purge_after timestamp with time zone, -- class=internal category=authorization
  closed_at timestamp with time zone, -- class=internal category=authorization
  step text not null default ''::text, -- class=internal category=authorization
  counts jsonb not null default '{}'::jsonb, -- class=internal category=authorization
  kept jsonb not null default '[]'::jsonb, -- class=internal category=authorization
  head jsonb not null default '{}'::jsonb, -- class=internal category=authorization
  tell jsonb not null default '[]'::jsonb, -- class=personal category=authorization
  people uuid[] not null default '{}'::uuid[], -- class=internal category=authorization
  certificate text not null default ''::text, -- class=public category=business-data
  finished_at timestamp with time zone, -- class=internal category=authorization
  told_at timestamp with time zone, -- class=internal category=authorization
  version integer not null default 1, -- class=internal category=authorization
  constraint departure_four_eyes_ck CHECK (((agreed_by IS NULL) OR (asked_by IS DISTINCT FROM agreed_by))),
  constraint departure_pk PRIMARY KEY (tenant_id, departure_id),
  constraint departure_reason_ck CHECK ((length(reason) <= 1000)),
  constraint departure_state_ck CHECK ((state = ANY (ARRAY['asked'::text, 'closing'::text, 'purging'::text, 'done'::text, 'taken_back'::text]))),
  constraint departure_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE UNIQUE INDEX departure_open_uq ON app.departure USING btree (tenant_id) WHERE (state = ANY (ARRAY['asked'::text, 'closing'::text, 'purging'::text]));
grant delete, insert, select, update on departure to entente_definer;
grant select, update on departure to entente_platform;
grant insert, select, update on departure to entente_staff;
grant insert, select, update on departure to entente_worker;
alter table departure enable row level security;
alter table departure force row level security;
create policy definer_leave on departure as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy platform_reach on departure as permissive all to entente_platform using true check true;
create policy staff_reach on departure as permissive all to entente_staff using true check true;
create policy tenant_floor on departure as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on departure as permissive all to entente_worker using true check true;
CREATE TRIGGER departure_guard BEFORE INSERT OR UPDATE ON app.departure FOR EACH ROW EXECUTE FUNCTION departure_guard();
CREATE TRIGGER history_delete AFTER DELETE ON app.departure REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('departure_id', 'tell', 'counts');
CREATE TRIGGER history_insert AFTER INSERT ON app.departure REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('departure_id', 'tell', 'counts');
CREATE TRIGGER history_update AFTER UPDATE ON app.departure REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('departure_id', 'tell', 'counts');

create table document (
  tenant_id uuid not null, -- class=public category=business-data
  document_id uuid not null, -- class=public category=business-data
  kind text not null, -- class=public category=business-data
  audience text not null default 'all'::text, -- class=public category=business-data
  acceptance text not null default 'none'::text, -- class=public category=business-data
  accept_for text not null default 'company'::text, -- class=public category=business-data
  accept_days integer not null default 30, -- class=public category=business-data
  version integer not null default 1, -- class=public category=business-data
  created_at timestamp with time zone not null default app.now(), -- class=public category=business-data
  updated_at timestamp with time zone not null default app.now(), -- class=public category=business-data
  constraint document_accept_days_ck CHECK (((accept_days >= 0) AND (accept_days <= 365))),
  constraint document_accept_for_ck CHECK ((accept_for = ANY (ARRAY['company'::text, 'person'::text]))),
  constraint document_acceptance_ck CHECK ((acceptance = ANY (ARRAY['none'::text, 'asked'::text, 'required'::text]))),
  constraint document_audience_ck CHECK ((audience = ANY (ARRAY['vendor'::text, 'partners'::text, 'all'::text]))),
  constraint document_kind_ck CHECK ((kind = ANY (ARRAY['privacy'::text, 'terms'::text, 'dpa'::text, 'programme-terms'::text]))),
  constraint document_kind_uq UNIQUE (tenant_id, kind),
  constraint document_pk PRIMARY KEY (tenant_id, document_id),
  constraint document_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
grant delete, insert, select, update on document to entente_definer;
grant select on document to entente_partner;
grant select on document to entente_public;
grant insert, select, update on document to entente_staff;
grant delete, insert, select, update on document to entente_worker;
alter table document enable row level security;
alter table document force row level security;
create policy definer_leave on document as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on document as permissive all to entente_partner using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy public_reach on document as permissive select to entente_public using true;
create policy staff_reach on document as permissive all to entente_staff using true check true;
create policy tenant_floor on document as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on document as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.document REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('document_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.document REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('document_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.document REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('document_id');

create table document_acceptance (
  tenant_id uuid not null, -- class=internal category=legal-entity
  acceptance_id uuid not null, -- class=internal category=legal-entity
  version_id uuid not null, -- class=internal category=legal-entity
  partner_id uuid, -- class=internal category=legal-entity
  member_id uuid not null, -- class=internal category=legal-entity
  name text not null, -- class=personal category=legal-entity
  digest text not null, -- class=internal category=legal-entity
  accepted_at timestamp with time zone not null default app.now(), -- class=internal category=legal-entity
  constraint document_acceptance_member_fk FOREIGN KEY (tenant_id, member_id) REFERENCES member(tenant_id, member_id),
  constraint document_acceptance_once_uq UNIQUE NULLS NOT DISTINCT (tenant_id, version_id, partner_id, member_id),
  constraint document_acceptance_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id),
  constraint document_acceptance_pk PRIMARY KEY (tenant_id, acceptance_id),
  constraint document_acceptance_version_fk FOREIGN KEY (tenant_id, version_id) REFERENCES document_version(tenant_id, version_id)
);
CREATE INDEX document_acceptance_member_ix ON app.document_acceptance USING btree (tenant_id, member_id);
CREATE INDEX document_acceptance_partner_ix ON app.document_acceptance USING btree (tenant_id, partner_id, version_id);
grant delete, insert, select, update on document_acceptance to entente_definer;
grant insert, select on document_acceptance to entente_partner;
grant insert, select on document_acceptance to entente_staff;
grant delete, insert, select, update on document_acceptance to entente_worker;
alter table document_acceptance enable row level security;
alter table document_acceptance force row level security;
create policy definer_leave on document_acceptance as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on document_acceptance as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy staff_reach on document_acceptance as permissive all to entente_staff using true check true;
create policy tenant_floor on document_acceptance as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on document_acceptance as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.document_acceptance REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('acceptance_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.document_acceptance REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('acceptance_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.document_acceptance REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('acceptance_id');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.document_acceptance FOR EACH ROW EXECUTE FUNCTION partner_links('document_acceptance_member_fk', 'member_id', 'member', 'member_id', 'document_acceptance_partner_fk', 'partner_id', 'partner', 'partner_id', 'document_acceptance_version_fk', 'version_id', 'document_version', 'version_id');

create table document_version (
  tenant_id uuid not null, -- class=public category=business-data
  version_id uuid not null, -- class=public category=business-data
  document_id uuid not null, -- class=public category=business-data
  number integer not null, -- class=public category=business-data
  title text not null, -- class=public category=business-data
  body text not null default ''::text, -- class=public category=business-data
  digest text not null default ''::text, -- class=public category=business-data
  change text not null default 'material'::text, -- class=public category=business-data
  summary text not null default ''::text, -- class=public category=business-data
  status text not null default 'draft'::text, -- class=public category=business-data
  announced_at timestamp with time zone, -- class=public category=business-data
  notified_at timestamp with time zone, -- class=public category=business-data
  effective_at timestamp with time zone, -- class=public category=business-data
  notice_seconds bigint not null default 0, -- class=public category=business-data
  notice_id uuid, -- class=public category=business-data
  created_by uuid, -- class=internal category=authorization
  created_by_name text not null default ''::text, -- class=personal category=authorization
  announced_by uuid, -- class=internal category=authorization
  announced_by_name text not null default ''::text, -- class=personal category=authorization
  version integer not null default 1, -- class=public category=business-data
  created_at timestamp with time zone not null default app.now(), -- class=public category=business-data
  updated_at timestamp with time zone not null default app.now(), -- class=public category=business-data
  constraint document_version_announced_ck CHECK (((status = 'draft'::text) OR ((announced_at IS NOT NULL) AND (effective_at IS NOT NULL) AND (effective_at >= announced_at) AND (digest <> ''::text)))),
  constraint document_version_body_ck CHECK ((length(body) <= 200000)),
  constraint document_version_change_ck CHECK ((change = ANY (ARRAY['first'::text, 'material'::text, 'minor'::text]))),
  constraint document_version_document_fk FOREIGN KEY (tenant_id, document_id) REFERENCES document(tenant_id, document_id),
  constraint document_version_material_ck CHECK (((status = 'draft'::text) OR (change <> 'material'::text) OR (notice_seconds >= 1209600))),
  constraint document_version_notice_ck CHECK (((status = 'draft'::text) OR ((EXTRACT(epoch FROM (effective_at - announced_at)) >= (notice_seconds)::numeric) AND ((notified_at IS NULL) OR (EXTRACT(epoch FROM (effective_at - notified_at)) >= (notice_seconds)::numeric))))),
  constraint document_version_notice_fk FOREIGN KEY (tenant_id, notice_id) REFERENCES notice(tenant_id, notice_id) ON DELETE SET NULL (notice_id),
  constraint document_version_number_ck CHECK ((number > 0)),
  constraint document_version_number_uq UNIQUE (tenant_id, document_id, number),
  constraint document_version_pk PRIMARY KEY (tenant_id, version_id),
  constraint document_version_status_ck CHECK ((status = ANY (ARRAY['draft'::text, 'announced'::text, 'withdrawn'::text]))),
  constraint document_version_summary_ck CHECK ((length(summary) <= 2000)),
  constraint document_version_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id),
  constraint document_version_title_ck CHECK (((length(title) >= 1) AND (length(title) <= 200)))
);
CREATE INDEX document_version_effective_ix ON app.document_version USING btree (tenant_id, document_id, effective_at DESC) WHERE (status = 'announced'::text);
grant delete, insert, select, update on document_version to entente_definer;
grant select on document_version to entente_partner;
grant select on document_version to entente_public;
grant delete, insert, select, update on document_version to entente_staff;
grant delete, insert, select, update on document_version to entente_worker;
alter table document_version enable row level security;
alter table document_version force row level security;
create policy definer_leave on document_version as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_published on document_version as permissive select to entente_partner using (status = 'announced'::text);
create policy public_published on document_version as permissive select to entente_public using (status = 'announced'::text);
create policy staff_reach on document_version as permissive all to entente_staff using true check true;
create policy tenant_floor on document_version as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on document_version as permissive all to entente_worker using true check true;
CREATE TRIGGER document_guard BEFORE INSERT OR DELETE OR UPDATE ON app.document_version FOR EACH ROW EXECUTE FUNCTION document_guard();
CREATE TRIGGER history_delete AFTER DELETE ON app.document_version REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('version_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.document_version REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('version_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.document_version REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('version_id');

create table erasure_ledger (
  tenant_id uuid not null, -- class=internal category=authorization
  ledger_id uuid not null, -- class=internal category=authorization
  request_id uuid not null, -- class=internal category=authorization
  at timestamp with time zone not null, -- class=internal category=authorization
  hashes jsonb not null, -- class=internal category=authorization
  refs jsonb not null, -- class=internal category=authorization
  replayed_at timestamp with time zone, -- class=internal category=authorization
  constraint erasure_ledger_pk PRIMARY KEY (tenant_id, ledger_id)
);
CREATE INDEX erasure_ledger_at_ix ON app.erasure_ledger USING btree (tenant_id, at DESC);
grant delete, insert, select, update on erasure_ledger to entente_definer;
grant select on erasure_ledger to entente_staff;
grant insert, select, update on erasure_ledger to entente_worker;
alter table erasure_ledger enable row level security;
alter table erasure_ledger force row level security;
create policy definer_leave on erasure_ledger as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on erasure_ledger as permissive all to entente_staff using true check true;
create policy tenant_floor on erasure_ledger as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on erasure_ledger as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.erasure_ledger REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('ledger_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.erasure_ledger REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('ledger_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.erasure_ledger REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('ledger_id');

create table error_occurrence (
  tenant_id uuid not null, -- class=internal category=error-report
  occurrence_id uuid not null default gen_random_uuid(), -- class=internal category=error-report
  report_id uuid not null, -- class=internal category=error-report
  at timestamp with time zone not null, -- class=internal category=error-report
  member_id uuid, -- class=personal category=error-report
  method text not null, -- class=internal category=error-report
  status integer not null, -- class=internal category=error-report
  request_id text not null default ''::text, -- class=internal category=error-report
  constraint error_occurrence_pk PRIMARY KEY (tenant_id, occurrence_id),
  constraint error_occurrence_report_fk FOREIGN KEY (tenant_id, report_id) REFERENCES error_report(tenant_id, report_id) ON DELETE CASCADE
);
CREATE INDEX error_occurrence_at_ix ON app.error_occurrence USING btree (tenant_id, at);
CREATE INDEX error_occurrence_report_ix ON app.error_occurrence USING btree (tenant_id, report_id, at DESC);
grant delete, insert, select, update on error_occurrence to entente_definer;
grant delete, select, update on error_occurrence to entente_retention;
grant select on error_occurrence to entente_staff;
grant delete, insert, select on error_occurrence to entente_worker;
alter table error_occurrence enable row level security;
alter table error_occurrence force row level security;
create policy definer_leave on error_occurrence as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on error_occurrence as permissive all to entente_retention using true check true;
create policy staff_reach on error_occurrence as permissive all to entente_staff using true check true;
create policy tenant_floor on error_occurrence as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on error_occurrence as permissive all to entente_worker using true check true;

create table error_report (
  tenant_id uuid not null, -- class=internal category=error-report
  report_id uuid not null, -- class=internal category=error-report
  fingerprint text not null, -- class=internal category=error-report
  title text not null, -- class=internal category=error-report
  route text not null default ''::text, -- class=internal category=error-report
  trace text not null default ''::text, -- class=internal category=error-report
  state text not null default 'open'::text, -- class=internal category=error-report
  seen bigint not null default 1, -- class=internal category=error-report
  first_at timestamp with time zone not null, -- class=internal category=error-report
  last_at timestamp with time zone not null, -- class=internal category=error-report
  solved_at timestamp with time zone, -- class=internal category=error-report
  solved_by uuid, -- class=internal category=error-report
  solved_by_name text not null default ''::text, -- class=personal category=error-report
  version integer not null default 1, -- class=internal category=error-report
  constraint error_report_fingerprint_ck CHECK ((length(fingerprint) = 64)),
  constraint error_report_fingerprint_uq UNIQUE (tenant_id, fingerprint),
  constraint error_report_pk PRIMARY KEY (tenant_id, report_id),
  constraint error_report_solved_ck CHECK (((state = 'solved'::text) = (solved_at IS NOT NULL))),
  constraint error_report_state_ck CHECK ((state = ANY (ARRAY['open'::text, 'solved'::text]))),
  constraint error_report_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id),
  constraint error_report_title_ck CHECK (((length(title) >= 1) AND (length(title) <= 300))),
  constraint error_report_trace_ck CHECK ((length(trace) <= 4000))
);
CREATE INDEX error_report_last_ix ON app.error_report USING btree (tenant_id, last_at DESC, report_id DESC);
grant delete, insert, select, update on error_report to entente_definer;
grant delete, select, update on error_report to entente_retention;
grant select, update on error_report to entente_staff;
grant insert, select, update on error_report to entente_worker;
alter table error_report enable row level security;
alter table error_report force row level security;
create policy definer_leave on error_report as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on error_report as permissive all to entente_retention using true check true;
create policy staff_reach on error_report as permissive all to entente_staff using true check true;
create policy tenant_floor on error_report as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on error_report as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.error_report REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('report_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.error_report REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('report_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.error_report REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('report_id');

create table idempotency (
  tenant_id uuid not null, -- class=internal category=cache
  credential_id uuid not null, -- class=internal category=cache
  member_id uuid default member(), -- class=internal category=cache
  key text not null, -- class=internal category=cache
  action text not null, -- class=internal category=cache
  body_hash text not null, -- class=internal category=cache
  op_id uuid not null, -- class=internal category=cache
  result jsonb, -- class=personal category=cache
  created_at timestamp with time zone not null default app.now(), -- class=internal category=cache
  constraint idempotency_pk PRIMARY KEY (tenant_id, credential_id, key)
);
CREATE INDEX idempotency_age_ix ON app.idempotency USING btree (tenant_id, created_at);
grant delete, insert, select, update on idempotency to entente_definer;
grant insert, select, update on idempotency to entente_partner;
grant delete, select, update on idempotency to entente_retention;
grant insert, select, update on idempotency to entente_staff;
grant delete, insert, select, update on idempotency to entente_worker;
alter table idempotency enable row level security;
alter table idempotency force row level security;
create policy definer_leave on idempotency as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on idempotency as permissive all to entente_partner using (member_id = ( SELECT member() AS member)) check (member_id = ( SELECT member() AS member));
create policy retention_reach on idempotency as permissive all to entente_retention using true check true;
create policy staff_reach on idempotency as permissive all to entente_staff using true check true;
create policy tenant_floor on idempotency as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on idempotency as permissive all to entente_worker using true check true;

create table import_row (
  tenant_id uuid not null, -- class=internal category=customer-data
  import_id uuid not null, -- class=internal category=customer-data
  row_no integer not null, -- class=internal category=customer-data
  cells text[] not null, -- class=personal category=customer-data
  outcome text not null default 'waiting'::text, -- class=internal category=customer-data
  problems jsonb not null default '[]'::jsonb, -- class=personal category=customer-data
  object_id uuid, -- class=internal category=customer-data
  before jsonb, -- class=personal category=customer-data
  constraint import_row_outcome_ck CHECK ((outcome = ANY (ARRAY['waiting'::text, 'ok'::text, 'created'::text, 'updated'::text, 'unchanged'::text, 'refused'::text, 'undone'::text]))),
  constraint import_row_pk PRIMARY KEY (tenant_id, import_id, row_no),
  constraint import_row_run_fk FOREIGN KEY (tenant_id, import_id) REFERENCES import_run(tenant_id, import_id) ON DELETE CASCADE
);
CREATE INDEX import_row_outcome_ix ON app.import_row USING btree (tenant_id, import_id, outcome, row_no);
grant delete, insert, select, update on import_row to entente_definer;
grant delete, select, update on import_row to entente_retention;
grant delete, insert, select, update on import_row to entente_staff;
grant delete, insert, select, update on import_row to entente_worker;
alter table import_row enable row level security;
alter table import_row force row level security;
create policy definer_leave on import_row as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on import_row as permissive all to entente_retention using true check true;
create policy staff_reach on import_row as permissive all to entente_staff using true check true;
create policy tenant_floor on import_row as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on import_row as permissive all to entente_worker using true check true;

create table import_run (
  tenant_id uuid not null, -- class=internal category=customer-data
  import_id uuid not null, -- class=internal category=customer-data
  kind text not null, -- class=internal category=customer-data
  status text not null, -- class=internal category=customer-data
  file_name text not null, -- class=internal category=customer-data
  header text[] not null default '{}'::text[], -- class=internal category=customer-data
  mapping jsonb not null default '{}'::jsonb, -- class=internal category=customer-data
  report jsonb not null default '{}'::jsonb, -- class=internal category=customer-data
  total integer not null default 0, -- class=internal category=customer-data
  done integer not null default 0, -- class=internal category=customer-data
  created integer not null default 0, -- class=internal category=customer-data
  updated integer not null default 0, -- class=internal category=customer-data
  unchanged integer not null default 0, -- class=internal category=customer-data
  refused integer not null default 0, -- class=internal category=customer-data
  failure text not null default ''::text, -- class=internal category=customer-data
  created_by uuid, -- class=internal category=customer-data
  created_by_name text not null default ''::text, -- class=personal category=customer-data
  version integer not null default 1, -- class=internal category=customer-data
  created_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  updated_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  committed_at timestamp with time zone, -- class=internal category=customer-data
  phase text not null default 'check'::text, -- class=internal category=customer-data
  last_row integer not null default 0, -- class=internal category=customer-data
  file_info jsonb not null default '{}'::jsonb, -- class=internal category=customer-data
  acted_by uuid, -- class=internal category=customer-data
  acted_by_name text not null default ''::text, -- class=personal category=customer-data
  undone_at timestamp with time zone, -- class=internal category=customer-data
  constraint import_run_file_ck CHECK ((length(file_name) <= 255)),
  constraint import_run_kind_ck CHECK ((kind = ANY (ARRAY['accounts'::text, 'partners'::text, 'deals'::text, 'products'::text]))),
  constraint import_run_phase_ck CHECK ((phase = ANY (ARRAY['check'::text, 'commit'::text, 'undo'::text]))),
  constraint import_run_pk PRIMARY KEY (tenant_id, import_id),
  constraint import_run_status_ck CHECK ((status = ANY (ARRAY['uploaded'::text, 'checking'::text, 'checked'::text, 'committing'::text, 'committed'::text, 'undoing'::text, 'undone'::text, 'failed'::text]))),
  constraint import_run_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX import_run_created_ix ON app.import_run USING btree (tenant_id, created_at DESC, import_id DESC);
grant delete, insert, select, update on import_run to entente_definer;
grant delete, select, update on import_run to entente_retention;
grant insert, select, update on import_run to entente_staff;
grant delete, insert, select, update on import_run to entente_worker;
alter table import_run enable row level security;
alter table import_run force row level security;
create policy definer_leave on import_run as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on import_run as permissive all to entente_retention using true check true;
create policy staff_reach on import_run as permissive all to entente_staff using true check true;
create policy tenant_floor on import_run as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on import_run as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.import_run REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('import_id', 'report');
CREATE TRIGGER history_insert AFTER INSERT ON app.import_run REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('import_id', 'report');
CREATE TRIGGER history_update AFTER UPDATE ON app.import_run REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('import_id', 'report');

create table incident (
  tenant_id uuid not null, -- class=internal category=authorization
  incident_id uuid not null, -- class=internal category=authorization
  number integer not null, -- class=internal category=authorization
  title text not null, -- class=business category=authorization
  kind text not null, -- class=internal category=authorization
  severity text not null, -- class=internal category=authorization
  description text not null default ''::text, -- class=business category=authorization
  status text not null default 'reported'::text, -- class=internal category=authorization
  detected_at timestamp with time zone not null, -- class=internal category=authorization
  aware_at timestamp with time zone, -- class=internal category=authorization
  contained_at timestamp with time zone, -- class=internal category=authorization
  resolved_at timestamp with time zone, -- class=internal category=authorization
  closed_at timestamp with time zone, -- class=internal category=authorization
  reported_by uuid, -- class=internal category=authorization
  reported_by_name text not null default ''::text, -- class=personal category=authorization
  nature text not null default ''::text, -- class=business category=authorization
  categories text[] not null default '{}'::text[], -- class=internal category=authorization
  people_count bigint, -- class=internal category=authorization
  record_count bigint, -- class=internal category=authorization
  consequences text not null default ''::text, -- class=business category=authorization
  measures text not null default ''::text, -- class=business category=authorization
  risk text not null default ''::text, -- class=internal category=authorization
  notify_decision text not null default ''::text, -- class=internal category=authorization
  notify_reason text not null default ''::text, -- class=business category=authorization
  pm_summary text not null default ''::text, -- class=business category=authorization
  pm_cause text not null default ''::text, -- class=business category=authorization
  pm_impact text not null default ''::text, -- class=business category=authorization
  pm_response text not null default ''::text, -- class=business category=authorization
  pm_lessons text not null default ''::text, -- class=business category=authorization
  version integer not null default 1, -- class=internal category=authorization
  created_at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  updated_at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  constraint incident_aware_ck CHECK (((status = ANY (ARRAY['reported'::text, 'assessing'::text, 'dismissed'::text])) OR (aware_at IS NOT NULL))),
  constraint incident_categories_ck CHECK ((cardinality(categories) <= 50)),
  constraint incident_consequences_ck CHECK ((length(consequences) <= 5000)),
  constraint incident_description_ck CHECK ((length(description) <= 10000)),
  constraint incident_kind_ck CHECK ((kind = ANY (ARRAY['confidentiality'::text, 'integrity'::text, 'availability'::text, 'vulnerability'::text, 'other'::text]))),
  constraint incident_measures_ck CHECK ((length(measures) <= 5000)),
  constraint incident_nature_ck CHECK ((length(nature) <= 5000)),
  constraint incident_notify_ck CHECK ((notify_decision = ANY (ARRAY[''::text, 'notify'::text, 'not-needed'::text]))),
  constraint incident_notify_reason_ck CHECK ((length(notify_reason) <= 5000)),
  constraint incident_number_ck CHECK ((number > 0)),
  constraint incident_number_uq UNIQUE (tenant_id, number),
  constraint incident_people_ck CHECK ((people_count >= 0)),
  constraint incident_pk PRIMARY KEY (tenant_id, incident_id),
  constraint incident_postmortem_ck CHECK (((status <> 'closed'::text) OR ((closed_at IS NOT NULL) AND (pm_summary <> ''::text) AND (pm_cause <> ''::text) AND (pm_impact <> ''::text) AND (pm_response <> ''::text) AND (pm_lessons <> ''::text)))),
  constraint incident_reason_ck CHECK (((notify_decision <> 'not-needed'::text) OR (notify_reason <> ''::text))),
  constraint incident_records_ck CHECK ((record_count >= 0)),
  constraint incident_risk_ck CHECK ((risk = ANY (ARRAY[''::text, 'none'::text, 'risk'::text, 'high'::text]))),
  constraint incident_severity_ck CHECK ((severity = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'critical'::text]))),
  constraint incident_status_ck CHECK ((status = ANY (ARRAY['reported'::text, 'assessing'::text, 'confirmed'::text, 'contained'::text, 'resolved'::text, 'closed'::text, 'dismissed'::text]))),
  constraint incident_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id),
  constraint incident_title_ck CHECK (((length(title) >= 1) AND (length(title) <= 200)))
);
CREATE INDEX incident_created_ix ON app.incident USING btree (tenant_id, created_at DESC, incident_id DESC);
grant delete, insert, select, update on incident to entente_definer;
grant insert, select, update on incident to entente_staff;
grant delete, insert, select, update on incident to entente_worker;
alter table incident enable row level security;
alter table incident force row level security;
create policy definer_leave on incident as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on incident as permissive all to entente_staff using true check true;
create policy tenant_floor on incident as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on incident as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.incident REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('incident_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.incident REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('incident_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.incident REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('incident_id');

create table incident_action (
  tenant_id uuid not null, -- class=internal category=authorization
  action_id uuid not null, -- class=internal category=authorization
  incident_id uuid not null, -- class=internal category=authorization
  body text not null, -- class=business category=authorization
  owner_id uuid, -- class=internal category=authorization
  owner_name text not null, -- class=personal category=authorization
  due_on date not null, -- class=internal category=authorization
  done_at timestamp with time zone, -- class=internal category=authorization
  created_at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  constraint incident_action_body_ck CHECK (((length(body) >= 1) AND (length(body) <= 1000))),
  constraint incident_action_incident_fk FOREIGN KEY (tenant_id, incident_id) REFERENCES incident(tenant_id, incident_id),
  constraint incident_action_pk PRIMARY KEY (tenant_id, action_id)
);
CREATE INDEX incident_action_incident_ix ON app.incident_action USING btree (tenant_id, incident_id, due_on);
grant delete, insert, select, update on incident_action to entente_definer;
grant insert, select, update on incident_action to entente_staff;
grant delete, insert, select, update on incident_action to entente_worker;
alter table incident_action enable row level security;
alter table incident_action force row level security;
create policy definer_leave on incident_action as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on incident_action as permissive all to entente_staff using true check true;
create policy tenant_floor on incident_action as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on incident_action as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.incident_action REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('action_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.incident_action REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('action_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.incident_action REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('action_id');

create table incident_affected (
  tenant_id uuid not null, -- class=internal category=audit-log
  affected_id uuid not null, -- class=internal category=audit-log
  incident_id uuid not null, -- class=internal category=audit-log
  kind text not null, -- class=internal category=audit-log
  ref_id uuid not null, -- class=internal category=audit-log
  partner_id uuid, -- class=internal category=audit-log
  name text not null, -- class=personal category=audit-log
  email text not null default ''::text, -- class=personal category=audit-log
  records bigint not null default 0, -- class=internal category=audit-log
  why text not null default ''::text, -- class=internal category=audit-log
  created_at timestamp with time zone not null default app.now(), -- class=internal category=audit-log
  constraint incident_affected_incident_fk FOREIGN KEY (tenant_id, incident_id) REFERENCES incident(tenant_id, incident_id),
  constraint incident_affected_kind_ck CHECK ((kind = ANY (ARRAY['partner'::text, 'member'::text, 'contact'::text]))),
  constraint incident_affected_pk PRIMARY KEY (tenant_id, affected_id),
  constraint incident_affected_ref_uq UNIQUE (tenant_id, incident_id, kind, ref_id)
);
grant delete, insert, select, update on incident_affected to entente_definer;
grant delete, select, update on incident_affected to entente_retention;
grant delete, insert, select on incident_affected to entente_staff;
grant delete, insert, select, update on incident_affected to entente_worker;
alter table incident_affected enable row level security;
alter table incident_affected force row level security;
create policy definer_leave on incident_affected as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on incident_affected as permissive all to entente_retention using true check true;
create policy staff_reach on incident_affected as permissive all to entente_staff using true check true;
create policy tenant_floor on incident_affected as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on incident_affected as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.incident_affected REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('affected_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.incident_affected REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('affected_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.incident_affected REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('affected_id');

create table incident_clock (
  tenant_id uuid not null, -- class=internal category=authorization
  clock_id uuid not null, -- class=internal category=authorization
  incident_id uuid not null, -- class=internal category=authorization
  template text not null, -- class=internal category=authorization
  step text not null, -- class=internal category=authorization
  label text not null, -- class=internal category=authorization
  starts_at timestamp with time zone not null, -- class=internal category=authorization
  due_at timestamp with time zone not null, -- class=internal category=authorization
  met_at timestamp with time zone, -- class=internal category=authorization
  met_by_name text not null default ''::text, -- class=personal category=authorization
  met_note text not null default ''::text, -- class=internal category=authorization
  waived_at timestamp with time zone, -- class=internal category=authorization
  alarm_half_at timestamp with time zone, -- class=internal category=authorization
  alarm_quarter_at timestamp with time zone, -- class=internal category=authorization
  alarm_last_at timestamp with time zone, -- class=internal category=authorization
  alarm_passed_at timestamp with time zone, -- class=internal category=authorization
  created_at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  constraint incident_clock_due_ck CHECK ((due_at > starts_at)),
  constraint incident_clock_incident_fk FOREIGN KEY (tenant_id, incident_id) REFERENCES incident(tenant_id, incident_id),
  constraint incident_clock_once_ck CHECK (((met_at IS NULL) OR (waived_at IS NULL))),
  constraint incident_clock_pk PRIMARY KEY (tenant_id, clock_id),
  constraint incident_clock_step_uq UNIQUE (tenant_id, incident_id, template, step),
  constraint incident_clock_waived_ck CHECK (((waived_at IS NULL) OR (met_note <> ''::text)))
);
CREATE INDEX incident_clock_running_ix ON app.incident_clock USING btree (tenant_id, due_at) WHERE ((met_at IS NULL) AND (waived_at IS NULL));
grant delete, insert, select, update on incident_clock to entente_definer;
grant insert, select, update on incident_clock to entente_staff;
grant delete, insert, select, update on incident_clock to entente_worker;
alter table incident_clock enable row level security;
alter table incident_clock force row level security;
create policy definer_leave on incident_clock as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on incident_clock as permissive all to entente_staff using true check true;
create policy tenant_floor on incident_clock as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on incident_clock as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.incident_clock REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('clock_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.incident_clock REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('clock_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.incident_clock REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('clock_id');
CREATE TRIGGER incident_clock_guard BEFORE UPDATE ON app.incident_clock FOR EACH ROW EXECUTE FUNCTION incident_clock_guard();

create table incident_entry (
  tenant_id uuid not null, -- class=internal category=authorization
  entry_id uuid not null, -- class=internal category=authorization
  incident_id uuid not null, -- class=internal category=authorization
  at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  by_id uuid, -- class=internal category=authorization
  by_name text not null, -- class=personal category=authorization
  kind text not null default 'note'::text, -- class=internal category=authorization
  body text not null, -- class=personal category=authorization
  constraint incident_entry_body_ck CHECK (((length(body) >= 1) AND (length(body) <= 5000))),
  constraint incident_entry_incident_fk FOREIGN KEY (tenant_id, incident_id) REFERENCES incident(tenant_id, incident_id),
  constraint incident_entry_kind_ck CHECK ((kind = ANY (ARRAY['note'::text, 'step'::text, 'clock'::text, 'notice'::text, 'alarm'::text]))),
  constraint incident_entry_pk PRIMARY KEY (tenant_id, entry_id)
);
CREATE INDEX incident_entry_incident_ix ON app.incident_entry USING btree (tenant_id, incident_id, at);
grant delete, insert, select, update on incident_entry to entente_definer;
grant insert, select on incident_entry to entente_staff;
grant insert, select on incident_entry to entente_worker;
alter table incident_entry enable row level security;
alter table incident_entry force row level security;
create policy definer_leave on incident_entry as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on incident_entry as permissive all to entente_staff using true check true;
create policy tenant_floor on incident_entry as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on incident_entry as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.incident_entry REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('entry_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.incident_entry REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('entry_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.incident_entry REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('entry_id');

create table incident_notice (
  tenant_id uuid not null, -- class=internal category=authorization
  notice_id uuid not null, -- class=internal category=authorization
  incident_id uuid not null, -- class=internal category=authorization
  recipient text not null, -- class=internal category=authorization
  nature text not null default ''::text, -- class=business category=authorization
  impact text not null default ''::text, -- class=business category=authorization
  mitigation text not null default ''::text, -- class=business category=authorization
  contact text not null default ''::text, -- class=business category=authorization
  status text not null default 'draft'::text, -- class=internal category=authorization
  sent_at timestamp with time zone, -- class=internal category=authorization
  sent_by_name text not null default ''::text, -- class=personal category=authorization
  mailing_id uuid, -- class=internal category=authorization
  version integer not null default 1, -- class=internal category=authorization
  created_at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  updated_at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  constraint incident_notice_incident_fk FOREIGN KEY (tenant_id, incident_id) REFERENCES incident(tenant_id, incident_id),
  constraint incident_notice_length_ck CHECK (((length(nature) <= 5000) AND (length(impact) <= 5000) AND (length(mitigation) <= 5000) AND (length(contact) <= 1000))),
  constraint incident_notice_mailing_fk FOREIGN KEY (tenant_id, mailing_id) REFERENCES notice(tenant_id, notice_id) ON DELETE SET NULL (mailing_id),
  constraint incident_notice_parts_ck CHECK (((status = 'draft'::text) OR ((sent_at IS NOT NULL) AND (btrim(nature, ' 	
'::text) <> ''::text) AND (btrim(impact, ' 	
'::text) <> ''::text) AND (btrim(mitigation, ' 	
'::text) <> ''::text) AND (btrim(contact, ' 	
'::text) <> ''::text)))),
  constraint incident_notice_pk PRIMARY KEY (tenant_id, notice_id),
  constraint incident_notice_recipient_ck CHECK ((recipient = ANY (ARRAY['affected'::text, 'authority'::text]))),
  constraint incident_notice_status_ck CHECK ((status = ANY (ARRAY['draft'::text, 'sent'::text])))
);
CREATE INDEX incident_notice_incident_ix ON app.incident_notice USING btree (tenant_id, incident_id, created_at);
grant delete, insert, select, update on incident_notice to entente_definer;
grant insert, select, update on incident_notice to entente_staff;
grant delete, insert, select, update on incident_notice to entente_worker;
alter table incident_notice enable row level security;
alter table incident_notice force row level security;
create policy definer_leave on incident_notice as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on incident_notice as permissive all to entente_staff using true check true;
create policy tenant_floor on incident_notice as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on incident_notice as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.incident_notice REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('notice_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.incident_notice REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('notice_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.incident_notice REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('notice_id');
CREATE TRIGGER incident_notice_guard BEFORE UPDATE ON app.incident_notice FOR EACH ROW EXECUTE FUNCTION incident_notice_guard();

create table installation (
  only_one boolean not null default true, -- class=internal category=authorization
  installation_id uuid not null, -- class=internal category=authorization
  secret bytea not null, -- class=secret category=authorization
  created_at timestamp with time zone not null default now(), -- class=internal category=authorization
  constraint installation_one_ck CHECK (only_one),
  constraint installation_pk PRIMARY KEY (only_one)
);
alter table installation enable row level security;
alter table installation force row level security;
create policy owner_reach on installation as permissive all to entente_owner using true check true;

create table installation_evidence (
  evidence_id uuid not null, -- class=internal category=audit-log
  promise text not null, -- class=public category=audit-log
  at timestamp with time zone not null, -- class=public category=audit-log
  kind text not null, -- class=public category=audit-log
  result text not null, -- class=public category=audit-log
  checked text not null, -- class=public category=audit-log
  items bigint not null default 0, -- class=public category=audit-log
  detail text not null default ''::text, -- class=internal category=audit-log
  tree_size bigint, -- class=public category=audit-log
  tree_root text not null default ''::text, -- class=public category=audit-log
  program text not null default ''::text, -- class=public category=audit-log
  took_ms integer not null default 0, -- class=internal category=audit-log
  by_name text not null default ''::text, -- class=personal category=audit-log
  until_on date, -- class=public category=audit-log
  constraint installation_evidence_attested_ck CHECK ((((kind = 'attestation'::text) = (result = ANY (ARRAY['attested'::text, 'withdrawn'::text]))) AND ((result <> 'attested'::text) OR ((until_on IS NOT NULL) AND (by_name <> ''::text))))),
  constraint installation_evidence_checked_ck CHECK ((length(checked) <= 1000)),
  constraint installation_evidence_detail_ck CHECK ((length(detail) <= 4000)),
  constraint installation_evidence_items_ck CHECK ((items >= 0)),
  constraint installation_evidence_kind_ck CHECK ((kind = ANY (ARRAY['probe'::text, 'attestation'::text]))),
  constraint installation_evidence_pk PRIMARY KEY (evidence_id),
  constraint installation_evidence_promise_ck CHECK ((promise ~ '^P-[0-9]{2}$'::text)),
  constraint installation_evidence_result_ck CHECK ((result = ANY (ARRAY['kept'::text, 'failing'::text, 'unseen'::text, 'not-offered'::text, 'attested'::text, 'withdrawn'::text])))
);
CREATE INDEX installation_evidence_at_ix ON app.installation_evidence USING btree (at);
CREATE INDEX installation_evidence_promise_ix ON app.installation_evidence USING btree (promise, kind, at DESC, evidence_id DESC);
grant select (evidence_id, promise, at, kind, result, checked, items, tree_size, tree_root, program, took_ms, by_name, until_on) on installation_evidence to entente_public;
grant delete, select, update on installation_evidence to entente_retention;
grant select (evidence_id, promise, at, kind, result, checked, items, tree_size, tree_root, program, took_ms, by_name, until_on) on installation_evidence to entente_staff;
grant delete, insert, select on installation_evidence to entente_worker;
alter table installation_evidence enable row level security;
alter table installation_evidence force row level security;
create policy everybody on installation_evidence as permissive select to entente_public, entente_staff using true;
create policy retention_reach on installation_evidence as permissive all to entente_retention using true check true;
create policy worker_reach on installation_evidence as permissive all to entente_worker using true check true;

create table invitation (
  tenant_id uuid not null, -- class=internal category=user-account
  invitation_id uuid not null, -- class=internal category=user-account
  member_id uuid not null, -- class=internal category=user-account
  partner_id uuid, -- class=internal category=user-account
  token_hash bytea not null, -- class=secret category=user-account
  expires_at timestamp with time zone not null, -- class=internal category=user-account
  used_at timestamp with time zone, -- class=internal category=user-account
  revoked_at timestamp with time zone, -- class=internal category=user-account
  created_by uuid, -- class=internal category=user-account
  created_at timestamp with time zone not null default app.now(), -- class=internal category=user-account
  constraint invitation_member_fk FOREIGN KEY (tenant_id, member_id) REFERENCES member(tenant_id, member_id) ON DELETE CASCADE,
  constraint invitation_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id) ON DELETE CASCADE,
  constraint invitation_pk PRIMARY KEY (tenant_id, invitation_id)
);
CREATE INDEX invitation_member_ix ON app.invitation USING btree (tenant_id, member_id, created_at DESC);
CREATE INDEX invitation_token_ix ON app.invitation USING btree (token_hash);
grant delete, insert, select, update on invitation to entente_definer;
grant update (revoked_at) on invitation to entente_definer;
grant insert, select, update on invitation to entente_partner;
grant delete, select, update on invitation to entente_retention;
grant insert, select, update on invitation to entente_staff;
grant delete, insert, select, update on invitation to entente_worker;
alter table invitation enable row level security;
alter table invitation force row level security;
create policy definer_end on invitation as permissive update to entente_definer using true check true;
create policy definer_leave on invitation as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on invitation as permissive select to entente_definer using true;
create policy partner_reach on invitation as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy retention_reach on invitation as permissive all to entente_retention using true check true;
create policy staff_reach on invitation as permissive all to entente_staff using true check true;
create policy tenant_floor on invitation as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on invitation as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.invitation REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('invitation_id', 'token_hash');
CREATE TRIGGER history_insert AFTER INSERT ON app.invitation REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('invitation_id', 'token_hash');
CREATE TRIGGER history_update AFTER UPDATE ON app.invitation REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('invitation_id', 'token_hash');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.invitation FOR EACH ROW EXECUTE FUNCTION partner_links('invitation_member_fk', 'member_id', 'member', 'member_id', 'invitation_partner_fk', 'partner_id', 'partner', 'partner_id');

create table kept_record (
  tenant_id uuid not null, -- class=internal category=legal-entity
  record_id uuid not null default gen_random_uuid(), -- class=internal category=legal-entity
  table_name text not null, -- class=internal category=legal-entity
  category text not null, -- class=internal category=legal-entity
  reason text not null, -- class=internal category=legal-entity
  until timestamp with time zone, -- class=internal category=legal-entity
  record jsonb not null, -- class=personal category=legal-entity
  created_at timestamp with time zone not null default app.now(), -- class=internal category=legal-entity
  constraint kept_record_pk PRIMARY KEY (tenant_id, record_id),
  constraint kept_record_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX kept_record_until_ix ON app.kept_record USING btree (tenant_id, until);
grant delete, insert, select, update on kept_record to entente_definer;
grant delete, select on kept_record to entente_platform;
grant delete, select, update on kept_record to entente_retention;
grant delete, insert, select, update on kept_record to entente_worker;
alter table kept_record enable row level security;
alter table kept_record force row level security;
create policy definer_leave on kept_record as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy platform_reach on kept_record as permissive all to entente_platform using true check true;
create policy retention_reach on kept_record as permissive all to entente_retention using true check true;
create policy tenant_floor on kept_record as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on kept_record as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.kept_record REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('record_id', 'record');
CREATE TRIGGER history_insert AFTER INSERT ON app.kept_record REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('record_id', 'record');
CREATE TRIGGER history_update AFTER UPDATE ON app.kept_record REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('record_id', 'record');

create table key_rotation (
  tenant_id uuid not null, -- class=internal category=authorization
  rotation_id uuid not null, -- class=internal category=authorization
  key_version integer not null, -- class=internal category=authorization
  state text not null, -- class=internal category=authorization
  done bigint not null default 0, -- class=internal category=authorization
  total bigint not null default 0, -- class=internal category=authorization
  kept integer[] not null default '{}'::integer[], -- class=internal category=authorization
  started_at timestamp with time zone not null, -- class=internal category=authorization
  updated_at timestamp with time zone not null, -- class=internal category=authorization
  finished_at timestamp with time zone, -- class=internal category=authorization
  constraint key_rotation_pk PRIMARY KEY (tenant_id, rotation_id),
  constraint key_rotation_state_ck CHECK ((state = ANY (ARRAY['running'::text, 'waiting'::text, 'done'::text]))),
  constraint key_rotation_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id),
  constraint key_rotation_version_ck CHECK ((key_version > 1))
);
CREATE UNIQUE INDEX key_rotation_current_uq ON app.key_rotation USING btree (tenant_id) WHERE (state <> 'done'::text);
grant delete, insert, select, update on key_rotation to entente_definer;
grant insert, select, update on key_rotation to entente_worker;
alter table key_rotation enable row level security;
alter table key_rotation force row level security;
create policy definer_leave on key_rotation as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy tenant_floor on key_rotation as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on key_rotation as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.key_rotation REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('rotation_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.key_rotation REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('rotation_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.key_rotation REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('rotation_id');

create table legal_duty (
  tenant_id uuid not null, -- class=internal category=authorization
  duty_id uuid not null, -- class=internal category=authorization
  category text not null, -- class=internal category=authorization
  event text not null, -- class=internal category=authorization
  keep interval not null, -- class=internal category=authorization
  reason text not null, -- class=internal category=authorization
  set_by uuid, -- class=internal category=authorization
  set_by_name text not null default ''::text, -- class=personal category=authorization
  set_at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  constraint legal_duty_category_uq UNIQUE (tenant_id, category),
  constraint legal_duty_event_ck CHECK ((event = ANY (ARRAY['recorded'::text, 'last-sign-in'::text, 'relation-end'::text, 'account-deletion'::text, 'session-end'::text, 'solved'::text]))),
  constraint legal_duty_keep_ck CHECK (((keep > '00:00:00'::interval) AND (keep <= '100 years'::interval))),
  constraint legal_duty_pk PRIMARY KEY (tenant_id, duty_id),
  constraint legal_duty_reason_ck CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
  constraint legal_duty_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
grant delete, insert, select, update on legal_duty to entente_definer;
grant insert on legal_duty to entente_platform;
grant select on legal_duty to entente_retention;
grant delete, insert, select, update on legal_duty to entente_staff;
grant delete, insert, select, update on legal_duty to entente_worker;
alter table legal_duty enable row level security;
alter table legal_duty force row level security;
create policy definer_leave on legal_duty as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy platform_reach on legal_duty as permissive all to entente_platform using true check true;
create policy retention_reach on legal_duty as permissive select to entente_retention using true;
create policy staff_reach on legal_duty as permissive all to entente_staff using true check true;
create policy tenant_floor on legal_duty as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on legal_duty as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.legal_duty REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('duty_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.legal_duty REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('duty_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.legal_duty REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('duty_id');

create table legal_hold (
  tenant_id uuid not null, -- class=internal category=audit-log
  hold_id uuid not null, -- class=internal category=audit-log
  kind text not null, -- class=internal category=audit-log
  object_id uuid not null, -- class=internal category=audit-log
  label text not null default ''::text, -- class=personal category=audit-log
  email text not null default ''::text, -- class=personal category=audit-log
  reason text not null, -- class=personal category=audit-log
  until date, -- class=internal category=audit-log
  placed_by uuid, -- class=internal category=audit-log
  placed_by_name text not null default ''::text, -- class=personal category=audit-log
  placed_at timestamp with time zone not null default app.now(), -- class=internal category=audit-log
  released_by uuid, -- class=internal category=audit-log
  released_by_name text not null default ''::text, -- class=personal category=audit-log
  released_at timestamp with time zone, -- class=internal category=audit-log
  release_reason text not null default ''::text, -- class=personal category=audit-log
  version integer not null default 1, -- class=internal category=audit-log
  constraint legal_hold_email_ck CHECK ((length(email) <= 254)),
  constraint legal_hold_kind_ck CHECK ((kind = ANY (ARRAY['person'::text, 'account'::text, 'partner'::text, 'tenant'::text]))),
  constraint legal_hold_label_ck CHECK ((length(label) <= 300)),
  constraint legal_hold_of_tenant_ck CHECK (((kind <> 'tenant'::text) OR (object_id = tenant_id))),
  constraint legal_hold_pk PRIMARY KEY (tenant_id, hold_id),
  constraint legal_hold_reason_ck CHECK (((length(reason) >= 1) AND (length(reason) <= 2000))),
  constraint legal_hold_release_ck CHECK ((length(release_reason) <= 2000)),
  constraint legal_hold_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX legal_hold_active_ix ON app.legal_hold USING btree (tenant_id, kind, object_id) WHERE (released_at IS NULL);
CREATE INDEX legal_hold_placed_ix ON app.legal_hold USING btree (tenant_id, placed_at DESC, hold_id DESC);
grant delete, insert, select, update on legal_hold to entente_definer;
grant delete, select, update on legal_hold to entente_retention;
grant insert, select, update on legal_hold to entente_staff;
grant select on legal_hold to entente_worker;
alter table legal_hold enable row level security;
alter table legal_hold force row level security;
create policy definer_leave on legal_hold as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on legal_hold as permissive all to entente_retention using true check true;
create policy staff_reach on legal_hold as permissive all to entente_staff using true check true;
create policy tenant_floor on legal_hold as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on legal_hold as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.legal_hold REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('hold_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.legal_hold REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('hold_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.legal_hold REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('hold_id');
CREATE TRIGGER hold_gate BEFORE INSERT OR UPDATE ON app.legal_hold FOR EACH ROW EXECUTE FUNCTION hold_gate();
CREATE TRIGGER legal_hold_guard BEFORE UPDATE ON app.legal_hold FOR EACH ROW EXECUTE FUNCTION legal_hold_guard();

create table mail (
  tenant_id uuid not null, -- class=internal category=email-log
  mail_id uuid not null, -- class=internal category=email-log
  template text not null, -- class=internal category=email-log
  to_email text not null, -- class=personal category=email-log
  to_name text not null default ''::text, -- class=personal category=email-log
  subject text not null, -- class=personal category=email-log
  text_body text not null default ''::text, -- class=personal category=email-log
  html_body text not null default ''::text, -- class=personal category=email-log
  link text, -- class=secret category=email-log
  status text not null default 'queued'::text, -- class=internal category=email-log
  attempts integer not null default 0, -- class=internal category=email-log
  last_error text not null default ''::text, -- class=personal category=email-log
  object_type text not null default ''::text, -- class=internal category=email-log
  object_id uuid, -- class=internal category=email-log
  created_at timestamp with time zone not null default app.now(), -- class=internal category=email-log
  sent_at timestamp with time zone, -- class=internal category=email-log
  text_sealed bytea, -- class=secret category=email-log
  html_sealed bytea, -- class=secret category=email-log
  link_sealed bytea, -- class=secret category=email-log
  constraint mail_pk PRIMARY KEY (tenant_id, mail_id),
  constraint mail_status_ck CHECK ((status = ANY (ARRAY['queued'::text, 'sent'::text, 'logged'::text, 'failed'::text, 'suppressed'::text]))),
  constraint mail_to_ck CHECK ((length(to_email) <= 254))
);
CREATE INDEX mail_created_ix ON app.mail USING btree (tenant_id, created_at DESC, mail_id DESC);
CREATE INDEX mail_plain_ix ON app.mail USING btree (tenant_id, mail_id) WHERE ((text_body <> ''::text) OR (html_body <> ''::text) OR (link IS NOT NULL));
grant delete, insert, select, update on mail to entente_definer;
grant insert on mail to entente_partner;
grant delete, select, update on mail to entente_retention;
grant insert, select on mail to entente_staff;
grant delete, insert, select, update on mail to entente_worker;
alter table mail enable row level security;
alter table mail force row level security;
create policy definer_leave on mail as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on mail as permissive all to entente_partner using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on mail as permissive all to entente_retention using true check true;
create policy staff_reach on mail as permissive all to entente_staff using true check true;
create policy tenant_floor on mail as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on mail as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.mail REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('mail_id', 'link', 'text_body', 'html_body', 'text_sealed', 'html_sealed', 'link_sealed');
CREATE TRIGGER history_insert AFTER INSERT ON app.mail REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('mail_id', 'link', 'text_body', 'html_body', 'text_sealed', 'html_sealed', 'link_sealed');
CREATE TRIGGER history_update AFTER UPDATE ON app.mail REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('mail_id', 'link', 'text_body', 'html_body', 'text_sealed', 'html_sealed', 'link_sealed');

create table member (
  tenant_id uuid not null, -- class=internal category=user-account
  member_id uuid not null, -- class=internal category=user-account
  kind text not null default 'person'::text, -- class=internal category=user-account
  person_id uuid, -- class=internal category=user-account
  partner_id uuid, -- class=internal category=user-account
  role text not null, -- class=internal category=user-account
  name text not null, -- class=personal category=user-account
  email text not null default ''::text, -- class=personal category=user-account
  status text not null, -- class=internal category=user-account
  external_id text, -- class=internal category=user-account
  import_id uuid, -- class=internal category=user-account
  last_seen_at timestamp with time zone, -- class=personal category=user-account
  version integer not null default 1, -- class=internal category=user-account
  created_at timestamp with time zone not null default app.now(), -- class=internal category=user-account
  updated_at timestamp with time zone not null default app.now(), -- class=internal category=user-account
  erased_at timestamp with time zone, -- class=internal category=user-account
  erase_warned_at timestamp with time zone, -- class=internal category=user-account
  active_at timestamp with time zone not null generated always as (COALESCE(last_seen_at, created_at)) stored, -- class=personal category=user-account
  restricted_at timestamp with time zone, -- class=internal category=user-account
  restricted_reason text not null default ''::text, -- class=internal category=user-account
  constraint member_email_ck CHECK (((email = lower(email)) AND (length(email) <= 254))),
  constraint member_external_uq UNIQUE (tenant_id, external_id),
  constraint member_kind_ck CHECK ((kind = ANY (ARRAY['person'::text, 'service'::text]))),
  constraint member_name_ck CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint member_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id),
  constraint member_person_ck CHECK (((kind <> 'service'::text) OR (person_id IS NULL))),
  constraint member_person_fk FOREIGN KEY (person_id) REFERENCES person(person_id),
  constraint member_pk PRIMARY KEY (tenant_id, member_id),
  constraint member_restricted_ck CHECK (((restricted_at IS NULL) OR (restricted_reason <> ''::text))),
  constraint member_restricted_reason_ck CHECK ((length(restricted_reason) <= 500)),
  constraint member_role_ck CHECK ((role = ANY (ARRAY['admin'::text, 'staff'::text, 'partner'::text, 'agent'::text]))),
  constraint member_side_ck CHECK (((partner_id IS NULL) = (role = ANY (ARRAY['admin'::text, 'staff'::text])))),
  constraint member_status_ck CHECK ((status = ANY (ARRAY['listed'::text, 'invited'::text, 'active'::text, 'suspended'::text, 'removed'::text]))),
  constraint member_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX member_active_ix ON app.member USING btree (tenant_id, active_at) WHERE (erased_at IS NULL);
CREATE INDEX member_email_ix ON app.member USING btree (tenant_id, email) WHERE (email <> ''::text);
CREATE INDEX member_import_ix ON app.member USING btree (tenant_id, import_id) WHERE (import_id IS NOT NULL);
CREATE INDEX member_label_ix ON app.member USING btree (tenant_id, member_id) INCLUDE (name);
CREATE INDEX member_name_ix ON app.member USING btree (tenant_id, name, member_id);
CREATE INDEX member_partner_ix ON app.member USING btree (tenant_id, partner_id, name, member_id);
CREATE INDEX member_person_ix ON app.member USING btree (person_id) WHERE (person_id IS NOT NULL);
CREATE UNIQUE INDEX member_person_uq ON app.member USING btree (tenant_id, person_id, partner_id) NULLS NOT DISTINCT WHERE ((person_id IS NOT NULL) AND (status <> 'removed'::text));
CREATE INDEX member_restricted_ix ON app.member USING btree (tenant_id, restricted_at) WHERE (restricted_at IS NOT NULL);
grant delete, insert, select, update on member to entente_definer;
grant update (person_id) on member to entente_definer;
grant insert, select, update on member to entente_partner;
grant insert on member to entente_platform;
grant delete, select, update on member to entente_retention;
grant delete, insert, select, update on member to entente_staff;
grant delete, insert, select, update on member to entente_worker;
alter table member enable row level security;
alter table member force row level security;
create policy definer_end on member as permissive update to entente_definer using true check true;
create policy definer_leave on member as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on member as permissive select to entente_definer using true;
create policy partner_reach on member as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy platform_reach on member as permissive all to entente_platform using true check true;
create policy retention_reach on member as permissive all to entente_retention using true check true;
create policy staff_reach on member as permissive all to entente_staff using true check true;
create policy tenant_floor on member as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy unrestricted on member as restrictive all to entente_partner, entente_staff using ((restricted_at IS NULL) OR (member_id = ( SELECT member() AS member))) check ((restricted_at IS NULL) OR (member_id = ( SELECT member() AS member)));
create policy worker_reach on member as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.member REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('member_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.member REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('member_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.member REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('member_id');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.member FOR EACH ROW EXECUTE FUNCTION partner_links('member_partner_fk', 'partner_id', 'partner', 'partner_id');
CREATE TRIGGER tell_auth_delete AFTER DELETE ON app.member FOR EACH ROW EXECUTE FUNCTION tell_auth('member_id');
CREATE TRIGGER tell_auth_update AFTER UPDATE ON app.member FOR EACH ROW WHEN (((((old.status IS DISTINCT FROM new.status) OR (old.role IS DISTINCT FROM new.role)) OR (old.name IS DISTINCT FROM new.name)) OR (old.partner_id IS DISTINCT FROM new.partner_id))) EXECUTE FUNCTION tell_auth('member_id');

create table notice (
  tenant_id uuid not null, -- class=internal category=email-log
  notice_id uuid not null, -- class=internal category=email-log
  kind text not null, -- class=internal category=email-log
  object_id uuid not null, -- class=internal category=email-log
  audience text not null, -- class=internal category=email-log
  subject text not null, -- class=business category=email-log
  heading text not null default ''::text, -- class=business category=email-log
  paragraphs text[] not null default '{}'::text[], -- class=business category=email-log
  button text not null default ''::text, -- class=internal category=email-log
  path text not null default ''::text, -- class=internal category=email-log
  reason text not null default ''::text, -- class=business category=email-log
  status text not null default 'sending'::text, -- class=internal category=email-log
  total integer not null default 0, -- class=internal category=email-log
  done integer not null default 0, -- class=internal category=email-log
  created_by uuid, -- class=internal category=email-log
  created_by_name text not null default ''::text, -- class=personal category=email-log
  created_at timestamp with time zone not null default app.now(), -- class=internal category=email-log
  done_at timestamp with time zone, -- class=internal category=email-log
  constraint notice_audience_ck CHECK ((audience = ANY (ARRAY['vendor'::text, 'partners'::text, 'all'::text, 'listed'::text]))),
  constraint notice_done_ck CHECK (((status = 'done'::text) = (done_at IS NOT NULL))),
  constraint notice_kind_ck CHECK ((kind = ANY (ARRAY['document'::text, 'processor'::text, 'incident'::text]))),
  constraint notice_pk PRIMARY KEY (tenant_id, notice_id),
  constraint notice_status_ck CHECK ((status = ANY (ARRAY['sending'::text, 'done'::text]))),
  constraint notice_subject_ck CHECK (((length(subject) >= 1) AND (length(subject) <= 300))),
  constraint notice_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX notice_object_ix ON app.notice USING btree (tenant_id, object_id, created_at DESC);
grant delete, insert, select, update on notice to entente_definer;
grant delete, select, update on notice to entente_retention;
grant insert, select on notice to entente_staff;
grant delete, insert, select, update on notice to entente_worker;
alter table notice enable row level security;
alter table notice force row level security;
create policy definer_leave on notice as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on notice as permissive all to entente_retention using true check true;
create policy staff_reach on notice as permissive all to entente_staff using true check true;
create policy tenant_floor on notice as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on notice as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.notice REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('notice_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.notice REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('notice_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.notice REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('notice_id');
CREATE TRIGGER notice_guard BEFORE INSERT ON app.notice FOR EACH ROW EXECUTE FUNCTION notice_guard();

create table notice_recipient (
  tenant_id uuid not null, -- class=internal category=email-log
  recipient_id uuid not null default gen_random_uuid(), -- class=internal category=email-log
  notice_id uuid not null, -- class=internal category=email-log
  position integer not null, -- class=internal category=email-log
  member_id uuid, -- class=internal category=email-log
  partner_id uuid, -- class=internal category=email-log
  name text not null default ''::text, -- class=personal category=email-log
  email text not null, -- class=personal category=email-log
  mail_id uuid, -- class=internal category=email-log
  outcome text not null default 'waiting'::text, -- class=internal category=email-log
  queued_at timestamp with time zone, -- class=internal category=email-log
  created_at timestamp with time zone not null default app.now(), -- class=internal category=email-log
  constraint notice_recipient_notice_fk FOREIGN KEY (tenant_id, notice_id) REFERENCES notice(tenant_id, notice_id) ON DELETE CASCADE,
  constraint notice_recipient_outcome_ck CHECK ((outcome = ANY (ARRAY['waiting'::text, 'queued'::text]))),
  constraint notice_recipient_pk PRIMARY KEY (tenant_id, recipient_id),
  constraint notice_recipient_position_uq UNIQUE (tenant_id, notice_id, "position"),
  constraint notice_recipient_queued_ck CHECK (((outcome = 'queued'::text) = (queued_at IS NOT NULL)))
);
CREATE INDEX notice_recipient_member_ix ON app.notice_recipient USING btree (tenant_id, member_id);
CREATE INDEX notice_recipient_waiting_ix ON app.notice_recipient USING btree (tenant_id, notice_id, "position") WHERE (outcome = 'waiting'::text);
grant delete, insert, select, update on notice_recipient to entente_definer;
grant delete, select, update on notice_recipient to entente_retention;
grant insert, select on notice_recipient to entente_staff;
grant delete, insert, select, update on notice_recipient to entente_worker;
alter table notice_recipient enable row level security;
alter table notice_recipient force row level security;
create policy definer_leave on notice_recipient as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on notice_recipient as permissive all to entente_retention using true check true;
create policy staff_reach on notice_recipient as permissive all to entente_staff using true check true;
create policy tenant_floor on notice_recipient as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on notice_recipient as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.notice_recipient REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('recipient_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.notice_recipient REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('recipient_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.notice_recipient REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('recipient_id');
CREATE TRIGGER notice_recipient_guard BEFORE INSERT ON app.notice_recipient FOR EACH ROW EXECUTE FUNCTION notice_recipient_guard();

create table one_time_link (
  token_hash bytea not null, -- class=secret category=user-account
  purpose text not null, -- class=internal category=user-account
  person_id uuid, -- class=internal category=user-account
  created_at timestamp with time zone not null default app.now(), -- class=internal category=user-account
  expires_at timestamp with time zone not null, -- class=internal category=user-account
  used_at timestamp with time zone, -- class=internal category=user-account
  constraint one_time_link_person_fk FOREIGN KEY (person_id) REFERENCES person(person_id) ON DELETE CASCADE,
  constraint one_time_link_pk PRIMARY KEY (token_hash),
  constraint one_time_link_purpose_ck CHECK ((purpose = ANY (ARRAY['setup'::text, 'reset'::text])))
);
grant delete, insert, select, update on one_time_link to entente_public;
grant delete, select, update on one_time_link to entente_retention;
alter table one_time_link enable row level security;
alter table one_time_link force row level security;
create policy public_reach on one_time_link as permissive all to entente_public using true check true;
create policy retention_reach on one_time_link as permissive all to entente_retention using true check true;

create table partner (
  tenant_id uuid not null, -- class=internal category=customer-data
  partner_id uuid not null, -- class=internal category=customer-data
  name text not null, -- class=business category=legal-entity
  name_norm text not null default ''::text, -- class=business category=legal-entity
  kind text not null default 'reseller'::text, -- class=business category=legal-entity
  domains text[] not null default '{}'::text[], -- class=business category=legal-entity
  country text not null default ''::text, -- class=business category=legal-entity
  region text not null default ''::text, -- class=business category=legal-entity
  manager_id uuid, -- class=internal category=customer-data
  manager_name text not null default ''::text, -- class=personal category=legal-entity
  status text not null default 'active'::text, -- class=internal category=customer-data
  external_id text, -- class=internal category=customer-data
  import_id uuid, -- class=internal category=customer-data
  version integer not null default 1, -- class=internal category=customer-data
  created_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  updated_at timestamp with time zone not null default app.now(), -- class=internal category=customer-data
  ended_at timestamp with time zone, -- class=internal category=customer-data
  erased_at timestamp with time zone, -- class=internal category=customer-data
  constraint partner_country_ck CHECK ((country ~ '^([A-Z]{2})?$'::text)),
  constraint partner_domains_ck CHECK ((cardinality(domains) <= 50)),
  constraint partner_external_uq UNIQUE (tenant_id, external_id),
  constraint partner_kind_ck CHECK ((kind = ANY (ARRAY['reseller'::text, 'referrer'::text, 'distributor'::text, 'agency'::text, 'technology'::text]))),
  constraint partner_manager_fk FOREIGN KEY (tenant_id, manager_id) REFERENCES member(tenant_id, member_id) DEFERRABLE,
  constraint partner_name_ck CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint partner_pk PRIMARY KEY (tenant_id, partner_id),
  constraint partner_region_ck CHECK ((length(region) <= 100)),
  constraint partner_status_ck CHECK ((status = ANY (ARRAY['invited'::text, 'active'::text, 'suspended'::text, 'ended'::text]))),
  constraint partner_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX partner_created_ix ON app.partner USING btree (tenant_id, created_at DESC, partner_id DESC);
CREATE INDEX partner_ended_ix ON app.partner USING btree (tenant_id, ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX partner_import_ix ON app.partner USING btree (tenant_id, import_id) WHERE (import_id IS NOT NULL);
CREATE INDEX partner_label_ix ON app.partner USING btree (tenant_id, partner_id) INCLUDE (name);
CREATE INDEX partner_name_ix ON app.partner USING btree (tenant_id, name_norm, partner_id);
grant delete, insert, select, update on partner to entente_definer;
grant select on partner to entente_partner;
grant delete, select, update on partner to entente_retention;
grant delete, insert, select, update on partner to entente_staff;
grant delete, insert, select, update on partner to entente_worker;
alter table partner enable row level security;
alter table partner force row level security;
create policy definer_leave on partner as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on partner as permissive select to entente_definer using true;
create policy partner_reach on partner as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy retention_reach on partner as permissive all to entente_retention using true check true;
create policy staff_reach on partner as permissive all to entente_staff using true check true;
create policy tenant_floor on partner as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on partner as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.partner REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('partner_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.partner REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('partner_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.partner REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('partner_id');
CREATE TRIGGER partner_relation BEFORE INSERT OR UPDATE OF status ON app.partner FOR EACH ROW EXECUTE FUNCTION partner_relation();
CREATE TRIGGER tell_auth_update AFTER UPDATE ON app.partner FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION tell_auth('partner_id');

create table person (
  person_id uuid not null, -- class=internal category=user-account
  email text not null, -- class=personal category=user-account
  name text not null default ''::text, -- class=personal category=user-account
  password_hash text, -- class=secret category=user-account
  password_set_at timestamp with time zone, -- class=internal category=user-account
  theme text not null default 'auto'::text, -- class=internal category=preference
  created_at timestamp with time zone not null default app.now(), -- class=internal category=user-account
  last_sign_in_at timestamp with time zone, -- class=personal category=user-account
  constraint person_email_ck CHECK (((email = lower(email)) AND ((length(email) >= 3) AND (length(email) <= 254)))),
  constraint person_email_uq UNIQUE (email),
  constraint person_name_ck CHECK ((length(name) <= 200)),
  constraint person_pk PRIMARY KEY (person_id),
  constraint person_theme_ck CHECK ((theme = ANY (ARRAY['auto'::text, 'light'::text, 'dark'::text])))
);
grant delete on person to entente_definer;
grant insert (person_id, email, name) on person to entente_definer;
grant select (person_id, email, name, password_hash, created_at, last_sign_in_at) on person to entente_definer;
grant update (name, password_hash, password_set_at) on person to entente_definer;
grant insert, select, update on person to entente_public;
grant delete, select, update on person to entente_retention;
alter table person enable row level security;
alter table person force row level security;
create policy definer_reach on person as permissive all to entente_definer using true check true;
create policy public_reach on person as permissive all to entente_public using true check true;
create policy retention_reach on person as permissive all to entente_retention using true check true;

create table policy_clock (
  tenant_id uuid not null, -- class=public category=authorization
  clock_id uuid not null default gen_random_uuid(), -- class=public category=authorization
  clock text not null, -- class=public category=authorization
  keep interval, -- class=public category=authorization
  who text not null default ''::text, -- class=public category=authorization
  constraint policy_clock_clock_ck CHECK ((clock = ANY (ARRAY['breach-notice'::text, 'purge-after-deletion'::text, 'policy-notice'::text, 'subject-answer'::text]))),
  constraint policy_clock_keep_ck CHECK (((keep >= '00:00:00'::interval) AND (keep <= '5 years'::interval))),
  constraint policy_clock_pk PRIMARY KEY (tenant_id, clock),
  constraint policy_clock_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
grant delete, insert, select, update on policy_clock to entente_definer;
grant select on policy_clock to entente_partner;
grant insert on policy_clock to entente_platform;
grant select on policy_clock to entente_public;
grant delete, insert, select, update on policy_clock to entente_staff;
grant delete, insert, select, update on policy_clock to entente_worker;
alter table policy_clock enable row level security;
alter table policy_clock force row level security;
create policy definer_leave on policy_clock as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on policy_clock as permissive all to entente_partner using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy platform_reach on policy_clock as permissive all to entente_platform using true check true;
create policy public_reach on policy_clock as permissive select to entente_public using true;
create policy staff_reach on policy_clock as permissive all to entente_staff using true check true;
create policy tenant_floor on policy_clock as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on policy_clock as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.policy_clock REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('clock_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.policy_clock REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('clock_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.policy_clock REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('clock_id');

create table policy_version (
  tenant_id uuid not null, -- class=public category=authorization
  policy_id uuid not null, -- class=public category=authorization
  number integer not null, -- class=public category=authorization
  profile text not null, -- class=public category=authorization
  document jsonb not null, -- class=public category=authorization
  applied_by uuid, -- class=internal category=authorization
  applied_by_name text not null, -- class=personal category=authorization
  applied_at timestamp with time zone not null default app.now(), -- class=public category=authorization
  base jsonb not null default '{}'::jsonb, -- class=internal category=authorization
  constraint policy_version_number_ck CHECK ((number > 0)),
  constraint policy_version_number_uq UNIQUE (tenant_id, number),
  constraint policy_version_pk PRIMARY KEY (tenant_id, policy_id),
  constraint policy_version_profile_ck CHECK ((profile ~ '^[a-z0-9][a-z0-9-]{0,39}$'::text)),
  constraint policy_version_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
grant delete, insert, select, update on policy_version to entente_definer;
grant insert on policy_version to entente_platform;
grant select (tenant_id, policy_id, number, profile, document, applied_at) on policy_version to entente_public;
grant insert, select on policy_version to entente_staff;
grant insert, select on policy_version to entente_worker;
grant update (applied_by_name) on policy_version to entente_worker;
alter table policy_version enable row level security;
alter table policy_version force row level security;
create policy definer_leave on policy_version as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy platform_reach on policy_version as permissive all to entente_platform using true check true;
create policy public_reach on policy_version as permissive select to entente_public using true;
create policy staff_reach on policy_version as permissive all to entente_staff using true check true;
create policy tenant_floor on policy_version as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on policy_version as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.policy_version REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('policy_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.policy_version REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('policy_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.policy_version REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('policy_id');

create table privacy_kept (
  tenant_id uuid not null, -- class=internal category=audit-log
  kept_id uuid not null, -- class=internal category=audit-log
  request_id uuid not null, -- class=internal category=audit-log
  category text not null, -- class=internal category=audit-log
  table_name text not null, -- class=internal category=audit-log
  row_key text not null, -- class=internal category=audit-log
  reason text not null, -- class=internal category=audit-log
  until date, -- class=internal category=audit-log
  created_at timestamp with time zone not null default app.now(), -- class=internal category=audit-log
  constraint privacy_kept_pk PRIMARY KEY (tenant_id, kept_id),
  constraint privacy_kept_reason_ck CHECK ((reason <> ''::text)),
  constraint privacy_kept_request_fk FOREIGN KEY (tenant_id, request_id) REFERENCES privacy_request(tenant_id, request_id) ON DELETE CASCADE,
  constraint privacy_kept_row_uq UNIQUE (tenant_id, request_id, table_name, row_key)
);
grant delete, insert, select, update on privacy_kept to entente_definer;
grant delete, select, update on privacy_kept to entente_retention;
grant select on privacy_kept to entente_staff;
grant delete, insert, select on privacy_kept to entente_worker;
alter table privacy_kept enable row level security;
alter table privacy_kept force row level security;
create policy definer_leave on privacy_kept as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on privacy_kept as permissive all to entente_retention using true check true;
create policy staff_reach on privacy_kept as permissive all to entente_staff using true check true;
create policy tenant_floor on privacy_kept as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on privacy_kept as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.privacy_kept REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('kept_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.privacy_kept REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('kept_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.privacy_kept REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('kept_id');

create table privacy_request (
  tenant_id uuid not null, -- class=internal category=audit-log
  request_id uuid not null, -- class=internal category=audit-log
  number integer not null, -- class=internal category=audit-log
  kind text not null, -- class=internal category=audit-log
  source text not null, -- class=internal category=audit-log
  state text not null, -- class=internal category=audit-log
  member_id uuid, -- class=internal category=audit-log
  subject_email text not null default ''::text, -- class=personal category=audit-log
  subject_name text not null default ''::text, -- class=personal category=audit-log
  subject_phone text not null default ''::text, -- class=personal category=audit-log
  namesakes boolean not null default false, -- class=internal category=audit-log
  purpose text not null default ''::text, -- class=internal category=audit-log
  asked text not null default ''::text, -- class=personal category=audit-log
  received_at timestamp with time zone not null, -- class=internal category=audit-log
  due_at timestamp with time zone not null, -- class=internal category=audit-log
  extended_at timestamp with time zone, -- class=internal category=audit-log
  extension_reason text not null default ''::text, -- class=personal category=audit-log
  alarm integer not null default 0, -- class=internal category=audit-log
  identity_how text not null default ''::text, -- class=internal category=audit-log
  identity_note text not null default ''::text, -- class=personal category=audit-log
  identity_by uuid, -- class=internal category=audit-log
  identity_by_name text not null default ''::text, -- class=personal category=audit-log
  identity_at timestamp with time zone, -- class=internal category=audit-log
  code_hash bytea, -- class=secret category=audit-log
  code_expires_at timestamp with time zone, -- class=internal category=audit-log
  code_tries integer not null default 0, -- class=internal category=audit-log
  plan jsonb not null default '{}'::jsonb, -- class=personal category=audit-log
  proposed_by uuid, -- class=internal category=audit-log
  proposed_by_name text not null default ''::text, -- class=personal category=audit-log
  proposed_at timestamp with time zone, -- class=internal category=audit-log
  approved_by uuid, -- class=internal category=audit-log
  approved_by_name text not null default ''::text, -- class=personal category=audit-log
  approved_at timestamp with time zone, -- class=internal category=audit-log
  approved_how text not null default ''::text, -- class=internal category=audit-log
  progress jsonb not null default '{}'::jsonb, -- class=internal category=audit-log
  outcome text not null default ''::text, -- class=personal category=audit-log
  forwarded_to text not null default ''::text, -- class=personal category=audit-log
  certificate jsonb not null default '{}'::jsonb, -- class=internal category=audit-log
  package_file uuid, -- class=internal category=audit-log
  package_until timestamp with time zone, -- class=internal category=audit-log
  link_hash bytea, -- class=secret category=audit-log
  link_expires_at timestamp with time zone, -- class=internal category=audit-log
  link_used_at timestamp with time zone, -- class=internal category=audit-log
  closed_at timestamp with time zone, -- class=internal category=audit-log
  version integer not null default 1, -- class=internal category=audit-log
  created_at timestamp with time zone not null default app.now(), -- class=internal category=audit-log
  updated_at timestamp with time zone not null default app.now(), -- class=internal category=audit-log
  constraint privacy_request_approval_ck CHECK ((((approved_at IS NULL) = (approved_how = ''::text)) AND ((approved_how <> 'second-person'::text) OR (approved_by IS NOT NULL)))),
  constraint privacy_request_approved_how_ck CHECK ((approved_how = ANY (ARRAY[''::text, 'second-person'::text, 'operator'::text, 'app'::text]))),
  constraint privacy_request_asked_ck CHECK ((length(asked) <= 4000)),
  constraint privacy_request_closed_ck CHECK (((state = ANY (ARRAY['done'::text, 'refused'::text, 'withdrawn'::text, 'forwarded'::text])) = (closed_at IS NOT NULL))),
  constraint privacy_request_due_ck CHECK (((due_at > received_at) AND ((extended_at IS NULL) OR (extension_reason <> ''::text)))),
  constraint privacy_request_email_ck CHECK ((length(subject_email) <= 254)),
  constraint privacy_request_erasure_ck CHECK (((kind <> 'erasure'::text) OR (state <> ALL (ARRAY['executing'::text, 'done'::text])) OR ((approved_at IS NOT NULL) AND (proposed_at IS NOT NULL)))),
  constraint privacy_request_extension_ck CHECK ((length(extension_reason) <= 1000)),
  constraint privacy_request_forwarded_ck CHECK ((length(forwarded_to) <= 254)),
  constraint privacy_request_four_eyes_ck CHECK (((approved_by IS NULL) OR (approved_by IS DISTINCT FROM proposed_by))),
  constraint privacy_request_identity_ck CHECK ((identity_how = ANY (ARRAY[''::text, 'session-and-code'::text, 'mailed-code'::text, 'document'::text, 'call-back'::text, 'known-in-person'::text]))),
  constraint privacy_request_identity_note_ck CHECK ((length(identity_note) <= 1000)),
  constraint privacy_request_kind_ck CHECK ((kind = ANY (ARRAY['access'::text, 'portability'::text, 'correction'::text, 'erasure'::text, 'restriction'::text, 'objection'::text]))),
  constraint privacy_request_known_ck CHECK (((identity_at IS NOT NULL) OR (state = ANY (ARRAY['received'::text, 'verifying'::text, 'refused'::text, 'withdrawn'::text, 'forwarded'::text])))),
  constraint privacy_request_member_fk FOREIGN KEY (tenant_id, member_id) REFERENCES member(tenant_id, member_id) ON DELETE SET NULL (member_id),
  constraint privacy_request_name_ck CHECK ((length(subject_name) <= 200)),
  constraint privacy_request_number_ck CHECK ((number > 0)),
  constraint privacy_request_number_uq UNIQUE (tenant_id, number),
  constraint privacy_request_outcome_ck CHECK ((length(outcome) <= 2000)),
  constraint privacy_request_phone_ck CHECK ((length(subject_phone) <= 50)),
  constraint privacy_request_pk PRIMARY KEY (tenant_id, request_id),
  constraint privacy_request_purpose_ck CHECK ((purpose = ANY (ARRAY[''::text, 'service'::text, 'announcement'::text, 'marketing'::text, 'analytics'::text, 'profiling'::text]))),
  constraint privacy_request_source_ck CHECK ((source = ANY (ARRAY['self-service'::text, 'staff'::text, 'e-mail'::text, 'phone'::text, 'partner'::text, 'operator'::text]))),
  constraint privacy_request_state_ck CHECK ((state = ANY (ARRAY['received'::text, 'verifying'::text, 'in-progress'::text, 'waiting-partners'::text, 'waiting-approval'::text, 'executing'::text, 'done'::text, 'refused'::text, 'withdrawn'::text, 'forwarded'::text]))),
  constraint privacy_request_subject_ck CHECK (((subject_email <> ''::text) OR (subject_name <> ''::text) OR (subject_phone <> ''::text) OR (state = ANY (ARRAY['done'::text, 'refused'::text, 'withdrawn'::text, 'forwarded'::text])))),
  constraint privacy_request_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX privacy_request_link_ix ON app.privacy_request USING btree (link_hash) WHERE (link_hash IS NOT NULL);
CREATE INDEX privacy_request_member_ix ON app.privacy_request USING btree (tenant_id, member_id, received_at DESC) WHERE (member_id IS NOT NULL);
CREATE INDEX privacy_request_open_ix ON app.privacy_request USING btree (tenant_id, due_at, request_id) WHERE (closed_at IS NULL);
CREATE INDEX privacy_request_received_ix ON app.privacy_request USING btree (tenant_id, received_at DESC, request_id DESC);
grant delete, insert, select, update on privacy_request to entente_definer;
grant select (tenant_id, request_id, number, link_hash) on privacy_request to entente_definer;
grant insert, select, update on privacy_request to entente_partner;
grant delete, select, update on privacy_request to entente_retention;
grant insert, select, update on privacy_request to entente_staff;
grant delete, insert, select, update on privacy_request to entente_worker;
alter table privacy_request enable row level security;
alter table privacy_request force row level security;
create policy definer_leave on privacy_request as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on privacy_request as permissive select to entente_definer using true;
create policy partner_reach on privacy_request as permissive all to entente_partner using (member_id = ( SELECT member() AS member)) check (member_id = ( SELECT member() AS member));
create policy retention_reach on privacy_request as permissive all to entente_retention using true check true;
create policy staff_reach on privacy_request as permissive all to entente_staff using true check true;
create policy tenant_floor on privacy_request as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on privacy_request as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.privacy_request REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('request_id', 'code_hash', 'link_hash', 'package');
CREATE TRIGGER history_insert AFTER INSERT ON app.privacy_request REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('request_id', 'code_hash', 'link_hash', 'package');
CREATE TRIGGER history_update AFTER UPDATE ON app.privacy_request REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('request_id', 'code_hash', 'link_hash', 'package');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.privacy_request FOR EACH ROW EXECUTE FUNCTION partner_links('privacy_request_member_fk', 'member_id', 'member', 'member_id');
CREATE TRIGGER privacy_request_hands BEFORE UPDATE ON app.privacy_request FOR EACH ROW EXECUTE FUNCTION privacy_request_hands();
CREATE TRIGGER privacy_request_own BEFORE INSERT OR UPDATE ON app.privacy_request FOR EACH ROW WHEN ((NOT arriving(new.tenant_id))) EXECUTE FUNCTION privacy_request_own();
CREATE TRIGGER privacy_request_steps BEFORE UPDATE ON app.privacy_request FOR EACH ROW EXECUTE FUNCTION privacy_request_guard();
CREATE TRIGGER privacy_request_way BEFORE INSERT ON app.privacy_request FOR EACH ROW WHEN ((NOT arriving(new.tenant_id))) EXECUTE FUNCTION privacy_request_guard();

create table privacy_task (
  tenant_id uuid not null, -- class=internal category=audit-log
  task_id uuid not null, -- class=internal category=audit-log
  request_id uuid not null, -- class=internal category=audit-log
  partner_id uuid not null, -- class=internal category=audit-log
  kind text not null, -- class=internal category=audit-log
  state text not null default 'open'::text, -- class=internal category=audit-log
  subject text not null, -- class=personal category=audit-log
  records jsonb not null default '[]'::jsonb, -- class=personal category=audit-log
  due_at timestamp with time zone not null, -- class=internal category=audit-log
  reason text not null default ''::text, -- class=personal category=audit-log
  answered_by uuid, -- class=internal category=audit-log
  answered_by_name text not null default ''::text, -- class=personal category=audit-log
  answered_at timestamp with time zone, -- class=internal category=audit-log
  created_at timestamp with time zone not null default app.now(), -- class=internal category=audit-log
  constraint privacy_task_answer_ck CHECK ((((state = 'open'::text) = (answered_at IS NULL)) AND ((state <> ALL (ARRAY['kept'::text, 'closed'::text])) OR (reason <> ''::text)))),
  constraint privacy_task_kind_ck CHECK ((kind = ANY (ARRAY['correction'::text, 'erasure'::text, 'restriction'::text, 'objection'::text]))),
  constraint privacy_task_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id) ON DELETE CASCADE,
  constraint privacy_task_pk PRIMARY KEY (tenant_id, task_id),
  constraint privacy_task_reason_ck CHECK ((length(reason) <= 1000)),
  constraint privacy_task_request_fk FOREIGN KEY (tenant_id, request_id) REFERENCES privacy_request(tenant_id, request_id) ON DELETE CASCADE,
  constraint privacy_task_state_ck CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'kept'::text, 'closed'::text]))),
  constraint privacy_task_subject_ck CHECK ((length(subject) <= 500))
);
CREATE INDEX privacy_task_partner_ix ON app.privacy_task USING btree (tenant_id, partner_id, state, due_at);
CREATE INDEX privacy_task_request_ix ON app.privacy_task USING btree (tenant_id, request_id, partner_id);
grant delete, insert, select, update on privacy_task to entente_definer;
grant select on privacy_task to entente_partner;
grant update (state, reason, answered_by, answered_by_name, answered_at) on privacy_task to entente_partner;
grant delete, select, update on privacy_task to entente_retention;
grant insert, select, update on privacy_task to entente_staff;
grant delete, insert, select, update on privacy_task to entente_worker;
alter table privacy_task enable row level security;
alter table privacy_task force row level security;
create policy definer_leave on privacy_task as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on privacy_task as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy retention_reach on privacy_task as permissive all to entente_retention using true check true;
create policy staff_reach on privacy_task as permissive all to entente_staff using true check true;
create policy tenant_floor on privacy_task as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on privacy_task as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.privacy_task REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('task_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.privacy_task REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('task_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.privacy_task REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('task_id');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.privacy_task FOR EACH ROW EXECUTE FUNCTION partner_links('privacy_task_partner_fk', 'partner_id', 'partner', 'partner_id', 'privacy_task_request_fk', 'request_id', 'privacy_request', 'request_id');

create table processor (
  tenant_id uuid not null, -- class=public category=business-data
  processor_id uuid not null, -- class=public category=business-data
  replaces_id uuid, -- class=public category=business-data
  name text not null, -- class=public category=business-data
  purpose text not null, -- class=public category=business-data
  categories text[] not null default '{}'::text[], -- class=public category=business-data
  country text not null default ''::text, -- class=public category=business-data
  regions text not null default ''::text, -- class=public category=business-data
  safeguards text not null default ''::text, -- class=public category=business-data
  link text not null default ''::text, -- class=public category=business-data
  hosts text[] not null default '{}'::text[], -- class=public category=business-data
  basis text not null default 'notice'::text, -- class=public category=business-data
  status text not null default 'proposed'::text, -- class=public category=business-data
  announced_at timestamp with time zone, -- class=public category=business-data
  notified_at timestamp with time zone, -- class=public category=business-data
  effective_at timestamp with time zone, -- class=public category=business-data
  ended_at timestamp with time zone, -- class=public category=business-data
  notice_seconds bigint not null default 0, -- class=public category=business-data
  notice_id uuid, -- class=public category=business-data
  created_by uuid, -- class=internal category=authorization
  created_by_name text not null default ''::text, -- class=personal category=authorization
  version integer not null default 1, -- class=public category=business-data
  created_at timestamp with time zone not null default app.now(), -- class=public category=business-data
  updated_at timestamp with time zone not null default app.now(), -- class=public category=business-data
  constraint processor_announced_ck CHECK (((status = 'proposed'::text) OR ((announced_at IS NOT NULL) AND (effective_at IS NOT NULL) AND (effective_at >= announced_at)))),
  constraint processor_basis_ck CHECK ((basis = ANY (ARRAY['first'::text, 'notice'::text]))),
  constraint processor_categories_ck CHECK ((cardinality(categories) <= 50)),
  constraint processor_country_ck CHECK ((country ~ '^([A-Z]{2})?$'::text)),
  constraint processor_ended_ck CHECK (((status = 'ended'::text) = (ended_at IS NOT NULL))),
  constraint processor_hosts_ck CHECK ((cardinality(hosts) <= 50)),
  constraint processor_link_ck CHECK ((length(link) <= 500)),
  constraint processor_name_ck CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint processor_notice_ck CHECK (((status = 'proposed'::text) OR (basis = 'first'::text) OR ((EXTRACT(epoch FROM (effective_at - announced_at)) >= (notice_seconds)::numeric) AND (notice_seconds >= 1209600) AND ((notified_at IS NULL) OR (EXTRACT(epoch FROM (effective_at - notified_at)) >= (notice_seconds)::numeric))))),
  constraint processor_notice_fk FOREIGN KEY (tenant_id, notice_id) REFERENCES notice(tenant_id, notice_id) ON DELETE SET NULL (notice_id),
  constraint processor_pk PRIMARY KEY (tenant_id, processor_id),
  constraint processor_purpose_ck CHECK (((length(purpose) >= 1) AND (length(purpose) <= 1000))),
  constraint processor_regions_ck CHECK ((length(regions) <= 300)),
  constraint processor_replaces_fk FOREIGN KEY (tenant_id, replaces_id) REFERENCES processor(tenant_id, processor_id) DEFERRABLE,
  constraint processor_safeguards_ck CHECK ((length(safeguards) <= 1000)),
  constraint processor_status_ck CHECK ((status = ANY (ARRAY['proposed'::text, 'announced'::text, 'withdrawn'::text, 'ended'::text]))),
  constraint processor_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX processor_replaces_ix ON app.processor USING btree (tenant_id, replaces_id) WHERE (replaces_id IS NOT NULL);
CREATE INDEX processor_status_ix ON app.processor USING btree (tenant_id, status, name, processor_id);
grant delete, insert, select, update on processor to entente_definer;
grant select on processor to entente_partner;
grant select on processor to entente_public;
grant delete, insert, select, update on processor to entente_staff;
grant delete, insert, select, update on processor to entente_worker;
alter table processor enable row level security;
alter table processor force row level security;
create policy definer_leave on processor as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_published on processor as permissive select to entente_partner using (status <> 'proposed'::text);
create policy public_published on processor as permissive select to entente_public using (status <> 'proposed'::text);
create policy staff_reach on processor as permissive all to entente_staff using true check true;
create policy tenant_floor on processor as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on processor as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.processor REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('processor_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.processor REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('processor_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.processor REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('processor_id');
CREATE TRIGGER processor_guard BEFORE INSERT OR DELETE OR UPDATE ON app.processor FOR EACH ROW EXECUTE FUNCTION processor_guard();

create table processor_objection (
  tenant_id uuid not null, -- class=internal category=legal-entity
  objection_id uuid not null, -- class=internal category=legal-entity
  processor_id uuid not null, -- class=internal category=legal-entity
  partner_id uuid, -- class=internal category=legal-entity
  member_id uuid, -- class=internal category=legal-entity
  by_name text not null, -- class=personal category=legal-entity
  reason text not null, -- class=personal category=legal-entity
  outcome text not null default 'open'::text, -- class=internal category=legal-entity
  outcome_note text not null default ''::text, -- class=personal category=legal-entity
  decided_at timestamp with time zone, -- class=internal category=legal-entity
  decided_by_name text not null default ''::text, -- class=personal category=legal-entity
  version integer not null default 1, -- class=internal category=legal-entity
  created_at timestamp with time zone not null default app.now(), -- class=internal category=legal-entity
  constraint processor_objection_decided_ck CHECK (((outcome = 'open'::text) = (decided_at IS NULL))),
  constraint processor_objection_member_fk FOREIGN KEY (tenant_id, member_id) REFERENCES member(tenant_id, member_id),
  constraint processor_objection_note_ck CHECK ((length(outcome_note) <= 2000)),
  constraint processor_objection_outcome_ck CHECK ((outcome = ANY (ARRAY['open'::text, 'accepted'::text, 'declined'::text, 'withdrawn'::text]))),
  constraint processor_objection_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id),
  constraint processor_objection_pk PRIMARY KEY (tenant_id, objection_id),
  constraint processor_objection_processor_fk FOREIGN KEY (tenant_id, processor_id) REFERENCES processor(tenant_id, processor_id),
  constraint processor_objection_reason_ck CHECK (((length(reason) >= 1) AND (length(reason) <= 2000)))
);
CREATE INDEX processor_objection_member_ix ON app.processor_objection USING btree (tenant_id, member_id);
CREATE INDEX processor_objection_partner_ix ON app.processor_objection USING btree (tenant_id, partner_id);
CREATE INDEX processor_objection_processor_ix ON app.processor_objection USING btree (tenant_id, processor_id, created_at);
grant delete, insert, select, update on processor_objection to entente_definer;
grant insert, select on processor_objection to entente_partner;
grant insert, select, update on processor_objection to entente_staff;
grant delete, insert, select, update on processor_objection to entente_worker;
alter table processor_objection enable row level security;
alter table processor_objection force row level security;
create policy definer_leave on processor_objection as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on processor_objection as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy staff_reach on processor_objection as permissive all to entente_staff using true check true;
create policy tenant_floor on processor_objection as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on processor_objection as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.processor_objection REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('objection_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.processor_objection REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('objection_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.processor_objection REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('objection_id');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.processor_objection FOR EACH ROW EXECUTE FUNCTION partner_links('processor_objection_member_fk', 'member_id', 'member', 'member_id', 'processor_objection_partner_fk', 'partner_id', 'partner', 'partner_id', 'processor_objection_processor_fk', 'processor_id', 'processor', 'processor_id');

create table product (
  tenant_id uuid not null, -- class=business category=business-data
  product_id uuid not null, -- class=business category=business-data
  name text not null, -- class=business category=business-data
  series text not null default ''::text, -- class=business category=business-data
  price_minor bigint, -- class=business category=business-data
  external_id text, -- class=business category=business-data
  import_id uuid, -- class=business category=business-data
  version integer not null default 1, -- class=business category=business-data
  constraint product_name_ck CHECK (((length(name) >= 1) AND (length(name) <= 120))),
  constraint product_name_uq UNIQUE (tenant_id, name),
  constraint product_pk PRIMARY KEY (tenant_id, product_id),
  constraint product_price_ck CHECK (((price_minor >= 0) AND (price_minor <= '1000000000000000'::bigint))),
  constraint product_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
grant delete, insert, select, update on product to entente_definer;
grant select on product to entente_partner;
grant delete, insert, select, update on product to entente_staff;
grant delete, insert, select, update on product to entente_worker;
alter table product enable row level security;
alter table product force row level security;
create policy definer_leave on product as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on product as permissive all to entente_partner using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on product as permissive all to entente_staff using true check true;
create policy tenant_floor on product as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on product as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.product REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('product_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.product REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('product_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.product REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('product_id');

create table promise_evidence (
  tenant_id uuid not null, -- class=internal category=audit-log
  evidence_id uuid not null, -- class=internal category=audit-log
  promise text not null, -- class=public category=audit-log
  at timestamp with time zone not null, -- class=public category=audit-log
  kind text not null, -- class=public category=audit-log
  result text not null, -- class=public category=audit-log
  checked text not null, -- class=public category=audit-log
  items bigint not null default 0, -- class=public category=audit-log
  detail text not null default ''::text, -- class=internal category=audit-log
  tree_size bigint, -- class=public category=audit-log
  tree_root text not null default ''::text, -- class=public category=audit-log
  program text not null default ''::text, -- class=public category=audit-log
  took_ms integer not null default 0, -- class=internal category=audit-log
  by_name text not null default ''::text, -- class=personal category=audit-log
  until_on date, -- class=public category=audit-log
  constraint promise_evidence_attested_ck CHECK ((((kind = 'attestation'::text) = (result = ANY (ARRAY['attested'::text, 'withdrawn'::text]))) AND ((result <> 'attested'::text) OR ((until_on IS NOT NULL) AND (by_name <> ''::text))))),
  constraint promise_evidence_checked_ck CHECK ((length(checked) <= 1000)),
  constraint promise_evidence_detail_ck CHECK ((length(detail) <= 4000)),
  constraint promise_evidence_items_ck CHECK ((items >= 0)),
  constraint promise_evidence_kind_ck CHECK ((kind = ANY (ARRAY['probe'::text, 'attestation'::text]))),
  constraint promise_evidence_pk PRIMARY KEY (tenant_id, evidence_id),
  constraint promise_evidence_promise_ck CHECK ((promise ~ '^P-[0-9]{2}$'::text)),
  constraint promise_evidence_result_ck CHECK ((result = ANY (ARRAY['kept'::text, 'failing'::text, 'unseen'::text, 'not-offered'::text, 'attested'::text, 'withdrawn'::text]))),
  constraint promise_evidence_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX promise_evidence_at_ix ON app.promise_evidence USING btree (tenant_id, at);
CREATE INDEX promise_evidence_promise_ix ON app.promise_evidence USING btree (tenant_id, promise, kind, at DESC, evidence_id DESC);
grant delete, insert, select, update on promise_evidence to entente_definer;
grant select (tenant_id, evidence_id, promise, at, kind, result, checked, items, tree_size, tree_root, program, took_ms, by_name, until_on) on promise_evidence to entente_public;
grant delete, select, update on promise_evidence to entente_retention;
grant insert, select on promise_evidence to entente_staff;
grant delete, insert, select on promise_evidence to entente_worker;
alter table promise_evidence enable row level security;
alter table promise_evidence force row level security;
create policy definer_leave on promise_evidence as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy public_reach on promise_evidence as permissive select to entente_public using true;
create policy retention_reach on promise_evidence as permissive all to entente_retention using true check true;
create policy staff_reach on promise_evidence as permissive all to entente_staff using true check true;
create policy tenant_floor on promise_evidence as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on promise_evidence as permissive all to entente_worker using true check true;

create table retention_mark (
  tenant_id uuid not null, -- class=internal category=business-data
  table_name text not null, -- class=internal category=business-data
  emptied_to timestamp with time zone not null, -- class=internal category=business-data
  constraint retention_mark_pk PRIMARY KEY (tenant_id, table_name),
  constraint retention_mark_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
grant delete, insert, select, update on retention_mark to entente_definer;
grant insert, select, update on retention_mark to entente_retention;
grant select on retention_mark to entente_worker;
alter table retention_mark enable row level security;
alter table retention_mark force row level security;
create policy definer_leave on retention_mark as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on retention_mark as permissive all to entente_retention using true check true;
create policy tenant_floor on retention_mark as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on retention_mark as permissive all to entente_worker using true check true;

create table retention_rule (
  tenant_id uuid not null, -- class=public category=authorization
  rule_id uuid not null default gen_random_uuid(), -- class=public category=authorization
  category text not null, -- class=public category=authorization
  event text not null, -- class=public category=authorization
  keep interval, -- class=public category=authorization
  stored boolean not null default true, -- class=public category=authorization
  from_tenant boolean not null default false, -- class=public category=authorization
  constraint retention_rule_event_ck CHECK ((event = ANY (ARRAY['recorded'::text, 'last-sign-in'::text, 'relation-end'::text, 'account-deletion'::text, 'session-end'::text, 'solved'::text]))),
  constraint retention_rule_keep_ck CHECK (((keep >= '00:00:00'::interval) AND (keep <= '100 years'::interval))),
  constraint retention_rule_pk PRIMARY KEY (tenant_id, category),
  constraint retention_rule_stored_ck CHECK ((stored OR (keep = '00:00:00'::interval))),
  constraint retention_rule_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
grant delete, insert, select, update on retention_rule to entente_definer;
grant select on retention_rule to entente_partner;
grant insert on retention_rule to entente_platform;
grant select on retention_rule to entente_public;
grant select on retention_rule to entente_retention;
grant delete, insert, select, update on retention_rule to entente_staff;
grant delete, insert, select, update on retention_rule to entente_worker;
alter table retention_rule enable row level security;
alter table retention_rule force row level security;
create policy definer_leave on retention_rule as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on retention_rule as permissive all to entente_partner using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy platform_reach on retention_rule as permissive all to entente_platform using true check true;
create policy public_reach on retention_rule as permissive select to entente_public using true;
create policy retention_reach on retention_rule as permissive select to entente_retention using true;
create policy staff_reach on retention_rule as permissive all to entente_staff using true check true;
create policy tenant_floor on retention_rule as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on retention_rule as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.retention_rule REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('rule_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.retention_rule REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('rule_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.retention_rule REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('rule_id');
CREATE TRIGGER log_period_guard BEFORE DELETE OR UPDATE ON app.retention_rule FOR EACH ROW EXECUTE FUNCTION log_period_guard();

create table retention_run (
  tenant_id uuid not null, -- class=internal category=business-data
  run_id uuid not null, -- class=internal category=business-data
  trigger text not null, -- class=internal category=business-data
  dry boolean not null default false, -- class=internal category=business-data
  outcome text not null, -- class=internal category=business-data
  as_of timestamp with time zone not null, -- class=internal category=business-data
  started_at timestamp with time zone not null, -- class=internal category=business-data
  beat_at timestamp with time zone not null, -- class=internal category=business-data
  finished_at timestamp with time zone, -- class=internal category=business-data
  skew_ms bigint not null default 0, -- class=internal category=business-data
  removed bigint not null default 0, -- class=internal category=business-data
  blanked bigint not null default 0, -- class=internal category=business-data
  held bigint not null default 0, -- class=internal category=business-data
  partitions integer not null default 0, -- class=internal category=business-data
  bytes bigint not null default 0, -- class=internal category=business-data
  counts jsonb not null default '[]'::jsonb, -- class=internal category=business-data
  problem text not null default ''::text, -- class=internal category=business-data
  continues uuid, -- class=internal category=business-data
  tree_size bigint, -- class=internal category=business-data
  tree_root text, -- class=internal category=business-data
  tree_at timestamp with time zone, -- class=internal category=business-data
  asked_by uuid, -- class=internal category=business-data
  asked_by_name text not null default ''::text, -- class=personal category=business-data
  constraint retention_run_outcome_ck CHECK ((outcome = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text, 'refused'::text, 'interrupted'::text]))),
  constraint retention_run_pk PRIMARY KEY (tenant_id, run_id),
  constraint retention_run_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id),
  constraint retention_run_trigger_ck CHECK ((trigger = ANY (ARRAY['daily'::text, 'hourly'::text, 'command'::text, 'page'::text, 'api'::text])))
);
CREATE INDEX retention_run_open_ix ON app.retention_run USING btree (tenant_id) WHERE (outcome = 'running'::text);
CREATE INDEX retention_run_started_ix ON app.retention_run USING btree (tenant_id, started_at DESC, run_id DESC);
grant delete, insert, select, update on retention_run to entente_definer;
grant insert, select, update on retention_run to entente_staff;
grant insert, select, update on retention_run to entente_worker;
alter table retention_run enable row level security;
alter table retention_run force row level security;
create policy definer_leave on retention_run as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy staff_reach on retention_run as permissive all to entente_staff using true check true;
create policy tenant_floor on retention_run as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on retention_run as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.retention_run REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('run_id', 'counts', 'beat_at');
CREATE TRIGGER history_insert AFTER INSERT ON app.retention_run REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('run_id', 'counts', 'beat_at');
CREATE TRIGGER history_update AFTER UPDATE ON app.retention_run REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('run_id', 'counts', 'beat_at');

create table row_history (
  tenant_id uuid not null, -- class=internal category=audit-log
  history_id bigint not null generated always as identity, -- class=internal category=audit-log
  at timestamp with time zone not null, -- class=internal category=audit-log
  op_id uuid, -- class=internal category=audit-log
  member_id uuid, -- class=internal category=audit-log
  db_role text not null, -- class=internal category=audit-log
  table_name text not null, -- class=internal category=audit-log
  row_id uuid not null, -- class=internal category=audit-log
  change text not null, -- class=internal category=audit-log
  old_row jsonb, -- class=personal category=audit-log
  new_row jsonb, -- class=personal category=audit-log
  constraint row_history_change_ck CHECK ((change = ANY (ARRAY['insert'::text, 'update'::text, 'delete'::text]))),
  constraint row_history_pk PRIMARY KEY (tenant_id, at, history_id)
) partition by RANGE (at);
CREATE INDEX row_history_row_ix ON ONLY app.row_history USING btree (tenant_id, row_id, at DESC);
grant delete, insert, select, update on row_history to entente_definer;
grant select (tenant_id, history_id, at) on row_history to entente_definer;
grant update (old_row, new_row) on row_history to entente_definer;
grant delete, select, update on row_history to entente_retention;
grant select on row_history to entente_staff;
grant select on row_history to entente_worker;
alter table row_history enable row level security;
alter table row_history force row level security;
create policy definer_leave on row_history as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on row_history as permissive all to entente_definer using true check true;
create policy owner_record on row_history as permissive insert to entente_owner check true;
create policy retention_reach on row_history as permissive all to entente_retention using true check true;
create policy staff_reach on row_history as permissive all to entente_staff using true check true;
create policy tenant_floor on row_history as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on row_history as permissive all to entente_worker using true check true;

create table row_history_rest (
  tenant_id uuid not null,
  history_id bigint not null,
  at timestamp with time zone not null,
  op_id uuid,
  member_id uuid,
  db_role text not null,
  table_name text not null,
  row_id uuid not null,
  change text not null,
  old_row jsonb,
  new_row jsonb,
  constraint row_history_change_ck CHECK ((change = ANY (ARRAY['insert'::text, 'update'::text, 'delete'::text]))),
  constraint row_history_rest_pkey PRIMARY KEY (tenant_id, at, history_id)
);
CREATE INDEX row_history_rest_tenant_id_row_id_at_idx ON app.row_history_rest USING btree (tenant_id, row_id, at DESC);
alter table row_history_rest enable row level security;
alter table row_history_rest force row level security;
create policy tenant_floor on row_history_rest as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));

create table saved_view (
  tenant_id uuid not null, -- class=internal category=preference
  view_id uuid not null, -- class=internal category=preference
  member_id uuid not null, -- class=internal category=preference
  list text not null, -- class=internal category=preference
  name text not null, -- class=internal category=preference
  query text not null, -- class=internal category=preference
  created_at timestamp with time zone not null default app.now(), -- class=internal category=preference
  constraint saved_view_list_ck CHECK ((list = ANY (ARRAY['deals'::text, 'partners'::text, 'accounts'::text, 'contacts'::text]))),
  constraint saved_view_member_fk FOREIGN KEY (tenant_id, member_id) REFERENCES member(tenant_id, member_id) ON DELETE CASCADE,
  constraint saved_view_name_ck CHECK (((length(name) >= 1) AND (length(name) <= 60))),
  constraint saved_view_name_uq UNIQUE (tenant_id, member_id, list, name),
  constraint saved_view_pk PRIMARY KEY (tenant_id, view_id),
  constraint saved_view_query_ck CHECK ((length(query) <= 2000))
);
grant delete, insert, select, update on saved_view to entente_definer;
grant delete, insert, select, update on saved_view to entente_partner;
grant delete, select, update on saved_view to entente_retention;
grant delete, insert, select, update on saved_view to entente_staff;
grant delete, insert, select, update on saved_view to entente_worker;
alter table saved_view enable row level security;
alter table saved_view force row level security;
create policy definer_leave on saved_view as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on saved_view as permissive all to entente_partner using (member_id = ( SELECT member() AS member)) check (member_id = ( SELECT member() AS member));
create policy retention_reach on saved_view as permissive all to entente_retention using true check true;
create policy staff_reach on saved_view as permissive all to entente_staff using true check true;
create policy tenant_floor on saved_view as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on saved_view as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.saved_view REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('view_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.saved_view REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('view_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.saved_view REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('view_id');
CREATE TRIGGER partner_links BEFORE INSERT OR UPDATE ON app.saved_view FOR EACH ROW EXECUTE FUNCTION partner_links('saved_view_member_fk', 'member_id', 'member', 'member_id');

create table session (
  session_id uuid not null, -- class=internal category=preference
  token_hash bytea not null, -- class=secret category=preference
  person_id uuid not null, -- class=internal category=preference
  tenant_id uuid, -- class=internal category=preference
  member_id uuid, -- class=internal category=preference
  created_at timestamp with time zone not null, -- class=internal category=preference
  last_seen_at timestamp with time zone not null, -- class=internal category=preference
  idle_expires_at timestamp with time zone not null, -- class=internal category=preference
  expires_at timestamp with time zone not null, -- class=internal category=preference
  ip text not null default ''::text, -- class=personal category=preference
  user_agent text not null default ''::text, -- class=personal category=preference
  revoked_at timestamp with time zone, -- class=internal category=preference
  ended_at timestamp with time zone not null generated always as (LEAST(revoked_at, idle_expires_at, expires_at)) stored, -- class=internal category=preference
  constraint session_member_fk FOREIGN KEY (tenant_id, member_id) REFERENCES member(tenant_id, member_id) ON DELETE CASCADE,
  constraint session_person_fk FOREIGN KEY (person_id) REFERENCES person(person_id) ON DELETE CASCADE,
  constraint session_pk PRIMARY KEY (session_id),
  constraint session_token_uq UNIQUE (token_hash)
);
CREATE INDEX session_ended_ix ON app.session USING btree (tenant_id, ended_at);
CREATE INDEX session_person_ix ON app.session USING btree (person_id, last_seen_at DESC);
grant delete, select on session to entente_definer;
grant update (token_hash, tenant_id, member_id, last_seen_at, idle_expires_at, expires_at, revoked_at) on session to entente_definer;
grant delete, insert, select, update on session to entente_public;
grant delete, select, update on session to entente_retention;
alter table session enable row level security;
alter table session force row level security;
create policy definer_end on session as permissive update to entente_definer using true check true;
create policy definer_forget on session as permissive delete to entente_definer using true;
create policy definer_reach on session as permissive select to entente_definer using true;
create policy public_reach on session as permissive all to entente_public using true check true;
create policy retention_reach on session as permissive all to entente_retention using true check true;
CREATE TRIGGER tell_auth_delete AFTER DELETE ON app.session FOR EACH ROW EXECUTE FUNCTION tell_auth('session_id');
CREATE TRIGGER tell_auth_update AFTER UPDATE ON app.session FOR EACH ROW WHEN ((((old.revoked_at IS DISTINCT FROM new.revoked_at) OR (old.token_hash IS DISTINCT FROM new.token_hash)) OR (old.member_id IS DISTINCT FROM new.member_id))) EXECUTE FUNCTION tell_auth('session_id');

create table signing_key (
  key_id uuid not null, -- class=public category=authorization
  verifier text not null, -- class=public category=authorization
  wrapped bytea not null, -- class=secret category=authorization
  kek_id text not null, -- class=public category=authorization
  created_at timestamp with time zone not null default app.now(), -- class=public category=authorization
  retired_at timestamp with time zone, -- class=public category=authorization
  constraint signing_key_pk PRIMARY KEY (key_id),
  constraint signing_key_verifier_uq UNIQUE (verifier)
);
CREATE UNIQUE INDEX signing_key_current_uq ON app.signing_key USING btree ((true)) WHERE (retired_at IS NULL);
grant select (key_id, verifier, created_at, retired_at) on signing_key to entente_partner;
grant select (key_id, verifier, created_at, retired_at) on signing_key to entente_public;
grant select (key_id, verifier, created_at, retired_at) on signing_key to entente_staff;
grant insert, select, update on signing_key to entente_worker;
alter table signing_key enable row level security;
alter table signing_key force row level security;
create policy public_half on signing_key as permissive select to entente_partner, entente_public, entente_staff using true;
create policy worker_reach on signing_key as permissive all to entente_worker using true check true;

create table stage (
  tenant_id uuid not null, -- class=business category=business-data
  stage_id uuid not null, -- class=business category=business-data
  name text not null, -- class=business category=business-data
  position integer not null, -- class=business category=business-data
  probability integer not null default 0, -- class=business category=business-data
  kind text not null default 'open'::text, -- class=business category=business-data
  version integer not null default 1, -- class=business category=business-data
  constraint stage_kind_ck CHECK ((kind = ANY (ARRAY['open'::text, 'won'::text, 'lost'::text]))),
  constraint stage_name_ck CHECK (((length(name) >= 1) AND (length(name) <= 60))),
  constraint stage_name_uq UNIQUE (tenant_id, name),
  constraint stage_pk PRIMARY KEY (tenant_id, stage_id),
  constraint stage_probability_ck CHECK (((probability >= 0) AND (probability <= 100))),
  constraint stage_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE UNIQUE INDEX stage_end_uq ON app.stage USING btree (tenant_id, kind) WHERE (kind <> 'open'::text);
grant delete, insert, select, update on stage to entente_definer;
grant select on stage to entente_partner;
grant insert on stage to entente_platform;
grant delete, insert, select, update on stage to entente_staff;
grant delete, insert, select, update on stage to entente_worker;
alter table stage enable row level security;
alter table stage force row level security;
create policy definer_leave on stage as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on stage as permissive all to entente_partner using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy platform_reach on stage as permissive all to entente_platform using true check true;
create policy staff_reach on stage as permissive all to entente_staff using true check true;
create policy tenant_floor on stage as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on stage as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.stage REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('stage_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.stage REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('stage_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.stage REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('stage_id');

create table stored_file (
  tenant_id uuid not null, -- class=internal category=export
  file_id uuid not null, -- class=internal category=export
  kind text not null, -- class=internal category=export
  name text not null, -- class=personal category=export
  content_type text not null, -- class=internal category=export
  partner_id uuid, -- class=internal category=export
  member_id uuid, -- class=internal category=export
  object_type text not null default ''::text, -- class=internal category=export
  object_id uuid, -- class=internal category=export
  state text not null, -- class=internal category=export
  size bigint not null default 0, -- class=internal category=export
  sha256 bytea, -- class=internal category=export
  key_version integer, -- class=internal category=export
  blob_key text, -- class=internal category=export
  created_by uuid, -- class=internal category=export
  created_by_name text not null default ''::text, -- class=personal category=export
  created_at timestamp with time zone not null default app.now(), -- class=internal category=export
  kept_from timestamp with time zone, -- class=internal category=export
  expires_at timestamp with time zone, -- class=internal category=export
  version integer not null default 1, -- class=internal category=export
  constraint stored_file_blob_key_ck CHECK (((length(blob_key) >= 1) AND (length(blob_key) <= 512))),
  constraint stored_file_content_type_ck CHECK ((content_type ~ '^[a-z0-9.+-]+/[a-z0-9.+-]+(; ?charset=utf-8)?$'::text)),
  constraint stored_file_kind_ck CHECK ((kind = ANY (ARRAY['subject-export'::text, 'tenant-export'::text, 'audit-bundle'::text, 'evidence'::text, 'certificate'::text]))),
  constraint stored_file_name_ck CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint stored_file_partner_fk FOREIGN KEY (tenant_id, partner_id) REFERENCES partner(tenant_id, partner_id) ON DELETE SET NULL (partner_id),
  constraint stored_file_pk PRIMARY KEY (tenant_id, file_id),
  constraint stored_file_ready_ck CHECK (((state <> 'ready'::text) OR ((sha256 IS NOT NULL) AND (blob_key IS NOT NULL) AND (key_version IS NOT NULL)))),
  constraint stored_file_sha256_ck CHECK ((length(sha256) = 32)),
  constraint stored_file_size_ck CHECK ((size >= 0)),
  constraint stored_file_state_ck CHECK ((state = ANY (ARRAY['writing'::text, 'ready'::text, 'gone'::text]))),
  constraint stored_file_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant(tenant_id)
);
CREATE INDEX stored_file_blob_ix ON app.stored_file USING btree (tenant_id, blob_key);
CREATE INDEX stored_file_end_ix ON app.stored_file USING btree (tenant_id, expires_at) WHERE (blob_key IS NOT NULL);
CREATE INDEX stored_file_list_ix ON app.stored_file USING btree (tenant_id, created_at DESC, file_id DESC);
CREATE INDEX stored_file_partner_ix ON app.stored_file USING btree (tenant_id, partner_id, created_at DESC);
grant delete, insert, select, update on stored_file to entente_definer;
grant select on stored_file to entente_partner;
grant delete, select, update on stored_file to entente_retention;
grant insert, select, update on stored_file to entente_staff;
grant delete, insert, select, update on stored_file to entente_worker;
alter table stored_file enable row level security;
alter table stored_file force row level security;
create policy definer_leave on stored_file as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy partner_reach on stored_file as permissive all to entente_partner using (partner_id = ( SELECT partner() AS partner)) check (partner_id = ( SELECT partner() AS partner));
create policy retention_reach on stored_file as permissive all to entente_retention using true check true;
create policy staff_reach on stored_file as permissive all to entente_staff using true check true;
create policy tenant_floor on stored_file as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on stored_file as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.stored_file REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('file_id');
CREATE TRIGGER history_insert AFTER INSERT ON app.stored_file REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('file_id');
CREATE TRIGGER history_update AFTER UPDATE ON app.stored_file REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('file_id');

create table tenant (
  tenant_id uuid not null, -- class=internal category=authorization
  slug text not null, -- class=internal category=authorization
  name text not null, -- class=public category=legal-entity
  status text not null default 'active'::text, -- class=internal category=authorization
  is_demo boolean not null default false, -- class=internal category=authorization
  default_currency text not null default 'USD'::text, -- class=internal category=authorization
  time_zone text not null default 'UTC'::text, -- class=internal category=authorization
  protection_days integer not null default 90, -- class=internal category=authorization
  agent_edits text not null default 'own'::text, -- class=internal category=authorization
  brand_color text not null default '#1f5fd6'::text, -- class=public category=legal-entity
  logo bytea, -- class=public category=legal-entity
  logo_type text not null default ''::text, -- class=public category=legal-entity
  version integer not null default 1, -- class=internal category=authorization
  created_at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  updated_at timestamp with time zone not null default app.now(), -- class=internal category=authorization
  public_host text not null default ''::text, -- class=public category=authorization
  deletion_requested_at timestamp with time zone, -- class=internal category=authorization
  closing_at timestamp with time zone, -- class=internal category=authorization
  closing_by uuid, -- class=internal category=authorization
  closing_reason text not null default ''::text, -- class=personal category=authorization
  purge_after timestamp with time zone, -- class=internal category=authorization
  closed_at timestamp with time zone, -- class=internal category=authorization
  purged_at timestamp with time zone, -- class=internal category=authorization
  constraint tenant_agent_edits_ck CHECK ((agent_edits = ANY (ARRAY['own'::text, 'company'::text]))),
  constraint tenant_brand_ck CHECK ((brand_color ~ '^#[0-9a-f]{6}$'::text)),
  constraint tenant_closing_reason_ck CHECK ((length(closing_reason) <= 1000)),
  constraint tenant_currency_ck CHECK ((default_currency ~ '^[A-Z]{3}$'::text)),
  constraint tenant_leaving_ck CHECK (
CASE status
    WHEN 'closing'::text THEN ((closing_at IS NOT NULL) AND (purge_after IS NOT NULL) AND (closed_at IS NULL))
    WHEN 'closed'::text THEN ((closed_at IS NOT NULL) AND (purge_after IS NOT NULL))
    WHEN 'purged'::text THEN ((closed_at IS NOT NULL) AND (purged_at IS NOT NULL))
    ELSE (closed_at IS NULL)
END),
  constraint tenant_logo_ck CHECK ((octet_length(logo) <= 262144)),
  constraint tenant_logo_type_ck CHECK ((logo_type = ANY (ARRAY[''::text, 'image/png'::text, 'image/jpeg'::text, 'image/webp'::text]))),
  constraint tenant_name_ck CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint tenant_pk PRIMARY KEY (tenant_id),
  constraint tenant_protection_ck CHECK (((protection_days >= 1) AND (protection_days <= 730))),
  constraint tenant_public_host_ck CHECK ((public_host ~ '^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$'::text)),
  constraint tenant_slug_ck CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'::text)),
  constraint tenant_slug_uq UNIQUE (slug),
  constraint tenant_status_ck CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text, 'closing'::text, 'closed'::text, 'purged'::text, 'importing'::text])))
);
CREATE UNIQUE INDEX tenant_public_host_uq ON app.tenant USING btree (public_host) WHERE (public_host <> ''::text);
grant delete, insert, select, update on tenant to entente_definer;
grant select on tenant to entente_partner;
grant insert, select, update on tenant to entente_platform;
grant select on tenant to entente_public;
grant select on tenant to entente_retention;
grant select, update on tenant to entente_staff;
grant select on tenant to entente_worker;
grant update (slug, name, status, brand_color, logo, logo_type, version, updated_at, deletion_requested_at, closing_at, closing_by, closing_reason, purge_after, closed_at, purged_at) on tenant to entente_worker;
alter table tenant enable row level security;
alter table tenant force row level security;
create policy definer_leave on tenant as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy definer_reach on tenant as permissive select to entente_definer using true;
create policy partner_reach on tenant as permissive all to entente_partner using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy platform_reach on tenant as permissive all to entente_platform using true check true;
create policy public_reach on tenant as permissive select to entente_public using true;
create policy retention_reach on tenant as permissive select to entente_retention using true;
create policy staff_reach on tenant as permissive all to entente_staff using true check true;
create policy tenant_floor on tenant as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on tenant as permissive all to entente_worker using true check true;
CREATE TRIGGER history_delete AFTER DELETE ON app.tenant REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION history('tenant_id', 'logo');
CREATE TRIGGER history_insert AFTER INSERT ON app.tenant REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('tenant_id', 'logo');
CREATE TRIGGER history_update AFTER UPDATE ON app.tenant REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION history('tenant_id', 'logo');
CREATE TRIGGER tell_auth_update AFTER UPDATE ON app.tenant FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION tell_auth('tenant_id');

create table throttle (
  key text not null, -- class=personal category=login-ip
  tat timestamp with time zone not null, -- class=internal category=login-ip
  constraint throttle_pk PRIMARY KEY (key)
);
CREATE INDEX throttle_tat_ix ON app.throttle USING btree (tat);
grant delete, insert, select, update on throttle to entente_public;
grant delete, select, update on throttle to entente_retention;
alter table throttle enable row level security;
alter table throttle force row level security;
create policy public_reach on throttle as permissive all to entente_public using true check true;
create policy retention_reach on throttle as permissive all to entente_retention using true check true;

create table usage_day (
  tenant_id uuid not null, -- class=internal category=business-data
  usage_id uuid not null default gen_random_uuid(), -- class=internal category=business-data
  day date not null, -- class=internal category=business-data
  partner_id uuid, -- class=internal category=business-data
  route text not null, -- class=internal category=business-data
  visits bigint not null, -- class=internal category=business-data
  constraint usage_day_pk PRIMARY KEY (tenant_id, usage_id),
  constraint usage_day_side_uq UNIQUE NULLS NOT DISTINCT (tenant_id, partner_id, day, route),
  constraint usage_day_visits_ck CHECK ((visits > 0))
);
grant delete, insert, select, update on usage_day to entente_definer;
grant delete, select, update on usage_day to entente_retention;
grant select on usage_day to entente_staff;
grant insert, select, update on usage_day to entente_worker;
alter table usage_day enable row level security;
alter table usage_day force row level security;
create policy definer_leave on usage_day as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on usage_day as permissive all to entente_retention using true check true;
create policy staff_reach on usage_day as permissive all to entente_staff using true check true;
create policy tenant_floor on usage_day as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on usage_day as permissive all to entente_worker using true check true;

create table usage_event (
  tenant_id uuid not null, -- class=internal category=analytics
  usage_id uuid not null default gen_random_uuid(), -- class=internal category=analytics
  day date not null, -- class=internal category=analytics
  member_id uuid not null, -- class=personal category=analytics
  partner_id uuid, -- class=internal category=analytics
  route text not null, -- class=internal category=analytics
  visits bigint not null, -- class=internal category=analytics
  constraint usage_event_page_uq UNIQUE (tenant_id, day, member_id, route),
  constraint usage_event_pk PRIMARY KEY (tenant_id, usage_id),
  constraint usage_event_visits_ck CHECK ((visits > 0))
);
CREATE INDEX usage_event_partner_ix ON app.usage_event USING btree (tenant_id, partner_id, day);
grant delete, insert, select, update on usage_event to entente_definer;
grant delete, select, update on usage_event to entente_retention;
grant select on usage_event to entente_staff;
grant insert, select, update on usage_event to entente_worker;
alter table usage_event enable row level security;
alter table usage_event force row level security;
create policy definer_leave on usage_event as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on usage_event as permissive all to entente_retention using true check true;
create policy staff_reach on usage_event as permissive all to entente_staff using true check true;
create policy tenant_floor on usage_event as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on usage_event as permissive all to entente_worker using true check true;

create table workflow_log (
  tenant_id uuid not null, -- class=internal category=workflow-log
  entry_id uuid not null default gen_random_uuid(), -- class=internal category=workflow-log
  at timestamp with time zone not null, -- class=internal category=workflow-log
  kind text not null, -- class=internal category=workflow-log
  name text not null, -- class=internal category=workflow-log
  outcome text not null, -- class=internal category=workflow-log
  took_us bigint not null, -- class=internal category=workflow-log
  fault text not null default ''::text, -- class=internal category=workflow-log
  constraint workflow_log_fault_ck CHECK ((length(fault) <= 300)),
  constraint workflow_log_kind_ck CHECK ((kind = ANY (ARRAY['job'::text, 'vendor'::text]))),
  constraint workflow_log_name_ck CHECK ((length(name) <= 200)),
  constraint workflow_log_outcome_ck CHECK ((length(outcome) <= 40)),
  constraint workflow_log_pk PRIMARY KEY (tenant_id, entry_id)
);
CREATE INDEX workflow_log_at_ix ON app.workflow_log USING btree (tenant_id, at DESC, entry_id DESC);
grant delete, insert, select, update on workflow_log to entente_definer;
grant delete, select, update on workflow_log to entente_retention;
grant select on workflow_log to entente_staff;
grant insert, select on workflow_log to entente_worker;
alter table workflow_log enable row level security;
alter table workflow_log force row level security;
create policy definer_leave on workflow_log as permissive all to entente_definer using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy retention_reach on workflow_log as permissive all to entente_retention using true check true;
create policy staff_reach on workflow_log as permissive all to entente_staff using true check true;
create policy tenant_floor on workflow_log as restrictive all to entente_partner, entente_platform, entente_public, entente_staff, entente_worker using (tenant_id = ( SELECT tenant() AS tenant)) check (tenant_id = ( SELECT tenant() AS tenant));
create policy worker_reach on workflow_log as permissive all to entente_worker using true check true;

-- Functions

CREATE OR REPLACE FUNCTION app.actor_by_key(in_hash bytea, at timestamp with time zone)
 RETURNS TABLE(tenant_id uuid, key_id uuid, member_id uuid, person_id uuid, partner_id uuid, role text, name text, kind text, scopes text[], expires_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select k.tenant_id, k.key_id, m.member_id, m.person_id, m.partner_id, m.role, m.name, m.kind, k.scopes, k.expires_at
    from app.api_key k
    join app.member m on m.tenant_id = k.tenant_id and m.member_id = k.member_id and m.status = 'active'
    join app.tenant t on t.tenant_id = k.tenant_id and t.status in ('active', 'closing')
    left join app.partner p on p.tenant_id = m.tenant_id and p.partner_id = m.partner_id
   where k.key_hash = in_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > at)
     and coalesce(p.status, 'active') in ('active', 'invited')
$function$;
alter routine actor_by_key(bytea,timestamp with time zone) owner to entente_definer;
grant execute on routine actor_by_key(bytea,timestamp with time zone) to entente_public;

CREATE OR REPLACE FUNCTION app.actor_by_session(in_hash bytea, at timestamp with time zone)
 RETURNS TABLE(session_id uuid, person_id uuid, email text, tenant_id uuid, member_id uuid, partner_id uuid, role text, name text, last_seen_at timestamp with time zone, expires_at timestamp with time zone, created_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select s.session_id, s.person_id, pe.email, m.tenant_id, m.member_id, m.partner_id, m.role, m.name, s.last_seen_at, s.expires_at, s.created_at
    from app.session s
    join app.person pe on pe.person_id = s.person_id
    left join (app.member m
      join app.tenant t on t.tenant_id = m.tenant_id and t.status in ('active', 'closing')
      left join app.partner p on p.tenant_id = m.tenant_id and p.partner_id = m.partner_id)
      on m.tenant_id = s.tenant_id and m.member_id = s.member_id and m.person_id = s.person_id and m.status = 'active'
     and coalesce(p.status, 'active') in ('active', 'invited')
   where s.token_hash = in_hash and s.revoked_at is null and s.expires_at > at and s.idle_expires_at > at
$function$;
alter routine actor_by_session(bytea,timestamp with time zone) owner to entente_definer;
grant execute on routine actor_by_session(bytea,timestamp with time zone) to entente_public;

CREATE OR REPLACE FUNCTION app.archive_arrive(in_slug text, in_name text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into app.tenant (tenant_id, slug, name, status) values (app.tenant(), in_slug, in_name, 'importing')
$function$;
alter routine archive_arrive(text,text) owner to entente_definer;
grant execute on routine archive_arrive(text,text) to entente_platform;

CREATE OR REPLACE FUNCTION app.archive_bury(at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'closed') then
    raise exception 'app.archive_bury: the tenant is not closed' using errcode = '42501';
  end if;
  update app.departure set state = 'done', step = '', tell = '[]', people = '{}', reason = '', asked_by_name = '', agreed_by_name = '', finished_at = at, version = version + 1
   where tenant_id = app.tenant() and state = 'purging';
  update app.departure set reason = '', asked_by_name = '', agreed_by_name = '' where tenant_id = app.tenant() and state <> 'done';
  update app.tenant set status = 'purged', purged_at = at, slug = 'gone-' || replace(tenant_id::text, '-', ''), name = 'Deleted programme', closing_reason = '', closing_by = null,
         brand_color = '#1f5fd6', logo = null, logo_type = '', time_zone = 'UTC', version = version + 1, updated_at = at
   where tenant_id = app.tenant();
  delete from app.row_history where tenant_id = app.tenant();
end $function$;
alter routine archive_bury(timestamp with time zone) owner to entente_definer;
grant execute on routine archive_bury(timestamp with time zone) to entente_platform;

CREATE OR REPLACE FUNCTION app.archive_delete(tab text, most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare n bigint; list text;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'closed') or tab = 'tenant' then
    raise exception 'app.archive_delete: the tenant is not closed' using errcode = '42501';
  end if;
  select string_agg(format('%I', a.attname), ', ' order by k.o) into strict list
    from pg_index i cross join lateral unnest(i.indkey) with ordinality as k (n, o) join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n
   where i.indrelid = format('app.%I', tab)::regclass and i.indisprimary;
  execute format('delete from app.%I where (%s) in (select %s from app.%I where tenant_id = app.tenant() limit $1)', tab, list, list, tab) using most;
  get diagnostics n = row_count;
  return n;
end $function$;
alter routine archive_delete(text,integer) owner to entente_definer;
grant execute on routine archive_delete(text,integer) to entente_platform;

CREATE OR REPLACE FUNCTION app.archive_drop_persons(most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare n bigint;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'closed') then
    raise exception 'app.archive_drop_persons: the tenant is not closed' using errcode = '42501';
  end if;
  delete from app.person p where p.person_id in (
    select x.id from app.departure d cross join lateral unnest(d.people) as x (id)
     where d.tenant_id = app.tenant() and d.state = 'purging'
       and exists (select from app.person q where q.person_id = x.id) and not exists (select from app.member m where m.person_id = x.id) limit most);
  get diagnostics n = row_count;
  return n;
end $function$;
alter routine archive_drop_persons(integer) owner to entente_definer;
grant execute on routine archive_drop_persons(integer) to entente_platform;

CREATE OR REPLACE FUNCTION app.archive_insert(tab text, cols text[], rows jsonb)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare n bigint; list text;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'importing') then
    raise exception 'app.archive_insert: no tenant is arriving' using errcode = '42501';
  end if;
  if tab = 'tenant' or 'tenant_id' <> all (cols) or exists (select from jsonb_array_elements(rows) r where (r ->> 'tenant_id')::uuid is distinct from app.tenant()) then
    raise exception 'app.archive_insert: rows of the arriving tenant only' using errcode = '42501';
  end if;
  select string_agg(format('%I', c), ', ') into list from unnest(cols) c;
  execute format('insert into app.%I (%s) overriding system value select %s from jsonb_populate_recordset(null::app.%I, $1)', tab, list, list, tab) using rows;
  get diagnostics n = row_count;
  return n;
end $function$;
alter routine archive_insert(text,text[],jsonb) owner to entente_definer;
grant execute on routine archive_insert(text,text[],jsonb) to entente_platform;

CREATE OR REPLACE FUNCTION app.archive_person(in_id uuid, in_email text, in_name text)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare the_id uuid;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'importing') then
    raise exception 'app.archive_person: no tenant is arriving' using errcode = '42501';
  end if;
  if exists (select from app.person p where p.person_id = in_id and p.email <> lower(in_email)) then
    in_id := gen_random_uuid();
  end if;
  insert into app.person (person_id, email, name) values (in_id, lower(in_email), in_name) on conflict (email) do nothing returning person_id into the_id;
  if the_id is null then
    select p.person_id into the_id from app.person p where p.email = lower(in_email);
  end if;
  return the_id;
end $function$;
alter routine archive_person(uuid,text,text) owner to entente_definer;
grant execute on routine archive_person(uuid,text,text) to entente_platform;

CREATE OR REPLACE FUNCTION app.archive_persons()
 RETURNS TABLE(person_id uuid, email text, name text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select p.person_id, p.email, p.name from app.person p
   where exists (select from app.member m where m.tenant_id = app.tenant() and m.person_id = p.person_id) order by p.person_id
$function$;
alter routine archive_persons() owner to entente_definer;
grant execute on routine archive_persons() to entente_worker;

CREATE OR REPLACE FUNCTION app.archive_settle(cols text[], fresh jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare list text;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'importing') then
    raise exception 'app.archive_settle: no tenant is arriving' using errcode = '42501';
  end if;
  select string_agg(format('%I = r.%I', c, c), ', ') into list from unnest(cols) c where c not in ('tenant_id', 'slug');
  execute format('update app.tenant t set %s from jsonb_populate_record(null::app.tenant, $1) r where t.tenant_id = app.tenant()', list) using fresh;
  delete from app.row_history where tenant_id = app.tenant() and op_id = app.op();
end $function$;
alter routine archive_settle(text[],jsonb) owner to entente_definer;
grant execute on routine archive_settle(text[],jsonb) to entente_platform;

CREATE OR REPLACE FUNCTION app.archive_unlink(tab text, col text, most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare n bigint;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'closed') or tab = 'tenant' then
    raise exception 'app.archive_unlink: the tenant is not closed' using errcode = '42501';
  end if;
  execute format('update app.%I set %I = null where tenant_id = app.tenant() and %I is not null and ctid = any (array(select ctid from app.%I where tenant_id = app.tenant() and %I is not null limit $1))',
    tab, col, col, tab, col) using most;
  get diagnostics n = row_count;
  return n;
end $function$;
alter routine archive_unlink(text,text,integer) owner to entente_definer;
grant execute on routine archive_unlink(text,text,integer) to entente_platform;

CREATE OR REPLACE FUNCTION app.arriving(tenant uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select current_user = 'entente_definer' and exists (select from app.tenant t where t.tenant_id = tenant and t.status = 'importing')
$function$;
alter routine arriving(uuid) owner to entente_owner;
grant execute on routine arriving(uuid) to entente_definer;
grant execute on routine arriving(uuid) to entente_partner;
grant execute on routine arriving(uuid) to entente_public;
grant execute on routine arriving(uuid) to entente_retention;
grant execute on routine arriving(uuid) to entente_staff;
grant execute on routine arriving(uuid) to entente_worker;

CREATE OR REPLACE FUNCTION app.audit_adopt(p_at timestamp with time zone, p_entry uuid, p_category text, p_payload bytea, p_salt bytea, p_commitment bytea)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update app.audit_entry set category = p_category, payload = p_payload, salt = p_salt, commitment = p_commitment, xact = pg_current_xact_id(),
         actor_name = '', object_label = '', changes = '{}', note = '', request_id = '', ip = '', user_agent = ''
   where tenant_id = app.tenant() and at = p_at and entry_id = p_entry and commitment is null
$function$;
alter routine audit_adopt(timestamp with time zone,uuid,text,bytea,bytea,bytea) owner to entente_definer;
grant execute on routine audit_adopt(timestamp with time zone,uuid,text,bytea,bytea,bytea) to entente_worker;

CREATE OR REPLACE FUNCTION app.audit_entry_stamp()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  new.xact := pg_current_xact_id();
  return new;
end $function$;
alter routine audit_entry_stamp() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.audit_erase(p_entries uuid[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not app.erasing() then
    raise exception 'app.audit_erase: no approved erasure is being carried out' using errcode = '42501';
  end if;
  return app.empty_entries(p_entries);
end $function$;
alter routine audit_erase(uuid[]) owner to entente_definer;
grant execute on routine audit_erase(uuid[]) to entente_worker;

CREATE OR REPLACE FUNCTION app.audit_erase(p_entries uuid[], p_request uuid, p_proof text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if p_proof is distinct from app.installation_proof('erasure ' || app.tenant() || ' ' || p_request) then
    raise exception 'app.audit_erase: this is no proof of an approved erasure' using errcode = '42501';
  end if;
  return app.empty_entries(p_entries);
end $function$;
alter routine audit_erase(uuid[],uuid,text) owner to entente_definer;
grant execute on routine audit_erase(uuid[],uuid,text) to entente_worker;

CREATE OR REPLACE FUNCTION app.audit_plain()
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select distinct tenant_id from app.audit_entry where commitment is null limit 100
$function$;
alter routine audit_plain() owner to entente_definer;
grant execute on routine audit_plain() to entente_worker;

CREATE OR REPLACE FUNCTION app.audit_unsealed(p_from xid8, p_limit integer)
 RETURNS TABLE(xact xid8, tenant_id uuid, entry_id uuid, at timestamp with time zone, op_id uuid, category text, actor_kind text, actor_id uuid, actor_role text, credential_id uuid, partner_id uuid, action text, outcome text, object_type text, object_id uuid, commitment bytea)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select e.xact, e.tenant_id, e.entry_id, e.at, e.op_id, e.category, e.actor_kind, e.actor_id, e.actor_role, e.credential_id, e.partner_id, e.action, e.outcome,
         e.object_type, e.object_id, e.commitment
    from app.audit_entry e
   where e.xact >= p_from and e.commitment is not null
     and not exists (select from app.audit_leaf l where l.tenant_id = e.tenant_id and l.entry_id = e.entry_id)
   order by e.xact, e.at, e.entry_id limit p_limit
$function$;
alter routine audit_unsealed(xid8,integer) owner to entente_definer;
grant execute on routine audit_unsealed(xid8,integer) to entente_worker;

CREATE OR REPLACE FUNCTION app.bind_session(in_session uuid, in_old_hash bytea, in_new_hash bytea, in_idle timestamp with time zone, in_expires timestamp with time zone, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  update app.session s set token_hash = in_new_hash, tenant_id = m.tenant_id, member_id = m.member_id,
         last_seen_at = at, idle_expires_at = least(in_idle, in_expires), expires_at = in_expires
    from app.member m
   where s.session_id = in_session and s.token_hash = in_old_hash and s.revoked_at is null and s.expires_at > at and s.idle_expires_at > at
     and m.tenant_id = app.tenant() and m.member_id = app.member() and m.person_id = s.person_id and m.status = 'active';
  return found;
end $function$;
alter routine bind_session(uuid,bytea,bytea,timestamp with time zone,timestamp with time zone,timestamp with time zone) owner to entente_definer;
grant execute on routine bind_session(uuid,bytea,bytea,timestamp with time zone,timestamp with time zone,timestamp with time zone) to entente_partner;
grant execute on routine bind_session(uuid,bytea,bytea,timestamp with time zone,timestamp with time zone,timestamp with time zone) to entente_staff;

CREATE OR REPLACE FUNCTION app.change_my_password(in_old_hash text, in_new_hash text, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  update app.person pe set password_hash = in_new_hash, password_set_at = at from app.member m
   where m.tenant_id = app.tenant() and m.member_id = app.member() and pe.person_id = m.person_id and pe.password_hash = in_old_hash;
  return found;
end $function$;
alter routine change_my_password(text,text,timestamp with time zone) owner to entente_definer;
grant execute on routine change_my_password(text,text,timestamp with time zone) to entente_partner;
grant execute on routine change_my_password(text,text,timestamp with time zone) to entente_staff;

CREATE OR REPLACE FUNCTION app.claim_answer(in_key text, in_name_norm text, in_self uuid)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET "pg_trgm.similarity_threshold" TO '0.6'
AS $function$
  select case
    when in_key <> '' and exists (select 1 from app.deal_claim c where c.tenant_id = app.tenant() and c.claim_key = in_key
           and c.period @> app.now() and c.deal_id is distinct from in_self) then 'taken'
    when in_key <> '' and exists (select 1 from app.deal d where d.tenant_id = app.tenant() and d.claim_key = in_key
           and d.state in ('submitted', 'returned', 'approved', 'won') and d.deal_id is distinct from in_self)
      or in_name_norm <> '' and exists (select 1 from app.deal d where d.tenant_id = app.tenant() and d.name_norm = in_name_norm
           and d.state in ('submitted', 'returned', 'approved', 'won') and d.deal_id is distinct from in_self)
      or in_name_norm <> '' and exists (select 1 from app.deal d where d.tenant_id = app.tenant() and d.name_norm % in_name_norm
           and d.state in ('submitted', 'returned', 'approved') and d.deal_id is distinct from in_self) then 'look'
    else 'free' end
$function$;
alter routine claim_answer(text,text,uuid) owner to entente_definer;
grant execute on routine claim_answer(text,text,uuid) to entente_partner;
grant execute on routine claim_answer(text,text,uuid) to entente_staff;
grant execute on routine claim_answer(text,text,uuid) to entente_worker;

CREATE OR REPLACE PROCEDURE app.classify(IN tab text, IN category text, IN class text, IN columns text)
 LANGUAGE plpgsql
AS $procedure$
declare col text;
begin
  foreach col in array regexp_split_to_array(trim(columns), '\s+') loop
    execute format('comment on column app.%I.%I is %L', tab, col, 'class=' || class || ' category=' || category);
  end loop;
end $procedure$;
alter routine classify(text,text,text,text) owner to entente_owner;

CREATE OR REPLACE FUNCTION app.clock()
 RETURNS timestamp with time zone
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select clock_timestamp() + coalesce((select c.shift from app.clock_shift c), interval '0')
$function$;
alter routine clock() owner to entente_retention;
grant execute on routine clock() to entente_staff;
grant execute on routine clock() to entente_worker;

CREATE OR REPLACE FUNCTION app.deal_claim_only_shrinks()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if current_setting('is_superuser') = 'off' and pg_has_role(current_user, 'entente_partner', 'usage')
     and (new.claim_key <> old.claim_key or new.deal_id <> old.deal_id or new.claim_id <> old.claim_id
          or lower(new.period) is distinct from lower(old.period) or not coalesce(upper(new.period) <= upper(old.period), false)) then
    raise exception 'a partner cannot prolong a claim' using errcode = '42501', constraint = 'deal_claim_vendor_ck';
  end if;
  return new;
end $function$;
alter routine deal_claim_only_shrinks() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.deal_decision_is_the_vendors()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  before text := case when tg_op = 'UPDATE' then old.state else 'draft' end;
  ends   timestamptz := case when tg_op = 'UPDATE' then old.protected_until end;
begin
  if new.state = before and new.protected_until is not distinct from ends then
    return new;
  end if;
  if current_setting('is_superuser') = 'on' then -- who is a member of every role
    return new;
  end if;
  if pg_has_role(current_user, 'entente_partner', 'usage')
     and (new.state <> before and not (
            new.state = 'submitted' and before in ('draft', 'returned')
         or new.state = 'withdrawn' and before in ('draft', 'submitted', 'returned', 'approved')
         or new.state in ('won', 'lost') and before in ('approved', 'expired'))
       or new.protected_until is distinct from ends and not coalesce(new.protected_until <= ends, false)) then
    raise exception 'a partner cannot decide a deal' using errcode = '42501', constraint = 'deal_decision_vendor_ck';
  end if;
  if new.state = 'approved' and before <> 'approved' and pg_has_role(current_user, 'entente_staff', 'usage')
     and (new.decided_by is null or new.decided_by is distinct from app.member() or new.decided_by in (new.owner_id, new.created_by)) then
    raise exception 'nobody approves their own deal' using errcode = '42501', constraint = 'deal_four_eyes_ck';
  end if;
  return new;
end $function$;
alter routine deal_decision_is_the_vendors() owner to entente_owner;

CREATE OR REPLACE PROCEDURE app.declare_retention(IN tab text, IN declaration jsonb)
 LANGUAGE plpgsql
AS $procedure$
declare
  rel  regclass := format('app.%I', tab)::regclass;
  kept jsonb;
  mark text;
begin
  for mark in select value from jsonb_each_text(coalesce(declaration -> 'events', '{}')) loop
    if not exists (select from pg_attribute a where a.attrelid = rel and a.attname = mark and not a.attisdropped and a.atttypid in ('timestamptz'::regtype, 'date'::regtype)) then
      raise exception 'app.retain: % has no column % that is a time', tab, mark;
    end if;
  end loop;
  select coalesce(jsonb_agg(d), '[]') into kept from jsonb_array_elements(coalesce(obj_description(rel, 'pg_class')::jsonb, '[]')) d
   where d ->> 'category' <> declaration ->> 'category';
  execute format('comment on table %s is %L', rel, (kept || jsonb_build_array(declaration))::text);
  if declaration ->> 'how' in ('rows', 'partitions', 'columns', 'parent', 'job')
     and not exists (select from pg_policy p where p.polrelid = rel and p.polname = 'retention_reach') then
    execute format('grant select, update, delete on %s to entente_retention', rel);
    execute format('create policy retention_reach on %s for all to entente_retention using (true) with check (true)', rel);
  end if;
end $procedure$;
alter routine declare_retention(text,jsonb) owner to entente_owner;

CREATE OR REPLACE FUNCTION app.departure_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not app.is_staff() then
    return new;
  end if;
  if tg_op = 'INSERT' then
    if new.state <> 'asked' or new.agreed_by is not null or new.agreed_at is not null or new.purge_after is not null
       or new.closed_at is not null or new.finished_at is not null or new.certificate <> ''
       or new.asked_by is distinct from app.member() and not exists (select from app.member m where m.tenant_id = app.tenant() and m.member_id = app.member() and m.kind = 'service') then -- a key asks for whoever made it
      raise exception 'a departure begins by being asked for' using errcode = '42501', constraint = 'departure_begins_ck';
    end if;
    return new;
  end if;
  if (new.departure_id, new.asked_by, new.asked_by_name, new.asked_at, new.reason, new.at_once) is distinct from (old.departure_id, old.asked_by, old.asked_by_name, old.asked_at, old.reason, old.at_once)
     or new.state <> old.state and (old.state, new.state) not in (('asked', 'closing'), ('asked', 'taken_back'), ('closing', 'taken_back'))
     or new.state = 'closing' and old.state = 'asked' and new.agreed_by is distinct from app.member() -- alone only where there is nobody else
        and (new.agreed_by is not null or exists (select from app.member m where m.tenant_id = app.tenant() and m.role = 'admin' and m.kind = 'person' and m.status = 'active' and m.member_id is distinct from new.asked_by))
     or old.state <> 'asked' and (new.agreed_by, new.agreed_at, new.purge_after) is distinct from (old.agreed_by, old.agreed_at, old.purge_after)
     or new.certificate is distinct from old.certificate then
    raise exception 'a departure is agreed to or taken back, and nothing else' using errcode = '42501', constraint = 'departure_frozen_ck';
  end if;
  return new;
end $function$;
alter routine departure_guard() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.document_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if tg_op = 'DELETE' then
    if old.status = 'draft' or app.is_worker() then return old; end if;
    raise exception 'a published version is kept' using errcode = '23514', constraint = 'document_version_kept_ck';
  end if;
  if tg_op = 'INSERT' then
    if new.status <> 'draft' and not (app.is_worker() and app.nobody_yet(new.tenant_id))
       or new.status = 'draft' and (new.announced_at is not null or new.notified_at is not null or new.effective_at is not null) then
      raise exception 'a version begins as a draft' using errcode = '23514', constraint = 'document_version_draft_ck';
    end if;
    return new;
  end if;
  if old.status = 'draft' then
    if new.status = 'draft' then
      if new.announced_at is not null or new.notified_at is not null or new.effective_at is not null then
        raise exception 'a draft is not announced' using errcode = '23514', constraint = 'document_version_draft_ck';
      end if;
      return new;
    end if;
    if new.status <> 'announced' then
      raise exception 'a draft is announced or deleted' using errcode = '23514', constraint = 'document_version_step_ck';
    end if;
    new.announced_at := app.honest_now(new.tenant_id, 'document_version');
    new.notified_at := null;
    new.notice_seconds := case new.change when 'material' then app.notice_term(new.tenant_id) else 0 end;
    if new.change = 'first' and exists (select from app.document_version v where v.tenant_id = new.tenant_id and v.document_id = new.document_id
       and v.status = 'announced' and v.version_id <> new.version_id) then
      raise exception 'there is a version already' using errcode = '23514', constraint = 'document_version_first_ck';
    end if;
    return new;
  end if;
  if old.status = 'withdrawn' or new.status not in ('announced', 'withdrawn')
     or (new.document_id, new.number, new.title, new.body, new.digest, new.change, new.summary, new.announced_at, new.notice_seconds, new.announced_by)
        is distinct from (old.document_id, old.number, old.title, old.body, old.digest, old.change, old.summary, old.announced_at, old.notice_seconds, old.announced_by) then
    raise exception 'a published version stays as it is' using errcode = '23514', constraint = 'document_version_frozen_ck';
  end if;
  if new.effective_at is distinct from old.effective_at and (new.effective_at is null or new.effective_at < old.effective_at
     or old.effective_at <= app.now() and (old.change <> 'material' or old.notified_at is not null)) then
    raise exception 'the day a version takes force may only move on' using errcode = '23514', constraint = 'document_version_notice_ck';
  end if;
  if new.status = 'withdrawn' and old.effective_at <= greatest(app.now(), clock_timestamp()) then
    raise exception 'a version in force is superseded, not withdrawn' using errcode = '23514', constraint = 'document_version_force_ck';
  end if;
  if new.notified_at is distinct from old.notified_at then
    if old.notified_at is not null or new.notice_id is null or not exists (select from app.notice n
       where n.tenant_id = new.tenant_id and n.notice_id = new.notice_id and n.object_id = new.version_id and n.status = 'done') then
      raise exception 'its notices are not out' using errcode = '23514', constraint = 'document_version_notice_ck';
    end if;
    new.notified_at := app.honest_now(new.tenant_id, 'document_version');
  end if;
  return new;
end $function$;
alter routine document_guard() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.drop_month(in_part text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare bytes bigint;
begin
  if not app.month_is_over(in_part) then
    raise exception 'app.drop_month: % is not over for everybody', in_part using errcode = '42501';
  end if;
  bytes := pg_total_relation_size(format('app.%I', in_part)::regclass);
  execute format('drop table app.%I', in_part);
  return bytes;
end $function$;
alter routine drop_month(text) owner to entente_owner;
grant execute on routine drop_month(text) to entente_worker;

CREATE OR REPLACE FUNCTION app.empty_entries(p_entries uuid[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare n int;
begin
  update app.audit_entry set payload = null, salt = null, erased_at = app.now()
   where tenant_id = app.tenant() and entry_id = any (p_entries) and commitment is not null and erased_at is null;
  get diagnostics n = row_count;
  return n;
end $function$;
alter routine empty_entries(uuid[]) owner to entente_definer;

CREATE OR REPLACE FUNCTION app.empty_history(in_most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  d     record;
  h     record;
  upto  timestamptz;
  since timestamptz;
  last  timestamptz;
  n     bigint;
  total bigint := 0;
  log   interval;
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('legal hold ' || app.tenant(), 0));
  h := app.held_objects(app.tenant());
  if h.whole then return 0; end if;
  select r.keep into log from app.retention_rule r where r.tenant_id = app.tenant() and r.category = 'audit-log';
  for d in select x.tab, x.rel, app.history_key(x.rel) as key, case r.event when 'recorded' then app.retention_cutoff(greatest(r.keep, y.keep), app.clock())
                  else case when tn.deletion_requested_at < app.retention_cutoff(r.keep, app.clock()) and y.category is null then 'infinity'::timestamptz end end as cutoff
             from app.retention_tables() x
             join app.retention_rule r on r.tenant_id = app.tenant() and r.category = x.category and r.event in ('recorded', 'account-deletion') and r.keep is not null
             join app.tenant tn on tn.tenant_id = r.tenant_id
             left join app.legal_duty y on y.tenant_id = r.tenant_id and y.category = x.category
            where x.how <> 'tenant' and app.history_key(x.rel) is not null loop
    continue when d.cutoff is null or log is not null and app.retention_cutoff(log, app.clock()) >= d.cutoff;
    select m.emptied_to into since from app.retention_mark m where m.tenant_id = app.tenant() and m.table_name = d.tab;
    continue when since >= d.cutoff;
    execute format('with p as (select r.tenant_id, r.at, r.history_id from app.row_history r
                       where r.tenant_id = app.tenant() and r.table_name = $1 and r.at >= $2 and r.at < $3 and (r.old_row is not null or r.new_row is not null)
                         and not (r.row_id = any ($4)) and not exists (select from app.%I x where x.tenant_id = r.tenant_id and x.%I = r.row_id)
                       order by r.at limit $5 for update of r skip locked),
                     done as (update app.row_history h set old_row = null, new_row = null from p where h.tenant_id = app.tenant() and h.at = p.at and h.history_id = p.history_id returning h.at)
                    select count(*), max(x.at) from done x', d.tab, d.key)
      into n, last using d.tab, coalesce(since, '-infinity'), d.cutoff, h.ids, in_most - total;
    upto := case when n < in_most - total then d.cutoff else last end;
    if d.cutoff < 'infinity' or n = 0 then
      insert into app.retention_mark (tenant_id, table_name, emptied_to) values (app.tenant(), d.tab, least(upto, app.clock()))
      on conflict on constraint retention_mark_pk do update set emptied_to = excluded.emptied_to;
    end if;
    total := total + n;
    exit when total >= in_most;
  end loop;
  return total;
end $function$;
alter routine empty_history(integer) owner to entente_retention;
grant execute on routine empty_history(integer) to entente_worker;

CREATE OR REPLACE FUNCTION app.end_member_sessions(in_member uuid, at timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare n int;
begin
  update app.session s set revoked_at = at from app.member m
   where m.tenant_id = app.tenant() and m.member_id = in_member and (app.partner() is null or m.partner_id = app.partner())
     and s.tenant_id = m.tenant_id and s.member_id = m.member_id and s.revoked_at is null;
  get diagnostics n = row_count;
  return n;
end $function$;
alter routine end_member_sessions(uuid,timestamp with time zone) owner to entente_definer;
grant execute on routine end_member_sessions(uuid,timestamp with time zone) to entente_partner;
grant execute on routine end_member_sessions(uuid,timestamp with time zone) to entente_staff;
grant execute on routine end_member_sessions(uuid,timestamp with time zone) to entente_worker;

CREATE OR REPLACE FUNCTION app.end_my_sessions(in_one uuid, in_keep uuid, at timestamp with time zone)
 RETURNS SETOF uuid
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update app.session s set revoked_at = at from app.member m
   where m.tenant_id = app.tenant() and m.member_id = app.member() and s.person_id = m.person_id and s.revoked_at is null
     and (in_one is null or s.session_id = in_one) and (in_keep is null or s.session_id <> in_keep)
     and exists (select from app.session w where w.person_id = m.person_id and w.tenant_id = m.tenant_id and w.member_id = m.member_id
       and w.revoked_at is null and w.expires_at > at and w.idle_expires_at > at)
  returning s.session_id
$function$;
alter routine end_my_sessions(uuid,uuid,timestamp with time zone) owner to entente_definer;
grant execute on routine end_my_sessions(uuid,uuid,timestamp with time zone) to entente_partner;
grant execute on routine end_my_sessions(uuid,uuid,timestamp with time zone) to entente_staff;

CREATE OR REPLACE FUNCTION app.end_tenant_access(at timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare n int;
begin
  if not exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'closed') then
    raise exception 'app.end_tenant_access: the tenant is not closed' using errcode = '42501';
  end if;
  update app.session s set revoked_at = at where s.tenant_id = app.tenant() and s.revoked_at is null;
  get diagnostics n = row_count;
  update app.api_key k set revoked_at = at where k.tenant_id = app.tenant() and k.revoked_at is null;
  update app.invitation i set revoked_at = at where i.tenant_id = app.tenant() and i.revoked_at is null and i.used_at is null;
  return n;
end $function$;
alter routine end_tenant_access(timestamp with time zone) owner to entente_definer;
grant execute on routine end_tenant_access(timestamp with time zone) to entente_worker;

CREATE OR REPLACE FUNCTION app.enqueue(in_kind text, in_args jsonb, in_run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, in_unique text DEFAULT NULL::text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
    the_tenant uuid := app.tenant();
    the_run_at timestamptz := greatest(coalesce(in_run_at, now()), now());
    the_state  river.river_job_state := case when in_run_at > now() then 'scheduled' else 'available' end;
    the_args   jsonb;
    the_key    bytea;
    the_id     bigint;
    the_time   timestamptz;
begin
    if the_tenant is null then
        raise exception 'app.enqueue: no tenant is bound to this transaction' using errcode = '42501';
    end if;
    if in_kind is null or in_kind !~ '^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$' or length(in_kind) > 100 then
        raise exception 'app.enqueue: not a job kind: %', left(in_kind, 100) using errcode = '22023';
    end if;
    if in_args is null or jsonb_typeof(in_args) <> 'object' or octet_length(in_args::text) > 8192 then
        raise exception 'app.enqueue: arguments of % must be an object of at most 8192 bytes', in_kind using errcode = '22023';
    end if;
    the_args := in_args || jsonb_build_object('tenant', the_tenant);

    -- Slot 0 is the one that waits; slot 1 waits while slot 0 runs; if both run, the job goes in without a key.
    for slot in 0 .. 2 loop
        the_key := case when in_unique is not null and slot < 2 then
            sha256(convert_to(jsonb_build_array(the_tenant, in_kind, in_unique, slot)::text, 'UTF8')) end;
        insert into river.river_job as j
            (args, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags, unique_key, unique_states)
        values
            (the_args, in_kind, 8, '{}', 1, 'default', the_run_at, the_state, '{}', the_key,
             -- unique among: scheduled, running, retryable, pending | discarded, completed, cancelled | available
             case when the_key is not null then b'11110001'::bit(8) end)
        on conflict (unique_key)
            where unique_key is not null and unique_states is not null and river.river_job_state_in_bitmask(unique_states, state)
            do nothing
        returning j.id into the_id;
        if the_id is not null then
            if the_state = 'available' then
                perform pg_notify('river.river_insert', '{"queue": "default"}');
            end if;
            return the_id;
        end if;
        select j.id, j.scheduled_at into the_id, the_time from river.river_job j
         where j.unique_key = the_key and j.unique_states is not null
           and j.state in ('available', 'scheduled', 'retryable', 'pending')
           for share;
        if the_id is not null then
            if the_time > the_run_at then
                update river.river_job j set scheduled_at = the_run_at, state = the_state where j.id = the_id;
                if the_state = 'available' then
                    perform pg_notify('river.river_insert', '{"queue": "default"}');
                end if;
            end if;
            return the_id;
        end if;
    end loop;
    raise exception 'app.enqueue: unreachable';
end
$function$;
alter routine enqueue(text,jsonb,timestamp with time zone,text) owner to entente_jobs;
grant execute on routine enqueue(text,jsonb,timestamp with time zone,text) to entente_partner;
grant execute on routine enqueue(text,jsonb,timestamp with time zone,text) to entente_platform;
grant execute on routine enqueue(text,jsonb,timestamp with time zone,text) to entente_public;
grant execute on routine enqueue(text,jsonb,timestamp with time zone,text) to entente_staff;
grant execute on routine enqueue(text,jsonb,timestamp with time zone,text) to entente_worker;

CREATE OR REPLACE FUNCTION app.ensure_partitions(from_at timestamp with time zone, months integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
end $function$;
alter routine ensure_partitions(timestamp with time zone,integer) owner to entente_owner;
grant execute on routine ensure_partitions(timestamp with time zone,integer) to entente_worker;

CREATE OR REPLACE FUNCTION app.erase_member(in_member uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  t     record;
  h     record;
  m     record;
  child record;
  theirs uuid[];
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('legal hold ' || app.tenant(), 0));
  t := app.retention_terms('member', 'user-account');
  h := app.held_objects(app.tenant());
  execute format('select t.member_id, t.person_id, t.role, t.status, t.kind from app.member t where %s and %s and t.member_id = $3 and not ($4 or %s) for update of t', t.mine, t.due, app.held_row(t.rel, 't'))
    into m using h.ids, h.emails, in_member, h.whole;
  if m.member_id is null or m.kind <> 'person' or m.role = 'admin' and m.status = 'active' and not exists (select from app.member o
       where o.tenant_id = app.tenant() and o.role = 'admin' and o.status = 'active' and o.kind = 'person' and o.member_id <> in_member) then
    return false;
  end if;
  for child in select c.tab, app.history_key(c.rel) as key from app.retention_tables() c where c.how = 'parent' and c.parent = 'member' loop
    execute format('with gone as (delete from app.%I c where c.tenant_id = app.tenant() and c.member_id = $1 returning c.%I as id) select array_agg(g.id) from gone g', child.tab, child.key) into theirs using in_member;
    perform app.retention_history(child.tab, theirs);
  end loop;
  delete from app.session s where s.tenant_id = app.tenant() and s.member_id = in_member;
  update app.member x set name = 'Former member', email = '', person_id = null, external_id = null, last_seen_at = null, status = 'removed', erased_at = app.clock(), version = x.version + 1
   where x.tenant_id = app.tenant() and x.member_id = in_member;
  perform app.retention_history('member', array[in_member], array['name', 'email', 'person_id', 'external_id', 'last_seen_at', 'active_at']);
  perform app.forget_person(m.person_id);
  return true;
end $function$;
alter routine erase_member(uuid) owner to entente_retention;
grant execute on routine erase_member(uuid) to entente_worker;

CREATE OR REPLACE FUNCTION app.erasing(in_request uuid DEFAULT NULL::uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select exists (select from app.privacy_request r where r.tenant_id = app.tenant() and r.kind = 'erasure' and r.state = 'executing' and (in_request is null or r.request_id = in_request))
$function$;
alter routine erasing(uuid) owner to entente_definer;

CREATE OR REPLACE FUNCTION app.erasure_proof(in_request uuid)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case when app.erasing(in_request) then app.installation_proof('erasure ' || app.tenant() || ' ' || in_request) end
$function$;
alter routine erasure_proof(uuid) owner to entente_definer;
grant execute on routine erasure_proof(uuid) to entente_worker;

CREATE OR REPLACE FUNCTION app.forget_member(in_member uuid)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare whose uuid;
begin
  select m.person_id into whose from app.member m where m.tenant_id = app.tenant() and m.member_id = in_member;
  delete from app.session s where s.tenant_id = app.tenant() and s.member_id = in_member;
  if whose is null then
    return 'none';
  end if;
  update app.member m set person_id = null where m.tenant_id = app.tenant() and m.member_id = in_member;
  if exists (select from app.member m where m.person_id = whose) then
    return 'kept';
  end if;
  delete from app.person p where p.person_id = whose;
  return 'gone';
end $function$;
alter routine forget_member(uuid) owner to entente_definer;
grant execute on routine forget_member(uuid) to entente_worker;

CREATE OR REPLACE FUNCTION app.forget_person(in_person uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  delete from app.person p where p.person_id = in_person and not exists (select from app.member m where m.person_id = p.person_id);
  return found;
end $function$;
alter routine forget_person(uuid) owner to entente_retention;

CREATE OR REPLACE PROCEDURE app.guard_links(IN tab text)
 LANGUAGE plpgsql
AS $procedure$
declare args text;
begin
  select string_agg(format('%L, %L, %L, %L', c.conname, a.attname, f.relname, fa.attname), ', ' order by c.conname) into strict args
    from pg_constraint c
    join pg_class f on f.oid = c.confrelid
    cross join lateral unnest(c.conkey, c.confkey) as k (own, other)
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.own and a.attname <> 'tenant_id'
    join pg_attribute fa on fa.attrelid = c.confrelid and fa.attnum = k.other
   where c.contype = 'f' and c.conrelid = format('app.%I', tab)::regclass and cardinality(c.conkey) = 2;
  execute format('create or replace trigger partner_links before insert or update on app.%I for each row execute function app.partner_links(%s)', tab, args);
end $procedure$;
alter routine guard_links(text) owner to entente_owner;

CREATE OR REPLACE FUNCTION app.held(in_tenant uuid, in_kind text, in_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare h record;
begin
  if in_tenant is distinct from app.tenant() then return false; end if;
  h := app.held_objects(in_tenant);
  return h.whole or in_id = any (h.ids);
end $function$;
alter routine held(uuid,text,uuid) owner to entente_retention;
grant execute on routine held(uuid,text,uuid) to entente_staff;
grant execute on routine held(uuid,text,uuid) to entente_worker;

CREATE OR REPLACE FUNCTION app.held_objects(in_tenant uuid, OUT whole boolean, OUT ids uuid[], OUT emails text[])
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  today date := (app.clock() at time zone 'UTC')::date;
  h     record;
  f     record;
  more  uuid[];
begin
  whole := false; ids := '{}'; emails := '{}';
  for h in select l.kind, l.object_id, l.email from app.legal_hold l
            where l.tenant_id = in_tenant and l.released_at is null and (l.until is null or l.until >= today) loop
    ids := ids || h.object_id;
    if h.kind = 'tenant' then
      whole := true;
    elsif h.kind = 'person' then
      emails := emails || array(select e from (
        select h.email as e union select m.email from app.member m where m.tenant_id = in_tenant and m.member_id = h.object_id
        union select c.email from app.contact c where c.tenant_id = in_tenant and c.contact_id = h.object_id) x where e <> '');
      ids := ids || array(select m.member_id from app.member m where m.tenant_id = in_tenant and m.email = any (emails)
        union select m.person_id from app.member m where m.tenant_id = in_tenant and (m.email = any (emails) or m.member_id = h.object_id) and m.person_id is not null
        union select c.contact_id from app.contact c where c.tenant_id = in_tenant and c.email = any (emails));
    else
      for f in select s.relname, a.attname, i.attname as key
                 from pg_constraint c join pg_class s on s.oid = c.conrelid and not s.relispartition
                 cross join lateral unnest(c.conkey, c.confkey) k (own, other)
                 join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.own and a.attname <> 'tenant_id'
                 join pg_index x on x.indrelid = c.conrelid and x.indisprimary
                 join pg_attribute i on i.attrelid = c.conrelid and i.attnum = x.indkey[x.indnatts - 1] and i.atttypid = 'uuid'::regtype
                where c.contype = 'f' and c.confrelid = ('app.' || quote_ident(h.kind))::regclass and cardinality(c.conkey) = 2
                  and has_table_privilege('entente_retention', c.conrelid, 'select') loop
        execute format('select array_agg(x.%I) from app.%I x where x.tenant_id = $1 and x.%I = $2', f.key, f.relname, f.attname) into more using in_tenant, h.object_id;
        ids := ids || coalesce(more, '{}');
      end loop;
    end if;
  end loop;
end $function$;
alter routine held_objects(uuid) owner to entente_retention;

CREATE OR REPLACE FUNCTION app.held_row(in_rel oid, alias text)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce('coalesce(' || string_agg(case when a.atttypid = 'uuid'::regtype then format('%s.%I = any ($1)', alias, a.attname) else format('%s.%I = any ($2)', alias, a.attname) end, ' or ' order by a.attnum) || ', false)', 'false')
    from pg_attribute a
   where a.attrelid = in_rel and a.attnum > 0 and not a.attisdropped and a.attname not in ('tenant_id', 'op_id', 'import_id')
     and (a.atttypid = 'uuid'::regtype or a.atttypid = 'text'::regtype and a.attname ~ '(^|_)email$')
$function$;
alter routine held_row(oid,text) owner to entente_owner;
grant execute on routine held_row(oid,text) to entente_retention;

CREATE OR REPLACE FUNCTION app.history()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  key text := tg_argv[0];
  hidden text[] := tg_argv[1:];
begin
  if tg_op = 'INSERT' then
    if pg_has_role(session_user, 'entente_platform', 'usage') and app.restoring() then
      return null;
    end if;
    insert into app.row_history (tenant_id, at, op_id, member_id, db_role, table_name, row_id, change, new_row)
    select n.tenant_id, app.now(), app.op(), app.member(), session_user, tg_table_name, (r.j ->> key)::uuid, 'insert', r.j - hidden
      from new_rows n, lateral (select to_jsonb(n) as j) r;
  elsif tg_op = 'DELETE' then
    insert into app.row_history (tenant_id, at, op_id, member_id, db_role, table_name, row_id, change, old_row)
    select o.tenant_id, app.now(), app.op(), app.member(), session_user, tg_table_name, (r.j ->> key)::uuid, 'delete', r.j - hidden
      from old_rows o, lateral (select to_jsonb(o) as j) r;
  else
    insert into app.row_history (tenant_id, at, op_id, member_id, db_role, table_name, row_id, change, old_row, new_row)
    select coalesce(n.tenant_id, o.tenant_id), app.now(), app.op(), app.member(), session_user, tg_table_name,
           coalesce(n.j ->> key, o.j ->> key)::uuid, 'update', o.j - hidden, n.j - hidden
      from (select x.tenant_id, to_jsonb(x) as j from new_rows x) n
      full join (select x.tenant_id, to_jsonb(x) as j from old_rows x) o on o.j ->> key = n.j ->> key;
  end if;
  return null;
end $function$;
alter routine history() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.history_due()
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare d record;
begin
  for d in select x.tab, x.category, app.history_key(x.rel) as key from app.retention_tables() x where x.how <> 'tenant' and app.history_key(x.rel) is not null loop
    return query execute format('select w.tenant_id
      from (select r.tenant_id, coalesce(m.emptied_to, ''-infinity'') as since,
                   case when r.event = ''recorded'' then app.retention_cutoff(greatest(r.keep, y.keep), $1)
                        when tn.deletion_requested_at < app.retention_cutoff(r.keep, $1) and y.category is null then ''infinity'' end as cutoff,
                   case when r.event = ''recorded'' or tn.deletion_requested_at is not null then app.retention_cutoff(l.keep, $1) end as log
              from app.retention_rule r
              join app.tenant tn on tn.tenant_id = r.tenant_id and tn.status <> ''purged''
              left join app.legal_duty y on y.tenant_id = r.tenant_id and y.category = r.category
              left join app.retention_rule l on l.tenant_id = r.tenant_id and l.category = ''audit-log''
              left join app.retention_mark m on m.tenant_id = r.tenant_id and m.table_name = %1$L
             where r.category = %2$L and r.event in (''recorded'', ''account-deletion'') and r.keep is not null) w
     where w.since < w.cutoff and (w.log is null or w.log < w.cutoff)
       and exists (select from app.row_history h where h.tenant_id = w.tenant_id and h.table_name = %1$L and h.at >= w.since and h.at < w.cutoff
                      and (h.old_row is not null or h.new_row is not null) and not exists (select from app.%3$I x where x.tenant_id = h.tenant_id and x.%4$I = h.row_id))', d.tab, d.category, d.tab, d.key)
      using app.clock();
  end loop;
end $function$;
alter routine history_due() owner to entente_retention;
grant execute on routine history_due() to entente_worker;

CREATE OR REPLACE FUNCTION app.history_key(in_rel oid)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select split_part(encode(g.tgargs, 'escape'), '\000', 1) from pg_trigger g where g.tgrelid = in_rel and g.tgname = 'history_delete'
$function$;
alter routine history_key(oid) owner to entente_owner;
grant execute on routine history_key(oid) to entente_retention;

CREATE OR REPLACE FUNCTION app.hold_gate()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform pg_advisory_xact_lock(hashtextextended('legal hold ' || new.tenant_id, 0));
  return new;
end $function$;
alter routine hold_gate() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.honest_now(tenant uuid, what text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if app.now() < clock_timestamp() - interval '1 hour' and not exists (select from app.tenant t where t.tenant_id = tenant and t.is_demo) then
    raise exception '%: the time of an announcement cannot lie in the past', what using errcode = '23514', constraint = what || '_backdated_ck';
  end if;
  return app.now();
end $function$;
alter routine honest_now(uuid,text) owner to entente_owner;
grant execute on routine honest_now(uuid,text) to entente_staff;
grant execute on routine honest_now(uuid,text) to entente_worker;

CREATE OR REPLACE FUNCTION app.incident_clock_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if current_setting('is_superuser') = 'on' then
    return new;
  end if;
  if (new.clock_id, new.incident_id, new.template, new.step, new.starts_at) is distinct from (old.clock_id, old.incident_id, old.template, old.step, old.starts_at)
     or new.due_at <> old.due_at and not (old.template = 'nis2' and old.step = 'final' and old.met_at is null and old.waived_at is null)
     or old.met_at is not null and (new.met_at, new.met_by_name, new.met_note) is distinct from (old.met_at, old.met_by_name, old.met_note)
     or old.waived_at is not null and (new.waived_at, new.met_note) is distinct from (old.waived_at, old.met_note) then
    raise exception 'a clock is met or waived, and not set back' using errcode = '42501', constraint = 'incident_clock_frozen_ck';
  end if;
  return new;
end $function$;
alter routine incident_clock_guard() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.incident_notice_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if old.status = 'sent' and (new.status, new.nature, new.impact, new.mitigation, new.contact, new.sent_at, new.recipient)
     is distinct from (old.status, old.nature, old.impact, old.mitigation, old.contact, old.sent_at, old.recipient) then
    raise exception 'a notice that was sent stays as it is' using errcode = '23514', constraint = 'incident_notice_frozen_ck';
  end if;
  return new;
end $function$;
alter routine incident_notice_guard() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.installation_proof(what text)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select encode(sha256(i.secret || sha256(i.secret || convert_to(what, 'UTF8'))), 'hex') from app.installation i
$function$;
alter routine installation_proof(text) owner to entente_owner;
grant execute on routine installation_proof(text) to entente_definer;

CREATE OR REPLACE FUNCTION app.invitation_by_token(in_hash bytea)
 RETURNS TABLE(tenant_id uuid, tenant_slug text, tenant_name text, invitation_id uuid, member_id uuid, person_id uuid, partner_id uuid, partner_name text, role text, name text, email text, expires_at timestamp with time zone, used_at timestamp with time zone, revoked_at timestamp with time zone, has_password boolean)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select i.tenant_id, t.slug, t.name, i.invitation_id, m.member_id, m.person_id, m.partner_id, coalesce(p.name, ''), m.role, m.name, m.email,
         i.expires_at, i.used_at, i.revoked_at, pe.password_hash is not null
    from app.invitation i
    join app.tenant t on t.tenant_id = i.tenant_id and t.status in ('active', 'closing')
    join app.member m on m.tenant_id = i.tenant_id and m.member_id = i.member_id and m.status in ('invited', 'active')
    join app.person pe on pe.person_id = m.person_id
    left join app.partner p on p.tenant_id = m.tenant_id and p.partner_id = m.partner_id
   where i.token_hash = in_hash
$function$;
alter routine invitation_by_token(bytea) owner to entente_definer;
grant execute on routine invitation_by_token(bytea) to entente_public;

CREATE OR REPLACE FUNCTION app.is_staff()
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select current_setting('is_superuser') <> 'on' and pg_has_role(current_user, 'entente_staff', 'usage')
$function$;
alter routine is_staff() owner to entente_owner;
grant execute on routine is_staff() to entente_definer;
grant execute on routine is_staff() to entente_platform;
grant execute on routine is_staff() to entente_retention;
grant execute on routine is_staff() to entente_staff;
grant execute on routine is_staff() to entente_worker;

CREATE OR REPLACE FUNCTION app.is_worker()
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select pg_has_role(current_user, 'entente_worker', 'usage')
      or current_user = 'entente_definer' and exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status in ('importing', 'closed'))
$function$;
alter routine is_worker() owner to entente_owner;
grant execute on routine is_worker() to entente_definer;
grant execute on routine is_worker() to entente_staff;
grant execute on routine is_worker() to entente_worker;

CREATE OR REPLACE PROCEDURE app.keep_history(IN tab text, IN key text, IN hidden text DEFAULT ''::text)
 LANGUAGE plpgsql
AS $procedure$
declare args text := quote_literal(key);
begin
  if hidden <> '' then
    select args || ', ' || string_agg(quote_literal(c), ', ') into args from regexp_split_to_table(trim(hidden), '\s+') c;
  end if;
  execute format('create trigger history_insert after insert on app.%I referencing new table as new_rows for each statement execute function app.history(%s)', tab, args);
  execute format('create trigger history_update after update on app.%I referencing old table as old_rows new table as new_rows for each statement execute function app.history(%s)', tab, args);
  execute format('create trigger history_delete after delete on app.%I referencing old table as old_rows for each statement execute function app.history(%s)', tab, args);
end $procedure$;
alter routine keep_history(text,text,text) owner to entente_owner;

CREATE OR REPLACE FUNCTION app.legal_hold_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if current_setting('is_superuser') = 'on' then
    return new;
  end if;
  if (new.hold_id, new.kind, new.object_id, new.label, new.email, new.reason, new.until, new.placed_by, new.placed_by_name, new.placed_at)
     is distinct from (old.hold_id, old.kind, old.object_id, old.label, old.email, old.reason, old.until, old.placed_by, old.placed_by_name, old.placed_at) then
    raise exception 'a hold stays as it was placed' using errcode = '23514', constraint = 'legal_hold_frozen_ck';
  end if;
  if old.released_at is not null and (new.released_at, new.released_by, new.released_by_name, new.release_reason)
     is distinct from (old.released_at, old.released_by, old.released_by_name, old.release_reason) then
    raise exception 'a released hold stays released' using errcode = '23514', constraint = 'legal_hold_frozen_ck';
  end if;
  if old.released_at is null and new.released_at is not null and (new.release_reason = '' or new.released_by_name = '' or new.released_by is distinct from app.member()) then
    raise exception 'a hold is released with a name and a reason' using errcode = '23514', constraint = 'legal_hold_released_ck';
  end if;
  return new;
end $function$;
alter routine legal_hold_guard() owner to entente_owner;

CREATE OR REPLACE PROCEDURE app.let_leave()
 LANGUAGE plpgsql
AS $procedure$
declare tab text;
begin
  for tab in select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition
                and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull)
                and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'definer_leave') loop
    execute format('grant select, insert, update, delete on app.%I to entente_definer', tab);
    execute format('create policy definer_leave on app.%I for all to entente_definer using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()))', tab);
  end loop;
end $procedure$;
alter routine let_leave() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.log_period_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if app.is_staff() and old.category in ('audit-log', 'security-event') and (tg_op = 'DELETE' or new.category <> old.category or new.event <> old.event
     or old.stored and not new.stored or new.keep < coalesce(old.keep, interval '1000 years')) then
    raise exception 'only the operator shortens the period of the audit log' using errcode = '42501', constraint = 'retention_rule_log_ck';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $function$;
alter routine log_period_guard() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.may_mail(in_email text, in_purpose text)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with whom (contact_id, member_id, restricted) as (
    select c.contact_id, null::uuid, c.restricted_at is not null from app.contact c where c.tenant_id = app.tenant() and c.email = lower(in_email) and in_email <> ''
    union all
    select null, m.member_id, m.restricted_at is not null from app.member m where m.tenant_id = app.tenant() and m.email = lower(in_email) and in_email <> ''),
  said (basis) as (
    select k.basis from app.contact_consent k join whom w on k.contact_id = w.contact_id or k.member_id = w.member_id
     where k.tenant_id = app.tenant() and k.purpose = in_purpose and k.withdrawn_at is null and k.given_at <= app.now())
  select case
    when exists (select from whom where restricted) then 'restricted'
    when exists (select from said where basis = 'objection') then 'objected'
    when in_purpose in ('marketing', 'announcement', 'analytics', 'profiling') and not exists (select from said where basis <> 'objection') then 'no-consent'
    else '' end
$function$;
alter routine may_mail(text,text) owner to entente_definer;
grant execute on routine may_mail(text,text) to entente_partner;
grant execute on routine may_mail(text,text) to entente_platform;
grant execute on routine may_mail(text,text) to entente_staff;
grant execute on routine may_mail(text,text) to entente_worker;

CREATE OR REPLACE FUNCTION app.may_take_account(in_account uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select exists (select from app.account_partner s where s.tenant_id = app.tenant() and s.account_id = in_account and s.partner_id = app.partner())
      or exists (select from app.account a where a.tenant_id = app.tenant() and a.account_id = in_account and a.source = 'partner' and a.xmin = pg_current_xact_id()::xid)
         and not exists (select from app.account_partner s where s.tenant_id = app.tenant() and s.account_id = in_account)
$function$;
alter routine may_take_account(uuid) owner to entente_definer;
grant execute on routine may_take_account(uuid) to entente_partner;

CREATE OR REPLACE FUNCTION app.member()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ select nullif(current_setting('app.member_id', true), '')::uuid $function$;
alter routine member() owner to entente_owner;
grant execute on routine member() to entente_definer;
grant execute on routine member() to entente_jobs;
grant execute on routine member() to entente_partner;
grant execute on routine member() to entente_platform;
grant execute on routine member() to entente_public;
grant execute on routine member() to entente_staff;
grant execute on routine member() to entente_worker;

CREATE OR REPLACE FUNCTION app.memberships(in_person uuid)
 RETURNS TABLE(tenant_id uuid, tenant_slug text, tenant_name text, member_id uuid, partner_id uuid, partner_name text, role text, name text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select m.tenant_id, t.slug, t.name, m.member_id, m.partner_id, coalesce(p.name, ''), m.role, m.name
    from app.member m
    join app.tenant t on t.tenant_id = m.tenant_id and t.status in ('active', 'closing')
    left join app.partner p on p.tenant_id = m.tenant_id and p.partner_id = m.partner_id
   where m.person_id = in_person and m.status = 'active' and coalesce(p.status, 'active') in ('active', 'invited')
   order by t.name, p.name nulls first, m.member_id
   limit 200
$function$;
alter routine memberships(uuid) owner to entente_definer;
grant execute on routine memberships(uuid) to entente_public;

CREATE OR REPLACE FUNCTION app.month_is_over(in_part text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  m     record;
  owing boolean;
  known boolean := false;
begin
  for m in select p.relname as parent, p.oid as rel, x.category, x.events ->> 'recorded' as mark, b[1]::timestamptz as first, b[2]::timestamptz as beyond
             from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app'
             join pg_inherits i on i.inhrelid = c.oid join pg_class p on p.oid = i.inhparent
             join app.retention_tables() x on x.rel = p.oid and x.how = 'partitions'
             cross join lateral regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') b
            where c.relname = in_part and c.relispartition loop
    known := true;
    -- Months that are still being written, or will be, are over for nobody, however empty.
    if m.mark is null or m.beyond is null or m.beyond > app.clock() - interval '1 day' then return false; end if;
    execute format('select exists (select from app.tenant t
        left join app.retention_rule r on r.tenant_id = t.tenant_id and r.category = %L and r.event = ''recorded''
        left join app.legal_duty y on y.tenant_id = t.tenant_id and y.category = %L
       where (r.keep is null or app.retention_cutoff(r.keep, $1) < $3 or y.keep is not null and app.retention_cutoff(y.keep, $1) < $3
          or exists (select from app.legal_hold h where h.tenant_id = t.tenant_id and h.released_at is null and (h.until is null or h.until >= ($1 at time zone ''UTC'')::date)))
         and exists (select from app.%I x where x.tenant_id = t.tenant_id and x.%I >= $2 and x.%I < $3%s))', m.category, m.category, m.parent, m.mark, m.mark,
        case when app.retention_by_row(m.rel) then format(' and x.category = %L', m.category) else '' end)
      into owing using app.clock(), m.first, m.beyond;
    if owing then return false; end if;
  end loop;
  return known;
end $function$;
alter routine month_is_over(text) owner to entente_retention;
grant execute on routine month_is_over(text) to entente_owner;

CREATE OR REPLACE FUNCTION app.months_over()
 RETURNS SETOF text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select distinct c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app'
    join pg_inherits i on i.inhrelid = c.oid join app.retention_tables() x on x.rel = i.inhparent and x.how = 'partitions'
   where pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT' and app.month_is_over(c.relname::text) order by 1
$function$;
alter routine months_over() owner to entente_retention;
grant execute on routine months_over() to entente_worker;

CREATE OR REPLACE FUNCTION app.my_sessions(at timestamp with time zone)
 RETURNS TABLE(session_id uuid, created_at timestamp with time zone, last_seen_at timestamp with time zone, expires_at timestamp with time zone, ip text, user_agent text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select s.session_id, s.created_at, s.last_seen_at, s.expires_at, s.ip, s.user_agent
    from app.member m join app.session s on s.person_id = m.person_id
   where m.tenant_id = app.tenant() and m.member_id = app.member() and s.revoked_at is null and s.expires_at > at and s.idle_expires_at > at
     and exists (select from app.session w where w.person_id = m.person_id and w.tenant_id = m.tenant_id and w.member_id = m.member_id
       and w.revoked_at is null and w.expires_at > at and w.idle_expires_at > at)
   order by s.last_seen_at desc, s.session_id limit 200
$function$;
alter routine my_sessions(timestamp with time zone) owner to entente_definer;
grant execute on routine my_sessions(timestamp with time zone) to entente_partner;
grant execute on routine my_sessions(timestamp with time zone) to entente_staff;

CREATE OR REPLACE FUNCTION app.next_privacy_number()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform pg_advisory_xact_lock(hashtextextended('privacy_request ' || app.tenant(), 0));
  return coalesce((select max(r.number) from app.privacy_request r where r.tenant_id = app.tenant()), 0) + 1;
end $function$;
alter routine next_privacy_number() owner to entente_definer;
grant execute on routine next_privacy_number() to entente_partner;
grant execute on routine next_privacy_number() to entente_staff;
grant execute on routine next_privacy_number() to entente_worker;

CREATE OR REPLACE FUNCTION app.nobody_yet(tenant uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select exists (select from app.tenant t where t.tenant_id = tenant and t.status = 'importing')
      or not exists (select from app.member m where m.tenant_id = tenant and m.status = 'active')
$function$;
alter routine nobody_yet(uuid) owner to entente_owner;
grant execute on routine nobody_yet(uuid) to entente_definer;
grant execute on routine nobody_yet(uuid) to entente_staff;
grant execute on routine nobody_yet(uuid) to entente_worker;

CREATE OR REPLACE FUNCTION app.notice_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if current_setting('is_superuser') = 'on' or app.is_worker() then
    return new;
  end if;
  if new.status <> 'sending' or new.done <> 0 then
    raise exception 'a notice begins with nobody told' using errcode = '23514', constraint = 'notice_begins_ck';
  end if;
  return new;
end $function$;
alter routine notice_guard() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.notice_recipient_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if current_setting('is_superuser') = 'on' or app.is_worker() then
    return new;
  end if;
  if new.outcome <> 'waiting' or new.mail_id is not null then
    raise exception 'a notice begins with nobody told' using errcode = '23514', constraint = 'notice_begins_ck';
  end if;
  return new;
end $function$;
alter routine notice_recipient_guard() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.notice_term(tenant uuid)
 RETURNS bigint
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select greatest(1209600, coalesce((select extract(epoch from c.keep)::bigint from app.policy_clock c where c.tenant_id = tenant and c.clock = 'policy-notice'), 0))
$function$;
alter routine notice_term(uuid) owner to entente_owner;
grant execute on routine notice_term(uuid) to entente_staff;
grant execute on routine notice_term(uuid) to entente_worker;

CREATE OR REPLACE FUNCTION app.now()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ select coalesce(nullif(current_setting('app.now', true), '')::timestamptz, transaction_timestamp()) $function$;
alter routine app.now() owner to entente_owner;
grant execute on routine app.now() to entente_definer;
grant execute on routine app.now() to entente_jobs;
grant execute on routine app.now() to entente_partner;
grant execute on routine app.now() to entente_platform;
grant execute on routine app.now() to entente_public;
grant execute on routine app.now() to entente_retention;
grant execute on routine app.now() to entente_staff;
grant execute on routine app.now() to entente_worker;

CREATE OR REPLACE FUNCTION app.only_redacted(was jsonb, becomes jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select becomes is null or was is not null and not exists (
    select from jsonb_each(becomes) b
     where not was ? b.key or b.value is distinct from was -> b.key and b.value not in ('null', '""', '{}', '[]')
       and not (jsonb_typeof(b.value) = jsonb_typeof(was -> b.key) and jsonb_typeof(b.value) in ('string', 'array', 'object')
                and (was ->> b.key) !~ '^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\d(T.*)?)$'))
$function$;
alter routine only_redacted(jsonb,jsonb) owner to entente_owner;
grant execute on routine only_redacted(jsonb,jsonb) to entente_definer;

CREATE OR REPLACE FUNCTION app.op()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ select nullif(current_setting('app.op_id', true), '')::uuid $function$;
alter routine op() owner to entente_owner;
grant execute on routine op() to entente_definer;
grant execute on routine op() to entente_jobs;
grant execute on routine op() to entente_partner;
grant execute on routine op() to entente_platform;
grant execute on routine op() to entente_public;
grant execute on routine op() to entente_staff;
grant execute on routine op() to entente_worker;

CREATE OR REPLACE FUNCTION app.partner()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ select nullif(current_setting('app.partner_id', true), '')::uuid $function$;
alter routine partner() owner to entente_owner;
grant execute on routine partner() to entente_definer;
grant execute on routine partner() to entente_jobs;
grant execute on routine partner() to entente_partner;
grant execute on routine partner() to entente_platform;
grant execute on routine partner() to entente_public;
grant execute on routine partner() to entente_staff;
grant execute on routine partner() to entente_worker;

CREATE OR REPLACE FUNCTION app.partner_links()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  fresh jsonb;
  past  jsonb := '{}';
  ref   uuid;
  seen  boolean;
begin
  -- A superuser is a member of every role.
  if current_setting('is_superuser') = 'on' or not pg_has_role(current_user, 'entente_partner', 'usage') then
    return new;
  end if;
  fresh := to_jsonb(new);
  if tg_op = 'UPDATE' then
    past := to_jsonb(old);
  end if;
  for i in 0 .. tg_nargs / 4 - 1 loop
    ref := (fresh ->> tg_argv[4 * i + 1])::uuid;
    continue when ref is null or ref is not distinct from (past ->> tg_argv[4 * i + 1])::uuid;
    continue when tg_argv[4 * i + 2] = 'stage' or tg_argv[4 * i + 2] = 'partner' and ref = app.partner() or tg_argv[4 * i + 2] = 'member' and ref = app.member();
    case tg_argv[4 * i + 2] || '.' || tg_argv[4 * i + 3]
      when 'partner.partner_id' then select exists (select from app.partner t where t.tenant_id = new.tenant_id and t.partner_id = ref) into seen;
      when 'member.member_id'   then select exists (select from app.member t where t.tenant_id = new.tenant_id and t.member_id = ref) into seen;
      when 'account.account_id' then select exists (select from app.account t where t.tenant_id = new.tenant_id and t.account_id = ref) into seen;
      when 'deal.deal_id'       then select exists (select from app.deal t where t.tenant_id = new.tenant_id and t.deal_id = ref) into seen;
      else
        execute format('select exists (select from app.%I where tenant_id = $1 and %I = $2)', tg_argv[4 * i + 2], tg_argv[4 * i + 3])
          into seen using new.tenant_id, ref;
    end case;
    if not seen then
      raise exception 'insert or update on table "%" violates foreign key constraint "%"', tg_table_name, tg_argv[4 * i]
        using errcode = '23503', constraint = tg_argv[4 * i], table = tg_table_name, schema = tg_table_schema;
    end if;
  end loop;
  return new;
end $function$;
alter routine partner_links() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.partner_relation()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if new.status <> 'ended' then
    new.ended_at := null;
  elsif tg_op = 'INSERT' then
    new.ended_at := coalesce(new.ended_at, app.now());
  elsif old.status <> 'ended' then
    new.ended_at := app.now();
  end if;
  return new;
end $function$;
alter routine partner_relation() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.person_for_email(in_email text, in_name text)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare the_id uuid;
begin
  if app.tenant() is null then
    raise exception 'app.person_for_email: no tenant is bound to this transaction' using errcode = '42501';
  end if;
  insert into app.person (person_id, email, name) values (gen_random_uuid(), lower(in_email), in_name)
  on conflict (email) do nothing returning person_id into the_id;
  if the_id is null then
    select p.person_id into the_id from app.person p where p.email = lower(in_email);
  end if;
  return the_id;
end $function$;
alter routine person_for_email(text,text) owner to entente_definer;
grant execute on routine person_for_email(text,text) to entente_partner;
grant execute on routine person_for_email(text,text) to entente_platform;
grant execute on routine person_for_email(text,text) to entente_staff;
grant execute on routine person_for_email(text,text) to entente_worker;

CREATE OR REPLACE FUNCTION app.privacy_by_link(in_hash bytea)
 RETURNS TABLE(tenant_id uuid, request_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select r.tenant_id, r.request_id from app.privacy_request r where r.link_hash = in_hash
$function$;
alter routine privacy_by_link(bytea) owner to entente_definer;
grant execute on routine privacy_by_link(bytea) to entente_public;

CREATE OR REPLACE FUNCTION app.privacy_request_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  lawful boolean;
begin
  if current_setting('is_superuser') = 'on' then
    return new;
  end if;
  if tg_op = 'INSERT' then
    if new.state not in ('received', 'verifying', 'in-progress', 'forwarded') or new.approved_at is not null or new.proposed_at is not null then
      raise exception 'a request begins as received' using errcode = '23514', constraint = 'privacy_request_way_ck';
    end if;
    return new;
  end if;
  lawful := new.state = old.state or case old.state
    when 'received' then new.state in ('verifying', 'in-progress', 'refused', 'withdrawn', 'forwarded')
    when 'verifying' then new.state in ('in-progress', 'refused', 'withdrawn', 'forwarded')
    when 'in-progress' then new.state in ('waiting-partners', 'waiting-approval', 'executing', 'done', 'refused', 'withdrawn')
    when 'waiting-partners' then new.state in ('in-progress', 'waiting-approval', 'refused', 'withdrawn')
    when 'waiting-approval' then new.state in ('in-progress', 'executing', 'refused', 'withdrawn')
    when 'executing' then new.state in ('done', 'in-progress')
    else false end;
  if not lawful or old.closed_at is not null and new.state <> old.state then
    raise exception 'a request does not go from % to %', old.state, new.state using errcode = '23514', constraint = 'privacy_request_way_ck';
  end if;
  if pg_has_role(current_user, 'entente_partner', 'usage') and
     (new.state not in (old.state, 'verifying', 'withdrawn') and not (new.state = 'in-progress' and new.identity_how = 'session-and-code')
      or (new.proposed_by, new.approved_by, new.due_at, new.received_at, new.kind, new.member_id, new.plan, new.package_file)
         is distinct from (old.proposed_by, old.approved_by, old.due_at, old.received_at, old.kind, old.member_id, old.plan, old.package_file)) then
    raise exception 'a request is answered by the programme' using errcode = '42501', constraint = 'privacy_request_vendor_ck';
  end if;
  if new.approved_at is not null and old.approved_at is null then
    if new.approved_how = 'second-person' and (new.approved_by is distinct from app.member() or old.proposed_at is null or old.proposed_by is not distinct from app.member()) then
      raise exception 'nobody approves what they proposed' using errcode = '42501', constraint = 'privacy_request_four_eyes_ck';
    end if;
    if new.approved_how <> 'second-person' and not exists (
        select from app.policy_clock c where c.tenant_id = new.tenant_id and c.clock = 'subject-answer' and c.who = new.approved_how) then
      raise exception 'the policy does not let the % answer alone', new.approved_how using errcode = '42501', constraint = 'privacy_request_four_eyes_ck';
    end if;
  end if;
  if old.approved_at is not null and new.approved_at is not null and new.closed_at is null and old.kind = 'erasure'
     and (new.subject_email, new.subject_name, new.subject_phone, new.namesakes, new.proposed_by, new.approved_by)
         is distinct from (old.subject_email, old.subject_name, old.subject_phone, old.namesakes, old.proposed_by, old.approved_by) then
    raise exception 'what was approved does not change' using errcode = '23514', constraint = 'privacy_request_approved_ck';
  end if;
  return new;
end $function$;
alter routine privacy_request_guard() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.privacy_request_hands()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if current_setting('is_superuser') = 'on' then
    return new;
  end if;
  if new.kind <> old.kind then
    raise exception 'a request stays what it was opened as' using errcode = '23514', constraint = 'privacy_request_kind_ck';
  end if;
  if new.proposed_by is distinct from old.proposed_by and new.proposed_by is not null and new.proposed_by is distinct from app.member() then
    raise exception 'a proposal is by its own hand' using errcode = '42501', constraint = 'privacy_request_four_eyes_ck';
  end if;
  if new.proposed_at is null and old.proposed_at is not null and new.state in ('waiting-approval', 'executing') then
    raise exception 'what is proposed has a proposer' using errcode = '42501', constraint = 'privacy_request_four_eyes_ck';
  end if;
  return new;
end $function$;
alter routine privacy_request_hands() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.privacy_request_own()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if current_setting('is_superuser') = 'on' or not pg_has_role(current_user, 'entente_partner', 'usage') then
    return new;
  end if;
  if tg_op = 'INSERT' then
    if new.source <> 'self-service' or new.namesakes or new.state not in ('verifying', 'forwarded') or new.identity_at is not null or new.package_file is not null or new.link_hash is not null
       or new.subject_email is distinct from (select m.email from app.member m where m.tenant_id = new.tenant_id and m.member_id = new.member_id) then
      raise exception 'people ask for themselves, and prove it afterwards' using errcode = '42501', constraint = 'privacy_request_own_ck';
    end if;
    return new;
  end if;
  if (new.number, new.source, new.namesakes, new.package_file, new.package_until, new.link_hash, new.link_expires_at)
     is distinct from (old.number, old.source, old.namesakes, old.package_file, old.package_until, old.link_hash, old.link_expires_at)
     or new.subject_email not in ('', old.subject_email) or new.subject_name not in ('', old.subject_name) or new.subject_phone not in ('', old.subject_phone) then
    raise exception 'whom a request is about, and what answers it, is said by the programme' using errcode = '42501', constraint = 'privacy_request_own_ck';
  end if;
  return new;
end $function$;
alter routine privacy_request_own() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.processor_guard()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if tg_op = 'DELETE' then
    if old.status = 'proposed' or app.is_worker() then return old; end if;
    raise exception 'an announced entry is kept' using errcode = '23514', constraint = 'processor_kept_ck';
  end if;
  if tg_op = 'INSERT' then
    if new.status <> 'proposed' and not (app.is_worker() and app.nobody_yet(new.tenant_id))
       or new.status = 'proposed' and (new.announced_at is not null or new.notified_at is not null or new.effective_at is not null) then
      raise exception 'an entry begins as a proposal' using errcode = '23514', constraint = 'processor_step_ck';
    end if;
    return new;
  end if;
  if old.status = 'proposed' then
    if new.status = 'proposed' then
      if new.announced_at is not null or new.notified_at is not null or new.effective_at is not null then
        raise exception 'a proposal is not announced' using errcode = '23514', constraint = 'processor_step_ck';
      end if;
      return new;
    end if;
    if new.status <> 'announced' then
      raise exception 'a proposal is announced or deleted' using errcode = '23514', constraint = 'processor_step_ck';
    end if;
    if new.basis = 'first' and exists (select from app.member m where m.tenant_id = new.tenant_id and m.partner_id is not null and m.status = 'active') then
      raise exception 'there are partners to tell' using errcode = '23514', constraint = 'processor_notice_ck';
    end if;
    new.announced_at := app.honest_now(new.tenant_id, 'processor');
    new.notified_at := null;
    new.notice_seconds := case new.basis when 'first' then 0 else app.notice_term(new.tenant_id) end;
    return new;
  end if;
  if old.status in ('withdrawn', 'ended') or new.status = 'proposed'
     or (new.replaces_id, new.name, new.purpose, new.categories, new.country, new.regions, new.safeguards, new.hosts, new.basis, new.announced_at, new.notice_seconds)
        is distinct from (old.replaces_id, old.name, old.purpose, old.categories, old.country, old.regions, old.safeguards, old.hosts, old.basis, old.announced_at, old.notice_seconds) then
    raise exception 'an announced entry changes by a new one with notice' using errcode = '23514', constraint = 'processor_frozen_ck';
  end if;
  if new.effective_at is distinct from old.effective_at and (new.effective_at is null or new.effective_at < old.effective_at
     or old.effective_at <= app.now() and (old.basis = 'first' or old.notified_at is not null)) then
    raise exception 'the day a change takes force may only move on' using errcode = '23514', constraint = 'processor_notice_ck';
  end if;
  if new.notified_at is distinct from old.notified_at then
    if old.notified_at is not null or new.notice_id is null or not exists (select from app.notice n
       where n.tenant_id = new.tenant_id and n.notice_id = new.notice_id and n.object_id = new.processor_id and n.status = 'done') then
      raise exception 'its notices are not out' using errcode = '23514', constraint = 'processor_notice_ck';
    end if;
    new.notified_at := app.honest_now(new.tenant_id, 'processor');
  end if;
  return new;
end $function$;
alter routine processor_guard() owner to entente_owner;

CREATE OR REPLACE PROCEDURE app.protect(IN tab text, IN staff text, IN partner text DEFAULT ''::text, IN by_partner text DEFAULT 'partner'::text, IN worker text DEFAULT 'select, insert, update, delete'::text, IN platform text DEFAULT ''::text)
 LANGUAGE plpgsql
AS $procedure$
declare
  floor_roles constant text := 'entente_staff, entente_partner, entente_public, entente_worker, entente_platform';
  reach text := case by_partner
    when 'partner' then '(partner_id = (select app.partner()))'
    when 'member' then '(member_id = (select app.member()))'
    when 'tenant' then '(tenant_id = (select app.tenant()))'
    when 'account' then '(exists (select 1 from app.account_partner s where s.tenant_id = (select app.tenant()) and s.partner_id = (select app.partner()) and s.account_id = account.account_id))'
  end;
begin
  execute format('alter table app.%I enable row level security', tab);
  execute format('alter table app.%I force row level security', tab);
  execute format('create policy tenant_floor on app.%I as restrictive for all to %s using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()))', tab, floor_roles);
  if staff <> '' then
    execute format('grant %s on app.%I to entente_staff', staff, tab);
    execute format('create policy staff_reach on app.%I for all to entente_staff using (true) with check (true)', tab);
  end if;
  if partner <> '' then
    execute format('grant %s on app.%I to entente_partner', partner, tab);
    execute format('create policy partner_reach on app.%I for all to entente_partner using %s with check %s', tab, reach, reach);
  end if;
  if worker <> '' then
    execute format('grant %s on app.%I to entente_worker', worker, tab);
    execute format('create policy worker_reach on app.%I for all to entente_worker using (true) with check (true)', tab);
  end if;
  if platform <> '' then
    execute format('grant %s on app.%I to entente_platform', platform, tab);
    execute format('create policy platform_reach on app.%I for all to entente_platform using (true) with check (true)', tab);
  end if;
end $procedure$;
alter routine protect(text,text,text,text,text,text) owner to entente_owner;

CREATE OR REPLACE FUNCTION app.reap(in_table text, in_category text, in_most integer, in_dry boolean, OUT removed bigint, OUT blanked bigint, OUT held bigint, OUT blocked bigint, OUT problem text)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  t     record;
  h     record;
  key   text;
  pk    text;
  same  text;
  free  text;
  kept  text;
  refs  text;
  gone  uuid[];
  child record;
  lost  jsonb := '{}';
  theirs uuid[];
begin
  removed := 0; blanked := 0; held := 0; blocked := 0;
  -- A hold that is being placed is waited for; one that comes later waits for this batch.
  perform pg_advisory_xact_lock_shared(hashtextextended('legal hold ' || app.tenant(), 0));
  t := app.retention_terms(in_table, in_category);
  problem := t.problem;
  if t.due = 'false' or t.how not in ('rows', 'partitions', 'columns') then return; end if;
  h := app.held_objects(app.tenant());
  kept := case when h.whole then 'true' when h.ids = '{}' and h.emails = '{}' then 'false' else app.held_row(t.rel, 't') end;
  refs := app.referred(t.rel, kept <> 'false');
  free := format('%s and %s and not (%s)', t.mine, t.due, kept);
  select string_agg(format('t.%I', a.attname), ', ' order by o), string_agg(format('t.%1$I = p.%1$I', a.attname), ' and ') into pk, same
    from pg_index i cross join lateral unnest(i.indkey) with ordinality k (n, o) join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n
   where i.indrelid = t.rel and i.indisprimary;
  key := app.history_key(t.rel);
  if in_dry then
    execute format('select count(*) filter (where not (%s) and not (%s)), count(*) filter (where %s), count(*) filter (where not (%s) and (%s)) from app.%I t where %s and %s', kept, refs, kept, kept, refs, in_table, t.mine, t.due)
      into removed, held, blocked using h.ids, h.emails;
    if t.how = 'columns' then blanked := blocked; blocked := 0; end if;
    return;
  end if;
  -- Who goes with the rows: what their history says goes too.
  execute format('select %s from (select %s as id from app.%I t where %s and not (%s) order by %s limit %s for update of t skip locked) x',
      'array_agg(x.id)', coalesce('t.' || quote_ident(key), 'null::uuid'), in_table, free, refs, t.began, in_most) into gone using h.ids, h.emails;
  if key is not null and gone is not null then
    for child in select s.relname, app.history_key(s.oid) as key, a.attname from pg_constraint c join pg_class s on s.oid = c.conrelid
                   join pg_attribute a on a.attrelid = s.oid and a.attnum = any (c.conkey) and a.attname <> 'tenant_id'
                  where c.contype = 'f' and c.confdeltype = 'c' and c.confrelid = t.rel and app.history_key(s.oid) is not null and has_table_privilege('entente_retention', s.oid, 'select') loop
      execute format('select array_agg(c.%I) from app.%I c where c.tenant_id = app.tenant() and c.%I = any ($1)', child.key, child.relname, child.attname) into theirs using gone;
      if theirs is not null then lost := lost || jsonb_build_object(child.relname, to_jsonb(theirs)); end if;
    end loop;
    execute format('delete from app.%I t where %s and t.%I = any ($3)', in_table, free, key) using h.ids, h.emails, gone;
    get diagnostics removed = row_count;
    perform app.retention_history(in_table, gone);
    for child in select l.key as relname, array(select v::uuid from jsonb_array_elements_text(l.value) v) as ids from jsonb_each(lost) l loop
      perform app.retention_history(child.relname, child.ids);
    end loop;
  elsif gone is not null then
    execute format('delete from app.%I t using (select %s from app.%I t where %s and not (%s) order by %s limit %s for update of t skip locked) p where %s', in_table, pk, in_table, free, refs, t.began, in_most, same) using h.ids, h.emails;
    get diagnostics removed = row_count;
  end if;
  if t.how = 'columns' and removed < in_most then
    execute format('with p as (select %s from app.%I t where %s order by %s limit %s for update of t skip locked), done as (update app.%I t set erased_at = app.clock(), %s from p where %s returning t.%I as id) select array_agg(d.id) from done d',
      pk, in_table, free, t.began, in_most - removed, in_table,
      (select string_agg(format('%I = %s', b.key, case when b.value is null then 'null' else format('%L', b.value) end), ', ') from jsonb_each_text(t.blank) b), same, key) into gone using h.ids, h.emails;
    blanked := coalesce(cardinality(gone), 0);
    if gone is not null then
      perform app.retention_history(in_table, gone, array(select jsonb_object_keys(t.blank)));
    end if;
  end if;
  if removed + blanked < in_most then
    execute format('select count(*) filter (where %s), count(*) filter (where not (%s)) from app.%I t where %s and %s', kept, kept, in_table, t.mine, t.due) into held, blocked using h.ids, h.emails;
  end if;
end $function$;
alter routine reap(text,text,integer,boolean) owner to entente_retention;
grant execute on routine reap(text,text,integer,boolean) to entente_worker;

CREATE OR REPLACE FUNCTION app.referred(in_rel oid, with_holds boolean)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(string_agg(format('exists (select from app.%I c where %s%s)', s.relname,
           (select string_agg(format('c.%I = t.%I', ca.attname, ta.attname), ' and ') from unnest(c.conkey, c.confkey) k (own, other)
              join pg_attribute ca on ca.attrelid = c.conrelid and ca.attnum = k.own join pg_attribute ta on ta.attrelid = c.confrelid and ta.attnum = k.other),
           case when c.confdeltype = 'c' then ' and ' || app.held_row(c.conrelid, 'c') else '' end), ' or '), 'false')
    from pg_constraint c join pg_class s on s.oid = c.conrelid
   where c.contype = 'f' and c.confrelid = in_rel and not s.relispartition and (c.confdeltype in ('a', 'r') or c.confdeltype = 'c' and with_holds)
     and has_table_privilege('entente_retention', c.conrelid, 'select')
$function$;
alter routine referred(oid,boolean) owner to entente_owner;
grant execute on routine referred(oid,boolean) to entente_retention;

CREATE OR REPLACE FUNCTION app.restoring()
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select exists (select from app.tenant t where t.tenant_id = app.tenant() and t.status = 'importing')
$function$;
alter routine restoring() owner to entente_definer;
grant execute on routine restoring() to entente_owner;

CREATE OR REPLACE FUNCTION app.restricted(in_id uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select in_id is not null and (
    exists (select from app.contact c where c.tenant_id = app.tenant() and c.contact_id = in_id and c.restricted_at is not null)
    or exists (select from app.member m where m.tenant_id = app.tenant() and m.member_id = in_id and m.restricted_at is not null and m.member_id is distinct from app.member()))
$function$;
alter routine restricted(uuid) owner to entente_definer;
grant execute on routine restricted(uuid) to entente_partner;
grant execute on routine restricted(uuid) to entente_staff;
grant execute on routine restricted(uuid) to entente_worker;

CREATE OR REPLACE PROCEDURE app.retain(IN tab text, IN category text, VARIADIC marks text[] DEFAULT '{}'::text[])
 LANGUAGE plpgsql
AS $procedure$
declare way text;
begin
  select case relkind when 'p' then 'partitions' else 'rows' end into way from pg_class where oid = format('app.%I', tab)::regclass;
  call app.declare_retention(tab, jsonb_build_object('category', category, 'events', jsonb_object(marks), 'how', way));
end $procedure$;
alter routine retain(text,text,text[]) owner to entente_owner;

CREATE OR REPLACE PROCEDURE app.retain_columns(IN tab text, IN category text, IN blank jsonb, VARIADIC marks text[] DEFAULT '{}'::text[])
 LANGUAGE plpgsql
AS $procedure$
begin
  call app.declare_retention(tab, jsonb_build_object('category', category, 'events', jsonb_object(marks), 'how', 'columns', 'blank', blank));
end $procedure$;
alter routine retain_columns(text,text,jsonb,text[]) owner to entente_owner;

CREATE OR REPLACE PROCEDURE app.retain_job(IN tab text, IN category text, IN by text, VARIADIC marks text[] DEFAULT '{}'::text[])
 LANGUAGE plpgsql
AS $procedure$
begin
  call app.declare_retention(tab, jsonb_build_object('category', category, 'events', jsonb_object(marks), 'how', 'job', 'by', by));
end $procedure$;
alter routine retain_job(text,text,text,text[]) owner to entente_owner;

CREATE OR REPLACE PROCEDURE app.retain_tenant(IN tab text, IN category text)
 LANGUAGE plpgsql
AS $procedure$
begin
  call app.declare_retention(tab, jsonb_build_object('category', category, 'how', 'tenant'));
end $procedure$;
alter routine retain_tenant(text,text) owner to entente_owner;

CREATE OR REPLACE PROCEDURE app.retain_with(IN tab text, IN category text, IN parent text)
 LANGUAGE plpgsql
AS $procedure$
begin
  call app.declare_retention(tab, jsonb_build_object('category', category, 'how', 'parent', 'parent', parent));
end $procedure$;
alter routine retain_with(text,text,text) owner to entente_owner;

CREATE OR REPLACE FUNCTION app.retention_by_row(in_rel oid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select exists (select from pg_attribute a where a.attrelid = in_rel and a.attname = 'category' and not a.attisdropped)
     and (select count(*) from app.retention_of(in_rel) x where x.how in ('rows', 'partitions')) > 1
$function$;
alter routine retention_by_row(oid) owner to entente_owner;
grant execute on routine retention_by_row(oid) to entente_retention;

CREATE OR REPLACE FUNCTION app.retention_cutoff(keep interval, at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  today date := (at at time zone 'UTC')::date;
  d     date;
begin
  if keep is null then return null; end if;
  if keep <> date_trunc('day', keep) then return at - keep; end if;
  d := (today - keep)::date;
  while (d + keep)::date >= today loop d := d - 1; end loop;
  while (d + 1 + keep)::date < today loop d := d + 1; end loop;
  return (d + 1)::timestamp at time zone 'UTC';
end $function$;
alter routine retention_cutoff(interval,timestamp with time zone) owner to entente_owner;
grant execute on routine retention_cutoff(interval,timestamp with time zone) to entente_retention;
grant execute on routine retention_cutoff(interval,timestamp with time zone) to entente_staff;
grant execute on routine retention_cutoff(interval,timestamp with time zone) to entente_worker;

CREATE OR REPLACE FUNCTION app.retention_due()
 RETURNS TABLE(tenant_id uuid, tab text, category text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  d    record;
  e    record;
  here timestamptz;
  whose text;
begin
  for d in select * from app.retention_tables() x where x.how in ('rows', 'partitions', 'columns', 'job') and (x.how <> 'job' or not (x.shared or x.partial)) loop
    here := app.clock() + case when d.how = 'job' then interval '31 days' else interval '0' end;
    whose := case when d.shared then 'true' when d.partial then '(x.tenant_id = t.tenant_id or x.tenant_id is null)' else 'x.tenant_id = t.tenant_id' end || app.retention_only(d.rel, d.how, d.category, 'x');
    for e in select k.key as event, k.value as mark from jsonb_each_text(d.events || '{"account-deletion": ""}') k loop
      return query execute format('select r.tenant_id, %L::text, %L::text from app.retention_rule r join app.tenant t on t.tenant_id = r.tenant_id and t.status <> ''purged''
         where r.category = %L and r.event = %L and r.keep is not null and (%s)', d.tab, d.category, d.category, e.event,
        case when e.event = 'account-deletion' then format('t.deletion_requested_at < app.retention_cutoff(r.keep, $1) and exists (select from app.%I x where %s)', d.tab, whose)
          else format('(select x.%1$I from app.%2$I x where %3$s and x.%1$I is not null order by x.%1$I limit 1) < case when r.stored then app.retention_cutoff(r.keep, $1) else ''infinity'' end', e.mark, d.tab, whose)
            || case when e.event = 'relation-end' then format(' or t.deletion_requested_at < app.retention_cutoff(r.keep, $1) and exists (select from app.%I x where %s)', d.tab, whose) else '' end end)
        using here;
    end loop;
  end loop;
end $function$;
alter routine retention_due() owner to entente_retention;
grant execute on routine retention_due() to entente_worker;

CREATE OR REPLACE FUNCTION app.retention_event(events jsonb, event text, account timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case
    when event = 'account-deletion' then case when account is null then null else format('%L::timestamptz', account) end
    when event = 'relation-end' and events ? event then format('coalesce(t.%I, %L::timestamptz)', events ->> event, account)
    when event = 'relation-end' and account is not null then format('%L::timestamptz', account)
    when events ? event then format('t.%I', events ->> event)
  end
$function$;
alter routine retention_event(jsonb,text,timestamp with time zone) owner to entente_owner;
grant execute on routine retention_event(jsonb,text,timestamp with time zone) to entente_retention;

CREATE OR REPLACE FUNCTION app.retention_history(in_table text, in_ids uuid[], in_columns text[] DEFAULT NULL::text[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update app.row_history h
     set old_row = case when in_columns is not null then h.old_row - in_columns end, new_row = case when in_columns is not null then h.new_row - in_columns end
   where h.tenant_id = app.tenant() and h.row_id = any (in_ids) and h.table_name = in_table and (h.old_row is not null or h.new_row is not null)
$function$;
alter routine retention_history(text,uuid[],text[]) owner to entente_retention;

CREATE OR REPLACE FUNCTION app.retention_last_day(event timestamp with time zone, keep interval)
 RETURNS date
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select case when keep <> date_trunc('day', keep) then ((event + keep) at time zone 'UTC')::date else ((event at time zone 'UTC')::date + keep)::date end
$function$;
alter routine retention_last_day(timestamp with time zone,interval) owner to entente_owner;
grant execute on routine retention_last_day(timestamp with time zone,interval) to entente_retention;
grant execute on routine retention_last_day(timestamp with time zone,interval) to entente_staff;
grant execute on routine retention_last_day(timestamp with time zone,interval) to entente_worker;

CREATE OR REPLACE FUNCTION app.retention_of(in_rel oid)
 RETURNS TABLE(tab text, rel oid, category text, how text, events jsonb, blank jsonb, parent text, by text, shared boolean, partial boolean)
 LANGUAGE sql
 STABLE
AS $function$
  select c.relname::text, c.oid, d ->> 'category', d ->> 'how', coalesce(d -> 'events', '{}'), d -> 'blank', d ->> 'parent', d ->> 'by',
         t.attnum is null, t.attnum is not null and not t.attnotnull
    from pg_catalog.pg_class c
    join pg_catalog.pg_description s on s.objoid = c.oid and s.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and s.objsubid = 0
    left join pg_catalog.pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
    cross join lateral pg_catalog.jsonb_array_elements(case when s.description like '[%' then s.description::pg_catalog.jsonb else '[]' end) d
   where c.oid = in_rel and c.relkind in ('r', 'p') and not c.relispartition
$function$;
alter routine retention_of(oid) owner to entente_owner;
grant execute on routine retention_of(oid) to entente_retention;
grant execute on routine retention_of(oid) to entente_staff;
grant execute on routine retention_of(oid) to entente_worker;

CREATE OR REPLACE FUNCTION app.retention_only(in_rel oid, in_how text, in_category text, alias text)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case when in_how in ('columns', 'job') and exists (select from pg_attribute a where a.attrelid = in_rel and a.attname = 'erased_at' and not a.attisdropped)
              then format(' and %I.erased_at is null', alias) else '' end
      || case when app.retention_by_row(in_rel) then format(' and %I.category = %L', alias, in_category) else '' end
$function$;
alter routine retention_only(oid,text,text,text) owner to entente_owner;
grant execute on routine retention_only(oid,text,text,text) to entente_retention;

CREATE OR REPLACE FUNCTION app.retention_outlook(in_table text, in_category text)
 RETURNS TABLE(last_day date, kept bigint, held bigint)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  t record;
  h record;
  held_here text;
begin
  t := app.retention_terms(in_table, in_category);
  if t.how = 'job' and t.mine = 'true' then return; end if; -- of the whole installation: no tenant's business
  h := app.held_objects(app.tenant());
  held_here := case when h.whole then 'true' when h.ids = '{}' and h.emails = '{}' then 'false' else app.held_row(t.rel, 't') end;
  return query execute format('select %s, count(*) filter (where not (%s)), count(*) filter (where %s) from app.%I t where %s group by 1 order by 1', t.last_day, held_here, held_here, in_table, t.mine)
    using h.ids, h.emails;
end $function$;
alter routine retention_outlook(text,text) owner to entente_retention;
grant execute on routine retention_outlook(text,text) to entente_staff;
grant execute on routine retention_outlook(text,text) to entente_worker;

CREATE OR REPLACE FUNCTION app.retention_overdue(since interval)
 RETURNS TABLE(tab text, category text, rows bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  d    record;
  t    record;
  h    record;
  kept text;
  over text;
  n    bigint;
begin
  h := app.held_objects(app.tenant());
  if h.whole then return; end if;
  for d in select x.tab, x.category, x.rel, x.shared from app.retention_tables() x
            where x.how in ('rows', 'partitions', 'columns') and has_table_privilege('entente_retention', x.rel, 'select') loop
    t := app.retention_terms(d.tab, d.category);
    continue when t.due = 'false' or t.keep is null;
    kept := case when h.ids = '{}' and h.emails = '{}' then 'false' else app.held_row(t.rel, 't') end;
    over := format('%s < %L', t.began, case when t.stored or d.shared then app.retention_cutoff(t.keep, app.clock() - since) else app.clock() - since end);
    execute format('select count(*) from (select from app.%I t where %s and %s and %s and not (%s)%s limit 1000) x', d.tab, t.mine, over, t.due, kept,
        case when t.how = 'columns' then '' else format(' and not (%s)', app.referred(t.rel, kept <> 'false')) end)
      into n using h.ids, h.emails;
    if n > 0 then
      tab := d.tab; category := d.category; rows := n;
      return next;
    end if;
  end loop;
end $function$;
alter routine retention_overdue(interval) owner to entente_retention;
grant execute on routine retention_overdue(interval) to entente_worker;

CREATE OR REPLACE FUNCTION app.retention_state(in_table text, in_category text, OUT how text, OUT event text, OUT oldest timestamp with time zone, OUT last_day date, OUT duty text, OUT problem text)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare t record;
begin
  t := app.retention_terms(in_table, in_category);
  how := t.how; event := t.event; duty := t.duty; problem := t.problem;
  if t.how = 'job' and t.mine = 'true' then return; end if; -- of the whole installation: no tenant's business
  if t.problem is null and t.how in ('rows', 'partitions', 'columns', 'job') and has_table_privilege(t.rel, 'select') then
    execute format('select t.began, t.last_day from (select %s as began, %s as last_day from app.%I t where %s and %s is not null order by 1 limit 1) t', t.began, t.last_day, in_table, t.mine, t.began) into oldest, last_day;
  end if;
end $function$;
alter routine retention_state(text,text) owner to entente_retention;
grant execute on routine retention_state(text,text) to entente_staff;
grant execute on routine retention_state(text,text) to entente_worker;

CREATE OR REPLACE FUNCTION app.retention_tables()
 RETURNS TABLE(tab text, rel oid, category text, how text, events jsonb, blank jsonb, parent text, by text, shared boolean, partial boolean)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select d.* from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app' cross join lateral app.retention_of(c.oid) d
   where c.relkind in ('r', 'p') and not c.relispartition
   order by 1, 3
$function$;
alter routine retention_tables() owner to entente_owner;
grant execute on routine retention_tables() to entente_retention;
grant execute on routine retention_tables() to entente_staff;
grant execute on routine retention_tables() to entente_worker;

CREATE OR REPLACE FUNCTION app.retention_terms(in_table text, in_category text, OUT rel oid, OUT how text, OUT mine text, OUT due text, OUT last_day text, OUT event text, OUT keep interval, OUT stored boolean, OUT began text, OUT blank jsonb, OUT duty text, OUT problem text)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  d   record;
  r   record;
  law record;
  account timestamptz;
  at  timestamptz := app.clock();
  the_tenant uuid := app.tenant();
  of_law text;
begin
  select * into d from app.retention_of(to_regclass(format('app.%I', in_table))) x where x.category = in_category;
  if not found or the_tenant is null then
    raise exception 'app.retention_terms: % does not hold % or no tenant is bound', in_table, in_category using errcode = '22023';
  end if;
  rel := d.rel; how := d.how; blank := d.blank; stored := true;
  mine := case when d.shared then 'true' when d.partial then format('(t.tenant_id = %L or t.tenant_id is null)', the_tenant) else format('t.tenant_id = %L', the_tenant) end || app.retention_only(d.rel, d.how, in_category, 't');
  select x.* into r from app.retention_rule x where x.tenant_id = the_tenant and x.category = in_category;
  select t.deletion_requested_at into account from app.tenant t where t.tenant_id = the_tenant;
  event := r.event; keep := r.keep; due := 'false'; last_day := 'null::date';
  if r.category is null then
    problem := 'no rule';
    return;
  end if;
  stored := r.stored;
  began := app.retention_event(d.events, r.event, account);
  if began is null and r.event <> 'account-deletion' then
    problem := 'no event ' || r.event;
    return;
  end if;
  began := coalesce(began, 'null::timestamptz');
  if keep is not null then
    due := case when stored or d.shared then format('%s < %L', began, app.retention_cutoff(keep, at)) else 'true' end;
    last_day := case when stored or d.shared then format('app.retention_last_day(%s, %L)', began, keep) else format('%L::date', (at at time zone 'UTC')::date - 1) end;
  end if;
  select x.* into law from app.legal_duty x where x.tenant_id = the_tenant and x.category = in_category;
  if law.category is not null and keep is not null then
    of_law := coalesce(app.retention_event(d.events, law.event, account), 'null::timestamptz');
    duty := law.reason;
    due := due || format(' and %s < %L', of_law, app.retention_cutoff(law.keep, at));
    last_day := format('case when %s is not null then greatest(%s, app.retention_last_day(%s, %L)) end', of_law, last_day, of_law, law.keep);
  end if;
end $function$;
alter routine retention_terms(text,text) owner to entente_retention;

CREATE OR REPLACE FUNCTION app.rewrite_history(in_at timestamp with time zone, in_id bigint, in_old jsonb, in_new jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  update app.row_history h set old_row = in_old, new_row = in_new where h.tenant_id = app.tenant() and h.at = in_at and h.history_id = in_id
     and app.only_redacted(h.old_row, in_old) and app.only_redacted(h.new_row, in_new);
  if not found and exists (select from app.row_history h where h.tenant_id = app.tenant() and h.at = in_at and h.history_id = in_id) then
    raise exception 'app.rewrite_history: a line of the history loses words, and gains nothing' using errcode = '42501';
  end if;
  return found;
end $function$;
alter routine rewrite_history(timestamp with time zone,bigint,jsonb,jsonb) owner to entente_definer;
grant execute on routine rewrite_history(timestamp with time zone,bigint,jsonb,jsonb) to entente_worker;

CREATE OR REPLACE FUNCTION app.search_deals(pattern text, most integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  few         constant int := 2000; -- so many rows are looked through in the time the index needs
  sample      constant int := 100;
  the_tenant  constant uuid := app.tenant();
  the_partner constant uuid := app.partner();
  of_partner  constant boolean := pg_has_role(session_user, 'entente_partner', 'usage');
  first       constant text := case when pattern like '\% %' then substr(pattern, 3) end;
  n           int;
  wanted      text[];
begin
  if the_tenant is null or of_partner and the_partner is null then return; end if;
  most := least(most, 5000);
  if of_partner then
    select count(*) into n from (select from app.deal d where d.tenant_id = the_tenant and d.partner_id = the_partner limit few + 1) s;
    if n > few then
      select count(*) filter (where s.search_text like pattern) into n from (
        select d.search_text from app.deal d where d.tenant_id = the_tenant and d.partner_id = the_partner order by d.created_at desc, d.deal_id desc limit sample) s;
      if n < sample / 10 then
        wanted := app.search_wanted(the_tenant, regexp_replace(substr(pattern, 2, length(pattern) - 2), '\\(.)', '\1', 'g'));
      end if;
    end if;
    if wanted is not null then
      return query select d.deal_id from (
          select t.tenant_id, t.deal_id, t.partner_id, t.created_at, t.search_text from app.deal t
           where app.search_trigrams(t.tenant_id, t.search_text) collate "C" @> wanted offset 0) d
        where d.tenant_id = the_tenant and d.partner_id = the_partner and (d.search_text like pattern or d.search_text like first)
        order by d.created_at desc, d.deal_id desc limit most;
    else
      return query select d.deal_id from app.deal d
        where d.tenant_id = the_tenant and d.partner_id = the_partner and (d.search_text like pattern or d.search_text like first)
        order by d.created_at desc, d.deal_id desc limit most;
    end if;
    return;
  end if;
  select count(*) filter (where s.search_text like pattern) into n from (
    select d.search_text from app.deal d where d.tenant_id = the_tenant order by d.created_at desc, d.deal_id desc limit sample) s;
  if n < sample / 10 then
    wanted := app.search_wanted(the_tenant, regexp_replace(substr(pattern, 2, length(pattern) - 2), '\\(.)', '\1', 'g'));
  end if;
  if wanted is not null then
    return query select d.deal_id from (
        select t.tenant_id, t.deal_id, t.created_at, t.search_text from app.deal t
         where app.search_trigrams(t.tenant_id, t.search_text) collate "C" @> wanted offset 0) d
      where d.tenant_id = the_tenant and (d.search_text like pattern or d.search_text like first)
      order by d.created_at desc, d.deal_id desc limit most;
  else
    return query select d.deal_id from app.deal d where d.tenant_id = the_tenant and (d.search_text like pattern or d.search_text like first)
      order by d.created_at desc, d.deal_id desc limit most;
  end if;
end $function$;
alter routine search_deals(text,integer) owner to entente_definer;
grant execute on routine search_deals(text,integer) to entente_partner;
grant execute on routine search_deals(text,integer) to entente_staff;
grant execute on routine search_deals(text,integer) to entente_worker;

CREATE OR REPLACE FUNCTION app.search_trigrams(tenant uuid, txt text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN string_to_array(("right"((tenant)::text, 8) || replace(array_to_string(show_trgm(txt), ','::text), ','::text, (','::text || "right"((tenant)::text, 8)))), ','::text);
alter routine search_trigrams(uuid,text) owner to entente_owner;
grant execute on routine search_trigrams(uuid,text) to entente_definer;
grant execute on routine search_trigrams(uuid,text) to entente_partner;
grant execute on routine search_trigrams(uuid,text) to entente_staff;
grant execute on routine search_trigrams(uuid,text) to entente_worker;

CREATE OR REPLACE FUNCTION app.search_wanted(tenant uuid, words text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (SELECT array_agg(DISTINCT ("right"((search_wanted.tenant)::text, 8) || t.v)) AS array_agg FROM (string_to_table(search_wanted.words, ' '::text) WITH ORDINALITY w(v, n) CROSS JOIN LATERAL unnest(show_trgm(w.v)) t(v)) WHERE ((NOT ((w.n = 1) AND (t.v = ANY ((show_trgm("left"(w.v, 1)) || show_trgm("left"(w.v, 2))))))) AND (NOT ((w.n = ((1 + length(search_wanted.words)) - length(replace(search_wanted.words, ' '::text, ''::text)))) AND (t.v = ANY (show_trgm("right"(w.v, 2)))) AND (t.v <> ALL (show_trgm(("right"(w.v, 2) || 'x'::text))))))));
alter routine search_wanted(uuid,text) owner to entente_owner;
grant execute on routine search_wanted(uuid,text) to entente_definer;

CREATE OR REPLACE FUNCTION app.set_first_password(in_token_hash bytea, in_password_hash text, in_name text, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  update app.person pe set password_hash = in_password_hash, password_set_at = at, name = in_name
    from app.invitation i join app.member m on m.tenant_id = i.tenant_id and m.member_id = i.member_id
   where i.token_hash = in_token_hash and i.used_at is null and i.revoked_at is null and i.expires_at > at
     and i.tenant_id = app.tenant() and pe.person_id = m.person_id and pe.password_hash is null;
  return found;
end $function$;
alter routine set_first_password(bytea,text,text,timestamp with time zone) owner to entente_definer;
grant execute on routine set_first_password(bytea,text,text,timestamp with time zone) to entente_partner;
grant execute on routine set_first_password(bytea,text,text,timestamp with time zone) to entente_staff;

CREATE OR REPLACE FUNCTION app.set_founder_password(in_person uuid, in_password_hash text, in_name text, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  update app.person pe set password_hash = in_password_hash, password_set_at = at, name = in_name
   where pe.person_id = in_person and pe.password_hash is null
     and exists (select 1 from app.member m where m.tenant_id = app.tenant() and m.person_id = pe.person_id and m.role = 'admin');
  return found;
end $function$;
alter routine set_founder_password(uuid,text,text,timestamp with time zone) owner to entente_definer;
grant execute on routine set_founder_password(uuid,text,text,timestamp with time zone) to entente_platform;

CREATE OR REPLACE FUNCTION app.similar_deals(names text[], most integer)
 RETURNS TABLE(name_norm text, deal_id uuid, similarity real)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET "pg_trgm.similarity_threshold" TO '0.6'
AS $function$
  select n.v, s.deal_id, s.sim
    from unnest(names) as n (v)
    cross join lateral (
      select d.deal_id, similarity(d.name_norm, n.v) as sim
        from app.deal d
       where d.tenant_id = app.tenant() and d.state in ('submitted', 'returned', 'approved') and d.name_norm % n.v and d.name_norm <> n.v
       order by 2 desc, d.deal_id limit least(most, 20)) s
$function$;
alter routine similar_deals(text[],integer) owner to entente_definer;
grant execute on routine similar_deals(text[],integer) to entente_staff;
grant execute on routine similar_deals(text[],integer) to entente_worker;

CREATE OR REPLACE FUNCTION app.subject_people(in_members uuid[])
 RETURNS TABLE(person_id uuid, member_id uuid, email text, name text, created_at timestamp with time zone, last_sign_in_at timestamp with time zone, elsewhere boolean)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select p.person_id, m.member_id, p.email, p.name, p.created_at, p.last_sign_in_at,
         exists (select from app.member o where o.person_id = p.person_id and o.tenant_id <> m.tenant_id and o.status <> 'removed')
    from app.member m join app.person p on p.person_id = m.person_id
   where m.tenant_id = app.tenant() and m.member_id = any (in_members)
   order by p.person_id, m.member_id limit 200
$function$;
alter routine subject_people(uuid[]) owner to entente_definer;
grant execute on routine subject_people(uuid[]) to entente_worker;

CREATE OR REPLACE FUNCTION app.subject_sessions(in_members uuid[])
 RETURNS TABLE(session_id uuid, member_id uuid, created_at timestamp with time zone, last_seen_at timestamp with time zone, ip text, user_agent text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select s.session_id, s.member_id, s.created_at, s.last_seen_at, s.ip, s.user_agent
    from app.session s where s.tenant_id = app.tenant() and s.member_id = any (in_members)
   order by s.created_at desc, s.session_id limit 1000
$function$;
alter routine subject_sessions(uuid[]) owner to entente_definer;
grant execute on routine subject_sessions(uuid[]) to entente_worker;

CREATE OR REPLACE FUNCTION app.tell_auth()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform pg_notify('entente_auth', to_jsonb(old) ->> tg_argv[0]);
  return null;
end $function$;
alter routine tell_auth() owner to entente_owner;

CREATE OR REPLACE FUNCTION app.tenant()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ select nullif(current_setting('app.tenant_id', true), '')::uuid $function$;
alter routine tenant() owner to entente_owner;
grant execute on routine tenant() to entente_definer;
grant execute on routine tenant() to entente_jobs;
grant execute on routine tenant() to entente_partner;
grant execute on routine tenant() to entente_platform;
grant execute on routine tenant() to entente_public;
grant execute on routine tenant() to entente_retention;
grant execute on routine tenant() to entente_staff;
grant execute on routine tenant() to entente_worker;

CREATE OR REPLACE FUNCTION app.tenant_by_host(host text)
 RETURNS uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select t.tenant_id from app.tenant t where t.public_host = host and host <> ''
$function$;
alter routine tenant_by_host(text) owner to entente_definer;
grant execute on routine tenant_by_host(text) to entente_public;

CREATE OR REPLACE FUNCTION app.tenant_list()
 RETURNS TABLE(tenant_id uuid, slug text, name text, status text, is_demo boolean, created_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select t.tenant_id, t.slug, t.name, t.status, t.is_demo, t.created_at from app.tenant t order by t.created_at limit 10000
$function$;
alter routine tenant_list() owner to entente_definer;
grant execute on routine tenant_list() to entente_platform;
grant execute on routine tenant_list() to entente_public;
grant execute on routine tenant_list() to entente_worker;

CREATE OR REPLACE FUNCTION app.tenant_status(in_tenant uuid)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select t.status from app.tenant t where t.tenant_id = in_tenant
$function$;
alter routine tenant_status(uuid) owner to entente_definer;
grant execute on routine tenant_status(uuid) to entente_public;
grant execute on routine tenant_status(uuid) to entente_worker;

CREATE OR REPLACE FUNCTION app.touch_api_key(in_tenant uuid, in_key uuid, at timestamp with time zone)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update app.api_key set last_used_at = at
   where tenant_id = in_tenant and key_id = in_key and (last_used_at is null or last_used_at < at - interval '1 minute')
$function$;
alter routine touch_api_key(uuid,uuid,timestamp with time zone) owner to entente_definer;
grant execute on routine touch_api_key(uuid,uuid,timestamp with time zone) to entente_public;
