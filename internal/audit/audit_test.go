package audit

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type meta struct {
	Version int       `db:"version"`
	Updated time.Time `db:"updated_at"`
}

type deal struct {
	*meta
	Title     string     `db:"title"`
	Amount    *int64     `db:"amount_minor"`
	Until     time.Time  `db:"protected_until"`
	Decided   *time.Time `db:"decided_at"`
	Invented  string     `db:"unheard_of"`
	Untagged  string
	skipped   string
	Dismissed string `db:"-"`
}

type mail struct {
	Subject string  `db:"subject"`
	Link    *string `db:"link"`
}

func ptr[T any](v T) *T { return &v }

func TestDiff(t *testing.T) {
	t.Parallel()
	m, err := datamap.Load(t.Context(), pgtest.New(t).Pool(pg.Staff))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	berlin := at.In(time.FixedZone("CET", 3600))
	cases := []struct {
		name          string
		table         string
		before, after any
		want          map[string][2]any
	}{
		{"nothing", "deal", nil, nil, map[string][2]any{}},
		{"new", "deal", nil, deal{Title: "T", Amount: ptr(int64(5)), Untagged: "x", skipped: "x", Dismissed: "x"}, map[string][2]any{"title": {nil, "T"}, "amount_minor": {nil, int64(5)}}},
		{"gone", "deal", &deal{Title: "T"}, nil, map[string][2]any{"title": {"T", nil}}},
		{"a nil pointer is nothing", "deal", (*deal)(nil), deal{Title: "T"}, map[string][2]any{"title": {nil, "T"}}},
		{"changed and emptied", "deal", deal{Title: "A", Amount: ptr(int64(5))}, &deal{Title: "B"}, map[string][2]any{"title": {"A", "B"}, "amount_minor": {int64(5), nil}}},
		{"equal pointers", "deal", deal{Amount: ptr(int64(5))}, deal{Amount: ptr(int64(5))}, map[string][2]any{}},
		{"a moment in another zone", "deal", deal{Until: at, Decided: &at}, deal{Until: berlin, Decided: &berlin}, map[string][2]any{}},
		{"another moment", "deal", deal{Until: at}, deal{Until: at.Add(time.Hour)}, map[string][2]any{"protected_until": {at, at.Add(time.Hour)}}},
		{"what says nothing", "deal", deal{meta: &meta{1, at}}, deal{meta: &meta{2, berlin.Add(1)}}, map[string][2]any{}},
		{"a column that nobody classified", "deal", deal{Invented: "a"}, deal{Invented: "b"}, map[string][2]any{}},
		{"a secret", "mail", nil, mail{"Welcome", ptr("https://portal.example/reset?token=s3cret")}, map[string][2]any{"subject": {nil, "Welcome"}}},
		{"a table that nobody knows", "deals", nil, deal{Title: "T"}, map[string][2]any{}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, Diff(m, c.table, c.before, c.after)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if got := Diff(datamap.Map{}, "deal", nil, deal{Title: "T"}); len(got) != 0 {
		t.Errorf("without a data map %v is on record", got)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"aé", 2, "a"}, {"é", 1, ""}, {"日本", 4, "日"}, {"", 0, ""}} {
		if got := clip(c.s, c.n); got != c.want {
			t.Errorf("clip(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}

// What goes in comes out, and nobody may change or take away an entry.
func TestEntriesAreAppendOnly(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := pgtest.New(t)
	m, err := datamap.Load(ctx, db.Pool(pg.Staff))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC().Truncate(time.Microsecond)
	who := access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: id.New(), Member: id.New(), Role: "admin", Name: "Ada", Credential: id.New(),
		Request: access.Request{ID: "req", IP: "192.0.2.1", UserAgent: strings.Repeat("é", 200)}}
	partner := id.New()
	entry, err := NewEntry(m, who, id.New(), at, Done, Change{Action: "deal.update", Type: "deal", ID: id.New(), Label: "Label", Partner: partner, Before: deal{Title: "A"}, After: deal{Title: "B"}, Note: "note"})
	if err != nil {
		t.Fatal(err)
	}
	as := func(role pg.Role, b pg.Binding, fn func(tx pgx.Tx) error) error {
		return pgx.BeginFunc(ctx, db.Pool(role), func(tx pgx.Tx) error {
			b.Now = at
			if _, err := tx.Exec(ctx, pg.SQLBind, b.Args()...); err != nil {
				return err
			}
			return fn(tx)
		})
	}
	home := pg.Binding{Tenant: who.Tenant}
	if err := as(pg.Staff, home, func(tx pgx.Tx) error { return Append(ctx, tx, []Entry{entry}) }); err != nil {
		t.Fatal(err)
	}
	read := func(role pg.Role, b pg.Binding) []Entry {
		var out []Entry
		if err := as(role, b, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `select tenant_id, entry_id, at, op_id, actor_kind, actor_id, actor_name, actor_role, credential_id, partner_id, action, outcome, object_type, object_id,
			  object_label, changes, note, request_id, ip, user_agent from audit_entry`)
			if err != nil {
				return err
			}
			out, err = pgx.CollectRows(rows, pgx.RowToStructByName[Entry])
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	alike := cmp.Options{cmp.Transformer("json", func(b json.RawMessage) (v any) { _ = json.Unmarshal(b, &v); return v }), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })}
	if diff := cmp.Diff([]Entry{entry}, read(pg.Staff, home), alike); diff != "" {
		t.Error(diff)
	}
	for what, n := range map[string]int{
		"its partner":     len(read(pg.Partner, pg.Binding{Tenant: who.Tenant, Partner: partner})) - 1,
		"another partner": len(read(pg.Partner, pg.Binding{Tenant: who.Tenant, Partner: id.New()})),
		"another tenant":  len(read(pg.Staff, pg.Binding{Tenant: id.New()})),
	} {
		if n != 0 {
			t.Errorf("%s reads %+d entries more than it should", what, n)
		}
	}
	nobodyRewrites(t, entry, partner, as)
}

// nobodyRewrites lets every persona try to change, take away or forge what is on record.
func nobodyRewrites(t *testing.T, entry Entry, partner id.ID, as func(pg.Role, pg.Binding, func(pgx.Tx) error) error) {
	t.Helper()
	ctx := t.Context()
	forged := entry
	forged.EntryID, forged.TenantID = id.New(), id.New()
	for _, role := range []pg.Role{pg.Staff, pg.Partner, pg.Worker, pg.Platform, pg.Public} {
		for what, fn := range map[string]func(tx pgx.Tx) error{
			"update":                         func(tx pgx.Tx) error { _, err := tx.Exec(ctx, `update audit_entry set note = ''`); return err },
			"delete":                         func(tx pgx.Tx) error { _, err := tx.Exec(ctx, `delete from audit_entry`); return err },
			"append to another tenant's log": func(tx pgx.Tx) error { return Append(ctx, tx, []Entry{forged}) },
			"rewrite the history":            func(tx pgx.Tx) error { _, err := tx.Exec(ctx, `update row_history set new_row = null`); return err },
			"write the history": func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, `insert into row_history (tenant_id, at, db_role, table_name, row_id, change) values ($1, now(), 'x', 'deal', $1, 'insert')`, entry.TenantID)
				return err
			},
		} {
			b := pg.Binding{Tenant: entry.TenantID}
			if role == pg.Partner {
				b.Partner = partner
			}
			var refusal *pgconn.PgError
			if err := as(role, b, fn); !errors.As(err, &refusal) || refusal.Code != "42501" {
				t.Errorf("%s may %s: %v", role, what, err)
			}
		}
	}
}

// A month that nobody made in time keeps its rows in the partition for the rest, and keeps no other month from being made.
func TestLateMonth(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := pgtest.New(t)
	super := pgtest.Super(t, db)
	for _, sql := range []string{
		`insert into row_history (tenant_id, at, db_role, table_name, row_id, change) values (gen_random_uuid(), '2031-02-10Z', 'x', 'deal', gen_random_uuid(), 'insert')`,
	} {
		if _, err := super.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := db.Pool(pg.Worker).Exec(ctx, `select app.ensure_partitions('2031-01-15Z', 3)`); err != nil {
			t.Fatal(err)
		}
	}
	var made string
	if err := super.QueryRow(ctx, `select string_agg(relname, ' ' order by relname) from pg_class where relname ~ '_20310[1-3]$' and relkind = 'r'`).Scan(&made); err != nil {
		t.Fatal(err)
	}
	if want := "audit_entry_203101 audit_entry_203102 audit_entry_203103 row_history_203101 row_history_203103"; made != want {
		t.Errorf("made %s, want %s", made, want)
	}
}
