package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/account"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// dealImport imports deals. A deal is known by its external id, else by a hash of its row. A row names its customer, its partner
// and its person in charge by name; the person also says which partner it is.
type dealImport struct {
	w        *worker
	currency string
	zone     *time.Location
	products []string
	reg      *register
	pipe     *pipeline
	book     map[string]account.Account // by the name in the file
	owners   map[[2]string]*memberRecord
	listed   map[string]listed
	now      dealPlan
}

// dealPlan is what one chunk makes and changes.
type dealPlan struct {
	book     map[string]account.Account // accounts that the chunk found or made
	accounts []account.Account          // made
	added    []dealRecord
	before   []dealRecord
	after    []dealRecord
	shares   map[share]*undoDeal // the row that asked first
}

// undoDeal is what undo needs of a row beside its deal.
type undoDeal struct {
	Deal  *dealRecord `json:"deal,omitempty"`  // as it stood before
	Share *share      `json:"share,omitempty"` // the row made the account visible to the partner
}

func (i *dealImport) load(ctx context.Context, tx *op.Tx) error {
	set, err := tenant.SettingsIn(ctx, tx)
	if err != nil {
		return err
	}
	stages, err := tenant.StagesIn(ctx, tx)
	if err != nil {
		return err
	}
	products, err := tenant.ProductsIn(ctx, tx)
	if err != nil {
		return err
	}
	partners, err := allPartners(ctx, tx)
	if err != nil {
		return err
	}
	members, err := allMembers(ctx, tx)
	if err != nil {
		return err
	}
	i.currency, i.zone = set.DefaultCurrency, set.Location()
	i.products = nil
	for _, p := range products {
		i.products = append(i.products, p.Name)
	}
	i.reg, i.pipe = newRegister(partners, members), newPipeline(i.w.cells, stages)
	i.book, i.owners, i.listed = map[string]account.Account{}, map[[2]string]*memberRecord{}, map[string]listed{}
	return nil
}

func (i *dealImport) settle() {
	for name, a := range i.now.book {
		i.book[name] = a
	}
	i.now = dealPlan{}
}

func (i *dealImport) plan(ctx context.Context, tx *op.Tx, rows []Row) ([]verdict, error) {
	c := i.w.cells
	c.report(&i.w.report)
	i.now = dealPlan{book: map[string]account.Account{}, shares: map[share]*undoDeal{}}
	external := make([]string, len(rows))
	norms := map[string]bool{}
	for n := range rows {
		external[n] = i.key(&rows[n])
		if _, name, _ := c.mapped(&rows[n], "account"); name != "" {
			if _, known := i.book[name]; !known {
				norms[orgname.NormalName(name)] = true
			}
		}
	}
	known, err := dealsKnown(ctx, tx, external, !i.w.checking())
	if err != nil {
		return nil, err
	}
	accounts := &book{map[string]account.Account{}, map[string][]account.Account{}}
	if len(norms) > 0 {
		list := make([]string, 0, len(norms))
		for n := range norms {
			list = append(list, n)
		}
		if accounts, err = newBook(ctx, tx, nil, list, false); err != nil {
			return nil, err
		}
	}
	out := make([]verdict, 0, len(rows))
	for n := range rows {
		old, found := known[external[n]]
		v := verdict{row: rows[n].No, outcome: Unchanged}
		if !c.repeated(&rows[n], &v) {
			i.row(tx, &rows[n], external[n], old, found, accounts, &v)
		}
		out = append(out, v)
	}
	if i.w.checking() || i.w.status == Committing {
		i.w.report.made("accounts", len(i.now.accounts))
	}
	return out, nil
}

// key is the external id of a row: its own, else a hash of what it says.
func (i *dealImport) key(row *Row) string {
	if v := i.w.cells.raw(row, "external_id"); v != "" {
		return v
	}
	h := sha256.New()
	for _, c := range row.Cells {
		fmt.Fprintf(h, "%d:%s", len(c), c)
	}
	return "row:" + hex.EncodeToString(h.Sum(nil)[:16])
}

