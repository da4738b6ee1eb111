package transfer

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlAllProducts = `
select product_id, name, series, price_minor, coalesce(external_id, '') as external_id, version from product where tenant_id = $1 order by name, product_id limit 10000 for update`

	sqlAddProducts = `
insert into product (tenant_id, product_id, name, series, price_minor, external_id, import_id)
select $1, v.product_id, v.name, v.series, v.price_minor, nullif(v.external_id, ''), $2
  from jsonb_to_recordset($3::jsonb) as v (product_id uuid, name text, series text, price_minor bigint, external_id text)`

	sqlSetProducts = `
update product p set name = v.name, series = v.series, price_minor = v.price_minor, external_id = nullif(v.external_id, ''), version = p.version + 1
  from jsonb_to_recordset($3::jsonb) as v (product_id uuid, name text, series text, price_minor bigint, external_id text, version int)
 where p.tenant_id = $1 and p.product_id = v.product_id and p.version = v.version and $2::timestamptz is not null
returning p.product_id`
)

// productRecord is a product as an import reads and writes it.
type productRecord struct {
	ID         id.ID  `db:"product_id" json:"product_id"`
	Name       string `db:"name" json:"name"`
	Series     string `db:"series" json:"series"`
	PriceMinor *int64 `db:"price_minor" json:"price_minor"`
	ExternalID string `db:"external_id" json:"external_id"`
	Version    int    `db:"version" json:"version"`
}

func allProducts(ctx context.Context, tx *op.Tx) ([]productRecord, error) {
	rows, err := tx.Query(ctx, sqlAllProducts, tx.Who.Tenant)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[productRecord])
}

func addProducts(ctx context.Context, tx *op.Tx, run id.ID, list []productRecord) error {
	if len(list) == 0 {
		return nil
	}
	arg, err := json.Marshal(list)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sqlAddProducts, tx.Who.Tenant, run, string(arg))
	return err
}

func setProducts(ctx context.Context, tx *op.Tx, list []productRecord) (map[id.ID]bool, error) {
	return set(ctx, tx, sqlSetProducts, list)
}
