package datamap

import "fmt"

// Laxer says in words why rule is laxer than the operator's, or "" when it is not. The rule of the house:
//
//   - What is not about people may be kept for as long as a tenant likes.
//   - "not stored" is the strictest of all, "indefinitely" the laxest.
//   - A period must never end after the operator's, whenever both begin, and it must begin with the same event, or with the
//     recording, which comes before every other event.
func Laxer(rule, operator Rule) string {
	c, ok := CategoryOf(rule.Category)
	if !ok || !c.Personal() {
		return ""
	}
	switch {
	case rule.Period.Unit == NotStored || operator.Period.Unit == Forever:
		return ""
	case !rule.Period.Within(operator.Period):
		return fmt.Sprintf("%s is longer than the operator's %s", rule.Words(), operator.Words())
	case rule.Event != operator.Event && rule.Event != Recorded:
		return fmt.Sprintf("the operator's period starts from %s; yours from %s, which may come later", operator.Event.Words(), rule.Event.Words())
	}
	return ""
}

// LaxerClock says in words why clock is laxer than the operator's, or "" when it is not: customers hear of a breach no later,
// accounts are purged no later, a change of policy is announced no shorter ahead, and who answers data subjects is the
// operator's word.
func LaxerClock(clock, operator Clock) string {
	switch clock.Clock {
	case PolicyNotice:
		if !operator.Period.Within(clock.Period) {
			return fmt.Sprintf("%s is a shorter notice than the operator's %s", clock.Words(), operator.Words())
		}
	case SubjectAnswer:
		if clock.Who != operator.Who {
			return fmt.Sprintf("the operator decided that data subjects are answered by %s", operator.Words())
		}
	default:
		if !clock.Period.Within(operator.Period) {
			return fmt.Sprintf("%s is later than the operator's %s", clock.Words(), operator.Words())
		}
	}
	return ""
}

// Compare says how rule differs from another for the same category: "shorter", "longer", "same", or "other" when one may end
// before or after the other.
func Compare(rule, other Rule) string {
	switch {
	case rule.Period == other.Period && rule.Event == other.Event, rule.Period == other.Period && !rule.Period.Ends():
		return "same"
	case !rule.Period.Ends() || !other.Period.Ends():
		if rule.Period.Within(other.Period) {
			return "shorter"
		}
		return "longer"
	case rule.Event != other.Event:
		return "other"
	case rule.Period.Within(other.Period) && other.Period.Within(rule.Period):
		return "same"
	case rule.Period.Within(other.Period):
		return "shorter"
	case other.Period.Within(rule.Period):
		return "longer"
	}
	return "other"
}

// CompareClock says how clock differs from another with the same name: "shorter", "longer", "same" or "other".
func CompareClock(clock, other Clock) string {
	switch {
	case clock.Who != other.Who:
		return "other"
	case clock.Period == other.Period:
		return "same"
	case clock.Period.Within(other.Period):
		return "shorter"
	case other.Period.Within(clock.Period):
		return "longer"
	}
	return "other"
}
