package transfer

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const dealColumns = `deal_id, external_id, partner_id, owner_id, account_id, title, account_name, account_domain, account_country, state, stage_id, amount_minor, currency, product,
  expected_close_on, closed_on, submitted_at, reason, source, protected_until is not null as protected, version, created_at`

const (
	sqlDealsKnown     = `select ` + dealColumns + ` from deal where tenant_id = $1 and external_id = any($2) and external_by is null`
	sqlLockDealsKnown = sqlDealsKnown + ` order by deal_id for update`

	sqlAddDeals = `
insert into deal (tenant_id, deal_id, external_id, partner_id, owner_id, account_id, title, account_name, account_domain, account_country, claim_key, name_norm, search_text,
  state, stage_id, amount_minor, currency, product, expected_close_on, closed_on, submitted_at, reason, source, import_id, created_by, created_at, updated_at)
select $1, v.deal_id, v.external_id, v.partner_id, v.owner_id, v.account_id, v.title, v.account_name, v.account_domain, v.account_country, v.claim_key, v.name_norm, v.search_text,
  v.state, v.stage_id, v.amount_minor, v.currency, v.product, v.expected_close_on, v.closed_on, v.submitted_at, v.reason, 'import', $2, $3, v.created_at, $4
  from jsonb_to_recordset($5::jsonb) as v (deal_id uuid, external_id text, partner_id uuid, owner_id uuid, account_id uuid, title text, account_name text, account_domain text,
    account_country text, claim_key text, name_norm text, search_text text, state text, stage_id uuid, amount_minor bigint, currency text, product text,
    expected_close_on date, closed_on date, submitted_at timestamptz, reason text, created_at timestamptz)`

	sqlSetDeals = `
update deal d set partner_id = v.partner_id, owner_id = v.owner_id, account_id = v.account_id, title = v.title, account_name = v.account_name,
       account_domain = v.account_domain, account_country = v.account_country, claim_key = v.claim_key, name_norm = v.name_norm, search_text = v.search_text,
       state = v.state, stage_id = v.stage_id, amount_minor = v.amount_minor, currency = v.currency, product = v.product, expected_close_on = v.expected_close_on,
       closed_on = v.closed_on, submitted_at = v.submitted_at, reason = v.reason, version = d.version + 1, updated_at = $2,
       protected_until = case when v.state in ('lost', 'withdrawn', 'rejected') then least(d.protected_until, $2) else d.protected_until end
  from jsonb_to_recordset($3::jsonb) as v (deal_id uuid, partner_id uuid, owner_id uuid, account_id uuid, title text, account_name text, account_domain text,
    account_country text, claim_key text, name_norm text, search_text text, state text, stage_id uuid, amount_minor bigint, currency text, product text,
    expected_close_on date, closed_on date, submitted_at timestamptz, reason text, version int)
 where d.tenant_id = $1 and d.deal_id = v.deal_id and d.version = v.version
returning d.deal_id`

	// A deal that is over holds its customer no longer.
	sqlEndClaims = `
update deal_claim set period = tstzrange(lower(period), greatest($3, lower(period) + interval '1 microsecond'))
 where tenant_id = $1 and deal_id = any($2) and upper(period) > $3`

	sqlShareAccounts = `
insert into account_partner (tenant_id, partner_id, account_id)
select $1, v.partner_id, v.account_id from unnest($2::uuid[], $3::uuid[]) as v (partner_id, account_id)
on conflict on constraint account_partner_pk do nothing
returning partner_id, account_id`
)

// dealRecord is a deal as an import reads and writes it.
type dealRecord struct {
	ID             id.ID      `db:"deal_id" json:"deal_id"`
	ExternalID     string     `db:"external_id" json:"external_id"`
	Partner        id.ID      `db:"partner_id" json:"partner_id,omitzero"`
	Owner          id.ID      `db:"owner_id" json:"owner_id,omitzero"`
	Account        id.ID      `db:"account_id" json:"account_id,omitzero"`
	Title          string     `db:"title" json:"title"`
	AccountName    string     `db:"account_name" json:"account_name"`
	AccountDomain  string     `db:"account_domain" json:"account_domain"`
	AccountCountry string     `db:"account_country" json:"account_country"`
	State          string     `db:"state" json:"state"`
	Stage          id.ID      `db:"stage_id" json:"stage_id"`
	AmountMinor    *int64     `db:"amount_minor" json:"amount_minor"`
	Currency       string     `db:"currency" json:"currency"`
	Product        string     `db:"product" json:"product"`
	ExpectedClose  deal.Day   `db:"expected_close_on" json:"expected_close_on,omitempty"`
	ClosedOn       deal.Day   `db:"closed_on" json:"closed_on,omitempty"`
	SubmittedAt    *time.Time `db:"submitted_at" json:"submitted_at"`
	Reason         string     `db:"reason" json:"reason"`
	Source         string     `db:"source" json:"source,omitempty"`
	Protected      bool       `db:"protected" json:"-"`
	Version        int        `db:"version" json:"version"`
	CreatedAt      time.Time  `db:"created_at" json:"created_at"`

	// Derived, never read.
	ClaimKey   string `db:"-" json:"claim_key"`
	NameNorm   string `db:"-" json:"name_norm"`
	SearchText string `db:"-" json:"search_text"`
}

// dealsKnown returns the deals with these external ids, locked when they may be changed.
func dealsKnown(ctx context.Context, tx *op.Tx, external []string, lock bool) (map[string]dealRecord, error) {
	sql := sqlDealsKnown
	if lock {
		sql = sqlLockDealsKnown
	}
	rows, err := tx.Query(ctx, sql, tx.Who.Tenant, external)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[dealRecord])
	out := make(map[string]dealRecord, len(list))
	for _, d := range list {
		out[d.ExternalID] = d
	}
	return out, err
}

func addDeals(ctx context.Context, tx *op.Tx, run id.ID, list []dealRecord) error {
	if len(list) == 0 {
		return nil
	}
	arg, err := json.Marshal(list)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sqlAddDeals, tx.Who.Tenant, run, tx.Who.Member, tx.Now, string(arg))
	return err
}

func setDeals(ctx context.Context, tx *op.Tx, list []dealRecord) (map[id.ID]bool, error) {
	return set(ctx, tx, sqlSetDeals, list)
}

func endClaims(ctx context.Context, tx *op.Tx, deals []id.ID) error {
	if len(deals) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, sqlEndClaims, tx.Who.Tenant, deals, tx.Now)
	return err
}

// share is a partner's sight of an account.
type share struct {
	Partner id.ID `json:"partner_id"`
	Account id.ID `json:"account_id"`
}

// shareAccounts lets partners see accounts and returns which they did not see before.
func shareAccounts(ctx context.Context, tx *op.Tx, list []share) (map[share]bool, error) {
	if len(list) == 0 {
		return nil, nil
	}
	partners, accounts := make([]id.ID, len(list)), make([]id.ID, len(list))
	for i, s := range list {
		partners[i], accounts[i] = s.Partner, s.Account
	}
	rows, err := tx.Query(ctx, sqlShareAccounts, tx.Who.Tenant, partners, accounts)
	if err != nil {
		return nil, err
	}
	out := map[share]bool{}
	var s share
	_, err = pgx.ForEachRow(rows, []any{&s.Partner, &s.Account}, func() error { out[s] = true; return nil })
	return out, err
}
