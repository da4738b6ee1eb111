package incident

import (
	"fmt"
	"slices"
	"time"

	"entente.dev/internal/kernel/id"
)

// Clock is a deadline that runs.
type Clock struct {
	TenantID     id.ID      `db:"tenant_id" json:"-"`
	ID           id.ID      `db:"clock_id" json:"id"`
	IncidentID   id.ID      `db:"incident_id" json:"incident_id"`
	Template     string     `db:"template" json:"template"`
	Step         string     `db:"step" json:"step"`
	Label        string     `db:"label" json:"label"`
	StartsAt     time.Time  `db:"starts_at" json:"starts_at"`
	DueAt        time.Time  `db:"due_at" json:"due_at"`
	MetAt        *time.Time `db:"met_at" json:"met_at"`
	MetByName    string     `db:"met_by_name" json:"met_by_name"`
	MetNote      string     `db:"met_note" json:"met_note"`
	WaivedAt     *time.Time `db:"waived_at" json:"waived_at"`
	AlarmHalf    *time.Time `db:"alarm_half_at" json:"-"`
	AlarmQuarter *time.Time `db:"alarm_quarter_at" json:"-"`
	AlarmLast    *time.Time `db:"alarm_last_at" json:"-"`
	AlarmPassed  *time.Time `db:"alarm_passed_at" json:"-"`
	CreatedAt    time.Time  `db:"created_at" json:"-"`
}

// Running reports whether the clock was neither met nor waived.
func (c Clock) Running() bool { return c.MetAt == nil && c.WaivedAt == nil }

// Share is how much of the time is used at a moment, from 0 to 100.
func (c Clock) Share(at time.Time) int {
	if c.MetAt != nil {
		at = *c.MetAt
	}
	return int(max(0, min(100, 100*at.Sub(c.StartsAt)/max(1, c.DueAt.Sub(c.StartsAt)))))
}

// Says tells how the clock stands at a moment: "23 h 10 min left", "late by 2 h", "met in time, 5 h before", "met late by 3 h".
func (c Clock) Says(at time.Time) string {
	switch {
	case c.WaivedAt != nil:
		return "not needed: " + c.MetNote
	case c.MetAt != nil && c.MetAt.After(c.DueAt):
		return "met late by " + Words(c.MetAt.Sub(c.DueAt))
	case c.MetAt != nil:
		return "met in time, " + Words(c.DueAt.Sub(*c.MetAt)) + " before"
	case at.After(c.DueAt):
		return "late by " + Words(at.Sub(c.DueAt))
	}
	return Words(c.DueAt.Sub(at)) + " left"
}

// Words writes a duration in days, hours and minutes: "2 d 3 h", "23 h 10 min", "4 min".
func Words(d time.Duration) string {
	d = d.Round(time.Minute)
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days >= 4 && hours == 0:
		return fmt.Sprintf("%d d", days)
	case days >= 4:
		return fmt.Sprintf("%d d %d h", days, hours)
	case days > 0 || hours > 0:
		return fmt.Sprintf("%d h %d min", days*24+hours, minutes)
	}
	return fmt.Sprintf("%d min", minutes)
}

// Template is the set of clocks of one law or contract.
type Template struct {
	ID, Name, What string
	Always         bool // every confirmed incident
}

// Templates are what can be chosen when an incident is confirmed.
var Templates = []Template{
	{"contract", "Affected partners, by contract", "The term of the data policy for telling of a breach", true},
	{"gdpr-33", "GDPR Art. 33: supervisory authority", "72 hours, unless a risk to people is unlikely", false},
	{"gdpr-34", "GDPR Art. 34: people concerned", "Without undue delay where the risk to people is high; kept here as 72 hours", false},
	{"nis2", "NIS2 Art. 23", "24 hours early warning, 72 hours notification, final report one month later", false},
	{"cra", "Cyber Resilience Act Art. 14", "24 hours early warning, 72 hours notification, final report 14 days after a fix", false},
}

// clocksOf makes the clocks of a template from the moment of awareness. contract is the period of the clock breach-notice.
func clocksOf(template string, aware time.Time, contract time.Duration) []Clock {
	aware = aware.UTC()
	clock := func(step, label string, due time.Time) Clock {
		return Clock{ID: id.New(), Template: template, Step: step, Label: label, StartsAt: aware, DueAt: due}
	}
	day, three := aware.Add(24*time.Hour), aware.Add(72*time.Hour)
	switch template {
	case "contract":
		return []Clock{clock("notice", "Tell affected partners", aware.Add(contract))}
	case "gdpr-33":
		return []Clock{clock("authority", "Tell the supervisory authority (GDPR Art. 33)", three)}
	case "gdpr-34":
		return []Clock{clock("people", "Tell the people concerned (GDPR Art. 34)", three)}
	case "nis2":
		return []Clock{clock("warning", "Early warning (NIS2)", day), clock("notification", "Incident notification (NIS2)", three), clock("final", "Final report (NIS2)", addMonth(three))}
	case "cra":
		return []Clock{clock("warning", "Early warning (CRA)", day), clock("notification", "Notification (CRA)", three), clock("final", "Final report (CRA)", aware.AddDate(0, 0, 14))}
	}
	return nil
}

// addMonth returns the same moment a calendar month later; where that month is shorter, on its last day.
func addMonth(t time.Time) time.Time {
	out := t.AddDate(0, 1, 0)
	if out.Day() != t.Day() {
		out = out.AddDate(0, 0, -out.Day())
	}
	return out
}

// The alarms of a clock, from the mildest on.
const (
	half    = "half"
	quarter = "quarter"
	last    = "last"
	passed  = "passed"
)

// due returns the alarms that a clock has earned by a moment and that were not given, mildest first.
func (c Clock) due(at time.Time) []string {
	if !c.Running() {
		return nil
	}
	whole, left := c.DueAt.Sub(c.StartsAt), c.DueAt.Sub(at)
	var out []string
	for _, a := range []struct {
		name  string
		given *time.Time
		now   bool
	}{{half, c.AlarmHalf, left <= whole/2}, {quarter, c.AlarmQuarter, left <= whole/4}, {last, c.AlarmLast, left <= 4*time.Hour}, {passed, c.AlarmPassed, left < 0}} {
		if a.given == nil && a.now {
			out = append(out, a.name)
		}
	}
	return out
}

// give notes alarms as given.
func (c *Clock) give(names []string, at time.Time) {
	for name, field := range map[string]**time.Time{half: &c.AlarmHalf, quarter: &c.AlarmQuarter, last: &c.AlarmLast, passed: &c.AlarmPassed} {
		if slices.Contains(names, name) {
			*field = &at
		}
	}
}
