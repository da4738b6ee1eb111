-- +goose Up
-- What is not stored goes with the next run; the look ahead said that it stays until tomorrow.

-- +goose StatementBegin
create or replace function app.retention_terms(in_table text, in_category text, out rel oid, out how text, out mine text, out due text, out last_day text, out event text,
                                    out keep interval, out stored boolean, out began text, out blank jsonb, out duty text, out problem text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  d   record;
  r   record;
  law record;
  account timestamptz;
  at  timestamptz := app.clock();
  the_tenant uuid := app.tenant();
  of_law text;
begin
  select * into d from app.retention_of(to_regclass(format('app.%I', in_table))) x where x.category = in_category;
  if not found or the_tenant is null then
    raise exception 'app.retention_terms: % does not hold % or no tenant is bound', in_table, in_category using errcode = '22023';
  end if;
  rel := d.rel; how := d.how; blank := d.blank; stored := true;
  mine := case when d.shared then 'true' when d.partial then format('(t.tenant_id = %L or t.tenant_id is null)', the_tenant) else format('t.tenant_id = %L', the_tenant) end || app.retention_only(d.rel, d.how, in_category, 't');
  select x.* into r from app.retention_rule x where x.tenant_id = the_tenant and x.category = in_category;
  select t.deletion_requested_at into account from app.tenant t where t.tenant_id = the_tenant;
  event := r.event; keep := r.keep; due := 'false'; last_day := 'null::date';
  if r.category is null then
    problem := 'no rule';
    return;
  end if;
  stored := r.stored;
  began := app.retention_event(d.events, r.event, account);
  if began is null and r.event <> 'account-deletion' then
    problem := 'no event ' || r.event;
    return;
  end if;
  began := coalesce(began, 'null::timestamptz');
  if keep is not null then
    due := case when stored or d.shared then format('%s < %L', began, app.retention_cutoff(keep, at)) else 'true' end;
    last_day := case when stored or d.shared then format('app.retention_last_day(%s, %L)', began, keep) else format('%L::date', (at at time zone 'UTC')::date - 1) end;
  end if;
  select x.* into law from app.legal_duty x where x.tenant_id = the_tenant and x.category = in_category;
  if law.category is not null and keep is not null then
    of_law := coalesce(app.retention_event(d.events, law.event, account), 'null::timestamptz');
    duty := law.reason;
    due := due || format(' and %s < %L', of_law, app.retention_cutoff(law.keep, at));
    last_day := format('case when %s is not null then greatest(%s, app.retention_last_day(%s, %L)) end', of_law, last_day, of_law, law.keep);
  end if;
end $$;
-- +goose StatementEnd
