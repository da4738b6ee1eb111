//go:build linux || darwin || freebsd

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"entente.dev/internal/kernel/errs"
)

// Server is a running PostgreSQL and the goroutine that keeps it running.
type Server struct {
	c        *cluster
	lock     *os.File
	child    *child // of the supervisor
	stopping chan struct{}
	hurry    chan struct{}
	done     chan struct{}
	once     sync.Once
	err      error // after done
}

// restarts is how often in a row a dying server is started again before the supervisor gives up. A
// minute of life makes it forget earlier deaths.
const restarts = 6

// Start takes the data directory, makes what is missing in it and returns a server that takes
// connections. ctx bounds the starting, crash recovery included, not the server's life. Every error
// carries one of the codes of this package, or is ctx's.
func Start(ctx context.Context, opt Options) (*Server, error) {
	c, err := prepare(opt)
	if err != nil {
		return nil, err
	}
	held, err := lock(ctx, c.dir)
	if err != nil {
		return nil, err
	}
	ch, err := c.start(ctx)
	if err != nil {
		unlock(held)
		return nil, err
	}
	s := &Server{c: c, lock: held, child: ch, stopping: make(chan struct{}), hurry: make(chan struct{}), done: make(chan struct{})}
	c.log.Info("PostgreSQL is ready", "version", c.bin.full, "pid", ch.process.Pid, "binaries", c.bin.dir)
	go s.supervise(context.WithoutCancel(ctx))
	return s, nil
}

