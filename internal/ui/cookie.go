package ui

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"entente.dev/internal/kernel/httpx"
)

// Theme is a person's choice of light or dark.
type Theme string

// The themes. System follows the device.
const (
	System Theme = ""
	Light  Theme = "light"
	Dark   Theme = "dark"
)

const (
	themeCookie = "__Host-theme"
	flashCookie = "__Host-flash"
)

// ThemeOf returns the theme the request's cookie asks for.
func ThemeOf(r *http.Request) Theme {
	c, err := r.Cookie(themeCookie)
	if err != nil {
		return System
	}
	switch t := Theme(c.Value); t {
	case Light, Dark:
		return t
	}
	return System
}

// ServeTheme answers POST /me/theme: it keeps the form's theme ("light", "dark", anything
// else for system) in a cookie for a year and goes back to the form's next.
func ServeTheme(w http.ResponseWriter, r *http.Request) {
	c := &http.Cookie{
		Name: themeCookie, Value: r.PostFormValue("theme"), Path: "/", MaxAge: 365 * 24 * 3600,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if t := Theme(c.Value); t != Light && t != Dark {
		c.Value, c.MaxAge = "", -1
	}
	http.SetCookie(w, c)
	httpx.SeeOther(w, r, r.PostFormValue("next"))
}

// SetFlash leaves a message for the next page this browser asks for.
func SetFlash(w http.ResponseWriter, f Flash) {
	raw, err := json.Marshal(f)
	if err != nil || len(raw) > 2000 {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(raw), Path: "/", MaxAge: 60,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// TakeFlash returns the message left by SetFlash and clears it; nil when there is none.
func TakeFlash(w http.ResponseWriter, r *http.Request) *Flash {
	c, err := r.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return nil
	}
	var f Flash
	if json.Unmarshal(raw, &f) != nil || f.Text == "" {
		return nil
	}
	if f.Link != nil {
		f.Link.Href = httpx.LocalPath(f.Link.Href)
	}
	return &f
}

// scheme is the color-scheme of a page, so that the first paint is right already.
func (t Theme) scheme() string {
	if t == System {
		return "light dark"
	}
	return string(t)
}

// word is the theme as the theme form sends it.
func (t Theme) word() string {
	if t == System {
		return "system"
	}
	return string(t)
}
