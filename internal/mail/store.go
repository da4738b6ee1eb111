package mail

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlInsert = `insert into mail (tenant_id, mail_id, template, to_email, to_name, subject, text_body, html_body, link, status, last_error, object_type, object_id, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''), $10, $11, $12, $13, $14)`

	sqlGet = `select tenant_id, mail_id, template, to_email, to_name, subject, text_body, html_body, status, attempts, last_error, object_type, object_id, created_at, sent_at
  from mail where tenant_id = $1 and mail_id = $2`

	sqlList = `select tenant_id, mail_id, template, to_email, to_name, subject, '', '', status, attempts, last_error, object_type, object_id, created_at, sent_at
  from mail where tenant_id = $1 and (created_at, mail_id) < ($2, coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
   and ($5 = '' or status = $5)
   and ($6 = '' or position($6 in lower(subject)) > 0 or position($6 in lower(to_name)) > 0 or position($6 in to_email) > 0)
 order by created_at desc, mail_id desc limit $4`

	sqlMayMail = `select app.may_mail($1, $2)`

	sqlLink = `select coalesce(link, '') from mail where tenant_id = $1 and mail_id = $2`

	sqlSettle = `update mail set status = $3, attempts = $4, last_error = $5, sent_at = $6, link = case when $3 = 'queued' then link end
 where tenant_id = $1 and mail_id = $2 and status = 'queued'`
)

func scan(row pgx.CollectableRow) (m Mail, err error) {
	err = row.Scan(&m.TenantID, &m.ID, &m.Template, &m.To, &m.ToName, &m.Subject, &m.Text, &m.HTML, &m.Status, &m.Attempts, &m.LastError,
		&m.ObjectType, &m.ObjectID, &m.CreatedAt, &m.SentAt)
	return m, err
}

func one(out *Mail) func(pgx.Rows) error { return pg.One(out, scan, "mail") }

func query(ctx context.Context, q pg.Querier, sql string, args ...any) (m Mail, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return m, err
	}
	err = one(&m)(rows)
	return m, err
}

func insert(ctx context.Context, q pg.Querier, m Mail, link string) error {
	_, err := q.Exec(ctx, sqlInsert, m.TenantID, m.ID, m.Template, m.To, m.ToName, m.Subject, m.Text, m.HTML, link, m.Status, m.LastError,
		m.ObjectType, m.ObjectID, m.CreatedAt)
	return err
}

// queuedMail is a mail and the one-time link it still carries.
type queuedMail struct {
	Mail Mail
	Link string
}

func loadQueued(ctx context.Context, tx *op.Tx, v id.ID) (q queuedMail, err error) {
	if q.Mail, err = query(ctx, tx, sqlGet, tx.Who.Tenant, v); err != nil {
		return q, err
	}
	return q, tx.QueryRow(ctx, sqlLink, tx.Who.Tenant, v).Scan(&q.Link)
}

// saveOutcome notes what became of an attempt; a mail that has left the queue is not touched.
func saveOutcome(ctx context.Context, tx *op.Tx, m Mail) error {
	_, err := tx.Exec(ctx, sqlSettle, tx.Who.Tenant, m.ID, m.Status, m.Attempts, m.LastError, m.SentAt)
	return err
}

// mayMail says in words why no mail for a purpose may go to an address, or "". It is asked in the transaction that writes the mail: an
// objection that was recorded before holds.
func mayMail(ctx context.Context, q pg.Querier, to, purpose string) (why string, err error) {
	err = q.QueryRow(ctx, sqlMayMail, to, purpose).Scan(&why)
	return map[string]string{"restricted": "The person's processing is restricted.", "objected": "The person objected.", "no-consent": "The person did not agree to mails of this kind."}[why], err
}
