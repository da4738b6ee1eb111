package deal

import (
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/op"
)

// Service has the use cases of deals.
type Service struct {
	ops    *op.Ops
	checks *checkBudget
}

// New returns the service.
func New(o *op.Ops) *Service { return &Service{ops: o, checks: newCheckBudget()} }

// stale is the answer to a caller who named another version than the deal has.
func stale(given, current int) error {
	if given == 0 || given == current {
		return nil
	}
	return errs.New(errs.Stale, "deal.stale", "Somebody changed this deal since you read it (version %d, now %d). Read it again, then repeat your change.", given, current)
}

// today returns the calendar day at now in the tenant's time zone.
func today(now time.Time, zone string) Day {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	return DayOf(now.In(loc))
}
