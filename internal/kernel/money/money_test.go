package money

import (
	"math"
	"slices"
	"testing"

	"entente.dev/internal/kernel/errs"
)

func TestTable(t *testing.T) {
	if len(active) != 165 {
		t.Errorf("%d active currencies, want 165", len(active))
	}
	if !slices.IsSortedFunc(active, func(a, b Currency) int {
		if a.Code < b.Code {
			return -1
		}
		return 1
	}) {
		t.Error("table is not ordered by code")
	}
	for _, c := range active {
		if len(c.Code) != 3 || c.Name == "" {
			t.Errorf("bad entry %+v", c)
		}
		if _, both := formerByCode[c.Code]; both {
			t.Errorf("%s is both active and withdrawn", c.Code)
		}
	}
	seen := map[string]string{}
	for code, symbol := range symbols {
		if other, dup := seen[symbol]; dup {
			t.Errorf("%s and %s share %s", code, other, symbol)
		}
		if seen[symbol] = code; byCode[code].Code == "" {
			t.Errorf("symbol of unknown code %s", code)
		}
	}
}

func TestLookup(t *testing.T) {
	for code, exponent := range map[string]int{
		"EUR": 2, "usd": 2, " jpy ": 0, "KWD": 3, "CLF": 4, "ISK": 0, "HUF": 2, "UYW": 4, "MGA": 2, "XCG": 2, "ZWG": 2,
	} {
		if c, ok := Lookup(code); !ok || c.Exponent != exponent {
			t.Errorf("Lookup(%q) = %+v, %v; want exponent %d", code, c, ok, exponent)
		}
	}
	for _, code := range []string{"", "EURO", "XXX", "XAU", "HRK", "BGN", "€", "DM", "ZZZ"} {
		if c, ok := Lookup(code); ok {
			t.Errorf("Lookup(%q) = %+v, want none", code, c)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		minor         int64
		code          string
		people, plain string
	}{
		{1234560, "EUR", "€ 12,345.60", "12345.60"},
		{0, "EUR", "€ 0.00", "0.00"},
		{-5, "CHF", "-CHF 0.05", "-0.05"},
		{-123456, "CAD", "-CAD 1,234.56", "-1234.56"},
		{1200, "JPY", "¥ 1,200", "1200"},
		{999, "JPY", "¥ 999", "999"},
		{1234567, "KWD", "KWD 1,234.567", "1234.567"},
		{7, "CLF", "CLF 0.0007", "0.0007"},
		{100, "HRK", "HRK 1.00", "1.00"},
		{100000, "USD", "$ 1,000.00", "1000.00"},
		{math.MaxInt64, "USD", "$ 92,233,720,368,547,758.07", "92233720368547758.07"},
		{math.MinInt64, "USD", "-$ 92,233,720,368,547,758.08", "-92233720368547758.08"},
		{math.MinInt64, "JPY", "-¥ 9,223,372,036,854,775,808", "-9223372036854775808"},
	} {
		if got := Format(c.minor, c.code); got != c.people {
			t.Errorf("Format(%d, %s) = %q, want %q", c.minor, c.code, got, c.people)
		}
		if got := Decimal(c.minor, c.code); got != c.plain {
			t.Errorf("Decimal(%d, %s) = %q, want %q", c.minor, c.code, got, c.plain)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in, code string
		want     int64
	}{
		{"1234", "EUR", 123400},
		{"1,234.56", "EUR", 123456},
		{"1.234,56", "EUR", 123456},
		{"€1 234,5", "EUR", 123450},
		{"1 234 567,89 €", "EUR", 123456789},
		{"1\u202f234,56\u00a0EUR", "EUR", 123456},
		{"1'234.50 CHF", "CHF", 123450},
		{"eur 5", "EUR", 500},
		{"-€ 5.10", "EUR", -510},
		{"€ -5.10", "EUR", -510},
		{"−5", "EUR", -500},
		{"+5", "EUR", 500},
		{"-0", "EUR", 0},
		{"1,234", "EUR", 123400},
		{"0,234", "KWD", 234},
		{"12,34,567.80", "INR", 123456780},
		{"1,234,567", "USD", 123456700},
		{"1.234.567", "USD", 123456700},
		{"0.5", "USD", 50},
		{"5.10000", "USD", 510},
		{"1234.00", "JPY", 1234},
		{"1,234", "JPY", 1234},
		{"1.234", "KWD", 1234},
		{"1,234.567", "KWD", 1234567},
		{"1234567.0", "USD", 123456700},
		{"0001", "USD", 100},
		{"92233720368547758.07", "USD", math.MaxInt64},
		{"-92,233,720,368,547,758.08", "USD", math.MinInt64},
	} {
		if got, err := Parse(c.in, c.code); err != nil || got != c.want {
			t.Errorf("Parse(%q, %s) = %d, %v; want %d", c.in, c.code, got, err, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ in, code, want string }{
		{"1", "XXX", "money.unknown_currency"},
		{"", "EUR", "money.malformed"},
		{"-", "EUR", "money.malformed"},
		{"abc", "EUR", "money.malformed"},
		{"1e5", "EUR", "money.malformed"},
		{"0x10", "EUR", "money.malformed"},
		{"--5", "EUR", "money.malformed"},
		{"5-", "EUR", "money.malformed"},
		{"€5€", "EUR", "money.malformed"},
		{".5", "EUR", "money.malformed"},
		{"5.", "EUR", "money.malformed"},
		{"1,23,4", "EUR", "money.malformed"},
		{"1234,567.00", "EUR", "money.malformed"},
		{"1.234.56", "EUR", "money.malformed"},
		{"1,2.3,4", "EUR", "money.malformed"},
		{"1 234.567,00", "EUR", "money.malformed"},
		{"1.2 34", "EUR", "money.malformed"},
		{"١٢٣", "EUR", "money.malformed"},
		{"1.234", "EUR", "money.ambiguous"},
		{"1.234", "JPY", "money.ambiguous"},
		{"1,234", "KWD", "money.ambiguous"},
		{"0.125", "EUR", "money.precision"},
		{"1234.567", "EUR", "money.precision"},
		{"1.5", "JPY", "money.precision"},
		{"$5", "EUR", "money.other_currency"},
		{"5 USD", "EUR", "money.other_currency"},
		{"92233720368547758.08", "USD", "money.range"},
		{"-92233720368547758.09", "USD", "money.range"},
		{"99999999999999999999999999", "JPY", "money.range"},
	} {
		if got, err := Parse(c.in, c.code); !errs.Is(err, c.want) || !errs.IsKind(err, errs.Invalid) {
			t.Errorf("Parse(%q, %s) = %d, %v; want %s", c.in, c.code, got, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1,234.56", "1.234,56", "€1 234,5", "-", "12,34,567", "９", "\xff", "1''2"} {
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, s string, pick uint8) {
		code := active[int(pick)%len(active)].Code
		minor, err := Parse(s, code)
		if err != nil {
			return
		}
		if again, err := Parse(Decimal(minor, code), code); err != nil || again != minor {
			t.Errorf("Parse(%q) = %d, but its decimal reads %d, %v", s, minor, again, err)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(int64(math.MinInt64), uint8(0))
	f.Add(int64(123456), uint8(7))
	f.Fuzz(func(t *testing.T, minor int64, pick uint8) {
		code := active[int(pick)%len(active)].Code
		for _, s := range []string{Decimal(minor, code), Format(minor, code)} {
			if got, err := Parse(s, code); err != nil || got != minor {
				t.Errorf("Parse(%q, %s) = %d, %v; want %d", s, code, got, err, minor)
			}
		}
	})
}
