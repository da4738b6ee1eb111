package password

import (
	"strings"
	"testing"
	"unicode/utf8"

	"entente.dev/internal/kernel/errs"
)

func TestCheck(t *testing.T) {
	words := []string{"Acme Industries", "ada.lovelace@acme-industries.example", "Ada Lovelace"}
	cases := []struct{ text, code string }{
		{"plum orbit velvet", ""},
		{"Tr0ub4dor&3 gjallarhorn", ""},
		{"мой дядя самых честных", ""},
		{"吾輩は猫である名前はまだ無いどこで", ""},
		{"no digits or signs needed here", ""},
		{"Ada bakes turnips on Tuesdays", ""},
		{"password plum orbit velvet", ""},
		{strings.Repeat("plum orbit velve", 16), ""},
		{"🦊🌋🧭🪁🍋🎻🧦🪴🚲🥨🗿🎯🦑🧲🍄", ""},
		{"", "too_short"},
		{"plum orbit vel", "too_short"},
		{"e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301xyzvbkm", "too_short"},
		{strings.Repeat("plum orbit velve", 16) + "t", "too_long"},
		{strings.Repeat("x", 1<<20), "too_long"},
		{"tab\tin the middle of it", "unusable"},
		{"nul\x00in the middle of it", "unusable"},
		{"not utf-8 \xff\xfe at all, no", "unusable"},
		{"may-the-force-be-with-you!", "common"},
		{"passwordpassword", "common"},
		{"P@ssw0rdP@ssw0rd", "common"},
		{"password12345678", "common"},
		{"123456789012345", "common"},
		{"987654321987654321", "common"},
		{"aaaaaaaaaaaaaaaaaaaa", "obvious"},
		{"abcabcabcabcabcabc", "obvious"},
		{"abcdefghijklmnopqrstuvwxyz", "common"},
		{"qwertyuiopasdfghjkl", "common"},
		{"                    ", "obvious"},
		{"!!!!!!!!!!!!!!!!!!!!", "obvious"},
		{"AcmeIndustries2026!", ""},
		{"acme acme acme acme", "obvious"},
		{"entente-entente-1", ""},
		{"ada.lovelace@acme-industries.example", "obvious"},
		{"lovelace.ada.2026", ""},
		{"Industries! Lovelace!", ""},
	}
	for _, c := range cases {
		err := Check(c.text, words...)
		got := ""
		if err != nil {
			f := errs.Of(err).Fields
			if len(f) != 1 || f[0].Name != "password" || f[0].Msg == "" || !errs.IsKind(err, errs.Invalid) {
				t.Errorf("%.40q: %v", c.text, err)
				continue
			}
			got = strings.TrimPrefix(f[0].Code, "password.")
		}
		if got != c.code {
			t.Errorf("%.40q: %q, want %q", c.text, got, c.code)
		}
	}
}

// Every bundled line must be long enough to matter.
func TestCommonListIsLong(t *testing.T) {
	for line := range strings.Lines(commonText) {
		if line = strings.TrimSpace(line); utf8.RuneCountInString(line) < MinRunes {
			t.Errorf("%q is refused for its length anyway", line)
		}
	}
	if len(common) < 100 {
		t.Errorf("only %d common passwords", len(common))
	}
}

// Whatever Check accepts can be hashed.
func FuzzCheck(f *testing.F) {
	f.Add("plum orbit velvet", "acme")
	f.Fuzz(func(t *testing.T, text, word string) {
		if Check(text, word) != nil {
			return
		}
		if _, err := cheap().Hash(t.Context(), text); err != nil {
			t.Errorf("%q is accepted but cannot be hashed: %v", text, err)
		}
	})
}
