package archive

import (
	"context"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlArrive   = `select app.archive_arrive($1, $2)`
	sqlDefer    = `set constraints all deferred`
	sqlArrival  = `insert into arrival (tenant_id, arrival_id, manifest, signed_by, exported_at, arrived_at) values (app.tenant(), $1, $2, $3, $4, $5)`
	sqlPerson   = `select app.archive_person($1, $2, $3)`
	sqlInsert   = `select app.archive_insert($1, $2, $3::jsonb)`
	sqlSettle   = `select app.archive_settle($1, $2::jsonb)`
	sqlRegister = `select count(*) from app.tenant_list() t where t.tenant_id = $1 or t.slug = $2`
)

// arrive makes the tenant, with nothing in it yet.
func arrive(ctx context.Context, tx *op.Tx, t Tenant, a *Archive) error {
	var there int
	if err := tx.QueryRow(ctx, sqlRegister, t.ID, t.Slug).Scan(&there); err != nil {
		return err
	}
	taken := errs.New(errs.Conflict, "tenant.exists", "There is a programme with this id or the short name %q in this installation already. Choose another name with --slug, or another installation.", t.Slug)
	if there > 0 {
		return taken
	}
	if _, err := tx.Exec(ctx, sqlDefer); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlArrive, t.Slug, t.Name); err != nil {
		if c := pg.Constraint(err); c == "tenant_slug_uq" || c == "tenant_pk" {
			return taken
		}
		return err
	}
	_, err := tx.Exec(ctx, sqlArrival, id.New(), a.digest, a.SignedBy, a.Manifest.ExportedAt, tx.Now)
	return err
}

func findPerson(ctx context.Context, tx *op.Tx, p person) (here id.ID, err error) {
	err = tx.QueryRow(ctx, sqlPerson, p.ID, p.Email, p.Name).Scan(&here)
	return here, err
}

func insertRows(ctx context.Context, tx *op.Tx, table string, columns []string, rows string) error {
	_, err := tx.Exec(ctx, sqlInsert, table, columns, rows)
	return err
}

func settleTenant(ctx context.Context, tx *op.Tx, columns []string, row string) error {
	_, err := tx.Exec(ctx, sqlSettle, columns, row)
	return err
}
