package account

import (
	"context"
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// ActConsentRecord records what a contact agreed to, withdrew or objected to.
const ActConsentRecord access.Action = "consent.record"

// Withdrawn is the basis that ends what stood for a purpose and puts nothing in its place.
const Withdrawn = "withdrawn"

// Purposes are what a contact's data may be used for.
var Purposes = []string{"service", "announcement", "marketing", "analytics", "profiling"}

// Bases are the grounds of such a use: the six of GDPR Article 6, the objection of Article 21, and Withdrawn.
var Bases = []string{"consent", "contract", "legal-obligation", "vital-interest", "public-task", "legitimate-interest", "objection", Withdrawn}

// Consent is the ground, or the objection, that stands or stood for one purpose.
type Consent struct {
	ID             id.ID      `json:"id"`
	Purpose        string     `json:"purpose"`
	Basis          string     `json:"basis"`
	GivenAt        time.Time  `json:"given_at"`
	WithdrawnAt    *time.Time `json:"withdrawn_at"` // nil while it stands
	Source         string     `json:"source"`
	Wording        string     `json:"wording"`
	WordingVersion string     `json:"wording_version"`
	RecordedBy     string     `json:"recorded_by"`
}

// Stands says whether it holds today.
func (c Consent) Stands() bool { return c.WithdrawnAt == nil }

// ConsentFacts are what somebody says about a contact's consent.
type ConsentFacts struct {
	Purpose        string // one of Purposes
	Basis          string // one of Bases
	Source         string // where the person said so
	Wording        string // what they agreed to
	WordingVersion string
}

// Refused is Facts.Refused for consents.
func (f ConsentFacts) Refused() []errs.Field {
	_, bad := f.checked()
	return bad
}

func (f ConsentFacts) checked() (ConsentFacts, errs.Problems) {
	var bad errs.Problems
	f.Source = bad.Text("source", f.Source, 200)
	bad.Need("source", f.Source)
	f.Wording = bad.Text("wording", f.Wording, 2000)
	f.WordingVersion = bad.Text("wording_version", f.WordingVersion, 40)
	if !slices.Contains(Purposes, f.Purpose) {
		bad.Add("purpose", "field.choice", "Choose a purpose: service, announcement, marketing, analytics or profiling.")
	}
	if !slices.Contains(Bases, f.Basis) {
		bad.Add("basis", "field.choice", "Choose a legal ground, such as consent or contract, an objection, or withdrawn.")
	}
	if f.Basis == "consent" && f.Wording == "" {
		bad.Add("wording", "field.required", "Write down what the person agreed to: a consent is shown by its words.")
	}
	return f, bad
}

// Consents returns a contact's grounds and objections, newest first, at most 200, also those that have ended. Errors: NotFound.
func (s *Service) Consents(ctx context.Context, who access.Actor, contact id.ID) ([]Consent, error) {
	var out []Consent
	err := op.Batch(ctx, s.ops, who, ActContactRead, func(r *op.Reads) {
		r.About("contact", contact)
		r.Query(sqlGetContact, []any{who.Tenant, contact}, oneContact(new(Contact)))
		r.Query(sqlConsents, []any{who.Tenant, contact}, consentRows(&out))
	})
	return out, err
}

// RecordConsent ends what stood for the purpose and records the new ground, or only ends it where the basis is Withdrawn.
// Errors: NotFound, Invalid, Conflict "consent.none" where nothing stood that could be withdrawn.
func (s *Service) RecordConsent(ctx context.Context, who access.Actor, contact id.ID, f ConsentFacts) error {
	f, bad := f.checked()
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
		stood, err := endConsent(ctx, tx, contact, f.Purpose)
		if err != nil {
			return struct{}{}, err
		}
		if f.Basis == Withdrawn && !stood {
			return struct{}{}, errs.New(errs.Conflict, "consent.none", "Nothing stands for %s that could be withdrawn. If the person does not want it, record an objection.", f.Purpose)
		}
		tx.Audit(audit.Change{Type: "contact", ID: c.ID, Label: c.Name, Partner: c.PartnerID, Note: f.Purpose + ": " + f.Basis + " (" + f.Source + ")"})
		if f.Basis == Withdrawn {
			return struct{}{}, nil
		}
		return struct{}{}, addConsent(ctx, tx, c, Consent{ID: id.New(), Purpose: f.Purpose, Basis: f.Basis, GivenAt: tx.Now, Source: f.Source, Wording: f.Wording,
			WordingVersion: f.WordingVersion, RecordedBy: tx.Who.Name})
	})
	return err
}
