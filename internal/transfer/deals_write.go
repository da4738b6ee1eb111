package transfer

import (
	"context"
	"fmt"
	"strings"

	"entente.dev/internal/audit"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/op"
)

// people settles the partner and the person in charge.
func (i *dealImport) people(row *Row, d *dealRecord, found bool, v *verdict) {
	c := i.w.cells
	raw, name, _ := c.mapped(row, "partner")
	if name == "" && !found {
		name = c.mapping.Defaults.Partner
	}
	company := d.Partner
	if name != "" {
		p := i.reg.partner(name)
		if raw != "" {
			i.w.report.saw("partner", raw, func() Value {
				if p == nil {
					return Value{Suggestion: suggest(name, i.reg.partnerNames())}
				}
				return Value{Target: p.Name, Known: true}
			})
		}
		if p == nil {
			v.refuse(c.problem("partner", name, "partner.unknown", "There is no partner company of this name.%s Import the partners first, or map the value.", looksLike(suggest(name, i.reg.partnerNames()))))
			return
		}
		company = p.ID
	}
	rawOwner, owner, _ := c.mapped(row, "owner")
	if owner != "" {
		m, wrong := i.owner(owner, rawOwner, company, name != "" && raw != "")
		if wrong != nil {
			v.refuse(*wrong)
			return
		}
		d.Owner = m.ID
		if m.Partner != id.Nil {
			company = m.Partner
		}
	}
	if found && d.Partner != company && d.native() {
		v.refuse(c.problem("partner", raw, "deal.partner", "This deal was registered in the programme by another partner. An import does not take it away."))
		return
	}
	d.Partner = company
}

// owner finds the person in charge. Where the row names a partner, only that company's people and the vendor's are looked at.
func (i *dealImport) owner(name, raw string, company id.ID, strict bool) (*memberRecord, *Problem) {
	c := i.w.cells
	key := [2]string{name, ""}
	if strict {
		key[1] = company.String()
	}
	m, known := i.owners[key]
	if !known {
		list := i.reg.people(name)
		if own := at(list, company); len(own) > 0 && company != id.Nil {
			list = own
		} else if strict {
			list = at(list, id.Nil)
		}
		if len(list) > 1 {
			p := c.problem("owner", raw, "owner.ambiguous", "%d people have this name. Name the partner in a column of its own, or use e-mail addresses.", len(list))
			return nil, &p
		}
		if len(list) == 1 {
			m = list[0]
		}
		if company == id.Nil || strict {
			i.owners[key] = m
		}
	}
	i.w.report.saw("owner", raw, func() Value {
		if m == nil {
			return Value{Suggestion: suggest(name, i.reg.names)}
		}
		return Value{Target: m.Name, Known: true}
	})
	if m == nil {
		p := c.problem("owner", raw, "owner.unknown", "There is no such person%s.%s Import the partners with their people first, or map the value.", map[bool]string{true: " at this partner"}[strict], looksLike(suggest(name, i.reg.names)))
		return nil, &p
	}
	return m, nil
}

func looksLike(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf(" It looks like %q.", s)
}

// money settles amount and currency.
func (i *dealImport) money(row *Row, d *dealRecord, found bool, v *verdict) {
	c := i.w.cells
	currency := d.Currency
	if !found || c.raw(row, "currency") != "" {
		var wrong *Problem
		if currency, wrong = c.currency(row, i.currency); wrong != nil {
			v.refuse(*wrong)
			return
		}
	}
	amount, wrong := c.amount(row, "amount", currency)
	if wrong != nil {
		v.refuse(*wrong)
		return
	}
	d.Currency = currency
	if amount != nil {
		d.AmountMinor = amount
	}
}

// texts settles title, product and reason.
func (i *dealImport) texts(row *Row, d *dealRecord, v *verdict) {
	c := i.w.cells
	title, p1 := c.text(row, "title", 200)
	reason, p2 := c.text(row, "reason", 2000)
	for _, p := range []*Problem{p1, p2} {
		if p != nil {
			v.refuse(*p)
		}
	}
	if title != "" {
		d.Title = title
	}
	if reason != "" {
		d.Reason = reason
	}
	raw, product, byMap := c.mapped(row, "product")
	if product == "" {
		return
	}
	product = strings.Join(strings.Fields(product), " ")
	if len([]rune(product)) > 120 {
		v.refuse(c.problem("product", raw, "product.too_long", "Keep the product within 120 characters."))
		return
	}
	l := i.product(raw, product)
	i.w.report.saw("product", raw, func() Value { return Value{Target: l.name, Known: l.known, Suggestion: l.near} })
	if !l.known && !byMap && l.warning != "" {
		i.w.report.warn(columnName(c, "product"), "product.unknown", l.warning, row.No)
	}
	d.Product = l.name
}

