package privacy

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

func ledgerAdd(ctx context.Context, tx *op.Tx, l LedgerLine, replayed *time.Time) error {
	_, err := tx.Exec(ctx, sqlLedgerAdd, l.Tenant, l.ID, l.Request, l.At, jsonOf(l.Hashes), jsonOf(map[string][]id.ID{"contacts": l.Contacts, "members": l.Members}))
	if err == nil && replayed != nil {
		_, err = tx.Exec(ctx, sqlLedgerDone, l.Tenant, l.ID, *replayed)
	}
	return err
}

// ledgerKnown says whether the database knows a line: known, missing, or gone with its programme.
func ledgerKnown(ctx context.Context, tx *op.Tx, l LedgerLine) (string, error) {
	var here bool
	if err := tx.QueryRow(ctx, sqlTenantHere, l.Tenant).Scan(&here); err != nil || !here {
		return "gone", err
	}
	rows, err := tx.Query(ctx, sqlLedgerKnown, l.Tenant, []id.ID{l.ID})
	if err != nil {
		return "", err
	}
	known, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil || len(known) > 0 {
		return "known", err
	}
	return "missing", nil
}

// erasureProof returns the proof that a request was approved, while it is carried out; "" otherwise.
func erasureProof(ctx context.Context, tx *op.Tx, request id.ID) (string, error) {
	var out *string
	err := tx.QueryRow(ctx, sqlErasureProof, request).Scan(&out)
	if err != nil || out == nil {
		return "", err
	}
	return *out, nil
}
