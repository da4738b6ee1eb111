package privacy

import (
	"strconv"
	"time"
)

// monthsAfter returns the end of the last day of a period of whole months that began on the day of `from` in a zone: the day of the
// same number, or the month's last day where there is none such (Regulation 1182/71, Article 3 (2) c).
func monthsAfter(from time.Time, months int, zone *time.Location) time.Time {
	y, m, d := from.In(zone).Date()
	if last := time.Date(y, m+time.Month(months)+1, 0, 0, 0, 0, 0, zone).Day(); d > last {
		d = last
	}
	// The last hour of that day, whatever the clocks do: the moment the next day begins.
	return time.Date(y, m+time.Month(months), d+1, 0, 0, 0, 0, zone).UTC()
}

// deadline returns when a request must be answered: one month, or what the policy says if that is sooner.
func deadline(received time.Time, policy time.Duration, zone *time.Location) time.Time {
	due := monthsAfter(received, 1, zone)
	if policy > 0 && received.Add(policy).Before(due) {
		due = received.Add(policy)
	}
	return due
}

// alarmsAt are how many days before a deadline the officers are told; the last one is when it has passed.
var alarmsAt = []int{14, 7, 2, 0}

// alarmsDue returns how many of the alarms should have been sent by now.
func alarmsDue(now, due time.Time) (n int) {
	for _, days := range alarmsAt {
		if !now.Before(due.Add(-time.Duration(days) * 24 * time.Hour)) {
			n++
		}
	}
	return n
}

// LastDay is the last day for the answer in words. The deadline is the moment when the next day begins somewhere on earth: half a day
// before it, it is that day in UTC too.
func (r Request) LastDay() string { return lastDay(r.DueAt) }

func lastDay(due time.Time) string { return due.Add(-12 * time.Hour).UTC().Format("2 January 2006") }

// Says tells how much time is left for the answer: "4 days left", "due today", "overdue".
func (r Request) Says(now time.Time) string {
	switch left := r.DaysLeft(now); {
	case left < 0:
		return "overdue"
	case left == 0:
		return "due today"
	case left == 1:
		return "1 day left"
	default:
		return strconv.Itoa(left) + " days left"
	}
}

// DaysLeft returns the whole days until the deadline, below zero when it has passed.
func (r Request) DaysLeft(now time.Time) int {
	left := r.DueAt.Sub(now)
	if left < 0 {
		return -int((-left).Hours()/24) - 1
	}
	return int(left.Hours() / 24)
}
