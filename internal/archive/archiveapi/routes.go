// Package archiveapi is the API door of the archive room: exports of the whole programme, and its deletion.
package archiveapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/archive"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
)

type routes struct{ archive *archive.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *archive.Service) {
	h := routes{s}
	door.Register(a, archive.ActExport, huma.Operation{Method: "POST", Path: "/programme/exports", Summary: "Export the whole programme", DefaultStatus: http.StatusAccepted,
		Description: "A job writes the archive; read the export until its status is done, then get the file. One at a time."}, h.start)
	door.Register(a, archive.ActRead, huma.Operation{Method: "GET", Path: "/programme/exports/{id}", Summary: "Read how an export stands"}, h.read)
	door.Register(a, archive.ActDelete, huma.Operation{Method: "POST", Path: "/programme/deletion", Summary: "Ask for the programme to be deleted", DefaultStatus: http.StatusAccepted,
		Description: "Where another Admin is at work, one of them has to agree in the program. The programme then closes to changes and is erased at the end of the term of the data policy; until then it can be taken back."}, h.delete)
	door.Register(a, archive.ActKeep, huma.Operation{Method: "DELETE", Path: "/programme/deletion", Summary: "Take the deletion of the programme back"}, h.keep)
}

type noInput struct{}

type runIn struct {
	ID id.ID `path:"id" doc:"Id of the export."`
}

type runOut struct{ Body archive.Run }

type deleteIn struct {
	Body struct {
		Slug   string `json:"slug" doc:"Short name of the programme, to say that you mean this one."`
		Reason string `json:"reason" maxLength:"1000"`
	}
}

type departureOut struct{ Body Deletion }

// Deletion is how a programme leaves.
type Deletion struct {
	ID         id.ID   `json:"id"`
	State      string  `json:"state" doc:"asked, closing or taken_back"`
	Reason     string  `json:"reason"`
	AskedBy    string  `json:"asked_by"`
	PurgeAfter *string `json:"purge_after" doc:"When the programme is erased; null until another Admin agreed."`
}

func wire(d archive.Departure) *departureOut {
	out := Deletion{ID: d.ID, State: d.State, Reason: d.Reason, AskedBy: d.AskedName}
	if d.PurgeAfter != nil {
		at := d.PurgeAfter.UTC().Format("2006-01-02T15:04:05Z")
		out.PurgeAfter = &at
	}
	return &departureOut{out}
}

func (h routes) start(ctx context.Context, who access.Actor, _ *noInput) (*runOut, error) {
	r, err := h.archive.Start(ctx, who)
	return &runOut{r}, err
}

func (h routes) read(ctx context.Context, who access.Actor, in *runIn) (*runOut, error) {
	r, err := h.archive.GetRun(ctx, who, in.ID)
	return &runOut{r}, err
}

func (h routes) delete(ctx context.Context, who access.Actor, in *deleteIn) (*departureOut, error) {
	d, err := h.archive.Delete(ctx, who, archive.DeleteInput{Slug: in.Body.Slug, Reason: in.Body.Reason})
	return wire(d), err
}

func (h routes) keep(ctx context.Context, who access.Actor, _ *noInput) (*departureOut, error) {
	d, err := h.archive.Keep(ctx, who)
	return wire(d), err
}
