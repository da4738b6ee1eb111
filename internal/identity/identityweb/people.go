package identityweb

import (
	"context"
	"net/http"
	"slices"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/ui"
)

type peopleView struct {
	ui.List
	items    []identity.Member
	partners []ui.Option
	problems []errs.Field
	invite   bool
	vendor   bool
}

func (p *pages) people(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	l := ui.ListOf(r)
	v := peopleView{List: l, invite: who.May(identity.ActInvite), vendor: who.Persona == access.Staff}
	v.Noun = "people"
	q := identity.PeopleQuery{Q: l.Get("q"), Role: l.Get("role"), Status: l.Get("status"), Cursor: l.Get("cursor")}
	var ok bool
	if q.Partner, ok = id.Parse(l.Get("partner")); !ok && l.Get("partner") != "" {
		q.Partner = id.New() // nobody works for a company that does not exist
	}
	page, err := p.identity.People(r.Context(), who, q)
	status := http.StatusOK
	if errs.IsKind(err, errs.Invalid) {
		v.problems, status, err = errs.Of(err).Fields, http.StatusUnprocessableEntity, nil
	}
	if err != nil {
		return err
	}
	v.items, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	if v.vendor {
		if v.partners, err = p.companies(r.Context(), who); err != nil {
			return err
		}
	}
	frame, err := p.Page(w, r, who, "People", "people")
	if err != nil {
		return err
	}
	if v.invite {
		frame.Actions = ui.PrimaryButton("/people/new", "Invite a person", "user-plus")
	}
	return ui.Render(w, r, status, peoplePage(frame, v))
}

// companies are the partner companies to choose from.
func (p *pages) companies(ctx context.Context, who access.Actor) ([]ui.Option, error) {
	list, err := p.Partners.List(ctx, who, partner.Query{Limit: 200})
	out := make([]ui.Option, 0, len(list.Items))
	for _, c := range list.Items {
		out = append(out, ui.Option{Value: c.ID.String(), Label: c.Name})
	}
	return out, err
}

func roleOptions(who access.Actor) []ui.Option {
	hints := map[string]string{role.Admin: "runs the programme", role.Staff: "channel manager", role.Partner: "runs the partner company's side", role.Agent: "works for the partner"}
	var out []ui.Option
	for _, r := range role.All {
		if identity.MayGive(who, r) {
			out = append(out, ui.Option{Value: r, Label: role.Label(r), Hint: hints[r]})
		}
	}
	return out
}

func statusOptions() []ui.Option {
	var out []ui.Option
	for _, s := range identity.Statuses {
		out = append(out, ui.Option{Value: s, Label: ui.StateLabel(s)})
	}
	return out
}

func allRoles() []ui.Option {
	var out []ui.Option
	for _, r := range role.All {
		out = append(out, ui.Option{Value: r, Label: role.Label(r)})
	}
	return out
}

func (p *pages) inviteForm(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	q := r.URL.Query()
	return p.drawInvite(w, r, who, http.StatusOK, httpx.NewForm(map[string]string{"partner_id": q.Get("partner"), "email": q.Get("email"), "name": q.Get("name"), "role": q.Get("role")}))
}

func (p *pages) drawInvite(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form) error {
	var companies []ui.Option
	var err error
	if who.Persona == access.Staff {
		if companies, err = p.companies(r.Context(), who); err != nil {
			return err
		}
	}
	page, err := p.Page(w, r, who, "Invite a person", "people")
	if err != nil {
		return err
	}
	page.Crumbs = []ui.Link{{Label: "People", Href: "/people"}}
	page.Subtitle = "They get a mail with a link, set their own password, and are in."
	if !p.Mails {
		page.Subtitle = "You get a link to send them. They set their own password, and are in."
	}
	return ui.Render(w, r, status, invitePage(page, f, roleOptions(who), companies))
}

func (p *pages) invite(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := identity.InviteInput{Email: f.Text("email"), Name: f.Text("name"), Role: f.Text("role"), Partner: f.ID("partner_id")}
	if in.Role == role.Admin || in.Role == role.Staff {
		in.Partner = id.Nil // the page cannot take the company's field away without script
	}
	var v identity.Invited
	if err = f.Err(); err == nil {
		v, err = p.identity.Invite(r.Context(), who, in)
	}
	if err != nil {
		if status := absorb(w, f, choosing(err, in)); status != 0 {
			return p.drawInvite(w, r, who, status, f)
		}
		return err
	}
	return p.drawInvited(w, r, who, v)
}