// row decides one row.
func (i *dealImport) row(tx *op.Tx, row *Row, external string, old dealRecord, found bool, accounts *book, v *verdict) {
	c := i.w.cells
	if len([]rune(external)) > 200 {
		v.refuse(c.problem("external_id", external, "external_id.too_long", "Keep the external id within 200 characters."))
		return
	}
	d := old
	if !found {
		d = dealRecord{ID: id.New(), ExternalID: external, Source: "import", Version: 1, CreatedAt: tx.Now}
	}
	i.people(row, &d, found, v)
	i.money(row, &d, found, v)
	i.texts(row, &d, v)
	i.state(row, &d, old, found, v)
	if v.outcome == Refused {
		return
	}
	i.customer(tx, row, &d, accounts, v)
	if v.outcome == Refused {
		return
	}
	if !found && d.Title == "" {
		d.Title = titleOf(d)
	}
	v.object = d.ID
	i.w.report.sum(d.State, d.Currency, d.AmountMinor)
	switch {
	case !found:
		v.outcome = Created
		derive(&d)
		v.before = i.see(d)
		i.now.added = append(i.now.added, d)
	case c.mapping.Options.Existing != ExistingKeep && !sameDeal(old, d):
		v.outcome = Updated
		derive(&d)
		derive(&old)
		undo := i.see(d)
		if undo == nil {
			undo = &undoDeal{}
		}
		was := old
		was.Version++
		undo.Deal, v.before = &was, undo
		i.now.before, i.now.after = append(i.now.before, old), append(i.now.after, d)
	}
}

// see asks for the account to be shared with the deal's partner; the first row that asks keeps what undo needs to know.
func (i *dealImport) see(d dealRecord) *undoDeal {
	s := share{d.Partner, d.Account}
	if s.Partner == id.Nil || s.Account == id.Nil || i.now.shares[s] != nil {
		return nil
	}
	u := &undoDeal{}
	i.now.shares[s] = u
	return u
}

func derive(d *dealRecord) {
	d.ClaimKey = orgname.ClaimKey(d.AccountDomain, d.AccountName, d.AccountCountry)
	d.NameNorm = orgname.NormalName(d.AccountName)
	d.SearchText = orgname.SearchText(d.Title, d.AccountName, d.AccountDomain, d.Product)
}

func titleOf(d dealRecord) string {
	parts := slices.DeleteFunc([]string{d.AccountName, d.Product}, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		parts = []string{"Deal " + strings.TrimPrefix(d.ExternalID, "row:")}
	}
	return shorten(strings.Join(parts, " – "), 200)
}

func sameDeal(a, b dealRecord) bool {
	return a.Partner == b.Partner && a.Owner == b.Owner && a.Account == b.Account && a.Title == b.Title && a.State == b.State && a.Stage == b.Stage &&
		sameAmount(a.AmountMinor, b.AmountMinor) && a.Currency == b.Currency && a.Product == b.Product && a.ExpectedClose == b.ExpectedClose &&
		a.ClosedOn == b.ClosedOn && a.Reason == b.Reason && a.AccountDomain == b.AccountDomain && a.AccountCountry == b.AccountCountry && a.AccountName == b.AccountName
}

