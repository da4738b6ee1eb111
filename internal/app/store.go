package app

import (
	"context"

	"entente.dev/internal/kernel/pg"
)

const (
	sqlServer     = `select current_setting('server_version'), current_setting('fsync'), current_setting('full_page_writes'), clock_timestamp()`
	sqlPartitions = `select app.ensure_partitions(now(), 4)`
)

// lookAtServer reads the server's version, two durability settings and clock into dst.
func (a *App) lookAtServer(ctx context.Context, dst ...any) error {
	return a.DB.Pool(pg.Public).QueryRow(ctx, sqlServer).Scan(dst...)
}

// makePartitions keeps the monthly partitions of the two logs ahead of the calendar.
func (a *App) makePartitions(ctx context.Context) error {
	_, err := a.DB.Pool(pg.Worker).Exec(ctx, sqlPartitions)
	return err
}
