//go:build linux || darwin || freebsd

package embedded

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// cluster is a data directory and how its server runs.
type cluster struct {
	opt    Options
	log    *slog.Logger
	dir    string // the data directory: absolute, links resolved
	pg     string // the PostgreSQL data directory in it
	cred   *syscall.Credential
	socket string // the socket's directory
	host   host
	bin    binaries
	secret string
	fresh  bool // the cluster was made by this start
}

func layout(dataDir string) cluster {
	return cluster{dir: dataDir, pg: filepath.Join(dataDir, "postgres")}
}

func (c *cluster) file(name string) string { return filepath.Join(c.dir, name) }

// prepare makes the data directory if it is missing and settles whom the server runs as.
func prepare(opt Options) (*cluster, error) {
	abs, err := filepath.Abs(opt.DataDir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil { //nolint:gosec // directories above the data, like mkdir -p
		return nil, cannotMake(abs, err)
	}
	err = os.Mkdir(abs, 0o700)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return nil, cannotMake(abs, err)
	}
	made := err == nil
	dir, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return nil, cannotMake(abs, err)
	}
	c := layout(dir)
	c.opt, c.log = opt, opt.Log
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.cred, err = childUser(c.pg, c.dir); err != nil {
		return nil, err
	}
	if made && c.cred != nil { // the server's group may pass through
		if err := errors.Join(os.Chown(dir, 0, int(c.cred.Gid)), os.Chmod(dir, 0o710)); err != nil { //nolint:gosec // for that group alone
			return nil, cannotMake(dir, err)
		}
	}
	return &c, nil
}

func cannotMake(dir string, err error) error {
	return fail(CodeDataDir, err, "The data directory %s cannot be made or used%s.", dir, because(err.Error()))
}

// clusterMajor returns the major version of the cluster, or 0 when there is none yet.
func (c *cluster) clusterMajor() (int, error) {
	text, err := os.ReadFile(filepath.Join(c.pg, "PG_VERSION"))
	if err == nil {
		major, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return 0, fail(CodeDataDir, err, "%s does not name a version of PostgreSQL.", filepath.Join(c.pg, "PG_VERSION"))
		}
		return major, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return 0, fail(CodeDataDir, err, "The database in %s cannot be read%s.", c.pg, because(err.Error()))
	}
	if info, err := os.Lstat(c.pg); err == nil && (!info.IsDir() || os.Remove(c.pg) != nil) {
		return 0, fail(CodeDataDir, nil, "%s is not a PostgreSQL data directory (it has no PG_VERSION). Nothing was changed. Move it away, or restore it whole.", c.pg)
	}
	return 0, nil
}

// initialize makes the cluster, unless there is one. A half-made one of an earlier attempt is in a
// directory of its own and is thrown away.
func (c *cluster) initialize(ctx context.Context) error {
	leftovers, _ := filepath.Glob(escapeGlob(c.dir) + "/postgres.new-*")
	for _, dir := range leftovers {
		_ = os.RemoveAll(dir) // a dying initdb may still write there; the next start clears it
	}
	if major, err := c.clusterMajor(); major != 0 || err != nil {
		return err
	}
	staging, err := os.MkdirTemp(c.dir, "postgres.new-*")
	if err != nil {
		return cannotMake(c.dir, err)
	}
	defer os.RemoveAll(staging)
	password, data := filepath.Join(staging, "password"), filepath.Join(staging, "data")
	if err := errors.Join(os.WriteFile(password, []byte(c.secret+"\n"), 0o600), c.give(password), c.give(staging)); err != nil {
		return cannotMake(staging, err)
	}
	args := []string{
		"-D", data, "--username=" + User, "--pwfile=" + password, "--auth=scram-sha-256",
		"--encoding=UTF8", "--data-checksums", "--no-instructions",
	}
	if c.opt.NoFsync {
		args = append(args, "--no-sync")
	}
	// Not every system has C.UTF-8 as a locale; C orders the same and only knows fewer letters.
	locales := [][]string{{"--locale=C.UTF-8"}, {"--locale=C"}}
	if c.bin.major >= 17 {
		locales = [][]string{{"--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"}}
	}
	for _, locale := range locales {
		if _, err = c.host.run(ctx, "", filepath.Join(c.bin.dir, "initdb"), append(args, locale...)...); err == nil {
			return c.install(data)
		}
		_ = os.RemoveAll(data)
	}
	return fail(CodeStart, err, "The database could not be made in %s%s.", c.dir, because(err.Error()))
}

