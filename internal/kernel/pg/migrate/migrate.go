// Package migrate runs Entente's embedded, forward-only migrations.
package migrate

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"entente.dev/db"
)

// Up applies every migration that is missing, in order, each in its own transaction, and returns how many it applied. It
// refuses a database that a newer program has migrated further than this one knows.
func Up(ctx context.Context, cfg *pgx.ConnConfig) (int, error) {
	sql := stdlib.OpenDB(*cfg)
	defer sql.Close()
	files, err := fs.Sub(db.Migrations, "migrations")
	if err != nil {
		return 0, err
	}
	store, err := database.NewStore(database.DialectPostgres, "app.schema_version")
	if err != nil {
		return 0, err
	}
	p, err := goose.NewProvider("", sql, files, goose.WithStore(store))
	if err != nil {
		return 0, fmt.Errorf("read the migrations: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the schema version: %w", err)
	}
	if latest := Latest(); have > latest {
		return 0, fmt.Errorf("the database has schema version %d and this program knows %d: start the newer program that migrated it, or restore the backup from before the upgrade", have, latest)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return len(done), fmt.Errorf("migrate: %w", err)
	}
	return len(done), nil
}

// Latest returns the schema version that this program brings.
func Latest() int64 {
	entries, err := fs.ReadDir(db.Migrations, "migrations")
	if err != nil {
		return 0
	}
	var latest int64
	for _, e := range entries {
		if v, err := goose.NumericComponent(e.Name()); err == nil {
			latest = max(latest, v)
		}
	}
	return latest
}
