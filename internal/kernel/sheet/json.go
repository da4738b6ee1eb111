package sheet

import (
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"entente.dev/internal/kernel/money"
)

// JSON writes an array of objects, one a line. Empty is null; Decimal is a string, since many
// readers of JSON numbers round.
type JSON struct {
	table
	keys [][]byte // `"name":`
	rows int
}

var _ Writer = (*JSON)(nil)

// NewJSON returns a JSON writer on w.
func NewJSON(w io.Writer) *JSON { return &JSON{table: newTable(w)} }

// Columns sets the keys of the objects and opens the array.
func (j *JSON) Columns(names ...string) error {
	j.columns = len(names)
	for _, name := range names {
		j.keys = append(j.keys, append(appendJSON(nil, name), ':'))
	}
	j.buf = append(j.buf, '[')
	return j.err
}

// key begins a cell. Cells beyond the columns get an empty key; EndRow refuses such a row.
func (j *JSON) key() {
	switch {
	case j.cells > 0:
		j.buf = append(j.buf, ',')
	case j.rows > 0:
		j.buf = append(j.buf, ",\n{"...)
	default:
		j.buf = append(j.buf, "\n{"...)
	}
	if j.cells < len(j.keys) {
		j.buf = append(j.buf, j.keys[j.cells]...)
	}
	j.cells++
}

// Text implements Writer.
func (j *JSON) Text(s string) { j.key(); j.buf = appendJSON(j.buf, s) }

// Bytes implements Writer.
func (j *JSON) Bytes(b []byte) { j.key(); j.buf = appendJSON(j.buf, b) }

// Int implements Writer.
func (j *JSON) Int(v int64) { j.key(); j.buf = strconv.AppendInt(j.buf, v, 10) }

// Decimal implements Writer.
func (j *JSON) Decimal(minor int64, exponent int) {
	j.key()
	j.buf = append(money.AppendDecimal(append(j.buf, '"'), minor, exponent), '"')
}

// Time implements Writer.
func (j *JSON) Time(t time.Time) {
	if t.IsZero() {
		j.Empty()
		return
	}
	j.key()
	j.buf = append(t.UTC().AppendFormat(append(j.buf, '"'), time.RFC3339), '"')
}

// Bool implements Writer.
func (j *JSON) Bool(v bool) { j.key(); j.buf = strconv.AppendBool(j.buf, v) }

// Empty implements Writer.
func (j *JSON) Empty() { j.key(); j.buf = append(j.buf, "null"...) }

// EndRow implements Writer.
func (j *JSON) EndRow() error {
	j.buf = append(j.buf, '}')
	j.rows++
	return j.endRow()
}

// Close implements Writer.
func (j *JSON) Close() error {
	if j.err == nil && j.cells == 0 {
		j.buf = append(j.buf, "\n]\n"...)
	}
	return j.close()
}

func appendJSON[T string | []byte](b []byte, s T) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		b = append(b, s[from:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c >= utf8.RuneSelf:
			b = append(b, "\ufffd"...)
		default:
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}
