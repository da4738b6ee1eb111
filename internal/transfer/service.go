// Package transfer brings tables in and out: imports of accounts, partners with their people, deals and products.
package transfer

import "entente.dev/internal/op"

// Service runs the room's use cases.
type Service struct{ ops *op.Ops }

// New returns the room's service.
func New(o *op.Ops) *Service { return &Service{ops: o} }
