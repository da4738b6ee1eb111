package door_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
)

const (
	actRead    access.Action = "thing.read"
	actCreate  access.Action = "thing.create"
	actChange  access.Action = "thing.change"
	actExport  access.Action = "thing.export"
	actApprove access.Action = "thing.approve"
	actSecret  access.Action = "thing.secret"
)

var known = id.Must("01890a5d-ac96-774b-bcce-b302099a8057")

// keys is an Authenticator: "good" and "weak" are the credentials it knows.
type keys struct{}

func (keys) actor(secret string) (access.Actor, error) {
	all := map[access.Action]access.Scope{actRead: access.All, actCreate: access.All, actChange: access.All, actExport: access.All, actApprove: access.All}
	switch secret {
	case "good":
		return access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: known, Name: "Ada", Grants: all}, nil
	case "weak":
		return access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: known, Name: "Eve"}, nil
	case "busy":
		return access.Actor{}, &errs.Error{Kind: errs.Throttled, Code: "auth.slow", Msg: "Wait.", RetryAfter: 1500 * time.Millisecond}
	}
	return access.Actor{}, errs.New(errs.Unauthenticated, "unauthenticated", "Sign in first.")
}

func (k keys) API(r *http.Request) (access.Actor, error) {
	// Careless on purpose: the door must not let a cookie come this far.
	if c, err := r.Cookie("s"); err == nil {
		return k.actor(c.Value)
	}
	secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return k.actor(secret)
}

func (k keys) Browser(r *http.Request) (access.Actor, error) {
	c, err := r.Cookie("s")
	if err != nil {
		return k.actor("")
	}
	return k.actor(c.Value)
}

type account struct {
	Name    string `json:"name" minLength:"1" maxLength:"20"`
	Domain  string `json:"domain" pattern:"^[a-z0-9.-]+$" patternDescription:"a domain such as example.com"`
	Country string `json:"country,omitempty" enum:"DE,FR"`
}

type thingIn struct {
	Title   string   `json:"title" minLength:"1" maxLength:"50"`
	Amount  int64    `json:"amount_minor" minimum:"0" maximum:"1000000000000"`
	Score   float64  `json:"score,omitempty"`
	Day     string   `json:"day,omitempty" format:"date"`
	Partner id.ID    `json:"partner_id,omitzero"`
	Account account  `json:"account"`
	Tags    []string `json:"tags,omitempty" maxItems:"3"`
}

type thing struct {
	ID      id.ID    `json:"id"`
	Title   string   `json:"title"`
	Partner id.ID    `json:"partner_id,omitzero"`
	Count   int      `json:"count,omitempty"`
	Tags    []string `json:"tags"`
}

type thingOut struct {
	ETag string `header:"ETag"`
	Body thing
}

type getIn struct {
	ID    id.ID `path:"id"`
	Limit int   `query:"limit" default:"50" minimum:"1" maximum:"100"`
}

type createIn struct{ Body thingIn }

type changeIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body struct {
		Title *string `json:"title,omitempty" maxLength:"50"`
	}
}

type approveIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body *struct {
		Note string `json:"note,omitempty" maxLength:"20"`
	}
}

type house struct {
	http.Handler
	web  *door.Web
	api  *door.API
	log  *bytes.Buffer
	seen access.Actor // of the last request that reached a handler
	hit  int
	no   []access.Action
}

func build(t testing.TB) *house {
	t.Helper()
	h := &house{log: &bytes.Buffer{}}
	denied := func(_ *http.Request, _ access.Actor, act access.Action) { h.no = append(h.no, act) }
	h.web = door.NewWeb(keys{}, door.WebOptions{Denied: denied, RenderError: func(w http.ResponseWriter, r *http.Request, who access.Actor, p *httpx.Problem) {
		if r.URL.Path == "/page-of-errors-panics" {
			panic("twice")
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(p.Status)
		fmt.Fprintf(w, "<h1>%s</h1><p>%s %s %s", p.Title, p.Code, who.Name, p.RequestID)
	}})
	h.api = door.NewAPI(keys{}, door.APIOptions{Denied: denied})
	h.webRoutes()
	h.apiRoutes()
	doors := door.Doors{Web: h.web, API: h.api}
	h.Handler = httpx.Stack(doors, httpx.Options{Log: slog.New(slog.NewJSONHandler(h.log, nil)), Error: doors.ServeError, ServerTiming: true})
	return h
}

func (h *house) note(who access.Actor) { h.seen = who; h.hit++ }

func (h *house) webRoutes() {
	page := func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		h.note(who)
		_, err := io.WriteString(w, "hello "+who.Name)
		return err
	}
	h.web.Private("GET /things/{id}", actRead, page)
	h.web.Private("GET /secret", actSecret, page)
	h.web.Private("POST /things", actCreate, func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		f, err := httpx.ParseForm(w, r)
		if err != nil {
			return err
		}
		f.Need("title")
		if err := f.Err(); err != nil {
			return err
		}
		h.note(who)
		httpx.SeeOther(w, r, "/things/1")
		return nil
	})
	h.web.Private("GET /panic", actRead, func(http.ResponseWriter, *http.Request, access.Actor) error { panic("boom\nforged line") })
	h.web.Public("GET /page-of-errors-panics", "test", func(http.ResponseWriter, *http.Request) error { return errors.New("x") })
	h.web.Public("GET /half", "test", func(w http.ResponseWriter, r *http.Request) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("disk gone")
	})
	h.web.Public("GET /fail/{kind}", "test", func(w http.ResponseWriter, r *http.Request) error {
		if r.PathValue("kind") == "secret" {
			return errors.New("password=hunter2")
		}
		return errs.Missing("thing")
	})
}

