package main

import (
	"fmt"

	"entente.dev/internal/app"
	"entente.dev/internal/kernel/config"
)

type tenantCmd struct {
	List   tenantListCmd   `cmd:"" help:"List the programmes of this installation."`
	Export tenantExportCmd `cmd:"" help:"Write everything of a programme into one archive."`
	Import tenantImportCmd `cmd:"" help:"Bring in a programme from the archive of another installation."`
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
	Tenant string `required:"" help:"Short name of the programme."`
	Out    string `required:"" type:"path" help:"The archive to write."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run writes the archive; the file appears only when it is whole.
func (t *tenantExportCmd) Run(c *console) error {
	return with(c, &t.Config, func(a *app.App) error {
		done, err := a.ExportTenant(c.ctx, t.Tenant, t.Out, nil)
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
