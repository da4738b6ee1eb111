package op

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/keyring"
)

// Tx is the transaction of one use case, bound to its actor. It implements pg.Querier.
type Tx struct {
	Who    access.Actor
	Action access.Action
	ID     id.ID     // of the operation; row history and audit entries carry it
	Now    time.Time // the one time of the operation

	ops     *Ops
	conn    *pgxpool.Conn
	asked   bool
	refused error // what Allow refused, if it did
	told    bool
	object  audit.Change // what the last Allow was about, for the record of a refusal
	changes []audit.Change
	keys    *keyring.Sealer // of the audit entries
}

// Query runs a query in the transaction.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return tx.conn.Query(ctx, sql, args...)
}

// QueryRow runs a query that returns one row.
func (tx *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return tx.conn.QueryRow(ctx, sql, args...)
}

// Exec runs a statement.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return tx.conn.Exec(ctx, sql, args...)
}

// SendBatch sends several statements in one round trip.
func (tx *Tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return tx.conn.SendBatch(ctx, b)
}

// Allow asks whether the actor may do the running action to obj and returns a Forbidden error if not. A transaction in which
// one object was refused stays refused: it does not commit, whatever its function makes of the error.
func (tx *Tx) Allow(obj access.Object) error {
	tx.asked = true
	if !access.Decide(tx.Who, tx.Action, obj) {
		tx.refused = denied(tx.Action)
	}
	return tx.refused
}

// About names the object that a refusal, should one follow, is about.
func (tx *Tx) About(kind string, v id.ID) { tx.object = audit.Change{Type: kind, ID: v} }

// Audit puts what happened on record, in this transaction.
func (tx *Tx) Audit(c audit.Change) {
	if c.Action == "" {
		c.Action = tx.Action
	}
	tx.told = true
	tx.changes = append(tx.changes, c)
}

// Unchanged says that the use case found nothing to change, so that there is nothing to record.
func (tx *Tx) Unchanged() { tx.told = true }

// Emit hands ev to everyone who listens for it, now and in this transaction. An error of a listener undoes the whole.
func (tx *Tx) Emit(ctx context.Context, ev event.Event) error {
	for _, l := range tx.ops.Listeners[ev.EventName()] {
		if err := l(ctx, tx, ev); err != nil {
			return fmt.Errorf("listener of %s: %w", ev.EventName(), err)
		}
	}
	return nil
}

// Enqueue adds a job for the bound tenant; it exists only if the transaction commits.
func (tx *Tx) Enqueue(ctx context.Context, a jobs.Args, opts ...jobs.Option) error {
	return jobs.Enqueue(ctx, tx, a, opts...)
}

// complete is law 2: an error unless the function asked permission and told what it did.
func (tx *Tx) complete() error {
	if !tx.asked || !tx.told {
		return fmt.Errorf("op: %s asked=%t told=%t; a write must ask permission and tell what it did", tx.Action, tx.asked, tx.told)
	}
	return nil
}

// finish sends the audit entries, the idempotent result and the commit in one round trip.
func (tx *Tx) finish(ctx context.Context, result *string) error {
	b := &pgx.Batch{}
	if err := tx.queueEntries(ctx, b); err != nil {
		return err
	}
	if result != nil {
		b.Queue(sqlKeepResult, tx.Who.Tenant, tx.Who.Credential, tx.Who.Request.IdempotencyKey, *result)
	}
	return tx.commit(ctx, b)
}

// queueEntries puts what the transaction told into b.
func (tx *Tx) queueEntries(ctx context.Context, b *pgx.Batch) error {
	entries := make([]audit.Entry, 0, len(tx.changes))
	for _, c := range tx.changes {
		keys, err := tx.sealer(ctx)
		if err != nil {
			return err
		}
		e, err := audit.NewEntry(tx.ops.Map, keys, tx.Who, tx.ID, tx.Now, audit.Done, c)
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil
	}
	arg, err := audit.Encode(entries)
	if err != nil {
		return err
	}
	b.Queue(audit.SQLAppend, arg)
	return nil
}

// commit sends b and the commit in one round trip.
func (tx *Tx) commit(ctx context.Context, b *pgx.Batch) error {
	b.Queue("commit")
	res := tx.conn.SendBatch(ctx, b)
	var tag pgconn.CommandTag
	var err error
	for range b.Len() {
		if tag, err = res.Exec(); err != nil {
			break
		}
	}
	if err = errors.Join(err, res.Close()); err != nil {
		return err
	}
	if tag.String() != "COMMIT" {
		return errors.New("the transaction was rolled back at commit")
	}
	return nil
}

// sealer returns what encrypts the transaction's audit entries. It was fetched before the transaction began; that of a tenant
// that this transaction makes is made here.
func (tx *Tx) sealer(ctx context.Context) (keyring.Sealer, error) {
	if tx.keys == nil {
		s, err := tx.ops.Keys.Found(ctx, tx, tx.Who.Tenant)
		if err != nil {
			return s, err
		}
		tx.keys = &s
	}
	return *tx.keys, nil
}

// Sealer returns what encrypts with the newest key of the bound tenant, also where this transaction is the one that makes it.
func (tx *Tx) Sealer(ctx context.Context) (keyring.Sealer, error) { return tx.sealer(ctx) }

// beginWrite is begin for a transaction that may write audit entries: their key comes first, from memory as a rule, so that no
// transaction waits for it. Without the key there is no write: Unavailable "keys.unavailable".
func (o *Ops) beginWrite(ctx context.Context, who access.Actor, opID id.ID, now time.Time) (*Tx, error) {
	var keys *keyring.Sealer
	if who.Persona != access.Platform { // the operator's transaction may be the one that makes the tenant
		s, err := o.Keys.Sealer(ctx, who.Tenant)
		if err != nil {
			return nil, err
		}
		keys = &s
	}
	tx, err := o.begin(ctx, "begin", who, opID, now)
	if err == nil {
		tx.keys = keys
	}
	return tx, err
}

// begin takes a connection of the actor's persona and binds a transaction to the actor, in one round trip.
func (o *Ops) begin(ctx context.Context, mode string, who access.Actor, opID id.ID, now time.Time) (*Tx, error) {
	conn, err := o.pool(who.Persona).Acquire(ctx)
	if err != nil {
		return nil, err
	}
	b := &pgx.Batch{}
	b.Queue(mode)
	b.Queue(pg.SQLBind, o.binding(who, opID, now).Args()...)
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		release(conn)
		return nil, err
	}
	return &Tx{Who: who, ID: opID, Now: now, ops: o, conn: conn}, nil
}

// release gives a connection back, rolled back first if its transaction still stands.
func release(conn *pgxpool.Conn) {
	if conn.Conn().PgConn().TxStatus() != 'I' && !conn.Conn().IsClosed() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if _, err := conn.Exec(ctx, "rollback"); err != nil {
			conn.Conn().Close(ctx)
		}
	}
	conn.Release()
}

// inTx runs fn in a bound transaction and commits it; for what op itself writes.
func (o *Ops) inTx(ctx context.Context, who access.Actor, opID id.ID, now time.Time, fn func(*Tx) error) error {
	tx, err := o.beginWrite(ctx, who, opID, now)
	if err != nil {
		return err
	}
	defer release(tx.conn)
	if err := fn(tx); err != nil {
		return err
	}
	return tx.finish(ctx, nil)
}
