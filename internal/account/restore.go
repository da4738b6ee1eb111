package account

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

var history = trail.Records[Account]{Table: "account", Quiet: []string{"account_id", "source", "import_id"}}

// Versions returns how an account stood after each of its changes, newest first. Errors: NotFound.
func (s *Service) Versions(ctx context.Context, who access.Actor, v id.ID, q trail.VersionQuery) (trail.VersionPage, error) {
	return op.Read(ctx, s.ops, who, ActVersions, func(tx *op.Tx) (trail.VersionPage, error) {
		a, err := look(ctx, tx, v)
		if err != nil {
			return trail.VersionPage{}, err
		}
		out, err := history.Page(ctx, s.ops, tx, v, q)
		out.Label, out.Current = a.Name, a.Version
		return out, err
	})
}

// Version returns one version beside the account as it stands, and what Restore would do. Errors: NotFound, also
// "version.not_found".
func (s *Service) Version(ctx context.Context, who access.Actor, v id.ID, number int) (trail.Comparison, error) {
	return op.Read(ctx, s.ops, who, ActVersions, func(tx *op.Tx) (trail.Comparison, error) {
		a, err := look(ctx, tx, v)
		if err != nil {
			return trail.Comparison{}, err
		}
		c, _, err := s.compare(ctx, tx, a, number)
		return c, err
	})
}

// Restore brings back what a version said, by the rules of Update: what they refuse today, and what the history lost, stays as it
// is. version is the version of the account that the caller read, or 0. It returns what was done. Errors: NotFound, also
// "version.not_found", Stale "account.stale", Conflict "version.nothing", Invalid.
func (s *Service) Restore(ctx context.Context, who access.Actor, v id.ID, number, version int) (trail.Comparison, error) {
	return op.Write(ctx, s.ops, who, ActRestore, func(tx *op.Tx) (trail.Comparison, error) {
		old, err := lock(ctx, tx, v, version)
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
		a, err := change(ctx, tx, old, facts, c.Note())
		c.Label, c.Current = a.Name, a.Version
		return c, err
	})
}

// look reads an account that the actor may do the running action to.
func look(ctx context.Context, tx *op.Tx, v id.ID) (Account, error) {
	tx.About("account", v)
	a, err := query(ctx, tx, sqlGet, tx.Who.Tenant, v)
	if err != nil {
		return a, err
	}
	return a, tx.Allow(access.Object{Partner: tx.Who.Partner})
}

// compare also returns the facts that bring the version back.
func (s *Service) compare(ctx context.Context, tx *op.Tx, now Account, number int) (trail.Comparison, Facts, error) {
	c, past, err := history.Compare(ctx, s.ops, tx, now.ID, now, number)
	if err != nil {
		return c, Facts{}, err
	}
	c.Label, c.Current = now.Name, now.Version
	then := past.Record
	facts := Facts{Name: &then.Name, Domain: &then.Domain, Country: &then.Country, Sector: &then.Sector, ParentName: &then.ParentName,
		Employees: orElse(then.Employees, -1), ExternalID: orElse(then.ExternalID, "")}
	c.KeepRefused(facts.Refused())
	if c.Has("external_id") && then.ExternalID != nil {
		err = keepTaken(ctx, tx, &c, sqlExternalTaken, *then.ExternalID, now.ID)
	}
	trail.Only(&c, "name", &facts.Name)
	trail.Only(&c, "domain", &facts.Domain)
	trail.Only(&c, "country", &facts.Country)
	trail.Only(&c, "sector", &facts.Sector)
	trail.Only(&c, "employees", &facts.Employees)
	trail.Only(&c, "parent_name", &facts.ParentName)
	trail.Only(&c, "external_id", &facts.ExternalID)
	return c, facts, err
}

// keepTaken keeps the external id when another record has it by now.
func keepTaken(ctx context.Context, tx *op.Tx, c *trail.Comparison, sql, external string, self id.ID) error {
	taken, err := isTaken(ctx, tx, sql, external, self)
	if taken {
		c.Keep("Another record has this external id by now.", "external_id")
	}
	return err
}

// orElse returns v, or a pointer to what says none.
func orElse[T any](v *T, none T) *T {
	if v == nil {
		return &none
	}
	return v
}
