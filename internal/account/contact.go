package account

import (
	"context"
	"net/mail"
	"reflect"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

// Contact is a person at an end customer.
type Contact struct {
	TenantID   id.ID     `db:"tenant_id" json:"tenant_id"`
	ID         id.ID     `db:"contact_id" json:"id"`
	PartnerID  id.ID     `db:"partner_id" json:"partner_id"` // the partner that brought the person, Nil for the vendor's own
	AccountID  id.ID     `db:"account_id" json:"account_id"`
	Name       string    `db:"name" json:"name"`
	Email      string    `db:"email" json:"email"`
	Phone      string    `db:"phone" json:"phone"`
	Title      string    `db:"title" json:"title"`
	ExternalID *string   `db:"external_id" json:"external_id"`
	Version    int       `db:"version" json:"version"`
	CreatedAt  time.Time `db:"created_at" json:"created_at"`
	UpdatedAt  time.Time `db:"updated_at" json:"updated_at"`

	AccountName string `db:"-" json:"account_name"` // of the account, as far as the reader may see it
}

// shown returns c as the actor may see it, see Account.shown.
func (c Contact) shown(who access.Actor) Contact {
	if who.Persona == access.Partner {
		c.ExternalID = nil
	}
	return c
}

// ContactFacts are what somebody says about a contact; nil means not said.
type ContactFacts struct {
	Name       *string
	Email      *string
	Phone      *string
	Title      *string
	AccountID  *id.ID // Nil takes the account away
	ExternalID *string
}

func (f ContactFacts) apply(c *Contact) errs.Problems {
	var bad errs.Problems
	text(&bad, &c.Name, f.Name, "name", 200)
	bad.Need("name", c.Name)
	if f.Email != nil {
		c.Email = strings.ToLower(strings.TrimSpace(*f.Email))
		if a, err := mail.ParseAddress(c.Email); c.Email != "" && (err != nil || a.Address != c.Email || len(c.Email) > 254) {
			bad.Add("email", "field.email", "Write the address like ada@example.com.")
		}
	}
	text(&bad, &c.Phone, f.Phone, "phone", 50)
	text(&bad, &c.Title, f.Title, "title", 200)
	if f.AccountID != nil {
		c.AccountID, c.AccountName = *f.AccountID, ""
	}
	externalID(&bad, &c.ExternalID, f.ExternalID)
	return bad
}

// Refused is Facts.Refused for contacts.
func (f ContactFacts) Refused() []errs.Field { return f.apply(&Contact{Name: "-"}) }

// settleContact applies the facts and makes sure that the account is one the actor sees.
func settleContact(ctx context.Context, tx *op.Tx, f ContactFacts, c *Contact) error {
	bad := append(f.apply(c), notByPartners(tx.Who, f.ExternalID)...)
	if f.AccountID != nil && *f.AccountID != id.Nil {
		a, err := query(ctx, tx, sqlGet, tx.Who.Tenant, *f.AccountID)
		if errs.IsKind(err, errs.NotFound) {
			bad.Add("account_id", "field.unknown_object", "There is no such account here.")
		} else if err != nil {
			return err
		}
		c.AccountName = a.Name
	}
	return errs.Refused(bad)
}

// CreateContact adds a contact on the actor's side. Errors: Invalid with every refused field.
func (s *Service) CreateContact(ctx context.Context, who access.Actor, f ContactFacts) (Contact, error) {
	return op.Write(ctx, s.ops, who, ActContactCreate, func(tx *op.Tx) (Contact, error) {
		c := Contact{TenantID: who.Tenant, ID: id.New(), PartnerID: who.Partner, Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
		if err := tx.Allow(access.Object{Partner: who.Partner}); err != nil {
			return c, err
		}
		if err := settleContact(ctx, tx, f, &c); err != nil {
			return c, err
		}
		if err := insertContact(ctx, tx, c); err != nil {
			return c, refused(err, pg.Constraint(err))
		}
		tx.Audit(audit.Change{Type: "contact", ID: c.ID, Label: c.Name, Partner: c.PartnerID, After: c})
		return c, nil
	})
}

// GetContact returns one contact. Errors: NotFound.
func (s *Service) GetContact(ctx context.Context, who access.Actor, v id.ID) (Contact, error) {
	var out Contact
	err := op.Batch(ctx, s.ops, who, ActContactRead, func(r *op.Reads) {
		r.About("contact", v)
		r.Query(sqlGetContact, []any{who.Tenant, v}, oneContact(&out))
	})
	return out.shown(who), err
}

// UpdateContact changes the facts that f says. Errors: NotFound, Stale "contact.stale", Invalid.
func (s *Service) UpdateContact(ctx context.Context, who access.Actor, v id.ID, version int, f ContactFacts) (Contact, error) {
	return op.Write(ctx, s.ops, who, ActContactUpdate, func(tx *op.Tx) (Contact, error) {
		old, err := holdContact(ctx, tx, v, version)
		if err != nil {
			return old, err
		}
		c, err := changeContact(ctx, tx, old, f, "")
		return c.shown(who), err
	})
}

// holdContact is lock for contacts.
func holdContact(ctx context.Context, tx *op.Tx, v id.ID, version int) (Contact, error) {
	tx.About("contact", v)
	c, err := lockContact(ctx, tx, v)
	if err != nil {
		return c, err
	}
	if err := tx.Allow(access.Object{Partner: c.PartnerID}); err != nil {
		return c, err
	}
	if version != 0 && version != c.Version {
		return c, stale("contact")
	}
	return c, nil
}

// changeContact is change for contacts.
func changeContact(ctx context.Context, tx *op.Tx, old Contact, f ContactFacts, note string) (Contact, error) {
	c := old
	if err := settleContact(ctx, tx, f, &c); err != nil {
		return c, err
	}
	if reflect.DeepEqual(c, old) {
		tx.Unchanged()
		return old, nil
	}
	c.Version, c.UpdatedAt = old.Version+1, tx.Now
	if err := updateContact(ctx, tx, c); err != nil {
		return c, refused(err, pg.Constraint(err))
	}
	tx.Audit(audit.Change{Type: "contact", ID: c.ID, Label: c.Name, Partner: c.PartnerID, Before: old, After: c, Note: note})
	return c, nil
}

// DeleteContact removes a contact; its row history stays as long as the policy keeps it. Errors: NotFound.
func (s *Service) DeleteContact(ctx context.Context, who access.Actor, v id.ID) error {
	_, err := op.Write(ctx, s.ops, who, ActContactDelete, func(tx *op.Tx) (struct{}, error) {
		old, err := holdContact(ctx, tx, v, 0)
		if err != nil {
			return struct{}{}, err
		}
		tx.Audit(audit.Change{Type: "contact", ID: old.ID, Label: old.Name, Partner: old.PartnerID, Before: old})
		return struct{}{}, deleteContact(ctx, tx, v)
	})
	return err
}
