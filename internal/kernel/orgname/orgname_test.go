package orgname

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDomain(t *testing.T) {
	for in, want := range map[string]string{
		"acme.com": "acme.com", "ACME.com.": "acme.com", "https://www.Acme.co.uk/x?y#z": "acme.co.uk", "jo@mail.acme.com": "acme.com",
		"mailto:jo@acme.com": "acme.com", "http://jo:pw@acme.com:8080/": "acme.com", "//acme.com": "acme.com", " acme.com ": "acme.com",
		"bücher.de": "xn--bcher-kva.de", "xn--bcher-kva.de": "xn--bcher-kva.de", "BÜCHER.DE": "xn--bcher-kva.de", "日本。jp": "xn--wgv71a.jp",
		"acme.test": "acme.test", "shop.acme.test": "acme.test", "a.b.acme.com.au": "acme.com.au", "acme.github.io": "acme.github.io",
		"www.acme.github.io": "acme.github.io", "github.io": "github.io", "ftp://acme.com": "acme.com", "acme.com/path@x": "acme.com",
		"4711.com": "4711.com", "acme.com:443": "acme.com",
	} {
		if got, ok := Domain(in); !ok || got != want {
			t.Errorf("Domain(%q) = %q, %v; want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", " ", ".", "acme", "localhost", "com", "co.uk", "127.0.0.1", "1.2.3.4:80", "http://[::1]/", "::1", "1.2.3", "a..com", ".com",
		"-acme.com", "acme-.com", "ac me.com", "ac_me.com", "acme.com:x", `http:\\acme.com`, "acme.com\\@evil.com", "a\x00.com", "@", "jo@",
		strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 130) + "com", strings.Repeat("x", 5000) + ".com", "xn--.com", "\xff.com", "acme.123",
	} {
		if got, ok := Domain(in); ok {
			t.Errorf("Domain(%q) = %q, want none", in, got)
		}
	}
}

func valid(host string) bool {
	_, ok := asciiHost(host)
	return ok
}

func TestASCIIHost(t *testing.T) {
	for in, want := range map[string]bool{
		"acme.com": true, "a.b.c.acme.com": true, "bücher.de": true, "co.uk": true, "acme": false, "https://acme.com": false,
		"jo@acme.com": false, "acme.com:80": false, "10.0.0.1": false, "acme.com/": false, "*.acme.com": false, "": false,
	} {
		if got := valid(in); got != want {
			t.Errorf("asciiHost(%q) = %v", in, got)
		}
	}
}

func TestFreeMail(t *testing.T) {
	for in, want := range map[string]bool{
		"gmail.com": true, "GMail.com": true, "jo@mail.yahoo.co.uk": true, "web.de": true, "acme.com": false, "": false, "notgmail.com": false,
		"gmail.com.evil.com": false,
	} {
		if got := FreeMail(in); got != want {
			t.Errorf("FreeMail(%q) = %v", in, got)
		}
	}
	for d := range freeMail {
		if got, ok := Domain(d); !ok || got != d {
			t.Errorf("listed provider %s is not a registrable domain: %q", d, got)
		}
	}
}

func TestNormalName(t *testing.T) {
	for want, ins := range map[string][]string{
		"acme": {
			"Acme", "ACME GmbH", "Acme G.m.b.H.", "Acme mbH", "acme AG", "Acme B.V.", "Acme BV", "Acme b v", "Acme N.V.", "Acme, Ltd.", "Acme Limited",
			"Acme LLC", "Acme L.L.C.", "Acme, Inc.", "Acme Corp.", "Acme Corporation", "Acme S.A.", "Acme SAS", "Acme SARL", "Acme S.à r.l.", "Acme S.p.A.",
			"Acme S.r.l.", "Acme Oy", "Acme AB", "Acme A/S", "Acme ApS", "Acme KG", "Acme GmbH & Co. KG", "Acme GmbH und Co. KG", "Acme Pty Ltd", "Acme PLC",
			"Acme S.L.", "Acme Kft.", "Acme Sp. z o.o.", "Acme sp. z.o.o.", "Acme Sp. z o. o.", "The Acme Company", "Acme & Co.", "Ａｃｍｅ ＧｍｂＨ", "Ácme", "  acme  ",
			"Acme\u200b Inc", "\"Acme\" Inc", "OOO Acme", "Acme株式会社", "株式会社Acme", "Acme㈱", "Acme s.r.o.", "Acme Pte. Ltd.", "Acme AB (publ)", "Acme S.A. de C.V.", "Acme Inc. Ltd.", "株式会社 Acme", "Acme 株式会社",
		},
		"muller sohne":        {"Müller Söhne GmbH", "MULLER SOHNE", "Müller-Söhne"},
		"strasse":             {"Straße AG", "STRASSE"},
		"johnson and johnson": {"Johnson & Johnson", "Johnson&Johnson Inc."},
		"amazon com":          {"Amazon.com, Inc.", "amazon com"},
		"oreilly":             {"O'Reilly", "O’Reilly Ltd"},
		"lego system":         {"LEGO System A/S"},
		"jp morgan":           {"J.P. Morgan"},
		"ag":                  {"AG", "The AG", "A.G."},
		"3m":                  {"3M Company"},
		"орион":               {"Орион ООО", "ОРИОН", "ООО «Орион»"},
		"":                    {"", " ", "...", "!?", "\u200b", "\xff"},
	} {
		for _, in := range ins {
			if got := NormalName(in); got != want {
				t.Errorf("NormalName(%q) = %q, want %q", in, got, want)
			}
		}
	}
}

func TestClaimKey(t *testing.T) {
	for _, c := range []struct{ domain, name, country, want string }{
		{"https://www.acme.com", "Other", "US", "d:acme.com"},
		{"", "Acme, Inc.", "United States", "n:acme|US"},
		{"gmail.com", "Acme, Inc.", "us", "n:acme|US"},
		{"jo@gmail.com", "", "US", ""},
		{"not a domain", "Acme", "Nowhere", "n:acme|"},
		{"", "!!!", "DE", ""},
		{"", "a|b", "DE", "n:a b|DE"},
	} {
		if got := ClaimKey(c.domain, c.name, c.country); got != c.want {
			t.Errorf("ClaimKey(%q, %q, %q) = %q, want %q", c.domain, c.name, c.country, got, c.want)
		}
	}
}

func TestSearchText(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want string
	}{
		{[]string{"Müller  GmbH", "", "Acme.COM"}, "muller gmbh acme.com"},
		{[]string{"Łódź\tÆrø\x00Straße"}, "lodz aero strasse"},
		{[]string{" ", "\n"}, ""},
		{nil, ""},
		{[]string{"İstanbul", "ΣΊΣΥΦΟΣ"}, "istanbul σισυφοσ"},
	} {
		if got := SearchText(c.in...); got != c.want {
			t.Errorf("SearchText(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestLongNamesTakeLinearTime(t *testing.T) {
	for _, unit := range []string{"the ", "株式会社", "株式会社 the ", " GmbH", "a.", "' ", "Ltd & Co. KG "} {
		got := NormalName(strings.Repeat(unit, 1<<20/len(unit)))
		if len(got) > 2<<20 {
			t.Errorf("%q repeated became %d bytes", unit, len(got))
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"Acme GmbH & Co. KG", "jo@acme.co.uk", "İ\u0345ΐﷺ", "\xff\u0300", "ａ/ｓ", "S.p.A.", "http://[::1]", "株式会社", "ẞ the the"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for what, fn := range map[string]func(string) string{
			"NormalName": NormalName,
			"SearchText": func(s string) string { return SearchText(s) },
			"Domain":     func(s string) string { d, _ := Domain(s); return d },
		} {
			once := fn(s)
			if twice := fn(once); twice != once {
				t.Errorf("%s(%q) = %q, but again %q", what, s, once, twice)
			}
			if !utf8.ValidString(once) || strings.ContainsRune(once, 0) {
				t.Errorf("%s(%q) = %q cannot be stored", what, s, once)
			}
		}
		if d, ok := Domain(s); ok && (!valid(d) || !strings.HasPrefix(ClaimKey(s, "x", ""), map[bool]string{true: "n:", false: "d:"}[FreeMail(d)])) {
			t.Errorf("Domain(%q) = %q is inconsistent", s, d)
		}
	})
}

func BenchmarkNormalName(b *testing.B) {
	for b.Loop() {
		NormalName("Müller Söhne GmbH & Co. KG")
	}
}

func BenchmarkSearchText(b *testing.B) {
	for b.Loop() {
		SearchText("Acme Corporation", "acme.com", "Renewal 2026")
	}
}
