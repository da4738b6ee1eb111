package pg_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/embedded"
	"entente.dev/internal/kernel/pg/migrate"
	"entente.dev/internal/kernel/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func open(t *testing.T, url string) *pg.DB {
	t.Helper()
	db, err := pg.Open(t.Context(), url, pg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// works registers a tenant as the operator and reads it as each persona, bound and unbound.
func works(t *testing.T, db *pg.DB, slug string) {
	t.Helper()
	ctx := t.Context()
	tenant := id.New()
	bound := func(role pg.Role, sql string, args ...any) (out string, err error) {
		err = pgx.BeginFunc(ctx, db.Pool(role), func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, pg.SQLBind, pg.Binding{Tenant: tenant, Now: time.Now()}.Args()...); err != nil {
				return err
			}
			return tx.QueryRow(ctx, sql, args...).Scan(&out)
		})
		return out, err
	}
	if _, err := bound(pg.Platform, `insert into tenant (tenant_id, slug, name) values ($1, $2, $2) returning slug`, tenant, slug); err != nil {
		t.Fatal(err)
	}
	for _, role := range []pg.Role{pg.Staff, pg.Partner, pg.Public, pg.Worker, pg.Platform} {
		if got, err := bound(role, `select string_agg(slug, ' ') from tenant`); err != nil || got != slug {
			t.Errorf("%s reads %q, error %v", role, got, err)
		}
		var n int
		if err := db.Pool(role).QueryRow(ctx, `select count(*) from tenant`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s reads %d tenants unbound, error %v", role, n, err)
		}
	}
	if _, err := bound(pg.Staff, `select app.enqueue('deal.x', '{}')::text`); err != nil {
		t.Errorf("queue a job: %v", err)
	}
	var jobs int
	if err := db.Pool(pg.Jobs).QueryRow(ctx, `select count(*) from river_job where args ->> 'tenant' = $1`, tenant.String()).Scan(&jobs); err != nil || jobs != 1 {
		t.Errorf("the queue has %d jobs, error %v", jobs, err)
	}
}

