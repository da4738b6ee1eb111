package identityweb_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/door"
	"entente.dev/internal/doortest"
	"entente.dev/internal/identity"
	"entente.dev/internal/identity/identityweb"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/keyring"
	"entente.dev/internal/partner"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	plain   = "plum orbit velvet cactus"
	another = "kettle marble saxophone"
)

// site is the program's pages of people, with real sessions, and a browser that looks at them.
type site struct {
	*doortest.World
	t        *testing.T
	identity *identity.Service
	handler  http.Handler
	acme     identity.AdminDone
	deps     identityweb.Deps
}

func newSite(t *testing.T) *site {
	t.Helper()
	w := doortest.New(t)
	s := &site{World: w, t: t, identity: identity.New(w.Ops, identity.Options{Tenants: tenant.New(w.Ops)})}
	s.deps = identityweb.Deps{Page: w.Page, Partners: partner.New(w.Ops), Bare: func(rw http.ResponseWriter, r *http.Request, title string) ui.Page {
		return ui.NewPage(rw, r, ui.Viewer{}, title, "")
	}}
	s.serve()
	var err error
	s.acme, err = s.identity.CreateAdmin(t.Context(), identity.AdminInput{Slug: "house", Programme: "House", Name: "Ada", Email: "ada@house.test", Password: plain})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve builds the doors anew, with the site's deps.
func (s *site) serve() {
	web := door.NewWeb(identityweb.NewAuthenticator(s.identity), door.WebOptions{PublicURL: doortest.Origin})
	identityweb.Routes(web, s.identity, s.deps)
	doors := door.Doors{Web: web, API: door.NewAPI(identityweb.NewAuthenticator(s.identity), door.APIOptions{})}
	s.handler = httpx.Stack(doors, httpx.Options{Log: s.Ops.Log, Error: doors.ServeError})
}

// browser keeps cookies as a browser does.
type browser struct {
	s       *site
	cookies map[string]string
	agent   string
}

func (s *site) browser() *browser {
	return &browser{s: s, cookies: map[string]string{}, agent: "Firefox/1"}
}

func (b *browser) ask(method, target string, pairs ...string) doortest.Answer {
	return b.askAs(method, target, nil, pairs...)
}

func (b *browser) askAs(method, target string, header http.Header, pairs ...string) doortest.Answer {
	b.s.t.Helper()
	r := httptest.NewRequest(method, doortest.Origin+target, strings.NewReader(doortest.Form(pairs...)))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", b.agent)
	for name, v := range header {
		r.Header[name] = v
		if name == "Host" {
			r.Host = v[0]
		}
	}
	for name, v := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: v})
	}
	rec := httptest.NewRecorder()
	b.s.handler.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			b.s.t.Errorf("%s %s: cookie %+v", method, target, c)
		}
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return doortest.Answer{ResponseRecorder: rec}
}

func (b *browser) get(target string) doortest.Answer { b.s.t.Helper(); return b.ask("GET", target) }

func (b *browser) post(target string, pairs ...string) doortest.Answer {
	b.s.t.Helper()
	return b.ask("POST", target, pairs...)
}

// want checks status, Location and what the page holds.
func (s *site) want(a doortest.Answer, status int, location string, holds ...string) {
	s.t.Helper()
	if a.Code != status || a.Header().Get("Location") != location {
		s.t.Fatalf("%d %q, want %d %q: %s", a.Code, a.Header().Get("Location"), status, location, a.Body)
	}
	for _, h := range holds {
		if !a.Holds(s.t, h) {
			s.t.Errorf("wants %q in %s", h, a.Body)
		}
	}
}

func (s *site) signedIn(email string) *browser {
	s.t.Helper()
	b := s.browser()
	s.want(b.post("/sign-in", "email", email, "password", plain), 303, "/")
	return b
}

// token takes the token out of a link.
func (s *site) token(link string) string {
	s.t.Helper()
	u, err := url.Parse(link)
	if err != nil || !strings.HasPrefix(link, doortest.Origin+"/") {
		s.t.Fatalf("%q is no link of ours: %v", link, err)
	}
	return u.Query().Get("token")
}

// waitingLink is the one-time link of the newest letter that waits to be sent.
func (s *site) waitingLink(template, to string) string {
	s.t.Helper()
	var link []byte
	var v, tenant id.ID
	var sealed []byte
	err := s.Super.QueryRow(s.t.Context(), `select mail_id, tenant_id, link_sealed from mail where template = $1 and to_email = $2 order by created_at desc limit 1`, template, to).Scan(&v, &tenant, &sealed)
	if err == nil {
		link, err = s.Ops.Keys.Open(s.t.Context(), tenant, keyring.Place{Table: "mail", Row: v.String(), Column: "link_sealed"}, sealed)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return string(link)
}

const session = "__Host-entente"

// move sets the program's clock forward.
func (s *site) move(d time.Duration) {
	old := s.Ops.Clock
	s.Ops.Clock = func() time.Time { return old().Add(d) }
}

func registerOn(web *door.Web, s *site) { identityweb.Routes(web, s.identity, s.deps) }
