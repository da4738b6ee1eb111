package retentionweb

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/retention"
	"entente.dev/internal/ui"
)

type holdsView struct {
	ui.List
	who   access.Actor
	tabs  []ui.Tab
	holds []retention.Hold
	now   time.Time
	form  *httpx.Form // of a release that was refused
	of    id.ID
}

func (p pages) holds(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawHolds(w, r, who, http.StatusOK, httpx.NewForm(nil), id.Nil)
}

func (p pages) drawHolds(w http.ResponseWriter, r *http.Request, who access.Actor, status int, form *httpx.Form, of id.ID) error {
	v := holdsView{List: ui.ListOf(r), who: who, tabs: tabs(who, "/retention/holds"), form: form, of: of}
	v.Noun = "holds"
	list, err := p.Retention.Holds(r.Context(), who, retention.HoldQuery{Active: v.Get("state") == "active", Cursor: v.Get("cursor")})
	if err != nil {
		return err
	}
	v.holds, v.Next, v.Shown = list.Items, list.Next, len(list.Items)
	pg, err := p.Page(w, r, who, "Legal holds", "retention")
	if err != nil {
		return err
	}
	v.now = pg.Viewer.Reader.Present()
	pg.Crumbs = crumbs()
	pg.Subtitle = "What is held stays, whatever its period says, until the hold is released or over."
	if who.May(retention.ActPlace) {
		pg.Actions = ui.PrimaryButton("/retention/holds/new", "Place a hold", "lock")
	}
	return ui.Render(w, r, status, holdsPage(pg, v))
}

var kindWords = map[string]string{"person": "Person", "account": "Account", "partner": "Partner", "tenant": "The whole programme"}

func kindOptions() []ui.Option {
	out := make([]ui.Option, len(retention.HoldKinds))
	for i, k := range retention.HoldKinds {
		out[i] = ui.Option{Value: k, Label: kindWords[k]}
	}
	return out
}

type newHoldView struct {
	form  *httpx.Form
	kind  string
	text  string
	found []retention.Candidate
	key   string
}

// newHold is drawn in two steps without a script: choose what kind of thing and look for it, then say why.
func (p pages) newHold(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	q := r.URL.Query()
	f := httpx.NewForm(map[string]string{"kind": q.Get("kind"), "object": q.Get("object")})
	return p.drawNewHold(w, r, who, http.StatusOK, f, q.Get("kind"), q.Get("q"))
}

func (p pages) drawNewHold(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form, kind, text string) error {
	v := newHoldView{form: f, kind: kind, text: text, key: id.New().String()}
	if !slices.Contains(retention.HoldKinds, kind) {
		v.kind = "person"
	}
	var err error
	if v.found, err = p.Retention.Candidates(r.Context(), who, v.kind, text); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Place a hold", "retention")
	if err != nil {
		return err
	}
	pg.Crumbs = append(crumbs(), ui.Link{Label: "Legal holds", Href: "/retention/holds"})
	return ui.Render(w, r, status, newHoldPage(pg, v))
}

func (p pages) place(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	kind, sought := f.Text("kind"), f.Text("q")
	in := retention.PlaceInput{Kind: kind, Reason: f.Text("reason"), Until: f.Text("until")}
	if kind != "tenant" {
		in.Object = f.ID("object")
	}
	var h retention.Hold
	if err = f.Err(); err == nil {
		h, err = p.Retention.Place(r.Context(), who, in)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: h.Label + " is held. Nothing that refers to it is deleted until the hold ends."})
		httpx.SeeOther(w, r, "/retention/holds")
		return nil
	case f.Absorb(err):
		return p.drawNewHold(w, r, who, http.StatusUnprocessableEntity, f, kind, sought)
	}
	return err
}

func (p pages) release(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := httpx.PathID(r, "legal_hold")
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := retention.ReleaseInput{ID: v, Reason: f.Text("reason")}
	var h retention.Hold
	if err = f.Err(); err == nil {
		h, err = p.Retention.Release(r.Context(), who, in)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "The hold on " + h.Label + " is released. What is past its period goes with the next run."})
		httpx.SeeOther(w, r, "/retention/holds")
		return nil
	case errs.Is(err, "hold.released"):
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: errs.Of(err).Msg})
		httpx.SeeOther(w, r, "/retention/holds")
		return nil
	case f.Absorb(err):
		return p.drawHolds(w, r, who, http.StatusUnprocessableEntity, f, v)
	}
	return err
}

type dutiesView struct {
	tabs  []ui.Tab
	form  *httpx.Form
	state retention.State
	key   string
}

func (p pages) duties(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawDuties(w, r, who, http.StatusOK, httpx.NewForm(map[string]string{"event": "relation-end", "category": "legal-entity"}))
}

