package browsertest

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/app"
	"entente.dev/internal/door"
	"entente.dev/internal/identity"
)

// fragments are routes that answer with HTML which is no page of its own.
var fragments = map[string]string{
	"/settings/brand/preview": "is drawn into the settings while a colour is chosen",
	"/mail/{id}/html":         "is a mail as it was sent, framed in a sandbox",
}

// unmade are pages that show a record which this programme does not make yet, or that ask for one in their query. What they answer
// without one is looked at still.
var unmade = regexp.MustCompile(`^/(audit/\{id\}/proof|documents/(versions/|compare|acceptances|settings|new)|files/\{id\}|incidents/\{id\}|journal/errors/\{id\}|me/privacy/\{id\}|privacy/\{id\}|processors/\{id\}|promises/concerns/\{id\}|retention/runs/\{id\}|settings/leaving/exports/)`)

// Every page that the program has is drawn as each role and as nobody, and held to the laws of pages. A route that is
// added is looked at without touching this test; one with an id in its path needs a list that links to such a record.
func TestEveryPageKeepsTheLaws(t *testing.T) {
	w := newProgramme(t)
	v := newVillage(w)
	routes := w.prog.App.Doors().Web.Routes()
	for _, visitor := range []struct {
		person
		look Look
	}{
		{w.admin, Phone},
		{v.staff, Look{Dark: true}},
		{v.partner, Phone},
		{v.agent, Look{Width: 1440, Height: 900}},
	} {
		t.Run(visitor.Role, func(t *testing.T) {
			t.Parallel()
			inner := *w
			inner.t = t
			tab := inner.as(visitor.person, visitor.look)
			tab.bringAxe()
			c := &caller{t: t, tab: tab, role: visitor.Role, routes: routes, records: map[string]string{}, asAdmin: func() *Tab { return inner.as(w.admin, Look{}) }}
			for _, r := range routes {
				if r.Method == http.MethodGet && r.PublicWhy == "" {
					c.call(r)
				}
			}
			t.Logf("%d pages, %d other answers", c.pages, c.others)
		})
	}
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		tab := openTab(t, w.prog.URL, Look{})
		c := &caller{t: t, tab: tab}
		for _, r := range routes {
			if r.Method == http.MethodGet && r.PublicWhy != "" && !strings.Contains(r.Pattern, "{") && !strings.HasSuffix(r.Pattern, "/static/") {
				c.look(r, pathOf(r), 0)
			}
		}
		if c.pages < 5 {
			t.Errorf("only %d pages before sign-in", c.pages)
		}
	})
}

// caller goes from page to page as one person.
type caller struct {
	t             *testing.T
	tab           *Tab
	role          string
	routes        []door.Route
	records       map[string]string // what a list links to, by the list's address
	asAdmin       func() *Tab
	refused       bool // a page of refusal was looked at
	pages, others int
}

func pathOf(r door.Route) string {
	_, path, ok := strings.Cut(r.Pattern, " ")
	if !ok {
		path = r.Pattern
	}
	return strings.TrimSuffix(path, "{$}")
}

// call visits what a route answers with, and expects what the permission table says.
func (c *caller) call(r door.Route) {
	path, want := pathOf(r), http.StatusOK
	scope := role.Grants(c.role)[r.Action]
	if scope == access.None {
		want = http.StatusForbidden
	} else if unmade.MatchString(path) {
		want = 0
	}
	path = strings.ReplaceAll(path, "{version}", "1") // which every record has, or had
	if before, after, ok := strings.Cut(path, "{"); ok {
		_, rest, _ := strings.Cut(after, "}")
		if strings.Contains(rest, "{") {
			c.t.Errorf("%s: teach this test about two parameters", r.Pattern)
			return
		}
		id := "0192f0c1-0000-7000-8000-000000000000"
		if want == http.StatusOK {
			if id = c.record(c.tab, strings.TrimSuffix(before, "/")); id == "" {
				c.t.Errorf("%s: no list links to a record of this kind; let newVillage make one", r.Pattern)
				return
			}
		}
		path = before + id + rest
	}
	c.look(r, path, want)
}

// record returns the last part of the address of a record below dir. It is looked for on the list there, or on the page
// above; what the visitor's own pages do not show is looked for as Admin.
func (c *caller) record(tab *Tab, dir string) string {
	if id, known := c.records[dir]; known {
		return id
	}
	list := dir
	if !c.has(dir) {
		list = dir[:strings.LastIndexByte(dir, '/')]
	}
	tab.Go(list)
	var links []string
	tab.Eval(`[location.pathname, ...[...document.querySelectorAll("a[href]")].map((a) => a.getAttribute("href"))]`, &links)
	for _, l := range links {
		if id, ok := strings.CutPrefix(l, dir+"/"); ok && !strings.ContainsAny(id, "/?#") && !c.has(l) {
			c.records[dir] = id
			return id
		}
	}
	if tab != c.tab {
		return ""
	}
	admin := c.asAdmin()
	defer admin.Close()
	return c.record(admin, dir)
}

