package document

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// A45, invariant 5.
func TestHTMLIsTame(t *testing.T) {
	for _, bad := range []string{
		"<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](  java\tscript:alert(1))",
		"![x](https://evil.example/p.png)", "<javascript:alert(1)>", "[x](data:text/html,<script>)", "[x](//evil.example/)", "[x](vbscript:x)", "[x](&#106;avascript:alert(1))",
		"[x][1]\n\n[1]: javascript:alert(1)", "<iframe src=https://evil.example></iframe>", "<div onclick=alert(1)>x</div>", "[x](\\\\evil.example)",
	} {
		out := strings.ToLower(HTML(bad))
		for _, no := range []string{"<script", "<img", "javascript:", "vbscript:", "<iframe", "onclick=\"", "<div", `href="//`, `href="data`, `href="\\`, "href=\"%5c"} {
			if strings.Contains(out, no) {
				t.Errorf("%q gives %q", bad, out)
			}
		}
	}
	out := HTML("# Title\n\nSee [here](https://a.example/x) or [mail](mailto:a@b.example), **bold**.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[top](#top) [home](/x)")
	for _, want := range []string{"<h2>Title</h2>", `href="https://a.example/x"`, `href="mailto:a@b.example"`, "<strong>bold</strong>", "<li>one</li>", "<table>", `href="#top"`, `href="/x"`} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in %q", want, out)
		}
	}
}

// side puts one side of a comparison together again.
func side(blocks []Block, not byte) string {
	var lines []string
	for _, b := range blocks {
		if b.Op == not {
			continue
		}
		var s strings.Builder
		for _, p := range b.Pieces {
			if p.Op != not {
				s.WriteString(p.Text)
			}
		}
		lines = append(lines, s.String())
	}
	return strings.Join(lines, "\n")
}

func TestCompareTellsBothSides(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pool := []string{"we keep data", "for 30 days", "for 14 days only", "and delete it then", "unless law says no", "x", "y z"}
	make := func() string {
		var lines []string
		for range rnd.IntN(12) {
			lines = append(lines, pool[rnd.IntN(len(pool))]+" "+pool[rnd.IntN(len(pool))])
		}
		return strings.Join(lines, "\n")
	}
	for range 2000 {
		a, b := make(), make()
		blocks := Compare(a, b)
		if side(blocks, '+') != a || side(blocks, '-') != b {
			t.Fatalf("old %q new %q gives %+v", a, b, blocks)
		}
		if a == b && Changed(blocks) != 0 {
			t.Fatalf("equal texts differ: %+v", blocks)
		}
	}
	blocks := Compare("Intro\nWe keep data for 30 days.\nEnd", "Intro\nWe keep data for 14 days.\nEnd")
	if len(blocks) != 3 || Changed(blocks) != 1 || len(blocks[1].Pieces) != 4 {
		t.Errorf("%+v", blocks)
	}
}
