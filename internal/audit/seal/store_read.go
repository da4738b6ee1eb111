package seal

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/audit"
	"entente.dev/internal/audit/verify"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

const (
	sqlHead  = `select size, root, signed_at, note from audit_tree where tenant_id = $1`
	sqlEntry = `
select entry_id, tenant_id, at, op_id, category, actor_kind, actor_id, actor_role, credential_id, partner_id, action, outcome, object_type, object_id,
  coalesce(commitment, '')
  from audit_entry where tenant_id = $1 and entry_id = $2`
	sqlLeafOf = `select seq from audit_leaf where tenant_id = $1 and entry_id = $2`
	sqlRange  = `
select coalesce(min(seq), 0), coalesce(max(seq) + 1, 0) from audit_leaf where tenant_id = $1 and seq < $2 and ($3::timestamptz is null or at >= $3) and ($4::timestamptz is null or at < $4)`
	sqlSealed = `
select l.seq, l.entry_id, l.at, l.category, e.entry_id is null, e.tenant_id, e.at, e.op_id, e.category, e.actor_kind, e.actor_id, e.actor_role, e.credential_id, e.partner_id, e.action, e.outcome,
  e.object_type, e.object_id, e.commitment, e.salt, e.commitment is not null, e.payload, e.erased_at, coalesce(e.actor_name, ''), coalesce(e.object_label, ''), coalesce(e.changes::text, ''), coalesce(e.note, ''),
  coalesce(e.request_id, ''), coalesce(e.ip, ''), coalesce(e.user_agent, '')
  from audit_leaf l left join audit_entry e on e.tenant_id = l.tenant_id and e.entry_id = l.entry_id
 where l.tenant_id = $1 and l.seq >= $2 and l.seq < $3 order by l.seq`
	sqlCheckpoints = `select size, note from audit_checkpoint where tenant_id = $1 and size <= $2 order by size desc limit 2000`
	// How far the sequencer came; nothing where transaction numbers began anew, in another cluster.
	sqlPassed = `select (case when sealed_xact > pg_snapshot_xmax(pg_current_snapshot()) then '0' else sealed_xact end)::text from audit_sequencer`
	// Entries that say they are of a transaction which the sequencer has passed, and have no leaf.
	sqlPassedBy = `
select e.entry_id::text from audit_entry e
 where e.tenant_id = $1 and e.commitment is not null and e.xact < $2::text::xid8 and not exists (select from audit_leaf l where l.tenant_id = e.tenant_id and l.entry_id = e.entry_id)
 order by 1 limit 200`
	sqlLeaves = `select n, hashes from audit_tile where tenant_id = $1 and level = 0 and n >= $2 and n < $3 order by n`
)

// passed returns the transaction up to which everything is sealed; q is the worker's.
func passed(ctx context.Context, q pg.Querier) (xact string, err error) {
	err = q.QueryRow(ctx, sqlPassed).Scan(&xact)
	return xact, err
}

// passedBy calls fn for entries that were put into the log beside the sequencer.
func passedBy(ctx context.Context, q pg.Querier, tenant id.ID, xact string, fn func(entry string)) error {
	rows, err := q.Query(ctx, sqlPassedBy, tenant, xact)
	if err != nil {
		return err
	}
	var entry string
	_, err = pgx.ForEachRow(rows, []any{&entry}, func() error { fn(entry); return nil })
	return err
}

func headInto(out *TreeHead) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		var err error
		*out, err = pgx.CollectExactlyOneRow(rows, scanHead)
		if errors.Is(err, pgx.ErrNoRows) {
			err = errs.Missing("checkpoint")
		}
		return err
	}
}

func scanHead(r pgx.CollectableRow) (h TreeHead, err error) {
	var root []byte
	err = r.Scan(&h.Size, &root, &h.At, &h.Note)
	copy(h.Root[:], root)
	return h, err
}

func headOf(ctx context.Context, q pg.Querier, tenant id.ID) (TreeHead, error) {
	var h TreeHead
	rows, err := q.Query(ctx, sqlHead, tenant)
	if err == nil {
		err = headInto(&h)(rows)
	}
	return h, err
}

func scanSealed(r pgx.CollectableRow) (e verify.Entry, err error) {
	var ids [7]id.ID
	err = r.Scan(&ids[0], &ids[1], &e.At, &ids[2], &e.Category, &e.ActorKind, &ids[3], &e.ActorRole, &ids[4], &ids[5], &e.Action, &e.Outcome, &e.ObjectType, &ids[6], &e.Commitment)
	e.ID, e.Tenant, e.Op, e.ActorID, e.Credential, e.Partner, e.ObjectID = ids[0].String(), ids[1].String(), ids[2].String(), ids[3].String(), ids[4].String(), ids[5].String(), ids[6].String()
	return e, err
}

// leafOf returns the place of an entry, -1 when it has none yet.
func leafOf(ctx context.Context, q pg.Querier, tenant, entry id.ID) (int64, error) {
	seq := int64(-1)
	err := q.QueryRow(ctx, sqlLeafOf, tenant, entry).Scan(&seq)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return seq, err
}

