package errs

import (
	"strings"
	"testing"
)

// One value is refused once, and comes back as it was typed but for the white space around.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ in, text, line string }{
		{" Acme ", "", ""},
		{"a\nb", "", "text.characters"},
		{"", "field.required", "field.required"},
		{" \t", "field.required", "field.required"},
		{"a\x00b", "text.characters", "text.characters"},
		{"a\u202eb", "text.characters", "text.characters"}, // reads backwards
		{"a\u2028b", "text.characters", "text.characters"},
		{"\u05d0\u200f1", "", ""},
		{"a\xffb", "text.characters", "text.characters"},
		{strings.Repeat("ü", 10), "", ""},
		{strings.Repeat("ü", 11), "field.too_long", "field.too_long"},
	} {
		var text, line Problems
		got := text.Text("x", c.in, 10)
		text.Need("x", got)
		line.Need("x", line.Line("x", c.in, 10))
		if got != strings.TrimSpace(c.in) || codes(text) != c.text || codes(line) != c.line {
			t.Errorf("%q: %q, text %q, line %q", c.in, got, codes(text), codes(line))
		}
	}
}

func codes(p Problems) string {
	var out []string
	for _, f := range p {
		out = append(out, f.Code)
	}
	return strings.Join(out, " ")
}
