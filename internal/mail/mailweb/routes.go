// Package mailweb draws the e-mail log: which mails the program wrote, to whom, and what became of them.
package mailweb

import (
	"net/http"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/mail"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with.
type Deps struct {
	Page ui.PageFunc
	Mail *mail.Service
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /mail", mail.ActList, p.list)
	w.Private("GET /mail/{id}", mail.ActRead, p.letter)
	w.Private("GET /mail/{id}/html", mail.ActRead, p.html)
}

type listView struct {
	ui.List
	mails    []mail.Mail
	problems []errs.Field // of filters nobody can use
}

func (p pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := listView{List: ui.ListOf(r)}
	v.Noun = "e-mails"
	page, err := p.Mail.List(r.Context(), who, mail.Query{Text: v.Get("q"), Status: v.Get("status"), Cursor: v.Get("cursor")})
	status, problems, err := ui.FilterProblems(err)
	if err != nil {
		return err
	}
	v.problems = problems
	v.mails, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	pg, err := p.Page(w, r, who, "E-mail log", "mail")
	if err != nil {
		return err
	}
	pg.Subtitle = "Every mail that the program wrote, whether a mail server is configured or not."
	return ui.Render(w, r, status, listPage(pg, v))
}

func statusOptions() []ui.Option {
	return []ui.Option{{Value: "queued", Label: "Queued"}, {Value: "sent", Label: "Sent"}, {Value: "logged", Label: "Logged only"}, {Value: "failed", Label: "Failed"}, {Value: "suppressed", Label: "Held back"}}
}

func (p pages) get(r *http.Request, who access.Actor) (mail.Mail, error) {
	key, err := httpx.PathID(r, "mail")
	if err != nil {
		return mail.Mail{}, err
	}
	return p.Mail.Get(r.Context(), who, key)
}

func (p pages) letter(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	m, err := p.get(r, who)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, m.Subject, "mail")
	if err != nil {
		return err
	}
	pg.Crumbs, pg.Lead = []ui.Link{{Label: "E-mail log", Href: "/mail"}}, ui.State(m.Status)
	pg.Actions = ui.Button("/mail/"+m.ID.String()+"/html", "See it as HTML", "eye")
	return ui.Render(w, r, http.StatusOK, letterPage(pg, m))
}

// html shows the HTML part as a document of its own, in a sandbox: no script, no form, nothing fetched from anywhere.
func (p pages) html(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	m, err := p.get(r, who)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(m.HTML)))
	_, _ = w.Write([]byte(m.HTML)) // the reader is gone if this fails
	return nil
}

// objectHref is where the record stands that a mail is about, "" for one without a page.
func objectHref(m mail.Mail) string {
	places := map[string]string{"deal": "/deals/", "partner": "/partners/", "member": "/people/", "person": "/people/", "import_run": "/imports/"}
	if at := places[m.ObjectType]; at != "" && m.ObjectID != id.Nil {
		return at + m.ObjectID.String()
	}
	return ""
}
