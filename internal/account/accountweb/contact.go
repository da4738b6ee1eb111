package accountweb

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/ui"
)

type contactsView struct {
	ui.List
	who      access.Actor
	contacts []account.Contact
	account  *account.Account // the list is narrowed to it
	problems []errs.Field
}

func (p pages) contacts(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := contactsView{List: ui.ListOf(r), who: who}
	v.Noun, v.Sort = "contacts", orElse(v.Sort, account.Sorts[0])
	q := contactQueryOf(v.List)
	page, err := p.Accounts.ListContacts(r.Context(), who, q)
	status, problems, err := ui.FilterProblems(err)
	if err != nil {
		return err
	}
	v.problems = problems
	v.contacts, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	if q.AccountID != id.Nil {
		it, err := p.Accounts.Get(r.Context(), who, q.AccountID)
		if err != nil {
			return err
		}
		v.account = &it
	}
	pg, err := p.Page(w, r, who, "Contacts", "contacts")
	if err != nil {
		return err
	}
	pg.Actions = contactTools(v)
	return ui.Render(w, r, status, contactsPage(pg, v))
}

type contactView struct {
	who      access.Actor
	contact  account.Contact
	consents []account.Consent
	events   []ui.Event
	form     *httpx.Form // of a consent
	key      string
}

func (p pages) contact(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "contact")
	if err != nil {
		return err
	}
	return p.drawContactPage(w, r, who, key, http.StatusOK, httpx.NewForm(nil))
}

// drawContactPage shows a contact's record with the consent form as it was typed.
func (p pages) drawContactPage(w http.ResponseWriter, r *http.Request, who access.Actor, key id.ID, status int, f *httpx.Form) error {
	it, err := p.Accounts.GetContact(r.Context(), who, key)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, it.Name, "contacts")
	if err != nil {
		return err
	}
	v := contactView{who: who, contact: it, form: f, key: id.New().String()}
	if v.consents, err = p.Accounts.Consents(r.Context(), who, key); err != nil {
		return err
	}
	if v.events, err = p.story(r, who, key, pg.Viewer.Reader); err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Contacts", Href: "/contacts"}}
	pg.Subtitle, pg.Actions = it.Title, contactRecordTools(v)
	return ui.Render(w, r, status, contactPage(pg, v))
}

type contactFormView struct {
	formView
	accounts []ui.Option
}

func (p pages) blankContact(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f := httpx.NewForm(map[string]string{"account_id": r.URL.Query().Get("account")})
	return p.drawContact(w, r, who, http.StatusOK, account.Contact{}, f, nil)
}

func (p pages) createContact(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	facts := contactFactsOf(f, who)
	var made account.Contact
	if err = f.Err(); err == nil {
		made, err = p.Accounts.CreateContact(r.Context(), who, facts)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: made.Name + " is added."})
		httpx.SeeOther(w, r, "/contacts/"+made.ID.String())
		return nil
	case f.Absorb(err):
		return p.drawContact(w, r, who, http.StatusUnprocessableEntity, account.Contact{}, f, nil)
	}
	return err
}

func (p pages) editContact(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "contact")
	if err != nil {
		return err
	}
	it, err := p.Accounts.GetContact(r.Context(), who, key)
	if err != nil {
		return err
	}
	return p.drawContact(w, r, who, http.StatusOK, it, httpx.NewForm(contactValuesOf(it)), nil)
}

func (p pages) updateContact(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "contact")
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	facts, version := contactFactsOf(f, who), f.Version()
	if err = f.Err(); err == nil {
		_, err = p.Accounts.UpdateContact(r.Context(), who, key, version, facts)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: f.Value("name") + " is saved."})
		httpx.SeeOther(w, r, "/contacts/"+key.String())
		return nil
	case errs.IsKind(err, errs.Stale):
		it, err := p.Accounts.GetContact(r.Context(), who, key)
		if err != nil {
			return err
		}
		changes := changesOf(contactValuesOf(it), r.PostForm, "name", "Name", "email", "E-mail", "phone", "Phone", "title", "Job title", "external_id", "External id")
		f.Set("version", strconv.Itoa(it.Version))
		return p.drawContact(w, r, who, http.StatusPreconditionFailed, it, f, changes)
	case f.Absorb(err):
		it, err := p.Accounts.GetContact(r.Context(), who, key)
		if err != nil {
			return err
		}
		return p.drawContact(w, r, who, http.StatusUnprocessableEntity, it, f, nil)
	}
	return err
}

func (p pages) deleteContact(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "contact")
	if err != nil {
		return err
	}
	if err := p.Accounts.DeleteContact(r.Context(), who, key); err != nil {
		return err
	}
	ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "The contact is deleted."})
	httpx.SeeOther(w, r, "/contacts")
	return nil
}

// drawContact shows the form: for a new contact when it has no id yet.
func (p pages) drawContact(w http.ResponseWriter, r *http.Request, who access.Actor, status int, it account.Contact, f *httpx.Form, changes []ui.Change) error {
	v := contactFormView{formView: formView{form: f, action: "/contacts", cancel: "/contacts", submit: "Add the contact", key: id.New().String(),
		vendor: who.Persona != access.Partner, stale: status == http.StatusPreconditionFailed, changes: changes}}
	title, crumbs := "Add a contact", []ui.Link{{Label: "Contacts", Href: "/contacts"}}
	if it.ID != id.Nil {
		at := "/contacts/" + it.ID.String()
		v.action, v.cancel, v.submit, v.edits = at+"/edit", at, "Save", true
		title, crumbs = "Edit "+it.Name, append(crumbs, ui.Link{Label: it.Name, Href: at})
	}
	var err error
	if v.accounts, err = p.accountOptions(r.Context(), who, f.Value("account_id")); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, title, "contacts")
	if err != nil {
		return err
	}
	pg.Crumbs = crumbs
	return ui.Render(w, r, status, contactFormPage(pg, v))
}

// accountOptions are the first accounts by name, and the chosen one wherever it stands.
func (p pages) accountOptions(ctx context.Context, who access.Actor, chosen string) ([]ui.Option, error) {
	page, err := p.Accounts.List(ctx, who, account.Query{Limit: 200})
	if err != nil {
		return nil, err
	}
	out := make([]ui.Option, len(page.Items))
	for i, a := range page.Items {
		out[i] = ui.Option{Value: a.ID.String(), Label: a.Name}
	}
	key, ok := id.Parse(chosen)
	if !ok || slices.ContainsFunc(out, func(o ui.Option) bool { return o.Value == chosen }) {
		return out, nil
	}
	it, err := p.Accounts.Get(ctx, who, key)
	if errs.IsKind(err, errs.NotFound) {
		return out, nil
	}
	return append(out, ui.Option{Value: chosen, Label: it.Name}), err
}

func contactValuesOf(it account.Contact) map[string]string {
	v := map[string]string{"name": it.Name, "email": it.Email, "phone": it.Phone, "title": it.Title, "account_id": it.AccountID.String(),
		"version": strconv.Itoa(it.Version), "external_id": ""}
	if it.ExternalID != nil {
		v["external_id"] = *it.ExternalID
	}
	return v
}

func contactFactsOf(f *httpx.Form, who access.Actor) account.ContactFacts {
	name, email, phone, title, at := f.Text("name"), f.Text("email"), f.Text("phone"), f.Text("title"), f.ID("account_id")
	facts := account.ContactFacts{Name: &name, Email: &email, Phone: &phone, Title: &title, AccountID: &at}
	if who.Persona != access.Partner {
		external := f.Text("external_id")
		facts.ExternalID = &external
	}
	return facts
}
