// Package pgtest gives a test its own database: a clone of a migrated template on a real PostgreSQL, with the persona
// pools open. The server is the one that ENTENTE_TEST_DATABASE_URL names, else one that the test process starts.
package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/db"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/embedded"
)

// EnvURL names the variable that holds a superuser URL of a server for tests.
const EnvURL = "ENTENTE_TEST_DATABASE_URL"

var cluster struct {
	sync.Mutex
	url    string // of the maintenance database, "" until the first New
	inst   pg.Installation
	server *embedded.Server
	dir    string
}

// Main runs the tests of a package and then stops the server that they started. Every package that calls New has
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if cluster.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		_ = cluster.server.Stop(ctx)
		cancel()
		_ = os.RemoveAll(cluster.dir)
	}
	os.Exit(code)
}

// New returns a fresh, migrated, empty database that is dropped when the test ends.
func New(t testing.TB) *pg.DB {
	t.Helper()
	url, inst := fresh(t, template(t))
	db, err := pg.OpenPools(t.Context(), url, inst, pg.Options{Conns: map[pg.Role]int{pg.Staff: 8, pg.Partner: 8}})
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(db.Close)
	return db
}

// URL returns the superuser URL of a fresh database that nothing has prepared.
func URL(t testing.TB) string {
	t.Helper()
	start(t)
	url, _ := fresh(t, "template0")
	return url
}

// Copy returns the superuser URL of a copy of a database that URL gave. Nobody may be connected to the original.
func Copy(t testing.TB, original string) string {
	t.Helper()
	u, err := url.Parse(original)
	if err != nil {
		t.Fatal(err)
	}
	copied, _ := fresh(t, strings.TrimPrefix(u.Path, "/"))
	return copied
}

// Super returns a superuser connection to the test's database: for looking at what a persona may not see.
func Super(t testing.TB, db *pg.DB) *pgx.Conn {
	t.Helper()
	start(t)
	cfg, err := pgx.ParseConfig(cluster.url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Database = db.Pool(pg.Staff).Config().ConnConfig.Database
	cfg.RuntimeParams["search_path"] = "app,public"
	conn, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatalf("connect as superuser: %v", err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// start starts the server once for the process.
func start(t testing.TB) {
	t.Helper()
	cluster.Lock()
	defer cluster.Unlock()
	if cluster.url != "" {
		return
	}
	if u := os.Getenv(EnvURL); u != "" {
		cluster.url = u
		return
	}
	dir, err := os.MkdirTemp("", "entente-test-")
	if err != nil {
		t.Fatal(err)
	}
	srv, err := embedded.Start(context.Background(), embedded.Options{DataDir: dir, NoFsync: true, Settings: map[string]string{"max_connections": "300", "shared_buffers": "64MB"}})
	if err != nil {
		t.Fatalf("start PostgreSQL for tests: %v", err)
	}
	cluster.server, cluster.dir, cluster.url = srv, dir, srv.URL()
}

// template returns the name of the migrated template database, made once for each set of migrations and server.
func template(t testing.TB) string {
	t.Helper()
	start(t)
	cluster.Lock()
	defer cluster.Unlock()
	name := "entente_template_" + migrationsHash(t)
	if cluster.inst.Secret != nil {
		return name
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, cluster.url)
	if err != nil {
		t.Fatalf("connect to the test server: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, `select pg_advisory_lock(7101)`); err != nil {
		t.Fatal(err)
	}
	// The template's identity stands in its comment: connecting to a template would keep others from cloning it.
	var note *string
	err = conn.QueryRow(ctx, `select shobj_description(oid, 'pg_database') from pg_database where datname = $1`, name).Scan(&note)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	if err == nil && note != nil {
		raw, err := hex.DecodeString(*note)
		if err != nil || len(raw) != 48 {
			t.Fatalf("template %s has a strange comment; drop it", name)
		}
		cluster.inst = pg.Installation{ID: [16]byte(raw[:16]), Secret: raw[16:]}
		return name
	}
	making := name + "_new"
	for _, sql := range []string{`drop database if exists ` + making, `create database ` + making} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	inst, err := pg.Prepare(ctx, withDatabase(t, cluster.url, making), nil)
	if err != nil {
		t.Fatalf("migrate the template: %v", err)
	}
	whole := hex.EncodeToString(append(inst.ID[:], inst.Secret...))
	for _, sql := range []string{`drop database if exists ` + name, fmt.Sprintf(`alter database %s rename to %s`, making, name), fmt.Sprintf(`comment on database %s is '%s'`, name, whole)} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	cluster.inst = inst
	return name
}

// fresh clones a template and returns the clone's superuser URL.
func fresh(t testing.TB, from string) (string, pg.Installation) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, cluster.url)
	if err != nil {
		t.Fatalf("connect to the test server: %v", err)
	}
	defer conn.Close(ctx)
	v := id.New()
	name := "t_" + hex.EncodeToString(v[:])
	if _, err := conn.Exec(ctx, fmt.Sprintf(`create database %s template %s`, name, from)); err != nil {
		t.Fatalf("clone the template: %v", err)
	}
	t.Cleanup(func() {
		conn, err := pgx.Connect(ctx, cluster.url)
		if err != nil {
			return
		}
		defer conn.Close(ctx)
		_, _ = conn.Exec(ctx, fmt.Sprintf(`drop database if exists %s with (force)`, name))
	})
	return withDatabase(t, cluster.url, name), cluster.inst
}

func withDatabase(t testing.TB, raw, name string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatalf("%s must be a postgres:// URL: %v", EnvURL, err)
	}
	u.Path = "/" + name
	return u.String()
}

func migrationsHash(t testing.TB) string {
	t.Helper()
	h := sha256.New()
	err := fs.WalkDir(db.Migrations, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(db.Migrations, p)
		h.Write([]byte(p))
		h.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
