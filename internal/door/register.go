package door

import (
	"context"
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
)

const routeKey = "door.route"

// Register adds an operation of the API. op needs Method, Path (without the prefix) and
// Summary; OperationID is the action unless given. The input's fields tagged path, query
// and header are its parameters, Body its JSON; embed IfMatch to take part in optimistic
// locking. The handler is called once everything in it is valid and who is granted act.
// It panics on a mistake in the registration, such as an operation id used twice.
func Register[I, O any](a *API, act access.Action, op huma.Operation, h func(ctx context.Context, who access.Actor, in *I) (*O, error)) {
	a.describe(&op, act)
	op.BodyReadTimeout = -1
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = httpx.DefaultBodyLimit
	}
	// huma refuses a body of exactly the limit; the stack's own limit has the say.
	op.MaxBodyBytes++
	a.registering = camel(op.OperationID)
	defer func() { a.registering = "" }()
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		c := ctx.Value(callKey{}).(*call)
		if m, ok := any(in).(ifMatcher); ok {
			if err := m.readIfMatch(); err != nil {
				return nil, httpx.ProblemOf(ctx, err)
			}
		}
		out, err := h(ctx, c.who, in)
		if err != nil {
			return nil, httpx.ProblemOf(ctx, err)
		}
		return out, nil
	})
}

// Raw adds a route that reads or writes something other than JSON: CSV, multipart,
// server-sent events. Each option completes its description in the OpenAPI document: its
// query parameters above all, since one that is not described is refused. The body is
// limited to 1 MiB unless the handler calls httpx.LimitBody, and is not part of
// who.Request.BodyHash.
func (a *API) Raw(method, path string, act access.Action, summary string, h Handler, describe ...func(*huma.Operation)) {
	op := &huma.Operation{Method: method, Path: path, Summary: summary}
	for _, d := range describe {
		d(op)
	}
	a.describe(op, act)
	route := op.Metadata[routeKey].(Route)
	known := a.describeRaw(op)
	a.huma.OpenAPI().AddOperation(op)
	a.mux.HandleFunc(method+" "+Prefix+path, func(w http.ResponseWriter, r *http.Request) {
		who, err := a.admit(r, route)
		if err == nil {
			err = unknownQuery(r, known)
		}
		if err == nil {
			if who.Request.IdempotencyKey != "" {
				who.Request.BodyHash = bodyHash(r, nil)
			}
			err = h(w, r, who)
		}
		if err != nil {
			httpx.WriteError(w, r, err)
		}
	})
}

var wildcard = regexp.MustCompile(`\{(\w+)`)

// describeRaw completes the description of a raw route and returns the names of its
// query parameters.
func (a *API) describeRaw(op *huma.Operation) map[string]bool {
	known := map[string]bool{}
	for _, p := range op.Parameters {
		if p.In == "query" {
			known[p.Name] = true
		}
	}
	for _, m := range wildcard.FindAllStringSubmatch(op.Path, -1) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: m[1], In: "path", Required: true, Schema: &huma.Schema{Type: "string"}})
	}
	problem := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[httpx.Problem](), true, "Problem")
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{"200": {Description: "OK"}}
	}
	op.Responses["default"] = &huma.Response{Description: "Error",
		Content: map[string]*huma.MediaType{"application/problem+json": {Schema: problem}}}
	return known
}

func unknownQuery(r *http.Request, known map[string]bool) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	var fields []errs.Field
	for name := range r.URL.Query() {
		if !known[name] {
			fields = append(fields, errs.Field{Name: strings.ToValidUTF8(name, "?"), Code: "query.unknown", Msg: msgUnknownQuery})
		}
	}
	if len(fields) == 0 {
		return nil
	}
	sortFields(fields)
	return &errs.Error{Kind: errs.Malformed, Code: "query.unknown", Msg: detailUnknown, Fields: fields}
}

// describe checks a registration and puts into its description what every operation has.
func (a *API) describe(op *huma.Operation, act access.Action) {
	route := newRoute(op.Method, Prefix+op.Path, act, "")
	what := op.Method + " " + op.Path
	if op.Summary == "" {
		panic("door: " + what + ": an operation needs a summary")
	}
	if op.OperationID == "" {
		op.OperationID = string(act)
	}
	if op.OperationID == "" || a.ids[op.OperationID] {
		panic("door: " + what + ": operation id \"" + op.OperationID + "\" is missing or taken")
	}
	a.ids[op.OperationID] = true
	a.routes = append(a.routes, route)

	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[routeKey] = route
	if op.Extensions == nil {
		op.Extensions = map[string]any{}
	}
	op.Extensions["x-permission"] = string(act)
	op.Security = []map[string][]string{{"bearer": {}}}
	if len(op.Tags) == 0 {
		op.Tags = []string{act.Room()}
	}
	op.Description = strings.TrimSpace(op.Description + "\n\nPermission: `" + string(act) + "`.")
	if op.Method == http.MethodPost {
		one, most := 1, 200
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header",
			Description: "Repeat a request with the same key and body to get the first answer again instead of a second effect. " +
				"The same key with another body is refused (422).",
			Schema: &huma.Schema{Type: "string", MinLength: &one, MaxLength: &most, Pattern: "^[!-~]+$"}})
	}
}

// schemaName names a type in the document. Types of a room or its API package bear the room's
// name, so that dealapi.Item and accountapi.Item do not clash; a body without a type of its
// own bears the name of the operation that is being registered.
func (a *API) schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Name() == "" {
		if at := strings.Index(hint, "Body"); at >= 0 && a.registering != "" {
			if strings.HasSuffix(strings.ToLower(hint[:at]), "out") {
				return a.registering + "Answer" + hint[at+len("Body"):]
			}
			return a.registering + hint[at:]
		}
		return name
	}
	pkg := t.PkgPath()
	room := strings.TrimSuffix(pkg[strings.LastIndexByte(pkg, '/')+1:], "api")
	if room == "" || !strings.Contains(pkg, "/internal/") || strings.Contains(pkg, "/kernel/") {
		return name
	}
	room = strings.ToUpper(room[:1]) + room[1:]
	if strings.HasPrefix(name, room) {
		return name
	}
	return room + name
}

// camel turns an operation id such as "deal.note_list" into "DealNoteList".
func camel(operation string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(operation, func(r rune) bool { return r == '.' || r == '_' || r == '-' }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// idSchema describes id.ID.
type idSchema string

// Schema implements huma.SchemaProvider.
func (idSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uuid"}
}
