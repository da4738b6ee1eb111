// Package privacyapi is the API door of a person's rights: requests and the search for a person.
package privacyapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/privacy"
)

type routes struct{ privacy *privacy.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *privacy.Service) {
	h := routes{s}
	door.Register(a, privacy.ActOpen, huma.Operation{Method: "POST", Path: "/privacy/requests", Summary: "Record a person's request", DefaultStatus: http.StatusCreated,
		Description: "The deadline is counted from received_at. Nothing is handed out or changed before the identity check is on record."}, h.open)
	door.Register(a, privacy.ActList, huma.Operation{Method: "GET", Path: "/privacy/requests", Summary: "List persons' requests",
		Description: "The open ones, the nearest deadline first; with closed=true the closed ones, the newest first."}, h.list)
	door.Register(a, privacy.ActRead, huma.Operation{Method: "GET", Path: "/privacy/requests/{id}", Summary: "Read a person's request"}, h.read)
	door.Register(a, privacy.ActFind, huma.Operation{Method: "POST", Path: "/privacy/search", Summary: "Find a person everywhere",
		Description: "Searches everything the data map knows. The search goes on record with its reason, without the person's name."}, h.search)
}

// Request is a person's request on the wire.
type Request struct {
	ID          id.ID      `json:"id"`
	Number      int        `json:"number"`
	Kind        string     `json:"kind" enum:"access,portability,correction,erasure,restriction,objection"`
	State       string     `json:"state" enum:"received,verifying,in-progress,waiting-partners,waiting-approval,executing,done,refused,withdrawn,forwarded"`
	Source      string     `json:"source"`
	Email       string     `json:"email" doc:"Empty after an erasure."`
	Name        string     `json:"name"`
	Phone       string     `json:"phone"`
	Purpose     string     `json:"purpose" doc:"Of an objection."`
	Asked       string     `json:"asked"`
	ReceivedAt  time.Time  `json:"received_at"`
	DueAt       time.Time  `json:"due_at"`
	ExtendedAt  *time.Time `json:"extended_at,omitempty"`
	IdentityHow string     `json:"identity_how" doc:"Empty until the identity is checked."`
	Plan        []PlanLine `json:"plan" doc:"What an erasure does, by table."`
	Done        int        `json:"done" doc:"Records changed or deleted so far."`
	Outcome     string     `json:"outcome"`
	Certificate string     `json:"certificate" doc:"A signed note, when it is done."`
	ClosedAt    *time.Time `json:"closed_at,omitempty"`
	Version     int        `json:"version" doc:"Also the ETag."`
}

// PlanLine is what happens to the records of one table.
type PlanLine struct {
	Category string `json:"category"`
	Table    string `json:"table"`
	What     string `json:"what" enum:"delete,anonymise,keep"`
	Rows     int    `json:"rows"`
	Reason   string `json:"reason"`
	Until    string `json:"until,omitempty"`
}

func wire(r privacy.Request) Request {
	out := Request{ID: r.ID, Number: r.Number, Kind: string(r.Kind), State: string(r.State), Source: r.Source, Email: r.Email, Name: r.Name, Phone: r.Phone, Purpose: r.Purpose, Asked: r.Asked,
		ReceivedAt: r.ReceivedAt, DueAt: r.DueAt, ExtendedAt: r.ExtendedAt, IdentityHow: r.IdentityHow, Plan: []PlanLine{}, Done: r.Progress.Done, Outcome: r.Outcome, Certificate: r.Certificate.Note,
		ClosedAt: r.ClosedAt, Version: r.Version}
	for _, l := range r.Plan.Lines {
		out.Plan = append(out.Plan, PlanLine{l.Category, l.Table, string(l.What), l.Rows, l.Reason, l.Until})
	}
	return out
}

type requestOut struct {
	ETag string `header:"ETag"`
	Body Request
}

type openIn struct {
	Body struct {
		Kind       string    `json:"kind" enum:"access,portability,correction,erasure,restriction,objection"`
		Source     string    `json:"source" enum:"e-mail,phone,staff,partner" doc:"How the request came."`
		Email      string    `json:"email,omitempty" maxLength:"254" example:"ada@example.com"`
		Name       string    `json:"name,omitempty" maxLength:"200"`
		Phone      string    `json:"phone,omitempty" maxLength:"50"`
		Namesakes  bool      `json:"namesakes,omitempty" doc:"Whether records that carry the name only are meant too."`
		Purpose    string    `json:"purpose,omitempty" enum:"service,announcement,marketing,analytics,profiling" doc:"Of an objection."`
		Asked      string    `json:"asked,omitempty" maxLength:"4000"`
		ReceivedAt time.Time `json:"received_at,omitzero" doc:"When it was received; now if left out."`
	}
}

func (h routes) open(ctx context.Context, who access.Actor, in *openIn) (*requestOut, error) {
	b := in.Body
	return answer(h.privacy.Open(ctx, who, privacy.Ask{Kind: privacy.Kind(b.Kind), Source: b.Source, Purpose: b.Purpose, Asked: b.Asked, ReceivedAt: b.ReceivedAt,
		Subject: privacy.Subject{Email: b.Email, Name: b.Name, Phone: b.Phone, Namesakes: b.Namesakes}}))
}

type readIn struct {
	ID id.ID `path:"id"`
}

func (h routes) read(ctx context.Context, who access.Actor, in *readIn) (*requestOut, error) {
	return answer(h.privacy.Get(ctx, who, in.ID))
}

func answer(r privacy.Request, err error) (*requestOut, error) {
	if err != nil {
		return nil, err
	}
	return &requestOut{ETag: httpx.ETag(r.Version), Body: wire(r)}, nil
}

type listIn struct {
	State  string `query:"state"`
	Kind   string `query:"kind"`
	Closed bool   `query:"closed"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor"`
}

// RequestPage is one page of requests.
type RequestPage struct {
	Items      []Request `json:"items"`
	NextCursor string    `json:"next_cursor" doc:"Empty on the last page."`
}

type listOut struct{ Body RequestPage }

func (h routes) list(ctx context.Context, who access.Actor, in *listIn) (*listOut, error) {
	page, err := h.privacy.List(ctx, who, privacy.Query{State: in.State, Kind: in.Kind, Closed: in.Closed, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	out := RequestPage{Items: make([]Request, len(page.Items)), NextCursor: page.Next}
	for i, r := range page.Items {
		out.Items[i] = wire(r)
	}
	return &listOut{out}, nil
}

type searchIn struct {
	Body struct {
		Email  string `json:"email,omitempty" maxLength:"254"`
		Name   string `json:"name,omitempty" maxLength:"200"`
		Phone  string `json:"phone,omitempty" maxLength:"50"`
		Reason string `json:"reason" minLength:"1" maxLength:"200" doc:"Why you search; it goes on record."`
	}
}

type searchOut struct{ Body privacy.Found }

func (h routes) search(ctx context.Context, who access.Actor, in *searchIn) (*searchOut, error) {
	found, err := h.privacy.Find(ctx, who, privacy.Subject{Email: in.Body.Email, Name: in.Body.Name, Phone: in.Body.Phone}, in.Body.Reason, nil)
	if err != nil {
		return nil, err
	}
	return &searchOut{found}, nil
}
