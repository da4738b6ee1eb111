package isolation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
)

// world is a database in which two tenants, and two partners and the vendor of the first, have a row in every table.
type world struct {
	conn   *pgx.Conn // a superuser's; it becomes each persona in turn
	tables []table
	logins map[pg.Role]string

	vendor, north, south *scope // of tenant A: the vendor's own, and two partners
	other                *scope // of a partner in tenant B
}

// actor is a persona bound to somebody, with the side it tries to get at.
type actor struct {
	name                    string
	role                    pg.Role
	tenant, partner, member string
	own, foreign            *scope
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	db := pgtest.New(t)
	w := &world{conn: pgtest.Super(t, db), logins: map[pg.Role]string{}}
	for _, r := range []pg.Role{pg.Staff, pg.Partner, pg.Public, pg.Worker, pg.Platform, pg.Jobs} {
		w.logins[r] = db.Pool(r).Config().ConnConfig.User
	}
	// Expressions are written in full, and statements must name their schema.
	_, err := w.conn.Exec(ctx, `set search_path = pg_catalog`)
	if err != nil {
		t.Fatal(err)
	}
	if w.tables, err = readTables(ctx, w.conn); err != nil {
		t.Fatal(err)
	}
	wide, err := w.tenantWide(ctx)
	if err != nil {
		t.Fatal(err)
	}
	side := func(name, tenant, partner string) *scope {
		return &scope{name: name, preset: map[string]string{"tenant_id": tenant, "partner_id": partner, "member_id": id.New().String()}}
	}
	a, b := id.New().String(), id.New().String()
	w.vendor, w.north, w.south = side("the vendor", a, ""), side("partner north", a, id.New().String()), side("partner south", a, id.New().String())
	w.other = side("tenant B", b, id.New().String())
	w.vendor.staff, w.north.staff, w.south.staff, w.other.staff = w.vendor.is("member_id"), w.vendor.is("member_id"), w.vendor.is("member_id"), w.other.is("member_id")
	for _, step := range []struct {
		side   *scope
		shared bool
	}{{w.vendor, false}, {w.north, true}, {w.south, true}, {w.other, false}} {
		shared := map[string]row{}
		for _, name := range wide {
			if step.shared {
				shared[name] = w.vendor.rows[name]
			}
		}
		if err := fill(ctx, w.conn, w.tables, step.side, shared); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.conn.Exec(ctx, publish); err != nil {
		t.Fatalf("publish what partners may read: %v", err)
	}
	for _, tab := range w.tables {
		if w.other.rows[tab.name] == nil || w.north.rows[tab.name] == nil && !slices.Contains(wide, tab.name) {
			t.Errorf("no row of %s was made: the mirror does not see it", tab.name)
		}
	}
	return w
}

// tenantWide returns the tables of which a partner sees every row of its tenant, so that none is a partner's own.
func (w *world) tenantWide(ctx context.Context) ([]string, error) {
	rows, err := w.conn.Query(ctx, `select c.relname::text from pg_policy p join pg_class c on c.oid = p.polrelid
	  where p.polname = 'partner_reach' and pg_get_expr(p.polqual, p.polrelid) = '(tenant_id = ( SELECT app.tenant() AS tenant))' or p.polname = 'partner_published'`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (w *world) actors() []actor {
	a, member := w.vendor.is("tenant_id"), w.vendor.is("member_id")
	partner := actor{"partner north", pg.Partner, a, w.north.is("partner_id"), w.north.is("member_id"), w.north, w.other}
	south, vendor := partner, partner
	south.foreign, vendor.foreign = w.south, w.vendor
	out := []actor{
		{"staff of A", pg.Staff, a, "", member, w.north, w.other},
		{"worker of A", pg.Worker, a, "", "", w.north, w.other},
		{"public of A", pg.Public, a, "", "", w.north, w.other},
		{"platform of A", pg.Platform, a, "", "", w.north, w.other},
		{"jobs", pg.Jobs, "", "", "", w.north, w.other},
		partner, south, vendor,
	}
	for _, r := range []pg.Role{pg.Staff, pg.Partner, pg.Public, pg.Worker, pg.Platform} {
		out = append(out, actor{string(r) + " bound to nobody", r, "", "", "", w.north, w.other})
	}
	return out
}

// attempt is one statement that an actor tries.
type attempt struct {
	what, sql, arg string
	refused        bool // it must not touch a single row
	copyIn         bool
	copyOut        bool
}

func match(t table, r row) string {
	var parts []string
	for _, k := range t.key {
		parts = append(parts, fmt.Sprintf(`to_jsonb(r) ->> '%s' = '%v'`, k, r[k]))
	}
	return strings.Join(parts, " and ")
}

// attempts lists what an actor tries on one table.
func (a actor) attempts(t table) []attempt {
	foreign, own := a.foreign.rows[t.name], a.own.rows[t.name]
	if foreign == nil {
		return nil
	}
	at := "app." + t.name
	theirs := match(t, foreign)
	out := []attempt{
		{what: "select", sql: `select to_jsonb(r)::text from ` + at + ` r`},
		{what: "select theirs", sql: `select to_jsonb(r)::text from ` + at + ` r where ` + theirs},
		{what: "select theirs for update", sql: `select to_jsonb(r)::text from ` + at + ` r where ` + theirs + ` for update`},
		{what: "update", sql: `update ` + at + ` r set tenant_id = tenant_id returning to_jsonb(r)::text`},
		{what: "update blindly", sql: `update ` + at + ` set tenant_id = tenant_id`},
		{what: "update theirs", sql: `update ` + at + ` r set tenant_id = tenant_id where ` + theirs + ` returning to_jsonb(r)::text`, refused: true},
		{what: "delete", sql: `delete from ` + at},
		{what: "delete theirs", sql: `delete from ` + at + ` r where ` + theirs + ` returning to_jsonb(r)::text`, refused: true},
		{what: "copy out", sql: `copy ` + at + ` to stdout`, copyOut: true},
		{what: "copy a query out", sql: `copy (select to_jsonb(r) from ` + at + ` r) to stdout`, copyOut: true},
		{what: "copy in", sql: `copy ` + at + ` (tenant_id) from stdin`, copyIn: true, refused: true},
		{what: "lock", sql: `lock table ` + at + ` in row share mode`},
		{what: "truncate", sql: `truncate ` + at + ` cascade`, refused: true},
	}
	// The vendor's entries, and what has no partner, are not a partner's to tell apart.
	tells := a.foreign.is("tenant_id") != a.tenant
	for _, c := range []string{"partner_id", "member_id"} {
		if _, has := t.column(c); has && !(t.name == "audit_entry" && a.foreign.is("partner_id") == "") {
			tells = true
		}
	}
	if r, ok := t.made(a.foreign); ok {
		out = append(out, attempt{what: "insert as them", sql: t.insertion(r), arg: encoded(r), refused: tells})
		for _, k := range t.key {
			r[k] = foreign[k]
		}
		onto := t.insertion(r) + ` on conflict (` + strings.Join(t.key, ", ") + `) do `
		out = append(out, attempt{what: "upsert theirs", sql: onto + `update set tenant_id = excluded.tenant_id`, arg: encoded(r), refused: true},
			attempt{what: "insert theirs again", sql: onto + `nothing`, arg: encoded(r), refused: true})
	}
	if own == nil || a.tenant == "" {
		return out
	}
	for _, c := range []string{"tenant_id", "partner_id", "member_id"} {
		_, has := t.column(c)
		if c == t.key[len(t.key)-1] { // to change an object's own id is to hit the other one's
			continue
		}
		if to, from := a.foreign.is(c), a.own.is(c); has && to != from && (c == "tenant_id" || a.foreign.is("tenant_id") == a.own.is("tenant_id")) {
			out = append(out, attempt{what: "give " + c, sql: fmt.Sprintf(`update %s r set %s = %s where %s`, at, c, literal(to), match(t, own)), refused: true},
				attempt{what: "take " + c, sql: fmt.Sprintf(`update %s r set %s = %s where %s`, at, c, literal(from), theirs), refused: true})
		}
	}
	return append(out, a.linking(t, own)...)
}

// linking lists the attempts to refer to a row of the other side.
func (a actor) linking(t table, own row) []attempt {
	var out []attempt
	for _, l := range t.links {
		to := a.foreign.rows[l.table]
		if to == nil || to[l.to] == a.own.rows[l.table][l.to] || l.column == "tenant_id" {
			continue
		}
		if r, ok := t.another(a.own); ok {
			r[l.column] = to[l.to]
			out = append(out, attempt{what: "insert a link by " + l.name, sql: t.insertion(r), arg: encoded(r), refused: true})
		}
		out = append(out, attempt{what: "link by " + l.name, sql: fmt.Sprintf(`update app.%s r set %s = '%v' where %s`, t.name, l.column, to[l.to], match(t, own)), refused: true})
	}
	return out
}

func literal(s string) string {
	if s == "" {
		return "null"
	}
	return "'" + s + "'"
}

// fair are the ways in which the database refuses: no right, no such row to refer to, no COPY under row-level security. Any
// other error means that the attempt did not get as far as being refused.
var fair = []string{"42501", "23503", "0A000"}

// guards are the triggers that keep what is published as it is, whoever writes.
var guards = regexp.MustCompile(`^(document_version|processor)_(kept|frozen)_ck$`)

// mirror lets every actor try everything on every table and returns what got through. It leaves the database as it was.
func (w *world) mirror(ctx context.Context, actors []actor, tables []table) ([]string, error) {
	var out []string
	for _, a := range actors {
		if _, err := w.conn.Exec(ctx, `savepoint attempt`); err != nil {
			return nil, err
		}
		canaries := a.foreign.canaries(a.own)
		watch := w.watch(a)
		before, err := w.checksum(ctx, watch)
		if err != nil {
			return nil, err
		}
		for _, t := range tables {
			for _, try := range a.attempts(t) {
				found, err := w.try(ctx, a, try, canaries, watch, before)
				if err != nil {
					return nil, fmt.Errorf("%s: %s on %s: %w", a.name, try.what, t.name, err)
				}
				if found != "" {
					out = append(out, fmt.Sprintf("T8 %s against %s: %s on %s: %s", a.name, a.foreign.name, try.what, t.name, found))
				}
			}
		}
		if _, err := w.conn.Exec(ctx, `rollback to savepoint attempt; release savepoint attempt`); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// become returns the statements that make the session the actor's, to be undone by a rollback to the savepoint.
func (w *world) become(a actor) string {
	return fmt.Sprintf(`rollback to savepoint attempt; set local session authorization %s; select set_config('app.tenant_id', '%s', true), set_config('app.partner_id', '%s', true),
	  set_config('app.member_id', '%s', true), set_config('app.op_id', '%s', true), set_config('app.now', '2026-01-01T00:00:00Z', true)`, w.logins[a.role], a.tenant, a.partner, a.member, id.New())
}

// try runs one attempt and says what is wrong with its outcome, "" for nothing.
func (w *world) try(ctx context.Context, a actor, try attempt, canaries map[string]string, watch, before string) (string, error) {
	raw := w.conn.PgConn()
	if _, err := raw.Exec(ctx, w.become(a)).ReadAll(); err != nil {
		return "", err
	}
	shown, touched, err := w.run(ctx, try)
	var refusal *pgconn.PgError
	var finding string
	switch {
	case errors.As(err, &refusal):
		if frozen := refusal.Code == "23514" && guards.MatchString(refusal.ConstraintName); !frozen && !slices.Contains(fair, refusal.Code) {
			finding = fmt.Sprintf("not decided: %s %s", refusal.Code, refusal.Message)
		}
		shown = refusal.Message + refusal.Detail + refusal.Hint
		if strings.Contains(try.what, "insert") || strings.Contains(try.what, "upsert") || strings.Contains(try.what, "link") || strings.Contains(try.what, "give") {
			shown = "" // may repeat what the actor itself said
		}
	case err != nil:
		return "", err
	case try.refused && touched > 0:
		finding = fmt.Sprintf("%d rows touched", touched)
	case touched > 0 && !strings.HasPrefix(try.what, "select"):
		if _, err := raw.Exec(ctx, `reset session authorization`).ReadAll(); err != nil {
			return "", err
		}
		after, err := w.checksum(ctx, watch)
		if err != nil {
			return "", err
		}
		if after != before {
			finding = "their rows are not what they were"
		}
	}
	for _, v := range uuidPattern.FindAllString(shown, -1) {
		if owner, bad := canaries[v]; bad {
			finding = fmt.Sprintf("shows an id of their %s", owner)
		}
	}
	return finding, nil
}

func (w *world) run(ctx context.Context, try attempt) (shown string, touched int64, err error) {
	raw := w.conn.PgConn()
	switch {
	case try.copyOut:
		var buf bytes.Buffer
		tag, err := raw.CopyTo(ctx, &buf, try.sql)
		return buf.String(), tag.RowsAffected(), err
	case try.copyIn:
		tag, err := raw.CopyFrom(ctx, strings.NewReader(w.other.is("tenant_id")+"\n"), try.sql)
		return "", tag.RowsAffected(), err
	}
	var args [][]byte
	if try.arg != "" {
		args = [][]byte{[]byte(try.arg)}
	}
	res := raw.ExecParams(ctx, try.sql, args, nil, nil, nil).Read()
	var b strings.Builder
	for _, r := range res.Rows {
		b.Write(bytes.Join(r, nil))
		b.WriteByte('\n')
	}
	return b.String(), res.CommandTag.RowsAffected(), res.Err
}

// watch returns the query whose answer changes when a row of the foreign side is changed, deleted or added.
func (w *world) watch(a actor) string {
	var parts []string
	for _, t := range w.tables {
		r := a.foreign.rows[t.name]
		if r == nil {
			continue
		}
		where := "r.tenant_id = '" + a.foreign.is("tenant_id") + "'"
		if a.foreign.is("tenant_id") == a.own.is("tenant_id") {
			_, has := t.column("partner_id")
			where += " and (" + match(t, r)
			if has && a.foreign.is("partner_id") != "" {
				where += " or r.partner_id = '" + a.foreign.is("partner_id") + "'"
			}
			where += ")"
		}
		parts = append(parts, fmt.Sprintf(`select '%s: ' || count(*) || coalesce(md5(string_agg(to_jsonb(r)::text, ',' order by to_jsonb(r)::text)), '') as line from app.%s r where %s`, t.name, t.name, where))
	}
	return `select string_agg(line, ' ' order by line) from (` + strings.Join(parts, " union all ") + `) x`
}

func (w *world) checksum(ctx context.Context, watch string) (out string, err error) {
	err = w.conn.QueryRow(ctx, watch).Scan(&out)
	return out, err
}

func TestMirror(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.conn.Exec(t.Context(), `begin`); err != nil {
		t.Fatal(err)
	}
	found, err := w.mirror(t.Context(), w.actors(), w.tables)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// The mirror proves something only where the actor reaches its own rows: where it has a grant, it sees them and can add one.
func TestMirrorReachesItsOwn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := newWorld(t)
	if _, err := w.conn.Exec(ctx, `begin; savepoint attempt`); err != nil {
		t.Fatal(err)
	}
	for _, a := range w.actors() {
		if a.tenant == "" || a.foreign != w.other {
			continue
		}
		for _, tab := range w.tables {
			own := a.own.rows[tab.name]
			fresh, ok := tab.another(a.own)
			if own == nil || !ok {
				continue
			}
			for _, try := range []struct{ privilege, sql, arg string }{
				{"select", `select from app.` + tab.name + ` r where ` + match(tab, own), ""},
				{"insert", tab.insertion(fresh), encoded(fresh)},
			} {
				if _, err := w.conn.PgConn().Exec(ctx, w.become(a)).ReadAll(); err != nil {
					t.Fatal(err)
				}
				var may bool
				if err := w.conn.QueryRow(ctx, `select has_table_privilege($1, $2)`, "app."+tab.name, try.privilege).Scan(&may); err != nil {
					t.Fatal(err)
				}
				if !may {
					continue
				}
				_, n, err := w.run(ctx, attempt{sql: try.sql, arg: try.arg})
				var refusal *pgconn.PgError
				if errors.As(err, &refusal) && refusal.Code == "23505" {
					n, err = 1, nil
				}
				if n != 1 || err != nil {
					t.Errorf("%s may %s its own rows of %s, and did so with %d (%v)", a.name, try.privilege, tab.name, n, err)
				}
			}
		}
	}
}
