package trust

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlInsertConcern = `
insert into concern (tenant_id, concern_id, kind, name, email, body, created_at) values ((select app.tenant()), $1, $2, $3, $4, $5, $6)`

	sqlGetConcern = `
select concern_id, kind, name, email, body, status, answer, answered_by_name, answered_at, version, created_at
  from concern where tenant_id = (select app.tenant()) and concern_id = $1`
	sqlLockConcern = sqlGetConcern + ` for update`

	sqlListConcerns = `
select concern_id, kind, name, email, body, status, answer, answered_by_name, answered_at, version, created_at
  from concern where tenant_id = (select app.tenant()) and (not $1 or status = 'open') and (created_at, concern_id) < ($2, $3)
 order by created_at desc, concern_id desc limit $4`

	sqlConcernsSince = `
select count(*) from (select from concern where tenant_id = (select app.tenant()) and created_at > $1 order by created_at desc limit $2) c`

	sqlUpdateConcern = `
update concern set status = $2, answer = $3, answered_by = $4, answered_by_name = $5, answered_at = $6, version = $7
 where tenant_id = (select app.tenant()) and concern_id = $1`

	sqlAdmins = `
select name, email from member where tenant_id = (select app.tenant()) and role = 'admin' and kind = 'person' and status = 'active' and email <> '' order by name, member_id limit 50`
)

type admin struct{ Name, Email string }

func adminsIn(ctx context.Context, tx *op.Tx) ([]admin, error) {
	rows, err := tx.Query(ctx, sqlAdmins)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[admin])
}

func insertConcern(ctx context.Context, tx *op.Tx, c Concern) error {
	_, err := tx.Exec(ctx, sqlInsertConcern, c.ID, c.Kind, c.Name, c.Email, c.Body, c.CreatedAt)
	return err
}

func getConcern(ctx context.Context, tx *op.Tx, v id.ID, lock bool) (Concern, error) {
	sql := sqlGetConcern
	if lock {
		sql = sqlLockConcern
	}
	rows, err := tx.Query(ctx, sql, v)
	if err != nil {
		return Concern{}, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Concern])
	if errors.Is(err, pgx.ErrNoRows) {
		return c, errs.Missing("concern")
	}
	return c, err
}

func listConcerns(ctx context.Context, tx *op.Tx, openOnly bool, at time.Time, last id.ID, limit int) ([]Concern, error) {
	rows, err := tx.Query(ctx, sqlListConcerns, openOnly, at, last, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Concern])
}

// concernsSince counts the newest concerns, up to a limit.
func concernsSince(ctx context.Context, tx *op.Tx, since time.Time, limit int) (n int, err error) {
	return n, tx.QueryRow(ctx, sqlConcernsSince, since, limit).Scan(&n)
}

func updateConcern(ctx context.Context, tx *op.Tx, c Concern) error {
	_, err := tx.Exec(ctx, sqlUpdateConcern, c.ID, c.Status, c.Answer, tx.Who.Member, c.AnsweredBy, c.AnsweredAt, c.Version)
	return err
}
