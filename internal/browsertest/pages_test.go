package browsertest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/app"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/door"
	"entente.dev/internal/file"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/recordtest"
	"entente.dev/internal/retention"
)

// fragments are routes that answer with HTML which is no page of its own.
var fragments = map[string]string{
	"/settings/brand/preview": "is drawn into the settings while a colour is chosen",
	"/mail/{id}/html":         "is a mail as it was sent, framed in a sandbox",
}

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
			c := &caller{t: t, tab: tab, role: visitor.Role, routes: routes, records: map[string]string{}, at: v.at(visitor.person), asAdmin: func() *Tab { return inner.as(w.admin, Look{}) }}
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
	at            map[string]string // where a route's page is, of those that no list leads to or that need a query
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
	}
	if at := c.at[path]; at != "" {
		c.look(r, at, want)
		return
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
type village struct {
	staff, partner, agent person
	made                  recordtest.Made
	members               map[string]id.ID // by e-mail
	entries               map[string]id.ID // of the audit log, sealed and within sight, by e-mail
}

// at are the addresses of pages that show a record which has to be in a certain state, is the visitor's own, or stands in the query.
func (v village) at(visitor person) map[string]string {
	m := v.made
	to := func(before string, of id.ID, after string) string { return before + of.String() + after }
	out := map[string]string{
		"/audit/{id}/proof":                     to("/audit/", v.entries[visitor.Email], "/proof"),
		"/documents/new":                        "/documents/new?kind=privacy",
		"/documents/versions/{id}":              to("/documents/versions/", m.First, ""),
		"/documents/versions/{id}/edit":         to("/documents/versions/", m.Draft, "/edit"),
		"/documents/compare":                    to("/documents/compare?from=", m.First, to("&to=", m.Announced, "")),
		"/documents/settings":                   to("/documents/settings?document=", m.Document, ""),
		"/documents/acceptances":                to("/documents/acceptances?document=", m.Document, ""),
		"/documents/acceptances.csv":            to("/documents/acceptances.csv?document=", m.Document, ""),
		"/processors/{id}":                      to("/processors/", m.Processor, ""),
		"/processors/{id}/edit":                 to("/processors/", m.Proposal, "/edit"),
		"/incidents/{id}/notice":                to("/incidents/", m.Incident, "/notice?recipient=authority"),
		"/privacy/{id}":                         to("/privacy/", m.Erasure, ""),
		"/privacy/{id}/certificate":             to("/privacy/", m.Erasure, "/certificate"),
		"/privacy/{id}/package":                 to("/privacy/", m.Access, "/package"),
		"/settings/leaving/exports/{id}/events": to("/settings/leaving/exports/", m.Export, "/events"),
	}
	if own := m.Mine[v.members[visitor.Email]]; own != id.Nil {
		out["/me/privacy/{id}"], out["/me/privacy/{id}/package"] = to("/me/privacy/", own, ""), to("/me/privacy/", own, "/package")
	}
	return out
}

func newVillage(w *programme) village {
	w.t.Helper()
	north := w.partner("North Systems & Söhne GmbH", "north.test")
	v := village{staff: w.person(role.Staff, "Mara Manager", ""), partner: w.person(role.Partner, "Pat Partner", north), agent: w.person(role.Agent, "Aki Agent", north)}
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
	v.promises(w)
	return v
}

// promises makes what the promises of the programme have records of, and waits until an entry of the log is sealed.
func (v *village) promises(w *programme) {
	w.t.Helper()
	a := w.prog.App
	v.members = map[string]id.ID{}
	actor := func(p person) access.Actor {
		w.t.Helper()
		who, err := a.Identity.BySession(w.t.Context(), w.session(p))
		if err != nil {
			w.t.Fatal(app.Explain(err))
		}
		v.members[p.Email] = who.Member
		return who
	}
	people := recordtest.People{Admin: actor(w.admin), Second: actor(w.person(role.Admin, "Sid Second", "")), Partners: []access.Actor{actor(v.partner)}, Others: []access.Actor{actor(v.staff), actor(v.agent)}}
	v.made = recordtest.Fill(w.t, recordtest.Rooms{Ops: a.Ops, Accounts: a.Accounts, Documents: a.Documents, Processors: a.Processors, Notices: a.Notices, Incidents: a.Incidents, Privacy: a.Privacy,
		Trust: a.Trust, Journal: a.Journal, Archive: a.Archive, Retention: a.Retention, Served: true}, people)
	for _, of := range []id.ID{id.Nil, people.Others[1].Member} { // the company's, and the agent's own
		if _, err := a.Files.Save(w.t.Context(), access.NewSystem(people.Admin.Tenant, "test"), file.Meta{Kind: file.Evidence, Name: "evidence.txt", ContentType: "text/plain; charset=utf-8", Partner: people.Partners[0].Partner, Member: of},
			func(to io.Writer) error { _, err := io.WriteString(to, "seen by the partner too"); return err }); err != nil {
			w.t.Fatal(app.Explain(err))
		}
	}
	if _, err := a.Retention.Start(w.t.Context(), people.Admin, retention.ByPage, true); err != nil {
		w.t.Fatal(app.Explain(err))
	}
	v.entries = map[string]id.ID{}
	deal, _ := id.Parse(fmt.Sprint(w.api("GET", "/deals", nil)["items"].([]any)[0].(map[string]any)["id"]))
	for _, p := range []person{w.admin, v.staff, v.partner, v.agent} {
		who := actor(p)
		seen, err := a.Trail.Object(w.t.Context(), who, trail.Query{ObjectType: "deal", ObjectID: deal, Limit: 1})
		if err != nil {
			w.t.Fatal(app.Explain(err))
		}
		v.entries[p.Email] = seen.Items[0].ID
		w.sealed(who, seen.Items[0].ID)
	}
}

// sealed waits until an entry of the audit log has its place in the log's tree.
func (w *programme) sealed(who access.Actor, entry id.ID) {
	w.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var err error
	for range 300 {
		if _, err = w.prog.App.Seal.Proof(w.t.Context(), who, entry); err == nil {
			return
		}
		<-tick.C
	}
	w.t.Fatalf("the entry is not sealed: %s", app.Explain(err))
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
