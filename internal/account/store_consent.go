package account

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// The use cases about what a contact agreed to.
const (
	ActConsentRecord access.Action = "consent.record"
)

const (
	sqlMayMail = `select app.may_mail($1, $2)`

	sqlAddConsent = `insert into contact_consent (tenant_id, consent_id, partner_id, contact_id, purpose, basis, given_at, source, wording, wording_version, recorded_by, recorded_by_name)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	sqlEndConsent = `update contact_consent set withdrawn_at = $4 where tenant_id = $1 and contact_id = $2 and purpose = $3 and withdrawn_at is null`
)

// ConsentFacts are what somebody says about a contact's consent.
type ConsentFacts struct {
	Purpose, Basis  string // see the checks of contact_consent; Basis "" withdraws
	Source          string // where the person said so
	Wording, Number string // what they agreed to, and the version of that wording
}

// MayContact says why a contact is not to be contacted for a purpose: restricted, objected or no-consent; "" when they may be. It is
// asked in the transaction that contacts them.
func MayContact(ctx context.Context, tx *op.Tx, c Contact, purpose string) (why string, err error) {
	err = tx.QueryRow(ctx, sqlMayMail, c.Email, purpose).Scan(&why)
	return why, err
}

// RecordConsent ends what stood for the purpose and records the new ground, or only ends it where Basis is empty. Invalid names a
// missing source; NotFound.
func (s *Service) RecordConsent(ctx context.Context, who access.Actor, contact id.ID, f ConsentFacts) error {
	var bad errs.Problems
	f.Source = bad.Text("source", f.Source, 200)
	bad.Need("source", f.Source)
	f.Wording = bad.Text("wording", f.Wording, 2000)
	f.Number = bad.Text("wording_version", f.Number, 40)
	switch f.Purpose {
	case "service", "announcement", "marketing", "analytics", "profiling":
	default:
		bad.Add("purpose", "field.choice", "Choose a purpose: service, announcement, marketing, analytics or profiling.")
	}
	switch f.Basis {
	case "", "consent", "contract", "legal-obligation", "vital-interest", "public-task", "legitimate-interest", "objection":
	default:
		bad.Add("basis", "field.choice", "Choose a legal ground, such as consent or contract.")
	}
	if err := errs.Refused(bad); err != nil {
		return err
	}
	_, err := op.Write(ctx, s.ops, who, ActConsentRecord, func(tx *op.Tx) (struct{}, error) {
		tx.About("contact", contact)
		c, err := lockContact(ctx, tx, contact)
		if err != nil {
			return struct{}{}, err
		}
		if err := tx.Allow(access.Object{Partner: c.PartnerID}); err != nil {
			return struct{}{}, err
		}
		tx.Audit(audit.Change{Type: "contact", ID: c.ID, Label: c.Name, Partner: c.PartnerID, Note: f.Purpose + ": " + f.Basis})
		if _, err := tx.Exec(ctx, sqlEndConsent, tx.Who.Tenant, contact, f.Purpose, tx.Now); err != nil || f.Basis == "" {
			return struct{}{}, err
		}
		_, err = tx.Exec(ctx, sqlAddConsent, tx.Who.Tenant, id.New(), c.PartnerID, contact, f.Purpose, f.Basis, tx.Now, f.Source, f.Wording, f.Number, tx.Who.Member, tx.Who.Name)
		return struct{}{}, err
	})
	return err
}
