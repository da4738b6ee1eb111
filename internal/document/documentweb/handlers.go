package documentweb

import (
	"net/http"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/document"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/ui"
)

type listView struct {
	who     access.Actor
	shelves []document.Shelf
	pending []document.Pending
}

func (p pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := listView{who: who}
	var err error
	if v.shelves, err = p.Documents.List(r.Context(), who); err != nil {
		return err
	}
	if v.pending, err = p.Documents.ToAccept(r.Context(), who); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Documents", "documents")
	if err != nil {
		return err
	}
	pg.Subtitle = "What the programme lives by, in versions."
	return ui.Render(w, r, http.StatusOK, listPage(pg, v))
}

type formView struct {
	form   *httpx.Form
	kind   document.Kind
	action string
	cancel string
	key    string
	edits  bool
	stale  bool
}

// blank begins a draft from the text in force.
func (p pages) blank(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	k, ok := document.KindOf(r.URL.Query().Get("kind"))
	if !ok {
		return errs.Missing("document")
	}
	values := map[string]string{"kind": k.ID, "title": k.Title, "change": document.Material}
	shelves, err := p.Documents.List(r.Context(), who)
	if err != nil {
		return err
	}
	for _, s := range shelves {
		if current, ok := s.Current(); ok && s.Kind.ID == k.ID {
			now, err := p.Documents.Get(r.Context(), who, current.ID)
			if err != nil {
				return err
			}
			values["title"], values["body"] = now.Version.Title, now.Version.Body
		}
	}
	return p.draw(w, r, who, http.StatusOK, id.Nil, k, httpx.NewForm(values), false)
}

func draftOf(f *httpx.Form) document.DraftInput {
	return document.DraftInput{Kind: f.Text("kind"), Title: f.Text("title"), Body: f.Text("body"), Change: f.Text("change"), Summary: f.Text("summary"), Version: f.Version()}
}

func (p pages) create(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := draftOf(f)
	k, _ := document.KindOf(in.Kind)
	var made document.Version
	if err = f.Err(); err == nil {
		made, err = p.Documents.SaveDraft(r.Context(), who, in)
	}
	switch {
	case err == nil:
		httpx.SeeOther(w, r, at(made.ID))
		return nil
	case errs.Is(err, "document.draft_exists"):
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: "There is a draft already."})
		httpx.SeeOther(w, r, "/documents")
		return nil
	case f.Absorb(err):
		return p.draw(w, r, who, http.StatusUnprocessableEntity, id.Nil, k, f, false)
	}
	return err
}

func (p pages) edit(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	it, err := p.Documents.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	v := it.Version
	if v.Status != document.Draft {
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: "This version is published and stays as it is. Begin a new draft."})
		httpx.SeeOther(w, r, at(key))
		return nil
	}
	return p.draw(w, r, who, http.StatusOK, key, it.Shelf.Kind, httpx.NewForm(map[string]string{"title": v.Title, "body": v.Body, "change": v.Change, "summary": v.Summary,
		"version": strconv.Itoa(v.Version)}), false)
}

func (p pages) update(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := draftOf(f)
	in.ID = key
	if err = f.Err(); err == nil {
		_, err = p.Documents.SaveDraft(r.Context(), who, in)
	}
	if err == nil {
		httpx.SeeOther(w, r, at(key))
		return nil
	}
	stale, frozen := errs.IsKind(err, errs.Stale), errs.Is(err, "document.frozen")
	if !stale && !frozen && !f.Absorb(err) {
		return err
	}
	status := http.StatusUnprocessableEntity
	if frozen { // published meanwhile: what was typed stays, to be copied into a new draft
		status = http.StatusConflict
		f.Refuse("", "document.frozen", errs.Of(err).Msg)
	}
	it, err := p.Documents.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	if stale {
		status = http.StatusPreconditionFailed
		f.Set("version", strconv.Itoa(it.Version.Version))
	}
	return p.draw(w, r, who, status, key, it.Shelf.Kind, f, stale)
}

