-- +goose Up
-- The floor everything stands on: who is bound to this transaction, how a tenant table is
-- protected, how a column is classified, and how every row's history is kept.
-- Roles and extensions are made before this runs, by internal/kernel/pg.

-- Nobody gets anything by being PUBLIC: every function below and in later migrations is granted by name.
alter default privileges revoke execute on routines from public;

-- +goose StatementBegin
create function app.tenant() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;
create function app.partner() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('app.partner_id', true), '')::uuid $$;
create function app.member() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('app.member_id', true), '')::uuid $$;
create function app.op() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('app.op_id', true), '')::uuid $$;
-- app.now is the operation's one time, set by the program so that tests can move the clock.
create function app.now() returns timestamptz language sql stable parallel safe
  as $$ select coalesce(nullif(current_setting('app.now', true), '')::timestamptz, transaction_timestamp()) $$;
-- +goose StatementEnd
grant execute on function app.tenant(), app.partner(), app.member(), app.op(), app.now()
  to entente_staff, entente_partner, entente_public, entente_worker, entente_platform, entente_jobs, entente_definer;

-- +goose StatementBegin
-- protect makes tab a tenant table: forced row-level security, the restrictive tenant floor for every
-- persona, and one equality policy a persona. Grants and policies are given together; a persona that is
-- not named gets neither. by_partner says which rows the partner persona reaches:
--   partner  partner_id = app.partner()      member  member_id = app.member()
--   tenant   every row of the tenant         account rows of accounts shared with the partner
create procedure app.protect(tab text, staff text, partner text default '', by_partner text default 'partner',
                             worker text default 'select, insert, update, delete', platform text default '')
language plpgsql as $$
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
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- A foreign key knows the tenant and does not know the partner: its check sees rows that row-level security hides. So what the
-- partner persona writes may refer only to rows that it can see. A hidden row is refused exactly like one that does not exist.
-- Arguments, four for each foreign key: its name, its column, the table and the column that it refers to.
create function app.partner_links() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
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
    if ref is not null and ref is distinct from (past ->> tg_argv[4 * i + 1])::uuid then
      execute format('select exists (select from app.%I where tenant_id = $1 and %I = $2)', tg_argv[4 * i + 2], tg_argv[4 * i + 3])
        into seen using new.tenant_id, ref;
      if not seen then
        raise exception 'insert or update on table "%" violates foreign key constraint "%"', tg_table_name, tg_argv[4 * i]
          using errcode = '23503', constraint = tg_argv[4 * i], table = tg_table_name, schema = tg_table_schema;
      end if;
    end if;
  end loop;
  return new;
end $$;

-- guard_links puts partner_links on tab for the foreign keys that it has now. Every tenant table that the partner persona may
-- write and that refers to another one needs it; call it after the last foreign key is there.
create procedure app.guard_links(tab text) language plpgsql as $$
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
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- classify comments every named column: class is public, internal, business, personal or secret;
-- category is a data category of internal/datamap. The law test refuses an unclassified column.
create procedure app.classify(tab text, category text, class text, columns text)
language plpgsql as $$
declare col text;
begin
  foreach col in array regexp_split_to_array(trim(columns), '\s+') loop
    execute format('comment on column app.%I.%I is %L', tab, col, 'class=' || class || ' category=' || category);
  end loop;
end $$;
-- +goose StatementEnd

-- The history of every row, partitioned by month so that a month can be dropped as a whole.
create table app.row_history (
  tenant_id  uuid not null,
  history_id bigint generated always as identity,
  at         timestamptz not null,
  op_id      uuid,
  member_id  uuid,
  db_role    text not null,
  table_name text not null,
  row_id     uuid not null,
  change     text not null constraint row_history_change_ck check (change in ('insert', 'update', 'delete')),
  old_row    jsonb,
  new_row    jsonb,
  constraint row_history_pk primary key (tenant_id, at, history_id)
) partition by range (at);
create index row_history_row_ix on app.row_history (tenant_id, row_id, at desc);
call app.protect('row_history', 'select', worker => 'select');
call app.classify('row_history', 'audit-log', 'internal', 'tenant_id history_id at op_id member_id db_role table_name row_id change');
call app.classify('row_history', 'audit-log', 'personal', 'old_row new_row');

