// Package doortest runs scenario tables through the real doors: two tenants on a real database, everybody who may knock,
// and answers that are looked at as a browser or a program sees them.
package doortest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
	"entente.dev/internal/ui"
)

// Origin is where the doors of a World believe they are reached.
const Origin = "http://entente.test"

// The people of a World, by the name that Case.As takes.
const (
	Admin    = "admin"    // of the vendor
	Staff    = "staff"    // of the vendor
	Partner  = "partner"  // runs North
	Agent    = "agent"    // works for North
	Rival    = "rival"    // runs South
	Stranger = "stranger" // Admin of another tenant
	Nobody   = ""         // not signed in
)

// World is a fresh database with two tenants and the doors that a test registers.
type World struct {
	T      testing.TB
	DB     *pg.DB
	Super  *pgx.Conn // sees everything
	Ops    *op.Ops
	Web    *door.Web
	API    *door.API
	Denied []access.Action // what the doors themselves refused

	Tenant, North, South id.ID // Acme and its two partners
	Elsewhere            id.ID // the other tenant
	Actors               map[string]access.Actor

	handler http.Handler
	since   time.Time // of the last Audited
}

// New returns a World; register doors on its Web and API, then Ask.
func New(t testing.TB) *World {
	t.Helper()
	db := pgtest.New(t)
	w := &World{T: t, DB: db, Super: pgtest.Super(t, db), Actors: map[string]access.Actor{}}
	w.Ops = optest.New(t, db)
	w.Ops.PublicURL = Origin
	w.Tenant, w.Elsewhere = w.tenant("acme", "Acme"), w.tenant("globex", "Globex")
	w.North, w.South = w.company("North"), w.company("South")
	for _, p := range []struct {
		who, role, name string
		tenant, partner id.ID
	}{
		{Admin, role.Admin, "Ada Admin", w.Tenant, id.Nil}, {Staff, role.Staff, "Sam Staff", w.Tenant, id.Nil},
		{Partner, role.Partner, "Pat Partner", w.Tenant, w.North}, {Agent, role.Agent, "Abe Agent", w.Tenant, w.North},
		{Rival, role.Partner, "Rita Rival", w.Tenant, w.South}, {Stranger, role.Admin, "Stan Stranger", w.Elsewhere, id.Nil},
	} {
		v := id.New()
		w.Exec(`insert into member (tenant_id, member_id, partner_id, role, name, email, status) values ($1, $2, $3, $4, $5, $6, 'active')`,
			p.tenant, v, p.partner, p.role, p.name, p.who+"@acme.example")
		w.Actors[p.who] = access.Actor{Kind: access.Person, Persona: role.Persona(p.role), Tenant: p.tenant, Partner: p.partner, Member: v, Role: p.role,
			Name: p.name, Credential: id.New(), Grants: role.Grants(p.role)}
	}
	denied := func(_ *http.Request, _ access.Actor, act access.Action) { w.Denied = append(w.Denied, act) }
	w.Web = door.NewWeb(keys{w}, door.WebOptions{PublicURL: Origin, Denied: denied})
	w.API = door.NewAPI(keys{w}, door.APIOptions{Denied: denied})
	doors := door.Doors{Web: w.Web, API: w.API}
	w.handler = httpx.Stack(doors, httpx.Options{Log: w.Ops.Log, Error: doors.ServeError})
	return w
}

// Exec runs a statement as superuser, to set a scene.
func (w *World) Exec(sql string, args ...any) {
	w.T.Helper()
	if _, err := w.Super.Exec(w.T.Context(), sql, args...); err != nil {
		w.T.Fatalf("%s: %v", sql, err)
	}
}

func (w *World) tenant(slug, name string) id.ID {
	v := id.New()
	w.Exec(`insert into tenant (tenant_id, slug, name) values ($1, $2, $3)`, v, slug, name)
	for i, st := range []struct {
		name, kind string
		percent    int
	}{{"Qualify", "open", 10}, {"Propose", "open", 40}, {"Won", "won", 100}, {"Lost", "lost", 0}} {
		w.Exec(`insert into stage (tenant_id, stage_id, name, position, probability, kind) values ($1, $2, $3, $4, $5, $6)`, v, id.New(), st.name, i+1, st.percent, st.kind)
	}
	return v
}

func (w *World) company(name string) id.ID {
	v := id.New()
	w.Exec(`insert into partner (tenant_id, partner_id, name, name_norm, external_id) values ($1, $2, $3, lower($3), $4)`, w.Tenant, v, name, "crm-"+strings.ToLower(name))
	return v
}

