package door

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
)

// Prefix is where the API stands.
const Prefix = "/api/v1"

// APIOptions are the choices of the API door.
type APIOptions struct {
	Version string // of the API, for its OpenAPI document; "1" when empty
	Denied  Denied
}

// API is the door for programs: bearer keys, JSON in and out, problem documents for every
// refusal, one OpenAPI 3.1 document made from the registrations. Register before it
// serves.
type API struct {
	mux    *http.ServeMux
	huma   huma.API
	auth   Authenticator
	denied Denied
	routes []Route
	ids    map[string]bool

	registering string // the operation whose types are being named, in camel case

	specOnce sync.Once
	spec     []byte
}

// NewAPI returns an API door that serves only its OpenAPI document.
func NewAPI(auth Authenticator, o APIOptions) *API {
	a := &API{mux: http.NewServeMux(), auth: auth, denied: o.Denied, ids: map[string]bool{}}
	if o.Version == "" {
		o.Version = "1"
	}
	registry := huma.NewMapRegistry("#/components/schemas/", a.schemaName)
	registry.RegisterTypeAlias(reflect.TypeFor[id.ID](), reflect.TypeFor[idSchema]())
	json := huma.Format{Marshal: marshal, Unmarshal: unmarshal}
	a.huma = huma.NewAPI(huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Entente API", Version: o.Version,
				Description: "Errors are RFC 9457 problem documents; `code` and `errors[].code` are stable, texts are not."},
			Servers: []*huma.Server{{URL: Prefix}},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer", Description: "An API key, sent as `Authorization: Bearer <key>`."},
				},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": json, "json": json},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}, adapter{a})
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { lost(a.mux, w, r).Write(w) })
	a.mux.HandleFunc("GET "+Prefix+"/openapi.json", a.serveSpec)
	a.routes = append(a.routes, newRoute(http.MethodGet, Prefix+"/openapi.json", "", "it describes the program, not a tenant"))
	return a
}

// OpenAPI returns the document for drawing the reference page. It must not be changed.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// Routes lists every route in the order of registration.
func (a *API) Routes() []Route { return slices.Clone(a.routes) }

// ServeHTTP answers one request. Cookies are dropped: only a bearer key counts here.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Cookie")
	a.mux.ServeHTTP(w, r)
}

func (a *API) serveSpec(w http.ResponseWriter, r *http.Request) {
	a.specOnce.Do(func() {
		var err error
		if a.spec, err = a.huma.OpenAPI().MarshalJSON(); err != nil {
			panic(err)
		}
	})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.spec)))
	_, _ = w.Write(a.spec) // the client is gone if this fails
}

// admit finds out who calls and whether the route is open to them.
func (a *API) admit(r *http.Request, route Route) (access.Actor, error) {
	who, err := a.auth.API(r)
	if err != nil {
		return who, err
	}
	who.Request = RequestOf(r)
	identify(r, who, route.Action)
	if !who.May(route.Action) {
		if a.denied != nil {
			a.denied(r, who, route.Action)
		}
		return who, forbidden(route.Action)
	}
	if keys := r.Header["Idempotency-Key"]; len(keys) > 0 && r.Method == http.MethodPost {
		if err := checkKey(keys[0]); err != nil {
			return who, err
		}
		who.Request.IdempotencyKey = keys[0]
	}
	return who, nil
}

// adapter puts huma's operations on our mux.
type adapter struct{ *API }

// Handle registers one operation; Register has put its Route into the metadata.
func (a adapter) Handle(op *huma.Operation, next func(huma.Context)) {
	route := op.Metadata[routeKey].(Route)
	limit := op.MaxBodyBytes
	a.mux.HandleFunc(op.Method+" "+Prefix+op.Path, func(w http.ResponseWriter, r *http.Request) {
		who, err := a.admit(r, route)
		if err == nil {
			err = readJSONBody(w, r, limit, &who)
		}
		if err != nil {
			httpx.WriteError(w, r, err)
			return
		}
		c := &call{request: humago.NewContext(op, r, w), w: w, who: who}
		c.ctx = context.WithValue(r.Context(), callKey{}, c)
		next(c)
		c.finish()
	})
}

// readJSONBody reads the body as a whole, and refuses one that is not declared as JSON.
func readJSONBody(w http.ResponseWriter, r *http.Request, limit int64, who *access.Actor) error {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		if who.Request.IdempotencyKey != "" {
			who.Request.BodyHash = bodyHash(r, nil)
		}
		return nil
	}
	if ct := r.Header.Get("Content-Type"); ct != "application/json" && !isJSON(ct) {
		return httpx.NewProblem(r.Context(), http.StatusUnsupportedMediaType, "content_type.unsupported",
			"Send the body as JSON, with the header Content-Type: application/json.")
	}
	if limit > httpx.DefaultBodyLimit {
		httpx.LimitBody(w, r, limit)
	}
	body, err := httpx.ReadBody(r)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if who.Request.IdempotencyKey != "" {
		who.Request.BodyHash = bodyHash(r, body)
	}
	return nil
}

func isJSON(contentType string) bool {
	kind, params, _ := strings.Cut(contentType, ";")
	params = strings.ToLower(strings.TrimSpace(params))
	return strings.EqualFold(strings.TrimSpace(kind), "application/json") &&
		(params == "" || strings.Trim(params, `"`) == "charset=utf-8" || params == `charset="utf-8"`)
}

type callKey struct{}

// request is huma's name for it, so that call can have a Context method.
type request huma.Context

// call is one API request on its way through huma. Its status is written together with
// the first byte of the body, so that the length is known and a value that cannot be
// encoded still becomes a 500.
type call struct {
	request
	ctx    context.Context
	w      http.ResponseWriter
	who    access.Actor
	status int
	sent   bool

	refused []error // by the room, see Refused
}

func (c *call) Context() context.Context { return c.ctx }

// SetReadDeadline does nothing: the body has been read already, and a deadline left on
// the connection would cancel a handler that works longer than it.
func (c *call) SetReadDeadline(time.Time) error { return nil }

func (c *call) SetStatus(status int)  { c.status = status }
func (c *call) Status() int           { return c.status }
func (c *call) BodyWriter() io.Writer { return c }

func (c *call) Write(p []byte) (int, error) {
	c.finish()
	return c.w.Write(p)
}

func (c *call) finish() {
	if c.sent {
		return
	}
	c.sent = true
	if c.status != 0 {
		c.w.WriteHeader(c.status)
	}
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// marshal encodes an answer. A value that cannot be encoded is a fault of ours: it
// panics before the status is sent.
func marshal(w io.Writer, v any) error {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	if err := httpx.EncodeJSON(buf, v); err != nil {
		panic(err)
	}
	if c, ok := w.(*call); ok {
		c.w.Header()["Content-Length"] = []string{strconv.Itoa(buf.Len())}
	}
	_, _ = w.Write(buf.Bytes()) // the client is gone if this fails
	if buf.Cap() <= 1<<18 {
		buffers.Put(buf)
	}
	return nil
}

// unmarshal decodes a body; its errors travel through huma as text, see decodeError.
func unmarshal(data []byte, v any) error {
	if err := httpx.DecodeJSON(data, v); err != nil {
		// The values that do fit are still looked at, so that all that is wrong is told at once; encoding/json goes on
		// after a value of the wrong type.
		_ = json.Unmarshal(data, v)
		return decodeError{errs.Of(err)}
	}
	return nil
}