func readTiles(ctx context.Context, q pg.Querier, tenant id.ID, at []tileID, into map[tileID][]byte) error {
	levels, ns := wanted(at)
	rows, err := q.Query(ctx, sqlTiles, tenant, levels, ns)
	if err != nil {
		return err
	}
	return tilesInto(into)(rows)
}

// rangeOf returns the places of the entries of a period, as one span.
func rangeOf(ctx context.Context, q pg.Querier, tenant id.ID, size int64, from, to time.Time) (s verify.Span, err error) {
	opt := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	err = q.QueryRow(ctx, sqlRange, tenant, size, opt(from), opt(to)).Scan(&s.Lo, &s.Hi)
	return s, err
}

// line is a leaf with its entry, if that is still there.
type line struct {
	verify.Entry
	id     id.ID
	stored audit.Stored
}

func scanLine(r pgx.CollectableRow) (l line, err error) {
	var at *time.Time
	var tenant, opID, actor, credential, partner, object id.ID
	var category, kind, role, action, outcome, objectType *string
	e := &l.Entry
	err = r.Scan(append([]any{&e.Seq, &l.id, &e.At, &e.Category, &e.Pruned, &tenant, &at, &opID, &category, &kind, &actor, &role, &credential, &partner, &action, &outcome,
		&objectType, &object, &e.Commitment, &e.Salt}, l.stored.Dest()...)...)
	e.ID = l.id.String()
	if err != nil || e.Pruned {
		return l, err
	}
	e.At, e.Category, e.ActorKind, e.ActorRole, e.Action, e.Outcome, e.ObjectType = at.UTC(), *category, *kind, *role, *action, *outcome, *objectType
	e.Tenant, e.Op, e.ActorID, e.Credential, e.Partner, e.ObjectID = tenant.String(), opID.String(), actor.String(), credential.String(), partner.String(), object.String()
	if erased := l.stored.ErasedAt(); !erased.IsZero() {
		e.ErasedAt = &erased
	}
	return l, nil
}

// sealedAtOnce is how many leaves one statement reads: a whole log takes longer than a statement may.
const sealedAtOnce = 5000

// eachSealed calls fn for the leaves [lo, hi) with their entries, in order.
func eachSealed(ctx context.Context, q pg.Querier, tenant id.ID, at verify.Span, fn func(line) error) error {
	for lo := at.Lo; lo < at.Hi; lo += sealedAtOnce {
		rows, err := q.Query(ctx, sqlSealed, tenant, lo, min(at.Hi, lo+sealedAtOnce))
		if err != nil {
			return err
		}
		if err := pg.Each(rows, scanLine, fn); err != nil {
			return err
		}
	}
	return nil
}

// checkpoints returns the kept checkpoints up to a size: size and note.
func checkpoints(ctx context.Context, q pg.Querier, tenant id.ID, size int64) (sizes []int64, notes []string, err error) {
	rows, err := q.Query(ctx, sqlCheckpoints, tenant, size)
	if err != nil {
		return nil, nil, err
	}
	var n int64
	var text string
	_, err = pgx.ForEachRow(rows, []any{&n, &text}, func() error {
		sizes, notes = append(sizes, n), append(notes, text)
		return nil
	})
	return sizes, notes, err
}

// leavesOf reads the leaf hashes [lo, hi) as they are stored.
func leavesOf(ctx context.Context, q pg.Querier, tenant id.ID, at verify.Span) ([]byte, error) {
	rows, err := q.Query(ctx, sqlLeaves, tenant, at.Lo/width, (at.Hi+width-1)/width)
	if err != nil {
		return nil, err
	}
	var out []byte
	var n int64
	var b []byte
	_, err = pgx.ForEachRow(rows, []any{&n, &b}, func() error {
		lo, hi := max(at.Lo-n*width, 0)*32, min(min(at.Hi-n*width, width)*32, int64(len(b)))
		if lo < hi {
			out = append(out, b[lo:hi]...)
		}
		return nil
	})
	return out, err
}

const sqlKeeps = `select category, extract(epoch from keep)::bigint from retention_rule where tenant_id = $1 and category in ('audit-log', 'security-event')`

// keeps are the periods after which a tenant's entries may be gone.
type keeps struct {
	now    time.Time
	period map[string]*int64 // seconds; nil for indefinitely
}

func readKeeps(ctx context.Context, q pg.Querier, tenant id.ID, now time.Time) (keeps, error) {
	k := keeps{now: now, period: map[string]*int64{}}
	rows, err := q.Query(ctx, sqlKeeps, tenant)
	if err != nil {
		return k, err
	}
	var category string
	var seconds *int64
	_, err = pgx.ForEachRow(rows, []any{&category, &seconds}, func() error { k.period[category] = seconds; return nil })
	return k, err
}

// over reports whether an entry of a category may be gone by now.
func (k keeps) over(category string, at time.Time) bool {
	seconds := k.period[category]
	return seconds != nil && k.now.Sub(at) >= time.Duration(*seconds)*time.Second
}

// periods returns how long each category is kept; one that is kept indefinitely is missing.
func (k keeps) periods() map[string]time.Duration {
	out := map[string]time.Duration{}
	for category, seconds := range k.period {
		if seconds != nil {
			out[category] = time.Duration(*seconds) * time.Second
		}
	}
	return out
}
