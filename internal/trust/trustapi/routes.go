// Package trustapi is the API door of the trust room: the register of promises with its evidence.
package trustapi

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/trust"
)

type routes struct{ trust *trust.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *trust.Service) {
	h := routes{s}
	door.Register(a, trust.ActRead, huma.Operation{Method: "GET", Path: "/trust", Summary: "Read the register of promises",
		Description: "Each promise of the programme with how it stands and its newest evidence. Status is one of kept, attested, failing, not offered and not probed."}, h.read)
}

// Register is the answer of GET /trust.
type Register struct {
	Counts   map[string]int `json:"counts" doc:"How many promises stand how."`
	Promises []Promise      `json:"promises"`
}

// Promise is one line of the register.
type Promise struct {
	ID        string    `json:"id" example:"P-10"`
	Group     string    `json:"group"`
	Title     string    `json:"title"`
	Sentence  string    `json:"sentence" doc:"What a reader is told."`
	Mechanism string    `json:"mechanism" doc:"What makes it true."`
	Status    string    `json:"status" enum:"kept,attested,failing,not offered,not probed"`
	Reason    string    `json:"reason" doc:"Why it is not offered or not probed."`
	Probe     string    `json:"probe" doc:"What the probe does."`
	Interval  int       `json:"interval_seconds" doc:"How often it is probed."`
	Last      *Evidence `json:"last" doc:"The newest probe."`
	Attested  *Evidence `json:"attestation" doc:"The attestation that stands."`
}

// Evidence is one line of evidence.
type Evidence struct {
	At       time.Time `json:"at"`
	Result   string    `json:"result" enum:"kept,attested,failing,not offered,withdrawn" doc:"As status; withdrawn ends an attestation."`
	Checked  string    `json:"checked"`
	Count    int64     `json:"count"`
	By       string    `json:"by"`
	Until    string    `json:"until" doc:"Last day of an attestation."`
	TreeSize int64     `json:"tree_size" doc:"Entries of the audit tree at that moment; 0 when unknown."`
	TreeRoot string    `json:"tree_root"`
	Program  string    `json:"program"`
}

type readIn struct{}

type readOut struct{ Body Register }

func (h routes) read(ctx context.Context, who access.Actor, _ *readIn) (*readOut, error) {
	all, err := h.trust.States(ctx, who)
	if err != nil {
		return nil, err
	}
	out := Register{Counts: map[string]int{}, Promises: make([]Promise, len(all))}
	for status, n := range trust.Summary(all) {
		out.Counts[string(status)] = n
	}
	for i, s := range all {
		p := s.Promise
		out.Promises[i] = Promise{ID: p.ID, Group: p.Group, Title: p.Title, Sentence: p.Sentence, Mechanism: p.Mechanism, Status: string(s.Status), Reason: s.Reason, Probe: p.Check,
			Interval: int(p.Every / time.Second), Last: wire(s.Last), Attested: wire(s.Attestation)}
	}
	return &readOut{out}, nil
}

func wire(e *trust.Evidence) *Evidence {
	if e == nil {
		return nil
	}
	out := &Evidence{At: e.At, Result: e.Result.Word(), Checked: e.Checked, Count: e.Items, By: e.ByName, TreeRoot: e.TreeRoot, Program: e.Program}
	if e.UntilOn != nil {
		out.Until = e.UntilOn.Format(time.DateOnly)
	}
	if e.TreeSize != nil {
		out.TreeSize = *e.TreeSize
	}
	return out
}
