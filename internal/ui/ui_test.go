package ui

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"pgregory.net/rapid"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lang  string
		minor int64
		cur   string
		want  string
		short string
	}{
		{"en", 1240000, "EUR", "€12,400", "€12.4K"},
		{"en", 9950, "USD", "$99.50", "$100"},
		{"en", 0, "EUR", "€0", "€0"},
		{"en", -5, "EUR", "−€0.05", "−€0"},
		{"de", 123456789, "EUR", "€1.234.567,89", "€1,23M"},
		{"fr", 100000000, "CHF", "CHF\u00a01\u202f000\u202f000", "CHF\u00a01M"},
		{"en", 1200, "JPY", "¥1,200", "¥1.2K"},
		{"en", 1234, "KWD", "KWD\u00a01.234", "KWD\u00a01"},
		{"en", 99999999, "USD", "$999,999.99", "$1M"},
		{"en", -1 << 63, "EUR", "−€92,233,720,368,547,758.08", "−€92234T"},
	} {
		rd := Reader{Language: c.lang}
		if got := rd.Money(c.minor, c.cur); got != c.want {
			t.Errorf("Money(%s, %d %s) = %q, want %q", c.lang, c.minor, c.cur, got, c.want)
		}
		if got := rd.MoneyShort(c.minor, c.cur); got != c.short {
			t.Errorf("MoneyShort(%s, %d %s) = %q, want %q", c.lang, c.minor, c.cur, got, c.short)
		}
	}
}

func TestRelative(t *testing.T) {
	t.Parallel()
	rd := Reader{Now: at}
	for d, want := range map[time.Duration]string{
		0: "just now", 44 * time.Second: "just now", -10 * time.Second: "just now", 5 * time.Minute: "5 min ago", 59*time.Minute + 20*time.Second: "59 min ago",
		time.Hour: "1 h ago", 26 * time.Hour: "1 day ago", 27 * 24 * time.Hour: "27 days ago", 28 * 24 * time.Hour: "24 Oct 2026", -49 * time.Hour: "in 2 days",
	} {
		if got := rd.Relative(at.Add(-d)); got != want {
			t.Errorf("%v ago = %q, want %q", d, got, want)
		}
	}
	if got := (Reader{Language: "en-US"}).Day(at); got != "Nov 21, 2026" {
		t.Errorf("American date = %q", got)
	}
}

func TestListAddresses(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/deals?state=won&sort=-amount&cursor=c1&q=", nil)
	l := ListOf(r)
	for got, want := range map[string]string{
		l.With():                          "/deals?sort=-amount&state=won",
		l.With("cursor", "c2"):            "/deals?cursor=c2&sort=-amount&state=won",
		l.With("state", "", "sort", ""):   "/deals",
		l.sortHref("amount"):              "/deals?sort=amount&state=won",
		l.exportHref("/api/v1/deals.csv"): "/api/v1/deals.csv?sort=-amount&state=won",
	} {
		if got != want {
			t.Errorf("address = %q, want %q", got, want)
		}
	}
	if !l.Filtered() || (List{Query: url.Values{"sort": {"a"}, "q": {""}}}).Filtered() {
		t.Error("Filtered counts sorting or empty filters, or misses a filter")
	}
}

var declared = regexp.MustCompile(`--e-([a-z-]+):(?:light-dark\((#[0-9a-f]{6}),(#[0-9a-f]{6})\)|(#[0-9a-f]{6}))`)

// TestBrandIsReadable tries any colour a tenant may choose, on the sheet as it is served.
func TestBrandIsReadable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		color := rapid.StringMatching(`#[0-9a-f]{6}`).Draw(t, "color")
		css := map[string][2]rgb{} // light and dark
		for _, m := range declared.FindAllStringSubmatch(brandCSS(color), -1) {
			if m[4] != "" {
				m[2], m[3] = m[4], m[4]
			}
			css[m[1]] = [2]rgb{parseColor(m[2]), parseColor(m[3])}
		}
		for what, pair := range map[string][2]rgb{
			"text on the button":       {css["on-fill"][0], css["fill"][0]},
			"text on the hover button": {css["on-fill"][0], css["fill-hover"][0]},
			"accent text when light":   {css["accent"][0], paper},
			"accent text when dark":    {css["accent"][1], night},
			"white marks":              {white, css["solid"][0]},
		} {
			if got := contrast(pair[0], pair[1]); got < 4.5 {
				t.Fatalf("%s for %s: contrast %.2f between %s and %s", what, color, got, pair[0], pair[1])
			}
		}
		if css["fill"][0] != parseColor(color) {
			t.Fatalf("the button is %s, not the brand's %s", css["fill"][0], color)
		}
	})
	for in, want := range map[string]bool{"#2457c5": true, "2457c5": false, "red": false, "#12345": false, "#2457c5;}": false} {
		if ValidColor(in) != want {
			t.Errorf("ValidColor(%q) = %v", in, !want)
		}
	}
}

