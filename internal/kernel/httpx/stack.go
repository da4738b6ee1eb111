package httpx

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// DefaultBodyLimit is the size of the largest request body a handler sees unless it
// raises the limit with LimitBody.
const DefaultBodyLimit = 1 << 20

// maxQueryParams bounds the work a query string may cause.
const maxQueryParams = 200

// Options are the choices of the outermost layer; Log is required.
type Options struct {
	Log            *slog.Logger
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed; none by default
	BodyLimit      int64          // 0 means DefaultBodyLimit
	ServerTiming   bool           // tell browsers how long the server took

	// Seen is told of every request once it is answered; it must be quick. nil tells nobody.
	Seen func(Seen)

	// Error answers a request that failed outside any door: a panic, an unreadable
	// query. nil means a problem document.
	Error func(w http.ResponseWriter, r *http.Request, err error)
}

// Stack is the outermost layer of every server of the program. It gives each request an
// id of ours (an id sent by the caller is ignored), sets the security headers on every
// answer including errors, turns a panic into a 500 and keeps the process alive, limits
// and paces the body, and writes one access-log line.
func Stack(next http.Handler, o Options) http.Handler {
	if o.BodyLimit == 0 {
		o.BodyLimit = DefaultBodyLimit
	}
	if o.Error == nil {
		o.Error = WriteError
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{
			under:  w,
			id:     id.New().String(),
			ip:     clientIP(r, o.TrustedProxies),
			start:  time.Now(),
			body:   r.Body,
			timing: o.ServerTiming,
		}
		if len(r.TransferEncoding) > 0 {
			// The standard library drops a Content-Length that came along with
			// Transfer-Encoding; closing leaves nothing to smuggle a request into.
			w.Header()["Connection"] = valClose
		}
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
		if r.Body != nil && r.Body != http.NoBody {
			LimitBody(x, r, o.BodyLimit)
		}
		serve(next, x, r, &o)
	})
}

func serve(next http.Handler, x *exchange, r *http.Request, o *Options) {
	defer func() {
		v := recover()
		aborted := v == http.ErrAbortHandler
		if v != nil && !aborted {
			aborted = x.status != 0
			panicked(x, r, o, v)
		}
		if !aborted && x.status == 0 {
			x.WriteHeader(http.StatusOK)
		}
		accessLog(x, r, o.Log, aborted)
		x.seen(r, o, aborted)
		if aborted {
			// The answer is incomplete; only a broken connection tells the client so.
			panic(http.ErrAbortHandler)
		}
	}()
	if err := readable(r); err != nil {
		o.Error(x, r, err)
		return
	}
	next.ServeHTTP(x, r)
}

// panicked logs a handler's panic and answers 500 while that is still possible.
func panicked(x *exchange, r *http.Request, o *Options, v any) {
	text := fmt.Sprint(v)
	x.broke, x.trace = fmt.Sprintf("panic %T", v), traceOf()
	o.Log.LogAttrs(r.Context(), slog.LevelError, "panic",
		slog.String("request_id", x.id), slog.String("route", r.Pattern),
		slog.String("panic", text[:min(len(text), 1000)]), slog.String("stack", string(debug.Stack())))
	x.note = nil // the line above says it
	if x.status != 0 {
		return
	}
	defer func() {
		// The page for errors is code too. It must not take the connection down.
		if recover() != nil && x.status == 0 {
			WriteError(x, r, errPanic)
		}
	}()
	o.Error(x, r, errPanic)
}

var errPanic = &errs.Error{Kind: errs.Internal, Code: "internal", Msg: "Something went wrong on our side."}

// readable refuses what no handler could make sense of.
func readable(r *http.Request) error {
	if q := r.URL.RawQuery; q != "" {
		if strings.Count(q, "&") >= maxQueryParams {
			return errs.New(errs.Malformed, "query.too_many", "The query has too many parameters.")
		}
		if strings.Contains(q, "%00") || strings.IndexByte(q, 0) >= 0 {
			return errs.New(errs.Malformed, "query.characters", "The query holds a character that cannot be used.")
		}
	}
	if strings.IndexByte(r.URL.Path, 0) >= 0 {
		return errs.New(errs.Malformed, "path.characters", "The address holds a character that cannot be used.")
	}
	return nil
}

// accessLog writes the one line of a request: the route's pattern and never the path,
// the query or a body, so that no token and no personal data reach the log.
func accessLog(x *exchange, r *http.Request, log *slog.Logger, aborted bool) {
	level := slog.LevelInfo
	if x.status >= 500 {
		level = slog.LevelError
	}
	if !log.Enabled(r.Context(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("method", r.Method[:min(len(r.Method), 16)]), slog.String("route", r.Pattern),
		slog.Int("status", x.status), slog.Int64("bytes", x.bytes),
		slog.Float64("ms", float64(time.Since(x.start).Microseconds())/1000),
		slog.String("request_id", x.id), slog.String("ip", x.ip))
	if x.note != nil {
		attrs = append(attrs, slog.String("error", x.note.Error()))
	}
	if aborted {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	log.LogAttrs(r.Context(), level, "request", attrs...)
}

// clientIP is the address of the peer, or, when the peer is a trusted proxy, the last
// address in X-Forwarded-For that is not one.
func clientIP(r *http.Request, trusted []netip.Prefix) string {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	addr := ap.Addr().Unmap().WithZone("")
	if !within(addr, trusted) {
		return addr.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap().WithZone("")
		if !within(addr, trusted) {
			break
		}
	}
	return addr.String()
}

func within(addr netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
