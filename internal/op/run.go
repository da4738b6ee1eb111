package op

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

// maxTries bounds how often a write that lost a race is run.
const maxTries = 3

const (
	sqlClaimKey = `
insert into idempotency (tenant_id, credential_id, key, action, body_hash, op_id) values ($1, $2, $3, $4, $5, $6)
on conflict on constraint idempotency_pk do nothing`
	sqlReadKey    = `select action, body_hash, result from idempotency where tenant_id = $1 and credential_id = $2 and key = $3`
	sqlKeepResult = `update idempotency set result = $4::jsonb where tenant_id = $1 and credential_id = $2 and key = $3`
)

// Once marks a result that is told one time only, such as one that carries a new secret: it is not kept for replays.
type Once interface{ ToldOnce() }

// Write runs fn as one change by who. It returns fn's result once everything is committed.
//
// Errors: Unauthenticated without an actor, Forbidden "denied" without the grant, Invalid "idempotency.reused" when the
// request's idempotency key was used for something else, Unavailable when the database is down, and whatever fn returns.
func Write[T any](ctx context.Context, o *Ops, who access.Actor, act access.Action, fn func(tx *Tx) (T, error)) (T, error) {
	var zero T
	if err := admit(who, act); err != nil {
		return zero, o.refuse(ctx, who, act, audit.Change{}, err)
	}
	for try := 1; ; try++ {
		out, about, err := writeOnce(ctx, o, who, act, fn)
		if err == nil {
			return out, nil
		}
		if !again(ctx, err, try) {
			return zero, o.refuse(ctx, who, act, about, o.explain(err))
		}
	}
}

// again waits a little and tells whether a write that failed with err shall be tried once more.
func again(ctx context.Context, err error, try int) bool {
	if !pg.Retryable(err) || try >= maxTries {
		return false
	}
	select {
	case <-time.After(time.Duration(try)*5*time.Millisecond + rand.N(10*time.Millisecond)):
		return true
	case <-ctx.Done():
		return false
	}
}

func writeOnce[T any](ctx context.Context, o *Ops, who access.Actor, act access.Action, fn func(tx *Tx) (T, error)) (out T, about audit.Change, err error) {
	tx, err := o.beginWrite(ctx, who, id.New(), o.now())
	if err != nil {
		return out, about, err
	}
	defer release(tx.conn)
	tx.Action = act
	keyed := who.Request.IdempotencyKey != "" && who.Credential != id.Nil
	if keyed {
		done, err := replay(ctx, tx, &out)
		if done || err != nil {
			return out, about, err
		}
	}
	out, err = fn(tx)
	if err = cmp.Or(err, tx.refused, tx.complete()); err != nil {
		return out, tx.object, err
	}
	var result *string
	if _, once := any(out).(Once); keyed && !once {
		b, err := json.Marshal(out)
		if err != nil {
			return out, about, fmt.Errorf("keep the result of %s: %w", act, err)
		}
		s := string(b)
		result = &s
	}
	return out, about, tx.finish(ctx, result)
}

// replay claims the request's idempotency key for this operation. When an earlier operation holds it, done is true and
// out is that operation's result.
func replay[T any](ctx context.Context, tx *Tx, out *T) (done bool, err error) {
	who := tx.Who
	tag, err := tx.Exec(ctx, sqlClaimKey, who.Tenant, who.Credential, who.Request.IdempotencyKey, string(tx.Action), who.Request.BodyHash, tx.ID)
	if err != nil || tag.RowsAffected() == 1 {
		return false, err
	}
	var action, hash string
	var result *string
	err = tx.QueryRow(ctx, sqlReadKey, who.Tenant, who.Credential, who.Request.IdempotencyKey).Scan(&action, &hash, &result)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) { // no row: another membership of the same person holds the key
		return false, err
	}
	if action != string(tx.Action) || hash != who.Request.BodyHash {
		return false, &errs.Error{Kind: errs.Invalid, Code: "idempotency.reused", Msg: "This Idempotency-Key was already used for another request. Send a new key.",
			Fields: []errs.Field{{Name: "Idempotency-Key", Code: "reused", Msg: "was already used with another body"}}}
	}
	if result == nil {
		return false, errs.New(errs.Conflict, "idempotency.done", "This was already done; its answer carried a secret that is shown only once.")
	}
	return true, json.Unmarshal([]byte(*result), out)
}

