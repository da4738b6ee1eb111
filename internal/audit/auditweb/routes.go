// Package auditweb draws the audit log: who did what, when, and what changed.
package auditweb

import (
	"net/http"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/audit/seal"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/ui"
)

// Deps are what the page is drawn with.
type Deps struct {
	Page  ui.PageFunc
	Trail *trail.Service
	Seal  *seal.Service
}

type pages struct{ Deps }

// Routes puts the page behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /audit", trail.ActOwn, p.list)
	w.Private("GET /audit/seal", seal.ActCheckpoint, p.status)
	w.Private("POST /audit/bundle", seal.ActExport, p.bundle)
	w.Private("GET /audit/{id}/proof", seal.ActProof, p.proof)
	w.Private("GET /audit/export.csv", trail.ActList, p.export(false))
	w.Private("GET /audit/export.json", trail.ActList, p.export(true))
}

// onPage is how many entries a page holds: each brings what it unfolds to.
const onPage = 30

type listView struct {
	ui.List
	rows     []row
	problems []errs.Field // of filters nobody can use
	looked   int          // entries that a search decrypted
	back     time.Time    // and how far back they reach; zero for the beginning
}

// row is one entry as the page draws it.
type row struct {
	trail.Entry
	href    string // of the record, "" when it has no page
	narrows bool   // the reader may ask for what this actor did
	changes []ui.Change
	alike   []row // entries right before it that read the same, such as one mail to many people
}

func (p pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	pg, err := p.Page(w, r, who, "Audit log", "audit")
	if err != nil {
		return err
	}
	v := listView{List: ui.ListOf(r)}
	v.Noun = "entries"
	q, bad := queryOf(v.List, pg.Viewer.Reader.Zone)
	var page trail.Page
	if err = errs.Refused(bad); err == nil {
		q.Limit = onPage
		read := p.Trail.Own
		if who.May(trail.ActList) {
			read = p.Trail.List
		}
		page, err = read(r.Context(), who, q)
		v.looked, v.back = page.Looked, page.Back
	}
	status, problems, err := ui.FilterProblems(err)
	if err != nil {
		return err
	}
	v.problems = problems
	v.Next, v.Shown = page.Next, len(page.Items)
	v.rows = folded(page.Items, func(e trail.Entry) row { return rowOf(e, who, pg.Viewer.Reader) })
	pg.Subtitle = "What happened to your company's records, by anybody. Nobody can change it."
	if who.May(trail.ActList) {
		pg.Subtitle, pg.Actions = "Everything that anybody did or was refused, in the programme and by its keys. Nobody can change it.", tools(v.List, who.May(seal.ActCheckpoint))
	}
	return ui.Render(w, r, status, listPage(pg, v))
}

// folded draws entries, and puts those that follow each other and read the same into one row.
func folded(entries []trail.Entry, draw func(trail.Entry) row) []row {
	var out []row
	for _, e := range entries {
		it := draw(e)
		if n := len(out); n > 0 && reads(out[n-1].Entry) == reads(e) {
			out[n-1].alike = append(out[n-1].alike, it)
			continue
		}
		out = append(out, it)
	}
	return out
}

// reads is what the line of an entry says, without its time.
func reads(e trail.Entry) [6]string {
	return [6]string{e.ActorID.String(), e.Actor(), string(e.Action) + e.Did(), string(e.Outcome), e.ObjectType, e.ObjectLabel}
}

func rowOf(e trail.Entry, who access.Actor, rd ui.Reader) row {
	out := row{Entry: e, href: objectHref(e)}
	out.narrows = e.ActorID != id.Nil && (who.Persona != access.Partner || e.ActorRole == "partner" || e.ActorRole == "agent")
	if act, ok := opens[e.ObjectType]; ok && !who.May(act) {
		out.href = ""
	}
	for _, l := range e.Lines(rd) {
		out.changes = append(out.changes, ui.Change{Field: l.Field, Old: l.Old, New: l.New})
	}
	return out
}

// opens says which permission the page of a record needs where not everybody who reads the log has it.
var opens = map[string]access.Action{"tenant": "tenant.update", "stage": "stage.update", "mail": "mail.read"}

