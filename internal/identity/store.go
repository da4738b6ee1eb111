package identity

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
	sqlMemberColumns = `
select m.member_id, m.kind, m.person_id, m.partner_id, coalesce(p.name, '') as partner_name, m.role, m.name, m.email, m.status, m.last_seen_at, m.version, m.created_at, m.updated_at
  from member m left join partner p on p.tenant_id = m.tenant_id and p.partner_id = m.partner_id
 where m.tenant_id = (select app.tenant())`
	sqlMember     = sqlMemberColumns + ` and m.member_id = $1`
	sqlLockMember = sqlMemberColumns + ` and m.member_id = $1 for update of m`
	sqlPeople     = sqlMemberColumns + ` and m.kind = 'person'
   and ($1 = '' or m.name ilike $1 or m.email ilike $1) and ($2 = '' or m.role = $2) and (m.status = $3 or $3 = '' and m.status <> 'removed')
   and ($4::uuid is null or m.partner_id = $4) and ($5 = '' or (m.name, m.member_id) > ($5, $6))
 order by m.name, m.member_id limit $7`
	sqlSameMember   = sqlMemberColumns + ` and m.person_id = $1 and m.partner_id is not distinct from $2::uuid and m.status <> 'removed' for update of m`
	sqlListedMember = sqlMemberColumns + ` and m.person_id is null and m.kind = 'person' and m.email = $1 and m.partner_id is not distinct from $2::uuid and m.status = 'listed'
 order by m.member_id limit 1 for update of m`
	sqlPersonFor    = `select app.person_for_email($1, $2)`
	sqlPartnerState = `select name, status from partner where tenant_id = (select app.tenant()) and partner_id = $1`
	sqlInsertMember = `
insert into member (tenant_id, member_id, kind, person_id, partner_id, role, name, email, status, external_id, import_id, created_at, updated_at)
values (app.tenant(), $1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''), $10, $11, $11)`
	sqlUpdateMember = `
update member set person_id = $2, role = $3, name = $4, status = $5, version = $6, updated_at = $7, last_seen_at = $8
 where tenant_id = (select app.tenant()) and member_id = $1`
	// Every active Admin is locked, so that two who demote each other cannot both succeed.
	sqlLockAdmins  = `select member_id from member where tenant_id = (select app.tenant()) and role = 'admin' and status = 'active' and kind = 'person' order by member_id for update`
	sqlEndSessions = `select app.end_member_sessions($1, $2)`
	sqlEndKeys     = `update api_key set revoked_at = $2 where tenant_id = (select app.tenant()) and member_id = $1 and revoked_at is null`
	sqlEndInvites  = `update invitation set revoked_at = $2 where tenant_id = (select app.tenant()) and member_id = $1 and used_at is null and revoked_at is null`

	sqlInsertInvite = `
insert into invitation (tenant_id, invitation_id, member_id, partner_id, token_hash, expires_at, created_by, created_at)
values (app.tenant(), $1, $2, $3, $4, $5, $6, $7)`
	sqlInviteByToken = `
select tenant_id, tenant_name, invitation_id, member_id, person_id, partner_id, partner_name, role, name, email, expires_at, used_at, revoked_at, has_password
  from app.invitation_by_token($1)`
	sqlUseInvite = `
update invitation set used_at = $2
 where tenant_id = (select app.tenant()) and invitation_id = $1 and token_hash = $3 and used_at is null and revoked_at is null and expires_at > $2`
	sqlFirstPassword   = `select app.set_first_password($1, $2, $3, $4)`
	sqlFounderPassword = `select app.set_founder_password($1, $2, $3, $4)`
)

// MemberIn returns one membership, for use inside another room's transaction. NotFound "person.not_found".
func MemberIn(ctx context.Context, q pg.Querier, member id.ID) (Member, error) {
	return oneMember(ctx, q, sqlMember, member)
}

func missing(err error, noun string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return errs.Missing(noun)
	}
	return err
}

func oneMember(ctx context.Context, q pg.Querier, sql string, args ...any) (Member, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return Member{}, err
	}
	m, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Member])
	return m, missing(err, "person")
}

func lockMember(ctx context.Context, tx *op.Tx, member id.ID) (Member, error) {
	return oneMember(ctx, tx, sqlLockMember, member)
}

