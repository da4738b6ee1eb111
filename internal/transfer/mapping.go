package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/kernel/orgname"
)

// Mapping says what the columns and values of a file mean; see the package comment.
type Mapping struct {
	Columns  map[string]string            `json:"columns,omitempty"`
	Values   map[string]map[string]string `json:"values,omitempty"`
	Defaults Defaults                     `json:"defaults,omitzero"`
	Options  Options                      `json:"options,omitzero"`
}

// Defaults hold where the file says nothing.
type Defaults struct {
	Currency string `json:"currency,omitempty"`
	Date     string `json:"date,omitempty"`
	Partner  string `json:"partner,omitempty"`
	Country  string `json:"country,omitempty"`
}

// Options are choices of an import.
type Options struct {
	CreateStages    bool   `json:"create_stages,omitempty"`
	MissingAccounts string `json:"missing_accounts,omitempty"` // create (default), leave or refuse
	Existing        string `json:"existing,omitempty"`         // update (default) or keep
}

// The values of the options.
const (
	AccountsCreate = "create"
	AccountsLeave  = "leave"
	AccountsRefuse = "refuse"
	ExistingUpdate = "update"
	ExistingKeep   = "keep"
)

const maxMapping = 256 << 10

// ParseMapping reads a mapping. Malformed "mapping.unknown" names a key that does not exist, "mapping.malformed" what is no
// JSON. Empty input is the empty mapping: everything is guessed.
func ParseMapping(data []byte) (Mapping, error) {
	var m Mapping
	if len(bytes.TrimSpace(data)) == 0 {
		return m, nil
	}
	if len(data) > maxMapping {
		return m, errs.New(errs.TooLarge, "mapping.too_large", "The mapping is larger than %d KiB.", maxMapping>>10)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(&m)
	if err == nil && dec.More() {
		err = errors.New("something follows the mapping")
	}
	if err == nil || errors.Is(err, io.EOF) {
		return m, nil
	}
	if _, key, unknown := strings.Cut(err.Error(), "unknown field "); unknown {
		key = strings.Trim(key, `"`)
		return m, &errs.Error{Kind: errs.Malformed, Code: "mapping.unknown",
			Msg:    "The mapping has a key that does not exist. It knows columns, values, defaults (currency, date, partner, country) and options (create_stages, missing_accounts, existing).",
			Fields: []errs.Field{{Name: "mapping." + key, Code: "mapping.unknown", Msg: "There is no such key; remove it or check its spelling."}}}
	}
	return m, &errs.Error{Kind: errs.Malformed, Code: "mapping.malformed", Msg: "The mapping is not valid JSON of the form {\"columns\": {…}, \"values\": {…}, \"defaults\": {…}, \"options\": {…}}.", Err: err}
}

// With returns the mapping with what other says added: columns and values one by one, defaults and options where they are given.
func (m Mapping) With(other Mapping) Mapping {
	out := m
	out.Columns = maps.Clone(m.Columns)
	if out.Columns == nil {
		out.Columns = map[string]string{}
	}
	maps.Copy(out.Columns, other.Columns)
	out.Values = make(map[string]map[string]string, len(m.Values))
	for _, part := range []map[string]map[string]string{m.Values, other.Values} {
		for field, of := range part {
			if out.Values[field] == nil {
				out.Values[field] = map[string]string{}
			}
			maps.Copy(out.Values[field], of)
		}
	}
	if other.Defaults != (Defaults{}) {
		out.Defaults = other.Defaults
	}
	if other.Options != (Options{}) {
		out.Options = other.Options
	}
	return out
}

type problems []errs.Field

func (p *problems) add(name, code, msg string) {
	*p = append(*p, errs.Field{Name: name, Code: code, Msg: msg})
}

// layouts are friendlier names of date formats.
var layouts = strings.NewReplacer("YYYY", "2006", "yyyy", "2006", "MM", "01", "DD", "02", "dd", "02", "YY", "06", "yy", "06")

// layout returns the Go layout of a date format; ok is false when it does not name day, month and year.
func layout(s string) (string, bool) {
	l := layouts.Replace(strings.TrimSpace(s))
	day := time.Date(1987, 11, 23, 0, 0, 0, 0, time.UTC)
	back, err := time.Parse(l, day.Format(l))
	return l, err == nil && back.Year() == 1987 && back.Month() == 11 && back.Day() == 23
}

// bind checks a mapping against a file and returns the field of each column.
// Invalid with every key that is not acceptable, named as in the JSON: columns.close_value.
func (m Mapping) bind(kind string, header []string) ([]string, error) {
	var bad problems
	columns := make([]string, len(header))
	given := make([]bool, len(header))
	taken := map[string]bool{}
	names := make([]string, 0, len(m.Columns))
	for name := range m.Columns {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		field := strings.TrimSpace(m.Columns[name])
		i := headerIndex(header, name)
		switch {
		case i < 0:
			bad.add("columns."+name, "column.unknown", "The file has no column of this name. It has: "+shorten(strings.Join(header, ", "), 300)+".")
			continue
		case field == "":
			given[i] = true
			continue
		}
		if _, ok := fieldOf(kind, field); !ok {
			bad.add("columns."+name, "field.unknown", "There is no field of this name. Use one of "+strings.Join(fieldNames(kind, nil), ", ")+", or leave it empty.")
			continue
		}
		if taken[field] {
			bad.add("columns."+name, "field.taken", "Another column means "+field+" already.")
			continue
		}
		columns[i], given[i], taken[field] = field, true, true
	}
	guess := slices.Clone(header)
	for i := range guess {
		if given[i] {
			guess[i] = ""
		}
	}
	for i, field := range guessColumns(kind, guess, taken) {
		if !given[i] {
			columns[i] = field
		}
	}
	if !slices.ContainsFunc(columns, func(f string) bool { return f != "" }) {
		bad.add("columns", "columns.none", "No column of the file means anything to us. Is it a table of "+kind+"? Map its columns: {\"columns\": {\"…\": \""+leadField[kind]+"\"}}.")
	}
	for _, f := range fields[kind] {
		if f.Required && !slices.Contains(columns, f.Name) {
			bad.add("columns", "field.missing", "No column of the file means "+f.Name+" ("+f.Label+"). Map one: {\"columns\": {\"…\": \""+f.Name+"\"}}.")
		}
	}
	m.bindRest(kind, &bad)
	return columns, errs.Refused(bad)
}

// leadField is the field by which people know a record of each kind.
var leadField = map[string]string{Deals: "title", Accounts: "name", Partners: "partner", Products: "name"}

func (m Mapping) bindRest(kind string, bad *problems) {
	mappable := fieldNames(kind, func(f Field) bool { return f.Values })
	for field := range m.Values {
		if !slices.Contains(mappable, field) {
			bad.add("values."+field, "field.unknown", "Values can be mapped of "+strings.Join(mappable, ", ")+".")
		}
	}
	d := m.Defaults
	if _, ok := money.Lookup(d.Currency); d.Currency != "" && !ok {
		bad.add("defaults.currency", "currency.unknown", "Give a currency code such as EUR or USD.")
	}
	if _, ok := layout(d.Date); d.Date != "" && !ok {
		bad.add("defaults.date", "date.layout", "Say how days are written, such as 2006-01-02, DD/MM/YYYY or MM/DD/YYYY.")
	}
	if _, ok := country.Lookup(d.Country); d.Country != "" && !ok {
		bad.add("defaults.country", "country.unknown", "Give a two-letter country code such as DE, or the country's English name.")
	}
	if !slices.Contains([]string{"", AccountsCreate, AccountsLeave, AccountsRefuse}, m.Options.MissingAccounts) {
		bad.add("options.missing_accounts", "option.unknown", "Use create, leave or refuse.")
	}
	if !slices.Contains([]string{"", ExistingUpdate, ExistingKeep}, m.Options.Existing) {
		bad.add("options.existing", "option.unknown", "Use update or keep.")
	}
}

func headerIndex(header []string, name string) int {
	if i := slices.Index(header, strings.TrimSpace(name)); i >= 0 {
		return i
	}
	return slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(h, strings.TrimSpace(name)) })
}

// valueMap looks up what a value means: as written, else regardless of case, accents and outer blanks.
type valueMap struct{ exact, loose map[string]string }

func newValueMap(of map[string]string) valueMap {
	v := valueMap{of, make(map[string]string, len(of))}
	for from, to := range of {
		v.loose[orgname.SearchText(from)] = to
	}
	return v
}

func (v valueMap) get(s string) (string, bool) {
	if len(v.exact) == 0 {
		return "", false
	}
	if to, ok := v.exact[s]; ok {
		return strings.TrimSpace(to), true
	}
	to, ok := v.loose[orgname.SearchText(s)]
	return strings.TrimSpace(to), ok
}

// shorten cuts s to at most n runes.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
