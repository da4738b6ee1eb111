package app

import (
	"context"
	"errors"

	"entente.dev/internal/deal"
	"entente.dev/internal/document"
	"entente.dev/internal/event"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
	"entente.dev/internal/trust"
)

// listeners is the one table of who reacts to what. A listener runs in the emitting transaction: it queues work.
func (a *App) listeners() map[string][]op.Listener {
	return map[string][]op.Listener{
		"deal.submitted": {on(document.Gate), on(deal.Tell[deal.Submitted])},
		"notice.sent":    {on(a.Documents.NoteSent), on(a.Processors.NoteSent)},
		"tenant.created": {on(a.founded)},
		"deal.returned":  {on(deal.Tell[deal.Returned])},
		"deal.approved":  {on(deal.Tell[deal.Approved])},
		"deal.rejected":  {on(deal.Tell[deal.Rejected])},
		"deal.expired":   {on(deal.Tell[deal.Expired])},
	}
}

// founded gives a new programme its policy, and its trust page the first evidence.
func (a *App) founded(ctx context.Context, tx *op.Tx, _ tenant.Created) error {
	return errors.Join(a.Policies.Found(ctx, tx), tx.Enqueue(ctx, trust.WelcomeArgs{}))
}

// on makes a listener of a method that takes one kind of event.
func on[E event.Event](fn func(context.Context, *op.Tx, E) error) op.Listener {
	return func(ctx context.Context, tx *op.Tx, ev event.Event) error {
		e, ok := ev.(E)
		if !ok {
			return nil
		}
		return fn(ctx, tx, e)
	}
}
