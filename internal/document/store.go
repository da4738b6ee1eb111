package document

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	documentColumns = `tenant_id, document_id, kind, audience, acceptance, accept_for, accept_days, version, created_at, updated_at`
	versionHead     = `v.tenant_id, v.version_id, v.document_id, v.number, v.title, `
	versionTail     = `, v.digest, v.change, v.summary, v.status, v.announced_at, v.notified_at, v.effective_at, v.notice_seconds, v.notice_id, v.version, v.created_at, v.updated_at`
	versionPeople   = `, v.created_by, v.created_by_name, v.announced_by, v.announced_by_name`
	versionNobody   = `, null::uuid as created_by, '' as created_by_name, null::uuid as announced_by, '' as announced_by_name, d.kind`
	versionColumns  = versionHead + `v.body` + versionTail + versionPeople + `, d.kind`
	versionBrief    = versionHead + `'' as body` + versionTail + versionPeople + `, d.kind`
	versionFrom     = ` from document_version v join document d on d.tenant_id = v.tenant_id and d.document_id = v.document_id where v.tenant_id = $1`
)

const (
	sqlDocuments      = `select ` + documentColumns + ` from document where tenant_id = $1 order by kind limit 20`
	sqlDocument       = `select ` + documentColumns + ` from document where tenant_id = $1 and document_id = $2`
	sqlDocumentKind   = `select ` + documentColumns + ` from document where tenant_id = $1 and kind = $2`
	sqlLockDocument   = sqlDocument + ` for update`
	sqlInsertDocument = `insert into document (` + documentColumns + `) values ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8) on conflict on constraint document_kind_uq do nothing`
	sqlUpdateDocument = `update document set audience = $3, acceptance = $4, accept_for = $5, accept_days = $6, version = $7, updated_at = $8
 where tenant_id = $1 and document_id = $2 and version = $7 - 1`

	sqlVersions   = `select ` + versionBrief + versionFrom + ` order by d.kind, v.number desc limit 1000`
	sqlVersionsOf = `select ` + versionBrief + versionFrom + ` and v.document_id = $2 order by v.number desc limit 500`
	// The personas below see no people of the vendor, and name none.
	sqlPublicVersions   = `select ` + versionHead + `'' as body` + versionTail + versionNobody + versionFrom + ` and v.status = 'announced' order by d.kind, v.number desc limit 1000`
	sqlPublicVersionsOf = `select ` + versionHead + `'' as body` + versionTail + versionNobody + versionFrom + ` and v.status = 'announced' and v.document_id = $2 order by v.number desc limit 500`
	sqlPublicVersion    = `select ` + versionHead + `v.body` + versionTail + versionNobody + versionFrom + ` and v.status = 'announced' and v.version_id = $2`

	sqlVersion     = `select ` + versionColumns + versionFrom + ` and v.version_id = $2`
	sqlLockVersion = sqlVersion + ` for update of v`
	sqlByNotice    = `select ` + versionColumns + versionFrom + ` and v.notice_id = $2 for update of v`
	sqlNextNumber  = `select coalesce(max(number), 0) + 1 from document_version where tenant_id = $1 and document_id = $2`

	sqlInsertVersion = `insert into document_version (tenant_id, version_id, document_id, number, title, body, change, summary, created_by, created_by_name, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`
	sqlUpdateDraft = `update document_version set title = $3, body = $4, change = $5, summary = $6, version = $7, updated_at = $8
 where tenant_id = $1 and version_id = $2 and version = $7 - 1 and status = 'draft'`
	sqlDeleteDraft = `delete from document_version where tenant_id = $1 and version_id = $2 and status = 'draft'`
	sqlPublish     = `update document_version set status = 'announced', change = $3, summary = $4, digest = $5, effective_at = $6, notice_id = $7,
       announced_by = $8, announced_by_name = $9, version = $10, updated_at = $11
 where tenant_id = $1 and version_id = $2 and version = $10 - 1 and status = 'draft'
returning announced_at, notice_seconds`
	sqlWithdraw = `update document_version set status = 'withdrawn', version = version + 1, updated_at = $3 where tenant_id = $1 and version_id = $2 and status = 'announced'`
	sqlNotified = `update document_version set effective_at = $3, notified_at = $4, version = version + 1, updated_at = $4 where tenant_id = $1 and version_id = $2 and notified_at is null`
	sqlTerm     = `select app.notice_term($1)`

	// What somebody of a partner has to accept: of each document that asks for it, the newest version in force that is more than minor,
	// unless it or a later one was accepted, by themselves or for their company.
	sqlPending = `
select d.document_id, d.kind, d.acceptance, d.accept_for, d.accept_days, asked.version_id, asked.number, asked.title, asked.digest, asked.effective_at
  from document d
  cross join lateral (select v.version_id, v.number, v.title, v.digest, v.effective_at from document_version v
     where v.tenant_id = d.tenant_id and v.document_id = d.document_id and v.status = 'announced' and v.change <> 'minor' and v.effective_at <= $4
       and (v.change <> 'material' or v.notified_at is not null) order by v.number desc limit 1) asked
 where d.tenant_id = $1 and d.acceptance <> 'none'
   and not exists (select from document_acceptance a join document_version w on w.tenant_id = a.tenant_id and w.version_id = a.version_id
     where a.tenant_id = d.tenant_id and w.document_id = d.document_id and w.number >= asked.number
       and (d.accept_for = 'company' and a.partner_id = $2 or a.member_id = $3))
 order by d.kind limit 20`

	sqlAccept = `insert into document_acceptance (tenant_id, acceptance_id, version_id, partner_id, member_id, name, digest, accepted_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`

	sqlAcceptances = `
select p.partner_id, p.name as partner_name, p.name_norm, coalesce(a.name, '') as accepted_by, a.accepted_at, coalesce(a.number, 0) as number, coalesce(a.digest, '') as digest
  from partner p
  left join lateral (select x.name, x.accepted_at, x.digest, w.number from document_acceptance x join document_version w on w.tenant_id = x.tenant_id and w.version_id = x.version_id
     where x.tenant_id = p.tenant_id and x.partner_id = p.partner_id and w.document_id = $2 order by w.number desc, x.accepted_at limit 1) a on true
 where p.tenant_id = $1 and p.status in ('active', 'invited') and (p.name_norm, p.partner_id) > ($3, coalesce($4::uuid, '00000000-0000-0000-0000-000000000000'))
 order by p.name_norm, p.partner_id limit $5`

	sqlAllAcceptances = `
select d.kind, v.number, v.title, a.digest, coalesce(p.name, '') as partner_name, a.name as accepted_by, coalesce(m.email, '') as email, a.accepted_at
  from document_acceptance a
  join document_version v on v.tenant_id = a.tenant_id and v.version_id = a.version_id
  join document d on d.tenant_id = v.tenant_id and d.document_id = v.document_id
  left join partner p on p.tenant_id = a.tenant_id and p.partner_id = a.partner_id
  left join member m on m.tenant_id = a.tenant_id and m.member_id = a.member_id
 where a.tenant_id = $1 and ($2::uuid is null or d.document_id = $2) order by a.accepted_at, a.acceptance_id limit $3`
)

