package deal

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/event"
	"entente.dev/internal/tenant"
)

// Win closes a deal as won. Its protection stands until the window's end. Invalid "closed_on" for a day that does not
// exist or lies ahead; Conflict "deal.state", Stale "deal.stale". Emits Won.
func (s *Service) Win(ctx context.Context, who access.Actor, in WinInput) (Deal, error) {
	return s.advance(ctx, who, win(in))
}

func win(in WinInput) move {
	return move{ActWin, in.Step, func(ctx context.Context, t turn) error {
		return t.close(ctx, tenant.StageWon, in.ClosedOn)
	}, func(f Fact) event.Event { return Won{f} }}
}
