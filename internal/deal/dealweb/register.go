package dealweb

import (
	"context"
	"net/http"
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/partner"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

// formView is what the registration form and the edit form offer.
type formView struct {
	form     *httpx.Form
	vendor   bool
	settings tenant.Settings
	products []tenant.Product
	partners []partner.Partner
	owners   []ui.Option
	answer   *checked
}

// checked is the answer to "is this customer free?", or why there is none.
type checked struct {
	answer  deal.Answer
	problem string
}

func (p *pages) newDeal(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	q := r.URL.Query()
	f := httpx.NewForm(map[string]string{"account.domain": q.Get("account.domain"), "account.name": q.Get("account.name"), "partner_id": q.Get("partner")})
	var c *checked
	if f.Value("account.domain") != "" && who.May(deal.ActCheck) {
		c = p.ask(r.Context(), who, f)
	}
	return p.drawNew(w, r, who, http.StatusOK, f, c)
}

func (p *pages) create(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in, submit := readNew(f)
	var d deal.Deal
	if err = f.Err(); err == nil {
		d, err = p.deals.Create(r.Context(), who, in)
	}
	switch {
	case err == nil && submit:
		return p.submitNew(w, r, who, d)
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "Saved as a draft. Nobody decides it before you submit it."})
		httpx.SeeOther(w, r, dealHref(d.ID))
		return nil
	case absorb(f, err):
		return p.drawNew(w, r, who, http.StatusUnprocessableEntity, f, nil)
	}
	return err
}

// submitNew submits a registration that was made a moment ago. Should that fail, the draft stands and says why.
func (p *pages) submitNew(w http.ResponseWriter, r *http.Request, who access.Actor, d deal.Deal) error {
	if who.Request.IdempotencyKey != "" {
		who.Request.IdempotencyKey += "-submit" // the second use case of one form
	}
	done, err := p.deals.Submit(r.Context(), who, deal.Step{ID: d.ID, Version: d.Version})
	switch e := errs.Of(err); {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "Registered. " + answerWords(done.Answer)})
	case e.Kind == errs.Invalid && len(e.Fields) > 0:
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: "Saved as a draft, not submitted yet. " + e.Fields[0].Msg})
	case e.Kind == errs.Conflict || e.Kind == errs.Stale || e.Kind == errs.Forbidden:
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: "Saved as a draft, not submitted yet. " + e.Msg})
	default:
		return err
	}
	httpx.SeeOther(w, r, dealHref(d.ID))
	return nil
}

// readNew reads a registration. What a decision needs is asked for at once when it is to be submitted.
func readNew(f *httpx.Form) (in deal.CreateInput, submit bool) {
	submit = f.Choice("intent", "submit", "draft") == "submit"
	facts := readFacts(f)
	in = deal.CreateInput{Title: f.Need("title"), Partner: f.ID("partner_id"), Account: facts.account, AmountMinor: facts.amount, Currency: facts.currency,
		ExpectedCloseOn: facts.close, Product: f.Text("product")}
	if submit && f.Value("amount") == "" {
		f.Refuse("amount", "field.required", "Give the amount you expect; an estimate will do.")
	}
	if submit && facts.account.Name == "" && facts.account.Domain == "" {
		f.Refuse("account.name", "field.required", "Name the customer: the company's name or its domain.")
	}
	f.Also(in.Refused())
	return in, submit
}

// facts are the fields that registration and edit forms share.
type facts struct {
	account  deal.AccountFacts
	amount   *int64
	currency string
	close    deal.Day
}

func readFacts(f *httpx.Form) facts {
	out := facts{currency: f.Text("currency"),
		account: deal.AccountFacts{Name: f.Text("account.name"), Domain: f.Text("account.domain"), Country: f.Text("account.country")}}
	if s := f.Text("amount"); s != "" {
		minor, err := money.Parse(s, out.currency)
		if e := errs.Of(err); e != nil {
			f.Refuse("amount", e.Code, e.Msg)
		}
		out.amount = &minor
	}
	if t := f.Date("expected_close_on"); !t.IsZero() {
		out.close = deal.DayOf(t)
	}
	return out
}

