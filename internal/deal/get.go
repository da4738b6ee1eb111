package deal

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Get returns one deal. NotFound "deal.not_found".
func (s *Service) Get(ctx context.Context, who access.Actor, v id.ID) (Deal, error) {
	var d Deal
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("deal", v)
		r.Query(sqlGet, []any{who.Tenant, v}, one(&d))
	})
	return d, err
}

// Record returns a deal with its notes, timeline, claim and the programme's stages, in one round trip. NotFound "deal.not_found".
func (s *Service) Record(ctx context.Context, who access.Actor, v id.ID) (Record, error) {
	var rec Record
	var lines []told
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		rec.Now = r.Now
		r.About("deal", v)
		r.Query(sqlGet, []any{who.Tenant, v}, one(&rec.Deal))
		r.Query(sqlNotes, []any{who.Tenant, v}, notes(&rec.Notes))
		r.Query(sqlTimeline, []any{who.Tenant, v}, entries(&lines))
		r.Query(sqlClaimOf, []any{who.Tenant, v}, claimOf(&rec.Claim))
		r.Query(sqlDecider, []any{who.Tenant, v}, oneName(&rec.DecidedByName))
		r.Query(sqlStages, []any{who.Tenant}, stages(&rec.Stages))
	})
	if err != nil {
		return rec, err
	}
	rec.Timeline, err = s.open(ctx, who.Tenant, lines)
	return rec, err
}

// Notes returns the notes on a deal that the actor may read, newest first, at most 200. NotFound "deal.not_found".
func (s *Service) Notes(ctx context.Context, who access.Actor, v id.ID) ([]Note, error) {
	var out []Note
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("deal", v)
		r.Query(sqlExists, []any{who.Tenant, v}, exists)
		r.Query(sqlNotes, []any{who.Tenant, v}, notes(&out))
	})
	return out, err
}

// Stages returns the programme's pipeline in order.
func (s *Service) Stages(ctx context.Context, who access.Actor) ([]Stage, error) {
	var out []Stage
	err := op.Batch(ctx, s.ops, who, ActStages, func(r *op.Reads) {
		r.Query(sqlStages, []any{who.Tenant}, stages(&out))
	})
	return out, err
}
