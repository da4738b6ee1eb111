package jobs

import (
	"context"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

func TestSchedules(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.DateTime, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	cases := []struct {
		s           Schedule
		after, want string
	}{
		{Every(time.Hour), "2026-03-28 23:30:00", "2026-03-29 00:00:00"},
		{Every(time.Hour), "2026-03-29 00:00:00", "2026-03-29 01:00:00"},
		{Every(5 * time.Minute), "2026-03-29 00:04:59", "2026-03-29 00:05:00"},
		{Daily(3, 0), "2026-03-29 02:59:59", "2026-03-29 03:00:00"},
		{Daily(3, 0), "2026-03-29 03:00:00", "2026-03-30 03:00:00"},
		{Daily(23, 59), "2026-12-31 23:59:30", "2027-01-01 23:59:00"},
	}
	for _, c := range cases {
		if got := c.s.Next(at(c.after)); !got.Equal(at(c.want)) {
			t.Errorf("%v after %s: %v, want %s", c.s, c.after, got, c.want)
		}
	}
}

func TestWiringMistakesPanic(t *testing.T) {
	fn := func(context.Context) error { return nil }
	for name, wire := range map[string]func(){
		"kind without a dot": func() { NewRegistry().Periodic("seal", Daily(1, 0), fn) },
		"kind taken": func() {
			r := NewRegistry()
			r.Periodic("audit.seal", Daily(1, 0), fn)
			r.Periodic("audit.seal", Daily(2, 0), fn)
		},
		"no time of day": func() { Daily(24, 0) },
		"no interval":    func() { Every(0) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			wire()
		})
	}
}

// Eight attempts span a night, and a periodic job never waits past its next moment.
func TestNextRetry(t *testing.T) {
	w := &worker{}
	var whole time.Duration
	for attempt := 1; attempt < maxAttempts; attempt++ {
		wait := time.Until(w.NextRetry(&river.Job[raw]{JobRow: &rivertype.JobRow{Attempt: attempt}}))
		if min := delays[attempt-1]; wait < min-time.Second || wait > min+min/10 {
			t.Errorf("attempt %d: wait %v", attempt, wait)
		}
		whole += wait
	}
	if whole < 12*time.Hour {
		t.Errorf("all attempts are used up after %v", whole)
	}
	w.handler.schedule = Every(time.Second)
	if wait := time.Until(w.NextRetry(&river.Job[raw]{JobRow: &rivertype.JobRow{Attempt: 7}})); wait > time.Second {
		t.Errorf("a job of every second waits %v", wait)
	}
}