// Page is a ui.PageFunc: the whole navigation for the vendor's people, a partner's for a partner's.
func (w *World) Page(rw http.ResponseWriter, r *http.Request, who access.Actor, title, active string) (ui.Page, error) {
	v := ui.Viewer{Name: who.Name, Email: "someone@acme.example", Role: role.Label(who.Role), Company: "Acme", Brand: ui.Brand{Name: "Acme"},
		Can: func(key string) bool {
			return who.Persona == access.Staff || slices.Contains([]string{"home", "deals", "board", "accounts", "contacts", "partners", "deals.new", "api"}, key)
		}}
	return ui.NewPage(rw, r, v, title, active), nil
}

// keys knows the people of a World: by the cookie s=NAME or the bearer key NAME.
type keys struct{ w *World }

func (k keys) actor(name string) (access.Actor, error) {
	if who, ok := k.w.Actors[name]; ok {
		return who, nil
	}
	return access.Actor{}, errs.New(errs.Unauthenticated, "unauthenticated", "Sign in first.")
}

func (k keys) API(r *http.Request) (access.Actor, error) {
	return k.actor(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
}

func (k keys) Browser(r *http.Request) (access.Actor, error) {
	c, err := r.Cookie("s")
	if err != nil {
		return k.actor("")
	}
	return k.actor(c.Value)
}

// Case is one question and what its answer must be.
type Case struct {
	Name   string
	As     string // who asks, see Admin and the others
	Ask    string // "GET /partners"
	Body   string // JSON for the API, else a form
	Header []string
	Status int
	Want   []string // selectors (see Selects) or, with a leading "~", text that the answer must hold
	Forbid []string // and what it must not
	Audit  []string // the verbs that are on record afterwards, refusals as "partner.read denied"
}

// Run asks every case in order.
func (w *World) Run(t *testing.T, cases []Case) {
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			w.Audited(t)
			a := w.Ask(c.As, c.Ask, c.Body, c.Header...)
			if a.Code != c.Status {
				t.Fatalf("status %d, want %d: %s", a.Code, c.Status, a.Body)
			}
			for _, s := range c.Want {
				if !a.Holds(t, s) {
					t.Errorf("wants %q in %s", s, a.Body)
				}
			}
			for _, s := range c.Forbid {
				if a.Holds(t, s) {
					t.Errorf("must not have %q", s)
				}
			}
			if got := w.Audited(t); !slices.Equal(got, c.Audit) {
				t.Errorf("on record: %q, want %q", got, c.Audit)
			}
		})
	}
}

// Answer is what came back.
type Answer struct {
	*httptest.ResponseRecorder
}

// JSON decodes the answer's body.
func (a Answer) JSON(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(a.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, a.Body)
	}
	return v
}

// Holds reports whether the answer holds a selector, or the text after "~".
func (a Answer) Holds(t testing.TB, want string) bool {
	t.Helper()
	if text, ok := strings.CutPrefix(want, "~"); ok {
		return strings.Contains(a.Body.String(), text)
	}
	return Selects(t, a.Body.String(), want)
}

// Ask sends one request. headers are pairs of name and value.
func (w *World) Ask(as, ask, body string, headers ...string) Answer {
	w.T.Helper()
	method, target, _ := strings.Cut(ask, " ")
	r := httptest.NewRequest(method, Origin+target, io.Reader(strings.NewReader(body)))
	api := strings.HasPrefix(target, door.Prefix)
	switch {
	case api && as != "":
		r.Header.Set("Authorization", "Bearer "+as)
	case as != "":
		r.AddCookie(&http.Cookie{Name: "s", Value: as})
	}
	if body != "" && api {
		r.Header.Set("Content-Type", "application/json")
	} else if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return Answer{rec}
}

// Handler serves the doors, for a test that needs a real listener.
func (w *World) Handler() http.Handler { return w.handler }

// Form returns pairs of name and value as a form's body.
func Form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

// Audited returns the verbs put on record since it was called last, in order; "VERB denied" for a refusal.
func (w *World) Audited(t testing.TB) []string {
	t.Helper()
	rows, err := w.Super.Query(t.Context(), `select at, action, outcome from audit_entry where at > $1 order by at, entry_id`, w.since)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		var verb, outcome string
		if err := rows.Scan(&w.since, &verb, &outcome); err != nil {
			t.Fatal(err)
		}
		if outcome == "denied" {
			verb += " denied"
		}
		out = append(out, verb)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(fmt.Errorf("audit: %w", err))
	}
	return out
}
