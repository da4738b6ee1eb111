package incidentweb

import (
	"strconv"
	"strings"
	"time"

	"entente.dev/internal/incident"
	"entente.dev/internal/processor"
	"entente.dev/internal/ui"
)

func words(s string) string { return strings.ReplaceAll(s, "-", " ") }

func options(values []string) []ui.Option {
	out := make([]ui.Option, len(values))
	for i, v := range values {
		out[i] = ui.Option{Value: v, Label: ui.Capital(v)}
	}
	return out
}

// clockClass gives a clock its colour.
func clockClass(c incident.Clock, now time.Time) string {
	switch {
	case !c.Running() && (c.MetAt == nil || !c.MetAt.After(c.DueAt)):
		return "is-done"
	case !c.Running() || now.After(c.DueAt):
		return "is-late"
	case c.Share(now) >= 75 || c.DueAt.Sub(now) <= 4*time.Hour:
		return "is-near"
	}
	return ""
}

func categoryNames(ids []string) string {
	out := make([]string, len(ids))
	for i, c := range ids {
		out[i] = processor.CategoryName(c)
	}
	return strings.Join(out, ", ")
}

func assessment(i incident.Incident) []ui.Fact {
	risk := map[string]string{"none": "Unlikely", "risk": "Yes", "high": "High"}[i.Risk]
	decision := map[string]string{"notify": "Notify", "not-needed": "Not needed"}[i.NotifyDecision]
	if i.NotifyReason != "" {
		decision += ": " + i.NotifyReason
	}
	return []ui.Fact{{Label: "Nature", Value: i.Nature}, {Label: "Data", Value: categoryNames(i.Categories)}, {Label: "People, about", Value: number(i.PeopleCount)}, {Label: "Records, about", Value: number(i.RecordCount)},
		{Label: "Likely consequences", Value: i.Consequences}, {Label: "Measures", Value: i.Measures}, {Label: "Risk to people", Value: risk}, {Label: "Decision", Value: decision}}
}

func whenFacts(v recordView) []ui.Fact {
	i := v.it.Incident
	out := []ui.Fact{{Label: "Detected", Content: ui.Moment(i.DetectedAt)}, {Label: "Reported by", Value: i.ReportedByName}}
	for _, t := range []struct {
		label string
		at    *time.Time
	}{{"Known since", i.AwareAt}, {"Contained", i.ContainedAt}, {"Resolved", i.ResolvedAt}, {"Closed", i.ClosedAt}} {
		if t.at != nil {
			out = append(out, ui.Fact{Label: t.label, Content: ui.Moment(*t.at)})
		}
	}
	return out
}

func timeline(entries []incident.Entry) []ui.Event {
	icons := map[string]string{"step": "chevron-right", "clock": "clock", "notice": "mail", "alarm": "bell", "note": "pencil"}
	out := make([]ui.Event, len(entries))
	for i, e := range entries {
		out[i] = ui.Event{Actor: e.ByName, Verb: e.Body, At: e.At, Icon: icons[e.Kind]}
		if e.Kind == "note" {
			out[i].Verb, out[i].Note = "noted", e.Body
		}
		if e.Kind == "alarm" {
			out[i].Tone = ui.Warn
		}
	}
	return out
}

// stepLabel says what moving to a state is called.
var stepLabel = map[string]string{incident.Assessing: "Begin the assessment", incident.Confirmed: "Confirm: start the clocks", incident.Contained: "It is contained", incident.Resolved: "It is resolved",
	incident.Closed: "Close it", incident.Dismissed: "No incident after all"}

var submitLabel = map[string]string{"assess": "Save the assessment", "affected": "Find who is affected", "notice": "Save the draft", "review": "Save the post-mortem"}

func categoryOptions(v formView) []ui.Option {
	out := make([]ui.Option, len(v.categories))
	for i, c := range v.categories {
		out[i] = ui.Option{Value: c.ID, Label: c.Name}
	}
	return out
}

func sendTitle(v recordView, n incident.Notice) string {
	if n.Recipient == incident.ToAuthority {
		return "Was it handed to the authority?"
	}
	return "Send it to " + strconv.FormatInt(v.it.Counts.Reachable(), 10) + " affected people?"
}
