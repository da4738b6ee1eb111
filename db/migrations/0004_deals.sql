-- +goose Up
-- Deal registrations, their pipeline, and the one protected claim for a customer.

create table app.stage (
  tenant_id   uuid not null constraint stage_tenant_fk references app.tenant,
  stage_id    uuid not null,
  name        text not null constraint stage_name_ck check (length(name) between 1 and 60),
  position    int not null,
  probability int not null default 0 constraint stage_probability_ck check (probability between 0 and 100),
  kind        text not null default 'open' constraint stage_kind_ck check (kind in ('open', 'won', 'lost')),
  version     int not null default 1,
  constraint stage_pk primary key (tenant_id, stage_id),
  constraint stage_name_uq unique (tenant_id, name)
);
create unique index stage_end_uq on app.stage (tenant_id, kind) where kind <> 'open';
call app.protect('stage', 'select, insert, update, delete', 'select', 'tenant');
call app.keep_history('stage', 'stage_id');
call app.classify('stage', 'business-data', 'business', 'tenant_id stage_id name position probability kind version');

create table app.product (
  tenant_id   uuid not null constraint product_tenant_fk references app.tenant,
  product_id  uuid not null,
  name        text not null constraint product_name_ck check (length(name) between 1 and 120),
  series      text not null default '',
  price_minor bigint constraint product_price_ck check (price_minor between 0 and 1000000000000000),
  external_id text,
  import_id   uuid,
  version     int not null default 1,
  constraint product_pk primary key (tenant_id, product_id),
  constraint product_name_uq unique (tenant_id, name)
);
call app.protect('product', 'select, insert, update, delete', 'select', 'tenant');
call app.keep_history('product', 'product_id');
call app.classify('product', 'business-data', 'business', 'tenant_id product_id name series price_minor external_id import_id version');

create table app.deal (
  tenant_id       uuid not null constraint deal_tenant_fk references app.tenant,
  deal_id         uuid not null,
  partner_id      uuid, -- null: the vendor's own pursuit
  owner_id        uuid,
  account_id      uuid,
  title           text not null constraint deal_title_ck check (length(title) between 1 and 200),
  account_name    text not null default '' constraint deal_account_name_ck check (length(account_name) <= 200),
  account_domain  text not null default '',
  account_country text not null default '',
  claim_key       text not null default '',
  name_norm       text not null default '',
  search_text     text not null default '',
  state           text not null constraint deal_state_ck check (state in ('draft', 'submitted', 'returned', 'approved', 'rejected', 'withdrawn', 'won', 'lost', 'expired')),
  stage_id        uuid not null,
  amount_minor    bigint constraint deal_amount_ck check (amount_minor between 0 and 1000000000000000),
  amount_rank     bigint not null generated always as (coalesce(amount_minor, -1)) stored,
  currency        text not null constraint deal_currency_ck check (currency ~ '^[A-Z]{3}$'),
  product         text not null default '' constraint deal_product_ck check (length(product) <= 120),
  expected_close_on date,
  submitted_at    timestamptz,
  decided_at      timestamptz,
  decided_by      uuid,
  protected_until timestamptz,
  closed_on       date,
  reason_code     text not null default '',
  reason          text not null default '' constraint deal_reason_ck check (length(reason) <= 2000),
  answer          text not null default '' constraint deal_answer_ck check (answer in ('', 'free', 'taken', 'look')),
  source          text not null default 'portal' constraint deal_source_ck check (source in ('portal', 'api', 'import', 'vendor', 'demo')),
  external_id     text,
  import_id       uuid,
  version         int not null default 1,
  created_at      timestamptz not null default app.now(),
  updated_at      timestamptz not null default app.now(),
  constraint deal_pk primary key (tenant_id, deal_id),
  constraint deal_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id),
  constraint deal_owner_fk foreign key (tenant_id, owner_id) references app.member (tenant_id, member_id),
  constraint deal_account_fk foreign key (tenant_id, account_id) references app.account (tenant_id, account_id),
  constraint deal_stage_fk foreign key (tenant_id, stage_id) references app.stage (tenant_id, stage_id),
  constraint deal_external_uq unique (tenant_id, external_id),
  constraint deal_decided_ck check (state not in ('rejected', 'returned') or reason <> '' or reason_code <> ''),
  constraint deal_closed_ck check ((state in ('won', 'lost')) = (closed_on is not null))
);
create index deal_created_ix on app.deal (tenant_id, created_at desc, deal_id desc);
create index deal_amount_ix on app.deal (tenant_id, amount_rank desc, deal_id desc);
create index deal_close_ix on app.deal (tenant_id, expected_close_on, deal_id) where expected_close_on is not null;
create index deal_state_ix on app.deal (tenant_id, state, created_at desc, deal_id desc);
create index deal_queue_ix on app.deal (tenant_id, submitted_at, deal_id) where state = 'submitted';
create index deal_partner_created_ix on app.deal (tenant_id, partner_id, created_at desc, deal_id desc);
create index deal_partner_stage_ix on app.deal (tenant_id, partner_id, stage_id, amount_rank desc, deal_id desc);
create index deal_stage_ix on app.deal (tenant_id, stage_id, amount_rank desc, deal_id desc) where state = 'approved';
create index deal_owner_ix on app.deal (tenant_id, owner_id, created_at desc, deal_id desc);
create index deal_account_ix on app.deal (tenant_id, account_id, created_at desc) where account_id is not null;
create index deal_claim_ix on app.deal (tenant_id, claim_key) where claim_key <> '';
create index deal_name_ix on app.deal (tenant_id, name_norm) where name_norm <> '';
create index deal_expiry_ix on app.deal (tenant_id, protected_until) where state = 'approved' and protected_until is not null;
create index deal_import_ix on app.deal (tenant_id, import_id) where import_id is not null;
create index deal_search_ix on app.deal using gin (tenant_id, search_text gin_trgm_ops);
call app.protect('deal', 'select, insert, update, delete', 'select, insert, update');
call app.keep_history('deal', 'deal_id', 'search_text name_norm amount_rank');
call app.guard_links('deal');
call app.classify('deal', 'customer-data', 'business', 'title account_name account_domain account_country claim_key name_norm search_text state stage_id amount_minor amount_rank currency product expected_close_on submitted_at decided_at protected_until closed_on reason_code reason answer source');
call app.classify('deal', 'customer-data', 'internal', 'tenant_id deal_id partner_id owner_id account_id decided_by external_id import_id version created_at updated_at');

