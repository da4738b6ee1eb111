package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"entente.dev/internal/access"
	"entente.dev/internal/deal/dealweb"
	"entente.dev/internal/incident"
	"entente.dev/internal/privacy"
	"entente.dev/internal/ui"
)

// deadlinesMost is how many deadlines the home page tells, the nearest.
const deadlinesMost = 5

// deadlines returns the running clocks of incidents and the open requests of persons that are due first, as far as the actor may see
// them.
func (a *App) deadlines(ctx context.Context, who access.Actor) ([]dealweb.Deadline, error) {
	var out []dealweb.Deadline
	now := a.Ops.Clock()
	if who.May(incident.ActList) {
		running, err := a.Incidents.Nearest(ctx, who, deadlinesMost)
		if err != nil {
			return nil, err
		}
		for _, c := range running {
			out = append(out, dealweb.Deadline{Title: c.Label, About: fmt.Sprintf("Incident %d, %s", c.Number, c.Title), Href: "/incidents/" + c.IncidentID.String(),
				Due: c.DueAt, Left: c.Says(now), Tone: urgency(now.After(c.DueAt), c.Share(now) >= 75)})
		}
	}
	if who.May(privacy.ActList) {
		page, err := a.Privacy.List(ctx, who, privacy.Query{Limit: deadlinesMost})
		if err != nil {
			return nil, err
		}
		for _, r := range page.Items {
			out = append(out, dealweb.Deadline{Title: fmt.Sprintf("Request %d: %s", r.Number, r.Kind.Words()), About: ui.Capital(r.State.Words()), Href: "/privacy/" + r.ID.String(),
				Due: r.DueAt, Left: r.Says(now), Tone: urgency(now.After(r.DueAt), r.DaysLeft(now) < 7)})
		}
	}
	slices.SortStableFunc(out, func(x, y dealweb.Deadline) int { return cmp.Or(x.Due.Compare(y.Due), cmp.Compare(x.Title, y.Title)) })
	return out[:min(deadlinesMost, len(out))], nil
}

func urgency(late, soon bool) ui.Tone {
	switch {
	case late:
		return ui.Bad
	case soon:
		return ui.Warn
	}
	return ui.Neutral
}
