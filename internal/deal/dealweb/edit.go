package dealweb

import (
	"net/http"
	"strconv"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/ui"
)

// editView is what the edit page shows.
type editView struct {
	formView
	deal  deal.Deal
	stale []ui.Change // what somebody else saved meanwhile, beside what was typed
}

func (p *pages) edit(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawEdit(w, r, who, http.StatusOK, nil, false)
}

func (p *pages) update(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := dealID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := readEdit(f, key)
	if err = f.Err(); err == nil {
		_, err = p.deals.Update(r.Context(), who, in)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "Saved."})
	case errs.IsKind(err, errs.Stale):
		return p.drawEdit(w, r, who, http.StatusPreconditionFailed, f, true)
	case absorb(f, err):
		return p.drawEdit(w, r, who, http.StatusUnprocessableEntity, f, false)
	case kindly(err):
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: errs.Of(err).Msg})
	default:
		return err
	}
	httpx.SeeOther(w, r, dealHref(key))
	return nil
}

func readEdit(f *httpx.Form, key id.ID) deal.UpdateInput {
	facts := readFacts(f)
	title, product := f.Need("title"), f.Text("product")
	in := deal.UpdateInput{ID: key, Version: f.Version(), Title: &title, Account: &facts.account, Currency: &facts.currency,
		ExpectedCloseOn: &facts.close, Product: &product, AmountMinor: facts.amount}
	if owner := f.ID("owner_id"); f.Value("has_owner") != "" {
		in.Owner = &owner
	}
	f.Text("has_owner")
	f.Also(in.Refused())
	return in
}

// drawEdit draws the edit form with what was typed, or with the deal as it stands. After a stale save it shows both, and the
// next save goes on from the deal as it stands now.
func (p *pages) drawEdit(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form, stale bool) error {
	key, err := dealID(r)
	if err != nil {
		return err
	}
	v := editView{formView: formView{form: f, vendor: vendor(who)}}
	if v.deal, err = p.deals.Get(r.Context(), who, key); err != nil {
		return err
	}
	if !v.deal.Can(who, deal.ActUpdate) {
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: "This deal is " + string(v.deal.State) + ", so its facts cannot be changed by you now."})
		httpx.SeeOther(w, r, dealHref(key))
		return nil
	}
	if err = p.fillEdit(r, who, &v); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Edit deal", "deals")
	if err != nil {
		return err
	}
	if stale {
		v.stale = v.both(pg.Viewer.Reader)
		v.form.Set("version", strconv.Itoa(v.deal.Version))
	}
	pg.Crumbs = []ui.Link{{Label: "Deals", Href: "/deals"}, {Label: v.deal.Title, Href: dealHref(key)}}
	return ui.Render(w, r, status, editPage(pg, v))
}

func (p *pages) fillEdit(r *http.Request, who access.Actor, v *editView) (err error) {
	if v.form == nil {
		v.form = httpx.NewForm(valuesOf(v.deal))
	}
	if p.Owners != nil {
		if v.owners, err = p.Owners(r.Context(), who, v.deal.Partner); err != nil {
			return err
		}
	}
	return p.fillForm(r.Context(), who, &v.formView)
}

// valuesOf is the deal as the form shows it.
func valuesOf(d deal.Deal) map[string]string {
	out := map[string]string{"title": d.Title, "account.name": d.AccountName, "account.domain": d.AccountDomain, "account.country": d.AccountCountry,
		"currency": d.Currency, "product": d.Product, "expected_close_on": string(d.ExpectedCloseOn), "version": strconv.Itoa(d.Version)}
	if d.AmountMinor != nil {
		whole, frac, _ := strings.Cut(money.Decimal(*d.AmountMinor, d.Currency), ".")
		if out["amount"] = whole; strings.Trim(frac, "0") != "" {
			out["amount"] = whole + "." + frac
		}
	}
	if d.Owner != id.Nil {
		out["owner_id"] = d.Owner.String()
	}
	return out
}

// both lists the fields in which what was typed differs from what stands now: Old is what stands, New what was typed.
func (v editView) both(rd ui.Reader) []ui.Change {
	now := valuesOf(v.deal)
	names := []label{{"title", "Title"}, {"account.name", "Customer"}, {"account.domain", "Domain"}, {"account.country", "Country"},
		{"amount", "Amount"}, {"currency", "Currency"}, {"expected_close_on", "Expected close"}, {"product", "Product"}, {"owner_id", "Owner"}}
	var out []ui.Change
	for _, l := range names {
		typed, stands := v.form.Value(l.column), now[l.column]
		if l.column == "owner_id" && v.form.Value("has_owner") == "" || sameAmount(l.column, typed, stands, v.deal.Currency) || typed == stands {
			continue
		}
		out = append(out, ui.Change{Field: l.words, Old: v.shown(rd, l.column, stands), New: v.shown(rd, l.column, typed)})
	}
	return out
}

func sameAmount(column, a, b, currency string) bool {
	if column != "amount" {
		return false
	}
	x, errX := money.Parse(a, currency)
	y, errY := money.Parse(b, currency)
	return errX == nil && errY == nil && x == y
}

// shown writes a form's value as people read it.
func (v editView) shown(rd ui.Reader, name, s string) string {
	switch name {
	case "amount":
		if minor, err := money.Parse(s, v.deal.Currency); err == nil {
			return rd.Money(minor, v.deal.Currency)
		}
	case "account.country":
		if c := country.Name(s); c != "" {
			return c
		}
	case "expected_close_on":
		if d, ok := deal.ParseDay(s); ok {
			return day(rd, d)
		}
	case "owner_id":
		for _, o := range v.owners {
			if o.Value == s {
				return o.Label
			}
		}
		if s != "" {
			return v.deal.OwnerName
		}
	}
	return s
}
