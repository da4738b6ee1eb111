package trustweb

import (
	"net/http"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/trust"
	"entente.dev/internal/ui"
)

type promiseView struct {
	who     access.Actor
	state   trust.State
	history trust.HistoryPage
	list    ui.List
	form    *httpx.Form
	today   time.Time
}

func (p pages) promise(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawPromise(w, r, who, http.StatusOK, nil)
}

func (p pages) drawPromise(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form) error {
	one, err := p.found(r)
	if err != nil {
		return err
	}
	v := promiseView{who: who, form: f, today: p.Trust.Now(), list: ui.ListOf(r)}
	v.list.Path = "/promises/" + one.ID
	all, err := p.Trust.States(r.Context(), who)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Promise.ID == one.ID {
			v.state = s
		}
	}
	v.history, err = p.Trust.History(r.Context(), who, trust.HistoryQuery{Promise: one.ID, Cursor: v.list.Get("cursor")})
	if err != nil {
		return err
	}
	v.list.Next, v.list.Shown, v.list.Noun = v.history.Next, len(v.history.Items), "lines of evidence"
	pg, err := p.Page(w, r, who, one.ID+" "+one.Title, "trust")
	if err != nil {
		return err
	}
	pg.Crumbs, pg.Lead = []ui.Link{{Label: "Promises", Href: "/promises"}}, ui.Badge(tones[v.state.Status], labels[v.state.Status])
	pg.Actions = promiseTools(v)
	return ui.Render(w, r, status, promisePage(pg, v))
}

func (p pages) check(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	one, err := p.found(r)
	if err != nil {
		return err
	}
	e, err := p.Trust.CheckNow(r.Context(), who, one.ID)
	if err != nil {
		return err
	}
	flash := ui.Flash{Tone: ui.Good, Text: one.ID + " was probed. " + e.Checked}
	if e.Result == trust.Failing {
		flash = ui.Flash{Tone: ui.Bad, Text: one.ID + " does not hold: " + e.Detail}
	}
	ui.SetFlash(w, flash)
	httpx.SeeOther(w, r, "/promises/"+one.ID)
	return nil
}

func (p pages) attest(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	one, err := p.found(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := trust.AttestInput{Promise: one.ID, By: f.Text("by"), Statement: f.Text("statement"), Until: f.Date("until"), Withdraw: f.Text("withdraw") != ""}
	if err = f.Err(); err == nil {
		_, err = p.Trust.Attest(r.Context(), who, in)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "This is on record, and stands on the public page."})
		httpx.SeeOther(w, r, "/promises/"+one.ID)
		return nil
	case f.Absorb(err):
		return p.drawPromise(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return err
}
