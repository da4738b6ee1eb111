// Package incidentweb draws the incident register: its clocks, the assessment, who is affected, the notices and the post-mortem.
package incidentweb

import (
	"net/http"
	"strconv"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/incident"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with.
type Deps struct {
	Page      ui.PageFunc
	Incidents *incident.Service
	Partners  *partner.Service
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /incidents", incident.ActList, p.list)
	w.Private("GET /incidents/new", incident.ActReport, p.blank)
	w.Private("POST /incidents", incident.ActReport, p.report)
	w.Private("GET /incidents/{id}", incident.ActRead, p.record)
	w.Private("POST /incidents/{id}/note", incident.ActNote, p.note)
	w.Private("POST /incidents/{id}/advance", incident.ActAdvance, p.advance)
	w.Private("GET /incidents/{id}/assess", incident.ActAssess, p.assessForm)
	w.Private("POST /incidents/{id}/assess", incident.ActAssess, p.assess)
	w.Private("GET /incidents/{id}/affected", incident.ActAssess, p.affectedForm)
	w.Private("POST /incidents/{id}/affected", incident.ActAssess, p.affected)
	w.Private("GET /incidents/{id}/notice", incident.ActNotify, p.noticeForm)
	w.Private("POST /incidents/{id}/notice", incident.ActNotify, p.notice)
	w.Private("GET /incidents/{id}/review", incident.ActReview, p.reviewForm)
	w.Private("POST /incidents/{id}/review", incident.ActReview, p.review)
	w.Private("POST /incidents/{id}/actions", incident.ActReview, p.action)
	w.Private("POST /incidents/actions/{id}/done", incident.ActReview, p.actionDone)
	w.Private("POST /incidents/clocks/{id}/settle", incident.ActClock, p.settle)
	w.Private("POST /incidents/notices/{id}/send", incident.ActNotify, p.send)
}

// idempotency is the hidden field's name, for the templates.
const idempotency = door.IdempotencyField

func pathID(r *http.Request) (id.ID, error) {
	return httpx.PathID(r, "incident")
}

func at(v id.ID) string { return "/incidents/" + v.String() }

type listView struct {
	ui.List
	who  access.Actor
	page incident.Page
}

func (p pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := listView{List: ui.ListOf(r), who: who}
	v.Noun = "incidents"
	var err error
	v.page, err = p.Incidents.List(r.Context(), who, incident.Query{Status: v.Get("status"), Cursor: v.Get("cursor")})
	if errs.IsKind(err, errs.Invalid) {
		httpx.SeeOther(w, r, v.Path)
		return nil
	}
	if err != nil {
		return err
	}
	v.Next, v.Shown = v.page.Next, len(v.page.Items)
	pg, err := p.Page(w, r, who, "Incidents", "incidents")
	if err != nil {
		return err
	}
	if who.May(incident.ActReport) {
		pg.Actions = ui.PrimaryButton("/incidents/new", "Report an incident", "alert-triangle")
	}
	return ui.Render(w, r, http.StatusOK, listPage(pg, v))
}

func (p pages) blank(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawReport(w, r, who, http.StatusOK, httpx.NewForm(map[string]string{"kind": "confidentiality", "severity": "medium"}))
}

func (p pages) drawReport(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form) error {
	pg, err := p.Page(w, r, who, "Report an incident", "incidents")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Incidents", Href: "/incidents"}}
	return ui.Render(w, r, status, reportPage(pg, f, id.New().String(), zoneOf(pg)))
}

func zoneOf(p ui.Page) *time.Location {
	if p.Viewer.Reader.Zone == nil {
		return time.UTC
	}
	return p.Viewer.Reader.Zone
}

// momentOf reads a date and time as a browser's field writes it, in the programme's zone; empty is the zero time.
func momentOf(f *httpx.Form, name string, zone *time.Location) time.Time {
	s := f.Text(name)
	if s == "" {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t
		}
	}
	f.Refuse(name, "field.time", "Write it like 2026-03-28 23:30.")
	return time.Time{}
}

