package account

import (
	"context"
	"reflect"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

// Create adds an account. A partner's account is shared with that partner. Errors: Invalid with every refused field.
func (s *Service) Create(ctx context.Context, who access.Actor, f Facts) (Account, error) {
	return op.Write(ctx, s.ops, who, ActCreate, func(tx *op.Tx) (Account, error) {
		a := fresh(tx)
		if err := tx.Allow(access.Object{Partner: who.Partner}); err != nil {
			return a, err
		}
		if err := errs.Refused(append(f.Apply(&a), notByPartners(who, f.ExternalID)...)); err != nil {
			return a, err
		}
		return a, insertAndTell(ctx, tx, a, who.Partner)
	})
}

// fresh returns an empty account of the actor's side.
func fresh(tx *op.Tx) Account {
	source := "vendor"
	if tx.Who.Persona == access.Partner {
		source = "partner"
	}
	return Account{TenantID: tx.Who.Tenant, ID: id.New(), Source: source, Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
}

func insertAndTell(ctx context.Context, tx *op.Tx, a Account, partner id.ID) error {
	if err := insert(ctx, tx, a, partner); err != nil {
		return refused(err, pg.Constraint(err))
	}
	tx.Audit(audit.Change{Action: ActCreate, Type: "account", ID: a.ID, Label: a.Name, Partner: partner, After: a})
	return nil
}

// EnsureIn returns the account that the facts name, for use inside another room's transaction: the one with the same
// domain, else the one with the same normalised name and country, else a new one. With a partner only accounts shared
// with that partner are looked at, and the account is shared with it. Errors: Invalid, with field names as in Facts.
func EnsureIn(ctx context.Context, tx *op.Tx, f Facts, partner id.ID) (Account, error) {
	want := fresh(tx)
	if err := errs.Refused(f.Apply(&want)); err != nil {
		return want, err
	}
	have, found, err := find(ctx, tx, want, partner)
	if err != nil || found {
		return have, err
	}
	return want, insertAndTell(ctx, tx, want, partner)
}

// Update changes the facts that f says. version is the version the caller read, or 0 to take whatever stands.
// Errors: NotFound, Stale "account.stale", Invalid.
func (s *Service) Update(ctx context.Context, who access.Actor, v id.ID, version int, f Facts) (Account, error) {
	return op.Write(ctx, s.ops, who, ActUpdate, func(tx *op.Tx) (Account, error) {
		old, err := lock(ctx, tx, v, version)
		if err != nil {
			return old, err
		}
		return change(ctx, tx, old, f, "")
	})
}

// lock reads an account for change: it stands in the version that the caller read, and the actor may do the running action to it.
func lock(ctx context.Context, tx *op.Tx, v id.ID, version int) (Account, error) {
	tx.About("account", v)
	a, err := query(ctx, tx, sqlLock, tx.Who.Tenant, v)
	if err != nil {
		return a, err
	}
	if err := tx.Allow(access.Object{Partner: tx.Who.Partner}); err != nil {
		return a, err
	}
	if version != 0 && version != a.Version {
		return a, stale("account")
	}
	return a, nil
}

// change puts facts on an account that is locked, and tells it.
func change(ctx context.Context, tx *op.Tx, old Account, f Facts, note string) (Account, error) {
	a := old
	if err := errs.Refused(append(f.Apply(&a), notByPartners(tx.Who, f.ExternalID)...)); err != nil {
		return a, err
	}
	if reflect.DeepEqual(a, old) {
		tx.Unchanged()
		return old, nil
	}
	a.Version, a.UpdatedAt = old.Version+1, tx.Now
	if err := update(ctx, tx, a); err != nil {
		return a, refused(err, pg.Constraint(err))
	}
	tx.Audit(audit.Change{Type: "account", ID: a.ID, Label: a.Name, Before: old, After: a, Note: note})
	return a, nil
}

func stale(what string) error {
	return errs.New(errs.Stale, what+".stale", "Somebody changed this %s since you opened it. Read it again and repeat your change.", what)
}
