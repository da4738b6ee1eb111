package httpx

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// deadlines is a response writer that remembers the deadlines it was given.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error  { d.read = append(d.read, t); return nil }
func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = append(d.write, t); return nil }

// A54: a trickled body runs into its deadline, a steady one moves it on, and a body that
// was read leaves none behind.
func TestBodyDeadlineMovesWithProgress(t *testing.T) {
	d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	h := Stack(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
	}), Options{Log: slog.New(slog.DiscardHandler)})
	began := time.Now()
	h.ServeHTTP(d, httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", 512<<10))))
	if len(d.read) < 3 {
		t.Fatalf("%d deadlines", len(d.read))
	}
	first, last, end := d.read[0], d.read[len(d.read)-2], d.read[len(d.read)-1]
	if first.Sub(began) > bodyGrace+time.Second || last.Sub(first) < 30*time.Second || last.Sub(first) > 33*time.Second || !end.IsZero() {
		t.Errorf("first %s, then %s later, at the end %v", first.Sub(began), last.Sub(first), end)
	}
}

// An export that is read may take as long as it needs; quick answers cost no system call.
func TestWriteDeadlineMovesWithProgress(t *testing.T) {
	d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	x := &exchange{under: d, start: time.Now()}
	_, _ = x.Write([]byte("quick"))
	if len(d.write) != 0 {
		t.Error("no deadline is needed yet")
	}
	x.start = time.Now().Add(-50 * time.Second)
	_, _ = x.Write([]byte("slow"))
	if len(d.write) != 1 || time.Until(d.write[0]) < writeTimeout-time.Second {
		t.Errorf("deadlines %v", d.write)
	}
}

func TestServerLimits(t *testing.T) {
	s := NewServer(http.NotFoundHandler(), ServerOptions{Log: slog.New(slog.DiscardHandler)})
	if s.ReadHeaderTimeout != 5*time.Second || s.IdleTimeout == 0 || s.WriteTimeout == 0 || s.MaxHeaderBytes != 32<<10 || s.ReadTimeout != 0 {
		t.Errorf("%+v", s)
	}
}
