package dealweb

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

// recordView is what a deal's page shows.
type recordView struct {
	deal.Record
	who   access.Actor
	rd    ui.Reader
	alike []deal.LookAlike
	note  *httpx.Form // a note that was refused; nil otherwise
}

func (v recordView) vendor() bool { return vendor(v.who) }

func (v recordView) can(act access.Action) bool { return v.Deal.Can(v.who, act) }

func (v recordView) href(step string) string { return dealHref(v.Deal.ID) + "/" + step }

func (v recordView) version() string { return strconv.Itoa(v.Deal.Version) }

func (p *pages) record(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawRecord(w, r, who, http.StatusOK, nil)
}

// drawRecord draws the page of the deal that the path names, with a note that was refused or nil.
func (p *pages) drawRecord(w http.ResponseWriter, r *http.Request, who access.Actor, status int, note *httpx.Form) error {
	key, err := dealID(r)
	if err != nil {
		return err
	}
	v := recordView{who: who, note: note}
	if v.Record, err = p.deals.Record(r.Context(), who, key); err != nil {
		return err
	}
	if v.alike, err = p.alike(r.Context(), who, v.Deal); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, v.Deal.Title, "deals")
	if err != nil {
		return err
	}
	v.rd = pg.Viewer.Reader
	pg.Crumbs, pg.Lead, pg.Subtitle = []ui.Link{{Label: "Deals", Href: "/deals"}}, ui.State(string(v.Deal.State)), rowSub(v.Deal, v.vendor())
	pg.Actions = recordActions(v)
	return ui.Render(w, r, status, recordPage(pg, v))
}

// alike reads what looks like the deal, for those who decide and as long as there is something to decide.
func (p *pages) alike(ctx context.Context, who access.Actor, d deal.Deal) ([]deal.LookAlike, error) {
	if !who.May(deal.ActQueue) || d.State != deal.StateSubmitted && d.State != deal.StateReturned {
		return nil, nil
	}
	return p.deals.LookAlikes(ctx, who, d.ID)
}

