//go:build !linux && !darwin && !freebsd

package embedded

import (
	"context"
	"errors"
)

// Server is a running PostgreSQL; there is none on this system.
type Server struct{}

var errSystem = errors.New("the built-in PostgreSQL needs Linux, macOS or FreeBSD")

func unsupported() error {
	return fail(CodeNoBinaries, errSystem, "The built-in database does not run on this system. Use a PostgreSQL of yours with --database-url.")
}

// Start always fails on this system.
func Start(context.Context, Options) (*Server, error) { return nil, unsupported() }

// Attach always fails on this system.
func Attach(context.Context, string) (string, error) { return "", unsupported() }

// Open always fails on this system.
func Open(context.Context, Options) (string, func(context.Context) error, error) {
	return "", nil, unsupported()
}

// URL is empty.
func (*Server) URL() string { return "" }

// Done is never closed.
func (*Server) Done() <-chan struct{} { return nil }

// Err is the refusal of Start.
func (*Server) Err() error { return unsupported() }

// Stop does nothing.
func (*Server) Stop(context.Context) error { return nil }
