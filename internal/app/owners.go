package app

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/ui"
)

// owners returns the people who may own a deal of a partner, as far as who may see them.
func (a *App) owners(ctx context.Context, who access.Actor, partner id.ID) ([]ui.Option, error) {
	if !who.May(identity.ActList) {
		return nil, nil
	}
	people, err := a.Identity.People(ctx, who, identity.PeopleQuery{Partner: partner, Limit: 200})
	if err != nil {
		return nil, err
	}
	var out []ui.Option
	for _, m := range people.Items {
		if m.PartnerID == partner && m.Status != identity.StatusRemoved {
			out = append(out, ui.Option{Value: m.ID.String(), Label: m.Name})
		}
	}
	return out, nil
}
