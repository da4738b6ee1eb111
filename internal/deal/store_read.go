package deal

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

const (
	sqlExists = `select 1 from deal where tenant_id = $1 and deal_id = $2`
	sqlNotes  = `
select note_id, deal_id, author_id, author_name, author_side, partner_id is null, body, created_at from deal_note
 where tenant_id = $1 and deal_id = $2 order by created_at desc, note_id desc limit 200`
	sqlTimeline = `
select entry_id, at, actor_role, action, commitment is not null, payload, erased_at, actor_name, object_label, changes::text, note, request_id, ip, user_agent from audit_entry
 where tenant_id = $1 and object_id = $2 and object_type = 'deal' and outcome = 'done' order by at desc, entry_id desc limit 200`
	sqlClaimOf = `select claim_key, lower(period), upper(period) from deal_claim where tenant_id = $1 and deal_id = $2 order by upper(period) desc limit 1`
	sqlDecider = `
select m.name from deal d join member m on m.tenant_id = d.tenant_id and m.member_id = d.decided_by where d.tenant_id = $1 and d.deal_id = $2`
)

func notes(out *[]Note) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Note, err error) {
			err = row.Scan(&n.ID, &n.Deal, &n.Author, &n.AuthorName, &n.AuthorSide, &n.Internal, &n.Body, &n.CreatedAt)
			return n, err
		})
		return err
	}
}

// told is a line of the timeline before it is decrypted.
type told struct {
	id     id.ID
	entry  Entry
	stored audit.Stored
}

func scanEntry(row pgx.CollectableRow) (e told, err error) {
	return e, row.Scan(append([]any{&e.id, &e.entry.At, &e.entry.ActorRole, &e.entry.Action}, e.stored.Dest()...)...)
}

func entries(out *[]told) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, scanEntry)
		return err
	}
}

// open decrypts a timeline.
func (s *Service) open(ctx context.Context, tenant id.ID, lines []told) ([]Entry, error) {
	out := make([]Entry, len(lines))
	for i := range lines {
		p, err := lines[i].stored.Open(ctx, s.ops.Keys, tenant, lines[i].id)
		if err != nil {
			return nil, err
		}
		e := lines[i].entry
		e.ActorName, e.Note, e.ErasedAt = p.ActorName, p.Note, lines[i].stored.ErasedAt()
		if len(p.Changes) > 0 {
			if err := json.Unmarshal(p.Changes, &e.Changes); err != nil {
				return nil, err
			}
		}
		out[i] = e
	}
	return out, nil
}

// claimOf reads the first claim, if there is one.
func claimOf(out **Claim) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		claims, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Claim, err error) {
			err = row.Scan(&c.Key, &c.From, &c.Until)
			return c, err
		})
		if len(claims) > 0 {
			*out = &claims[0]
		}
		return err
	}
}

// oneName reads a name, if there is one.
func oneName(out *string) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if len(names) > 0 {
			*out = names[0]
		}
		return err
	}
}

// exists is NotFound when the statement has no row.
func exists(rows pgx.Rows) error {
	found, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err == nil && len(found) == 0 {
		return errs.Missing("deal")
	}
	return err
}
