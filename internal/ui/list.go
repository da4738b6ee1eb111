package ui

import (
	"net/http"
	"net/url"
	"strings"

	"entente.dev/internal/kernel/errs"
)

// List is the state of a list page as its address holds it, and where the pages beside
// this one begin.
type List struct {
	Path  string
	Query url.Values
	Sort  string // "amount" ascending, "-amount" descending
	Next  string // cursor of the page after this one, "" on the last
	Prev  string // cursor of the page before, "" when unknown or first
	Shown int    // rows on this page
	Total int64  // rows in all; 0 when not counted
	Noun  string // "deals"
}

// ListOf returns the list state of a request: path, filters and sort.
func ListOf(r *http.Request) List {
	q := r.URL.Query()
	return List{Path: r.URL.Path, Query: q, Sort: q.Get("sort")}
}

// Get returns a filter's value.
func (l List) Get(key string) string { return l.Query.Get(key) }

// With returns the list's address with the given keys set, in pairs of key and value; an
// empty value removes the key. The cursor is dropped unless it is set.
func (l List) With(pairs ...string) string {
	q := make(url.Values, len(l.Query)+len(pairs)/2)
	for k, v := range l.Query {
		if k != "cursor" && len(v) > 0 && v[0] != "" {
			q[k] = v
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return l.Path
	}
	return l.Path + "?" + q.Encode()
}

// Filtered reports whether anything narrows the list, to tell "nothing here yet" from
// "nothing matches".
func (l List) Filtered() bool {
	for k, v := range l.Query {
		switch k {
		case "cursor", "sort", "limit", "view", "col":
		default:
			if len(v) > 0 && v[0] != "" {
				return true
			}
		}
	}
	return false
}

// sortHref flips the direction when key is already the sort key.
func (l List) sortHref(key string) string {
	if l.Sort == key {
		return l.With("sort", "-"+key)
	}
	return l.With("sort", key)
}

// ariaSort is the aria-sort value for a column.
func (l List) ariaSort(key string) string {
	switch l.Sort {
	case key:
		return "ascending"
	case "-" + key:
		return "descending"
	}
	return "none"
}

// exportHref is base with the list's filters and sort.
func (l List) exportHref(base string) string {
	return base + strings.TrimPrefix(l.With("limit", ""), l.Path)
}

// kept are the parameters a filter form does not show but must not lose.
func (l List) kept() []Option {
	var out []Option
	for _, k := range []string{"sort", "view", "col"} {
		for _, v := range l.Query[k] {
			out = append(out, Option{Value: v, Label: k})
		}
	}
	return out
}

// FilterProblems tells how a list whose reading ended with err is drawn: with 200, or with 422 and what is wrong with its filters.
// Any other error comes back.
func FilterProblems(err error) (status int, problems []errs.Field, _ error) {
	switch {
	case err == nil:
		return http.StatusOK, nil, nil
	case errs.IsKind(err, errs.Invalid):
		return http.StatusUnprocessableEntity, errs.Of(err).Fields, nil
	}
	return 0, nil, err
}

// Column is one a person may show or hide.
type Column struct {
	Key, Label string
	Shown      bool
}

// EmptyState says what belongs here and offers the first step.
type EmptyState struct {
	Icon   string
	Title  string
	Text   string
	Action Link // left out when its label is ""
	Second Link // left out when its label is ""
}

// Tab is one of several views of the same thing.
type Tab struct {
	Label, Href string
	Count       int64 // shown when above 0
	Active      bool
}
