package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
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

// TrustLine is one promise of the report: how it stands now, and what the probe found.
type TrustLine struct {
	ID         string                   `json:"id"`
	Title      string                   `json:"title"`
	Group      string                   `json:"group"`
	Status     string                   `json:"status"` // kept, attested, failing, not offered or not probed
	Reason     string                   `json:"reason,omitempty"`
	Attestable bool                     `json:"attestable"` // software cannot see all of it: somebody may attest it
	Checked    string                   `json:"checked"`
	Count      int64                    `json:"count"`
	Detail     string                   `json:"detail,omitempty"`
	TookMS     int                      `json:"took_ms"`
	Tenants    map[string]TrustProgress `json:"tenants,omitempty"`
}

// TrustProgress is what the probe found for one programme.
type TrustProgress struct {
	Status  string `json:"status"`
	Checked string `json:"checked"`
	Count   int64  `json:"count"`
	Detail  string `json:"detail,omitempty"`
}

// TrustCheck tries promises now, keeps the evidence and says how each stands for the installation.
func (a *App) TrustCheck(ctx context.Context, ids ...string) (TrustReport, error) {
	a.probing(a.Doors())
	done, err := a.Trust.Check(ctx, ids...)
	if err != nil {
		return TrustReport{}, err
	}
	states, err := a.Trust.Public(ctx, id.Nil, access.Request{})
	return trustReport(done, states, a.Ops.Clock().UTC()), err
}

func trustReport(done []trust.Checked, states []trust.State, at time.Time) TrustReport {
	r := TrustReport{At: at, OK: true, Counts: map[string]int{}, Promises: make([]TrustLine, 0, len(done))}
	for _, c := range done {
		e, p := c.Evidence, c.Promise
		line := TrustLine{ID: p.ID, Title: p.Title, Group: p.Group, Attestable: p.Attest && p.Missing == "", Checked: e.Checked, Count: e.Items, Detail: e.Detail, TookMS: e.TookMS}
		for _, s := range states {
			if s.Promise.ID == p.ID {
				line.Status, line.Reason = string(s.Status), s.Reason
			}
		}
		for slug, t := range c.Tenants {
			if line.Tenants == nil {
				line.Tenants = map[string]TrustProgress{}
			}
			line.Tenants[slug] = TrustProgress{t.Result.Word(), t.Checked, t.Items, t.Detail}
		}
		r.Counts[line.Status]++
		r.OK = r.OK && e.Result != trust.Failing
		r.Promises = append(r.Promises, line)
	}
	return r
}

// Print writes the report as a table.
func (r TrustReport) Print(w io.Writer) {
	ask := 0
	for _, p := range r.Promises {
		word := p.Status
		if p.Status == string(trust.StatusFailing) {
			word = strings.ToUpper(word)
		}
		fmt.Fprintf(w, "%s  %-11s  %-34s %s\n", p.ID, word, p.Title, p.Checked)
		if p.Status == string(trust.StatusNotOffered) && p.Attestable {
			ask++
			fmt.Fprintf(w, "                   Software cannot see this: attest it with entente trust attest %s. %s\n", p.ID, p.Detail)
		} else if p.Detail != "" && p.Status != string(trust.StatusKept) {
			fmt.Fprintf(w, "                   %s\n", p.Detail)
		}
	}
	n := func(s trust.Status) int { return r.Counts[string(s)] }
	fmt.Fprintf(w, "\n%d kept, %d attested, %d failing, %d not offered (%d of them for you to attest).\n", n(trust.StatusKept), n(trust.StatusAttested), n(trust.StatusFailing), n(trust.StatusNotOffered), ask)
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
	return a.Trust.Attest(ctx, access.NewOperator(t.ID), v)
}

// failing lists the promises that do not hold, for the error of the command line.
func (r TrustReport) failing() []string {
	var out []string
	for _, p := range r.Promises {
		if p.Status == string(trust.StatusFailing) {
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
type EvidenceInput struct {
	Tenant, From, To, Out string
	Force                 bool // replace a file that is there
}

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
	err = output(in.Out, in.Force, func(f *os.File) error {
		if err := a.Trust.WritePackage(ctx, tenant, name, p, f); err != nil {
			return err
		}
		info, err := f.Stat()
		if err == nil {
			done.File, done.Size = in.Out, info.Size()
		}
		return err
	})
	if err != nil {
		return done, err
	}
	done.Verifier, err = a.Ops.Keys.Verifier(ctx)
	return done, err
}
