package identity

import (
	"context"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/throttle"
)

// ruleForm is how often one network may send a public form.
var ruleForm = throttle.Rule{Burst: 5, Every: 10 * time.Minute}

// Knock spends one use of a public form by one network. Throttled "form.throttled" says when to come again.
func (s *Service) Knock(ctx context.Context, form, ip string) error {
	err := s.spend(ctx, []limit{{s.bucket("form", form, network(ip)), ruleForm}})
	if e := errs.Of(err); e != nil && e.Kind == errs.Throttled {
		e.Code, e.Msg = "form.throttled", "This form was sent several times from your network. Try again in "+seconds(e.RetryAfter)+"."
	}
	return err
}
