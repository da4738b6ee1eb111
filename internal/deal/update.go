package deal

import (
	"context"
	"reflect"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Update changes the facts that are given: a partner's people while the deal is a draft or returned, the vendor's as long as
// it is open. Another customer on a protected deal takes its claim along.
//
// Invalid with every refused field; Conflict "deal.state", "deal.protected" or "deal.external_taken"; Stale "deal.stale".
func (s *Service) Update(ctx context.Context, who access.Actor, in UpdateInput) (Deal, error) {
	return op.Write(ctx, s.ops, who, ActUpdate, func(tx *op.Tx) (Deal, error) {
		d, r, err := lock(ctx, tx, in.ID)
		if err != nil {
			return d, err
		}
		if err := allow(tx, d, r); err != nil {
			return d, err
		}
		if err := stale(in.Version, d.Version); err != nil {
			return d, err
		}
		if !editable(who, d.State) {
			return d, wrongState(d.State, "changed")
		}
		before := d
		if err := in.apply(ctx, tx, &d); err != nil {
			return d, err
		}
		return saveFacts(ctx, tx, before, d, r, "")
	})
}

// saveFacts writes a deal whose facts were changed, takes its claim along, and tells it.
func saveFacts(ctx context.Context, tx *op.Tx, before, d Deal, r rules, note string) (Deal, error) {
	if reflect.DeepEqual(before, d) {
		tx.Unchanged()
		return d, nil
	}
	t := turn{tx: tx, deal: &d, rules: r, batch: &pgx.Batch{}}
	if err := t.takeClaimAlong(ctx, before); err != nil {
		return d, err
	}
	d.Version, d.UpdatedAt = d.Version+1, tx.Now
	queueSave(t.batch, tx.Who.Tenant, d)
	if err := send(ctx, tx, t.batch); err != nil {
		return d, err
	}
	tx.Audit(audit.Change{Type: "deal", ID: d.ID, Label: d.Title, Partner: d.Partner, Before: before, After: d, Note: note})
	return d, nil
}

// values puts the given values on d and returns every one that is not acceptable.
func (in UpdateInput) values(d *Deal) errs.Problems {
	var p problems
	if in.Title != nil {
		d.Title = p.title(*in.Title)
	}
	if in.AmountMinor != nil {
		d.AmountMinor = p.amount(in.AmountMinor)
	}
	if in.Currency != nil {
		d.Currency = p.currency(*in.Currency)
	}
	if in.ExpectedCloseOn != nil {
		d.ExpectedCloseOn = p.day("expected_close_on", *in.ExpectedCloseOn)
	}
	if in.Product != nil {
		d.Product = p.Text("product", *in.Product, 120)
	}
	if in.ExternalID != nil {
		d.ExternalID = p.externalID(*in.ExternalID)
	}
	if in.AccountID != nil && in.Account != nil {
		p.Add("account_id", "field.choice", "Give either account_id or account.")
	}
	if in.Account != nil {
		p.Problems = append(p.Problems, in.Account.refused()...)
	}
	return p.Problems
}

// Refused returns every value of the input that Update would refuse.
func (in UpdateInput) Refused() []errs.Field { return in.values(&Deal{}) }

// apply puts the given facts on the deal, or returns every refused field.
func (in UpdateInput) apply(ctx context.Context, tx *op.Tx, d *Deal) error {
	p := in.values(d)
	if err := errs.Refused(p); err != nil {
		return err
	}
	if in.Owner != nil && *in.Owner != d.Owner {
		d.Owner, d.OwnerName = *in.Owner, ""
		if d.Owner != id.Nil {
			name, err := ownerName(ctx, tx, d.Owner, d.Partner)
			if err != nil {
				return err
			}
			d.OwnerName = name
		}
	}
	return in.applyAccount(ctx, tx, d)
}

func (in UpdateInput) applyAccount(ctx context.Context, tx *op.Tx, d *Deal) error {
	switch {
	case in.AccountID != nil && *in.AccountID == d.Account:
		return nil
	case in.AccountID != nil && *in.AccountID != id.Nil:
		if err := takeAccount(ctx, tx, d, *in.AccountID); err != nil {
			return err
		}
	case in.AccountID != nil:
		if err := settleAccount(ctx, tx, d, AccountFacts{}); err != nil {
			return err
		}
	case in.Account != nil && (*in.Account != AccountFacts{d.AccountName, d.AccountDomain, d.AccountCountry}):
		if err := settleAccount(ctx, tx, d, *in.Account); err != nil {
			return err
		}
	}
	if d.State != StateDraft && d.AccountName == "" && d.AccountDomain == "" {
		return complete(*d)
	}
	return nil
}

// takeClaimAlong gives the old customer free and takes the new one when a protected deal's claim key changed.
func (t turn) takeClaimAlong(ctx context.Context, before Deal) error {
	d := t.deal
	if d.ClaimKey == before.ClaimKey || !before.Protected(t.tx.Now) {
		return nil
	}
	if t.tx.Who.Persona == access.Partner {
		return wrongState(d.State, "given another customer")
	}
	t.batch.Queue(sqlEndClaims, t.tx.Who.Tenant, d.ID, t.tx.Now)
	if d.ClaimKey == "" {
		at := t.tx.Now
		d.ProtectedUntil = &at
		return nil
	}
	return t.claim(ctx, t.tx.Now, *d.ProtectedUntil)
}
