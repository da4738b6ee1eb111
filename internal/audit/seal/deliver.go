package seal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"entente.dev/internal/kernel/courier"
	"entente.dev/internal/kernel/id"
)

// Target is a place that checkpoints are sent to.
type Target = courier.Place

// retryAfter is how long a place that failed is left alone, doubled with each further failure up to the cadence.
const retryAfter = 30 * time.Second

// atOnce is how many tenants' checkpoints one message holds.
const atOnce = 500

// targetState is what is known of a place.
type targetState struct {
	rootSize int64
	sentAt   *time.Time // the newest checkpoint that arrived was signed then
	triedAt  *time.Time
	tries    int
}

// Deliver sends the newest checkpoints to every place that is due: the installation's own and that of each tenant whose log grew
// since. A place that fails is tried again later; the others do not wait for it. What was sent where stands in each tenant's log of
// deliveries.
func (s *Service) Deliver(ctx context.Context) error {
	var failed error
	oldest := time.Time{}
	for _, t := range s.targets {
		sent, err := s.deliverTo(ctx, t)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", t.Name(), err))
		}
		if oldest.IsZero() || sent.Before(oldest) {
			oldest = sent
		}
	}
	if !oldest.IsZero() {
		s.delivered.Store(oldest.UnixNano())
	}
	return failed
}

// ExportAge returns how old the checkpoint is that every place has; zero without places or before the first.
func (s *Service) ExportAge() time.Duration {
	if at := s.delivered.Load(); at > 0 {
		return s.ops.Clock().Sub(time.Unix(0, at))
	}
	return 0
}

// Targets are the names of the places that checkpoints are sent to.
func (s *Service) Targets() []string {
	var out []string
	for _, t := range s.targets {
		out = append(out, t.Name())
	}
	return out
}

// due says whether a place gets the head now: an hour after the last, or after a failure when it was left alone long enough.
func (s *Service) due(st targetState, head rootHead, now time.Time) bool {
	switch {
	case head.size == 0 || head.size <= st.rootSize:
		return false
	case st.tries > 0 && st.triedAt != nil:
		wait := min(retryAfter<<min(st.tries-1, 10), s.every)
		return now.Sub(*st.triedAt) >= wait
	case st.sentAt != nil:
		return now.Sub(*st.sentAt) >= s.every
	}
	return true
}

// deliverTo sends to one place and returns when the newest checkpoint was signed that it has.
func (s *Service) deliverTo(ctx context.Context, t Target) (sent time.Time, err error) {
	now := s.ops.Clock().UTC().Truncate(time.Microsecond)
	st, head, err := s.targetAndHead(ctx, t.Name())
	if err != nil {
		return sent, err
	}
	if st.sentAt != nil {
		sent = *st.sentAt
	}
	if !s.due(st, head, now) {
		return sent, nil
	}
	grown, err := s.grownSince(ctx, st.sentAt)
	if err != nil {
		return sent, err
	}
	failure := s.send(ctx, t, head, grown, now)
	if failure == nil {
		sent = head.at
	}
	return sent, errors.Join(failure, s.noteDelivery(ctx, t.Name(), st, head, grown, now, failure))
}

// send hands over the checkpoints in messages of at most atOnce tenants; the installation's comes last, so that who has it has all.
func (s *Service) send(ctx context.Context, t Target, head rootHead, grown []grownHead, now time.Time) error {
	installation := id.ID(s.ops.DB.Installation().ID).String()
	for lo := 0; ; lo += atOnce {
		m := courier.Message{ID: id.New().String(), At: now}
		for _, g := range grown[min(lo, len(grown)):min(lo+atOnce, len(grown))] {
			m.Texts = append(m.Texts, courier.Text{Name: fmt.Sprintf("checkpoints/%s/%s/%020d.txt", installation, g.tenant, g.size), Body: g.note})
		}
		last := lo+atOnce >= len(grown)
		if last {
			m.Texts = append(m.Texts, courier.Text{Name: fmt.Sprintf("checkpoints/%s/installation/%020d.txt", installation, head.size), Body: head.note})
		}
		if err := t.Send(ctx, m); err != nil || last {
			return err
		}
	}
}

// namedIn returns the tenants that lines of heads name, each once, in order.
func namedIn(leaves []string) []id.ID {
	seen := map[id.ID]bool{}
	var out []id.ID
	for _, leaf := range leaves {
		for line := range strings.Lines(leaf) {
			name, _, _ := strings.Cut(line, " ")
			if v, ok := id.Parse(name); ok && !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
		}
	}
	return out
}
