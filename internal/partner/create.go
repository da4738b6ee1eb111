package partner

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

// Create adds a partner company. Errors: Invalid with every refused field.
func (s *Service) Create(ctx context.Context, who access.Actor, f Facts) (Partner, error) {
	return op.Write(ctx, s.ops, who, ActCreate, func(tx *op.Tx) (Partner, error) {
		p := Partner{TenantID: who.Tenant, ID: id.New(), Kind: "reseller", Status: "active", Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
		if err := tx.Allow(access.Object{}); err != nil {
			return p, err
		}
		if err := s.settle(ctx, tx, f, &p); err != nil {
			return p, err
		}
		if err := insert(ctx, tx, p); err != nil {
			return p, refused(err, pg.Constraint(err))
		}
		tx.Audit(audit.Change{Type: "partner", ID: p.ID, Label: p.Name, Partner: p.ID, After: p})
		return p, nil
	})
}

// Update changes the facts that f says. version is the version the caller read, or 0 to take whatever stands.
// Errors: NotFound, Stale "partner.stale", Invalid with every refused field.
func (s *Service) Update(ctx context.Context, who access.Actor, v id.ID, version int, f Facts) (Partner, error) {
	return op.Write(ctx, s.ops, who, ActUpdate, func(tx *op.Tx) (Partner, error) {
		old, err := hold(ctx, tx, v, version)
		if err != nil {
			return old, err
		}
		return s.change(ctx, tx, old, f, "")
	})
}

// hold reads a partner for change: it stands in the version that the caller read, and the actor may do the running action to it.
func hold(ctx context.Context, tx *op.Tx, v id.ID, version int) (Partner, error) {
	tx.About("partner", v)
	p, err := lock(ctx, tx, v)
	if err != nil {
		return p, err
	}
	if err := tx.Allow(p.Object()); err != nil {
		return p, err
	}
	if version != 0 && version != p.Version {
		return p, errs.New(errs.Stale, "partner.stale", "Somebody changed this partner since you opened it. Read it again and repeat your change.")
	}
	return p, nil
}

// change puts facts on a partner that is held, and tells it.
func (s *Service) change(ctx context.Context, tx *op.Tx, old Partner, f Facts, note string) (Partner, error) {
	p := old
	if err := s.settle(ctx, tx, f, &p); err != nil {
		return p, err
	}
	if reflect.DeepEqual(p, old) {
		tx.Unchanged()
		return old, nil
	}
	p.Version, p.UpdatedAt = old.Version+1, tx.Now
	if err := update(ctx, tx, p); err != nil {
		return p, refused(err, pg.Constraint(err))
	}
	tx.Audit(audit.Change{Type: "partner", ID: p.ID, Label: p.Name, Partner: p.ID, Before: old, After: p, Note: note})
	if p.Status != old.Status {
		return p, tx.Emit(ctx, StatusChanged{Partner: p.ID, Status: p.Status})
	}
	return p, nil
}

// EndIn ends the relation to a partner within another room's transaction, which asked the permission and tells what it did.
func EndIn(ctx context.Context, tx *op.Tx, v id.ID) (Partner, error) {
	p, err := lock(ctx, tx, v)
	if err != nil {
		return p, err
	}
	p.Status, p.Version, p.UpdatedAt = "ended", p.Version+1, tx.Now
	if err := update(ctx, tx, p); err != nil {
		return p, err
	}
	return p, tx.Emit(ctx, StatusChanged{Partner: p.ID, Status: p.Status})
}

// settle applies the facts and finds the manager they name.
func (s *Service) settle(ctx context.Context, tx *op.Tx, f Facts, p *Partner) error {
	bad := f.apply(p)
	if f.ManagerID != nil {
		p.ManagerID, p.ManagerName = *f.ManagerID, ""
		if *f.ManagerID != id.Nil {
			name, err := managerName(ctx, tx, *f.ManagerID)
			if err != nil {
				bad = append(bad, errs.Field{Name: "manager_id", Code: "field.unknown_object", Msg: "There is no such person on the vendor's side."})
			}
			p.ManagerName = name
		}
	}
	return errs.Refused(bad)
}

// StatusChanged is emitted when a partner becomes active, suspended or ended.
type StatusChanged struct {
	Partner id.ID
	Status  string
}

// EventName implements event.Event.
func (StatusChanged) EventName() string { return "partner.status_changed" }
