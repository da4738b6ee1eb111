package trustweb

import (
	"net/http"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/trust"
	"entente.dev/internal/ui"
)

// bait is a field that people do not see.
const bait = "website"

func (p pages) report(w http.ResponseWriter, r *http.Request) error {
	pg, brand, err := p.Site(w, r, "Trust")
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := trust.ConcernInput{Kind: f.Text("kind"), Name: f.Text("name"), Email: f.Text("email"), Body: f.Text("body"), Bait: f.Text(bait), Token: f.Text("token")}
	if err = f.Err(); err == nil {
		err = p.Trust.Report(r.Context(), brand.Tenant, door.RequestOf(r), in)
	}
	status := http.StatusUnprocessableEntity
	switch {
	case err == nil:
		httpx.SeeOther(w, r, pg.Base+"/trust?sent=yes#report")
		return nil
	case errs.IsKind(err, errs.Throttled):
		status = http.StatusTooManyRequests
		f.Refuse("", errs.Of(err).Code, errs.Of(err).Msg+" Nothing you typed is lost.")
	case !f.Absorb(err):
		return err
	}
	v, err := p.view(r, brand.Tenant)
	if err != nil {
		return err
	}
	p.of(&v, pg, brand)
	v.form = f
	if errs.IsKind(f.Err(), errs.Invalid) && f.Problem("") == "" {
		v.token = in.Token // still the same form
	}
	return p.draw(w, r, status, pg, v)
}

type concernsView struct {
	ui.List
	items []trust.Concern
}

func (p pages) concerns(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := concernsView{List: ui.ListOf(r)}
	v.Noun = "concerns"
	page, err := p.Trust.Concerns(r.Context(), who, v.Get("status") == "open", v.Get("cursor"))
	if err != nil {
		return err
	}
	v.items, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	pg, err := p.Page(w, r, who, "Concerns", "trust")
	if err != nil {
		return err
	}
	pg.Crumbs, pg.Subtitle = []ui.Link{{Label: "Promises", Href: "/promises"}}, "What people report through the form on your trust page."
	return ui.Render(w, r, http.StatusOK, concernsPage(pg, v))
}

type concernView struct {
	who  access.Actor
	it   trust.Concern
	form *httpx.Form
}

func (p pages) concern(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawConcern(w, r, who, http.StatusOK, nil)
}

func (p pages) drawConcern(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form) error {
	key, err := httpx.PathID(r, "concern")
	if err != nil {
		return err
	}
	it, err := p.Trust.Concern(r.Context(), who, key)
	if err != nil {
		return err
	}
	if f == nil {
		f = httpx.NewForm(map[string]string{"answer": it.Answer, "version": strconv.Itoa(it.Version)})
	}
	pg, err := p.Page(w, r, who, "Concern about "+it.Kind, "trust")
	if err != nil {
		return err
	}
	pg.Crumbs, pg.Lead = []ui.Link{{Label: "Promises", Href: "/promises"}, {Label: "Concerns", Href: "/promises/concerns"}}, ui.State(it.Status)
	return ui.Render(w, r, status, concernPage(pg, concernView{who, it, f}))
}

func (p pages) answer(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := httpx.PathID(r, "concern")
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := trust.AnswerInput{ID: key, Version: f.Version(), Answer: f.Text("answer")}
	if f.Text("close") != "" {
		in.Answer = ""
	} else if in.Answer == "" {
		f.Refuse("answer", "field.required", "Write an answer, or close the concern without one.")
	}
	var done trust.Concern
	if err = f.Err(); err == nil {
		done, err = p.Trust.Answer(r.Context(), who, in)
	}
	switch {
	case err == nil:
		text := "The concern is closed."
		if done.Status == "answered" {
			text = "The answer is kept; nobody gave an address to send it to."
			if done.Email != "" {
				text = "The answer goes to " + done.Email + "."
			}
		}
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: text})
		httpx.SeeOther(w, r, "/promises/concerns/"+key.String())
		return nil
	case errs.IsKind(err, errs.Stale):
		f.Refuse("", "concern.stale", errs.Of(err).Msg)
		return p.drawConcern(w, r, who, http.StatusPreconditionFailed, f)
	case f.Absorb(err):
		return p.drawConcern(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return err
}
