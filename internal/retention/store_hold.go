package retention

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlHoldColumns = `select hold_id, kind, object_id, label, email, reason, until, placed_by, placed_by_name, placed_at, released_by_name, released_at, release_reason, version
  from legal_hold where tenant_id = (select app.tenant())`
	sqlHolds = sqlHoldColumns + ` and (not $1 or released_at is null and (until is null or until >= ($2 at time zone 'UTC')::date))
   and (placed_at, hold_id) < ($3, coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')) order by placed_at desc, hold_id desc limit $5`
	sqlLockHold   = sqlHoldColumns + ` and hold_id = $1 for update`
	sqlInsertHold = `
insert into legal_hold (tenant_id, hold_id, kind, object_id, label, email, reason, until, placed_by, placed_by_name, placed_at)
values (app.tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	sqlReleaseHold = `
update legal_hold set released_by = $2, released_by_name = $3, released_at = $4, release_reason = $5, version = $6 where tenant_id = (select app.tenant()) and hold_id = $1`
	// What is held is locked, so that nobody deletes it while the hold is being written.
	sqlHeldMember  = `select name, email from member where tenant_id = (select app.tenant()) and member_id = $1 for share`
	sqlHeldContact = `select name, email from contact where tenant_id = (select app.tenant()) and contact_id = $1 for share`
	sqlHeldAccount = `select name, '' from account where tenant_id = (select app.tenant()) and account_id = $1 for share`
	sqlHeldPartner = `select name, '' from partner where tenant_id = (select app.tenant()) and partner_id = $1 for share`
	sqlHeldTenant  = `select name, '' from tenant where tenant_id = (select app.tenant()) and tenant_id = $1`

	sqlFindPeople = `
select id, label, note from (
  select member_id as id, name as label, email || ' · user' as note, name from member where tenant_id = (select app.tenant()) and kind = 'person' and erased_at is null and (position($1 in lower(name)) > 0 or position($1 in email) > 0)
  union all
  select contact_id, name, email || ' · contact', name from contact where tenant_id = (select app.tenant()) and (position($1 in lower(name)) > 0 or position($1 in email) > 0)) x
 order by name, id limit 20`
	sqlFindAccounts = `select account_id as id, name as label, domain as note from account where tenant_id = (select app.tenant()) and (position($1 in lower(name)) > 0 or position($1 in domain) > 0) order by name, account_id limit 20`
	sqlFindPartners = `select partner_id as id, name as label, status as note from partner where tenant_id = (select app.tenant()) and position($1 in lower(name)) > 0 order by name, partner_id limit 20`

	sqlSaveDuty = `
insert into legal_duty (tenant_id, duty_id, category, event, keep, reason, set_by, set_by_name, set_at) values (app.tenant(), $1, $2, $3, $4::interval, $5, $6, $7, $8)
on conflict on constraint legal_duty_category_uq do update set duty_id = excluded.duty_id, event = excluded.event, keep = excluded.keep, reason = excluded.reason,
   set_by = excluded.set_by, set_by_name = excluded.set_by_name, set_at = excluded.set_at`
	sqlDropDuty = `delete from legal_duty where tenant_id = (select app.tenant()) and category = $1 returning duty_id, category, event, keep::text as keep, reason, set_by, set_by_name, set_at`

	sqlDueAccounts = `
