//go:build linux || darwin || freebsd

package embedded

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/kernel/errs"
)

func TestFirstStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	began := time.Now()
	s, err := Start(t.Context(), Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("first start %v", time.Since(began))
	for sql, want := range map[string]string{
		"SHOW listen_addresses": "", "SHOW fsync": "on", "SHOW synchronous_commit": "on", "SHOW data_checksums": "on", "SHOW timezone": "UTC",
		"SHOW server_encoding": "UTF8", "SHOW shared_buffers": "256MB", "SHOW jit": "off", "SELECT current_database()": Database, "SELECT lower('ÄÉ')": "äé",
		"SELECT string_agg(type || ' ' || auth_method, ',') FROM pg_hba_file_rules": "local scram-sha-256,local scram-sha-256",
	} {
		if got := must(t, s.URL(), sql); got != want {
			t.Errorf("%s = %q, want %q", sql, got, want)
		}
	}
	for name, mode := range map[string]os.FileMode{"postgres.secret": 0o600, "postgres.log": 0o600, "postgres": 0o700, "postgres.run": 0o700} {
		info, err := os.Stat(filepath.Join(s.c.dir, name))
		if name == "postgres.run" && err != nil {
			info, err = os.Stat(s.c.socket)
		}
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v, want mode %o", name, info, err, mode)
		}
	}
	if query(t.Context(), address(s.c.socket, "wrong", Database), "SELECT 1", nil) == nil {
		t.Error("a wrong password opens the database")
	}
	stop(t, s)
	if s.Err() != nil {
		t.Errorf("Err after Stop is %v", s.Err())
	}
	if _, err := Attach(t.Context(), dir); !errs.Is(err, CodeNotRunning) {
		t.Errorf("Attach after Stop: %v", err)
	}
}

func TestRestartKeepsData(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	for range 2 {
		began := time.Now()
		s := start(t, dir)
		t.Logf("start %v", time.Since(began))
		if got := must(t, s.URL(), "SELECT n::text FROM kept"); got != "42" {
			t.Errorf("kept %q", got)
		}
		stop(t, s)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	s, err := Start(t.Context(), Options{DataDir: dir, NoFsync: true, Settings: map[string]string{"shared_buffers": "20MB", "search_path": `"it's \ odd"`}})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	if a, b := must(t, s.URL(), "SHOW shared_buffers"), must(t, s.URL(), "SHOW search_path"); a != "20MB" || b != `"it's \ odd"` {
		t.Errorf("shared_buffers %s, search_path %s", a, b)
	}
}

func TestBadSettingIsReported(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	for _, bad := range []map[string]string{{"no_such_setting": "1"}, {"a\nb": "1"}, {"jit": "on\n"}} {
		_, err := Start(t.Context(), Options{DataDir: dir, NoFsync: true, Settings: bad})
		if !errs.Is(err, CodeStart) {
			t.Errorf("%v: %v", bad, err)
		}
		if _, ok := bad["no_such_setting"]; ok && !strings.Contains(err.Error(), "no_such_setting") {
			t.Errorf("the error does not quote the server: %v", err)
		}
	}
}

func TestSecondStartNamesPid(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	p := running(t, dir, nil)
	_, err := Start(t.Context(), Options{DataDir: dir})
	if !errs.Is(err, CodeInUse) || !strings.Contains(err.Error(), "process "+itoa(p.cmd.Process.Pid)) {
		t.Errorf("second start: %v, want the pid %d", err, p.cmd.Process.Pid)
	}
	if got := must(t, p.url, "SELECT n::text FROM kept"); got != "42" {
		t.Errorf("the first server answers %q", got)
	}
	p.end(t)
}

func TestAttach(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := Attach(t.Context(), dir); !errs.Is(err, CodeNotRunning) {
		t.Errorf("Attach to nothing: %v", err)
	}
	copySeed(t, dir)
	if _, err := Attach(t.Context(), dir); !errs.Is(err, CodeNotRunning) {
		t.Errorf("Attach to a stopped one: %v", err)
	}
	p := running(t, dir, nil)
	url, err := Attach(t.Context(), dir)
	if err != nil || url != p.url {
		t.Fatalf("Attach: %q, %v; want %q", url, err, p.url)
	}
	if got := must(t, url, "SELECT n::text FROM kept"); got != "42" {
		t.Errorf("kept %q", got)
	}
	p.kill()
	if _, err := Attach(t.Context(), dir); !errs.Is(err, CodeNotRunning) {
		t.Errorf("Attach after kill -9: %v", err)
	}
}

// Several commands at once on one directory all get the one server.
func TestOpenTogether(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	type result struct {
		url     string
		release func(context.Context) error
		err     error
	}
	results := make(chan result)
	for range 4 {
		go func() {
			url, release, err := Open(t.Context(), Options{DataDir: dir, NoFsync: true, Settings: small})
			results <- result{url, release, err}
		}()
	}
	urls := map[string]bool{}
	for range 4 {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
			continue
		}
		urls[r.url] = true
		defer func() { _ = r.release(context.WithoutCancel(t.Context())) }()
	}
	if len(urls) != 1 {
		t.Errorf("%d different servers", len(urls))
	}
}

func TestStopInAHurry(t *testing.T) {
	t.Parallel()
	s := start(t, copySeed(t, filepath.Join(t.TempDir(), "data")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); err != nil && err != context.Canceled { //nolint:errorlint // the very error
		t.Error(err)
	}
	<-s.Done()
	if err := s.Err(); err != nil {
		t.Error(err)
	}
}
