package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"

	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
)

// slot is a place of a request that holds an id.
type slot struct {
	route                   door.Route
	where                   string // for messages
	path, contentType, body string // with the mark where the id stands
}

const mark = "{{id}}"

var parameter = regexp.MustCompile(`\{[a-z_]+(\.\.\.)?\}`)

// first is a pattern with every number in it 1: the version that every record has, or had.
func first(pattern string) string { return strings.ReplaceAll(pattern, "{version}", "1") }

// words are parameters of paths that are no ids, with what they are.
var words = map[string]string{"{category}": "a data category, the same for everybody", "{clock}": "a clock of the policy, the same for everybody", "{room}": "the name of a chapter of the API reference"}

// slots lists every place of every route that takes an id: parameters of the path, filters of lists, fields of bodies.
func (h *house) slots() []slot {
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
			out = append(out, slot{r, "the path", parameter.ReplaceAllString(pattern, mark), contentType, filled})
		}
		if body != nil {
			for name := range body.Properties {
				if isID(name) {
					out = append(out, slot{r, "body." + name, plain, contentType, encode(example(operations, body, name))})
				}
			}
		}
		for _, p := range parametersOf(o) {
			if p.In == "query" && isID(p.Name) {
				filters[p.Name] = true
				out = append(out, slot{r, "?" + p.Name, plain + "?" + p.Name + "=" + mark, contentType, filled})
			}
		}
	}
	// Pages filter like the lists of the API; forms carry the ids that its bodies do.
	for _, f := range []string{"partner", "account", "owner", "stage", "member"} {
		filters[f] = true
	}
	fields := slices.Sorted(maps.Keys(filters))
	for _, r := range h.doors.Web.Routes() {
		path := strings.TrimSuffix(first(r.Pattern), "{$}")
		contentType, form := "", ""
		if r.Mutates {
			contentType, form = "application/x-www-form-urlencoded", "name=x&title=x&body=x&reason=x&reason_code=other&note=x&version=1&currency=USD&email=x%40y.example&role=partner"
		}
		if r.Action == "" {
			continue // no actor: public pages know no ids
		}
		if p := parameter.FindString(path); p != "" && words[p] == "" {
			out = append(out, slot{r, "the path", parameter.ReplaceAllString(path, mark), contentType, form})
		}
		for _, f := range fields {
			switch {
			case parameter.MatchString(path):
			case r.Mutates:
				out = append(out, slot{r, "form " + f, path, contentType, form + "&" + f + "=" + mark})
			default:
				out = append(out, slot{r, "?" + f, path + "?" + f + "=" + mark, contentType, form})
			}
		}
	}
	return out
}

// isID reports whether a field holds one of our ids; external ids are the customer's own words.
func isID(name string) bool { return strings.HasSuffix(name, "_id") && name != "external_id" }

