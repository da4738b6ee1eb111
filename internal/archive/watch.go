package archive

import (
	"context"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
)

// watchEvery is how often a watched export is looked at.
const watchEvery = 500 * time.Millisecond

// Watch calls fn with an export at once and whenever it has gone on, until it is at rest, fn fails or ctx ends. NotFound before
// the first call.
func (s *Service) Watch(ctx context.Context, who access.Actor, v id.ID, fn func(Run) error) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for last := (Run{Done: -1}); ; {
		r, err := s.GetRun(ctx, who, v)
		if err != nil {
			return err
		}
		if r.Done != last.Done || r.Status != last.Status {
			if err := fn(r); err != nil {
				return err
			}
			last = r
		}
		if !r.Working() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
