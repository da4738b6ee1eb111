package incidentweb

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/incident"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/processor"
	"entente.dev/internal/ui"
)

// formView is one of the forms of an incident.
type formView struct {
	it         incident.Incident
	form       *httpx.Form
	what       string // assess, affected, notice or review
	categories []processor.Category
	partners   []ui.Option
	notice     incident.Notice
	recipient  string
	zone       *time.Location
}

func (v formView) action() string { return at(v.it.ID) + "/" + v.what }

// chosen reports whether a box is checked: by what was typed, or by what is stored.
func (v formView) chosen(name, value string) bool {
	return v.form.Checked(name, value) || slices.Contains(strings.Split(v.form.Value(name), ","), value)
}

var titles = map[string]string{"assess": "Assess", "affected": "Who is affected", "notice": "Notice", "review": "Post-mortem"}

// draw shows a form of an incident; fill sets what is peculiar to it.
func (p pages) draw(w http.ResponseWriter, r *http.Request, who access.Actor, status int, key id.ID, what string, f *httpx.Form, fill func(v *formView, it incident.Reading) error) error {
	it, err := p.Incidents.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, titles[what], "incidents")
	if err != nil {
		return err
	}
	v := formView{it: it.Incident, form: f, what: what, categories: processor.Categories(), zone: zoneOf(pg)}
	if err := fill(&v, it); err != nil {
		return err
	}
	if v.form == nil {
		v.form = httpx.NewForm(nil)
	}
	pg.Crumbs = []ui.Link{{Label: "Incidents", Href: "/incidents"}, {Label: it.Incident.Title, Href: at(key)}}
	return ui.Render(w, r, status, formPage(pg, v))
}

// submit parses a form, runs fn, and goes back to the incident or draws the form again.
func (p pages) submit(w http.ResponseWriter, r *http.Request, who access.Actor, what, said string, fill func(*formView, incident.Reading) error, fn func(key id.ID, f *httpx.Form, zone *time.Location) error) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "", "incidents")
	if err != nil {
		return err
	}
	err = fn(key, f, zoneOf(pg))
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: said})
	case errs.IsKind(err, errs.Conflict), errs.IsKind(err, errs.Stale):
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: errs.Of(err).Msg})
	case f.Absorb(err):
		return p.draw(w, r, who, http.StatusUnprocessableEntity, key, what, f, fill)
	default:
		return err
	}
	httpx.SeeOther(w, r, at(key))
	return nil
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

func assessed(v *formView, it incident.Reading) error {
	if v.form == nil {
		i := it.Incident
		v.form = httpx.NewForm(map[string]string{"severity": i.Severity, "nature": i.Nature, "categories": strings.Join(i.Categories, ","), "people_count": number(i.PeopleCount),
			"record_count": number(i.RecordCount), "consequences": i.Consequences, "measures": i.Measures, "risk": i.Risk, "notify_decision": i.NotifyDecision, "notify_reason": i.NotifyReason})
	}
	return nil
}

func (p pages) assessForm(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	return p.draw(w, r, who, http.StatusOK, key, "assess", nil, assessed)
}

func count(f *httpx.Form, name string) *int64 {
	if f.Text(name) == "" {
		return nil
	}
	n := f.Int(name)
	return &n
}

func (p pages) assess(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.submit(w, r, who, "assess", "The assessment is saved.", assessed, func(key id.ID, f *httpx.Form, _ *time.Location) error {
		in := incident.AssessInput{ID: key, Severity: f.Text("severity"), Nature: f.Text("nature"), Categories: f.List("categories"), PeopleCount: count(f, "people_count"), RecordCount: count(f, "record_count"),
			Consequences: f.Text("consequences"), Measures: f.Text("measures"), Risk: f.Text("risk"), NotifyDecision: f.Text("notify_decision"), NotifyReason: f.Text("notify_reason")}
		if err := f.Err(); err != nil {
			return err
		}
		_, err := p.Incidents.Assess(r.Context(), who, in)
		return err
	})
}

