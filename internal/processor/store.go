package processor

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
	columns = `tenant_id, processor_id, replaces_id, name, purpose, categories, country, regions, safeguards, link, hosts, basis, status, announced_at, notified_at, effective_at, ended_at, notice_seconds, notice_id, version, created_at, updated_at`

	sqlGet  = `select ` + columns + ` from processor where tenant_id = $1 and processor_id = $2`
	sqlLock = sqlGet + ` for update`
	sqlList = `select ` + columns + ` from processor where tenant_id = $1 order by lower(name), created_at, processor_id limit 1000`

	sqlInsert = `insert into processor (tenant_id, processor_id, replaces_id, name, purpose, categories, country, regions, safeguards, link, hosts, created_by, created_by_name, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)`
	sqlUpdate = `update processor set name = $3, purpose = $4, categories = $5, country = $6, regions = $7, safeguards = $8, link = $9, hosts = $10, version = $11, updated_at = $12
 where tenant_id = $1 and processor_id = $2 and version = $11 - 1 and status = 'proposed'`
	sqlDelete   = `delete from processor where tenant_id = $1 and processor_id = $2 and status = 'proposed'`
	sqlAnnounce = `update processor set status = 'announced', basis = $3, effective_at = $4, notice_id = $5, version = $6, updated_at = $7
 where tenant_id = $1 and processor_id = $2 and version = $6 - 1 and status = 'proposed' returning announced_at, notice_seconds`
	sqlNoted    = `update processor set effective_at = $3, notified_at = $4, version = version + 1, updated_at = $4 where tenant_id = $1 and processor_id = $2 and notified_at is null`
	sqlStop     = `update processor set status = $3, ended_at = $4, version = $5, updated_at = $6 where tenant_id = $1 and processor_id = $2 and version = $5 - 1`
	sqlAudience = `select exists (select from member m where m.tenant_id = $1 and m.partner_id is not null and m.status = 'active'), app.notice_term($1)`

	objectionColumns = `o.tenant_id, o.objection_id, o.processor_id, o.partner_id, o.member_id, coalesce(p.name, '') as partner_name, o.by_name, o.reason, o.outcome, o.outcome_note, o.decided_at, o.decided_by_name, o.version, o.created_at
  from processor_objection o left join partner p on p.tenant_id = o.tenant_id and p.partner_id = o.partner_id where o.tenant_id = $1`
	sqlObjections      = `select ` + objectionColumns + ` and o.processor_id = $2 order by o.created_at, o.objection_id limit 500`
	sqlLockObjection   = `select ` + objectionColumns + ` and o.objection_id = $2 for update of o`
	sqlInsertObjection = `insert into processor_objection (tenant_id, objection_id, processor_id, partner_id, member_id, by_name, reason, version, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	sqlDecideObjection = `update processor_objection set outcome = $3, outcome_note = $4, decided_at = $5, decided_by_name = $6, version = $7
 where tenant_id = $1 and objection_id = $2 and version = $7 - 1`
)

func many(ctx context.Context, tx *op.Tx, sql string, args ...any) ([]Processor, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Processor])
}

func one(ctx context.Context, tx *op.Tx, sql string, v id.ID) (Processor, error) {
	rows, err := tx.Query(ctx, sql, tx.Who.Tenant, v)
	if err != nil {
		return Processor{}, err
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Processor])
	if errors.Is(err, pgx.ErrNoRows) {
		return p, errs.Missing("processor")
	}
	return p, err
}

func save(ctx context.Context, tx *op.Tx, p Processor, fresh bool) error {
	if fresh {
		_, err := tx.Exec(ctx, sqlInsert, p.TenantID, p.ID, p.ReplacesID, p.Name, p.Purpose, p.Categories, p.Country, p.Regions, p.Safeguards, p.Link, p.Hosts,
			tx.Who.Member, tx.Who.Name, p.Version, p.CreatedAt)
		return refused(err)
	}
	tag, err := tx.Exec(ctx, sqlUpdate, p.TenantID, p.ID, p.Name, p.Purpose, p.Categories, p.Country, p.Regions, p.Safeguards, p.Link, p.Hosts, p.Version, p.UpdatedAt)
	if err == nil && tag.RowsAffected() != 1 {
		return stale()
	}
	return refused(err)
}

func remove(ctx context.Context, tx *op.Tx, v id.ID) error {
	_, err := tx.Exec(ctx, sqlDelete, tx.Who.Tenant, v)
	return refused(err)
}

// announce publishes a proposal; the database stamps when, and for how long notice is given.
func announce(ctx context.Context, tx *op.Tx, p *Processor) error {
	err := tx.QueryRow(ctx, sqlAnnounce, p.TenantID, p.ID, p.Basis, p.EffectiveAt, p.NoticeID, p.Version, p.UpdatedAt).Scan(&p.AnnouncedAt, &p.NoticeSeconds)
	if errors.Is(err, pgx.ErrNoRows) {
		return stale()
	}
	return refused(err)
}

func noted(ctx context.Context, tx *op.Tx, v id.ID, effective time.Time) error {
	_, err := tx.Exec(ctx, sqlNoted, tx.Who.Tenant, v, effective, tx.Now)
	return refused(err)
}

func stop(ctx context.Context, tx *op.Tx, p Processor) error {
	tag, err := tx.Exec(ctx, sqlStop, p.TenantID, p.ID, p.Status, p.EndedAt, p.Version, p.UpdatedAt)
	if err == nil && tag.RowsAffected() != 1 {
		return stale()
	}
	return refused(err)
}

// audienceIn says whether there is anybody to tell, and the term of notice.
func audienceIn(ctx context.Context, tx *op.Tx) (told bool, term time.Duration, err error) {
	var seconds int64
	err = tx.QueryRow(ctx, sqlAudience, tx.Who.Tenant).Scan(&told, &seconds)
	return told, time.Duration(seconds) * time.Second, err
}

func objections(ctx context.Context, tx *op.Tx, v id.ID) ([]Objection, error) {
	rows, err := tx.Query(ctx, sqlObjections, tx.Who.Tenant, v)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Objection])
}

func lockObjection(ctx context.Context, tx *op.Tx, v id.ID) (Objection, error) {
	rows, err := tx.Query(ctx, sqlLockObjection, tx.Who.Tenant, v)
	if err != nil {
		return Objection{}, err
	}
	o, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Objection])
	if errors.Is(err, pgx.ErrNoRows) {
		return o, errs.Missing("objection")
	}
	return o, err
}

func insertObjection(ctx context.Context, tx *op.Tx, o Objection) error {
	_, err := tx.Exec(ctx, sqlInsertObjection, o.TenantID, o.ID, o.ProcessorID, o.PartnerID, o.MemberID, o.ByName, o.Reason, o.Version, o.CreatedAt)
	return err
}

func decideObjection(ctx context.Context, tx *op.Tx, o Objection) error {
	_, err := tx.Exec(ctx, sqlDecideObjection, o.TenantID, o.ID, o.Outcome, o.OutcomeNote, o.DecidedAt, o.DecidedByName, o.Version)
	return err
}
