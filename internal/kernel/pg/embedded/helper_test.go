//go:build linux || darwin || freebsd

package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The test binary plays the program that is killed: with this variable it starts a server on the
// directory it names, says so on its output and waits for its input to end.
const helperEnv = "ENTENTE_EMBEDDED_HELPER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperEnv); dir != "" {
		os.Exit(helper(dir))
	}
	os.Exit(testMain(m))
}

func helper(dir string) int {
	ctx := context.Background()
	opt := Options{DataDir: dir, NoFsync: true, Settings: small}
	if os.Getenv("ENTENTE_EMBEDDED_VERBOSE") != "" {
		opt.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	s, err := Start(ctx, opt)
	if err != nil {
		fmt.Println("refused:", err)
		return 1
	}
	fmt.Println("ready:", s.URL())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Stop(ctx); err != nil {
		fmt.Println("stop:", err)
		return 1
	}
	fmt.Println("stopped")
	return 0
}

// small keeps many servers on one test machine light.
var small = map[string]string{"shared_buffers": "16MB", "max_connections": "20"}

// seed is a data directory with a finished cluster and one row, made once; tests that are not
// about the making work on copies.
var seed string

func testMain(m *testing.M) int {
	base, err := os.MkdirTemp("", "entente-embedded-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(base)
	seed = filepath.Join(base, "seed")
	ctx := context.Background()
	s, err := Start(ctx, Options{DataDir: seed, NoFsync: true, Settings: small})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	err = query(ctx, s.URL(), "CREATE TABLE kept AS SELECT 42 AS n", nil)
	if err := errors.Join(err, s.Stop(ctx)); err != nil {
		fmt.Println(err)
		return 1
	}
	return m.Run()
}

func query(ctx context.Context, url, sql string, dest any) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if dest == nil {
		_, err = conn.Exec(ctx, sql)
		return err
	}
	return conn.QueryRow(ctx, sql).Scan(dest)
}

// must runs one statement and returns its single value as text.
func must(t *testing.T, url, sql string) string {
	t.Helper()
	var out string
	if err := query(t.Context(), url, sql, &out); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// copySeed copies the seed to dir, owners and modes included.
func copySeed(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-Rp", seed, dir).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	return dir
}

// start starts a server on dir and stops it with the test.
func start(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Options{DataDir: dir, NoFsync: true, Settings: small})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// program is another process that runs a server.
type program struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
	url   string
}

// run starts the helper and waits for its first line, which it returns; it is killed with the test,
// and its server ends before the test's directory is removed.
func run(t *testing.T, dir string, change func(*exec.Cmd)) (*program, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), helperEnv+"="+dir)
	cmd.Stderr = os.Stderr
	if change != nil {
		change(cmd)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd, stdin: in, lines: bufio.NewScanner(out)}
	t.Cleanup(func() {
		p.kill()
		drain(t, dir)
	})
	line := p.line()
	p.url = strings.TrimPrefix(line, "ready: ")
	return p, line
}

// running is run for a program that must come up.
func running(t *testing.T, dir string, change func(*exec.Cmd)) *program {
	t.Helper()
	p, line := run(t, dir, change)
	if !strings.HasPrefix(line, "ready: ") {
		t.Fatal(line)
	}
	return p
}

func (p *program) line() string {
	if p.lines.Scan() {
		return p.lines.Text()
	}
	return ""
}

// kill is kill -9.
func (p *program) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// end asks the program to stop and waits for it.
func (p *program) end(t *testing.T) {
	t.Helper()
	_ = p.stdin.Close()
	if line := p.line(); line != "stopped" {
		t.Errorf("the program said %q, not that it stopped", line)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// within polls until done, or fails the test after ten seconds.
func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := poll(ctx, func() (bool, error) { return done(), nil }); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// drain waits for the end of a server whose program was killed.
func drain(t *testing.T, dir string) {
	t.Helper()
	c := layout(dir)
	if pid := c.readPidFile().pid; alive(pid) && isPostmaster(pid, c.pg) {
		_ = syscall.Kill(pid, syscall.SIGINT)
		gone(t, pid, dir)
	}
}

// postmaster returns the pid in a data directory's postmaster.pid.
func postmaster(t *testing.T, dir string) int {
	t.Helper()
	c := layout(dir)
	pid := c.readPidFile().pid
	if pid == 0 {
		t.Fatalf("no postmaster.pid in %s", dir)
	}
	return pid
}

// gone waits for the end of a process.
func gone(t *testing.T, pid int, dir string) {
	t.Helper()
	within(t, fmt.Sprintf("process %d still runs", pid), func() bool {
		return !alive(pid) || !isPostmaster(pid, filepath.Join(dir, "postgres"))
	})
}

func signal(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}
