package tenant

import "entente.dev/internal/access"

// The actions of this room.
const (
	ActCreate   access.Action = "tenant.create"
	ActRead     access.Action = "tenant.read"
	ActUpdate   access.Action = "tenant.update"
	ActStages   access.Action = "stage.update"
	ActProducts access.Action = "product.update"
)
