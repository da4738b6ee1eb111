package retention

import (
	"context"
	"errors"
	"slices"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
)

// RunAll runs retention for every tenant: the periodic job. One question to the database finds which tenants have anything due at
// all; the others get an empty report. A tenant that fails does not keep the others from their turn.
func (s *Service) RunAll(ctx context.Context, trigger string) ([]Run, error) {
	tenants, err := s.Tenants(ctx)
	if err != nil || len(tenants) == 0 {
		return nil, err
	}
	due, err := s.due(ctx)
	if err != nil {
		return nil, err
	}
	months, bytes, opened := 0, int64(0), false
	var out []Run
	var all error
	for _, t := range tenants {
		who := access.NewSystem(t, "retention")
		if trigger == Hourly && len(due[t]) == 0 {
			continue // the daily run reports that there was nothing
		}
		var pairs []table
		if len(due[t]) > 0 {
			if pairs, err = s.only(ctx, who, due[t]); err != nil {
				all = errors.Join(all, err)
				continue
			}
		}
		r, err := s.begin(ctx, who, trigger, false)
		switch {
		case errs.Is(err, "retention.running"):
			continue
		case errs.Is(err, "retention.clock"):
			all = errors.Join(all, err)
			out = append(out, r)
			continue
		case err == nil:
			if !opened { // the clocks agree: months go before rows do
				opened = true
				if months, bytes, err = s.dropMonths(ctx, who); err != nil {
					s.ops.Log.Warn("months of the logs not dropped; their rows go one by one", "error", err)
				}
			}
			r.Partitions, r.Bytes = months, bytes
			r, err = s.carryOut(ctx, who, r, pairs)
		}
		all = errors.Join(all, err)
		out = append(out, r)
		if ctx.Err() != nil {
			return out, errors.Join(all, ctx.Err())
		}
	}
	return out, all
}

// only returns the declarations of the tables that are due. When one of a category is, the others of it come along: a row waits
// for those that refer to it.
func (s *Service) only(ctx context.Context, who access.Actor, due []pair) ([]table, error) {
	all, err := s.pairs(ctx, who)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(t table) bool {
		return !slices.ContainsFunc(due, func(p pair) bool { return p.Category == t.Category })
	}), nil
}
