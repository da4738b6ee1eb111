// Package fileapi is the API door of stored files.
package fileapi

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
)

// File is one stored file on the wire.
type File struct {
	ID          id.ID      `json:"id"`
	Kind        string     `json:"kind" enum:"subject-export,tenant-export,audit-bundle,evidence,certificate"`
	Name        string     `json:"name"`
	ContentType string     `json:"content_type"`
	State       string     `json:"state" enum:"writing,ready,gone"`
	Size        int64      `json:"size" doc:"Of the content, in bytes."`
	SHA256      string     `json:"sha256,omitempty" doc:"Of the content, in hex."`
	PartnerID   id.ID      `json:"partner_id,omitzero" doc:"The partner whose people may have it too."`
	MemberID    id.ID      `json:"member_id,omitzero" doc:"The one person it is for."`
	ObjectType  string     `json:"object_type,omitempty" doc:"What it is about."`
	ObjectID    id.ID      `json:"object_id,omitzero"`
	CreatedBy   string     `json:"created_by" doc:"The name of who asked for it."`
	CreatedAt   time.Time  `json:"created_at"`
	ExpiresAt   *time.Time `json:"expires_at,omitempty" doc:"When its content is removed; absent: it has no end."`
}

func wire(f file.File) File {
	return File{ID: f.ID, Kind: string(f.Kind), Name: f.Name, ContentType: f.ContentType, State: f.State, Size: f.Size, SHA256: hex.EncodeToString(f.SHA256),
		PartnerID: f.Partner, MemberID: f.Member, ObjectType: f.ObjectType, ObjectID: f.Object, CreatedBy: f.CreatedName, CreatedAt: f.CreatedAt, ExpiresAt: f.ExpiresAt}
}

type listIn struct {
	Kind   string `query:"kind" enum:"subject-export,tenant-export,audit-bundle,evidence,certificate"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"8192" doc:"next_cursor of the page before."`
}

// Page is one page of files, newest first.
type Page struct {
	Items      []File `json:"items"`
	NextCursor string `json:"next_cursor" doc:"Send it as cursor for the next page; empty on the last."`
}

type listOut struct{ Body Page }

type oneIn struct {
	ID id.ID `path:"id"`
}

type oneOut struct{ Body File }

type routes struct{ files *file.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *file.Service) {
	h := routes{s}
	door.Register(a, file.ActList, huma.Operation{Method: "GET", Path: "/files", Summary: "List stored files",
		Description: "Exports, audit bundles, evidence and certificates that the caller may have, newest first."}, h.list)
	door.Register(a, file.ActRead, huma.Operation{Method: "GET", Path: "/files/{id}/facts", Summary: "Read what a stored file is"}, h.read)
	a.Raw("GET", "/files/{id}", file.ActOpen, "Download a stored file", h.content, func(op *huma.Operation) {
		op.Description = "The content as it was made. Exports of personal data, of the programme and of the log ask for the permission `file.private` too, unless the file is for the caller. Each download is in the audit log."
		op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/octet-stream": {}}}}
	})
	door.Register(a, file.ActDelete, huma.Operation{Method: "DELETE", Path: "/files/{id}", Summary: "Delete a stored file before its time", DefaultStatus: http.StatusNoContent}, h.delete)
}

func (h routes) list(ctx context.Context, who access.Actor, in *listIn) (*listOut, error) {
	p, err := h.files.List(ctx, who, file.Query{Kind: file.Kind(in.Kind), Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	out := &listOut{Page{Items: make([]File, len(p.Items)), NextCursor: p.Next}}
	for i, f := range p.Items {
		out.Body.Items[i] = wire(f)
	}
	return out, nil
}

func (h routes) read(ctx context.Context, who access.Actor, in *oneIn) (*oneOut, error) {
	f, err := h.files.Get(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &oneOut{wire(f)}, nil
}

func (h routes) delete(ctx context.Context, who access.Actor, in *oneIn) (*struct{}, error) {
	return nil, h.files.Delete(ctx, who, in.ID)
}

func (h routes) content(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := httpx.PathID(r, "file")
	if err != nil {
		return err
	}
	c, err := h.files.Open(r.Context(), who, v)
	if err != nil {
		return err
	}
	return door.SendFile(w, c.ContentType, c.Name, c.Size, c)
}
