package main

// The statements of the fill. They run as superuser with session_replication_role = replica, so that row history, the rules of
// decisions and foreign keys stay out of the way while 1.1 million deals are made; everything else is as the program writes it.
const (
	sqlQuick = `set session_replication_role = replica; set synchronous_commit = off; set maintenance_work_mem = '768MB'; set work_mem = '128MB';
set max_parallel_maintenance_workers = 2; set statement_timeout = 0; set search_path = app, public`

	// Building an index over what is there costs a fraction of keeping it while rows arrive.
	sqlIndexes = `select c.relname, pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid
 where i.indrelid = 'app.deal'::regclass and not i.indisunique order by c.relname`

	sqlTemp = `
create temp table if not exists b_account (n int, account_id uuid, name text, name_norm text, domain text, country text, claim_key text, search text);
create temp table if not exists b_partner (n int, partner_id uuid, name text, name_norm text);
create temp table if not exists b_member (partner_n int, k int, member_id uuid, person_id uuid, name text, email text, role text);
truncate b_account, b_partner, b_member`

	sqlPartners = `
insert into partner (tenant_id, partner_id, name, name_norm, kind, domains, country, region, status, external_id, created_at, updated_at)
select $1, partner_id, name, name_norm, 'reseller', array[replace(name_norm, ' ', '-') || '.com'], 'DE', (array['North', 'South', 'East', 'West'])[1 + n % 4], 'active',
       'P-' || n, now() - interval '3 years' + n * interval '1 hour', now() - interval '1 year' from b_partner`
	sqlPersons = `insert into person (person_id, email, name, created_at) select person_id, email, name, now() - interval '2 years' from b_member`
	sqlMembers = `
insert into member (tenant_id, member_id, kind, person_id, partner_id, role, name, email, status, created_at, updated_at)
select $1, m.member_id, 'person', m.person_id, p.partner_id, m.role, m.name, m.email, 'active', now() - interval '2 years', now() - interval '2 years'
  from b_member m left join b_partner p on p.n = m.partner_n`
	sqlAccounts = `
insert into account (tenant_id, account_id, name, name_norm, domain, country, sector, employees, source, external_id, created_at, updated_at)
select $1, account_id, name, name_norm, domain, country, (array['retail', 'health', 'finance', 'software', 'energy'])[1 + n % 5], 10 + n * 7 % 9000,
       'partner', 'A-' || n, now() - interval '3 years' + n * interval '1 minute', now() - interval '1 year' from b_account`
	sqlContacts = `
insert into contact (tenant_id, contact_id, account_id, name, email, title, created_at, updated_at)
select $1, gen_random_uuid(), account_id, (array['Ada', 'Ben', 'Cleo', 'Dan', 'Eve'])[1 + (n + k) % 5] || ' ' || split_part(name, ' ', 1) || k,
       'c' || n || '.' || k || '@' || domain, 'Buyer', now() - interval '2 years', now() - interval '2 years'
  from b_account cross join generate_series(1, 2) k`

	// $1 tenant, $2 deals, $3 partners, $4 accounts, $5 open stages, $6 won, $7 lost, $8 seed, $9 people of each partner.
	// Partners are of unequal size: of 200, the largest has 7 % of the deals and the median 0.35 %. A partner works with a
	// pool of customers, each of which is known to a few partners. Ids grow with time, like the program's.
	sqlDeals = `
insert into deal (tenant_id, deal_id, partner_id, owner_id, account_id, title, account_name, account_domain, account_country, claim_key, name_norm, search_text,
  state, stage_id, amount_minor, currency, product, expected_close_on, submitted_at, decided_at, protected_until, closed_on, reason_code, answer, source,
  external_id, created_by, created_at, updated_at)
select $1, x.deal_id, p.partner_id, m.member_id, a.account_id, x.title, a.name, a.domain, a.country, a.claim_key, a.name_norm,
       lower(x.title) || ' ' || a.search || ' ' || lower(x.product), x.state,
       case x.state when 'won' then $6::uuid when 'lost' then $7::uuid when 'approved' then ($5::uuid[])[1 + (x.h4 % cardinality($5::uuid[]))::int] else ($5::uuid[])[1] end,
       case when x.h5 % 20 > 0 then 100 * round(exp(4 + 8 * x.u5))::bigint end, 'EUR', x.product,
       (x.at + (20 + x.h6 % 160) * interval '1 day')::date,
       case when x.state not in ('draft', 'withdrawn') then x.at + interval '2 hours' end,
       case when x.state in ('approved', 'rejected', 'returned', 'won', 'lost', 'expired') then x.at + interval '1 day' end,
       case x.state when 'approved' then now() + (2 + x.h6 % 90) * interval '1 day' when 'won' then x.at + interval '91 days' when 'lost' then x.at + interval '91 days'
                    when 'expired' then x.at + interval '30 days' end,
       case when x.state in ('won', 'lost') then (x.at + (5 + x.h6 % 60) * interval '1 day')::date end,
       case when x.state in ('rejected', 'returned') then 'incomplete' else '' end,
       case when x.state in ('draft', 'withdrawn') then '' else 'free' end, 'import', 'D-' || x.i, m.member_id, x.at, x.at + interval '1 day'
  from (
    select i, at, h4, h5, h6, (h5 % 100000) / 100000.0 as u5,
           least(floor($3::int * power((h1 % 1000003) / 1000003.0, 2))::int, $3::int - 1) as partner_n, h2, h3,
           (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid as deal_id,
           (array['Renewal', 'Rollout', 'Expansion', 'Pilot', 'Migration', 'Refresh', 'Replacement', 'Upgrade'])[1 + (h4 % 8)::int] || ' ' || i as title,
           (array['GTX Basic', 'GTX Pro', 'GTX Plus Basic', 'GTX Plus Pro', 'MG Special', 'MG Advanced', 'GTK 500'])[1 + (h6 % 7)::int] as product,
           case when i > 0.9 * $2::int and h3 % 100 < 20 then 'submitted' when h3 % 100 < 8 then 'draft' when h3 % 100 < 20 then 'approved' when h3 % 100 < 26 then 'rejected'
                when h3 % 100 < 31 then 'withdrawn' when h3 % 100 < 34 then 'expired' when h3 % 100 < 35 then 'returned' when h3 % 100 < 76 then 'won' else 'lost' end as state
      from (
        select i, date_trunc('milliseconds', now()) - interval '730 days' * (1 - i / ($2::int + 1.0)) as at, md5($8 || ':' || i) as hash,
               hashint8extended(i, 11) & 2147483647 as h1, hashint8extended(i, 12) & 2147483647 as h2, hashint8extended(i, 13) & 2147483647 as h3,
               hashint8extended(i, 14) & 2147483647 as h4, hashint8extended(i, 15) & 2147483647 as h5, hashint8extended(i, 16) & 2147483647 as h6
          from generate_series(1, $2::int) i) r) x
  join b_partner p on p.n = x.partner_n
  join b_member m on m.partner_n = x.partner_n and m.k = (x.h2 % $9::int)::int
  join b_account a on a.n = (x.partner_n * 25 + x.h3 / 100 % 100) % $4::int
 order by x.i`

	sqlShares = `
insert into account_partner (tenant_id, partner_id, account_id, created_at)
select distinct on (partner_id, account_id) tenant_id, partner_id, account_id, created_at from deal where tenant_id = $1`
	sqlClaims = `
insert into deal_claim (tenant_id, claim_id, deal_id, partner_id, claim_key, period)
select distinct on (claim_key) tenant_id, gen_random_uuid(), deal_id, partner_id, claim_key, tstzrange(decided_at, protected_until)
  from deal where tenant_id = $1 and state = 'approved' and claim_key <> '' order by claim_key, decided_at desc`
	sqlEntries = `
insert into audit_entry (tenant_id, entry_id, at, op_id, actor_kind, actor_id, actor_name, actor_role, partner_id, action, outcome, object_type, object_id, object_label)
select tenant_id, gen_random_uuid(), created_at, gen_random_uuid(), 'person', owner_id, 'Somebody', 'agent', partner_id, 'deal.create', 'done', 'deal', deal_id, title
  from deal where tenant_id = $1`

	sqlKey = `
insert into api_key (tenant_id, key_id, member_id, partner_id, name, prefix, key_hash, created_at)
select tenant_id, gen_random_uuid(), member_id, partner_id, 'bench', $3, $4, now() from member where tenant_id = $1 and member_id = $2`
	sqlSession = `
insert into session (session_id, token_hash, person_id, tenant_id, member_id, created_at, last_seen_at, idle_expires_at, expires_at)
select gen_random_uuid(), $3, person_id, tenant_id, member_id, now(), now(), now() + interval '1 day', now() + interval '1 day' from member where tenant_id = $1 and member_id = $2`

	sqlRevive = `update session set idle_expires_at = now() + interval '1 day', expires_at = now() + interval '1 day', revoked_at = null`

	sqlStages = `select stage_id, kind from stage where tenant_id = $1 order by position`
	sqlPeople = `
select m.member_id, m.partner_id, (select count(*) from deal d where d.tenant_id = m.tenant_id and d.partner_id = m.partner_id)
  from b_member b join member m on m.tenant_id = $1 and m.member_id = b.member_id where b.role = $2 order by b.partner_n, b.k`
)
