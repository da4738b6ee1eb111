package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/archive"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/partner"
	"entente.dev/internal/tenant"
)

// archiveOptions says which program writes archives, and which lists go into one for people.
func (a *App) archiveOptions() archive.Options {
	this := Version()
	return archive.Options{Program: this.Version, Schema: this.Schema, Lists: []archive.List{
		{Name: "partners", Write: func(ctx context.Context, who access.Actor, out sheet.Writer) error {
			return a.Partners.Export(ctx, who, partner.Query{}, out)
		}},
		{Name: "accounts", Write: func(ctx context.Context, who access.Actor, out sheet.Writer) error {
			return a.Accounts.Export(ctx, who, account.Query{}, out)
		}},
		{Name: "contacts", Write: func(ctx context.Context, who access.Actor, out sheet.Writer) error {
			return a.Accounts.ExportContacts(ctx, who, account.Query{}, out)
		}},
		{Name: "deals", Write: func(ctx context.Context, who access.Actor, out sheet.Writer) error {
			return a.Deals.Export(ctx, who, deal.Query{}, out)
		}},
	}}
}

// TenantsAre lists the programmes of the installation for the operator; the stones of purged ones only with all.
func (a *App) TenantsAre(ctx context.Context, all bool) ([]tenant.Entry, error) {
	list, err := a.Tenants.Register(ctx)
	out := []tenant.Entry{}
	for _, t := range list {
		if all || t.Status != tenant.Purged {
			out = append(out, t)
		}
	}
	return out, err
}

// TenantExported is what `entente tenant export` answers.
type TenantExported struct {
	File     string           `json:"file"`
	Bytes    int64            `json:"bytes"`
	Verifier string           `json:"verifier"` // the key that proves the archive; `entente tenant import --trust-key` takes it
	Manifest archive.Manifest `json:"manifest"`
	Took     time.Duration    `json:"took_ns"`
}

// ExportTenant writes the archive of a programme to a file, which appears whole or not at all. It works beside a running server.
func (a *App) ExportTenant(ctx context.Context, slug, path string, tell func(archive.Progress)) (out TenantExported, err error) {
	start := a.Ops.Clock()
	t, err := a.Tenants.BySlug(ctx, slug)
	if err != nil {
		return out, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return out, fmt.Errorf("--out: %w", err)
	}
	defer os.Remove(f.Name()) // nothing is left of it once it has its name
	defer f.Close()
	if out.Manifest, err = a.Archive.Export(ctx, access.NewSystem(t.ID, "operator (command line)"), f, tell); err != nil {
		return out, err
	}
	if out.Bytes, err = f.Seek(0, io.SeekEnd); err != nil {
		return out, err
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close(), os.Rename(f.Name(), path)); err != nil {
		return out, fmt.Errorf("--out: %w", err)
	}
	out.File, out.Took = path, a.Ops.Clock().Sub(start)
	out.Verifier, err = a.Ops.Keys.Verifier(ctx)
	return out, err
}

// TenantArrival is what `entente tenant import` is told.
type TenantArrival struct {
	Path     string
	Slug     string
	TrustKey string
	Unsigned bool
	Tell     func(archive.Progress)
}

// ImportTenant brings a programme in from the archive of another installation: all of it or nothing.
func (a *App) ImportTenant(ctx context.Context, in TenantArrival) (archive.Imported, error) {
	f, err := os.Open(in.Path)
	if err != nil {
		return archive.Imported{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return archive.Imported{}, err
	}
	arc, err := a.Archive.Open(ctx, f, info.Size(), archive.Trust{Key: in.TrustKey, Unsigned: in.Unsigned})
	if err != nil {
		return archive.Imported{}, err
	}
	return a.Archive.Import(ctx, archive.ImportInput{Archive: arc, Slug: in.Slug, Tell: in.Tell})
}
