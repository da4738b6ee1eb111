// Package pg is the way to PostgreSQL: one pool for each persona role, so that the database itself limits what a
// request can reach and plans stay cached; the binding of a transaction to its tenant; and the bootstrap of roles,
// extensions and migrations on any PostgreSQL 15 to 18 that a single URL names.
package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Querier runs SQL: a pool, a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Role is a persona role of the schema; each has its own login and pool.
type Role string

// The roles that the program logs in as. The group roles have these names; the logins carry the installation's suffix.
const (
	Staff    Role = "entente_staff"
	Partner  Role = "entente_partner"
	Public   Role = "entente_public"
	Worker   Role = "entente_worker"
	Platform Role = "entente_platform"
	Jobs     Role = "entente_jobs" // owns River's tables
)

var loginRoles = []Role{Staff, Partner, Public, Worker, Platform, Jobs}

// Options tune Open; the zero value works.
type Options struct {
	Log *slog.Logger
	// Conns bounds the pool of each role; a role that is not named gets 4.
	Conns map[Role]int
}

// DB holds the persona pools of one installation.
type DB struct {
	pools        map[Role]*pgxpool.Pool
	installation Installation
}

// Installation is the identity of a database: made once, at the first start.
type Installation struct {
	ID     [16]byte
	Secret []byte // 32 bytes; keys and role passwords are derived from it
}

// Open prepares the database behind url (roles, extensions, migrations) and opens one pool for each persona.
// It refuses a server outside 15 to 18 and a persona role that could step over row-level security.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	inst, err := Prepare(ctx, url, o.Log)
	if err != nil {
		return nil, err
	}
	return OpenPools(ctx, url, inst, o)
}

// OpenPools opens the persona pools on a database that Prepare has prepared.
func OpenPools(ctx context.Context, url string, inst Installation, o Options) (*DB, error) {
	db := &DB{pools: map[Role]*pgxpool.Pool{}, installation: inst}
	for _, role := range loginRoles {
		cfg, err := pgxpool.ParseConfig(url)
		if err != nil {
			return nil, fmt.Errorf("database URL: %w", err)
		}
		cfg.MaxConns = 4
		if n := o.Conns[role]; n > 0 {
			cfg.MaxConns = int32(n)
		}
		cfg.MinConns = 0
		cfg.MaxConnLifetime = time.Hour
		cfg.MaxConnIdleTime = 10 * time.Minute
		cfg.HealthCheckPeriod = time.Minute
		cfg.ConnConfig.ConnectTimeout = 5 * time.Second
		cfg.ConnConfig.User = inst.login(role)
		cfg.ConnConfig.Password = inst.password(role)
		cfg.ConnConfig.RuntimeParams["search_path"] = "app,public"
		if role == Jobs {
			cfg.ConnConfig.RuntimeParams["search_path"] = "river,public"
		}
		cfg.ConnConfig.RuntimeParams["application_name"] = "entente"
		cfg.ConnConfig.RuntimeParams["statement_timeout"] = "30000"
		cfg.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "60000"
		cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
		pool, err := pgxpool.NewWithConfig(ctx, cfg)
		if err != nil {
			db.Close()
			return nil, fmt.Errorf("open pool %s: %w", role, err)
		}
		db.pools[role] = pool
	}
	for _, role := range loginRoles {
		if err := refuseStrongRole(ctx, db.pools[role], role); err != nil {
			db.Close()
			return nil, err
		}
	}
	return db, nil
}

// A role counts with everything it is a member of, and so could become.
const sqlStrongRole = `
select coalesce(bool_or(r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolreplication or r.rolname like 'pg\_%'
                        or r.rolname in ('entente_owner', 'entente_definer', 'entente_retention') or r.rolname = 'entente_jobs' and not $1), false)
       or has_schema_privilege(current_user, 'app', 'create') or has_schema_privilege(current_user, 'public', 'create')
       or exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                   where n.nspname = 'app' and pg_has_role(current_user, c.relowner, 'member'))
  from pg_roles r where pg_has_role(current_user, r.oid, 'member')`

// refuseStrongRole returns an error when the pool's role is a superuser, bypasses row security, owns tables of app, may put
// objects where functions would find them, or is a member of a role that could do so.
func refuseStrongRole(ctx context.Context, p *pgxpool.Pool, role Role) error {
	var strong bool
	if err := p.QueryRow(ctx, sqlStrongRole, role == Jobs).Scan(&strong); err != nil {
		return fmt.Errorf("check role %s: %w", role, err)
	}
	if strong {
		return fmt.Errorf("refusing to serve: database role %s can step over row-level security (superuser, BYPASSRLS, CREATEROLE, REPLICATION, owner of tables, CREATE on schema app or public, or a member of such a role); take that away from it", role)
	}
	return nil
}

// Pool returns the pool of a role. It panics for a role that does not exist: that is a mistake in the program.
func (db *DB) Pool(r Role) *pgxpool.Pool {
	p := db.pools[r]
	if p == nil {
		panic("pg: no pool for role " + string(r))
	}
	return p
}

// Installation returns the identity of the database.
func (db *DB) Installation() Installation { return db.installation }

// Close closes every pool and waits for connections in use.
func (db *DB) Close() {
	for _, p := range db.pools {
		p.Close()
	}
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.pools[Public].Ping(ctx) }

// Constraint returns the name of the constraint that err violates, or "".
func Constraint(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.ConstraintName
	}
	return ""
}

// Retryable reports whether err means that the whole transaction did not happen and may be run again:
// a serialization failure or a deadlock. A lost connection is not retryable: the commit may have happened.
func Retryable(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01")
}

// Unreachable reports whether err means that the database is down, starting, shutting down or full, or that the connection
// broke, in which case a commit that was under way may have happened.
func Unreachable(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch e.Code[:2] {
		case "08", "53", "57", "58":
			return true
		}
		return false
	}
	var c *pgconn.ConnectError
	var n *net.OpError
	return errors.As(err, &c) || errors.As(err, &n) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err) || errors.Is(err, context.DeadlineExceeded)
}
