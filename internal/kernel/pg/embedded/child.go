//go:build linux || darwin || freebsd

package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// child is one run of the server.
type child struct {
	process *os.Process
	from    int64         // where its part of the log begins
	exited  chan struct{} // closed when it is gone
	err     error         // how it went; after exited
}

// launch starts the server process, in a session of its own, with the log file as its output.
func (c *cluster) launch() (*child, error) {
	log, err := os.OpenFile(c.file(logName), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fail(CodeDataDir, err, "The log file %s cannot be written%s.", c.file(logName), because(err.Error()))
	}
	defer log.Close()
	if err := likeParent(log.Name()); err != nil {
		return nil, err
	}
	info, err := log.Stat()
	if err != nil {
		return nil, err
	}
	cmd := c.host.command(syscall.SIGINT, filepath.Join(c.bin.dir, "postgres"), c.arguments()...)
	cmd.Stdout, cmd.Stderr = log, log
	ch := &child{from: info.Size(), exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The system sends the parent's death when the starting thread ends, so it must not.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.host.begin(cmd)
		started <- err
		if err == nil {
			ch.err = cmd.Wait()
			close(ch.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, fail(CodeStart, err, "PostgreSQL could not be started%s.", because(err.Error()))
	}
	ch.process = cmd.Process
	return ch, nil
}

// up brings the server to the point where it takes connections. It waits as long as crash recovery
// takes; ctx alone ends that.
func (c *cluster) up(ctx context.Context) (*child, error) {
	if err := c.clear(ctx); err != nil {
		return nil, err
	}
	patience, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		ch, err := c.launch()
		if err != nil {
			return nil, err
		}
		if err = c.awaitReady(ctx, ch); err == nil {
			return ch, nil
		}
		ch.stop(ctx, nil)
		// Remains of a killed server let go of its shared memory after a moment, or are made to.
		if !strings.Contains(err.Error(), "shared memory block") || patience.Err() != nil {
			return nil, err
		}
		killStrays(c.pg)
	}
}

// awaitReady returns when the server takes connections, or with the end of its log if it dies.
func (c *cluster) awaitReady(ctx context.Context, ch *child) error {
	return poll(ctx, func() (bool, error) {
		select {
		case <-ch.exited:
			tail := c.logSince(ch.from)
			return true, fail(CodeStart, fmt.Errorf("%w: %s", errOr(ch.err, "it ended"), tail), "PostgreSQL did not start%s. Its log is %s.", because(tail), c.file(logName))
		default:
		}
		p := c.readPidFile()
		return p.pid == ch.process.Pid && p.ready, nil
	})
}

func errOr(err error, text string) error {
	if err == nil {
		return errors.New(text)
	}
	return err
}

// stop shuts the server down: fast and clean, at once when hurry is closed or ctx ends, by force
// when even that takes more than five seconds. It returns when the process is gone.
func (ch *child) stop(ctx context.Context, hurry <-chan struct{}) {
	_ = ch.process.Signal(syscall.SIGINT)
	select {
	case <-ch.exited:
		return
	case <-hurry:
	case <-ctx.Done():
	}
	_ = ch.process.Signal(syscall.SIGQUIT)
	select {
	case <-ch.exited:
	case <-time.After(5 * time.Second):
		_ = ch.process.Kill()
		<-ch.exited
	}
}

// pidFile is what postmaster.pid says.
type pidFile struct {
	pid    int
	socket string
	ready  bool
}

func (c *cluster) readPidFile() pidFile {
	text, err := os.ReadFile(filepath.Join(c.pg, "postmaster.pid"))
	if err != nil {
		return pidFile{}
	}
	lines := strings.Split(string(text), "\n")
	var p pidFile
	p.pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	p.pid = max(p.pid, -p.pid) // a server without sessions writes it negative
	if len(lines) > 7 {
		p.socket, p.ready = lines[4], strings.TrimSpace(lines[7]) == "ready"
	}
	return p
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return pid > 0 && (err == nil || errors.Is(err, syscall.EPERM))
}

// clear makes way for a new server: it ends one that outlived its program and disarms what a dead
// one left. The caller holds the lock, so that no program wants the old server any more.
func (c *cluster) clear(ctx context.Context) error {
	old := c.readPidFile()
	if alive(old.pid) && isPostmaster(old.pid, c.pg) {
		if err := c.end(ctx, old.pid); err != nil {
			return err
		}
		old = c.readPidFile()
	}
	if alive(old.pid) {
		if err := c.disarm(old.pid); err != nil {
			return err
		}
	}
	for _, name := range []string{".s.PGSQL.5432", ".s.PGSQL.5432.lock"} {
		if err := os.Remove(filepath.Join(c.socket, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// end shuts down a server that is not our child: fast, after 30 seconds at once, after 10 more by force.
func (c *cluster) end(ctx context.Context, pid int) error {
	c.log.Warn("A PostgreSQL that outlived its program is still running; shutting it down", "pid", pid)
	for _, step := range []struct {
		signal  syscall.Signal
		seconds time.Duration
	}{{syscall.SIGINT, 30}, {syscall.SIGQUIT, 10}, {syscall.SIGKILL, 10}} {
		_ = syscall.Kill(pid, step.signal)
		patience, cancel := context.WithTimeout(ctx, step.seconds*time.Second)
		err := poll(patience, func() (bool, error) { return !alive(pid) || !isPostmaster(pid, c.pg), nil })
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return fail(CodeStart, nil, "A PostgreSQL that outlived its program still runs in %s as process %d and cannot be stopped. Stop it and start again.", c.pg, pid)
}

// disarm rewrites a dead server's pid that now belongs to a stranger. The server takes the pid of
// its own parent for stale and still checks the dead one's shared memory, which removing the file
// would prevent.
func (c *cluster) disarm(pid int) error {
	path := filepath.Join(c.pg, "postmaster.pid")
	text, err := os.ReadFile(path) //nolint:gosec // in the cluster
	if err != nil {
		return err
	}
	_, rest, _ := bytes.Cut(text, []byte("\n"))
	c.log.Info("postmaster.pid is stale: its process is another program now", "pid", pid)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0) //nolint:gosec // in the cluster
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%d\n%s", os.Getpid(), rest)
	return errors.Join(err, f.Close())
}

// address is the connection URL of a database behind a socket.
func address(socket, secret, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(User, secret), Path: "/" + database}
	// libpq, unlike pgx, takes a plus sign for itself.
	host := strings.ReplaceAll(url.QueryEscape(socket), "+", "%20")
	u.RawQuery = "host=" + host + "&port=5432&sslmode=disable"
	return u.String()
}

// ping connects to the program's database once.
func (c *cluster) ping(ctx context.Context) error {
	conn, err := pgconn.Connect(ctx, address(c.socket, c.secret, Database))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// ensureDatabase makes the program's database if it is missing.
func (c *cluster) ensureDatabase(ctx context.Context) error {
	if !c.fresh {
		err := c.ping(ctx)
		var refusal *pgconn.PgError
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &refusal) || refusal.Code != "3D000":
			return fail(CodeStart, err, "PostgreSQL started but does not let the program in. Its log is %s.", c.file(logName))
		}
	}
	conn, err := pgconn.Connect(ctx, address(c.socket, c.secret, "postgres"))
	if err == nil {
		err = conn.Exec(ctx, "CREATE DATABASE "+Database).Close()
		err = errors.Join(err, conn.Close(ctx))
	}
	if err != nil {
		return fail(CodeStart, err, "The database %s could not be made%s.", Database, because(err.Error()))
	}
	return nil
}
