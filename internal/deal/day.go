package deal

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// Day is a calendar day as "2026-03-28", or "" for none.
type Day string

// DayOf returns the day of t in t's own time zone.
func DayOf(t time.Time) Day { return Day(t.Format(time.DateOnly)) }

// ParseDay reads a day that exists, between 1970 and 2200; "" is none.
func ParseDay(s string) (d Day, ok bool) {
	if s == "" {
		return "", true
	}
	t, err := time.Parse(time.DateOnly, s)
	return Day(s), err == nil && t.Year() >= 1970 && t.Year() <= 2200
}

// Time returns midnight UTC of the day, the zero time for none.
func (d Day) Time() time.Time {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return time.Time{}
	}
	return t
}

// ScanDate implements pgtype.DateScanner; NULL becomes "".
func (d *Day) ScanDate(v pgtype.Date) error {
	*d = ""
	if v.Valid && v.InfinityModifier == pgtype.Finite {
		*d = DayOf(v.Time)
	}
	return nil
}

// DateValue implements pgtype.DateValuer; "" becomes NULL.
func (d Day) DateValue() (pgtype.Date, error) {
	if d == "" {
		return pgtype.Date{}, nil
	}
	t, err := time.Parse(time.DateOnly, string(d))
	return pgtype.Date{Time: t, Valid: err == nil}, err
}
