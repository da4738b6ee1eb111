package privacy

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	requestColumns = `r.tenant_id, r.request_id, r.number, r.kind, r.source, r.state, r.member_id, r.subject_email, r.subject_name, r.subject_phone, r.namesakes, r.purpose, r.asked,
 r.received_at, r.due_at, r.extended_at, r.extension_reason, r.alarm, r.identity_how, r.identity_note, r.identity_by, r.identity_by_name, r.identity_at, r.code_hash, r.code_expires_at, r.code_tries,
 r.plan, r.proposed_by, r.proposed_by_name, r.proposed_at, r.approved_by, r.approved_by_name, r.approved_at, r.approved_how, r.progress, r.outcome, r.forwarded_to, r.certificate,
 r.package_file, r.package_until, r.link_hash, r.link_expires_at, r.link_used_at, r.closed_at, r.version, r.created_at, r.updated_at`

	sqlRequest     = `select ` + requestColumns + `, m.partner_id from privacy_request r left join member m on m.tenant_id = r.tenant_id and m.member_id = r.member_id where r.tenant_id = $1 and r.request_id = $2`
	sqlLockRequest = sqlRequest + ` for update of r`

	// Open ones first, the nearest deadline first; then the closed ones, the newest first. Both are bounded by keyset.
	sqlOpenRequests = `select ` + requestColumns + `, null::uuid from privacy_request r where r.tenant_id = $1 and r.closed_at is null and (r.due_at, r.request_id) > ($2, $3)
   and ($4 = '' or r.state = $4) and ($5 = '' or r.kind = $5) order by r.due_at, r.request_id limit $6`
	sqlClosedRequests = `select ` + requestColumns + `, null::uuid from privacy_request r where r.tenant_id = $1 and r.closed_at is not null and (r.received_at, r.request_id) < ($2, $3)
   and ($4 = '' or r.state = $4) and ($5 = '' or r.kind = $5) order by r.received_at desc, r.request_id desc limit $6`
	sqlMyRequests = `select ` + requestColumns + `, $3::uuid from privacy_request r where r.tenant_id = $1 and r.member_id = $2 order by r.received_at desc, r.request_id desc limit 100`

	sqlInsertRequest = `insert into privacy_request (tenant_id, request_id, number, kind, source, state, member_id, subject_email, subject_name, subject_phone, namesakes, purpose, asked,
  received_at, due_at, forwarded_to, closed_at, created_at, updated_at, code_hash, code_expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19, $20)`

	// Numbers are counted through a function, for nobody sees all requests but the officer.
	sqlNextNumber = `select app.next_privacy_number()`

	sqlSaveRequest = `update privacy_request set state = $3, subject_email = $4, subject_name = $5, subject_phone = $6, namesakes = $7, purpose = $8, due_at = $9, extended_at = $10,
  extension_reason = $11, alarm = $12, identity_how = $13, identity_note = $14, identity_by = $15, identity_by_name = $16, identity_at = $17, code_hash = $18, code_expires_at = $19, code_tries = $20,
  plan = $21::jsonb, proposed_by = $22, proposed_by_name = $23, proposed_at = $24, approved_by = $25, approved_by_name = $26, approved_at = $27, approved_how = $28, progress = $29::jsonb,
  outcome = $30, forwarded_to = $31, certificate = $32::jsonb, package_until = $33, link_hash = $34, link_expires_at = $35, link_used_at = $36, closed_at = $37, version = $38, updated_at = $39, asked = $40, package_file = $41
where tenant_id = $1 and request_id = $2 and version = $38 - 1`

	sqlAnswerClock = `select who, coalesce(extract(epoch from keep), 0)::bigint from policy_clock where tenant_id = $1 and clock = 'subject-answer'`

	sqlOfficers = `select member_id, name, email from member where tenant_id = $1 and role = 'admin' and kind = 'person' and status = 'active' and email <> '' order by created_at, member_id limit 20`

	sqlAlarming = `select ` + requestColumns + `, null::uuid from privacy_request r where r.tenant_id = $1 and r.closed_at is null and r.due_at < $2 order by r.due_at, r.request_id limit 500`

	sqlSessionBegan = `select created_at from app.my_sessions($1) where session_id = $2`
)

