// Package privacyweb draws the pages about the rights of a person: the officer's requests, search and restrictions, a partner's tasks,
// one's own data, and the page behind a one-time link.
package privacyweb

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/privacy"
	"entente.dev/internal/ui"
)

// Deps are the room and what its pages are drawn with.
type Deps struct {
	Page    ui.PageFunc
	Bare    func(w http.ResponseWriter, r *http.Request, title string) ui.Page // the frame of a page before sign-in
	Privacy *privacy.Service
	Trail   *trail.Service
	Clock   func() time.Time
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /privacy", privacy.ActList, p.list)
	w.Private("GET /privacy/new", privacy.ActOpen, p.blank)
	w.Private("POST /privacy", privacy.ActOpen, p.open)
	w.Private("GET /privacy/search", privacy.ActFind, p.blankSearch)
	w.Private("POST /privacy/search", privacy.ActFind, p.search)
	w.Private("GET /privacy/restricted", privacy.ActRestricted, p.restricted)
	w.Private("POST /privacy/restricted", privacy.ActRestrict, p.restrict)
	w.Private("GET /privacy/tasks", privacy.ActTaskList, p.tasks)
	w.Private("POST /privacy/tasks", privacy.ActTaskAnswer, p.answerTask)
	w.Private("GET /privacy/{id}", privacy.ActRead, p.record)
	w.Private("GET /privacy/{id}/package", privacy.ActRead, p.download)
	w.Private("GET /privacy/{id}/certificate", privacy.ActRead, p.certificate)
	for verb, s := range steps {
		w.Private("POST /privacy/{id}/"+verb, s.act, p.step(s))
	}
	w.Private("GET /me/privacy", privacy.ActMine, p.mine)
	w.Private("POST /me/privacy", privacy.ActAsk, p.ask)
	w.Private("GET /me/privacy/{id}", privacy.ActMine, p.myRequest)
	w.Private("POST /me/privacy/{id}/confirm", privacy.ActAsk, p.confirm)
	w.Private("POST /me/privacy/{id}/code", privacy.ActAsk, p.newCode)
	w.Private("POST /me/privacy/{id}/withdraw", privacy.ActAsk, p.withdraw)
	w.Private("GET /me/privacy/{id}/package", privacy.ActMine, p.download)
	w.Public("GET /your-data/{token}", "a person without a sign-in collects their own data by a secret link; the page says nothing but that", p.collectPage)
	w.Public("POST /your-data/{token}", "a person without a sign-in collects their own data by a secret link, once", p.collect)
}

// step is one thing an officer does with a request: what it needs of the form, and what is said when it is done.
type step struct {
	act  access.Action
	done string
	run  func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error)
}

var steps = map[string]step{
	"verify": {privacy.ActVerify, "The identity check is on record.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		return p.Privacy.Verify(r.Context(), who, v, f.Version(), f.Text("how"), f.Text("note"))
	}},
	"describe": {privacy.ActUpdate, "Saved whom the request is about.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		return p.Privacy.Describe(r.Context(), who, v, f.Version(), subjectOf(f))
	}},
	"extend": {privacy.ActUpdate, "The deadline is extended, and the person is told why.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		return p.Privacy.Extend(r.Context(), who, v, f.Version(), f.Text("reason"))
	}},
	"partners": {privacy.ActUpdate, "The partners are asked.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		return p.Privacy.AskPartners(r.Context(), who, v, f.Version())
	}},
	"close-task": {privacy.ActUpdate, "The task is closed without an answer.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		if _, err := p.Privacy.CloseTask(r.Context(), who, f.ID("task"), f.Text("reason")); err != nil {
			return privacy.Request{}, err
		}
		return p.Privacy.Get(r.Context(), who, v)
	}},
	"propose": {privacy.ActPropose, "The erasure is proposed. Another Admin has to approve it.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		return p.Privacy.Propose(r.Context(), who, v, f.Version())
	}},
	"send-back": {privacy.ActApprove, "The request is sent back.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		return p.Privacy.SendBack(r.Context(), who, v, f.Version(), f.Text("reason"))
	}},
	"approve": {privacy.ActApprove, "The erasure is approved and under way.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		return p.Privacy.Approve(r.Context(), who, v, f.Version())
	}},
	"package": {privacy.ActAnswer, "The package is made.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		return p.Privacy.MakePackage(r.Context(), who, v)
	}},
	"hand-over": {privacy.ActAnswer, "", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		link, err := p.Privacy.HandOver(r.Context(), who, v)
		f.Set("link", link.URL)
		return privacy.Request{ID: v}, err
	}},
	"answer": {privacy.ActAnswer, "The request is answered.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		return p.Privacy.Answer(r.Context(), who, v, f.Version(), f.Text("outcome"))
	}},
	"refuse": {privacy.ActAnswer, "The request is refused with its reason.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		return p.Privacy.Refuse(r.Context(), who, v, f.Version(), f.Text("reason"))
	}},
	"withdraw": {privacy.ActAnswer, "The request is withdrawn.", func(p pages, r *http.Request, who access.Actor, v id.ID, f *httpx.Form) (privacy.Request, error) {
		return p.Privacy.Withdraw(r.Context(), who, v, f.Version())
	}},
}

