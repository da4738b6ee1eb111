package audit_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/optest"
)

type deal struct {
	Title string `db:"title"`
}

// What goes in comes out, and nobody may change or take away an entry.
func TestEntriesAreAppendOnly(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := pgtest.New(t)
	o := optest.New(t, db)
	super := pgtest.Super(t, db)
	at := time.Now().UTC().Truncate(time.Microsecond)
	who := access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: id.New(), Member: id.New(), Role: "admin", Name: "Ada", Credential: id.New(),
		Request: access.Request{ID: "req", IP: "192.0.2.1", UserAgent: strings.Repeat("é", 200)}}
	partner := id.New()
	if _, err := super.Exec(ctx, `insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme')`, who.Tenant); err != nil {
		t.Fatal(err)
	}
	keys, err := o.Keys.Sealer(ctx, who.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := audit.NewEntry(o.Map, keys, who, id.New(), at, audit.Done, audit.Change{Action: "deal.update", Type: "deal", ID: id.New(), Label: "Label", Partner: partner, Before: deal{Title: "A"}, After: deal{Title: "B"}, Note: "note"})
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
	if err := as(pg.Staff, home, func(tx pgx.Tx) error { return audit.Append(ctx, tx, []audit.Entry{entry}) }); err != nil {
		t.Fatal(err)
	}
	told := optest.Told(t, o, super, `true`)
	if len(told) != 1 || told[0].Entry != entry.EntryID || told[0].ObjectLabel != "Label" || told[0].Note != "note" || told[0].IP != "192.0.2.1" || len(told[0].UserAgent) != 300 ||
		string(told[0].Changes) != `{"title":["A","B"]}` || told[0].ActorName != "Ada" {
		t.Errorf("told %+v", told)
	}
	read := func(role pg.Role, b pg.Binding) (n []int) {
		if err := as(role, b, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `select 1 from audit_entry`)
			if err != nil {
				return err
			}
			n, err = pgx.CollectRows(rows, pgx.RowTo[int])
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
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
func nobodyRewrites(t *testing.T, entry audit.Entry, partner id.ID, as func(pg.Role, pg.Binding, func(pgx.Tx) error) error) {
	t.Helper()
	ctx := t.Context()
	forged := entry
	forged.EntryID, forged.TenantID = id.New(), id.New()
	for _, role := range []pg.Role{pg.Staff, pg.Partner, pg.Worker, pg.Platform, pg.Public} {
		for what, fn := range map[string]func(tx pgx.Tx) error{
			"update":                         func(tx pgx.Tx) error { _, err := tx.Exec(ctx, `update audit_entry set payload = ''`); return err },
			"delete":                         func(tx pgx.Tx) error { _, err := tx.Exec(ctx, `delete from audit_entry`); return err },
			"append to another tenant's log": func(tx pgx.Tx) error { return audit.Append(ctx, tx, []audit.Entry{forged}) },
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
	if want := "access_log_203101 access_log_203102 access_log_203103 audit_entry_203101 audit_entry_203102 audit_entry_203103 row_history_203101 row_history_203103"; made != want {
		t.Errorf("made %s, want %s", made, want)
	}
}
