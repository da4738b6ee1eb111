package jobs

import (
	"log/slog"
	"testing"

	"entente.dev/internal/kernel/id"
)

// A killed program leaves its jobs marked as running: the next one takes them up at once, but not for ever.
func TestReclaim(t *testing.T) {
	t.Parallel()
	business, queue := open(t)
	r := handled()
	done := outcomes(r)
	enqueue(t, business, id.New(), expire{})
	enqueue(t, business, id.New(), other{})
	if _, err := queue.Exec(t.Context(), `update river.river_job set state = 'running', attempted_at = now(), attempted_by = '{dead}',
		attempt = case kind when 'deal.other' then max_attempts else 1 end`); err != nil {
		t.Fatal(err)
	}
	runner, err := New(queue, r, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := runner.Reclaim(t.Context()); n != 2 || err != nil {
		t.Fatalf("reclaimed %d, %v", n, err)
	}
	start(t, queue, r)
	if o := take(t, done); o.Kind != "deal.expire" || o.Result != "completed" {
		t.Errorf("outcome %+v", o)
	}
	if n := count(t, queue, "kind = 'deal.other' and state = 'discarded' and finalized_at is not null"); n != 1 {
		t.Error("a job without attempts left was not given up")
	}
}
