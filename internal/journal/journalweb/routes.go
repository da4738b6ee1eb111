// Package journalweb draws the journal: the access log, the error reports and the workflow log.
package journalweb

import (
	"net/http"
	"strconv"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with.
type Deps struct {
	Page    ui.PageFunc
	Journal *journal.Service
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /journal", journal.ActList, p.list)
	w.Private("GET /journal/export.csv", journal.ActList, p.export)
	w.Private("GET /journal/errors", journal.ActList, p.errors)
	w.Private("GET /journal/errors/{id}", journal.ActList, p.report)
	w.Private("POST /journal/errors/{id}/solve", journal.ActSolve, p.solve(true))
	w.Private("POST /journal/errors/{id}/reopen", journal.ActSolve, p.solve(false))
	w.Private("GET /journal/workflows", journal.ActList, p.workflows)
}

func tabs(active string) []ui.Tab {
	var out []ui.Tab
	for _, t := range [][2]string{{"Access log", "/journal"}, {"Errors", "/journal/errors"}, {"Workflows", "/journal/workflows"}} {
		out = append(out, ui.Tab{Label: t[0], Href: t[1], Active: t[1] == active})
	}
	return out
}

// view is what the three lists share.
type view struct {
	ui.List
	problems []errs.Field // of filters nobody can use
	entries  []journal.Entry
	reports  []journal.Report
	works    []journal.Work
}

// title is what the tab of the list is called.
func (v view) title() string {
	for _, t := range tabs(v.Path) {
		if t.Active {
			return t.Label
		}
	}
	return "Access log"
}

func queryOf(l ui.List) (journal.Query, error) {
	q := journal.Query{Text: l.Get("q"), IP: l.Get("ip"), Result: l.Get("result"), Method: l.Get("method"), Cursor: l.Get("cursor")}
	var p errs.Problems
	for name, at := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if v := l.Get(name); v != "" {
			day, err := time.Parse(time.DateOnly, v)
			if err != nil {
				p.Add(name, "field.date", "Give a day such as 2026-03-01.")
			}
			*at = day
		}
	}
	if !q.To.IsZero() {
		q.To = q.To.AddDate(0, 0, 1) // through the whole day
	}
	return q, errs.Refused(p)
}

// draw answers with a list, or with what is wrong with its filters.
func (p pages) draw(w http.ResponseWriter, r *http.Request, who access.Actor, v view, err error, as func(ui.Page, view) pageOf) error {
	status, problems, err := ui.FilterProblems(err)
	if err != nil {
		return err
	}
	v.problems = problems
	pg, err := p.Page(w, r, who, v.title(), "journal")
	if err != nil {
		return err
	}
	return ui.Render(w, r, status, as(pg, v))
}

func (p pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := view{List: ui.ListOf(r)}
	v.Noun = "requests"
	q, err := queryOf(v.List)
	if err == nil {
		var page journal.Page
		page, err = p.Journal.List(r.Context(), who, q)
		v.entries, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	}
	return p.draw(w, r, who, v, err, func(pg ui.Page, v view) pageOf {
		pg.Subtitle = "Every request of somebody who is known, for as long as the data policy keeps it."
		pg.Actions = exportTool(v)
		return accessPage(pg, v)
	})
}

func (p pages) export(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	q, err := queryOf(ui.ListOf(r))
	if err != nil {
		return err
	}
	return p.Journal.Export(r.Context(), who, q, door.WebTable(w, "access-log", false))
}

func (p pages) errors(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := view{List: ui.ListOf(r)}
	v.Noun = "errors"
	page, err := p.Journal.Errors(r.Context(), who, v.Get("state"), v.Get("cursor"), 0)
	v.reports, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	return p.draw(w, r, who, v, err, func(pg ui.Page, v view) pageOf {
		pg.Subtitle = "Faults of the program, those of one cause together. Follow each up until it is solved."
		return errorsPage(pg, v)
	})
}

func (p pages) workflows(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := view{List: ui.ListOf(r)}
	v.Noun = "entries"
	page, err := p.Journal.Workflows(r.Context(), who, journal.WorkQuery{Kind: v.Get("kind"), Outcome: v.Get("outcome"), Name: v.Get("q"), Cursor: v.Get("cursor")})
	v.works, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	return p.draw(w, r, who, v, err, func(pg ui.Page, v view) pageOf {
		pg.Subtitle = "Every job that ran for this programme, and every interaction with a system of somebody else."
		return workflowsPage(pg, v)
	})
}

type reportView struct {
	report journal.Report
	times  []journal.Happening
	solve  bool // the reader may
}

func (p pages) report(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := httpx.PathID(r, "error_report")
	if err != nil {
		return err
	}
	report, times, err := p.Journal.Error(r.Context(), who, key)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, report.Title, "journal")
	if err != nil {
		return err
	}
	pg.Crumbs, pg.Lead = []ui.Link{{Label: "Errors", Href: "/journal/errors"}}, state(report.State)
	return ui.Render(w, r, http.StatusOK, reportPage(pg, reportView{report, times, who.May(journal.ActSolve)}))
}

func (p pages) solve(solved bool) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		key, err := httpx.PathID(r, "error_report")
		if err != nil {
			return err
		}
		if _, err := p.Journal.Solve(r.Context(), who, key, solved); err != nil {
			return err
		}
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: map[bool]string{true: "The error is marked as solved. It opens again should it come back.", false: "The error is open again."}[solved]})
		httpx.SeeOther(w, r, "/journal/errors/"+key.String())
		return nil
	}
}

func took(d time.Duration) string {
	if d < 10*time.Millisecond {
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
	}
	if d < 10*time.Second {
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + " s"
}
