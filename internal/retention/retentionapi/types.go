package retentionapi

import (
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/retention"
)

type stateOut struct{ Body retention.State }

type listIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" doc:"next_cursor of the page before."`
}

type runsOut struct {
	Body struct {
		Items      []retention.Run `json:"items"`
		NextCursor string          `json:"next_cursor,omitempty"`
	}
}

type idIn struct {
	ID id.ID `path:"id"`
}

type runIn struct {
	Body struct {
		Dry bool `json:"dry,omitempty" doc:"Count only."`
	}
}

type runOut struct{ Body retention.Run }

type simulateIn struct {
	Until string `query:"until" doc:"The last day, YYYY-MM-DD; ten years from today without it." example:"2036-01-31"`
}

type simulateOut struct{ Body retention.Simulation }

type holdsIn struct {
	listIn
	Active bool `query:"active" doc:"Only those that keep something now."`
}

type holdsOut struct {
	Body struct {
		Items      []retention.Hold `json:"items"`
		NextCursor string           `json:"next_cursor,omitempty"`
	}
}

type placeIn struct {
	Body struct {
		Kind     string `json:"kind" enum:"person,account,partner,tenant"`
		ObjectID id.ID  `json:"object_id,omitempty" doc:"A member or a contact for a person; left out for tenant."`
		Email    string `json:"email,omitempty" maxLength:"254" doc:"For a person: the address that their other rows carry; that of the object without it."`
		Reason   string `json:"reason" maxLength:"2000" example:"Dispute 2026-14 before the district court"`
		Until    string `json:"until,omitempty" doc:"The last day, YYYY-MM-DD; until released without it."`
	}
}

type releaseIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Reason string `json:"reason" maxLength:"2000"`
	}
}

type holdOut struct{ Body retention.Hold }

type categoryIn struct {
	Category string `path:"category" example:"legal-entity"`
}

type dutyIn struct {
	categoryIn
	Body struct {
		Event  string `json:"event" doc:"What the period runs from: one of the category's events." example:"relation-end"`
		Keep   string `json:"keep" example:"10 years"`
		Reason string `json:"reason" maxLength:"500" example:"Section 147 AO: business records"`
	}
}

type dutyOut struct{ Body retention.Duty }
