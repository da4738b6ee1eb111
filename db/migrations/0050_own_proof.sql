-- +goose Up
-- A membership is a row that the personas write, and app.person_for_email gives the id behind any address: a membership proves
-- nothing about the person it names. What reaches beyond the tenant, to the person, asks for more.

-- The hash of a password is read by entente_public only. change_my_password wants the old hash, which nobody else can know.
drop function app.my_password();

-- +goose StatementBegin
-- my_sessions lists the living sessions of the person behind app.member(), who must be at work there: a session says so, and
-- sessions are written by sign-in only.
create or replace function app.my_sessions(at timestamptz)
returns table (session_id uuid, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz, ip text, user_agent text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.session_id, s.created_at, s.last_seen_at, s.expires_at, s.ip, s.user_agent
    from app.member m join app.session s on s.person_id = m.person_id
   where m.tenant_id = app.tenant() and m.member_id = app.member() and s.revoked_at is null and s.expires_at > at and s.idle_expires_at > at
     and exists (select from app.session w where w.person_id = m.person_id and w.tenant_id = m.tenant_id and w.member_id = m.member_id
       and w.revoked_at is null and w.expires_at > at and w.idle_expires_at > at)
   order by s.last_seen_at desc, s.session_id limit 200
$$;

-- end_my_sessions ends sessions of the person behind app.member(), who must be at work there: the one named, or all but
-- in_keep. It returns which.
create or replace function app.end_my_sessions(in_one uuid, in_keep uuid, at timestamptz) returns setof uuid
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update app.session s set revoked_at = at from app.member m
   where m.tenant_id = app.tenant() and m.member_id = app.member() and s.person_id = m.person_id and s.revoked_at is null
     and (in_one is null or s.session_id = in_one) and (in_keep is null or s.session_id <> in_keep)
     and exists (select from app.session w where w.person_id = m.person_id and w.tenant_id = m.tenant_id and w.member_id = m.member_id
       and w.revoked_at is null and w.expires_at > at and w.idle_expires_at > at)
  returning s.session_id
$$;
-- +goose StatementEnd
