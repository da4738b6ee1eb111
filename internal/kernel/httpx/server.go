package httpx

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// ServerOptions are the choices of a listening server; Log is required.
type ServerOptions struct {
	Log   *slog.Logger
	Grace time.Duration // how long running requests may finish; 0 means 15 s
}

// NewServer returns an HTTP server with our time and size limits: 5 s for the header,
// 32 KiB of header, 2 minutes idle. Bodies and answers are limited by progress, see
// LimitBody; there is no limit on how long a stream may last.
func NewServer(h http.Handler, o ServerOptions) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
}

// Serve answers on ln until ctx ends, then stops taking requests, ends event streams
// and lets the others finish for the time of grace. It returns nil after a stop that
// was asked for.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, o ServerOptions) error {
	if o.Grace == 0 {
		o.Grace = 15 * time.Second
	}
	stopping, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	srv := NewServer(h, o)
	base := context.WithValue(context.WithoutCancel(ctx), stoppingKey{}, stopping)
	srv.BaseContext = func(net.Listener) context.Context { return base }

	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Grace)
	defer cancel()
	err := srv.Shutdown(grace)
	if err != nil {
		o.Log.Warn("requests were cut off at shutdown", "grace", o.Grace)
		err = srv.Close()
	}
	if serr := <-failed; serr != nil && !errors.Is(serr, http.ErrServerClosed) {
		return serr
	}
	return err
}
