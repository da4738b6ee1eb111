package app

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
)

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
	return out
}

// alike compares two answers, piece by piece, but for what differs between any two: fresh ids and keys of forms, times, and how long an
// answer is with them.
func alike(x, y string) bool { return x == y || alikeBut(volatile, x, y) }

func alikeBut(what *regexp.Regexp, x, y string) bool {
	pieces := func(s string) []string {
		return strings.FieldsFunc(s, func(c rune) bool { return c == '<' || c == '\n' })
	}
	xs, ys := pieces(x), pieces(y)
	if len(xs) != len(ys) {
		return false
	}
	for i := range xs {
		if xs[i] != ys[i] && what.ReplaceAllString(xs[i], "*") != what.ReplaceAllString(ys[i], "*") {
			return false
		}
	}
	return true
}

// figures are what also grows while this test asks and asks: counts of entries.
var figures = regexp.MustCompile(`[0-9a-f]*\d[0-9a-f-]*|just now|\w+ ago`)

var volatile = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|Content-Length: \d+|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:[0-9.]+)?Z?|just now|\d+ \w+ ago`)

// heeded reports whether a page takes notice of a field: whether it answers any of its fields, with random ids or with own ones, otherwise
// than none. What is not read gives nothing away, whatever stands in it.
func (h *house) heeded(who caller, s slot) bool {
	if s.fields == nil {
		return true
	}
	key := who.session + s.route.Pattern
	if known, ok := h.heeds[key]; ok {
		return known
	}
	plain := s
	plain.path, _, _ = strings.Cut(s.path, "?")
	none := h.answer(who, plain, mark)
	random, own := url.Values{}, url.Values{}
	for _, f := range s.fields {
		random.Set(f, id.New().String())
		for table := range (slot{where: f}).kinds(nil) {
			if ids := who.own[table]; len(ids) > 0 {
				own.Set(f, ids[0])
			}
		}
	}
	for _, all := range []url.Values{random, own} {
		filled := plain
		filled.path += "?" + all.Encode()
		h.heeds[key] = h.heeds[key] || !alikeBut(figures, h.answer(who, filled, mark), none)
	}
	return h.heeds[key]
}

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
	h.records(a, south, north)
	h.records(b, theirs)
	ofB := fmt.Sprintf(`r.tenant_id = '%s'`, b.tenant)
	inA := fmt.Sprintf(`r.tenant_id = '%s' and `, a.tenant)
	a.foreign, a.own = h.objects(ofB), h.objects(strings.TrimSuffix(inA, " and "))
	north.foreign, north.own = h.objects(inA+fmt.Sprintf(`r.partner_id = '%s'`, south.partner)), h.objects(inA+fmt.Sprintf(`r.partner_id = '%s'`, north.partner))
	vendor := north
	vendor.name, vendor.foreign = "partner north (the vendor's ids)", h.objects(inA+`r.partner_id is null`)
	outside := north
	outside.name, outside.foreign = "partner north (tenant B's ids)", a.foreign

	// What is refused goes on the caller's own record, so the record is looked at before anything is refused.
	slots := h.slots(a, north)
	slices.SortStableFunc(slots, func(x, y slot) int { return cmp.Compare(x.rank(), y.rank()) })
	pages := h.pages(slots, a, north)
	if t.Failed() {
		return // what follows would compare refusals
	}
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
			if !h.heeded(who, s) {
				continue
			}
			kinds := s.kinds(pages)
			random := h.answer(who, s, stranger)
			for table, ids := range who.foreign {
				if kinds != nil && !kinds[table] {
					continue
				}
				for _, v := range ids {
					asked++
					// What the first answer started is under way for whoever asks next, so a difference is asked for again.
					if got := h.answer(who, s, v); !alike(got, random) && !alike(got, h.answer(who, s, stranger)) {
						t.Errorf("%s: %s %s, %s with an id of %s differs from a random one\n%s", who.name, s.route.Method, s.route.Pattern, s.where, table, firstDifference(random, got))
					}
					if s.where != "the path" {
						break
					}
				}
			}
		}
	}
	if after := h.sum(ofB); after != before {
		t.Errorf("something of tenant B is not what it was:\n%s\n%s", before, after)
	}
	t.Logf("%d requests with foreign ids in %d places of %d routes", asked, len(slots), len(h.doors.Web.Routes())+len(h.doors.API.Routes()))
}

// pages returns, for each collection, the table whose own ids its pages answer. The comparison proves something only where an own id is
// answered.
func (h *house) pages(slots []slot, callers ...caller) map[string]map[string]bool {
	h.Helper()
	out := map[string]map[string]bool{}
	for dir, table := range meant {
		out[dir] = map[string]bool{table: true}
	}
	for _, s := range slots {
		if s.where != "the path" {
			continue
		}
		if s.route.Mutates {
			continue
		}
		told := false
		for _, who := range callers {
			random := h.answer(who, s, id.New().String())
			table := h.answers(who, s, random, out[s.collection()])
			if table != "" {
				told = true
				out[s.collection()] = map[string]bool{table: true}
			}
		}
		if !told {
			h.Errorf("GET %s answers no own id of anybody: the mirror proves nothing about it; let recordtest make such a record", s.route.Pattern)
		}
	}
	for _, s := range slots {
		if table := meant[s.collection()]; s.where == "the path" && out[s.collection()] == nil || table != "" && len(callers[0].foreign[table]) == 0 {
			h.Errorf("%s %s: nothing is known of the ids it takes; name their table in meant, and let recordtest make a record", s.route.Method, s.route.Pattern)
		}
	}
	return out
}

// answers returns the table of which an own id is answered otherwise than a random one; known, which the same collection took before,
// is tried first.
func (h *house) answers(who caller, s slot, random string, known map[string]bool) string {
	tables := slices.SortedFunc(maps.Keys(who.own), func(x, y string) int {
		rank := func(table string) int {
			room, _, _ := strings.Cut(table, "_")
			switch {
			case known[table]:
				return 0
			case strings.Contains(s.path, room):
				return 1
			}
			return 2
		}
		return cmp.Or(cmp.Compare(rank(x), rank(y)), strings.Compare(x, y))
	})
	for _, table := range tables {
		for _, v := range who.own[table] {
			if !alike(h.answer(who, s, v), random) {
				return table
			}
		}
	}
	return ""
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
