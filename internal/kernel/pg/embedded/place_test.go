//go:build linux || darwin || freebsd

package embedded

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"entente.dev/internal/kernel/errs"
)

func TestOddPaths(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 30)
	for name, dir := range map[string]string{
		"spaces":        "my data",
		"quotes":        `o'data "x" \n $HOME %41+&#?`,
		"comma":         "a,b",
		"dash and glob": "-rf * [x]",
		"long":          long,
		"unicode":       "données",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := copySeed(t, filepath.Join(t.TempDir(), dir))
			s := start(t, dir)
			if got := must(t, s.URL(), "SELECT n::text FROM kept"); got != "42" {
				t.Errorf("kept %q", got)
			}
			url, err := Attach(t.Context(), dir)
			if err != nil || url != s.URL() {
				t.Errorf("Attach: %q, %v", url, err)
			}
			if real, _ := filepath.EvalSymlinks(dir); strings.HasPrefix(s.c.socket, real) != (name != "long" && name != "comma") {
				t.Errorf("the socket is in %s", s.c.socket)
			}
			stop(t, s)
			if _, err := os.Stat(s.c.socket); name == "long" && !os.IsNotExist(err) {
				t.Errorf("the socket's directory stays: %v", err)
			}
		})
	}
}

// A program killed in a place with a far socket leaves its directory; the next start takes it again.
func TestLongPathKilled(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), strings.Repeat("x", 120)))
	p := running(t, dir, nil)
	p.kill()
	s := start(t, dir)
	if s.URL() != p.url {
		t.Errorf("another socket: %s, was %s", s.URL(), p.url)
	}
}

func TestOtherMajorVersion(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	path := filepath.Join(dir, "postgres", "PG_VERSION")
	for _, major := range []string{"16", "15", "99"} {
		if err := os.WriteFile(path, []byte(major+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), Options{DataDir: dir})
		if !errs.Is(err, CodeVersion) {
			t.Fatalf("version %s: %v", major, err)
		}
		for _, want := range []string{"PostgreSQL " + major, "major version ", BinEnv, "pg_upgrade", "dump"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in: %v", want, err)
			}
		}
	}
}

func TestNotACluster(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	precious := filepath.Join(dir, "postgres", "letters.txt")
	if err := errors.Join(os.MkdirAll(filepath.Dir(precious), 0o755), os.WriteFile(precious, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{DataDir: dir}); !errs.Is(err, CodeDataDir) {
		t.Error(err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "data")} {
		if _, err := Start(t.Context(), Options{DataDir: dir}); !errs.Is(err, CodeDataDir) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// Data and binaries under a directory that only its owner may pass. As root the server's user is
// another one; as an ordinary user this is the ordinary case.
func TestClosedParent(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	bin := copyPackage(t, closed)
	dir := filepath.Join(closed, "data")
	p := running(t, dir, func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, BinEnv+"="+bin) })
	if err := query(t.Context(), p.url, "CREATE EXTENSION pg_trgm", nil); err != nil {
		t.Error(err)
	}
	pid := postmaster(t, dir)
	p.kill()
	p = running(t, dir, func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, BinEnv+"="+bin) })
	if got := must(t, p.url, "SELECT extname::text FROM pg_extension WHERE extname = 'pg_trgm'"); got != "pg_trgm" {
		t.Error(got)
	}
	gone(t, pid, dir)
	p.end(t)
}

// The npm package without its post-install script has no library links, and may be read-only.
func TestPackageWithoutLinks(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o755, 0o555} {
		t.Run(strconv.FormatUint(uint64(mode), 8), func(t *testing.T) {
			t.Parallel()
			base := openDir(t)
			bin := copyPackage(t, base)
			lib := filepath.Join(filepath.Dir(bin), "lib")
			dropLinks(t, lib)
			if err := os.Chmod(lib, mode); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(lib, 0o755) })
			data := filepath.Join(base, "data")
			if err := os.Mkdir(data, 0o700); err != nil {
				t.Fatal(err)
			}
			p := running(t, data, ordinary(t, base, func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, BinEnv+"="+bin) }))
			p.end(t)
		})
	}
}

