package privacy

import (
	"fmt"
	"strings"
	"time"

	"entente.dev/internal/datamap"
)

// duty is a reason why something stays: a hold, or what a law asks for.
type duty struct {
	Category string // "" for a hold on the person: everything of theirs stays
	Reason   string
	Until    *time.Time // the last day; nil until further notice

	// Of a law: its period, counted from an event of each row.
	Event        datamap.Event
	months, days int
	today        time.Time
	account      *time.Time // when the programme asked to be deleted: it ends every relation
}

func (d duty) until() string {
	if d.Until == nil {
		return ""
	}
	return d.Until.Format(time.DateOnly)
}

// words says why something stays, and from when a law counts.
func (d duty) words() string {
	if d.Event == "" {
		return d.Reason
	}
	out := fmt.Sprintf("%s, %s from %s", strings.TrimRight(d.Reason, ". "), d.period(), d.Event.Words())
	if d.Until == nil {
		out += ", which has not come yet"
	}
	return out + "."
}

func (d duty) period() string {
	switch {
	case d.months > 0 && d.months%12 == 0 && d.days == 0:
		return plural(d.months/12, "year")
	case d.days == 0:
		return plural(d.months, "month")
	case d.months == 0:
		return plural(d.days, "day")
	}
	return plural(d.months, "month") + " and " + plural(d.days, "day")
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// lastDay is the last UTC day of a law's period, as app.retention_last_day counts it: a month without the day ends with its last one.
func (d duty) lastDay(event time.Time) time.Time {
	y, m, day := event.UTC().Date()
	if last := time.Date(y, m+time.Month(d.months)+1, 0, 0, 0, 0, 0, time.UTC).Day(); day > last {
		day = last
	}
	return time.Date(y, m+time.Month(d.months), day+d.days, 0, 0, 0, 0, time.UTC)
}

// on returns the duty as it is for a row: with its last day, counted from the row's event, and whether it still stands. at says when an
// event happened to the row; nil when it has not, or the row does not know of it: then the period has not begun.
func (d duty) on(at func(datamap.Event) *time.Time) (duty, bool) {
	if d.Event == "" {
		return d, true
	}
	event := at(d.Event)
	if event == nil && (d.Event == datamap.RelationEnd || d.Event == datamap.AccountDeletion) {
		event = d.account
	}
	if event == nil {
		return d, true
	}
	last := d.lastDay(*event)
	d.Until = &last
	return d, !last.Before(d.today)
}

// keeps returns the first duty that a row of a category falls under, and that still stands for it.
func keeps(duties []duty, category string, at func(datamap.Event) *time.Time) (duty, bool) {
	for _, d := range duties {
		if d.Category != "" && d.Category != category {
			continue
		}
		if d, stands := d.on(at); stands {
			return d, true
		}
	}
	return duty{}, false
}

// recorded answers for what knows only when it was written.
func recorded(at time.Time) func(datamap.Event) *time.Time {
	return func(e datamap.Event) *time.Time {
		if e == datamap.Recorded {
			return &at
		}
		return nil
	}
}

// event says when an event happened to a row, or to the row that it belongs to.
func (f found) event(e datamap.Event) *time.Time {
	at, err := time.Parse(time.RFC3339Nano, f.text("@"+string(e)))
	if err != nil {
		if at, err = time.Parse(time.DateOnly, f.text("@"+string(e))); err != nil {
			return nil
		}
	}
	return &at
}
