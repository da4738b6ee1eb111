package tenant

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlSettings = `
select tenant_id, slug, name, status, is_demo, default_currency, time_zone, protection_days, agent_edits, brand_color, public_host, logo_type, version, created_at, updated_at,
       closing_at, purge_after, closed_at
  from tenant where tenant_id = (select app.tenant())`
	sqlLockSettings = sqlSettings + ` for update`
	sqlInsertTenant = `
insert into tenant (tenant_id, slug, name, status, is_demo, default_currency, time_zone, protection_days, agent_edits, brand_color, created_at, updated_at)
values (@tenant_id, @slug, @name, @status, @is_demo, @default_currency, @time_zone, @protection_days, @agent_edits, @brand_color, @at, @at)`
	sqlUpdateTenant = `
update tenant set name = @name, default_currency = @default_currency, time_zone = @time_zone, protection_days = @protection_days,
       agent_edits = @agent_edits, brand_color = @brand_color, public_host = @public_host, version = @version, updated_at = @at
 where tenant_id = (select app.tenant())`
	sqlUpdateLogo = `update tenant set logo = nullif($1::bytea, ''), logo_type = $2 where tenant_id = (select app.tenant())`
	sqlLogo       = `select logo, logo_type from tenant where tenant_id = (select app.tenant()) and status in ('active', 'closing') and logo is not null`
	sqlStatus     = `select coalesce(app.tenant_status($1), '')`
	sqlByHost     = `select app.tenant_by_host($1)`
	sqlRegister   = `select tenant_id, slug, name, status, is_demo, created_at from app.tenant_list()`

	sqlStages      = `select stage_id, name, position, probability, kind, version from stage where tenant_id = (select app.tenant()) order by position, stage_id`
	sqlLockStages  = sqlStages + ` for update`
	sqlLockStage   = `select stage_id, name, position, probability, kind, version from stage where tenant_id = (select app.tenant()) and stage_id = $1 for update`
	sqlInsertStage = `insert into stage (tenant_id, stage_id, name, position, probability, kind) values (app.tenant(), $1, $2, $3, $4, $5)`
	sqlUpdateStage = `update stage set name = $2, probability = $3, version = $4 where tenant_id = (select app.tenant()) and stage_id = $1`
	sqlMoveStage   = `update stage set position = $2, version = version + 1 where tenant_id = (select app.tenant()) and stage_id = $1 and position <> $2`
	sqlDeleteStage = `delete from stage where tenant_id = (select app.tenant()) and stage_id = $1`
	sqlProducts    = `select product_id, name, series, price_minor, coalesce(external_id, '') as external_id, version from product where tenant_id = (select app.tenant()) order by name, product_id limit 1000`
	sqlLockProduct = `select product_id, name, series, price_minor, coalesce(external_id, '') as external_id, version from product where tenant_id = (select app.tenant()) and product_id = $1 for update`
	sqlInsertProd  = `insert into product (tenant_id, product_id, name, series, price_minor) values (app.tenant(), $1, $2, $3, $4)`
	sqlUpdateProd  = `update product set name = $2, series = $3, price_minor = $4, version = $5 where tenant_id = (select app.tenant()) and product_id = $1`
	sqlDeleteProd  = `delete from product where tenant_id = (select app.tenant()) and product_id = $1`
)

// SettingsIn returns the bound programme, for use inside another room's transaction.
func SettingsIn(ctx context.Context, q pg.Querier) (Settings, error) {
	return one[Settings](ctx, q, "tenant", sqlSettings)
}

// StagesIn returns the stages in their order, for use inside another room's transaction.
func StagesIn(ctx context.Context, q pg.Querier) ([]Stage, error) {
	return many[Stage](ctx, q, sqlStages)
}

// ProductsIn returns the products by name, for use inside another room's transaction.
func ProductsIn(ctx context.Context, q pg.Querier) ([]Product, error) {
	return many[Product](ctx, q, sqlProducts)
}

func one[T any](ctx context.Context, q pg.Querier, noun, sql string, args ...any) (T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		var zero T
		return zero, err
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	if errors.Is(err, pgx.ErrNoRows) {
		return v, errs.Missing(noun)
	}
	return v, err
}

func many[T any](ctx context.Context, q pg.Querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

func querySettings(r *op.Reads, out *Settings) {
	r.Query(sqlSettings, nil, func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Settings])
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.Missing("tenant")
		}
		return err
	})
}

func queryStages(r *op.Reads, out *[]Stage) {
	r.Query(sqlStages, nil, func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, pgx.RowToStructByName[Stage])
		return err
	})
}

func queryProducts(r *op.Reads, out *[]Product) {
	r.Query(sqlProducts, nil, func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, pgx.RowToStructByName[Product])
		return err
	})
}

func status(ctx context.Context, q pg.Querier, tenant id.ID) (string, error) {
	var out string
	err := q.QueryRow(ctx, sqlStatus, tenant).Scan(&out)
	return out, err
}

func lockSettings(ctx context.Context, tx *op.Tx) (Settings, error) {
	return one[Settings](ctx, tx, "tenant", sqlLockSettings)
}

