package isolation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
)

// numbers hands out each number once, so that no two rows meet by chance.
var numbers atomic.Int32

func number(*scope) any { return 1000 + numbers.Add(1) }

// row is a table's row as JSON.
type row map[string]any

// scope is one side of a mirror: a tenant's own rows, or those of one partner in it.
type scope struct {
	name   string
	preset map[string]string // values of columns with these names, "" for null
	staff  string            // who acts for the vendor
	rows   map[string]row    // one for each tenant table that this side may have a row in
}

func (s *scope) is(column string) string { return s.preset[column] }

// table is a tenant table as the catalogue has it.
type table struct {
	name    string
	key     []string // columns of the primary key
	columns []column
	links   []link
}

// link is a foreign key to another tenant table.
type link struct {
	name, column, table, to string
	must                    bool // the column is not null
}

type column struct {
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	NotNull    bool     `json:"not_null"`
	HasDefault bool     `json:"has_default"`
	Generated  bool     `json:"generated"`
	Identity   bool     `json:"identity"`
	Choices    []string `json:"choices"`
}

const sqlTables = `
select c.relname, array(select a.attname::text from pg_index i cross join lateral unnest(i.indkey) with ordinality as k (n, o) join pg_attribute a on a.attrelid = c.oid and a.attnum = k.n
                         where i.indrelid = c.oid and i.indisprimary order by k.o),
       (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, null), 'not_null', a.attnotnull, 'has_default', a.atthasdef, 'generated', a.attgenerated <> '',
                 'identity', a.attidentity <> '', 'choices', (select array_agg(m[1]) from pg_constraint k cross join lateral regexp_matches(pg_get_constraintdef(k.oid), '''([^'']+)''::text', 'g') m
                    where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum] and pg_get_constraintdef(k.oid) like '%= ANY%')) order by a.attnum)
          from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition
   and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull)
 order by 1`

const sqlLinks = `
select s.relname, c.conname, a.attname, d.relname, o.attname, a.attnotnull
  from pg_constraint c join pg_class s on s.oid = c.conrelid join pg_class d on d.oid = c.confrelid join pg_namespace n on n.oid = s.relnamespace and n.nspname = 'app'
  cross join lateral unnest(c.conkey, c.confkey) as k (own, other)
  join pg_attribute a on a.attrelid = s.oid and a.attnum = k.own join pg_attribute o on o.attrelid = d.oid and o.attnum = k.other
 where c.contype = 'f' and not s.relispartition and (o.attname <> 'tenant_id' or d.relname = 'tenant')
   and exists (select from pg_attribute t where t.attrelid = d.oid and t.attname = 'tenant_id' and t.attnotnull)
 order by 1, 2`

func readTables(ctx context.Context, conn *pgx.Conn) ([]table, error) {
	rows, err := conn.Query(ctx, sqlTables)
	if err != nil {
		return nil, err
	}
	tables, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (t table, err error) {
		var columns []byte
		if err = r.Scan(&t.name, &t.key, &columns); err == nil {
			err = json.Unmarshal(columns, &t.columns)
		}
		return t, err
	})
	if err != nil {
		return nil, err
	}
	if rows, err = conn.Query(ctx, sqlLinks); err != nil {
		return nil, err
	}
	var from string
	var l link
	_, err = pgx.ForEachRow(rows, []any{&from, &l.name, &l.column, &l.table, &l.to, &l.must}, func() error {
		i := slices.IndexFunc(tables, func(t table) bool { return t.name == from })
		if i >= 0 {
			tables[i].links = append(tables[i].links, l)
		}
		return nil
	})
	return tables, err
}

func (t table) column(name string) (column, bool) {
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.Name == name })
	if i < 0 {
		return column{}, false
	}
	return t.columns[i], true
}

// publish makes drafts and proposals public, without the weeks of notice that their triggers ask for.
const publish = `
set session_replication_role = replica;
update app.document_version set status = 'announced', digest = 'x', announced_at = now(), effective_at = now() + interval '15 days', notice_seconds = 1209600;
update app.processor set status = 'announced', announced_at = now(), effective_at = now() + interval '60 days', notice_seconds = 1209600;
set session_replication_role = origin`

