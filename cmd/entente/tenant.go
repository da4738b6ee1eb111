package main

import (
	"cmp"
	"fmt"
	"time"

	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
)

type tenantCmd struct {
	List        tenantListCmd        `cmd:"" help:"List the programmes of this installation."`
	Export      tenantExportCmd      `cmd:"" help:"Write everything of a programme into one archive."`
	Delete      tenantDeleteCmd      `cmd:"" help:"Put a programme on its way out, or erase it at once."`
	Keep        tenantKeepCmd        `cmd:"" help:"Take the deletion of a programme back."`
	Certificate tenantCertificateCmd `cmd:"" help:"Print the signed certificate of a programme that was erased."`
	Import      tenantImportCmd      `cmd:"" help:"Bring in a programme from the archive of another installation."`
}

type tenantListCmd struct {
	config.Config
	All  bool `help:"Those that are gone, too."`
	JSON bool `name:"json" help:"As JSON."`
}

// Run lists the programmes.
func (t *tenantListCmd) Run(c *console) error {
	return with(c, &t.Config, func(a *app.App) error {
		list, err := a.TenantsAre(c.ctx, t.All)
		if err != nil {
			return err
		}
		if t.JSON {
			return printJSON(c.out, list)
		}
		for _, v := range list {
			fmt.Fprintf(c.out, "%-20s %-10s %s  %s\n", v.Slug, v.Status, v.ID, v.Name)
		}
		return nil
	})
}

type tenantExportCmd struct {
	config.Config
	Tenant string `help:"Short name of the programme, or its id; may be left out where there is one only."`
	Out    string `type:"path" placeholder:"FILE" help:"The archive to write. Default: tenant-TENANT-DAY.zip."`
	Force  bool   `help:"Replace the file if it exists."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run writes the archive; the file appears only when it is whole.
func (t *tenantExportCmd) Run(c *console) error {
	return with(c, &t.Config, func(a *app.App) error {
		if t.Out == "" {
			t.Out = fmt.Sprintf("tenant-%s-%s.zip", cmp.Or(t.Tenant, "programme"), a.Ops.Clock().UTC().Format(time.DateOnly))
		}
		done, err := a.ExportTenant(c.ctx, t.Tenant, t.Out, t.Force, nil)
		if err != nil {
			return err
		}
		if t.JSON {
			return printJSON(c.out, done)
		}
		fmt.Fprintf(c.out, "%s: %d rows, %d bytes. To take it in elsewhere:\n  entente tenant import %s --trust-key '%s'\n", done.File, done.Manifest.Rows, done.Bytes, done.File, done.Verifier)
		return nil
	})
}

type tenantImportCmd struct {
	config.Config
	File     string `arg:"" type:"path" help:"The archive."`
	Slug     string `help:"Short name in this installation. Default: as in the archive."`
	TrustKey string `help:"Key of the installation that wrote the archive, as its export printed it."`
	Unsigned bool   `help:"Take the archive without knowing who signed it."`
	JSON     bool   `name:"json" help:"As JSON."`
}

// Run brings the programme in: all of it or nothing.
func (t *tenantImportCmd) Run(c *console) error {
	return with(c, &t.Config, func(a *app.App) error {
		done, err := a.ImportTenant(c.ctx, app.TenantArrival{Path: t.File, Slug: t.Slug, TrustKey: t.TrustKey, Unsigned: t.Unsigned})
		if err != nil {
			return err
		}
		if t.JSON {
			return printJSON(c.out, done)
		}
		fmt.Fprintf(c.out, "Programme %s (%s) is here: %d rows, %d people. People without a login here get in by \"Forgot password\".\n", done.Tenant.Slug, done.Tenant.ID, done.Rows, done.Persons)
		return nil
	})
}

type tenantDeleteCmd struct {
	config.Config
	Tenant string `required:"" help:"Short name of the programme, or its id."`
	Reason string `required:"" help:"Why."`
	Now    bool   `help:"Close and erase it at once, without the time to think it over that the data policy gives."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run puts the programme on its way out. With --now it may be run again until the programme is gone.
func (t *tenantDeleteCmd) Run(c *console) error {
	return with(c, &t.Config, func(a *app.App) error {
		done, err := a.DeleteTenant(c.ctx, app.TenantDeletion{Tenant: t.Tenant, Reason: t.Reason, Now: t.Now})
		if err != nil {
			return err
		}
		if t.JSON {
			return printJSON(c.out, done)
		}
		fmt.Fprintf(c.out, "Programme %s (%s) is %s.\n", done.Tenant, done.TenantID, done.Status)
		if done.Certificate != "" {
			fmt.Fprint(c.out, done.Certificate)
		} else if done.Status == "closed" {
			fmt.Fprintln(c.out, "A legal hold keeps it. It is erased when the hold ends.")
		} else if done.PurgeAfter != nil {
			fmt.Fprintf(c.out, "It is erased on %s. Until then: entente tenant keep --tenant %s\n", done.PurgeAfter.UTC().Format("2006-01-02 15:04 MST"), done.Tenant)
		}
		return nil
	})
}

type tenantKeepCmd struct {
	config.Config
	Tenant string `required:"" help:"Short name of the programme, or its id."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run takes a deletion back.
func (t *tenantKeepCmd) Run(c *console) error {
	return with(c, &t.Config, func(a *app.App) error {
		d, err := a.KeepTenant(c.ctx, t.Tenant)
		if err != nil {
			return err
		}
		if t.JSON {
			return printJSON(c.out, d)
		}
		fmt.Fprintln(c.out, "The programme is at work again.")
		return nil
	})
}

type tenantCertificateCmd struct {
	config.Config
	Tenant string `required:"" help:"Id of the programme, as 'entente tenant list --all' shows it."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run prints the certificate.
func (t *tenantCertificateCmd) Run(c *console) error {
	return with(c, &t.Config, func(a *app.App) error {
		text, err := a.TenantCertificate(c.ctx, t.Tenant)
		if err != nil {
			return err
		}
		if t.JSON {
			return printJSON(c.out, map[string]string{"tenant": t.Tenant, "certificate": text})
		}
		fmt.Fprint(c.out, text)
		return nil
	})
}
