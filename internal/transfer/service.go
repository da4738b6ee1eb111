package transfer

import (
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// Service runs the room's use cases.
type Service struct {
	ops     *op.Ops
	tenants *tenant.Service
}

// New returns the room's service.
func New(o *op.Ops) *Service { return &Service{ops: o, tenants: tenant.New(o)} }
