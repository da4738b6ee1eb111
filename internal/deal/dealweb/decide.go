package dealweb

import (
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/ui"
)

// stepForm is a posted step of one deal, as far as every step has it.
type stepForm struct {
	*httpx.Form
	id   id.ID
	step deal.Step
	next string // where to go on; the deal's page unless the form says the queue or the board
}

func readStep(w http.ResponseWriter, r *http.Request) (stepForm, error) {
	key, err := dealID(r)
	if err != nil {
		return stepForm{}, err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return stepForm{}, err
	}
	s := stepForm{Form: f, id: key, next: f.Text("next"), step: deal.Step{ID: key, Version: f.Version()}}
	if s.next == "" {
		s.next = dealHref(key)
	}
	return s, nil
}

// settle answers a step: done is told on the next page, a refusal of timing or standing too, so that the person sees how
// things are now; again draws the form with its messages.
func (s stepForm) settle(w http.ResponseWriter, r *http.Request, err error, done string, again func() error) error {
	switch {
	case err == nil:
		ui.SetFlash(w, s.flash(ui.Good, done))
	case kindly(err):
		ui.SetFlash(w, s.flash(ui.Warn, errs.Of(err).Msg))
	case s.Absorb(err):
		return again()
	default:
		return err
	}
	httpx.SeeOther(w, r, s.next)
	return nil
}

// flash leads back to the deal where the next page is another one.
func (s stepForm) flash(tone ui.Tone, words string) ui.Flash {
	f := ui.Flash{Tone: tone, Text: words}
	if s.next != dealHref(s.id) {
		f.Link = &ui.Link{Label: "Open it", Href: dealHref(s.id)}
	}
	return f
}

// again draws the page of a step with what was typed.
func (p *pages) again(w http.ResponseWriter, r *http.Request, who access.Actor, act access.Action, s stepForm) func() error {
	return func() error { return p.drawStep(w, r, who, http.StatusUnprocessableEntity, act, s.Form) }
}

func (p *pages) submit(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	s, err := readStep(w, r)
	if err != nil {
		return err
	}
	var d deal.Deal
	if err = s.Err(); err == nil {
		d, err = p.deals.Submit(r.Context(), who, s.step)
	}
	return s.settle(w, r, err, "Submitted. "+answerWords(d.Answer), func() error {
		// What is missing is filled in on the edit page.
		ui.SetFlash(w, ui.Flash{Tone: ui.Warn, Text: "Not submitted yet. " + s.Fields()[0].Msg})
		httpx.SeeOther(w, r, dealHref(s.id)+"/edit")
		return nil
	})
}

func (p *pages) approve(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	s, err := readStep(w, r)
	if err != nil {
		return err
	}
	s.step.Note = s.Text("note")
	var d deal.Deal
	if err = s.Err(); err == nil {
		d, err = p.deals.Approve(r.Context(), who, s.step)
	}
	return s.settle(w, r, err, "Approved “"+d.Title+"” for "+partnerOf(d)+".", func() error { return s.Err() })
}

func (p *pages) giveBack(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	s, err := readStep(w, r)
	if err != nil {
		return err
	}
	in := deal.ReturnInput{Step: s.step, Reason: s.Text("reason")}
	var d deal.Deal
	if err = s.Err(); err == nil {
		d, err = p.deals.Return(r.Context(), who, in)
	}
	return s.settle(w, r, err, "Sent “"+d.Title+"” back with your question.", p.again(w, r, who, deal.ActReturn, s))
}

func (p *pages) reject(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	s, err := readStep(w, r)
	if err != nil {
		return err
	}
	in := deal.RejectInput{Step: s.step, Code: s.Text("reason_code"), Reason: s.Text("reason")}
	var d deal.Deal
	if err = s.Err(); err == nil {
		d, err = p.deals.Reject(r.Context(), who, in)
	}
	return s.settle(w, r, err, "Rejected “"+d.Title+"”. The partner reads the reason.", p.again(w, r, who, deal.ActReject, s))
}

func (p *pages) withdraw(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	s, err := readStep(w, r)
	if err != nil {
		return err
	}
	in := deal.WithdrawInput{Step: s.step, Reason: s.Text("reason")}
	if err = s.Err(); err == nil {
		_, err = p.deals.Withdraw(r.Context(), who, in)
	}
	return s.settle(w, r, err, "Withdrawn. The customer is free again.", p.again(w, r, who, deal.ActWithdraw, s))
}

func (p *pages) win(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	s, err := readStep(w, r)
	if err != nil {
		return err
	}
	in := deal.WinInput{Step: s.step, ClosedOn: s.closedOn()}
	var d deal.Deal
	if err = s.Err(); err == nil {
		d, err = p.deals.Win(r.Context(), who, in)
	}
	return s.settle(w, r, err, "“"+d.Title+"” is won. Well done.", p.again(w, r, who, deal.ActWin, s))
}

func (p *pages) lose(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	s, err := readStep(w, r)
	if err != nil {
		return err
	}
	in := deal.LoseInput{Step: s.step, ClosedOn: s.closedOn(), Reason: s.Text("reason")}
	var d deal.Deal
	if err = s.Err(); err == nil {
		d, err = p.deals.Lose(r.Context(), who, in)
	}
	return s.settle(w, r, err, "“"+d.Title+"” is marked lost.", p.again(w, r, who, deal.ActLose, s))
}

func (s stepForm) closedOn() deal.Day {
	if t := s.Date("closed_on"); !t.IsZero() {
		return deal.DayOf(t)
	}
	return ""
}
