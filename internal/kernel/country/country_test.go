package country

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	if len(all) != 249 {
		t.Errorf("%d countries, want 249", len(all))
	}
	owner := map[string]string{}
	for _, c := range all {
		if len(c.Code) != 2 || len(c.Alpha3) != 3 || c.Name == "" {
			t.Errorf("bad entry %+v", c)
		}
		for _, s := range append([]string{c.Code, c.Alpha3, c.Name}, aliases[c.Code]...) {
			k := key(s)
			if other, taken := owner[k]; k == "" || taken && other != c.Code {
				t.Errorf("%q of %s has key %q, which is of %q", s, c.Code, k, other)
			}
			owner[k] = c.Code
		}
	}
	for code := range aliases {
		if Name(code) == "" {
			t.Errorf("aliases of unknown code %s", code)
		}
	}
}

func TestLookup(t *testing.T) {
	for in, want := range map[string]string{
		"AND": "AD", "US": "US", "us": "US", " usa ": "US", "U.S.": "US", "United States": "US", "The United States of America": "US",
		"UK": "GB", "England": "GB", "Germany": "DE", "DEU": "DE", "deutschland": "DE", "Österreich": "AT", "Osterreich": "AT",
		"Cote d'Ivoire": "CI", "CÔTE D’IVOIRE": "CI", "Türkiye": "TR", "Turkey": "TR", "The Netherlands": "NL",
		"Trinidad & Tobago": "TT", "St. Lucia": "LC", "Korea": "KR", "South Korea": "KR", "Guinea-Bissau": "GW", "Guinea": "GN",
		"Niger": "NE", "Nigeria": "NG", "Congo": "CG", "DRC": "CD", "Philippines": "PH", "Hong Kong": "HK", "中国": "CN", "EL": "GR",
	} {
		if got, ok := Lookup(in); !ok || got != want {
			t.Errorf("Lookup(%q) = %q, %v; want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", " ", "Philipines", "Germny", "XX", "Atlantis", "U", "the", "\xff", strings.Repeat("US", 1000)} {
		if got, ok := Lookup(in); ok {
			t.Errorf("Lookup(%q) = %q, want none", in, got)
		}
	}
}

func TestSuggest(t *testing.T) {
	for in, want := range map[string]string{
		"Philipines": "PH", "Germnay": "DE", "Germani": "DE", "Untied States": "US", "Brazl": "BR", "Polnad": "PL", "Argentinaa": "AR",
	} {
		if got, ok := Suggest(in); !ok || got != want {
			t.Errorf("Suggest(%q) = %q, %v; want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", "XX", "Uk", "Germany", "Irak" /* Iran, Iraq */, "Polland" /* Poland, Holland */, "Phillipinnes", "Ira", strings.Repeat("x", 300),
	} {
		if got, ok := Suggest(in); ok {
			t.Errorf("Suggest(%q) = %q, want none", in, got)
		}
	}
}

func FuzzLookup(f *testing.F) {
	f.Add("Cote d'Ivoire")
	f.Add("\xc3\x28")
	f.Fuzz(func(t *testing.T, s string) {
		code, ok := Lookup(s)
		if ok != (Name(code) != "") {
			t.Errorf("Lookup(%q) = %q, %v", s, code, ok)
		}
		if near, found := Suggest(s); found && (ok || Name(near) == "") {
			t.Errorf("Suggest(%q) = %q although Lookup = %q", s, near, code)
		}
	})
}
