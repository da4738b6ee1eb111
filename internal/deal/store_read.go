package deal

import (
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
)

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

func entries(out *[]Entry) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, scanEntry)
		return err
	}
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
