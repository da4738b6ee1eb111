-- +goose Up
-- Tenants, the people behind logins, their memberships, and everything that proves who they are.

create table app.tenant (
  tenant_id        uuid not null,
  slug             text not null constraint tenant_slug_uq unique
                   constraint tenant_slug_ck check (slug ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
  name             text not null constraint tenant_name_ck check (length(name) between 1 and 200),
  status           text not null default 'active' constraint tenant_status_ck check (status in ('active', 'suspended')),
  is_demo          boolean not null default false,
  default_currency text not null default 'USD' constraint tenant_currency_ck check (default_currency ~ '^[A-Z]{3}$'),
  time_zone        text not null default 'UTC',
  protection_days  int not null default 90 constraint tenant_protection_ck check (protection_days between 1 and 730),
  agent_edits      text not null default 'own' constraint tenant_agent_edits_ck check (agent_edits in ('own', 'company')),
  brand_color      text not null default '#1f5fd6' constraint tenant_brand_ck check (brand_color ~ '^#[0-9a-f]{6}$'),
  logo             bytea constraint tenant_logo_ck check (octet_length(logo) <= 262144),
  logo_type        text not null default '' constraint tenant_logo_type_ck check (logo_type in ('', 'image/png', 'image/jpeg', 'image/webp')),
  version          int not null default 1,
  created_at       timestamptz not null default app.now(),
  updated_at       timestamptz not null default app.now(),
  constraint tenant_pk primary key (tenant_id)
);
call app.protect('tenant', 'select, update', 'select', 'tenant', worker => 'select', platform => 'select, insert, update');
grant select on app.tenant to entente_public;
create policy public_reach on app.tenant for select to entente_public using (true);
call app.keep_history('tenant', 'tenant_id', 'logo');
call app.classify('tenant', 'authorization', 'internal', 'tenant_id slug status is_demo default_currency time_zone protection_days agent_edits version created_at updated_at');
call app.classify('tenant', 'legal-entity', 'public', 'name brand_color logo logo_type');

-- One person, one login, whatever number of memberships. No persona reads this table but `public`, which signs people in.
create table app.person (
  person_id       uuid not null constraint person_pk primary key,
  email           text not null constraint person_email_uq unique constraint person_email_ck check (email = lower(email) and length(email) between 3 and 254),
  name            text not null default '' constraint person_name_ck check (length(name) <= 200),
  password_hash   text,
  password_set_at timestamptz,
  theme           text not null default 'auto' constraint person_theme_ck check (theme in ('auto', 'light', 'dark')),
  created_at      timestamptz not null default app.now(),
  last_sign_in_at timestamptz
);
alter table app.person enable row level security;
alter table app.person force row level security;
grant select, insert, update on app.person to entente_public;
create policy public_reach on app.person for all to entente_public using (true) with check (true);
call app.classify('person', 'user-account', 'personal', 'email name last_sign_in_at');
call app.classify('person', 'user-account', 'secret', 'password_hash');
call app.classify('person', 'user-account', 'internal', 'person_id password_set_at created_at');
call app.classify('person', 'preference', 'internal', 'theme');

create table app.partner (
  tenant_id   uuid not null constraint partner_tenant_fk references app.tenant,
  partner_id  uuid not null,
  name        text not null constraint partner_name_ck check (length(name) between 1 and 200),
  name_norm   text not null default '',
  kind        text not null default 'reseller' constraint partner_kind_ck check (kind in ('reseller', 'referrer', 'distributor', 'agency', 'technology')),
  domains     text[] not null default '{}' constraint partner_domains_ck check (cardinality(domains) <= 50),
  country     text not null default '' constraint partner_country_ck check (country ~ '^([A-Z]{2})?$'),
  region      text not null default '' constraint partner_region_ck check (length(region) <= 100),
  manager_id  uuid,
  manager_name text not null default '',
  status      text not null default 'active' constraint partner_status_ck check (status in ('invited', 'active', 'suspended', 'ended')),
  external_id text,
  import_id   uuid,
  version     int not null default 1,
  created_at  timestamptz not null default app.now(),
  updated_at  timestamptz not null default app.now(),
  constraint partner_pk primary key (tenant_id, partner_id),
  constraint partner_external_uq unique (tenant_id, external_id)
);
create index partner_name_ix on app.partner (tenant_id, name_norm, partner_id);
create index partner_created_ix on app.partner (tenant_id, created_at desc, partner_id desc);
call app.protect('partner', 'select, insert, update, delete', 'select');
call app.keep_history('partner', 'partner_id');
call app.classify('partner', 'legal-entity', 'business', 'name name_norm kind domains country region');
call app.classify('partner', 'legal-entity', 'personal', 'manager_name');
call app.classify('partner', 'customer-data', 'internal', 'tenant_id partner_id manager_id status external_id import_id version created_at updated_at');

-- A membership: a person (or a service) in one tenant, for the vendor or for one partner company.
create table app.member (
  tenant_id    uuid not null constraint member_tenant_fk references app.tenant,
  member_id    uuid not null,
  kind         text not null default 'person' constraint member_kind_ck check (kind in ('person', 'service')),
  person_id    uuid constraint member_person_fk references app.person,
  partner_id   uuid,
  role         text not null constraint member_role_ck check (role in ('admin', 'staff', 'partner', 'agent')),
  name         text not null constraint member_name_ck check (length(name) between 1 and 200),
  email        text not null default '' constraint member_email_ck check (email = lower(email) and length(email) <= 254),
  status       text not null constraint member_status_ck check (status in ('listed', 'invited', 'active', 'suspended', 'removed')),
  external_id  text,
  import_id    uuid,
  last_seen_at timestamptz,
  version      int not null default 1,
  created_at   timestamptz not null default app.now(),
  updated_at   timestamptz not null default app.now(),
  constraint member_pk primary key (tenant_id, member_id),
  constraint member_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id),
  constraint member_side_ck check ((partner_id is null) = (role in ('admin', 'staff'))),
  constraint member_person_ck check (kind <> 'service' or person_id is null),
  constraint member_external_uq unique (tenant_id, external_id)
);
create unique index member_person_uq on app.member (tenant_id, person_id, partner_id) nulls not distinct where person_id is not null and status <> 'removed';
create index member_partner_ix on app.member (tenant_id, partner_id, name, member_id);
create index member_name_ix on app.member (tenant_id, name, member_id);
create index member_person_ix on app.member (person_id) where person_id is not null;
alter table app.partner add constraint partner_manager_fk foreign key (tenant_id, manager_id) references app.member (tenant_id, member_id);
call app.protect('member', 'select, insert, update, delete', 'select, insert, update');
call app.keep_history('member', 'member_id');
call app.guard_links('member');
call app.classify('member', 'user-account', 'personal', 'name email last_seen_at');
call app.classify('member', 'user-account', 'internal', 'tenant_id member_id kind person_id partner_id role status external_id import_id version created_at updated_at');

