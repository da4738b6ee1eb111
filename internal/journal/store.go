package journal

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlVisits = `insert into access_log (tenant_id, at, actor_kind, actor_name, member_id, partner_id, ip, method, route, action, status, took_us, user_agent, request_id)
select app.tenant(), v.* from unnest($1::timestamptz[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::int[], $11::bigint[], $12::text[], $13::text[]) as v`
	sqlSteps = `insert into workflow_log (tenant_id, at, kind, name, outcome, took_us, fault)
select app.tenant(), v.* from unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[]) as v`
	sqlUsage = `insert into usage_event (tenant_id, day, member_id, partner_id, route, visits)
select app.tenant(), v.* from unnest($1::date[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[]) as v
on conflict on constraint usage_event_page_uq do update set visits = usage_event.visits + excluded.visits`
	sqlUsageDay = `insert into usage_day (tenant_id, day, partner_id, route, visits)
select app.tenant(), v.* from unnest($1::date[], $2::uuid[], $3::text[], $4::bigint[]) as v
on conflict on constraint usage_day_side_uq do update set visits = usage_day.visits + excluded.visits`
	sqlFault = `insert into error_report (tenant_id, report_id, fingerprint, title, route, trace, seen, first_at, last_at) values (app.tenant(), $1, $2, $3, $4, $5, $6, $7, $8)
on conflict on constraint error_report_fingerprint_uq do update set seen = error_report.seen + excluded.seen, last_at = greatest(error_report.last_at, excluded.last_at),
  state = 'open', solved_at = null, solved_by = null, solved_by_name = '', version = error_report.version + 1
returning report_id`
	sqlOccurrences = `insert into error_occurrence (tenant_id, report_id, at, member_id, method, status, request_id)
select app.tenant(), $1, v.* from unnest($2::timestamptz[], $3::uuid[], $4::text[], $5::int[], $6::text[]) as v`

	sqlAccess = `select access_id, at, actor_kind, actor_name, member_id, partner_id, ip, method, route, action, status, took_us, user_agent, request_id from access_log
 where tenant_id = (select app.tenant()) and ($1 = '' or actor_name ilike $1 or route ilike $1) and ($2 = '' or ip = $2) and status between $3 and $4 and ($5 = '' or method = $5)
   and ($6::uuid is null or member_id = $6) and at >= $7 and at < $8 and ($9::timestamptz is null or (at, access_id) < ($9, $10))
 order by at desc, access_id desc limit $11`
	sqlErrors = `select report_id, title, route, trace, state, seen, first_at, last_at, solved_at, solved_by_name, version from error_report
 where tenant_id = (select app.tenant()) and ($1 = '' or state = $1) and ($2::timestamptz is null or (last_at, report_id) < ($2, $3))
 order by last_at desc, report_id desc limit $4`
	sqlError = `select report_id, title, route, trace, state, seen, first_at, last_at, solved_at, solved_by_name, version from error_report
 where tenant_id = (select app.tenant()) and report_id = $1`
	sqlLockError  = sqlError + ` for update`
	sqlSaveState  = `update error_report set state = $2, solved_at = $3, solved_by = $4, solved_by_name = $5, version = $6 where tenant_id = (select app.tenant()) and report_id = $1`
	sqlHappenings = `select at, member_id, method, status, request_id from error_occurrence where tenant_id = (select app.tenant()) and report_id = $1 order by at desc, occurrence_id limit 50`
	sqlWorkflows  = `select entry_id, at, kind, name, outcome, took_us, fault from workflow_log
 where tenant_id = (select app.tenant()) and ($1 = '' or kind = $1) and ($2 = '' or outcome = $2) and ($3 = '' or name ilike $3) and ($4::timestamptz is null or (at, entry_id) < ($4, $5))
 order by at desc, entry_id desc limit $6`
	sqlAdoption = `select coalesce(sum(visits), 0)::bigint, max(day) from usage_day where tenant_id = (select app.tenant()) and partner_id = $1 and day > $2`
	sqlAdopters = `select count(distinct member_id) from usage_event where tenant_id = (select app.tenant()) and partner_id = $1 and day > $2`
)

// opt is NULL for Nil.
func opt(v id.ID) *id.ID {
	if v == id.Nil {
		return nil
	}
	return &v
}

