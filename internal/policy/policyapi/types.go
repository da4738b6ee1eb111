package policyapi

import (
	"time"

	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/policy"
)

// Rule is how long a category is kept.
type Rule struct {
	Category string `json:"category" example:"server-log"`
	Period   string `json:"period" example:"30 days"`
	Event    string `json:"event" doc:"What the period starts from." example:"recorded"`
	Words    string `json:"words" doc:"Period and event as people read them." example:"30 days from recording"`
	Says     string `json:"says" doc:"The words of the document that the profile stands for; empty when it says nothing."`
	Own      bool   `json:"own" doc:"This programme differs from its operator's profile here."`
}

// Clock is one more number of the policy.
type Clock struct {
	Clock  string `json:"clock" enum:"breach-notice,purge-after-deletion,policy-notice,subject-answer"`
	Period string `json:"period,omitempty" example:"72 hours"`
	Who    string `json:"who,omitempty" doc:"Of subject-answer: who answers a data subject."`
	Words  string `json:"words"`
	Own    bool   `json:"own"`
}

// Policy is the data policy in force.
type Policy struct {
	ID        id.ID     `json:"id"`
	Version   int       `json:"version" doc:"Also the ETag."`
	Profile   string    `json:"profile" example:"default"`
	Operator  string    `json:"operator_profile" doc:"The profile that the operator gave the programme; it may be stricter, never laxer."`
	Title     string    `json:"title"`
	Source    string    `json:"source"`
	AppliedAt time.Time `json:"applied_at"`
	AppliedBy string    `json:"applied_by"`
	Retention []Rule    `json:"retention"`
	Clocks    []Clock   `json:"clocks"`
}

func wirePolicy(e policy.Effective) Policy {
	out := Policy{ID: e.ID, Version: e.Number, Profile: e.Profile, Operator: e.Base.Name, Title: e.Title, Source: e.Source, AppliedAt: e.AppliedAt, AppliedBy: e.AppliedBy}
	for _, r := range e.Rules {
		out.Retention = append(out.Retention, Rule{r.Category, r.Period.String(), string(r.Event), r.Words(), r.Says, r.Own})
	}
	for _, c := range e.Clocks {
		out.Clocks = append(out.Clocks, wireClock(c))
	}
	return out
}

func wireClock(c policy.Clock) Clock {
	out := Clock{Clock: c.Clock.Clock, Who: c.Who, Words: c.Words(), Own: c.Own}
	if c.Who == "" {
		out.Period = c.Period.String()
	}
	return out
}

// Profile is a set of numbers that can be applied.
type Profile struct {
	Name      string  `json:"name"`
	Title     string  `json:"title"`
	Source    string  `json:"source"`
	Retention []Rule  `json:"retention"`
	Clocks    []Clock `json:"clocks"`
}

func wireProfile(p policy.Profile) Profile {
	out := Profile{Name: p.Name, Title: p.Title, Source: p.Source}
	for _, r := range p.Retention {
		out.Retention = append(out.Retention, Rule{Category: r.Category, Period: r.Period.String(), Event: string(r.Event), Words: r.Words(), Says: r.Says})
	}
	for _, c := range p.Clocks {
		out.Clocks = append(out.Clocks, wireClock(policy.Clock{Clock: c}))
	}
	return out
}

type policyOut struct {
	ETag string `header:"ETag"`
	Body Policy
}

type profilesOut struct {
	Body struct {
		Items []Profile `json:"items"`
	}
}

// RuleInput is a rule that shall differ from the profile.
type RuleInput struct {
	Category string `json:"category" maxLength:"40" example:"server-log"`
	Period   string `json:"period" maxLength:"60" doc:"A whole number of hours, days, weeks, months or years; indefinitely; not stored; while customer; until solved." example:"14 days"`
	Event    string `json:"event,omitempty" maxLength:"40" doc:"Left out: as in the profile."`
}

// ClockInput is a clock that shall differ from the profile.
type ClockInput struct {
	Clock  string `json:"clock" maxLength:"40" example:"breach-notice"`
	Period string `json:"period" maxLength:"60" example:"24 hours"`
}

