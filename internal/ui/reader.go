package ui

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Reader is how a person reads numbers and times. The zero Reader reads English, UTC and
// the present moment.
type Reader struct {
	Language string         // "en", "en-US", "de", "nl", "fr", "es"
	Zone     *time.Location // nil is UTC
	Now      time.Time      // what relative times count from; zero is the present moment
}

type readerKey struct{}

// WithReader returns ctx in which components write numbers and times for rd. Shell and
// Bare do it from the viewer; a handler does it only for fragments drawn without them.
func WithReader(ctx context.Context, rd Reader) context.Context {
	return context.WithValue(ctx, readerKey{}, rd)
}

func readerOf(ctx context.Context) Reader {
	rd, _ := ctx.Value(readerKey{}).(Reader)
	if rd.Zone == nil {
		rd.Zone = time.UTC
	}
	rd.Now = rd.Present()
	return rd
}

// Present returns the reader's now.
func (rd Reader) Present() time.Time {
	if rd.Now.IsZero() {
		return time.Now()
	}
	return rd.Now
}

// separators returns what stands between thousands and before decimals.
func (rd Reader) separators() (group, decimal string) {
	lang, _, _ := strings.Cut(rd.Language, "-")
	switch {
	case rd.Language == "de-CH":
		return "’", "."
	case lang == "de" || lang == "nl" || lang == "es":
		return ".", ","
	case lang == "fr":
		return "\u202f", ","
	}
	return ",", "."
}

// Number writes n with the reader's thousands separator.
func (rd Reader) Number(n int64) string {
	group, _ := rd.separators()
	s, negative := strings.CutPrefix(strconv.FormatInt(n, 10), "-")
	s = grouped(s, group)
	if negative {
		return "−" + s
	}
	return s
}

// grouped puts sep between groups of three digits.
func grouped(digits, sep string) string {
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(sep)
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Day writes a date: "3 Mar 2026", for Americans "Mar 3, 2026".
func (rd Reader) Day(t time.Time) string {
	if rd.Language == "en-US" {
		return t.In(rd.zone()).Format("Jan 2, 2006")
	}
	return t.In(rd.zone()).Format("2 Jan 2006")
}

// Date writes a calendar day such as "2026-03-28" as Day does, "" for anything else.
func (rd Reader) Date(day string) string {
	t, err := time.ParseInLocation(time.DateOnly, day, rd.zone())
	if err != nil {
		return ""
	}
	return rd.Day(t)
}

// Moment writes date, time and zone.
func (rd Reader) Moment(t time.Time) string {
	return rd.Day(t) + t.In(rd.zone()).Format(", 15:04 MST")
}

func (rd Reader) zone() *time.Location {
	if rd.Zone == nil {
		return time.UTC
	}
	return rd.Zone
}

// Relative writes how far t is from the reader's now: "just now", "5 min ago", "in 3 days";
// beyond four weeks it is the date.
func (rd Reader) Relative(t time.Time) string {
	now := rd.Present()
	d := now.Sub(t)
	past := d >= 0
	if !past {
		d = -d
	}
	var s string
	switch {
	case d < 45*time.Second:
		return "just now"
	case d < time.Hour:
		s = strconv.Itoa(int((d+30*time.Second)/time.Minute)) + " min"
	case d < 24*time.Hour:
		s = strconv.Itoa(int(d/time.Hour)) + " h"
	case d < 28*24*time.Hour:
		n := int(d / (24 * time.Hour))
		s = strconv.Itoa(n) + plural(n, " day", " days")
	default:
		return rd.Day(t)
	}
	if past {
		return s + " ago"
	}
	return "in " + s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