create table app.invitation (
  tenant_id     uuid not null,
  invitation_id uuid not null,
  member_id     uuid not null,
  partner_id    uuid,
  token_hash    bytea not null,
  expires_at    timestamptz not null,
  used_at       timestamptz,
  revoked_at    timestamptz,
  created_by    uuid,
  created_at    timestamptz not null default app.now(),
  constraint invitation_pk primary key (tenant_id, invitation_id),
  constraint invitation_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id) on delete cascade,
  constraint invitation_member_fk foreign key (tenant_id, member_id) references app.member (tenant_id, member_id) on delete cascade
);
create index invitation_member_ix on app.invitation (tenant_id, member_id, created_at desc);
create index invitation_token_ix on app.invitation (token_hash);
call app.protect('invitation', 'select, insert, update', 'select, insert, update');
call app.keep_history('invitation', 'invitation_id', 'token_hash');
call app.guard_links('invitation');
call app.classify('invitation', 'user-account', 'secret', 'token_hash');
call app.classify('invitation', 'user-account', 'internal', 'tenant_id invitation_id member_id partner_id expires_at used_at revoked_at created_by created_at');

create table app.api_key (
  tenant_id    uuid not null,
  key_id       uuid not null,
  member_id    uuid not null,
  partner_id   uuid,
  name         text not null constraint api_key_name_ck check (length(name) between 1 and 100),
  prefix       text not null,
  key_hash     bytea not null,
  scopes       text[] not null default '{}' constraint api_key_scopes_ck check (cardinality(scopes) <= 50),
  expires_at   timestamptz,
  last_used_at timestamptz,
  revoked_at   timestamptz,
  created_by   uuid,
  created_at   timestamptz not null default app.now(),
  constraint api_key_pk primary key (tenant_id, key_id),
  constraint api_key_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id) on delete cascade,
  constraint api_key_member_fk foreign key (tenant_id, member_id) references app.member (tenant_id, member_id) on delete cascade
);
create index api_key_hash_ix on app.api_key (key_hash);
create index api_key_member_ix on app.api_key (tenant_id, member_id, created_at desc);
call app.protect('api_key', 'select, insert, update', 'select, insert, update');
call app.keep_history('api_key', 'key_id', 'key_hash');
call app.guard_links('api_key');
call app.classify('api_key', 'user-account', 'secret', 'key_hash');
call app.classify('api_key', 'user-account', 'internal', 'tenant_id key_id member_id partner_id name prefix scopes expires_at last_used_at revoked_at created_by created_at');