func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	base := openDir(t)
	dir := filepath.Join(base, "their data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := running(t, dir, ordinary(t, base, nil))
	info, err := os.Stat(filepath.Join(dir, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if owner == 0 {
		t.Error("the cluster belongs to root")
	}
	p.end(t)
	// The same directory by ourselves, who may be root, and by its owner again.
	stop(t, start(t, dir))
	p = running(t, dir, ordinary(t, base, nil))
	p.end(t)
	if os.Geteuid() == 0 {
		other := copySeed(t, filepath.Join(base, "of another"))
		_, line := run(t, other, ordinary(t, "", nil))
		if !strings.Contains(line, CodeDataDir) || !strings.Contains(line, "permission") && !strings.Contains(line, "belongs to") {
			t.Errorf("a data directory of another user: %q", line)
		}
	}
}

// A caller that reads the program's output to its end must not wait for the server.
func TestServerHoldsNoPipe(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	p := running(t, dir, nil)
	pid := postmaster(t, dir)
	signal(t, pid, syscall.SIGSTOP)
	defer signal(t, pid, syscall.SIGCONT)
	_ = p.cmd.Process.Kill()
	if rest := p.line(); rest != "" { // returns at the end of the pipe
		t.Errorf("more output: %q", rest)
	}
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	dir := copySeed(t, filepath.Join(t.TempDir(), "data"))
	s := start(t, dir)
	for range 50 {
		_ = query(t.Context(), s.URL(), "SELECT 1/0", nil)
	}
	if err := s.c.rotate(1000); err != nil {
		t.Fatal(err)
	}
	log, err := os.Stat(filepath.Join(dir, logName))
	if err != nil || log.Size() > 1000 {
		t.Errorf("the log has %d bytes, %v", log.Size(), err)
	}
	if old, err := os.ReadFile(filepath.Join(dir, logName+".1")); err != nil || !strings.Contains(string(old), "division by zero") {
		t.Errorf("the old log: %.200s, %v", old, err)
	}
	_ = query(t.Context(), s.URL(), "SELECT sqrt(-1)", nil)
	if text := s.c.logSince(0); !strings.Contains(text, "square root") || strings.HasPrefix(text, "\x00") {
		t.Errorf("the log after rotation: %q", text)
	}
}

// openDir makes a directory that any user may pass, with all above it, and that root's ordinary
// stand-in owns.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const someone = 65534

// ordinary makes the helper run as an ordinary user who owns everything under base; as such a user
// it changes nothing.
func ordinary(t *testing.T, base string, change func(*exec.Cmd)) func(*exec.Cmd) {
	t.Helper()
	return func(cmd *exec.Cmd) {
		if change != nil {
			change(cmd)
		}
		if os.Geteuid() != 0 {
			return
		}
		place := openDir(t)
		exe := filepath.Join(place, "program")
		if out, err := exec.Command("cp", os.Args[0], exe).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if base != "" {
			err := filepath.WalkDir(base, func(path string, _ fs.DirEntry, err error) error {
				return errors.Join(err, os.Lchown(path, someone, someone))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		cmd.Path = exe
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: someone, Gid: someone}}
	}
}

// copyPackage copies the PostgreSQL of the seed to dir and returns its directory of programs. An
// installed one has its files in several places and stays where it is.
func copyPackage(t *testing.T, dir string) string {
	t.Helper()
	bins := candidates(seed)
	if len(bins) == 0 {
		t.Fatal("no PostgreSQL")
	}
	root := filepath.Dir(filepath.Dir(bins[0]))
	if _, err := os.Stat(filepath.Join(root, "native", "pg-symlinks.json")); err != nil {
		return bins[0]
	}
	if out, err := exec.Command("cp", "-Rp", root, filepath.Join(dir, "package")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return filepath.Join(dir, "package", "native", "bin")
}

func dropLinks(t *testing.T, lib string) {
	t.Helper()
	entries, err := os.ReadDir(lib)
	if err != nil {
		return // an installed PostgreSQL
	}
	for _, e := range entries {
		if e.Type() == fs.ModeSymlink {
			if err := os.Remove(filepath.Join(lib, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
}
