package privacyweb

import (
	"net/http"
	"strconv"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/privacy"
	"entente.dev/internal/ui"
)

type listView struct {
	ui.List
	who      access.Actor
	items    []privacy.Request
	closed   bool
	now      time.Time
	problems []errs.Field
}

func (p pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := listView{List: ui.ListOf(r), who: who, now: p.Clock()}
	v.Noun, v.closed = "requests", v.Get("closed") == "1"
	page, err := p.Privacy.List(r.Context(), who, privacy.Query{State: v.Get("state"), Kind: v.Get("kind"), Closed: v.closed, Cursor: v.Get("cursor")})
	status, problems, err := ui.FilterProblems(err)
	if err != nil {
		return err
	}
	v.problems = problems
	v.items, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	pg, err := p.Page(w, r, who, "Privacy requests", "privacy")
	if err != nil {
		return err
	}
	pg.Subtitle = "What persons ask about their data. The law gives one month for each."
	pg.Actions = listTools(v)
	return ui.Render(w, r, status, listPage(pg, v))
}

type recordView struct {
	who     access.Actor
	r       privacy.Request
	tasks   []privacy.Task
	events  []ui.Event
	form    *httpx.Form
	problem string
	now     time.Time
}

func (v recordView) path(verb string) string { return "/privacy/" + v.r.ID.String() + "/" + verb }

func (p pages) record(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := pathID(r)
	if err != nil {
		return err
	}
	return p.draw(w, r, who, v, http.StatusOK, nil, "")
}

// draw shows a request; form holds what was refused.
func (p pages) draw(w http.ResponseWriter, r *http.Request, who access.Actor, key id.ID, status int, form *httpx.Form, problem string) error {
	it, err := p.Privacy.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	v := recordView{who: who, r: it, form: form, problem: problem, now: p.Clock()}
	if v.tasks, err = p.Privacy.TasksOf(r.Context(), who, key); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Request "+strconv.Itoa(it.Number)+": "+it.Kind.Words(), "privacy")
	if err != nil {
		return err
	}
	if who.May(trail.ActObject) {
		page, err := p.Trail.Object(r.Context(), who, trail.Query{ObjectID: key, Outcome: "done", Limit: 50})
		if err != nil {
			return err
		}
		for _, e := range page.Items {
			v.events = append(v.events, ui.Event{Actor: e.ActorName, Verb: e.Did() + " this request", At: e.At, Note: e.Note})
		}
	}
	pg.Crumbs = []ui.Link{{Label: "Privacy requests", Href: "/privacy"}}
	pg.Lead = stateBadge(it)
	pg.Subtitle = clockWords(it, v.now)
	return ui.Render(w, r, status, recordPage(pg, v))
}

// clockWords says in words how much time is left.
func clockWords(r privacy.Request, now time.Time) string {
	day := r.LastDay()
	if !r.Open() {
		return "Closed " + r.ClosedAt.Format("2 January 2006") + "; it was due by " + day + "."
	}
	switch left := r.DaysLeft(now); {
	case left < 0:
		return "Overdue: it had to be answered by " + day + "."
	case left == 0:
		return "Due today."
	case left == 1:
		return "One day left: answer by " + day + "."
	default:
		return strconv.Itoa(left) + " days left: answer by " + day + "."
	}
}

// clockTone is the colour of the clock; the words say the same.
func clockTone(r privacy.Request, now time.Time) ui.Tone {
	switch left := r.DaysLeft(now); {
	case !r.Open():
		return ui.Neutral
	case left < 2:
		return ui.Bad
	case left < 8:
		return ui.Warn
	}
	return ui.Good
}

type formView struct {
	form *httpx.Form
}

func (p pages) blank(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawForm(w, r, who, http.StatusOK, httpx.NewForm(map[string]string{"email": r.URL.Query().Get("email"), "kind": r.URL.Query().Get("kind")}))
}

func (p pages) drawForm(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form) error {
	pg, err := p.Page(w, r, who, "Record a request", "privacy")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Privacy requests", Href: "/privacy"}}
	return ui.Render(w, r, status, newPage(pg, formView{f}))
}

