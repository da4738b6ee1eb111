package pg

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/migrate"
)

// groupRoles hold the grants and policies; they cannot log in.
var groupRoles = []string{"entente_owner", "entente_staff", "entente_partner", "entente_public", "entente_worker", "entente_platform", "entente_jobs", "entente_definer", "entente_retention"}

var extensions = []string{"btree_gist", "btree_gin", "pg_trgm"}

// bootstrapLock is the advisory lock that lets one starting program at a time prepare a database.
const bootstrapLock = 0x656e74656e7465

// Prepare makes the group roles, extensions, schema and login roles that Entente needs in the database behind url,
// and runs the migrations. It may be run again and by several programs at once. The URL's user must be a superuser, or
// own the database and have CREATEROLE.
func Prepare(ctx context.Context, url string, log *slog.Logger) (Installation, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return Installation{}, fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `set statement_timeout = 0`); err != nil {
		return Installation{}, err
	}
	if err := checkVersion(ctx, conn); err != nil {
		return Installation{}, err
	}
	if err := waitForTurn(ctx, conn); err != nil {
		return Installation{}, fmt.Errorf("wait for another start of the program: %w", err)
	}
	if err := makeRoles(ctx, conn); err != nil {
		return Installation{}, err
	}
	if err := makeSchemas(ctx, conn); err != nil {
		return Installation{}, err
	}
	start := time.Now()
	n, err := migrateAll(ctx, conn)
	if err != nil {
		return Installation{}, err
	}
	if n > 0 {
		log.Info("database migrated", "migrations", n, "took", time.Since(start).Round(time.Millisecond))
	}
	inst, err := readInstallation(ctx, conn)
	if err != nil {
		return Installation{}, err
	}
	return inst, makeLogins(ctx, conn, inst)
}

// waitForTurn takes the bootstrap lock, which lasts as long as the connection. It asks again and again instead of waiting
// inside one statement: a statement that waits holds a snapshot, and a migration may wait for all older snapshots.
func waitForTurn(ctx context.Context, conn *pgx.Conn) error {
	for {
		var mine bool
		if err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, int64(bootstrapLock)).Scan(&mine); err != nil || mine {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func checkVersion(ctx context.Context, conn *pgx.Conn) error {
	var v int
	if err := conn.QueryRow(ctx, `select current_setting('server_version_num')::int`).Scan(&v); err != nil {
		return fmt.Errorf("read the server version: %w", err)
	}
	if major := v / 10000; major < 15 || major > 18 {
		return fmt.Errorf("this is PostgreSQL %d; Entente runs on 15 to 18. Give --database-url a server of one of those versions", major)
	}
	return nil
}

// makeRoles creates the group roles that are missing. Roles belong to the whole cluster, so another database of the same
// cluster may have made them, or be making them now.
func makeRoles(ctx context.Context, conn *pgx.Conn) error {
	for _, r := range groupRoles {
		sql := fmt.Sprintf(`do $$ begin
			if not exists (select 1 from pg_roles where rolname = '%[1]s') then create role %[1]s nologin; end if;
		exception when duplicate_object or unique_violation then null; end $$`, r)
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("create role %s (the URL's user needs CREATEROLE or must be a superuser): %w", r, err)
		}
	}
	for _, r := range []string{"entente_owner", "entente_jobs", "entente_definer", "entente_retention"} {
		sql := fmt.Sprintf(`do $$ begin
			if not pg_has_role(current_user, '%[1]s', 'usage') then execute format('grant %[1]s to %%I', current_user); end if;
		exception when duplicate_object or unique_violation then null; end $$`, r)
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("take on role %s%s: %w", r, adminHint(err), err)
		}
	}
	// The owner hands functions over to these while migrating.
	for _, r := range []string{"entente_jobs", "entente_definer", "entente_retention"} {
		sql := fmt.Sprintf(`do $$ begin
			if not pg_has_role('entente_owner', '%[1]s', 'usage') then grant %[1]s to entente_owner; end if;
		exception when duplicate_object or unique_violation then null; end $$`, r)
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("let entente_owner act as %s%s: %w", r, adminHint(err), err)
		}
	}
	return nil
}

func makeSchemas(ctx context.Context, conn *pgx.Conn) error {
	for _, e := range extensions {
		if _, err := conn.Exec(ctx, `create extension if not exists `+e+` with schema public`); err != nil {
			return fmt.Errorf("create extension %s (have a superuser run: create extension %s): %w", e, e, err)
		}
	}
	for schema, owner := range map[string]string{"app": "entente_owner", "river": "entente_jobs"} {
		var have bool
		if err := conn.QueryRow(ctx, `select to_regnamespace($1) is not null`, schema).Scan(&have); err != nil {
			return err
		}
		if have {
			continue
		}
		if _, err := conn.Exec(ctx, fmt.Sprintf(`create schema %s authorization %s`, schema, owner)); err != nil {
			return fmt.Errorf("create schema %s: %w", schema, err)
		}
	}
	// Every database lets everybody make temporary tables, and those are found before the tables of app by whoever gets the
	// connection next.
	_, err := conn.Exec(ctx, `do $$ begin
			if has_database_privilege('public', current_database(), 'temporary') then
				execute format('revoke temporary on database %I from public', current_database());
			end if;
		end $$`)
	if err != nil {
		return fmt.Errorf("take TEMPORARY on the database away from everybody: %w", err)
	}
	// Databases that were made before PostgreSQL 15 let everybody create objects in public. Where this may not take that
	// away, the check of the persona roles refuses to serve.
	_, err = conn.Exec(ctx, `do $$ begin
			if exists (select from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = 'public' and a.grantee = 0 and a.privilege_type = 'CREATE') then
				revoke create on schema public from public;
			end if;
		end $$`)
	if err != nil {
		return fmt.Errorf("take CREATE on schema public away from everybody: %w", err)
	}
	_, err = conn.Exec(ctx, `set role entente_owner;
		grant usage on schema app to entente_staff, entente_partner, entente_public, entente_worker, entente_platform, entente_jobs, entente_definer;
		reset role`)
	return err
}

