package datamap

import (
	"cmp"
	"embed"
	"path"
	"slices"
	"strings"
)

// Rule says how long one category is kept, and from which event on.
type Rule struct {
	Category string `json:"category"`
	Period   Period `json:"period"`
	Event    Event  `json:"event"`
	Says     string `json:"says,omitempty"` // the words of the document that the profile stands for
}

// Words says the rule as a reader reads it: "12 months from recording".
func (r Rule) Words() string {
	if !r.Period.Ends() {
		return r.Period.String()
	}
	if r.Period.N == 0 {
		for _, words := range []string{"while customer", "while the session lasts", "until solved"} {
			if eventIn(words) == r.Event {
				return words
			}
		}
		return "until " + r.Event.Words()
	}
	return r.Period.String() + " from " + r.Event.Words()
}

// The clocks that a policy sets.
const (
	BreachNotice  = "breach-notice"        // from the confirmation of a breach to the notice of affected customers
	Purge         = "purge-after-deletion" // from the deletion of an account to the last row
	PolicyNotice  = "policy-notice"        // a material change of a policy is announced that long ahead
	SubjectAnswer = "subject-answer"       // who answers a data subject; no period
)

// Clock is one more number that a document promises.
type Clock struct {
	Clock  string `json:"clock"`
	Period Period `json:"period"`
	Who    string `json:"who,omitempty"` // of SubjectAnswer
	Says   string `json:"says,omitempty"`
}

// clockNames are the clocks in their order.
var clockNames = []string{BreachNotice, Purge, PolicyNotice, SubjectAnswer}

// whos are who may answer a data subject, with how a reader reads it.
var whos = map[string]string{"tenant-admin": "an Admin of the programme", "operator": "the operator's help page", "controller": "the controller, on whose instruction alone requests are met",
	"app": "the portal itself"}

// Words says the clock as a reader reads it.
func (c Clock) Words() string {
	if c.Clock == SubjectAnswer {
		return whos[c.Who]
	}
	if c.Period.N == 0 {
		return "at once"
	}
	return c.Period.String()
}

var clockLabels = map[string]string{BreachNotice: "Notice of a breach to affected customers, from its confirmation", Purge: "Purge after the account is deleted",
	PolicyNotice: "Notice before a material change of a policy, by e-mail", SubjectAnswer: "Who answers a data subject"}

// Label says what the clock measures.
func (c Clock) Label() string { return clockLabels[c.Clock] }

// Profile is every number of a data policy. It is complete: what a profile's file leaves out stands in it as the default
// profile has it. Rules are in the order of Categories, clocks in theirs.
type Profile struct {
	Name      string  `json:"name"`
	Title     string  `json:"title"`
	Source    string  `json:"source"` // which document it stands for
	Retention []Rule  `json:"retention"`
	Clocks    []Clock `json:"clocks"`
}

// Rule returns the rule of a category; the zero Rule for one that does not exist.
func (p Profile) Rule(category string) Rule { return ruleOf(p.Retention, category) }

func ruleOf(rules []Rule, category string) Rule {
	if i := slices.IndexFunc(rules, func(r Rule) bool { return r.Category == category }); i >= 0 {
		return rules[i]
	}
	return Rule{}
}

// Clock returns a clock by its name.
func (p Profile) Clock(name string) Clock {
	if i := slices.IndexFunc(p.Clocks, func(c Clock) bool { return c.Clock == name }); i >= 0 {
		return p.Clocks[i]
	}
	return Clock{}
}

// DefaultProfile is the name of the profile that fills what others leave open.
const DefaultProfile = "default"

//go:embed profiles/*.toml
var profileFiles embed.FS

var profiles = func() []Profile {
	entries, err := profileFiles.ReadDir("profiles")
	if err != nil {
		panic("datamap: " + err.Error())
	}
	read := func(file string) Profile {
		b, err := profileFiles.ReadFile(path.Join("profiles", file))
		if err == nil {
			var p Profile
			if p, err = parseProfile(file, b, plainProfile()); err == nil {
				return p
			}
		}
		panic("datamap: " + err.Error())
	}
	var out []Profile
	for _, e := range entries {
		out = append(out, read(e.Name()))
	}
	order := []string{DefaultProfile, "partners-one", "partnerportal", "dpa-annex", "partro", "codific"}
	slices.SortFunc(out, func(a, b Profile) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Name), slices.Index(order, b.Name)), strings.Compare(a.Name, b.Name))
	})
	return out
}()

// plainProfile has the rules of the categories' declaration and the program's own clocks.
func plainProfile() Profile {
	p := Profile{Clocks: []Clock{{Clock: BreachNotice, Period: Period{72, Hours}}, {Clock: Purge, Period: Period{30, Days}}, {Clock: PolicyNotice, Period: Period{14, Days}},
		{Clock: SubjectAnswer, Period: Period{0, Days}, Who: "tenant-admin"}}}
	for _, c := range categories {
		p.Retention = append(p.Retention, Rule{Category: c.ID, Period: c.Default, Event: c.Event})
	}
	return p
}

// Profiles returns the built-in profiles, the default one first.
func Profiles() []Profile { return slices.Clone(profiles) }

// ProfileOf returns the built-in profile with that name.
func ProfileOf(name string) (Profile, bool) {
	i := slices.IndexFunc(profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, false
	}
	return profiles[i], true
}
