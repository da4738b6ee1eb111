// Package processorweb draws the register of sub-processors: the pages of those who keep it and of partners who may object, and the
// public page.
package processorweb

import (
	"net/http"
	"strconv"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/processor"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with. Site is the frame of a public page of a programme.
type Deps struct {
	Page       ui.PageFunc
	Site       func(w http.ResponseWriter, r *http.Request, title string) (ui.Page, tenant.Brand, error)
	Processors *processor.Service
}

type pages struct{ Deps }

const public = "who else handles a programme's data is for everybody to read"

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Public("GET /t/{tenant}/legal/processors", public, p.public)
	w.Public("GET /t/{tenant}/legal/processors.json", public, p.publicJSON)
	w.Private("GET /processors", processor.ActList, p.list)
	w.Private("GET /processors/new", processor.ActDraft, p.blank)
	w.Private("POST /processors", processor.ActDraft, p.create)
	w.Private("GET /processors/{id}", processor.ActRead, p.record)
	w.Private("GET /processors/{id}/edit", processor.ActDraft, p.edit)
	w.Private("POST /processors/{id}/edit", processor.ActDraft, p.update)
	w.Private("POST /processors/{id}/discard", processor.ActDraft, p.discard)
	w.Private("POST /processors/{id}/announce", processor.ActAnnounce, p.announce)
	w.Private("POST /processors/{id}/stop", processor.ActAnnounce, p.stop)
	w.Private("POST /processors/{id}/object", processor.ActObject, p.object)
	w.Private("POST /processors/objections/{id}/decide", processor.ActDecide, p.decide)
}

// idempotency is the hidden field's name, for the templates.
const idempotency = door.IdempotencyField

func pathID(r *http.Request) (id.ID, error) {
	return httpx.PathID(r, "processor")
}

func at(v id.ID) string { return "/processors/" + v.String() }

type listView struct {
	who access.Actor
	all processor.Register
}

func (p pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	all, err := p.Processors.List(r.Context(), who)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Sub-processors", "processors")
	if err != nil {
		return err
	}
	pg.Subtitle = "Who else handles data of the programme. Changes are announced, and partners may object."
	if who.May(processor.ActDraft) {
		pg.Actions = ui.PrimaryButton("/processors/new", "Propose one", "plus")
	}
	return ui.Render(w, r, http.StatusOK, listPage(pg, listView{who, all}))
}

type formView struct {
	form     *httpx.Form
	action   string
	cancel   string
	key      string
	replaces id.ID
	edits    bool
}

func (p pages) blank(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f := httpx.NewForm(nil)
	replaces := id.Nil
	if s := r.URL.Query().Get("replaces"); s != "" {
		v, ok := id.Parse(s)
		if !ok {
			return errs.Missing("processor")
		}
		it, err := p.Processors.Get(r.Context(), who, v)
		if err != nil {
			return err
		}
		f, replaces = valuesOf(it.Processor), v
	}
	return p.draw(w, r, who, http.StatusOK, id.Nil, replaces, f)
}

func valuesOf(it processor.Processor) *httpx.Form {
	return httpx.NewForm(map[string]string{"name": it.Name, "purpose": it.Purpose, "country": it.Country, "regions": it.Regions, "safeguards": it.Safeguards, "link": it.Link,
		"categories": strings.Join(it.Categories, ","), "hosts": strings.Join(it.Hosts, "\n"), "version": strconv.Itoa(it.Version)})
}

func (p pages) draw(w http.ResponseWriter, r *http.Request, who access.Actor, status int, key, replaces id.ID, f *httpx.Form) error {
	v := formView{form: f, action: "/processors", cancel: "/processors", key: id.New().String(), replaces: replaces}
	title := "Propose a sub-processor"
	switch {
	case key != id.Nil:
		v.action, v.cancel, v.edits, title = at(key)+"/edit", at(key), true, "Edit the proposal"
	case replaces != id.Nil:
		v.cancel, title = at(replaces), "Propose a change"
	}
	pg, err := p.Page(w, r, who, title, "processors")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Sub-processors", Href: "/processors"}}
	return ui.Render(w, r, status, formPage(pg, v))
}

func factsOf(f *httpx.Form) processor.ProposeInput {
	var hosts []string
	for h := range strings.FieldsSeq(strings.ReplaceAll(f.Text("hosts"), ",", " ")) {
		hosts = append(hosts, strings.ToLower(h))
	}
	return processor.ProposeInput{Version: f.Version(), Replaces: f.ID("replaces"), Facts: processor.Facts{Name: f.Text("name"), Purpose: f.Text("purpose"), Country: f.Text("country"),
		Regions: f.Text("regions"), Safeguards: f.Text("safeguards"), Link: f.Text("link"), Categories: f.List("categories"), Hosts: hosts}}
}

