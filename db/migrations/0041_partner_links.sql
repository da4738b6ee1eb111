-- +goose Up
-- What a partner's write costs. Checking its links planned four statements for each row, more than all the rest of it took.

-- +goose StatementBegin
-- A foreign key knows the tenant and does not know the partner: its check sees rows that row-level security hides. So what the
-- partner persona writes may refer only to rows that it can see. A hidden row is refused exactly like one that does not exist.
-- Arguments, four for each foreign key: its name, its column, the table and the column that it refers to.
-- The tables that are referred to most have statements of their own, which are planned once for each connection. Nobody needs
-- to look whether a partner sees itself, its own people at work, or a stage: stages are the tenant's, which the key compares.
create or replace function app.partner_links() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
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
end $$;
-- +goose StatementEnd

-- A partner belongs to one tenant: who does not know that takes a partner's accounts for next to none, and reads all of them for
-- every single account that the partner asks for.
create statistics app.account_partner_belongs (dependencies) on tenant_id, partner_id, account_id from app.account_partner;
create statistics app.deal_belongs (dependencies) on tenant_id, partner_id, owner_id from app.deal;