func insert(ctx context.Context, tx *op.Tx, b *batch, analytics bool) error {
	batch := &pgx.Batch{}
	if len(b.visits) > 0 {
		batch.Queue(sqlVisits, visitArrays(b.visits)...)
	}
	if len(b.steps) > 0 {
		batch.Queue(sqlSteps, stepArrays(b.steps)...)
	}
	if uses := usage(b.visits, true); analytics && len(uses) > 0 {
		days, members, partners, routes, visits := useArrays(uses)
		batch.Queue(sqlUsage, days, members, partners, routes, visits)
	}
	if uses := usage(b.visits, false); len(uses) > 0 {
		days, _, partners, routes, visits := useArrays(uses)
		batch.Queue(sqlUsageDay, days, partners, routes, visits)
	}
	if batch.Len() > 0 {
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
	}
	for _, f := range faults(b.visits) {
		if err := insertFault(ctx, tx, f); err != nil {
			return err
		}
	}
	return nil
}

func insertFault(ctx context.Context, tx *op.Tx, f fault) error {
	first, last := f.visits[0].At, f.visits[0].At
	var at []time.Time
	var members []*id.ID
	var methods, requests []string
	var statuses []int32
	for _, v := range f.visits {
		if v.At.Before(first) {
			first = v.At
		}
		if v.At.After(last) {
			last = v.At
		}
		at, members, methods = append(at, v.At), append(members, opt(v.Member)), append(methods, v.Method)
		statuses, requests = append(statuses, int32(v.Status)), append(requests, v.RequestID)
	}
	var report id.ID
	if err := tx.QueryRow(ctx, sqlFault, f.id, f.fingerprint, f.title, f.route, f.trace, len(f.visits), first, last).Scan(&report); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqlOccurrences, report, at, members, methods, statuses, requests)
	return err
}

func visitArrays(visits []Visit) []any {
	n := len(visits)
	at, took := make([]time.Time, n), make([]int64, n)
	members, partners, status := make([]*id.ID, n), make([]*id.ID, n), make([]int32, n)
	var text [8][]string
	for i, v := range visits {
		at[i], took[i], members[i], partners[i], status[i] = v.At, v.Took.Microseconds(), opt(v.Member), opt(v.Partner), int32(min(max(v.Status, 100), 599))
		for k, s := range []string{v.Kind, clip(v.Name, 300), v.IP, clip(v.Method, 16), clip(v.Route, 300), v.Action, clip(v.UserAgent, 300), v.RequestID} {
			text[k] = append(text[k], s)
		}
	}
	return []any{at, text[0], text[1], members, partners, text[2], text[3], text[4], text[5], status, took, text[6], text[7]}
}

func stepArrays(steps []Step) []any {
	var at []time.Time
	var kinds, names, outcomes, codes []string
	var took []int64
	for _, v := range steps {
		at, kinds, names, outcomes = append(at, v.At), append(kinds, v.Kind), append(names, clip(v.Name, 200)), append(outcomes, clip(v.Outcome, 40))
		took, codes = append(took, v.Took.Microseconds()), append(codes, clip(v.Fault, 300))
	}
	return []any{at, kinds, names, outcomes, took, codes}
}

func useArrays(uses []use) (days []time.Time, members, partners []*id.ID, routes []string, visits []int64) {
	for _, u := range uses {
		days, members, partners = append(days, u.day), append(members, opt(u.member)), append(partners, opt(u.partner))
		routes, visits = append(routes, clip(u.route, 300)), append(visits, u.visits)
	}
	return days, members, partners, routes, visits
}

func lockError(ctx context.Context, tx *op.Tx, v id.ID) (Report, error) {
	rows, err := tx.Query(ctx, sqlLockError, v)
	if err != nil {
		return Report{}, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Report])
	if err == nil && len(all) == 0 {
		err = errs.Missing("error_report")
	}
	if err != nil {
		return Report{}, err
	}
	return all[0], nil
}

func saveState(ctx context.Context, tx *op.Tx, r Report, by id.ID) error {
	_, err := tx.Exec(ctx, sqlSaveState, r.ID, r.State, r.SolvedAt, opt(by), r.SolvedBy, r.Version)
	return err
}
