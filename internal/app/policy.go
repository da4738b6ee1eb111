package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/policy"
	"entente.dev/internal/processor"
	"entente.dev/internal/tenant"
	"entente.dev/internal/trust"
)

// ReadProfile returns the profile that where names: a built-in one, or a TOML or YAML file. Its error is a datamap.Problems
// when the file is wrong.
func ReadProfile(where string) (policy.Profile, error) {
	if where == "" {
		where = datamap.DefaultProfile
	}
	if p, ok := datamap.ProfileOf(where); ok {
		return p, nil
	}
	if filepath.Ext(where) == "" && !strings.ContainsRune(where, os.PathSeparator) {
		names := make([]string, 0, 6)
		for _, p := range datamap.Profiles() {
			names = append(names, p.Name)
		}
		return policy.Profile{}, fmt.Errorf("there is no policy profile %q; use one of %s, or the path of a .toml or .yaml file", where, strings.Join(names, ", "))
	}
	data, err := input(where)
	if err != nil {
		return policy.Profile{}, fmt.Errorf("policy profile: %w", err)
	}
	return datamap.ParseProfile(filepath.Base(where), data)
}

// ensurePolicies gives every tenant without a policy the operator's, before anything is served.
func (a *App) ensurePolicies(ctx context.Context) error {
	tenants, err := a.Tenants.Register(ctx)
	for _, t := range tenants {
		err = errors.Join(err, a.Policies.Ensure(ctx, t.ID))
	}
	return err
}

// AppliedPolicy is what `entente policy apply` answers for one tenant.
type AppliedPolicy struct {
	Tenant  string           `json:"tenant"`
	Version int              `json:"version"`
	Profile string           `json:"profile"`
	Changes []policy.Change  `json:"changes"`
	Policy  policy.Effective `json:"policy"`
}

// ApplyPolicy gives tenants a new base, as the operator: the one with that slug, or all that are at work when slug is "". All
// of them get it, or none does.
func (a *App) ApplyPolicy(ctx context.Context, p policy.Profile, slug string) ([]AppliedPolicy, error) {
	tenants, err := a.programmes(ctx, slug)
	if err != nil {
		return nil, err
	}
	if slug == "" { // nothing changes where a programme is on its way out
		tenants = slices.DeleteFunc(tenants, func(t tenant.Entry) bool { return t.Status != tenant.Active })
	}
	all := make([]access.Actor, len(tenants))
	for i, t := range tenants {
		all[i] = access.NewOperator(t.ID)
	}
	done, err := a.Policies.ApplyAll(ctx, all, policy.Input{File: &p})
	if each := (*op.EachError)(nil); errors.As(err, &each) {
		e := *errs.Of(each.Err)
		e.Msg = fmt.Sprintf("%s: %s Nothing was applied anywhere.", tenants[each.At].Slug, e.Msg)
		return nil, &e
	}
	out := make([]AppliedPolicy, len(done))
	for i, d := range done {
		changes := policy.Changes(d.Old, d.New)
		if changes == nil {
			changes = []policy.Change{}
		}
		out[i] = AppliedPolicy{tenants[i].Slug, d.New.Number, d.New.Profile, changes, d.New}
	}
	return out, nil
}

// ShowPolicy returns the policy of a tenant, for the command line; "" means the only one there is.
func (a *App) ShowPolicy(ctx context.Context, slug string) (policy.Effective, error) {
	t, err := a.named(ctx, slug)
	if err != nil {
		return policy.Effective{}, err
	}
	return a.Policies.Get(ctx, access.NewOperator(t.ID))
}

// Print writes the answer for a person.
func (d AppliedPolicy) Print(w io.Writer) {
	fmt.Fprintf(w, "%s: profile %s, version %d; %d numbers changed\n", d.Tenant, d.Profile, d.Version, len(d.Changes))
	for _, c := range d.Changes {
		fmt.Fprintf(w, "  %-9s %s: %s → %s\n", c.How, c.Label, c.Old, c.New)
	}
}

