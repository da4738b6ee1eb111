package httpx

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"entente.dev/internal/kernel/errs"
)

// statusClientGone is what the log says of a request whose client did not wait; nobody
// receives it.
const statusClientGone = 499

// retryAfter is sent when the error names no time of its own.
const retryAfter = 5 * time.Second

// statuses is the one place where a kind of error becomes an HTTP status.
var statuses = [...]int{
	errs.Internal:        http.StatusInternalServerError,
	errs.Malformed:       http.StatusBadRequest,
	errs.Invalid:         http.StatusUnprocessableEntity,
	errs.Unauthenticated: http.StatusUnauthorized,
	errs.Forbidden:       http.StatusForbidden,
	errs.NotFound:        http.StatusNotFound,
	errs.Conflict:        http.StatusConflict,
	errs.Stale:           http.StatusPreconditionFailed,
	errs.TooLarge:        http.StatusRequestEntityTooLarge,
	errs.Throttled:       http.StatusTooManyRequests,
	errs.Unavailable:     http.StatusServiceUnavailable,
}

// Status returns the HTTP status of a kind of error.
func Status(k errs.Kind) int {
	if int(k) < len(statuses) {
		return statuses[k]
	}
	return http.StatusInternalServerError
}

// Problem is an RFC 9457 problem document, the answer to every refused API request. It
// is also what an HTML error page is drawn from.
type Problem struct {
	Type      string       `json:"type" doc:"Always about:blank; code tells problems apart."`
	Title     string       `json:"title" doc:"The status in words."`
	Status    int          `json:"status" doc:"The HTTP status."`
	Detail    string       `json:"detail" doc:"What happened and the way out, for people."`
	Code      string       `json:"code" doc:"Stable machine code, such as deal.protected."`
	RequestID string       `json:"request_id" doc:"Quote it when asking for help."`
	Errors    []errs.Field `json:"errors,omitempty" doc:"Every refused field at once."`

	retry time.Duration
}

// NewProblem returns a problem for a status that no kind of error has, such as 405.
func NewProblem(ctx context.Context, status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: title(status), Status: status, Detail: detail,
		Code: code, RequestID: RequestID(ctx)}
}

// ProblemOf describes err to the caller. Only an *errs.Error shows its message; what the
// log must know of a fault is noted for the access log.
func ProblemOf(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		err = bodyError(err)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return NewProblem(ctx, statusClientGone, "client.gone", "The request was given up.")
	}
	e := errs.Of(err)
	if errors.Is(err, context.DeadlineExceeded) && e.Kind == errs.Internal {
		e = &errs.Error{Kind: errs.Unavailable, Code: "timeout", Msg: "That took too long. Try again in a moment.", Err: err}
	}
	p = NewProblem(ctx, Status(e.Kind), e.Code, e.Msg)
	p.Errors, p.retry = e.Fields, e.RetryAfter
	if (e.Kind == errs.Throttled || e.Kind == errs.Unavailable) && p.retry <= 0 {
		p.retry = retryAfter
	}
	if p.Status >= 500 && e.Err != nil {
		Note(ctx, e)
	}
	return p
}

func title(status int) string {
	if t := http.StatusText(status); t != "" {
		return t
	}
	return "Client Closed Request"
}

// Error returns the problem's code and detail.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is the media type of a problem, whatever was negotiated.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders returns the headers that go with the problem: Retry-After on 429 and 503,
// WWW-Authenticate on 401.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retry.Seconds()))))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="entente"`)
	}
	return h
}

// Prepare drops from h what a handler said about the answer it then could not give, and
// adds the headers that go with the problem.
func (p *Problem) Prepare(h http.Header) {
	for _, name := range [...]string{"Content-Type", "Content-Length", "Content-Encoding", "Content-Disposition", "Etag", "Last-Modified", "Cache-Control"} {
		h.Del(name)
	}
	for name, v := range p.GetHeaders() {
		h[name] = v
	}
}

// Write sends the problem as application/problem+json.
func (p *Problem) Write(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers only
	}
	p.Prepare(w.Header())
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client is gone if this fails
}

// WriteError answers with the problem document of err. If the answer has begun it
// breaks the connection instead, so that half an answer is not taken for a whole one.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(r.Context(), err)
	if Started(r.Context()) {
		Note(r.Context(), err)
		panic(http.ErrAbortHandler)
	}
	p.Write(w)
}

// DottedName turns a JSON pointer (/account/domain, /items/3/name) into the name a
// problem gives the field: account.domain, items[3].name.
func DottedName(pointer string) string {
	var b strings.Builder
	for tok := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if _, err := strconv.ParseUint(tok, 10, 32); err == nil && b.Len() > 0 {
			b.WriteString("[" + tok + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(tok, "~1", "/"), "~0", "~"))
	}
	return b.String()
}
