package incident

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	columns = `tenant_id, incident_id, number, title, kind, severity, description, status, detected_at, aware_at, contained_at, resolved_at, closed_at, reported_by, reported_by_name,
  nature, categories, people_count, record_count, consequences, measures, risk, notify_decision, notify_reason, pm_summary, pm_cause, pm_impact, pm_response, pm_lessons, version, created_at, updated_at`
	clockColumns = `c.tenant_id, c.clock_id, c.incident_id, c.template, c.step, c.label, c.starts_at, c.due_at, c.met_at, c.met_by_name, c.met_note, c.waived_at, c.alarm_half_at, c.alarm_quarter_at, c.alarm_last_at, c.alarm_passed_at, c.created_at`
)

const (
	sqlGet  = `select ` + columns + ` from incident where tenant_id = $1 and incident_id = $2`
	sqlLock = sqlGet + ` for update`
	sqlList = `select ` + columns + ` from incident where tenant_id = $1 and (created_at, incident_id) < ($2, coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
   and ($4 = '' or status = $4 or $4 = 'open' and status not in ('closed', 'dismissed')) order by created_at desc, incident_id desc limit $5`
	sqlNumber = `select coalesce(max(number), 0) + 1 from incident where tenant_id = $1`
	sqlInsert = `insert into incident (tenant_id, incident_id, number, title, kind, severity, description, status, detected_at, reported_by, reported_by_name, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)`
	sqlUpdate = `update incident set status = $3, aware_at = $4, contained_at = $5, resolved_at = $6, closed_at = $7, nature = $8, categories = $9, people_count = $10, record_count = $11,
  consequences = $12, measures = $13, risk = $14, notify_decision = $15, notify_reason = $16, pm_summary = $17, pm_cause = $18, pm_impact = $19, pm_response = $20, pm_lessons = $21,
  severity = $22, version = $23, updated_at = $24 where tenant_id = $1 and incident_id = $2 and version = $23 - 1`

	sqlClocks    = `select ` + clockColumns + ` from incident_clock c where c.tenant_id = $1 and c.incident_id = $2 order by c.due_at, c.clock_id`
	sqlClocksOf  = `select ` + clockColumns + ` from incident_clock c where c.tenant_id = $1 and c.incident_id = any ($2) and c.met_at is null and c.waived_at is null order by c.due_at`
	sqlLockClock = `select ` + clockColumns + ` from incident_clock c where c.tenant_id = $1 and c.clock_id = $2 for update`
	sqlRunning   = `select ` + clockColumns + ` from incident_clock c where c.tenant_id = $1 and c.met_at is null and c.waived_at is null order by c.due_at limit 500 for update`
	sqlNearest   = `select ` + clockColumns + `, i.number, i.title from incident_clock c join incident i on i.tenant_id = c.tenant_id and i.incident_id = c.incident_id
 where c.tenant_id = $1 and c.met_at is null and c.waived_at is null order by c.due_at, c.clock_id limit $2`
	sqlInsertClock = `insert into incident_clock (tenant_id, clock_id, incident_id, template, step, label, starts_at, due_at, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict on constraint incident_clock_step_uq do nothing`
	sqlSettleClock = `update incident_clock set due_at = $3, met_at = $4, met_by_name = $5, met_note = $6, waived_at = $7, alarm_half_at = $8, alarm_quarter_at = $9, alarm_last_at = $10, alarm_passed_at = $11
 where tenant_id = $1 and clock_id = $2`
	sqlContract = `select extract(epoch from keep)::bigint from policy_clock where tenant_id = $1 and clock = 'breach-notice' and keep is not null`

	sqlEntries     = `select tenant_id, entry_id, incident_id, at, by_id, by_name, kind, body from incident_entry where tenant_id = $1 and incident_id = $2 order by at desc, entry_id desc limit 500`
	sqlInsertEntry = `insert into incident_entry (tenant_id, entry_id, incident_id, at, by_id, by_name, kind, body) values ($1, $2, $3, $4, $5, $6, $7, $8)`

	sqlAffected      = `select affected_id, kind, ref_id, partner_id, name, email, records, why from incident_affected where tenant_id = $1 and incident_id = $2 order by kind = 'contact', kind = 'member', lower(name), affected_id limit $3`
	sqlCountAffected = `select kind, count(*) as n, coalesce(sum(records), 0)::bigint as records, count(*) filter (where email <> '') as reachable from incident_affected where tenant_id = $1 and incident_id = $2 group by kind order by kind`
	sqlClearAffected = `delete from incident_affected where tenant_id = $1 and incident_id = $2`

	// A partner is affected when it has data of a chosen category that was there in the period and, where evidence is asked for, when its
	// records or its people are in the log of that time.
	sqlFindPartners = `
insert into incident_affected (tenant_id, affected_id, incident_id, kind, ref_id, partner_id, name, records, why, created_at)
select p.tenant_id, gen_random_uuid(), $2, 'partner', p.partner_id, p.partner_id, p.name, n.deals + n.contacts + n.people, concat_ws(', ', case when n.deals > 0 then n.deals || ' deals' end,
       case when n.contacts > 0 then n.contacts || ' contacts' end, case when n.people > 0 then n.people || ' people' end), $8
  from partner p
  cross join lateral (select
    case when 'customer-data' = any ($3) then (select count(*) from deal d where d.tenant_id = p.tenant_id and d.partner_id = p.partner_id and d.created_at < $6) else 0 end as deals,
    case when 'customer-data' = any ($3) then (select count(*) from contact c where c.tenant_id = p.tenant_id and c.partner_id = p.partner_id and c.created_at < $6) else 0 end as contacts,
    case when $3 && array['user-account', 'audit-log', 'server-log', 'login-ip', 'email-log', 'preference', 'authorization', 'legal-entity']::text[]
      then (select count(*) from member m where m.tenant_id = p.tenant_id and m.partner_id = p.partner_id and m.status <> 'removed' and m.created_at < $6) else 0 end as people) n
 where p.tenant_id = $1 and (cardinality($4::uuid[]) = 0 or p.partner_id = any ($4)) and n.deals + n.contacts + n.people > 0
   and (not $7 or exists (select from audit_entry e where e.tenant_id = p.tenant_id and e.partner_id = p.partner_id and e.at >= $5 and e.at < $6)
     or exists (select from audit_entry e join member m on m.tenant_id = e.tenant_id and m.member_id = e.actor_id where m.tenant_id = p.tenant_id and m.partner_id = p.partner_id and e.at >= $5 and e.at < $6))`
	// The people of affected partners, for they are told and, where accounts are concerned, affected themselves.
	sqlFindMembers = `
insert into incident_affected (tenant_id, affected_id, incident_id, kind, ref_id, partner_id, name, email, records, why, created_at)
select m.tenant_id, gen_random_uuid(), $2, 'member', m.member_id, m.partner_id, m.name, m.email, 1, 'takes part for ' || a.name, $4
  from incident_affected a join member m on m.tenant_id = a.tenant_id and m.partner_id = a.ref_id
 where a.tenant_id = $1 and a.incident_id = $2 and a.kind = 'partner' and m.kind = 'person' and m.status in ('active', 'suspended') and m.created_at < $3`
	sqlFindContacts = `
insert into incident_affected (tenant_id, affected_id, incident_id, kind, ref_id, partner_id, name, email, records, why, created_at)
select c.tenant_id, gen_random_uuid(), $2, 'contact', c.contact_id, c.partner_id, c.name, c.email, 1, 'contact of ' || a.name, $4
  from incident_affected a join contact c on c.tenant_id = a.tenant_id and c.partner_id = a.ref_id
 where a.tenant_id = $1 and a.incident_id = $2 and a.kind = 'partner' and c.created_at < $3`
	sqlReachable = `select ref_id, kind, coalesce(partner_id, '00000000-0000-0000-0000-000000000000') as partner_id, name, email from incident_affected
 where tenant_id = $1 and incident_id = $2 and email <> '' and kind in ('member', 'contact') order by kind desc, affected_id limit 100000`

	sqlNotices = `select n.tenant_id, n.notice_id, n.incident_id, n.recipient, n.nature, n.impact, n.mitigation, n.contact, n.status, n.sent_at, n.sent_by_name, n.mailing_id,
  coalesce(m.total, 0) as total, coalesce(m.done, 0) as done, n.version, n.created_at, n.updated_at
  from incident_notice n left join notice m on m.tenant_id = n.tenant_id and m.notice_id = n.mailing_id where n.tenant_id = $1`
	sqlNoticesOf    = sqlNotices + ` and n.incident_id = $2 order by n.created_at, n.notice_id limit 200`
	sqlNotice       = sqlNotices + ` and n.notice_id = $2`
	sqlLockNotice   = sqlNotice + ` for update of n`
	sqlInsertNotice = `insert into incident_notice (tenant_id, notice_id, incident_id, recipient, nature, impact, mitigation, contact, version, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`
	sqlUpdateNotice = `update incident_notice set nature = $3, impact = $4, mitigation = $5, contact = $6, status = $7, sent_at = $8, sent_by_name = $9, mailing_id = $10, version = $11, updated_at = $12
 where tenant_id = $1 and notice_id = $2 and version = $11 - 1`

	sqlActions      = `select action_id, incident_id, body, owner_id, owner_name, due_on, done_at from incident_action where tenant_id = $1 and incident_id = $2 order by due_on, action_id limit 200`
	sqlLockAction   = `select action_id, incident_id, body, owner_id, owner_name, due_on, done_at from incident_action where tenant_id = $1 and action_id = $2 for update`
	sqlInsertAction = `insert into incident_action (tenant_id, action_id, incident_id, body, owner_id, owner_name, due_on, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`
	sqlDoneAction   = `update incident_action set done_at = $3 where tenant_id = $1 and action_id = $2`

	sqlAdmins = `select name, email from member where tenant_id = $1 and role = 'admin' and status = 'active' and kind = 'person' and email <> '' order by member_id limit 50`
)