func (p pages) open(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	a := privacy.Ask{Kind: privacy.Kind(f.Text("kind")), Source: f.Text("source"), Subject: subjectOf(f), Purpose: f.Text("purpose"), Asked: f.Text("asked"), ReceivedAt: f.Date("received_at")}
	var made privacy.Request
	if err = f.Err(); err == nil {
		made, err = p.Privacy.Open(r.Context(), who, a)
	}
	switch {
	case err == nil:
		text := "The request is recorded. Next: check who the person is."
		if made.State == privacy.Forwarded {
			text = "The request is forwarded: as the policy says, the controller answers it, not this portal."
		}
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: text})
		httpx.SeeOther(w, r, "/privacy/"+made.ID.String())
		return nil
	case f.Absorb(err):
		return p.drawForm(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return err
}

type searchView struct {
	form  *httpx.Form
	found *privacy.Found
	who   access.Actor
}

func (p pages) blankSearch(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawSearch(w, r, who, http.StatusOK, searchView{form: httpx.NewForm(nil), who: who})
}

func (p pages) drawSearch(w http.ResponseWriter, r *http.Request, who access.Actor, status int, v searchView) error {
	pg, err := p.Page(w, r, who, "Find a person", "privacy")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Privacy requests", Href: "/privacy"}}
	pg.Subtitle = "Everything the data map knows is searched: records, notes, mails, history and the audit log. The search itself goes on record."
	return ui.Render(w, r, status, searchPage(pg, v))
}

func (p pages) search(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	found, err := p.Privacy.Find(r.Context(), who, subjectOf(f), f.Text("reason"), nil)
	switch {
	case err == nil:
		return p.drawSearch(w, r, who, http.StatusOK, searchView{form: f, found: &found, who: who})
	case f.Absorb(err):
		return p.drawSearch(w, r, who, http.StatusUnprocessableEntity, searchView{form: f, who: who})
	}
	return err
}

// hrefOf is where a hit can be looked at, "" where there is no page.
func hrefOf(h privacy.Hit) string {
	switch h.Table {
	case "contact":
		return "/contacts/" + h.Key
	case "deal":
		return "/deals/" + h.Key
	case "account":
		return "/accounts/" + h.Key
	case "partner":
		return "/partners/" + h.Key
	case "mail":
		return "/mail/" + h.Key
	}
	return ""
}

func tableWords(name string) string { return ui.Capital(privacy.TableWords(name)) }

type restrictedView struct {
	form    *httpx.Form
	records []privacy.RestrictedRecord
	who     access.Actor
}

func (p pages) restricted(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawRestricted(w, r, who, http.StatusOK, httpx.NewForm(nil))
}

func (p pages) drawRestricted(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form) error {
	records, err := p.Privacy.Restricted(r.Context(), who)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Suspended processing", "privacy")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Privacy requests", Href: "/privacy"}}
	pg.Subtitle = "These records stay, and nobody but you sees or uses them."
	return ui.Render(w, r, status, restrictedPage(pg, restrictedView{f, records, who}))
}

func (p pages) restrict(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	text := "The restriction is lifted."
	if f.Text("lift") != "" {
		err = p.Privacy.RestrictRecord(r.Context(), who, f.ID("lift"), f.Text("reason"), true)
	} else {
		var n int
		n, err = p.Privacy.Restrict(r.Context(), who, subjectOf(f), f.Text("reason"), false)
		text = strconv.Itoa(n) + " records are suspended."
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: text})
		httpx.SeeOther(w, r, "/privacy/restricted")
		return nil
	case f.Absorb(err):
		return p.drawRestricted(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return err
}

type tasksView struct {
	form  *httpx.Form
	tasks []privacy.Task
}

func (p pages) tasks(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawTasks(w, r, who, http.StatusOK, httpx.NewForm(nil))
}

func (p pages) drawTasks(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form) error {
	tasks, err := p.Privacy.Tasks(r.Context(), who)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Persons' requests to your company", "privacy")
	if err != nil {
		return err
	}
	pg.Subtitle = "Your company received these persons' data through the programme. Do the same with your own copy, and say what you did."
	return ui.Render(w, r, status, tasksPage(pg, tasksView{f, tasks}))
}

func (p pages) answerTask(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	_, err = p.Privacy.AnswerTask(r.Context(), who, f.ID("task"), f.Text("answer") == "done", f.Text("reason"))
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "Your answer is on record."})
		httpx.SeeOther(w, r, "/privacy/tasks")
		return nil
	case f.Absorb(err):
		return p.drawTasks(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return err
}
