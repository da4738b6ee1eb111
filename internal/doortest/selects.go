package doortest

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Selects reports whether page has an element that sel names. A selector is a chain of steps, each inside the one before;
// a step is TAG, #ID, .CLASS, [NAME], [NAME=VALUE] or several of them together. "SEL :: TEXT" asks that the element's text
// holds TEXT.
func Selects(t testing.TB, page, sel string) bool {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	path, text, _ := strings.Cut(sel, " :: ")
	nodes := []*html.Node{root}
	for _, part := range steps(path) {
		st := parseStep(t, part)
		var next []*html.Node
		for _, n := range nodes {
			walk(n, func(d *html.Node) {
				if d != n && st.matches(d) {
					next = append(next, d)
				}
			})
		}
		nodes = next
	}
	for _, n := range nodes {
		if text == "" || strings.Contains(words(n), text) {
			return true
		}
	}
	return false
}

// steps cuts a selector at its spaces, but for those within [].
func steps(path string) []string {
	inside := false
	return strings.FieldsFunc(path, func(c rune) bool {
		if c == '[' || c == ']' {
			inside = c == '['
		}
		return c == ' ' && !inside
	})
}

func walk(n *html.Node, fn func(*html.Node)) {
	fn(n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, fn)
	}
}

func words(n *html.Node) string {
	var b strings.Builder
	walk(n, func(d *html.Node) {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

type step struct {
	tag     string
	classes []string
	attrs   [][2]string // a value of "" asks for the attribute only
}

func parseStep(t testing.TB, s string) step {
	t.Helper()
	var st step
	end := func() int {
		if i := strings.IndexAny(s[1:], "#.["); i >= 0 {
			return i + 1
		}
		return len(s)
	}
	for s != "" {
		switch s[0] {
		case '#', '.':
			i := end()
			if s[0] == '#' {
				st.attrs = append(st.attrs, [2]string{"id", s[1:i]})
			} else {
				st.classes = append(st.classes, s[1:i])
			}
			s = s[i:]
		case '[':
			i := strings.IndexByte(s, ']')
			if i < 0 {
				t.Fatalf("selector %q lacks ]", s)
			}
			name, value, _ := strings.Cut(s[1:i], "=")
			st.attrs = append(st.attrs, [2]string{name, value})
			s = s[i+1:]
		default:
			i := end()
			st.tag, s = s[:i], s[i:]
		}
	}
	return st
}

func (st step) matches(n *html.Node) bool {
	if n.Type != html.ElementNode || st.tag != "" && n.Data != st.tag {
		return false
	}
	have := map[string]string{}
	for _, a := range n.Attr {
		have[a.Key] = a.Val
	}
	for _, c := range st.classes {
		if !strings.Contains(" "+have["class"]+" ", " "+c+" ") {
			return false
		}
	}
	for _, a := range st.attrs {
		v, ok := have[a[0]]
		if !ok || a[1] != "" && v != a[1] {
			return false
		}
	}
	return true
}
