package transferweb

import (
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/transfer"
	"entente.dev/internal/ui"
)

type listView struct {
	ui.List
	who  access.Actor
	runs []transfer.Run
}

func (p pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := listView{List: ui.ListOf(r), who: who}
	v.Noun = "imports"
	page, err := p.Imports.List(r.Context(), who, transfer.Query{Kind: v.Get("kind"), Status: v.Get("status"), Cursor: v.Get("cursor")})
	if errs.IsKind(err, errs.Invalid) {
		httpx.SeeOther(w, r, "/imports")
		return nil
	}
	if err != nil {
		return err
	}
	v.runs, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	pg, err := p.Page(w, r, who, "Imports", "imports")
	if err != nil {
		return err
	}
	pg.Actions = listTools(v)
	return ui.Render(w, r, http.StatusOK, listPage(pg, v))
}

var kindLabels = map[string]string{transfer.Accounts: "Accounts", transfer.Partners: "Partners and people", transfer.Products: "Products", transfer.Deals: "Deals"}

var kindHints = map[string]string{
	transfer.Accounts: "End customers: name, domain, country, sector …",
	transfer.Partners: "Partner companies with their agents and partner admins. Nobody is invited yet.",
	transfer.Products: "What you sell: name, series, price",
	transfer.Deals:    "Deals with stage, amount, customer and person in charge",
}

var statusWords = map[string]struct {
	tone ui.Tone
	text string
}{
	transfer.Checking: {ui.Accent, "Checking"}, transfer.Checked: {ui.Warn, "Checked"}, transfer.Committing: {ui.Accent, "Writing"}, transfer.Committed: {ui.Good, "Committed"},
	transfer.Undoing: {ui.Accent, "Undoing"}, transfer.Undone: {ui.Neutral, "Undone"}, transfer.Failed: {ui.Bad, "Failed"},
}

func kindOptions() []ui.Option {
	out := make([]ui.Option, 0, len(transfer.Kinds))
	for _, k := range transfer.Kinds {
		out = append(out, ui.Option{Value: k, Label: kindLabels[k], Hint: kindHints[k]})
	}
	return out
}

func statusOptions() []ui.Option {
	var out []ui.Option
	for _, s := range []string{transfer.Checked, transfer.Committed, transfer.Undone, transfer.Failed} {
		out = append(out, ui.Option{Value: s, Label: statusWords[s].text})
	}
	return out
}
