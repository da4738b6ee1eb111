package mail

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlInsert = `insert into mail (tenant_id, mail_id, template, to_email, to_name, subject, text_sealed, html_sealed, link_sealed, status, last_error, object_type, object_id, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

	sqlGet = `select tenant_id, mail_id, template, to_email, to_name, subject, text_body, html_body, status, attempts, last_error, object_type, object_id, created_at, sent_at,
  text_sealed, html_sealed, link_sealed, coalesce(link, '')
  from mail where tenant_id = $1 and mail_id = $2`

	sqlList = `select tenant_id, mail_id, template, to_email, to_name, subject, '', '', status, attempts, last_error, object_type, object_id, created_at, sent_at, null::bytea, null::bytea, null::bytea, ''
  from mail where tenant_id = $1 and (created_at, mail_id) < ($2, coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
   and ($5 = '' or status = $5)
   and ($6 = '' or position($6 in lower(subject)) > 0 or position($6 in lower(to_name)) > 0 or position($6 in to_email) > 0)
 order by created_at desc, mail_id desc limit $4`

	sqlMayMail = `select app.may_mail($1, $2)`

	sqlSettle = `update mail set status = $3, attempts = $4, last_error = $5, sent_at = $6, link = case when $3 = 'queued' then link end,
       link_sealed = case when $3 = 'queued' then link_sealed end
 where tenant_id = $1 and mail_id = $2 and status = 'queued'`

	sqlBodies = `select tenant_id, mail_id, template, to_email, to_name, subject, text_body, html_body, status, attempts, last_error, object_type, object_id, created_at, sent_at,
  text_sealed, html_sealed, link_sealed, coalesce(link, '')
  from mail where tenant_id = $1 and mail_id > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000') and text_sealed is not null order by mail_id limit $3`
	sqlLockBodies = sqlBodies + ` for update`

	// Mails from before their bodies were encrypted.
	sqlPlain = `select mail_id, text_body, html_body, link from mail
 where tenant_id = $1 and (text_body <> '' or html_body <> '' or link is not null) order by mail_id limit 200 for update skip locked`
	sqlSealPlain = `update mail set text_body = '', html_body = '', link = null, text_sealed = $3, html_sealed = $4, link_sealed = $5 where tenant_id = $1 and mail_id = $2`
)

func scan(row pgx.CollectableRow) (m Mail, err error) {
	err = row.Scan(&m.TenantID, &m.ID, &m.Template, &m.To, &m.ToName, &m.Subject, &m.Text, &m.HTML, &m.Status, &m.Attempts, &m.LastError,
		&m.ObjectType, &m.ObjectID, &m.CreatedAt, &m.SentAt, &m.sealed.text, &m.sealed.html, &m.sealed.link, &m.link)
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

func insert(ctx context.Context, tx *op.Tx, m Mail) error {
	sealer, err := tx.Sealer(ctx)
	if err != nil {
		return err
	}
	if err := m.seal(sealer); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sqlInsert, m.TenantID, m.ID, m.Template, m.To, m.ToName, m.Subject, m.sealed.text, m.sealed.html, m.sealed.link, m.Status, m.LastError,
		m.ObjectType, m.ObjectID, m.CreatedAt)
	return err
}

// sealPlain encrypts up to 200 mails from before and returns how many it were.
func sealPlain(ctx context.Context, tx *op.Tx) (int, error) {
	rows, err := tx.Query(ctx, sqlPlain, tx.Who.Tenant)
	if err != nil {
		return 0, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m Mail, err error) {
		var link *string
		if err = row.Scan(&m.ID, &m.Text, &m.HTML, &link); link != nil {
			m.link = *link
		}
		return m, err
	})
	if err != nil || len(list) == 0 {
		return 0, err
	}
	sealer, err := tx.Sealer(ctx)
	if err != nil {
		return 0, err
	}
	b := &pgx.Batch{}
	for _, m := range list {
		if err := m.seal(sealer); err != nil {
			return 0, err
		}
		b.Queue(sqlSealPlain, tx.Who.Tenant, m.ID, m.sealed.text, m.sealed.html, m.sealed.link)
	}
	return len(list), tx.SendBatch(ctx, b).Close()
}

// bodies returns the next mails that still have bodies.
func bodies(ctx context.Context, tx *op.Tx, sql string, after id.ID, limit int) ([]Mail, error) {
	rows, err := tx.Query(ctx, sql, tx.Who.Tenant, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

func saveBodies(ctx context.Context, tx *op.Tx, m Mail) error {
	_, err := tx.Exec(ctx, sqlSealPlain, tx.Who.Tenant, m.ID, m.sealed.text, m.sealed.html, m.sealed.link)
	return err
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