// migrateAll brings River's tables and then ours up to date and returns how many of ours ran.
func migrateAll(ctx context.Context, conn *pgx.Conn) (int, error) {
	owner := conn.Config().Copy()
	owner.RuntimeParams["role"] = "entente_jobs"
	owner.RuntimeParams["search_path"] = "river,public"
	if err := migrateRiver(ctx, owner); err != nil {
		return 0, fmt.Errorf("migrate the job queue: %w", err)
	}
	owner = conn.Config().Copy()
	owner.RuntimeParams["role"] = "entente_owner"
	owner.RuntimeParams["search_path"] = "app,public"
	owner.RuntimeParams["statement_timeout"] = "0"
	return migrate.Up(ctx, owner)
}

func migrateRiver(ctx context.Context, cfg *pgx.ConnConfig) error {
	pool, err := poolOf(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: "river", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// readInstallation returns the installation's identity, made at the first call.
func readInstallation(ctx context.Context, conn *pgx.Conn) (Installation, error) {
	var inst Installation
	if _, err := conn.Exec(ctx, `set role entente_owner`); err != nil {
		return inst, err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	var who id.ID
	_, err := conn.Exec(ctx, `insert into app.installation (installation_id, secret) values ($1, $2) on conflict do nothing`, id.New(), secret)
	if err == nil {
		err = conn.QueryRow(ctx, `select installation_id, secret from app.installation`).Scan(&who, &inst.Secret)
	}
	inst.ID = who
	_, resetErr := conn.Exec(ctx, `reset role`)
	return inst, errors.Join(err, resetErr)
}

func (i Installation) login(r Role) string {
	return string(r) + "_" + hex.EncodeToString(i.ID[10:])
}

func (i Installation) password(r Role) string { return hex.EncodeToString(i.Key("role " + string(r))) }

// Key derives a 32-byte key for one purpose from the installation's secret (HKDF-SHA-256).
func (i Installation) Key(purpose string) []byte {
	k, err := hkdf.Key(sha256.New, i.Secret, nil, "entente "+purpose, 32)
	if err != nil {
		panic(err) // only for lengths above 8160
	}
	return k
}

// makeLogins gives every persona its login role in this cluster, with a password derived from the installation's secret. The
// group roles are the cluster's, so a login of another installation would have their rights here too: only this
// installation's logins may connect. (Whoever else must, a DBA grants CONNECT; later starts leave that alone.)
func makeLogins(ctx context.Context, conn *pgx.Conn, inst Installation) error {
	var database string
	if err := conn.QueryRow(ctx, `select current_database()`).Scan(&database); err != nil {
		return err
	}
	var made int
	for _, r := range loginRoles {
		login, quoted := inst.login(r), pgx.Identifier{inst.login(r)}.Sanitize()
		var have, member, connects bool
		err := conn.QueryRow(ctx, `select r.oid is not null, r.oid is not null and pg_has_role(r.oid, $2, 'usage'),
			exists (select from pg_database d, aclexplode(d.datacl) a where d.datname = current_database() and a.grantee = r.oid and a.privilege_type = 'CONNECT')
			from (select) one left join pg_roles r on r.rolname = $1`, login, string(r)).Scan(&have, &member, &connects)
		if err != nil {
			return err
		}
		var sql []string
		if !have {
			made++
			sql = append(sql, fmt.Sprintf(`create role %s login nosuperuser nobypassrls nocreaterole nocreatedb noreplication inherit password '%s'`, quoted, inst.password(r)))
		}
		if !member {
			sql = append(sql, fmt.Sprintf(`grant %s to %s`, r, quoted))
		}
		if !connects {
			sql = append(sql, fmt.Sprintf(`grant connect on database %s to %s`, pgx.Identifier{database}.Sanitize(), quoted))
		}
		if _, err := conn.Exec(ctx, strings.Join(sql, "; ")); err != nil {
			return fmt.Errorf("create login role %s%s: %w", login, adminHint(err), err)
		}
	}
	if made == 0 {
		return nil
	}
	_, err := conn.Exec(ctx, fmt.Sprintf(`revoke connect on database %s from public`, pgx.Identifier{database}.Sanitize()))
	return err
}

// adminHint says what a DBA must do when the roles of the cluster were made by somebody else.
func adminHint(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "42501" {
		return ""
	}
	return " (the roles " + strings.Join(groupRoles, ", ") + " were made by another user: have a superuser grant them to the URL's user with admin option)"
}
