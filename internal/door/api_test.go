package door_test

import (
	"strconv"
	"strings"
	"testing"

	"entente.dev/internal/kernel/errs"
)

const (
	auth   = "Authorization"
	bearer = "Bearer good"
	ctype  = "Content-Type"
	jsonCT = "application/json"
)

const goodBody = `{"title":"Rollout","amount_minor":125000,"account":{"name":"Acme","domain":"acme.test"}}`

var path = "/api/v1/things/" + known.String()

var apiCases = []struct {
	name, method, target, body string
	headers                    []string
	status                     int
	code                       string // of the problem; "" for success
	fields                     string // name:code, in order
	reaches                    bool
}{
	{"read", "GET", path, "", []string{auth, bearer}, 200, "", "", true},
	{"head", "HEAD", path, "", []string{auth, bearer}, 200, "", "", true},
	{"html asked", "GET", path, "", []string{auth, bearer, "Accept", "text/html"}, 200, "", "", true},
	{"no key", "GET", path, "", nil, 401, "unauthenticated", "", false},
	{"cookie only", "GET", path, "", []string{"Cookie", "s=good"}, 401, "unauthenticated", "", false},
	{"no grant", "GET", "/api/v1/secret", "", []string{auth, bearer}, 403, "forbidden", "", false},
	{"throttled", "GET", path, "", []string{auth, "Bearer busy"}, 429, "auth.slow", "", false},
	{"random id", "GET", "/api/v1/things/01890a5d-ac96-774b-bcce-b302099a8058", "", []string{auth, bearer}, 404, "thing.not_found", "", true},
	{"no id at all", "GET", "/api/v1/things/17", "", []string{auth, bearer}, 404, "not_found", "", false},
	{"no such path", "GET", "/api/v1/nothing", "", []string{auth, bearer}, 404, "not_found", "", false},
	{"wrong method", "DELETE", path, "", []string{auth, bearer}, 405, "method.not_allowed", "", false},
	{"odd method", "BREW", path, "", []string{auth, bearer}, 405, "method.not_allowed", "", false},
	{"unknown query", "GET", path + "?tenant_id=1&a=2", "", []string{auth, bearer}, 400, "query.unknown", "a:query.unknown tenant_id:query.unknown", false},
	{"query bytes", "GET", path + "?%ff=1", "", []string{auth, bearer}, 400, "query.unknown", "?:query.unknown", false},
	{"raw query bytes", "GET", "/api/v1/things.csv?%ff=1", "", []string{auth, bearer}, 400, "query.unknown", "?:query.unknown", false},
	{"long odd name", "POST", path + "/approve", `{"x` + strings.Repeat("ü", 500) + `":1}`, []string{auth, bearer, ctype, jsonCT}, 400, "field.unknown", "x" + strings.Repeat("ü", 99) + "?:field.unknown", false},
	{"query type", "GET", path + "?limit=many", "", []string{auth, bearer}, 422, "invalid", "limit:field.type", false},
	{"query range", "GET", path + "?limit=1000", "", []string{auth, bearer}, 422, "invalid", "limit:field.too_large", false},
	{"query NUL", "GET", path + "?limit=%00", "", []string{auth, bearer}, 400, "query.characters", "", false},
	{"query flood", "GET", path + "?" + strings.Repeat("a&", 100_000), "", []string{auth, bearer}, 400, "query.too_many", "", false},
	{"create", "POST", "/api/v1/things", goodBody, []string{auth, bearer, ctype, jsonCT}, 201, "", "", true},
	{"charset", "POST", "/api/v1/things", goodBody, []string{auth, bearer, ctype, "application/json; charset=UTF-8"}, 201, "", "", true},
	{"text/plain", "POST", "/api/v1/things", goodBody, []string{auth, bearer, ctype, "text/plain"}, 415, "content_type.unsupported", "", false},
	{"form", "POST", "/api/v1/things", "title=x", []string{auth, bearer, ctype, "application/x-www-form-urlencoded"}, 415, "content_type.unsupported", "", false},
	{"undeclared", "POST", "/api/v1/things", goodBody, []string{auth, bearer}, 415, "content_type.unsupported", "", false},
	{"no body", "POST", "/api/v1/things", "", []string{auth, bearer, ctype, jsonCT}, 400, "body.required", "", false},
	{"unknown field", "POST", "/api/v1/things", `{"title":"x","amount_minor":1,"tenant_id":"x","account":{"name":"A","domain":"a.b","role":"admin"}}`, []string{auth, bearer, ctype, jsonCT}, 400, "field.unknown", "account.role:field.unknown tenant_id:field.unknown", false},
	{"other case", "POST", "/api/v1/things", strings.Replace(goodBody, "title", "Title", 1), []string{auth, bearer, ctype, jsonCT}, 400, "field.unknown", "Title:field.unknown title:field.required", false},
	{"duplicate", "POST", "/api/v1/things", `{"title":"a","account":{"name":"A","domain":"a.b","domain":"c.d"}}`, []string{auth, bearer, ctype, jsonCT}, 400, "json.duplicate", "account.domain:json.duplicate", false},
	{"malformed", "POST", "/api/v1/things", `{"title":`, []string{auth, bearer, ctype, jsonCT}, 400, "json.malformed", "", false},
	{"trailing", "POST", "/api/v1/things", goodBody + `{}`, []string{auth, bearer, ctype, jsonCT}, 400, "json.malformed", "", false},
	{"bad UTF-8", "POST", "/api/v1/things", "{\"title\":\"\xff\"}", []string{auth, bearer, ctype, jsonCT}, 400, "json.malformed", "", false},
	{"depth", "POST", "/api/v1/things", strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), []string{auth, bearer, ctype, jsonCT}, 400, "json.depth", "", false},
	{"NUL", "POST", "/api/v1/things", strings.Replace(goodBody, "Acme", `A\u0000`, 1), []string{auth, bearer, ctype, jsonCT}, 400, "text.characters", "account.name:text.characters", false},
	{"1e400", "POST", "/api/v1/things", strings.Replace(goodBody, "125000", "1e400", 1), []string{auth, bearer, ctype, jsonCT}, 400, "number.range", "amount_minor:number.range", false},
	{"huge integer", "POST", "/api/v1/things", strings.Replace(goodBody, "125000", "99999999999999999999", 1), []string{auth, bearer, ctype, jsonCT}, 422, "invalid", "amount_minor:field.too_large", false},
	{"fraction", "POST", "/api/v1/things", strings.Replace(goodBody, "125000", "12.5", 1), []string{auth, bearer, ctype, jsonCT}, 422, "invalid", "amount_minor:field.type", false},
	{"exponent", "POST", "/api/v1/things", strings.Replace(goodBody, "125000", "1e3", 1), []string{auth, bearer, ctype, jsonCT}, 422, "invalid", "amount_minor:field.type", false},
	{"all at once", "POST", "/api/v1/things", `{"title":"","amount_minor":-1,"day":"2026-02-30","partner_id":"x","account":{"name":null,"domain":"No Domain","country":"XX"},"tags":["a","b","c","d"]}`,
		[]string{auth, bearer, ctype, jsonCT}, 422, "invalid",
		"account.country:field.choice account.domain:field.pattern account.name:field.required amount_minor:field.too_small day:field.date partner_id:field.id tags:field.too_many title:field.required", false},
	{"wrong types", "POST", "/api/v1/things", `{"title":7,"amount_minor":"9","account":[],"tags":[1]}`, []string{auth, bearer, ctype, jsonCT}, 422, "invalid",
		"account:field.type amount_minor:field.type tags[0]:field.type title:field.type", false},
	{"list for an object", "POST", "/api/v1/things", `[]`, []string{auth, bearer, ctype, jsonCT}, 422, "body.type", "", false},
	{"text for an object", "POST", "/api/v1/things", `"x"`, []string{auth, bearer, ctype, jsonCT}, 422, "body.type", "", false},
	{"missing", "POST", "/api/v1/things", `{"account":{}}`, []string{auth, bearer, ctype, jsonCT}, 422, "invalid",
		"account.domain:field.required account.name:field.required amount_minor:field.required title:field.required", false},
	{"2 MiB", "POST", "/api/v1/things", `{"title":"` + strings.Repeat("x", 2<<20) + `"}`, []string{auth, bearer, ctype, jsonCT}, 413, "body.too_large", "", false},
	{"unauthenticated 2 MiB", "POST", "/api/v1/things", strings.Repeat("x", 2<<20), []string{ctype, jsonCT}, 401, "unauthenticated", "", false},
	{"bad key", "POST", "/api/v1/things", goodBody, []string{auth, bearer, ctype, jsonCT, "Idempotency-Key", "a b"}, 400, "idempotency_key.malformed", "", false},
	{"long key", "POST", "/api/v1/things", goodBody, []string{auth, bearer, ctype, jsonCT, "Idempotency-Key", strings.Repeat("k", 201)}, 400, "idempotency_key.malformed", "", false},
	{"match", "PATCH", path, `{}`, []string{auth, bearer, ctype, jsonCT, "If-Match", `"3"`}, 200, "", "", true},
	{"weak match", "PATCH", path, `{}`, []string{auth, bearer, ctype, jsonCT, "If-Match", `W/"3"`}, 200, "", "", true},
	{"stale", "PATCH", path, `{}`, []string{auth, bearer, ctype, jsonCT, "If-Match", `"2"`}, 412, "thing.stale", "", true},
	{"odd match", "PATCH", path, `{}`, []string{auth, bearer, ctype, jsonCT, "If-Match", `3`}, 400, "if_match.malformed", "", false},
	{"action without body", "POST", path + "/approve", "", []string{auth, bearer, "If-Match", `"3"`, "Idempotency-Key", "k"}, 200, "", "", true},
	{"action with body", "POST", path + "/approve", `{"note":"fine"}`, []string{auth, bearer, ctype, jsonCT}, 200, "", "", true},
	{"action refused", "POST", path + "/approve", `{"note":"` + strings.Repeat("x", 21) + `"}`, []string{auth, bearer, ctype, jsonCT}, 422, "invalid", "note:field.too_long", false},
	{"action unknown", "POST", path + "/approve", `{"nope":1}`, []string{auth, bearer, ctype, jsonCT}, 400, "field.unknown", "nope:field.unknown", false},
	{"flood of values", "POST", "/api/v1/things", "[" + strings.Repeat("1,", 200_000) + "1]", []string{auth, bearer, ctype, jsonCT}, 400, "json.too_many", "", false},
	{"odd name twice", "POST", "/api/v1/things", `{"a|b":1,"a|b":2}`, []string{auth, bearer, ctype, jsonCT}, 400, "json.duplicate", "a|b:json.duplicate", false},
	{"long name", "POST", path + "/approve", `{"` + strings.Repeat("n", 1000) + `":1}`, []string{auth, bearer, ctype, jsonCT}, 400, "field.unknown", strings.Repeat("n", 200) + ":field.unknown", false},
	{"raw", "GET", "/api/v1/things.csv?q=x", "", []string{auth, bearer}, 200, "", "", true},
	{"raw fails", "GET", "/api/v1/things.csv?q=fail", "", []string{auth, bearer}, 503, "busy", "", true},
	{"raw query", "GET", "/api/v1/things.csv?z=1", "", []string{auth, bearer}, 400, "query.unknown", "z:query.unknown", false},
	{"raw no key", "GET", "/api/v1/things.csv", "", nil, 401, "unauthenticated", "", false},
}