func TestBootstrapAsSuperuserAndAgain(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := open(t, url)
	works(t, db, "acme")
	again, err := pg.Prepare(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(db.Installation(), again); diff != "" {
		t.Errorf("the second start made another installation: %s", diff)
	}
	// Lost logins, memberships and rights to connect are made good.
	conn := connect(t, url)
	login := db.Pool(pg.Worker).Config().ConnConfig.User
	exec(t, conn, `revoke entente_worker from `+login)
	exec(t, conn, fmt.Sprintf(`revoke connect on database %s from %s`, conn.Config().Database, login))
	db.Close()
	works(t, open(t, url), "umbrella")
}

func TestBootstrapAtOnce(t *testing.T) {
	t.Parallel()
	url, other := pgtest.URL(t), pgtest.URL(t)
	var wg sync.WaitGroup
	made := make([]pg.Installation, 8)
	for i := range made {
		wg.Go(func() {
			var err error
			if made[i], err = pg.Prepare(t.Context(), []string{url, other}[i%2], nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range made {
		if made[i].ID != made[i%2].ID {
			t.Error("programs that start at once made two installations of one database")
		}
	}
	if made[0].ID == made[1].ID {
		t.Error("two databases are one installation")
	}
	works(t, open(t, url), "acme")
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	open(t, url).Close()
	conn := connect(t, url)
	exec(t, conn, `insert into app.schema_version (version_id, is_applied) values ($1, true)`, migrate.Latest()+1)
	_, err := pg.Open(t.Context(), url, pg.Options{})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("schema version %d and this program knows %d", migrate.Latest()+1, migrate.Latest())) {
		t.Errorf("error %v", err)
	}
}

// Two programmes of one cluster know nothing of each other, though they share the group roles.
func TestTwoDatabasesOfOneCluster(t *testing.T) {
	t.Parallel()
	first, second := pgtest.URL(t), pgtest.URL(t)
	a, b := open(t, first), open(t, second)
	works(t, a, "acme")
	works(t, b, "acme")
	_, err := pg.OpenPools(t.Context(), second, a.Installation(), pg.Options{})
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) || refusal.Code != "42501" {
		t.Errorf("a login of one database enters the other: %v", err)
	}
}

// T13.
func TestStrongRoleIsRefused(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := open(t, url)
	conn := connect(t, url)
	inst := db.Installation()
	for _, role := range []pg.Role{pg.Staff, pg.Public, pg.Jobs} {
		login := db.Pool(role).Config().ConnConfig.User
		for strength, weaken := range map[string]string{
			`alter role ` + login + ` superuser`:                               `alter role ` + login + ` nosuperuser`,
			`alter role ` + login + ` bypassrls`:                               `alter role ` + login + ` nobypassrls`,
			`alter role ` + login + ` createrole`:                              `alter role ` + login + ` nocreaterole`,
			`alter role ` + login + ` replication`:                             `alter role ` + login + ` noreplication`,
			`grant entente_owner to ` + login:                                  `revoke entente_owner from ` + login,
			`grant entente_definer to ` + login:                                `revoke entente_definer from ` + login,
			`grant pg_read_all_data to ` + login:                               `revoke pg_read_all_data from ` + login,
			`grant create on schema app to ` + login:                           `revoke create on schema app from ` + login,
			`grant create on schema public to ` + login:                        `revoke create on schema public from ` + login,
			`create table app.mine (); alter table app.mine owner to ` + login: `drop table app.mine`,
		} {
			exec(t, conn, strength)
			strong, err := pg.OpenPools(t.Context(), url, inst, pg.Options{})
			if err == nil {
				strong.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "refusing to serve: database role "+string(role)) {
				t.Errorf("after %q: %v", strength, err)
			}
			exec(t, conn, weaken)
		}
	}
	open(t, url)
}

// Whoever may create objects in schema public could put a function in the way of one that runs with its owner's rights.
func TestOpenPublicSchemaIsClosed(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	conn := connect(t, url)
	exec(t, conn, `grant create on schema public to public`)
	open(t, url)
	var may bool
	if err := conn.QueryRow(t.Context(), `select has_schema_privilege('public', 'public', 'create')`).Scan(&may); err != nil || may {
		t.Errorf("everybody may still create in schema public (%v)", err)
	}
}

// A DBA gives no superuser: a role that owns its database and may create roles is enough.
func TestBootstrapAsOrdinaryRole(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	// Roles are the cluster's, so this has a cluster of its own.
	server, err := embedded.Start(ctx, embedded.Options{DataDir: t.TempDir(), NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = server.Stop(ctx)
	})
	super := connect(t, server.URL())
	as := func(user string) string {
		exec(t, super, fmt.Sprintf(`create role %[1]s login createrole password '%[1]s'`, user))
		exec(t, super, fmt.Sprintf(`create database %[1]s owner %[1]s`, user))
		u, err := url.Parse(server.URL())
		if err != nil {
			t.Fatal(err)
		}
		u.User, u.Path = url.UserPassword(user, user), "/"+user
		return u.String()
	}
	mine := as("keeper")
	works(t, open(t, mine), "acme")
	works(t, open(t, mine), "umbrella")

	// Another such role of the same cluster must be let in by a DBA, and is told so. Before 16, CREATEROLE was enough.
	theirs := as("newcomer")
	var version int
	if err := super.QueryRow(ctx, `select current_setting('server_version_num')::int`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	if version >= 160000 {
		if _, err = pg.Open(ctx, theirs, pg.Options{}); err == nil || !strings.Contains(err.Error(), "with admin option") {
			t.Fatalf("error %v", err)
		}
	}
	for _, r := range []string{"owner", "staff", "partner", "public", "worker", "platform", "jobs", "definer"} {
		exec(t, super, `grant entente_`+r+` to newcomer with admin option`)
	}
	works(t, open(t, theirs), "acme")
}

func TestConstraintAndKinds(t *testing.T) {
	t.Parallel()
	wrapped := func(code, constraint string) error {
		return fmt.Errorf("save: %w", &pgconn.PgError{Code: code, ConstraintName: constraint})
	}
	if got := pg.Constraint(wrapped("23505", "deal_external_uq")); got != "deal_external_uq" {
		t.Errorf("constraint %q", got)
	}
	if got := pg.Constraint(errors.New("deal_external_uq")); got != "" {
		t.Errorf("constraint %q", got)
	}
	for _, c := range []struct {
		code                   string
		retryable, unreachable bool
	}{{"40001", true, false}, {"40P01", true, false}, {"57P01", false, true}, {"53300", false, true}, {"23505", false, false}, {"42501", false, false}} {
		if err := wrapped(c.code, ""); pg.Retryable(err) != c.retryable || pg.Unreachable(err) != c.unreachable {
			t.Errorf("%s: retryable %t, unreachable %t", c.code, pg.Retryable(err), pg.Unreachable(err))
		}
	}
}

func TestLostServerIsUnreachable(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	super := pgtest.Super(t, db)
	conn, err := db.Pool(pg.Staff).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	exec(t, super, `select pg_terminate_backend($1)`, conn.Conn().PgConn().PID())
	// The first statement may still be told of the end; later ones find the connection closed.
	for i := range 2 {
		if _, err := conn.Exec(t.Context(), `select 1`); !pg.Unreachable(err) || pg.Retryable(err) {
			t.Errorf("statement %d: %v", i, err)
		}
	}
}

func TestKeysDiffer(t *testing.T) {
	t.Parallel()
	a, b := pg.Installation{Secret: []byte("a")}, pg.Installation{Secret: []byte("b")}
	keys := []string{string(a.Key("one")), string(a.Key("two")), string(b.Key("one"))}
	if slices.Sort(keys); len(slices.Compact(keys)) != 3 || len(keys[0]) != 32 {
		t.Error("keys of different purposes or installations are equal, or not of 32 bytes")
	}
}

func TestOtherServersAreRefused(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{"postgres://nobody@127.0.0.1:1/x": "connect to the database", "not a url": "connect to the database"} {
		if _, err := pg.Open(t.Context(), url, pg.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", url, err)
		}
	}
}
