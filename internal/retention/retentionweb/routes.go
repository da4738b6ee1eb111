// Package retentionweb draws the pages of retention: what is kept how long and what goes next, the reports of runs, the look ahead,
// and legal holds.
package retentionweb

import (
	"net/http"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/retention"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with.
type Deps struct {
	Page      ui.PageFunc
	Retention *retention.Service
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /retention", retention.ActRead, p.overview)
	w.Private("POST /retention/runs", retention.ActRun, p.run)
	w.Private("GET /retention/runs", retention.ActRead, p.runs)
	w.Private("GET /retention/runs/{id}", retention.ActRead, p.report)
	w.Private("GET /retention/ahead", retention.ActRead, p.ahead)
	w.Private("GET /retention/holds", retention.ActHolds, p.holds)
	w.Private("GET /retention/holds/new", retention.ActPlace, p.newHold)
	w.Private("POST /retention/holds", retention.ActPlace, p.place)
	w.Private("POST /retention/holds/{id}/release", retention.ActRelease, p.release)
	w.Private("GET /retention/duties", retention.ActDuty, p.duties)
	w.Private("POST /retention/duties", retention.ActDuty, p.setDuty)
	w.Private("POST /retention/duties/{category}/drop", retention.ActDutyDrop, p.dropDuty)
}

func tabs(who access.Actor, here string) []ui.Tab {
	all := []ui.Tab{{Label: "What is kept", Href: "/retention"}, {Label: "Look ahead", Href: "/retention/ahead"}, {Label: "Runs", Href: "/retention/runs"}}
	if who.May(retention.ActHolds) {
		all = append(all, ui.Tab{Label: "Legal holds", Href: "/retention/holds"})
	}
	if who.May(retention.ActDuty) {
		all = append(all, ui.Tab{Label: "Legal duties", Href: "/retention/duties"})
	}
	for i := range all {
		all[i].Active = all[i].Href == here
	}
	return all
}

type overviewView struct {
	who   access.Actor
	tabs  []ui.Tab
	state retention.State
	holds []retention.Hold
}

func (p pages) overview(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := overviewView{who: who, tabs: tabs(who, "/retention")}
	var err error
	if v.state, err = p.Retention.State(r.Context(), who); err != nil {
		return err
	}
	if who.May(retention.ActHolds) {
		h, err := p.Retention.Holds(r.Context(), who, retention.HoldQuery{Active: true})
		if err != nil {
			return err
		}
		v.holds = h.Items
	}
	pg, err := p.Page(w, r, who, "Retention", "retention")
	if err != nil {
		return err
	}
	pg.Subtitle = "How long each kind of data is kept, what goes next, and what was removed."
	if who.May(retention.ActRun) {
		pg.Actions = runTools()
	}
	return ui.Render(w, r, http.StatusOK, overviewPage(pg, v))
}

func (p pages) run(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	dry := f.Bool("dry")
	if err := f.Err(); err != nil {
		return err
	}
	run, err := p.Retention.Start(r.Context(), who, retention.ByPage, dry)
	if errs.IsKind(err, errs.Conflict) {
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: errs.Of(err).Msg})
		httpx.SeeOther(w, r, "/retention")
		return nil
	}
	if err != nil {
		return err
	}
	httpx.SeeOther(w, r, "/retention/runs/"+run.ID.String())
	return nil
}

type runsView struct {
	ui.List
	tabs []ui.Tab
	runs []retention.Run
}

func (p pages) runs(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := runsView{List: ui.ListOf(r), tabs: tabs(who, "/retention/runs")}
	v.Noun = "runs"
	list, err := p.Retention.List(r.Context(), who, 0, v.Get("cursor"))
	if err != nil {
		return err
	}
	v.runs, v.Next, v.Shown = list.Items, list.Next, len(list.Items)
	pg, err := p.Page(w, r, who, "Retention runs", "retention")
	if err != nil {
		return err
	}
	pg.Crumbs = crumbs()
	if who.May(retention.ActRun) {
		pg.Actions = runTools()
	}
	return ui.Render(w, r, http.StatusOK, runsPage(pg, v))
}

