package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

const (
	sqlLockTenant = `select status from tenant where tenant_id = (select app.tenant()) for update`

	sqlDeparture = `
select departure_id, state, reason, at_once, asked_by, asked_by_name, asked_at, agreed_by, agreed_by_name, agreed_at, purge_after, closed_at, step, counts, kept, certificate,
       finished_at, told_at, version
  from departure where tenant_id = (select app.tenant()) and state in ('asked', 'closing', 'purging')`

	sqlInsertDeparture = `
insert into departure (tenant_id, departure_id, state, reason, at_once, asked_by, asked_by_name, asked_at) values (app.tenant(), $1, $2, $3, $4, $5, $6, $7)`

	// Whose hand a key is: the person who made it, through however many keys that made keys.
	sqlHand = `
with recursive made (member_id, steps) as (
  select k.created_by, 0 from api_key k where k.tenant_id = (select app.tenant()) and k.key_id = $1
  union all
  select (select k.created_by from api_key k where k.tenant_id = (select app.tenant()) and k.member_id = m.member_id order by k.created_at, k.key_id limit 1), m.steps + 1
    from made m where m.steps < 50 and exists (select from member s where s.tenant_id = (select app.tenant()) and s.member_id = m.member_id and s.kind = 'service'))
select member_id from made order by steps desc limit 1`

	sqlBeginDeparture = `
update departure set state = 'closing', agreed_by = $2, agreed_by_name = $3, agreed_at = $4, purge_after = $5, version = version + 1
 where tenant_id = (select app.tenant()) and departure_id = $1`
	sqlTenantCloses = `
update tenant set status = 'closing', closing_at = $1, closing_by = $2, closing_reason = $3, purge_after = $4, version = version + 1, updated_at = $1
 where tenant_id = (select app.tenant())`

	sqlTakeBack = `update departure set state = 'taken_back', version = version + 1, finished_at = $2 where tenant_id = (select app.tenant()) and departure_id = $1`
	sqlReopen   = `
update tenant set status = 'active', closing_at = null, closing_by = null, closing_reason = '', purge_after = null, version = version + 1, updated_at = $1
 where tenant_id = (select app.tenant()) and status = 'closing'`

	// The last day of the term begins at midnight UTC: erased on it, the programme is gone within the term. Without a term ("at the
	// end of the contract") it is the next midnight.
	sqlPurgeAfter = `
select greatest(date_trunc('day', app.now() at time zone 'UTC' + coalesce((select keep from policy_clock where tenant_id = (select app.tenant()) and clock = 'purge-after-deletion'), interval '30 days')),
                date_trunc('day', app.now() at time zone 'UTC') + interval '1 day') at time zone 'UTC'`

	sqlAdmins = `
select member_id, email, name from member where tenant_id = (select app.tenant()) and role = 'admin' and kind = 'person' and status = 'active' order by name, member_id limit 200`

	sqlCloseTenant = `
update tenant set status = 'closed', closed_at = $1, deletion_requested_at = $1, version = version + 1, updated_at = $1 where tenant_id = (select app.tenant()) and status = 'closing'`
	sqlBeginPurge = `
update departure set state = 'purging', closed_at = $2, kept = $3, tell = $4, people = array(select distinct m.person_id from member m where m.tenant_id = (select app.tenant()) and m.person_id is not null),
       version = version + 1 where tenant_id = (select app.tenant()) and departure_id = $1`
	sqlEndAccess = `select app.end_tenant_access($1)`
	sqlDropMails = `update mail set status = 'failed', last_error = 'the programme closed' where tenant_id = (select app.tenant()) and status = 'queued'`

	sqlDuties = `
select category, event, keep::text, reason from legal_duty where tenant_id = (select app.tenant())
union all
select r.category, r.event, r.keep::text, 'the data policy keeps it beyond the programme: ' || r.category from retention_rule r
 where r.tenant_id = (select app.tenant()) and r.category in ('legal-entity', 'billing') and r.stored and (r.keep is null or r.keep > interval '0')
   and not exists (select from legal_duty d where d.tenant_id = r.tenant_id and d.category = r.category)
 order by 1`
	sqlKeep = `
insert into kept_record (tenant_id, table_name, category, reason, until, record)
select app.tenant(), '%[1]s', $1, $2, x.until, x.record
  from (select (select jsonb_object_agg(e.key, e.value) from jsonb_each(to_jsonb(t)) e where e.key = any ($3)) as record,
               %[2]s + $4::text::interval as until from app.%[3]s t where t.tenant_id = (select app.tenant())) x
 where x.until is null or x.until > app.now()
returning until`

	sqlHolds = `select count(*) from legal_hold where tenant_id = (select app.tenant()) and released_at is null and (until is null or until >= (app.now() at time zone 'UTC')::date)`

	sqlStep        = `update departure set step = $1 where tenant_id = (select app.tenant()) and state = 'purging' and step <> $1`
	sqlCount1      = `update departure set counts = counts || jsonb_build_object($1::text, coalesce((counts ->> $1)::bigint, 0) + $2::bigint), step = $1 where tenant_id = (select app.tenant()) and state = 'purging'`
	sqlUnlink      = `select app.archive_unlink($1, $2, $3)`
	sqlDelete      = `select app.archive_delete($1, $2)`
	sqlDropPersons = `select app.archive_drop_persons($1)`
	sqlCertify     = `update departure set certificate = $1, step = 'certificate' where tenant_id = (select app.tenant()) and state = 'purging'`
	sqlHead        = `select head from departure where tenant_id = (select app.tenant()) and state = 'purging'`
	sqlToTell      = `select tell, certificate, told_at is not null from departure where tenant_id = (select app.tenant()) and state = 'purging'`
	sqlTold        = `update departure set told_at = $1, step = 'told' where tenant_id = (select app.tenant()) and state = 'purging'`
	sqlBury        = `select app.archive_bury($1)`
	sqlCertificate = `select certificate from departure where tenant_id = (select app.tenant()) and certificate <> '' order by asked_at desc limit 1`

	sqlDropKept = `delete from kept_record where tenant_id = (select app.tenant()) and until <= app.now()`

	// One more than there are: the entry that says that the programme is closed is written last.
	sqlLogHead = `select jsonb_build_object('entries', count(*) + 1, 'last', max(at)) from audit_entry where tenant_id = (select app.tenant())`
	sqlSetTree = `update departure set head = coalesce(head, '{}') || $1::jsonb where tenant_id = (select app.tenant()) and state = 'purging'`
	sqlSetHead = `update departure set head = $1 where tenant_id = (select app.tenant()) and state = 'purging'`
)

