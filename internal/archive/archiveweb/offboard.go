package archiveweb

import (
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/archive"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/partner"
	"entente.dev/internal/ui"
)

// handover is the page of one off-boarding.
type handover struct {
	archive.Handover
	partner    bool
	action     string // where the form goes
	record     string // the record's own page
	successors []ui.Option
	form       *httpx.Form
}

func (p pages) endPage(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawEnd(w, r, who, http.StatusOK, httpx.NewForm(nil))
}

func (p pages) drawEnd(w http.ResponseWriter, r *http.Request, who access.Actor, status int, form *httpx.Form) error {
	v, err := httpx.PathID(r, "partner")
	if err != nil {
		return err
	}
	h, err := p.Archive.PreviewPartner(r.Context(), who, v)
	if err != nil {
		return err
	}
	list, err := p.Partners.List(r.Context(), who, partner.Query{Status: "active", Limit: 200})
	if err != nil {
		return err
	}
	out := handover{Handover: h, partner: true, action: "/partners/" + v.String() + "/end", record: "/partners/" + v.String(), form: form,
		successors: []ui.Option{{Value: "", Label: "Us, the vendor"}}}
	for _, o := range list.Items {
		if o.ID != v {
			out.successors = append(out.successors, ui.Option{Value: o.ID.String(), Label: o.Name})
		}
	}
	return p.drawHandover(w, r, who, status, "End the relation to "+h.Name, "partners", out)
}

func (p pages) drawHandover(w http.ResponseWriter, r *http.Request, who access.Actor, status int, title, key string, v handover) error {
	page, err := p.Page(w, r, who, title, key)
	if err != nil {
		return err
	}
	page.Crumbs = []ui.Link{{Label: "People", Href: "/people"}, {Label: v.Name, Href: v.record}}
	if v.partner {
		page.Crumbs[0] = ui.Link{Label: "Partners", Href: "/partners"}
	}
	return ui.Render(w, r, status, handoverPage(page, v))
}

// end ends the relation.
func (p pages) end(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := httpx.PathID(r, "partner")
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	successor := f.ID("successor")
	if err = f.Err(); err == nil {
		_, err = p.Archive.EndPartner(r.Context(), who, v, successor)
	}
	if err != nil && f.Absorb(err) {
		return p.drawEnd(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return p.gone(w, r, "/partners/"+v.String(), "The relation has ended. Its deals and people are taken care of.", err)
}

func (p pages) leavePage(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawLeave(w, r, who, http.StatusOK, httpx.NewForm(nil))
}

func (p pages) drawLeave(w http.ResponseWriter, r *http.Request, who access.Actor, status int, form *httpx.Form) error {
	v, err := httpx.PathID(r, "person")
	if err != nil {
		return err
	}
	h, colleagues, err := p.Archive.PreviewLeaver(r.Context(), who, v)
	if err != nil {
		return err
	}
	out := handover{Handover: h, action: "/people/" + v.String() + "/leave", record: "/people/" + v.String(), form: form, successors: []ui.Option{{Value: "", Label: "Nobody in particular"}}}
	for _, c := range colleagues {
		out.successors = append(out.successors, ui.Option{Value: c.ID.String(), Label: c.Name})
	}
	return p.drawHandover(w, r, who, status, h.Name+" leaves", "people", out)
}

func (p pages) leave(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := httpx.PathID(r, "person")
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	successor := f.ID("successor")
	if err = f.Err(); err == nil {
		_, err = p.Archive.Leaver(r.Context(), who, v, successor)
	}
	if err != nil && f.Absorb(err) {
		return p.drawLeave(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return p.gone(w, r, "/people", "They are out: sign-in, sessions, keys and views have ended.", err)
}

// gone goes on after an off-boarding, or tells why there is none.
func (p pages) gone(w http.ResponseWriter, r *http.Request, to, done string, err error) error {
	flash := ui.Flash{Tone: ui.Good, Text: done}
	if errs.IsKind(err, errs.Conflict) {
		flash, err = ui.Flash{Tone: ui.Bad, Text: errs.Of(err).Msg}, nil
	}
	if err != nil {
		return err
	}
	ui.SetFlash(w, flash)
	httpx.SeeOther(w, r, to)
	return nil
}
