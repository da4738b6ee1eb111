// Package country knows the countries of ISO 3166-1 and the ways people write them.
package country

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Country is one officially assigned entry of ISO 3166-1.
type Country struct {
	Code   string // alpha-2
	Alpha3 string
	Name   string // common English short name
}

// All returns the countries ordered by name; the caller owns the slice.
func All() []Country { return slices.Clone(all) }

// Name returns the English name of an upper-case alpha-2 code, "" for an unknown one.
func Name(code string) string { return nameOf[code] }

// Lookup returns the alpha-2 code for a code (alpha-2, alpha-3) or a name. Case, accents,
// punctuation, "the", "and" and "&" do not matter; common other names ("UK", "Holland", "Russian
// Federation", "Deutschland") are known. A misspelling is not found: see Suggest.
func Lookup(codeOrName string) (code string, ok bool) {
	if _, ok := nameOf[codeOrName]; ok {
		return codeOrName, true
	}
	if len(codeOrName) > maxInput {
		return "", false
	}
	code, ok = codeOf[key(codeOrName)]
	return code, ok
}

// Suggest returns the one country whose name is a single slip away from s: a letter too many, too
// few, wrong, or two exchanged. It says no when s is well-written already, too short to tell,
// or as near to another country. The answer is for a person to confirm, never to be stored silently.
func Suggest(s string) (code string, ok bool) {
	if len(s) > maxInput {
		return "", false
	}
	k := key(s)
	if _, exact := codeOf[k]; exact || len(k) < 4 {
		return "", false
	}
	for name, c := range codeOf {
		if len(name) < 4 || !oneSlip([]rune(k), []rune(name)) {
			continue
		}
		if code != "" && code != c {
			return "", false
		}
		code = c
	}
	return code, code != ""
}

const maxInput = 200 // bytes; no country's name is nearly as long

var nameOf, codeOf = index()

func index() (nameOf, codeOf map[string]string) {
	nameOf, codeOf = make(map[string]string, len(all)), make(map[string]string, 4*len(all))
	for _, c := range all {
		nameOf[c.Code] = c.Name
		for _, s := range append([]string{c.Code, c.Alpha3, c.Name}, aliases[c.Code]...) {
			codeOf[key(s)] = c.Code
		}
	}
	return nameOf, codeOf
}

// key is what two spellings of one name share: its letters, lower-cased, without accents, "the" and "and".
func key(s string) string {
	var b strings.Builder
	var dropped string
	for _, word := range strings.FieldsFunc(strings.ToLower(norm.NFKD.String(s)), func(r rune) bool {
		return unicode.IsSpace(r) || r == ',' || r == '-' || r == '(' || r == ')' || r == '&'
	}) {
		word = strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) {
				return r
			}
			return -1
		}, word)
		switch word {
		case "the", "and":
			dropped = word
		case "st":
			b.WriteString("saint")
		default:
			b.WriteString(word)
		}
	}
	if b.Len() == 0 {
		return dropped // AND is Andorra
	}
	return b.String()
}

// oneSlip reports whether a and b differ by exactly one insertion, deletion, substitution or exchange of neighbours.
func oneSlip(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return slices.Equal(a[i:], b[i+1:])
	}
	if i == len(a) {
		return false
	}
	if slices.Equal(a[i+1:], b[i+1:]) {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
}
