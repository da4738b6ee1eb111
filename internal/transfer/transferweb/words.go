package transferweb

import (
	"context"
	"fmt"
	"slices"

	"entente.dev/internal/access"
	"entente.dev/internal/transfer"
	"entente.dev/internal/ui"
)

// stepFunc is a step of an import that somebody asks for.
type stepFunc func(ctx context.Context, who access.Actor, in transfer.StepInput) (transfer.Run, error)

var fieldLabels = map[string]string{"stage": "Stage", "state": "State", "product": "Product", "partner": "Partner", "owner": "Person", "account": "Customer"}

func rowCount(ctx context.Context, n int) string {
	if n == 1 {
		return "1 row"
	}
	return ui.FormatNumber(ctx, int64(n)) + " rows"
}

func commitText(ctx context.Context, v recordView) string {
	n := func(of int) string { return ui.FormatNumber(ctx, int64(of)) }
	r := v.run
	text := fmt.Sprintf("%s to create and %s to update, in the name of %s. No mail is sent.", rowCount(ctx, r.Created), n(r.Updated), v.who.Name)
	if r.Refused > 0 {
		text += fmt.Sprintf(" Refused and left out: %s.", rowCount(ctx, r.Refused))
	}
	return text + " You can undo it for seven days."
}

func placeholder(r valueRow) string {
	switch {
	case r.Suggestion != "":
		return r.Suggestion
	case r.Known && r.Target != "":
		return r.Target
	case r.field == "stage":
		return "One of our stages, or won, lost"
	}
	return "As it is"
}

// withOption makes sure that a value chosen otherwise stands among the options.
func withOption(opts []ui.Option, value string) []ui.Option {
	if value == "" || slices.ContainsFunc(opts, func(o ui.Option) bool { return o.Value == value }) {
		return opts
	}
	return append(slices.Clone(opts), ui.Option{Value: value, Label: value})
}

func checked(v bool) string {
	if v {
		return "true"
	}
	return ""
}

var delimiters = map[string]string{",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

func aboutFacts(v recordView) []ui.Fact {
	out := []ui.Fact{{Label: "Uploaded", Content: moment(v, "uploaded")}, {Label: "Format", Value: v.file.Encoding + ", separated by " + delimiters[v.file.Delimiter]}}
	if v.run.CommittedAt != nil {
		out = append(out, ui.Fact{Label: "Committed", Content: moment(v, "committed")})
		if v.run.UndoneAt == nil {
			out = append(out, ui.Fact{Label: "Can be undone until", Content: moment(v, "until")})
		}
	}
	if v.run.UndoneAt != nil {
		out = append(out, ui.Fact{Label: "Undone", Content: moment(v, "undone")})
	}
	if v.run.ActedByName != "" && v.run.ActedByName != v.run.CreatedByName {
		out = append(out, ui.Fact{Label: "Last step by", Value: v.run.ActedByName})
	}
	for _, n := range v.file.Notes {
		out = append(out, ui.Fact{Label: "Note", Value: n})
	}
	return out
}
