// Package accountapi is the API door of the account room: end customers and the people who work there.
package accountapi

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
)

type routes struct{ accounts *account.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *account.Service) {
	h := routes{s}
	door.Register(a, account.ActCreate, huma.Operation{Method: "POST", Path: "/accounts", Summary: "Add an end customer", DefaultStatus: http.StatusCreated,
		Description: "An account that a partner adds is shared with that partner."}, h.create)
	door.Register(a, account.ActList, huma.Operation{Method: "GET", Path: "/accounts", Summary: "List end customers",
		Description: "A partner's people see the accounts that are shared with their company."}, h.list)
	door.Register(a, account.ActRead, huma.Operation{Method: "GET", Path: "/accounts/{id}", Summary: "Read an end customer"}, h.read)
	door.Register(a, account.ActUpdate, huma.Operation{Method: "PATCH", Path: "/accounts/{id}", Summary: "Change an end customer"}, h.update)
	a.Raw("GET", "/accounts.csv", account.ActList, "Export end customers as CSV", h.export(false), exported("account.export_csv", "q", "country", "sector", "sort"))
	a.Raw("GET", "/accounts.json", account.ActList, "Export end customers as JSON", h.export(true), exported("account.export_json", "q", "country", "sector", "sort"))

	door.Register(a, account.ActContactCreate, huma.Operation{Method: "POST", Path: "/contacts", Summary: "Add a contact", DefaultStatus: http.StatusCreated}, h.createContact)
	door.Register(a, account.ActContactList, huma.Operation{Method: "GET", Path: "/contacts", Summary: "List contacts",
		Description: "A partner's people see the contacts that their company brought."}, h.listContacts)
	door.Register(a, account.ActContactRead, huma.Operation{Method: "GET", Path: "/contacts/{id}", Summary: "Read a contact"}, h.readContact)
	door.Register(a, account.ActContactUpdate, huma.Operation{Method: "PATCH", Path: "/contacts/{id}", Summary: "Change a contact"}, h.updateContact)
	door.Register(a, account.ActContactDelete, huma.Operation{Method: "DELETE", Path: "/contacts/{id}", Summary: "Delete a contact", DefaultStatus: http.StatusNoContent}, h.deleteContact)
	door.Register(a, account.ActContactRead, huma.Operation{Method: "GET", Path: "/contacts/{id}/consents", OperationID: "consent.list", Summary: "Read what a contact agreed to",
		Description: "Legal grounds, consents and objections by purpose, newest first, also those that ended. At most 200."}, h.consents)
	door.Register(a, account.ActConsentRecord, huma.Operation{Method: "POST", Path: "/contacts/{id}/consents", Summary: "Record a contact's consent, withdrawal or objection", DefaultStatus: http.StatusCreated,
		Description: "Ends what stood for the purpose; basis \"withdrawn\" puts nothing in its place. Answers with all that is on record."}, h.recordConsent)
	a.Raw("GET", "/contacts.csv", account.ActContactList, "Export contacts as CSV", h.exportContacts(false), exported("contact.export_csv", "q", "account_id", "sort"))
	a.Raw("GET", "/contacts.json", account.ActContactList, "Export contacts as JSON", h.exportContacts(true), exported("contact.export_json", "q", "account_id", "sort"))
}

func (h routes) create(ctx context.Context, who access.Actor, in *createIn) (*accountOut, error) {
	return accountAnswer(h.accounts.Create(ctx, who, in.input()))
}

func (h routes) update(ctx context.Context, who access.Actor, in *updateIn) (*accountOut, error) {
	return accountAnswer(h.accounts.Update(ctx, who, in.ID, in.Version, in.input()))
}

func (h routes) read(ctx context.Context, who access.Actor, in *readIn) (*accountOut, error) {
	return accountAnswer(h.accounts.Get(ctx, who, in.ID))
}

func accountAnswer(a account.Account, err error) (*accountOut, error) {
	if err != nil {
		return nil, err
	}
	return &accountOut{ETag: httpx.ETag(a.Version), Body: wireAccount(a)}, nil
}

