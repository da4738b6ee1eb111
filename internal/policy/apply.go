package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Input says which policy a tenant shall have.
type Input struct {
	Profile string      // name of a profile; "" keeps the one that stands
	File    *Profile    // a profile of the operator's own, instead of a name
	Rules   []RuleInput // by category; a profile that is given anew begins without own rules
	Clocks  []ClockInput
	// Stricter takes of the profile only what is stricter than what stands; the name of the profile in force stays.
	Stricter bool
	Number   int // of the version that the caller read, 0 to take whatever stands
}

// RuleInput is one rule that shall differ from the profile.
type RuleInput struct {
	Category string
	Period   string // as ParsePeriod reads it; "" takes the profile's rule again
	Event    string // "" is the event of the rule that stands
}

// ClockInput is one clock that shall differ from the profile.
type ClockInput struct {
	Clock  string
	Period string // "" takes the profile's again
	Who    string
}

// Apply makes in the policy of the actor's programme: a version with the whole of it, and the rules that are enforced. The
// operator (a system actor) gives the tenant a new base; the tenant's own rules that are still stricter stay. Anybody else
// may only be stricter than the base. Applying what stands changes nothing.
//
// Errors: Invalid with every refused field, code "policy.laxer" for one that is laxer than the operator's; Stale
// "policy.stale" when Number is not the newest.
func (s *Service) Apply(ctx context.Context, who access.Actor, in Input) (Effective, error) {
	return op.Write(ctx, s.ops, who, ActApply, func(tx *op.Tx) (Effective, error) {
		_, fresh, err := s.apply(ctx, tx, in)
		return fresh, err
	})
}

// Applied is what ApplyAll made of the policy of one programme.
type Applied struct{ Old, New Effective }

// ApplyAll is Apply by the operator for several programmes at once, in the order of the actors: in all of them or in none.
func (s *Service) ApplyAll(ctx context.Context, all []access.Actor, in Input) ([]Applied, error) {
	return op.WriteEach(ctx, s.ops, all, ActApply, func(tx *op.Tx) (Applied, error) {
		old, fresh, err := s.apply(ctx, tx, in)
		return Applied{old, fresh}, err
	})
}

func (s *Service) apply(ctx context.Context, tx *op.Tx, in Input) (old, fresh Effective, err error) {
	if err := tx.Allow(access.Object{}); err != nil {
		return old, old, err
	}
	exists, err := lockAndAsk(ctx, tx)
	if err != nil {
		return old, old, err
	}
	old, err = read(ctx, tx, sqlNewest)
	if err != nil {
		return old, old, err
	}
	if !exists {
		old = effective(s.base, s.base, nil, nil)
	}
	if in.Number != 0 && in.Number != old.Number {
		return old, old, errs.New(errs.Stale, "policy.stale", "Somebody changed the policy since you opened it. Look at it again and repeat your change.")
	}
	fresh, err = next(tx.Who, old, in)
	if err != nil {
		return old, old, err
	}
	if exists && fresh.same(old) {
		tx.Unchanged()
		return old, old, nil
	}
	fresh.ID, fresh.Number, fresh.AppliedAt, fresh.AppliedBy = id.New(), old.Number+1, tx.Now, tx.Who.Name
	if err := insertVersion(ctx, tx, fresh, false); err != nil {
		return old, old, err
	}
	tx.Audit(audit.Change{Type: "policy_version", ID: fresh.ID, Label: fresh.Title, Before: recorded(old), After: recorded(fresh), Note: summary(Changes(old, fresh))})
	return old, fresh, nil
}

// Preview returns what Apply would make of the policy, and in which numbers it differs. It changes nothing and refuses what
// Apply refuses.
func (s *Service) Preview(ctx context.Context, who access.Actor, in Input) (fresh Effective, changes []Change, err error) {
	old, err := s.Get(ctx, who)
	if err != nil {
		return old, nil, err
	}
	fresh, err = next(who, old, in)
	return fresh, Changes(old, fresh), err
}

