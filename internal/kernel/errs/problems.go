package errs

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problems collects the refused values of one input; end with Refused. Codes that fit any field begin with "field.", as
// those of the API's schemas do; others with what they are about: "currency.unknown".
type Problems []Field

// Add refuses a value. msg says what to do about it.
func (p *Problems) Add(name, code, msg string, args ...any) {
	*p = append(*p, Field{Name: name, Code: code, Msg: fmt.Sprintf(msg, args...)})
}

// Need refuses an empty value.
func (p *Problems) Need(name, v string) {
	if v == "" {
		p.Add(name, "field.required", "Fill this in.")
	}
}

// Text returns v without white space around. It refuses more than most characters, and characters that are none; line
// breaks and tabs are welcome.
func (p *Problems) Text(name, v string, most int) string {
	return p.text(name, v, most, "\n\r\t")
}

// Line is Text for one line: no line breaks, no tabs.
func (p *Problems) Line(name, v string, most int) string { return p.text(name, v, most, "") }

func (p *Problems) text(name, v string, most int, welcome string) string {
	v = strings.TrimSpace(v)
	bad := func(r rune) bool { return Unseen(r) && !strings.ContainsRune(welcome, r) }
	switch {
	case !utf8.ValidString(v) || strings.ContainsFunc(v, bad):
		p.Add(name, "text.characters", "Remove the characters that cannot be shown.")
	case utf8.RuneCountInString(v) > most:
		p.Add(name, "field.too_long", "Keep this within %d characters.", most)
	}
	return v
}

// Unseen reports whether r is no part of what people write: a control character, a line or paragraph separator, or one of the
// bidirectional embeddings, overrides and isolates (Unicode UAX 9, 2.1 to 2.4), by which a name can be made to read as another.
// The marks U+200E and U+200F, which right-to-left text needs, are welcome.
func Unseen(r rune) bool {
	return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}
