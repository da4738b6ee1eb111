// Package auditapi is the API door of the audit log.
package auditapi

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/seal"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
)

// Change is the old and the new value of one column; null is none.
type Change struct {
	Old any `json:"old"`
	New any `json:"new"`
}

// Entry is one line of the audit log on the wire.
type Entry struct {
	ID          id.ID             `json:"id"`
	At          time.Time         `json:"at"`
	OpID        id.ID             `json:"op_id" doc:"Entries of one operation share it."`
	ActorKind   string            `json:"actor_kind" enum:"person,service,system,anonymous"`
	ActorID     id.ID             `json:"actor_id,omitzero"`
	ActorName   string            `json:"actor_name"`
	ActorRole   string            `json:"actor_role"`
	Action      string            `json:"action" example:"deal.approve"`
	Outcome     string            `json:"outcome" enum:"done,denied"`
	ObjectType  string            `json:"object_type" example:"deal"`
	ObjectID    id.ID             `json:"object_id,omitzero"`
	ObjectLabel string            `json:"object_label" doc:"What the record was called then."`
	Changes     map[string]Change `json:"changes" doc:"By column; empty for what changes nothing."`
	Note        string            `json:"note" doc:"Of a refusal: its code."`
	RequestID   string            `json:"request_id,omitempty" doc:"For the vendor only, as are ip and user_agent."`
	IP          string            `json:"ip,omitempty"`
	UserAgent   string            `json:"user_agent,omitempty"`
	Category    string            `json:"category" enum:"audit-log,security-event"`
	ErasedAt    time.Time         `json:"erased_at,omitzero" doc:"When names, values and addresses of the entry were erased."`
}

func wire(e trail.Entry) Entry {
	out := Entry{ID: e.ID, At: e.At, OpID: e.Op, ActorKind: e.ActorKind, ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: e.ActorRole, Action: string(e.Action),
		Outcome: string(e.Outcome), ObjectType: e.ObjectType, ObjectID: e.ObjectID, ObjectLabel: e.ObjectLabel, Changes: make(map[string]Change, len(e.Changes)),
		Note: e.Note, RequestID: e.RequestID, IP: e.IP, UserAgent: e.UserAgent, Category: string(e.Category), ErasedAt: e.ErasedAt}
	for column, c := range e.Changes {
		out.Changes[column] = Change{Old: c[0], New: c[1]}
	}
	return out
}

type listIn struct {
	ObjectType string    `query:"object_type" maxLength:"60" doc:"Such as deal, partner, account, contact, member." example:"deal"`
	ObjectID   id.ID     `query:"object_id" doc:"The record. A partner's agents must name one."`
	ActorID    id.ID     `query:"actor_id" doc:"The member or service account who acted."`
	Action     string    `query:"action" maxLength:"60" doc:"An action such as deal.approve, or all of a room: deal." example:"deal.approve"`
	Outcome    string    `query:"outcome" enum:"done,denied"`
	Category   string    `query:"category" enum:"audit-log,security-event"`
	Query      string    `query:"q" maxLength:"200" doc:"A part of a name, value, note or address. One request decrypts 20,000 entries at most; next_cursor goes on behind them, also when items is empty."`
	From       time.Time `query:"from" doc:"The first moment that counts." example:"2026-01-01T00:00:00Z"`
	To         time.Time `query:"to" doc:"The first moment that no longer counts."`
	Limit      int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor     string    `query:"cursor" maxLength:"8192" doc:"next_cursor of the page before."`
}

// Page is one page of the log, newest first.
type Page struct {
	Items      []Entry `json:"items"`
	NextCursor string  `json:"next_cursor" doc:"Send it as cursor for the next page; empty on the last."`
}

type pageOut struct{ Body Page }

// Routes adds the log to the API.
func Routes(a *door.API, s *trail.Service, sealed *seal.Service) {
	proofs(a, sealed)
	door.Register(a, trail.ActObject, huma.Operation{Method: "GET", Path: "/audit", OperationID: string(trail.ActList), Summary: "Read the audit log",
		Description: "Newest first. Who has the permission `audit.list` reads the whole log of the programme; a partner's managers (`audit.own`) what concerns their own company; everybody else what happened to one of their own records, named by object_id."},
		func(ctx context.Context, who access.Actor, in *listIn) (*pageOut, error) {
			read := s.Object
			if who.May(trail.ActList) {
				read = s.List
			} else if in.ObjectID == id.Nil && who.May(trail.ActOwn) {
				read = s.Own
			}
			page, err := read(ctx, who, trail.Query{ObjectType: in.ObjectType, ObjectID: in.ObjectID, ActorID: in.ActorID, Action: in.Action,
				Outcome: in.Outcome, Category: in.Category, Text: in.Query, From: in.From, To: in.To, Limit: in.Limit, Cursor: in.Cursor})
			if err != nil {
				return nil, err
			}
			items := make([]Entry, len(page.Items))
			for i, e := range page.Items {
				items[i] = wire(e)
			}
			return &pageOut{Page{Items: items, NextCursor: page.Next}}, nil
		})
}
