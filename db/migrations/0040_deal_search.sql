-- +goose Up
-- Search that costs what one programme's matches cost, however many programmes share the table. The trigrams that pg_trgm keeps are
-- those of all tenants, and beside them a tenant in a GIN index is the list of all its deals: with 1.1 million deals in 21
-- programmes a search read both and took 10 ms of processor time. Here every trigram carries its tenant's mark.

-- search_trigrams returns the trigrams of txt as pg_trgm sees them, each behind a mark of the tenant. Marks of two tenants may be
-- the same: what the index finds is compared with the tenant again.
create function app.search_trigrams(tenant uuid, txt text) returns text[] language sql immutable parallel safe
return string_to_array(right(tenant::text, 8) || replace(array_to_string(public.show_trgm(txt), ','), ',', ',' || right(tenant::text, 8)), ',');

-- search_wanted returns the trigrams that every text has in which words stand, somewhere; null when there are none. The first
-- and the last word may be parts of longer ones, so that what pg_trgm puts around them does not count.
create function app.search_wanted(tenant uuid, words text) returns text[] language sql immutable parallel safe
return (
  select array_agg(distinct right(tenant::text, 8) || t.v)
    from string_to_table(words, ' ') with ordinality as w (v, n) cross join lateral unnest(public.show_trgm(w.v)) as t (v)
   where not (w.n = 1 and t.v = any (public.show_trgm(left(w.v, 1)) || public.show_trgm(left(w.v, 2))))
     and not (w.n = 1 + length(words) - length(replace(words, ' ', '')) and t.v = any (public.show_trgm(right(w.v, 2))) and t.v <> all (public.show_trgm(right(w.v, 2) || 'x'))));

revoke all on function app.search_trigrams(uuid, text), app.search_wanted(uuid, text) from public;
grant execute on function app.search_trigrams(uuid, text) to entente_staff, entente_partner, entente_worker, entente_definer;
grant execute on function app.search_wanted(uuid, text) to entente_definer;

drop index app.deal_search_ix;
-- A search reads all that waits for its place in the index, so the waiting room is small.
create index deal_search_ix on app.deal using gin (app.search_trigrams(tenant_id, search_text) collate "C") with (gin_pending_list_limit = 512);

-- +goose StatementBegin
-- search_deals returns the newest ids, at most `most`, of deals whose search text contains the LIKE pattern. A pattern that begins
-- with '% ' looks at the beginnings of words, the first word included: for words too short for three characters. For the
-- partner persona the partner bound to the transaction is always applied.
--
-- Which way is shortest depends on the pattern and on whose deals they are: a small partner's are looked through; what is common
-- is soon found among the newest; the index finds what is rare. Its statements are planned once for each connection.
create or replace function app.search_deals(pattern text, most int) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp set plan_cache_mode = force_generic_plan as $$
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
end $$;
-- +goose StatementEnd
