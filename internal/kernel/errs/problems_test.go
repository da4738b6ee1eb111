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

// What is missing is named as people do, and by its code as programs know it.
func TestMissing(t *testing.T) {
	for kind, want := range map[string]string{"deal": "There is no such deal here.", "retention_run": "There is no such run of retention here.", "member": "There is no such person here.",
		"error_report": "There is no such error report here."} {
		if e := Missing(kind); e.Msg != want || e.Code != kind+".not_found" {
			t.Errorf("%+v", e)
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
