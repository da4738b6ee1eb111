package dealweb

import (
	"net/http"
	"strconv"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/ui"
)

// queueView is what the decision queue shows.
type queueView struct {
	ui.List
	who   access.Actor
	rd    ui.Reader
	items []deal.Waiting
	acted bool // the person comes from a decision: the first registration takes the focus
}

const queuePage = 10

func (p *pages) queue(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := queueView{List: ui.ListOf(r), who: who}
	page, err := p.deals.Queue(r.Context(), who, deal.QueueQuery{Limit: queuePage, Cursor: v.Get("cursor")})
	if err != nil {
		return err
	}
	v.items, v.Next, v.Shown, v.Noun = page.Items, page.Next, len(page.Items), "registrations"
	pg, err := p.Page(w, r, who, "Decision queue", "queue")
	if err != nil {
		return err
	}
	v.rd, v.acted = pg.Viewer.Reader, pg.Flash != nil
	pg.Subtitle = "Registrations that wait for you, the oldest first."
	return ui.Render(w, r, http.StatusOK, queuePageOf(pg, v))
}

// holder is the look-alike that holds the customer now, nil when nobody does.
func holder(alike []deal.LookAlike) *deal.Deal {
	for i := range alike {
		if alike[i].Claim {
			return &alike[i].Deal
		}
	}
	return nil
}

// comparedMost is how many look-alikes stand beside a registration.
const comparedMost = 3

func compared(alike []deal.LookAlike) []deal.LookAlike { return alike[:min(len(alike), comparedMost)] }

// line is one row of a comparison: a fact of the registration and of each look-alike.
type line struct {
	label string
	self  string
	cells []cell
}

// cell is a look-alike's fact; mark is "same", "similar" or "".
type cell struct{ text, mark string }

// lines puts the facts that tell customers apart side by side.
func lines(rd ui.Reader, d deal.Deal, alike []deal.LookAlike) []line {
	of := func(label string, fact func(deal.Deal) string, compare bool) line {
		l := line{label: label, self: fact(d)}
		for _, a := range alike {
			c := cell{text: fact(a.Deal)}
			if compare && c.text != "" && strings.EqualFold(c.text, l.self) {
				c.mark = "same"
			} else if label == "Customer" && a.Why == deal.SimilarName {
				c.mark = "similar"
			} else if label == "Customer" && a.Why == deal.SameName {
				c.mark = "same"
			}
			l.cells = append(l.cells, c)
		}
		return l
	}
	return []line{
		of("Customer", func(d deal.Deal) string { return d.AccountName }, true),
		of("Domain", func(d deal.Deal) string { return d.AccountDomain }, true),
		of("Country", func(d deal.Deal) string { return country.Name(d.AccountCountry) }, true),
		of("Product", func(d deal.Deal) string { return d.Product }, true),
		of("Amount", func(d deal.Deal) string { return amount(rd, d) }, true),
		of("Partner", partnerOf, true),
		of("Registered", func(d deal.Deal) string { return rd.Day(d.CreatedAt) }, false),
	}
}

// whyWords says how near a look-alike is.
func whyWords(a deal.LookAlike) string {
	switch a.Why {
	case deal.SameCustomer:
		return "Same customer"
	case deal.SameName:
		return "Same name"
	}
	return "Similar name, " + strconv.Itoa(int(a.Similarity*100+0.5)) + " %"
}

func whyTone(a deal.LookAlike) ui.Tone {
	switch {
	case a.Claim:
		return ui.Bad
	case a.Why == deal.SameCustomer:
		return ui.Warn
	}
	return ui.Neutral
}

func ownerWords(d deal.Deal) string {
	if d.OwnerName == "" {
		return ""
	}
	return "(" + d.OwnerName + ")"
}

// queueFacts are the facts of a registration that nothing looks like.
func queueFacts(rd ui.Reader, d deal.Deal) []ui.Fact {
	return []ui.Fact{
		{Label: "Customer", Value: customer(d)},
		{Label: "Domain", Value: d.AccountDomain},
		{Label: "Country", Value: country.Name(d.AccountCountry)},
		{Label: "Product", Value: d.Product},
		{Label: "Expected close", Value: day(rd, d.ExpectedCloseOn)},
	}
}