// step runs one and comes back to the request; what is refused is shown on it, with what was typed.
func (p pages) step(s step) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		v, err := pathID(r)
		if err != nil {
			return err
		}
		f, err := httpx.ParseForm(w, r)
		if err != nil {
			return err
		}
		_, err = s.run(p, r, who, v, f)
		switch {
		case err == nil && s.done == "": // told once
			return p.draw(w, r, who, v, http.StatusOK, f, "")
		case err == nil:
			ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: s.done})
			httpx.SeeOther(w, r, "/privacy/"+v.String())
			return nil
		case errs.IsKind(err, errs.Invalid) && f.Absorb(err):
			return p.draw(w, r, who, v, http.StatusUnprocessableEntity, f, "")
		case errs.IsKind(err, errs.Conflict), errs.IsKind(err, errs.Stale), errs.Is(err, "privacy.four_eyes"):
			return p.draw(w, r, who, v, http.StatusConflict, f, errs.Of(err).Msg)
		}
		return err
	}
}

func subjectOf(f *httpx.Form) privacy.Subject {
	return privacy.Subject{Email: f.Text("email"), Name: f.Text("name"), Phone: f.Text("phone"), Namesakes: f.Bool("namesakes")}
}

func pathID(r *http.Request) (id.ID, error) {
	return httpx.PathID(r, "request")
}

// download sends the package of a request.
func (p pages) download(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := pathID(r)
	if err != nil {
		return err
	}
	c, err := p.Privacy.Download(r.Context(), who, v)
	if err != nil {
		return err
	}
	return door.SendFile(w, c.ContentType, c.Name, c.Size, c)
}

// certificate sends the signed certificate as text.
func (p pages) certificate(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := pathID(r)
	if err != nil {
		return err
	}
	it, err := p.Privacy.Get(r.Context(), who, v)
	if err != nil {
		return err
	}
	if it.Certificate.Note == "" {
		return errs.Missing("certificate")
	}
	door.Attach(w, "text/plain; charset=utf-8", fmt.Sprintf("certificate-%d.txt", it.Number))
	_, err = io.WriteString(w, it.Certificate.Note)
	return err
}

func (p pages) collectPage(w http.ResponseWriter, r *http.Request) error {
	return ui.Render(w, r, http.StatusOK, collectPage(p.Bare(w, r, "Your data"), r.PathValue("token")))
}

func (p pages) collect(w http.ResponseWriter, r *http.Request) error {
	c, err := p.Privacy.Collect(r.Context(), r.PathValue("token"), access.Request{ID: httpx.RequestID(r.Context()), IP: httpx.ClientIP(r.Context()), UserAgent: r.UserAgent()})
	if err != nil {
		return err
	}
	return door.SendFile(w, c.ContentType, c.Name, c.Size, c)
}
