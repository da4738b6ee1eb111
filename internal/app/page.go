package app

import (
	"net/http"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/account"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/benchmark"
	"entente.dev/internal/deal"
	"entente.dev/internal/document"
	"entente.dev/internal/file"
	"entente.dev/internal/identity"
	"entente.dev/internal/incident"
	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/mail"
	"entente.dev/internal/partner"
	"entente.dev/internal/policy"
	"entente.dev/internal/privacy"
	"entente.dev/internal/processor"
	"entente.dev/internal/retention"
	"entente.dev/internal/tenant"
	"entente.dev/internal/transfer"
	"entente.dev/internal/trust"
	"entente.dev/internal/ui"
)

// navActions says which permission opens which entry of the navigation.
var navActions = map[string]access.Action{
	"home": deal.ActHome, "queue": deal.ActQueue, "deals": deal.ActList, "board": deal.ActList, "accounts": account.ActList,
	"contacts": account.ActContactList, "partners": partner.ActList, "people": identity.ActList, "imports": transfer.ActList, "audit": trail.ActOwn,
	"benchmarks": benchmark.ActRead, "trust": trust.ActRead, "policy": policy.ActRead, "retention": retention.ActRead, "privacy": privacy.ActList, "incidents": incident.ActList,
	"documents": document.ActList, "processors": processor.ActList, "journal": journal.ActList, "files": file.ActList,
	"mail": mail.ActList, "settings": tenant.ActProducts, "api": identity.ActMe,
	"deals.new": deal.ActCreate, "partners.new": partner.ActCreate, "accounts.new": account.ActCreate, "contacts.new": account.ActContactCreate,
	"people.new": identity.ActInvite, "imports.new": transfer.ActCreate,
}

// page returns the frame of a page for somebody who is signed in: who they are, how their programme looks, and where they
// may go.
func (a *App) page(w http.ResponseWriter, r *http.Request, who access.Actor, title, active string) (ui.Page, error) {
	set, err := a.Tenants.Get(r.Context(), who)
	if err != nil {
		return ui.Page{}, err
	}
	self, err := a.Identity.SelfOf(r.Context(), who)
	if err != nil {
		return ui.Page{}, err
	}
	v := ui.Viewer{Name: who.Name, Email: self.Email, Role: role.Label(who.Role), Company: set.Name,
		Brand:  ui.Brand{Name: set.Name, Color: set.BrandColor, Logo: logoHref(set)},
		Can:    func(key string) bool { return who.May(navActions[key]) },
		Reader: ui.Reader{Language: language(r), Zone: set.Location(), Now: a.Ops.Clock()}}
	for _, m := range self.Memberships {
		if m.Member == who.Member && m.PartnerName != "" {
			v.Company = m.PartnerName
		}
		v.Memberships = append(v.Memberships, ui.Membership{ID: m.Member.String(), Label: m.TenantName, Detail: membershipDetail(m), Current: m.Member == who.Member})
	}
	p := ui.NewPage(w, r, v, title, active)
	if active == "home" && p.Flash == nil {
		p.Flash, err = a.toAccept(r, who)
	}
	return p, err
}

// toAccept asks somebody of a partner, where they land after sign-in, to accept what is not accepted yet.
func (a *App) toAccept(r *http.Request, who access.Actor) (*ui.Flash, error) {
	all, err := a.Documents.ToAccept(r.Context(), who)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &ui.Flash{Tone: ui.Warn, Text: all[0].Title + " waits to be accepted by " + all[0].DueAt().Format("2 January 2006") + ".", Link: &ui.Link{Label: "Read and accept", Href: "/documents"}}, nil
}

func membershipDetail(m identity.Membership) string {
	if m.PartnerName == "" {
		return role.Label(m.Role)
	}
	return m.PartnerName + " · " + role.Label(m.Role)
}

func logoHref(s tenant.Settings) string {
	if s.LogoType == "" {
		return ""
	}
	return "/brand/" + s.Slug + "/logo?v=" + s.UpdatedAt.UTC().Format("20060102150405")
}

// language returns the reader's first language, such as "de".
func language(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ",")
	tag, _, _ := strings.Cut(first, ";")
	return strings.TrimSpace(tag)
}

// bare returns the frame of a page before sign-in, in the look of the only programme there is.
func (a *App) bare(w http.ResponseWriter, r *http.Request, title string) ui.Page {
	v := ui.Viewer{Reader: ui.Reader{Language: language(r), Zone: time.UTC, Now: a.Ops.Clock()}}
	if b, err := a.Tenants.BrandFor(r.Context(), r.Host); err == nil && b.Tenant != id.Nil {
		v.Brand = ui.Brand{Name: b.Name, Color: b.Color}
		if b.HasLogo {
			v.Brand.Logo = "/brand/" + b.Slug + "/logo"
		}
	}
	return ui.NewPage(w, r, v, title, "")
}

// refusalTitles are the headings of refusals that people meet; programs get the names of HTTP.
var refusalTitles = map[int]string{
	http.StatusForbidden: "Not allowed", http.StatusNotFound: "Not found", http.StatusMethodNotAllowed: "Not a page",
	http.StatusRequestEntityTooLarge: "Too large", http.StatusTooManyRequests: "Too many requests", http.StatusInternalServerError: "Something broke here",
	http.StatusServiceUnavailable: "Back in a moment",
}

// renderError draws the page of a refusal.
func (a *App) renderError(w http.ResponseWriter, r *http.Request, who access.Actor, p *httpx.Problem) {
	frame := ui.Page{}
	if who.Kind == access.Person && p.Status < http.StatusInternalServerError {
		if full, err := a.page(w, r, who, p.Title, ""); err == nil {
			frame = full
		}
	}
	if !frame.Viewer.SignedIn() {
		frame = ui.NewPage(w, r, ui.Viewer{Reader: ui.Reader{Language: language(r), Zone: time.UTC, Now: a.Ops.Clock()}}, p.Title, "")
	}
	title := p.Title
	if words, ok := refusalTitles[p.Status]; ok {
		title = words
	}
	_ = ui.Render(w, r, p.Status, ui.ErrorPage(frame, p.Status, title, p.Detail, p.RequestID))
}

// denied puts on record that a door refused somebody an action their role does not include.
func (a *App) denied(r *http.Request, who access.Actor, act access.Action) {
	a.Ops.RecordDenied(r.Context(), who, act)
}