select m.member_id, m.person_id, m.partner_id, m.name, m.email, m.role, m.status, m.active_at, case when m.erase_warned_at > m.active_at then m.erase_warned_at end as erase_warned_at, r.event, x.last_day, x.last_day < (app.clock() at time zone 'UTC')::date as over,
       app.held(m.tenant_id, 'person', m.member_id) as held,
       m.role = 'admin' and m.status = 'active' and not exists (select from member o where o.tenant_id = m.tenant_id and o.role = 'admin' and o.status = 'active' and o.kind = 'person' and o.member_id <> m.member_id) as last_admin
  from member m
  join tenant t on t.tenant_id = m.tenant_id
  join retention_rule r on r.tenant_id = m.tenant_id and r.category = 'user-account' and r.keep is not null
  left join legal_duty d on d.tenant_id = m.tenant_id and d.category = 'user-account'
  left join partner p on p.tenant_id = m.tenant_id and p.partner_id = m.partner_id
  cross join lateral (select jsonb_build_object('last-sign-in', m.active_at, 'recorded', m.created_at, 'account-deletion', t.deletion_requested_at, 'relation-end', t.deletion_requested_at) as events) e
  cross join lateral (select case when d.keep is null then app.retention_last_day((e.events ->> r.event)::timestamptz, r.keep)
    else greatest(app.retention_last_day((e.events ->> r.event)::timestamptz, r.keep), app.retention_last_day((e.events ->> d.event)::timestamptz, d.keep)) end as last_day) x
 where m.tenant_id = (select app.tenant()) and m.kind = 'person' and m.erased_at is null and x.last_day <= ($1 at time zone 'UTC')::date
   and ($2::uuid is null or m.member_id > $2)
 order by m.member_id limit $3`
	sqlMarkWarned  = `update member set erase_warned_at = $2 where tenant_id = (select app.tenant()) and member_id = $1 and (erase_warned_at is null or erase_warned_at <= active_at)`
	sqlEraseMember = `select app.erase_member($1)`
)

func lockHold(ctx context.Context, tx *op.Tx, v id.ID) (h Hold, err error) {
	rows, err := tx.Query(ctx, sqlLockHold, v)
	if err != nil {
		return h, err
	}
	return h, one(&h, "legal_hold")(rows)
}

// holdObject returns what an object is called and the address of a person.
func holdObject(ctx context.Context, tx *op.Tx, h Hold) (found bool, label, email string, err error) {
	statements := map[string][]string{"person": {sqlHeldMember, sqlHeldContact}, "account": {sqlHeldAccount}, "partner": {sqlHeldPartner}, "tenant": {sqlHeldTenant}}
	for _, sql := range statements[h.Kind] {
		err = tx.QueryRow(ctx, sql, h.ObjectID).Scan(&label, &email)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err == nil, label, email, err
		}
	}
	return false, "", "", nil
}

func insertHold(ctx context.Context, tx *op.Tx, h Hold) error {
	_, err := tx.Exec(ctx, sqlInsertHold, h.ID, h.Kind, h.ObjectID, h.Label, h.Email, h.Reason, h.Until, h.PlacedBy, h.PlacedByName, h.PlacedAt)
	return err
}

func releaseHold(ctx context.Context, tx *op.Tx, h Hold) error {
	_, err := tx.Exec(ctx, sqlReleaseHold, h.ID, opt(tx.Who.Member), h.ReleasedByName, h.ReleasedAt, h.ReleaseReason, h.Version)
	return err
}

func saveDuty(ctx context.Context, tx *op.Tx, d Duty) error {
	_, err := tx.Exec(ctx, sqlSaveDuty, d.ID, d.Category, d.Event, d.Keep, d.Reason, d.SetBy, d.SetName, d.SetAt)
	return err
}

func dropDuty(ctx context.Context, tx *op.Tx, category string) (d Duty, err error) {
	rows, err := tx.Query(ctx, sqlDropDuty, category)
	if err != nil {
		return d, err
	}
	return d, one(&d, "legal_duty")(rows)
}

// dueAccounts returns memberships whose last day is before a moment, after one in the order of ids.
func (s *Service) dueAccounts(ctx context.Context, who access.Actor, before time.Time, after id.ID) ([]Account, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) ([]Account, error) {
		return many[Account](ctx, tx, sqlDueAccounts, before, opt(after), accountsAtOnce)
	})
}

func markWarned(ctx context.Context, tx *op.Tx, member id.ID) (first bool, err error) {
	tag, err := tx.Exec(ctx, sqlMarkWarned, member, tx.Now)
	return tag.RowsAffected() == 1, err
}

func eraseMember(ctx context.Context, tx *op.Tx, member id.ID) (erased bool, err error) {
	err = tx.QueryRow(ctx, sqlEraseMember, member).Scan(&erased)
	return erased, err
}