func TestAPIAnswers(t *testing.T) {
	for _, c := range apiCases {
		t.Run(c.name, func(t *testing.T) {
			h := build(t)
			w := h.ask(c.method, c.target, c.body, c.headers...)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			wantSecure(t, w)
			if (h.hit > 0) != c.reaches {
				t.Errorf("handler reached %d times", h.hit)
			}
			if c.code == "" {
				return
			}
			p := h.problem(t, w)
			var got []string
			for _, f := range p.Errors {
				got = append(got, f.Name+":"+f.Code)
				if f.Msg == "" || strings.ContainsAny(f.Msg, "|\x01") || strings.Contains(f.Msg, "%!") {
					t.Errorf("message of %s: %q", f.Name, f.Msg)
				}
			}
			if p.Code != c.code || strings.Join(got, " ") != c.fields {
				t.Errorf("code %s fields %v\nwant %s %s", p.Code, got, c.code, c.fields)
			}
		})
	}
}

func TestAPIStatusOfEveryKind(t *testing.T) {
	want := map[errs.Kind]int{errs.Internal: 500, errs.Malformed: 400, errs.Invalid: 422, errs.Unauthenticated: 401, errs.Forbidden: 403,
		errs.NotFound: 404, errs.Conflict: 409, errs.Stale: 412, errs.TooLarge: 413, errs.Throttled: 429, errs.Unavailable: 503}
	h := build(t)
	for kind, status := range want {
		w := h.ask("GET", "/api/v1/fail/"+strconv.Itoa(int(kind)), "", auth, bearer)
		if w.Code != status {
			t.Errorf("kind %d: status %d, want %d", kind, w.Code, status)
		}
		retry := w.Header().Get("Retry-After")
		if (status == 429 || status == 503) != (retry != "") {
			t.Errorf("status %d: Retry-After %q", status, retry)
		}
		if (status == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("status %d: WWW-Authenticate %q", status, w.Header().Get("WWW-Authenticate"))
		}
		if p := h.problem(t, w); p.Code != "thing.bad" || p.Detail != "No." {
			t.Errorf("problem %+v", p)
		}
	}
	if w := h.ask("GET", "/api/v1/things.csv", "", auth, "Bearer busy"); w.Header().Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q, want 2: rounded up", w.Header().Get("Retry-After"))
	}
}

