package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/trust"
)

// TrustReport is what `entente trust check` answers.
type TrustReport struct {
	At       time.Time      `json:"at"`
	OK       bool           `json:"ok"` // no promise is failing
	Counts   map[string]int `json:"counts"`
	Promises []TrustLine    `json:"promises"`
}

// TrustLine is one promise of the report.
type TrustLine struct {
	ID      string                   `json:"id"`
	Title   string                   `json:"title"`
	Group   string                   `json:"group"`
	Result  string                   `json:"result"`
	Checked string                   `json:"checked"`
	Count   int64                    `json:"count"`
	Detail  string                   `json:"detail,omitempty"`
	TookMS  int                      `json:"took_ms"`
	Tenants map[string]TrustProgress `json:"tenants,omitempty"`
}

// TrustProgress is how one promise stands for one programme.
type TrustProgress struct {
	Result  string `json:"result"`
	Checked string `json:"checked"`
	Count   int64  `json:"count"`
	Detail  string `json:"detail,omitempty"`
}

func trustReport(done []trust.Checked, at time.Time) TrustReport {
	r := TrustReport{At: at, OK: true, Counts: map[string]int{}, Promises: make([]TrustLine, 0, len(done))}
	for _, c := range done {
		e := c.Evidence
		line := TrustLine{ID: c.Promise.ID, Title: c.Promise.Title, Group: c.Promise.Group, Result: string(e.Result), Checked: e.Checked, Count: e.Items, Detail: e.Detail, TookMS: e.TookMS}
		for slug, t := range c.Tenants {
			if line.Tenants == nil {
				line.Tenants = map[string]TrustProgress{}
			}
			line.Tenants[slug] = TrustProgress{string(t.Result), t.Checked, t.Items, t.Detail}
		}
		r.Counts[line.Result]++
		r.OK = r.OK && e.Result != trust.Failing
		r.Promises = append(r.Promises, line)
	}
	return r
}

// Print writes the report as a table.
func (r TrustReport) Print(w io.Writer) {
	marks := map[string]string{"kept": "kept       ", "failing": "FAILING    ", "unseen": "not seen   ", "not-offered": "not offered"}
	for _, p := range r.Promises {
		fmt.Fprintf(w, "%s  %s  %-34s %s\n", p.ID, marks[p.Result], p.Title, p.Checked)
		if p.Detail != "" && p.Result != "kept" {
			fmt.Fprintf(w, "                   %s\n", p.Detail)
		}
	}
	fmt.Fprintf(w, "\n%d kept, %d failing, %d for somebody to attest, %d not offered.\n", r.Counts["kept"], r.Counts["failing"], r.Counts["unseen"], r.Counts["not-offered"])
}

// AttestInput is what `entente trust attest` is told.
type AttestInput struct {
	Promise, By, Statement, Until string
	Tenant                        string // slug; "" for the whole installation
	Withdraw                      bool
}

// Attest puts on record what software cannot see.
func (a *App) Attest(ctx context.Context, in AttestInput) (trust.Evidence, error) {
	v := trust.AttestInput{Promise: in.Promise, By: in.By, Statement: in.Statement, Withdraw: in.Withdraw}
	if in.Until != "" {
		until, err := time.Parse(time.DateOnly, in.Until)
		if err != nil {
			return trust.Evidence{}, fmt.Errorf("--until: write a day such as 2027-01-31, not %q", in.Until)
		}
		v.Until = until
	}
	if in.Tenant == "" {
		return a.Trust.AttestInstallation(ctx, v)
	}
	t, err := a.named(ctx, in.Tenant)
	if err != nil {
		return trust.Evidence{}, err
	}
	return a.Trust.Attest(ctx, access.NewSystem(t.ID, "operator (command line)"), v)
}

// failing lists the promises that do not hold, for the error of the command line.
func (r TrustReport) failing() []string {
	var out []string
	for _, p := range r.Promises {
		if p.Result == string(trust.Failing) {
			out = append(out, p.ID)
		}
	}
	slices.Sort(out)
	return out
}

// Err is what the command line fails with: nil when no promise is failing.
func (r TrustReport) Err() error {
	if r.OK {
		return nil
	}
	return fmt.Errorf("failing: %v", r.failing())
}

// EvidenceInput is what `entente trust evidence` is told.
type EvidenceInput struct{ Tenant, From, To, Out string }

// EvidenceDone is what it answers.
type EvidenceDone struct {
	File     string `json:"file"`
	Size     int64  `json:"size"`
	Verifier string `json:"verifier"`
}

// EvidencePackage writes a signed package of evidence to a new file; a file that could not be completed is removed.
func (a *App) EvidencePackage(ctx context.Context, in EvidenceInput) (done EvidenceDone, err error) {
	a.probing(a.Doors())
	var p trust.Period
	for flag, v := range map[string]struct {
		text string
		to   *time.Time
	}{"--from": {in.From, &p.From}, "--to": {in.To, &p.To}} {
		if *v.to, err = time.Parse(time.DateOnly, v.text); err != nil {
			return done, fmt.Errorf("%s: write a day such as 2026-12-31, not %q", flag, v.text)
		}
	}
	tenant, name := id.Nil, "This installation"
	if in.Tenant != "" {
		t, err := a.named(ctx, in.Tenant)
		if err != nil {
			return done, err
		}
		tenant, name = t.ID, t.Name
	}
	f, err := os.OpenFile(in.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return done, fmt.Errorf("--out: %w", err)
	}
	err = a.Trust.WritePackage(ctx, tenant, name, p, f)
	if err = errors.Join(err, f.Sync()); err == nil {
		var info os.FileInfo
		if info, err = f.Stat(); err == nil {
			done.File, done.Size = in.Out, info.Size()
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return done, errors.Join(err, os.Remove(in.Out))
	}
	done.Verifier, err = a.Ops.Keys.Verifier(ctx)
	return done, err
}
