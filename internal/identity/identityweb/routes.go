// Package identityweb draws the pages of people: set-up, sign-in, invitations, the people of a programme, one's own account.
package identityweb

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/ui"
)

// Deps are what these pages need from the program.
type Deps struct {
	Page     func(w http.ResponseWriter, r *http.Request, who access.Actor, title, active string) (ui.Page, error)
	Bare     func(w http.ResponseWriter, r *http.Request, title string) ui.Page // before sign-in, in the programme's look
	Partners *partner.Service
	Mails    bool // mails leave the house; without a server people are told to send links themselves
	// SetUpDemo fills the programme that was just set up with sample data. nil: it is not offered.
	SetUpDemo func(ctx context.Context, admin access.Actor) error
}

type pages struct {
	Deps
	identity *identity.Service
}

// Routes puts the pages behind the door.
func Routes(w *door.Web, s *identity.Service, deps Deps) {
	p := &pages{deps, s}
	const before = "it comes before anybody can be signed in"
	w.Public("GET /setup", "the one-time link in the program's output is the proof", p.setUpForm)
	w.Public("POST /setup", "the one-time link in the program's output is the proof", p.setUp)
	w.Public("GET /sign-in", before, p.signInForm)
	w.Public("POST /sign-in", before, p.signIn)
	w.Public("GET /choose", "it asks for the session itself, which is in use with no membership yet", p.choose)
	w.Public("POST /me/switch", "it asks for the session itself, which may be in use with no membership yet", p.switchTo)
	w.Public("POST /sign-out", "it ends the session it finds, if any", p.signOut)
	w.Public("GET /forgot", before, p.forgotForm)
	w.Public("POST /forgot", before, p.forgot)
	w.Public("GET /reset", "the mailed one-time link is the proof", p.resetForm)
	w.Public("POST /reset", "the mailed one-time link is the proof", p.reset)
	w.Public("GET /invitation", "the mailed one-time link is the proof", p.invitationForm)
	w.Public("POST /invitation", "the mailed one-time link is the proof", p.accept)

	w.Private("GET /people", identity.ActList, p.people)
	w.Private("GET /people/new", identity.ActInvite, p.inviteForm)
	w.Private("POST /people", identity.ActInvite, p.invite)
	w.Private("GET /people/{id}", identity.ActRead, p.person)
	w.Private("POST /people/{id}", identity.ActUpdate, p.update)
	w.Private("POST /people/{id}/invite", identity.ActInvite, p.reinvite)
	w.Private("POST /people/{id}/suspend", identity.ActSuspend, p.change(s.Suspend, "is shut out: sessions and keys have ended."))
	w.Private("POST /people/{id}/restore", identity.ActSuspend, p.change(s.Restore, "may sign in again."))
	w.Private("POST /people/{id}/remove", identity.ActSuspend, p.change(s.Remove, "is removed."))

	w.Private("GET /me", identity.ActMe, p.me)
	w.Private("POST /me", identity.ActUpdateMe, p.rename)
	w.Private("POST /me/password", identity.ActUpdateMe, p.changePassword)
	w.Private("POST /me/sessions/{id}/revoke", identity.ActSignOut, p.revokeSession)
	w.Private("POST /me/sessions/revoke-others", identity.ActSignOut, p.revokeOthers)
	w.Private("POST /me/keys", identity.ActMyKey, p.createKey)
	w.Private("POST /me/keys/{id}/revoke", identity.ActMyRevoke, p.revokeKey)
}

func pathID(r *http.Request, noun string) (id.ID, error) {
	return httpx.PathID(r, noun)
}

// absorb puts a refusal that the same form can mend beside its fields and returns the status to draw it with. 0 means that
// the form cannot help: return the error.
func absorb(w http.ResponseWriter, f *httpx.Form, err error) int {
	e := errs.Of(err)
	switch e.Kind {
	case errs.Invalid:
		f.Absorb(err)
		return http.StatusUnprocessableEntity
	case errs.Unauthenticated, errs.Forbidden, errs.Conflict:
		f.Refuse("", e.Code, e.Msg)
		return http.StatusUnprocessableEntity
	case errs.Throttled, errs.Unavailable:
		f.Refuse("", e.Code, e.Msg)
		if e.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
		}
		return httpx.Status(e.Kind)
	}
	return 0
}