func TestAPIFaultsStayInside(t *testing.T) {
	h := build(t)
	for _, target := range []string{"/api/v1/fail/99", "/api/v1/fail/98"} {
		w := h.ask("GET", target, "", auth, bearer)
		p := h.problem(t, w)
		wantSecure(t, w)
		if w.Code != 500 || strings.Contains(p.Detail, "hunter2") || p.Code != "internal" {
			t.Errorf("%s: %d %+v", target, w.Code, p)
		}
		if !strings.Contains(h.log.String(), p.RequestID) {
			t.Errorf("%s: log does not know request %s", target, p.RequestID)
		}
	}
	if log := h.log.String(); !strings.Contains(log, "hunter2") || !strings.Contains(log, `"msg":"panic"`) {
		t.Errorf("the log must hold cause and panic: %s", log)
	}
}

func TestAPIFillsRequest(t *testing.T) {
	h := build(t)
	ask := func(key, body string) {
		h.ask("POST", "/api/v1/things", body, auth, bearer, ctype, jsonCT, "Idempotency-Key", key, "User-Agent", "curl/8", "X-Request-Id", "mine")
	}
	ask("k1", goodBody)
	first := h.seen.Request
	if first.IdempotencyKey != "k1" || len(first.BodyHash) != 64 || first.UserAgent != "curl/8" || first.IP != "192.0.2.1" || len(first.ID) != 36 {
		t.Errorf("request %+v", first)
	}
	ask("k1", goodBody)
	if h.seen.Request.BodyHash != first.BodyHash || h.seen.Request.ID == first.ID {
		t.Error("the same body must hash alike, under another request id")
	}
	ask("k1", strings.Replace(goodBody, "Acme", "Acne", 1))
	if h.seen.Request.BodyHash == first.BodyHash {
		t.Error("another body must hash differently")
	}
	h.ask("POST", "/api/v1/things", goodBody, auth, bearer, ctype, jsonCT)
	if r := h.seen.Request; r.IdempotencyKey != "" || r.BodyHash != "" {
		t.Errorf("no key was sent: %+v", r)
	}
}