// absorb puts a refusal of the use case beside the form's fields; false for what no field can mend.
func absorb(f *httpx.Form, err error) bool {
	e := errs.Of(err)
	switch {
	case e.Code == "idempotency.reused":
		f.Refuse("", e.Code, "This form was sent before, with other words in it. Look at your deals, then press the button again to register another one.")
	case e.Code == "partner.not_found" || e.Code == "partner.closed":
		f.Refuse("partner_id", e.Code, e.Msg)
	case e.Code == "member.not_found":
		f.Refuse("owner_id", e.Code, "Choose one of the people offered.")
	case e.Code == "deal.external_taken" || e.Code == "deal.protected":
		f.Refuse("", e.Code, e.Msg)
	case e.Kind == errs.Invalid:
		renamed := *e
		renamed.Fields = slices.Clone(e.Fields)
		for i := range renamed.Fields {
			if renamed.Fields[i].Name == "amount_minor" {
				renamed.Fields[i].Name = "amount"
			}
		}
		return f.Absorb(&renamed)
	default:
		return false
	}
	return true
}

func (p *pages) drawNew(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form, c *checked) error {
	v := formView{form: f, vendor: vendor(who), answer: c}
	if err := p.fillForm(r.Context(), who, &v); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Register a deal", "deals")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Deals", Href: "/deals"}}
	pg.Subtitle = "Who is the customer, and what is it worth? You can complete the rest later."
	return ui.Render(w, r, status, newPage(pg, v, id.New().String()))
}

func (p *pages) fillForm(ctx context.Context, who access.Actor, v *formView) error {
	o, err := p.Tenants.Overview(ctx, who)
	if err != nil {
		return err
	}
	v.settings, v.products = o.Settings, o.Products
	v.partners, err = p.partnerChoices(ctx, who)
	v.partners = slices.DeleteFunc(v.partners, func(c partner.Partner) bool { return c.Status != "active" && c.Status != "invited" })
	return err
}

// check answers whether the typed customer is free: a fragment for the script, the whole form without it.
func (p *pages) check(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	c := p.ask(r.Context(), who, f)
	if httpx.IsHTMX(r) {
		return ui.Render(w, r, http.StatusOK, availability(c))
	}
	return p.drawNew(w, r, who, http.StatusOK, f, c)
}

// ask returns nil when there is nothing to ask about yet.
func (p *pages) ask(ctx context.Context, who access.Actor, f *httpx.Form) *checked {
	in := deal.CheckInput{Domain: f.Text("account.domain"), Name: f.Text("account.name"), Country: f.Text("account.country")}
	if in.Domain == "" && in.Name == "" {
		return nil
	}
	who.Request.IdempotencyKey = "" // a question may be asked again
	a, err := p.deals.Check(ctx, who, in)
	if err == nil {
		return &checked{answer: a}
	}
	e := errs.Of(err)
	if len(e.Fields) > 0 {
		return &checked{problem: e.Fields[0].Msg}
	}
	return &checked{problem: e.Msg}
}

func (v formView) currencies() []ui.Option {
	first := v.settings.DefaultCurrency
	out := []ui.Option{{Value: first, Label: first}}
	for _, c := range money.All() {
		if c.Code != first {
			out = append(out, ui.Option{Value: c.Code, Label: c.Code})
		}
	}
	return out
}

// amountHint says what the amount is needed for: a draft goes without.
func amountHint(v formView) string {
	if v.form.Value("version") != "" {
		return "An estimate will do."
	}
	return "Needed to register; an estimate will do."
}

func countries() []ui.Option {
	var out []ui.Option
	for _, c := range country.All() {
		out = append(out, ui.Option{Value: c.Code, Label: c.Name})
	}
	return out
}

// productOptions are the programme's products, and the one that stands on the deal already.
func (v formView) productOptions() []ui.Option {
	var out []ui.Option
	now := v.form.Value("product")
	for _, pr := range v.products {
		out = append(out, ui.Option{Value: pr.Name, Label: pr.Name})
		if pr.Name == now {
			now = ""
		}
	}
	if now != "" && len(out) > 0 {
		out = append(out, ui.Option{Value: now, Label: now})
	}
	return out
}

// today is the reader's calendar day.
func today(rd ui.Reader) string { return rd.Present().In(zoneOf(rd)).Format(time.DateOnly) }

func zoneOf(rd ui.Reader) *time.Location {
	if rd.Zone == nil {
		return time.UTC
	}
	return rd.Zone
}

func daysWords(n int) string { return counted(ui.Reader{}, int64(n), "day", "days") }

// asking lets a field ask for the customer's availability when it was left.
func asking(f ui.Field, fresh bool) ui.Field {
	if !fresh {
		return f
	}
	return f.With("hx-post", "/deals/check").With("hx-trigger", "change").With("hx-target", "#availability").With("hx-sync", "closest form:queue last")
}