func (p pages) draw(w http.ResponseWriter, r *http.Request, who access.Actor, status int, key id.ID, k document.Kind, f *httpx.Form, stale bool) error {
	v := formView{form: f, kind: k, action: "/documents", cancel: "/documents", key: id.New().String(), stale: stale}
	title := "New version: " + k.Title
	if key != id.Nil {
		v.action, v.cancel, v.edits, title = at(key)+"/edit", at(key), true, "Edit the draft: "+k.Title
	}
	pg, err := p.Page(w, r, who, title, "documents")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Documents", Href: "/documents"}}
	return ui.Render(w, r, status, formPage(pg, v))
}

// done runs one step on a version and goes back to its page.
func (p pages) done(w http.ResponseWriter, r *http.Request, to, said string, fn func(key id.ID) error) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	if to == "" {
		to = at(key)
	}
	err = fn(key)
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: said})
	case errs.IsKind(err, errs.Conflict), errs.IsKind(err, errs.Stale):
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: errs.Of(err).Msg})
	default:
		return err
	}
	httpx.SeeOther(w, r, to)
	return nil
}

func (p pages) discard(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.done(w, r, "/documents", "The draft is discarded.", func(key id.ID) error { return p.Documents.Discard(r.Context(), who, key) })
}

func (p pages) withdraw(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.done(w, r, "", "The version is withdrawn. What holds today goes on to hold.", func(key id.ID) error {
		_, err := p.Documents.Withdraw(r.Context(), who, key)
		return err
	})
}

func (p pages) accept(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	return p.done(w, r, "/documents", "Thank you. Your acceptance is on record.", func(key id.ID) error {
		_, err := p.Documents.Accept(r.Context(), who, document.AcceptInput{Version: key, Digest: f.Text("digest")})
		return err
	})
}

func (p pages) publish(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := document.PublishInput{ID: key, Version: f.Version(), Change: f.Text("change"), Summary: f.Text("summary"), EffectiveOn: f.Text("effective_on")}
	var out document.Version
	if err = f.Err(); err == nil {
		out, err = p.Documents.Publish(r.Context(), who, in)
	}
	if err == nil {
		said := "Published."
		if out.Change == document.Material {
			said = "Announced. The notices are on their way."
		}
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: said})
		httpx.SeeOther(w, r, at(key))
		return nil
	}
	if errs.Is(err, "document.pending") {
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: errs.Of(err).Msg})
		httpx.SeeOther(w, r, at(key))
		return nil
	}
	if !f.Absorb(err) {
		return err
	}
	return p.drawVersion(w, r, who, http.StatusUnprocessableEntity, key, f)
}

type versionView struct {
	who     access.Actor
	it      document.Reading
	form    *httpx.Form // of publishing
	days    int         // the term of notice
	pending *document.Pending
}

func (p pages) version(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	return p.drawVersion(w, r, who, http.StatusOK, key, nil)
}

func (p pages) drawVersion(w http.ResponseWriter, r *http.Request, who access.Actor, status int, key id.ID, f *httpx.Form) error {
	it, err := p.Documents.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	v := versionView{who: who, it: it, form: f}
	if v.form == nil {
		v.form = httpx.NewForm(map[string]string{"change": it.Version.Change, "summary": it.Version.Summary, "version": strconv.Itoa(it.Version.Version)})
	}
	if mayPublish(who) && it.Version.Status == document.Draft {
		term, err := p.Documents.Term(r.Context(), who)
		if err != nil {
			return err
		}
		v.days = int(term.Hours() / 24)
	}
	pending, err := p.Documents.ToAccept(r.Context(), who)
	if err != nil {
		return err
	}
	for i := range pending {
		if pending[i].VersionID == key {
			v.pending = &pending[i]
		}
	}
	pg, err := p.Page(w, r, who, it.Version.Title, "documents")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Documents", Href: "/documents"}}
	pg.Lead, pg.Actions = stateBadge(it.Shelf.StateOf(it.Version)), versionTools(v)
	pg.Subtitle = it.Shelf.Kind.Title + ", version " + strconv.Itoa(it.Version.Number)
	return ui.Render(w, r, status, versionPage(pg, v))
}

