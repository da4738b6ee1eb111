package notice

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	columns = `tenant_id, notice_id, kind, object_id, audience, subject, heading, paragraphs, button, path, reason, status, total, done, created_by, created_by_name, created_at, done_at`

	sqlGet  = `select ` + columns + ` from notice where tenant_id = $1 and notice_id = $2`
	sqlLock = sqlGet + ` for update`

	sqlInsert = `insert into notice (` + columns + `) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`

	sqlCount = `select count(*) from member m where m.tenant_id = $1 and m.kind = 'person' and m.status = 'active' and m.email <> ''
   and ($2 = 'all' or ($2 = 'vendor') = (m.partner_id is null))`

	sqlAddAudience = `
insert into notice_recipient (tenant_id, notice_id, position, member_id, partner_id, name, email, created_at)
select m.tenant_id, $2, row_number() over (order by m.member_id), m.member_id, m.partner_id, m.name, m.email, $4 from member m
 where m.tenant_id = $1 and m.kind = 'person' and m.status = 'active' and m.email <> '' and ($3 = 'all' or ($3 = 'vendor') = (m.partner_id is null))`

	sqlAddListed = `
insert into notice_recipient (tenant_id, notice_id, position, member_id, partner_id, name, email, created_at)
select $1, $2, r.position, r.member, r.partner, r.name, r.email, $8 from unnest($3::int[], $4::uuid[], $5::uuid[], $6::text[], $7::text[]) as r (position, member, partner, name, email)`

	sqlRecipients = `select recipient_id, position, member_id, partner_id, name, email, mail_id, outcome, queued_at
  from notice_recipient where tenant_id = $1 and notice_id = $2 and position > $3 order by position limit $4`

	sqlWaiting = `select recipient_id, position, member_id, partner_id, name, email, mail_id, outcome, queued_at
  from notice_recipient where tenant_id = $1 and notice_id = $2 and outcome = 'waiting' order by position limit $3 for update`

	sqlQueued = `
update notice_recipient n set outcome = 'queued', queued_at = $4, mail_id = r.mail from unnest($2::uuid[], $3::uuid[]) as r (recipient, mail)
 where n.tenant_id = $1 and n.recipient_id = r.recipient`
	sqlProgress = `update notice set done = $3, status = $4, done_at = $5 where tenant_id = $1 and notice_id = $2`
)

func one(ctx context.Context, tx *op.Tx, sql string, v id.ID) (Notice, error) {
	rows, err := tx.Query(ctx, sql, tx.Who.Tenant, v)
	if err != nil {
		return Notice{}, err
	}
	n, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Notice])
	if errors.Is(err, pgx.ErrNoRows) {
		return n, errs.Missing("notice")
	}
	return n, err
}

func count(ctx context.Context, tx *op.Tx, d Draft) (n int, err error) {
	if d.Audience == Listed {
		return len(d.ListedPersons), nil
	}
	err = tx.QueryRow(ctx, sqlCount, tx.Who.Tenant, d.Audience).Scan(&n)
	return n, err
}

func insert(ctx context.Context, tx *op.Tx, n Notice) error {
	paragraphs := append([]string{}, n.Paragraphs...)
	_, err := tx.Exec(ctx, sqlInsert, n.TenantID, n.ID, n.Kind, n.ObjectID, n.Audience, n.Subject, n.Heading, paragraphs, n.Button, n.Path, n.Reason, n.Status,
		n.Total, n.Done, n.CreatedBy, n.CreatedByName, n.CreatedAt, n.DoneAt)
	return err
}

func addRecipients(ctx context.Context, tx *op.Tx, n Notice, listed []Recipient) error {
	if n.Audience != Listed {
		_, err := tx.Exec(ctx, sqlAddAudience, n.TenantID, n.ID, n.Audience, n.CreatedAt)
		return err
	}
	positions, members, partners := make([]int, len(listed)), make([]id.ID, len(listed)), make([]id.ID, len(listed))
	names, emails := make([]string, len(listed)), make([]string, len(listed))
	for i, r := range listed {
		positions[i], members[i], partners[i], names[i], emails[i] = i+1, r.MemberID, r.PartnerID, r.Name, r.Email
	}
	_, err := tx.Exec(ctx, sqlAddListed, n.TenantID, n.ID, positions, members, partners, names, emails, n.CreatedAt)
	return err
}

func readWaiting(ctx context.Context, tx *op.Tx, v id.ID) ([]Recipient, error) {
	rows, err := tx.Query(ctx, sqlWaiting, tx.Who.Tenant, v, chunk)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Recipient])
}

func recipients(ctx context.Context, tx *op.Tx, v id.ID, after, limit int) ([]Recipient, error) {
	rows, err := tx.Query(ctx, sqlRecipients, tx.Who.Tenant, v, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Recipient])
}

// settle notes who of a chunk has a mail now, and how far the notice is.
func settle(ctx context.Context, tx *op.Tx, n Notice, told []Recipient) error {
	ids, mails := make([]id.ID, len(told)), make([]id.ID, len(told))
	for i, r := range told {
		ids[i], mails[i] = r.ID, r.MailID
	}
	b := &pgx.Batch{}
	b.Queue(sqlQueued, tx.Who.Tenant, ids, mails, tx.Now)
	b.Queue(sqlProgress, tx.Who.Tenant, n.ID, n.Done, n.Status, n.DoneAt)
	return tx.SendBatch(ctx, b).Close()
}
