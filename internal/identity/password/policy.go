package password

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"entente.dev/internal/kernel/errs"
)

// Bounds of a new password in characters. There are no composition rules and no forced
// change (NIST SP 800-63B-4, 3.1.1.2).
const (
	MinRunes = 15
	MaxRunes = 256
)

// maxBytes keeps an enormous input from being normalised at all: 256 characters that each
// need several code points still fit.
const maxBytes = 8 * MaxRunes

//go:embed common.txt
var commonText string

var common = func() map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(commonText) {
		if line = fold(line); line != "" {
			set[line] = true
		}
	}
	return set
}()

// Check refuses a new password that is too short, too long or on the list of those that everyone
// tries first. As NIST SP 800-63B-4, 3.1.1.2, asks, the whole password is compared, never a part of it. The words are what an attacker knows about this account: the tenant's name, the
// e-mail address, the person's name. The error is Invalid with one field "password" whose
// message says what to do instead.
func Check(plain string, words ...string) error {
	text, ok := normalise(plain)
	runes := utf8.RuneCountInString(text)
	switch {
	case len(plain) > maxBytes || runes > MaxRunes:
		return refuse("too_long", "Use at most 256 characters.")
	case plain == "" || (ok && runes < MinRunes):
		return refuse("too_short", "Use at least 15 characters. Three or four words that have nothing to do with each other are easy to remember.")
	case !ok:
		return unusable()
	}
	folded := fold(text)
	if common[folded] {
		return refuse("common", "This is one of the first passwords anyone would try. Take three or four words that have nothing to do with each other.")
	}
	if unit := folded[:period(folded)]; len(unit) < minUnit || slices.Contains(contextWords(words), unit) {
		return refuse("obvious", "This only repeats itself or a name that belongs to this account. Take three or four words that have nothing to do with each other.")
	}
	return nil
}

// minUnit is the shortest text whose repetition is taken as a password.
const minUnit = 4

// contextWords folds the words and their parts.
func contextWords(words []string) []string {
	var out []string
	for _, w := range words {
		out = append(out, fold(w))
		for _, p := range strings.FieldsFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
			out = append(out, fold(p))
		}
	}
	return out
}

// period returns the length of the shortest prefix whose repetition is s.
func period(s string) int {
	for p := 1; p <= len(s)/2; p++ {
		if len(s)%p == 0 && strings.Repeat(s[:p], len(s)/p) == s {
			return p
		}
	}
	return len(s)
}

// fold drops spaces and punctuation and lowers the rest, so that these do not make a known
// password look new.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsPunct(r) || (r < 0x80 && unicode.IsSymbol(r)) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(s))
}

// normalise gives the one form of a password that different keyboards may send in several
// (NFKC, then the OpaqueString profile of RFC 8265). ok is false for text that is empty,
// too long, not UTF-8 or holds control characters.
func normalise(plain string) (text string, ok bool) {
	if plain == "" || len(plain) > maxBytes || !utf8.ValidString(plain) {
		return "", false
	}
	text, err := precis.OpaqueString.String(norm.NFKC.String(plain))
	return text, err == nil
}

func refuse(code, msg string) error {
	return errs.Refused([]errs.Field{{Name: "password", Code: "password." + code, Msg: msg}})
}

func unusable() error {
	return refuse("unusable", "This holds characters that cannot be typed reliably everywhere. Use letters, digits, spaces and ordinary signs.")
}
