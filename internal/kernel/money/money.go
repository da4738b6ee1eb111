// Package money reads and writes amounts of money. An amount is an int64 of minor units (cents)
// beside an ISO 4217 code; no floating point takes part anywhere.
package money

import (
	"slices"
	"strconv"
	"strings"
)

// Currency is one active ISO 4217 currency. Exponent is the number of decimals of its minor unit.
type Currency struct {
	Code     string
	Exponent int
	Name     string
}

// Lookup returns the active currency with this code. Case and surrounding blanks do not matter;
// withdrawn codes, precious metals and testing codes are not found.
func Lookup(code string) (Currency, bool) {
	if c, ok := byCode[code]; ok {
		return c, true
	}
	c, ok := byCode[strings.ToUpper(strings.TrimSpace(code))]
	return c, ok
}

// All returns the active currencies ordered by code; the caller owns the slice.
func All() []Currency { return slices.Clone(active) }

// exponent also knows withdrawn codes. An unknown code counts as having two decimals.
func exponent(code string) int {
	if c, ok := Lookup(code); ok {
		return c.Exponent
	}
	if c, ok := formerByCode[code]; ok {
		return c.Exponent
	}
	return 2
}

// Format returns the amount for people, such as "€ 12,345.60", "-CHF 0.05" or "¥ 1,200": the sign,
// the symbol (the code where a symbol would be ambiguous), a space, thousands grouped by commas,
// and always all decimals of the currency. Parse reads it back.
func Format(minor int64, code string) string {
	mark, ok := symbols[code]
	if !ok {
		mark = code
	}
	var tmp [40]byte
	plain := AppendDecimal(tmp[:0], minor, exponent(code))
	b := make([]byte, 0, 40+len(mark))
	if plain[0] == '-' {
		b, plain = append(b, '-'), plain[1:]
	}
	b = append(b, mark...)
	b = append(b, ' ')
	whole := len(plain)
	if e := exponent(code); e > 0 {
		whole -= e + 1
	}
	for i, d := range plain {
		if i > 0 && i < whole && (whole-i)%3 == 0 {
			b = append(b, ',')
		}
		b = append(b, d)
	}
	return string(b)
}

// Decimal returns the amount for machines: "1234.56", "-0.05", "1200" for a currency without decimals.
func Decimal(minor int64, code string) string {
	var tmp [40]byte
	return string(AppendDecimal(tmp[:0], minor, exponent(code)))
}

// AppendDecimal appends minor as a plain decimal number with exponent decimals (0 to 18) to b.
func AppendDecimal(b []byte, minor int64, exponent int) []byte {
	u := uint64(minor)
	if minor < 0 {
		b, u = append(b, '-'), -u
	}
	if exponent <= 0 {
		return strconv.AppendUint(b, u, 10)
	}
	var tmp [24]byte
	digits := strconv.AppendUint(tmp[:0], u, 10)
	if whole := len(digits) - exponent; whole > 0 {
		b = append(b, digits[:whole]...)
		b = append(b, '.')
		return append(b, digits[whole:]...)
	}
	b = append(b, '0', '.')
	for range exponent - len(digits) {
		b = append(b, '0')
	}
	return append(b, digits...)
}