func scanRequest(row pgx.CollectableRow) (r Request, err error) {
	err = row.Scan(&r.TenantID, &r.ID, &r.Number, &r.Kind, &r.Source, &r.State, &r.MemberID, &r.Email, &r.Name, &r.Phone, &r.Namesakes, &r.Purpose, &r.Asked,
		&r.ReceivedAt, &r.DueAt, &r.ExtendedAt, &r.ExtensionReason, &r.Alarm, &r.IdentityHow, &r.IdentityNote, &r.IdentityBy, &r.IdentityByName, &r.IdentityAt, &r.CodeHash, &r.CodeExpiresAt, &r.CodeTries,
		&r.Plan, &r.ProposedBy, &r.ProposedByName, &r.ProposedAt, &r.ApprovedBy, &r.ApprovedByName, &r.ApprovedAt, &r.ApprovedHow, &r.Progress, &r.Outcome, &r.ForwardedTo, &r.Certificate,
		&r.PackageFile, &r.PackageUntil, &r.LinkHash, &r.LinkExpiresAt, &r.LinkUsedAt, &r.ClosedAt, &r.Version, &r.CreatedAt, &r.UpdatedAt, &r.Partner)
	return r, err
}

func oneRequest(out *Request) func(pgx.Rows) error { return pg.One(out, scanRequest, "request") }

func lockRequest(ctx context.Context, tx *op.Tx, v id.ID) (r Request, err error) {
	rows, err := tx.Query(ctx, sqlLockRequest, tx.Who.Tenant, v)
	if err != nil {
		return r, err
	}
	err = oneRequest(&r)(rows)
	return r, err
}

func listRequests(ctx context.Context, q pg.Querier, sql string, args ...any) ([]Request, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanRequest)
}

func insertRequest(ctx context.Context, tx *op.Tx, r *Request) error {
	if err := tx.QueryRow(ctx, sqlNextNumber).Scan(&r.Number); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqlInsertRequest, r.TenantID, r.ID, r.Number, r.Kind, r.Source, r.State, r.MemberID, r.Email, r.Name, r.Phone, r.Namesakes, r.Purpose, r.Asked,
		r.ReceivedAt, r.DueAt, r.ForwardedTo, r.ClosedAt, r.CreatedAt, r.CodeHash, r.CodeExpiresAt)
	return err
}

// save writes what can change of a request and raises its version.
func save(ctx context.Context, tx *op.Tx, r *Request) error {
	r.Version, r.UpdatedAt = r.Version+1, tx.Now
	tag, err := tx.Exec(ctx, sqlSaveRequest, r.TenantID, r.ID, r.State, r.Email, r.Name, r.Phone, r.Namesakes, r.Purpose, r.DueAt, r.ExtendedAt,
		r.ExtensionReason, r.Alarm, r.IdentityHow, r.IdentityNote, r.IdentityBy, r.IdentityByName, r.IdentityAt, r.CodeHash, r.CodeExpiresAt, r.CodeTries,
		jsonOf(r.Plan), r.ProposedBy, r.ProposedByName, r.ProposedAt, r.ApprovedBy, r.ApprovedByName, r.ApprovedAt, r.ApprovedHow, jsonOf(r.Progress),
		r.Outcome, r.ForwardedTo, jsonOf(r.Certificate), r.PackageUntil, r.LinkHash, r.LinkExpiresAt, r.LinkUsedAt, r.ClosedAt, r.Version, r.UpdatedAt, r.Asked, r.PackageFile)
	if err == nil && tag.RowsAffected() != 1 {
		return errStale
	}
	return err
}

// answerClock returns who answers persons in this programme, and the policy's own period, 0 for the law's.
func answerClock(ctx context.Context, q pg.Querier, tenant id.ID) (who string, keep time.Duration, err error) {
	var seconds int64
	err = q.QueryRow(ctx, sqlAnswerClock, tenant).Scan(&who, &seconds)
	if err == pgx.ErrNoRows {
		return "tenant-admin", 0, nil
	}
	return who, time.Duration(seconds) * time.Second, err
}

// officer is somebody who is told about requests.
type officer struct {
	ID          id.ID
	Name, Email string
}

func officersIn(ctx context.Context, q pg.Querier, tenant id.ID) ([]officer, error) {
	rows, err := q.Query(ctx, sqlOfficers, tenant)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (o officer, err error) {
		err = r.Scan(&o.ID, &o.Name, &o.Email)
		return o, err
	})
}
