package door_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
)

// blank is a response writer that costs nothing.
type blank struct{ h http.Header }

func (b *blank) Header() http.Header         { clear(b.h); return b.h }
func (b *blank) Write(p []byte) (int, error) { return len(p), nil }
func (b *blank) WriteHeader(int)             {}

func bench(b *testing.B, method, target, body string, headers ...string) {
	h := build(b)
	doors := door.Doors{Web: h.web, API: h.api}
	h.Handler = httpx.Stack(doors, httpx.Options{Log: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	w := &blank{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		if body == "" {
			r.Body = http.NoBody
		}
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		h.ServeHTTP(w, r)
	}
}

// BenchmarkRequest is what making the request itself costs; subtract it.
func BenchmarkRequest(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("GET", "/api/v1/things/"+known.String(), strings.NewReader(""))
		r.Header.Set(auth, bearer)
	}
}

func BenchmarkAPIGet(b *testing.B) {
	bench(b, "GET", "/api/v1/things/"+known.String(), "", auth, bearer)
}

func BenchmarkAPIPost(b *testing.B) {
	bench(b, "POST", "/api/v1/things", goodBody, auth, bearer, ctype, jsonCT, "Idempotency-Key", "k")
}

func BenchmarkWebGet(b *testing.B) { bench(b, "GET", "/things/1", "", "Cookie", session) }
