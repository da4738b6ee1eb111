package app

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// Whoever finds a weakness is led to a form that somebody reads: on a programme's own host its own, and the only programme's where
// there is one.
func TestSecurityTxtLeadsToAForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ask := func(host, path, want string) {
		t.Helper()
		w := httptest.NewRecorder()
		h.app.public(h.doors).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "http://"+host+path, nil))
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s%s: %d without %q\n%s", host, path, w.Code, want, w.Body)
		}
	}
	const file = "/.well-known/security.txt"
	reported := func(want string) {
		t.Helper()
		r, err := h.app.TrustCheck(t.Context(), "P-37")
		if err != nil || r.Promises[0].Status != want {
			t.Errorf("P-37 is %v, not %s (%v)", r.Promises, want, err)
		}
	}
	ask("portal.example", file, "Contact: http://portal.example/trust#report\n")
	h.admin("acme")
	reported("kept")
	if _, err := h.db.Exec(t.Context(), `update app.tenant set public_host = 'trust.acme.example' where slug = 'acme'`); err != nil {
		t.Fatal(err)
	}
	ask("portal.example", file, "Contact: http://portal.example/t/acme/trust#report\n")
	ask("portal.example", "/trust", `href="/t/acme/trust#report"`)
	ask("trust.acme.example", file, "Contact: http://trust.acme.example/trust#report\n")
	ask("trust.acme.example", file, "Canonical: http://trust.acme.example"+file)
	ask("trust.acme.example", "/trust", `<form method="post" action="/trust#report"`)
	h.admin("globex")
	ask("portal.example", file, "Contact: http://portal.example/trust#report\n")
	reported("not offered") // the page has no form, and nobody named an address
	h.app.Config.SecurityContact = "mailto:security@portal.example"
	reported("kept")

	// An archive, or a new public address, can bring a programme that has the host of the installation. It does not get it.
	if _, err := h.db.Exec(t.Context(), `update app.tenant set public_host = 'portal.example' where slug = 'acme'`); err != nil {
		t.Fatal(err)
	}
	ask("Portal.Example", file, "Contact: http://portal.example/trust#report\n")
	ask("portal.example.:8443", "/trust.json", `"of":"installation"`)
}
