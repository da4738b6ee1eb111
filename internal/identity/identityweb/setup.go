package identityweb

import (
	"net/http"
	"net/url"
	"strings"

	"entente.dev/internal/access/role"
	"entente.dev/internal/door"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/ui"
)

func (p *pages) setUpForm(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	if err := p.identity.SetUpOpen(r.Context(), token); err != nil {
		return p.deadLink(w, r, err)
	}
	return ui.Render(w, r, http.StatusOK, setUpPage(p.setUpFrame(w, r), httpx.NewForm(map[string]string{"token": token, "currency": "USD", "time_zone": "UTC"}), p.SetUpDemo != nil))
}

func (p *pages) setUpFrame(w http.ResponseWriter, r *http.Request) ui.Page {
	page := p.Bare(w, r, "Set up your programme")
	page.Subtitle = "Two minutes: your programme, and you as its first Admin."
	return page
}

func (p *pages) setUp(w http.ResponseWriter, r *http.Request) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	token, demo := f.Secret("token"), f.Bool("demo")
	in := identity.SetUpInput{Programme: f.Text("programme"), Slug: f.Text("slug"), Currency: f.Text("currency"), TimeZone: f.Text("time_zone"),
		Name: f.Text("name"), Email: f.Text("email"), Password: f.Secret("password")}
	var made identity.Founded
	if err = f.Err(); err == nil {
		made, err = p.identity.SetUp(r.Context(), door.RequestOf(r), token, in)
	}
	if err != nil {
		if status := absorb(w, f, err); status != 0 {
			return ui.Render(w, r, status, setUpPage(p.setUpFrame(w, r), f, p.SetUpDemo != nil))
		}
		return p.deadLink(w, r, err)
	}
	keep(w, made.Session)
	flash := ui.Flash{Tone: ui.Good, Text: "Your programme is ready. Next: add partners, or import your pipeline."}
	if demo && p.SetUpDemo != nil {
		who, err := p.identity.BySession(r.Context(), made.Session.Token)
		if err == nil {
			err = p.SetUpDemo(r.Context(), who)
		}
		if err != nil {
			httpx.Note(r.Context(), err)
			flash = ui.Flash{Tone: ui.Warn, Text: "Your programme is ready, but the sample data could not be made. The log says why."}
		} else {
			flash.Text = "Your programme is ready, with sample data to look around in."
		}
	}
	ui.SetFlash(w, flash)
	httpx.SeeOther(w, r, "/")
	return nil
}

func currencies() []ui.Option {
	var out []ui.Option
	for _, c := range money.All() {
		out = append(out, ui.Option{Value: c.Code, Label: c.Code})
	}
	return out
}

// zones are offered first; any other is accepted by the API.
var zones = []string{"UTC", "Africa/Johannesburg", "Africa/Lagos", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Mexico_City", "America/New_York",
	"America/Sao_Paulo", "America/Toronto", "Asia/Dubai", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Kolkata", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo",
	"Australia/Sydney", "Europe/Amsterdam", "Europe/Athens", "Europe/Berlin", "Europe/Dublin", "Europe/Istanbul", "Europe/Lisbon", "Europe/London", "Europe/Madrid",
	"Europe/Paris", "Europe/Rome", "Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland"}

// invited is what the invitation page shows.
type invited struct {
	identity.Invitation
	token string
	me    bool   // the browser is signed in as the invited person
	other string // it is signed in as somebody else
}

func (v invited) signIn() string {
	return "/sign-in?email=" + url.QueryEscape(v.Email) + "&next=" + url.QueryEscape("/invitation?token="+url.QueryEscape(v.token))
}

func (v invited) role() string { return role.Label(v.Role) }

// readInvitation returns what the token is for and whether this browser is the invited person's.
func (p *pages) readInvitation(r *http.Request, token string) (invited, error) {
	inv, err := p.identity.Invitation(r.Context(), token)
	v := invited{Invitation: inv, token: token}
	if err == nil {
		person, email := p.identity.Whose(r.Context(), cookie(r, sessionCookie))
		v.me = person == inv.Person
		if person != id.Nil && !v.me {
			v.other = email
		}
	}
	return v, err
}

func (p *pages) invitationForm(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	v, err := p.readInvitation(r, token)
	if err != nil {
		return p.deadInvitation(w, r, err)
	}
	f := httpx.NewForm(map[string]string{"token": token, "name": v.Name})
	return ui.Render(w, r, http.StatusOK, invitationPage(p.invitationFrame(w, r, v), f, v))
}

func (p *pages) invitationFrame(w http.ResponseWriter, r *http.Request, v invited) ui.Page {
	page := p.Bare(w, r, "Welcome to "+v.TenantName)
	page.Subtitle = "You are invited as " + v.role() + "."
	if v.PartnerName != "" {
		page.Subtitle = "You are invited as " + v.role() + " of " + v.PartnerName + "."
	}
	return page
}

func (p *pages) deadInvitation(w http.ResponseWriter, r *http.Request, err error) error {
	e := errs.Of(err)
	if e.Kind != errs.Conflict && e.Kind != errs.NotFound {
		return err
	}
	return ui.Render(w, r, httpx.Status(e.Kind), deadInvitationPage(p.Bare(w, r, "This invitation no longer works"), e.Msg))
}

func (p *pages) accept(w http.ResponseWriter, r *http.Request) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := identity.AcceptInput{Token: f.Secret("token"), Session: cookie(r, sessionCookie), Name: f.Text("name"), Password: f.Secret("password")}
	v, err := p.readInvitation(r, in.Token)
	if err != nil {
		return p.deadInvitation(w, r, err)
	}
	var s identity.Session
	if err = f.Err(); err == nil {
		s, err = p.identity.Accept(r.Context(), door.RequestOf(r), in)
	}
	if err != nil {
		if strings.HasPrefix(errs.Of(err).Code, "invitation.") && !errs.Is(err, "invitation.sign_in") {
			return p.deadInvitation(w, r, err)
		}
		if status := absorb(w, f, err); status != 0 {
			return ui.Render(w, r, status, invitationPage(p.invitationFrame(w, r, v), f, v))
		}
		return err
	}
	keep(w, s)
	ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "Welcome to " + v.TenantName + "."})
	httpx.SeeOther(w, r, "/")
	return nil
}