// PolicyProfiles returns the built-in profiles.
func PolicyProfiles() []policy.Profile { return datamap.Profiles() }

// ProfileReport is what `entente policy validate` answers.
type ProfileReport struct {
	OK       bool              `json:"ok"`
	File     string            `json:"file"`
	Problems []datamap.Problem `json:"problems"`
	Profile  *policy.Profile   `json:"profile,omitempty"`
}

// Print writes the answer for a person.
func (r ProfileReport) Print(w io.Writer) {
	if r.OK {
		fmt.Fprintf(w, "%s: the profile %s is valid\n", r.File, r.Profile.Name)
		return
	}
	for _, p := range r.Problems {
		fmt.Fprintln(w, p)
	}
}

// ValidateProfile checks a profile file without a database. An error means that the file could not be read at all.
func ValidateProfile(path string) (ProfileReport, error) {
	r := ProfileReport{File: filepath.Base(path), Problems: []datamap.Problem{}}
	data, err := input(path)
	if err != nil {
		return r, err
	}
	p, err := datamap.ParseProfile(r.File, data)
	var problems datamap.Problems
	if errors.As(err, &problems) {
		r.Problems = problems
		return r, nil
	}
	r.OK, r.Profile = err == nil, &p
	return r, err
}

// PrintProfile writes a profile for a person.
func PrintProfile(w io.Writer, p policy.Profile) {
	fmt.Fprintf(w, "%s (%s)\n%s\n", p.Title, p.Name, p.Source)
	for _, r := range p.Retention {
		fmt.Fprintf(w, "  %-22s %s\n", r.Category, r.Words())
	}
	for _, c := range p.Clocks {
		fmt.Fprintf(w, "  %-22s %s\n", c.Clock, c.Words())
	}
}

// PrintPolicy writes the policy of a programme for a person.
func PrintPolicy(w io.Writer, e policy.Effective) {
	fmt.Fprintf(w, "%s (%s), version %d\n%s\n", e.Title, e.Profile, e.Number, e.Source)
	own := map[bool]string{true: "  (the programme's own)"}
	for _, r := range e.Rules {
		fmt.Fprintf(w, "  %-22s %s%s\n", r.Category, r.Words(), own[r.Own])
	}
	for _, c := range e.Clocks {
		fmt.Fprintf(w, "  %-22s %s%s\n", c.Clock.Clock, c.Words(), own[c.Own])
	}
}

// policyPromises are the promises that the published policy rests on: what is written, and how long it is kept.
var policyPromises = []string{"P-16", "P-18", "P-21", "P-22", "P-23"}

// policyValidated tells when every probe about the published policy had last passed; zero when one of them has not, or when
// nothing has tried yet whether data goes in time.
func (a *App) policyValidated(ctx context.Context, tenant id.ID) (time.Time, error) {
	states, err := a.Trust.Public(ctx, tenant, access.Request{})
	if err != nil {
		return time.Time{}, err
	}
	var oldest time.Time
	kept := false
	for _, s := range states {
		if !slices.Contains(policyPromises, s.Promise.ID) || s.Status == trust.StatusNotOffered {
			continue
		}
		if s.Status != trust.StatusKept || s.Last == nil {
			return time.Time{}, nil
		}
		kept = kept || s.Promise.ID == "P-23"
		if oldest.IsZero() || s.Last.At.Before(oldest) {
			oldest = s.Last.At
		}
	}
	if !kept {
		return time.Time{}, nil
	}
	return oldest, nil
}

// recipients lists the sub-processors for the register of processing, as far as the actor may see them; the categories' own
// words stand where there are none.
func (a *App) recipients(ctx context.Context, who access.Actor) ([]policy.Recipient, error) {
	if !who.May(processor.ActList) {
		return nil, nil
	}
	all, err := a.Processors.List(ctx, who)
	if err != nil {
		return nil, err
	}
	var out []policy.Recipient
	for _, p := range all.In(processor.Active) {
		out = append(out, policy.Recipient{Name: p.Name, Purpose: p.Purpose, Region: p.Regions, Categories: p.Categories})
	}
	return out, nil
}