// listed is what a product's spelling was taken for.
type listed struct {
	name          string
	known         bool
	near, warning string
}

// product looks a spelling up in the product list; what is not on it stays as it is written.
func (i *dealImport) product(raw, product string) listed {
	if l, seen := i.listed[product]; seen {
		return l
	}
	l := listed{name: product}
	for _, p := range i.products {
		if orgname.SearchText(p) == orgname.SearchText(product) {
			l.name, l.known = p, true
			break
		}
	}
	if !l.known && len(i.products) > 0 {
		l.near = suggest(product, i.products)
		l.warning = fmt.Sprintf("%q is not on the product list and is kept as it is written.%s Map the value if it means another product.", raw, looksLike(l.near))
	}
	i.listed[product] = l
	return l
}

func (i *dealImport) write(ctx context.Context, tx *op.Tx) error {
	n := i.now
	records := make([]accountRecord, 0, len(n.accounts))
	for _, a := range n.accounts {
		records = append(records, recordOfAccount(a, 1))
		tx.Audit(audit.Change{Type: "account", ID: a.ID, Label: a.Name, After: a})
	}
	if err := addAccounts(ctx, tx, i.w.run.ID, records); err != nil {
		return err
	}
	if err := addDeals(ctx, tx, i.w.run.ID, n.added); err != nil {
		return err
	}
	done, err := setDeals(ctx, tx, n.after)
	if err != nil {
		return err
	}
	if len(done) != len(n.after) {
		return errs.New(errs.Conflict, "busy", "Somebody changed a deal at the same moment.")
	}
	if err := endClaims(ctx, tx, overNow(n.before, n.after)); err != nil {
		return err
	}
	if err := i.share(ctx, tx); err != nil {
		return err
	}
	for _, d := range n.added {
		tx.Audit(audit.Change{Type: "deal", ID: d.ID, Label: d.Title, Partner: d.Partner, After: i.told(d)})
	}
	for k, d := range n.after {
		tx.Audit(audit.Change{Type: "deal", ID: d.ID, Label: d.Title, Partner: d.Partner, Before: i.told(n.before[k]), After: i.told(d)})
	}
	return nil
}

// share lets the partners see the accounts of their deals, and notes on the rows which shares are new.
func (i *dealImport) share(ctx context.Context, tx *op.Tx) error {
	list := make([]share, 0, len(i.now.shares))
	for s := range i.now.shares {
		list = append(list, s)
	}
	made, err := shareAccounts(ctx, tx, list)
	for s := range made {
		i.now.shares[s].Share = &s
	}
	return err
}

// overNow returns the deals that hold their customer no longer.
func overNow(before, after []dealRecord) []id.ID {
	var out []id.ID
	for k, d := range after {
		switch deal.State(d.State) {
		case deal.StateLost, deal.StateWithdrawn, deal.StateRejected:
			if before[k].State != d.State && before[k].Protected {
				out = append(out, d.ID)
			}
		}
	}
	return out
}

// told is a deal as audit entries show it: people, partner and stage by name.
func (i *dealImport) told(d dealRecord) deal.Deal {
	out := deal.Deal{ID: d.ID, Title: d.Title, AccountName: d.AccountName, AccountDomain: d.AccountDomain, AccountCountry: d.AccountCountry, ClaimKey: d.ClaimKey,
		State: deal.State(d.State), AmountMinor: d.AmountMinor, Currency: d.Currency, Product: d.Product, ExpectedCloseOn: d.ExpectedClose, ClosedOn: d.ClosedOn,
		Reason: d.Reason, Source: d.Source, ExternalID: d.ExternalID}
	if p := i.reg.byID[d.Partner.String()]; p != nil && d.Partner != id.Nil {
		out.PartnerName = p.Name
	}
	out.OwnerName = i.reg.nameOf[d.Owner]
	for _, s := range i.pipe.stages {
		if s.ID == d.Stage {
			out.StageName = s.Name
		}
	}
	return out
}
