package seal

import "context"

// Target is a place that checkpoints are sent to.
type Target interface{ Name() string }

// Deliver sends the checkpoints that are due.
func (s *Service) Deliver(context.Context) error { return nil }
