package browsertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
)

// startTime is how long a program may take until it is ready, its first ever start and the demo included.
const startTime = 90 * time.Second

// Program is a served Entente.
type Program struct {
	URL   string // where pages and API are, without a trailing slash
	Admin string // where health and metrics are
	SetUp string // the one-time link that the program printed, "" when there was a tenant already
	Line  string // what the program printed when it was ready

	// App is the program built a second time on the same data directory, as the operator's commands build it beside a
	// running server. Tests use it for what only the operator may do.
	App *app.App

	dir  string
	stop context.CancelFunc
	done chan error
}

// Start serves a program on free ports of the loopback address from a new data directory, which Stop removes. Its
// warnings and errors go to logTo.
func Start(ctx context.Context, demo bool, logTo io.Writer) (_ *Program, err error) {
	dir, err := os.MkdirTemp("", "entente-browser-")
	if err != nil {
		return nil, err
	}
	p := &Program{dir: dir, done: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Stop())
		}
	}()
	cfg := config.Default()
	cfg.Data, cfg.Demo = dir, demo
	if cfg.Addr, cfg.AdminAddr, err = freePorts(); err != nil {
		return p, err
	}
	p.URL, p.Admin = cfg.Origin(), "http://"+cfg.AdminAddr
	log := slog.New(slog.NewTextHandler(logTo, &slog.HandlerOptions{Level: slog.LevelWarn}))
	serving, cancel := context.WithCancel(ctx)
	p.stop = cancel
	line := make(chan string, 1)
	go func() { p.done <- app.Serve(serving, cfg, log, func(s string) { line <- s }) }()
	select {
	case p.Line = <-line:
	case err = <-p.done:
		p.done <- nil
		return p, fmt.Errorf("the program stopped before it was ready: %w", err)
	case <-time.After(startTime):
		return p, fmt.Errorf("the program was not ready within %s", startTime)
	}
	if _, link, ok := strings.Cut(p.Line, "Set it up at "); ok {
		p.SetUp = strings.TrimSpace(link)
	}
	p.App, err = app.Open(ctx, cfg, log)
	return p, err
}

// Stop ends the program and removes its data.
func (p *Program) Stop() error {
	var err error
	if p.App != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		err = p.App.Close(ctx)
		cancel()
	}
	if p.stop != nil {
		p.stop()
		err = errors.Join(err, <-p.done)
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

// freePorts returns two loopback addresses that nobody listens on at this moment.
func freePorts() (one, two string, err error) {
	var addrs [2]string
	for i := range addrs {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer ln.Close()
		addrs[i] = ln.Addr().String()
	}
	return addrs[0], addrs[1], nil
}
