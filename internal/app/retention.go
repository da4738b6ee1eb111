package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/retention"
	"entente.dev/internal/tenant"
)

// retentionOptions is what retention asks of the other rooms.
func (a *App) retentionOptions() retention.Options {
	return retention.Options{
		Head: func(ctx context.Context, v id.ID) (retention.Head, error) {
			h, err := a.Seal.Head(ctx, access.NewSystem(v, "retention"))
			return retention.Head{Size: int64(h.Size), Root: h.Root.String(), At: h.At}, err
		},
		Expire: map[string]func(context.Context, id.ID, bool) (int64, error){
			"file.sweep": func(ctx context.Context, v id.ID, dry bool) (int64, error) {
				if dry {
					return 0, nil
				}
				n, err := a.Files.Sweep(ctx, v)
				return int64(n), err
			},
		},
		Alarm: func(_ id.ID, outcome string) { a.metrics.kept.WithLabelValues(outcome).Inc() },
	}
}

// keep is the periodic job of retention over all programmes.
func (a *App) keep(trigger string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := a.Retention.RunAll(ctx, trigger)
		return err
	}
}

// KeptRun is the report of one programme's run.
type KeptRun struct {
	Tenant string `json:"tenant"`
	retention.Run
}

// Kept is what `entente retention run` answers.
type Kept struct {
	DryRun bool      `json:"dry_run"`
	Runs   []KeptRun `json:"runs"`
}

// programmes returns the programmes that a command is about: one by its slug or id, or all that are not purged.
func (a *App) programmes(ctx context.Context, slug string) ([]tenant.Entry, error) {
	if slug != "" {
		t, err := a.named(ctx, slug)
		return []tenant.Entry{t}, err
	}
	return a.TenantsAre(ctx, false)
}

// KeepNow runs retention for one programme or all of them, beside a running server or without one.
func (a *App) KeepNow(ctx context.Context, slug string, dry bool) (Kept, error) {
	out := Kept{DryRun: dry, Runs: []KeptRun{}}
	list, err := a.programmes(ctx, slug)
	if err != nil {
		return out, err
	}
	for _, t := range list {
		if t.Status == tenant.Purged {
			continue
		}
		r, runErr := a.Retention.RunTenant(ctx, t.ID, retention.Command, dry)
		if runErr != nil {
			runErr = fmt.Errorf("%s: %w", t.Slug, runErr)
		}
		if r.ID != id.Nil {
			out.Runs = append(out.Runs, KeptRun{t.Slug, r})
		}
		err = errors.Join(err, runErr)
	}
	return out, err
}

// Print writes the reports for people.
func (k Kept) Print(w io.Writer) {
	for _, r := range k.Runs {
		fmt.Fprintf(w, "%s: %s, %s (as of %s)\n", r.Tenant, r.Outcome, r.Sentence(), r.AsOf.Format(time.RFC3339))
		if r.Problem != "" {
			fmt.Fprintln(w, "  "+r.Problem)
		}
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		for _, c := range r.Counts {
			fmt.Fprintf(t, "  %s\t%s\tremoved %d\temptied %d\theld %d\twaiting %d\t%s\n", c.Category, c.Table, c.Removed, c.Blanked, c.Held, c.Blocked, c.Problem)
		}
		_ = t.Flush()
	}
}

// Foretold is what retention would do in one programme.
type Foretold struct {
	Tenant string `json:"tenant"`
	retention.Simulation
}

// Foretelling is what `entente retention simulate` answers.
type Foretelling struct {
	Programmes []Foretold `json:"programmes"`
}

// Foretell says what would remain on which day, for one programme or all of them.
func (a *App) Foretell(ctx context.Context, slug, until string) (Foretelling, error) {
	out := Foretelling{Programmes: []Foretold{}}
	list, err := a.programmes(ctx, slug)
	if err != nil {
		return out, err
	}
	for _, t := range list {
		if t.Status == tenant.Purged {
			continue
		}
		s, err := a.Retention.Simulate(ctx, access.NewOperator(t.ID), until)
		if err != nil {
			return out, err
		}
		out.Programmes = append(out.Programmes, Foretold{t.Slug, s})
	}
	return out, nil
}

// Print writes the simulation for people.
func (f Foretelling) Print(w io.Writer) {
	for _, p := range f.Programmes {
		fmt.Fprintf(w, "%s: from %s until %s\n", p.Tenant, p.From, p.Until)
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		fmt.Fprintln(t, "  CATEGORY\tTABLE\tNOW\tFIRST GOES\tEMPTY ON\tREMAINS")
		for _, o := range p.Tables {
			if o.Now > 0 {
				fmt.Fprintf(t, "  %s\t%s\t%d\t%s\t%s\t%d\n", o.Category, o.Table, o.Now, o.FirstDay, o.EmptyOn, o.Kept)
			}
		}
		_ = t.Flush()
	}
}
