-- +goose Up
-- End customers and their people.

create table app.account (
  tenant_id   uuid not null constraint account_tenant_fk references app.tenant,
  account_id  uuid not null,
  name        text not null constraint account_name_ck check (length(name) between 1 and 200),
  name_norm   text not null default '',
  domain      text not null default '' constraint account_domain_ck check (domain = lower(domain) and length(domain) <= 253),
  country     text not null default '' constraint account_country_ck check (country ~ '^([A-Z]{2})?$'),
  sector      text not null default '' constraint account_sector_ck check (length(sector) <= 100),
  employees   int constraint account_employees_ck check (employees between 0 and 100000000),
  parent_name text not null default '' constraint account_parent_ck check (length(parent_name) <= 200),
  source      text not null default 'vendor' constraint account_source_ck check (source in ('vendor', 'partner', 'import')),
  external_id text,
  import_id   uuid,
  version     int not null default 1,
  created_at  timestamptz not null default app.now(),
  updated_at  timestamptz not null default app.now(),
  constraint account_pk primary key (tenant_id, account_id),
  constraint account_external_uq unique (tenant_id, external_id)
);
create index account_name_ix on app.account (tenant_id, name_norm, account_id);
create index account_domain_ix on app.account (tenant_id, domain) where domain <> '';
create index account_created_ix on app.account (tenant_id, created_at desc, account_id desc);

-- Which partners may see an account. A partner that registers a customer sees its own record of it, never another's.
create table app.account_partner (
  tenant_id  uuid not null,
  share_id   uuid not null default gen_random_uuid(),
  partner_id uuid not null,
  account_id uuid not null,
  created_at timestamptz not null default app.now(),
  constraint account_partner_pk primary key (tenant_id, partner_id, account_id),
  constraint account_partner_account_fk foreign key (tenant_id, account_id) references app.account (tenant_id, account_id) on delete cascade,
  constraint account_partner_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id) on delete cascade
);
create index account_partner_account_ix on app.account_partner (tenant_id, account_id);
call app.protect('account_partner', 'select, insert, delete', 'select, insert');
call app.keep_history('account_partner', 'share_id');
call app.classify('account_partner', 'customer-data', 'internal', 'tenant_id share_id partner_id account_id created_at');

call app.protect('account', 'select, insert, update, delete', 'select, update', 'account');
-- A partner may add an account; it becomes visible through the share written in the same transaction.
grant insert on app.account to entente_partner;
create policy partner_add on app.account for insert to entente_partner with check (source = 'partner');
call app.keep_history('account', 'account_id');

-- To share is to show. So a partner shares with itself only an account that it adds in this very transaction and that nobody
-- has yet, never one whose id it came to know.
grant select (tenant_id, account_id, source, xmin) on app.account to entente_definer;
create policy definer_reach on app.account for select to entente_definer using (true);
grant select on app.account_partner to entente_definer;
create policy definer_reach on app.account_partner for select to entente_definer using (true);
-- +goose StatementBegin
create function app.may_take_account(in_account uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from app.account_partner s where s.tenant_id = app.tenant() and s.account_id = in_account and s.partner_id = app.partner())
      or exists (select from app.account a where a.tenant_id = app.tenant() and a.account_id = in_account and a.source = 'partner' and a.xmin = pg_current_xact_id()::xid)
         and not exists (select from app.account_partner s where s.tenant_id = app.tenant() and s.account_id = in_account)
$$;
do $$ begin
  execute 'grant create on schema app to entente_definer';
  execute 'alter function app.may_take_account(uuid) owner to entente_definer';
  execute 'revoke create on schema app from entente_definer';
end $$;
-- +goose StatementEnd
grant execute on function app.may_take_account(uuid) to entente_partner;
create policy partner_take on app.account_partner as restrictive for insert to entente_partner with check (app.may_take_account(account_id));
call app.classify('account', 'customer-data', 'business', 'name name_norm domain country sector employees parent_name');
call app.classify('account', 'customer-data', 'internal', 'tenant_id account_id source external_id import_id version created_at updated_at');

create table app.contact (
  tenant_id  uuid not null,
  contact_id uuid not null,
  partner_id uuid, -- the partner that brought the person; null is the vendor's own
  account_id uuid,
  name       text not null constraint contact_name_ck check (length(name) between 1 and 200),
  email      text not null default '' constraint contact_email_ck check (email = lower(email) and length(email) <= 254),
  phone      text not null default '' constraint contact_phone_ck check (length(phone) <= 50),
  title      text not null default '' constraint contact_title_ck check (length(title) <= 200),
  external_id text,
  version    int not null default 1,
  created_at timestamptz not null default app.now(),
  updated_at timestamptz not null default app.now(),
  constraint contact_pk primary key (tenant_id, contact_id),
  constraint contact_account_fk foreign key (tenant_id, account_id) references app.account (tenant_id, account_id) on delete set null (account_id),
  constraint contact_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id),
  constraint contact_external_uq unique (tenant_id, external_id)
);
create index contact_account_ix on app.contact (tenant_id, account_id, name);
create index contact_name_ix on app.contact (tenant_id, name, contact_id);
create index contact_partner_ix on app.contact (tenant_id, partner_id, name, contact_id);
call app.protect('contact', 'select, insert, update, delete', 'select, insert, update, delete');
call app.keep_history('contact', 'contact_id');
call app.guard_links('contact');
call app.classify('contact', 'customer-data', 'personal', 'name email phone title');
call app.classify('contact', 'customer-data', 'internal', 'tenant_id contact_id partner_id account_id external_id version created_at updated_at');
