package money

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"entente.dev/internal/kernel/errs"
)

// Parse reads an amount of the currency as people and other programs write it: "1234", "1,234.56",
// "1.234,56", "€1 234,5", "1'234.50 CHF", "-5". It returns minor units.
//
// The sign stands first; the currency's own symbol or code may stand before or after the number.
// Blanks and apostrophes group digits. For point and comma:
//
//   - both occur: the last one is the decimal mark, the other groups (by threes, or the Indian way);
//   - one occurs several times: it groups;
//   - one occurs once, and not with exactly three digits behind it: it is the decimal mark;
//   - one comma with three digits behind it ("1,234") groups, if the currency has fewer than three
//     decimals, since no other reading is an amount of that currency;
//   - one point with three digits behind it ("1.234") is the decimal mark if the currency has three
//     decimals or more; otherwise it is refused, because programs write decimals so.
//
// Decimals beyond the currency's are accepted only when they are zeros; nothing is ever rounded.
// Errors are Invalid with code money.unknown_currency, money.malformed, money.ambiguous,
// money.precision, money.other_currency or money.range (does not fit 64 bits).
func Parse(s, code string) (minor int64, err error) {
	cur, ok := Lookup(code)
	if !ok {
		return 0, refuse("money.unknown_currency", "Use a three-letter currency code such as EUR or USD.")
	}
	if len(s) > 200 {
		return 0, malformed()
	}
	number, negative, err := strip(strings.TrimSpace(s), cur)
	if err != nil {
		return 0, err
	}
	whole, fraction, err := split(number, cur.Exponent)
	if err != nil {
		return 0, err
	}
	return assemble(whole, fraction, cur, negative)
}

func refuse(code, format string, args ...any) *errs.Error {
	return errs.New(errs.Invalid, code, format, args...)
}

func malformed() error {
	return refuse("money.malformed", "Write the amount in digits, such as 1234.56.")
}

// strip takes sign and currency mark off both ends; what is left begins and ends with a digit.
func strip(s string, cur Currency) (number string, negative bool, err error) {
	s, negative = cutSign(s)
	first, last := strings.IndexFunc(s, isDigit), strings.LastIndexFunc(s, isDigit)
	if first < 0 {
		return "", false, malformed()
	}
	before, after := strings.TrimSpace(s[:first]), strings.TrimSpace(s[last+1:])
	if rest, neg := cutSignAtEnd(before); neg && !negative {
		before, negative = rest, true
	}
	if before != "" && after != "" {
		return "", false, malformed()
	}
	if mark := before + after; mark != "" && !strings.EqualFold(mark, cur.Code) && mark != symbols[cur.Code] {
		if names(mark) {
			return "", false, refuse("money.other_currency", "This amount is not in %s.", cur.Code)
		}
		return "", false, malformed()
	}
	return s[first : last+1], negative, nil
}

func cutSign(s string) (rest string, negative bool) {
	for _, sign := range []string{"-", "−", "+"} {
		if rest, ok := strings.CutPrefix(s, sign); ok {
			return strings.TrimSpace(rest), sign != "+"
		}
	}
	return s, false
}

func cutSignAtEnd(s string) (rest string, negative bool) {
	for _, sign := range []string{"-", "−"} {
		if rest, ok := strings.CutSuffix(s, sign); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return s, false
}

// names reports whether mark is the code or symbol of some currency.
func names(mark string) bool {
	if _, ok := Lookup(mark); ok {
		return true
	}
	for _, symbol := range symbols {
		if symbol == mark {
			return true
		}
	}
	return false
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func isGap(r rune) bool { return r == '\'' || r == '’' || r == '\u202f' || unicode.Is(unicode.Zs, r) }

// split finds the decimal mark and checks the grouping. whole and fraction hold digits only.
func split(number string, exponent int) (whole, fraction string, err error) {
	points, commas := strings.Count(number, "."), strings.Count(number, ",")
	mark := "" // the decimal mark
	switch {
	case points > 0 && commas > 0:
		mark = "."
		if strings.LastIndex(number, ",") > strings.LastIndex(number, ".") {
			mark = ","
		}
	case points == 1:
		mark = "."
		if len(number)-strings.Index(number, ".")-1 == 3 && exponent < 3 && plausibleGroup(number[:strings.Index(number, ".")]) {
			return "", "", refuse("money.ambiguous", "%q may mean two amounts: write it without the point, or with all decimals.", number)
		}
	case commas == 1:
		mark = ","
		if len(number)-strings.Index(number, ",")-1 == 3 && plausibleGroup(number[:strings.Index(number, ",")]) {
			if exponent >= 3 {
				return "", "", refuse("money.ambiguous", "%q may mean two amounts: use a point for decimals and no grouping.", number)
			}
			mark = ""
		}
	}
	whole = number
	if mark != "" {
		if strings.Count(number, mark) > 1 {
			return "", "", malformed()
		}
		whole, fraction, _ = strings.Cut(number, mark)
	}
	whole, ok := ungroup(whole)
	if !ok || strings.ContainsFunc(fraction, func(r rune) bool { return !isDigit(r) }) {
		return "", "", malformed()
	}
	return whole, fraction, nil
}

// plausibleGroup reports whether s may stand before a group of three: one to three digits, no leading zero.
func plausibleGroup(s string) bool {
	return len(s) >= 1 && len(s) <= 3 && s[0] != '0'
}

// ungroup takes the grouping marks out of whole. They must all be of one sort, and every group but
// the first has three digits, or two where the last has three (12,34,567).
func ungroup(whole string) (string, bool) {
	groups := []string{""}
	var mark rune
	for _, r := range whole {
		switch {
		case isDigit(r):
			groups[len(groups)-1] += string(r)
		case r == '.' || r == ',' || isGap(r):
			if mark != 0 && mark != r {
				return "", false
			}
			mark = r
			groups = append(groups, "")
		default:
			return "", false
		}
	}
	last := len(groups) - 1
	if last == 0 {
		return whole, true
	}
	if groups[0] == "" || len(groups[0]) > 3 || len(groups[last]) != 3 {
		return "", false
	}
	middle := groups[1:last]
	all := func(n int) bool { return !slices.ContainsFunc(middle, func(g string) bool { return len(g) != n }) }
	if !all(3) && (!all(2) || len(groups[0]) > 2) {
		return "", false
	}
	return strings.Join(groups, ""), true
}

func assemble(whole, fraction string, cur Currency, negative bool) (int64, error) {
	for len(fraction) > cur.Exponent && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if len(fraction) > cur.Exponent {
		return 0, refuse("money.precision", "%s has %d decimals; this amount has more.", cur.Code, cur.Exponent)
	}
	digits := whole + fraction + strings.Repeat("0", cur.Exponent-len(fraction))
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	var u uint64
	for i := range len(digits) {
		d := uint64(digits[i] - '0')
		if u > (limit-d)/10 {
			return 0, refuse("money.range", "This amount is too large.")
		}
		u = u*10 + d
	}
	if negative {
		return int64(-u), nil
	}
	return int64(u), nil
}
