package httpx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// Caller is who made a request, as far as a door found out.
type Caller struct {
	Tenant, Partner, Member id.ID
	Kind, Name, Action      string
}

// Identify says who made the request of ctx, for Options.Seen.
func Identify(ctx context.Context, c Caller) {
	if x := exchangeOf(ctx); x != nil {
		x.caller = c
	}
}

// Seen is one answered request.
type Seen struct {
	Caller
	Start     time.Time
	Took      time.Duration
	Method    string
	Route     string // the pattern, "" when none fits; never the address
	Status    int
	IP        string
	UserAgent string
	RequestID string
	Fault     string // of a failed request: codes and types, no text that quotes a value
	Trace     string // of a panic: the functions of this program that it went through
}

// seen tells o.Seen of the request. A request that was cut off counts as failed.
func (x *exchange) seen(r *http.Request, o *Options, aborted bool) {
	if o.Seen == nil {
		return
	}
	s := Seen{Caller: x.caller, Start: x.start, Took: time.Since(x.start), Method: r.Method, Route: route(r.Pattern), Status: x.status, IP: x.ip,
		UserAgent: r.UserAgent(), RequestID: x.id, Trace: x.trace}
	if aborted && x.trace != "" {
		s.Status = http.StatusInternalServerError
	}
	if s.Status >= 500 {
		s.Fault = x.broke
		if s.Fault == "" {
			s.Fault = faultOf(x.note)
		}
	}
	o.Seen(s)
}

// route drops the method from a pattern.
func route(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok {
		return strings.TrimSuffix(path, "{$}")
	}
	return pattern
}

// faultOf describes err by codes and types only: its text may quote somebody's data.
func faultOf(err error) string {
	if err == nil {
		return ""
	}
	parts := []string{errs.Of(err).Code}
	root := err
	for next := errors.Unwrap(root); next != nil; next = errors.Unwrap(root) {
		root = next
	}
	if t := fmt.Sprintf("%T", root); t != "*errs.Error" {
		parts = append(parts, t)
	}
	var db interface{ SQLState() string }
	if errors.As(err, &db) {
		parts = append(parts, "SQLSTATE "+db.SQLState())
	}
	return strings.Join(parts, " ")
}

// module is what the functions of this program begin with.
const module = "entente.dev/"

// traceOf returns the functions of this program on the stack of a panic, innermost first, with their lines.
func traceOf() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var lines []string
	broke := false // what comes before the panic is the recovering itself
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."):
			broke = true
		case broke && strings.HasPrefix(f.Function, module) && !strings.HasPrefix(f.Function, module+"internal/kernel/httpx"):
			lines = append(lines, fmt.Sprintf("%s:%d", f.Function, f.Line))
		}
		if !more || len(lines) == 12 {
			return strings.Join(lines, "\n")
		}
	}
}
