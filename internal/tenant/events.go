package tenant

// Created says that a programme was founded. It is emitted in the founding transaction of the operator.
type Created struct{ Settings Settings }

// EventName implements event.Event.
func (Created) EventName() string { return "tenant.created" }
