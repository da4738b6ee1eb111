package deal

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// dealColumns and scanDeal belong together, by position. They are read from dealNames, where d is the deal.
const (
	dealColumns = `d.deal_id, d.partner_id, coalesce(p.name, ''), d.owner_id, coalesce(m.name, ''), d.account_id, d.title, d.account_name, d.account_domain,
  d.account_country, d.claim_key, d.state, d.stage_id, coalesce(s.name, ''), d.amount_minor, d.currency, d.product, d.expected_close_on, d.submitted_at,
  d.decided_at, d.decided_by, d.protected_until, d.closed_on, d.reason_code, d.reason, d.answer, d.source, coalesce(d.external_id, ''), d.import_id,
  d.created_by, d.version, d.created_at, d.updated_at`
	dealNames = `
  left join stage s on s.tenant_id = d.tenant_id and s.stage_id = d.stage_id
  left join partner p on p.tenant_id = d.tenant_id and p.partner_id = d.partner_id
  left join member m on m.tenant_id = d.tenant_id and m.member_id = d.owner_id`
	// rowColumns are the table's own columns behind dealColumns.
	rowColumns = `tenant_id, deal_id, partner_id, owner_id, account_id, title, account_name, account_domain, account_country, claim_key, state, stage_id,
  amount_minor, amount_rank, close_rank, currency, product, expected_close_on, submitted_at, decided_at, decided_by, protected_until, closed_on,
  reason_code, reason, answer, source, external_id, import_id, created_by, version, created_at, updated_at`
	stageColumns = `stage_id, name, position, probability, kind, version`
)

const (
	sqlGet = `select ` + dealColumns + ` from deal d` + dealNames + ` where d.tenant_id = $1 and d.deal_id = $2`

	// The programme's rules come along: a change needs them more often than not.
	sqlWithRules = `select ` + dealColumns + `, t.time_zone, t.protection_days, t.agent_edits from deal d join tenant t on t.tenant_id = d.tenant_id` + dealNames + `
 where d.tenant_id = $1 and d.deal_id = $2`
	sqlLock = sqlWithRules + ` for update of d`

	// Conditions, order, the limit's argument and the order again. The names are joined to the page only.
	sqlList = `select ` + dealColumns + ` from (select ` + rowColumns + ` from deal where %s order by %s limit $%d) d` + dealNames + ` order by %s`
	sqlEach = `select ` + dealColumns + ` from (select ` + rowColumns + ` from deal where %s order by %s offset 0) d` + dealNames

	sqlStages = `select ` + stageColumns + ` from stage where tenant_id = $1 order by position, stage_id`

	// The stage and the names are found while inserting, so that a new deal costs one round trip.
	sqlInsert = `
with st as (select stage_id, name from stage where tenant_id = $1 and kind = 'open' order by position, stage_id limit 1),
d as (
  insert into deal (tenant_id, deal_id, partner_id, owner_id, account_id, title, account_name, account_domain, account_country, claim_key, name_norm,
    search_text, state, stage_id, amount_minor, currency, product, expected_close_on, source, external_id, created_by, created_at, updated_at)
  select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, st.stage_id, $14, coalesce(nullif($15, ''), (select default_currency from tenant where tenant_id = $1)),
    $16, $17, $18, nullif($19, ''), $20, $21, $21 from st
  returning ` + rowColumns + `)
select ` + dealColumns + ` from d` + dealNames

	sqlSave = `
update deal set owner_id = $3, account_id = $4, title = $5, account_name = $6, account_domain = $7, account_country = $8, claim_key = $9, name_norm = $10,
  search_text = $11, state = $12, stage_id = $13, amount_minor = $14, currency = $15, product = $16, expected_close_on = $17, submitted_at = $18,
  decided_at = $19, decided_by = $20, protected_until = $21, closed_on = $22, reason_code = $23, reason = $24, answer = $25, external_id = nullif($26, ''),
  external_by = case when external_id is distinct from nullif($26, '') then app.partner() else external_by end, version = $27, updated_at = $28
 where tenant_id = $1 and deal_id = $2 and version = $27 - 1`

	sqlAnswer = `select app.claim_answer($1, $2, $3)`

	sqlPartnerLives = `select status in ('active', 'invited') from partner where tenant_id = $1 and partner_id = $2`
	sqlOwnerStands  = `select name from member where tenant_id = $1 and member_id = $2 and status <> 'removed' and (partner_id is null or partner_id = $3)`

	// Approvals for one customer wait for each other here, so that the second one finds the first one's claim.
	sqlLockKey = `select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2, 7))`
	sqlHolder  = `
select c.deal_id, coalesce(p.name, ''), c.partner_id, upper(c.period) from deal_claim c
  left join partner p on p.tenant_id = c.tenant_id and p.partner_id = c.partner_id
 where c.tenant_id = $1 and c.claim_key = $2 and c.period && tstzrange($3, $4) and c.deal_id <> $5 order by c.period limit 1`
	sqlClaim     = `insert into deal_claim (tenant_id, claim_id, deal_id, partner_id, claim_key, period) values ($1, $2, $3, $4, $5, tstzrange($6, $7))`
	sqlEndClaims = `
update deal_claim set period = tstzrange(lower(period), greatest($3, lower(period) + interval '1 microsecond'))
 where tenant_id = $1 and deal_id = $2 and upper(period) > $3`
)

