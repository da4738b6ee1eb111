package transfer

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"entente.dev/internal/account"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/op"
)

// accountImport imports end customers. One is known by its external id, else by its name as written; an account without an
// external id takes on that of the row with its name.
type accountImport struct {
	w      *worker
	added  []account.Account
	before []account.Account // of changed, in step
	after  []account.Account
}

func (i *accountImport) load(context.Context, *op.Tx) error { return nil }
func (i *accountImport) settle()                            {}

func (i *accountImport) plan(ctx context.Context, tx *op.Tx, rows []Row) ([]verdict, error) {
	c := i.w.cells
	c.report(&i.w.report)
	i.added, i.before, i.after = nil, nil, nil
	var external, norms []string
	for n := range rows {
		if v := c.raw(&rows[n], "external_id"); v != "" {
			external = append(external, v)
		}
		norms = append(norms, orgname.NormalName(c.raw(&rows[n], "name")))
	}
	known, err := newBook(ctx, tx, external, norms, !i.w.checking())
	if err != nil {
		return nil, err
	}
	out := make([]verdict, 0, len(rows))
	for n := range rows {
		out = append(out, i.row(tx, &rows[n], known))
	}
	return out, nil
}

func (i *accountImport) row(tx *op.Tx, row *Row, known *book) verdict {
	c, v := i.w.cells, verdict{row: row.No, outcome: Unchanged}
	if c.repeated(row, &v) {
		return v
	}
	f := account.Facts{}
	say := func(field string, to **string) {
		if s := strings.Join(strings.Fields(c.raw(row, field)), " "); s != "" {
			*to = &s
		}
	}
	say("name", &f.Name)
	say("domain", &f.Domain)
	say("sector", &f.Sector)
	say("parent_name", &f.ParentName)
	say("external_id", &f.ExternalID)
	if code := c.country(row, &i.w.report); code != "" {
		f.Country = &code
	}
	var bad []Problem
	if s := c.raw(row, "employees"); s != "" {
		n, err := strconv.Atoi(strings.NewReplacer(",", "", ".", "", "'", "", " ", "", "\u00a0", "").Replace(s))
		if err != nil {
			bad = append(bad, c.problem("employees", s, "number.malformed", "Give a whole number of people."))
		} else {
			f.Employees = &n
		}
	}
	old, found := known.match(c.raw(row, "external_id"), c.raw(row, "name"))
	fresh := old
	if !found {
		fresh = account.Account{TenantID: tx.Who.Tenant, ID: id.New(), Source: "import", ImportID: i.w.run.ID, Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
	}
	bad = append(bad, c.fields(row, f.Apply(&fresh))...)
	switch {
	case len(bad) > 0:
		v.refuse(bad...)
		return v
	case !found:
		v.outcome = Created
		i.added = append(i.added, fresh)
		known.add(fresh)
	case c.mapping.Options.Existing != ExistingKeep && !sameAccount(old, fresh):
		v.outcome = Updated
		fresh.Version, fresh.UpdatedAt = old.Version+1, tx.Now
		i.before, i.after = append(i.before, old), append(i.after, fresh)
		v.before = undoAccount{Account: recordOfAccount(old, fresh.Version)}
	}
	v.object = fresh.ID
	return v
}

// undoAccount is what undo needs of a changed account.
type undoAccount struct {
	Account accountRecord `json:"account"`
}

func sameAccount(a, b account.Account) bool {
	number := func(p *int) int {
		if p == nil {
			return -1
		}
		return *p
	}
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	return a.Name == b.Name && a.Domain == b.Domain && a.Country == b.Country && a.Sector == b.Sector && a.ParentName == b.ParentName &&
		number(a.Employees) == number(b.Employees) && text(a.ExternalID) == text(b.ExternalID)
}

func (i *accountImport) write(ctx context.Context, tx *op.Tx) error {
	add := make([]accountRecord, 0, len(i.added))
	for _, a := range i.added {
		add = append(add, recordOfAccount(a, 1))
		tx.Audit(audit.Change{Type: "account", ID: a.ID, Label: a.Name, After: a})
	}
	if err := addAccounts(ctx, tx, i.w.run.ID, add); err != nil {
		return err
	}
	change := make([]accountRecord, 0, len(i.after))
	for n, a := range i.after {
		change = append(change, recordOfAccount(a, i.before[n].Version))
		tx.Audit(audit.Change{Type: "account", ID: a.ID, Label: a.Name, Before: i.before[n], After: a})
	}
	done, err := setAccounts(ctx, tx, change)
	if err == nil && len(done) != len(change) {
		err = errs.New(errs.Conflict, "busy", "Somebody changed an account at the same moment.")
	}
	return err
}

// book finds accounts by external id and by name.
type book struct {
	external map[string]account.Account
	norm     map[string][]account.Account
}

// newBook reads the accounts that the ids and normalised names may mean; locked when they may be changed.
func newBook(ctx context.Context, tx *op.Tx, external, norms []string, lock bool) (*book, error) {
	b := &book{map[string]account.Account{}, map[string][]account.Account{}}
	list, err := accountsLike(ctx, tx, external, norms)
	if err != nil {
		return nil, err
	}
	if lock && len(list) > 0 {
		ids := make([]id.ID, len(list))
		for n, a := range list {
			ids[n] = a.ID
		}
		if err := lockAccounts(ctx, tx, ids); err != nil {
			return nil, err
		}
		if list, err = accountsLike(ctx, tx, external, norms); err != nil {
			return nil, err
		}
	}
	for _, a := range list {
		b.add(a)
	}
	return b, nil
}

func (b *book) add(a account.Account) {
	if a.ExternalID != nil {
		b.external[*a.ExternalID] = a
	}
	b.norm[a.NameNorm] = append(b.norm[a.NameNorm], a)
}

// match returns the account that a row of an accounts file is about.
func (b *book) match(external, name string) (account.Account, bool) {
	if a, ok := b.external[external]; ok && external != "" {
		return a, true
	}
	want := orgname.SearchText(name)
	for _, a := range b.norm[orgname.NormalName(name)] {
		if orgname.SearchText(a.Name) == want && (external == "" || a.ExternalID == nil) {
			return a, true
		}
	}
	return account.Account{}, false
}

// named returns the account that a deal's row names: written just so, else the only one with that normalised name.
func (b *book) named(name string) (account.Account, bool) {
	list := b.norm[orgname.NormalName(name)]
	want := orgname.SearchText(name)
	i := slices.IndexFunc(list, func(a account.Account) bool { return orgname.SearchText(a.Name) == want })
	if i < 0 && len(list) == 1 {
		i = 0
	}
	if i < 0 {
		return account.Account{}, false
	}
	return list[i], true
}
