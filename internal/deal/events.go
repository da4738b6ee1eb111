package deal

import "entente.dev/internal/access"

// Fact is what every event of this room carries: the deal as it now stands, and who did it.
type Fact struct {
	Deal Deal
	By   access.Actor
}

// What happened to a deal.
type (
	Submitted struct{ Fact } // a decision is wanted
	Approved  struct{ Fact } // the protection window began
	Rejected  struct{ Fact }
	Returned  struct{ Fact } // more information is wanted
	Withdrawn struct{ Fact }
	Won       struct{ Fact }
	Lost      struct{ Fact }
	Expired   struct{ Fact } // the protection window ended
	Noted     struct {
		Fact
		Note Note
	}
)

// EventName implements event.Event.
func (Submitted) EventName() string { return "deal.submitted" }

// EventName implements event.Event.
func (Approved) EventName() string { return "deal.approved" }

// EventName implements event.Event.
func (Rejected) EventName() string { return "deal.rejected" }

// EventName implements event.Event.
func (Returned) EventName() string { return "deal.returned" }

// EventName implements event.Event.
func (Withdrawn) EventName() string { return "deal.withdrawn" }

// EventName implements event.Event.
func (Won) EventName() string { return "deal.won" }

// EventName implements event.Event.
func (Lost) EventName() string { return "deal.lost" }

// EventName implements event.Event.
func (Expired) EventName() string { return "deal.expired" }

// EventName implements event.Event.
func (Noted) EventName() string { return "deal.noted" }
