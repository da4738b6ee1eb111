// Package op is the one way in: every use case runs through Write, Read or Batch. They require an actor, ask the
// permission, bind the transaction to the actor's tenant and partner for row-level security, and commit the change
// together with its audit entries, events and jobs, or not at all.
//
// Laws, kept here and tested in op_test.go:
//
//  1. No actor, no grant: nothing runs, and the refusal itself is on record.
//  2. A write that asked no object-level permission (Tx.Allow), was refused one, or told nothing (Tx.Audit or Tx.Unchanged)
//     does not commit.
//  3. The function of a Write may run more than once (serialization retry): it does no mail and no HTTP.
//  4. An idempotency key gives the same answer again and no second effect; with another body it is refused.
//  5. What anybody may read is read by Public, as the public persona: it sees what a policy of the table gives to everybody.
//  6. Not found is recorded as a refusal too: an id of another tenant looks exactly like a random one, and leaves a trace.
package op

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/datamap"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/keyring"
)

// Ops is what use cases run on; app builds one.
type Ops struct {
	DB        *pg.DB
	Map       datamap.Map
	Keys      *keyring.Ring
	Listeners map[string][]Listener // by event name; see app/events.go
	Pages     *page.Signer          // signs list cursors
	PublicURL string                // where people reach the program, without a trailing slash; links in mails begin with it
	Clock     func() time.Time
	Log       *slog.Logger
}

// Listener reacts to an event inside the emitting transaction.
type Listener func(ctx context.Context, tx *Tx, ev event.Event) error

// now returns the operation's one time, in UTC and whole microseconds as PostgreSQL keeps it.
func (o *Ops) now() time.Time { return o.Clock().UTC().Truncate(time.Microsecond) }

// pool returns the persona's pool.
func (o *Ops) pool(p access.Persona) *pgxpool.Pool {
	switch p {
	case access.Staff:
		return o.DB.Pool(pg.Staff)
	case access.Partner:
		return o.DB.Pool(pg.Partner)
	case access.Worker:
		return o.DB.Pool(pg.Worker)
	case access.Platform:
		return o.DB.Pool(pg.Platform)
	}
	return o.DB.Pool(pg.Public)
}

// admit refuses an actor that is nobody, has no tenant or is not granted the action.
func admit(who access.Actor, act access.Action) error {
	switch who.Kind {
	case access.Person, access.Service, access.System:
	default:
		return errs.New(errs.Unauthenticated, "unauthenticated", "Sign in first, or send an API key.")
	}
	people := who.Persona == access.Staff || who.Persona == access.Partner
	if who.Tenant == id.Nil || people != (who.Kind != access.System) || (who.Persona == access.Partner) != (who.Partner != id.Nil) {
		return errs.New(errs.Forbidden, "no_tenant", "This sign-in is not bound to a programme.")
	}
	if !who.May(act) {
		return denied(act)
	}
	return nil
}

func denied(act access.Action) error {
	return errs.New(errs.Forbidden, "denied", "Your role does not include the permission %q. Ask an Admin of your programme.", act)
}

func (o *Ops) binding(who access.Actor, op id.ID, now time.Time) pg.Binding {
	return pg.Binding{Tenant: who.Tenant, Partner: who.Partner, Member: who.Member, Op: op, Now: now}
}

// refuse puts a refusal on record, in a transaction of its own, and returns err. An actor without a tenant leaves no
// entry: there is no log it belongs to.
func (o *Ops) refuse(ctx context.Context, who access.Actor, act access.Action, c audit.Change, err error) error {
	e := errs.Of(err)
	if who.Tenant == id.Nil || who.Kind == "" || (e.Kind != errs.Forbidden && e.Kind != errs.NotFound) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	c.Action, c.Note, c.Before, c.After, c.Partner = act, e.Code, nil, nil, id.Nil
	if c.Type == "" {
		c.Type = act.Room()
	}
	opID, now := id.New(), o.now()
	encErr := o.inTx(ctx, who, opID, now, func(tx *Tx) error {
		keys, err := tx.sealer(ctx)
		if err != nil {
			return err
		}
		entry, err := audit.NewEntry(o.Map, keys, who, opID, now, audit.Denied, c)
		if err != nil {
			return err
		}
		return audit.Append(ctx, tx, []audit.Entry{entry})
	})
	if encErr != nil {
		o.Log.Error("refusal not recorded", "action", act, "request", who.Request.ID, "error", encErr)
	}
	return err
}

// RecordDenied puts on record that a door refused who the action before any use case ran.
func (o *Ops) RecordDenied(ctx context.Context, who access.Actor, act access.Action) {
	_ = o.refuse(ctx, who, act, audit.Change{}, denied(act))
}