// choosing says of a role that nobody chose what the page offers; the use case names the values of the API.
func choosing(err error, in identity.InviteInput) error {
	e := errs.Of(err)
	if in.Role != "" || e.Kind != errs.Invalid {
		return err
	}
	worded := *e
	worded.Fields = slices.Clone(e.Fields)
	for i := range worded.Fields {
		if worded.Fields[i].Name == "role" {
			worded.Fields[i].Msg = "Choose a role."
		}
	}
	return &worded
}

// drawInvited shows the link this once, for installations without mail and for people who prefer to send it themselves.
func (p *pages) drawInvited(w http.ResponseWriter, r *http.Request, who access.Actor, v identity.Invited) error {
	page, err := p.Page(w, r, who, v.Member.Name+" is invited", "people")
	if err != nil {
		return err
	}
	page.Crumbs = []ui.Link{{Label: "People", Href: "/people"}}
	return ui.Render(w, r, http.StatusOK, invitedPage(page, v, p.Mails))
}

func (p *pages) reinvite(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	member, err := pathID(r, "person")
	if err != nil {
		return err
	}
	v, err := p.identity.Reinvite(r.Context(), who, member)
	if err != nil {
		return err
	}
	return p.drawInvited(w, r, who, v)
}

type personView struct {
	identity.Member
	form    *httpx.Form
	who     access.Actor
	version int
}

func (v personView) may(act access.Action) bool { return v.who.May(act) && v.reaches() }

// reaches reports whether the actor may change this person at all: the use case has the last word.
func (v personView) reaches() bool {
	return v.Status != identity.StatusRemoved && identity.MayGive(v.who, v.Role)
}

// invitable reports whether a link can be sent: to somebody with an address who is not in yet.
func (v personView) invitable() bool {
	return v.may(identity.ActInvite) && v.Email != "" && (v.Status == identity.StatusListed || v.Status == identity.StatusInvited)
}

func (v personView) self() bool { return v.ID == v.who.Member }

// roles are the roles on this person's side that the actor may give.
func (v personView) roles() []ui.Option {
	var out []ui.Option
	for _, o := range roleOptions(v.who) {
		if role.Persona(o.Value) == role.Persona(v.Role) {
			out = append(out, o)
		}
	}
	return out
}

func (v personView) company() string {
	if v.PartnerName == "" {
		return "Vendor"
	}
	return v.PartnerName
}

func (p *pages) person(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	member, err := pathID(r, "person")
	if err != nil {
		return err
	}
	return p.drawPerson(w, r, who, http.StatusOK, member, nil)
}

func (p *pages) drawPerson(w http.ResponseWriter, r *http.Request, who access.Actor, status int, member id.ID, f *httpx.Form) error {
	m, err := p.identity.Person(r.Context(), who, member)
	if err != nil {
		return err
	}
	if f == nil {
		f = httpx.NewForm(map[string]string{"name": m.Name, "role": m.Role})
	}
	page, err := p.Page(w, r, who, m.Name, "people")
	if err != nil {
		return err
	}
	page.Crumbs, page.Lead, page.Subtitle = []ui.Link{{Label: "People", Href: "/people"}}, ui.State(m.Status), m.Email
	return ui.Render(w, r, status, personPage(page, personView{m, f, who, m.Version}))
}

func (p *pages) update(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	member, err := pathID(r, "person")
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := identity.UpdateInput{ID: member, Version: f.Version()}
	name, as := f.Text("name"), f.Text("role")
	in.Name = &name
	if as != "" {
		in.Role = &as
	}
	if err = f.Err(); err == nil {
		_, err = p.identity.UpdatePerson(r.Context(), who, in)
	}
	if err != nil {
		if errs.IsKind(err, errs.Stale) {
			f.Refuse("", "person.stale", errs.Of(err).Msg)
			return p.drawPerson(w, r, who, http.StatusPreconditionFailed, member, f)
		}
		if status := absorb(w, f, err); status != 0 {
			return p.drawPerson(w, r, who, status, member, f)
		}
		return err
	}
	ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "Saved."})
	httpx.SeeOther(w, r, "/people/"+member.String())
	return nil
}

// change answers the buttons that let a person in or shut them out.
func (p *pages) change(do func(context.Context, access.Actor, id.ID) (identity.Member, error), told string) func(http.ResponseWriter, *http.Request, access.Actor) error {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		member, err := pathID(r, "person")
		if err != nil {
			return err
		}
		m, err := do(r.Context(), who, member)
		flash := ui.Flash{Tone: ui.Good, Text: m.Name + " " + told}
		if errs.IsKind(err, errs.Conflict) {
			flash, err = ui.Flash{Tone: ui.Bad, Text: errs.Of(err).Msg}, nil
		}
		if err != nil {
			return err
		}
		ui.SetFlash(w, flash)
		httpx.SeeOther(w, r, "/people/"+member.String())
		return nil
	}
}
