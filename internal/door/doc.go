// Package door is the only way from HTTP to the rooms: it finds out who calls, asks
// whether that actor may do the action at all, and turns errors into answers.
//
// There are two doors. Web serves browsers: cookie sessions, HTML, no state change from
// another site. API serves programs: bearer keys, JSON, an OpenAPI document made from
// the code. Each route names its action, or says why it is public; Routes lists them
// for the tests that hold every route to that.
//
// A door decides no business question. What an actor may do to one object is decided
// again, inside the use case's transaction.
package door

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"unicode/utf8"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
)

// Handler answers one request of a known actor. An error is answered by the door; it
// must be returned before anything was written, or the connection is broken off.
type Handler func(w http.ResponseWriter, r *http.Request, who access.Actor) error

// Authenticator finds out who calls. Both return an errs.Unauthenticated error when
// nobody is signed in or the credential is dead.
type Authenticator interface {
	Browser(r *http.Request) (access.Actor, error) // by session cookie only
	API(r *http.Request) (access.Actor, error)     // by bearer key only
}

// Denied is told of an actor who asked for an action without any grant for it, so that
// the refusal can be recorded. It must not fail the request.
type Denied func(r *http.Request, who access.Actor, act access.Action)

// Route is one way in, for the law tests.
type Route struct {
	Method    string
	Pattern   string        // the path as ServeMux writes it
	Action    access.Action // "" for a public route
	PublicWhy string        // why nobody needs to be known, "" for a private route
	Mutates   bool          // its method may change something
}

func newRoute(method, path string, act access.Action, why string) Route {
	what := method + " " + path
	switch {
	case method == "" || !strings.HasPrefix(path, "/"):
		panic("door: " + what + ": a route is a method and a path")
	case act == "" && strings.TrimSpace(why) == "":
		panic("door: " + what + ": a route needs an action, or a reason to be public")
	}
	safe := method == http.MethodGet || method == http.MethodHead
	return Route{Method: method, Pattern: path, Action: act, PublicWhy: why, Mutates: !safe}
}

// RequestOf describes a request for the audit log, for public routes that make an
// anonymous actor. It has no idempotency key; a door adds that.
func RequestOf(r *http.Request) access.Request {
	agent := strings.ToValidUTF8(r.UserAgent(), "?")
	for len(agent) > 300 {
		_, size := utf8.DecodeLastRuneInString(agent[:301])
		agent = agent[:301-size]
	}
	return access.Request{ID: httpx.RequestID(r.Context()), IP: httpx.ClientIP(r.Context()), UserAgent: agent}
}

// checkKey refuses an idempotency key that is not 1 to 200 visible ASCII characters.
func checkKey(key string) error {
	ok := key != "" && len(key) <= 200
	for i := 0; ok && i < len(key); i++ {
		ok = key[i] > ' ' && key[i] < 0x7f
	}
	if !ok {
		return errs.New(errs.Malformed, "idempotency_key.malformed",
			"Idempotency-Key must be 1 to 200 visible ASCII characters, such as a UUID.")
	}
	return nil
}

// bodyHash tells two requests under one idempotency key apart.
func bodyHash(r *http.Request, body []byte) string {
	h := sha256.New()
	h.Write([]byte(r.Method + "\n" + r.URL.Path + "\n"))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// forbidden is the refusal of an actor without any grant for the action.
func forbidden(act access.Action) error {
	return errs.New(errs.Forbidden, "forbidden",
		"Your role does not include %q. An Admin of the programme can give another one.", string(act))
}

// Doors is both doors under one address: /api/ belongs to the API, all else to browsers.
type Doors struct {
	Web *Web
	API *API
}

func isAPI(path string) bool { return path == "/api" || strings.HasPrefix(path, "/api/") }

// ServeHTTP passes the request to its door.
func (d Doors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isAPI(r.URL.Path) {
		d.API.ServeHTTP(w, r)
		return
	}
	d.Web.ServeHTTP(w, r)
}

// ServeError answers a request that failed before or beside its handler, in the form its
// door speaks. It is meant for httpx.Options.Error.
func (d Doors) ServeError(w http.ResponseWriter, r *http.Request, err error) {
	if isAPI(r.URL.Path) {
		httpx.WriteError(w, r, err)
		return
	}
	d.Web.fail(w, r, access.Actor{}, err)
}

// allowed lists the methods mux knows for the path of r, besides its catch-all.
func allowed(mux *http.ServeMux, r *http.Request) []string {
	var out []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = m
		if _, pattern := mux.Handler(probe); pattern != "" && pattern != "/" {
			out = append(out, m)
		}
	}
	return out
}

// lost is the problem of a path no route has, or not with this method.
func lost(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) *httpx.Problem {
	if methods := allowed(mux, r); len(methods) > 0 {
		list := strings.Join(methods, ", ")
		w.Header().Set("Allow", list)
		return httpx.NewProblem(r.Context(), http.StatusMethodNotAllowed, "method.not_allowed", "Use one of "+list+" here.")
	}
	return httpx.NewProblem(r.Context(), http.StatusNotFound, "not_found", "There is nothing at this address.")
}