// everyPartner offers the first 200 partners by name.
func (p pages) everyPartner(r *http.Request, who access.Actor) func(*formView, incident.Reading) error {
	return func(v *formView, it incident.Reading) error {
		page, err := p.Partners.List(r.Context(), who, partner.Query{Limit: 200})
		for _, x := range page.Items {
			v.partners = append(v.partners, ui.Option{Value: x.ID.String(), Label: x.Name})
		}
		if v.form == nil {
			v.form = httpx.NewForm(map[string]string{"categories": strings.Join(it.Incident.Categories, ","), "from": it.Incident.DetectedAt.AddDate(0, 0, -7).In(v.zone).Format("2006-01-02T15:04"),
				"to": it.Incident.DetectedAt.In(v.zone).Format("2006-01-02T15:04")})
		}
		return err
	}
}

func (p pages) affectedForm(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	return p.draw(w, r, who, http.StatusOK, key, "affected", nil, p.everyPartner(r, who))
}

func (p pages) affected(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.submit(w, r, who, "affected", "This is who is affected, as found now.", p.everyPartner(r, who), func(key id.ID, f *httpx.Form, zone *time.Location) error {
		in := incident.AffectedInput{ID: key, Categories: f.List("categories"), From: momentOf(f, "from", zone), To: momentOf(f, "to", zone), Evidence: f.Bool("evidence")}
		for _, s := range f.List("partners") {
			v, ok := id.Parse(s)
			if !ok {
				return errs.Missing("partner")
			}
			in.Partners = append(in.Partners, v)
		}
		if err := f.Err(); err != nil {
			return err
		}
		_, err := p.Incidents.FindAffected(r.Context(), who, in)
		return err
	})
}

// begun fills a notice: with its draft, else with what the assessment says.
func begun(r *http.Request, who access.Actor) func(*formView, incident.Reading) error {
	return func(v *formView, it incident.Reading) error {
		v.recipient = incident.ToAffected
		if r.FormValue("recipient") == incident.ToAuthority {
			v.recipient = incident.ToAuthority
		}
		in := incident.Proposed(it.Incident, who.Name)
		if n := r.FormValue("notice"); n != "" {
			for _, x := range it.Notices {
				if x.ID.String() == n {
					v.notice, v.recipient = x, x.Recipient
					in = incident.NoticeInput{Nature: x.Nature, Impact: x.Impact, Mitigation: x.Mitigation, Contact: x.Contact}
				}
			}
			if v.notice.ID.IsZero() {
				return errs.Missing("notice")
			}
		}
		if v.form == nil {
			v.form = httpx.NewForm(map[string]string{"nature": in.Nature, "impact": in.Impact, "mitigation": in.Mitigation, "contact": in.Contact})
		}
		return nil
	}
}

func (p pages) noticeForm(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	return p.draw(w, r, who, http.StatusOK, key, "notice", nil, begun(r, who))
}

func (p pages) notice(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.submit(w, r, who, "notice", "The draft is saved. Read it once more, then send it.", begun(r, who), func(key id.ID, f *httpx.Form, _ *time.Location) error {
		in := incident.NoticeInput{Incident: key, Notice: f.ID("notice"), Recipient: f.Text("recipient"), Nature: f.Text("nature"), Impact: f.Text("impact"), Mitigation: f.Text("mitigation"), Contact: f.Text("contact")}
		if err := f.Err(); err != nil {
			return err
		}
		_, err := p.Incidents.SaveNotice(r.Context(), who, in)
		return err
	})
}

func reviewed(v *formView, it incident.Reading) error {
	if v.form == nil {
		i := it.Incident
		v.form = httpx.NewForm(map[string]string{"summary": i.PMSummary, "cause": i.PMCause, "impact": i.PMImpact, "response": i.PMResponse, "lessons": i.PMLessons})
	}
	return nil
}

func (p pages) reviewForm(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r)
	if err != nil {
		return err
	}
	return p.draw(w, r, who, http.StatusOK, key, "review", nil, reviewed)
}

func (p pages) review(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.submit(w, r, who, "review", "The post-mortem is saved.", reviewed, func(key id.ID, f *httpx.Form, _ *time.Location) error {
		_, err := p.Incidents.Review(r.Context(), who, incident.ReviewInput{ID: key, Summary: f.Text("summary"), Cause: f.Text("cause"), Impact: f.Text("impact"), Response: f.Text("response"), Lessons: f.Text("lessons")})
		return err
	})
}
