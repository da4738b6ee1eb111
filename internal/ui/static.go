package ui

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed all:dist
var dist embed.FS

// StaticPrefix is where Static is mounted.
const StaticPrefix = "/static/"

// manifest maps a plain name ("app.js") to the name with its content's hash. It is empty
// when the program was built without `make assets`.
var manifest = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	if raw, err := dist.ReadFile("dist/manifest.json"); err == nil {
		if json.Unmarshal(raw, &m) != nil {
			return map[string]string{}
		}
	}
	return m
})

// Asset returns the address of an embedded file by its plain name.
func Asset(name string) string {
	if hashed, ok := manifest()[name]; ok {
		return StaticPrefix + hashed
	}
	return StaticPrefix + name
}

// CheckAssets returns an error when the style sheet, script or icons were not built in,
// so that start-up can say so instead of serving bare pages.
func CheckAssets() error {
	for _, name := range []string{"app.css", "app.js", "icons.svg"} {
		if _, ok := manifest()[name]; !ok {
			return errors.New("ui: " + name + " is not built in; run `make assets` and build again")
		}
	}
	return nil
}

var types = map[string]string{
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".ico":  "image/x-icon",
	".json": "application/json",
	".txt":  "text/plain; charset=utf-8",
}

// Static serves the embedded files and the brand style sheets under StaticPrefix. Names
// carry the hash of their content, so answers may be cached for ever.
func Static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, StaticPrefix)
		if css, ok := brandSheet(name); ok {
			serveAsset(w, r, name, []byte(css))
			return
		}
		kind := types[path.Ext(name)]
		if kind == "" || strings.Contains(name, "/") || name == "manifest.json" {
			http.NotFound(w, r)
			return
		}
		if acceptsGzip(r) {
			if raw, err := dist.ReadFile("dist/" + name + ".gz"); err == nil {
				w.Header().Set("Content-Encoding", "gzip")
				serveAsset(w, r, name, raw)
				return
			}
		}
		raw, err := dist.ReadFile("dist/" + name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		serveAsset(w, r, name, raw)
	})
}

func serveAsset(w http.ResponseWriter, r *http.Request, name string, raw []byte) {
	h := w.Header()
	h.Set("Content-Type", types[path.Ext(name)])
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(raw))
}

// acceptsGzip reads Accept-Encoding; "gzip;q=0" refuses it.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding != "gzip" && coding != "*" {
			continue
		}
		q := strings.ReplaceAll(params, " ", "")
		return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
	}
	return false
}
