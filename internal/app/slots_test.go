package app

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
)

// slot is a place of a request that holds an id.
type slot struct {
	route                   door.Route
	where                   string   // for messages
	path, contentType, body string   // with the mark where the id stands
	fields                  []string // all that this page is tried with; the last word of where is the one that is meant
}

const mark = "{{id}}"

var parameter = regexp.MustCompile(`\{[a-z_]+(\.\.\.)?\}`)

// first is a pattern with every number in it 1: the version that every record has, or had.
func first(pattern string) string { return strings.ReplaceAll(pattern, "{version}", "1") }

// words are parameters of paths that are no ids, with what they are.
var words = map[string]string{"{category}": "a data category, the same for everybody", "{clock}": "a clock of the policy, the same for everybody", "{room}": "the name of a chapter of the API reference",
	"{promise}": "a promise of the register, the same for everybody"}

// meant are collections that no page lists one by one, with the table whose ids their paths take.
var meant = map[string]string{"/api/v1/api-keys/": "api_key", "/api/v1/me/api-keys/": "api_key", "/me/keys/": "api_key", "/me/sessions/": "session", "/api/v1/views/": "saved_view", "/deals/views/": "saved_view",
	"/settings/stages/": "stage", "/api/v1/holds/": "legal_hold", "/retention/holds/": "legal_hold", "/processors/objections/": "processor_objection",
	"/incidents/actions/": "incident_action", "/incidents/clocks/": "incident_clock", "/incidents/notices/": "incident_notice"}

// slots lists every place of every route that takes an id: parameters of the path, filters of lists, fields of bodies.
func (h *house) slots(callers ...caller) []slot {
	h.Helper()
	var out []slot
	filters := map[string]bool{}
	operations := h.doors.API.OpenAPI()
	for _, r := range h.doors.API.Routes() {
		o := operationOf(operations, r)
		body := schemaOf(operations, o)
		filled, contentType := "", ""
		if body != nil {
			filled, contentType = encode(example(operations, body, "")), "application/json"
		}
		pattern := first(r.Pattern)
		plain := parameter.ReplaceAllString(pattern, id.New().String())
		if p := parameter.FindString(pattern); p != "" && words[p] == "" {
			out = append(out, slot{r, "the path", parameter.ReplaceAllString(pattern, mark), contentType, filled, nil})
		}
		if body != nil {
			for name := range body.Properties {
				if isID(name) {
					out = append(out, slot{r, "body." + name, plain, contentType, encode(example(operations, body, name)), nil})
				}
			}
		}
		for _, p := range parametersOf(o) {
			if p.In == "query" && isID(p.Name) {
				filters[p.Name] = true
				out = append(out, slot{r, "?" + p.Name, plain + "?" + p.Name + "=" + mark, contentType, filled, nil})
			}
		}
	}
	for _, f := range []string{"partner", "account", "owner", "stage", "member", "object", "document", "replaces", "notice", "from", "to"} {
		filters[f] = true // of pages
	}
	fields := slices.Sorted(maps.Keys(filters))
	for _, r := range h.doors.Web.Routes() {
		if r.Action == "" {
			continue // no actor: public pages know no ids
		}
		path := strings.TrimSuffix(first(r.Pattern), "{$}")
		p := parameter.FindString(path)
		byID := p != "" && words[p] == ""
		if !r.Mutates {
			if byID {
				out = append(out, slot{r, "the path", parameter.ReplaceAllString(path, mark), "", "", nil})
			}
			for _, f := range fields {
				if p == "" {
					out = append(out, slot{r, "?" + f, path + "?" + f + "=" + mark, "", "", fields})
				}
			}
			continue
		}
		contentType := "application/x-www-form-urlencoded"
		form, ids := h.form(r, parameter.ReplaceAllString(path, id.New().String()), callers...)
		if byID {
			out = append(out, slot{r, "the path", parameter.ReplaceAllString(path, mark), contentType, form, nil})
			continue
		}
		for _, f := range ids {
			out = append(out, slot{r, "form " + f, path, contentType, form + "&" + f + "=" + mark, nil})
		}
	}
	return out
}

// fill is what is typed into the fields of forms; ofIDs are the fields that hold ids.
var (
	fill = map[string]string{"name": "x", "title": "x", "body": "x", "reason": "x", "reason_code": "other", "note": "x", "version": "1", "currency": "USD", "email": "x@y.example", "role": "partner", "kind": "partner",
		"purpose": "x", "country": "DE", "outcome": "accepted", "outcome_note": "x", "answer": "x", "how": "call-back", "to": "confirmed", "recipient": "authority", "nature": "x", "impact": "x", "mitigation": "x",
		"contact": "x", "statement": "x", "audience": "partners", "acceptance": "asked", "accept_for": "company", "accept_days": "5", "change": "material", "summary": "x", "code": "12345678", "digest": "x",
		"severity": "low", "description": "x", "cause": "x", "response": "x", "lessons": "x", "categories": "customer-data", "lift": "no", "by": "kind"}
	ofIDs = []string{"account", "account_id", "document", "lift", "manager_id", "member", "membership", "notice", "object", "owner", "owner_id", "partner", "partner_id", "partners", "replaces", "stage", "successor", "task"}
)