-- Browser sessions. Only the SHA-256 of the token is stored. tenant_id and member_id are the membership in use.
create table app.session (
  session_id   uuid not null constraint session_pk primary key,
  token_hash   bytea not null constraint session_token_uq unique,
  person_id    uuid not null constraint session_person_fk references app.person on delete cascade,
  tenant_id    uuid,
  member_id    uuid,
  created_at   timestamptz not null,
  last_seen_at timestamptz not null,
  idle_expires_at timestamptz not null,
  expires_at   timestamptz not null,
  ip           text not null default '',
  user_agent   text not null default '',
  revoked_at   timestamptz,
  constraint session_member_fk foreign key (tenant_id, member_id) references app.member (tenant_id, member_id) on delete cascade
);
create index session_person_ix on app.session (person_id, last_seen_at desc);
alter table app.session enable row level security;
alter table app.session force row level security;
grant select, insert, update, delete on app.session to entente_public;
create policy public_reach on app.session for all to entente_public using (true) with check (true);
call app.classify('session', 'preference', 'secret', 'token_hash');
call app.classify('session', 'preference', 'personal', 'ip user_agent');
call app.classify('session', 'preference', 'internal', 'session_id person_id tenant_id member_id created_at last_seen_at idle_expires_at expires_at revoked_at');

-- Password resets and the one-time set-up link: not of any tenant yet.
create table app.one_time_link (
  token_hash bytea not null constraint one_time_link_pk primary key,
  purpose    text not null constraint one_time_link_purpose_ck check (purpose in ('setup', 'reset')),
  person_id  uuid constraint one_time_link_person_fk references app.person on delete cascade,
  created_at timestamptz not null default app.now(),
  expires_at timestamptz not null,
  used_at    timestamptz
);
alter table app.one_time_link enable row level security;
alter table app.one_time_link force row level security;
grant select, insert, update, delete on app.one_time_link to entente_public;
create policy public_reach on app.one_time_link for all to entente_public using (true) with check (true);
call app.classify('one_time_link', 'user-account', 'secret', 'token_hash');
call app.classify('one_time_link', 'user-account', 'internal', 'purpose person_id created_at expires_at used_at');

-- GCRA rows against guessing: the key is a hash, the theoretical arrival time is all that is kept.
create table app.throttle (
  key text not null constraint throttle_pk primary key,
  tat timestamptz not null
);
create index throttle_tat_ix on app.throttle (tat);
alter table app.throttle enable row level security;
alter table app.throttle force row level security;
grant select, insert, update, delete on app.throttle to entente_public;
create policy public_reach on app.throttle for all to entente_public using (true) with check (true);
call app.classify('throttle', 'login-ip', 'personal', 'key');
call app.classify('throttle', 'login-ip', 'internal', 'tat');

