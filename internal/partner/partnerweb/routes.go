// Package partnerweb draws the pages of partner companies: list, record, and the forms to add and change one.
package partnerweb

import (
	"context"
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/door"
	"entente.dev/internal/identity"
	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/ui"
)

// Deps are the room and its neighbours that these pages show something of.
type Deps struct {
	Page     ui.PageFunc
	Partners *partner.Service
	People   *identity.Service
	Deals    *deal.Service
	Trail    *trail.Service
	// Adoption tells how much a partner uses the portal; nil tells nothing.
	Adoption func(ctx context.Context, who access.Actor, partner id.ID) (journal.Adoption, error)
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /partners", partner.ActList, p.list)
	w.Private("GET /partners/export.csv", partner.ActList, p.export(false))
	w.Private("GET /partners/export.json", partner.ActList, p.export(true))
	w.Private("GET /partners/new", partner.ActCreate, p.blank)
	w.Private("POST /partners", partner.ActCreate, p.create)
	w.Private("GET /partners/{id}", partner.ActRead, p.record)
	w.Private("GET /partners/{id}/edit", partner.ActUpdate, p.edit)
	w.Private("POST /partners/{id}/edit", partner.ActUpdate, p.update)
}

// partnerID returns the partner that the path names; a malformed id is as missing as an unknown one.
func partnerID(r *http.Request) (id.ID, error) {
	return httpx.PathID(r, "partner")
}

func queryOf(l ui.List) partner.Query {
	return partner.Query{Text: l.Get("q"), Status: l.Get("status"), Kind: l.Get("kind"), Country: l.Get("country"), Sort: l.Sort, Cursor: l.Get("cursor")}
}

func (p pages) export(asJSON bool) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		return p.Partners.Export(r.Context(), who, queryOf(ui.ListOf(r)), door.WebTable(w, "partners", asJSON))
	}
}
