package policy

import (
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/id"
)

// The use cases of this room.
const (
	ActRead  access.Action = "policy.read"
	ActApply access.Action = "policy.apply"
)

// What doors need of the data map.
type (
	Category = datamap.Category
	Profile  = datamap.Profile
	Period   = datamap.Period
	Event    = datamap.Event
	Column   = datamap.Column
)

// Rule is the rule of one category as it stands for a tenant.
type Rule struct {
	datamap.Rule
	Own bool `json:"own"` // the tenant's own: it differs from the operator's profile
}

// Clock is one clock as it stands for a tenant.
type Clock struct {
	datamap.Clock
	Own bool `json:"own"`
}

// Effective is what is in force for a tenant. Rules and clocks are complete and in their order.
type Effective struct {
	ID        id.ID     `json:"id"`
	Number    int       `json:"number"`  // of the version, from 1; 0 before the first
	Profile   string    `json:"profile"` // the name
	Title     string    `json:"title"`
	Source    string    `json:"source"`
	Rules     []Rule    `json:"retention"`
	Clocks    []Clock   `json:"clocks"`
	AppliedAt time.Time `json:"applied_at"`

	Base      Profile `json:"-"` // what the operator promises for the tenant; not told to the public
	AppliedBy string  `json:"-"` // not told to the public
}

// Rule returns the rule of a category. It panics on a category that does not exist: that is a mistake in the program.
func (e Effective) Rule(category string) Rule {
	i := slices.IndexFunc(e.Rules, func(r Rule) bool { return r.Category == category })
	if i < 0 {
		panic("policy: no category " + category)
	}
	return e.Rules[i]
}

// Clock returns a clock by its name, such as datamap.BreachNotice. It panics on one that does not exist.
func (e Effective) Clock(name string) Clock {
	i := slices.IndexFunc(e.Clocks, func(c Clock) bool { return c.Clock.Clock == name })
	if i < 0 {
		panic("policy: no clock " + name)
	}
	return e.Clocks[i]
}

// effective makes a policy of a chosen profile, changed by rules and clocks, on a base.
func effective(base, chosen Profile, rules []datamap.Rule, clocks []datamap.Clock) Effective {
	e := Effective{Profile: chosen.Name, Title: chosen.Title, Source: chosen.Source, Base: base}
	for _, r := range chosen.Retention {
		if i := slices.IndexFunc(rules, func(x datamap.Rule) bool { return x.Category == r.Category }); i >= 0 && !sameRule(rules[i], r) {
			r = rules[i]
		}
		e.Rules = append(e.Rules, Rule{r, !sameRule(r, base.Rule(r.Category))})
	}
	for _, c := range chosen.Clocks {
		if i := slices.IndexFunc(clocks, func(x datamap.Clock) bool { return x.Clock == c.Clock }); i >= 0 && !sameClock(clocks[i], c) {
			c = clocks[i]
		}
		e.Clocks = append(e.Clocks, Clock{c, !sameClock(c, base.Clock(c.Clock))})
	}
	return e
}

func sameRule(a, b datamap.Rule) bool {
	return a.Event == b.Event && a.Period == b.Period
}

func sameClock(a, b datamap.Clock) bool {
	return a.Who == b.Who && a.Period == b.Period
}

// same reports whether two policies promise the same and say so in the same words.
func (e Effective) same(o Effective) bool {
	return e.Profile == o.Profile && e.Title == o.Title && e.Source == o.Source && slices.Equal(e.Rules, o.Rules) && slices.Equal(e.Clocks, o.Clocks) &&
		e.Base.Name == o.Base.Name && slices.Equal(e.Base.Retention, o.Base.Retention) && slices.Equal(e.Base.Clocks, o.Base.Clocks)
}

// Change is one number in which two policies differ.
type Change struct {
	What  string `json:"what"` // id of the category, or name of the clock
	Label string `json:"label"`
	Old   string `json:"old"` // in words
	New   string `json:"new"`
	How   string `json:"how"` // shorter, longer, or other when that depends
}

// Changes says in which numbers fresh differs from old, categories first. There are none from a policy without rules.
func Changes(old, fresh Effective) []Change {
	var out []Change
	if len(old.Rules) == 0 {
		return nil
	}
	for _, r := range fresh.Rules {
		was := old.Rule(r.Category)
		if how := datamap.Compare(r.Rule, was.Rule); how != "same" {
			c, _ := datamap.CategoryOf(r.Category)
			out = append(out, Change{r.Category, c.Name, was.Words(), r.Words(), how})
		}
	}
	for _, c := range fresh.Clocks {
		was := old.Clock(c.Clock.Clock)
		if how := datamap.CompareClock(c.Clock, was.Clock); how != "same" {
			out = append(out, Change{c.Clock.Clock, c.Label(), was.Words(), c.Words(), how})
		}
	}
	return out
}

// Categories returns every data category in its order.
func Categories() []Category { return datamap.Categories() }

// CategoryOf returns the category with that id.
func CategoryOf(id string) (Category, bool) { return datamap.CategoryOf(id) }
