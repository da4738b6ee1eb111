package deal

import (
	"context"
	"fmt"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// Approve accepts a submitted registration and starts its protection window, the programme's number of days from now. A
// deal whose customer cannot be told from others (no domain, no name) is approved without a claim.
//
// Conflict "deal.protected" if the customer is held already, Forbidden "deal.own" for one's own deal, Conflict "deal.state",
// Stale "deal.stale". Emits Approved.
func (s *Service) Approve(ctx context.Context, who access.Actor, in Step) (Deal, error) {
	return s.advance(ctx, who, move{ActApprove, in, approve, func(f Fact) event.Event { return Approved{f} }})
}

func approve(ctx context.Context, t turn) error {
	d := t.deal
	if d.Own(t.tx.Who.Member) {
		return errOwn
	}
	if own, err := ownByKey(ctx, t.tx, *d); err != nil {
		return err
	} else if own {
		return errOwn
	}
	t.decide()
	d.ReasonCode, d.Reason = "", ""
	until := t.tx.Now.AddDate(0, 0, t.rules.ProtectionDays)
	if d.ClaimKey == "" {
		return nil
	}
	d.ProtectedUntil = &until
	return t.claim(ctx, t.tx.Now, until)
}

// claim takes the deal's customer for a period, or answers Conflict "deal.protected" naming who has it. Only the vendor's
// people get here, so they may know.
func (t turn) claim(ctx context.Context, from, until time.Time) error {
	who, d := t.tx.Who, t.deal
	other, err := lockKey(ctx, t.tx, *d, from, until)
	if err != nil {
		return err
	}
	if other.deal != id.Nil {
		return errs.New(errs.Conflict, "deal.protected", "%s. Reject this registration, or wait until that protection ends.", other.words(*d, t.rules))
	}
	t.batch.Queue(sqlClaim, who.Tenant, id.New(), d.ID, d.Partner, d.ClaimKey, from, until)
	return nil
}

// words says for whom the deal's customer is protected.
func (h holder) words(d Deal, r rules) string {
	name := h.name
	if h.partner == id.Nil {
		name = "our own pursuit"
	}
	return fmt.Sprintf("%s is already protected for %s until %s", d.customer(), name, today(h.until, r.Zone))
}

// customer returns what people call the customer.
func (d Deal) customer() string {
	if d.AccountName != "" {
		return d.AccountName
	}
	return d.AccountDomain
}
