package deal

import (
	"context"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/op"
)

// MaxAmountMinor is the largest amount of a deal.
const MaxAmountMinor = 1_000_000_000_000_000

// nameNorm, searchText and the claim key are derived from the facts, never typed.
func (d Deal) nameNorm() string { return orgname.NormalName(d.AccountName) }

func (d Deal) searchText() string {
	return orgname.SearchText(d.Title, d.AccountName, d.AccountDomain, d.Product)
}

func (d *Deal) deriveKey() {
	d.ClaimKey = orgname.ClaimKey(d.AccountDomain, d.AccountName, d.AccountCountry)
}

// problems collects what is refused of a deal.
type problems struct{ errs.Problems }

func (p *problems) title(v string) string {
	v = p.Text("title", v, 200)
	p.Need("title", v)
	return v
}

func (p *problems) amount(v *int64) *int64 {
	if v == nil {
		return nil
	}
	if *v < 0 {
		p.Add("amount_minor", "field.too_small", "Give 0 or more.")
	} else if *v > MaxAmountMinor {
		p.Add("amount_minor", "field.too_large", "Give %d or less.", int64(MaxAmountMinor))
	}
	c := *v
	return &c
}

func (p *problems) currency(v string) string {
	c, ok := money.Lookup(v)
	if !ok {
		p.Add("currency", "currency.unknown", "Give an ISO 4217 currency code such as EUR or USD.")
	}
	return c.Code
}

func (p *problems) day(name string, v Day) Day {
	d, ok := ParseDay(string(v))
	if !ok {
		p.Add(name, "field.date", "Give a date that exists, as year-month-day, such as 2026-03-28.")
	}
	return d
}

func (p *problems) externalID(v string) string {
	return p.Text("external_id", v, 200)
}

// refused returns what the account room will not accept of f, under the names the fields have in a deal.
func (f AccountFacts) refused() errs.Problems {
	f = f.trimmed()
	if f == (AccountFacts{}) {
		return nil
	}
	out := account.Facts{Name: &f.Name, Domain: &f.Domain, Country: &f.Country}.Apply(&account.Account{})
	for i := range out {
		out[i].Name = "account." + out[i].Name
	}
	return out
}

// trimmed returns f without white space around, and with the domain for a name that was not given.
func (f AccountFacts) trimmed() AccountFacts {
	f = AccountFacts{strings.TrimSpace(f.Name), strings.TrimSpace(f.Domain), strings.TrimSpace(f.Country)}
	if f.Name == "" {
		f.Name, _ = orgname.Domain(f.Domain)
	}
	return f
}

// settleAccount finds or adds the account that somebody named by facts, and puts it on the deal. Facts with neither name
// nor domain name no account.
func settleAccount(ctx context.Context, tx *op.Tx, d *Deal, f AccountFacts) error {
	f = f.trimmed()
	d.Account, d.AccountName, d.AccountDomain, d.AccountCountry = id.Nil, "", "", ""
	if f == (AccountFacts{}) {
		d.deriveKey()
		return nil
	}
	a, err := account.EnsureIn(ctx, tx, account.Facts{Name: &f.Name, Domain: &f.Domain, Country: &f.Country}, d.Partner)
	if err != nil {
		return underAccount(err)
	}
	d.Account, d.AccountName, d.AccountDomain, d.AccountCountry = a.ID, a.Name, a.Domain, a.Country
	d.AccountName = f.Name
	if code, ok := country.Lookup(f.Country); ok {
		d.AccountCountry = code
	}
	d.deriveKey()
	return nil
}

// takeAccount puts an account that the actor sees on the deal, and shares it with the deal's partner.
func takeAccount(ctx context.Context, tx *op.Tx, d *Deal, v id.ID) error {
	a, err := account.GetIn(ctx, tx, v)
	if err != nil {
		return err
	}
	d.Account, d.AccountName, d.AccountDomain, d.AccountCountry = a.ID, a.Name, a.Domain, a.Country
	d.deriveKey()
	return account.ShareIn(ctx, tx, a.ID, d.Partner)
}

// underAccount renames the account room's fields to where they stand in a deal: account.domain.
func underAccount(err error) error {
	e := errs.Of(err)
	if e.Kind != errs.Invalid {
		return err
	}
	out := *e
	out.Fields = make([]errs.Field, len(e.Fields))
	for i, f := range e.Fields {
		f.Name = "account." + f.Name
		out.Fields[i] = f
	}
	return &out
}

// allow asks for the permission. Where the programme lets agents edit their company's deals, an own scope reaches those too.
func allow(tx *op.Tx, d Deal, r rules) error {
	obj := d.Object()
	if r.AgentEdits == "company" && tx.Who.Persona == access.Partner && obj.Partner == tx.Who.Partner {
		obj.Owner = tx.Who.Member
	}
	return tx.Allow(obj)
}
