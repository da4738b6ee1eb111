-- +goose Up
-- What the room of deals needs beyond its tables: who registered a deal, sorting by closing date, the decisions that the
-- database itself refuses, and search that stays fast for short words.

alter table app.deal add column created_by uuid;
alter table app.deal add column close_rank date not null generated always as (coalesce(expected_close_on, date 'infinity')) stored;
call app.classify('deal', 'customer-data', 'internal', 'created_by');
call app.classify('deal', 'customer-data', 'business', 'close_rank');
drop trigger history_insert on app.deal;
drop trigger history_update on app.deal;
drop trigger history_delete on app.deal;
call app.keep_history('deal', 'deal_id', 'search_text name_norm amount_rank close_rank');

drop index app.deal_close_ix;
create index deal_close_ix on app.deal (tenant_id, close_rank, deal_id);
-- These two are read without the table: sums by stage, and won value by month; for the vendor and for one partner.
create index deal_pipeline_ix on app.deal (tenant_id, partner_id, stage_id) include (currency, amount_minor) where state = 'approved';
create index deal_won_ix on app.deal (tenant_id, partner_id, closed_on) include (currency, amount_minor) where state = 'won';
create index deal_similar_ix on app.deal using gin (tenant_id, name_norm gin_trgm_ops) where state in ('submitted', 'returned', 'approved');

-- +goose StatementBegin
-- A decision is the vendor's, and never that of somebody who registered or owns the deal. A partner may submit, withdraw, win
-- and lose, and may shorten a protection, never make or prolong one. Whatever the program asks for, this stands.
create or replace function app.deal_decision_is_the_vendors() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
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
end $$;

-- A partner may only shorten the period of its own claim.
create function app.deal_claim_only_shrinks() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('is_superuser') = 'off' and pg_has_role(current_user, 'entente_partner', 'usage')
     and (new.claim_key <> old.claim_key or new.deal_id <> old.deal_id or new.claim_id <> old.claim_id
          or lower(new.period) is distinct from lower(old.period) or not coalesce(upper(new.period) <= upper(old.period), false)) then
    raise exception 'a partner cannot prolong a claim' using errcode = '42501', constraint = 'deal_claim_vendor_ck';
  end if;
  return new;
end $$;

-- search_deals returns the newest ids, at most `most`, of deals whose search text contains the LIKE pattern. A pattern that begins
-- with '% ' looks at the beginnings of words, the first word included: for words too short for trigrams. For the partner
-- persona the partner bound to the transaction is always applied.
create or replace function app.search_deals(pattern text, most int) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  matches text := 'd.search_text like $3';
  first   text := substr(pattern, 3);
begin
  if app.tenant() is null then return; end if;
  if pattern like '\% %' then
    matches := '(d.search_text like $3 or d.search_text like $5)';
  end if;
  if pg_has_role(session_user, 'entente_partner', 'usage') then
    return query execute 'select d.deal_id from app.deal d where d.tenant_id = $1 and d.partner_id = $2 and ' || matches || ' order by d.created_at desc, d.deal_id desc limit $4'
      using app.tenant(), app.partner(), pattern, least(most, 5000), first;
  else
    return query execute 'select d.deal_id from app.deal d where d.tenant_id = $1 and ' || matches || ' order by d.created_at desc, d.deal_id desc limit $4'
      using app.tenant(), app.partner(), pattern, least(most, 5000), first;
  end if;
end $$;

-- similar_deals returns, for each name, the open registrations with a similar normalised name, the most similar first, at most
-- `most` for each. Only the vendor's people may ask.
create function app.similar_deals(names text[], most int) returns table (name_norm text, deal_id uuid, similarity real)
language sql stable security definer set search_path = pg_catalog, public, pg_temp set pg_trgm.similarity_threshold = 0.6 as $$
  select n.v, s.deal_id, s.sim
    from unnest(names) as n (v)
    cross join lateral (
      select d.deal_id, similarity(d.name_norm, n.v) as sim
        from app.deal d
       where d.tenant_id = app.tenant() and d.state in ('submitted', 'returned', 'approved') and d.name_norm % n.v and d.name_norm <> n.v
       order by 2 desc, d.deal_id limit least(most, 20)) s
$$;
do $$ begin
  execute 'grant create on schema app to entente_definer';
  execute 'alter function app.similar_deals(text[], int) owner to entente_definer';
  execute 'revoke all on function app.similar_deals(text[], int) from public';
  execute 'revoke create on schema app from entente_definer';
end $$;
-- +goose StatementEnd
create trigger deal_claim_vendor before update on app.deal_claim for each row execute function app.deal_claim_only_shrinks();
grant execute on function app.similar_deals(text[], int) to entente_staff, entente_worker;
