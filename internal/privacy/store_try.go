package privacy

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlTryLimits  = `select set_config('lock_timeout', '2s', true), set_config('statement_timeout', '20s', true)`
	sqlTryPartner = `insert into partner (tenant_id, partner_id, name, name_norm) values ($1, $2, $3, lower($3))`
	sqlTryContact = `insert into contact (tenant_id, contact_id, partner_id, name, email, phone, title) values ($1, $2, $3, $4, $5, $6, 'Probe')`
	sqlTryDeal    = `
insert into deal (tenant_id, deal_id, partner_id, title, state, stage_id, currency, search_text)
select $1, $2, $3, $4::text, 'draft', s.stage_id, 'EUR', lower($4::text) from stage s where s.tenant_id = $1 order by s.position limit 1`
	sqlTryNote = `
insert into deal_note (tenant_id, note_id, deal_id, partner_id, author_name, author_side, body) values ($1, $2, $3, $4, 'Probe', 'vendor', $5)`
	sqlTryMail = `insert into mail (tenant_id, mail_id, template, to_email, to_name, subject, text_body, html_body) values ($1, $2, 'probe', $3, $4, 'Probe', '', '')`

	sqlNewestCertificate = `
select certificate ->> 'note' from privacy_request where tenant_id = $1 and strpos(certificate ->> 'note', $2) > 0 order by closed_at desc nulls last, request_id desc limit 1`
	sqlLedgerLines = `select ledger_id from erasure_ledger l where tenant_id = $1 and not exists (select from arrival a where a.tenant_id = l.tenant_id and a.arrived_at >= l.at) order by at desc limit 10000`
)

// put stores the made-up person's rows and notes where they stand. Whoever calls it rolls back.
func (c *canary) put(ctx context.Context, tx *op.Tx) error {
	if _, err := tx.Exec(ctx, sqlTryLimits); err != nil {
		return err
	}
	t, partner, deal := tx.Who.Tenant, id.New(), id.New()
	rows := []struct {
		table string
		key   id.ID
		sql   string
		args  []any
	}{
		{"", partner, sqlTryPartner, []any{"Probe " + partner.String()}},
		{"contact", c.contact, sqlTryContact, []any{partner, c.sub.Name, c.sub.Email, c.sub.Phone}},
		{"deal", deal, sqlTryDeal, []any{partner, "Roof for " + c.sub.Name}},
		{"deal_note", id.New(), sqlTryNote, []any{deal, partner, "Rang " + c.dialled + " twice, then wrote to " + c.tagged + ". Somebody else answered."}},
		{"mail", id.New(), sqlTryMail, []any{c.sub.Email, c.sub.Name}},
	}
	for _, r := range rows {
		tag, err := tx.Exec(ctx, r.sql, append([]any{t, r.key}, r.args...)...)
		if err != nil {
			return err
		}
		if r.table == "deal" && tag.RowsAffected() == 0 {
			return errors.New("the programme has no stage to put a made-up deal into")
		}
		if r.table != "" {
			c.places[r.table] = r.key.String()
		}
	}
	return nil
}

// tell adds an entry about the made-up person to the audit log.
func (c *canary) tell(ctx context.Context, tx *op.Tx, o *op.Ops) error {
	keys, err := tx.Sealer(ctx)
	if err != nil {
		return err
	}
	e, err := audit.NewEntry(o.Map, keys, tx.Who, tx.ID, tx.Now, audit.Done, audit.Change{Action: ActFind, Type: "contact", ID: id.New(), Label: c.sub.Name, Note: "wrote from " + c.sub.Email})
	if err != nil {
		return err
	}
	c.places["audit_entry"] = e.EntryID.String()
	return audit.Append(ctx, tx, []audit.Entry{e})
}

// newestCertificate returns the newest certificate that the named key signed, "" for none.
func newestCertificate(ctx context.Context, tx *op.Tx, signer string) (string, error) {
	var out string
	err := tx.QueryRow(ctx, sqlNewestCertificate, tx.Who.Tenant, signer).Scan(&out)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return out, err
}

// ledgerLines returns the newest lines of the database's ledger; those that came with a programme from elsewhere are not
// among them: their people were gone before, and the file of this installation has its own key.
func ledgerLines(ctx context.Context, tx *op.Tx) ([]id.ID, error) {
	rows, err := tx.Query(ctx, sqlLedgerLines, tx.Who.Tenant)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[id.ID])
}
