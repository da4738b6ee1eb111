package app

import (
	"context"
	"fmt"
)

// replayErasures erases again what the ledger beside the database knows and the database does not, before anybody is served: the
// database was restored from a backup that is older than an erasure.
func (a *App) replayErasures(ctx context.Context) error {
	done, err := a.Privacy.Replay(ctx, "")
	if err != nil {
		return fmt.Errorf("erase again what a restored database brought back: %w", err)
	}
	if done.Missing > 0 {
		a.Log.Warn("the database is older than the erasure ledger; what was erased is erased again", "erasures", done.Missing, "rows", done.Rows)
	}
	return nil
}
