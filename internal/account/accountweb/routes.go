// Package accountweb draws the pages of end customers and of the people who work there: lists, records and forms.
package accountweb

import (
	"net/http"
	"net/url"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/ui"
)

// Deps are the room and its neighbours that these pages show something of.
type Deps struct {
	Page     ui.PageFunc
	Accounts *account.Service
	Deals    *deal.Service
	Trail    *trail.Service
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /accounts", account.ActList, p.list)
	w.Private("GET /accounts/export.csv", account.ActList, p.export(false))
	w.Private("GET /accounts/export.json", account.ActList, p.export(true))
	w.Private("GET /accounts/new", account.ActCreate, p.blank)
	w.Private("POST /accounts", account.ActCreate, p.create)
	w.Private("GET /accounts/{id}", account.ActRead, p.record)
	w.Private("GET /accounts/{id}/edit", account.ActUpdate, p.edit)
	w.Private("POST /accounts/{id}/edit", account.ActUpdate, p.update)

	w.Private("GET /contacts", account.ActContactList, p.contacts)
	w.Private("GET /contacts/export.csv", account.ActContactList, p.exportContacts(false))
	w.Private("GET /contacts/export.json", account.ActContactList, p.exportContacts(true))
	w.Private("GET /contacts/new", account.ActContactCreate, p.blankContact)
	w.Private("POST /contacts", account.ActContactCreate, p.createContact)
	w.Private("GET /contacts/{id}", account.ActContactRead, p.contact)
	w.Private("GET /contacts/{id}/edit", account.ActContactUpdate, p.editContact)
	w.Private("POST /contacts/{id}/edit", account.ActContactUpdate, p.updateContact)
	w.Private("POST /contacts/{id}/delete", account.ActContactDelete, p.deleteContact)
	w.Private("POST /contacts/{id}/consents", account.ActConsentRecord, p.recordConsent)
}

// idempotency is the hidden field's name, for the templates.
const idempotency = door.IdempotencyField

// pathID returns the record that the path names; a malformed id is as missing as an unknown one.
func pathID(r *http.Request, noun string) (id.ID, error) {
	return httpx.PathID(r, noun)
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func queryOf(l ui.List) account.Query {
	return account.Query{Text: l.Get("q"), Country: l.Get("country"), Sector: l.Get("sector"), Sort: l.Sort, Cursor: l.Get("cursor")}
}

func contactQueryOf(l ui.List) account.Query {
	at, _ := id.Parse(l.Get("account")) // a malformed one filters nothing: no link of ours makes it
	return account.Query{Text: l.Get("q"), AccountID: at, Sort: l.Sort, Cursor: l.Get("cursor")}
}

func (p pages) export(asJSON bool) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		return p.Accounts.Export(r.Context(), who, queryOf(ui.ListOf(r)), door.WebTable(w, "accounts", asJSON))
	}
}

func (p pages) exportContacts(asJSON bool) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		return p.Accounts.ExportContacts(r.Context(), who, contactQueryOf(ui.ListOf(r)), door.WebTable(w, "contacts", asJSON))
	}
}

// events are the entries as a timeline draws them.
func events(entries []trail.Entry, rd ui.Reader) []ui.Event {
	out := make([]ui.Event, len(entries))
	for i, e := range entries {
		out[i] = ui.Event{Actor: e.ActorName, Verb: e.Did() + " this " + trail.Noun(e.ObjectType), At: e.At, Note: e.Note}
		if strings.HasSuffix(string(e.Action), ".create") {
			out[i].Icon, out[i].Tone = "plus", ui.Accent
			continue
		}
		for _, l := range e.Lines(rd) {
			out[i].Changes = append(out[i].Changes, ui.Change{Field: l.Field, Old: l.Old, New: l.New})
		}
	}
	return out
}

// story reads what happened to a record, newest first.
func (p pages) story(r *http.Request, who access.Actor, object id.ID, rd ui.Reader) ([]ui.Event, error) {
	if !who.May(trail.ActObject) {
		return nil, nil
	}
	page, err := p.Trail.Object(r.Context(), who, trail.Query{ObjectID: object, Outcome: "done", Limit: 20})
	return events(page.Items, rd), err
}

func countries() []ui.Option {
	all := country.All()
	out := make([]ui.Option, len(all))
	for i, c := range all {
		out[i] = ui.Option{Value: c.Code, Label: c.Name}
	}
	return out
}

// changesOf says where what was typed differs from what is stored, field by field; pairs are name and label.
func changesOf(stored map[string]string, typed url.Values, pairs ...string) []ui.Change {
	var out []ui.Change
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := strings.TrimSpace(typed.Get(pairs[i])); v != stored[pairs[i]] {
			out = append(out, ui.Change{Field: pairs[i+1], Old: stored[pairs[i]], New: v})
		}
	}
	return out
}
