// Package incidentapi is the API door of the incident register.
package incidentapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/incident"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
)

type routes struct{ incidents *incident.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *incident.Service) {
	h := routes{s}
	door.Register(a, incident.ActReport, huma.Operation{Method: "POST", Path: "/incidents", Summary: "Report an incident", DefaultStatus: http.StatusCreated,
		Description: "It is assessed and confirmed by people; confirming it starts the clocks."}, h.report)
	door.Register(a, incident.ActList, huma.Operation{Method: "GET", Path: "/incidents", Summary: "List incidents",
		Description: "Newest first, with the clocks that still run."}, h.list)
	door.Register(a, incident.ActRead, huma.Operation{Method: "GET", Path: "/incidents/{id}", Summary: "Read an incident",
		Description: "With its clocks, its timeline, its notices and the counts of who is affected."}, h.read)
}

// Report is what somebody noticed.
type Report struct {
	Title       string     `json:"title" minLength:"1" maxLength:"200"`
	Kind        string     `json:"kind" enum:"confidentiality,integrity,availability,vulnerability,other"`
	Severity    string     `json:"severity" enum:"low,medium,high,critical"`
	Description string     `json:"description,omitempty" maxLength:"10000"`
	DetectedAt  *time.Time `json:"detected_at,omitempty" doc:"When it was noticed; now when it is left out."`
}

// Incident is one entry of the register.
type Incident struct {
	ID             id.ID      `json:"id"`
	Number         int        `json:"number"`
	Title          string     `json:"title"`
	Kind           string     `json:"kind"`
	Severity       string     `json:"severity"`
	Status         string     `json:"status" doc:"reported, assessing, confirmed, contained, resolved, closed or dismissed"`
	Description    string     `json:"description"`
	DetectedAt     time.Time  `json:"detected_at"`
	AwareAt        *time.Time `json:"aware_at"`
	ContainedAt    *time.Time `json:"contained_at"`
	ResolvedAt     *time.Time `json:"resolved_at"`
	ClosedAt       *time.Time `json:"closed_at"`
	Categories     []string   `json:"categories"`
	Risk           string     `json:"risk"`
	NotifyDecision string     `json:"notify_decision"`
	Clocks         []Clock    `json:"clocks"`
	Version        int        `json:"version"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
}

// Clock is one deadline.
type Clock struct {
	Template         string     `json:"template"`
	Step             string     `json:"step"`
	Label            string     `json:"label"`
	StartsAt         time.Time  `json:"starts_at"`
	DueAt            time.Time  `json:"due_at"`
	MetAt            *time.Time `json:"met_at"`
	WaivedAt         *time.Time `json:"waived_at"`
	RemainingSeconds int64      `json:"remaining_seconds" doc:"Until it is due, as of now or of when it was met; negative when it was late."`
	Says             string     `json:"says"`
}

// Detail is an incident with everything about it.
type Detail struct {
	Incident
	Nature       string            `json:"nature"`
	Consequences string            `json:"consequences"`
	Measures     string            `json:"measures"`
	NotifyReason string            `json:"notify_reason"`
	Affected     []incident.Count  `json:"affected"`
	Timeline     []incident.Entry  `json:"timeline"`
	Notices      []incident.Notice `json:"notices"`
	Actions      []incident.Action `json:"actions"`
	PostMortem   map[string]string `json:"post_mortem"`
}

// Page is one page of the register.
type Page struct {
	Items      []Incident `json:"items"`
	NextCursor string     `json:"next_cursor"`
}

type reportIn struct{ Body Report }

type readIn struct {
	ID id.ID `path:"id"`
}

type listIn struct {
	Status string `query:"status" doc:"open, or one of the states"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor"`
}

type incidentOut struct {
	ETag string `header:"ETag"`
	Body Incident
}

type detailOut struct {
	ETag string `header:"ETag"`
	Body Detail
}

type pageOut struct{ Body Page }

func wire(i incident.Incident, clocks []incident.Clock, now time.Time) Incident {
	out := Incident{ID: i.ID, Number: i.Number, Title: i.Title, Kind: i.Kind, Severity: i.Severity, Status: i.Status, Description: i.Description, DetectedAt: i.DetectedAt, AwareAt: i.AwareAt,
		ContainedAt: i.ContainedAt, ResolvedAt: i.ResolvedAt, ClosedAt: i.ClosedAt, Categories: i.Categories, Risk: i.Risk, NotifyDecision: i.NotifyDecision, Version: i.Version,
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, Clocks: []Clock{}}
	for _, c := range clocks {
		at := now
		if c.MetAt != nil {
			at = *c.MetAt
		}
		out.Clocks = append(out.Clocks, Clock{c.Template, c.Step, c.Label, c.StartsAt, c.DueAt, c.MetAt, c.WaivedAt, int64(c.DueAt.Sub(at).Seconds()), c.Says(now)})
	}
	return out
}

func (h routes) report(ctx context.Context, who access.Actor, in *reportIn) (*incidentOut, error) {
	r := incident.ReportInput{Title: in.Body.Title, Kind: in.Body.Kind, Severity: in.Body.Severity, Description: in.Body.Description}
	if in.Body.DetectedAt != nil {
		r.DetectedAt = *in.Body.DetectedAt
	}
	i, err := h.incidents.Report(ctx, who, r)
	if err != nil {
		return nil, err
	}
	return &incidentOut{httpx.ETag(i.Version), wire(i, nil, i.CreatedAt)}, nil
}

func (h routes) list(ctx context.Context, who access.Actor, in *listIn) (*pageOut, error) {
	page, err := h.incidents.List(ctx, who, incident.Query{Status: in.Status, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	out := Page{Items: []Incident{}, NextCursor: page.Next}
	for _, r := range page.Items {
		out.Items = append(out.Items, wire(r.Incident, r.Running, page.Now))
	}
	return &pageOut{out}, nil
}

func (h routes) read(ctx context.Context, who access.Actor, in *readIn) (*detailOut, error) {
	r, err := h.incidents.Get(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	i := r.Incident
	d := Detail{Incident: wire(i, r.Clocks, r.Now), Nature: i.Nature, Consequences: i.Consequences, Measures: i.Measures, NotifyReason: i.NotifyReason, Affected: r.Counts, Timeline: r.Entries,
		Notices: r.Notices, Actions: r.Actions,
		PostMortem: map[string]string{"summary": i.PMSummary, "cause": i.PMCause, "impact": i.PMImpact, "response": i.PMResponse, "lessons": i.PMLessons}}
	return &detailOut{httpx.ETag(i.Version), d}, nil
}
