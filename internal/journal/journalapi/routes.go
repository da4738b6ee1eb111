// Package journalapi is the API door of the journal: the access log and the error reports.
package journalapi

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/id"
)

type routes struct{ journal *journal.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *journal.Service) {
	h := routes{s}
	door.Register(a, journal.ActList, huma.Operation{Method: "GET", Path: "/access-log", Summary: "Read the access log",
		Description: "Each request of somebody who is known, newest first: time, user, address, route, action, result. Kept for as long as the policy's category server-log says."}, h.list)
	door.Register(a, journal.ActList, huma.Operation{Method: "GET", Path: "/errors", Summary: "Read the error reports", OperationID: "journal.errors",
		Description: "Faults of the program, those of one cause together, the latest first. They are followed up until they are solved."}, h.errors)
}

// Entry is one line of the access log.
type Entry struct {
	ID           id.ID     `json:"id"`
	At           time.Time `json:"at"`
	ActorKind    string    `json:"actor_kind" enum:"person,service,system,anonymous"`
	ActorName    string    `json:"actor_name"`
	MemberID     *id.ID    `json:"member_id,omitempty"`
	PartnerID    *id.ID    `json:"partner_id,omitempty"`
	IP           string    `json:"ip"`
	Method       string    `json:"method"`
	Route        string    `json:"route" doc:"The pattern; no address, query or body is kept." example:"/deals/{id}"`
	Action       string    `json:"action" example:"deal.read"`
	Status       int       `json:"status"`
	Result       string    `json:"result" enum:"done,refused,failed"`
	Microseconds int64     `json:"microseconds"`
	UserAgent    string    `json:"user_agent"`
	RequestID    string    `json:"request_id"`
}

type listIn struct {
	Q        string    `query:"q" maxLength:"100" doc:"Part of the actor's name or of the route."`
	IP       string    `query:"ip" maxLength:"45"`
	Result   string    `query:"result" enum:"done,refused,failed"`
	Method   string    `query:"method" maxLength:"16"`
	MemberID id.ID     `query:"member_id"`
	From     time.Time `query:"from" doc:"The first moment that counts."`
	To       time.Time `query:"to" doc:"The first moment that no longer counts."`
	Limit    int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor   string    `query:"cursor" maxLength:"8192" doc:"next_cursor of the page before."`
}

type listOut struct {
	Body struct {
		Items      []Entry `json:"items"`
		NextCursor string  `json:"next_cursor" doc:"Send it as cursor for the next page; empty on the last."`
	}
}

func (h routes) list(ctx context.Context, who access.Actor, in *listIn) (*listOut, error) {
	page, err := h.journal.List(ctx, who, journal.Query{Text: in.Q, IP: in.IP, Result: in.Result, Method: in.Method, Member: in.MemberID, From: in.From, To: in.To, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	out := &listOut{}
	out.Body.Items, out.Body.NextCursor = make([]Entry, len(page.Items)), page.Next
	for i, e := range page.Items {
		out.Body.Items[i] = Entry{e.ID, e.At, e.Kind, e.Name, e.Member, e.Partner, e.IP, e.Method, e.Route, e.Action, e.Status, e.Result(), e.TookUS, e.UserAgent, e.RequestID}
	}
	return out, nil
}

// Report is faults of one cause.
type Report struct {
	ID       id.ID      `json:"id"`
	Title    string     `json:"title" doc:"Codes and types; nobody's data."`
	Route    string     `json:"route"`
	State    string     `json:"state" enum:"open,solved"`
	Seen     int64      `json:"seen"`
	FirstAt  time.Time  `json:"first_at"`
	LastAt   time.Time  `json:"last_at"`
	SolvedAt *time.Time `json:"solved_at,omitempty"`
	SolvedBy string     `json:"solved_by,omitempty"`
}

type errorsIn struct {
	State  string `query:"state" enum:"open,solved"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"8192" doc:"next_cursor of the page before."`
}

type errorsOut struct {
	Body struct {
		Items      []Report `json:"items"`
		NextCursor string   `json:"next_cursor"`
	}
}

func (h routes) errors(ctx context.Context, who access.Actor, in *errorsIn) (*errorsOut, error) {
	page, err := h.journal.Errors(ctx, who, in.State, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &errorsOut{}
	out.Body.Items, out.Body.NextCursor = make([]Report, len(page.Items)), page.Next
	for i, r := range page.Items {
		out.Body.Items[i] = Report{r.ID, r.Title, r.Route, r.State, r.Seen, r.FirstAt, r.LastAt, r.SolvedAt, r.SolvedBy}
	}
	return out, nil
}
