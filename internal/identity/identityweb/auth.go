package identityweb

import (
	"net/http"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
)

// The cookies of a browser. The prefix makes browsers refuse them from anything but this very host over a safe line.
const (
	sessionCookie = "__Host-entente"
	deviceCookie  = "__Host-device"
)

// deviceFor is how long a browser is known to have signed in.
const deviceFor = 180 * 24 * time.Hour

// Authenticator finds out who calls, for both doors. It implements door.Authenticator.
type Authenticator struct{ identity *identity.Service }

// NewAuthenticator returns the Authenticator of the program.
func NewAuthenticator(s *identity.Service) Authenticator { return Authenticator{s} }

// Browser returns the person behind the session cookie; a key in a header counts for nothing here.
func (a Authenticator) Browser(r *http.Request) (access.Actor, error) {
	return a.identity.BySession(r.Context(), cookie(r, sessionCookie))
}

// API returns the actor behind the bearer key; a cookie counts for nothing here.
func (a Authenticator) API(r *http.Request) (access.Actor, error) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return access.Actor{}, errs.New(errs.Unauthenticated, "unauthenticated", "Send an API key: Authorization: Bearer ent_…")
	}
	return a.identity.ByKey(r.Context(), strings.TrimSpace(key))
}

// cookie returns a cookie's value, "" without one or when it was sent twice: somebody planted one of them.
func cookie(r *http.Request, name string) string {
	if list := r.CookiesNamed(name); len(list) == 1 {
		return list[0].Value
	}
	return ""
}

// keep gives the browser its session. It ends with the browser; when it ends at all is the server's word.
func keep(w http.ResponseWriter, v identity.Session) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: v.Token, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	if v.Device != "" {
		http.SetCookie(w, &http.Cookie{Name: deviceCookie, Value: v.Device, Path: "/", MaxAge: int(deviceFor / time.Second), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
}

// SessionCookies returns the Set-Cookie lines that signing in writes, with made-up values, for whoever checks their attributes.
func SessionCookies() []string {
	w := headers{}
	keep(w, identity.Session{Token: "x", Device: "x"})
	return w.Header().Values("Set-Cookie")
}

// headers is an answer of which only the header is wanted.
type headers http.Header

// Header returns the header itself.
func (h headers) Header() http.Header { return http.Header(h) }

// Write drops what is written.
func (h headers) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader drops the status.
func (h headers) WriteHeader(int) {}

func forget(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
