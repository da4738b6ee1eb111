package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/policy"
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
	f, err := os.Open(where)
	if err != nil {
		return policy.Profile{}, fmt.Errorf("policy profile: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
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

// ApplyPolicy gives tenants a new base, as the operator: the one with that slug, or all when slug is "".
func (a *App) ApplyPolicy(ctx context.Context, p policy.Profile, slug string) ([]AppliedPolicy, error) {
	tenants, err := a.Tenants.Register(ctx)
	if err != nil {
		return nil, err
	}
	out := []AppliedPolicy{}
	for _, t := range tenants {
		if slug != "" && t.Slug != slug {
			continue
		}
		who := access.NewSystem(t.ID, "operator (command line)")
		old, err := a.Policies.Get(ctx, who)
		if err != nil {
			return out, err
		}
		fresh, err := a.Policies.Apply(ctx, who, policy.Input{File: &p})
		if err != nil {
			return out, fmt.Errorf("%s: %w", t.Slug, err)
		}
		changes := policy.Changes(old, fresh)
		if changes == nil {
			changes = []policy.Change{}
		}
		out = append(out, AppliedPolicy{t.Slug, fresh.Number, fresh.Profile, changes, fresh})
	}
	if len(out) == 0 && slug != "" {
		return nil, errs.Missing("tenant")
	}
	return out, nil
}

// ShowPolicy returns the policy of a tenant, for the command line.
func (a *App) ShowPolicy(ctx context.Context, slug string) (policy.Effective, error) {
	t, err := a.Tenants.BySlug(ctx, slug)
	if err != nil {
		return policy.Effective{}, err
	}
	return a.Policies.Get(ctx, access.NewSystem(t.ID, "operator (command line)"))
}
