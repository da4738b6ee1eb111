package app

import (
	"context"
	"fmt"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/trust"
)

// The probes of the group “Retention and rights” that need more than one room.

// probeBenchmarks is P-29.
func (a *App) probeBenchmarks(ctx context.Context, _ id.ID) trust.Finding {
	const checked = "A figure of nine programmes was refused, by the program and by the database; %d released figures and what lies between them."
	wrong, looked, err := a.Benchmarks.Try(ctx)
	return verdict(fmt.Sprintf(checked, looked), looked+2, wrong, err)
}

// probeRights is P-25.
func (a *App) probeRights(ctx context.Context, tenant id.ID) trust.Finding {
	const checked = "A made-up person in several tables, free text, history and log was searched for, and an erasure planned; and the newest certificate."
	t, err := a.Privacy.TryRights(ctx, tenant)
	return verdict(checked, t.Looked, t.Wrong, err)
}

// probeReplay is P-27.
func (a *App) probeReplay(ctx context.Context, tenant id.ID) trust.Finding {
	const checked = "A made-up person was brought back as a restore would, and erased again by a line of the ledger; file and database know the same erasures."
	t, err := a.Privacy.TryReplay(ctx, tenant)
	return verdict(checked, t.Looked, t.Wrong, err)
}
