package trust

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/op"
)

// Period is which evidence goes into a package: from the first day to the last, both whole, in UTC.
type Period struct{ From, To time.Time }

// maxPeriod is how long a package may reach back: evidence is kept for 13 months.
const maxPeriod = 397 * 24 * time.Hour

// check returns the moments between which the evidence lies. Invalid naming "from" or "to".
func (p Period) check(now time.Time) (from, before time.Time, err error) {
	var bad errs.Problems
	from, to := p.From.UTC().Truncate(24*time.Hour), p.To.UTC().Truncate(24*time.Hour)
	switch {
	case p.From.IsZero():
		bad.Add("from", "field.required", "Say from which day on.")
	case p.To.IsZero():
		bad.Add("to", "field.required", "Say until which day.")
	case to.Before(from):
		bad.Add("to", "field.range", "The last day comes before the first.")
	case from.After(now):
		bad.Add("from", "field.range", "This day has not come yet.")
	case to.Sub(from) > maxPeriod:
		bad.Add("to", "field.range", "A package holds at most 13 months: evidence is not kept longer.")
	}
	return from, to.Add(24 * time.Hour), errs.Refused(bad)
}

// Report is what a package says of a period.
type Report struct {
	Of        string       `json:"of"`
	Programme string       `json:"programme_id,omitempty"`
	From      string       `json:"from"`
	To        string       `json:"to"`
	Made      time.Time    `json:"made_at"`
	Program   string       `json:"program"`
	Verifier  string       `json:"verifier"`
	Promises  []ReportLine `json:"promises"`
	Controls  []Control    `json:"controls"`
}

// ReportLine is one promise in the period.
type ReportLine struct {
	ID        string     `json:"id"`
	Group     string     `json:"group"`
	Title     string     `json:"title"`
	Sentence  string     `json:"sentence"`
	Mechanism string     `json:"mechanism"`
	Probe     string     `json:"probe"`
	Conclude  string     `json:"conclusion"` // kept, failed at times, attested, not offered, no evidence
	Probes    int        `json:"probes"`
	Kept      int        `json:"probes_kept"`
	Failing   int        `json:"probes_failing"`
	First     *time.Time `json:"first_probe"`
	Last      *time.Time `json:"last_probe"`
	Gap       int        `json:"longest_gap_seconds"` // between two probes
	Attested  string     `json:"attestation,omitempty"`
	Reason    string     `json:"reason,omitempty"`
}

// conclude says in a word what the evidence of the period shows.
func (l ReportLine) conclude() string {
	switch {
	case l.Reason != "":
		return "not offered"
	case l.Probes == 0:
		return "no evidence"
	case l.Failing > 0:
		return "failed at times"
	case l.Kept == l.Probes:
		return "kept"
	case l.Attested != "":
		return "attested"
	case l.Kept > 0:
		return "kept at times"
	}
	return "not offered"
}

// Package makes a signed package of evidence for the actor's programme and keeps it as a file, whose id it returns. Invalid naming "from" or "to".
func (s *Service) Package(ctx context.Context, who access.Actor, name string, p Period) (id.ID, error) {
	if _, _, err := p.check(s.ops.Clock()); err != nil {
		return id.Nil, err
	}
	made, err := op.Write(ctx, s.ops, who, ActPackage, func(tx *op.Tx) (id.ID, error) {
		v := id.New()
		tx.Audit(audit.Change{Type: "stored_file", ID: v, Label: "evidence", Note: p.From.Format(time.DateOnly) + " to " + p.To.Format(time.DateOnly)})
		return v, tx.Allow(access.Object{})
	})
	if err != nil {
		return id.Nil, err
	}
	_, err = s.env.Files.Save(ctx, access.NewSystem(who.Tenant, "evidence package for "+who.Name), file.Meta{ID: made, Kind: file.Evidence, Name: packageName(p), ContentType: "application/zip"},
		func(w io.Writer) error { return s.WritePackage(ctx, who.Tenant, name, p, w) })
	return made, err
}

func packageName(p Period) string {
	return fmt.Sprintf("evidence-%s-to-%s.zip", p.From.Format(time.DateOnly), p.To.Format(time.DateOnly))
}

