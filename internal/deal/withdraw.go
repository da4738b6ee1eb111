package deal

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
)

// Withdraw takes a registration back, at any time before it is closed; its protection ends now. Conflict "deal.state",
// Stale "deal.stale". Emits Withdrawn.
func (s *Service) Withdraw(ctx context.Context, who access.Actor, in WithdrawInput) (Deal, error) {
	return s.advance(ctx, who, move{ActWithdraw, in.Step, func(_ context.Context, t turn) error {
		var p problems
		t.deal.Reason, t.deal.ReasonCode = p.Text("reason", in.Reason, 2000), ""
		t.endClaim()
		return errs.Refused(p.Problems)
	}, func(f Fact) event.Event { return Withdrawn{f} }})
}