func (h *house) apiRoutes() {
	door.Register(h.api, actRead, huma.Operation{Method: "GET", Path: "/things/{id}", Summary: "Read a thing"},
		func(ctx context.Context, who access.Actor, in *getIn) (*thingOut, error) {
			h.note(who)
			if in.ID != known {
				return nil, errs.Missing("thing")
			}
			return &thingOut{ETag: httpx.ETag(3), Body: thing{ID: in.ID, Title: fmt.Sprint(in.Limit)}}, nil
		})
	door.Register(h.api, actCreate, huma.Operation{Method: "POST", Path: "/things", Summary: "Create a thing", DefaultStatus: 201},
		func(ctx context.Context, who access.Actor, in *createIn) (*thingOut, error) {
			h.note(who)
			return &thingOut{ETag: httpx.ETag(1), Body: thing{ID: known, Title: in.Body.Title, Partner: in.Body.Partner}}, nil
		})
	door.Register(h.api, actChange, huma.Operation{Method: "PATCH", Path: "/things/{id}", Summary: "Change a thing"},
		func(ctx context.Context, who access.Actor, in *changeIn) (*thingOut, error) {
			h.note(who)
			if in.Version != 0 && in.Version != 3 {
				return nil, errs.New(errs.Stale, "thing.stale", "It has changed.")
			}
			return &thingOut{ETag: httpx.ETag(4), Body: thing{ID: in.ID, Count: in.Version}}, nil
		})
	door.Register(h.api, actApprove, huma.Operation{Method: "POST", Path: "/things/{id}/approve", Summary: "Approve a thing"},
		func(ctx context.Context, who access.Actor, in *approveIn) (*thingOut, error) {
			h.note(who)
			out := &thingOut{Body: thing{ID: in.ID, Count: in.Version}}
			if in.Body != nil {
				out.Body.Title = in.Body.Note
			}
			return out, nil
		})
	h.oddRoutes()
}

func (h *house) oddRoutes() {
	door.Register(h.api, actSecret, huma.Operation{Method: "GET", Path: "/secret", Summary: "Read the secret"},
		func(ctx context.Context, who access.Actor, in *struct{}) (*thingOut, error) {
			h.hit++
			return &thingOut{}, nil
		})
	door.Register(h.api, actRead, huma.Operation{OperationID: "thing.fail", Method: "GET", Path: "/fail/{kind}", Summary: "Fail"},
		func(ctx context.Context, who access.Actor, in *struct {
			Kind int `path:"kind"`
		}) (*struct{}, error) {
			switch in.Kind {
			case 98:
				panic("boom")
			case 99:
				return nil, errors.New("password=hunter2")
			}
			return nil, &errs.Error{Kind: errs.Kind(in.Kind), Code: "thing.bad", Msg: "No.", Err: errors.New("cause")}
		})
	h.api.Raw("GET", "/things.csv", actExport, "Export things", func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		h.note(who)
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="things.csv"`)
		if r.URL.Query().Get("q") == "half" {
			_, _ = io.WriteString(w, "id\n")
			return errors.New("disk gone")
		}
		if r.URL.Query().Get("q") == "fail" {
			return errs.New(errs.Unavailable, "busy", "Busy.")
		}
		_, err := io.WriteString(w, "id\n1\n")
		return err
	}, func(op *huma.Operation) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "q", In: "query", Schema: &huma.Schema{Type: "string"}})
	})
}

// ask sends one request through everything but the network.
func (h *house) ask(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, rd)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func (h *house) problem(t *testing.T, w *httptest.ResponseRecorder) httpx.Problem {
	t.Helper()
	var p httpx.Problem
	if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
		t.Fatalf("content type %q, body %s", ct, w.Body)
	}
	dec := json.NewDecoder(w.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		t.Fatal(err)
	}
	if p.Status != w.Code || p.Type == "" || p.Title == "" || p.Detail == "" || p.Code == "" || len(p.RequestID) != 36 {
		t.Errorf("incomplete problem: %+v", p)
	}
	return p
}

// wantSecure checks that the security headers are there, whatever the answer.
func wantSecure(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for name, want := range map[string]string{
		"Strict-Transport-Security":    "max-age=63072000",
		"Content-Security-Policy":      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "same-origin",
		"Permissions-Policy":           "camera=()",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	} {
		if got := w.Result().Header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}
