package retention

import (
	"context"
	"errors"
	"slices"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// RunAll runs retention for every tenant: the periodic job. Two questions to the database find which tenants have anything due at all;
// the others get their report in one transaction. A tenant that fails does not keep the others from their turn.
func (s *Service) RunAll(ctx context.Context, trigger string) ([]Run, error) {
	w := sweep{s: s, trigger: trigger}
	tenants, err := s.Tenants(ctx)
	if err != nil || len(tenants) == 0 {
		return nil, err
	}
	if w.due, err = s.due(ctx); err != nil {
		return nil, err
	}
	if w.history, err = s.historyDue(ctx); err != nil {
		return nil, err
	}
	if w.tables, err = s.pairs(ctx, access.NewSystem(tenants[0], "retention")); err != nil {
		return nil, err
	}
	var out []Run
	var all error
	for _, t := range tenants {
		if trigger == Hourly && len(w.due[t]) == 0 {
			continue // the daily run reports that there was nothing
		}
		r, err := w.tenant(ctx, access.NewSystem(t, "retention"))
		if errs.Is(err, "retention.running") {
			continue
		}
		all = errors.Join(all, err)
		if r.ID != id.Nil {
			out = append(out, r)
		}
		if ctx.Err() != nil {
			return out, errors.Join(all, ctx.Err())
		}
	}
	return out, all
}

// sweep is one turn over all tenants.
type sweep struct {
	s       *Service
	trigger string
	due     map[id.ID][]pair
	history map[id.ID]bool
	tables  []table // every declaration
	opened  bool    // the clocks agreed once: months of logs went before rows do
	months  int
	bytes   int64
}

// tenant runs retention for one tenant.
func (w *sweep) tenant(ctx context.Context, who access.Actor) (Run, error) {
	due := w.due[who.Tenant]
	if w.opened && len(due) == 0 && !w.history[who.Tenant] {
		return w.nothing(ctx, who)
	}
	r, err := w.s.begin(ctx, who, w.trigger, false)
	if err != nil {
		return r, err
	}
	if !w.opened {
		w.opened = true
		if w.months, w.bytes, err = w.s.dropMonths(ctx, who); err != nil {
			w.s.ops.Log.Warn("months of the logs not dropped; their rows go one by one", "error", err)
		}
	}
	r.Partitions, r.Bytes = w.months, w.bytes
	return w.s.carryOut(ctx, who, r, only(w.tables, due))
}

// nothing leaves the report of a run that has nothing to do.
func (w *sweep) nothing(ctx context.Context, who access.Actor) (Run, error) {
	var head Run
	w.s.head(ctx, who, &head)
	r, err := op.Write(ctx, w.s.ops, who, ActRun, func(tx *op.Tx) (Run, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Run{}, err
		}
		tx.Unchanged() // its report tells it
		r, err := w.s.next(ctx, tx, w.trigger, false)
		if err != nil {
			return r, err
		}
		if r.Outcome == Running {
			r.Outcome, r.FinishedAt, r.Partitions, r.Bytes = Done, &tx.Now, w.months, w.bytes
			r.TreeSize, r.TreeRoot, r.TreeAt = head.TreeSize, head.TreeRoot, head.TreeAt
		}
		return r, insertRun(ctx, tx, r)
	})
	return w.s.told(who, r, err)
}

// only returns the declarations of the tables that are due. When one of a category is, the others of it come along: a row waits
// for those that refer to it.
func only(all []table, due []pair) (out []table) {
	for _, t := range all {
		if slices.ContainsFunc(due, func(p pair) bool { return p.Category == t.Category }) {
			out = append(out, t)
		}
	}
	return out
}
