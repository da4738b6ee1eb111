package httpx

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"entente.dev/internal/kernel/errs"
)

// ETag returns the entity tag of a version of an object, for the ETag header.
func ETag(version int) string { return `"` + strconv.Itoa(version) + `"` }

// ParseIfMatch returns the version that an If-Match header says the caller has seen. present is false without the header
// and for "*", which matches any version. A weak tag is accepted: proxies that compress weaken tags, and the version names the
// state, not the bytes. Malformed "if_match.malformed" for anything ETag does not make.
func ParseIfMatch(value string) (version int, present bool, err error) {
	value = strings.TrimSpace(value)
	if value == "" || value == "*" {
		return 0, false, nil
	}
	tag := strings.TrimPrefix(value, "W/")
	if len(tag) > 2 && tag[0] == '"' && tag[len(tag)-1] == '"' {
		if n, perr := strconv.ParseUint(tag[1:len(tag)-1], 10, 31); perr == nil {
			return int(n), true, nil
		}
	}
	return 0, false, errs.New(errs.Malformed, "if_match.malformed",
		"If-Match must hold one ETag as this API sent it, such as \"3\" with its quotes.")
}

// LocalPath returns next when it is safe to redirect a browser to: a path of this
// site, with or without a query. Anything else becomes "/".
func LocalPath(next string) string {
	if next == "" || next[0] != '/' || len(next) > 2000 || strings.HasPrefix(next, "//") {
		return "/"
	}
	for i := range len(next) {
		if c := next[i]; c <= ' ' || c == '\\' || c == 0x7f {
			return "/"
		}
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "/"
	}
	return next
}

// IsHTMX reports whether htmx asks for a fragment.
func IsHTMX(r *http.Request) bool { return r.Header.Get("Hx-Request") == "true" }

// SeeOther sends the browser to a page of ours after a form was handled; htmx is told
// to load it as a whole page. A path that is not local becomes "/".
func SeeOther(w http.ResponseWriter, r *http.Request, path string) {
	path = LocalPath(path)
	if IsHTMX(r) {
		w.Header().Set("Hx-Redirect", path)
		w.WriteHeader(http.StatusOK)
		return
	}
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