-- +goose StatementBegin
-- A decision is the vendor's: the partner persona cannot write one, whatever the program asks for.
create function app.deal_decision_is_the_vendors() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if pg_has_role(current_user, 'entente_partner', 'usage')
     and (new.state in ('approved', 'rejected', 'returned', 'expired') or new.protected_until is not null)
     and (tg_op = 'INSERT' or old.state is distinct from new.state or old.protected_until is distinct from new.protected_until) then
    raise exception 'a partner cannot decide a deal' using errcode = '42501', constraint = 'deal_decision_vendor_ck';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger deal_decision_vendor before insert or update on app.deal for each row execute function app.deal_decision_is_the_vendors();

-- At most one protected claim for a customer at a moment: two simultaneous approvals cannot both win.
create table app.deal_claim (
  tenant_id  uuid not null,
  claim_id   uuid not null,
  deal_id    uuid not null,
  partner_id uuid,
  claim_key  text not null constraint deal_claim_key_ck check (claim_key <> ''),
  period     tstzrange not null constraint deal_claim_period_ck check (not isempty(period)),
  constraint deal_claim_pk primary key (tenant_id, claim_id),
  constraint deal_claim_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id),
  constraint deal_claim_deal_fk foreign key (tenant_id, deal_id) references app.deal (tenant_id, deal_id) on delete cascade,
  constraint deal_claim_one_ex exclude using gist (tenant_id with =, claim_key with =, period with &&)
);
create index deal_claim_deal_ix on app.deal_claim (tenant_id, deal_id);
call app.protect('deal_claim', 'select, insert, update, delete', 'select, update');
call app.keep_history('deal_claim', 'claim_id');
call app.guard_links('deal_claim');
call app.classify('deal_claim', 'customer-data', 'internal', 'tenant_id claim_id deal_id partner_id period');
call app.classify('deal_claim', 'customer-data', 'business', 'claim_key');

