package accountweb

import (
	"net/http"
	"strconv"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/ui"
)

// shownHere is how many deals and contacts a record lists before it leads to the whole list.
const shownHere = 8

type listView struct {
	ui.List
	who      access.Actor
	accounts []account.Account
	problems []errs.Field // of filters nobody can use
}

func (p pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := listView{List: ui.ListOf(r), who: who}
	v.Noun, v.Sort = "accounts", orElse(v.Sort, account.Sorts[0])
	page, err := p.Accounts.List(r.Context(), who, queryOf(v.List))
	status, problems, err := ui.FilterProblems(err)
	if err != nil {
		return err
	}
	v.problems = problems
	v.accounts, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	pg, err := p.Page(w, r, who, "Accounts", "accounts")
	if err != nil {
		return err
	}
	pg.Actions = listTools(v)
	return ui.Render(w, r, status, listPage(pg, v))
}

type recordView struct {
	who      access.Actor
	account  account.Account
	contacts []account.Contact
	more     bool // contacts than shown
	deals    []deal.Deal
	moreDeal bool
	events   []ui.Event
}

func (p pages) record(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "account")
	if err != nil {
		return err
	}
	it, err := p.Accounts.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, it.Name, "accounts")
	if err != nil {
		return err
	}
	v := recordView{who: who, account: it}
	if who.May(account.ActContactList) {
		page, err := p.Accounts.ListContacts(r.Context(), who, account.Query{AccountID: key, Limit: shownHere})
		if err != nil {
			return err
		}
		v.contacts, v.more = page.Items, page.Next != ""
	}
	if who.May(deal.ActList) {
		page, err := p.Deals.List(r.Context(), who, deal.Query{Account: key, Limit: shownHere})
		if err != nil {
			return err
		}
		v.deals, v.moreDeal = page.Items, page.Next != ""
	}
	if v.events, err = p.story(r, who, key, pg.Viewer.Reader); err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Accounts", Href: "/accounts"}}
	pg.Subtitle, pg.Actions = subtitle(it), recordTools(v)
	return ui.Render(w, r, http.StatusOK, recordPage(pg, v))
}

func subtitle(it account.Account) string {
	var parts []string
	for _, s := range []string{it.Domain, it.Sector, country.Name(it.Country)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " · ")
}

var sources = map[string]string{"vendor": "Added by us", "partner": "Brought by a partner", "import": "Imported"}

func facts(v recordView) []ui.Fact {
	it := v.account
	out := []ui.Fact{{Label: "Domain", Value: it.Domain}, {Label: "Country", Value: country.Name(it.Country)}, {Label: "Sector", Value: it.Sector},
		{Label: "Employees", Content: number(it.Employees)}, {Label: "Parent company", Value: it.ParentName}, {Label: "Added", Content: ui.Day(it.CreatedAt)}}
	if v.who.Persona == access.Partner {
		return out
	}
	external := ""
	if it.ExternalID != nil {
		external = *it.ExternalID
	}
	return append(out, ui.Fact{Label: "Source", Value: sources[it.Source]}, ui.Fact{Label: "External id", Value: external})
}

type formView struct {
	form    *httpx.Form
	action  string
	cancel  string
	submit  string
	key     string // of this form, so that sending it twice adds one account
	edits   bool   // an account that there is
	vendor  bool   // whether the vendor's own columns are offered
	stale   bool   // somebody else saved it meanwhile
	changes []ui.Change
}

func (p pages) blank(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.draw(w, r, who, http.StatusOK, account.Account{}, httpx.NewForm(map[string]string{"name": r.URL.Query().Get("name")}), nil)
}

func (p pages) create(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	facts := factsOf(f, who)
	var made account.Account
	if err = f.Err(); err == nil {
		made, err = p.Accounts.Create(r.Context(), who, facts)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: made.Name + " is added."})
		httpx.SeeOther(w, r, "/accounts/"+made.ID.String())
		return nil
	case f.Absorb(err):
		return p.draw(w, r, who, http.StatusUnprocessableEntity, account.Account{}, f, nil)
	}
	return err
}

func (p pages) edit(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "account")
	if err != nil {
		return err
	}
	it, err := p.Accounts.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	return p.draw(w, r, who, http.StatusOK, it, httpx.NewForm(valuesOf(it)), nil)
}

func (p pages) update(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "account")
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	facts, version := factsOf(f, who), f.Version()
	if err = f.Err(); err == nil {
		_, err = p.Accounts.Update(r.Context(), who, key, version, facts)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: f.Value("name") + " is saved."})
		httpx.SeeOther(w, r, "/accounts/"+key.String())
		return nil
	case errs.IsKind(err, errs.Stale):
		it, err := p.Accounts.Get(r.Context(), who, key)
		if err != nil {
			return err
		}
		changes := changesOf(valuesOf(it), r.PostForm, "name", "Name", "domain", "Domain", "country", "Country", "sector", "Sector", "employees", "Employees",
			"parent_name", "Parent company", "external_id", "External id")
		f.Set("version", strconv.Itoa(it.Version))
		return p.draw(w, r, who, http.StatusPreconditionFailed, it, f, changes)
	case f.Absorb(err):
		it, err := p.Accounts.Get(r.Context(), who, key)
		if err != nil {
			return err
		}
		return p.draw(w, r, who, http.StatusUnprocessableEntity, it, f, nil)
	}
	return err
}

// draw shows the form: for a new account when it has no id yet.
func (p pages) draw(w http.ResponseWriter, r *http.Request, who access.Actor, status int, it account.Account, f *httpx.Form, changes []ui.Change) error {
	v := formView{form: f, action: "/accounts", cancel: "/accounts", submit: "Add the account", key: id.New().String(), vendor: who.Persona != access.Partner,
		stale: status == http.StatusPreconditionFailed, changes: changes}
	title, crumbs := "Add an account", []ui.Link{{Label: "Accounts", Href: "/accounts"}}
	if it.ID != id.Nil {
		at := "/accounts/" + it.ID.String()
		v.action, v.cancel, v.submit, v.edits = at+"/edit", at, "Save", true
		title, crumbs = "Edit "+it.Name, append(crumbs, ui.Link{Label: it.Name, Href: at})
	}
	pg, err := p.Page(w, r, who, title, "accounts")
	if err != nil {
		return err
	}
	pg.Crumbs = crumbs
	return ui.Render(w, r, status, formPage(pg, v))
}

func valuesOf(it account.Account) map[string]string {
	v := map[string]string{"name": it.Name, "domain": it.Domain, "country": it.Country, "sector": it.Sector, "parent_name": it.ParentName,
		"version": strconv.Itoa(it.Version), "employees": "", "external_id": ""}
	if it.Employees != nil {
		v["employees"] = strconv.Itoa(*it.Employees)
	}
	if it.ExternalID != nil {
		v["external_id"] = *it.ExternalID
	}
	return v
}

func factsOf(f *httpx.Form, who access.Actor) account.Facts {
	name, domain, land, sector, parent := f.Text("name"), f.Text("domain"), f.Text("country"), f.Text("sector"), f.Text("parent_name")
	employees := -1 // takes the number away
	if f.Text("employees") != "" {
		if employees = int(f.Int("employees")); employees < 0 {
			f.Refuse("employees", "out_of_range", "Give 0 or more, or leave this empty.")
		}
	}
	facts := account.Facts{Name: &name, Domain: &domain, Country: &land, Sector: &sector, ParentName: &parent, Employees: &employees}
	if who.Persona != access.Partner {
		external := f.Text("external_id")
		facts.ExternalID = &external
	}
	f.Also(facts.Refused())
	return facts
}