-- What this installation is: made once, read by the program only as owner.
create table app.installation (
  only_one   boolean not null default true constraint installation_pk primary key constraint installation_one_ck check (only_one),
  installation_id uuid not null,
  secret     bytea not null,
  created_at timestamptz not null default now()
);
alter table app.installation enable row level security;
alter table app.installation force row level security;
create policy owner_reach on app.installation for all to entente_owner using (true) with check (true);
call app.classify('installation', 'authorization', 'secret', 'secret');
call app.classify('installation', 'authorization', 'internal', 'only_one installation_id created_at');

-- Look-ups that must cross tenants before one is bound. Each is SECURITY DEFINER, owned by entente_definer, which may
-- read these columns and nothing else; the predicate is a secret's hash or the one person.
grant usage on schema app to entente_definer;
grant select on app.tenant, app.partner, app.member, app.invitation, app.api_key, app.session to entente_definer;
grant select (person_id, email, name, password_hash), insert (person_id, email, name), update (password_hash, password_set_at, name) on app.person to entente_definer;
grant update (last_used_at) on app.api_key to entente_definer;
create policy definer_reach on app.tenant for select to entente_definer using (true);
create policy definer_reach on app.partner for select to entente_definer using (true);
create policy definer_reach on app.member for select to entente_definer using (true);
create policy definer_reach on app.invitation for select to entente_definer using (true);
create policy definer_reach on app.api_key for all to entente_definer using (true) with check (true);
create policy definer_reach on app.session for select to entente_definer using (true);
create policy definer_reach on app.person for all to entente_definer using (true) with check (true);

