package mail

import (
	"strings"
	"testing"
)

// In HTML a name is found as it is read, and what it becomes is written so that it stays a text.
func TestRedactsMarkup(t *testing.T) {
	t.Parallel()
	gone := func(s string) string {
		return strings.ReplaceAll(strings.ReplaceAll(s, "Una O'Brien", "<erased>"), "una@x.example", "")
	}
	for in, want := range map[string]string{
		`<p title="a">Una O&#39;Brien &amp; Co</p>`:             `<p title="a">&lt;erased&gt; &amp; Co</p>`,
		`<a href="mailto:una@x.example">Write</a> &lt;here&gt;`: `<a href="mailto:">Write</a> &lt;here&gt;`,
		`5 < 6`: `5 < 6`, ``: ``, `<`: `<`, `a<b`: `a<b`,
	} {
		if got := inMarkup(in, gone); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}
