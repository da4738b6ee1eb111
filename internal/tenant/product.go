package tenant

import (
	"context"
	"reflect"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const maxPriceMinor = 1_000_000_000_000_000

// Product is something the vendor sells; deals name it.
type Product struct {
	ID         id.ID  `db:"product_id" json:"id"`
	Name       string `db:"name" json:"name"`
	Series     string `db:"series" json:"series"`
	PriceMinor *int64 `db:"price_minor" json:"price_minor"` // list price in the programme's currency, nil when there is none
	ExternalID string `db:"external_id" json:"external_id"`
	Version    int    `db:"version" json:"version"`
}

// ProductInput is a product to add, or what changes of one; nil stays as it is. A PriceMinor below zero takes the price away.
type ProductInput struct {
	ID         id.ID
	Version    *int
	Name       *string
	Series     *string
	PriceMinor *int64
}

func (in ProductInput) apply(v Product) (Product, error) {
	var p problems
	if in.Name != nil {
		v.Name = strings.TrimSpace(*in.Name)
	}
	p.name("name", v.Name, 120)
	if in.Series != nil {
		v.Series = strings.TrimSpace(*in.Series)
		if v.Series != "" {
			p.name("series", v.Series, 120)
		}
	}
	if in.PriceMinor != nil {
		v.PriceMinor = in.PriceMinor
		if *in.PriceMinor < 0 {
			v.PriceMinor = nil
		} else if *in.PriceMinor > maxPriceMinor {
			p.Add("price_minor", "field.range", "This price is too large.")
		}
	}
	return v, errs.Refused(p.Problems)
}

// AddProduct adds a product. Conflict "product.name_taken".
func (s *Service) AddProduct(ctx context.Context, who access.Actor, in ProductInput) (Product, error) {
	return op.Write(ctx, s.ops, who, ActProducts, func(tx *op.Tx) (Product, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Product{}, err
		}
		v, err := in.apply(Product{ID: id.New(), Version: 1})
		if err != nil {
			return Product{}, err
		}
		if err := insertProduct(ctx, tx, v); err != nil {
			return Product{}, err
		}
		tx.Audit(audit.Change{Type: "product", ID: v.ID, Label: v.Name, After: v})
		return v, nil
	})
}

// ChangeProduct renames a product or changes its series or price. NotFound, Stale "product.stale", Conflict "product.name_taken".
func (s *Service) ChangeProduct(ctx context.Context, who access.Actor, in ProductInput) (Product, error) {
	return op.Write(ctx, s.ops, who, ActProducts, func(tx *op.Tx) (Product, error) {
		tx.About("product", in.ID)
		old, err := lockProduct(ctx, tx, in.ID)
		if err != nil {
			return Product{}, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return Product{}, err
		}
		if in.Version != nil && *in.Version != old.Version {
			return Product{}, stale("product")
		}
		v, err := in.apply(old)
		if err != nil {
			return Product{}, err
		}
		if reflect.DeepEqual(v, old) {
			tx.Unchanged()
			return old, nil
		}
		v.Version++
		if err := updateProduct(ctx, tx, v); err != nil {
			return Product{}, err
		}
		tx.Audit(audit.Change{Type: "product", ID: v.ID, Label: v.Name, Before: old, After: v})
		return v, nil
	})
}

// RemoveProduct takes a product off the list. Deals keep the name they were registered with.
func (s *Service) RemoveProduct(ctx context.Context, who access.Actor, product id.ID) error {
	_, err := op.Write(ctx, s.ops, who, ActProducts, func(tx *op.Tx) (struct{}, error) {
		tx.About("product", product)
		old, err := lockProduct(ctx, tx, product)
		if err != nil {
			return struct{}{}, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		if err := deleteProduct(ctx, tx, product); err != nil {
			return struct{}{}, err
		}
		tx.Audit(audit.Change{Type: "product", ID: product, Label: old.Name, Before: old})
		return struct{}{}, nil
	})
	return err
}

func taken(noun string) error {
	return errs.New(errs.Conflict, noun+".name_taken", "There is a %s of this name already.", noun)
}