// has reports whether a page has exactly this address.
func (c *caller) has(path string) bool {
	return slices.ContainsFunc(c.routes, func(r door.Route) bool { return r.Method == http.MethodGet && pathOf(r) == path })
}

// look visits one address; want 0 takes any status below 500.
func (c *caller) look(r door.Route, path string, want int) {
	var head struct {
		Status int
		Type   string
	}
	if c.pages+c.others == 0 {
		c.tab.Go("/sign-in") // fetch needs a page of the site
	}
	c.tab.Eval(fmt.Sprintf(`(async () => {
		const stop = new AbortController();
		const r = await fetch(%q, {signal: stop.signal, headers: {Accept: "text/html"}});
		const out = {Status: r.status, Type: r.headers.get("Content-Type") || ""};
		stop.abort();
		return out;
	})()`, path), &head)
	c.tab.TakeTrouble() // a refusal of a fetch is logged as a resource that failed
	if head.Status >= 500 || want != 0 && head.Status != want {
		c.t.Errorf("%s: status %d, want %d", path, head.Status, want)
	}
	again := head.Status == http.StatusForbidden && c.refused // one page of refusal is like the other
	if again || fragments[r.Pattern] != "" || !strings.HasPrefix(head.Type, "text/html") {
		c.others++
		return
	}
	c.refused = c.refused || head.Status == http.StatusForbidden
	c.pages++
	c.tab.Go(path)
	_, faults := c.tab.shape()
	if c.fresh() {
		faults = append(faults, c.tab.axe()...)
	}
	if faults = append(faults, c.tab.TakeTrouble()...); len(faults) > 0 {
		c.t.Errorf("%s (%s, %d × %d):\n  %s", path, c.role, c.tab.look.Width, c.tab.look.Height, strings.Join(faults, "\n  "))
	}
}

// judged are the pages that axe has seen, by what they show.
var judged sync.Map

// fresh reports whether what the page shows was not seen by axe before, at this width and in this colour scheme: what is the same for all
// roles needs to be looked at once.
func (c *caller) fresh() bool {
	var shows string
	c.tab.Eval(`document.querySelector("main")?.outerHTML.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "") || ""`, &shows)
	_, seen := judged.LoadOrStore(fmt.Sprintf("%v %x", c.tab.look, sha256.Sum256([]byte(shows))), true)
	return !seen
}

// village is a programme with somebody of each role and something on every page, all of it within one partner's sight.
type village struct{ staff, partner, agent person }

func newVillage(w *programme) village {
	w.t.Helper()
	north := w.partner("North Systems & Söhne GmbH", "north.test")
	v := village{w.person(role.Staff, "Mara Manager", ""), w.person(role.Partner, "Pat Partner", north), w.person(role.Agent, "Aki Agent", north)}
	key := w.ownKey(v.agent)
	for i, c := range []string{"Contoso", "Fabrikam", "Tailspin Toys", "Northwind <Traders>", "A customer with a name that is longer than anybody would like it to be on a small screen"} {
		d := w.apiAs(key, "POST", "/deals", fields{"title": "Robots for " + c, "account": fields{"name": c, "domain": fmt.Sprintf("c%d.example", i), "country": "DE"},
			"amount_minor": 1_234_567 * (i + 1), "currency": "EUR", "expected_close_on": "2027-01-31"}).id()
		steps := [][]string{{}, {"submit"}, {"submit", "approve"}, {"submit", "approve", "win"}, {"submit", "reject"}}[i]
		for _, s := range steps {
			if s == "reject" {
				w.api("POST", "/deals/"+d+"/reject", fields{"reason": "Not a fit."})
				continue
			}
			as := key
			if s == "approve" {
				as = w.key
			}
			w.apiAs(as, "POST", "/deals/"+d+"/"+s, fields{})
		}
		if i > 0 {
			w.api("POST", "/deals/"+d+"/notes", fields{"body": "A note about " + c + ".", "internal": i%2 == 0})
		}
	}
	if _, err := w.prog.App.Import(w.t.Context(), app.ImportFile{Kind: "products", Path: sample(w.t, "products.csv"), Tenant: w.slug}); err != nil {
		w.t.Fatal(app.Explain(err))
	}
	account := w.apiAs(key, "GET", "/accounts", nil)["items"].([]any)[0].(map[string]any)["id"]
	w.apiAs(key, "POST", "/contacts", fields{"account_id": account, "name": "Kim Contact", "email": "kim@contoso.example"})
	return v
}

// ownKey makes a personal API key of somebody.
func (w *programme) ownKey(p person) string {
	w.t.Helper()
	who, err := w.prog.App.Identity.BySession(w.t.Context(), p.session)
	if err != nil {
		w.t.Fatal(app.Explain(err))
	}
	k, err := w.prog.App.Identity.CreateMyKey(w.t.Context(), who, identity.KeyInput{Name: "tests"})
	if err != nil {
		w.t.Fatal(app.Explain(err))
	}
	return k.Secret
}
