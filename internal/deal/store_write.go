package deal

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlNote = `
insert into deal_note (tenant_id, note_id, deal_id, partner_id, author_id, author_name, author_side, body, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

	sqlDue = `select ` + dealColumns + ` from (
  select ` + rowColumns + ` from deal where tenant_id = $1 and state = 'approved' and protected_until <= $2 order by protected_until limit $3 for update skip locked) d` + dealNames
	sqlExpire = `update deal set state = 'expired', version = $3, updated_at = $4 where tenant_id = $1 and deal_id = $2 and version = $3 - 1`

	viewColumns = `view_id, list, name, query, created_at`
	sqlViews    = `select ` + viewColumns + ` from saved_view where tenant_id = $1 and member_id = $2 and list = $3 order by name limit 200`
	sqlSaveView = `
insert into saved_view (tenant_id, view_id, member_id, list, name, query, created_at) values ($1, $2, $3, $4, $5, $6, $7)
on conflict on constraint saved_view_name_uq do update set query = excluded.query returning view_id, created_at`
	sqlDeleteView = `delete from saved_view where tenant_id = $1 and view_id = $2 and member_id = $3 returning ` + viewColumns
)

func scanView(row pgx.CollectableRow) (v View, err error) {
	err = row.Scan(&v.ID, &v.List, &v.Name, &v.Query, &v.CreatedAt)
	return v, err
}

// insert writes a new deal and returns it as it reads, with its stage and the names.
func insert(ctx context.Context, tx *op.Tx, d Deal) (Deal, error) {
	rows, err := tx.Query(ctx, sqlInsert, tx.Who.Tenant, d.ID, d.Partner, d.Owner, d.Account, d.Title, d.AccountName, d.AccountDomain, d.AccountCountry,
		d.ClaimKey, d.nameNorm(), d.searchText(), string(d.State), d.AmountMinor, d.Currency, d.Product, d.ExpectedCloseOn, d.Source, d.ExternalID,
		d.CreatedBy, d.CreatedAt)
	if err != nil {
		return d, err
	}
	out, err := pgx.CollectExactlyOneRow(rows, scanDeal)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, errs.New(errs.Conflict, "stage.missing", "The programme has no open stage. An Admin adds one in the settings.")
	}
	return out, refused(err)
}

// partnerLives refuses a partner that does not exist or takes no registrations any more.
func partnerLives(ctx context.Context, tx *op.Tx, v id.ID) error {
	var lives bool
	err := tx.QueryRow(ctx, sqlPartnerLives, tx.Who.Tenant, v).Scan(&lives)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return errs.Missing("partner")
	case err == nil && !lives:
		return errs.New(errs.Conflict, "partner.closed", "This partner is suspended or has left, so nothing can be registered for it.")
	}
	return err
}

// ownerName returns the name of a member who may own a deal of the partner: one of the vendor's people or of the partner's.
func ownerName(ctx context.Context, tx *op.Tx, v, partner id.ID) (name string, err error) {
	err = tx.QueryRow(ctx, sqlOwnerStands, tx.Who.Tenant, v, partner).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", errs.Missing("member")
	}
	return name, err
}

func ownerStands(ctx context.Context, tx *op.Tx, v, partner id.ID) error {
	_, err := ownerName(ctx, tx, v, partner)
	return err
}

func queueNote(b *pgx.Batch, tenant id.ID, n Note) {
	reader := n.partner
	if n.Internal && n.AuthorSide != string(access.Partner) {
		reader = id.Nil
	}
	b.Queue(sqlNote, tenant, n.ID, n.Deal, reader, n.Author, n.AuthorName, n.AuthorSide, n.Body, n.CreatedAt)
}

func views(out *[]View) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, scanView)
		return err
	}
}

// saveView adds a view, or gives v the identity of the one it replaces.
func saveView(ctx context.Context, tx *op.Tx, v *View) error {
	return tx.QueryRow(ctx, sqlSaveView, tx.Who.Tenant, v.ID, tx.Who.Member, v.List, v.Name, v.Query, v.CreatedAt).Scan(&v.ID, &v.CreatedAt)
}

// deleteView removes a view of the actor and returns it. NotFound "view.not_found".
func deleteView(ctx context.Context, tx *op.Tx, v id.ID) (View, error) {
	rows, err := tx.Query(ctx, sqlDeleteView, tx.Who.Tenant, v, tx.Who.Member)
	if err != nil {
		return View{}, err
	}
	gone, err := pgx.CollectExactlyOneRow(rows, scanView)
	if errors.Is(err, pgx.ErrNoRows) {
		return gone, errs.Missing("view")
	}
	return gone, err
}

// claimAnswer is the blind availability check; see app.claim_answer.
func claimAnswer(ctx context.Context, tx *op.Tx, key, norm string, self id.ID) (a Answer, err error) {
	err = tx.QueryRow(ctx, sqlAnswer, key, norm, self).Scan((*string)(&a))
	return a, err
}

// holder is the claim that stands in the way; the zero holder is none.
type holder struct {
	deal    id.ID
	name    string
	partner id.ID
	until   time.Time
}

// lockKey makes other approvals for the deal's customer wait and returns who holds it in that period.
func lockKey(ctx context.Context, tx *op.Tx, d Deal, from, until time.Time) (other holder, err error) {
	b := &pgx.Batch{}
	b.Queue(sqlLockKey, tx.Who.Tenant, d.ClaimKey)
	queueHolder(b, tx.Who.Tenant, d, from, until, &other)
	err = tx.SendBatch(ctx, b).Close()
	return other, err
}

// holderOf returns who holds the deal's customer in that period, without waiting for anybody.
func holderOf(ctx context.Context, tx *op.Tx, d Deal, from, until time.Time) (other holder, err error) {
	b := &pgx.Batch{}
	queueHolder(b, tx.Who.Tenant, d, from, until, &other)
	err = tx.SendBatch(ctx, b).Close()
	return other, err
}

func queueHolder(b *pgx.Batch, tenant id.ID, d Deal, from, until time.Time, other *holder) {
	b.Queue(sqlHolder, tenant, d.ClaimKey, from, until, d.ID).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&other.deal, &other.name, &other.partner, &other.until)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
}

// A vendor's service account acts for whoever made its key: it cannot approve what that person registered, nor the other way round.
const sqlOwnByKey = `
select exists (select from api_key k where k.tenant_id = $1 and k.partner_id is null
   and (k.member_id = $2 and k.created_by in ($3, $4) or k.member_id in ($3, $4) and k.created_by = $2)
   and exists (select from member m where m.tenant_id = k.tenant_id and m.member_id = k.member_id and m.kind = 'service'))`

// ownByKey reports whether the actor and the deal's owner or registrant are one person behind a service account.
func ownByKey(ctx context.Context, tx *op.Tx, d Deal) (own bool, err error) {
	err = tx.QueryRow(ctx, sqlOwnByKey, tx.Who.Tenant, tx.Who.Member, d.Owner, d.CreatedBy).Scan(&own)
	return own, err
}