// fixtures are values that a table's checks ask for and that cannot be read from the catalogue. A table whose made-up row is
// refused needs a line here.
var fixtures = map[string]func(s *scope) any{
	"promise_evidence.promise": func(*scope) any { return "P-10" },
	"tenant.slug":              func(*scope) any { return "t-" + id.New().String() },
	"deal.currency":            func(*scope) any { return "USD" },
	"deal.state":               func(*scope) any { return "draft" },
	"data_key.wrapped":         func(*scope) any { return `\x00` },
	"key_rotation.key_version": func(*scope) any { return 2 },
	"key_rotation.state":       func(*scope) any { return "done" }, // one at a time is under way
	"data_key.key_version":     number,
	"policy_clock.clock": func(s *scope) any {
		return []string{"breach-notice", "purge-after-deletion", "policy-notice", "subject-answer"}[len(s.is("partner_id"))%4]
	},
	"deal_claim.period":             func(*scope) any { return "[2026-01-01, 2026-04-01)" },
	"member.email":                  func(*scope) any { return "ada@example.com" },
	"account.source":                func(*scope) any { return "partner" },
	"departure.state":               func(s *scope) any { return map[bool]string{true: "done", false: "asked"}[s.rows["departure"] == nil] }, // one at a time is open
	"departure.asked_by":            func(s *scope) any { return s.staff },
	"arrival.manifest":              func(*scope) any { return strings.Repeat("0", 64) },
	"stage.kind":                    func(*scope) any { return "open" },
	"access_log.status":             func(*scope) any { return 200 },
	"access_log.at":                 func(*scope) any { return "2026-01-01T00:00:00Z" },
	"error_report.fingerprint":      func(*scope) any { return fmt.Sprintf("%064x", rand.Int64()) },
	"member.role":                   func(s *scope) any { return map[bool]string{true: "partner", false: "admin"}[s.is("partner_id") != ""] },
	"api_key.scopes":                func(*scope) any { return []string{"read"} },
	"row_history.at":                func(*scope) any { return "2026-01-01T00:00:00Z" },
	"policy_version.profile":        func(*scope) any { return "default" },
	"policy_version.number":         number,
	"retention_rule.event":          func(*scope) any { return "recorded" },
	"retention_rule.category":       func(*scope) any { return "c " + id.New().String() },
	"privacy_request.state":         func(*scope) any { return "verifying" }, // as people ask for themselves
	"privacy_request.source":        func(*scope) any { return "self-service" },
	"privacy_request.subject_email": func(*scope) any { return "ada@example.com" },
	"privacy_request.due_at":        func(*scope) any { return "2099-01-01T00:00:00Z" },
	"privacy_request.number":        number,
	"privacy_task.state":            func(*scope) any { return "open" },
	"audit_entry.changes":           func(*scope) any { return row{} },

	"audit_entry.actor_id": func(s *scope) any { return s.is("member_id") },

	"audit_checkpoint.root":    func(*scope) any { return thirtyTwo },
	"audit_checkpoint.size":    number,
	"audit_tree.log":           func(*scope) any { return id.New().String() },
	"audit_tree.root":          func(*scope) any { return thirtyTwo },
	"audit_leaf.seq":           number,
	"audit_tile.hashes":        func(*scope) any { return thirtyTwo },
	"audit_tile.n":             number,
	"retention_rule.keep":      func(*scope) any { return "1 year" },
	"legal_hold.kind":          func(*scope) any { return "account" },
	"legal_duty.keep":          func(*scope) any { return "1 year" },
	"incident_clock.due_at":    func(*scope) any { return "2026-01-04T00:00:00Z" },
	"document.kind":            func(*scope) any { return "terms" },
	"incident.number":          number,
	"document_version.number":  number,
	"stored_file.state":        func(*scope) any { return "writing" },
	"stored_file.content_type": func(*scope) any { return "application/zip" },
}

// thirtyTwo is a hash.
var thirtyTwo = `\x` + strings.Repeat("00", 32)

// made returns a new row of t for a side; ok is false when the side cannot have one, such as a partner's row without a partner.
func (t table) made(s *scope) (out row, ok bool) {
	out = row{}
	for _, c := range t.columns {
		v, err := t.value(c, s)
		if err != nil {
			return nil, false
		}
		if v != nil {
			out[c.Name] = v
		}
	}
	return out, true
}

// another is made with an object id of its own, so that a side can have it besides the row it has.
func (t table) another(s *scope) (row, bool) {
	r, ok := t.made(s)
	if last := t.key[len(t.key)-1]; ok && len(t.key) == 2 && s.is(last) != "" {
		r[last] = id.New().String()
	}
	return r, ok
}

var errImpossible = errors.New("this side has no value for it")

