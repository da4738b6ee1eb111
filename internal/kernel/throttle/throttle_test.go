package throttle

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC)

func TestNext(t *testing.T) {
	rule := Rule{Burst: 3, Every: 10 * time.Second}
	var tat time.Time
	steps := []struct {
		at   time.Duration
		ok   bool
		wait time.Duration
	}{
		{0, true, 0},
		{0, true, 0},
		{0, true, 0},
		{0, false, 10 * time.Second},
		{4 * time.Second, false, 6 * time.Second},
		{10 * time.Second, true, 0},
		{10 * time.Second, false, 10 * time.Second},
		{30 * time.Second, true, 0},
		{30 * time.Second, true, 0},
		{30 * time.Second, false, 10 * time.Second},
		{time.Hour, true, 0},
	}
	for i, s := range steps {
		next, wait, ok := Next(tat, epoch.Add(s.at), rule)
		if ok != s.ok || wait != s.wait {
			t.Fatalf("step %d at %v: ok %v wait %v, want %v %v", i, s.at, ok, wait, s.ok, s.wait)
		}
		tat = next
	}
}

func TestNextOddRules(t *testing.T) {
	if _, _, ok := Next(epoch.Add(time.Hour), epoch, Rule{}); !ok {
		t.Error("a rule without Every must allow everything")
	}
	tat, _, ok := Next(time.Time{}, epoch, Rule{Burst: -4, Every: time.Second})
	if !ok {
		t.Error("a burst below 1 counts as 1")
	}
	if _, _, ok = Next(tat, epoch, Rule{Burst: -4, Every: time.Second}); ok {
		t.Error("a burst below 1 counts as 1, not as unlimited")
	}
	if _, _, ok := Next(time.Time{}, epoch, Rule{Burst: 1 << 62, Every: time.Hour}); !ok {
		t.Error("an enormous burst must not overflow")
	}
}

func rules(t *rapid.T) Rule {
	return Rule{
		Burst: rapid.IntRange(1, 20).Draw(t, "burst"),
		Every: time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "every")),
	}
}

// However events arrive, no window of length w admits more than Burst + w/Every (rounded up).
func TestRateHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := rules(t)
		now, tat := epoch, time.Time{}
		var passed []time.Time
		for range rapid.IntRange(1, 200).Draw(t, "n") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*rule.Every)).Draw(t, "gap")))
			next, wait, ok := Next(tat, now, rule)
			if ok != (wait == 0) || wait < 0 || wait > rule.Every {
				t.Fatalf("ok %v with wait %v under %+v", ok, wait, rule)
			}
			if ok {
				passed = append(passed, now)
			}
			tat = next
		}
		for i := range passed {
			for j := i; j < len(passed); j++ {
				window := passed[j].Sub(passed[i])
				if limit := rule.Burst + int(window/rule.Every); j-i+1 > limit {
					t.Fatalf("%d events within %v, at most %d allowed under %+v", j-i+1, window, limit, rule)
				}
			}
		}
	})
}

// Waiting exactly as long as told is enough, and one nanosecond less is not.
func TestWaitIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := rules(t)
		tat := epoch.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(30*time.Hour)).Draw(t, "ahead")))
		next, wait, ok := Next(tat, epoch, rule)
		if ok {
			return
		}
		if _, _, early := Next(next, epoch.Add(wait-1), rule); early {
			t.Fatal("passed before the wait was over")
		}
		if _, _, due := Next(next, epoch.Add(wait), rule); !due {
			t.Fatal("still refused after the wait")
		}
	})
}

// Refusals cost nothing: any number of them leaves the owner's next chance where it was.
func TestRefusalsAreFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := rules(t)
		var tat time.Time
		for range rule.Burst {
			tat, _, _ = Next(tat, epoch, rule)
		}
		_, first, _ := Next(tat, epoch, rule)
		for range rapid.IntRange(1, 50).Draw(t, "knocks") {
			tat, _, _ = Next(tat, epoch, rule)
		}
		if _, last, _ := Next(tat, epoch, rule); last != first {
			t.Fatalf("wait grew from %v to %v", first, last)
		}
	})
}