// dealFields are the places of dealColumns. Named string types are scanned as strings: pgx is faster so.
func dealFields(d *Deal) []any {
	return []any{&d.ID, &d.Partner, &d.PartnerName, &d.Owner, &d.OwnerName, &d.Account, &d.Title, &d.AccountName, &d.AccountDomain,
		&d.AccountCountry, &d.ClaimKey, (*string)(&d.State), &d.Stage, &d.StageName, &d.AmountMinor, &d.Currency, &d.Product, &d.ExpectedCloseOn, &d.SubmittedAt,
		&d.DecidedAt, &d.DecidedBy, &d.ProtectedUntil, &d.ClosedOn, &d.ReasonCode, &d.Reason, (*string)(&d.Answer), &d.Source, &d.ExternalID, &d.Import,
		&d.CreatedBy, &d.Version, &d.CreatedAt, &d.UpdatedAt}
}

// utc puts every time into UTC, where pgx gives the machine's zone.
func (d *Deal) utc() {
	d.CreatedAt, d.UpdatedAt = d.CreatedAt.UTC(), d.UpdatedAt.UTC()
	for _, t := range []*time.Time{d.SubmittedAt, d.DecidedAt, d.ProtectedUntil} {
		if t != nil {
			*t = t.UTC()
		}
	}
}

func one(out *Deal) func(pgx.Rows) error { return pg.One(out, scanDeal, "deal") }

func many(out *[]Deal) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, scanDeal)
		return err
	}
}

// each calls fn with every row, one after the other.
func each(ctx context.Context, tx *op.Tx, sql string, args []any, fn func(*Deal) error) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var d Deal
	fields := rows.FieldDescriptions()
	for rows.Next() {
		if err := readDeal(rows, fields, &d); err != nil {
			return err
		}
		if err := fn(&d); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scanStage(row pgx.CollectableRow) (s Stage, err error) {
	err = row.Scan(&s.ID, &s.Name, &s.Position, &s.Probability, &s.Kind, &s.Version)
	return s, err
}

func stages(out *[]Stage) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, scanStage)
		return err
	}
}

// rules are what a change needs to know of the programme.
type rules struct {
	Zone           string
	ProtectionDays int
	AgentEdits     string
}

// lock reads the deal for change, with the programme's rules.
func lock(ctx context.Context, tx *op.Tx, v id.ID) (Deal, rules, error) {
	return withRules(ctx, tx, sqlLock, v)
}

// find is lock for reading.
func find(ctx context.Context, tx *op.Tx, v id.ID) (Deal, rules, error) {
	return withRules(ctx, tx, sqlWithRules, v)
}

func withRules(ctx context.Context, tx *op.Tx, sql string, v id.ID) (Deal, rules, error) {
	var r rules
	tx.About("deal", v)
	rows, err := tx.Query(ctx, sql, tx.Who.Tenant, v)
	if err != nil {
		return Deal{}, r, err
	}
	d, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (d Deal, err error) {
		err = row.Scan(append(dealFields(&d), &r.Zone, &r.ProtectionDays, &r.AgentEdits)...)
		d.utc()
		return d, err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return d, r, errs.Missing("deal")
	}
	return d, r, err
}

// queueSave adds the statement that writes d over its earlier version.
func queueSave(b *pgx.Batch, tenant id.ID, d Deal) {
	b.Queue(sqlSave, tenant, d.ID, d.Owner, d.Account, d.Title, d.AccountName, d.AccountDomain, d.AccountCountry, d.ClaimKey, d.nameNorm(),
		d.searchText(), string(d.State), d.Stage, d.AmountMinor, d.Currency, d.Product, d.ExpectedCloseOn, d.SubmittedAt,
		d.DecidedAt, d.DecidedBy, d.ProtectedUntil, d.ClosedOn, d.ReasonCode, d.Reason, string(d.Answer), d.ExternalID, d.Version, d.UpdatedAt)
}

// send runs a batch and turns what the schema refuses into what a caller is told.
func send(ctx context.Context, tx *op.Tx, b *pgx.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	return refused(tx.SendBatch(ctx, b).Close())
}

func refused(err error) error {
	switch pg.Constraint(err) {
	case "deal_external_uq":
		return &errs.Error{Kind: errs.Conflict, Code: "deal.external_taken", Msg: "Another deal already has this external id.", Err: err,
			Fields: []errs.Field{{Name: "external_id", Code: "taken", Msg: "Another deal already has this external id."}}}
	case "deal_claim_one_ex":
		return &errs.Error{Kind: errs.Conflict, Code: "deal.protected", Msg: "Another registration was approved for this customer at the same moment.", Err: err}
	case "deal_four_eyes_ck":
		return errOwn
	case "deal_decision_vendor_ck", "deal_claim_vendor_ck":
		return &errs.Error{Kind: errs.Forbidden, Code: "denied", Msg: "Only the vendor's people decide about a registration.", Err: err}
	case "deal_partner_fk":
		return errs.Missing("partner")
	case "deal_account_fk":
		return errs.Missing("account")
	case "deal_owner_fk":
		return errs.Missing("member")
	}
	return err
}

// stageOf returns the programme's stage of a kind: the first open one, or the only one that means won or lost.
func stageOf(ctx context.Context, tx *op.Tx, kind string) (Stage, error) {
	all, err := tenant.StagesIn(ctx, tx)
	if err != nil {
		return Stage{}, err
	}
	for _, s := range all {
		if s.Kind == kind {
			return s, nil
		}
	}
	return Stage{}, errs.New(errs.Conflict, "stage.missing", "The programme has no stage for %s deals. An Admin adds one in the settings.", kind)
}
