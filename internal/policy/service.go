package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Service runs the use cases of this room.
type Service struct {
	ops  *op.Ops
	base Profile
}

// New returns the room's service. base is the profile that the operator gives to tenants that have none.
func New(o *op.Ops, base Profile) *Service { return &Service{ops: o, base: base} }

// Get returns the policy of the actor's programme.
func (s *Service) Get(ctx context.Context, who access.Actor) (Effective, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (Effective, error) { return read(ctx, tx, sqlNewest) })
}

// Public returns the policy of a tenant as anybody may read it.
func (s *Service) Public(ctx context.Context, tenant id.ID, req access.Request) (Effective, error) {
	return op.Public(ctx, s.ops, tenant, req, func(tx *op.Tx) (Effective, error) { return In(ctx, tx) })
}

// Map returns every classified column of the database.
func (s *Service) Map(_ context.Context, who access.Actor) ([]Column, error) {
	if !who.May(ActRead) {
		return nil, errs.New(errs.Forbidden, "denied", "Your role does not include the permission %q.", ActRead)
	}
	columns := s.ops.Map.Columns()
	slices.SortFunc(columns, func(a, b Column) int { return strings.Compare(a.Table+"."+a.Name, b.Table+"."+b.Name) })
	return columns, nil
}

// Profiles returns the profiles that may be applied to the actor's programme: the built-in ones, and its operator's own.
func (s *Service) Profiles(ctx context.Context, who access.Actor) ([]Profile, error) {
	e, err := s.Get(ctx, who)
	if err != nil {
		return nil, err
	}
	return offered(e), nil
}

func offered(e Effective) []Profile {
	out := datamap.Profiles()
	if _, builtIn := datamap.ProfileOf(e.Base.Name); !builtIn && e.Base.Name != "" {
		out = append(out, e.Base)
	}
	return out
}

// Found gives the tenant that tx founds the operator's profile.
func (s *Service) Found(ctx context.Context, tx *op.Tx) error {
	return s.first(ctx, tx)
}

func (s *Service) first(ctx context.Context, tx *op.Tx) error {
	e := effective(s.base, s.base, nil, nil)
	e.ID, e.Number, e.AppliedAt, e.AppliedBy = id.New(), 1, tx.Now, tx.Who.Name
	if err := insertVersion(ctx, tx, e, true); err != nil {
		return err
	}
	tx.Audit(audit.Change{Action: ActApply, Type: "policy_version", ID: e.ID, Label: e.Title, After: recorded(e), Note: "the operator's profile"})
	return nil
}

// Ensure gives a tenant that has no policy the operator's profile; it is called for every tenant when the server starts.
func (s *Service) Ensure(ctx context.Context, tenant id.ID) error {
	_, err := op.Write(ctx, s.ops, access.NewSystem(tenant, "policy of the installation"), ActApply, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		tx.Unchanged()
		exists, err := lockAndAsk(ctx, tx)
		if err != nil || exists {
			return struct{}{}, err
		}
		return struct{}{}, s.first(ctx, tx)
	})
	return err
}

// recorded is what the audit log keeps of a version.
func recorded(e Effective) any {
	return struct {
		Number  int    `db:"number"`
		Profile string `db:"profile"`
	}{e.Number, e.Profile}
}

// summary says what changed in one line for the audit log.
func summary(changes []Change) string {
	parts := make([]string, len(changes))
	for i, c := range changes {
		parts[i] = fmt.Sprintf("%s: %s → %s", c.What, c.Old, c.New)
	}
	return strings.Join(parts, "; ")
}

// Version is one entry of the history: what was in force from AppliedAt on, and what it changed.
type Version struct {
	Effective
	Changes []Change
}

// VersionPage is one page of the history, newest first; Next is the number to continue before, 0 at the end.
type VersionPage struct {
	Items []Version
	Next  int
}

// versionsAPage is how many versions a page has.
const versionsAPage = 20

// Versions returns the policies that were in force, newest first, each with what it changed. before is Next of the page
// before, 0 for the first page.
func (s *Service) Versions(ctx context.Context, who access.Actor, before int) (VersionPage, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (VersionPage, error) {
		all, err := versions(ctx, tx, before, versionsAPage+1)
		var out VersionPage
		for i, e := range all[:min(len(all), versionsAPage)] {
			v := Version{Effective: e}
			if i+1 < len(all) {
				v.Changes = Changes(all[i+1], e)
			}
			out.Items = append(out.Items, v)
		}
		if len(all) > versionsAPage {
			out.Next = all[versionsAPage-1].Number
		}
		return out, err
	})
}
