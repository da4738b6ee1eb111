package transfer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/money"
)

// cells reads the rows of one file by what its columns mean.
type cells struct {
	header  []string
	columns []string       // field of each column
	at      map[string]int // column of each field
	mapping Mapping
	values  map[string]valueMap
	date    string      // Go layout, "" to guess
	first   map[int]int // row → the earlier row that names the same
	key     int         // column by which first was found, -1 for the whole row
}

func newCells(r Run) (*cells, error) {
	m := r.MappingData()
	columns, err := m.bind(r.Kind, r.Header)
	if err != nil {
		return nil, err
	}
	c := &cells{header: r.Header, columns: columns, at: map[string]int{}, mapping: m, values: map[string]valueMap{}}
	for i, field := range columns {
		if field != "" {
			c.at[field] = i
		}
	}
	for field, of := range m.Values {
		c.values[field] = newValueMap(of)
	}
	if m.Defaults.Date != "" {
		c.date, _ = layout(m.Defaults.Date)
	}
	return c, nil
}

// index returns the column of a field, -1 without one.
func (c *cells) index(field string) int {
	if i, ok := c.at[field]; ok {
		return i
	}
	return -1
}

// raw returns what the file says, "" for a field without a column.
func (c *cells) raw(row *Row, field string) string {
	i, ok := c.at[field]
	if !ok || i >= len(row.Cells) {
		return ""
	}
	return strings.TrimSpace(row.Cells[i])
}

// mapped returns what the file says and what that means by the value mapping.
func (c *cells) mapped(row *Row, field string) (raw, value string, byMap bool) {
	raw = c.raw(row, field)
	if raw == "" {
		return "", "", false
	}
	if to, ok := c.values[field].get(raw); ok {
		return raw, to, true
	}
	return raw, raw, false
}

// problem is a refusal of a field's cell.
func (c *cells) problem(field, value, code, format string, args ...any) Problem {
	column := field
	if i := c.index(field); i >= 0 {
		column = c.header[i]
	}
	return Problem{Column: column, Value: shorten(value, 200), Code: code, Message: fmt.Sprintf(format, args...)}
}

// wrong is problem for an error of a lower room.
func (c *cells) wrong(field, value string, err error) Problem {
	e := errs.Of(err)
	return c.problem(field, value, e.Code, "%s", e.Msg)
}

// fields turns refused fields of a lower room into problems.
func (c *cells) fields(row *Row, list []errs.Field) []Problem {
	out := make([]Problem, 0, len(list))
	for _, f := range list {
		out = append(out, c.problem(f.Name, c.raw(row, f.Name), f.Name+"."+f.Code, "%s", f.Msg))
	}
	return out
}

// text reads a cell of at most most characters on one line.
func (c *cells) text(row *Row, field string, most int) (string, *Problem) {
	v := c.raw(row, field)
	if len(v) > most && len([]rune(v)) > most {
		p := c.problem(field, v, field+".too_long", "This has %d characters. Shorten it to %d.", len([]rune(v)), most)
		return "", &p
	}
	if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f }) {
		p := c.problem(field, v, "text.characters", "Remove the characters that cannot be shown.")
		return "", &p
	}
	return strings.Join(strings.Fields(v), " "), nil
}

// dateForms are tried in this order where the mapping names no format; days with slashes are tried both ways.
var dateForms = []string{time.DateOnly, "2006-1-2", "2006/01/02", "2006/1/2", "02.01.2006", "2.1.2006", time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04",
	"2006-01-02T15:04:05.999Z0700", "20060102", "Jan 2, 2006", "January 2, 2006", "2 Jan 2006", "2 January 2006", "02-Jan-2006"}

