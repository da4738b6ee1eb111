package browsertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/app"
	"entente.dev/internal/identity"
)

// sessionCookie is what a signed-in browser holds.
const sessionCookie = "__Host-entente"

// longEnough is everybody's password here.
const longEnough = "seven quiet otters paddle north"

// person is somebody who may sign in.
type person struct {
	Name, Email, Role string
	session           string
}

// programme is a tenant of one test.
type programme struct {
	t     *testing.T
	prog  *Program
	slug  string
	admin person
	key   string // of the Admin
}

var programmes atomic.Int32

// newProgramme makes a tenant with an Admin for one test, which from here on runs beside others.
func newProgramme(t *testing.T) *programme {
	t.Helper()
	t.Parallel()
	p := theProgram(t)
	w := &programme{t: t, prog: p, slug: fmt.Sprintf("acme-%d", programmes.Add(1))}
	w.admin = person{Name: "Ada Admin", Email: "ada@" + w.slug + ".test", Role: role.Admin}
	made, err := p.App.Bootstrap(t.Context(), app.FirstAdmin{Slug: w.slug, Programme: "Acme " + strings.ToUpper(w.slug[5:]), Name: w.admin.Name, Email: w.admin.Email, Password: longEnough})
	if err != nil {
		t.Fatalf("bootstrap: %s", app.Explain(err))
	}
	w.key = made.APIKey
	return w
}

// request sends one request to the API; an error status fails the test.
func (w *programme) request(method, path, key string, body any) []byte {
	w.t.Helper()
	var in bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&in).Encode(body); err != nil {
			w.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.prog.URL+"/api/v1"+path, &in)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 400 {
		w.t.Fatalf("%s %s: %d, %v\n%s", method, path, resp.StatusCode, err, raw)
	}
	return raw
}

type fields map[string]any

// api sends one request with the Admin's key and returns the answer's fields.
func (w *programme) api(method, path string, body any) fields {
	w.t.Helper()
	return w.apiAs(w.key, method, path, body)
}

func (w *programme) apiAs(key, method, path string, body any) fields {
	w.t.Helper()
	var out fields
	if raw := w.request(method, path, key, body); len(raw) > 0 {
		if err := json.Unmarshal(raw, &out); err != nil {
			w.t.Fatalf("%s %s: %v\n%s", method, path, err, raw)
		}
	}
	return out
}

func (f fields) id() string { s, _ := f["id"].(string); return s }

// partner adds a partner company and returns its id.
func (w *programme) partner(name, domain string) string {
	w.t.Helper()
	return w.api("POST", "/partners", fields{"name": name, "domains": []string{domain}, "country": "DE"}).id()
}

// person invites somebody and lets them accept; partner is "" for the vendor's people.
func (w *programme) person(as, name, partner string) person {
	w.t.Helper()
	p := person{Name: name, Role: as, Email: strings.ReplaceAll(strings.ToLower(name), " ", ".") + "@" + w.slug + ".test"}
	in := fields{"email": p.Email, "name": name, "role": as}
	if partner != "" {
		in["partner_id"] = partner
	}
	link, err := url.Parse(w.api("POST", "/people", in)["invitation_url"].(string))
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.prog.App.Identity.Accept(w.t.Context(), access.Request{}, identity.AcceptInput{Token: link.Query().Get("token"), Name: name, Password: longEnough})
	if err != nil {
		w.t.Fatalf("accept: %s", app.Explain(err))
	}
	p.session = s.Token
	return p
}

// keyOf makes a service account's key of a role.
func (w *programme) keyOf(as, partner string) string {
	w.t.Helper()
	in := fields{"name": as + " key", "role": as}
	if partner != "" {
		in["partner_id"] = partner
	}
	return w.api("POST", "/api-keys", in)["key"].(string)
}

// registered registers and submits a deal with a key and returns its id.
func (w *programme) registered(key, title, company, domain string, minor int) string {
	w.t.Helper()
	d := w.apiAs(key, "POST", "/deals", fields{"title": title, "account": fields{"name": company, "domain": domain, "country": "DE"}, "amount_minor": minor, "currency": "EUR"})
	w.apiAs(key, "POST", "/deals/"+d.id()+"/submit", fields{})
	return d.id()
}

// tab opens a tab that nobody is signed in to. Whatever trouble its pages cause fails the test.
func (w *programme) tab(look Look) *Tab { return openTab(w.t, w.prog.URL, look) }

func openTab(t *testing.T, base string, look Look) *Tab {
	t.Helper()
	tab := theBrowser(t).Open(t, base, look)
	t.Cleanup(func() {
		for _, s := range tab.Trouble() {
			t.Errorf("behind the pages: %s", s)
		}
		tab.Close()
	})
	return tab
}

// as opens a tab in which somebody is signed in.
func (w *programme) as(p person, look Look) *Tab {
	w.t.Helper()
	tab := w.tab(look)
	tab.SetCookie(sessionCookie, w.session(p))
	return tab
}

// session returns somebody's session: the one they have, or a new one.
func (w *programme) session(p person) string {
	w.t.Helper()
	if p.session != "" {
		return p.session
	}
	s, err := w.prog.App.Identity.SignIn(w.t.Context(), access.Request{}, identity.SignInInput{Email: p.Email, Password: longEnough})
	if err != nil {
		w.t.Fatalf("sign in: %s", app.Explain(err))
	}
	return s.Token
}

// signIn fills in the sign-in page.
func signIn(tab *Tab, p person, password string) {
	tab.t.Helper()
	tab.Go("/sign-in")
	tab.Fill("email", p.Email)
	tab.Fill("password", password)
	tab.Press("Sign in")
}
