package transfer

import (
	"context"

	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// productImport imports the product list. A product is known by its external id, else by its name. Prices are in the
// programme's currency.
type productImport struct {
	w        *worker
	currency string
	added    []productRecord
	before   []productRecord
	after    []productRecord
}

func (i *productImport) load(ctx context.Context, tx *op.Tx) error {
	set, err := tenant.SettingsIn(ctx, tx)
	i.currency = set.DefaultCurrency
	return err
}

func (i *productImport) settle() {}

func (i *productImport) plan(ctx context.Context, tx *op.Tx, rows []Row) ([]verdict, error) {
	i.w.cells.report(&i.w.report)
	i.added, i.before, i.after = nil, nil, nil
	list, err := allProducts(ctx, tx)
	if err != nil {
		return nil, err
	}
	known := map[string]productRecord{}
	for _, p := range list {
		known["name "+orgname.SearchText(p.Name)] = p
		if p.ExternalID != "" {
			known["id "+p.ExternalID] = p
		}
	}
	out := make([]verdict, 0, len(rows))
	for n := range rows {
		out = append(out, i.row(&rows[n], known))
	}
	return out, nil
}

func (i *productImport) row(row *Row, known map[string]productRecord) verdict {
	c, v := i.w.cells, verdict{row: row.No, outcome: Unchanged}
	if c.repeated(row, &v) {
		return v
	}
	name, p1 := c.text(row, "name", 120)
	series, p2 := c.text(row, "series", 120)
	external, p3 := c.text(row, "external_id", 200)
	currency, p4 := c.currency(row, i.currency)
	for _, p := range []*Problem{p1, p2, p3, p4} {
		if p != nil {
			v.refuse(*p)
		}
	}
	if name == "" && p1 == nil {
		v.refuse(c.problem("name", "", "name.required", "Give the product a name."))
	}
	if p4 == nil && currency != i.currency {
		v.refuse(c.problem("currency", currency, "currency.other", "The product list is kept in %s. Convert the price, or leave it empty.", i.currency))
	}
	price, p5 := c.amount(row, "price", i.currency)
	if p5 != nil {
		v.refuse(*p5)
	}
	if v.outcome == Refused {
		return v
	}
	old, found := known["id "+external]
	if !found || external == "" {
		old, found = known["name "+orgname.SearchText(name)]
	}
	fresh := old
	if !found {
		fresh = productRecord{ID: id.New(), Version: 1}
	}
	fresh.Name = name
	if series != "" {
		fresh.Series = series
	}
	if price != nil {
		fresh.PriceMinor = price
	}
	if external != "" {
		fresh.ExternalID = external
	}
	v.object = fresh.ID
	switch {
	case !found:
		v.outcome = Created
		i.added = append(i.added, fresh)
		known["name "+orgname.SearchText(name)] = fresh
	case c.mapping.Options.Existing != ExistingKeep && !sameProduct(old, fresh):
		v.outcome = Updated
		i.before, i.after = append(i.before, old), append(i.after, fresh)
		old.Version++
		v.before = undoProduct{old}
	}
	return v
}

// undoProduct is what undo needs of a changed product.
type undoProduct struct {
	Product productRecord `json:"product"`
}

func sameProduct(a, b productRecord) bool {
	return a.Name == b.Name && a.Series == b.Series && a.ExternalID == b.ExternalID && sameAmount(a.PriceMinor, b.PriceMinor)
}

func sameAmount(a, b *int64) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

func (i *productImport) write(ctx context.Context, tx *op.Tx) error {
	for _, p := range i.added {
		tx.Audit(audit.Change{Type: "product", ID: p.ID, Label: p.Name, After: p})
	}
	if err := addProducts(ctx, tx, i.w.run.ID, i.added); err != nil {
		return err
	}
	for n, p := range i.after {
		tx.Audit(audit.Change{Type: "product", ID: p.ID, Label: p.Name, Before: i.before[n], After: p})
	}
	done, err := setProducts(ctx, tx, i.after)
	if err == nil && len(done) != len(i.after) {
		err = errs.New(errs.Conflict, "busy", "Somebody changed a product at the same moment.")
	}
	return err
}