func (h routes) list(ctx context.Context, who access.Actor, in *listIn) (*pageOut, error) {
	page, err := h.accounts.List(ctx, who, account.Query{Text: in.Q, Country: in.Country, Sector: in.Sector, Sort: in.Sort, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	items := make([]Account, len(page.Items))
	for i, a := range page.Items {
		items[i] = wireAccount(a)
	}
	return &pageOut{Page{Items: items, NextCursor: page.Next}}, nil
}

func (h routes) createContact(ctx context.Context, who access.Actor, in *createContactIn) (*contactOut, error) {
	return contactAnswer(h.accounts.CreateContact(ctx, who, in.input()))
}

func (h routes) updateContact(ctx context.Context, who access.Actor, in *updateContactIn) (*contactOut, error) {
	return contactAnswer(h.accounts.UpdateContact(ctx, who, in.ID, in.Version, in.input()))
}

func (h routes) readContact(ctx context.Context, who access.Actor, in *readIn) (*contactOut, error) {
	return contactAnswer(h.accounts.GetContact(ctx, who, in.ID))
}

func contactAnswer(c account.Contact, err error) (*contactOut, error) {
	if err != nil {
		return nil, err
	}
	return &contactOut{ETag: httpx.ETag(c.Version), Body: wireContact(c)}, nil
}

func (h routes) deleteContact(ctx context.Context, who access.Actor, in *readIn) (*struct{}, error) {
	return nil, h.accounts.DeleteContact(ctx, who, in.ID)
}

func (h routes) listContacts(ctx context.Context, who access.Actor, in *listContactsIn) (*contactPageOut, error) {
	page, err := h.accounts.ListContacts(ctx, who, account.Query{Text: in.Q, AccountID: in.AccountID, Sort: in.Sort, Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	items := make([]Contact, len(page.Items))
	for i, c := range page.Items {
		items[i] = wireContact(c)
	}
	return &contactPageOut{ContactPage{Items: items, NextCursor: page.Next}}, nil
}

func (h routes) consents(ctx context.Context, who access.Actor, in *readIn) (*consentsOut, error) {
	list, err := h.accounts.Consents(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &consentsOut{Consents{Items: wireConsents(list)}}, nil
}

func (h routes) recordConsent(ctx context.Context, who access.Actor, in *consentIn) (*consentsOut, error) {
	if err := h.accounts.RecordConsent(ctx, who, in.ID, in.input()); err != nil {
		return nil, err
	}
	return h.consents(ctx, who, &readIn{ID: in.ID})
}

// exported describes an export in the OpenAPI document: its name and its filters.
func exported(operation string, filters ...string) func(*huma.Operation) {
	return func(op *huma.Operation) {
		op.OperationID = operation
		op.Description = "Takes the filters and the order of the list. Every row is sent, as it is read."
		for _, name := range filters {
			op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "query", Schema: &huma.Schema{Type: "string"}})
		}
	}
}

func (h routes) export(asJSON bool) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		v := r.URL.Query()
		q := account.Query{Text: v.Get("q"), Country: v.Get("country"), Sector: v.Get("sector"), Sort: v.Get("sort")}
		return h.accounts.Export(r.Context(), who, q, door.APITable(w, "accounts", asJSON))
	}
}

func (h routes) exportContacts(asJSON bool) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		v := r.URL.Query()
		at, err := accountOf(v)
		if err != nil {
			return err
		}
		q := account.Query{Text: v.Get("q"), AccountID: at, Sort: v.Get("sort")}
		return h.accounts.ExportContacts(r.Context(), who, q, door.APITable(w, "contacts", asJSON))
	}
}

func accountOf(v url.Values) (id.ID, error) {
	if v.Get("account_id") == "" {
		return id.Nil, nil
	}
	at, ok := id.Parse(v.Get("account_id"))
	if !ok {
		return at, errs.Refused([]errs.Field{{Name: "account_id", Code: "field.id", Msg: "Give an id as this API returned it: a UUID."}})
	}
	return at, nil
}
