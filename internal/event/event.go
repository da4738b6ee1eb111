// Package event is the shape of what a room announces once something has happened. Rooms emit events upward; who listens
// stands in one table, app/events.go. Listeners run in the emitting transaction: they enqueue work, they do not do it.
package event

// Event is a fact about an object, such as "deal.approved".
type Event interface {
	// EventName returns the room and the past participle, such as "deal.approved".
	EventName() string
}
