package seal

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlTarget    = `select root_size, sent_at, tried_at, tries from audit_target where target = $1`
	sqlRootHead  = `select size, note, coalesce(signed_at, 'epoch') from audit_sequencer`
	sqlGrown     = `select heads from audit_root_leaf where $1::timestamptz is null or at > $1 order by seq`
	sqlNewest    = `select size, root, note, signed_at from audit_tree where tenant_id = $1`
	sqlPutTarget = `
insert into audit_target (target, root_size, sent_at, done_at, tried_at, tries, error) values ($1, $2, $3, $4, $5, $6, $7)
on conflict on constraint audit_target_pk do update set root_size = excluded.root_size, sent_at = excluded.sent_at, done_at = coalesce(excluded.done_at, audit_target.done_at),
  tried_at = excluded.tried_at, tries = excluded.tries, error = excluded.error`
	sqlPutDelivery = `
insert into audit_delivery (tenant_id, delivery_id, target, size, outcome, detail, tries, at) values ($1, $2, $3, $4, $5, $6, $7, $8)`
	sqlKeepSent = `
insert into audit_checkpoint (tenant_id, size, root, note, signed_at) values ($1, $2, $3, $4, $5) on conflict on constraint audit_checkpoint_pk do nothing`
	sqlDeliveries = `select target, size, outcome, detail, tries, at from audit_delivery where tenant_id = $1 order by at desc limit 20`
	sqlWaiting    = `
select count(*), min(at) from audit_entry e where tenant_id = $1 and at > $2::timestamptz - interval '1 hour' and not exists (select from audit_leaf l where l.tenant_id = e.tenant_id and l.entry_id = e.entry_id)`
	sqlForgetHeads = `delete from audit_root_leaf where at < $1::timestamptz - interval '31 days' and seq < (select max(seq) from audit_root_leaf)`
)

// rootHead is the newest checkpoint of the installation.
type rootHead struct {
	size int64
	note string
	at   time.Time
}

// grownHead is the newest checkpoint of a tenant whose log grew.
type grownHead struct {
	tenant id.ID
	size   int64
	root   []byte
	note   string
	at     time.Time
}

func (s *Service) targetAndHead(ctx context.Context, target string) (st targetState, head rootHead, err error) {
	pool := s.ops.DB.Pool(pg.Worker)
	err = pool.QueryRow(ctx, sqlTarget, target).Scan(&st.rootSize, &st.sentAt, &st.triedAt, &st.tries)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return st, head, err
	}
	return st, head, pool.QueryRow(ctx, sqlRootHead).Scan(&head.size, &head.note, &head.at)
}

// grownSince returns the newest checkpoints of the tenants whose logs grew after a moment.
func (s *Service) grownSince(ctx context.Context, since *time.Time) ([]grownHead, error) {
	var out []grownHead
	err := pgx.BeginFunc(ctx, s.ops.DB.Pool(pg.Worker), func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sqlGrown, since)
		if err != nil {
			return err
		}
		leaves, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		for _, tenant := range namedIn(leaves) {
			b.Queue(pg.SQLBind, binding(tenant, s.ops.Clock())...)
			b.Queue(sqlNewest, tenant).Query(func(rows pgx.Rows) error {
				g := grownHead{tenant: tenant}
				_, err := pgx.ForEachRow(rows, []any{&g.size, &g.root, &g.note, &g.at}, func() error { out = append(out, g); return nil })
				return err
			})
		}
		return tx.SendBatch(ctx, b).Close()
	})
	return out, err
}

// noteDelivery keeps what came of a delivery: for the place, and for each tenant whose checkpoint it was about.
func (s *Service) noteDelivery(ctx context.Context, target string, st targetState, head rootHead, grown []grownHead, now time.Time, failure error) error {
	outcome, detail, tries := "done", "", st.tries+1
	size, sent, done := head.size, &head.at, &now
	if failure != nil {
		outcome, detail, size, sent, done = "failed", failure.Error(), st.rootSize, st.sentAt, nil
		if len(detail) > 500 {
			detail = detail[:500]
		}
	}
	return pgx.BeginFunc(ctx, s.ops.DB.Pool(pg.Worker), func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		after := tries
		if failure == nil {
			after = 0
		}
		b.Queue(sqlPutTarget, target, size, sent, done, now, after, detail)
		b.Queue(sqlForgetHeads, now)
		for _, g := range grown {
			b.Queue(pg.SQLBind, binding(g.tenant, now)...)
			b.Queue(sqlPutDelivery, g.tenant, id.New(), target, g.size, outcome, detail, tries, now)
			if failure == nil {
				b.Queue(sqlKeepSent, g.tenant, g.size, g.root, g.note, g.at)
			}
		}
		return tx.SendBatch(ctx, b).Close()
	})
}

// Delivery says what became of sending a checkpoint to a place.
type Delivery struct {
	Target  string
	Size    int64
	Outcome string // done or failed
	Detail  string
	Tries   int
	At      time.Time
}

// Status is how a tenant's sealed log stands.
type Status struct {
	Head       TreeHead // zero before the first
	Waiting    int64    // entries of the last hour that are not sealed yet
	Since      time.Time
	Deliveries []Delivery // the newest 20
	Targets    []string
}

// Status returns how the sealed log of the actor's tenant stands.
func (s *Service) Status(ctx context.Context, who access.Actor) (Status, error) {
	out := Status{Targets: s.Targets()}
	err := op.Batch(ctx, s.ops, who, ActCheckpoint, func(r *op.Reads) {
		r.Query(sqlHead, []any{who.Tenant}, func(rows pgx.Rows) error {
			heads, err := pgx.CollectRows(rows, scanHead)
			if len(heads) > 0 {
				out.Head = heads[0]
			}
			return err
		})
		r.Query(sqlWaiting, []any{who.Tenant, r.Now}, func(rows pgx.Rows) error {
			var since *time.Time
			_, err := pgx.ForEachRow(rows, []any{&out.Waiting, &since}, func() error { return nil })
			if since != nil {
				out.Since = *since
			}
			return err
		})
		r.Query(sqlDeliveries, []any{who.Tenant}, func(rows pgx.Rows) (err error) {
			out.Deliveries, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Delivery])
			return err
		})
	})
	return out, err
}
