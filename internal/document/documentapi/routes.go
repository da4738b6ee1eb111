// Package documentapi is the API door of the documents that a programme lives by.
package documentapi

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/document"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
)

type routes struct{ documents *document.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *document.Service) {
	h := routes{s}
	door.Register(a, document.ActList, huma.Operation{Method: "GET", Path: "/documents", Summary: "List documents",
		Description: "Every kind of document that a programme can have, with its versions, newest first, without their text. Partners see no drafts and nothing that was withdrawn."}, h.list)
	door.Register(a, document.ActRead, huma.Operation{Method: "GET", Path: "/documents/{id}", Summary: "Read a version of a document",
		Description: "With its text in Markdown. The id is that of the version."}, h.read)
}

// Document is one kind of document with its versions.
type Document struct {
	Kind       string    `json:"kind" doc:"privacy, terms, dpa or programme-terms"`
	Title      string    `json:"title"`
	ID         id.ID     `json:"id" doc:"null while nobody wrote one"`
	Audience   string    `json:"audience" doc:"vendor, partners or all: who is mailed about a material change"`
	Acceptance string    `json:"acceptance" doc:"none, asked or required"`
	AcceptFor  string    `json:"accept_for" doc:"company or person"`
	AcceptDays int       `json:"accept_days"`
	InForce    id.ID     `json:"in_force" doc:"The version in force now; null for none."`
	Versions   []Version `json:"versions"`
}

// Version is one version of a document, without its text.
type Version struct {
	ID          id.ID      `json:"id"`
	Kind        string     `json:"kind"`
	Number      int        `json:"number"`
	Title       string     `json:"title"`
	State       string     `json:"state" doc:"draft, announced, in force, superseded or withdrawn"`
	Change      string     `json:"change" doc:"first, material or minor"`
	Summary     string     `json:"summary"`
	Digest      string     `json:"digest" doc:"SHA-256 of the text, which those who accept it accept."`
	AnnouncedAt *time.Time `json:"announced_at"`
	EffectiveAt *time.Time `json:"effective_at"`
	Version     int        `json:"version"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

// Text is one version with its text.
type Text struct {
	Version
	Body string `json:"body" doc:"Markdown"`
}

// List is every kind of document.
type List struct {
	Items []Document `json:"items"`
}

type listOut struct{ Body List }

type readIn struct {
	ID id.ID `path:"id" doc:"Of the version."`
}

type readOut struct {
	ETag string `header:"ETag"`
	Body Text
}

func wire(s document.Shelf, v document.Version) Version {
	return Version{ID: v.ID, Kind: v.Kind, Number: v.Number, Title: v.Title, State: s.StateOf(v), Change: v.Change, Summary: v.Summary, Digest: v.Digest, AnnouncedAt: v.AnnouncedAt,
		EffectiveAt: v.EffectiveAt, Version: v.Version, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt}
}

func (h routes) list(ctx context.Context, who access.Actor, _ *struct{}) (*listOut, error) {
	shelves, err := h.documents.List(ctx, who)
	if err != nil {
		return nil, err
	}
	out := List{Items: []Document{}}
	for _, s := range shelves {
		d := Document{Kind: s.Kind.ID, Title: s.Kind.Title, ID: s.Document.ID, Audience: s.Document.Audience, Acceptance: s.Document.Acceptance, AcceptFor: s.Document.AcceptFor,
			AcceptDays: s.Document.AcceptDays, Versions: []Version{}}
		if v, ok := s.Current(); ok {
			d.InForce = v.ID
		}
		for _, v := range s.Versions {
			d.Versions = append(d.Versions, wire(s, v))
		}
		out.Items = append(out.Items, d)
	}
	return &listOut{out}, nil
}

func (h routes) read(ctx context.Context, who access.Actor, in *readIn) (*readOut, error) {
	r, err := h.documents.Get(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	v := r.Version
	v.Kind = r.Shelf.Document.Kind
	return &readOut{httpx.ETag(v.Version), Text{wire(r.Shelf, v), v.Body}}, nil
}
