package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/seal"
	"entente.dev/internal/audit/verify"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/config"
	"entente.dev/internal/kernel/courier"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"

	"github.com/prometheus/client_golang/prometheus"
)

// AuditExport is what `entente audit export` is told.
type AuditExport struct {
	Tenant     string // its slug
	From, To   time.Time
	Checkpoint string // a kept checkpoint whose proof the bundle is to hold; "" for none
	Out        string // where to write the bundle
	Force      bool   // replace a file that is there
}

// AuditExported is what it answers.
type AuditExported struct {
	seal.Exported
	File string `json:"file"`
}

// ExportAudit writes a bundle of a tenant's log to a file, whole or not at all.
func (a *App) ExportAudit(ctx context.Context, in AuditExport) (out AuditExported, err error) {
	t, err := a.named(ctx, in.Tenant)
	if err != nil {
		return out, err
	}
	if !in.To.IsZero() && !in.To.After(in.From) {
		return out, errors.New("--to: give a moment after --from; it is the first that no longer counts")
	}
	b := seal.Bundle{Slug: t.Slug, From: in.From, To: in.To}
	if in.Checkpoint != "" {
		kept, err := readKept(in.Checkpoint)
		if err != nil {
			return out, err
		}
		key, err := a.Seal.Verifier(ctx)
		if err != nil {
			return out, err
		}
		cp, err := verify.OpenCheckpoint(kept, key)
		if err != nil {
			return out, fmt.Errorf("--checkpoint %s: %w", in.Checkpoint, err)
		}
		b.Since = cp.Size
	}
	if err := a.Seal.Tick(ctx); err != nil { // with what was done until now
		return out, err
	}
	out.File = in.Out
	err = output(in.Out, in.Force, func(f *os.File) error {
		out.Exported, err = a.Seal.Export(ctx, access.NewOperator(t.ID), b, f)
		return err
	})
	return out, err
}

// AuditCheckpoint is what `entente audit checkpoint` answers.
type AuditCheckpoint struct {
	seal.TreeHead
	Tenant   string `json:"tenant_id"`
	Verifier string `json:"verifier"`
}

// CheckpointAudit seals what is committed and returns the tenant's newest checkpoint.
func (a *App) CheckpointAudit(ctx context.Context, slug string) (out AuditCheckpoint, err error) {
	t, err := a.named(ctx, slug)
	if err != nil {
		return out, err
	}
	if err := a.Seal.Tick(ctx); err != nil {
		return out, err
	}
	out.Tenant = t.ID.String()
	if out.TreeHead, err = a.Seal.Checkpoint(ctx, t.ID); err != nil {
		return out, err
	}
	out.Verifier, err = a.Seal.Verifier(ctx)
	return out, err
}

