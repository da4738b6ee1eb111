package ui

import (
	"context"
	"strconv"
	"strings"

	"entente.dev/internal/kernel/money"
)

var symbols = map[string]string{"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "TRY": "₺"}

// Money writes an amount of minor units exactly: "€12,400", "$99.50", "CHF 1,000".
// Decimals that are zero are left out. An amount without currency is written bare.
func (rd Reader) Money(minor int64, currency string) string {
	plain, negative := strings.CutPrefix(money.Decimal(minor, currency), "-")
	whole, frac, _ := strings.Cut(plain, ".")
	group, decimal := rd.separators()
	s := grouped(whole, group)
	if strings.Trim(frac, "0") != "" {
		s += decimal + frac
	}
	s = withCurrency(s, currency)
	if negative {
		return "−" + s
	}
	return s
}

// MoneyShort rounds an amount to three digits for charts and headlines: "€1.24M", "€980K".
func (rd Reader) MoneyShort(minor int64, currency string) string {
	v, err := strconv.ParseFloat(money.Decimal(minor, currency), 64)
	if err != nil {
		return money.Format(minor, currency)
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

// FormatNumber writes n for the reader of ctx.
func FormatNumber(ctx context.Context, n int64) string { return readerOf(ctx).Number(n) }
