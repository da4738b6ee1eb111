-- +goose Up
-- How long the evidence and the concerns are kept.
call app.retain('promise_evidence', 'audit-log', 'recorded', 'at');
call app.retain_job('installation_evidence', 'audit-log', 'trust.forget', 'recorded', 'at');
call app.retain('concern', 'workflow-log', 'recorded', 'created_at');

-- Benchmarks across programmes. A programme takes part only when its Admin said so, and the last word counts. What is released holds no programme's id: a
-- figure, how many stand behind it, and marks that only the holder of the installation's secret can tell apart, so that a later
-- release can be held against this one.
create table app.benchmark_choice (
  tenant_id  uuid not null constraint benchmark_choice_tenant_fk references app.tenant,
  choice_id  uuid not null,
  opted_in   boolean not null,
  said_by    uuid,
  said_by_name text not null,
  said_at    timestamptz not null default app.now(),
  constraint benchmark_choice_pk primary key (tenant_id, choice_id)
);
create index benchmark_choice_said_ix on app.benchmark_choice (tenant_id, said_at desc, choice_id desc);
call app.protect('benchmark_choice', 'select, insert', worker => 'select, insert, delete');
call app.keep_history('benchmark_choice', 'choice_id');
call app.classify('benchmark_choice', 'authorization', 'internal', 'tenant_id choice_id opted_in said_by said_at');
call app.classify('benchmark_choice', 'authorization', 'personal', 'said_by_name');
call app.retain_tenant('benchmark_choice', 'authorization');

create table app.benchmark_release (
  release_id  uuid not null constraint benchmark_release_pk primary key,
  quarter     date not null constraint benchmark_release_quarter_uq unique constraint benchmark_release_quarter_ck check (quarter = date_trunc('quarter', quarter)::date),
  released_at timestamptz not null
);
create table app.benchmark_cell (
  cell_id      uuid not null constraint benchmark_cell_pk primary key,
  release_id   uuid not null constraint benchmark_cell_release_fk references app.benchmark_release,
  metric       text not null constraint benchmark_cell_metric_ck check (metric in ('decision-days', 'win-rate', 'deal-size')),
  segment      text not null,
  figure       double precision not null,
  contributors int not null constraint benchmark_cell_contributors_ck check (contributors >= 10), -- nobody is told exactly
  band         text not null constraint benchmark_cell_band_ck check (band in ('10 to 19', '20 to 49', '50 to 99', '100 or more')),
  marks        bytea[] not null constraint benchmark_cell_marks_ck check (cardinality(marks) = contributors),
  constraint benchmark_cell_once_uq unique (release_id, metric, segment)
);
alter table app.benchmark_release enable row level security;
alter table app.benchmark_release force row level security;
alter table app.benchmark_cell enable row level security;
alter table app.benchmark_cell force row level security;
grant select, insert on app.benchmark_release, app.benchmark_cell to entente_worker;
grant select on app.benchmark_release to entente_staff;
grant select (cell_id, release_id, metric, segment, figure, band) on app.benchmark_cell to entente_staff;
create policy worker_reach on app.benchmark_release for all to entente_worker using (true) with check (true);
create policy worker_reach on app.benchmark_cell for all to entente_worker using (true) with check (true);
-- Only a programme that takes part sees figures, from the moment it says so to the moment it takes that back.
create policy partaker on app.benchmark_release for select to entente_staff
  using ((select c.opted_in from app.benchmark_choice c where c.tenant_id = (select app.tenant()) order by c.said_at desc, c.choice_id desc limit 1));
create policy partaker on app.benchmark_cell for select to entente_staff
  using ((select c.opted_in from app.benchmark_choice c where c.tenant_id = (select app.tenant()) order by c.said_at desc, c.choice_id desc limit 1));
call app.classify('benchmark_release', 'business-data', 'internal', 'release_id quarter released_at');
call app.classify('benchmark_cell', 'business-data', 'internal', 'cell_id release_id metric segment figure contributors band');
call app.classify('benchmark_cell', 'business-data', 'secret', 'marks');
call app.retain_tenant('benchmark_release', 'business-data');
call app.retain_tenant('benchmark_cell', 'business-data');
