package app

import (
	"testing"
	"time"

	"entente.dev/internal/trust"
)

// check probes and returns the results by promise.
func (h *house) check(ids ...string) map[string]trust.Checked {
	h.Helper()
	done, err := h.app.Trust.Check(h.Context(), ids...)
	if err != nil {
		h.Fatal(err)
	}
	out := map[string]trust.Checked{}
	for _, c := range done {
		out[c.Promise.ID] = c
	}
	return out
}

// A fresh installation fails no promise: neither empty, nor with programmes on it.
func TestFreshInstallationFailsNoPromise(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.app.limits = newLimiter(100, time.Now)
	h.app.probing(h.doors)
	healthy := func(when string) {
		t.Helper()
		n := map[trust.Result]int{}
		for id, c := range h.check() {
			n[c.Evidence.Result]++
			if c.Evidence.Result == trust.Failing {
				t.Errorf("%s: %s is failing: %s %s", when, id, c.Evidence.Checked, c.Evidence.Detail)
			}
		}
		t.Logf("%s: %v", when, n)
	}
	healthy("empty")
	one := h.admin("acme")
	h.work(one)
	healthy("one programme")
	h.partner(one, "north")
	two := h.admin("globex")
	h.work(two)
	h.work(h.partner(two, "south"))
	healthy("two programmes")
	// What retention says of itself can be read too, whoever declared the tables.
	if w := h.send(one, "GET", "/retention", "", ""); w.Code != 200 {
		h.Errorf("/retention: %d", w.Code)
	}
	if w := h.send(one, "GET", "/retention/simulate", "", ""); w.Code >= 500 {
		h.Errorf("/retention/simulate: %d", w.Code)
	}
}