func (p pages) compare(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	from, err := parseID(r.URL.Query().Get("from"))
	if err != nil {
		return err
	}
	to, err := parseID(r.URL.Query().Get("to"))
	if err != nil {
		return err
	}
	pair, err := p.Documents.CompareVersions(r.Context(), who, from, to)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "What changed: "+pair.Shelf.Kind.Title, "documents")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Documents", Href: "/documents"}, {Label: pair.New.Title, Href: at(pair.New.ID)}}
	pg.Subtitle = "From version " + strconv.Itoa(pair.Old.Number) + " to version " + strconv.Itoa(pair.New.Number)
	return ui.Render(w, r, http.StatusOK, comparePage(pg, pair))
}

func (p pages) shelf(r *http.Request, who access.Actor, document id.ID) (out docShelf, err error) {
	all, err := p.Documents.List(r.Context(), who)
	if err != nil {
		return out, err
	}
	for _, s := range all {
		if s.Document.ID == document && document != id.Nil {
			return docShelf{s}, nil
		}
	}
	return out, errs.Missing("document")
}

type docShelf struct{ document.Shelf }

func (p pages) settings(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := parseID(r.URL.Query().Get("document"))
	if err != nil {
		return err
	}
	s, err := p.shelf(r, who, key)
	if err != nil {
		return err
	}
	d := s.Document
	return p.drawSettings(w, r, who, http.StatusOK, s, httpx.NewForm(map[string]string{"audience": d.Audience, "acceptance": d.Acceptance, "accept_for": d.AcceptFor,
		"accept_days": strconv.Itoa(d.AcceptDays), "version": strconv.Itoa(d.Version)}))
}

func (p pages) drawSettings(w http.ResponseWriter, r *http.Request, who access.Actor, status int, s docShelf, f *httpx.Form) error {
	pg, err := p.Page(w, r, who, "Who it concerns: "+s.Kind.Title, "documents")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Documents", Href: "/documents"}}
	return ui.Render(w, r, status, settingsPage(pg, s, f))
}

func (p pages) saveSettings(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := document.UpdateInput{ID: f.ID("document"), Version: f.Version(), Audience: f.Text("audience"), Acceptance: f.Text("acceptance"), AcceptFor: f.Text("accept_for"), AcceptDays: int(f.Int("accept_days"))}
	if err = f.Err(); err == nil {
		_, err = p.Documents.Update(r.Context(), who, in)
	}
	if err == nil {
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "Saved."})
		httpx.SeeOther(w, r, "/documents")
		return nil
	}
	if !f.Absorb(err) {
		return err
	}
	s, err := p.shelf(r, who, in.ID)
	if err != nil {
		return err
	}
	return p.drawSettings(w, r, who, http.StatusUnprocessableEntity, s, f)
}

type acceptancesView struct {
	ui.List
	shelf docShelf
	items []document.PartnerAcceptance
}

func (p pages) acceptances(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := acceptancesView{List: ui.ListOf(r)}
	key, err := parseID(v.Get("document"))
	if err != nil {
		return err
	}
	if v.shelf, err = p.shelf(r, who, key); err != nil {
		return err
	}
	page, err := p.Documents.Acceptances(r.Context(), who, key, v.Get("cursor"))
	if err != nil {
		return err
	}
	v.items, v.Next, v.Shown, v.Noun = page.Items, page.Next, len(page.Items), "partners"
	pg, err := p.Page(w, r, who, "Who accepted: "+v.shelf.Kind.Title, "documents")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Documents", Href: "/documents"}}
	pg.Actions = ui.Button("/documents/acceptances.csv?document="+key.String(), "Export as CSV", "download")
	return ui.Render(w, r, http.StatusOK, acceptancesPage(pg, v))
}

func (p pages) exportAcceptances(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key := id.Nil
	if s := r.URL.Query().Get("document"); s != "" {
		var err error
		if key, err = parseID(s); err != nil {
			return err
		}
	}
	return p.Documents.Export(r.Context(), who, key, door.WebTable(w, "acceptances", false))
}
