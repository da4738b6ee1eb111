package deal

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// Submit asks the vendor for a decision. The deal's Answer says whether the customer seems free; it is all that a partner
// learns about others.
//
// Invalid names what a decision still needs: account.name, amount_minor. Conflict "deal.state", Stale "deal.stale". Emits Submitted.
func (s *Service) Submit(ctx context.Context, who access.Actor, in Step) (Deal, error) {
	return s.advance(ctx, who, move{ActSubmit, in, submit, func(f Fact) event.Event { return Submitted{f} }})
}

func submit(ctx context.Context, t turn) error {
	d := t.deal
	if err := complete(*d); err != nil {
		return err
	}
	d.deriveKey()
	answer, err := claimAnswer(ctx, t.tx, d.ClaimKey, d.nameNorm(), d.ID)
	if err != nil {
		return err
	}
	d.Answer = answer
	at := t.tx.Now
	d.SubmittedAt, d.DecidedAt, d.DecidedBy, d.ReasonCode, d.Reason = &at, nil, id.Nil, "", ""
	return nil
}

// complete refuses a deal that lacks what a decision needs.
func complete(d Deal) error {
	var p problems
	p.Need("title", d.Title)
	if d.AccountName == "" && d.AccountDomain == "" {
		p.Add("account.name", "field.required", "Name the customer: the company's name or its domain.")
	}
	if d.AmountMinor == nil {
		p.Add("amount_minor", "field.required", "Give the amount you expect.")
	}
	return errs.Refused(p.Problems)
}
