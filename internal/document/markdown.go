package document

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// HTML renders Markdown as HTML that is safe to put on a page: raw HTML is left out, pictures become their text, and links lead to
// http, https, mailto or a place of this site only. Headings begin at h2: the page has its own h1.
func HTML(source string) string {
	var b bytes.Buffer
	if err := renderer.Convert([]byte(source), &b); err != nil {
		return "" // a bytes.Buffer takes everything
	}
	return b.String()
}

var renderer = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough),
	goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(tame{}, 100))))

// tame takes from a parsed document what no page of ours may hold.
type tame struct{}

// Transform implements parser.ASTTransformer.
func (tame) Transform(doc *ast.Document, r text.Reader, _ parser.Context) {
	var links, pictures, raw []ast.Node
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = min(n.Level+1, 6)
		case *ast.Link:
			if !harmless(string(n.Destination)) {
				links = append(links, n)
			}
		case *ast.AutoLink:
			if !harmless(string(n.URL(r.Source()))) && n.AutoLinkType != ast.AutoLinkEmail {
				raw = append(raw, n)
			}
		case *ast.Image:
			pictures = append(pictures, n)
		case *ast.RawHTML, *ast.HTMLBlock:
			raw = append(raw, n)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range append(links, pictures...) {
		lift(n)
	}
	for _, n := range raw {
		n.Parent().RemoveChild(n.Parent(), n)
	}
}

// lift puts what a node holds in the place of the node.
func lift(n ast.Node) {
	parent := n.Parent()
	for c := n.FirstChild(); c != nil; {
		next := c.NextSibling()
		parent.InsertBefore(parent, n, c)
		c = next
	}
	parent.RemoveChild(parent, n)
}

// harmless reports whether a link may stand on a page.
func harmless(to string) bool {
	u, err := url.Parse(strings.TrimSpace(to))
	if err != nil || strings.ContainsAny(to, "\\\x00\t\r\n") {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return u.Host != ""
	case "mailto":
		return true
	case "":
		return u.Host == "" && (strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") || strings.HasPrefix(to, "#"))
	}
	return false
}
