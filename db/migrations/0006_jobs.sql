-- +goose Up
-- Jobs enter River's queue only through this function, in the business transaction, for the tenant bound to it.
-- Of jobs of one (tenant, kind, unique key) that have not started there is at most one.
-- +goose StatementBegin
create function app.enqueue(in_kind text, in_args jsonb, in_run_at timestamptz default null, in_unique text default null)
returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
    the_tenant uuid := app.tenant();
    the_run_at timestamptz := greatest(coalesce(in_run_at, now()), now());
    the_state  river.river_job_state := case when in_run_at > now() then 'scheduled' else 'available' end;
    the_args   jsonb;
    the_key    bytea;
    the_id     bigint;
    the_time   timestamptz;
begin
    if the_tenant is null then
        raise exception 'app.enqueue: no tenant is bound to this transaction' using errcode = '42501';
    end if;
    if in_kind is null or in_kind !~ '^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$' or length(in_kind) > 100 then
        raise exception 'app.enqueue: not a job kind: %', left(in_kind, 100) using errcode = '22023';
    end if;
    if in_args is null or jsonb_typeof(in_args) <> 'object' or octet_length(in_args::text) > 8192 then
        raise exception 'app.enqueue: arguments of % must be an object of at most 8192 bytes', in_kind using errcode = '22023';
    end if;
    the_args := in_args || jsonb_build_object('tenant', the_tenant);

    -- Slot 0 is the one that waits; slot 1 waits while slot 0 runs; if both run, the job goes in without a key.
    for slot in 0 .. 2 loop
        the_key := case when in_unique is not null and slot < 2 then
            sha256(convert_to(jsonb_build_array(the_tenant, in_kind, in_unique, slot)::text, 'UTF8')) end;
        insert into river.river_job as j
            (args, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags, unique_key, unique_states)
        values
            (the_args, in_kind, 8, '{}', 1, 'default', the_run_at, the_state, '{}', the_key,
             -- unique among: scheduled, running, retryable, pending | discarded, completed, cancelled | available
             case when the_key is not null then b'11110001'::bit(8) end)
        on conflict (unique_key)
            where unique_key is not null and unique_states is not null and river.river_job_state_in_bitmask(unique_states, state)
            do nothing
        returning j.id into the_id;
        if the_id is not null then
            if the_state = 'available' then
                perform pg_notify('river.river_insert', '{"queue": "default"}');
            end if;
            return the_id;
        end if;
        select j.id, j.scheduled_at into the_id, the_time from river.river_job j
         where j.unique_key = the_key and j.unique_states is not null
           and j.state in ('available', 'scheduled', 'retryable', 'pending')
           for share;
        if the_id is not null then
            if the_time > the_run_at then
                update river.river_job j set scheduled_at = the_run_at, state = the_state where j.id = the_id;
                if the_state = 'available' then
                    perform pg_notify('river.river_insert', '{"queue": "default"}');
                end if;
            end if;
            return the_id;
        end if;
    end loop;
    raise exception 'app.enqueue: unreachable';
end
$fn$;
-- +goose StatementEnd
revoke all on function app.enqueue(text, jsonb, timestamptz, text) from public;
grant create on schema app to entente_jobs;
alter function app.enqueue(text, jsonb, timestamptz, text) owner to entente_jobs;
revoke create on schema app from entente_jobs;
grant execute on function app.enqueue(text, jsonb, timestamptz, text) to entente_staff, entente_partner, entente_public, entente_worker, entente_platform;