// start takes a locked data directory from whatever state it is in to a server with our database.
func (c *cluster) start(ctx context.Context) (*child, error) {
	if err := errors.Join(likeParent(c.file("entente.lock")), c.rotate(logLimit/2)); err != nil {
		return nil, cannotMake(c.dir, err)
	}
	if err := c.giveAll(); err != nil {
		return nil, cannotMake(c.pg, err)
	}
	if err := c.chooseSocket(); err != nil {
		return nil, err
	}
	if err := c.choose(ctx); err != nil {
		return nil, err
	}
	lost, err := c.loadSecret()
	if err != nil {
		return nil, err
	}
	if err := c.initialize(ctx); err != nil {
		return nil, err
	}
	if err := c.configure(); err != nil {
		return nil, err
	}
	if lost {
		if err := c.clear(ctx); err != nil {
			return nil, err
		}
		if err := c.resetPassword(ctx); err != nil {
			return nil, err
		}
	}
	ch, err := c.up(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.ensureDatabase(ctx); err != nil {
		ch.stop(ctx, nil)
		return nil, err
	}
	return ch, nil
}

// URL returns the bootstrap superuser's connection URL. It stays the same over restarts.
func (s *Server) URL() string { return address(s.c.socket, s.c.secret, Database) }

// Done is closed when the server is gone for good: stopped, or dead and not to be revived. A server
// that dies is started again first; callers' pools reconnect by themselves.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why the server is gone; nil before Done is closed and after Stop.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Stop shuts the server down and gives the data directory back. Sessions are cut, transactions
// under way rolled back. When ctx ends first the server stops at once, to recover at its next start,
// and Stop returns ctx's error. It may be called several times.
func (s *Server) Stop(ctx context.Context) error {
	s.once.Do(func() { close(s.stopping) })
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	select {
	case s.hurry <- struct{}{}:
	case <-s.done:
	}
	<-s.done
	return context.Cause(ctx)
}

// supervise owns the child until the end: it restarts it when it dies and keeps its log bounded.
func (s *Server) supervise(ctx context.Context) {
	defer close(s.done)
	defer unlock(s.lock)
	defer s.c.tidy()
	rotation := time.NewTicker(30 * time.Second)
	defer rotation.Stop()
	failures := 0
	stable := time.After(time.Minute)
	for {
		select {
		case <-s.stopping:
			s.child.stop(ctx, s.hurry)
			s.c.log.Info("PostgreSQL stopped")
			return
		case <-rotation.C:
			if err := s.c.rotate(logLimit); err != nil {
				s.c.log.Warn("The log of PostgreSQL cannot be kept small", "error", err)
			}
		case <-stable:
			failures = 0
		case <-s.child.exited:
			s.c.log.Error("PostgreSQL died; starting it again", "error", s.child.err, "log", s.c.logSince(s.child.from))
			if !s.revive(ctx, &failures) {
				return
			}
			stable = time.After(time.Minute)
		}
	}
}

// revive starts the server again, with growing pauses; false means that Stop came, or that it is
// not to be had and s.err says so.
func (s *Server) revive(ctx context.Context, failures *int) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	last := s.child.err
	for *failures < restarts {
		pause := 50 * time.Millisecond << (2 * *failures) // 0.05 s, 0.2, 0.8, 3.2, 12.8, 51.2
		*failures++
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
		ch, err := s.c.up(ctx)
		if err == nil {
			s.child = ch
			s.c.log.Info("PostgreSQL is ready again", "pid", ch.process.Pid)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		last = err
		s.c.log.Error("PostgreSQL did not start again", "error", err)
	}
	s.err = fail(CodeStart, last, "PostgreSQL died %d times in a row. Its log is %s.", restarts, s.c.file(logName))
	return false
}

// tidy removes a socket directory that lies outside the data directory.
func (c *cluster) tidy() {
	if c.socket != c.file("postgres.run") && os.Remove(c.socket) == nil {
		_ = os.Remove(c.file("postgres.socket"))
	}
}

// Attach returns the URL of the server that another program runs in dataDir. While that program
// is starting or its server recovering, it waits, half a minute at most. When no program holds the
// directory the error has CodeNotRunning and the caller may Start; see Open.
func Attach(ctx context.Context, dataDir string) (string, error) {
	absent := fail(CodeNotRunning, nil, "No program runs a database in %s.", dataDir)
	abs, err := filepath.Abs(dataDir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if errors.Is(err, os.ErrNotExist) {
		return "", absent
	}
	if err != nil {
		return "", fail(CodeDataDir, err, "The data directory %s cannot be read%s.", dataDir, because(err.Error()))
	}
	c := layout(abs)
	patience, cancel := context.WithTimeoutCause(ctx, 30*time.Second,
		fail(CodeStart, nil, "The program that holds %s has not got its database ready for half a minute.", dataDir))
	defer cancel()
	err = poll(patience, func() (bool, error) {
		busy, err := held(c.dir)
		switch {
		case err != nil:
			return true, fail(CodeDataDir, err, "The data directory %s cannot be read%s.", dataDir, because(err.Error()))
		case !busy:
			return true, absent
		}
		return c.reachable(patience)
	})
	if err != nil {
		return "", err
	}
	return address(c.socket, c.secret, Database), nil
}

// reachable reports whether the server that postmaster.pid names lets us in, and keeps its address.
func (c *cluster) reachable(ctx context.Context) (bool, error) {
	p := c.readPidFile()
	if !p.ready || !alive(p.pid) {
		return false, nil
	}
	var err error
	c.socket = p.socket
	if c.secret, err = readSecret(c.file("postgres.secret")); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return false, nil
		}
		return true, fail(CodeDataDir, err, "The password file %s cannot be read%s.", c.file("postgres.secret"), because(err.Error()))
	}
	return c.ping(ctx) == nil, nil
}

// Open is for commands that may or may not run beside a server on the same data directory: it
// attaches to a running server or else starts one. release stops what Open started.
func Open(ctx context.Context, opt Options) (url string, release func(context.Context) error, err error) {
	for {
		url, err = Attach(ctx, opt.DataDir)
		if err == nil {
			return url, func(context.Context) error { return nil }, nil
		}
		if !errs.Is(err, CodeNotRunning) {
			return "", nil, err
		}
		s, err := Start(ctx, opt)
		if err == nil {
			return s.URL(), s.Stop, nil
		}
		if !errs.Is(err, CodeInUse) || ctx.Err() != nil { // another program was quicker: attach to its server
			return "", nil, fmt.Errorf("open the database: %w", err)
		}
	}
}
