package seal

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/audit/verify"
	"entente.dev/internal/kernel/courier"
)

type shelf struct {
	down bool
	got  []courier.Message
}

func (*shelf) Name() string { return "shelf:1" }

func (s *shelf) Send(_ context.Context, m courier.Message) error {
	if s.down {
		return errors.New("the shelf is out of reach")
	}
	s.got = append(s.got, m)
	return nil
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Now()
	w.ops.Clock = func() time.Time { return now }
	place := &shelf{down: true}
	w.targets = []Target{place}
	ctx := t.Context()
	w.must(w.Deliver(ctx)) // nothing to tell yet
	w.must(w.tell(ctx, w.a, 3, "x"))
	w.must(w.tell(ctx, w.b, 2, "x"))
	w.must(w.Tick(ctx))
	if err := w.Deliver(ctx); err == nil || !strings.Contains(err.Error(), "shelf:1") {
		t.Errorf("the failure was not told: %v", err)
	}
	w.must(w.Deliver(ctx)) // it is left alone for a moment
	place.down = false
	now = now.Add(time.Minute)
	w.must(w.Deliver(ctx))
	if len(place.got) != 1 || len(place.got[0].Texts) != 3 {
		t.Fatalf("%+v", place.got)
	}
	key, err := w.Verifier(ctx)
	w.must(err)
	for _, text := range place.got[0].Texts {
		if _, err := verify.OpenCheckpoint([]byte(text.Body), key); err != nil {
			t.Errorf("%s: %v", text.Name, err)
		}
	}
	// Only who grew is told again, and only after an hour.
	w.must(w.tell(ctx, w.a, 3, "x"))
	w.must(w.Tick(ctx))
	w.must(w.Deliver(ctx))
	if len(place.got) != 1 {
		t.Error("told again at once")
	}
	now = now.Add(time.Hour)
	w.must(w.Deliver(ctx))
	now = now.Add(time.Hour)
	w.must(w.Deliver(ctx))
	if len(place.got) != 2 || len(place.got[1].Texts) != 2 || w.ExportAge() < time.Hour {
		t.Fatalf("%+v", place.got)
	}
	st, err := w.Status(ctx, w.a)
	w.must(err)
	if len(st.Deliveries) != 3 || st.Deliveries[2].Outcome != "failed" || st.Deliveries[2].Detail != "the shelf is out of reach" || st.Head.Size != 6 || st.Waiting != 0 {
		t.Errorf("%+v", st)
	}
}
