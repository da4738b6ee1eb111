package transfer

import (
	"slices"
	"strings"
)

// maxDistinct bounds the values of one field that a report lists.
const maxDistinct = 300

// Report says what a check found, what a commit did, and what an undo left.
type Report struct {
	Columns  map[string]string  `json:"columns,omitempty"` // header → field, as guessed and mapped
	Values   map[string][]Value `json:"values,omitempty"`  // by field: stage, state, product, partner, owner, account
	Warnings []Finding          `json:"warnings,omitempty"`
	Refusals []Finding          `json:"refusals,omitempty"` // refused rows by reason
	Totals   []Total            `json:"totals,omitempty"`   // of deals that are not refused
	Made     map[string]int     `json:"made,omitempty"`     // objects beside the rows: partners, people, accounts, stages
	Undo     *UndoReport        `json:"undo,omitempty"`

	quiet bool // a commit does not count again what the check has counted
}

// Value is one distinct value of a column, how often it occurs, and what it is taken for.
type Value struct {
	Value      string `json:"value"`
	Count      int    `json:"count"`
	Target     string `json:"target,omitempty"`     // what it means in this programme
	Known      bool   `json:"known"`                // it names something that exists, by itself or by the mapping
	Guessed    bool   `json:"guessed,omitempty"`    // the target is a guess: worth a look
	Suggestion string `json:"suggestion,omitempty"` // something that exists and looks like it
}

// Finding is one kind of oddity: how often, and where it was met first.
type Finding struct {
	Column   string `json:"column,omitempty"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Count    int    `json:"count"`
	FirstRow int    `json:"first_row,omitempty"`
}

// Total is the sum of deals in one state and currency.
type Total struct {
	State       string `json:"state"`
	Currency    string `json:"currency"`
	Count       int    `json:"count"`
	AmountMinor int64  `json:"amount_minor"`
	NoAmount    int    `json:"no_amount"`
}

// UndoReport says what an undo did to the objects of an import.
type UndoReport struct {
	Removed  int `json:"removed"`
	Restored int `json:"restored"`
	Kept     int `json:"kept"` // touched since, or in use: see the rows' problems
}

func find(list *[]Finding, column, code, message string, row int) {
	i := slices.IndexFunc(*list, func(f Finding) bool { return f.Column == column && f.Code == code && f.Message == message })
	if i >= 0 {
		(*list)[i].Count++
		return
	}
	if len(*list) < 200 {
		*list = append(*list, Finding{column, code, message, 1, row})
	}
}

func (r *Report) warn(column, code, message string, row int) {
	if !r.quiet {
		find(&r.Warnings, column, code, message, row)
	}
}

func (r *Report) refuse(row int, problems []Problem) {
	for _, p := range problems {
		message := p.Message
		if p.Value != "" {
			message = strings.ReplaceAll(message, p.Value, "…")
		}
		find(&r.Refusals, p.Column, p.Code, message, row)
	}
}

// saw counts a distinct value of a field.
func (r *Report) saw(field, value string, describe func() Value) {
	if value == "" || r.quiet {
		return
	}
	list := r.Values[field]
	for i := range list {
		if list[i].Value == value {
			list[i].Count++
			return
		}
	}
	if len(list) >= maxDistinct {
		return
	}
	if r.Values == nil {
		r.Values = map[string][]Value{}
	}
	v := describe()
	v.Value, v.Count = value, 1
	r.Values[field] = append(list, v)
}

func (r *Report) sum(state, currency string, minor *int64) {
	i := slices.IndexFunc(r.Totals, func(t Total) bool { return t.State == state && t.Currency == currency })
	if i < 0 {
		i = len(r.Totals)
		r.Totals = append(r.Totals, Total{State: state, Currency: currency})
	}
	t := &r.Totals[i]
	t.Count++
	if minor == nil {
		t.NoAmount++
	} else {
		t.AmountMinor += *minor
	}
}

func (r *Report) made(what string, n int) {
	if n == 0 {
		return
	}
	if r.Made == nil {
		r.Made = map[string]int{}
	}
	r.Made[what] += n
}

// Unknown returns the values of a field that name nothing known here.
func (r Report) Unknown(field string) []Value {
	var out []Value
	for _, v := range r.Values[field] {
		if !v.Known {
			out = append(out, v)
		}
	}
	return out
}
