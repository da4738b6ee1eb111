// Package throttle is the generic cell rate algorithm (GCRA) as a pure function: one
// stored instant a subject is enough to allow a burst and then a steady rate. Where that
// instant is kept is the caller's business.
package throttle

import (
	"math"
	"time"
)

// Rule allows Burst events at once and then one more each Every. A Burst below 1 counts
// as 1; an Every of zero or less allows everything.
type Rule struct {
	Burst int
	Every time.Duration
}

// tolerance is how far the stored instant may run ahead of the clock.
func (r Rule) tolerance() time.Duration {
	burst := int64(max(r.Burst, 1))
	if burst > math.MaxInt64/int64(r.Every) {
		return math.MaxInt64
	}
	return time.Duration(burst) * r.Every
}

// Next decides one event at now, given the stored theoretical arrival time (the zero time
// for a subject never seen). If ok, the event may happen and newTAT is to be stored. If
// not, newTAT equals what is to stay stored and wait, above zero, says when to come again.
//
// A refused event costs nothing, so that somebody who keeps knocking is not locked out
// for ever; wait is never longer than Every, even when the clock was set back.
func Next(tat, now time.Time, r Rule) (newTAT time.Time, wait time.Duration, ok bool) {
	if r.Every <= 0 {
		return tat, 0, true
	}
	tolerance := r.tolerance()
	ahead := max(tat.Sub(now), 0) // saturates, like Sub, for a zero tat
	if ahead > tolerance {
		ahead = tolerance
	}
	if room := tolerance - ahead; room < r.Every {
		return now.Add(ahead), r.Every - room, false
	}
	return now.Add(ahead + r.Every), 0, true
}
