package deal

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

var history = trail.Records[Deal]{Table: "deal", Quiet: []string{"claim_key", "source"}, Names: namesThen, Refs: refs}

// refs tells references apart by id and writes them by name. The account is told by its facts, which a deal keeps itself.
func refs(a, b *Deal, changes map[string][2]any) {
	for _, r := range []struct {
		column     string
		from, to   id.ID
		was, again string
	}{{"owner_id", a.Owner, b.Owner, a.OwnerName, b.OwnerName}, {"partner_id", a.Partner, b.Partner, a.PartnerName, b.PartnerName}, {"stage_id", a.Stage, b.Stage, a.StageName, b.StageName},
		{"account_id", a.Account, b.Account, a.AccountName, b.AccountName}} {
		delete(changes, r.column)
		if r.from != r.to {
			changes[r.column] = [2]any{r.was, r.again}
		}
	}
	for _, fact := range customerColumns[1:] {
		if _, told := changes[fact]; told {
			delete(changes, "account_id")
		}
	}
}

// customerColumns are those that say who the customer is. They come back together, or not at all.
var customerColumns = []string{"account_id", "account_name", "account_domain", "account_country"}

// outcomes are columns that steps of the registration write, with why no version brings them back.
var outcomes = map[string]string{
	"state":           "A registration goes on by its steps, such as submit, approve and withdraw.",
	"stage_id":        "A deal changes its stage on the board or on its own page.",
	"partner_id":      "A deal changes hands only when the relation to its partner ends.",
	"protected_until": "The protection follows from the decision.",
	"closed_on":       "A deal is closed by marking it won or lost.",
	"reason_code":     "It belongs to the decision.",
	"reason":          "It belongs to the decision.",
	"answer":          "It is what the check for duplicates said then.",
}

// Versions returns how a deal stood after each of its changes, newest first. NotFound "deal.not_found".
func (s *Service) Versions(ctx context.Context, who access.Actor, v id.ID, q trail.VersionQuery) (trail.VersionPage, error) {
	return op.Read(ctx, s.ops, who, ActVersions, func(tx *op.Tx) (trail.VersionPage, error) {
		d, _, err := look(ctx, tx, v)
		if err != nil {
			return trail.VersionPage{}, err
		}
		out, err := history.Page(ctx, s.ops, tx, v, q)
		out.Label, out.Current = d.Title, d.Version
		return out, err
	})
}

// Version returns one version beside the deal as it stands, and what Restore would do. NotFound "deal.not_found" or
// "version.not_found".
func (s *Service) Version(ctx context.Context, who access.Actor, v id.ID, number int) (trail.Comparison, error) {
	return op.Read(ctx, s.ops, who, ActVersions, func(tx *op.Tx) (trail.Comparison, error) {
		d, r, err := look(ctx, tx, v)
		if err != nil {
			return trail.Comparison{}, err
		}
		c, _, err := s.compare(ctx, tx, d, r, number)
		return c, err
	})
}

// Restore brings back the facts of a version, by the rules of Update: what they refuse today, what steps of the registration
// wrote, and what the history lost, stays as it is. Another customer on a protected deal takes its claim along. version is the
// version of the deal that the caller read, or 0. It returns what was done.
//
// NotFound "deal.not_found" or "version.not_found"; Conflict "deal.state", "version.nothing", "deal.protected" or
// "deal.external_taken"; Stale "deal.stale".
func (s *Service) Restore(ctx context.Context, who access.Actor, v id.ID, number, version int) (trail.Comparison, error) {
	return op.Write(ctx, s.ops, who, ActRestore, func(tx *op.Tx) (trail.Comparison, error) {
		before, r, err := lock(ctx, tx, v)
		if err != nil {
			return trail.Comparison{}, err
		}
		if err := allow(tx, before, r); err != nil {
			return trail.Comparison{}, err
		}
		if err := stale(version, before.Version); err != nil {
			return trail.Comparison{}, err
		}
		c, then, err := s.compare(ctx, tx, before, r, number)
		switch {
		case err != nil:
			return c, err
		case !editable(who, before.State):
			return c, wrongState(before.State, "changed")
		}
		if err := c.Check(); err != nil {
			return c, err
		}
		d := bringBack(&c, before, then)
		if c.Has(customerColumns...) && d.Account != id.Nil {
			if err := account.ShareIn(ctx, tx, d.Account, d.Partner); err != nil {
				return c, err
			}
		}
		d, err = saveFacts(ctx, tx, before, d, r, c.Note())
		c.Label, c.Current = d.Title, d.Version
		return c, err
	})
}

// look reads a deal that the actor may do the running action to.
func look(ctx context.Context, tx *op.Tx, v id.ID) (Deal, rules, error) {
	d, r, err := find(ctx, tx, v)
	if err != nil {
		return d, r, err
	}
	return d, r, allow(tx, d, r)
}