// address is an Admin to be told.
type address struct {
	Member id.ID  `json:"member"`
	Email  string `json:"email"`
	Name   string `json:"name"`
}

// lockTenant locks the programme's row and returns its settings.
func lockTenant(ctx context.Context, tx *op.Tx) (tenant.Settings, error) {
	var status string
	if err := tx.QueryRow(ctx, sqlLockTenant).Scan(&status); errors.Is(err, pgx.ErrNoRows) {
		return tenant.Settings{}, errs.Missing("tenant")
	} else if err != nil {
		return tenant.Settings{}, err
	}
	return tenant.SettingsIn(ctx, tx)
}

func openDeparture(ctx context.Context, tx *op.Tx) (d Departure, open bool, err error) {
	rows, err := tx.Query(ctx, sqlDeparture)
	if err != nil {
		return d, false, err
	}
	d, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Departure])
	if errors.Is(err, pgx.ErrNoRows) {
		return Departure{}, false, nil
	}
	return d, err == nil, err
}

func insertDeparture(ctx context.Context, tx *op.Tx, d Departure) error {
	_, err := tx.Exec(ctx, sqlInsertDeparture, d.ID, d.State, d.Reason, d.AtOnce, d.AskedBy, d.AskedName, d.AskedAt)
	return err
}

// hand returns the person whose hand a key is; Nil when the operator made it.
func hand(ctx context.Context, tx *op.Tx, key id.ID) (v id.ID, err error) {
	return v, tx.QueryRow(ctx, sqlHand, key).Scan(&v)
}

func beginDeparture(ctx context.Context, tx *op.Tx, d Departure) error {
	if _, err := tx.Exec(ctx, sqlBeginDeparture, d.ID, d.AgreedBy, d.AgreedName, d.AgreedAt, d.PurgeAfter); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqlTenantCloses, tx.Now, d.AskedBy, d.Reason, d.PurgeAfter)
	return err
}

func takeBack(ctx context.Context, tx *op.Tx, d Departure) error {
	if _, err := tx.Exec(ctx, sqlTakeBack, d.ID, tx.Now); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqlReopen, tx.Now)
	return err
}

// purgeAfter returns when a programme whose deletion begins now is closed and erased.
func purgeAfter(ctx context.Context, tx *op.Tx, atOnce bool) (day time.Time, err error) {
	if atOnce {
		return tx.Now, nil
	}
	err = tx.QueryRow(ctx, sqlPurgeAfter).Scan(&day)
	return day, err
}

func admins(ctx context.Context, tx *op.Tx) ([]address, error) {
	rows, err := tx.Query(ctx, sqlAdmins)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (a address, err error) {
		err = r.Scan(&a.Member, &a.Email, &a.Name)
		return a, err
	})
}

