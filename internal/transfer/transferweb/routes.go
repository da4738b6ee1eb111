// Package transferweb draws the pages of imports: the list, the upload, and the record with mapping, report and progress.
package transferweb

import (
	"encoding/json"
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/transfer"
	"entente.dev/internal/ui"
)

// Deps are the room and what its pages show of others.
type Deps struct {
	Page     ui.PageFunc
	Imports  *transfer.Service
	Partners *partner.Service
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /imports", transfer.ActList, p.list)
	w.Private("GET /imports/export.csv", transfer.ActList, p.export(false))
	w.Private("GET /imports/export.json", transfer.ActList, p.export(true))
	w.Private("GET /imports/new", transfer.ActCreate, p.blank)
	w.Private("POST /imports", transfer.ActCreate, p.upload)
	w.Private("GET /imports/{id}", transfer.ActRead, p.record)
	w.Private("POST /imports/{id}/mapping", transfer.ActMap, p.remap)
	w.Private("POST /imports/{id}/commit", transfer.ActCommit, p.commit)
	w.Private("POST /imports/{id}/undo", transfer.ActUndo, p.undo)
	w.Private("GET /imports/{id}/events", transfer.ActRead, p.events)
	w.Private("GET /imports/{id}/refused.csv", transfer.ActRead, p.refused)
}

// importID returns the import that the path names; a malformed id is as missing as an unknown one.
func importID(r *http.Request) (id.ID, error) {
	return httpx.PathID(r, "import")
}

func href(v id.ID) string { return "/imports/" + v.String() }

func (p pages) export(asJSON bool) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		l := ui.ListOf(r)
		return p.Imports.Export(r.Context(), who, transfer.Query{Kind: l.Get("kind"), Status: l.Get("status")}, door.WebTable(w, "imports", asJSON))
	}
}

func (p pages) refused(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := importID(r)
	if err != nil {
		return err
	}
	return p.Imports.ExportRefused(r.Context(), who, v, door.WebTable(w, "refused", false))
}

// events feeds the progress bar until no job works on the import.
func (p pages) events(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := importID(r)
	if err != nil {
		return err
	}
	if _, err := p.Imports.Get(r.Context(), who, v); err != nil {
		return err
	}
	stream, err := httpx.Events(w, r)
	if err != nil {
		return err
	}
	err = p.Imports.Watch(stream.Context(), who, v, func(run transfer.Run) error {
		name := "progress"
		if !run.Working() {
			name = "done"
		}
		data, err := json.Marshal(map[string]any{"done": run.Done, "total": run.Total, "label": run.Label()})
		if err != nil {
			return err
		}
		return stream.Send(httpx.Event{Name: name, Data: string(data)})
	})
	if err != nil {
		httpx.Note(r.Context(), err) // the browser is gone, or will ask again
	}
	return nil
}
