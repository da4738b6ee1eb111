package identity

import (
	"context"
	"time"

	"entente.dev/internal/kernel/id"
)

// ProbeGuessing spends the attempts of an account that does not exist, as guessing its password from one network would, until
// the next one has to wait. It returns how many were allowed and how long the wait is; zero when there was none. Everything is
// rolled back.
func (s *Service) ProbeGuessing(ctx context.Context) (allowed int, wait time.Duration, err error) {
	const most = 100
	limits := s.signInLimits(id.New().String()+"@probe.invalid", "192.0.2.1", "")
	return s.spendInVain(ctx, limits, most)
}
