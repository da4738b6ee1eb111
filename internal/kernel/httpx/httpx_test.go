package httpx_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
)

func stack(h http.HandlerFunc, log io.Writer, o httpx.Options) http.Handler {
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	return httpx.Stack(h, o)
}

func TestClientIP(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		trusted    []netip.Prefix
		want       string
	}{
		{"plain", "192.0.2.7:1", nil, nil, "192.0.2.7"},
		{"nobody is trusted", "10.0.0.1:1", []string{"1.2.3.4"}, nil, "10.0.0.1"},
		{"stranger's header", "192.0.2.7:1", []string{"1.2.3.4"}, proxies, "192.0.2.7"},
		{"behind one", "10.0.0.1:1", []string{"1.2.3.4"}, proxies, "1.2.3.4"},
		{"forged first hop", "10.0.0.1:1", []string{"9.9.9.9, 1.2.3.4"}, proxies, "1.2.3.4"},
		{"behind two", "10.0.0.1:1", []string{"9.9.9.9, 1.2.3.4", "10.0.0.2"}, proxies, "1.2.3.4"},
		{"nonsense", "10.0.0.1:1", []string{"1.2.3.4, <script>"}, proxies, "10.0.0.1"},
		{"mapped", "[::ffff:10.0.0.1]:1", []string{"2001:db8::1"}, proxies, "2001:db8::1"},
		{"six", "[::1]:1", []string{"fe80::1%eth0"}, proxies, "fe80::1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got string
			h := stack(func(_ http.ResponseWriter, r *http.Request) { got = httpx.ClientIP(r.Context()) }, io.Discard, httpx.Options{TrustedProxies: c.trusted})
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.peer
			r.Header["X-Forwarded-For"] = c.forwarded
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAccessLogIsOneLineWithoutSecrets(t *testing.T) {
	var log bytes.Buffer
	mux := http.NewServeMux()
	mux.HandleFunc("GET /reset/{token}", func(w http.ResponseWriter, r *http.Request) {
		httpx.Note(r.Context(), errors.New("first\nlevel=INFO msg=request forged=yes"))
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "12345")
	})
	h := stack(mux.ServeHTTP, &log, httpx.Options{})
	r := httptest.NewRequest("GET", "/reset/canary-path?password=canary-query", nil)
	r.Header.Set("X-Request-Id", "canary-id")
	h.ServeHTTP(httptest.NewRecorder(), r)
	line := log.String()
	if strings.Count(line, "\n") != 1 || strings.Contains(line, "canary") {
		t.Errorf("log: %s", line)
	}
	for _, want := range []string{"level=ERROR", "method=GET", `route="GET /reset/{token}"`, "status=502", "bytes=5", "ms=", "request_id=", "ip=192.0.2.1"} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is missing in %s", want, line)
		}
	}
}

func TestHandlerMayCache(t *testing.T) {
	h := stack(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}, io.Discard, httpx.Options{ServerTiming: true})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/static/x.css", nil))
	if got := w.Header()["Cache-Control"]; len(got) != 1 || !strings.HasPrefix(got[0], "public") {
		t.Errorf("Cache-Control %v", got)
	}
	if !strings.HasPrefix(w.Header().Get("Server-Timing"), "app;dur=") || w.Code != 200 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestSharedHeaderValuesCannotBeChanged(t *testing.T) {
	h := stack(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.Header().Add("Content-Security-Policy", "script-src *")
	}, io.Discard, httpx.Options{})
	for range 2 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if got := w.Result().Header["Content-Security-Policy"]; len(got) != 1 || got[0] != httpx.ContentSecurityPolicy {
			t.Errorf("policy %v", got)
		}
	}
}

