package identityweb

import (
	"net/http"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/ui"
)

// meView is one's own account. Each form of the page has its own values and messages.
type meView struct {
	identity.Me
	sessions             []identity.OpenSession
	keys                 []identity.Key
	name, password, key  *httpx.Form
	made                 *identity.NewKey // a key that was made a moment ago
	now                  time.Time
	role, company, email string
}

func (p *pages) me(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawMe(w, r, who, http.StatusOK, meView{})
}

func (p *pages) drawMe(w http.ResponseWriter, r *http.Request, who access.Actor, status int, v meView) error {
	var err error
	if v.Me, err = p.identity.Me(r.Context(), who); err != nil {
		return err
	}
	if v.sessions, err = p.identity.Sessions(r.Context(), who); err != nil {
		return err
	}
	if v.keys, err = p.identity.MyKeys(r.Context(), who); err != nil {
		return err
	}
	if v.name == nil {
		v.name = httpx.NewForm(map[string]string{"name": v.Member.Name})
	}
	v.role, v.company, v.email = role.Label(v.Member.Role), v.Member.PartnerName, v.Member.Email
	if v.company == "" {
		v.company = v.Tenant.Name
	}
	page, err := p.Page(w, r, who, "My account", "")
	if err != nil {
		return err
	}
	v.now = page.Viewer.Reader.Now
	page.Subtitle = v.email
	return ui.Render(w, r, status, mePage(page, v))
}

// saved goes back to the account page with a message.
func saved(w http.ResponseWriter, r *http.Request, text string) error {
	ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: text})
	httpx.SeeOther(w, r, "/me")
	return nil
}

func (p *pages) rename(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	name := f.Text("name")
	if err = f.Err(); err == nil {
		_, err = p.identity.UpdateMe(r.Context(), who, identity.MeInput{Name: &name})
	}
	if err != nil {
		if status := absorb(w, f, err); status != 0 {
			return p.drawMe(w, r, who, status, meView{name: f})
		}
		return err
	}
	return saved(w, r, "Saved.")
}

func (p *pages) changePassword(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	current, next := f.Secret("current"), f.Secret("password")
	if err = f.Err(); err == nil {
		err = p.identity.ChangePassword(r.Context(), who, current, next)
	}
	if err != nil {
		if status := absorb(w, f, err); status != 0 {
			return p.drawMe(w, r, who, status, meView{password: f})
		}
		return err
	}
	return saved(w, r, "Your password is changed. Everywhere else you are signed out.")
}

func (p *pages) revokeSession(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	session, err := pathID(r, "session")
	if err != nil {
		return err
	}
	if err := p.identity.RevokeSession(r.Context(), who, session); err != nil && !errs.IsKind(err, errs.NotFound) {
		return err
	}
	return saved(w, r, "That session has ended.")
}

func (p *pages) revokeOthers(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	if err := p.identity.RevokeOtherSessions(r.Context(), who); err != nil {
		return err
	}
	return saved(w, r, "Everywhere else you are signed out.")
}

func (p *pages) createKey(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := identity.KeyInput{Name: f.Text("key_name")}
	if s := f.Choice("scope", "read", "all"); s == "read" {
		in.Scopes = []string{"read"}
	}
	if day := f.Date("expires_on"); !day.IsZero() {
		end := day.AddDate(0, 0, 1) // through the whole of that day
		in.ExpiresAt = &end
	}
	var made identity.NewKey
	if err = f.Err(); err == nil {
		made, err = p.identity.CreateMyKey(r.Context(), who, in)
	}
	if err != nil {
		if status := absorb(w, f, renamed(err)); status != 0 {
			return p.drawMe(w, r, who, status, meView{key: f})
		}
		return err
	}
	return p.drawMe(w, r, who, http.StatusOK, meView{made: &made})
}

// renamed gives the fields of a key the names they have on this page, where another form has a name too.
func renamed(err error) error {
	e := *errs.Of(err)
	if e.Kind != errs.Invalid {
		return err
	}
	e.Fields = append([]errs.Field(nil), e.Fields...)
	for i, f := range e.Fields {
		switch f.Name {
		case "name":
			e.Fields[i].Name = "key_name"
		case "expires_at":
			e.Fields[i].Name = "expires_on"
		}
	}
	return &e
}

func (p *pages) revokeKey(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "key")
	if err != nil {
		return err
	}
	if err := p.identity.RevokeMyKey(r.Context(), who, key); err != nil {
		return err
	}
	return saved(w, r, "The key is revoked.")
}
