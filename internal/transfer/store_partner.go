package transfer

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlAllPartners = `
select partner_id, name, name_norm, kind, domains, country, region, coalesce(external_id, '') as external_id, version, import_id from partner
 where tenant_id = $1 order by created_at, partner_id limit 20000`

	sqlAllMembers = `
select member_id, partner_id, role, name, email, status, version, import_id from member
 where tenant_id = $1 and kind = 'person' and status <> 'removed' order by created_at, member_id limit 100000`

	sqlAddPartners = `
insert into partner (tenant_id, partner_id, name, name_norm, kind, domains, country, region, status, external_id, import_id, created_at, updated_at)
select $1, v.partner_id, v.name, v.name_norm, v.kind, v.domains, v.country, v.region, 'active', nullif(v.external_id, ''), $2, $3, $3
  from jsonb_to_recordset($4::jsonb) as v (partner_id uuid, name text, name_norm text, kind text, domains text[], country text, region text, external_id text)`

	// What this very import made stays at its first version, so that undo still knows it as untouched.
	sqlSetPartners = `
update partner p set kind = v.kind, domains = v.domains, country = v.country, region = v.region, external_id = nullif(v.external_id, ''),
       version = p.version + case when v.own then 0 else 1 end, updated_at = $2
  from jsonb_to_recordset($3::jsonb) as v (partner_id uuid, kind text, domains text[], country text, region text, external_id text, version int, own boolean)
 where p.tenant_id = $1 and p.partner_id = v.partner_id and p.version = v.version
returning p.partner_id`

	sqlAddMembers = `
insert into member (tenant_id, member_id, partner_id, role, name, email, status, import_id, created_at, updated_at)
select $1, v.member_id, v.partner_id, v.role, v.name, v.email, 'listed', $2, $3, $3
  from jsonb_to_recordset($4::jsonb) as v (member_id uuid, partner_id uuid, role text, name text, email text)`

	sqlSetMembers = `
update member m set email = v.email, version = m.version + case when v.own then 0 else 1 end, updated_at = $2
  from jsonb_to_recordset($3::jsonb) as v (member_id uuid, email text, version int, own boolean)
 where m.tenant_id = $1 and m.member_id = v.member_id and m.version = v.version and m.status = 'listed'
returning m.member_id`
)

// partnerRecord is a partner company as an import reads and writes it.
type partnerRecord struct {
	ID         id.ID    `db:"partner_id" json:"partner_id"`
	Name       string   `db:"name" json:"name"`
	NameNorm   string   `db:"name_norm" json:"name_norm"`
	Kind       string   `db:"kind" json:"kind"`
	Domains    []string `db:"domains" json:"domains"`
	Country    string   `db:"country" json:"country"`
	Region     string   `db:"region" json:"region"`
	ExternalID string   `db:"external_id" json:"external_id"`
	Version    int      `db:"version" json:"version"`
	Import     id.ID    `db:"import_id" json:"-"`
	Own        bool     `db:"-" json:"own"` // made by the import that changes it
}

// memberRecord is a person of the programme likewise.
type memberRecord struct {
	ID      id.ID  `db:"member_id" json:"member_id"`
	Partner id.ID  `db:"partner_id" json:"partner_id,omitzero"`
	Role    string `db:"role" json:"role"`
	Name    string `db:"name" json:"name"`
	Email   string `db:"email" json:"email"`
	Status  string `db:"status" json:"status"`
	Version int    `db:"version" json:"version"`
	Import  id.ID  `db:"import_id" json:"-"`
	Own     bool   `db:"-" json:"own"`
}

func allPartners(ctx context.Context, tx *op.Tx) ([]partnerRecord, error) {
	rows, err := tx.Query(ctx, sqlAllPartners, tx.Who.Tenant)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[partnerRecord])
}

func allMembers(ctx context.Context, tx *op.Tx) ([]memberRecord, error) {
	rows, err := tx.Query(ctx, sqlAllMembers, tx.Who.Tenant)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[memberRecord])
}

func addPartners(ctx context.Context, tx *op.Tx, run id.ID, list []partnerRecord) error {
	return add(ctx, tx, sqlAddPartners, run, list)
}

func addMembers(ctx context.Context, tx *op.Tx, run id.ID, list []memberRecord) error {
	return add(ctx, tx, sqlAddMembers, run, list)
}

func add[T any](ctx context.Context, tx *op.Tx, sql string, run id.ID, list []T) error {
	if len(list) == 0 {
		return nil
	}
	arg, err := json.Marshal(list)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sql, tx.Who.Tenant, run, tx.Now, string(arg))
	return err
}

func setPartners(ctx context.Context, tx *op.Tx, list []partnerRecord) (map[id.ID]bool, error) {
	return set(ctx, tx, sqlSetPartners, list)
}

func setMembers(ctx context.Context, tx *op.Tx, list []memberRecord) (map[id.ID]bool, error) {
	return set(ctx, tx, sqlSetMembers, list)
}
