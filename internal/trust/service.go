package trust

import (
	"context"
	"fmt"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// The use cases of the room.
const (
	ActRead    access.Action = "trust.read"
	ActCheck   access.Action = "trust.check"
	ActAttest  access.Action = "trust.attest"
	ActPackage access.Action = "trust.package"
)

// Service runs the room's use cases.
type Service struct {
	ops *op.Ops
	env Env
}

// New returns the room's service. It knows nothing to probe until Use.
func New(o *op.Ops) *Service { return &Service{ops: o, env: Env{Ops: o}} }

// Use gives the service what its probes look at.
func (s *Service) Use(e Env) {
	e.Ops = s.ops
	s.env = e
}

// Status is how a promise stands.
type Status string

// The statuses, from good to unknown.
const (
	StatusKept       Status = "kept"
	StatusAttested   Status = "attested"
	StatusFailing    Status = "failing"
	StatusNotOffered Status = "not offered"
	StatusNotProbed  Status = "not probed"
)

// State is a promise with how it stands and the evidence for it.
type State struct {
	Promise     Promise
	Status      Status
	Reason      string    // why it is not offered or not probed; "" otherwise
	Last        *Evidence // the newest probe
	Attestation *Evidence // the newest one that stands
}

// judge says how a promise stands by its newest probe and attestation.
func judge(p Promise, last, attestation *Evidence, now time.Time) State {
	st := State{Promise: p, Last: last}
	if a := attestation; a != nil && a.Result == Attested && a.UntilOn != nil && !now.UTC().Truncate(24*time.Hour).After(*a.UntilOn) {
		st.Attestation = a
	}
	switch {
	case p.Missing != "":
		st.Status, st.Reason = StatusNotOffered, p.Missing
	case last == nil:
		st.Status, st.Reason = StatusNotProbed, "No probe has tried it yet."
	case last.Result == Failing:
		st.Status = StatusFailing
	case now.Sub(last.At) > p.Overdue():
		st.Status, st.Reason = StatusNotProbed, "The last probe is too long ago to say anything about today."
	case last.Result == Kept:
		st.Status = StatusKept
	case last.Result == Unseen && st.Attestation != nil:
		st.Status = StatusAttested
	case last.Result == Unseen:
		st.Status, st.Reason = StatusNotOffered, "Software cannot see this, and nobody attests it at the moment."
	default:
		st.Status, st.Reason = StatusNotOffered, last.Checked
	}
	return st
}

// states judges every promise. With a tenant, a promise that is probed for each programme goes by the programme's own evidence.
func states(all []Evidence, tenant id.ID, now time.Time) []State {
	type key struct {
		promise, kind string
		installation  bool
	}
	newest := map[key]*Evidence{}
	for i := range all {
		e := &all[i]
		newest[key{e.Promise, e.Kind, e.Installation}] = e
	}
	out := make([]State, len(register))
	for i, p := range register {
		whole := !p.PerTenant || tenant == id.Nil
		attestation := newest[key{p.ID, "attestation", true}]
		if own := newest[key{p.ID, "attestation", false}]; own != nil && (attestation == nil || own.At.After(attestation.At)) {
			attestation = own
		}
		out[i] = judge(p, newest[key{p.ID, "probe", whole}], attestation, now)
	}
	return out
}

// Summary counts the promises by status.
func Summary(all []State) map[Status]int {
	n := map[Status]int{}
	for _, s := range all {
		n[s.Status]++
	}
	return n
}

// States returns every promise of the actor's programme. It needs trust.read.
func (s *Service) States(ctx context.Context, who access.Actor) ([]State, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) ([]State, error) {
		all, err := latest(ctx, tx, who.Tenant)
		return states(all, who.Tenant, tx.Now), err
	})
}

// Public returns every promise as anybody may read it: of a programme, or of the installation for id.Nil.
func (s *Service) Public(ctx context.Context, tenant id.ID, req access.Request) ([]State, error) {
	if tenant == id.Nil {
		all, err := installationLatest(ctx, s.ops)
		return states(all, id.Nil, s.ops.Clock()), err
	}
	return op.Public(ctx, s.ops, tenant, req, func(tx *op.Tx) ([]State, error) {
		all, err := latest(ctx, tx, tenant)
		return states(all, tenant, tx.Now), err
	})
}