// install puts a finished cluster in its place.
func (c *cluster) install(data string) error {
	if err := os.Rename(data, c.pg); err != nil {
		return cannotMake(c.pg, err)
	}
	c.fresh = true
	return c.syncDir()
}

func (c *cluster) syncDir() error {
	if c.opt.NoFsync {
		return nil
	}
	d, err := os.Open(c.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// write replaces a file whole, durably, with its directory's owner as its owner, unless it says the
// same already.
func (c *cluster) write(path, text string, mode os.FileMode) error {
	if have, err := os.ReadFile(path); err == nil && string(have) == text { //nolint:gosec // our own file
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil && !c.opt.NoFsync {
		err = f.Sync()
	}
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = likeParent(f.Name())
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fail(CodeDataDir, err, "%s cannot be written%s.", path, because(err.Error()))
	}
	return nil
}

// likeParent gives a file to its directory's owner, so that root leaves nothing behind that the
// owner of the directory cannot read.
func likeParent(path string) error {
	var st syscall.Stat_t
	if os.Geteuid() != 0 {
		return nil
	}
	if err := syscall.Stat(filepath.Dir(path), &st); err != nil {
		return err
	}
	return os.Lchown(path, int(st.Uid), int(st.Gid))
}

// loadSecret reads the superuser's password or makes one; lost reports that a cluster exists whose
// password nobody knows any more.
func (c *cluster) loadSecret() (lost bool, err error) {
	path := c.file("postgres.secret")
	if c.secret, err = readSecret(path); err == nil {
		return false, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return false, fail(CodeDataDir, err, "The password file %s cannot be read%s.", path, because(err.Error()))
	}
	c.secret = newSecret()
	major, err := c.clusterMajor()
	if err != nil {
		return false, err
	}
	return major != 0, c.write(path, c.secret+"\n", 0o600)
}

func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

func readSecret(path string) (string, error) {
	text, err := os.ReadFile(path) //nolint:gosec // our own file
	if err != nil {
		return "", err
	}
	if s := strings.TrimSpace(string(text)); s != "" {
		return s, nil
	}
	return "", os.ErrNotExist
}

// resetPassword gives the superuser the password of the file, without a server.
func (c *cluster) resetPassword(ctx context.Context) error {
	_, err := c.host.run(ctx, fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'\n", User, c.secret),
		filepath.Join(c.bin.dir, "postgres"), "--single", "-D", c.pg, "-c", "exit_on_error=on", "postgres")
	if err != nil {
		return fail(CodeStart, err, "The file postgres.secret was missing, and a new database password could not be set%s.", because(err.Error()))
	}
	return nil
}

// chooseSocket settles the socket's directory: in the data directory, or a short one among the
// system's temporary files when sockets do not work there, above all because the path is too long.
func (c *cluster) chooseSocket() error {
	note := c.file("postgres.socket")
	here := c.file("postgres.run")
	if err := c.mkdir(here, 0o700); err != nil {
		return cannotMake(here, err)
	}
	if socketWorks(here) {
		c.socket = here
		_ = os.Remove(note)
		return nil
	}
	_ = os.Remove(here)
	if old, err := os.ReadFile(note); err == nil { //nolint:gosec // our own file
		c.socket = strings.TrimSuffix(string(old), "\n")
		if c.private(c.socket) && socketWorks(c.socket) {
			return nil
		}
	}
	var err error
	for _, base := range socketBases() {
		if c.socket, err = os.MkdirTemp(base, "entente-"); err != nil {
			continue
		}
		if err = c.give(c.socket); err == nil && socketWorks(c.socket) {
			return c.write(note, c.socket+"\n", 0o600)
		}
		_ = os.Remove(c.socket)
	}
	return fail(CodeDataDir, err, "No directory for the database's socket could be made in %s.", strings.Join(socketBases(), ", "))
}

func socketBases() []string {
	bases := []string{os.TempDir(), "/tmp"}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" && os.Geteuid() != 0 {
		bases = append([]string{dir}, bases...)
	}
	return bases
}

// private reports whether dir is a real directory that only the server's user may enter.
func (c *cluster) private(dir string) bool {
	var st syscall.Stat_t
	owner := os.Geteuid()
	if c.cred != nil {
		owner = int(c.cred.Uid)
	}
	return syscall.Lstat(dir, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFDIR && st.Mode&0o077 == 0 && int(st.Uid) == owner
}

// socketWorks tries a socket whose name is as long as the server's. A comma would part one
// directory into two in a connection URL.
func socketWorks(dir string) bool {
	if strings.Contains(dir, ",") {
		return false
	}
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.test"))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
