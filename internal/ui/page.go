package ui

import (
	"net/http"

	"github.com/a-h/templ"
)

// Link is a label that leads somewhere.
type Link struct {
	Label string
	Href  string
}

// Brand is how a tenant looks.
type Brand struct {
	Name  string // the programme's or vendor's name
	Color string // "#rrggbb"; anything else means Entente's own colour
	Logo  string // address of an image of ours, or ""
}

// Membership is one of the places a person belongs to, for switching between them.
type Membership struct {
	ID      string
	Label   string // tenant's name
	Detail  string // partner's name and role
	Current bool
}

// Viewer is who looks at a page, as far as drawing it needs to know. The zero Viewer is
// nobody: no navigation, no person menu.
type Viewer struct {
	Name        string
	Email       string
	Role        string // as shown: "Channel manager"
	Company     string // the partner's name for partner people, else the tenant's
	Brand       Brand
	Memberships []Membership
	Can         func(key string) bool // navigation and create keys, see NavKeys; nil allows none
	Counts      map[string]int        // badges beside navigation entries, by key
	Reader      Reader                // language, time zone and clock
}

// SignedIn reports whether anybody is behind the viewer.
func (v Viewer) SignedIn() bool { return v.Name != "" || v.Email != "" }

func (v Viewer) can(key string) bool { return v.Can != nil && v.Can(key) }

// Tone is the meaning of a colour. It is never the only bearer of that meaning.
type Tone string

// The tones.
const (
	Neutral Tone = "neutral"
	Accent  Tone = "accent"
	Good    Tone = "good"
	Warn    Tone = "warn"
	Bad     Tone = "bad"
)

// Flash is one message shown at the top of the next page.
type Flash struct {
	Tone Tone   `json:"t"`
	Text string `json:"m"`
	Link *Link  `json:"l,omitempty"` // such as Undo
}

// Page is what Shell and Bare need besides the content.
type Page struct {
	Title    string          // of the tab and of the <h1>
	Active   string          // navigation key that is highlighted
	Viewer   Viewer          // who looks
	Theme    Theme           // from the person's cookie
	Flash    *Flash          // a message left by the request before
	Crumbs   []Link          // the way here, outermost first, without the page itself
	Lead     templ.Component // beside the title, such as a state badge
	Subtitle string          // under the title
	Actions  templ.Component // right of the title
	Query    string          // shown in the search box
	Path     string          // address of this page, for coming back after a form
	Wide     bool            // use the whole width, such as for the board
	Base     string          // of a public page: what its tenant's other public pages begin with, such as "/t/acme"
	Alone    bool            // a public page that is no tenant's: it leads to no other pages
	Plain    bool            // draw no page header; the content brings its own <h1>
}

// NewPage returns a page with theme, path, search words and pending message taken from
// the request. Taking the message clears it, so call it once a request, before Render.
func NewPage(w http.ResponseWriter, r *http.Request, v Viewer, title, active string) Page {
	return Page{
		Title: title, Active: active, Viewer: v, Theme: ThemeOf(r), Flash: TakeFlash(w, r),
		Query: r.URL.Query().Get("q"), Path: r.URL.RequestURI(),
	}
}

// brandName is what stands at the top left and in the tab's title.
func (p Page) brandName() string {
	if p.Viewer.Brand.Name != "" {
		return p.Viewer.Brand.Name
	}
	return "Entente"
}

func (p Page) tabTitle() string {
	if p.Title == "" || p.Title == p.brandName() {
		return p.brandName()
	}
	return p.Title + " · " + p.brandName()
}