func (p pages) report(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Report an incident", "incidents")
	if err != nil {
		return err
	}
	in := incident.ReportInput{Title: f.Text("title"), Kind: f.Text("kind"), Severity: f.Text("severity"), Description: f.Text("description"), DetectedAt: momentOf(f, "detected_at", zoneOf(pg))}
	var made incident.Incident
	if err = f.Err(); err == nil {
		made, err = p.Incidents.Report(r.Context(), who, in)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "Reported. Assess it next."})
		httpx.SeeOther(w, r, at(made.ID))
		return nil
	case f.Absorb(err):
		return p.drawReport(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return err
}

type recordView struct {
	who  access.Actor
	it   incident.Reading
	form *httpx.Form
	zone *time.Location
}

func (p pages) record(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	return p.drawRecord(w, r, who, http.StatusOK, key, nil)
}

func (p pages) drawRecord(w http.ResponseWriter, r *http.Request, who access.Actor, status int, key id.ID, f *httpx.Form) error {
	it, err := p.Incidents.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, it.Incident.Title, "incidents")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Incidents", Href: "/incidents"}}
	pg.Subtitle = "Incident " + strconv.Itoa(it.Incident.Number) + ", " + words(it.Incident.Severity) + ", " + words(it.Incident.Kind)
	v := recordView{who, it, f, zoneOf(pg)}
	pg.Lead, pg.Actions = statusBadge(it.Incident.Status), recordTools(v)
	return ui.Render(w, r, status, recordPage(pg, v))
}

// step runs one step and goes back to the incident; what is refused is shown on its page.
func (p pages) step(w http.ResponseWriter, r *http.Request, who access.Actor, said string, fn func(key id.ID, f *httpx.Form) (id.ID, error)) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	of, err := fn(key, f)
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: said})
	case of != id.Nil && (errs.IsKind(err, errs.Conflict) || errs.IsKind(err, errs.Stale)):
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: errs.Of(err).Msg})
	case of != id.Nil && f.Absorb(err):
		return p.drawRecord(w, r, who, http.StatusUnprocessableEntity, of, f)
	default:
		return err
	}
	httpx.SeeOther(w, r, at(of))
	return nil
}

func (p pages) note(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.step(w, r, who, "Written on the timeline.", func(key id.ID, f *httpx.Form) (id.ID, error) {
		return key, p.Incidents.Note(r.Context(), who, key, f.Text("body"))
	})
}

func (p pages) advance(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	pg, err := p.Page(w, r, who, "", "incidents")
	if err != nil {
		return err
	}
	return p.step(w, r, who, "Done.", func(key id.ID, f *httpx.Form) (id.ID, error) {
		in := incident.AdvanceInput{ID: key, To: f.Text("to"), Note: f.Text("note"), AwareAt: momentOf(f, "aware_at", zoneOf(pg)), Templates: f.List("templates")}
		if err := f.Err(); err != nil {
			return key, err
		}
		_, err := p.Incidents.Advance(r.Context(), who, in)
		return key, err
	})
}

func (p pages) action(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.step(w, r, who, "Added.", func(key id.ID, f *httpx.Form) (id.ID, error) {
		_, err := p.Incidents.AddAction(r.Context(), who, key, f.Text("action"), f.Text("owner"), f.Text("due_on"))
		return key, err
	})
}

func (p pages) actionDone(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.step(w, r, who, "Done.", func(key id.ID, _ *httpx.Form) (id.ID, error) {
		a, err := p.Incidents.DoneAction(r.Context(), who, key)
		return a.IncidentID, err
	})
}

func (p pages) settle(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.step(w, r, who, "Noted, with the time.", func(key id.ID, f *httpx.Form) (id.ID, error) {
		c, err := p.Incidents.Settle(r.Context(), who, key, f.Text("note"), f.Text("how") == "waive")
		return c.IncidentID, err
	})
}

func (p pages) send(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.step(w, r, who, "Sent. The clocks it answers have stopped.", func(key id.ID, _ *httpx.Form) (id.ID, error) {
		n, err := p.Incidents.SendNotice(r.Context(), who, key)
		if errs.IsKind(err, errs.Invalid) { // its parts are filled in on its own page
			err = errs.New(errs.Conflict, "incident.parts", "This notice lacks a part. Fill in all four, then send it.")
		}
		return n.IncidentID, err
	})
}
