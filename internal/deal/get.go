package deal

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Get returns one deal. NotFound "deal.not_found".
func (s *Service) Get(ctx context.Context, who access.Actor, v id.ID) (Deal, error) {
	var d Deal
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("deal", v)
		r.Query(sqlGet, []any{who.Tenant, v}, one(&d))
	})
	return d, err
}

// Record returns a deal with its notes, timeline, claim and the programme's stages, in one round trip. NotFound "deal.not_found".
func (s *Service) Record(ctx context.Context, who access.Actor, v id.ID) (Record, error) {
	var rec Record
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		rec.Now = r.Now
		r.About("deal", v)
		r.Query(sqlGet, []any{who.Tenant, v}, one(&rec.Deal))
		r.Query(sqlNotes, []any{who.Tenant, v}, notes(&rec.Notes))
		r.Query(sqlTimeline, []any{who.Tenant, v}, func(rows pgx.Rows) (err error) {
			rec.Timeline, err = pgx.CollectRows(rows, scanEntry)
			return err
		})
		r.Query(sqlClaimOf, []any{who.Tenant, v}, func(rows pgx.Rows) error {
			claims, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Claim, err error) {
				err = row.Scan(&c.Key, &c.From, &c.Until)
				return c, err
			})
			if len(claims) > 0 {
				rec.Claim = &claims[0]
			}
			return err
		})
		r.Query(sqlDecider, []any{who.Tenant, v}, func(rows pgx.Rows) error {
			names, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if len(names) > 0 {
				rec.DecidedByName = names[0]
			}
			return err
		})
		r.Query(sqlStages, []any{who.Tenant}, stages(&rec.Stages))
	})
	return rec, err
}

// Notes returns the notes on a deal that the actor may read, newest first, at most 200. NotFound "deal.not_found".
func (s *Service) Notes(ctx context.Context, who access.Actor, v id.ID) ([]Note, error) {
	var out []Note
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("deal", v)
		r.Query(sqlExists, []any{who.Tenant, v}, func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, pgx.RowTo[int32])
			if err == nil && len(found) == 0 {
				err = errs.Missing("deal")
			}
			return err
		})
		r.Query(sqlNotes, []any{who.Tenant, v}, notes(&out))
	})
	return out, err
}

// Stages returns the programme's pipeline in order.
func (s *Service) Stages(ctx context.Context, who access.Actor) ([]Stage, error) {
	var out []Stage
	err := op.Batch(ctx, s.ops, who, ActStages, func(r *op.Reads) {
		r.Query(sqlStages, []any{who.Tenant}, stages(&out))
	})
	return out, err
}

const (
	sqlExists = `select 1 from deal where tenant_id = $1 and deal_id = $2`
	sqlNotes  = `
select note_id, deal_id, author_id, author_name, author_side, partner_id is null, body, created_at from deal_note
 where tenant_id = $1 and deal_id = $2 order by created_at desc, note_id desc limit 200`
	sqlTimeline = `
select at, actor_name, actor_role, action, changes::text, note from audit_entry
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

func scanEntry(row pgx.CollectableRow) (e Entry, err error) {
	var changes string
	if err = row.Scan(&e.At, &e.ActorName, &e.ActorRole, &e.Action, &changes, &e.Note); err != nil {
		return e, err
	}
	return e, json.Unmarshal([]byte(changes), &e.Changes)
}
