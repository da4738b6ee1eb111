package browsertest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/app"
	"entente.dev/internal/datamap"
)

// outlook is a line of the look ahead as it stands on the page: days are YYYY-MM-DD, "" for none.
type outlook struct{ Table, Category, Held, First, Last, Empty, Remains string }

func outlooks(tab *Tab) (all []outlook) {
	tab.t.Helper()
	tab.Eval(`[...document.querySelectorAll("tbody tr")].map((tr) => {
	  const c = [...tr.cells], day = (x) => x.querySelector("time")?.dateTime ?? "", sub = (x) => x.querySelector(".sub")?.textContent.trim() ?? "";
	  return {Table: c[0].firstChild.textContent.trim(), Category: sub(c[0]), Held: sub(c[1]), First: day(c[2]), Last: day(c[3]), Empty: day(c[4]), Remains: c[5].textContent.trim()};
	})`, &all)
	for i, o := range all {
		at := slices.IndexFunc(datamap.Categories(), func(c datamap.Category) bool { return c.Name == o.Category })
		if at < 0 {
			tab.t.Fatalf("the page calls a category %q", o.Category)
		}
		all[i].Category = datamap.Categories()[at].ID
	}
	return all
}

// lookAhead opens the look ahead for ten years from today, and returns its lines.
func lookAhead(tab *Tab) []outlook {
	tab.t.Helper()
	tab.Go("/retention/ahead")
	tab.Fill("until", time.Now().UTC().AddDate(10, 0, 0).Format(time.DateOnly))
	tab.PressNear("Look ahead until", "Look ahead")
	tab.Arrive("/retention/ahead?until=")
	return outlooks(tab)
}

// ends returns the first day without rows of a category that were all recorded on that day; "" for never within ten years.
func ends(rule datamap.Rule, recorded time.Time) string {
	day := recorded.UTC().Truncate(24 * time.Hour)
	gone := rule.Period.After(day).AddDate(0, 0, 1)
	switch {
	case rule.Period.Unit == datamap.NotStored:
		return day.Format(time.DateOnly)
	case !rule.Period.Ends() || rule.Event != datamap.Recorded && rule.Event != datamap.LastSignIn || gone.After(day.AddDate(10, 0, 0)):
		return ""
	case rule.Period.Unit == datamap.Hours:
		gone = rule.Period.After(recorded).UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	}
	return gone.Format(time.DateOnly)
}

// agrees compares the page with the profile, for a programme whose rows are all of today: the last day has rows, the next has none.
func agrees(t *testing.T, profile datamap.Profile, lines []outlook, since time.Time) {
	t.Helper()
	seen := map[string]bool{}
	for _, o := range lines {
		if o.Category == "preference" { // a session ends by itself, today or tomorrow
			continue
		}
		rule := profile.Rule(o.Category)
		days := []string{ends(rule, since), ends(rule, time.Now())} // midnight may pass meanwhile
		if !slices.Contains(days, o.Empty) {
			t.Errorf("%s: %s in %s is empty from %q on, not %q", profile.Name, o.Category, o.Table, o.Empty, days[1])
			continue
		}
		seen[o.Category] = true
		if o.Empty == "" {
			if o.Remains == "0" || o.Last != "" {
				t.Errorf("%s: %s in %s stays for ever, and the page says %+v", profile.Name, o.Category, o.Table, o)
			}
			continue
		}
		empty, _ := time.Parse(time.DateOnly, o.Empty)
		if o.Last != empty.AddDate(0, 0, -1).Format(time.DateOnly) || !slices.Contains(days, o.First) || o.Remains != "0" {
			t.Errorf("%s: %+v", profile.Name, o)
		}
	}
	if len(seen) < 7 {
		t.Errorf("%s: the page knows %v only", profile.Name, seen)
	}
}

// ran opens the report of the newest run once it has ended.
func (w *programme) ran(tab *Tab) {
	w.t.Helper()
	tab.Arrive("/retention/runs/")
	report := tab.Where()
	tab.wait("the end of the run", func() (bool, error) {
		return w.api("GET", report, nil)["outcome"] != "running", nil
	})
	tab.Go(report)
}

// Under each of the profiles that an operator applies, an Admin sees in the browser what goes when: the last allowed day of every
// category has its rows, the next has none. What is past its period is counted, held, and removed, with a report.
func TestPoliciesAreAppliedAndForetold(t *testing.T) {
	since := time.Now()
	w := newProgramme(t)
	north := w.partner("North Systems", "north.test")
	w.registered(w.keyOf("partner", north), "Pallet robots", "Tailspin Toys", "tailspin.example", 250000)
	w.api("POST", "/contacts", fields{"name": "Kim Customer"})
	w.person("partner", "Pat North", north)
	ada := w.as(w.admin, Look{})

	for _, name := range []string{"default", "partners-one", "partnerportal", "dpa-annex", "codific", "partro"} {
		p, err := app.ReadProfile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.prog.App.ApplyPolicy(t.Context(), p, w.slug); err != nil {
			t.Fatal(err)
		}
		ada.Go("/policy")
		ada.See(p.Title)
		agrees(t, p, lookAhead(ada), since)
	}

	// Under the last one who opened which page is not stored: what there is of it goes with the next run.
	ada.Go("/retention")
	ada.See("What is kept", "Goes next")
	ada.Go("/retention/runs")
	ada.Press("Dry run")
	w.ran(ada)
	ada.See("Dry run: nothing was deleted", "would remove", "analytics")

	ada.Go("/retention/holds/new?kind=tenant")
	ada.See("Nothing of it is deleted at all")
	ada.Fill("reason", "Dispute 2026-14")
	ada.Press("Place the hold")
	ada.See("is held", "Dispute 2026-14")
	for _, o := range lookAhead(ada) {
		if o.Held == "" || o.Empty != "" || o.Remains == "0" {
			t.Errorf("the hold does not win: %+v", o)
		}
	}
	run := func() {
		ada.Go("/retention/runs")
		ada.Click("Run now")
		ada.PressNear("cannot be brought back", "Run now")
		w.ran(ada)
	}
	run()
	ada.See("removed 0 rows", "that are held", "analytics")

	ada.Go("/retention/holds")
	ada.Click("Release")
	ada.Fill("reason", "Settled")
	ada.Press("Release the hold")
	ada.See("is released", "Settled", "Over")
	if err := w.prog.App.Seal.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	run()
	ada.See("Head of the log", "entries ·", "analytics")
	ada.Gone("removed 0 rows", "that are held")
	if slices.ContainsFunc(lookAhead(ada), func(o outlook) bool { return o.Held != "" || strings.HasPrefix(o.Table, "usage event") }) {
		t.Errorf("something is held still, or was not removed: %+v", outlooks(ada))
	}

	// Where a profile is laxer than the operator's, an Admin is told so and may take the rest.
	ada.Go("/policy")
	ada.Click("Codific")
	ada.Press("See what would change")
	ada.Arrive("/policy/preview")
	ada.See("never laxer", "Take what is stricter", "cannot be undone")
	ada.Press("Take the stricter rules")
	ada.Arrive("/policy")
	ada.See("Data policy", "2 months")
}
