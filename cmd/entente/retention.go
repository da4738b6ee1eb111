package main

import (
	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
)

type retentionCmd struct {
	Run      retentionRunCmd      `cmd:"" help:"Delete now what is past its period, and report it."`
	Simulate retentionSimulateCmd `cmd:"" help:"Say what would remain on which day. Changes nothing."`
}

type retentionRunCmd struct {
	config.Config
	Tenant string `help:"Short name or id of one programme; without it every programme."`
	DryRun bool   `help:"Count only, and delete nothing."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run deletes what is past its period. It fails when a run was refused or failed.
func (r *retentionRunCmd) Run(c *console) error {
	return with(c, &r.Config, func(a *app.App) error {
		done, err := a.KeepNow(c.ctx, r.Tenant, r.DryRun)
		if err != nil && len(done.Runs) == 0 {
			return err
		}
		if r.JSON {
			if jsonErr := printJSON(c.out, done); jsonErr != nil {
				return jsonErr
			}
			return err
		}
		done.Print(c.out)
		return err
	})
}

type retentionSimulateCmd struct {
	config.Config
	Until  string `help:"Last day to foretell, YYYY-MM-DD; without it ten years from today."`
	Tenant string `help:"Short name or id of one programme; without it every programme."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run foretells.
func (r *retentionSimulateCmd) Run(c *console) error {
	return with(c, &r.Config, func(a *app.App) error {
		out, err := a.Foretell(c.ctx, r.Tenant, r.Until)
		if err != nil {
			return err
		}
		if r.JSON {
			return printJSON(c.out, out)
		}
		out.Print(c.out)
		return nil
	})
}
