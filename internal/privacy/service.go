package privacy

import (
	"entente.dev/internal/access"
	"entente.dev/internal/op"
)

// The use cases of the room.
const (
	ActFind access.Action = "privacy.find"
)

// erased stands where something was erased from a text.
const erased = "[erased]"

// Service runs the room's use cases.
type Service struct{ ops *op.Ops }

// New returns the room's service.
func New(o *op.Ops) *Service { return &Service{ops: o} }