func (p *pages) note(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := dealID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := deal.NoteInput{ID: key, Body: f.Text("body"), Internal: f.Choice("reader", "internal", "shared") == "internal"}
	if err = f.Err(); err == nil {
		_, err = p.deals.Note(r.Context(), who, in)
	}
	switch {
	case err == nil:
		httpx.SeeOther(w, r, dealHref(key)+"#notes")
		return nil
	case f.Absorb(err):
		return p.drawRecord(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return err
}

// next is the one thing to know about the deal now.
type next struct {
	tone        ui.Tone
	title, text string
}

// next says where the deal stands and whose turn it is, in the words of the side that reads.
func (v recordView) next() next {
	d := v.Deal
	switch d.State {
	case deal.StateDraft:
		return next{ui.Neutral, "This is a draft", "Nobody decides it before it is submitted."}
	case deal.StateSubmitted:
		return v.nextSubmitted()
	case deal.StateReturned:
		if v.vendor() {
			return next{ui.Warn, "Waiting for the partner", "You asked: " + d.Reason}
		}
		return next{ui.Warn, "More information is wanted", d.Reason}
	case deal.StateApproved:
		return v.nextApproved()
	case deal.StateRejected:
		return next{ui.Bad, "Rejected", reasonOf(&d)}
	case deal.StateWithdrawn:
		return next{ui.Neutral, "Withdrawn", d.Reason}
	case deal.StateWon:
		return next{ui.Good, "Won on " + day(v.rd, d.ClosedOn), ""}
	case deal.StateLost:
		return next{ui.Neutral, "Lost on " + day(v.rd, d.ClosedOn), d.Reason}
	}
	return next{ui.Warn, "Protection ended on " + v.rd.Day(at(d.ProtectedUntil)), "Somebody else may register this customer. The deal can still be won or lost."}
}

func (v recordView) nextSubmitted() next {
	since := waited(v.Now, at(v.Deal.SubmittedAt))
	switch {
	case !v.vendor():
		return next{ui.Accent, "Waiting for a decision", "Submitted " + v.rd.Relative(at(v.Deal.SubmittedAt)) + ". " + answerWords(v.Deal.Answer) + " You get a mail when it is decided."}
	case v.Deal.Own(v.who.Member):
		return next{ui.Accent, "Waiting for somebody else's decision", "You registered or own this deal, so another channel manager decides it. It waits for " + since + "."}
	}
	return next{ui.Accent, "Your decision is wanted", "Submitted by " + partnerOf(v.Deal) + ", waiting for " + since + "."}
}

func (v recordView) nextApproved() next {
	if !v.Deal.Protected(v.Now) {
		return next{ui.Good, "Approved", "Without protection: the customer cannot be told from others yet."}
	}
	return next{ui.Good, "Protected until " + v.rd.Day(*v.Deal.ProtectedUntil), "Work it through the stages, then mark it won or lost."}
}

// window is the protection as far as it has run.
type window struct {
	until      time.Time
	done, days int
	left, word string // "16 days left", "until"
}

func (v recordView) window() (window, bool) {
	until := v.Deal.ProtectedUntil
	if until == nil {
		return window{}, false
	}
	from := at(v.Deal.DecidedAt)
	if v.Claim != nil {
		from = v.Claim.From
	}
	days := max(1, int(until.Sub(from).Hours()/24+0.5))
	left := daysUntil(v.Now, *until)
	word := "until"
	if left == 0 {
		word = "on"
	}
	return window{*until, max(0, days-left), days, daysLeft(v.Now, *until), word}, true
}

// openStages are the steps of the pipeline, and the end that the deal has reached or may reach.
func (v recordView) openStages() []deal.Stage {
	var out []deal.Stage
	for _, s := range v.Stages {
		switch {
		case s.Kind == tenant.StageOpen, s.ID == v.Deal.Stage, s.Kind == tenant.StageWon && v.can(deal.ActWin):
			out = append(out, s)
		}
	}
	return out
}

// passed reports whether the deal's stage stands behind s.
func (v recordView) passed(s deal.Stage) bool {
	for _, x := range v.Stages {
		if x.ID == v.Deal.Stage {
			return s.Position < x.Position
		}
	}
	return false
}

// facts are the headline facts; the vendor also sees where the registration came from.
func (v recordView) facts() []ui.Fact {
	d := v.Deal
	out := []ui.Fact{
		{Label: "Customer", Content: customerFact(d)},
		{Label: "Amount", Content: amountFact(amount(v.rd, d))},
		{Label: "Stage", Value: d.StageName},
		{Label: "Owner", Value: d.OwnerName},
	}
	if v.vendor() {
		out = append(out, ui.Fact{Label: "Partner", Content: partnerFact(d)})
	}
	out = append(out,
		ui.Fact{Label: "Expected close", Value: day(v.rd, d.ExpectedCloseOn)},
		ui.Fact{Label: "Product", Value: d.Product},
		ui.Fact{Label: "Country", Value: country.Name(d.AccountCountry)},
		ui.Fact{Label: "Registered", Content: ui.RelTime(d.CreatedAt)},
	)
	if v.DecidedByName != "" {
		out = append(out, ui.Fact{Label: "Decided by", Value: v.DecidedByName})
	}
	if v.vendor() {
		out = append(out, ui.Fact{Label: "Source", Value: sourceWords(d.Source)})
	}
	if v.vendor() && d.ExternalID != "" {
		out = append(out, ui.Fact{Label: "External id", Value: d.ExternalID})
	}
	return out
}

// kindly reports whether an error is one of timing or standing, to be told on the page rather than as an error page.
func kindly(err error) bool {
	switch errs.Of(err).Kind {
	case errs.Conflict, errs.Stale:
		return true
	case errs.Forbidden:
		return errs.Is(err, "deal.own")
	}
	return false
}