-- What happened, in words: one entry for each thing an actor did or was refused.
create table app.audit_entry (
  tenant_id    uuid not null,
  entry_id     uuid not null,
  at           timestamptz not null,
  op_id        uuid not null,
  actor_kind   text not null constraint audit_entry_actor_kind_ck check (actor_kind in ('person', 'service', 'system', 'anonymous')),
  actor_id     uuid,
  actor_name   text not null,
  actor_role   text not null,
  credential_id uuid,
  partner_id   uuid, -- the partner that may read the entry; null is for the vendor only
  action       text not null,
  outcome      text not null constraint audit_entry_outcome_ck check (outcome in ('done', 'denied')),
  object_type  text not null,
  object_id    uuid,
  object_label text not null default '',
  changes      jsonb not null default '{}',
  note         text not null default '',
  request_id   text not null default '',
  ip           text not null default '',
  user_agent   text not null default '',
  constraint audit_entry_pk primary key (tenant_id, at, entry_id)
) partition by range (at);
create index audit_entry_object_ix on app.audit_entry (tenant_id, object_id, at desc);
create index audit_entry_actor_ix on app.audit_entry (tenant_id, actor_id, at desc);
create index audit_entry_action_ix on app.audit_entry (tenant_id, action, at desc);
create index audit_entry_partner_ix on app.audit_entry (tenant_id, partner_id, at desc);
call app.protect('audit_entry', 'select, insert', 'select, insert', worker => 'select, insert', platform => 'insert');
-- A partner's people also leave entries that only the vendor reads, such as a refusal.
create policy partner_witness on app.audit_entry for insert to entente_partner with check (partner_id is null);
call app.classify('audit_entry', 'audit-log', 'internal', 'tenant_id entry_id at op_id actor_kind actor_id actor_role credential_id partner_id action outcome object_type object_id request_id');
call app.classify('audit_entry', 'audit-log', 'personal', 'actor_name object_label changes note ip user_agent');

-- +goose StatementBegin
-- ensure_partitions makes the monthly partitions of the two logs from the month of `from_at` for `months`
-- months. A partition carries no grants: it is reached through its parent only.
create function app.ensure_partitions(from_at timestamptz, months int) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  parent text; first date; part text;
begin
  for i in 0 .. months - 1 loop
    first := (date_trunc('month', from_at at time zone 'UTC') + make_interval(months => i))::date;
    foreach parent in array array['row_history', 'audit_entry'] loop
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
end $$;
-- +goose StatementEnd
revoke all on function app.ensure_partitions(timestamptz, int) from public;
grant execute on function app.ensure_partitions(timestamptz, int) to entente_worker;
-- Whatever falls outside the months that exist still has a place; the next ensure_partitions run keeps it small.
create table app.row_history_rest partition of app.row_history default;
create table app.audit_entry_rest partition of app.audit_entry default;
-- +goose StatementBegin
do $$ declare part text; begin
  foreach part in array array['row_history_rest', 'audit_entry_rest'] loop
    execute format('alter table app.%I enable row level security', part);
    execute format('alter table app.%I force row level security', part);
    execute format('create policy tenant_floor on app.%I as restrictive for all to entente_staff, entente_partner, entente_public, entente_worker, entente_platform using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()))', part);
  end loop;
end $$;
-- +goose StatementEnd
select app.ensure_partitions(now(), 4);

-- +goose StatementBegin
-- history writes one row_history row for each row a statement changed, whoever ran the statement.
-- Arguments: the id column, then the columns that are left out because they are secrets or bulk.
create function app.history() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  key text := tg_argv[0];
  hidden text[] := tg_argv[1:];
begin
  if tg_op = 'INSERT' then
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
end $$;
create procedure app.keep_history(tab text, key text, hidden text default '')
language plpgsql as $$
declare args text := quote_literal(key);
begin
  if hidden <> '' then
    select args || ', ' || string_agg(quote_literal(c), ', ') into args from regexp_split_to_table(trim(hidden), '\s+') c;
  end if;
  execute format('create trigger history_insert after insert on app.%I referencing new table as new_rows for each statement execute function app.history(%s)', tab, args);
  execute format('create trigger history_update after update on app.%I referencing old table as old_rows new table as new_rows for each statement execute function app.history(%s)', tab, args);
  execute format('create trigger history_delete after delete on app.%I referencing old table as old_rows for each statement execute function app.history(%s)', tab, args);
end $$;
-- +goose StatementEnd
grant insert on app.row_history to entente_owner;
create policy owner_record on app.row_history for insert to entente_owner with check (true);

-- What a caller already did under an idempotency key, kept in the same transaction as the effect.
create table app.idempotency (
  tenant_id     uuid not null,
  credential_id uuid not null,
  member_id     uuid default app.member(), -- whose answer it is: a partner's people read only their own
  key           text not null,
  action        text not null,
  body_hash     text not null,
  op_id         uuid not null,
  result        jsonb,
  created_at    timestamptz not null default app.now(),
  constraint idempotency_pk primary key (tenant_id, credential_id, key)
);
create index idempotency_age_ix on app.idempotency (tenant_id, created_at);
call app.protect('idempotency', 'select, insert, update', 'select, insert, update', 'member');
call app.classify('idempotency', 'cache', 'internal', 'tenant_id credential_id member_id key action body_hash op_id created_at');
call app.classify('idempotency', 'cache', 'personal', 'result');
