package pg

import (
	"errors"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
)

// Each calls fn with every row, one after the other, without holding them in memory.
func Each[T any](rows pgx.Rows, scan pgx.RowToFunc[T], fn func(T) error) error {
	defer rows.Close()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return err
		}
		if err := fn(v); err != nil {
			return err
		}
	}
	return rows.Err()
}

// One returns what reads exactly one row into out; none is NotFound, of what noun names.
func One[T any](out *T, scan pgx.RowToFunc[T], noun string) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectExactlyOneRow(rows, scan)
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.Missing(noun)
		}
		return err
	}
}
