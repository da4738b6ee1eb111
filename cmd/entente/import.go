package main

import (
	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
)

type importCmd struct {
	config.Config
	Kind   string `arg:"" enum:"accounts,partners,deals,products" help:"What the rows are: accounts, partners, deals or products."`
	File   string `arg:"" help:"The CSV file; - reads it from standard input."`
	Tenant string `required:"" help:"Short name of the programme."`
	Map    string `type:"path" help:"JSON file that says what columns and values mean; without one they are guessed."`
	DryRun bool   `help:"Check only, and say what would happen."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run imports the file. Refused rows are listed and are no failure: the exit code is 0 unless the file as a whole was
// refused or the import failed.
func (i *importCmd) Run(c *console) error {
	return with(c, &i.Config, func(a *app.App) error {
		done, err := a.Import(c.ctx, app.ImportFile{Kind: i.Kind, Path: i.File, Tenant: i.Tenant, Map: i.Map, DryRun: i.DryRun})
		if err != nil {
			return err
		}
		if i.JSON {
			return printJSON(c.out, done)
		}
		done.Print(c.out)
		return nil
	})
}
