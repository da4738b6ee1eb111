// Package benchmarkapi is the API door of the benchmark room.
package benchmarkapi

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/benchmark"
	"entente.dev/internal/door"
)

type routes struct{ benchmarks *benchmark.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *benchmark.Service) {
	h := routes{s}
	door.Register(a, benchmark.ActRead, huma.Operation{Method: "GET", Path: "/benchmarks", Summary: "Read the benchmarks across programmes",
		Description: "Figures are there only for a programme that takes part. At least ten programmes stand behind each; they are rounded and released once a quarter."}, h.read)
}

// Board is the answer of GET /benchmarks.
type Board struct {
	OptedIn bool     `json:"opted_in" doc:"Whether the programme takes part."`
	Figures []Figure `json:"figures"`
	Own     []Figure `json:"own" doc:"The programme's own figures of the same quarters."`
}

// Figure is one figure.
type Figure struct {
	Quarter    string  `json:"quarter" doc:"First day of the quarter."`
	Metric     string  `json:"metric" enum:"decision-days,win-rate,deal-size"`
	Segment    string  `json:"segment" doc:"all; small, medium or large by number of partners; or a currency."`
	Value      float64 `json:"value" doc:"Days; a part of one; or minor units of the currency."`
	Programmes string  `json:"programmes" doc:"How many programmes stand behind it, roughly."`
}

type readIn struct{}

type readOut struct{ Body Board }

func (h routes) read(ctx context.Context, who access.Actor, _ *readIn) (*readOut, error) {
	b, err := h.benchmarks.Get(ctx, who)
	if err != nil {
		return nil, err
	}
	return &readOut{Board{OptedIn: b.Choice.In, Figures: wire(b.Figures), Own: wire(b.Own)}}, nil
}

func wire(in []benchmark.Figure) []Figure {
	out := make([]Figure, len(in))
	for i, f := range in {
		out[i] = Figure{f.Quarter.Format(time.DateOnly), f.Metric, f.Segment, f.Value, f.Band}
	}
	return out
}
