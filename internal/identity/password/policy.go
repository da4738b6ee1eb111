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

// surprise is how many characters a guesser must still find after the words and patterns
// that guessers try first are taken away.
const surprise = 8

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

// obvious are words that nearly every guessing list starts with.
var obvious = []string{
	"administrator", "qwertyuiop", "qwertzuiop", "azertyuiop", "1q2w3e4r5t6y", "1qaz2wsx3edc", "asdfghjkl", "zxcvbnm",
	"passphrase", "password", "passwort", "passw0rd", "p@ssw0rd", "motdepasse", "contraseña", "contrasena",
	"changeme", "iloveyou", "sunshine", "princess", "football", "baseball", "superman", "whatever", "trustno1",
	"entente", "welcome", "letmein", "qwerty", "qwertz", "azerty", "monkey", "dragon", "master", "secret", "abc123",
	"1q2w3e4r", "1qaz2wsx", "admin", "login", "hello", "asdf", "pass", "test", "user",
}

// Check refuses a new password that is too short, too long or among the first anyone would
// guess. The words are what an attacker knows about this account: the tenant's name, the
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
	if remaining(folded, words) < surprise {
		return refuse("obvious", "This is too easy to guess: it is mostly a well-known word, a name that belongs to this account, or a pattern. Add words that have nothing to do with them.")
	}
	return nil
}

// remaining counts the characters of the folded password that are left when known words
// are taken out, repetition of the whole counts once, and a run of repeated or
// neighbouring characters counts as two.
func remaining(folded string, words []string) int {
	for _, w := range contextWords(words) {
		folded = strings.ReplaceAll(folded, w, "")
	}
	for _, w := range obvious {
		folded = strings.ReplaceAll(folded, fold(w), "")
	}
	rest := []rune(folded)
	rest = rest[:period(rest)]
	count, length, step := 0, 0, rune(0)
	for i, r := range rest {
		if length > 0 {
			d := r - rest[i-1]
			if d >= -1 && d <= 1 && (length == 1 || d == step) {
				step = d
				if length++; length == 2 {
					count++
				}
				continue
			}
		}
		count++
		length = 1
	}
	return count
}

// contextWords folds the words and their parts, longest first, leaving out what is too
// short to mean anything.
func contextWords(words []string) []string {
	var out []string
	for _, w := range words {
		parts := strings.FieldsFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
		for _, p := range append([]string{w}, parts...) {
			if p = fold(p); utf8.RuneCountInString(p) >= 3 {
				out = append(out, p)
			}
		}
	}
	// Longest first, so that a whole address goes before its parts.
	slices.SortStableFunc(out, func(a, b string) int { return len(b) - len(a) })
	return out
}

// period returns the length of the shortest prefix whose repetition is r.
func period(r []rune) int {
	for p := 1; p <= len(r)/2; p++ {
		same := true
		for i := p; i < len(r) && same; i++ {
			same = r[i] == r[i-p]
		}
		if same {
			return p
		}
	}
	return len(r)
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
