package privacyweb

import (
	"net/http"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/privacy"
	"entente.dev/internal/ui"
)

type meView struct {
	who      access.Actor
	me       privacy.Me
	looked   bool // whether the search was asked for
	requests []privacy.Request
	form     *httpx.Form
	problem  string
	now      time.Time
}

func (p pages) mine(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawMine(w, r, who, http.StatusOK, httpx.NewForm(nil), "")
}

func (p pages) drawMine(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form, problem string) error {
	v := meView{who: who, form: f, problem: problem, now: p.Clock(), looked: r.Method == http.MethodGet && r.URL.Query().Get("look") != ""}
	var err error
	if v.requests, err = p.Privacy.Mine(r.Context(), who); err != nil {
		return err
	}
	if v.me, err = p.Privacy.MyData(r.Context(), who, v.looked); errs.IsKind(err, errs.Conflict) {
		v.problem = errs.Of(err).Msg
	} else if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Your data", "me")
	if err != nil {
		return err
	}
	pg.Subtitle = "What this programme holds about you, and what you can ask for."
	return ui.Render(w, r, status, minePage(pg, v))
}

func (p pages) ask(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	made, err := p.Privacy.Request(r.Context(), who, privacy.Kind(f.Text("kind")), f.Text("purpose"), f.Text("asked"))
	switch {
	case err == nil:
		text := "We sent a one-time link to your address. Open it to confirm that it is you who asks."
		if made.State == privacy.Forwarded {
			text = "Your request is forwarded to the company that is responsible for your data. It will answer you."
		}
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: text})
		httpx.SeeOther(w, r, "/me/privacy/"+made.ID.String())
		return nil
	case errs.IsKind(err, errs.Conflict):
		return p.drawMine(w, r, who, http.StatusConflict, f, errs.Of(err).Msg)
	case f.Absorb(err):
		return p.drawMine(w, r, who, http.StatusUnprocessableEntity, f, "")
	}
	return err
}

type myRequestView struct {
	r       privacy.Request
	form    *httpx.Form
	problem string
	now     time.Time
}

func (p pages) myRequest(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawMyRequest(w, r, who, http.StatusOK, httpx.NewForm(map[string]string{"code": r.URL.Query().Get("code")}), "")
}

func (p pages) drawMyRequest(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form, problem string) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	it, err := p.Privacy.MyRequest(r.Context(), who, key)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, it.Kind.Words(), "me")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Your data", Href: "/me/privacy"}}
	pg.Lead, pg.Subtitle = stateBadge(it), clockWords(it, p.Clock())
	return ui.Render(w, r, status, myRequestPage(pg, myRequestView{it, f, problem, p.Clock()}))
}

func (p pages) confirm(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.own(w, r, who, "Confirmed. Your request is being worked on.", func(key keyed) error {
		_, err := p.Privacy.Confirm(r.Context(), who, key.id, key.form.Text("code"))
		return err
	})
}

func (p pages) newCode(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.own(w, r, who, "Another link is on its way to your address.", func(key keyed) error {
		_, err := p.Privacy.NewCode(r.Context(), who, key.id)
		return err
	})
}

func (p pages) withdraw(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.own(w, r, who, "Your request is withdrawn.", func(key keyed) error {
		_, err := p.Privacy.Withdraw(r.Context(), who, key.id, 0)
		return err
	})
}