// next is the pure rule: what becomes of old.
func next(who access.Actor, old Effective, in Input) (Effective, error) {
	var p problems
	operator := who.Kind == access.System
	base, chosen := old.Base, p.chosen(old, in, operator)
	if len(p.Problems) > 0 {
		return old, errs.Refused(p.Problems)
	}
	if in.Stricter {
		return stricter(old, chosen, operator), nil
	}
	given := in.Profile != "" || in.File != nil
	if operator && given {
		base = chosen
	}
	own, clocks := ownOf(old, base, given, operator)
	for _, r := range in.Rules {
		own = p.rule(own, chosen, r)
	}
	for _, c := range in.Clocks {
		clocks = p.clock(clocks, chosen, c)
	}
	fresh := effective(base, chosen, own, clocks)
	if len(p.Problems) == 0 {
		p.laxer(fresh)
	}
	if len(p.Problems) == 0 && !operator {
		p.shorterLog(old, fresh)
	}
	return fresh, errs.Refused(p.Problems)
}

// stricter takes from a profile what is stricter than what stands.
func stricter(old Effective, p Profile, operator bool) Effective {
	rules, clocks := make([]datamap.Rule, len(old.Rules)), make([]datamap.Clock, len(old.Clocks))
	for i, r := range old.Rules {
		c, _ := datamap.CategoryOf(r.Category)
		if rules[i] = r.Rule; c.Personal() && datamap.Laxer(p.Rule(r.Category), r.Rule) == "" && !sameRule(p.Rule(r.Category), r.Rule) && (operator || !logs[r.Category]) {
			rules[i] = p.Rule(r.Category)
		}
	}
	for i, c := range old.Clocks {
		if clocks[i] = c.Clock; datamap.LaxerClock(p.Clock(c.Clock.Clock), c.Clock) == "" && !sameClock(p.Clock(c.Clock.Clock), c.Clock) {
			clocks[i] = p.Clock(c.Clock.Clock)
		}
	}
	stands := Profile{Name: old.Profile, Title: old.Title, Source: old.Source, Retention: rules, Clocks: clocks}
	return effective(old.Base, stands, nil, nil)
}

// ownOf returns the own rules that go on: all of them when the profile stays, those that are still stricter on a new base, and
// none when the tenant chose a profile anew.
func ownOf(old Effective, base Profile, given, operator bool) (rules []datamap.Rule, clocks []datamap.Clock) {
	if given && !operator {
		return nil, nil
	}
	for _, r := range old.Rules {
		if !given || r.Own && datamap.Laxer(r.Rule, base.Rule(r.Category)) == "" && datamap.Compare(r.Rule, base.Rule(r.Category)) == "shorter" {
			rules = append(rules, r.Rule)
		}
	}
	for _, c := range old.Clocks {
		if !given || c.Own && c.Clock.Clock != datamap.SubjectAnswer && datamap.LaxerClock(c.Clock, base.Clock(c.Clock.Clock)) == "" {
			clocks = append(clocks, c.Clock)
		}
	}
	return rules, clocks
}

type problems struct{ errs.Problems }

func (p *problems) chosen(old Effective, in Input, operator bool) Profile {
	switch {
	case in.File != nil && !operator:
		p.Add("profile", "policy.operator", "Only the operator applies a profile file. Choose one of the profiles.")
	case in.File != nil:
		return *in.File
	case in.Profile != "":
		all := offered(old)
		if i := slices.IndexFunc(all, func(x Profile) bool { return x.Name == in.Profile }); i >= 0 {
			return all[i]
		}
		names := make([]string, len(all))
		for i, x := range all {
			names[i] = x.Name
		}
		p.Add("profile", "policy.profile_unknown", "There is no profile %q. Use one of %s.", in.Profile, strings.Join(names, ", "))
	}
	all := offered(old)
	if i := slices.IndexFunc(all, func(x Profile) bool { return x.Name == old.Profile }); i >= 0 {
		return all[i]
	}
	return old.Base
}

