package retention_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
	"entente.dev/internal/retention"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// world is a programme whose two clocks a test moves.
type world struct {
	*testing.T
	ops    *op.Ops
	s      *retention.Service
	super  *pgx.Conn
	tenant id.ID
	admin  access.Actor
	shift  time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{T: t, ops: optest.New(t, db), super: pgtest.Super(t, db), tenant: id.New()}
	w.ops.Clock = func() time.Time { return time.Now().Add(w.shift) }
	w.s = retention.New(w.ops, retention.Options{Expire: map[string]func(context.Context, id.ID, bool) (int64, error){}})
	w.exec(`insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme')`, w.tenant)
	member := id.New()
	w.exec(`insert into member (tenant_id, member_id, role, name, status, email) values ($1, $2, 'admin', 'Ada', 'active', 'ada@acme.example')`, w.tenant, member)
	w.admin = access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: w.tenant, Member: member, Role: "admin", Name: "Ada", Credential: id.New(), Grants: map[access.Action]access.Scope{}}
	for _, a := range []access.Action{retention.ActRead, retention.ActRun, retention.ActHolds, retention.ActPlace, retention.ActRelease, retention.ActDuty, retention.ActDutyDrop} {
		w.admin.Grants[a] = access.All
	}
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.super.Exec(w.Context(), sql, args...); err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) count(sql string, args ...any) (n int64) {
	w.Helper()
	if err := w.super.QueryRow(w.Context(), sql, args...).Scan(&n); err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
	return n
}

// at sets both clocks.
func (w *world) at(moment time.Time) {
	w.Helper()
	w.shift = time.Until(moment)
	w.exec(`insert into clock_shift (shift) values ($1) on conflict on constraint clock_shift_pk do update set shift = excluded.shift`, w.shift)
}

// apply gives the tenant a profile's rules.
func (w *world) apply(p datamap.Profile) {
	w.Helper()
	w.exec(`delete from retention_rule where tenant_id = $1`, w.tenant)
	for _, r := range p.Retention {
		w.exec(`insert into retention_rule (tenant_id, category, event, keep, stored) values ($1, $2, $3, $4::text::interval, $5)`, w.tenant, r.Category, string(r.Event), r.Period.Interval(), r.Period.Unit != datamap.NotStored)
	}
}

func (w *world) run() retention.Run {
	w.Helper()
	runs, err := w.s.RunAll(w.Context(), retention.Daily)
	if err != nil || len(runs) != 1 {
		w.Fatalf("run: %d reports, %v", len(runs), err)
	}
	return runs[0]
}

// declared is one table and category that retention handles.
type declared struct {
	table, category, how string
	events               map[string]string
}

func (d declared) String() string { return d.category + " in " + d.table }

func (w *world) declared() []declared {
	w.Helper()
	rows, err := w.super.Query(w.Context(), `select tab, category, how, events::text from retention_tables() where how in ('rows', 'partitions', 'columns') or how = 'job' and tab = 'member'`)
	if err != nil {
		w.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d declared, err error) {
		var events string
		if err = r.Scan(&d.table, &d.category, &d.how, &events); err == nil {
			err = json.Unmarshal([]byte(events), &d.events)
		}
		return d, err
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// values are what checks of a table ask for and the catalogue does not say.
var values = map[string]any{
	"deal.currency": "USD", "deal.state": "draft", "member.role": "partner", "member.kind": "person", "member.status": "active", "member.email": "pat@north.example", "member.partner_id": id.New().String(),
	"member.name": "Pat", "partner.name": "North", "partner.status": "ended", "mail.status": "sent", "legal_hold.kind": "account", "session.token_hash": `\x01`, "contact.email": "", "audit_entry.outcome": "done",
	"access_log.status": 200, "error_report.state": "solved", "error_report.fingerprint": strings.Repeat("a", 64),
	"promise_evidence.promise": "P-01", "privacy_request.state": "withdrawn", "privacy_request.outcome": "x",
}

type column struct {
	Name, Type string
	Choices    []string
}

const sqlColumns = `select a.attname, format_type(a.atttypid, null), coalesce((select array_agg(m[1]) from pg_constraint k cross join lateral regexp_matches(pg_get_constraintdef(k.oid), '''([^'']+)''::text', 'g') m
    where k.conrelid = a.attrelid and k.contype = 'c' and k.conkey = array[a.attnum] and pg_get_constraintdef(k.oid) like '%= ANY%'), '{}')
  from pg_attribute a where a.attrelid = ('app.' || $1)::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = '' and (a.attnotnull and not a.atthasdef or a.attname = any ($2))`

// put inserts a row of a table whose every event happened at the moment, without the rows that it refers to, and returns its place.
func (w *world) put(d declared, moment time.Time, more map[string]any) string {
	w.Helper()
	row := map[string]any{}
	if d.table == "audit_entry" {
		row["category"] = d.category
	}
	for k, v := range values {
		if table, col, _ := strings.Cut(k, "."); table == d.table && v != nil {
			row[col] = v
		}
	}
	for _, col := range d.events {
		switch col {
		case "active_at":
			row["last_seen_at"] = moment
		case "ended_at":
			if d.table == "session" {
				row["expires_at"], row["idle_expires_at"] = moment, moment
				continue
			}
			row[col] = moment
		default:
			row[col] = moment
		}
	}
	for k, v := range more {
		row[k] = v
	}
	var names []string
	for k := range row {
		names = append(names, k)
	}
	rows, err := w.super.Query(w.Context(), sqlColumns, d.table, names)
	if err != nil {
		w.Fatal(err)
	}
	cols, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		w.Fatal(err)
	}
	var list []string
	for _, c := range cols {
		if _, given := row[c.Name]; !given {
			row[c.Name] = w.plain(c)
		}
		list = append(list, c.Name)
	}
	b, err := json.Marshal(row)
	if err != nil {
		w.Fatal(err)
	}
	names = slices.Clone(list)
	var place string
	cols2 := strings.Join(names, ", ")
	sql := fmt.Sprintf(`insert into app.%[1]s (%[2]s) select %[2]s from jsonb_populate_record(null::app.%[1]s, $1::jsonb) returning (select string_agg(x, ' ') from (select 1) y, lateral (select tableoid::text || ctid::text as x) z)`, d.table, cols2)
	w.exec(`set session_replication_role = replica`) // no foreign keys, no history of what the test puts there
	if err := w.super.QueryRow(w.Context(), sql, string(b)).Scan(&place); err != nil {
		w.Fatalf("make a row of %s: %v\n\tway out: a line in values (internal/retention/world_test.go) that its checks take", d.table, err)
	}
	w.exec(`set session_replication_role = origin`)
	return place
}

func (w *world) plain(c column) any {
	if c.Name == "tenant_id" {
		return w.tenant
	}
	if len(c.Choices) > 0 {
		return c.Choices[0]
	}
	switch c.Type {
	case "uuid":
		return id.New().String()
	case "text":
		return "x " + id.New().String()
	case "bytea":
		return `\x` + strings.ReplaceAll(id.New().String(), "-", "")
	case "boolean":
		return false
	case "jsonb":
		return map[string]any{}
	case "date":
		return "2026-01-01"
	}
	switch {
	case strings.HasSuffix(c.Type, "[]"):
		return []any{}
	case strings.HasPrefix(c.Type, "timestamp"):
		return w.ops.Clock()
	}
	return 1
}