func many[T any](ctx context.Context, tx *op.Tx, sql string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, sql, append([]any{tx.Who.Tenant}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

func one[T any](ctx context.Context, tx *op.Tx, noun, sql string, args ...any) (T, error) {
	all, err := many[T](ctx, tx, sql, args...)
	var zero T
	if err != nil {
		return zero, err
	}
	if len(all) == 0 {
		return zero, errs.Missing(noun)
	}
	return all[0], nil
}

func lock(ctx context.Context, tx *op.Tx, v id.ID) (Incident, error) {
	return one[Incident](ctx, tx, "incident", sqlLock, v)
}

func nextNumber(ctx context.Context, tx *op.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, sqlNumber, tx.Who.Tenant).Scan(&n)
	return n, err
}

func insert(ctx context.Context, tx *op.Tx, i Incident) error {
	_, err := tx.Exec(ctx, sqlInsert, i.TenantID, i.ID, i.Number, i.Title, i.Kind, i.Severity, i.Description, i.Status, i.DetectedAt, i.ReportedBy, i.ReportedByName, i.Version, i.CreatedAt)
	return refused(err)
}

func update(ctx context.Context, tx *op.Tx, i Incident) error {
	tag, err := tx.Exec(ctx, sqlUpdate, i.TenantID, i.ID, i.Status, i.AwareAt, i.ContainedAt, i.ResolvedAt, i.ClosedAt, i.Nature, append([]string{}, i.Categories...), i.PeopleCount, i.RecordCount,
		i.Consequences, i.Measures, i.Risk, i.NotifyDecision, i.NotifyReason, i.PMSummary, i.PMCause, i.PMImpact, i.PMResponse, i.PMLessons, i.Severity, i.Version, i.UpdatedAt)
	if err == nil && tag.RowsAffected() != 1 {
		return stale()
	}
	return refused(err)
}

// tell adds a line to the timeline.
func tell(ctx context.Context, tx *op.Tx, incident id.ID, kind, body string) error {
	_, err := tx.Exec(ctx, sqlInsertEntry, tx.Who.Tenant, id.New(), incident, tx.Now, tx.Who.Member, tx.Who.Name, kind, body)
	return err
}

func insertClocks(ctx context.Context, tx *op.Tx, incident id.ID, clocks []Clock) error {
	b := &pgx.Batch{}
	for _, c := range clocks {
		b.Queue(sqlInsertClock, tx.Who.Tenant, c.ID, incident, c.Template, c.Step, c.Label, c.StartsAt, c.DueAt, tx.Now)
	}
	return tx.SendBatch(ctx, b).Close()
}

func settleClock(ctx context.Context, tx *op.Tx, c Clock) error {
	_, err := tx.Exec(ctx, sqlSettleClock, tx.Who.Tenant, c.ID, c.DueAt, c.MetAt, c.MetByName, c.MetNote, c.WaivedAt, c.AlarmHalf, c.AlarmQuarter, c.AlarmLast, c.AlarmPassed)
	return err
}

// contractIn returns how long after confirmation affected partners are told: what the policy says, 72 hours where it says nothing.
func contractIn(ctx context.Context, tx *op.Tx) (time.Duration, error) {
	var seconds int64
	err := tx.QueryRow(ctx, sqlContract, tx.Who.Tenant).Scan(&seconds)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && seconds <= 0 {
		return 72 * time.Hour, nil
	}
	return time.Duration(seconds) * time.Second, err
}

// find replaces the snapshot of who is affected.
func find(ctx context.Context, tx *op.Tx, in AffectedInput) error {
	b := &pgx.Batch{}
	b.Queue(sqlClearAffected, tx.Who.Tenant, in.ID)
	b.Queue(sqlFindPartners, tx.Who.Tenant, in.ID, in.Categories, append([]id.ID{}, in.Partners...), in.From, in.To, in.Evidence, tx.Now)
	b.Queue(sqlFindMembers, tx.Who.Tenant, in.ID, in.To, tx.Now)
	if in.has("customer-data") {
		b.Queue(sqlFindContacts, tx.Who.Tenant, in.ID, in.To, tx.Now)
	}
	return tx.SendBatch(ctx, b).Close()
}

func saveNotice(ctx context.Context, tx *op.Tx, n Notice, fresh bool) error {
	if fresh {
		_, err := tx.Exec(ctx, sqlInsertNotice, tx.Who.Tenant, n.ID, n.IncidentID, n.Recipient, n.Nature, n.Impact, n.Mitigation, n.Contact, n.Version, tx.Now)
		return refused(err)
	}
	tag, err := tx.Exec(ctx, sqlUpdateNotice, tx.Who.Tenant, n.ID, n.Nature, n.Impact, n.Mitigation, n.Contact, n.Status, n.SentAt, n.SentByName, n.MailingID, n.Version, tx.Now)
	if err == nil && tag.RowsAffected() != 1 {
		return stale()
	}
	return refused(err)
}

func insertAction(ctx context.Context, tx *op.Tx, a Action) error {
	_, err := tx.Exec(ctx, sqlInsertAction, tx.Who.Tenant, a.ID, a.IncidentID, a.Body, a.OwnerID, a.OwnerName, a.DueOn, tx.Now)
	return err
}

func doneAction(ctx context.Context, tx *op.Tx, v id.ID) error {
	_, err := tx.Exec(ctx, sqlDoneAction, tx.Who.Tenant, v, tx.Now)
	return err
}