-- +goose StatementBegin
-- memberships lists where a person may go: only live memberships of live tenants and live partners.
create function app.memberships(in_person uuid)
returns table (tenant_id uuid, tenant_slug text, tenant_name text, member_id uuid, partner_id uuid, partner_name text, role text, name text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select m.tenant_id, t.slug, t.name, m.member_id, m.partner_id, coalesce(p.name, ''), m.role, m.name
    from app.member m
    join app.tenant t on t.tenant_id = m.tenant_id and t.status = 'active'
    left join app.partner p on p.tenant_id = m.tenant_id and p.partner_id = m.partner_id
   where m.person_id = in_person and m.status = 'active' and coalesce(p.status, 'active') in ('active', 'invited')
   order by t.name, p.name nulls first, m.member_id
   limit 200
$$;

-- actor_by_key returns the service or person behind an API key's hash, or no row when anything about it is dead.
create function app.actor_by_key(in_hash bytea, at timestamptz)
returns table (tenant_id uuid, key_id uuid, member_id uuid, person_id uuid, partner_id uuid, role text, name text, kind text, scopes text[], expires_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select k.tenant_id, k.key_id, m.member_id, m.person_id, m.partner_id, m.role, m.name, m.kind, k.scopes, k.expires_at
    from app.api_key k
    join app.member m on m.tenant_id = k.tenant_id and m.member_id = k.member_id and m.status = 'active'
    join app.tenant t on t.tenant_id = k.tenant_id and t.status = 'active'
    left join app.partner p on p.tenant_id = m.tenant_id and p.partner_id = m.partner_id
   where k.key_hash = in_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > at)
     and coalesce(p.status, 'active') in ('active', 'invited')
$$;

-- actor_by_session returns the person behind a session token's hash and the membership in use, if both still live.
create function app.actor_by_session(in_hash bytea, at timestamptz)
returns table (session_id uuid, person_id uuid, email text, tenant_id uuid, member_id uuid, partner_id uuid, role text, name text, last_seen_at timestamptz, expires_at timestamptz, created_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.session_id, s.person_id, pe.email, m.tenant_id, m.member_id, m.partner_id, m.role, m.name, s.last_seen_at, s.expires_at, s.created_at
    from app.session s
    join app.person pe on pe.person_id = s.person_id
    left join (app.member m
      join app.tenant t on t.tenant_id = m.tenant_id and t.status = 'active'
      left join app.partner p on p.tenant_id = m.tenant_id and p.partner_id = m.partner_id)
      on m.tenant_id = s.tenant_id and m.member_id = s.member_id and m.person_id = s.person_id and m.status = 'active'
     and coalesce(p.status, 'active') in ('active', 'invited')
   where s.token_hash = in_hash and s.revoked_at is null and s.expires_at > at and s.idle_expires_at > at
$$;

-- invitation_by_token returns what an invitation link is for; used, revoked and expired ones are returned and marked.
create function app.invitation_by_token(in_hash bytea)
returns table (tenant_id uuid, tenant_slug text, tenant_name text, invitation_id uuid, member_id uuid, person_id uuid, partner_id uuid, partner_name text, role text, name text, email text, expires_at timestamptz, used_at timestamptz, revoked_at timestamptz, has_password boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select i.tenant_id, t.slug, t.name, i.invitation_id, m.member_id, m.person_id, m.partner_id, coalesce(p.name, ''), m.role, m.name, m.email,
         i.expires_at, i.used_at, i.revoked_at, pe.password_hash is not null
    from app.invitation i
    join app.tenant t on t.tenant_id = i.tenant_id and t.status = 'active'
    join app.member m on m.tenant_id = i.tenant_id and m.member_id = i.member_id and m.status in ('invited', 'active')
    join app.person pe on pe.person_id = m.person_id
    left join app.partner p on p.tenant_id = m.tenant_id and p.partner_id = m.partner_id
   where i.token_hash = in_hash
$$;

-- person_for_email returns the one person behind an address, made on first mention. It tells nothing else about them.
create function app.person_for_email(in_email text, in_name text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
end $$;

-- set_first_password gives a person without a password their first one, proved by an invitation that is still open.
create function app.set_first_password(in_token_hash bytea, in_password_hash text, in_name text, at timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update app.person pe set password_hash = in_password_hash, password_set_at = at, name = in_name
    from app.invitation i join app.member m on m.tenant_id = i.tenant_id and m.member_id = i.member_id
   where i.token_hash = in_token_hash and i.used_at is null and i.revoked_at is null and i.expires_at > at
     and i.tenant_id = app.tenant() and pe.person_id = m.person_id and pe.password_hash is null;
  return found;
end $$;

-- touch_api_key notes the use of a key, at most once a minute.
create function app.touch_api_key(in_tenant uuid, in_key uuid, at timestamptz) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update app.api_key set last_used_at = at
   where tenant_id = in_tenant and key_id = in_key and (last_used_at is null or last_used_at < at - interval '1 minute')
$$;

-- tenant_list is the operator's register: which tenants exist. No content.
create function app.tenant_list()
returns table (tenant_id uuid, slug text, name text, status text, is_demo boolean, created_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.tenant_id, t.slug, t.name, t.status, t.is_demo, t.created_at from app.tenant t order by t.created_at limit 10000
$$;
-- +goose StatementEnd
-- +goose StatementBegin
do $$ declare f text; begin
  foreach f in array array[
    'app.memberships(uuid)', 'app.actor_by_key(bytea, timestamptz)', 'app.actor_by_session(bytea, timestamptz)',
    'app.invitation_by_token(bytea)', 'app.person_for_email(text, text)', 'app.set_first_password(bytea, text, text, timestamptz)',
    'app.touch_api_key(uuid, uuid, timestamptz)', 'app.tenant_list()'] loop
    execute 'grant create on schema app to entente_definer';
    execute format('alter function %s owner to entente_definer', f);
    execute 'revoke create on schema app from entente_definer';
    execute format('revoke all on function %s from public', f);
  end loop;
end $$;
-- +goose StatementEnd
grant execute on function app.memberships(uuid), app.actor_by_key(bytea, timestamptz), app.actor_by_session(bytea, timestamptz),
  app.invitation_by_token(bytea), app.touch_api_key(uuid, uuid, timestamptz) to entente_public;
grant execute on function app.person_for_email(text, text) to entente_staff, entente_partner, entente_worker, entente_platform;
grant execute on function app.set_first_password(bytea, text, text, timestamptz) to entente_staff, entente_partner;
grant execute on function app.tenant_list() to entente_platform, entente_public, entente_worker;
