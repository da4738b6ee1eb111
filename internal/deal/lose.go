package deal

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/tenant"
)

// Lose closes a deal as lost; its protection ends now. Invalid "closed_on" or "reason"; Conflict "deal.state", Stale
// "deal.stale". Emits Lost.
func (s *Service) Lose(ctx context.Context, who access.Actor, in LoseInput) (Deal, error) {
	return s.advance(ctx, who, lose(in))
}

func lose(in LoseInput) move {
	return move{ActLose, in.Step, func(ctx context.Context, t turn) error {
		var p problems
		t.deal.Reason, t.deal.ReasonCode = p.Text("reason", in.Reason, 2000), ""
		if err := errs.Refused(p.Problems); err != nil {
			return err
		}
		t.endClaim()
		return t.close(ctx, tenant.StageLost, in.ClosedOn)
	}, func(f Fact) event.Event { return Lost{f} }}
}
