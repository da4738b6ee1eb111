//go:build linux || darwin || freebsd

package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente.dev/internal/kernel/errs"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestProgramKilled(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	p := running(t, dir, nil)
	if err := query(t.Context(), p.url, "CREATE TABLE late AS SELECT 7 AS n", nil); err != nil {
		t.Fatal(err)
	}
	old := postmaster(t, dir)
	p.kill()
	began := time.Now()
	s := start(t, dir)
	t.Logf("start after kill -9 %v", time.Since(began))
	if postmaster(t, dir) == old {
		t.Error("the orphan was adopted")
	}
	if got := must(t, s.URL(), "SELECT n::text FROM late"); got != "7" {
		t.Errorf("late %q", got)
	}
	gone(t, old, dir)
}

// The server goes by itself when its program is killed (invariant 3), where the system can tell it.
func TestOrphanEndsItself(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	p := running(t, dir, nil)
	pid := postmaster(t, dir)
	p.kill()
	if runtime.GOOS == "linux" {
		gone(t, pid, dir)
	}
	stop(t, start(t, dir))
	if _, err := os.Stat(filepath.Join(dir, "postgres", "postmaster.pid")); !os.IsNotExist(err) {
		t.Errorf("postmaster.pid stays: %v", err)
	}
}

// A server that does not hear of its program's death is shut down by the next start.
func TestOrphanIsEnded(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	c, err := prepare(Options{DataDir: dir, NoFsync: true, Settings: small})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.chooseSocket(), c.choose(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := c.loadSecret(); err != nil {
		t.Fatal(err)
	}
	orphan := c.host.command(0, filepath.Join(c.bin.dir, "postgres"), c.arguments()...)
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	reaped := make(chan error, 1)
	go func() { reaped <- orphan.Wait() }()
	within(t, "the orphan does not start", func() bool { return c.readPidFile().ready })
	if _, err := Attach(t.Context(), dir); !errs.Is(err, CodeNotRunning) {
		t.Errorf("Attach to an orphan: %v", err)
	}
	s := start(t, dir)
	if err := <-reaped; err != nil {
		t.Errorf("the orphan did not end cleanly: %v", err)
	}
	if got := must(t, s.URL(), "SELECT n::text FROM kept"); got != "42" {
		t.Errorf("kept %q", got)
	}
}

func TestBothKilled(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	p := running(t, dir, nil)
	// A backend in the middle of a long statement outlives its postmaster and keeps its memory.
	go func() {
		_ = query(t.Context(), p.url, "DO $$BEGIN LOOP EXIT WHEN clock_timestamp() > now() + '1min'; END LOOP; END$$", nil)
	}()
	within(t, "the long statement does not run", func() bool {
		return must(t, p.url, "SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE 'DO %'") == "1"
	})
	pid := postmaster(t, dir)
	signal(t, pid, syscall.SIGSTOP) // so that it cannot act on its program's death
	p.kill()
	signal(t, pid, syscall.SIGKILL)
	began := time.Now()
	s := start(t, dir)
	t.Logf("start after both were killed %v", time.Since(began))
	if got := must(t, s.URL(), "SELECT n::text FROM kept"); got != "42" {
		t.Errorf("kept %q", got)
	}
}

// A stale postmaster.pid may name a process that is somebody else's by now, even one of our own user.
func TestRecycledPid(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	p := running(t, dir, nil)
	pid := postmaster(t, dir)
	signal(t, pid, syscall.SIGSTOP)
	p.kill()
	signal(t, pid, syscall.SIGKILL)
	gone(t, pid, dir)
	stranger := exec.Command("sleep", "60")
	c, err := prepare(Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	stranger.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Process.Kill(); _ = stranger.Wait() }()
	path := filepath.Join(dir, "postgres", "postmaster.pid")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n%s", stranger.Process.Pid, rest), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir)
	if got := must(t, s.URL(), "SELECT n::text FROM kept"); got != "42" {
		t.Errorf("kept %q", got)
	}
	if !alive(stranger.Process.Pid) {
		t.Error("the stranger was killed")
	}
}

func TestServerDiesAndIsRevived(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	s := start(t, dir)
	pid := postmaster(t, dir)
	signal(t, pid, syscall.SIGKILL)
	within(t, "the server does not come back", func() bool {
		var n int
		return query(t.Context(), s.URL(), "SELECT n FROM kept", &n) == nil && n == 42 && postmasterOr0(dir) != pid
	})
	select {
	case <-s.Done():
		t.Errorf("done: %v", s.Err())
	default:
	}
}

func postmasterOr0(dir string) int {
	c := layout(dir)
	return c.readPidFile().pid
}

// An initdb that was killed half-way leaves a directory that the next start throws away.
func TestInterruptedInit(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	half := filepath.Join(dir, "postgres.new-123", "data", "base")
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "postgres.secret"), []byte("from the first attempt\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir)
	if !strings.Contains(s.URL(), "from%20the%20first%20attempt") {
		t.Error("the password of the first attempt is not used")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "postgres.new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLostSecret(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	if err := os.Remove(filepath.Join(dir, "postgres.secret")); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir)
	if got := must(t, s.URL(), "SELECT n::text FROM kept"); got != "42" {
		t.Errorf("kept %q", got)
	}
}
