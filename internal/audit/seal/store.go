package seal

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/audit/verify"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

const (
	sqlLock = `select pg_try_advisory_xact_lock(hashtextextended('entente audit sequencer', 0))`

	// After a restore into another cluster transaction numbers begin anew: then everything is looked at once.
	sqlPlace = `
select fence, (case when sealed_xact > pg_snapshot_xmax(pg_current_snapshot()) then '0' else sealed_xact end)::text, pg_snapshot_xmin(pg_current_snapshot())::text, size
  from audit_sequencer`
	sqlUnsealed = `
select xact::text, tenant_id, entry_id, at, op_id, category, actor_kind, actor_id, actor_role, credential_id, partner_id, action, outcome, object_type, object_id, commitment
  from app.audit_unsealed($1::text::xid8, $2)`
	sqlPlaceUpTo = `update audit_sequencer set sealed_xact = $1::text::xid8 where sealed_xact < $1::text::xid8`
	sqlAdvance   = `
update audit_sequencer set fence = fence + 1, sealed_xact = $2::text::xid8, size = $3, note = $4, signed_at = $5 where fence = $1`

	sqlTreeSize = `select size from audit_tree where tenant_id = $1`
	sqlTiles    = `
select t.level, t.n, t.hashes from audit_tile t join unnest($2::int[], $3::bigint[]) as w (level, n) on t.level = w.level and t.n = w.n where t.tenant_id = $1`
	sqlPutTile = `
insert into audit_tile (tenant_id, level, n, hashes) values ($1, $2, $3, $4)
on conflict on constraint audit_tile_pk do update set hashes = excluded.hashes`
	sqlPutLeaves = `
insert into audit_leaf (tenant_id, seq, entry_id, at, category)
select $1, u.seq, u.entry_id, u.at, u.category from unnest($2::bigint[], $3::uuid[], $4::timestamptz[], $5::text[]) as u (seq, entry_id, at, category)`
	sqlPutTree = `
insert into audit_tree (tenant_id, size, root, note, signed_at, fence) values ($1, $2, $3, $4, $5, $6)
on conflict on constraint audit_tree_pk do update set size = excluded.size, root = excluded.root, note = excluded.note, signed_at = excluded.signed_at, fence = excluded.fence
 where audit_tree.fence < excluded.fence and audit_tree.size < excluded.size`
	sqlKeepHourly = `
insert into audit_checkpoint (tenant_id, size, root, note, signed_at)
select $1::uuid, $2::bigint, $3::bytea, $4::text, $5::timestamptz where not exists (select from audit_checkpoint where tenant_id = $1::uuid and signed_at > $5::timestamptz - interval '1 hour')`

	sqlRootTiles = `
select t.level, t.n, t.hashes from audit_root_tile t join unnest($1::int[], $2::bigint[]) as w (level, n) on t.level = w.level and t.n = w.n`
	sqlPutRootTile = `
insert into audit_root_tile (level, n, hashes) values ($1, $2, $3)
on conflict on constraint audit_root_tile_pk do update set hashes = excluded.hashes`
	sqlPutRootLeaf = `insert into audit_root_leaf (seq, heads, at) values ($1, $2, $3)`
)

// row is an entry that waits for its leaf.
type row struct {
	xact   string
	tenant id.ID
	entry  id.ID
	leaf   verify.Entry
}

func scanRow(r pgx.CollectableRow) (w row, err error) {
	var opID, actor, credential, partner, object id.ID
	e := &w.leaf
	err = r.Scan(&w.xact, &w.tenant, &w.entry, &e.At, &opID, &e.Category, &e.ActorKind, &actor, &e.ActorRole, &credential, &partner, &e.Action, &e.Outcome,
		&e.ObjectType, &object, &e.Commitment)
	e.Tenant, e.ID, e.Op, e.ActorID, e.Credential, e.Partner, e.ObjectID = w.tenant.String(), w.entry.String(), opID.String(), actor.String(),
		credential.String(), partner.String(), object.String()
	return w, err
}

// place is where the sequencer stands.
type place struct {
	fence      int64
	from, xmin string
	size       int64 // of the installation's tree
}