func (p pages) create(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := factsOf(f)
	var made processor.Processor
	if err = f.Err(); err == nil {
		made, err = p.Processors.Propose(r.Context(), who, in)
	}
	switch {
	case err == nil:
		httpx.SeeOther(w, r, at(made.ID))
		return nil
	case f.Absorb(err):
		return p.draw(w, r, who, http.StatusUnprocessableEntity, id.Nil, in.Replaces, f)
	}
	return err
}

func (p pages) edit(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	it, err := p.Processors.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	return p.draw(w, r, who, http.StatusOK, key, id.Nil, valuesOf(it.Processor))
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
	in := factsOf(f)
	in.ID, in.Replaces = key, id.Nil
	if err = f.Err(); err == nil {
		_, err = p.Processors.Propose(r.Context(), who, in)
	}
	switch {
	case err == nil:
		httpx.SeeOther(w, r, at(key))
		return nil
	case f.Absorb(err):
		return p.draw(w, r, who, http.StatusUnprocessableEntity, key, id.Nil, f)
	}
	return err
}

type recordView struct {
	who  access.Actor
	it   processor.Reading
	form *httpx.Form
}

func (p pages) record(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	return p.drawRecord(w, r, who, http.StatusOK, key, nil)
}

func (p pages) drawRecord(w http.ResponseWriter, r *http.Request, who access.Actor, status int, key id.ID, f *httpx.Form) error {
	it, err := p.Processors.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, it.Processor.Name, "processors")
	if err != nil {
		return err
	}
	v := recordView{who, it, f}
	pg.Crumbs = []ui.Link{{Label: "Sub-processors", Href: "/processors"}}
	pg.Lead, pg.Actions, pg.Subtitle = stateBadge(it.State), recordTools(v), country.Name(it.Processor.Country)
	return ui.Render(w, r, status, recordPage(pg, v))
}

// step runs one step on an entry and goes to a page; what is refused is shown beside the form.
func (p pages) step(w http.ResponseWriter, r *http.Request, who access.Actor, to, said string, fn func(key id.ID, f *httpx.Form) error) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	if to == "" {
		to = at(key)
	}
	err = fn(key, f)
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: said})
	case errs.IsKind(err, errs.Conflict), errs.IsKind(err, errs.Stale):
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: errs.Of(err).Msg})
	case f.Absorb(err):
		return p.drawRecord(w, r, who, http.StatusUnprocessableEntity, key, f)
	default:
		return err
	}
	httpx.SeeOther(w, r, to)
	return nil
}

func (p pages) discard(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.step(w, r, who, "/processors", "The proposal is discarded.", func(key id.ID, _ *httpx.Form) error { return p.Processors.Discard(r.Context(), who, key) })
}

func (p pages) announce(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.step(w, r, who, "", "Announced.", func(key id.ID, f *httpx.Form) error {
		_, err := p.Processors.Announce(r.Context(), who, key, f.Text("effective_on"))
		return err
	})
}

func (p pages) stop(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.step(w, r, who, "", "Noted.", func(key id.ID, _ *httpx.Form) error {
		_, err := p.Processors.Stop(r.Context(), who, key)
		return err
	})
}

func (p pages) object(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.step(w, r, who, "", "Your objection is on record. You will find the answer here.", func(key id.ID, f *httpx.Form) error {
		_, err := p.Processors.Object(r.Context(), who, key, f.Text("reason"))
		return err
	})
}

func (p pages) decide(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	o, err := p.Processors.Decide(r.Context(), who, key, f.Text("outcome"), f.Text("outcome_note"))
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "The answer is on record."})
	case errs.IsKind(err, errs.Conflict):
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: errs.Of(err).Msg})
	case f.Absorb(err):
		return p.drawRecord(w, r, who, http.StatusUnprocessableEntity, o.ProcessorID, f)
	default:
		return err
	}
	httpx.SeeOther(w, r, at(o.ProcessorID))
	return nil
}

func (p pages) public(w http.ResponseWriter, r *http.Request) error {
	pg, brand, err := p.Site(w, r, "Sub-processors")
	if err != nil {
		return err
	}
	all, err := p.Processors.Public(r.Context(), brand.Tenant, door.RequestOf(r))
	if err != nil {
		return err
	}
	pg.Subtitle = "Who else handles data of the partner programme of " + brand.Name + "."
	return ui.Render(w, r, http.StatusOK, publicPage(pg, all))
}

func (p pages) publicJSON(w http.ResponseWriter, r *http.Request) error {
	_, brand, err := p.Site(w, r, "Sub-processors")
	if err != nil {
		return err
	}
	all, err := p.Processors.Public(r.Context(), brand.Tenant, door.RequestOf(r))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return httpx.EncodeJSON(w, published(all))
}
