package ui

import (
	"context"
	"strconv"
	"strings"
)

// exponents lists the ISO 4217 currencies whose minor unit is not a hundredth.
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
	"UGX": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

var symbols = map[string]string{"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹"}

func exponent(currency string) int {
	if e, ok := exponents[currency]; ok {
		return e
	}
	return 2
}

// Money writes an amount of minor units exactly: "€12,400", "$99.50", "CHF 1,000".
// Decimals that are zero are left out. An amount without currency is written bare.
func (rd Reader) Money(minor int64, currency string) string {
	exp := exponent(currency)
	pow := int64(1)
	for range exp {
		pow *= 10
	}
	sign := ""
	if minor < 0 {
		sign = "−"
	}
	whole, frac := minor/pow, minor%pow
	if frac < 0 {
		frac = -frac
	}
	s := strings.TrimPrefix(rd.Number(whole), "−")
	if frac != 0 {
		_, decimal := rd.separators()
		digits := strconv.FormatInt(frac, 10)
		s += decimal + strings.Repeat("0", exp-len(digits)) + digits
	}
	return sign + withCurrency(s, currency)
}

// MoneyShort rounds an amount to three digits for charts and headlines: "€1.24M", "€980K".
func (rd Reader) MoneyShort(minor int64, currency string) string {
	v := float64(minor)
	for range exponent(currency) {
		v /= 10
	}
	sign := ""
	if v < 0 {
		sign, v = "−", -v
	}
	unit := ""
	for _, u := range []string{"K", "M", "B", "T"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, u
	}
	decimals := 0
	if unit != "" && v < 9.995 {
		decimals = 2
	} else if unit != "" && v < 99.95 {
		decimals = 1
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals > 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if _, decimal := rd.separators(); decimal != "." {
		s = strings.Replace(s, ".", decimal, 1)
	}
	return sign + withCurrency(s+unit, currency)
}

func withCurrency(s, currency string) string {
	if sym, ok := symbols[currency]; ok {
		return sym + s
	}
	if currency == "" {
		return s
	}
	return currency + "\u00a0" + s
}

// FormatMoney writes an amount for the reader of ctx; use it where a string is needed
// and the Money component elsewhere.
func FormatMoney(ctx context.Context, minor int64, currency string) string {
	return readerOf(ctx).Money(minor, currency)
}

// FormatMoneyShort is FormatMoney rounded to three digits, for charts and headlines.
func FormatMoneyShort(ctx context.Context, minor int64, currency string) string {
	return readerOf(ctx).MoneyShort(minor, currency)
}

// FormatNumber writes n for the reader of ctx.
func FormatNumber(ctx context.Context, n int64) string { return readerOf(ctx).Number(n) }
