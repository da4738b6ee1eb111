// Package transferapi is the API door of imports, and of the exports that no room's own door has.
package transferapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/transfer"
)

type routes struct{ imports *transfer.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *transfer.Service) {
	h := routes{s}
	a.Raw("POST", "/imports", transfer.ActCreate, "Upload a CSV file for import", h.upload, describeUpload)
	door.Register(a, transfer.ActList, huma.Operation{Method: "GET", Path: "/imports", Summary: "List imports"}, h.list)
	door.Register(a, transfer.ActRead, huma.Operation{Method: "GET", Path: "/imports/{id}", Summary: "Read an import, its report and its rows",
		Description: "Lists the refused rows, or those of another outcome."}, h.read)
	accepted := http.StatusAccepted
	door.Register(a, transfer.ActMap, huma.Operation{Method: "PUT", Path: "/imports/{id}/mapping", Summary: "Replace an import's mapping and check again", DefaultStatus: accepted,
		Description: "Possible until the import is committed. What the mapping leaves out is guessed."}, h.replaceMapping)
	door.Register(a, transfer.ActMap, huma.Operation{OperationID: "import.map_part", Method: "PATCH", Path: "/imports/{id}/mapping", Summary: "Change parts of an import's mapping and check again",
		DefaultStatus: accepted, Description: "Columns and values are added to those that the mapping has; defaults and options replace theirs when they are given."}, h.changeMapping)
	door.Register(a, transfer.ActCommit, huma.Operation{Method: "POST", Path: "/imports/{id}/commit", Summary: "Write the rows of a checked import", DefaultStatus: accepted,
		Description: "Refused rows stay out. A commit that failed is taken up where it stopped."}, h.commit)
	door.Register(a, transfer.ActUndo, huma.Operation{Method: "POST", Path: "/imports/{id}/undo", Summary: "Take an import back", DefaultStatus: accepted,
		Description: "Within seven days. What somebody touched since, or something else needs, stays and is reported on its row."}, h.undo)
	a.Raw("GET", "/imports/{id}/events", transfer.ActRead, "Follow the progress of an import", h.events, func(op *huma.Operation) {
		op.OperationID, op.Description = "import.events", "Server-sent events: `progress` with done, total, label and status, and `done` once no job works on the import."
		op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{"text/event-stream": {}}}}
	})
	a.Raw("GET", "/imports/{id}/refused.csv", transfer.ActRead, "Download the refused rows of an import", h.refused, func(op *huma.Operation) {
		op.OperationID, op.Description = "import.refused_csv", "What the file said, with the row's number, column and problem. Corrected, it can be imported as it is."
		op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{"text/csv": {}}}}
	})
}

func describeUpload(op *huma.Operation) {
	op.Description = "The file is stored row by row and checked by a job: follow its events, or read the import until it is `checked`. " +
		"A file that is no usable table is refused as a whole and leaves nothing behind. At most 64 MiB and 200,000 rows."
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{Type: "object", Required: []string{"kind", "file"},
		Properties: map[string]*huma.Schema{
			"kind":    {Type: "string", Enum: []any{"accounts", "partners", "products", "deals"}},
			"file":    {Type: "string", Format: "binary", Description: "CSV with a header; comma, semicolon, tab or bar; UTF-8, UTF-16 or Windows-1252."},
			"mapping": {Type: "string", Description: "JSON of the form that PUT /imports/{id}/mapping takes; without one everything is guessed."},
		}}}}}
	op.Responses = map[string]*huma.Response{"202": {Description: "Accepted", Content: map[string]*huma.MediaType{"application/json": {}}}}
}

func (h routes) list(ctx context.Context, who access.Actor, in *listIn) (*listOut, error) {
	p, err := h.imports.List(ctx, who, transfer.Query{Kind: in.Kind, Status: in.Status, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	out := &listOut{}
	out.Body.Items, out.Body.NextCursor = make([]Import, 0, len(p.Items)), p.Next
	for _, r := range p.Items {
		out.Body.Items = append(out.Body.Items, wire(r))
	}
	return out, nil
}

func (h routes) read(ctx context.Context, who access.Actor, in *readIn) (*detailOut, error) {
	p, err := h.imports.Rows(ctx, who, transfer.RowQuery{Import: in.ID, Outcome: in.Outcome, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	return &detailOut{httpx.ETag(p.Run.Version), Detail{wire(p.Run), wireMapping(p.Run.MappingData()), p.Run.ReportData(), wireRows(p.Items), p.Next}}, nil
}

func answer(r transfer.Run, err error) (*importOut, error) {
	if err != nil {
		return nil, err
	}
	return &importOut{httpx.ETag(r.Version), wire(r)}, nil
}

func (h routes) replaceMapping(ctx context.Context, who access.Actor, in *mapIn) (*importOut, error) {
	return answer(h.imports.Map(ctx, who, transfer.MapInput{ID: in.ID, Version: in.Version, Mapping: in.Body.domain()}))
}

func (h routes) changeMapping(ctx context.Context, who access.Actor, in *mapIn) (*importOut, error) {
	r, err := h.imports.Get(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	version := in.Version
	if version == 0 {
		version = r.Version // what is merged must be what was read
	}
	return answer(h.imports.Map(ctx, who, transfer.MapInput{ID: in.ID, Version: version, Mapping: r.MappingData().With(in.Body.domain())}))
}

func (h routes) commit(ctx context.Context, who access.Actor, in *stepIn) (*importOut, error) {
	return answer(h.imports.Commit(ctx, who, transfer.StepInput{ID: in.ID, Version: in.Version}))
}

func (h routes) undo(ctx context.Context, who access.Actor, in *stepIn) (*importOut, error) {
	return answer(h.imports.Undo(ctx, who, transfer.StepInput{ID: in.ID, Version: in.Version}))
}

func importID(r *http.Request) (id.ID, error) {
	return httpx.PathID(r, "import")
}

// progress is the data of a progress event.
type progress struct {
	Done   int    `json:"done"`
	Total  int    `json:"total"`
	Label  string `json:"label"`
	Status string `json:"status"`
}

func (h routes) events(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := importID(r)
	if err != nil {
		return err
	}
	if _, err := h.imports.Get(r.Context(), who, v); err != nil {
		return err
	}
	stream, err := httpx.Events(w, r)
	if err != nil {
		return err
	}
	err = h.imports.Watch(stream.Context(), who, v, func(run transfer.Run) error {
		name := "progress"
		if !run.Working() {
			name = "done"
		}
		data, err := json.Marshal(progress{run.Done, run.Total, run.Label(), run.Status})
		if err != nil {
			return err
		}
		return stream.Send(httpx.Event{Name: name, Data: string(data)})
	})
	if err != nil {
		httpx.Note(r.Context(), err) // the client is gone, or will ask again
	}
	return nil
}
