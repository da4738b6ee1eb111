package main

import (
	"fmt"

	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
)

type trustCmd struct {
	Check    trustCheckCmd    `cmd:"" help:"Try every promise now and keep the evidence; fails when one does not hold."`
	Evidence trustEvidenceCmd `cmd:"" help:"Write a signed package of evidence of a period."`
	Attest   trustAttestCmd   `cmd:"" help:"Put on record what software cannot see, such as an encrypted volume."`
}

type trustCheckCmd struct {
	config.Config
	Promise []string `placeholder:"P-10" help:"Only these promises."`
	JSON    bool     `name:"json" help:"As JSON."`
}

// Run probes and prints; the exit code is 1 when a promise is failing.
func (t *trustCheckCmd) Run(c *console) error {
	return with(c, &t.Config, func(a *app.App) error {
		report, err := a.TrustCheck(c.ctx, t.Promise...)
		if err != nil {
			return err
		}
		if t.JSON {
			if err := printJSON(c.out, report); err != nil {
				return err
			}
		} else {
			report.Print(c.out)
		}
		return report.Err()
	})
}

type trustAttestCmd struct {
	config.Config
	Promise   string `arg:"" help:"The promise, such as P-13."`
	By        string `required:"" help:"Name of whoever attests it."`
	Statement string `help:"What they attest, in a sentence that readers will see."`
	Until     string `placeholder:"DATE" help:"Last day on which it stands, at most 400 days ahead."`
	Tenant    string `help:"Short name or id of a programme; default: the whole installation."`
	Withdraw  bool   `help:"Take back the attestation that stands."`
	JSON      bool   `name:"json" help:"As JSON."`
}

// Run writes the attestation.
func (t *trustAttestCmd) Run(c *console) error {
	return with(c, &t.Config, func(a *app.App) error {
		e, err := a.Attest(c.ctx, app.AttestInput{Promise: t.Promise, By: t.By, Statement: t.Statement, Until: t.Until, Tenant: t.Tenant, Withdraw: t.Withdraw})
		if err != nil {
			return err
		}
		if t.JSON {
			return printJSON(c.out, e)
		}
		if t.Withdraw {
			fmt.Fprintf(c.out, "The attestation of %s is withdrawn.\n", e.Promise)
			return nil
		}
		fmt.Fprintf(c.out, "%s is attested by %s until %s.\n", e.Promise, e.ByName, e.UntilOn.Format("2 January 2006"))
		return nil
	})
}

type trustEvidenceCmd struct {
	config.Config
	Tenant string `help:"Short name or id of a programme; default: the installation."`
	From   string `required:"" placeholder:"DATE" help:"First day."`
	To     string `required:"" placeholder:"DATE" help:"Last day."`
	Out    string `required:"" type:"path" placeholder:"FILE" help:"The file to write."`
	Force  bool   `help:"Replace the file if it exists."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run writes the package.
func (t *trustEvidenceCmd) Run(c *console) error {
	return with(c, &t.Config, func(a *app.App) error {
		done, err := a.EvidencePackage(c.ctx, app.EvidenceInput{Tenant: t.Tenant, From: t.From, To: t.To, Out: t.Out, Force: t.Force})
		if err != nil {
			return err
		}
		if t.JSON {
			return printJSON(c.out, done)
		}
		fmt.Fprintf(c.out, "%s: %d bytes, signed. Verifier key: %s\n", done.File, done.Size, done.Verifier)
		return nil
	})
}