func TestRenderIsAllOrNothing(t *testing.T) {
	t.Parallel()
	broken := templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, "half a page")
		return errors.New("no data")
	})
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if err := Render(w, r, http.StatusOK, broken); err == nil || w.Body.Len() != 0 || len(w.Result().Header) != 0 {
		t.Errorf("broken page: err %v, body %q, header %v", err, w.Body, w.Result().Header)
	}
	if err := Render(w, r, http.StatusTeapot, Badge(Good, "x")); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusTeapot || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("answer %d %v", w.Code, w.Header())
	}
	w = httptest.NewRecorder()
	if err := Render(w, httptest.NewRequest(http.MethodHead, "/", nil), http.StatusOK, Badge(Good, "x")); err != nil || w.Body.Len() != 0 {
		t.Errorf("HEAD: err %v, body %q", err, w.Body)
	}
}

func get(t *testing.T, method, path, encoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	Static().ServeHTTP(w, r)
	return w.Result()
}

func TestStatic(t *testing.T) {
	t.Parallel()
	if err := CheckAssets(); err != nil {
		t.Fatal(err)
	}
	res := get(t, http.MethodGet, Asset("app.js"), "br, gzip")
	h := res.Header
	if res.StatusCode != 200 || h.Get("Content-Encoding") != "gzip" || h.Get("Content-Type") != "text/javascript; charset=utf-8" ||
		h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Vary") != "Accept-Encoding" {
		t.Errorf("script: %d %v", res.StatusCode, h)
	}
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := io.ReadAll(get(t, http.MethodGet, Asset("app.js"), "gzip;q=0, identity").Body)
	if string(packed) != string(plain) || len(plain) == 0 {
		t.Error("the gzip copy differs from the file")
	}
	for path, want := range map[string]int{
		BrandHref("#ff0000"): 200, "/static/brand-zzzzzz.css": 404, "/static/app.js": 404, "/static/": 404, "/static/../static.go": 404,
		"/static/manifest.json": 404, "/static/.keep": 404, Asset("app.js") + ".gz": 404,
	} {
		if got := get(t, http.MethodGet, path, "").StatusCode; got != want {
			t.Errorf("GET %s = %d, want %d", path, got, want)
		}
	}
	if got := get(t, http.MethodPost, Asset("app.js"), "").StatusCode; got != http.StatusMethodNotAllowed {
		t.Errorf("POST = %d", got)
	}
	css, _ := io.ReadAll(get(t, http.MethodGet, BrandHref("#ffcc00"), "").Body)
	if !strings.Contains(string(css), "--e-fill:#ffcc00;--e-on-fill:#14161a;") {
		t.Errorf("brand sheet = %s", css)
	}
	if BrandHref("nonsense") != BrandHref(DefaultColor) {
		t.Error("an invalid colour is not Entente's own")
	}
}

func TestThemeAndFlashSurviveOneRequest(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/me/theme", strings.NewReader("theme=dark&next=%2Fdeals%3Fq%3Dx"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	SetFlash(w, Flash{Tone: Good, Text: "Ürün kaydedildi", Link: &Link{"Undo", "https://evil.test/"}})
	ServeTheme(w, r)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/deals?q=x" {
		t.Errorf("answer %d to %q", w.Code, w.Header().Get("Location"))
	}

	r = httptest.NewRequest(http.MethodGet, "/deals", nil)
	for _, c := range w.Result().Cookies() {
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %s is not guarded", c.Name)
		}
		r.AddCookie(c)
	}
	w = httptest.NewRecorder()
	p := NewPage(w, r, Viewer{}, "Deals", "deals")
	if p.Theme != Dark || p.Flash == nil || p.Flash.Text != "Ürün kaydedildi" || p.Flash.Link.Href != "/" {
		t.Errorf("page = %+v, flash %+v", p, p.Flash)
	}
	cleared := false
	for _, c := range w.Result().Cookies() {
		cleared = cleared || c.Name == flashCookie && c.MaxAge < 0
	}
	if !cleared {
		t.Error("the message stays for ever")
	}
	r = httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: flashCookie, Value: "!!!"})
	r.AddCookie(&http.Cookie{Name: themeCookie, Value: `"><script>`})
	if p := NewPage(httptest.NewRecorder(), r, Viewer{}, "", ""); p.Flash != nil || p.Theme != System {
		t.Errorf("forged cookies were believed: %+v", p)
	}
}

// BenchmarkShell draws the frame with every component once.
func BenchmarkShell(b *testing.B) {
	c := around(Shell(Page{Title: "Gallery", Active: "deals", Viewer: everybody()}), gallery()...)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		if err := Render(httptest.NewRecorder(), r, http.StatusOK, c); err != nil {
			b.Fatal(err)
		}
	}
}