func insertTenant(ctx context.Context, tx *op.Tx, s Settings) error {
	_, err := tx.Exec(ctx, sqlInsertTenant, pgx.NamedArgs{"tenant_id": s.ID, "slug": s.Slug, "name": s.Name, "status": s.Status, "is_demo": s.IsDemo,
		"default_currency": s.DefaultCurrency, "time_zone": s.TimeZone, "protection_days": s.ProtectionDays, "agent_edits": s.AgentEdits,
		"brand_color": s.BrandColor, "at": s.CreatedAt})
	if pg.Constraint(err) == "tenant_slug_uq" {
		e := errs.New(errs.Conflict, "tenant.slug_taken", "There is a programme with this address already. Choose another one.")
		e.Fields = []errs.Field{{Name: "slug", Code: e.Code, Msg: e.Msg}}
		return e
	}
	return err
}

func updateTenant(ctx context.Context, tx *op.Tx, s Settings) error {
	_, err := tx.Exec(ctx, sqlUpdateTenant, pgx.NamedArgs{"name": s.Name, "default_currency": s.DefaultCurrency, "time_zone": s.TimeZone,
		"protection_days": s.ProtectionDays, "agent_edits": s.AgentEdits, "brand_color": s.BrandColor, "public_host": s.PublicHost, "version": s.Version, "at": s.UpdatedAt})
	if pg.Constraint(err) == "tenant_public_host_uq" {
		return errs.Refused([]errs.Field{{Name: "public_host", Code: "host.taken", Msg: "Another programme of this installation has this host. Give another one."}})
	}
	return err
}

func updateLogo(ctx context.Context, tx *op.Tx, logo []byte) error {
	_, err := tx.Exec(ctx, sqlUpdateLogo, clean(logo), LogoType(logo))
	return err
}

func lockStages(ctx context.Context, tx *op.Tx) ([]Stage, error) {
	return many[Stage](ctx, tx, sqlLockStages)
}

func lockStage(ctx context.Context, tx *op.Tx, v id.ID) (Stage, error) {
	return one[Stage](ctx, tx, "stage", sqlLockStage, v)
}

func insertStage(ctx context.Context, tx *op.Tx, st Stage) error {
	_, err := tx.Exec(ctx, sqlInsertStage, st.ID, st.Name, st.Position, st.Probability, st.Kind)
	return stageError(err)
}

func updateStage(ctx context.Context, tx *op.Tx, st Stage) error {
	_, err := tx.Exec(ctx, sqlUpdateStage, st.ID, st.Name, st.Probability, st.Version)
	return stageError(err)
}

// positionStages numbers the stages in the order given.
func positionStages(ctx context.Context, tx *op.Tx, all []Stage) error {
	b := &pgx.Batch{}
	for i, st := range all {
		b.Queue(sqlMoveStage, st.ID, i+1)
	}
	return tx.SendBatch(ctx, b).Close()
}

func deleteStage(ctx context.Context, tx *op.Tx, v id.ID) error {
	_, err := tx.Exec(ctx, sqlDeleteStage, v)
	return stageError(err)
}

func stageError(err error) error {
	switch pg.Constraint(err) {
	case "stage_name_uq":
		return taken("stage")
	case "deal_stage_fk":
		return errs.New(errs.Conflict, "stage.used", "Deals are in this stage. Move them to another stage first.")
	}
	return err
}

func lockProduct(ctx context.Context, tx *op.Tx, v id.ID) (Product, error) {
	return one[Product](ctx, tx, "product", sqlLockProduct, v)
}

func insertProduct(ctx context.Context, tx *op.Tx, v Product) error {
	_, err := tx.Exec(ctx, sqlInsertProd, v.ID, v.Name, v.Series, v.PriceMinor)
	return productError(err)
}

func updateProduct(ctx context.Context, tx *op.Tx, v Product) error {
	_, err := tx.Exec(ctx, sqlUpdateProd, v.ID, v.Name, v.Series, v.PriceMinor, v.Version)
	return productError(err)
}

func deleteProduct(ctx context.Context, tx *op.Tx, v id.ID) error {
	_, err := tx.Exec(ctx, sqlDeleteProd, v)
	return err
}

func productError(err error) error {
	if pg.Constraint(err) == "product_name_uq" {
		return taken("product")
	}
	return err
}

// public runs one statement as the persona of nobody, bound to a tenant.
func (s *Service) public(ctx context.Context, tenant id.ID, sql string, fn func(pgx.Rows) error) error {
	b := &pgx.Batch{}
	b.Queue(pg.SQLBind, pg.Binding{Tenant: tenant, Now: s.ops.Clock()}.Args()...)
	b.Queue(sql).Query(fn)
	return s.ops.DB.Pool(pg.Public).SendBatch(ctx, b).Close()
}

// byHost returns the tenant of a public host, nil for none.
func byHost(ctx context.Context, q pg.Querier, host string) (found *id.ID, err error) {
	err = q.QueryRow(ctx, sqlByHost, host).Scan(&found)
	return found, err
}