// WritePackage writes a signed package of evidence of a programme, or of the installation for id.Nil: report.json, report.pdf, every line of
// evidence as evidence.csv, and a signed manifest. It belongs to the operator and to the program itself. Invalid naming "from" or "to".
func (s *Service) WritePackage(ctx context.Context, tenant id.ID, name string, p Period, w io.Writer) error {
	from, before, err := p.check(s.ops.Clock())
	if err != nil {
		return err
	}
	signer, err := s.ops.Keys.Signer(ctx)
	if err != nil {
		return err
	}
	verifier, err := s.ops.Keys.Verifier(ctx)
	if err != nil {
		return err
	}
	r, err := s.report(ctx, tenant, name, from, before)
	if err != nil {
		return err
	}
	r.Verifier = verifier
	pack := file.NewPackage(w, file.Evidence, tenant, r.Made, signer, verifier)
	member, err := pack.Add("report.json")
	if err != nil {
		return err
	}
	enc := json.NewEncoder(member)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return err
	}
	if member, err = pack.Add("report.pdf"); err != nil {
		return err
	}
	if err := r.pdf(member); err != nil {
		return err
	}
	if member, err = pack.Add("evidence.csv"); err != nil {
		return err
	}
	if err := s.writeRows(ctx, tenant, from, before, member); err != nil {
		return err
	}
	return pack.Close()
}

// report sums the evidence of a period up.
func (s *Service) report(ctx context.Context, tenant id.ID, name string, from, before time.Time) (Report, error) {
	r := Report{Of: name, From: from.Format(time.DateOnly), To: before.AddDate(0, 0, -1).Format(time.DateOnly), Made: s.ops.Clock().UTC().Truncate(time.Second), Program: s.env.program(), Controls: Controls()}
	if tenant != id.Nil {
		r.Programme = tenant.String()
	}
	sums, err := sumUp(ctx, s.ops, tenant, from, before)
	if err != nil {
		return r, err
	}
	for _, p := range register {
		l := ReportLine{ID: p.ID, Group: p.Group, Title: p.Title, Sentence: p.Sentence, Mechanism: p.Mechanism, Probe: p.Check, Reason: p.Missing}
		if n, ok := sums[sumKey{p.ID, !p.PerTenant || tenant == id.Nil}]; ok {
			l.Probes, l.Kept, l.Failing, l.First, l.Last, l.Gap = n.Probes, n.Kept, n.Failing, n.First, n.Last, n.Gap
		}
		for _, installation := range []bool{true, false} { // the programme's own counts more
			if n := sums[sumKey{p.ID, installation}]; n.Attested != "" {
				l.Attested = n.Attested
			}
		}
		l.Conclude = l.conclude()
		r.Promises = append(r.Promises, l)
	}
	return r, nil
}

// writeRows writes every line of evidence of the period as CSV, oldest first.
func (s *Service) writeRows(ctx context.Context, tenant id.ID, from, before time.Time, w io.Writer) error {
	out := sheet.NewCSV(w)
	if err := out.Columns("at", "promise", "about", "kind", "result", "checked", "count", "detail", "by", "until", "tree_size", "tree_root", "program", "took_ms"); err != nil {
		return err
	}
	row := func(e Evidence) error {
		out.Time(e.At)
		out.Text(e.Promise)
		out.Text(map[bool]string{true: "installation", false: "programme"}[e.Installation])
		out.Text(e.Kind)
		out.Text(e.Result.Word())
		out.Text(e.Checked)
		out.Int(e.Items)
		out.Text(e.Detail)
		out.Text(e.ByName)
		if e.UntilOn != nil {
			out.Text(e.UntilOn.Format(time.DateOnly))
		} else {
			out.Empty()
		}
		if e.TreeSize != nil {
			out.Int(*e.TreeSize)
		} else {
			out.Empty()
		}
		out.Text(e.TreeRoot)
		out.Text(e.Program)
		out.Int(int64(e.TookMS))
		return out.EndRow()
	}
	if err := eachEvidence(ctx, s.ops, tenant, from, before, row); err != nil {
		return err
	}
	return out.Close()
}