type applyIn struct {
	door.IfMatch
	Body struct {
		Profile   string       `json:"profile" minLength:"1" maxLength:"40" example:"partro"`
		Retention []RuleInput  `json:"retention,omitempty" maxItems:"50"`
		Clocks    []ClockInput `json:"clocks,omitempty" maxItems:"10"`
	}
}

func (in *applyIn) input() policy.Input {
	out := policy.Input{Profile: in.Body.Profile, Number: in.Version}
	for _, r := range in.Body.Retention {
		out.Rules = append(out.Rules, policy.RuleInput{Category: r.Category, Period: r.Period, Event: r.Event})
	}
	for _, c := range in.Body.Clocks {
		out.Clocks = append(out.Clocks, policy.ClockInput{Clock: c.Clock, Period: c.Period})
	}
	return out
}

// Change is one number in which two policies differ.
type Change struct {
	What  string `json:"what" doc:"A category or a clock."`
	Label string `json:"label"`
	Old   string `json:"old"`
	New   string `json:"new"`
	How   string `json:"how" enum:"shorter,longer,other" doc:"other: it depends on which event comes first."`
}

// Version is a policy that was in force from applied_at on.
type Version struct {
	Policy  Policy   `json:"policy"`
	Changes []Change `json:"changes"`
}

func wireVersion(v policy.Version) Version {
	out := Version{Policy: wirePolicy(v.Effective), Changes: []Change{}}
	for _, c := range v.Changes {
		out.Changes = append(out.Changes, Change(c))
	}
	return out
}

type versionsIn struct {
	Before int `query:"before" minimum:"0" doc:"next_before of the page before."`
}

type versionsOut struct {
	Body struct {
		Items      []Version `json:"items"`
		NextBefore int       `json:"next_before" doc:"Send it as before for the next page; 0 on the last."`
	}
}

// Column is one column of a table.
type Column struct {
	Name  string `json:"name"`
	Class string `json:"class" enum:"public,internal,business,personal,secret"`
}

// Table is a table with its columns of one category.
type Table struct {
	Table   string   `json:"table"`
	Columns []Column `json:"columns"`
}

// Category is a kind of data with one rule.
type Category struct {
	ID        string   `json:"id" example:"server-log"`
	Name      string   `json:"name"`
	Holds     string   `json:"holds"`
	Ground    string   `json:"ground"`
	Legal     string   `json:"legal" doc:"Articles of the GDPR."`
	PII       string   `json:"pii" enum:"yes,likely,no"`
	Subjects  []string `json:"subjects"`
	Stores    []string `json:"stores"`
	Processor string   `json:"processor" doc:"Who else handles it; empty for nobody."`
	Elsewhere string   `json:"elsewhere" doc:"Why no table holds it."`
	Events    []string `json:"events" doc:"What a period may start from."`
	Rule      Rule     `json:"rule"`
	Tables    []Table  `json:"tables"`
}

// DataMap is everything the program holds.
type DataMap struct {
	Categories []Category `json:"categories"`
}

type mapOut struct{ Body DataMap }

func wireMap(e policy.Effective, columns []policy.Column) DataMap {
	tables := map[string][]Table{}
	for _, c := range columns { // sorted by table
		of := tables[c.Category]
		if len(of) == 0 || of[len(of)-1].Table != c.Table {
			of = append(of, Table{Table: c.Table})
		}
		last := &of[len(of)-1]
		last.Columns = append(last.Columns, Column{c.Name, string(c.Class)})
		tables[c.Category] = of
	}
	var out DataMap
	for _, c := range policy.Categories() {
		r := e.Rule(c.ID)
		w := Category{ID: c.ID, Name: c.Name, Holds: c.Holds, Ground: c.Ground, Legal: c.Legal, PII: c.PII, Subjects: c.Subjects, Stores: c.Stores, Processor: c.Processor, Elsewhere: c.Elsewhere,
			Rule: Rule{r.Category, r.Period.String(), string(r.Event), r.Words(), r.Says, r.Own}, Tables: tables[c.ID]}
		for _, v := range c.Events {
			w.Events = append(w.Events, string(v))
		}
		if w.Tables == nil {
			w.Tables = []Table{}
		} else {
			w.Elsewhere = ""
		}
		out.Categories = append(out.Categories, w)
	}
	return out
}
