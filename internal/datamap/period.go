package datamap

import (
	"encoding"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Unit is what a Period counts.
type Unit string

// The units. Years are months and weeks are days, as PostgreSQL keeps them.
const (
	Hours     Unit = "hours"
	Days      Unit = "days"
	Months    Unit = "months"
	Forever   Unit = "indefinitely" // N is 0
	NotStored Unit = "not stored"   // N is 0
)

// Period is how long something is kept, from an event that the rule names. The zero Period is no time at all.
type Period struct {
	N    int
	Unit Unit
}

var (
	_ encoding.TextMarshaler   = Period{}
	_ encoding.TextUnmarshaler = (*Period)(nil)
)

// PeriodForms says what ParsePeriod accepts.
const PeriodForms = `a whole number of hours, days, weeks, months or years such as "30 days", or "indefinitely", "not stored", "while customer", "while the session lasts", "until solved"`

// eventIn returns the event of the periods that say it themselves, "" for any other text: nothing is kept after it.
func eventIn(text string) Event {
	switch text {
	case "while customer":
		return AccountDeletion
	case "while the session lasts":
		return SessionEnd
	case "until solved":
		return Solved
	}
	return ""
}

// maxYears bounds a period; the database refuses longer ones too.
const maxYears = 100

// ParsePeriod reads "12 months", "7 years", "30 days", "24 hours", "indefinitely", "not stored" or one of the words that say
// their event: then event is not "". An error says what is wrong in words for whoever wrote the text.
func ParsePeriod(s string) (p Period, event Event, err error) {
	text := strings.Join(strings.Fields(strings.ToLower(s)), " ")
	if e := eventIn(text); e != "" {
		return Period{0, Days}, e, nil
	}
	if text == string(Forever) || text == string(NotStored) {
		return Period{Unit: Unit(text)}, "", nil
	}
	number, unit, ok := strings.Cut(text, " ")
	n, numErr := strconv.Atoi(number)
	if !ok || numErr != nil {
		if strings.HasPrefix(text, "-") {
			return p, "", fmt.Errorf("%q is negative; write %s", s, PeriodForms)
		}
		return p, "", fmt.Errorf("%q is not a period; write %s", s, PeriodForms)
	}
	if n < 0 {
		return p, "", fmt.Errorf("%q is negative; a period is 0 or more", s)
	}
	per := map[string]struct {
		unit  Unit
		times int
		most  int
	}{"hour": {Hours, 1, maxYears * 8760}, "day": {Days, 1, maxYears * 365}, "week": {Days, 7, maxYears * 52}, "month": {Months, 1, maxYears * 12}, "year": {Months, 12, maxYears}}
	u, known := per[strings.TrimSuffix(unit, "s")]
	switch {
	case !known:
		return p, "", fmt.Errorf("%q counts in no unit that is known; write %s", s, PeriodForms)
	case n > u.most:
		return p, "", fmt.Errorf("%q is longer than %d years; write \"indefinitely\" if that is meant", s, maxYears)
	}
	return Period{n * u.times, u.unit}, "", nil
}

// String writes the period as ParsePeriod reads it.
func (p Period) String() string {
	n, unit := p.N, string(p.Unit)
	switch {
	case p.Unit == Forever || p.Unit == NotStored:
		return unit
	case p.Unit == Months && n >= 24 && n%12 == 0:
		n, unit = n/12, "years"
	case p.Unit == "":
		unit = "days"
	}
	if n == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	return strconv.Itoa(n) + " " + unit
}

// MarshalText writes the period as String does.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Period) UnmarshalText(b []byte) (err error) {
	*p, _, err = ParsePeriod(string(b))
	return err
}

// Interval returns the period for PostgreSQL; nil is indefinitely. Something that is not stored is kept for no time.
func (p Period) Interval() *string {
	var s string
	switch p.Unit {
	case Forever:
		return nil
	case NotStored:
		s = "0 days"
	default:
		s = strconv.Itoa(p.N) + " " + string(p.Unit)
		if p.Unit == "" {
			s += "days"
		}
	}
	return &s
}

// PeriodOf makes a period of what PostgreSQL keeps of an interval. known is false for one that no Period makes.
func PeriodOf(months, days int, rest time.Duration) (p Period, known bool) {
	switch {
	case months != 0 && days == 0 && rest == 0:
		return Period{months, Months}, true
	case months == 0 && rest == 0:
		return Period{days, Days}, true
	case months == 0 && days == 0 && rest%time.Hour == 0:
		return Period{int(rest / time.Hour), Hours}, true
	}
	return p, false
}

// After returns t and the period, as PostgreSQL adds them: a month later is the same day or the month's last. It does not
// move t for a period without an end; ask Ends first.
func (p Period) After(t time.Time) time.Time {
	switch p.Unit {
	case Hours:
		return t.Add(time.Duration(p.N) * time.Hour)
	case Months:
		t = t.UTC()
		first := time.Date(t.Year(), t.Month(), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC).AddDate(0, p.N, 0)
		last := first.AddDate(0, 1, -1).Day()
		return first.AddDate(0, 0, min(t.Day(), last)-1)
	case Forever, NotStored:
		return t
	}
	return t.UTC().AddDate(0, 0, p.N)
}

// Ends reports whether the period is a length of time at all.
func (p Period) Ends() bool { return p.Unit != Forever && p.Unit != NotStored }

// Within reports whether p never ends after q, whenever both begin: 91 days are not within 3 months, because February is short.
func (p Period) Within(q Period) bool {
	switch {
	case p.Unit == NotStored || q.Unit == Forever:
		return true
	case p.Unit == Forever || q.Unit == NotStored:
		return false
	case p.Unit == q.Unit:
		return p.N <= q.N
	}
	// Four years hold every length of a month and every pair of neighbours; a leap year that is left out moves both alike.
	for day := range 4*365 + 1 {
		start := time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day-2*365)
		if p.After(start).After(q.After(start)) {
			return false
		}
	}
	return true
}
