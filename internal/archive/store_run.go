package archive

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlRunColumns = `select run_id, status, step, done, total, file_id, bytes, failure, created_by_name, created_at, finished_at from archive_run where tenant_id = (select app.tenant())`
	sqlRuns       = sqlRunColumns + ` order by created_at desc, run_id desc limit 10`
	sqlRun        = sqlRunColumns + ` and run_id = $1`
	sqlInsertRun  = `insert into archive_run (tenant_id, run_id, status, created_by, created_by_name, created_at) values (app.tenant(), $1, $2, $3, $4, $5)`
	sqlProgress   = `update archive_run set status = 'working', step = $2, done = $3, total = $4 where tenant_id = (select app.tenant()) and run_id = $1 and status in ('waiting', 'working')`
	sqlFinishRun  = `update archive_run set status = 'done', step = '', file_id = $2, bytes = $3, done = $4, total = $4, finished_at = $5 where tenant_id = (select app.tenant()) and run_id = $1`
	sqlFailRun    = `update archive_run set status = 'failed', failure = $2, finished_at = $3 where tenant_id = (select app.tenant()) and run_id = $1`
)

func runs(ctx context.Context, tx *op.Tx) ([]Run, error) {
	rows, err := tx.Query(ctx, sqlRuns)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Run])
}

func getRun(ctx context.Context, tx *op.Tx, v id.ID) (r Run, err error) {
	rows, err := tx.Query(ctx, sqlRun, v)
	if err != nil {
		return r, err
	}
	err = pg.One(&r, pgx.RowToStructByName[Run], "archive")(rows)
	return r, err
}

func insertRun(ctx context.Context, tx *op.Tx, r Run, by id.ID) error {
	_, err := tx.Exec(ctx, sqlInsertRun, r.ID, r.Status, by, r.ByName, r.CreatedAt)
	return err
}

func setProgress(ctx context.Context, tx *op.Tx, v id.ID, p Progress) error {
	_, err := tx.Exec(ctx, sqlProgress, v, p.Step, p.Done, p.Total)
	return err
}

func finishRun(ctx context.Context, tx *op.Tx, v, fileID id.ID, bytes, rows int64) error {
	_, err := tx.Exec(ctx, sqlFinishRun, v, fileID, bytes, rows, tx.Now)
	return err
}

func failRun(ctx context.Context, tx *op.Tx, v id.ID, why string) error {
	_, err := tx.Exec(ctx, sqlFailRun, v, why, tx.Now)
	return err
}