// bringBack puts what comes back of then on the deal.
func bringBack(c *trail.Comparison, d, then Deal) Deal {
	if c.Has("title") {
		d.Title = then.Title
	}
	if c.Has("owner_id") {
		d.Owner, d.OwnerName = then.Owner, then.OwnerName
	}
	if c.Has("amount_minor") {
		d.AmountMinor = then.AmountMinor
	}
	if c.Has("currency") {
		d.Currency = then.Currency
	}
	if c.Has("expected_close_on") {
		d.ExpectedCloseOn = then.ExpectedCloseOn
	}
	if c.Has("product") {
		d.Product = then.Product
	}
	if c.Has("external_id") {
		d.ExternalID = then.ExternalID
	}
	if c.Has(customerColumns...) {
		d.Account, d.AccountName, d.AccountDomain, d.AccountCountry = then.Account, then.AccountName, then.AccountDomain, then.AccountCountry
		d.deriveKey()
	}
	return d
}

// compare also returns the deal as it stood.
func (s *Service) compare(ctx context.Context, tx *op.Tx, now Deal, r rules, number int) (trail.Comparison, Deal, error) {
	c, past, err := history.Compare(ctx, s.ops, tx, now.ID, now, number)
	if err != nil {
		return c, now, err
	}
	then := past.Record
	c.Label, c.Current, c.Currency = now.Title, now.Version, now.Currency
	if !editable(tx.Who, now.State) {
		c.Refused = errs.Of(wrongState(now.State, "changed")).Msg
	}
	for column, why := range outcomes {
		c.Keep(why, column)
	}
	for _, column := range customerColumns {
		if past.Gone(column) {
			c.Keep("The customer was erased from this version, and is not on record any more.", customerColumns...)
		}
	}
	if then.ExternalID != "" && past.Has("external_by") {
		c.Keep("The partner gave this external id, and only the partner gives it again.", "external_id")
	}
	c.KeepRefused(UpdateInput{Title: &then.Title, AmountMinor: then.AmountMinor, Currency: &then.Currency, ExpectedCloseOn: &then.ExpectedCloseOn,
		Product: &then.Product, ExternalID: &then.ExternalID}.Refused())
	if then.AmountMinor == nil && now.State != StateDraft {
		c.Keep("A deal that was submitted names its amount.", "amount_minor")
	}
	for _, check := range []func(context.Context, *op.Tx, *trail.Comparison, Deal, Deal, rules) error{keepCustomer, keepOwner, keepExternal} {
		if err := check(ctx, tx, &c, now, then, r); err != nil {
			return c, then, err
		}
	}
	return c, then, nil
}

// keepCustomer keeps a customer that is gone, or that is protected for somebody else.
func keepCustomer(ctx context.Context, tx *op.Tx, c *trail.Comparison, now, then Deal, r rules) error {
	if !c.Has(customerColumns...) {
		return nil
	}
	if then.AccountName == "" && then.AccountDomain == "" && now.State != StateDraft {
		c.Keep("A deal that was submitted names its customer.", customerColumns...)
		return nil
	}
	if then.Account != id.Nil {
		if _, err := account.GetIn(ctx, tx, then.Account); errs.IsKind(err, errs.NotFound) {
			c.Keep("The account is not there any more.", customerColumns...)
			return nil
		} else if err != nil {
			return err
		}
	}
	d := bringBack(c, now, then)
	if d.ClaimKey == now.ClaimKey || d.ClaimKey == "" || !now.Protected(tx.Now) {
		return nil
	}
	other, err := holderOf(ctx, tx, d, tx.Now, *now.ProtectedUntil)
	if err == nil && other.deal != id.Nil {
		c.Keep(other.words(d, r)+".", customerColumns...)
	}
	return err
}

// keepOwner keeps an owner who may not own the deal any more.
func keepOwner(ctx context.Context, tx *op.Tx, c *trail.Comparison, now, then Deal, _ rules) error {
	if !c.Has("owner_id") || then.Owner == id.Nil {
		return nil
	}
	err := ownerStands(ctx, tx, then.Owner, now.Partner)
	if errs.IsKind(err, errs.NotFound) {
		c.Keep("This person is not there any more, or not with this partner.", "owner_id")
		return nil
	}
	return err
}

// keepExternal keeps an external id that another deal has by now.
func keepExternal(ctx context.Context, tx *op.Tx, c *trail.Comparison, now, then Deal, _ rules) error {
	if !c.Has("external_id") || then.ExternalID == "" {
		return nil
	}
	taken, err := externalTaken(ctx, tx, then.ExternalID, now.ID)
	if taken {
		c.Keep("Another deal has this external id by now.", "external_id")
	}
	return err
}