// form returns what a form is filled in with, and which of its fields hold ids: it is sent once with every field there is, and the refusal
// names those that it does not have.
func (h *house) form(r door.Route, path string, callers ...caller) (filled string, ids []string) {
	h.Helper()
	all := url.Values{}
	for _, f := range ofIDs {
		all.Set(f, "x")
	}
	for f := range fill {
		all.Set(f, "x")
	}
	w := h.send(callers[0], r.Method, path, "application/x-www-form-urlencoded", all.Encode())
	for _, who := range callers[1:] {
		if w.Code == 403 {
			w = h.send(who, r.Method, path, "application/x-www-form-urlencoded", all.Encode())
		}
	}
	unknown := map[string]bool{}
	found := false
	if _, names, ok := strings.Cut(w.Body.String(), "fields that the page does not have: "); ok {
		found = true
		names, _, _ = strings.Cut(names, ". ")
		for _, f := range strings.Split(names, ", ") {
			unknown[f] = true
		}
	}
	typed := url.Values{}
	for f, v := range fill {
		if !unknown[f] {
			typed.Set(f, v)
		}
	}
	for _, f := range ofIDs {
		if found && !unknown[f] {
			ids = append(ids, f)
		}
	}
	return typed.Encode(), ids
}

// isID reports whether a field holds one of our ids; external ids are the customer's own words.
func isID(name string) bool { return strings.HasSuffix(name, "_id") && name != "external_id" }

// kinds returns the tables whose ids a place may mean: by the name of the field, or, for a path, by what its page answers. A place
// of which nothing is known may mean any.
func (s slot) kinds(pages map[string]map[string]bool) map[string]bool {
	switch name := strings.TrimSuffix(s.where[strings.LastIndexAny(s.where, " ?.")+1:], "_id"); name {
	case "owner", "manager", "actor", "successor", "membership":
		return map[string]bool{"member": true}
	case "partners":
		return map[string]bool{"partner": true}
	case "from", "to":
		return map[string]bool{"document_version": true}
	case "replaces":
		return map[string]bool{"processor": true}
	case "notice":
		return map[string]bool{"incident_notice": true}
	case "task":
		return map[string]bool{"privacy_task": true}
	case "path":
		return pages[s.collection()]
	case "object", "lift":
		if room := s.route.Action.Room(); room == "audit" || room == "hold" || room == "privacy" {
			return nil
		}
		return map[string]bool{"partner": true, "account": true, "contact": true, "member": true, "deal": true} // what a list may be narrowed to
	default:
		return map[string]bool{name: true}
	}
}

// rank puts the lists of the record first; an entry that is not there is refused, and that goes on record too.
func (s slot) rank() int {
	if s.route.Action.Room() == "audit" && s.where != "the path" {
		return 0
	}
	return 1
}

// collection is the path before the id.
func (s slot) collection() string { before, _, _ := strings.Cut(s.path, mark); return before }

func operationOf(api *huma.OpenAPI, r door.Route) *huma.Operation {
	item := api.Paths[strings.TrimPrefix(r.Pattern, door.Prefix)]
	if item == nil {
		return nil
	}
	return map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PATCH": item.Patch, "PUT": item.Put, "DELETE": item.Delete}[r.Method]
}

func parametersOf(o *huma.Operation) []*huma.Param {
	if o == nil {
		return nil
	}
	return o.Parameters
}

// schemaOf returns the schema of an operation's JSON body, nil without one.
func schemaOf(api *huma.OpenAPI, o *huma.Operation) *huma.Schema {
	if o == nil || o.RequestBody == nil || o.RequestBody.Content["application/json"] == nil {
		return nil
	}
	return resolve(api, o.RequestBody.Content["application/json"].Schema)
}

func resolve(api *huma.OpenAPI, s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return api.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// example returns a body that the schema takes: what is required, and the mark in the named field.
func example(api *huma.OpenAPI, s *huma.Schema, marked string) any {
	s = resolve(api, s)
	switch {
	case len(s.Examples) > 0 && s.Type != huma.TypeObject:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeObject:
		out := map[string]any{}
		for name, p := range s.Properties {
			switch {
			case name == marked:
				out[name] = mark
			case slices.Contains(s.Required, name):
				out[name] = example(api, p, "")
			}
		}
		return out
	case huma.TypeArray:
		return []any{}
	case huma.TypeBoolean:
		return false
	case huma.TypeInteger, huma.TypeNumber:
		return 1
	}
	switch s.Format {
	case "uuid":
		return id.New().String()
	case "date":
		return "2026-01-01"
	case "date-time":
		return "2026-01-01T00:00:00Z"
	}
	return "x"
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps and strings
	}
	return string(b)
}
