package account

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

var contactHistory = trail.Records[Contact]{Table: "contact", Quiet: []string{"contact_id", "partner_id"}, Names: accountNames,
	Refs: func(a, b *Contact, changes map[string][2]any) {
		delete(changes, "account_id")
		if a.AccountID != b.AccountID {
			changes["account_id"] = [2]any{a.AccountName, b.AccountName}
		}
	}}

// accountNames fills in the names of the accounts of contacts as they stood.
func accountNames(ctx context.Context, tx *op.Tx, all []*Contact) error {
	ids := make([]id.ID, len(all))
	for i, c := range all {
		ids[i] = c.AccountID
	}
	names, err := namesOf(ctx, tx, ids)
	for _, c := range all {
		c.AccountName = names[c.AccountID]
		if c.AccountID != id.Nil && c.AccountName == "" {
			c.AccountName = "an account that is gone"
		}
	}
	return err
}

// ContactVersions is Versions for contacts.
func (s *Service) ContactVersions(ctx context.Context, who access.Actor, v id.ID, q trail.VersionQuery) (trail.VersionPage, error) {
	return op.Read(ctx, s.ops, who, ActContactVersions, func(tx *op.Tx) (trail.VersionPage, error) {
		now, err := lookContact(ctx, tx, v)
		if err != nil {
			return trail.VersionPage{}, err
		}
		out, err := contactHistory.Page(ctx, s.ops, tx, v, q)
		out.Label, out.Current = now.Name, now.Version
		return out, err
	})
}

// ContactVersion is Version for contacts.
func (s *Service) ContactVersion(ctx context.Context, who access.Actor, v id.ID, number int) (trail.Comparison, error) {
	return op.Read(ctx, s.ops, who, ActContactVersions, func(tx *op.Tx) (trail.Comparison, error) {
		now, err := lookContact(ctx, tx, v)
		if err != nil {
			return trail.Comparison{}, err
		}
		c, _, err := s.compareContact(ctx, tx, now, number)
		return c, err
	})
}

// RestoreContact is Restore for contacts. What an erasure took never comes back. Errors as of Restore, Stale "contact.stale".
func (s *Service) RestoreContact(ctx context.Context, who access.Actor, v id.ID, number, version int) (trail.Comparison, error) {
	return op.Write(ctx, s.ops, who, ActContactRestore, func(tx *op.Tx) (trail.Comparison, error) {
		old, err := holdContact(ctx, tx, v, version)
		if err != nil {
			return trail.Comparison{}, err
		}
		c, facts, err := s.compareContact(ctx, tx, old, number)
		if err == nil {
			err = c.Check()
		}
		if err != nil {
			return c, err
		}
		now, err := changeContact(ctx, tx, old, facts, c.Note())
		c.Label, c.Current = now.Name, now.Version
		return c, err
	})
}

func lookContact(ctx context.Context, tx *op.Tx, v id.ID) (Contact, error) {
	tx.About("contact", v)
	c, err := getContact(ctx, tx, v)
	if err != nil {
		return c, err
	}
	return c, tx.Allow(access.Object{Partner: c.PartnerID})
}

func (s *Service) compareContact(ctx context.Context, tx *op.Tx, now Contact, number int) (trail.Comparison, ContactFacts, error) {
	c, past, err := contactHistory.Compare(ctx, s.ops, tx, now.ID, now, number)
	if err != nil {
		return c, ContactFacts{}, err
	}
	c.Label, c.Current = now.Name, now.Version
	then := past.Record
	if past.Gone("name") { // an erasure took the person, whatever is left of the row
		c.Keep("The person in this version was erased.", "name", "email", "phone", "title")
	}
	facts := ContactFacts{Name: &then.Name, Email: &then.Email, Phone: &then.Phone, Title: &then.Title, AccountID: &then.AccountID,
		ExternalID: orElse(then.ExternalID, "")}
	c.KeepRefused(facts.Refused())
	if c.Has("external_id") && then.ExternalID != nil {
		err = keepTaken(ctx, tx, &c, sqlContactExternalTaken, *then.ExternalID, now.ID)
	}
	if err == nil && c.Has("account_id") && then.AccountID != id.Nil {
		if _, err = GetIn(ctx, tx, then.AccountID); errs.IsKind(err, errs.NotFound) {
			c.Keep("The account is not there any more.", "account_id")
			err = nil
		}
	}
	trail.Only(&c, "name", &facts.Name)
	trail.Only(&c, "email", &facts.Email)
	trail.Only(&c, "phone", &facts.Phone)
	trail.Only(&c, "title", &facts.Title)
	trail.Only(&c, "account_id", &facts.AccountID)
	trail.Only(&c, "external_id", &facts.ExternalID)
	return c, facts, err
}