func TestAPIBody(t *testing.T) {
	h := build(t)
	w := h.ask("GET", "/api/v1/things/"+known.String(), "", auth, bearer)
	want := `{"id":"01890a5d-ac96-774b-bcce-b302099a8057","title":"50","tags":[]}` + "\n"
	if w.Body.String() != want || w.Header().Get("ETag") != `"3"` || w.Header().Get(ctype) != jsonCT || w.Header().Get("Content-Length") == "" {
		t.Errorf("%s %v", w.Body, w.Header())
	}
	if w := h.ask("DELETE", "/api/v1/things/"+known.String(), "", auth, bearer); w.Header().Get("Allow") != "GET, HEAD, PATCH" {
		t.Errorf("Allow %q", w.Header().Get("Allow"))
	}
}

func TestDeniedIsTold(t *testing.T) {
	h := build(t)
	h.ask("GET", "/api/v1/secret", "", auth, bearer)
	h.ask("GET", "/secret", "", "Cookie", "s=good")
	h.ask("GET", "/secret", "")
	if len(h.no) != 2 || h.no[0] != actSecret || h.hit != 0 {
		t.Errorf("denied %v, handlers reached %d", h.no, h.hit)
	}
}

func TestRoutes(t *testing.T) {
	h := build(t)
	byPattern := map[string]bool{}
	for _, r := range append(h.api.Routes(), h.web.Routes()...) {
		byPattern[r.Method+" "+r.Pattern] = r.Mutates
		if (r.Action == "") == (r.PublicWhy == "") {
			t.Errorf("%+v: either an action or a reason", r)
		}
	}
	for pattern, mutates := range map[string]bool{"POST /api/v1/things": true, "PATCH /api/v1/things/{id}": true, "GET /api/v1/things.csv": false,
		"GET /api/v1/openapi.json": false, "POST /things": true, "GET /things/{id}": false} {
		if got, ok := byPattern[pattern]; !ok || got != mutates {
			t.Errorf("%s: listed %v, mutates %v", pattern, ok, got)
		}
	}
}
