package sheet

import (
	"strings"
	"unicode"
)

// A spreadsheet takes a cell for a formula when it begins with one of = + - @ (or their full-width
// or small forms), a tab or a line break, also behind blanks and invisible characters. Such text gets an
// apostrophe in front on the way out and loses it on the way in. Text that already begins with
// apostrophes before such a character gets one more, so that the two ways are each other's inverse.

const guardMark = '\''

// guarded reports whether text needs the mark when written; equally, whether text that begins
// with the mark got it from us.
func guarded(s string) bool {
	for _, r := range strings.TrimLeft(s, string(guardMark)) {
		switch r {
		case '=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫':
			return true
		}
		if !unicode.IsSpace(r) && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r) && r != unicode.ReplacementChar {
			return false
		}
	}
	return false
}

func unguard(s string) string {
	if s != "" && s[0] == guardMark && guarded(s) {
		return s[1:]
	}
	return s
}

// harmless holds the first bytes of text that surely needs no mark: letters and digits of ASCII, and
// lead bytes of scripts that have no blanks or signs of the sort.
var harmless = func() (t [256]bool) {
	for c := range 256 {
		t[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || 0xc3 <= c && c <= 0xd7 || 0xe4 <= c && c <= 0xed
	}
	return t
}()
