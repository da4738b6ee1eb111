package app

import (
	"slices"
	"testing"
	"time"

	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg"
)

// What the program does by itself stands in the table of workers and runs through on an installation with a programme: a room that
// nobody calls keeps no promise.
func TestPeriodicWorkRunsThrough(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.work(h.admin("acme"))
	waiting := []string{"tenant.leave", "deal.expire", "file.sweep", "privacy.alarm", "mail.seal", "keys.look", "incident.alarms", "log.partitions",
		"retention.daily", "retention.hourly", "trust.probe", "trust.forget", "benchmark.release"}
	registry, done := h.app.workers(), make(chan jobs.Outcome, 100)
	for _, kind := range waiting {
		if !slices.Contains(registry.Kinds(), kind) {
			t.Errorf("%s is in no table of workers", kind)
		}
	}
	if t.Failed() {
		return
	}
	registry.Observe(func(o jobs.Outcome) { done <- o })
	runner, err := jobs.New(h.app.DB.Pool(pg.Jobs), registry, h.app.Log)
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := runner.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for late := time.After(3 * time.Minute); len(waiting) > 0; {
		select {
		case o := <-done:
			if o.Result != "completed" {
				t.Errorf("%s: %s: %s", o.Kind, o.Result, o.Fault)
			}
			waiting = slices.DeleteFunc(waiting, func(kind string) bool { return kind == o.Kind })
		case <-late:
			t.Fatalf("not run in time: %v", waiting)
		}
	}
	var probed int
	if err := h.db.QueryRow(t.Context(), `select count(distinct promise) from app.installation_evidence`).Scan(&probed); err != nil || probed == 0 {
		t.Errorf("%d promises of the installation were probed: %v", probed, err)
	}
	if err := h.db.QueryRow(t.Context(), `select count(distinct promise) from app.promise_evidence`).Scan(&probed); err != nil || probed == 0 {
		t.Errorf("%d promises of the programme were probed: %v", probed, err)
	}
}