create table app.deal_note (
  tenant_id  uuid not null,
  note_id    uuid not null,
  deal_id    uuid not null,
  partner_id uuid, -- the partner that may read it; null is an internal note
  author_id  uuid,
  author_name text not null,
  author_side text not null constraint deal_note_side_ck check (author_side in ('vendor', 'partner')),
  body       text not null constraint deal_note_body_ck check (length(body) between 1 and 10000),
  created_at timestamptz not null default app.now(),
  constraint deal_note_pk primary key (tenant_id, note_id),
  constraint deal_note_partner_fk foreign key (tenant_id, partner_id) references app.partner (tenant_id, partner_id),
  constraint deal_note_deal_fk foreign key (tenant_id, deal_id) references app.deal (tenant_id, deal_id) on delete cascade
);
create index deal_note_deal_ix on app.deal_note (tenant_id, deal_id, created_at desc);
call app.protect('deal_note', 'select, insert, update, delete', 'select, insert');
call app.keep_history('deal_note', 'note_id');
call app.guard_links('deal_note');
call app.classify('deal_note', 'customer-data', 'internal', 'tenant_id note_id deal_id partner_id author_id author_side created_at');
call app.classify('deal_note', 'customer-data', 'personal', 'author_name body');

create table app.saved_view (
  tenant_id  uuid not null,
  view_id    uuid not null,
  member_id  uuid not null,
  list       text not null constraint saved_view_list_ck check (list in ('deals', 'partners', 'accounts', 'contacts')),
  name       text not null constraint saved_view_name_ck check (length(name) between 1 and 60),
  query      text not null constraint saved_view_query_ck check (length(query) <= 2000),
  created_at timestamptz not null default app.now(),
  constraint saved_view_pk primary key (tenant_id, view_id),
  constraint saved_view_member_fk foreign key (tenant_id, member_id) references app.member (tenant_id, member_id) on delete cascade,
  constraint saved_view_name_uq unique (tenant_id, member_id, list, name)
);
call app.protect('saved_view', 'select, insert, update, delete', 'select, insert, update, delete', 'member');
call app.keep_history('saved_view', 'view_id');
call app.guard_links('saved_view');
call app.classify('saved_view', 'preference', 'internal', 'tenant_id view_id member_id list name query created_at');

-- Search crosses row security once, here, because LIKE is not leakproof and RLS would keep it from the trigram index.
-- The tenant and partner predicates are in the function; callers read the ids again under RLS.
grant select (tenant_id, deal_id, partner_id, created_at, search_text, claim_key, name_norm, state, title, account_name, amount_minor, currency) on app.deal to entente_definer;
create policy definer_reach on app.deal for select to entente_definer using (true);
grant select (tenant_id, claim_key, period, partner_id, deal_id) on app.deal_claim to entente_definer;
create policy definer_reach on app.deal_claim for select to entente_definer using (true);
-- +goose StatementBegin
-- search_deals returns the newest ids, at most `most`, of deals whose search text contains the LIKE pattern. For the
-- partner persona the partner bound to the transaction is always applied.
create function app.search_deals(pattern text, most int) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if app.tenant() is null then return; end if;
  if pg_has_role(session_user, 'entente_partner', 'usage') then
    return query execute 'select d.deal_id from app.deal d where d.tenant_id = $1 and d.partner_id = $2 and d.search_text like $3 order by d.created_at desc, d.deal_id desc limit $4'
      using app.tenant(), app.partner(), pattern, least(most, 5000);
  else
    return query execute 'select d.deal_id from app.deal d where d.tenant_id = $1 and d.search_text like $2 order by d.created_at desc, d.deal_id desc limit $3'
      using app.tenant(), pattern, least(most, 5000);
  end if;
end $$;

-- claim_answer is the blind availability check: 'taken' when another partner (or the vendor) holds the key now,
-- 'look' when another registration for the key, the same name or a similar one is open, else 'free'. It never says whose.
create function app.claim_answer(in_key text, in_name_norm text, in_self uuid) returns text
language sql stable security definer set search_path = pg_catalog, public, pg_temp set pg_trgm.similarity_threshold = 0.6 as $$
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
$$;
do $$ declare f text; begin
  execute 'grant create on schema app to entente_definer';
  foreach f in array array['app.search_deals(text, int)', 'app.claim_answer(text, text, uuid)'] loop
    execute format('alter function %s owner to entente_definer', f);
    execute format('revoke all on function %s from public', f);
  end loop;
  execute 'revoke create on schema app from entente_definer';
end $$;
-- +goose StatementEnd
grant execute on function app.search_deals(text, int), app.claim_answer(text, text, uuid) to entente_staff, entente_partner, entente_worker;
