package main

import (
	"errors"
	"fmt"

	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
)

type policyCmd struct {
	List     policyListCmd     `cmd:"" help:"List the built-in policy profiles."`
	Show     policyShowCmd     `cmd:"" help:"Print a profile, or the policy of a programme."`
	Validate policyValidateCmd `cmd:"" help:"Check a profile file; names every problem with its line. Needs no database."`
	Apply    policyApplyCmd    `cmd:"" help:"Give a programme, or all of them, a policy profile as the operator."`
}

type policyListCmd struct {
	config.Config
	JSON bool `name:"json" help:"As JSON."`
}

// Run lists the profiles.
func (p *policyListCmd) Run(c *console) error {
	all := app.PolicyProfiles()
	if p.JSON {
		return printJSON(c.out, all)
	}
	for _, x := range all {
		fmt.Fprintf(c.out, "%-14s %s: %s\n", x.Name, x.Title, x.Source)
	}
	return nil
}

type policyShowCmd struct {
	config.Config
	Profile string `help:"Name of a profile or a profile file; needs no database."`
	Tenant  string `help:"Short name or id of the programme whose policy to print; may be left out where there is one only."`
	JSON    bool   `name:"json" help:"As JSON."`
}

// Run prints a profile or a policy.
func (p *policyShowCmd) Run(c *console) error {
	if p.Profile != "" && p.Tenant != "" {
		return errors.New("give --profile for what a profile says or --tenant for what stands in a programme, not both")
	}
	if p.Profile != "" {
		profile, err := app.ReadProfile(p.Profile)
		if err != nil {
			return err
		}
		if p.JSON {
			return printJSON(c.out, profile)
		}
		app.PrintProfile(c.out, profile)
		return nil
	}
	return with(c, &p.Config, func(a *app.App) error {
		e, err := a.ShowPolicy(c.ctx, p.Tenant)
		if err != nil {
			return err
		}
		if p.JSON {
			return printJSON(c.out, e)
		}
		app.PrintPolicy(c.out, e)
		return nil
	})
}

type policyValidateCmd struct {
	config.Config
	File string `arg:"" type:"path" help:"The profile file: TOML, or YAML when its name ends in .yaml or .yml."`
	JSON bool   `name:"json" help:"As JSON."`
}

// Run checks a file; it fails with everything that is wrong with it.
func (p *policyValidateCmd) Run(c *console) error {
	report, err := app.ValidateProfile(p.File)
	if err != nil {
		return err
	}
	if p.JSON {
		if err := printJSON(c.out, report); err != nil {
			return err
		}
	} else {
		report.Print(c.out)
	}
	if !report.OK {
		return errors.New("the profile is not valid")
	}
	return nil
}

type policyApplyCmd struct {
	config.Config
	Profile string `required:"" help:"Name of a profile or a profile file."`
	Tenant  string `help:"Short name or id of the programme. Default: every programme of the installation that is at work."`
	JSON    bool   `name:"json" help:"As JSON."`
}

// Run applies a profile and prints what changed.
func (p *policyApplyCmd) Run(c *console) error {
	profile, err := app.ReadProfile(p.Profile)
	if err != nil {
		return err
	}
	return with(c, &p.Config, func(a *app.App) error {
		done, err := a.ApplyPolicy(c.ctx, profile, p.Tenant)
		if err != nil {
			return err
		}
		if p.JSON {
			return printJSON(c.out, done)
		}
		for _, d := range done {
			d.Print(c.out)
		}
		return nil
	})
}
