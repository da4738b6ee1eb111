package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
)

type auditCmd struct {
	Export     auditExportCmd     `cmd:"" help:"Write a bundle of a programme's sealed log, to verify offline."`
	Verify     auditVerifyCmd     `cmd:"" help:"Verify a bundle without any database, or the log as it stands with --live."`
	Checkpoint auditCheckpointCmd `cmd:"" help:"Print a programme's newest signed checkpoint; keep it elsewhere."`
}

// moment is a day or a time.
func moment(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s %s: give a day such as 2026-01-31 or a time such as 2026-01-31T10:00:00Z", flag, s)
}

type auditExportCmd struct {
	config.Config
	Tenant     string `placeholder:"SLUG" help:"Short name of the programme, or its id; may be left out where there is one only."`
	From       string `placeholder:"DAY" help:"The first day or moment that counts, UTC. Default: the beginning."`
	To         string `placeholder:"DAY" help:"The first day or moment that no longer counts, UTC. Default: now."`
	Checkpoint string `type:"path" placeholder:"FILE" help:"A checkpoint you kept: the bundle holds the proof that it is a beginning of the log."`
	Out        string `type:"path" placeholder:"FILE" help:"Where to write it. Default: audit-SLUG-DAY.zip."`
	Force      bool   `help:"Replace the file if it exists."`
	JSON       bool   `name:"json" help:"As JSON."`
}

// Run writes the bundle.
func (e *auditExportCmd) Run(c *console) error {
	from, err := moment("--from", e.From)
	if err != nil {
		return err
	}
	to, err := moment("--to", e.To)
	if err != nil {
		return err
	}
	return with(c, &e.Config, func(a *app.App) error {
		if e.Out == "" {
			e.Out = fmt.Sprintf("audit-%s-%s.zip", cmp.Or(e.Tenant, "log"), a.Ops.Clock().UTC().Format(time.DateOnly))
		}
		out, err := a.ExportAudit(c.ctx, app.AuditExport{Tenant: e.Tenant, From: from, To: to, Checkpoint: e.Checkpoint, Out: e.Out, Force: e.Force})
		if err != nil {
			return err
		}
		if e.JSON {
			return printJSON(c.out, out)
		}
		fmt.Fprintf(c.out, "%s: %d entries of a log of %d.\nVerify it anywhere: entente audit verify %s --key '%s'\n", out.File, out.Entries, out.Size, out.File, out.Verifier)
		return nil
	})
}

type auditVerifyCmd struct {
	config.Config
	Bundle     string `arg:"" optional:"" type:"path" help:"The bundle; needs no database."`
	Live       bool   `help:"Verify the logs in the database instead."`
	Tenant     string `placeholder:"TENANT" help:"With --live: the programme's short name or id; default: all. With a bundle: the id it must be of."`
	Checkpoint string `type:"path" placeholder:"FILE" help:"A checkpoint you kept: what is verified must continue it."`
	Key        string `placeholder:"VERIFIER" help:"The public key you know; default: the bundle's own word."`
	JSON       bool   `name:"json" help:"As JSON."`
}

// Run verifies; it fails when anything was tampered with.
func (v *auditVerifyCmd) Run(c *console) error {
	if v.Live == (v.Bundle != "") {
		return errors.New("name a bundle, or use --live")
	}
	if !v.Live {
		r, err := app.VerifyAuditBundle(v.Bundle, v.Checkpoint, v.Key, v.Tenant)
		if err != nil {
			return err
		}
		return v.report(c, r.OK, r, func() { app.PrintAuditReport(c.out, r) })
	}
	if v.Checkpoint != "" && v.Tenant == "" {
		return errors.New("--checkpoint is of one programme: name it with --tenant")
	}
	return with(c, &v.Config, func(a *app.App) error {
		all, err := a.VerifyAuditLive(c.ctx, v.Tenant, v.Checkpoint)
		if err != nil {
			return err
		}
		ok := true
		for _, r := range all {
			ok = ok && r.OK
		}
		return v.report(c, ok, all, func() {
			for _, r := range all {
				app.PrintAuditReport(c.out, r)
			}
		})
	})
}

func (v *auditVerifyCmd) report(c *console, ok bool, doc any, print func()) error {
	if v.JSON {
		if err := printJSON(c.out, doc); err != nil {
			return err
		}
	} else {
		print()
	}
	if !ok {
		return errors.New("the log was tampered with")
	}
	return nil
}

type auditCheckpointCmd struct {
	config.Config
	Tenant string `placeholder:"SLUG" help:"Short name of the programme, or its id; may be left out where there is one only."`
	JSON   bool   `name:"json" help:"As JSON, with the public key."`
}

// Run prints the signed checkpoint.
func (k *auditCheckpointCmd) Run(c *console) error {
	return with(c, &k.Config, func(a *app.App) error {
		out, err := a.CheckpointAudit(c.ctx, k.Tenant)
		if err != nil {
			return err
		}
		if k.JSON {
			return printJSON(c.out, out)
		}
		_, err = fmt.Fprint(c.out, out.Note)
		return err
	})
}
