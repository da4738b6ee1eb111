package op

import (
	"cmp"
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

// EachError says at which of the actors of WriteEach it failed.
type EachError struct {
	At  int
	Err error
}

// Error is the text of what failed.
func (e *EachError) Error() string { return e.Err.Error() }

// Unwrap gives what failed.
func (e *EachError) Unwrap() error { return e.Err }

// WriteEach runs fn for several programmes as one change: what it did for all of them is committed, or nothing is. The actors
// are the program itself at work for a programme each; the transaction is bound to them one after the other, and each has its
// own audit entries. It returns what fn returned, in their order.
//
// Errors: as Write, as an EachError; whatever fn returns for one programme undoes the others.
func WriteEach[T any](ctx context.Context, o *Ops, all []access.Actor, act access.Action, fn func(tx *Tx) (T, error)) ([]T, error) {
	for i, who := range all {
		if err := admit(who, act); err != nil {
			return nil, &EachError{i, o.refuse(ctx, who, act, audit.Change{}, err)}
		}
		if who.Kind != access.System || who.Persona != access.Worker {
			return nil, &EachError{i, errs.New(errs.Forbidden, "denied", "Only the program itself changes several programmes at once.")}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	for try := 1; ; try++ {
		out, at, about, err := writeEachOnce(ctx, o, all, act, fn)
		if err == nil {
			return out, nil
		}
		if !again(ctx, err, try) {
			return nil, &EachError{at, o.refuse(ctx, all[at], act, about, o.explain(err))}
		}
	}
}

// writeEachOnce also tells at which actor it failed.
func writeEachOnce[T any](ctx context.Context, o *Ops, all []access.Actor, act access.Action, fn func(tx *Tx) (T, error)) (out []T, at int, about audit.Change, err error) {
	each := make([]Tx, len(all)) // before the transaction begins, so that it waits for no key
	for i, who := range all {
		s, err := o.Keys.Sealer(ctx, who.Tenant)
		if err != nil {
			return nil, i, about, err
		}
		each[i] = Tx{Who: who, Action: act, ID: id.New(), ops: o, keys: &s}
	}
	first, err := o.begin(ctx, "begin", all[0], each[0].ID, o.now())
	if err != nil {
		return nil, 0, about, err
	}
	defer release(first.conn)
	for i := range each {
		tx := &each[i]
		tx.Now, tx.conn = first.Now, first.conn
		if _, err := tx.Exec(ctx, pg.SQLBind, o.binding(tx.Who, tx.ID, tx.Now).Args()...); err != nil {
			return nil, i, about, err
		}
		one, err := fn(tx)
		if err = cmp.Or(err, tx.refused, tx.complete()); err != nil {
			return nil, i, tx.object, err
		}
		b := &pgx.Batch{}
		if err := tx.queueEntries(ctx, b); err != nil {
			return nil, i, about, err
		}
		if i == len(all)-1 {
			err = tx.commit(ctx, b)
		} else {
			err = tx.conn.SendBatch(ctx, b).Close()
		}
		if err != nil {
			return nil, i, about, err
		}
		out = append(out, one)
	}
	return out, 0, about, nil
}
