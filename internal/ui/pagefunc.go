package ui

import (
	"net/http"

	"entente.dev/internal/access"
)

// PageFunc returns the page for a signed-in actor: viewer, brand, navigation and pending message. The program gives one
// to every web door; active is the navigation key that is highlighted. It fails only when the viewer cannot be read.
type PageFunc func(w http.ResponseWriter, r *http.Request, who access.Actor, title, active string) (Page, error)

// LogoHref is the address of a programme's logo; version is that of its settings, so that the image may be cached.
func LogoHref(tenant string, version string) string { return "/brand/" + tenant + "/logo?v=" + version }
