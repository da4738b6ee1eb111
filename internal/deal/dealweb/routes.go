// Package dealweb draws the pages of deal registrations: home, list, board, decision queue, registration form and record.
package dealweb

import (
	"context"
	"net/http"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

// Deps are the neighbours these pages show something of.
type Deps struct {
	Page     ui.PageFunc
	Partners *partner.Service
	Tenants  *tenant.Service
	// Owners returns the people who may own a deal of a partner, as far as the actor may see them. nil, or no people: the
	// owner cannot be changed here.
	Owners func(ctx context.Context, who access.Actor, partner id.ID) ([]ui.Option, error)
	// Deadlines returns what the vendor's people must have done by when, as far as the actor may see it, nearest first; nil: nothing.
	Deadlines func(ctx context.Context, who access.Actor) ([]Deadline, error)
	// Trail tells the vendor's people on their home page what happened lately.
	Trail *trail.Service
}

// Deadline is one line of the home page's deadlines.
type Deadline struct {
	Title, About, Href string
	Due                time.Time
	Left               string // "23 h left"
	Tone               ui.Tone
}

// pages has the handlers.
type pages struct {
	Deps
	deals *deal.Service
}

// Routes puts the pages behind the door.
func Routes(w *door.Web, s *deal.Service, deps Deps) {
	p := &pages{deps, s}
	w.Private("GET /{$}", deal.ActHome, p.home)
	w.Private("GET /deals", deal.ActList, p.list)
	w.Private("GET /deals/export.csv", deal.ActList, p.exportCSV)
	w.Private("GET /deals/export.json", deal.ActList, p.exportJSON)
	w.Private("POST /deals/views", deal.ActSaveView, p.saveView)
	w.Private("POST /deals/views/{id}/delete", deal.ActDeleteView, p.deleteView)
	w.Private("GET /deals/board", deal.ActList, p.board)
	w.Private("GET /deals/queue", deal.ActQueue, p.queue)

	w.Private("GET /deals/new", deal.ActCreate, p.newDeal)
	w.Private("POST /deals", deal.ActCreate, p.create)
	w.Private("POST /deals/check", deal.ActCheck, p.check)

	w.Private("GET /deals/{id}", deal.ActRead, p.record)
	w.Private("GET /deals/{id}/edit", deal.ActUpdate, p.edit)
	w.Private("POST /deals/{id}/edit", deal.ActUpdate, p.update)
	w.Private("POST /deals/{id}/note", deal.ActNote, p.note)
	w.Private("POST /deals/{id}/move", deal.ActMove, p.move)
	w.Private("POST /deals/{id}/submit", deal.ActSubmit, p.submit)
	w.Private("POST /deals/{id}/approve", deal.ActApprove, p.approve)

	w.Private("GET /deals/{id}/return", deal.ActReturn, p.asks(deal.ActReturn))
	w.Private("POST /deals/{id}/return", deal.ActReturn, p.giveBack)
	w.Private("GET /deals/{id}/reject", deal.ActReject, p.asks(deal.ActReject))
	w.Private("POST /deals/{id}/reject", deal.ActReject, p.reject)
	w.Private("GET /deals/{id}/withdraw", deal.ActWithdraw, p.asks(deal.ActWithdraw))
	w.Private("POST /deals/{id}/withdraw", deal.ActWithdraw, p.withdraw)
	w.Private("GET /deals/{id}/win", deal.ActWin, p.asks(deal.ActWin))
	w.Private("POST /deals/{id}/win", deal.ActWin, p.win)
	w.Private("GET /deals/{id}/lose", deal.ActLose, p.asks(deal.ActLose))
	w.Private("POST /deals/{id}/lose", deal.ActLose, p.lose)
}

// dealID returns the deal that the path names. A malformed id is as missing as an unknown one.
func dealID(r *http.Request) (id.ID, error) {
	return httpx.PathID(r, "deal")
}

// vendor reports whether the actor stands on the vendor's side.
func vendor(who access.Actor) bool { return who.Persona == access.Staff }

func dealHref(v id.ID) string { return "/deals/" + v.String() }
