// Package sheet reads tables that strangers upload and writes tables that strangers open.
//
// Reading holds one record at a time, whatever the input claims to be; every refusal says which row
// and what to do. Writing streams rows, as CSV that no spreadsheet takes for formulas, or as JSON.
package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"entente.dev/internal/kernel/errs"
)

// Limits bound what a Reader accepts. A zero field means the default.
type Limits struct {
	Field   int   // bytes of one cell: 64 KiB
	Record  int   // bytes of one record's cells together: 1 MiB
	Columns int   // cells in a record: 256
	Rows    int   // records with content after the header: 200,000
	Total   int64 // bytes of the whole input: 256 MiB
}

func (l Limits) orDefault() Limits {
	pick := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	pick(&l.Field, 64<<10)
	pick(&l.Record, 1<<20)
	pick(&l.Columns, 256)
	pick(&l.Rows, 200_000)
	if l.Total <= 0 {
		l.Total = 256 << 20
	}
	return l
}

// Info is what Open found out about a file.
type Info struct {
	Encoding  string // "UTF-8", "Windows-1252", "UTF-16LE" or "UTF-16BE"
	Delimiter string // one of , ; tab |
	// Header lists columns without a name and repeated names (codes sheet.header_empty and
	// sheet.header_repeated; Name is "column 3"). The columns can still be told apart by position.
	Header []errs.Field
}

// Row is one record after the header.
type Row struct {
	Number int      // as a spreadsheet numbers it: the header is usually 1, blank rows count, line breaks in cells do not
	Line   int      // physical line of the file on which the record begins
	Cells  []string // at least as many as the header; valid UTF-8 without NUL; belongs to the caller
	// Problem is nil or why the row should not be used as it is: an Invalid *errs.Error with code
	// sheet.ragged, sheet.quote or sheet.encoding.
	Problem error
}

// Reader reads a table record by record. It is not safe for concurrent use.
type Reader struct {
	src    *source
	scan   scanner
	header []string
	notes  []errs.Field
	rows   int
	err    error
}

// Open sniffs r and reads the header, which is the first record with content. Errors: Malformed
// sheet.not_csv (says what the file looks like) or sheet.empty; TooLarge with a code for the limit
// (sheet.field_too_large, record_too_large, too_many_columns, too_many_rows, too_large); or what r returned.
func Open(r io.Reader, lim Limits) (*Reader, error) {
	lim = lim.orDefault()
	src := newSource(r, lim.Total)
	if err := src.sniff(); err != nil {
		return nil, err
	}
	text, err := src.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := sniffText(text); err != nil {
		return nil, err
	}
	delim, explicit := guessDelimiter(text, src.start == src.end && src.err != nil)
	t := &Reader{src: src, scan: scanner{next: src.next, buf: text, end: err, delim: delim, lim: lim}}
	if explicit {
		err = t.scan.record()
	}
	for err == nil {
		if err = t.scan.record(); err == nil && !t.scan.blank() {
			if err := t.readHeader(); err != nil {
				return nil, err
			}
			return t, nil
		}
	}
	if errors.Is(err, io.EOF) {
		return nil, errs.New(errs.Malformed, "sheet.empty", "The file is empty. Its first row must name the columns.")
	}
	return nil, err
}

func (t *Reader) readHeader() error {
	if t.scan.fault != nil {
		e := *t.scan.fault
		e.Kind = errs.Malformed
		return &e
	}
	cells, _ := t.cells()
	for len(cells) > 1 && strings.TrimSpace(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	seen := map[string]int{}
	for i, name := range cells {
		name = strings.TrimSpace(name)
		cells[i] = name
		column := fmt.Sprintf("column %d", i+1)
		if name == "" {
			t.notes = append(t.notes, errs.Field{Name: column, Code: "sheet.header_empty", Msg: "This column has no name."})
		} else if first, again := seen[strings.ToLower(name)]; again {
			t.notes = append(t.notes, errs.Field{
				Name: column, Code: "sheet.header_repeated", Msg: fmt.Sprintf("%q is already the name of column %d.", name, first),
			})
		} else {
			seen[strings.ToLower(name)] = i + 1
		}
	}
	t.header = cells
	return nil
}

// Header returns the column names without surrounding blanks and without empty ones at the end.
func (t *Reader) Header() []string { return t.header }

// Info returns what is known of the file. The encoding is final when Next has returned io.EOF: a
// file may be plain ASCII, reported as UTF-8, until a late row.
func (t *Reader) Info() Info {
	return Info{Encoding: t.src.enc.String(), Delimiter: string(t.scan.delim), Header: t.notes}
}

// Next returns the next row with content, or io.EOF. Rows that can be shown but not used carry a
// Problem. Other errors are those of Open; they are final and the same on every further call.
func (t *Reader) Next() (Row, error) {
	if t.err != nil {
		return Row{}, t.err
	}
	for {
		if t.err = t.scan.record(); t.err != nil {
			return Row{}, t.err
		}
		if !t.scan.blank() {
			break
		}
	}
	if t.rows++; t.rows > t.scan.lim.Rows {
		t.err = errs.New(errs.TooLarge, "sheet.too_many_rows", "Row %d is beyond the limit of %d rows. Split the file.", t.scan.row, t.scan.lim.Rows)
		return Row{}, t.err
	}
	row := Row{Number: t.scan.row, Line: t.scan.first}
	found := len(t.scan.ends)
	cells, clean := t.cells()
	for len(cells) > len(t.header) && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	var problem *errs.Error
	switch {
	case t.scan.fault != nil:
		problem = t.scan.fault
	case !clean:
		problem = t.scan.problem("sheet.encoding", "has characters that are not %s text. Save the file as CSV UTF-8.", t.src.enc)
	case len(cells) > len(t.header) || found < len(t.header):
		problem = t.scan.problem("sheet.ragged", "has %d cells, the header has %d.", found, len(t.header))
	}
	if problem != nil {
		row.Problem = problem
	}
	for len(cells) < len(t.header) {
		cells = append(cells, "")
	}
	row.Cells = cells
	return row, nil
}

// cells copies the current record's cells; clean is false when some were no proper text and had to be repaired.
func (t *Reader) cells() (cells []string, clean bool) {
	s := &t.scan
	all := string(s.rec)
	cells = make([]string, len(s.ends), max(len(s.ends), len(t.header)))
	ascii, clean := indexNonASCII(s.rec) < 0, bytes.IndexByte(s.rec, 0) < 0
	plain := ascii && clean
	begin := 0
	for i, end := range s.ends {
		c := all[begin:end]
		begin = end
		if !plain {
			if !utf8.ValidString(c) {
				c, clean = strings.ToValidUTF8(c, "\ufffd"), false
			}
			c = strings.ReplaceAll(c, "\x00", "")
		}
		cells[i] = unguard(c)
	}
	return cells, clean
}

func size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