// HistoryQuery says which evidence to list.
type HistoryQuery struct {
	Promise      string
	Installation bool // of the installation instead of the programme
	Limit        int
	Cursor       string
}

// HistoryPage is one page of evidence, newest first.
type HistoryPage struct {
	Promise Promise
	Items   []Evidence
	Next    string
}

// History returns evidence of one promise with its details. NotFound "promise.not_found".
func (s *Service) History(ctx context.Context, who access.Actor, q HistoryQuery) (HistoryPage, error) {
	p, ok := Find(q.Promise)
	if !ok {
		return HistoryPage{}, errs.Missing("promise")
	}
	q.Installation = q.Installation || !p.PerTenant
	at, last := s.ops.Clock().Add(time.Hour), id.Nil
	scope := who.Tenant.String() + " " + p.ID
	if err := s.ops.Pages.Resume(q.Cursor, scope, "evidence", &at, &last); err != nil {
		return HistoryPage{}, err
	}
	if q.Limit <= 0 {
		q.Limit = 30
	}
	q.Limit = page.Limit(q.Limit)
	out := HistoryPage{Promise: p}
	items, err := op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) ([]Evidence, error) {
		return history(ctx, tx, p, q.Installation, at, last, q.Limit+1)
	})
	if err != nil {
		return out, err
	}
	out.Items, out.Next = page.Cut(items, q.Limit, func(last Evidence) string {
		return s.ops.Pages.Encode(scope, "evidence", last.At, last.ID)
	})
	if !p.PerTenant && who.May(ActCheck) {
		err = s.explain(ctx, out.Items)
	}
	return out, err
}

// explain adds the details of evidence about the installation.
func (s *Service) explain(ctx context.Context, items []Evidence) error {
	var ids []id.ID
	for _, e := range items {
		ids = append(ids, e.ID)
	}
	found, err := details(ctx, s.ops, ids)
	for i := range items {
		if d := found[items[i].ID]; d != "" {
			items[i].Detail = d
		}
	}
	return err
}

// AttestInput is what somebody attests.
type AttestInput struct {
	Promise   string
	By        string // the name of whoever attests it
	Statement string
	Until     time.Time // the last day it stands, at most 400 days ahead
	Withdraw  bool      // the attestation that stands is taken back
}

// maxAttestation is how far ahead an attestation may stand.
const maxAttestation = 400 * 24 * time.Hour

func (in AttestInput) evidence(now time.Time, program string) (Evidence, error) {
	var bad errs.Problems
	p, ok := Find(in.Promise)
	switch {
	case !ok:
		bad.Add("promise", "promise.unknown", "There is no such promise. They run from P-01 to P-%02d.", len(register))
	case p.Missing != "":
		bad.Add("promise", "promise.missing", "%s is not offered: %s An attestation does not change that.", p.ID, p.Missing)
	case !p.Attest:
		bad.Add("promise", "promise.probed", "%s is probed: what software can see, nobody needs to attest.", p.ID)
	}
	by, statement := bad.Text("by", in.By, 200), bad.Text("statement", in.Statement, 1000)
	bad.Need("by", by)
	e := Evidence{ID: id.New(), Promise: in.Promise, At: now, Kind: "attestation", Result: Attested, ByName: by, Checked: statement, Program: program}
	if in.Withdraw {
		e.Result = Withdrawn
		return e, errs.Refused(bad)
	}
	bad.Need("statement", statement)
	day := in.Until.UTC().Truncate(24 * time.Hour)
	e.UntilOn = &day
	switch today := now.UTC().Truncate(24 * time.Hour); {
	case in.Until.IsZero():
		bad.Add("until", "field.required", "Say until which day this stands.")
	case day.Before(today):
		bad.Add("until", "field.range", "This day has passed.")
	case day.Sub(today) > maxAttestation:
		bad.Add("until", "field.range", "An attestation stands for at most 400 days; then somebody looks again.")
	}
	return e, errs.Refused(bad)
}

// program is how evidence names the running program.
func (e Env) program() string {
	if e.Commit == "" || e.Commit == "unknown" {
		return e.Version
	}
	return fmt.Sprintf("%s (%s)", e.Version, e.Commit[:min(12, len(e.Commit))])
}

// Now is the room's clock, for pages.
func (s *Service) Now() time.Time { return s.ops.Clock() }
