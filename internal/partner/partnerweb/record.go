package partnerweb

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/identity"
	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/partner"
	"entente.dev/internal/ui"
)

// shownHere is how many deals and people a record lists before it leads to the whole list.
const shownHere = 8

type recordView struct {
	who        access.Actor
	partner    partner.Partner
	people     []identity.Member
	morePeople bool
	deals      []deal.Deal
	moreDeals  bool
	events     []ui.Event
	moreEvents bool
	adoption   *journal.Adoption // nil: the reader may not know
}

func (p pages) record(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := partnerID(r)
	if err != nil {
		return err
	}
	it, err := p.Partners.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, it.Name, "partners")
	if err != nil {
		return err
	}
	v := recordView{who: who, partner: it}
	if err := p.around(r.Context(), &v, pg.Viewer.Reader); err != nil {
		return err
	}
	if who.Persona != access.Partner {
		pg.Crumbs = []ui.Link{{Label: "Partners", Href: "/partners"}}
	}
	pg.Lead, pg.Subtitle, pg.Actions = ui.State(it.Status), subtitle(it), recordTools(v)
	return ui.Render(w, r, http.StatusOK, recordPage(pg, v))
}

// around reads what stands beside the facts, as far as the actor may see it.
func (p pages) around(ctx context.Context, v *recordView, rd ui.Reader) error {
	if v.who.May(identity.ActList) {
		page, err := p.People.People(ctx, v.who, identity.PeopleQuery{Partner: v.partner.ID, Limit: shownHere})
		if err != nil {
			return err
		}
		v.people, v.morePeople = page.Items, page.Next != ""
	}
	if v.who.May(deal.ActList) {
		page, err := p.Deals.List(ctx, v.who, deal.Query{Partner: v.partner.ID, Limit: shownHere})
		if err != nil {
			return err
		}
		v.deals, v.moreDeals = page.Items, page.Next != ""
	}
	if p.Adoption != nil && v.who.May(journal.ActAdoption) {
		a, err := p.Adoption(ctx, v.who, v.partner.ID)
		if err != nil {
			return err
		}
		v.adoption = &a
	}
	if v.who.May(trail.ActObject) {
		page, err := p.Trail.Object(ctx, v.who, trail.Query{ObjectID: v.partner.ID, Outcome: "done", Limit: 20})
		if err != nil {
			return err
		}
		v.events, v.moreEvents = events(page.Items, rd), page.Next != ""
	}
	return nil
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

func subtitle(it partner.Partner) string {
	parts := []string{kindLabels[it.Kind]}
	for _, s := range []string{it.Region, country.Name(it.Country)} {
		if s != "" && !slices.Contains(parts, s) {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " · ")
}

func facts(v recordView) []ui.Fact {
	it := v.partner
	out := []ui.Fact{
		{Label: "Type", Value: kindLabels[it.Kind]}, {Label: "Domains", Value: strings.Join(it.Domains, ", ")}, {Label: "Country", Value: country.Name(it.Country)},
		{Label: "Region", Value: it.Region}, {Label: "Channel manager", Content: manager(it.ManagerName)}, {Label: "Added", Content: ui.Day(it.CreatedAt)},
	}
	if v.who.Persona == access.Partner {
		return out
	}
	external := ""
	if it.ExternalID != nil {
		external = *it.ExternalID
	}
	return append(out, ui.Fact{Label: "External id", Value: external})
}
