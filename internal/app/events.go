package app

import (
	"context"

	"entente.dev/internal/event"
	"entente.dev/internal/op"
)

// listeners is the one table of who reacts to what. A listener runs in the emitting transaction: it queues work.
func (a *App) listeners() map[string][]op.Listener {
	return map[string][]op.Listener{
		"deal.submitted": {on(a.Deals.MailSubmitted)},
		"deal.returned":  {on(a.Deals.MailReturned)},
		"deal.approved":  {on(a.Deals.MailApproved)},
		"deal.rejected":  {on(a.Deals.MailRejected)},
		"deal.expired":   {on(a.Deals.MailExpired)},
	}
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

