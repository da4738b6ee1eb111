package pg

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// poolOf opens a small pool on a connection config that has already been parsed.
func poolOf(ctx context.Context, cfg *pgx.ConnConfig) (*pgxpool.Pool, error) {
	pc, err := pgxpool.ParseConfig(cfg.ConnString())
	if err != nil {
		return nil, err
	}
	pc.ConnConfig = cfg
	pc.MaxConns = 2
	return pgxpool.NewWithConfig(ctx, pc)
}