// rule puts one rule into the own ones.
func (p *problems) rule(own []datamap.Rule, chosen Profile, in RuleInput) []datamap.Rule {
	c, ok := datamap.CategoryOf(in.Category)
	if !ok {
		p.Add("retention."+in.Category, "policy.category_unknown", "There is no such category. The data map lists them.")
		return own
	}
	at := "retention." + c.ID
	r := chosen.Rule(c.ID)
	if i := slices.IndexFunc(own, func(x datamap.Rule) bool { return x.Category == c.ID }); i >= 0 {
		r = own[i]
		own = slices.Delete(slices.Clone(own), i, i+1)
	}
	if strings.TrimSpace(in.Period) == "" {
		return own
	}
	period, implied, err := datamap.ParsePeriod(in.Period)
	if err != nil {
		p.Add(at+".period", "policy.period", "%s", sentence(err))
		return own
	}
	r.Period, r.Says = period, ""
	switch {
	case implied != "":
		r.Event = implied
	case in.Event != "":
		r.Event = datamap.Event(in.Event)
	}
	if !slices.Contains(c.Events, r.Event) {
		p.Add(at+".event", "policy.event", "For this category a period starts from one of: %s.", eventList(c.Events))
	}
	if period.Unit == datamap.NotStored && !c.Omittable {
		p.Add(at+".period", "policy.needed", "The program does not work without this data. Give a period.")
	}
	return append(own, r)
}

func eventList(events []datamap.Event) string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = string(e)
	}
	return strings.Join(out, ", ")
}

func (p *problems) clock(own []datamap.Clock, chosen Profile, in ClockInput) []datamap.Clock {
	c := chosen.Clock(in.Clock)
	if c.Clock == "" {
		p.Add("clocks."+in.Clock, "policy.clock_unknown", "There is no such clock. Use one of breach-notice, purge-after-deletion, policy-notice.")
		return own
	}
	own = slices.DeleteFunc(slices.Clone(own), func(x datamap.Clock) bool { return x.Clock == in.Clock })
	at := "clocks." + in.Clock
	if in.Clock == datamap.SubjectAnswer {
		if in.Who != "" && in.Who != c.Who {
			p.Add(at+".who", "policy.laxer", "Who answers data subjects is said by the operator's profile.")
		}
		return own
	}
	if strings.TrimSpace(in.Period) == "" {
		return own
	}
	period, implied, err := datamap.ParsePeriod(in.Period)
	switch {
	case err != nil:
		p.Add(at+".period", "policy.period", "%s", sentence(err))
	case implied != "" || !period.Ends() || !period.Within(datamap.Period{N: 60, Unit: datamap.Months}):
		p.Add(at+".period", "policy.period", "Give a length of time such as 72 hours or 14 days, at most 5 years.")
	default:
		c.Period, c.Says = period, ""
		own = append(own, c)
	}
	return own
}

// laxer refuses what is laxer than the base. The operator's own base is never laxer than itself.
func (p *problems) laxer(e Effective) {
	const way = "The operator of this installation decides that."
	for _, r := range e.Rules {
		if why := datamap.Laxer(r.Rule, e.Base.Rule(r.Category)); why != "" {
			c, _ := datamap.CategoryOf(r.Category)
			p.Add("retention."+r.Category+".period", "policy.laxer", "%s: %s. %s", c.Name, why, way)
		}
	}
	for _, c := range e.Clocks {
		if why := datamap.LaxerClock(c.Clock, e.Base.Clock(c.Clock.Clock)); why != "" {
			p.Add("clocks."+c.Clock.Clock+".period", "policy.laxer", "%s: %s. %s", c.Label(), why, way)
		}
	}
}

// logs are the categories that hold who did what. Their period is shortened by the operator only: one Admin could otherwise do
// something and then get rid of the trace. The database refuses it too.
var logs = map[string]bool{"audit-log": true, "security-event": true}

func (p *problems) shorterLog(old, fresh Effective) {
	for _, was := range old.Rules {
		becomes := fresh.Rule(was.Category)
		if c, _ := datamap.CategoryOf(was.Category); logs[was.Category] && !sameRule(was.Rule, becomes.Rule) && datamap.Compare(becomes.Rule, was.Rule) != "longer" {
			p.Add("retention."+was.Category+".period", "policy.log_shorter", "%s: its period may become longer, not shorter. Only the operator of this installation shortens it.", c.Name)
		}
	}
}

func sentence(err error) string {
	s := err.Error()
	return fmt.Sprintf("%s%s.", strings.ToUpper(s[:1]), s[1:])
}