func (p pages) drawDuties(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form) error {
	v := dutiesView{tabs: tabs(who, "/retention/duties"), form: f, key: id.New().String()}
	var err error
	if v.state, err = p.Retention.Duties(r.Context(), who); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Legal duties", "retention")
	if err != nil {
		return err
	}
	pg.Crumbs = crumbs()
	pg.Subtitle = "What a law asks you to keep. It wins over a shorter period and over erasure, and is shown with its reason."
	return ui.Render(w, r, status, dutiesPage(pg, v))
}

func (p pages) setDuty(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := retention.DutyInput{Category: f.Text("category"), Event: f.Text("event"), Keep: f.Text("keep"), Reason: f.Text("reason")}
	var d retention.Duty
	if err = f.Err(); err == nil {
		d, err = p.Retention.SetDuty(r.Context(), who, in)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "Kept for " + d.Keep + " as the law asks."})
		httpx.SeeOther(w, r, "/retention/duties")
		return nil
	case f.Absorb(err):
		return p.drawDuties(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return err
}

func (p pages) dropDuty(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	if err := p.Retention.DropDuty(r.Context(), who, r.PathValue("category")); err != nil {
		return err
	}
	ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "The duty is taken back."})
	httpx.SeeOther(w, r, "/retention/duties")
	return nil
}

// outcomes says how a run ended.
var outcomes = map[string]struct {
	tone ui.Tone
	text string
}{
	retention.Running: {ui.Accent, "At work"}, retention.Done: {ui.Good, "Done"}, retention.Failed: {ui.Bad, "Failed"},
	retention.Refused: {ui.Bad, "Refused"}, retention.Interrupted: {ui.Warn, "Cut off, continued"},
}

var triggers = map[string]string{retention.Daily: "every night", retention.Hourly: "every hour", retention.Command: "command line", retention.ByPage: "this page", retention.ByAPI: "API"}

var eventWords = map[string]string{"recorded": "from recording", "last-sign-in": "from the last sign-in", "relation-end": "from the end of the relation",
	"account-deletion": "from the deletion of the programme", "session-end": "from the end of the session", "solved": "from solving"}

func keptWords(c retention.Category) string {
	if c.Period == "indefinitely" || c.Period == "not stored" || c.Period == "no rule" {
		return c.Period
	}
	if whole := whileWords[c.Event]; ends(c) && whole != "" {
		return whole
	}
	return plain(c.Period)
}

// whileWords are what a period of no time is called.
var whileWords = map[string]string{"account-deletion": "while customer", "session-end": "while the session lasts", "solved": "until solved"}

// ends reports whether nothing is kept after the event.
func ends(c retention.Category) bool { return c.Period == "00:00:00" }

// plain writes PostgreSQL's words for an interval as people do.
func plain(interval string) string {
	words := strings.NewReplacer("mons", "months", "mon", "month").Replace(interval)
	if h, rest, ok := strings.Cut(words, ":"); ok && strings.HasPrefix(rest, "00:00") && words != "00:00:00" {
		if n, err := strconv.Atoi(h); err == nil {
			return strconv.Itoa(n) + " hours"
		}
	}
	if words == "1 year" { // the data policy says it so
		return "12 months"
	}
	if words == "00:00:00" {
		return "no longer"
	}
	return words
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func dayOf(s string) time.Time {
	d, _ := time.Parse(time.DateOnly, s)
	return d
}

func pct(thousandths int) string {
	return strconv.FormatFloat(float64(thousandths)/10, 'f', 1, 64) + "%"
}

func tablesOf(c retention.Category) string {
	var names []string
	for _, t := range c.Tables {
		names = append(names, retention.TableWords(t.Table))
	}
	if len(names) > 4 {
		return strings.Join(names[:4], ", ") + " and " + strconv.Itoa(len(names)-4) + " more"
	}
	return strings.Join(names, ", ")
}

func next(c retention.Category) time.Time { return c.LastDay.AddDate(0, 0, 1) }

func categoryOptions(s retention.State) []ui.Option {
	out := make([]ui.Option, len(s.Categories))
	for i, c := range s.Categories {
		out[i] = ui.Option{Value: c.ID, Label: c.Name}
	}
	return out
}

func eventOptions() []ui.Option {
	return []ui.Option{{Value: "relation-end", Label: "The end of the relation"}, {Value: "recorded", Label: "Recording"}, {Value: "account-deletion", Label: "The deletion of the programme"},
		{Value: "last-sign-in", Label: "The last sign-in"}}
}

func nameOf(s retention.State, category string) string {
	for _, c := range s.Categories {
		if c.ID == category {
			return c.Name
		}
	}
	return category
}
