package httpx

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"entente.dev/internal/kernel/errs"
)

// A body may take bodyGrace plus the time it needs at bodyRate, so that a client that
// trickles bytes is dropped and a long upload over a poor line is not.
const (
	bodyGrace = 20 * time.Second
	bodyRate  = 16 << 10 // bytes a second
)

// LimitBody sets how many bytes of body the handler will read: more than that makes
// reading fail with *http.MaxBytesError, which WriteError answers with 413. It replaces
// an earlier limit and must be called before the body is read.
func LimitBody(w http.ResponseWriter, r *http.Request, limit int64) {
	body := r.Body
	if x := exchangeOf(r.Context()); x != nil {
		w, body = x.under, x.body
	}
	if body == nil || body == http.NoBody {
		return
	}
	paced := &pacedBody{ReadCloser: body, rc: http.NewResponseController(w), start: time.Now()}
	r.Body = http.MaxBytesReader(w, paced, limit)
}

type pacedBody struct {
	io.ReadCloser
	rc    *http.ResponseController
	start time.Time
	set   time.Time
	n     int64
}

func (b *pacedBody) Read(p []byte) (int, error) {
	deadline := b.start.Add(bodyGrace + time.Duration(b.n/bodyRate)*time.Second)
	if deadline != b.set {
		b.set = deadline
		_ = b.rc.SetReadDeadline(deadline) // a test recorder has no deadlines
	}
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	if err == io.EOF {
		// Left in place it would cancel the request of a handler that works longer.
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

// ReadBody reads the whole body within its limit. TooLarge "body.too_large" beyond it,
// Malformed "body.unreadable" when it breaks off or comes too slowly.
func ReadBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	var buf bytes.Buffer
	if n := r.ContentLength; n > 0 {
		buf.Grow(int(min(n, 64<<10)) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(r.Body); err != nil {
		return nil, bodyError(err)
	}
	return buf.Bytes(), nil
}

// bodyError tells why a body could not be read.
func bodyError(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		e := errs.New(errs.TooLarge, "body.too_large", "The request is larger than the %d bytes accepted here.", big.Limit)
		e.Err = err
		return e
	}
	e := errs.New(errs.Malformed, "body.unreadable", "The request body broke off.")
	if errors.Is(err, os.ErrDeadlineExceeded) {
		e.Msg = "The request body came too slowly."
	}
	e.Err = err
	return e
}