// take locks the sequencer; ok is false while another one works.
func take(ctx context.Context, tx pgx.Tx) (p place, ok bool, err error) {
	if err := tx.QueryRow(ctx, sqlLock).Scan(&ok); err != nil || !ok {
		return p, false, err
	}
	return p, true, tx.QueryRow(ctx, sqlPlace).Scan(&p.fence, &p.from, &p.xmin, &p.size)
}

func unsealed(ctx context.Context, tx pgx.Tx, from string) ([]row, error) {
	rows, err := tx.Query(ctx, sqlUnsealed, from, atMost)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanRow)
}

// skip moves the place to xmin when there is nothing to seal, so that the next look is short.
func skip(ctx context.Context, tx pgx.Tx, xmin string) error {
	_, err := tx.Exec(ctx, sqlPlaceUpTo, xmin)
	return err
}

func binding(tenant id.ID, now time.Time) []any { return pg.Binding{Tenant: tenant, Now: now}.Args() }

func wanted(tiles []tileID) (levels []int32, ns []int64) {
	for _, t := range tiles {
		levels, ns = append(levels, int32(t.level)), append(ns, t.n) //nolint:gosec // at most 7
	}
	return levels, ns
}

func tilesInto(into map[tileID][]byte) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		var at tileID
		var b []byte
		_, err := pgx.ForEachRow(rows, []any{&at.level, &at.n, &b}, func() error { into[at] = append([]byte(nil), b...); return nil })
		return err
	}
}

// load reads the sizes and right edges of the tenants' trees, in two round trips.
func load(ctx context.Context, tx pgx.Tx, groups []*group, now time.Time) error {
	b := &pgx.Batch{}
	for _, g := range groups {
		b.Queue(pg.SQLBind, binding(g.tenant, now)...)
		b.Queue(sqlTreeSize, g.tenant).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&g.tree.size}, func() error { return nil })
			return err
		})
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	b = &pgx.Batch{}
	for _, g := range groups {
		if at := edge(g.tree.size); len(at) > 0 {
			levels, ns := wanted(at)
			b.Queue(pg.SQLBind, binding(g.tenant, now)...)
			b.Queue(sqlTiles, g.tenant, levels, ns).Query(tilesInto(g.tree.tiles))
		}
	}
	return tx.SendBatch(ctx, b).Close()
}

// save queues what a tenant's tree gained.
func (g *group) save(b *pgx.Batch, fence int64, now time.Time) {
	n := len(g.rows)
	seqs, ids, ats, cats := make([]int64, n), make([]id.ID, n), make([]time.Time, n), make([]string, n)
	for i, r := range g.rows {
		seqs[i], ids[i], ats[i], cats[i] = g.tree.size-int64(n-i), r.entry, r.leaf.At, r.leaf.Category
	}
	b.Queue(pg.SQLBind, binding(g.tenant, now)...)
	b.Queue(sqlPutLeaves, g.tenant, seqs, ids, ats, cats)
	for at := range g.tree.changed {
		b.Queue(sqlPutTile, g.tenant, at.level, at.n, g.tree.tiles[at])
	}
	b.Queue(sqlPutTree, g.tenant, g.head.Size, g.head.Root[:], g.head.Note, g.head.At, fence).Exec(one)
	b.Queue(sqlKeepHourly, g.tenant, g.head.Size, g.head.Root[:], g.head.Note, g.head.At)
}

// loadRoot reads the right edge of the installation's tree.
func loadRoot(ctx context.Context, tx pgx.Tx, t *tree) error {
	levels, ns := wanted(edge(t.size))
	rows, err := tx.Query(ctx, sqlRootTiles, levels, ns)
	if err != nil {
		return err
	}
	return tilesInto(t.tiles)(rows)
}

// saveRoot queues what the installation's tree gained, and the sequencer's new place.
func saveRoot(b *pgx.Batch, t *tree, heads string, p place, head TreeHead) {
	b.Queue(sqlPutRootLeaf, t.size-1, heads, head.At)
	for at := range t.changed {
		b.Queue(sqlPutRootTile, at.level, at.n, t.tiles[at])
	}
	b.Queue(sqlAdvance, p.fence, p.from, head.Size, head.Note, head.At).Exec(one)
}

func send(ctx context.Context, tx pgx.Tx, b *pgx.Batch) error { return tx.SendBatch(ctx, b).Close() }