// day reads a calendar day.
func (c *cells) day(row *Row, field string) (deal.Day, *Problem) {
	v := c.raw(row, field)
	if v == "" {
		return "", nil
	}
	if c.date != "" {
		if t, err := time.Parse(c.date, v); err == nil {
			return c.inRange(field, v, t)
		}
		if t, err := time.Parse(time.DateOnly, v); err == nil {
			return c.inRange(field, v, t)
		}
		p := c.problem(field, v, "date.malformed", "This is no day that exists, written like %s. Correct it, or name another format in defaults.date.", c.mapping.Defaults.Date)
		return "", &p
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, v); err == nil {
			return c.inRange(field, v, t)
		}
	}
	us, usErr := time.Parse("1/2/2006", cutTime(v))
	eu, euErr := time.Parse("2/1/2006", cutTime(v))
	switch {
	case usErr == nil && euErr == nil && !us.Equal(eu):
		p := c.problem(field, v, "date.ambiguous", "This may be two days. Say which with defaults.date: MM/DD/YYYY or DD/MM/YYYY.")
		return "", &p
	case usErr == nil:
		return c.inRange(field, v, us)
	case euErr == nil:
		return c.inRange(field, v, eu)
	}
	p := c.problem(field, v, "date.malformed", "This is no day that exists. Write it as year-month-day, such as 2026-03-28, or name the format in defaults.date.")
	return "", &p
}

// cutTime drops a time of day behind a date.
func cutTime(v string) string {
	d, _, _ := strings.Cut(v, " ")
	return d
}

func (c *cells) inRange(field, v string, t time.Time) (deal.Day, *Problem) {
	d, ok := deal.ParseDay(t.Format(time.DateOnly))
	if !ok {
		p := c.problem(field, v, "date.range", "Give a day between 1970 and 2200.")
		return "", &p
	}
	return d, nil
}

// amount reads money of the currency, from the column for decimals or the one for minor units.
func (c *cells) amount(row *Row, field, currency string) (*int64, *Problem) {
	v := c.raw(row, field)
	minor := v == ""
	if minor {
		field += "_minor"
		if v = c.raw(row, field); v == "" {
			return nil, nil
		}
	}
	var n int64
	var err error
	if minor {
		if n, err = strconv.ParseInt(v, 10, 64); err != nil {
			err = errs.New(errs.Invalid, "money.malformed", "Write the amount as a whole number of minor units, such as 123456.")
		}
	} else {
		n, err = money.Parse(v, currency)
	}
	if err != nil {
		p := c.wrong(field, v, err)
		return nil, &p
	}
	if n < 0 || n > deal.MaxAmountMinor {
		p := c.problem(field, v, "money.range", "Give an amount from 0 to %s.", money.Decimal(deal.MaxAmountMinor, currency))
		return nil, &p
	}
	return &n, nil
}

// currency reads a currency code: the cell, else the mapping's default, else the programme's.
func (c *cells) currency(row *Row, programme string) (string, *Problem) {
	_, v, _ := c.mapped(row, "currency")
	if v == "" {
		if v = c.mapping.Defaults.Currency; v == "" {
			return programme, nil
		}
	}
	cur, ok := money.Lookup(v)
	if !ok {
		p := c.problem("currency", v, "currency.unknown", "Give a currency code such as EUR or USD, or map this value.")
		return "", &p
	}
	return cur.Code, nil
}

// country reads a country; what is not known is a warning and counts as not said.
func (c *cells) country(row *Row, rep *Report) string {
	raw, v, _ := c.mapped(row, "country")
	if v == "" {
		code, _ := country.Lookup(c.mapping.Defaults.Country)
		return code
	}
	code, ok := country.Lookup(v)
	if !ok && rep != nil {
		hint := ""
		if s, near := country.Suggest(v); near {
			hint = fmt.Sprintf(" It looks like %s (%s).", country.Name(s), s)
		}
		rep.warn(c.header[c.index("country")], "country.unknown", fmt.Sprintf("%q is no country we know and is left out.%s Map the value if that is wrong.", shorten(raw, 80), hint), row.No)
	}
	return code
}

// repeated refuses a row that names what an earlier row names.
func (c *cells) repeated(row *Row, v *verdict) bool {
	first, again := c.first[row.No]
	if !again {
		return false
	}
	if c.key < 0 {
		v.refuse(Problem{Code: "row.repeated", Message: fmt.Sprintf("This row says exactly the same as row %d. Remove one of them, or add a column with an id.", first)})
	} else {
		field := c.columns[c.key]
		v.refuse(c.problem(field, c.raw(row, field), field+".repeated", "Row %d names the same already. Keep one of the two rows.", first))
	}
	return true
}

// report puts what the columns were taken for into the report.
func (c *cells) report(rep *Report) {
	if rep.Columns != nil {
		return
	}
	rep.Columns = map[string]string{}
	for i, h := range c.header {
		rep.Columns[h] = c.columns[i]
	}
}
