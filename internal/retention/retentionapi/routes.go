// Package retentionapi is the API door of retention: its state, the reports of runs, what would go when, holds and duties.
package retentionapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/retention"
)

type routes struct{ s *retention.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *retention.Service) {
	h := routes{s}
	door.Register(a, retention.ActRead, huma.Operation{Method: "GET", Path: "/retention", Summary: "Read how long each category is kept and what goes next",
		Description: "By category: the rule, the tables that hold it, the oldest row and the last day on which it is there."}, h.state)
	door.Register(a, retention.ActRead, huma.Operation{OperationID: "retention.runs", Method: "GET", Path: "/retention/runs", Summary: "List the reports of retention runs"}, h.runs)
	door.Register(a, retention.ActRead, huma.Operation{OperationID: "retention.run_read", Method: "GET", Path: "/retention/runs/{id}", Summary: "Read the report of a retention run"}, h.read)
	door.Register(a, retention.ActRun, huma.Operation{Method: "POST", Path: "/retention/runs", Summary: "Run retention now", DefaultStatus: http.StatusAccepted,
		Description: "A job does the work: read the report until its outcome is not `running`. With `dry` nothing is deleted and the report says what would be."}, h.run)
	door.Register(a, retention.ActRead, huma.Operation{OperationID: "retention.simulate", Method: "GET", Path: "/retention/simulate", Summary: "Foretell what remains on which day",
		Description: "For the rows that are there now, table by table: the days on which something goes until `until`, and what remains from each on. Changes nothing."}, h.simulate)
	door.Register(a, retention.ActHolds, huma.Operation{Method: "GET", Path: "/holds", Summary: "List legal holds"}, h.holds)
	door.Register(a, retention.ActPlace, huma.Operation{Method: "POST", Path: "/holds", Summary: "Place a legal hold", DefaultStatus: http.StatusCreated,
		Description: "From the moment this answers, nothing that refers to the object is deleted, whatever its period."}, h.place)
	door.Register(a, retention.ActRelease, huma.Operation{Method: "POST", Path: "/holds/{id}/release", Summary: "Release a legal hold"}, h.release)
	door.Register(a, retention.ActDuty, huma.Operation{Method: "PUT", Path: "/retention/duties/{category}", Summary: "Record what a law asks to be kept",
		Description: "Rows of the category stay at least as long, whatever shorter period the policy has and whoever asks for erasure."}, h.setDuty)
	door.Register(a, retention.ActDutyDrop, huma.Operation{Method: "DELETE", Path: "/retention/duties/{category}", Summary: "Take a legal duty back", DefaultStatus: http.StatusNoContent}, h.dropDuty)
}

func (h routes) state(ctx context.Context, who access.Actor, _ *struct{}) (*stateOut, error) {
	s, err := h.s.State(ctx, who)
	if err != nil {
		return nil, err
	}
	return &stateOut{s}, nil
}

func (h routes) runs(ctx context.Context, who access.Actor, in *listIn) (*runsOut, error) {
	p, err := h.s.List(ctx, who, in.Limit, in.Cursor)
	if err != nil {
		return nil, err
	}
	out := &runsOut{}
	out.Body.Items, out.Body.NextCursor = append([]retention.Run{}, p.Items...), p.Next
	return out, nil
}

func answer(r retention.Run, err error) (*runOut, error) {
	if err != nil {
		return nil, err
	}
	return &runOut{r}, nil
}

func (h routes) read(ctx context.Context, who access.Actor, in *idIn) (*runOut, error) {
	return answer(h.s.Get(ctx, who, in.ID))
}

func (h routes) run(ctx context.Context, who access.Actor, in *runIn) (*runOut, error) {
	return answer(h.s.Start(ctx, who, retention.ByAPI, in.Body.Dry))
}

func (h routes) simulate(ctx context.Context, who access.Actor, in *simulateIn) (*simulateOut, error) {
	s, err := h.s.Simulate(ctx, who, in.Until)
	if err != nil {
		return nil, err
	}
	return &simulateOut{s}, nil
}

func (h routes) holds(ctx context.Context, who access.Actor, in *holdsIn) (*holdsOut, error) {
	p, err := h.s.Holds(ctx, who, retention.HoldQuery{Active: in.Active, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	out := &holdsOut{}
	out.Body.Items, out.Body.NextCursor = append([]retention.Hold{}, p.Items...), p.Next
	return out, nil
}

func held(v retention.Hold, err error) (*holdOut, error) {
	if err != nil {
		return nil, err
	}
	return &holdOut{v}, nil
}

func (h routes) place(ctx context.Context, who access.Actor, in *placeIn) (*holdOut, error) {
	return held(h.s.Place(ctx, who, retention.PlaceInput{Kind: in.Body.Kind, Object: in.Body.ObjectID, Email: in.Body.Email, Reason: in.Body.Reason, Until: in.Body.Until}))
}

func (h routes) release(ctx context.Context, who access.Actor, in *releaseIn) (*holdOut, error) {
	return held(h.s.Release(ctx, who, retention.ReleaseInput{ID: in.ID, Reason: in.Body.Reason}))
}

func (h routes) setDuty(ctx context.Context, who access.Actor, in *dutyIn) (*dutyOut, error) {
	d, err := h.s.SetDuty(ctx, who, retention.DutyInput{Category: in.Category, Event: in.Body.Event, Keep: in.Body.Keep, Reason: in.Body.Reason})
	if err != nil {
		return nil, err
	}
	return &dutyOut{d}, nil
}

func (h routes) dropDuty(ctx context.Context, who access.Actor, in *categoryIn) (*struct{}, error) {
	return nil, h.s.DropDuty(ctx, who, in.Category)
}
