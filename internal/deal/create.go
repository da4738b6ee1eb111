package deal

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Create registers a deal as a draft, in the first open stage. A partner's people register for their own company; the
// vendor's people name a partner, or leave it the vendor's own pursuit.
//
// Invalid with every refused field; NotFound "partner.not_found", "account.not_found" or "member.not_found" for an id that the
// actor cannot see; Conflict "deal.external_taken".
func (s *Service) Create(ctx context.Context, who access.Actor, in CreateInput) (Deal, error) {
	return op.Write(ctx, s.ops, who, ActCreate, func(tx *op.Tx) (Deal, error) {
		d, err := in.draft(tx)
		if err != nil {
			return d, err
		}
		if err := tx.Allow(access.Object{Partner: who.Partner, Owner: who.Member}); err != nil {
			return d, err
		}
		if err := checkParties(ctx, tx, &d); err != nil {
			return d, err
		}
		if in.AccountID != id.Nil {
			err = takeAccount(ctx, tx, &d, in.AccountID)
		} else {
			err = settleAccount(ctx, tx, &d, in.Account)
		}
		if err != nil {
			return d, err
		}
		if d, err = insert(ctx, tx, d); err != nil {
			return d, err
		}
		tx.Audit(audit.Change{Type: "deal", ID: d.ID, Label: d.Title, Partner: d.Partner, After: d})
		return d, nil
	})
}

// draft returns the deal that the input describes, or every refused field.
func (in CreateInput) draft(tx *op.Tx) (Deal, error) {
	who := tx.Who
	d := Deal{ID: id.New(), Partner: in.Partner, Owner: in.Owner, State: StateDraft, Source: in.Source, CreatedBy: who.Member, CreatedAt: tx.Now}
	p := in.values(&d)
	if d.Source == "" {
		d.Source = "portal"
	}
	if who.Persona == access.Partner {
		if in.Partner != id.Nil && in.Partner != who.Partner {
			return d, errs.Missing("partner")
		}
		d.Partner = who.Partner
		if d.Owner == id.Nil {
			d.Owner = who.Member
		}
	} else if d.Source == "portal" {
		d.Source = "vendor"
	}
	return d, errs.Refused(p)
}

// values puts what was typed on d and returns every value that is not acceptable.
func (in CreateInput) values(d *Deal) errs.Problems {
	var p problems
	d.Title = p.title(in.Title)
	d.AmountMinor = p.amount(in.AmountMinor)
	if in.Currency != "" {
		d.Currency = p.currency(in.Currency)
	}
	d.ExpectedCloseOn = p.day("expected_close_on", in.ExpectedCloseOn)
	d.Product = p.Text("product", in.Product, 120)
	d.ExternalID = p.externalID(in.ExternalID)
	if in.AccountID != id.Nil && in.Account != (AccountFacts{}) {
		p.Add("account_id", "field.choice", "Give either account_id or account.")
	}
	return append(p.Problems, in.Account.refused()...)
}

// Refused returns every value of the input that Create would refuse, so that a door can tell them along with what it finds
// itself.
func (in CreateInput) Refused() []errs.Field { return in.values(&Deal{}) }

// checkParties refuses a partner or an owner that the actor cannot see, or that does not belong together.
func checkParties(ctx context.Context, tx *op.Tx, d *Deal) error {
	if tx.Who.Persona != access.Partner && d.Partner != id.Nil {
		if err := partnerLives(ctx, tx, d.Partner); err != nil {
			return err
		}
	}
	if d.Owner != id.Nil && d.Owner != tx.Who.Member {
		return ownerStands(ctx, tx, d.Owner, d.Partner)
	}
	return nil
}
