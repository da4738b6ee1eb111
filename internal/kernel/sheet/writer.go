package sheet

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"entente.dev/internal/kernel/money"
)

// Writer writes a table row by row, so that an export is written once for all formats. Columns
// comes first; each row is one call for each column and then EndRow. The first error of the
// underlying writer sticks and is returned by every EndRow and by Close.
type Writer interface {
	// Columns names the columns, in order.
	Columns(names ...string) error
	// Text writes a text cell.
	Text(s string)
	// Bytes writes a text cell; b is not kept.
	Bytes(b []byte)
	// Int writes a number.
	Int(v int64)
	// Decimal writes an amount of minor units with exponent decimals, exactly.
	Decimal(minor int64, exponent int)
	// Time writes a moment as RFC 3339 in UTC, in seconds; the zero time is Empty.
	Time(t time.Time)
	// Bool writes true or false.
	Bool(v bool)
	// Empty writes a cell without value.
	Empty()
	// EndRow ends the row. It fails when the row has not as many cells as there are columns.
	EndRow() error
	// Close completes and flushes the table; it does not close the underlying writer. Without Close the
	// output of a failed export stays visibly incomplete.
	Close() error
}

const flushAt = 32 << 10

// table is what both writers share: the buffer, the column count and the first error.
type table struct {
	w       io.Writer
	buf     []byte
	columns int
	cells   int // in the current row
	err     error
}

func newTable(w io.Writer) table { return table{w: w, buf: make([]byte, 0, 2*flushAt)} }

func (t *table) flush() error {
	if t.err == nil && len(t.buf) > 0 {
		_, t.err = t.w.Write(t.buf)
	}
	t.buf = t.buf[:0]
	return t.err
}

func (t *table) endRow() error {
	if t.err == nil && t.cells != t.columns {
		t.err = fmt.Errorf("sheet: a row of %d cells in a table of %d columns", t.cells, t.columns)
	}
	t.cells = 0
	if t.err != nil || len(t.buf) >= flushAt {
		return t.flush()
	}
	return nil
}

func (t *table) close() error {
	if t.err == nil && t.cells != 0 {
		t.err = errors.New("sheet: closed in the middle of a row")
	}
	return t.flush()
}

// CSV writes comma-separated UTF-8 with LF line ends. Text that a spreadsheet would take for a formula is
// marked with an apostrophe and quoted; Reader takes the mark off again. Typed cells are never marked.
type CSV struct {
	table
	begin int // where the current row begins in buf
}

var _ Writer = (*CSV)(nil)

// NewCSV returns a CSV writer on w.
func NewCSV(w io.Writer) *CSV { return &CSV{table: newTable(w)} }

// BOM writes the byte order mark by which Excel recognises UTF-8. Call it before Columns.
func (c *CSV) BOM() { c.buf = append(c.buf, "\ufeff"...); c.begin = len(c.buf) }

// Columns writes the header row.
func (c *CSV) Columns(names ...string) error {
	c.columns = len(names)
	for _, name := range names {
		c.Text(name)
	}
	return c.EndRow()
}

func (c *CSV) sep() {
	if c.cells++; c.cells > 1 {
		c.buf = append(c.buf, ',')
	}
}

// Text implements Writer.
func (c *CSV) Text(s string) { c.sep(); c.buf = appendCSV(c.buf, s) }

// Bytes implements Writer.
func (c *CSV) Bytes(b []byte) { c.sep(); c.buf = appendCSV(c.buf, b) }

// Int implements Writer.
func (c *CSV) Int(v int64) { c.sep(); c.buf = strconv.AppendInt(c.buf, v, 10) }

// Decimal implements Writer.
func (c *CSV) Decimal(minor int64, exponent int) {
	c.sep()
	c.buf = money.AppendDecimal(c.buf, minor, exponent)
}

// Time implements Writer.
func (c *CSV) Time(t time.Time) {
	c.sep()
	if !t.IsZero() {
		c.buf = t.UTC().AppendFormat(c.buf, time.RFC3339)
	}
}

// Bool implements Writer.
func (c *CSV) Bool(v bool) { c.sep(); c.buf = strconv.AppendBool(c.buf, v) }

// Empty implements Writer.
func (c *CSV) Empty() { c.sep() }

// EndRow implements Writer.
func (c *CSV) EndRow() error {
	if c.cells > 0 && len(c.buf)-c.begin == c.cells-1 { // nothing but commas would read as a blank line
		c.buf = append(c.buf[:c.begin], `""`...)
		for range c.cells - 1 {
			c.buf = append(c.buf, ',')
		}
	}
	c.buf = append(c.buf, '\n')
	err := c.endRow()
	c.begin = len(c.buf)
	return err
}

// Close implements Writer.
func (c *CSV) Close() error { return c.close() }

// special marks the bytes for which a cell is quoted: besides those of RFC 4180 the delimiters of other dialects.
var special = [256]bool{'"': true, ',': true, '\n': true, '\r': true, ';': true, '\t': true, '|': true}

func appendCSV[T string | []byte](b []byte, s T) []byte {
	if len(s) == 0 {
		return b
	}
	mark := !harmless[s[0]] && guarded(string(s))
	quote := mark || s[0] == ' ' || s[len(s)-1] == ' '
	for i := 0; i < len(s) && !quote; i++ {
		quote = special[s[i]]
	}
	if !quote {
		return append(b, s...)
	}
	b = append(b, '"')
	if mark {
		b = append(b, guardMark)
	}
	from := 0
	for i := range len(s) {
		if s[i] == '"' {
			b = append(b, s[from:i+1]...)
			from = i // the mark is written a second time with what follows
		}
	}
	return append(append(b, s[from:]...), '"')
}
