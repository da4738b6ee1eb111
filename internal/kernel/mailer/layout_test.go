package mailer

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func layout() Layout {
	return Layout{
		TenantName: "Acme & Söhne", BrandColor: "#ffcc00", Heading: "Your deal <b>Globex</b> was approved",
		Paragraphs: []string{"First line\nsecond line", `<script>alert("x")</script>`},
		Button:     Button{"See the deal", "https://acme.test/deals/1?a=b&c=d"},
		Reason:     "You get this because you registered the deal.",
	}
}

func TestLayoutText(t *testing.T) {
	text, _ := layout().Render()
	want := `Your deal <b>Globex</b> was approved

First line
second line

<script>alert("x")</script>

See the deal:
https://acme.test/deals/1?a=b&c=d

` + "-- " + `
Acme & Söhne

You get this because you registered the deal.
`
	if text != want {
		t.Errorf("text:\n%s", text)
	}
}

// A45: what people typed stays text, and nothing is fetched when the mail is opened.
func TestLayoutHTML(t *testing.T) {
	_, page := layout().Render()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	var links []string
	allowed := " html head meta title style body table tbody tr td p h1 a br "
	for n := range doc.Descendants() {
		switch n.Type {
		case html.TextNode:
			if n.Parent.Data != "style" {
				text.WriteString(n.Data + "|")
			}
		case html.ElementNode:
			if !strings.Contains(allowed, " "+n.Data+" ") {
				t.Errorf("element %s", n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "href" {
					links = append(links, a.Val)
				}
				if a.Key == "src" || strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "url(") {
					t.Errorf("attribute %s=%q", a.Key, a.Val)
				}
			}
		}
	}
	for _, want := range []string{"Acme & Söhne|", "Your deal <b>Globex</b> was approved|", "First line|second line|", `<script>alert("x")</script>|`, "See the deal|", "You get this because"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in %s", want, text.String())
		}
	}
	if len(links) != 1 || links[0] != layout().Button.URL {
		t.Errorf("links %q", links)
	}
	if !strings.Contains(page, "prefers-color-scheme: dark") || !strings.Contains(page, `content="light dark"`) {
		t.Error("the mail says nothing about dark mode")
	}
}

func TestLayoutButtons(t *testing.T) {
	for url, want := range map[string]bool{
		"https://acme.test/": true, "http://localhost:8080/x": true, "javascript:alert(1)": false, "//acme.test/": false, "/deals": false,
		"https://acme.test/\"onmouseover=\"x": false, "https://acme.test/a b": false, "https://": false, "": false, "data:text/html,x": false,
	} {
		l := layout()
		l.Button.URL = url
		text, page := l.Render()
		if got := strings.Contains(page, "href="); got != want {
			t.Errorf("%q: link %v, want %v", url, got, want)
		}
		if got := strings.Contains(text, "See the deal"); got != want {
			t.Errorf("%q: in the text %v, want %v", url, got, want)
		}
	}
}

func TestLayoutColors(t *testing.T) {
	for color, want := range map[string]string{
		"#ffcc00": "background:#ffcc00;color:#000000", "#0f4c81": "background:#0f4c81;color:#ffffff", "#777777": "background:#777777;color:#000000",
		"red": "background:" + neutral, "#fff": "background:" + neutral, `#ffffff"><script>`: "background:" + neutral, "": "background:" + neutral,
	} {
		l := layout()
		l.BrandColor = color
		if _, page := l.Render(); !strings.Contains(page, want) {
			t.Errorf("%q: no %q", color, want)
		}
	}
}