func crumbs() []ui.Link { return []ui.Link{{Label: "Retention", Href: "/retention"}} }

func (p pages) report(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := httpx.PathID(r, "retention_run")
	if err != nil {
		return err
	}
	run, err := p.Retention.Get(r.Context(), who, v)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Run of "+run.StartedAt.UTC().Format("2 Jan 2006, 15:04 UTC"), "retention")
	if err != nil {
		return err
	}
	pg.Crumbs, pg.Lead = append(crumbs(), ui.Link{Label: "Runs", Href: "/retention/runs"}), outcome(run)
	return ui.Render(w, r, http.StatusOK, reportPage(pg, run))
}

type aheadView struct {
	tabs  []ui.Tab
	form  *httpx.Form
	sim   retention.Simulation
	lanes []lane
	marks []mark
}

func (p pages) ahead(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	until := strings.TrimSpace(r.URL.Query().Get("until"))
	v := aheadView{tabs: tabs(who, "/retention/ahead"), form: httpx.NewForm(map[string]string{"until": until})}
	status := http.StatusOK
	var err error
	v.sim, err = p.Retention.Simulate(r.Context(), who, until)
	if v.form.Absorb(err) {
		status = http.StatusUnprocessableEntity
		v.sim, err = p.Retention.Simulate(r.Context(), who, "")
	}
	if err != nil {
		return err
	}
	if until == "" {
		v.form.Set("until", v.sim.Until)
	}
	v.lanes, v.marks = lanesOf(v.sim), marksOf(v.sim)
	pg, err := p.Page(w, r, who, "Look ahead", "retention")
	if err != nil {
		return err
	}
	pg.Crumbs = crumbs()
	pg.Subtitle = "What would remain of the rows that are here now, on which day. Nothing is changed."
	return ui.Render(w, r, status, aheadPage(pg, v))
}

// lane is one line of the picture: positions are thousandths of its width.
type lane struct {
	o     retention.Outlook
	label string
	y     int
	parts []part
	end   int  // where the last row goes
	open  bool // some stay beyond the picture
}

// part is a stretch in which the same rows are there.
type part struct {
	x, width int
	level    int // 1 to 4: how much of what is there now
}

type mark struct {
	x     int
	label string
}

func spanOf(s retention.Simulation) (from time.Time, days float64) {
	from, _ = time.Parse(time.DateOnly, s.From)
	until, _ := time.Parse(time.DateOnly, s.Until)
	return from, max(1, until.Sub(from).Hours()/24)
}

func lanesOf(s retention.Simulation) []lane {
	from, days := spanOf(s)
	place := func(day string) int {
		d, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return 0
		}
		return int(min(1000, max(0, d.Sub(from).Hours()/24/days*1000)))
	}
	var out []lane
	for _, o := range s.Tables {
		if o.Now == 0 {
			continue
		}
		l := lane{o: o, label: ui.Capital(retention.TableWords(o.Table)), y: 26 * len(out), open: o.Kept > 0}
		x, left := 0, o.Now
		add := func(to int) {
			if to > x && left > 0 {
				level := int((4*left + o.Now - 1) / o.Now)
				if n := len(l.parts); n > 0 && l.parts[n-1].level == level {
					l.parts[n-1].width += to - x
				} else {
					l.parts = append(l.parts, part{x, to - x, level})
				}
			}
			x = max(x, to)
		}
		for _, st := range o.Steps {
			add(max(place(st.Day), 2))
			left = st.Kept
		}
		l.end = x
		add(1000)
		out = append(out, l)
	}
	return out
}

func marksOf(s retention.Simulation) []mark {
	from, days := spanOf(s)
	step := 1
	for days/365/float64(step) > 12 {
		step *= 2
	}
	var out []mark
	if days > 700 {
		for y := from.Year() + 1; ; y += step {
			x := int(time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).Sub(from).Hours() / 24 / days * 1000)
			if x > 970 {
				return out
			}
			if x > 20 {
				out = append(out, mark{x, time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006")})
			}
		}
	}
	for i := 1; i < 6; i++ {
		out = append(out, mark{i * 1000 / 6, from.AddDate(0, 0, int(days)*i/6).Format("2 Jan 2006")})
	}
	return out
}
