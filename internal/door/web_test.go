package door_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
)

const (
	form    = "application/x-www-form-urlencoded"
	session = "s=good"
)

func TestWebAnswers(t *testing.T) {
	for _, c := range []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		want                       string // in the body
		header, value              string
		reaches                    bool
	}{
		{"page", "GET", "/things/1", "", []string{"Cookie", session}, 200, "hello Ada", "", "", true},
		{"head", "HEAD", "/things/1", "", []string{"Cookie", session}, 200, "", "", "", true},
		{"bearer does not count", "GET", "/things/1", "", []string{auth, bearer}, 303, "", "Location", "/sign-in?next=%2Fthings%2F1", false},
		{"stranger", "GET", "/things/1?tab=a", "", nil, 303, "", "Location", "/sign-in?next=%2Fthings%2F1%3Ftab%3Da", false},
		{"stranger's path", "GET", "//evil.test/things", "", nil, 307, "", "Location", "/evil.test/things", false},
		{"stranger by htmx", "GET", "/things/1", "", []string{"HX-Request", "true", "HX-Current-URL", "http://localhost/things?x=1"}, 401, "", "HX-Redirect", "/sign-in?next=%2Fthings%3Fx%3D1", false},
		{"stranger posts", "POST", "/things", "title=x", []string{ctype, form}, 401, "unauthenticated", "", "", false},
		{"no grant", "GET", "/secret", "", []string{"Cookie", session}, 403, "forbidden Ada", "", "", false},
		{"throttled", "GET", "/things/1", "", []string{"Cookie", "s=busy"}, 429, "auth.slow", "Retry-After", "2", false},
		{"no such page", "GET", "/nothing", "", nil, 404, "not_found", "", "", false},
		{"no such file", "GET", "/nothing.json", "", nil, 404, `"code":"not_found"`, "Content-Type", "application/problem+json", false},
		{"no such page for a program", "GET", "/nothing", "", []string{"Accept", "application/json"}, 404, `"code":"not_found"`, "Content-Type", "application/problem+json", false},
		{"wrong method", "DELETE", "/things/1", "", []string{"Cookie", session}, 405, "method.not_allowed", "Allow", "GET, HEAD", false},
		{"post", "POST", "/things", "title=x", []string{"Cookie", session, ctype, form}, 303, "", "Location", "/things/1", true},
		{"post by htmx", "POST", "/things", "title=x", []string{"Cookie", session, ctype, form, "HX-Request", "true"}, 200, "", "HX-Redirect", "/things/1", true},
		{"own origin", "POST", "/things", "title=x", []string{"Cookie", session, ctype, form, "Origin", "http://example.com"}, 303, "", "", "", true},
		{"same origin", "POST", "/things", "title=x", []string{"Cookie", session, ctype, form, "Sec-Fetch-Site", "same-origin"}, 303, "", "", "", true},
		{"cross-site", "POST", "/things", "title=x", []string{"Cookie", session, ctype, form, "Sec-Fetch-Site", "cross-site"}, 403, "cross_site", "", "", false},
		{"same-site", "POST", "/things", "title=x", []string{"Cookie", session, ctype, form, "Sec-Fetch-Site", "same-site"}, 403, "cross_site", "", "", false},
		{"other origin", "POST", "/things", "title=x", []string{"Cookie", session, ctype, form, "Origin", "https://evil.test"}, 403, "cross_site", "", "", false},
		{"null origin", "POST", "/things", "title=x", []string{"Cookie", session, ctype, form, "Origin", "null"}, 403, "cross_site", "", "", false},
		{"json by text/plain", "POST", "/things", `{"title":"x"}`, []string{"Cookie", session, ctype, "text/plain"}, 400, "form.type", "", "", false},
		{"cross-site read", "GET", "/things/1", "", []string{"Cookie", session, "Sec-Fetch-Site", "cross-site"}, 200, "hello", "", "", true},
		{"unknown field", "POST", "/things", "title=x&tenant_id=1", []string{"Cookie", session, ctype, form}, 400, "form.unknown", "", "", false},
		{"missing field", "POST", "/things", "title=+", []string{"Cookie", session, ctype, form}, 422, "invalid", "", "", false},
		{"2 MiB", "POST", "/things", "title=" + strings.Repeat("x", 2<<20), []string{"Cookie", session, ctype, form}, 413, "body.too_large", "", "", false},
		{"bad key", "POST", "/things", "title=x&_idempotency=a%20b", []string{"Cookie", session, ctype, form}, 400, "idempotency_key.malformed", "", "", false},
		{"panic", "GET", "/panic", "", []string{"Cookie", session}, 500, "internal", "", "", false},
		{"error page panics", "GET", "/page-of-errors-panics", "", nil, 500, "internal", "", "", false},
		{"missing thing", "GET", "/fail/missing", "", nil, 404, "thing.not_found", "", "", false},
		{"fault", "GET", "/fail/secret", "", nil, 500, "internal", "", "", false},
		{"path NUL", "GET", "/things/%00", "", []string{"Cookie", session}, 400, "path.characters", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := build(t)
			w := h.ask(c.method, c.target, c.body, c.headers...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			wantSecure(t, w)
			if c.header != "" && w.Header().Get(c.header) != c.value {
				t.Errorf("%s = %q, want %q", c.header, w.Header().Get(c.header), c.value)
			}
			if (h.hit > 0) != c.reaches {
				t.Errorf("handler reached %d times", h.hit)
			}
			if strings.Contains(w.Body.String(), "hunter2") {
				t.Error("the page shows the cause")
			}
		})
	}
}

