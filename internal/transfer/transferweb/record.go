package transferweb

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/partner"
	"entente.dev/internal/transfer"
	"entente.dev/internal/ui"
)

// shownRows is how many refused rows the page lists; the rest is in the file to download.
const shownRows = 50

type recordView struct {
	who      access.Actor
	run      transfer.Run
	report   transfer.Report
	mapping  transfer.Mapping
	file     transfer.FileInfo
	rows     []transfer.Row // refused, or kept by an undo
	more     bool
	form     *httpx.Form // of the mapping
	partners []string    // names, for the default partner
	now      time.Time
}

func (p pages) record(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.draw(w, r, who, http.StatusOK, nil)
}

func (p pages) draw(w http.ResponseWriter, r *http.Request, who access.Actor, code int, f *httpx.Form) error {
	v, err := importID(r)
	if err != nil {
		return err
	}
	rows, err := p.Imports.Rows(r.Context(), who, transfer.RowQuery{Import: v, Problems: true, Limit: shownRows})
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, rows.Run.FileName, "imports")
	if err != nil {
		return err
	}
	view := recordView{who: who, run: rows.Run, report: rows.Run.ReportData(), mapping: rows.Run.MappingData(), file: rows.Run.File(), rows: rows.Items,
		more: rows.Next != "", form: f, now: pg.Viewer.Reader.Now}
	if view.run.Kind == transfer.Deals && view.run.CanMap() {
		if view.partners, err = p.partnerNames(r, who); err != nil {
			return err
		}
	}
	pg.Crumbs = []ui.Link{{Label: "Imports", Href: "/imports"}}
	pg.Lead = status(view.run)
	pg.Subtitle = fmt.Sprintf("%s · %s · uploaded by %s", kindLabels[view.run.Kind], rowCount(ui.WithReader(r.Context(), pg.Viewer.Reader), view.run.Total), view.run.CreatedByName)
	pg.Actions = tools(view)
	return ui.Render(w, r, code, recordPage(pg, view))
}

// partnerNames offers the first partners by name; others can be given in the file or by the API.
func (p pages) partnerNames(r *http.Request, who access.Actor) ([]string, error) {
	page, err := p.Partners.List(r.Context(), who, partner.Query{Limit: 200})
	var out []string
	for _, it := range page.Items {
		out = append(out, it.Name)
	}
	return out, err
}

func (p pages) commit(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.step(w, r, who, p.Imports.Commit)
}

func (p pages) undo(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.step(w, r, who, p.Imports.Undo)
}

// step starts the next piece of work and leads back to the record, which follows it.
func (p pages) step(w http.ResponseWriter, r *http.Request, who access.Actor, do stepFunc) error {
	v, err := importID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	version := f.Version()
	if err := f.Err(); err != nil {
		return err
	}
	_, err = do(r.Context(), who, transfer.StepInput{ID: v, Version: version})
	if errs.IsKind(err, errs.Conflict) || errs.IsKind(err, errs.Stale) {
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: errs.Of(err).Msg})
		err = nil
	}
	if err == nil {
		httpx.SeeOther(w, r, href(v))
	}
	return err
}

// valueFields are the fields whose values can be mapped on the page, in this order.
var valueFields = []string{"stage", "state", "product", "partner", "owner", "account"}

// valueRow is one line of the table of values.
type valueRow struct {
	field string
	transfer.Value
	to string // what the mapping says
}

// valueRows lists values that are worth a look: stages and states all of them, others where they are not known or mapped.
func (v recordView) valueRows() []valueRow {
	var out []valueRow
	for _, field := range valueFields {
		list := append([]transfer.Value{}, v.report.Values[field]...)
		sort.SliceStable(list, func(i, j int) bool { return list[i].Count > list[j].Count })
		shown := 0
		for _, val := range list {
			to, mapped := v.mapping.Values[field][val.Value]
			if (field == "stage" || field == "state" || mapped || !val.Known) && shown < 60 {
				shown++
				out = append(out, valueRow{field, val, to})
			}
		}
	}
	return out
}

