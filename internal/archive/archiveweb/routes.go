// Package archiveweb draws the page of leaving: take everything along, and have the programme deleted.
package archiveweb

import (
	"encoding/json"
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/archive"
	"entente.dev/internal/door"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/partner"
	"entente.dev/internal/ui"
)

// Deps are what the page is drawn with.
type Deps struct {
	Page     ui.PageFunc
	Archive  *archive.Service
	People   *identity.Service
	Partners *partner.Service
	Tabs     func(who access.Actor, active string) []ui.Tab // of the settings
}

type pages struct{ Deps }

// here is the page's address.
const here = "/settings/leaving"

// Routes puts the page behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /partners/{id}/end", archive.ActEndPartner, p.endPage)
	w.Private("POST /partners/{id}/end", archive.ActEndPartner, p.end)
	w.Private("GET /people/{id}/leave", archive.ActLeave, p.leavePage)
	w.Private("POST /people/{id}/leave", archive.ActLeave, p.leave)
	w.Private("GET /settings/leaving", archive.ActRead, p.page)
	w.Private("POST /settings/leaving/export", archive.ActExport, p.export)
	w.Private("GET /settings/leaving/exports/{id}/events", archive.ActRead, p.events)
	w.Private("POST /settings/leaving/delete", archive.ActDelete, p.delete)
	w.Private("POST /settings/leaving/agree", archive.ActDelete, p.agree)
	w.Private("POST /settings/leaving/keep", archive.ActKeep, p.keep)
}

type view struct {
	archive.Leaving
	tabs []ui.Tab
	who  access.Actor
	form *httpx.Form
}

func (p pages) page(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.draw(w, r, who, http.StatusOK, httpx.NewForm(nil))
}

func (p pages) draw(w http.ResponseWriter, r *http.Request, who access.Actor, status int, form *httpx.Form) error {
	l, err := p.Archive.Leaving(r.Context(), who)
	if err != nil {
		return err
	}
	page, err := p.Page(w, r, who, "Leaving", "settings")
	if err != nil {
		return err
	}
	return ui.Render(w, r, status, leavingPage(page, view{Leaving: l, tabs: p.Tabs(who, here), who: who, form: form}))
}

// back goes to the page with what was done, or with the reason why not.
func back(w http.ResponseWriter, r *http.Request, done string, err error) error {
	flash := ui.Flash{Tone: ui.Good, Text: done}
	if errs.IsKind(err, errs.Conflict) {
		flash, err = ui.Flash{Tone: ui.Bad, Text: errs.Of(err).Msg}, nil
	}
	if err != nil {
		return err
	}
	ui.SetFlash(w, flash)
	httpx.SeeOther(w, r, here)
	return nil
}

func (p pages) export(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	_, err := p.Archive.Start(r.Context(), who)
	return back(w, r, "The archive is being written. It stays here, and under Files, for the days of your data policy.", err)
}

// delete asks for the deletion; what was typed stays but for the password.
func (p pages) delete(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in, password := archive.DeleteInput{Slug: f.Need("slug"), Reason: f.Need("reason")}, f.Secret("password")
	if err = f.Err(); err == nil {
		if err = p.People.Prove(r.Context(), who, password); err == nil {
			_, err = p.Archive.Delete(r.Context(), who, in)
		}
	}
	if err != nil && f.Absorb(err) {
		return p.draw(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return back(w, r, "The deletion is asked for.", err)
}

func (p pages) agree(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	_, err := p.Archive.Agree(r.Context(), who)
	return back(w, r, "You agreed. The programme is closing.", err)
}

func (p pages) keep(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	_, err := p.Archive.Keep(r.Context(), who)
	return back(w, r, "The programme stays, and is at work again.", err)
}

// events feeds the progress bar of an export.
func (p pages) events(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := httpx.PathID(r, "archive")
	if err != nil {
		return err
	}
	if _, err := p.Archive.GetRun(r.Context(), who, v); err != nil {
		return err
	}
	stream, err := httpx.Events(w, r)
	if err != nil {
		return err
	}
	err = p.Archive.Watch(stream.Context(), who, v, func(run archive.Run) error {
		name := "progress"
		if !run.Working() {
			name = "done"
		}
		data, err := json.Marshal(map[string]any{"done": run.Done, "total": run.Total, "label": label(run)})
		if err != nil {
			return err
		}
		return stream.Send(httpx.Event{Name: name, Data: string(data)})
	})
	if err != nil {
		httpx.Note(r.Context(), err) // the browser is gone, or will ask again
	}
	return nil
}

func label(r archive.Run) string {
	if r.Step == "" {
		return "Writing the archive"
	}
	return "Writing " + r.Step
}
