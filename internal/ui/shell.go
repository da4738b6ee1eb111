package ui

import (
	"context"
	"io"

	"github.com/a-h/templ"
)

// Shell draws a signed-in page: navigation, top bar, page header and the children.
func Shell(p Page) templ.Component { return reading(p, shell(p)) }

// Bare draws a page without navigation, its children in a centred card under the brand:
// sign-in, set-up, invitation. The card's title is p.Title.
func Bare(p Page) templ.Component { return reading(p, bare(p)) }

// Site draws a public page of a tenant: its brand, the children, and the way to its other public pages, which begin with
// p.Base. It prints without what only a screen needs.
func Site(p Page) templ.Component { return reading(p, site(p)) }

// siteLinks are the public pages of a tenant.
func siteLinks(base string) []Link {
	return []Link{{Label: "Data policy", Href: base + "/legal/data-policy"}, {Label: "Sub-processors", Href: base + "/legal/processors"},
		{Label: "Documents", Href: base + "/legal"}, {Label: "Trust", Href: base + "/trust"}}
}

// ErrorPage draws a refusal inside the shell, or bare when nobody is signed in. msg says
// what happened and how to go on; requestID is what support asks for.
func ErrorPage(p Page, status int, title, msg, requestID string) templ.Component {
	p.Title, p.Plain = title, true
	body := errorBody(status, title, msg, requestID)
	frame := Bare(p)
	if p.Viewer.SignedIn() {
		frame = Shell(p)
	}
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return frame.Render(templ.WithChildren(ctx, body), w)
	})
}

// reading gives c and its children the viewer's language, zone and clock.
func reading(p Page, c templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return c.Render(WithReader(ctx, p.Viewer.Reader), w)
	})
}