func personFor(ctx context.Context, tx *op.Tx, email, name string) (person id.ID, err error) {
	err = tx.QueryRow(ctx, sqlPersonFor, email, name).Scan(&person)
	return person, err
}

func partnerState(ctx context.Context, tx *op.Tx, partner id.ID) (name, status string, err error) {
	err = tx.QueryRow(ctx, sqlPartnerState, partner).Scan(&name, &status)
	return name, status, missing(err, "partner")
}

func insertMember(ctx context.Context, tx *op.Tx, m Member, external string, imported id.ID) error {
	_, err := tx.Exec(ctx, sqlInsertMember, m.ID, m.Kind, m.PersonID, m.PartnerID, m.Role, m.Name, m.Email, m.Status, external, imported, m.CreatedAt)
	return memberError(err)
}

func saveMember(ctx context.Context, tx *op.Tx, m Member) error {
	_, err := tx.Exec(ctx, sqlUpdateMember, m.ID, m.PersonID, m.Role, m.Name, m.Status, m.Version, m.UpdatedAt, m.LastSeenAt)
	return memberError(err)
}

func memberError(err error) error {
	switch pg.Constraint(err) {
	case "member_person_uq":
		return errs.New(errs.Conflict, "person.exists", "This person belongs here already.")
	case "member_partner_fk":
		return errs.Refused([]errs.Field{{Name: "partner_id", Code: "field.unknown_object", Msg: "There is no such partner company."}})
	case "member_external_uq":
		return errs.Refused([]errs.Field{{Name: "external_id", Code: "field.taken", Msg: "Another person has this external id."}})
	}
	return err
}

// otherAdmins counts the active Admins besides one, all of them locked.
func otherAdmins(ctx context.Context, tx *op.Tx, member id.ID) (int, error) {
	rows, err := tx.Query(ctx, sqlLockAdmins)
	if err != nil {
		return 0, err
	}
	n := 0
	var v id.ID
	_, err = pgx.ForEachRow(rows, []any{&v}, func() error {
		if v != member {
			n++
		}
		return nil
	})
	return n, err
}

func endSessions(ctx context.Context, tx *op.Tx, member id.ID) (ended int, err error) {
	err = tx.QueryRow(ctx, sqlEndSessions, member, tx.Now).Scan(&ended)
	return ended, err
}

func endKeysAndInvites(ctx context.Context, tx *op.Tx, member id.ID) error {
	b := &pgx.Batch{}
	b.Queue(sqlEndKeys, member, tx.Now)
	b.Queue(sqlEndInvites, member, tx.Now)
	return tx.SendBatch(ctx, b).Close()
}

// replaceInvite revokes the open invitations of a membership and stores a new one.
func replaceInvite(ctx context.Context, tx *op.Tx, m Member, hash []byte, expires time.Time) error {
	b := &pgx.Batch{}
	b.Queue(sqlEndInvites, m.ID, tx.Now)
	b.Queue(sqlInsertInvite, id.New(), m.ID, m.PartnerID, hash, expires, tx.Who.Member, tx.Now)
	return tx.SendBatch(ctx, b).Close()
}

func (s *Service) inviteByToken(ctx context.Context, hash []byte) (Invitation, error) {
	rows, err := s.ops.DB.Pool(pg.Public).Query(ctx, sqlInviteByToken, hash)
	if err != nil {
		return Invitation{}, err
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Invitation])
	return v, missing(err, "invitation")
}

func useInvite(ctx context.Context, tx *op.Tx, v Invitation, hash []byte) (used bool, err error) {
	tag, err := tx.Exec(ctx, sqlUseInvite, v.ID, tx.Now, hash)
	return tag.RowsAffected() == 1, err
}

func firstPassword(ctx context.Context, tx *op.Tx, token []byte, hash, name string) (set bool, err error) {
	err = tx.QueryRow(ctx, sqlFirstPassword, token, hash, name, tx.Now).Scan(&set)
	return set, err
}

func founderPassword(ctx context.Context, tx *op.Tx, person id.ID, hash, name string) (set bool, err error) {
	err = tx.QueryRow(ctx, sqlFounderPassword, person, hash, name, tx.Now).Scan(&set)
	return set, err
}
