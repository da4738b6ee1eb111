package dealweb

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/ui"
)

func submitWord(d deal.Deal) string {
	if d.State == deal.StateReturned {
		return "Submit again"
	}
	return "Submit for decision"
}

func wantsShared(f *httpx.Form) bool { return f != nil && f.Checked("reader", "shared") }

func sharedWord(n deal.Note) string {
	if n.AuthorSide == "partner" {
		return "From the partner"
	}
	return "Shared"
}

// verb is how the timeline tells an action.
type verb struct {
	words string // on the deal's own page
	short string // before the deal's title
	icon  string
	tone  ui.Tone
}

var verbs = map[access.Action]verb{
	deal.ActCreate:   {"registered the deal", "registered", "plus", ui.Accent},
	deal.ActUpdate:   {"changed the facts", "changed", "pencil", ""},
	deal.ActSubmit:   {"submitted it for a decision", "submitted", "send", ui.Accent},
	deal.ActReturn:   {"asked for more information", "asked for more about", "arrow-back-up", ui.Warn},
	deal.ActApprove:  {"approved the registration", "approved", "check", ui.Good},
	deal.ActReject:   {"rejected the registration", "rejected", "x", ui.Bad},
	deal.ActWithdraw: {"withdrew the registration", "withdrew", "arrow-back-up", ""},
	deal.ActWin:      {"marked it won", "won", "trophy", ui.Good},
	deal.ActLose:     {"marked it lost", "lost", "thumb-down", ui.Bad},
	deal.ActMove:     {"moved it to another stage", "moved", "arrow-narrow-right", ""},
	deal.ActNote:     {"wrote a note", "wrote a note on", "message", ""},
	deal.ActRestore:  {"restored an old version", "restored an old version of", "history", ""},
	deal.ActExpire:   {"The protection ended", "let the protection end of", "hourglass", ui.Warn},
}

// events tells the timeline in words.
func (v recordView) events() []ui.Event {
	out := make([]ui.Event, 0, len(v.Timeline))
	for _, e := range v.Timeline {
		w, ok := verbs[access.Action(e.Action)]
		if !ok {
			w = verb{words: "did " + e.Action}
		}
		actor := e.ActorName
		if actor == "" && !e.ErasedAt.IsZero() {
			actor = "Somebody (erased)"
		}
		ev := ui.Event{Actor: actor, Verb: w.words, At: e.At, Icon: w.icon, Tone: w.tone}
		switch access.Action(e.Action) {
		case deal.ActExpire:
			ev.Actor, ev.Verb = w.words, "and the customer is free again"
		case deal.ActCreate:
			if e.ActorRole == "system" || e.Note != "" {
				ev.Note = e.Note
			}
		case deal.ActMove:
			if to, ok := e.Changes["stage_id"][1].(string); ok {
				ev.Verb = "moved it to " + to
			}
		case deal.ActNote:
			if e.Note == "internal note" {
				ev.Tag = "Internal"
			}
		case deal.ActRestore:
			ev.Changes, ev.Note = v.changes(e), e.Note
		default:
			ev.Changes, ev.Note = v.changes(e), said(e)
		}
		out = append(out, ev)
	}
	return out
}

// label is a column in people's words; the order is the one in which changes are told.
type label struct{ column, words string }

var labels = []label{
	{"title", "Title"}, {"account_name", "Customer"}, {"account_domain", "Domain"}, {"account_country", "Country"}, {"amount_minor", "Amount"},
	{"product", "Product"}, {"stage_id", "Stage"}, {"owner_id", "Owner"}, {"partner_id", "Partner"}, {"expected_close_on", "Expected close"},
	{"closed_on", "Closed on"}, {"protected_until", "Protected until"}, {"answer", "Customer is"},
}

// changes are an entry's differences in people's words. The state is told by the verb, derived columns not at all.
func (v recordView) changes(e deal.Entry) []ui.Change {
	diff := maps.Clone(e.Changes)
	if act := access.Action(e.Action); act == deal.ActWin || act == deal.ActLose {
		delete(diff, "stage_id") // the verb says it
	}
	if _, ok := diff["currency"]; ok && diff["amount_minor"] == [2]any{} {
		diff["amount_minor"] = [2]any{v.amountNow(), v.amountNow()} // the currency alone was changed
	}
	var out []ui.Change
	for _, l := range labels {
		pair, ok := diff[l.column]
		if !ok {
			continue
		}
		old, fresh := v.value(l.column, pair[0], diff["currency"][0]), v.value(l.column, pair[1], diff["currency"][1])
		if old != fresh {
			out = append(out, ui.Change{Field: l.words, Old: old, New: fresh})
		}
	}
	return slices.Clip(out)
}

// said is the reason that came with a step, as it was given.
func said(e deal.Entry) string {
	code, _ := e.Changes["reason_code"][1].(string)
	reason, _ := e.Changes["reason"][1].(string)
	return reasonOf(&deal.Deal{ReasonCode: code, Reason: reason})
}

func (v recordView) amountNow() any {
	if v.Deal.AmountMinor == nil {
		return nil
	}
	return float64(*v.Deal.AmountMinor)
}

// value writes one side of a change for the reader; currency is that side's, nil when it did not change.
func (v recordView) value(column string, x, currency any) string {
	if x == nil {
		return ""
	}
	s := fmt.Sprint(x)
	switch column {
	case "amount_minor":
		cur, ok := currency.(string)
		if !ok {
			cur = v.Deal.Currency
		}
		if n, ok := x.(float64); ok {
			return v.rd.Money(int64(n), cur)
		}
	case "expected_close_on", "closed_on":
		return day(v.rd, deal.Day(s))
	case "protected_until":
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return v.rd.Day(t)
		}
	case "account_country":
		if name := country.Name(s); name != "" {
			return name
		}
	case "answer":
		return answerTitle(deal.Answer(s))
	}
	return s
}