// remap reads the form of columns, values, defaults and options and has the rows checked again.
func (p pages) remap(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := importID(r)
	if err != nil {
		return err
	}
	run, err := p.Imports.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	m := transfer.Mapping{Columns: map[string]string{}, Values: map[string]map[string]string{}}
	for i, h := range run.Header {
		m.Columns[h] = f.Text("column_" + strconv.Itoa(i))
	}
	for field, of := range run.MappingData().Values {
		for from, to := range of {
			put(m.Values, field, from, to)
		}
	}
	for i := range int(f.Int("values")) {
		n := strconv.Itoa(i)
		field, from, to := f.Text("field_"+n), strings.TrimSpace(f.Secret("from_"+n)), f.Text("to_"+n)
		if from != "" {
			put(m.Values, field, from, to)
		}
	}
	m.Defaults = transfer.Defaults{Currency: f.Text("currency"), Date: f.Text("date"), Partner: f.Text("partner"), Country: f.Text("country")}
	m.Options = transfer.Options{CreateStages: f.Bool("create_stages"), MissingAccounts: f.Text("missing_accounts"), Existing: f.Text("existing")}
	version := f.Version()
	if err = f.Err(); err == nil {
		_, err = p.Imports.Map(r.Context(), who, transfer.MapInput{ID: key, Version: version, Mapping: m})
	}
	switch {
	case err == nil:
		httpx.SeeOther(w, r, href(key))
		return nil
	case errs.IsKind(err, errs.Conflict), errs.IsKind(err, errs.Stale), errs.IsKind(err, errs.Forbidden) && errs.Is(err, "import.stages"):
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: errs.Of(err).Msg})
		httpx.SeeOther(w, r, href(key))
		return nil
	case f.Absorb(err):
		return p.draw(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return err
}

// put maps a value; an empty target takes the mapping away.
func put(values map[string]map[string]string, field, from, to string) {
	if to == "" {
		delete(values[field], from)
		return
	}
	if values[field] == nil {
		values[field] = map[string]string{}
	}
	values[field][from] = to
}

func (v recordView) fieldOptions() []ui.Option {
	var out []ui.Option
	for _, f := range transfer.Fields(v.run.Kind) {
		out = append(out, ui.Option{Value: f.Name, Label: f.Label})
	}
	return out
}

func (v recordView) sample(i int) string {
	if i < len(v.file.Samples) {
		return v.file.Samples[i]
	}
	return ""
}

func currencies() []ui.Option {
	var out []ui.Option
	for _, c := range money.All() {
		out = append(out, ui.Option{Value: c.Code, Label: c.Code + " " + c.Name})
	}
	return out
}

var dateOptions = []ui.Option{{Value: "YYYY-MM-DD", Label: "2026-03-28"}, {Value: "DD/MM/YYYY", Label: "28/03/2026"}, {Value: "MM/DD/YYYY", Label: "03/28/2026"}, {Value: "DD.MM.YYYY", Label: "28.03.2026"}}

func (v recordView) stats(ctx context.Context) []ui.Stat {
	n := func(of int) string { return ui.FormatNumber(ctx, int64(of)) }
	r := v.run
	did := map[bool][4]string{
		false: {"Created", "Updated", "Unchanged", "Refused"}, true: {"To create", "To update", "Unchanged", "Refused"}}[r.Status == transfer.Checked || r.Status == transfer.Checking]
	if u := v.report.Undo; u != nil && r.Phase == "undo" {
		return []ui.Stat{{Label: "Removed", Value: n(u.Removed)}, {Label: "Put back", Value: n(u.Restored)}, {Label: "Kept", Value: n(u.Kept), Note: "touched since"}}
	}
	return []ui.Stat{{Label: did[0], Value: n(r.Created), Note: v.made()}, {Label: did[1], Value: n(r.Updated)}, {Label: did[2], Value: n(r.Unchanged)}, {Label: did[3], Value: n(r.Refused)}}
}

// made says what comes beside the rows themselves.
func (v recordView) made() string {
	var parts []string
	for _, what := range []string{"partners", "people", "accounts", "stages"} {
		if n := v.report.Made[what]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "with " + strings.Join(parts, ", ")
}