// customer finds the account, or makes it, or leaves it, as the mapping says.
func (i *dealImport) customer(tx *op.Tx, row *Row, d *dealRecord, accounts *book, v *verdict) {
	c := i.w.cells
	raw, name, _ := c.mapped(row, "account")
	name = strings.Join(strings.Fields(name), " ")
	if name == "" {
		if d.Account == id.Nil {
			i.w.report.warn(columnName(c, "account"), "account.none", "Deals without a customer are kept and marked.", row.No)
		}
		return
	}
	a, known := i.book[name]
	if !known {
		if a, known = i.now.book[name]; !known {
			if a, known = accounts.named(name); known {
				i.now.book[name] = a
			}
		}
	}
	if !known {
		i.w.report.saw("account", raw, func() Value { return Value{Target: name, Known: false} })
	}
	switch {
	case known:
	case c.mapping.Options.MissingAccounts == AccountsRefuse:
		v.refuse(c.problem("account", raw, "account.unknown", "There is no account of this name. Import the accounts first, or map the value."))
		return
	case c.mapping.Options.MissingAccounts == AccountsLeave:
		i.w.report.warn(columnName(c, "account"), "account.left", "Deals of customers that are not known are kept without an account.", row.No)
		d.AccountName = shorten(name, 200)
		return
	default:
		f := account.Facts{Name: &name}
		if domain := c.raw(row, "account_domain"); domain != "" {
			if reg, ok := orgname.Domain(domain); ok && !orgname.FreeMail(reg) {
				f.Domain = &reg
			}
		}
		if code := c.country(row, &i.w.report); code != "" {
			f.Country = &code
		}
		a = account.Account{TenantID: tx.Who.Tenant, ID: id.New(), Source: "import", ImportID: i.w.run.ID, Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
		if bad := f.Apply(&a); len(bad) > 0 {
			v.refuse(c.problem("account", raw, "account."+bad[0].Code, "%s", bad[0].Msg))
			return
		}
		i.w.report.warn(columnName(c, "account"), "account.new", "Customers that are not known yet are added as accounts.", row.No)
		i.now.book[name] = a
		i.now.accounts = append(i.now.accounts, a)
	}
	if d.Account != a.ID {
		d.Account, d.AccountName, d.AccountDomain, d.AccountCountry = a.ID, a.Name, a.Domain, a.Country
	}
}

func columnName(c *cells, field string) string {
	if k := c.index(field); k >= 0 {
		return c.header[k]
	}
	return ""
}

// state settles state, stage and closing days.
func (i *dealImport) state(row *Row, d *dealRecord, old dealRecord, found bool, v *verdict) {
	c := i.w.cells
	rawStage, rawState := c.raw(row, "stage"), c.raw(row, "state")
	if !found || rawStage != "" || rawState != "" {
		at := i.pipe.place(rawStage, rawState)
		if rawStage != "" {
			i.w.report.saw("stage", rawStage, func() Value {
				return Value{Target: at.name, Known: at.known && at.wrong == nil, Guessed: at.guessed, Suggestion: suggestOther(rawStage, i.pipe.list())}
			})
			if at.guessed {
				i.w.report.warn(columnName(c, "stage"), "stage.guessed", fmt.Sprintf("%q is taken for the stage %q. Map the value if that is wrong.", rawStage, at.name), row.No)
			}
		}
		if rawState != "" {
			i.w.report.saw("state", rawState, func() Value { return Value{Target: string(at.state), Known: at.wrong == nil} })
		}
		if at.wrong != nil {
			v.refuse(*at.wrong)
			return
		}
		d.State, d.Stage = string(at.state), at.stage
	}
	i.days(row, d, found, v)
	if found && d.State != old.State && old.native() && !followsFrom(old.State, d.State) {
		v.refuse(c.problem("stage", rawStage+rawState, "deal.state", "This deal is %s in the programme and cannot become %s by an import. Decide it in the programme first.", old.State, d.State))
	}
	if !found && d.State == string(deal.StateSubmitted) {
		at := d.CreatedAt
		d.SubmittedAt = &at
	}
	if d.Reason == "" && (d.State == string(deal.StateRejected) || d.State == string(deal.StateReturned)) {
		d.Reason = "Imported as " + d.State + "."
	}
}

// native reports whether the deal lives by the programme's rules: it was registered here, or has been protected since.
func (d dealRecord) native() bool { return d.Source != "import" || d.Protected }

// followsFrom reports whether a deal that was registered here may go from one state to another by an import.
func followsFrom(from, to string) bool {
	return (from == string(deal.StateApproved) || from == string(deal.StateExpired)) && (to == string(deal.StateWon) || to == string(deal.StateLost))
}

// days reads when the deal closed or is expected to, and when it was registered.
func (i *dealImport) days(row *Row, d *dealRecord, found bool, v *verdict) {
	c := i.w.cells
	read := func(field string) deal.Day {
		day, wrong := c.day(row, field)
		if wrong != nil {
			v.refuse(*wrong)
		}
		return day
	}
	closes, closed, expected, created := read("close_on"), read("closed_on"), read("expected_close_on"), read("created_on")
	if created != "" && !found {
		t := created.Time()
		d.CreatedAt = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, i.zone).UTC()
	}
	over := d.State == string(deal.StateWon) || d.State == string(deal.StateLost)
	switch {
	case over:
		if closed == "" {
			closed = closes
		}
		if closed != "" {
			d.ClosedOn = closed
		}
		if d.ClosedOn == "" && v.outcome != Refused {
			field := "closed_on"
			if c.index(field) < 0 && c.index("close_on") >= 0 {
				field = "close_on"
			}
			v.refuse(c.problem(field, "", "closed_on.required", "A deal that is %s needs the day on which it closed. Fill it in, or map the column that holds it.", d.State))
		}
	default:
		d.ClosedOn = ""
		if expected == "" {
			expected = closes
		}
	}
	if expected != "" {
		d.ExpectedClose = expected
	}
}
