package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"entente.dev/internal/kernel/config"
	"entente.dev/internal/kernel/pg/migrate"
	"entente.dev/internal/ui"
)

// About says which program this is and which schema it brings.
type About struct {
	config.Build
	Schema int64 `json:"schema_version"`
}

// Version returns what `entente version` prints.
func Version() About { return About{config.ThisBuild(), migrate.Latest()} }

// Check is one question of the doctor.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Report is what the doctor found.
type Report struct {
	OK      bool             `json:"ok"`
	Version About            `json:"version"`
	Checks  []Check          `json:"checks"`
	Config  []config.Setting `json:"config"`
}

func (r *Report) add(name string, err error, detail string, args ...any) bool {
	c := Check{Name: name, OK: err == nil, Detail: fmt.Sprintf(detail, args...)}
	if err != nil {
		c.Detail, r.OK = err.Error(), false
	}
	r.Checks = append(r.Checks, c)
	return err == nil
}

// Doctor checks the installation that cfg names. It may run beside a server on the same data directory; without one it
// starts the database for the checks and stops it again. problems are those of the configuration itself.
func Doctor(ctx context.Context, cfg config.Config, problems error) Report {
	r := Report{OK: true, Version: Version(), Config: cfg.Redacted()}
	if !r.add("configuration", problems, "every setting is usable") {
		return r
	}
	r.add("assets", ui.CheckAssets(), "stylesheets and scripts are built in")
	if !r.add("data directory", writable(cfg.Data), "%s can be written", cfg.Data) {
		return r
	}
	a, err := Open(ctx, cfg, slog.New(slog.DiscardHandler))
	if !r.add("database", err, "reachable; roles cannot step over row-level security; schema %d", migrate.Latest()) {
		return r
	}
	defer func() { r.add("shutdown", a.Close(context.WithoutCancel(ctx)), "clean") }()
	a.checkDatabase(ctx, &r)
	r.add("keys", a.Ops.Keys.Check(ctx), "the key-encryption key %s opens the keys of this installation", a.Ops.Keys.KEK())
	r.add("files", a.blobs.Check(ctx), "%s can be written", a.blobs)
	mail := "mails stay in the e-mail log (no mail server is configured)"
	if cfg.SMTP.Enabled() {
		mail = fmt.Sprintf("mails go to %s:%d", cfg.SMTP.Host, cfg.SMTP.Port)
	}
	r.add("mail", nil, "%s", mail)
	return r
}

func (a *App) checkDatabase(ctx context.Context, r *Report) {
	var version, fsync, full string
	var now time.Time
	if !r.add("server", a.lookAtServer(ctx, &version, &fsync, &full, &now), "PostgreSQL %s", version) {
		return
	}
	var err error
	if fsync != "on" || full != "on" {
		err = fmt.Errorf("fsync is %s and full_page_writes is %s: a crash can lose committed data; turn both on", fsync, full)
	}
	r.add("durability", err, "fsync and full_page_writes are on")
	drift, err := time.Since(now).Abs(), error(nil)
	if drift > time.Minute {
		err = fmt.Errorf("the clocks of this host and of the database differ by %s: set both by NTP", drift.Round(time.Second))
	}
	r.add("clock", err, "this host and the database agree within %s", max(drift, time.Millisecond).Round(time.Millisecond))
	tenants, err := a.TenantsAre(ctx, false)
	r.add("programmes", err, "%d", len(tenants))
}

// writable makes sure that a file can be written in dir and made durable.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return fmt.Errorf("cannot write in %s: %w", filepath.Clean(dir), err)
	}
	defer os.Remove(f.Name())
	if _, err := f.WriteString("ok"); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// Print writes the report for a person.
func (r Report) Print(w io.Writer) {
	fmt.Fprintf(w, "entente %s, schema %d\n\n", r.Version.Version, r.Version.Schema)
	for _, c := range r.Checks {
		mark := "ok  "
		if !c.OK {
			mark = "FAIL"
		}
		fmt.Fprintf(w, "%s  %-16s %s\n", mark, c.Name, c.Detail)
	}
	fmt.Fprintln(w)
	for _, s := range r.Config {
		fmt.Fprintf(w, "  %-22s %s\n", s.Name, s.Value)
	}
}
