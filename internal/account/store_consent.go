package account

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlConsents = `select consent_id, purpose, basis, given_at, withdrawn_at, source, wording, wording_version, recorded_by_name
  from contact_consent where tenant_id = $1 and contact_id = $2 order by given_at desc, consent_id desc limit 200`
	sqlAddConsent = `insert into contact_consent (tenant_id, consent_id, partner_id, contact_id, purpose, basis, given_at, source, wording, wording_version, recorded_by, recorded_by_name)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	sqlEndConsent = `update contact_consent set withdrawn_at = $4 where tenant_id = $1 and contact_id = $2 and purpose = $3 and withdrawn_at is null`
)

func consentRows(out *[]Consent) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (c Consent, err error) {
			err = r.Scan(&c.ID, &c.Purpose, &c.Basis, &c.GivenAt, &c.WithdrawnAt, &c.Source, &c.Wording, &c.WordingVersion, &c.RecordedBy)
			return c, err
		})
		return err
	}
}

// endConsent withdraws what stands for a purpose and says whether anything did.
func endConsent(ctx context.Context, tx *op.Tx, contact id.ID, purpose string) (stood bool, err error) {
	tag, err := tx.Exec(ctx, sqlEndConsent, tx.Who.Tenant, contact, purpose, tx.Now)
	return tag.RowsAffected() > 0, err
}

func addConsent(ctx context.Context, tx *op.Tx, c Contact, k Consent) error {
	_, err := tx.Exec(ctx, sqlAddConsent, tx.Who.Tenant, k.ID, c.PartnerID, c.ID, k.Purpose, k.Basis, k.GivenAt, k.Source, k.Wording, k.WordingVersion, tx.Who.Member, k.RecordedBy)
	return err
}
