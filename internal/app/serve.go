package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"entente.dev/internal/kernel/config"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/ui"
)

// Serve runs the server until ctx ends. ready is called once with the line to print: where it listens and, on an
// installation without a tenant, the one-time set-up link.
func Serve(ctx context.Context, cfg config.Config, log *slog.Logger, ready func(line string)) error {
	if err := ui.CheckAssets(); err != nil {
		return err
	}
	// Listen first: a port that is taken is told before a database is started.
	public, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen on --addr %s: %w", cfg.Addr, err)
	}
	defer public.Close()
	private, err := net.Listen("tcp", cfg.AdminAddr)
	if err != nil {
		return fmt.Errorf("listen on --admin-addr %s: %w", cfg.AdminAddr, err)
	}
	defer private.Close()

	a, err := Start(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if err := a.Close(stop); err != nil {
			log.Error("stopping", "error", err)
		}
	}()
	if err := a.noteOrigin(); err != nil {
		return err
	}
	if cfg.Demo {
		if err := a.FillDemo(ctx); err != nil {
			return err
		}
	}
	return a.run(ctx, public, private, ready)
}

func (a *App) run(ctx context.Context, public, private net.Listener, ready func(string)) error {
	registry := a.workers()
	runner, err := jobs.New(a.DB.Pool(pg.Jobs), registry, a.Log)
	if err != nil {
		return err
	}
	if a.server != nil { // nobody else serves from this data directory
		n, err := runner.Reclaim(ctx)
		if err != nil {
			return err
		}
		if n > 0 {
			a.Log.Warn("jobs that were cut off are taken up again", "jobs", n)
		}
	}
	if err := a.replayErasures(ctx); err != nil {
		return err
	}
	doors := a.Doors()
	a.probing(doors) // before the jobs begin: one of them probes
	if err := runner.Start(ctx); err != nil {
		return fmt.Errorf("start the job runner: %w", err)
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		if err := runner.Stop(stop); err != nil {
			a.Log.Warn("jobs were cut off at shutdown; they run again at the next start", "error", err)
		}
	}()
	if err := a.ensurePolicies(ctx); err != nil {
		return fmt.Errorf("give every programme a data policy: %w", err)
	}
	line, err := a.welcome(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.Identity.Run(ctx) })
	g.Go(func() error { return a.Journal.Run(ctx) })
	g.Go(func() error { return a.Seal.Run(ctx) })
	g.Go(func() error { return a.Ops.Keys.Run(ctx) })
	g.Go(func() error {
		h := httpx.Stack(a.public(doors), httpx.Options{Log: a.Log, TrustedProxies: a.Config.Proxies(), Error: doors.ServeError, Seen: a.seen})
		return httpx.Serve(ctx, public, h, httpx.ServerOptions{Log: a.Log})
	})
	g.Go(func() error {
		return httpx.Serve(ctx, private, httpx.Stack(a.private(), httpx.Options{Log: slog.New(slog.DiscardHandler)}), httpx.ServerOptions{Log: a.Log, Grace: time.Second})
	})
	if a.server != nil {
		g.Go(func() error {
			select {
			case <-a.server.Done():
				return fmt.Errorf("the database stopped: %w", a.server.Err())
			case <-ctx.Done():
				return nil
			}
		})
	}
	ready(line)
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// welcome returns the line that tells where the program listens.
func (a *App) welcome(ctx context.Context) (string, error) {
	link, err := a.Identity.SetUpLink(ctx)
	if err != nil {
		return "", err
	}
	if link != "" {
		return "Entente is ready. Set it up at " + link, nil
	}
	line := "Entente is ready at " + a.Config.Origin()
	if a.Config.Demo {
		people, err := a.demoWelcome(ctx)
		return line + people, err
	}
	return line, nil
}

// health answers the two questions of whoever runs the program: alive, and able to serve.
func (a *App) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := a.DB.Ping(ctx); err != nil {
			a.Log.Warn("not ready", "error", err)
			w.Header().Set("Retry-After", "2")
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ready\n"))
	})
}