func many[T any](ctx context.Context, q pg.Querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

func one[T any](ctx context.Context, q pg.Querier, noun, sql string, args ...any) (T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		var zero T
		return zero, err
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	if errors.Is(err, pgx.ErrNoRows) {
		return v, errs.Missing(noun)
	}
	return v, err
}

// ensure returns the tenant's document of a kind, made when it is not there.
func ensure(ctx context.Context, tx *op.Tx, kind string) (Document, error) {
	audience, acceptance := All, "none"
	if kind == "dpa" || kind == "programme-terms" {
		audience, acceptance = Partners, "asked"
	}
	if _, err := tx.Exec(ctx, sqlInsertDocument, tx.Who.Tenant, id.New(), kind, audience, acceptance, "company", 30, tx.Now); err != nil {
		return Document{}, err
	}
	return one[Document](ctx, tx, "document", sqlDocumentKind, tx.Who.Tenant, kind)
}

func insertVersion(ctx context.Context, tx *op.Tx, v Version) error {
	_, err := tx.Exec(ctx, sqlInsertVersion, v.TenantID, v.ID, v.DocumentID, v.Number, v.Title, v.Body, v.Change, v.Summary, v.CreatedBy, v.CreatedByName, v.Version, v.CreatedAt)
	return refused(err)
}

func nextNumber(ctx context.Context, tx *op.Tx, document id.ID) (n int, err error) {
	err = tx.QueryRow(ctx, sqlNextNumber, tx.Who.Tenant, document).Scan(&n)
	return n, err
}

func updateDraft(ctx context.Context, tx *op.Tx, v Version) error {
	tag, err := tx.Exec(ctx, sqlUpdateDraft, v.TenantID, v.ID, v.Title, v.Body, v.Change, v.Summary, v.Version, v.UpdatedAt)
	if err == nil && tag.RowsAffected() != 1 {
		return stale()
	}
	return refused(err)
}

func deleteDraft(ctx context.Context, tx *op.Tx, v id.ID) error {
	tag, err := tx.Exec(ctx, sqlDeleteDraft, tx.Who.Tenant, v)
	if err == nil && tag.RowsAffected() != 1 {
		return stale()
	}
	return refused(err)
}

// publish announces a draft; the database stamps when, and for how long notice is given.
func publish(ctx context.Context, tx *op.Tx, v *Version) error {
	err := tx.QueryRow(ctx, sqlPublish, v.TenantID, v.ID, v.Change, v.Summary, v.Digest, v.EffectiveAt, v.NoticeID, v.AnnouncedBy, v.AnnouncedByName, v.Version, v.UpdatedAt).
		Scan(&v.AnnouncedAt, &v.NoticeSeconds)
	if errors.Is(err, pgx.ErrNoRows) {
		return stale()
	}
	return refused(err)
}

func withdraw(ctx context.Context, tx *op.Tx, v id.ID) error {
	_, err := tx.Exec(ctx, sqlWithdraw, tx.Who.Tenant, v, tx.Now)
	return refused(err)
}

// notified notes that the notices of a version are out, and when it takes force then.
func notified(ctx context.Context, tx *op.Tx, v id.ID, effective time.Time) error {
	_, err := tx.Exec(ctx, sqlNotified, tx.Who.Tenant, v, effective, tx.Now)
	return refused(err)
}

// termIn returns how long before its day a material change is announced in this tenant.
func termIn(ctx context.Context, tx *op.Tx) (time.Duration, error) {
	var seconds int64
	err := tx.QueryRow(ctx, sqlTerm, tx.Who.Tenant).Scan(&seconds)
	return time.Duration(seconds) * time.Second, err
}

func updateDocument(ctx context.Context, tx *op.Tx, d Document) error {
	tag, err := tx.Exec(ctx, sqlUpdateDocument, d.TenantID, d.ID, d.Audience, d.Acceptance, d.AcceptFor, d.AcceptDays, d.Version, d.UpdatedAt)
	if err == nil && tag.RowsAffected() != 1 {
		return stale()
	}
	return err
}

func insertAcceptance(ctx context.Context, tx *op.Tx, a Acceptance) error {
	_, err := tx.Exec(ctx, sqlAccept, a.TenantID, a.ID, a.VersionID, a.PartnerID, a.MemberID, a.Name, a.Digest, a.AcceptedAt)
	return refused(err)
}

func pendingIn(ctx context.Context, tx *op.Tx) ([]Pending, error) {
	return many[Pending](ctx, tx, sqlPending, tx.Who.Tenant, tx.Who.Partner, tx.Who.Member, tx.Now)
}
