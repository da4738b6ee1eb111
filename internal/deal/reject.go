package deal

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
)

// Reject refuses a registration for a reason that the partner reads. Invalid "reason" or "reason_code"; Conflict "deal.state",
// Stale "deal.stale". Emits Rejected.
func (s *Service) Reject(ctx context.Context, who access.Actor, in RejectInput) (Deal, error) {
	return s.advance(ctx, who, move{ActReject, in.Step, func(_ context.Context, t turn) error {
		var p problems
		t.deal.Reason, t.deal.ReasonCode = p.Text("reason", in.Reason, 2000), in.Code
		if in.Code == "" {
			t.deal.ReasonCode = "other"
		} else if RejectLabel(in.Code) == "" {
			p.Add("reason_code", "field.choice", "Use one of the reasons of the list.")
		}
		if t.deal.ReasonCode == "other" && t.deal.Reason == "" {
			p.Add("reason", "field.required", "Say why, in words the partner can act on.")
		}
		t.decide()
		return errs.Refused(p.Problems)
	}, func(f Fact) event.Event { return Rejected{f} }})
}
