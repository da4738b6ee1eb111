package identityweb

import (
	"net/http"
	"net/url"
	"strings"

	"entente.dev/internal/door"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/ui"
)

// nextOf is where to go after signing in: a page of ours that is not about signing in.
func nextOf(raw string) string {
	next := httpx.LocalPath(raw)
	path, _, _ := strings.Cut(next, "?")
	switch path {
	case "/sign-in", "/sign-out", "/choose", "/forgot", "/reset", "/setup":
		return "/"
	}
	return next
}

// withNext is an address that remembers where to go afterwards.
func withNext(path, next string) string {
	if next == "/" {
		return path
	}
	return path + "?next=" + url.QueryEscape(next)
}

func (p *pages) signInForm(w http.ResponseWriter, r *http.Request) error {
	next := nextOf(r.URL.Query().Get("next"))
	_, at, err := p.identity.Memberships(r.Context(), cookie(r, sessionCookie))
	switch {
	case err == nil && at != id.Nil && !strings.HasPrefix(next, "/invitation?"):
		httpx.SeeOther(w, r, next)
		return nil
	case err == nil && at == id.Nil && !strings.HasPrefix(next, "/invitation?"):
		httpx.SeeOther(w, r, withNext("/choose", next))
		return nil
	case err != nil && !errs.IsKind(err, errs.Unauthenticated):
		return err
	}
	page := p.Bare(w, r, "Sign in")
	if page.Viewer.Brand.Name == "" { // no programme, or several
		if fresh, err := p.identity.Unfounded(r.Context()); err != nil {
			return err
		} else if fresh {
			page.Title = "Set-up is not done yet"
			return ui.Render(w, r, http.StatusOK, unfoundedPage(page))
		}
	}
	f := httpx.NewForm(map[string]string{"next": next, "email": r.URL.Query().Get("email")})
	return ui.Render(w, r, http.StatusOK, signInPage(page, f))
}

func (p *pages) signIn(w http.ResponseWriter, r *http.Request) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := identity.SignInInput{Email: f.Need("email"), Password: f.Secret("password"), Device: cookie(r, deviceCookie), Old: cookie(r, sessionCookie)}
	next := nextOf(f.Text("next"))
	if in.Password == "" {
		f.Refuse("password", "field.required", "Fill this in.")
	}
	var v identity.Session
	if err = f.Err(); err == nil {
		v, err = p.identity.SignIn(r.Context(), door.RequestOf(r), in)
	}
	if err != nil {
		if status := absorb(w, f, err); status != 0 {
			return ui.Render(w, r, status, signInPage(p.Bare(w, r, "Sign in"), f))
		}
		return err
	}
	keep(w, v)
	if !v.Bound && !strings.HasPrefix(next, "/invitation?") {
		next = withNext("/choose", next)
	}
	httpx.SeeOther(w, r, next)
	return nil
}

func (p *pages) choose(w http.ResponseWriter, r *http.Request) error {
	next := nextOf(r.URL.Query().Get("next"))
	places, at, err := p.identity.Memberships(r.Context(), cookie(r, sessionCookie))
	if errs.IsKind(err, errs.Unauthenticated) {
		httpx.SeeOther(w, r, withNext("/sign-in", next))
		return nil
	}
	if err != nil {
		return err
	}
	page := p.Bare(w, r, "Where to?")
	page.Subtitle = "You belong to more than one programme. You can switch at any time."
	if len(places) == 0 {
		page.Title, page.Subtitle = "No programme", ""
	}
	return ui.Render(w, r, http.StatusOK, choosePage(page, places, at, next))
}

func (p *pages) switchTo(w http.ResponseWriter, r *http.Request) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	member, next := f.ID("membership"), nextOf(f.Text("next"))
	if err := f.Err(); err != nil {
		return err
	}
	v, err := p.identity.Switch(r.Context(), door.RequestOf(r), cookie(r, sessionCookie), member)
	if errs.IsKind(err, errs.Unauthenticated) {
		httpx.SeeOther(w, r, "/sign-in")
		return nil
	}
	if err != nil {
		return err
	}
	keep(w, v)
	httpx.SeeOther(w, r, next)
	return nil
}

func (p *pages) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := p.identity.SignOut(r.Context(), door.RequestOf(r), cookie(r, sessionCookie)); err != nil {
		return err
	}
	forget(w)
	ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "You are signed out."})
	httpx.SeeOther(w, r, "/sign-in")
	return nil
}

func (p *pages) forgotForm(w http.ResponseWriter, r *http.Request) error {
	f := httpx.NewForm(map[string]string{"email": r.URL.Query().Get("email")})
	return ui.Render(w, r, http.StatusOK, forgotPage(p.forgotFrame(w, r), f))
}

func (p *pages) forgotFrame(w http.ResponseWriter, r *http.Request) ui.Page {
	page := p.Bare(w, r, "Set a new password")
	page.Subtitle = "Give the address you sign in with. If we know it, a link is on its way at once."
	return page
}

func (p *pages) forgot(w http.ResponseWriter, r *http.Request) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	email := f.Need("email")
	if err = f.Err(); err == nil {
		err = p.identity.Forgot(r.Context(), door.RequestOf(r), email)
	}
	if err != nil {
		if status := absorb(w, f, err); status != 0 {
			return ui.Render(w, r, status, forgotPage(p.forgotFrame(w, r), f))
		}
		return err
	}
	return ui.Render(w, r, http.StatusOK, sentPage(p.Bare(w, r, "Look into your mail"), email))
}

func (p *pages) resetForm(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	if err := p.identity.ResetOpen(r.Context(), token); err != nil {
		return p.deadLink(w, r, err)
	}
	return ui.Render(w, r, http.StatusOK, resetPage(p.Bare(w, r, "Set a new password"), httpx.NewForm(map[string]string{"token": token})))
}

// deadLink says that a link is used, expired or was never made: which of them is nobody's business.
func (p *pages) deadLink(w http.ResponseWriter, r *http.Request, err error) error {
	if !errs.Is(err, "link.not_found") {
		return err
	}
	return ui.Render(w, r, http.StatusNotFound, deadLinkPage(p.Bare(w, r, "This link no longer works"), strings.HasPrefix(r.URL.Path, "/reset")))
}

func (p *pages) reset(w http.ResponseWriter, r *http.Request) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	token, plain := f.Secret("token"), f.Secret("password")
	if err = f.Err(); err == nil {
		err = p.identity.Reset(r.Context(), door.RequestOf(r), token, plain)
	}
	if err != nil {
		if status := absorb(w, f, err); status != 0 {
			return ui.Render(w, r, status, resetPage(p.Bare(w, r, "Set a new password"), f))
		}
		return p.deadLink(w, r, err)
	}
	forget(w)
	ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "Your new password is set, and you are signed out everywhere. Sign in with it."})
	httpx.SeeOther(w, r, "/sign-in")
	return nil
}