// closeTenant is the end of the programme for everybody in it.
func closeTenant(ctx context.Context, tx *op.Tx, d Departure) error {
	all, err := admins(ctx, tx)
	if err != nil {
		return err
	}
	tell, err := json.Marshal(all)
	if err != nil {
		return err
	}
	var head json.RawMessage
	if err := tx.QueryRow(ctx, sqlLogHead).Scan(&head); err != nil {
		return err
	}
	for _, step := range []struct {
		sql  string
		args []any
	}{{sqlCloseTenant, []any{tx.Now}}, {sqlBeginPurge, []any{d.ID, tx.Now, d.Kept, tell}}, {sqlSetHead, []any{head}}, {sqlEndAccess, []any{tx.Now}}, {sqlDropMails, nil}} {
		if _, err := tx.Exec(ctx, step.sql, step.args...); err != nil {
			return err
		}
	}
	return nil
}

// duty is what keeps records of a category beyond the programme.
type duty struct {
	Category string
	Event    string
	Keep     *string // an interval; nil: indefinitely
	Reason   string
}

func duties(ctx context.Context, tx *op.Tx) ([]duty, error) {
	rows, err := tx.Query(ctx, sqlDuties)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (d duty, err error) {
		return d, r.Scan(&d.Category, &d.Event, &d.Keep, &d.Reason)
	})
}

// keepRows copies the columns of one table's rows aside.
func keepRows(ctx context.Context, tx *op.Tx, t table, columns []string, d duty) (kept, error) {
	from := "app.now()"
	if _, has := t.column("ended_at"); has && d.Event == "relation-end" {
		from = "coalesce(t.ended_at, app.now())"
	} else if c, has := t.column("created_at"); has && d.Event == "recorded" && c.NotNull {
		from = "t.created_at"
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(sqlKeep, strings.ReplaceAll(t.Name, "'", "''"), from, quoted(t.Name)), d.Category, d.Reason, columns, d.Keep)
	if err != nil {
		return kept{}, err
	}
	k := kept{Table: t.Name, Category: d.Category, Reason: d.Reason}
	var until *time.Time
	_, err = pgx.ForEachRow(rows, []any{&until}, func() error {
		k.Rows++
		if until != nil && (k.Until == nil || until.After(*k.Until)) {
			at := *until
			k.Until = &at
		}
		return nil
	})
	return k, err
}

func holds(ctx context.Context, tx *op.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, sqlHolds).Scan(&n)
	return n, err
}

func setStep(ctx context.Context, tx *op.Tx, step string) error {
	_, err := tx.Exec(ctx, sqlStep, step)
	return err
}

func countGone(ctx context.Context, tx *op.Tx, table string, n int64) error {
	_, err := tx.Exec(ctx, sqlCount1, table, n)
	return err
}

func unlink(ctx context.Context, tx *op.Tx, table, column string, most int) (n int64, err error) {
	err = tx.QueryRow(ctx, sqlUnlink, table, column, most).Scan(&n)
	return n, err
}

func deleteRows(ctx context.Context, tx *op.Tx, table string, most int) (n int64, err error) {
	err = tx.QueryRow(ctx, sqlDelete, table, most).Scan(&n)
	return n, err
}

func dropPersons(ctx context.Context, tx *op.Tx, most int) (n int64, err error) {
	err = tx.QueryRow(ctx, sqlDropPersons, most).Scan(&n)
	return n, err
}

func headOf(ctx context.Context, tx *op.Tx) (head json.RawMessage, err error) {
	err = tx.QueryRow(ctx, sqlHead).Scan(&head)
	return head, err
}

func setCertificate(ctx context.Context, tx *op.Tx, text string) error {
	_, err := tx.Exec(ctx, sqlCertify, text)
	return err
}

func toTell(ctx context.Context, tx *op.Tx) (to []address, certificate string, told bool, err error) {
	var raw json.RawMessage
	if err = tx.QueryRow(ctx, sqlToTell).Scan(&raw, &certificate, &told); err == nil {
		err = json.Unmarshal(raw, &to)
	}
	return to, certificate, told, err
}

func setTold(ctx context.Context, tx *op.Tx) error {
	_, err := tx.Exec(ctx, sqlTold, tx.Now)
	return err
}

func buryTenant(ctx context.Context, tx *op.Tx) error {
	_, err := tx.Exec(ctx, sqlBury, tx.Now)
	return err
}

func certificateOf(ctx context.Context, tx *op.Tx) (text string, err error) {
	err = tx.QueryRow(ctx, sqlCertificate).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return text, err
}

func dropKept(ctx context.Context, tx *op.Tx) (int64, error) {
	tag, err := tx.Exec(ctx, sqlDropKept)
	return tag.RowsAffected(), err
}

// setTree adds the signed head of the audit log's tree to what is known of the log.
func setTree(ctx context.Context, tx *op.Tx, tree json.RawMessage) error {
	_, err := tx.Exec(ctx, sqlSetTree, tree)
	return err
}