// value returns what a column gets: nil for its default.
func (t table) value(c column, s *scope) (any, error) {
	if c.Generated || c.Identity {
		return nil, nil
	}
	if v, preset := s.preset[c.Name]; preset && (c.Name == "tenant_id" || c.Name == "partner_id" || c.Name == "member_id") {
		if v == "" && c.NotNull {
			return nil, errImpossible
		}
		if v == "" {
			return nil, nil
		}
		return v, nil
	}
	for _, l := range t.links {
		if l.column == c.Name {
			if to := s.rows[l.table]; to != nil {
				return to[l.to], nil
			}
			if l.must {
				return nil, errImpossible
			}
			return nil, nil
		}
	}
	if make := fixtures[t.name+"."+c.Name]; make != nil {
		return make(s), nil
	}
	if !c.NotNull || c.HasDefault {
		return nil, nil
	}
	return plain(c), nil
}

// plain returns a value of the column's type.
func plain(c column) any {
	if len(c.Choices) > 0 {
		return c.Choices[0]
	}
	switch c.Type {
	case "uuid":
		return id.New().String()
	case "text", "character varying":
		return "x " + id.New().String()
	case "bytea":
		return `\x` + strings.ReplaceAll(id.New().String(), "-", "")
	case "boolean":
		return false
	case "jsonb", "json":
		return row{}
	case "date":
		return "2026-01-01"
	}
	switch {
	case strings.HasSuffix(c.Type, "[]"):
		return []any{}
	case strings.HasPrefix(c.Type, "timestamp"):
		return "2026-01-01T00:00:00Z"
	}
	return 1
}

// insertion returns the statement that inserts a row given as JSON in $1, without the columns that the database computes.
func (t table) insertion(r row) string {
	var names []string
	for _, c := range t.columns {
		if _, given := r[c.Name]; given && !c.Generated && !c.Identity {
			names = append(names, c.Name)
		}
	}
	list := strings.Join(names, ", ")
	return fmt.Sprintf(`insert into app.%s (%s) select %s from jsonb_populate_record(null::app.%s, $1::jsonb) as new`, t.name, list, list, t.name)
}

func encoded(r row) string {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // a row is made of plain values
	}
	return string(b)
}

// fill inserts a row into every table of the side, those first that others refer to. tenantWide rows are one for the tenant:
// where a row of the tenant itself is there already, the side shares it.
func fill(ctx context.Context, conn *pgx.Conn, tables []table, s *scope, shared map[string]row) error {
	s.rows = map[string]row{}
	for name, r := range shared {
		s.rows[name] = r
	}
	left := slices.DeleteFunc(slices.Clone(tables), func(t table) bool { return shared[t.name] != nil })
	for len(left) > 0 {
		// First tables whose every foreign key can be filled; when none is left, one whose needed ones can.
		ready := func(needed bool) int {
			return slices.IndexFunc(left, func(t table) bool {
				return !slices.ContainsFunc(t.links, func(l link) bool {
					waits := slices.ContainsFunc(left, func(o table) bool { return o.name == l.table && o.name != t.name })
					return waits && (l.must || s.is(l.column) != "" || !needed)
				})
			})
		}
		i := ready(false)
		if i < 0 {
			i = ready(true)
		}
		if i < 0 {
			return fmt.Errorf("the foreign keys of %s go in a circle", left[0].name)
		}
		t := left[i]
		left = slices.Delete(left, i, i+1)
		r, ok := t.made(s)
		if !ok {
			continue
		}
		var back []byte
		if err := conn.QueryRow(ctx, t.insertion(r)+fmt.Sprintf(` returning to_jsonb(%s)`, t.name), encoded(r)).Scan(&back); err != nil {
			return fmt.Errorf("make a row of %s for %s: %w\n\tway out: a line in fixtures (internal/isolation/world_test.go) with a value that its checks take", t.name, s.name, err)
		}
		var whole row
		if err := json.Unmarshal(back, &whole); err != nil {
			return err
		}
		s.rows[t.name] = whole
	}
	return nil
}

var uuidPattern = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// canaries returns every id in this side's rows that is in none of the other's: what the other must never be shown.
func (s *scope) canaries(other *scope) map[string]string {
	known := map[string]bool{}
	for _, r := range other.rows {
		for _, v := range uuidPattern.FindAllString(encoded(r), -1) {
			known[v] = true
		}
	}
	for _, v := range other.preset {
		known[v] = true
	}
	out := map[string]string{}
	for name, r := range s.rows {
		for _, v := range uuidPattern.FindAllString(encoded(r), -1) {
			if !known[v] {
				out[v] = name
			}
		}
	}
	return out
}