// objectHref is where a record has its page. A refusal leads nowhere: there may be nothing.
func objectHref(e trail.Entry) string {
	if e.Outcome == "denied" {
		return ""
	}
	switch e.ObjectType {
	case "tenant":
		return "/settings"
	case "stage":
		return "/settings/pipeline"
	case "product":
		return "/settings/products"
	}
	places := map[string]string{"deal": "/deals/", "partner": "/partners/", "account": "/accounts/", "contact": "/contacts/", "member": "/people/",
		"import_run": "/imports/", "mail": "/mail/"}
	if at := places[e.ObjectType]; at != "" && e.ObjectID != id.Nil && !strings.HasSuffix(string(e.Action), ".delete") {
		return at + e.ObjectID.String()
	}
	return ""
}

// queryOf reads the filters of the address; days begin and end at midnight in zone.
func queryOf(l ui.List, zone *time.Location) (trail.Query, []errs.Field) {
	if zone == nil {
		zone = time.UTC
	}
	var bad []errs.Field
	ref := func(name string) id.ID {
		v, ok := id.Parse(l.Get(name))
		if !ok && l.Get(name) != "" {
			bad = append(bad, errs.Field{Name: name, Code: "field.id", Msg: "The link that led here is damaged: " + name + " is not an id."})
		}
		return v
	}
	day := func(name string) time.Time {
		if l.Get(name) == "" {
			return time.Time{}
		}
		at, err := time.ParseInLocation(time.DateOnly, l.Get(name), zone)
		if err != nil {
			bad = append(bad, errs.Field{Name: name, Code: "field.date", Msg: "Give a date that exists, as year-month-day."})
		}
		return at
	}
	q := trail.Query{ObjectType: l.Get("object_type"), ObjectID: ref("object_id"), ActorID: ref("actor_id"), Action: l.Get("action"), Outcome: l.Get("outcome"), Category: l.Get("category"),
		Text: l.Get("q"), From: day("from"), To: day("to"), Cursor: l.Get("cursor")}
	if !q.To.IsZero() {
		q.To = q.To.AddDate(0, 0, 1) // the day itself counts
	}
	return q, bad
}

// actions are the rooms of the permission table, each followed by what can be done in it.
func actions() []ui.Option {
	var out []ui.Option
	last := ""
	for _, act := range role.Actions() {
		if role.Reads(act) {
			continue // reading leaves no entry, but for a refusal: the room finds those
		}
		if act.Room() != last {
			last = act.Room()
			out = append(out, ui.Option{Value: last, Label: strings.ToUpper(last[:1]) + last[1:] + ": everything"})
		}
		out = append(out, ui.Option{Value: string(act), Label: string(act)})
	}
	return out
}

func categories() []ui.Option {
	return []ui.Option{{Value: "security-event", Label: "Security events"}, {Value: "audit-log", Label: "Changes"}}
}

func outcomes() []ui.Option {
	return []ui.Option{{Value: "done", Label: "Done"}, {Value: "denied", Label: "Refused"}}
}

// narrowed is the choice that stands for a record or an actor that the list is narrowed to.
func (v listView) narrowed(name string) []ui.Option {
	label := "Somebody"
	if name == "object_id" {
		label = "One record"
	}
	if len(v.rows) > 0 {
		e := v.rows[0].Entry
		if name == "actor_id" {
			label = e.Actor()
		} else if e.ObjectLabel != "" {
			label = e.ObjectLabel
		}
	}
	return []ui.Option{{Value: v.Get(name), Label: label}}
}

func (p pages) export(asJSON bool) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		l := ui.ListOf(r)
		var zone *time.Location
		if l.Get("from")+l.Get("to") != "" { // days are those of the page
			pg, err := p.Page(w, r, who, "", "")
			if err != nil {
				return err
			}
			zone = pg.Viewer.Reader.Zone
		}
		q, bad := queryOf(l, zone)
		if err := errs.Refused(bad); err != nil {
			return err
		}
		return p.Trail.Export(r.Context(), who, q, door.WebTable(w, "audit", asJSON))
	}
}