func TestWebTakesKeyFromForm(t *testing.T) {
	h := build(t)
	h.ask("POST", "/things", "title=x&_idempotency=abc", "Cookie", session, ctype, form)
	if r := h.seen.Request; r.IdempotencyKey != "abc" || len(r.BodyHash) != 64 {
		t.Errorf("request %+v", r)
	}
	h.ask("POST", "/things", "title=x", "Cookie", session, ctype, form)
	if r := h.seen.Request; r.IdempotencyKey != "" || r.BodyHash != "" {
		t.Errorf("request %+v", r)
	}
}

func TestHalfAnAnswerIsBrokenOff(t *testing.T) {
	for _, target := range []string{"/half", "/api/v1/things.csv?q=half"} {
		h := build(t)
		func() {
			defer func() {
				if v := recover(); v != http.ErrAbortHandler {
					t.Errorf("%s: panic %v, want ErrAbortHandler", target, v)
				}
			}()
			h.ask("GET", target, "", auth, bearer)
		}()
		if !strings.Contains(h.log.String(), "disk gone") || !strings.Contains(h.log.String(), `"aborted":true`) {
			t.Errorf("%s: log %s", target, h.log)
		}
	}
}

func TestTrustedPublicURL(t *testing.T) {
	web := door.NewWeb(keys{}, door.WebOptions{PublicURL: "https://deals.acme.test/"})
	web.Public("POST /x", "test", func(http.ResponseWriter, *http.Request) error { return nil })
	for origin, status := range map[string]int{"https://deals.acme.test": 200, "https://evil.test": 403} {
		r := httptest.NewRequest("POST", "/x", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		web.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%s: %d", origin, w.Code)
		}
	}
}

func TestRegistrationMistakes(t *testing.T) {
	none := func(http.ResponseWriter, *http.Request, access.Actor) error { return nil }
	for name, f := range map[string]func(h *house){
		"no action":           func(h *house) { h.web.Private("GET /x", "", none) },
		"no reason":           func(h *house) { h.web.Public("GET /x", " ", nil) },
		"no method":           func(h *house) { h.web.Private("/x", actRead, none) },
		"swallows everything": func(h *house) { h.web.Private("GET /", actRead, none) },
		"same page twice":     func(h *house) { h.web.Private("GET /secret", actRead, none) },
		"same operation":      func(h *house) { h.api.Raw("GET", "/y", actRead, "Again", none) },
		"no summary":          func(h *house) { h.api.Raw("GET", "/y", "thing.other", "", none) },
		"no API action":       func(h *house) { h.api.Raw("GET", "/y", "", "Again", none) },
		"same path":           func(h *house) { h.api.Raw("GET", "/secret", "thing.other", "Again", none) },
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t)
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			f(h)
		})
	}
}

func TestOpenAPI(t *testing.T) {
	h := build(t)
	w := h.ask("GET", "/api/v1/openapi.json", "")
	var doc struct {
		OpenAPI    string
		Servers    []struct{ URL string }
		Components struct {
			Schemas         map[string]any
			SecuritySchemes map[string]struct{ Type, Scheme string }
		}
		Paths map[string]map[string]struct {
			OperationID string
			Description string
			Permission  string `json:"x-permission"`
			Security    []map[string][]string
			Parameters  []struct {
				Name, In string
				Schema   huma.Schema
			}
			Responses map[string]struct{ Content map[string]any }
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Servers[0].URL != "/api/v1" || doc.Components.SecuritySchemes["bearer"].Scheme != "bearer" {
		t.Errorf("%+v", doc)
	}
	if strings.Contains(w.Body.String(), "$schema") || doc.Components.Schemas["Problem"] == nil {
		t.Error("wants Problem and no $schema")
	}
	post, patch, csv := doc.Paths["/things"]["post"], doc.Paths["/things/{id}"]["patch"], doc.Paths["/things.csv"]["get"]
	if post.OperationID != "thing.create" || post.Permission != "thing.create" || !strings.Contains(post.Description, "`thing.create`") ||
		post.Parameters[0].Name != "Idempotency-Key" || len(post.Security) != 1 {
		t.Errorf("POST %+v", post)
	}
	if len(patch.Parameters) != 2 || patch.Parameters[0].Name+patch.Parameters[1].Name != "If-Matchid" && patch.Parameters[0].Name+patch.Parameters[1].Name != "idIf-Match" {
		t.Errorf("PATCH %+v", patch.Parameters)
	}
	for _, p := range patch.Parameters {
		if p.Name == "id" && p.Schema.Format != "uuid" {
			t.Errorf("id is %+v", p.Schema)
		}
	}
	if csv.Permission != "thing.export" || len(csv.Parameters) != 1 || csv.Responses["default"].Content["application/problem+json"] == nil {
		t.Errorf("CSV %+v", csv)
	}
}
