package deal

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
)

// Return sends a registration back to its partner for more information. Invalid "reason" without one; Conflict "deal.state",
// Stale "deal.stale". Emits Returned.
func (s *Service) Return(ctx context.Context, who access.Actor, in ReturnInput) (Deal, error) {
	return s.advance(ctx, who, move{ActReturn, in.Step, func(_ context.Context, t turn) error {
		var p problems
		t.deal.Reason, t.deal.ReasonCode = p.Text("reason", in.Reason, 2000), ""
		if t.deal.Reason == "" {
			p.Add("reason", "field.required", "Say what is missing, so that the partner can add it.")
		}
		t.decide()
		return errs.Refused(p.Problems)
	}, func(f Fact) event.Event { return Returned{f} }})
}
