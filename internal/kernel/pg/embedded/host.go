//go:build linux || darwin || freebsd

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// host is how a child runs: as whom, with which capabilities and libraries.
type host struct {
	cred *syscall.Credential // nil: as ourselves
	caps []uintptr
	libs string
}

// command prepares a child that gets signal when this program dies, where the system can do that.
// The caller starts it with begin and waits for it on the same locked thread.
func (h host) command(signal syscall.Signal, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...) //nolint:gosec // the binaries were chosen by the operator
	cmd.Dir = "/"
	cmd.Env = h.environ()
	cmd.SysProcAttr = processAttributes(h, signal)
	return cmd
}

// environ keeps what a server needs and nothing that could steer it, such as PGDATA or PGOPTIONS.
func (h host) environ() []string {
	env := []string{"LC_ALL=C", "LANG=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}
	if h.libs != "" {
		name := "LD_LIBRARY_PATH"
		if runtime.GOOS == "darwin" {
			name = "DYLD_LIBRARY_PATH"
		}
		env = append(env, name+"="+h.libs)
	}
	return env
}

// run runs a short-lived child to its end and returns what it printed. The child is killed when ctx ends
// or the program dies.
func (h host) run(ctx context.Context, stdin, name string, args ...string) (string, error) {
	cmd := h.command(syscall.SIGKILL, name, args...)
	if stdin != "" {
		cmd.Stdin = strings.NewReader(stdin)
	}
	var out, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaints
	started, finished := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := h.begin(cmd)
		started <- err
		if err == nil {
			finished <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	select {
	case err := <-finished:
		if err != nil {
			err = fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(complaints.String()))
		}
		return out.String(), err
	case <-ctx.Done():
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its session: initdb has a child of its own
		<-finished
		return "", context.Cause(ctx)
	}
}

// reach finds the least the child needs to get at its directories and at bin, and returns what
// postgres says about its version.
func (c *cluster) reach(ctx context.Context, bin binaries) (host, string, error) {
	h := host{cred: c.cred, libs: bin.libs}
	paths := []string{filepath.Join(bin.dir, "postgres"), c.dir, c.socket}
	if real, err := filepath.EvalSymlinks(c.pg); err == nil {
		paths = append(paths, real)
	}
	script := `postgres=$1; shift; for d; do cd "$d" || exit 97; done; exec "$postgres" --version`
	attempts := [][]uintptr{nil}
	if c.cred != nil {
		attempts = append(attempts, usableCaps()...)
	}
	var out string
	var err error
	for _, caps := range attempts {
		h.caps = caps
		if out, err = h.run(ctx, "", "/bin/sh", append([]string{"-c", script, "sh"}, paths...)...); err == nil {
			return h, out, nil
		}
	}
	var exit *exec.ExitError
	switch {
	case c.cred == nil:
		return h, "", err
	case errors.As(err, &exit) && exit.ExitCode() == 97:
		return h, "", fail(CodeDataDir, err, "PostgreSQL runs as user %s, not as root, and that user cannot reach %s. "+
			"Open the directories above it for passing through (chmod o+x), or run the program as an ordinary user.", userName(c.cred.Uid), c.dir)
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EINVAL):
		return h, "", fail(CodeStart, err, "PostgreSQL does not run as root, and root may not become user %s here. "+
			"Run the program as an ordinary user.", userName(c.cred.Uid))
	default:
		return h, "", fmt.Errorf("as user %s: %w", userName(c.cred.Uid), err)
	}
}

// childUser returns whom the server runs as: nil for ourselves unless we are root. A cluster or a
// data directory keeps its owner.
func childUser(dirs ...string) (*syscall.Credential, error) {
	for _, dir := range dirs {
		var st syscall.Stat_t
		if err := syscall.Stat(dir, &st); err != nil {
			continue
		}
		if os.Geteuid() == 0 && st.Uid != 0 {
			return credential(st.Uid, st.Gid), nil
		}
		if me := os.Geteuid(); me != 0 && int(st.Uid) != me {
			return nil, fail(CodeDataDir, nil, "%s belongs to user %s, but the program runs as %s. Run it as that user, or give the whole data directory to %[3]s.",
				dir, userName(st.Uid), userName(uint32(me))) //nolint:gosec // a uid
		}
	}
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if errors.Join(err1, err2) == nil && uid != 0 {
			return credential(uint32(uid), uint32(gid)), nil
		}
	}
	return credential(65534, 65534), nil
}

func credential(uid, gid uint32) *syscall.Credential {
	return &syscall.Credential{Uid: uid, Gid: gid, Groups: []uint32{gid}}
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

// mkdir makes one directory if it is missing, owned by the server's user.
func (c *cluster) mkdir(dir string, mode os.FileMode) error {
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return c.give(dir)
}

// give makes the server's user the owner of path; without such a user it does nothing.
func (c *cluster) give(path string) error {
	if c.cred == nil {
		return nil
	}
	return os.Lchown(path, int(c.cred.Uid), int(c.cred.Gid))
}

// giveAll gives a whole cluster that root owns, say after a restore, to the server's user.
func (c *cluster) giveAll() error {
	var st syscall.Stat_t
	if c.cred == nil || syscall.Stat(c.pg, &st) != nil || st.Uid == c.cred.Uid {
		return nil
	}
	root, err := filepath.EvalSymlinks(c.pg)
	if err != nil {
		return err
	}
	return filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return c.give(path)
	})
}

// orderedSubsets returns the first one, two, … of wanted that are also in have.
func orderedSubsets(wanted []uintptr, have uint64) [][]uintptr {
	var out [][]uintptr
	var set []uintptr
	for _, c := range wanted {
		if have&(1<<c) != 0 {
			set = append(set, c)
			out = append(out, slices.Clone(set))
		}
	}
	return out
}
