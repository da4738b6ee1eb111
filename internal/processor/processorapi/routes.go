// Package processorapi is the API door of the register of sub-processors.
package processorapi

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/processor"
)

type routes struct{ processors *processor.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *processor.Service) {
	h := routes{s}
	door.Register(a, processor.ActList, huma.Operation{Method: "GET", Path: "/processors", Summary: "List sub-processors",
		Description: "Who else handles the programme's data, with what was and what is announced. Partners see no proposals."}, h.list)
	door.Register(a, processor.ActRead, huma.Operation{Method: "GET", Path: "/processors/{id}", Summary: "Read a sub-processor",
		Description: "With the objections to it that the reader may see."}, h.read)
}

// Processor is one entry of the register.
type Processor struct {
	ID          id.ID      `json:"id"`
	ReplacesID  id.ID      `json:"replaces_id" doc:"The entry whose place this one takes; null for none."`
	Name        string     `json:"name"`
	Purpose     string     `json:"purpose"`
	Categories  []string   `json:"categories" doc:"Ids of the data map."`
	Country     string     `json:"country"`
	Regions     string     `json:"regions"`
	Safeguards  string     `json:"safeguards" doc:"What makes a transfer lawful."`
	Link        string     `json:"link"`
	Hosts       []string   `json:"hosts" doc:"Outbound hosts of this program that are this processor's."`
	State       string     `json:"state" doc:"proposed, announced, active, replaced, withdrawn or ended"`
	AnnouncedAt *time.Time `json:"announced_at"`
	EffectiveAt *time.Time `json:"effective_at" doc:"Until then partners may object."`
	EndedAt     *time.Time `json:"ended_at"`
	Version     int        `json:"version"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

// Detail is one entry with its objections.
type Detail struct {
	Processor
	Objections []Objection `json:"objections"`
}

// Objection is a partner's, with what became of it.
type Objection struct {
	ID          id.ID      `json:"id"`
	PartnerID   id.ID      `json:"partner_id"`
	Partner     string     `json:"partner"`
	Reason      string     `json:"reason"`
	Outcome     string     `json:"outcome" doc:"open, accepted, declined or withdrawn"`
	OutcomeNote string     `json:"outcome_note"`
	DecidedAt   *time.Time `json:"decided_at"`
	CreatedAt   time.Time  `json:"created_at"`
}

// List is the register.
type List struct {
	Items    []Processor      `json:"items"`
	Unlisted []processor.Host `json:"unlisted_hosts" doc:"Hosts that the operator configured and of which no active entry speaks."`
}

type listOut struct{ Body List }

type readIn struct {
	ID id.ID `path:"id"`
}

type readOut struct {
	ETag string `header:"ETag"`
	Body Detail
}

func wire(p processor.Processor, state string) Processor {
	return Processor{ID: p.ID, ReplacesID: p.ReplacesID, Name: p.Name, Purpose: p.Purpose, Categories: some(p.Categories), Country: p.Country, Regions: p.Regions, Safeguards: p.Safeguards, Link: p.Link,
		Hosts: some(p.Hosts), State: state, AnnouncedAt: p.AnnouncedAt, EffectiveAt: p.EffectiveAt, EndedAt: p.EndedAt, Version: p.Version, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
}

// some is an empty list for none.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (h routes) list(ctx context.Context, who access.Actor, _ *struct{}) (*listOut, error) {
	r, err := h.processors.List(ctx, who)
	if err != nil {
		return nil, err
	}
	out := List{Items: []Processor{}, Unlisted: some(r.Unlisted)}
	for _, p := range r.Entries {
		out.Items = append(out.Items, wire(p, r.StateOf(p)))
	}
	return &listOut{out}, nil
}

func (h routes) read(ctx context.Context, who access.Actor, in *readIn) (*readOut, error) {
	r, err := h.processors.Get(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	out := Detail{Processor: wire(r.Processor, r.State), Objections: []Objection{}}
	for _, o := range r.Objections {
		out.Objections = append(out.Objections, Objection{o.ID, o.PartnerID, o.PartnerName, o.Reason, o.Outcome, o.OutcomeNote, o.DecidedAt, o.CreatedAt})
	}
	return &readOut{httpx.ETag(r.Processor.Version), out}, nil
}
