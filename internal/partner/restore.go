package partner

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// The manager's name stands in the row itself; who is meant is told by the id.
var history = trail.Records[Partner]{Table: "partner", Quiet: []string{"partner_id", "manager_id", "import_id"},
	Refs: func(a, b *Partner, changes map[string][2]any) {
		delete(changes, "manager_name")
		if a.ManagerID != b.ManagerID {
			changes["manager_name"] = [2]any{a.ManagerName, b.ManagerName}
		}
	}}

// Versions returns how a partner stood after each of its changes, newest first. Errors: NotFound.
func (s *Service) Versions(ctx context.Context, who access.Actor, v id.ID, q trail.VersionQuery) (trail.VersionPage, error) {
	return op.Read(ctx, s.ops, who, ActVersions, func(tx *op.Tx) (trail.VersionPage, error) {
		p, err := look(ctx, tx, v)
		if err != nil {
			return trail.VersionPage{}, err
		}
		out, err := history.Page(ctx, s.ops, tx, v, q)
		out.Label, out.Current = p.Name, p.Version
		return out, err
	})
}

// Version returns one version beside the partner as it stands, and what Restore would do. Errors: NotFound, also
// "version.not_found".
func (s *Service) Version(ctx context.Context, who access.Actor, v id.ID, number int) (trail.Comparison, error) {
	return op.Read(ctx, s.ops, who, ActVersions, func(tx *op.Tx) (trail.Comparison, error) {
		p, err := look(ctx, tx, v)
		if err != nil {
			return trail.Comparison{}, err
		}
		c, _, err := s.compare(ctx, tx, p, number)
		return c, err
	})
}

// Restore brings back what a version said, by the rules of Update: what they refuse today, what the history lost, and the status,
// stay as they are. version is the version of the partner that the caller read, or 0. It returns what was done. Errors: NotFound,
// also "version.not_found", Stale "partner.stale", Conflict "version.nothing", Invalid.
func (s *Service) Restore(ctx context.Context, who access.Actor, v id.ID, number, version int) (trail.Comparison, error) {
	return op.Write(ctx, s.ops, who, ActRestore, func(tx *op.Tx) (trail.Comparison, error) {
		old, err := hold(ctx, tx, v, version)
		if err != nil {
			return trail.Comparison{}, err
		}
		c, facts, err := s.compare(ctx, tx, old, number)
		if err == nil {
			err = c.Check()
		}
		if err != nil {
			return c, err
		}
		p, err := s.change(ctx, tx, old, facts, c.Note())
		c.Label, c.Current = p.Name, p.Version
		return c, err
	})
}

// look reads a partner that the actor may do the running action to.
func look(ctx context.Context, tx *op.Tx, v id.ID) (Partner, error) {
	tx.About("partner", v)
	p, err := GetIn(ctx, tx, v)
	if err != nil {
		return p, err
	}
	return p, tx.Allow(p.Object())
}

// compare also returns the facts that bring the version back.
func (s *Service) compare(ctx context.Context, tx *op.Tx, now Partner, number int) (trail.Comparison, Facts, error) {
	c, past, err := history.Compare(ctx, s.ops, tx, now.ID, now, number)
	if err != nil {
		return c, Facts{}, err
	}
	c.Label, c.Current = now.Name, now.Version
	c.Keep("The status decides who may sign in. It is changed on the edit page, or by ending the relation.", "status")
	then, external := past.Record, ""
	if then.ExternalID != nil {
		external = *then.ExternalID
	}
	facts := Facts{Name: &then.Name, Kind: &then.Kind, Domains: &then.Domains, Country: &then.Country, Region: &then.Region, ManagerID: &then.ManagerID, ExternalID: &external}
	c.KeepRefused(facts.Refused())
	if c.Has("external_id") && external != "" {
		taken, err := externalTaken(ctx, tx, external, now.ID)
		if err != nil {
			return c, facts, err
		}
		if taken {
			c.Keep("Another partner has this external id by now.", "external_id")
		}
	}
	if c.Has("manager_name") && then.ManagerID != id.Nil {
		_, err := managerName(ctx, tx, then.ManagerID)
		if errors.Is(err, pgx.ErrNoRows) {
			c.Keep("This person is not on the vendor's side any more.", "manager_name")
		} else if err != nil {
			return c, facts, err
		}
	}
	trail.Only(&c, "name", &facts.Name)
	trail.Only(&c, "kind", &facts.Kind)
	trail.Only(&c, "domains", &facts.Domains)
	trail.Only(&c, "country", &facts.Country)
	trail.Only(&c, "region", &facts.Region)
	trail.Only(&c, "manager_name", &facts.ManagerID)
	trail.Only(&c, "external_id", &facts.ExternalID)
	return c, facts, nil
}
