package privacy

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlMyself = `select email, name from member where tenant_id = $1 and member_id = $2`

	sqlMyContacts = `select contact_id from contact where tenant_id = $1 and email = lower($2) limit 200`

	sqlRules = `select category, case when not stored then 'not stored' when keep is null then 'indefinitely' else keep::text || ' from ' || event end from retention_rule where tenant_id = $1 order by category`

	sqlPartnerNames = `select name from partner where tenant_id = $1 and partner_id = any ($2) order by name limit 500`

	sqlConsents = `select consent_id, contact_id, member_id, purpose, basis, given_at, withdrawn_at, source, wording, wording_version, recorded_by_name
  from contact_consent where tenant_id = $1 and (contact_id = any ($2) or member_id = any ($3)) order by given_at desc, consent_id limit 500`

	sqlByLink = `select tenant_id, request_id from app.privacy_by_link($1)`
)

// Consent is one ground on which somebody is contacted, or an objection to it.
type Consent struct {
	ID             id.ID      `json:"id"`
	ContactID      id.ID      `json:"contact_id"`
	MemberID       id.ID      `json:"member_id"`
	Purpose        string     `json:"purpose"`
	Basis          string     `json:"basis"`
	GivenAt        time.Time  `json:"given_at"`
	WithdrawnAt    *time.Time `json:"withdrawn_at"`
	Source         string     `json:"source"`
	Wording        string     `json:"wording"`
	WordingVersion string     `json:"wording_version"`
	RecordedBy     string     `json:"recorded_by"`
}

func (s *Service) consentsOf(ctx context.Context, tenant id.ID, refs Refs) (out []Consent, err error) {
	err = op.Batch(ctx, s.ops, access.NewSystem(tenant, "consents of a person"), ActFind, func(r *op.Reads) {
		r.Query(sqlConsents, []any{tenant, refs.Contacts, refs.Members}, func(rows pgx.Rows) (err error) {
			out, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (c Consent, err error) {
				err = r.Scan(&c.ID, &c.ContactID, &c.MemberID, &c.Purpose, &c.Basis, &c.GivenAt, &c.WithdrawnAt, &c.Source, &c.Wording, &c.WordingVersion, &c.RecordedBy)
				return c, err
			})
			return err
		})
	})
	return out, err
}

func processingOf(ctx context.Context, tx *op.Tx) ([]Processing, error) {
	rows, err := tx.Query(ctx, sqlRules, tx.Who.Tenant)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (p Processing, err error) {
		err = r.Scan(&p.Category, &p.Keep)
		return p, err
	})
}

func partnerNames(ctx context.Context, tx *op.Tx, from []receiver) ([]string, error) {
	ids := make([]id.ID, len(from))
	for i, r := range from {
		ids[i] = r.Partner
	}
	rows, err := tx.Query(ctx, sqlPartnerNames, tx.Who.Tenant, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// sessionBegan returns when the actor's session began; the zero time for an API key.
func sessionBegan(ctx context.Context, tx *op.Tx) (at time.Time, err error) {
	err = tx.QueryRow(ctx, sqlSessionBegan, tx.Now, tx.Who.Credential).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, nil
	}
	return at, err
}

// byLink finds the request behind a link, before anybody is bound to a programme.
func (s *Service) byLink(ctx context.Context, hash []byte) (tenant, request id.ID, err error) {
	type pair struct{ tenant, request id.ID }
	p, err := op.Public(ctx, s.ops, id.Nil, access.Request{}, func(tx *op.Tx) (p pair, err error) {
		err = tx.QueryRow(ctx, sqlByLink, hash).Scan(&p.tenant, &p.request)
		if errors.Is(err, pgx.ErrNoRows) {
			return p, nil
		}
		return p, err
	})
	return p.tenant, p.request, err
}
