package transfer

import (
	"context"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
)

// watchEvery is how often a watched import is looked at.
const watchEvery = 300 * time.Millisecond

// Watch calls fn with an import at once and whenever it has gone on, until no job works on it, fn fails or ctx ends. The last
// call has the import at rest. NotFound before the first call.
func (s *Service) Watch(ctx context.Context, who access.Actor, v id.ID, fn func(Run) error) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for last := (Run{Done: -1}); ; {
		r, err := s.Get(ctx, who, v)
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
