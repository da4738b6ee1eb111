package app

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"testing"
	"time"

	"entente.dev/internal/identity"
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
	if n := h.app.Ops.Keys.Failed(); n != 0 {
		h.Errorf("looking for what is altered raised the alarm that something is: %d", n)
	}
	// What retention says of itself can be read too, whoever declared the tables.
	if w := h.send(one, "GET", "/retention", "", ""); w.Code != 200 {
		h.Errorf("/retention: %d", w.Code)
	}
	if w := h.send(one, "GET", "/retention/simulate", "", ""); w.Code >= 500 {
		h.Errorf("/retention/simulate: %d", w.Code)
	}
}

// A fresh installation's trust page has evidence within seconds of its start, and so has the page of the first programme within seconds
// of its set-up: nothing is failing, and nothing waits to be probed.
func TestFirstEvidenceComesAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.app.limits = newLimiter(100, time.Now)
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	private, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- h.app.run(ctx, public, private, func(line string) { ready <- line }) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-ready:
	case err := <-done:
		done <- err
		t.Fatal("the program did not start")
	}
	evident := func(path string, kept int) {
		t.Helper()
		start, again := time.Now(), time.NewTicker(100*time.Millisecond)
		defer again.Stop()
		for range again.C {
			n := h.counts("http://" + public.Addr().String() + path)
			if n["failing"] > 0 {
				t.Fatalf("%s: %v", path, n)
			}
			if n["not probed"] == 0 {
				if n["kept"] < kept || n["kept"]+n["attested"]+n["not offered"] != len(trust.Register()) {
					t.Errorf("%s: %v, want %d kept and only statuses of the vocabulary", path, n, kept)
				}
				t.Logf("%s: %v after %s", path, n, time.Since(start).Round(time.Millisecond))
				return
			}
			if time.Since(start) > time.Minute {
				t.Fatalf("%s: %v after a minute", path, n)
			}
		}
	}
	evident("/trust.json", 10)
	if _, err := h.app.Identity.CreateAdmin(ctx, identity.AdminInput{Slug: "acme", Programme: "Acme", Name: "Ada", Email: "ada@acme.example", Password: mirrorPassword}); err != nil {
		t.Fatal(err)
	}
	evident("/t/acme/trust.json", 25)
	evident("/trust.json", 25)
}

// counts reads how many promises stand how, as anybody can.
func (h *house) counts(url string) map[string]int {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), "GET", url, nil)
	if err != nil {
		h.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	defer answer.Body.Close()
	var out struct{ Counts map[string]int }
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil || answer.StatusCode != 200 {
		h.Fatal(url, answer.Status, err)
	}
	return out.Counts
}

// A demo and a sample tell of eighteen months; what a policy would have let go by now is not in them, and no promise fails at first sight.
func TestFilledDemoKeepsEveryPromise(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if err := h.app.FillDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := h.app.TrustCheck(t.Context())
	if err != nil || !r.OK {
		t.Errorf("%v, %v", r.Counts, err)
	}
	for _, p := range r.Promises {
		if p.Status == "failing" {
			t.Errorf("%s: %+v", p.ID, p.Tenants)
		}
	}
}
