package dealweb

import (
	"net/http"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/ui"
)

// question is the page of a step that wants a word first.
type question struct {
	slug, title, text, button string
	danger                    bool
}

var questions = map[access.Action]question{
	deal.ActReturn:   {"return", "Ask for more information", "The registration goes back to the partner with your question; it can be completed and submitted again.", "Send back", false},
	deal.ActReject:   {"reject", "Reject this registration", "The partner reads the reason and what you write. A rejected registration stays on record and cannot be submitted again.", "Reject", true},
	deal.ActWithdraw: {"withdraw", "Withdraw this registration", "The customer is free again at once. This cannot be undone; you can register the deal anew.", "Withdraw", true},
	deal.ActWin:      {"win", "Mark as won", "The deal is closed and leaves the board.", "Mark as won", false},
	deal.ActLose:     {"lose", "Mark as lost", "The deal is closed, leaves the board, and its protection ends now.", "Mark as lost", true},
}

// stepView is what the page of a step shows.
type stepView struct {
	question
	act  access.Action
	deal deal.Deal
	form *httpx.Form
	next string
	rd   ui.Reader
}

// asks answers GET with the page of a step.
func (p *pages) asks(act access.Action) door.Handler {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		return p.drawStep(w, r, who, http.StatusOK, act, nil)
	}
}

// drawStep draws the page of a step; f is what was typed before, or nil. A deal that cannot go this way any more is shown
// as it is.
func (p *pages) drawStep(w http.ResponseWriter, r *http.Request, who access.Actor, status int, act access.Action, f *httpx.Form) error {
	key, err := dealID(r)
	if err != nil {
		return err
	}
	v := stepView{question: questions[act], act: act, form: f, next: r.URL.Query().Get("next")}
	if v.deal, err = p.deals.Get(r.Context(), who, key); err != nil {
		return err
	}
	if !v.deal.Can(who, act) {
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: "That is not possible for this deal: it is " + string(v.deal.State) + "."})
		httpx.SeeOther(w, r, dealHref(key))
		return nil
	}
	if f == nil {
		v.form = httpx.NewForm(map[string]string{"version": strconv.Itoa(v.deal.Version)})
	} else {
		v.next = f.Value("next")
	}
	pg, err := p.Page(w, r, who, v.title, "deals")
	if err != nil {
		return err
	}
	v.rd = pg.Viewer.Reader
	pg.Crumbs = []ui.Link{{Label: "Deals", Href: "/deals"}, {Label: v.deal.Title, Href: dealHref(key)}}
	return ui.Render(w, r, status, stepPage(pg, v))
}

func rejectOptions() []ui.Option {
	var out []ui.Option
	for _, x := range deal.RejectReasons {
		out = append(out, ui.Option{Value: x.Code, Label: x.Label})
	}
	return out
}

// stepSub stands behind the title: whose customer, how much.
func stepSub(v stepView) string {
	out := customer(v.deal)
	if a := amount(v.rd, v.deal); a != "" && out != "" {
		return out + " · " + a
	} else if a != "" {
		return a
	}
	return out
}

func stepBack(v stepView) string {
	if v.next != "" {
		return httpx.LocalPath(v.next)
	}
	return dealHref(v.deal.ID)
}
