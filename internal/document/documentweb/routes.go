// Package documentweb draws the documents of a programme: the register with its drafts and versions for those who keep them, the page on
// which partners accept, and the public pages that anybody may read and print.
package documentweb

import (
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/document"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with. Site is the frame of a public page of a programme.
type Deps struct {
	Page      ui.PageFunc
	Site      func(w http.ResponseWriter, r *http.Request, title string) (ui.Page, tenant.Brand, error)
	Documents *document.Service
}

type pages struct{ Deps }

const public = "what a programme publishes is for everybody to read"

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Public("GET /t/{tenant}/legal", public, p.publicList)
	w.Public("GET /t/{tenant}/legal/{kind}", public, p.publicDocument)
	w.Private("GET /documents", document.ActList, p.list)
	w.Private("GET /documents/new", document.ActDraft, p.blank)
	w.Private("POST /documents", document.ActDraft, p.create)
	w.Private("GET /documents/versions/{id}", document.ActRead, p.version)
	w.Private("GET /documents/versions/{id}/edit", document.ActDraft, p.edit)
	w.Private("POST /documents/versions/{id}/edit", document.ActDraft, p.update)
	w.Private("POST /documents/versions/{id}/discard", document.ActDraft, p.discard)
	w.Private("POST /documents/versions/{id}/publish", document.ActPublish, p.publish)
	w.Private("POST /documents/versions/{id}/withdraw", document.ActPublish, p.withdraw)
	w.Private("POST /documents/versions/{id}/accept", document.ActAccept, p.accept)
	w.Private("GET /documents/compare", document.ActRead, p.compare)
	w.Private("GET /documents/settings", document.ActUpdate, p.settings)
	w.Private("POST /documents/settings", document.ActUpdate, p.saveSettings)
	w.Private("GET /documents/acceptances", document.ActAcceptances, p.acceptances)
	w.Private("GET /documents/acceptances.csv", document.ActAcceptances, p.exportAcceptances)
}

// idempotency is the hidden field's name, for the templates.
const idempotency = door.IdempotencyField

func pathID(r *http.Request) (id.ID, error) { return parseID(r.PathValue("id")) }

func parseID(s string) (id.ID, error) {
	v, ok := id.Parse(s)
	if !ok {
		return v, errs.Missing("document")
	}
	return v, nil
}

func at(v id.ID) string { return "/documents/versions/" + v.String() }

// mayPublish says what the reader of a version may do with it.
func mayPublish(who access.Actor) bool { return who.May(document.ActPublish) }
