package privacyweb

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"entente.dev/internal/privacy"
	"entente.dev/internal/ui"
)

func kinds() []ui.Option {
	hints := map[privacy.Kind]string{privacy.Access: "A copy of all data, and how it is used.", privacy.Portability: "The data as a file that other programs can read.",
		privacy.Correction: "Something is wrong.", privacy.Erasure: "The data should go.", privacy.Restriction: "Keep it, but do not use it.", privacy.Objection: "Do not use it for a certain purpose."}
	out := make([]ui.Option, len(privacy.Kinds))
	for i, k := range privacy.Kinds {
		out[i] = ui.Option{Value: string(k), Label: k.Words(), Hint: hints[k]}
	}
	return out
}

func states() []ui.Option {
	out := make([]ui.Option, len(privacy.States))
	for i, s := range privacy.States {
		out[i] = ui.Option{Value: string(s), Label: ui.Capital(s.Words())}
	}
	return out
}

func sources() []ui.Option {
	return []ui.Option{{Value: "e-mail", Label: "By e-mail"}, {Value: "phone", Label: "By phone"}, {Value: "staff", Label: "Through our own people"}, {Value: "partner", Label: "Through a partner"}}
}

func proofs() []ui.Option {
	return []ui.Option{{Value: "call-back", Label: "Called back at a number on record"}, {Value: "document", Label: "Saw a document"}, {Value: "known-in-person", Label: "Known in person"}}
}

func purposes() []ui.Option {
	return []ui.Option{{Value: "marketing", Label: "Marketing"}, {Value: "announcement", Label: "Announcements"}, {Value: "analytics", Label: "Analytics"}, {Value: "profiling", Label: "Profiling"}, {Value: "service", Label: "Mails of the service itself"}}
}

func stateTone(s privacy.State) ui.Tone {
	switch s {
	case privacy.Done:
		return ui.Good
	case privacy.Refused:
		return ui.Bad
	case privacy.Withdrawn, privacy.Forwarded:
		return ui.Neutral
	case privacy.Verifying, privacy.Received, privacy.WaitingApproval, privacy.WaitingPartners:
		return ui.Warn
	}
	return ui.Accent
}

func stateBadge(r privacy.Request) templ.Component {
	return ui.Badge(stateTone(r.State), ui.Capital(r.State.Words()))
}

func subjectWords(r privacy.Request) string {
	if r.Email == "" && r.Name == "" && r.Phone == "" {
		return "erased"
	}
	return r.Subject().String()
}

func versionOf(r privacy.Request) string { return strconv.Itoa(r.Version) }

func whatWords(w privacy.What) string {
	return map[privacy.What]string{privacy.Delete: "Deleted", privacy.Anonymise: "Made anonymous", privacy.Keep: "Kept"}[w]
}

func confidenceWords(c string) string {
	return map[string]string{privacy.Exact: "this person", privacy.Possible: "perhaps a namesake", privacy.Mention: "a mention", privacy.Linked: "refers to the person"}[c]
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func proofWords(r privacy.Request) string {
	if !r.Verified() {
		return "Not yet"
	}
	how := map[string]string{"session-and-code": "signed in, and confirmed by a mailed code", "call-back": "called back", "document": "a document", "known-in-person": "known in person", "mailed-code": "a mailed code"}[r.IdentityHow]
	return fmt.Sprintf("%s, by %s on %s", how, orDash(r.IdentityByName), r.IdentityAt.Format("2 January 2006"))
}

// aboutFacts are what is known of a request; what is not yet known has no line.
func aboutFacts(v recordView) []ui.Fact {
	all := []ui.Fact{
		{Label: "Person", Value: subjectWords(v.r)},
		{Label: "E-mail", Value: v.r.Email},
		{Label: "Phone", Value: v.r.Phone},
		{Label: "Asks for", Value: v.r.Kind.Words()},
		{Label: "Objects to", Value: v.r.Purpose},
		{Label: "In their words", Value: v.r.Asked},
		{Label: "Came by", Value: v.r.Source},
		{Label: "Received", Content: ui.Moment(v.r.ReceivedAt)},
		{Label: "Answer by", Content: ui.Badge(clockTone(v.r, v.now), v.r.LastDay())},
		{Label: "Extended because", Value: v.r.ExtensionReason},
		{Label: "Identity checked", Value: proofWords(v.r)},
		{Label: "How exactly", Value: v.r.IdentityNote},
		{Label: "Proposed by", Value: v.r.ProposedByName},
		{Label: "Approved by", Value: v.r.ApprovedByName},
		{Label: "Outcome", Value: v.r.Outcome},
	}
	return slices.DeleteFunc(all, func(f ui.Fact) bool { return f.Content == nil && f.Value == "" })
}

// packageLabel and packageTone make the button of the package the first thing to do only once.
func packageLabel(r privacy.Request) string {
	if r.PackageUntil == nil {
		return "Make the package"
	}
	return "Make the package anew"
}

func packageTone(r privacy.Request) string {
	if r.PackageUntil == nil {
		return "btn-primary"
	}
	return ""
}
