package httpx

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"
)

// writeTimeout is how long a client may take to accept one write. The server gives the
// same time to the first one, so a slow reader is dropped while an export or an event
// stream that is being read may last as long as it needs.
const writeTimeout = 60 * time.Second

type exchangeKey struct{}

// exchange is one request and its answer: the response writer handlers see, and what
// the access log needs to know.
type exchange struct {
	under    http.ResponseWriter
	id, ip   string
	start    time.Time
	extended time.Time // when the write deadline was moved last; zero means at start
	body     io.ReadCloser
	status   int
	bytes    int64
	note     error
	timing   bool
	caller   Caller
	broke    string // what panicked, without its value
	trace    string // where
}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// RequestID returns the id of the request ctx belongs to, "" outside of one.
func RequestID(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.id
	}
	return ""
}

// ClientIP returns the address of the caller, "" outside of a request.
func ClientIP(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.ip
	}
	return ""
}

// Note puts err into the request's access-log line. WriteError does it for faults.
func Note(ctx context.Context, err error) {
	if x := exchangeOf(ctx); x != nil {
		x.note = err
	}
}

// Started reports whether an answer to the request has begun, so that it is too late
// for an error page.
func Started(ctx context.Context) bool {
	x := exchangeOf(ctx)
	return x != nil && x.status != 0
}

func (x *exchange) Header() http.Header { return x.under.Header() }

// Unwrap serves http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.under }

func (x *exchange) WriteHeader(status int) {
	if x.status != 0 {
		return
	}
	if status >= 100 && status < 200 {
		x.under.WriteHeader(status)
		return
	}
	x.status = status
	h := x.under.Header()
	secure(h)
	if x.timing {
		ms := float64(time.Since(x.start).Microseconds()) / 1000
		h["Server-Timing"] = []string{"app;dur=" + strconv.FormatFloat(ms, 'f', -1, 64)}
	}
	x.under.WriteHeader(status)
}

func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	x.extend()
	n, err := x.under.Write(p)
	x.bytes += int64(n)
	return n, err
}

// extend moves the write deadline on, at most once a second.
func (x *exchange) extend() {
	last := x.extended
	if last.IsZero() {
		last = x.start
	}
	now := time.Now()
	if now.Sub(last) < time.Second {
		return
	}
	x.extended = now
	// A writer without deadlines (a test recorder) needs none.
	_ = http.NewResponseController(x.under).SetWriteDeadline(now.Add(writeTimeout))
}

// FlushError serves http.ResponseController.
func (x *exchange) FlushError() error {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	x.extend()
	return http.NewResponseController(x.under).Flush()
}

// Flush serves callers that look for an http.Flusher.
func (x *exchange) Flush() { _ = x.FlushError() }
