package app

import (
	"context"
	"fmt"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/trust"
)

// treeHead returns the newest signed head of a programme's audit log; zero for the installation and before the first.
func (a *App) treeHead(ctx context.Context, tenant id.ID) (int64, string, error) {
	if tenant == id.Nil {
		return 0, "", nil
	}
	h, err := a.Seal.Checkpoint(ctx, tenant)
	if errs.IsKind(err, errs.NotFound) {
		return 0, "", nil
	}
	return h.Size, h.Root.String(), err
}

// probeLog is P-19: the whole log against its tree, and the tree against the oldest checkpoint that is stored.
func (a *App) probeLog(ctx context.Context, tenant id.ID) trust.Finding {
	const checked = "The audit log against its tree."
	fail := func(err error) trust.Finding {
		return trust.Finding{Result: trust.Failing, Checked: checked, Detail: "The probe could not finish: " + err.Error()}
	}
	if err := a.Seal.Tick(ctx); err != nil { // with what was done until now
		return fail(err)
	}
	kept, err := a.Trust.OldestCheckpoint(ctx, tenant)
	if err != nil {
		return fail(err)
	}
	r, err := a.Seal.Verify(ctx, access.NewSystem(tenant, "promise probe"), kept)
	if err != nil {
		return fail(err)
	}
	f := trust.Finding{Result: trust.Kept, Items: int(r.Entries), Checked: fmt.Sprintf("%d entries were compared with the signed tree of %d and the oldest stored checkpoint, and %d payloads with what was committed to.", r.Entries, r.Size, r.Payloads)}
	if !r.OK {
		f.Result, f.Detail = trust.Failing, fmt.Sprintf("%d findings", int64(len(r.Findings))+r.More)
		for _, one := range r.Findings[:min(3, len(r.Findings))] {
			f.Detail += "; " + one.Text
		}
	}
	return f
}

// probeBenchmarks is P-29.
func (a *App) probeBenchmarks(ctx context.Context, _ id.ID) trust.Finding {
	const checked = "A figure of nine programmes was refused, by the program and by the database; %d released figures and what lies between them."
	wrong, looked, err := a.Benchmarks.Try(ctx)
	f := trust.Finding{Result: trust.Kept, Items: looked + 2, Checked: fmt.Sprintf(checked, looked)}
	switch {
	case err != nil:
		f.Result, f.Detail = trust.Failing, "The probe could not finish: "+err.Error()
	case len(wrong) > 0:
		f.Result, f.Detail = trust.Failing, strings.Join(wrong[:min(5, len(wrong))], "; ")
	}
	return f
}