func TestProblemOfContextErrors(t *testing.T) {
	if p := httpx.ProblemOf(t.Context(), context.DeadlineExceeded); p.Status != 503 || p.Code != "timeout" {
		t.Errorf("%+v", p)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if p := httpx.ProblemOf(gone, context.Canceled); p.Status != 499 {
		t.Errorf("%+v", p)
	}
	if p := httpx.ProblemOf(t.Context(), context.Canceled); p.Status != 500 {
		t.Errorf("a cancellation of our own making is a fault: %+v", p)
	}
}

func TestLocalPath(t *testing.T) {
	for next, want := range map[string]string{
		"/deals":               "/deals",
		"/deals?state=won&q=a": "/deals?state=won&q=a",
		"/deals/1#notes":       "/deals/1#notes",
		"":                     "/", "deals": "/", "//evil.test": "/", `/\evil.test`: "/", `\\evil.test`: "/", "/\t/evil.test": "/",
		"/\n/evil.test": "/", "https://evil.test/": "/", "javascript:alert(1)": "/", "/ x": "/", "/%zz": "/",
		"/" + strings.Repeat("a", 3000): "/",
	} {
		if got := httpx.LocalPath(next); got != want {
			t.Errorf("LocalPath(%q) = %q, want %q", next, got, want)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	f.Add("/deals?x=1")
	f.Add("/\\evil.test")
	base, _ := url.Parse("https://deals.acme.test/sign-in")
	f.Fuzz(func(t *testing.T, next string) {
		got := httpx.LocalPath(next)
		u, err := base.Parse(got)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme || strings.ContainsAny(got, "\r\n\t\\") {
			t.Errorf("LocalPath(%q) = %q", next, got)
		}
	})
}

func TestIfMatch(t *testing.T) {
	for value, want := range map[string]struct {
		version int
		present bool
		fails   bool
	}{
		"": {}, "*": {}, `"7"`: {7, true, false}, `W/"7"`: {7, true, false}, ` "7" `: {7, true, false},
		"7": {fails: true}, `"7", "8"`: {fails: true}, `"-1"`: {fails: true}, `"99999999999"`: {fails: true}, `"x"`: {fails: true}, `""`: {fails: true}, `"`: {fails: true},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("If-Match", value)
		v, present, err := httpx.ParseIfMatch(r.Header.Get("If-Match"))
		if v != want.version || present != want.present || (err != nil) != want.fails || err != nil && !errs.IsKind(err, errs.Malformed) {
			t.Errorf("%s: %d %v %v", value, v, present, err)
		}
	}
	if v, _, _ := httpx.ParseIfMatch(httpx.ETag(42)); v != 42 {
		t.Error("an ETag of ours must be read again")
	}
}

func formOf(t *testing.T, body string) *httpx.Form {
	t.Helper()
	r := httptest.NewRequest("POST", "/?title=from-the-query", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	f, err := httpx.ParseForm(httptest.NewRecorder(), r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestForm(t *testing.T) {
	owner := id.New()
	f := formOf(t, "title=+Rollout%0D%0Anow+&amount=12&won=on&owner="+owner.String()+"&day=2026-03-28&state=won&tag=a&tag=b&_x=1&version=3&password=+p+")
	day := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
	if f.Need("title") != "Rollout\nnow" || f.Int("amount") != 12 || !f.Bool("won") || f.ID("owner") != owner || !f.Date("day").Equal(day) ||
		f.Choice("state", "won", "lost") != "won" || len(f.List("tag")) != 2 || f.Version() != 3 || f.Secret("password") != " p " ||
		f.Text("absent") != "" || f.ID("absent") != id.Nil || !f.Date("absent").IsZero() || f.Bool("absent") || f.Int("absent") != 0 {
		t.Error("values differ")
	}
	if err := f.Err(); err != nil {
		t.Error(err)
	}
}

func TestFormRefuses(t *testing.T) {
	f := formOf(t, "title=&amount=12x&won=maybe&owner=7&day=2026-02-30&state=open&name=a%00b&twice=1&twice=2&utf=%ff")
	f.Need("title")
	f.Int("amount")
	f.Bool("won")
	f.ID("owner")
	f.Date("day")
	f.Choice("state", "won", "lost")
	f.Text("name")
	f.Text("twice")
	f.Text("utf")
	e := errs.Of(f.Err())
	if e.Kind != errs.Invalid || len(e.Fields) != 9 {
		t.Fatalf("%v", e)
	}
	if f.Value("amount") != "12x" || f.Problem("amount") == "" || f.Problem("nothing") != "" {
		t.Error("what was typed and the message beside it must stay")
	}
	if !f.Absorb(f.Err()) || len(f.Fields()) != 9 {
		t.Error("a form that absorbs its own refusal must not repeat it")
	}
	if f.Absorb(errs.Missing("deal")) || !f.Absorb(errs.Refused([]errs.Field{{Name: "title", Code: "x", Msg: "Taken."}})) {
		t.Error("Absorb takes Invalid only")
	}
}

func TestFormUnknownField(t *testing.T) {
	f := formOf(t, "title=x&tenant_id=1&is_admin=1")
	f.Text("title")
	e := errs.Of(f.Err())
	if e.Kind != errs.Malformed || len(e.Fields) != 2 || e.Fields[0].Name != "is_admin" {
		t.Errorf("%v", e)
	}
}

func TestFormFlood(t *testing.T) {
	var b strings.Builder
	for range 5000 {
		b.WriteString(id.New().String() + "=1&")
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(b.String()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if _, err := httpx.ParseForm(httptest.NewRecorder(), r); !errs.IsKind(err, errs.Malformed) {
		t.Error(err)
	}
}

func TestMultipartForm(t *testing.T) {
	body := "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nlogo\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../x.png\"\r\n\r\nPNG\r\n--b--\r\n"
	h := stack(func(w http.ResponseWriter, r *http.Request) {
		f, err := httpx.ParseForm(w, r)
		if err != nil {
			httpx.WriteError(w, r, err)
			return
		}
		defer f.Close(r)
		file, head, ok := f.File("file")
		if !ok || f.Text("name") != "logo" || head.Filename != "x.png" || f.Err() != nil {
			t.Errorf("%v %v %v", ok, head, f.Err())
			return
		}
		content, _ := io.ReadAll(file)
		if string(content) != "PNG" {
			t.Errorf("content %q", content)
		}
	}, io.Discard, httpx.Options{BodyLimit: 300})
	for extra, status := range map[string]int{"": 200, strings.Repeat("x", 400): 413} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(strings.Replace(body, "PNG", "PNG"+extra, 1)))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%d bytes more: %d %s", len(extra), w.Code, w.Body)
		}
	}
}