// Read runs fn in a read-only transaction: for reads whose statements depend on each other.
func Read[T any](ctx context.Context, o *Ops, who access.Actor, act access.Action, fn func(tx *Tx) (T, error)) (T, error) {
	var zero T
	if err := admit(who, act); err != nil {
		return zero, o.refuse(ctx, who, act, audit.Change{}, err)
	}
	out, about, err := readOnce(ctx, o, who, act, fn)
	if err != nil {
		return zero, o.refuse(ctx, who, act, about, o.explain(err))
	}
	return out, nil
}

func readOnce[T any](ctx context.Context, o *Ops, who access.Actor, act access.Action, fn func(tx *Tx) (T, error)) (out T, about audit.Change, err error) {
	tx, err := o.begin(ctx, "begin isolation level repeatable read read only", who, id.New(), o.now())
	if err != nil {
		return out, about, err
	}
	defer release(tx.conn)
	tx.Action = act
	out, err = fn(tx)
	return out, tx.object, cmp.Or(err, tx.refused)
}

// Public runs fn in a read-only transaction of the public persona, bound to one tenant: for pages that anybody may read, such
// as a data policy. No permission is asked; what a table gives to the public persona is what there is to see.
func Public[T any](ctx context.Context, o *Ops, tenant id.ID, req access.Request, fn func(tx *Tx) (T, error)) (T, error) {
	out, _, err := readOnce(ctx, o, access.NewAnonymous(tenant, req), "", fn)
	return out, o.explain(err)
}

// Reads collects the statements of a Batch.
type Reads struct {
	Who   access.Actor
	Now   time.Time
	batch pgx.Batch
	about audit.Change
}

// Query adds a statement; fn reads its rows.
func (r *Reads) Query(sql string, args []any, fn func(rows pgx.Rows) error) {
	r.batch.Queue(sql, args...).Query(fn)
}

// About names the object that the read is about, for the record of a refusal.
func (r *Reads) About(kind string, v id.ID) { r.about = audit.Change{Type: kind, ID: v} }

// Batch sends every statement that fn adds in one round trip, in one implicit transaction bound to the actor. It is the
// way for hot reads: a BEGIN and a COMMIT would cost more than most of them.
func Batch(ctx context.Context, o *Ops, who access.Actor, act access.Action, fn func(r *Reads)) error {
	if err := admit(who, act); err != nil {
		return o.refuse(ctx, who, act, audit.Change{}, err)
	}
	r := &Reads{Who: who, Now: o.now()}
	r.batch.Queue(pg.SQLBind, o.binding(who, id.Nil, r.Now).Args()...)
	fn(r)
	if err := o.send(ctx, who, &r.batch); err != nil {
		return o.refuse(ctx, who, act, r.about, o.explain(err))
	}
	return nil
}

// send runs a batch on a connection of its own, which goes back to the pool even when a row function panics.
func (o *Ops) send(ctx context.Context, who access.Actor, b *pgx.Batch) error {
	conn, err := o.pool(who.Persona).Acquire(ctx)
	if err != nil {
		return err
	}
	defer release(conn)
	return conn.SendBatch(ctx, b).Close()
}

// explain turns a database fault into an error that a door can answer.
func (o *Ops) explain(err error) error {
	var known *errs.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		return err
	case pg.Retryable(err):
		return &errs.Error{Kind: errs.Conflict, Code: "busy", Msg: "Somebody else changed this at the same moment. Try again.", Err: err}
	case pg.Unreachable(err):
		return &errs.Error{Kind: errs.Unavailable, Code: "database.unavailable", Msg: "The database is not available right now. Try again in a moment.", RetryAfter: 5 * time.Second, Err: err}
	}
	return err
}
