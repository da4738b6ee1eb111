package dealweb

import (
	"fmt"
	"strings"
	"time"

	"entente.dev/internal/deal"
	"entente.dev/internal/ui"
)

// amount writes a deal's amount exactly, "" when it has none.
func amount(rd ui.Reader, d deal.Deal) string {
	if d.AmountMinor == nil {
		return ""
	}
	return rd.Money(*d.AmountMinor, d.Currency)
}

// dayTime is a calendar day in the reader's zone, so that writing it there keeps the day.
func dayTime(rd ui.Reader, d deal.Day) time.Time {
	t := d.Time()
	if t.IsZero() {
		return t
	}
	zone := rd.Zone
	if zone == nil {
		zone = time.UTC
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
}

// day writes a calendar day, "" for none.
func day(rd ui.Reader, d deal.Day) string { return rd.Date(string(d)) }

// at is the moment behind a pointer, the zero time for none.
func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// short writes sums of several currencies: "€1.2M + $300K".
func short(rd ui.Reader, sums []deal.Money, none string) string {
	var out []string
	for _, m := range sums {
		if m.Minor > 0 || len(sums) == 1 {
			out = append(out, rd.MoneyShort(m.Minor, m.Currency))
		}
	}
	if len(out) == 0 {
		return none
	}
	return strings.Join(out, " + ")
}

func countOf(sums []deal.Money) int64 {
	var n int64
	for _, m := range sums {
		n += m.Count
	}
	return n
}

// add puts more sums onto some, currency by currency.
func add(sums, more []deal.Money) []deal.Money {
	for _, m := range more {
		found := false
		for i := range sums {
			if sums[i].Currency == m.Currency {
				sums[i].Minor, sums[i].Count, found = sums[i].Minor+m.Minor, sums[i].Count+m.Count, true
			}
		}
		if !found {
			sums = append(sums, m)
		}
	}
	return sums
}

func in(sums []deal.Money, currency string) int64 {
	for _, m := range sums {
		if m.Currency == currency {
			return m.Minor
		}
	}
	return 0
}

// mainCurrency is the currency most deals are in; charts are drawn to its scale.
func mainCurrency(sums []deal.Money) string {
	best := deal.Money{Count: -1}
	for _, m := range sums {
		if m.Count > best.Count {
			best = m
		}
	}
	return best.Currency
}

// counted writes a number with its noun: "1 deal", "3 deals".
func counted(rd ui.Reader, n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return rd.Number(n) + " " + many
}

// daysUntil says how many days are begun until t, at least 0.
func daysUntil(now, t time.Time) int {
	if !t.After(now) {
		return 0
	}
	return int((t.Sub(now) + 24*time.Hour - 1) / (24 * time.Hour))
}

func daysLeft(now, t time.Time) string {
	switch n := daysUntil(now, t); n {
	case 0:
		return "Ended"
	case 1:
		return "1 day left"
	default:
		return fmt.Sprintf("%d days left", n)
	}
}

// waited says how long something waits: "today", "3 days".
func waited(now, since time.Time) string {
	switch n := int(now.Sub(since) / (24 * time.Hour)); {
	case n < 1:
		return "less than a day"
	case n == 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

// customer is what people call the customer, "" when the deal has none.
func customer(d deal.Deal) string {
	if d.AccountName != "" {
		return d.AccountName
	}
	return d.AccountDomain
}

// partnerOf names the partner, or says that the pursuit is the vendor's own.
func partnerOf(d deal.Deal) string {
	if d.PartnerName != "" {
		return d.PartnerName
	}
	return "Own pursuit"
}

// sourceWords says where a registration came from.
func sourceWords(s string) string {
	switch s {
	case "portal":
		return "Partner portal"
	case "api":
		return "API"
	case "import":
		return "Import"
	case "vendor":
		return "Registered by us"
	case "demo":
		return "Sample data"
	}
	return s
}

// answerWords is what a partner is told about the customer, in full.
func answerWords(a deal.Answer) string {
	switch a {
	case deal.Free:
		return "Nobody else has registered this customer."
	case deal.Look:
		return "Something similar is registered already. You can go on: a channel manager takes a look."
	case deal.Taken:
		return "This customer is protected for somebody else right now. You can still register; it is decided when you submit."
	}
	return ""
}

func answerTone(a deal.Answer) ui.Tone {
	switch a {
	case deal.Free:
		return ui.Good
	case deal.Look:
		return ui.Warn
	}
	return ui.Bad
}

func answerTitle(a deal.Answer) string {
	switch a {
	case deal.Free:
		return "Free"
	case deal.Look:
		return "Needs a look"
	}
	return "Taken"
}

// rowSub stands under a deal's title in a short list.
func rowSub(d deal.Deal, vendor bool) string {
	if !vendor {
		return customer(d)
	}
	if c := customer(d); c != "" {
		return c + " · " + partnerOf(d)
	}
	return partnerOf(d)
}
