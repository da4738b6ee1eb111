-- +goose Up
-- Whose processing is restricted is named to nobody by the audit log either: the program asks for each entry that it is about to show.

-- +goose StatementBegin
-- restricted says whether an id is that of a contact or member of the bound tenant whose processing is restricted. Nobody is hidden
-- from themselves.
create function app.restricted(in_id uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select in_id is not null and (
    exists (select from app.contact c where c.tenant_id = app.tenant() and c.contact_id = in_id and c.restricted_at is not null)
    or exists (select from app.member m where m.tenant_id = app.tenant() and m.member_id = in_id and m.restricted_at is not null and m.member_id is distinct from app.member()))
$$;
do $$ begin
  execute 'grant create on schema app to entente_definer';
  execute 'alter function app.restricted(uuid) owner to entente_definer';
  execute 'revoke all on function app.restricted(uuid) from public';
  execute 'revoke create on schema app from entente_definer';
end $$;
-- +goose StatementEnd
grant execute on function app.restricted(uuid) to entente_staff, entente_partner, entente_worker;
