package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/archive"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
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
	}, Files: a.Files, DropFiles: a.Files.Purge, Head: a.lastHead, Deliver: a.sayFarewell}
}

// lastHead seals what a tenant's audit log holds and returns the signed head of its tree.
func (a *App) lastHead(ctx context.Context, of id.ID) (json.RawMessage, error) {
	for { // a few thousand at a time
		n, err := a.Seal.Seal(ctx)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
	}
	head, err := a.Seal.Checkpoint(ctx, of)
	if err != nil {
		return nil, err
	}
	return json.Marshal(head)
}

// sayFarewell mails the certificate of a deletion to somebody who was an Admin of the programme. Without a mail server the
// operator has it alone.
func (a *App) sayFarewell(ctx context.Context, f archive.Farewell) error {
	l := mailer.Layout{Heading: "Your programme was erased", Paragraphs: []string{
		"The programme you were an Admin of, and everything it kept in this installation, was erased. This is the signed certificate:", f.Certificate},
		Reason: "You get this mail because you were an Admin of the programme. It is the last one."}
	text, html := l.Render()
	return a.Mail.Deliver(ctx, mailer.Message{ID: f.ID, To: f.To, ToName: f.Name, Subject: "Certificate of deletion", Security: true, Text: text, HTML: html})
}

// TenantDeletion is what `entente tenant delete` is told.
type TenantDeletion struct {
	Tenant string // slug
	Reason string
	Now    bool // close and erase it at once
}

// TenantDeleted is what it answers.
type TenantDeleted struct {
	Tenant      string     `json:"tenant"`
	TenantID    string     `json:"tenant_id"`
	Status      string     `json:"status"`      // closing, closed (a legal hold keeps it) or purged
	PurgeAfter  *time.Time `json:"purge_after"` // when it closes and is erased
	Certificate string     `json:"certificate,omitempty"`
}

// DeleteTenant puts a programme on its way out, or with Now erases it at once. It may be run again when it was cut off.
func (a *App) DeleteTenant(ctx context.Context, in TenantDeletion) (TenantDeleted, error) {
	t, err := a.named(ctx, in.Tenant)
	if err != nil {
		return TenantDeleted{}, err
	}
	who := access.NewOperator(t.ID)
	out := TenantDeleted{Tenant: t.Slug, TenantID: t.ID.String()}
	if t.Status == tenant.Purged {
		out.Status = t.Status
		out.Certificate, err = a.Archive.CertificateOf(ctx, t.ID)
		return out, err
	}
	if t.Status != tenant.Closed {
		d, err := a.Archive.Delete(ctx, who, archive.DeleteInput{Slug: t.Slug, Reason: in.Reason, AtOnce: in.Now})
		if in.Now && errs.Is(err, "tenant.leaving") {
			d, err = a.Archive.Hasten(ctx, who)
		}
		if err != nil {
			return out, err
		}
		out.PurgeAfter = d.PurgeAfter
	}
	if in.Now || t.Status == tenant.Closed {
		if err := again(func() error { return a.dueNow(ctx, t.ID) }); err != nil {
			return out, err
		}
		if out.Certificate, err = a.Archive.CertificateOf(ctx, t.ID); err != nil {
			return out, err
		}
	}
	out.Status, err = a.Tenants.Status(ctx, t.ID)
	return out, err
}

func (a *App) dueNow(ctx context.Context, v id.ID) error {
	status, err := a.Tenants.Status(ctx, v)
	if err != nil {
		return err
	}
	return a.Archive.Due(ctx, tenant.Entry{ID: v, Status: status})
}

// KeepTenant takes a deletion back.
func (a *App) KeepTenant(ctx context.Context, name string) (archive.Departure, error) {
	t, err := a.named(ctx, name)
	if err != nil {
		return archive.Departure{}, err
	}
	return a.Archive.Keep(ctx, access.NewOperator(t.ID))
}

// TenantCertificate returns the certificate of a programme that is gone. NotFound "certificate.not_found".
func (a *App) TenantCertificate(ctx context.Context, name string) (string, error) {
	t, err := a.named(ctx, name)
	if err != nil {
		return "", err
	}
	text, err := a.Archive.CertificateOf(ctx, t.ID)
	if err == nil && text == "" {
		err = errs.Missing("certificate")
	}
	return text, err
}

// leave leads every programme on whose day has come, and drops what law kept of those that are gone.
func (a *App) leave(ctx context.Context) error {
	all, err := a.Tenants.Register(ctx)
	for _, t := range all {
		if t.Status == tenant.Purged {
			_, fault := a.Archive.DropKept(ctx, t.ID)
			err = errors.Join(err, fault)
			continue
		}
		err = errors.Join(err, a.Archive.Due(ctx, t))
	}
	return err
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
func (a *App) ExportTenant(ctx context.Context, slug, path string, force bool, tell func(archive.Progress)) (out TenantExported, err error) {
	start := a.Ops.Clock()
	t, err := a.named(ctx, slug)
	if err != nil {
		return out, err
	}
	err = output(path, force, func(f *os.File) (err error) {
		if out.Manifest, err = a.Archive.Export(ctx, access.NewOperator(t.ID), f, tell); err != nil {
			return err
		}
		out.Bytes, err = f.Seek(0, io.SeekEnd)
		return err
	})
	if err != nil {
		return out, err
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
	out, err := a.Archive.Import(ctx, archive.ImportInput{Archive: arc, Slug: in.Slug, Tell: in.Tell})
	if err != nil {
		return out, err
	}
	if err := a.Archive.NoteArrival(ctx, out); err != nil {
		return out, err
	}
	return out, a.Seal.Tick(ctx) // from here on its log has the signature of this installation
}
