package identity

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/pg"
)

var errInVain = errors.New("rolled back on purpose")

// spendInVain takes attempts until one has to wait, at most most, and rolls everything back.
func (s *Service) spendInVain(ctx context.Context, limits []limit, most int) (allowed int, wait time.Duration, err error) {
	now := s.now()
	err = pgx.BeginFunc(ctx, s.ops.DB.Pool(pg.Public), func(tx pgx.Tx) error {
		for allowed < most {
			if wait, err = spendIn(ctx, tx, now, limits); err != nil {
				return err
			}
			if wait > 0 {
				break
			}
			allowed++
		}
		return errInVain
	})
	if errors.Is(err, errInVain) {
		err = nil
	}
	return allowed, wait, err
}