// kinds returns the tables whose ids a place may mean: by the name of the field, or, for a path, by what its page answers. A place
// of which nothing is known may mean any.
func (s slot) kinds(pages map[string]map[string]bool) map[string]bool {
	switch name := strings.TrimSuffix(s.where[strings.LastIndexAny(s.where, " ?.")+1:], "_id"); name {
	case "owner", "manager", "actor":
		return map[string]bool{"member": true}
	case "path":
		return pages[s.collection()]
	case "object":
		return nil
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

// answer sends a slot with an id and returns the answer as the caller can see it, without the id and the request's own.
func (h *house) answer(who caller, s slot, v string) string {
	w := h.send(who, s.route.Method, strings.ReplaceAll(s.path, mark, v), s.contentType, strings.ReplaceAll(s.body, mark, v))
	var b strings.Builder
	fmt.Fprintln(&b, w.Code)
	_ = w.Header().Write(&b)
	b.WriteString("\n" + w.Body.String())
	out := strings.ReplaceAll(b.String(), v, mark)
	if req := w.Header().Get("X-Request-Id"); req != "" {
		out = strings.ReplaceAll(out, req, "REQUEST")
	}
	return volatile.ReplaceAllString(out, "*")
}

// volatile differs between any two answers: fresh ids and keys of forms, times, and how long an answer is with them.
var volatile = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|Content-Length: \d+|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:[0-9.]+)?Z?|just now|\d+ \w+ ago`)

// T9, A1, A2, A6, A7: whatever a route takes for an id, another tenant's and another partner's answer exactly like a random one.
func TestForeignIDsAnswerLikeRandomOnes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.admin("acme"), h.admin("umbrella")
	north, south, theirs := h.partner(a, "north"), h.partner(a, "south"), h.partner(b, "west")
	for _, who := range []caller{a, b, north, south, theirs} {
		h.work(who)
		if who.partner == "" {
			h.catalogue(who)
		}
	}
	ofB := fmt.Sprintf(`r.tenant_id = '%s'`, b.tenant)
	inA := fmt.Sprintf(`r.tenant_id = '%s' and `, a.tenant)
	a.foreign, a.own = h.objects(ofB), h.objects(strings.TrimSuffix(inA, " and "))
	north.foreign, north.own = h.objects(inA+fmt.Sprintf(`r.partner_id = '%s'`, south.partner)), h.objects(inA+fmt.Sprintf(`r.partner_id = '%s'`, north.partner))
	vendor := north
	vendor.name, vendor.foreign = "partner north (the vendor's ids)", h.objects(inA+`r.partner_id is null`)
	outside := north
	outside.name, outside.foreign = "partner north (tenant B's ids)", a.foreign

	// What is refused goes on the caller's own record, so the record is looked at before anything is refused.
	slots := h.slots()
	slices.SortStableFunc(slots, func(x, y slot) int { return cmp.Compare(x.rank(), y.rank()) })
	pages := h.pages(slots, a, north)
	before := h.sum(ofB)
	asked := 0
	for _, who := range []caller{a, north, vendor, outside} {
		if len(who.foreign) < 4 {
			t.Fatalf("%s: only %v to try", who.name, who.foreign)
		}
		stranger := id.New().String()
		for _, s := range slots {
			if who.name == outside.name && s.where != "the path" {
				continue // tenant B's ids in fields are tried by the Admin
			}
			kinds := s.kinds(pages)
			random := h.answer(who, s, stranger)
			for table, v := range who.foreign {
				if kinds != nil && !kinds[table] {
					continue
				}
				asked++
				// What the first answer started is under way for whoever asks next, so a difference is asked for again.
				if got := h.answer(who, s, v); got != random && got != h.answer(who, s, stranger) {
					t.Errorf("%s: %s %s, %s with an id of %s differs from a random one\n%s", who.name, s.route.Method, s.route.Pattern, s.where, table, firstDifference(random, got))
				}
			}
		}
	}
	if after := h.sum(ofB); after != before {
		t.Errorf("something of tenant B is not what it was:\n%s\n%s", before, after)
	}
	t.Logf("%d requests with foreign ids in %d places of %d routes", asked, len(slots), len(h.doors.Web.Routes())+len(h.doors.API.Routes()))
}

// unproved are the collections of which nobody in this house owns a record yet: here only the refusals are compared. Their rows are
// in the mirror of internal/isolation, which asks the database itself.
var unproved = []string{"/api/v1/documents/", "/api/v1/processors/", "/settings/leaving/exports/", "/api/v1/programme/exports/", "/promises/", "/processors/", "/privacy/", "/me/privacy/", "/api/v1/privacy/",
	"/journal/errors/", "/incidents/", "/api/v1/incidents/", "/documents/"}

// pages returns, for each collection, the tables whose own ids its pages answer. The comparison proves something only where an
// own id is answered.
func (h *house) pages(slots []slot, callers ...caller) map[string]map[string]bool {
	h.Helper()
	out := map[string]map[string]bool{}
	for _, s := range slots {
		if s.route.Mutates || s.where != "the path" {
			continue
		}
		told := false
		for _, who := range callers {
			random := h.answer(who, s, id.New().String())
			for table, v := range who.own {
				if h.answer(who, s, v) != random {
					told = true
					if out[s.collection()] == nil {
						out[s.collection()] = map[string]bool{}
					}
					out[s.collection()][table] = true
				}
			}
		}
		if !told && !slices.ContainsFunc(unproved, func(dir string) bool { return strings.HasPrefix(s.path, dir) }) {
			h.Errorf("GET %s answers no own id of anybody: the mirror proves nothing about it", s.route.Pattern)
		}
	}
	return out
}

// sum is the state of everything of a tenant.
func (h *house) sum(where string) string {
	h.Helper()
	rows, err := h.db.Query(h.Context(), `select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id'
	  where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition order by 1`)
	if err != nil {
		h.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.Fatal(err)
	}
	var b strings.Builder
	for _, table := range tables {
		var line string
		if err := h.db.QueryRow(h.Context(), fmt.Sprintf(`select count(*) || ' ' || coalesce(md5(string_agg(to_jsonb(r)::text, ',' order by to_jsonb(r)::text)), '') from app.%s r where %s`, table, where)).Scan(&line); err != nil {
			h.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s\n", table, line)
	}
	return b.String()
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			from := 0
			for from < min(len(w[i]), len(g[i])) && w[i][from] == g[i][from] {
				from++
			}
			from = max(0, from-60)
			return fmt.Sprintf("\trandom:  %.200s\n\tforeign: %.200s", w[i][from:], g[i][from:])
		}
	}
	return fmt.Sprintf("\trandom has %d lines, foreign %d", len(w), len(g))
}