// VerifyAuditLive checks the logs of the tenants as they stand in the database; slug "" means every tenant. kept is a checkpoint
// file, "" for none.
func (a *App) VerifyAuditLive(ctx context.Context, slug, kept string) ([]verify.Report, error) {
	var signed []byte
	all, err := a.TenantsAre(ctx, false) // of one that is purged the hashes are left, and nothing to compare them with
	if err == nil && slug != "" {
		one, notFound := a.named(ctx, slug)
		err = notFound
		all = all[:0]
		all = append(all, one)
	}
	if err == nil && kept != "" {
		signed, err = readKept(kept)
	}
	if err != nil {
		return nil, err
	}
	if err := a.Seal.Tick(ctx); err != nil {
		return nil, err
	}
	out := []verify.Report{}
	for _, t := range all {
		r, err := a.Seal.Verify(ctx, access.NewOperator(t.ID), signed)
		if err != nil {
			return out, fmt.Errorf("tenant %s: %w", t.Slug, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// VerifyAuditBundle checks a bundle file without any database. kept is a checkpoint file, "" for none.
func VerifyAuditBundle(file, kept, key, tenant string) (verify.Report, error) {
	f, err := os.Open(file)
	if err != nil {
		return verify.Report{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return verify.Report{}, err
	}
	o := verify.Options{Key: key}
	if _, ok := id.Parse(tenant); ok || tenant == "" {
		o.Tenant = tenant
	} else {
		return verify.Report{}, fmt.Errorf("--tenant %s: without a database a tenant is named by its id", tenant)
	}
	if kept != "" {
		if o.Checkpoint, err = readKept(kept); err != nil {
			return verify.Report{}, err
		}
	}
	if key != "" {
		if err := verify.LooksLikeKey(key); err != nil {
			return verify.Report{}, fmt.Errorf("--key %s: %w; give the whole verifier key, such as the trust page or entente audit export prints it", key, err)
		}
	}
	r, err := verify.Bundle(f, info.Size(), o)
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return r, err
}

// PrintAuditReport writes a report for a person.
func PrintAuditReport(w io.Writer, r verify.Report) {
	word := "The log is whole."
	if !r.OK {
		word = "THE LOG WAS TAMPERED WITH."
	}
	fmt.Fprintf(w, "%s\n  tenant      %s\n", word, r.Tenant)
	if r.Origin != "" {
		fmt.Fprintf(w, "  log         %s, %d entries, root %s, signed %s\n", r.Origin, r.Size, r.Root, r.SignedAt.UTC().Format(time.RFC3339))
	}
	fmt.Fprintf(w, "  checked     %d entries from %d on; %d payloads, %d erased, %d pruned\n", r.Entries, r.First, r.Payloads, r.Erased, r.Pruned)
	if r.Compared != "" {
		fmt.Fprintf(w, "  compared    with your checkpoint: %s\n", r.Compared)
	}
	if r.NotCompared != "" {
		fmt.Fprintf(w, "  compared    NOT with your checkpoint: %s\n", r.NotCompared)
	}
	fmt.Fprintf(w, "  key         %s\n", r.Key)
	if !r.KeyTrusted {
		fmt.Fprintln(w, "              this is the bundle's own word: give the key that you know with --key")
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "  %-11s %s\n", f.Kind, f.Text)
	}
	if r.More > 0 {
		fmt.Fprintf(w, "  … and %d more findings\n", r.More)
	}
	for _, f := range r.Warnings {
		fmt.Fprintf(w, "  warning     %s\n", f.Text)
	}
	if r.MoreWarnings > 0 {
		fmt.Fprintf(w, "  … and %d more warnings\n", r.MoreWarnings)
	}
}

// newPlaces returns the places that checkpoints are sent to.
func newPlaces(cfg config.Config, mail mailer.Sender, tell telling) ([]seal.Target, error) {
	host, _ := os.Hostname()
	o := courier.Options{Mail: mail, Secret: []byte(cfg.Checkpoints.Secret.Reveal()), Allow: cfg.Checkpoints.Networks(), Host: host,
		Blob: blob.Options{AccessKey: cfg.S3.AccessKey.Reveal(), SecretKey: cfg.S3.SecretKey.Reveal()}}
	var out []seal.Target
	for _, where := range cfg.Checkpoints.To {
		p, err := courier.Open(where, o)
		if err != nil {
			return nil, fmt.Errorf("--checkpoint-to: %w", err)
		}
		out = append(out, toldPlace{p, tell})
	}
	return out, nil
}

// seals adds the figures of the sealed log.
func (m *metrics) seals(s *seal.Service) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "entente_audit_unsealed_seconds", Help: "For how long the audit log could not be sealed; 0 when it is."},
			func() float64 { return s.Unsealed().Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "entente_audit_checkpoint_export_age_seconds", Help: "Age of the newest checkpoint that every place off this host has; 0 without places."},
			func() float64 { return s.ExportAge().Seconds() }))
}

// readKept reads a checkpoint file, whoever signed it. Bad input is an error and no finding: nothing was tampered with.
func readKept(path string) ([]byte, error) {
	b, err := input(path)
	if err != nil {
		return nil, fmt.Errorf("--checkpoint: %w", err)
	}
	if err := verify.LooksLikeCheckpoint(b); err != nil {
		return nil, fmt.Errorf("--checkpoint %s: %w; entente audit checkpoint prints one", path, err)
	}
	return b, nil
}
