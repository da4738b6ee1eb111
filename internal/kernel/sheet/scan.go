package sheet

import (
	"bytes"
	"errors"
	"io"

	"entente.dev/internal/kernel/errs"
)

// scanner splits UTF-8 chunks into records by RFC 4180, leniently: any line ending, quotes inside
// an unquoted cell, text behind a closing quote. It never holds more than one record and one chunk.
type scanner struct {
	next  func() ([]byte, error)
	buf   []byte
	pos   int
	end   error // why next gave no more
	delim byte
	lim   Limits

	rec    []byte // the cells of the current record, without separators
	ends   []int  // where each cell ends in rec
	quoted bool   // some cell of the record was quoted
	row    int    // number of the current record as a spreadsheet counts, from 1
	first  int    // physical line on which the record begins
	line   int    // physical lines finished so far
	lastCR bool
	fault  *errs.Error // what is wrong with the record, if it can be shown nevertheless
}

// more makes sure that a byte stands at pos.
func (s *scanner) more() bool {
	for s.pos >= len(s.buf) {
		if s.end != nil {
			return false
		}
		s.pos = 0
		s.buf, s.end = s.next()
	}
	return true
}

// record reads the next record. io.EOF means there is none; other errors are final.
func (s *scanner) record() error {
	s.rec, s.ends, s.quoted, s.fault = s.rec[:0], s.ends[:0], false, nil
	if !s.more() {
		return s.end
	}
	s.row++
	s.first = s.line + 1
	for {
		after := false
		if s.more() && s.buf[s.pos] == '"' {
			s.pos++
			s.quoted, after = true, true
			if err := s.quotedCell(); err != nil {
				return err
			}
		}
		last, err := s.plainCell(after)
		if err != nil {
			return err
		}
		if s.ends = append(s.ends, len(s.rec)); len(s.ends) > s.lim.Columns {
			return s.tooLarge("sheet.too_many_columns", "has more than %d columns", s.lim.Columns)
		}
		if last {
			break
		}
	}
	if s.end != nil && !errors.Is(s.end, io.EOF) {
		return s.end
	}
	return nil
}

// plainCell reads to the end of the cell; last says that it was the record's last.
func (s *scanner) plainCell(afterQuote bool) (last bool, err error) {
	for s.more() {
		rest := s.buf[s.pos:]
		n := 0
		for n < len(rest) && rest[n] != s.delim && rest[n] != '\n' && rest[n] != '\r' {
			n++
		}
		if n > 0 {
			text := rest[:n]
			if afterQuote && len(bytes.Trim(text, " ")) == 0 {
				text = nil
			} else if afterQuote {
				s.fault = s.problem("sheet.quote", "has text behind a closing quotation mark. Double every quotation mark inside a cell.")
			}
			if err := s.add(text, ""); err != nil {
				return false, err
			}
			s.pos += n
			continue
		}
		s.pos++
		if rest[0] == s.delim {
			return false, nil
		}
		if rest[0] == '\r' && s.more() && s.buf[s.pos] == '\n' {
			s.pos++
		}
		s.line++
		return true, nil
	}
	return true, nil
}

// quotedCell reads behind the closing quotation mark.
func (s *scanner) quotedCell() error {
	opened := s.line + 1
	s.lastCR = false
	for s.more() {
		rest := s.buf[s.pos:]
		n := bytes.IndexByte(rest, '"')
		closing := n >= 0
		if !closing {
			n = len(rest)
		}
		s.countLines(rest[:n])
		if err := s.add(rest[:n], " Perhaps a quotation mark is never closed."); err != nil {
			return err
		}
		s.pos += n
		if !closing {
			continue
		}
		s.pos++
		if !s.more() || s.buf[s.pos] != '"' {
			return nil
		}
		s.pos++
		if err := s.add([]byte{'"'}, ""); err != nil {
			return err
		}
	}
	s.fault = s.problem("sheet.quote", "opens a quotation mark on line %d that is never closed.", opened)
	return nil
}

func (s *scanner) countLines(b []byte) {
	if bytes.IndexByte(b, '\r') < 0 && !s.lastCR {
		s.line += bytes.Count(b, []byte{'\n'})
		return
	}
	for _, c := range b {
		if c == '\r' || c == '\n' && !s.lastCR {
			s.line++
		}
		s.lastCR = c == '\r'
	}
}

// add appends b to the current cell within the limits.
func (s *scanner) add(b []byte, hint string) error {
	begin := 0
	if n := len(s.ends); n > 0 {
		begin = s.ends[n-1]
	}
	if len(s.rec)-begin+len(b) > s.lim.Field {
		return s.tooLarge("sheet.field_too_large", "has a cell of more than %s.%s", size(int64(s.lim.Field)), hint)
	}
	if len(s.rec)+len(b) > s.lim.Record {
		return s.tooLarge("sheet.record_too_large", "is longer than %s.%s", size(int64(s.lim.Record)), hint)
	}
	s.rec = append(s.rec, b...)
	return nil
}

func (s *scanner) problem(code, format string, args ...any) *errs.Error {
	return errs.New(errs.Invalid, code, "Row %d (line %d) "+format, append([]any{s.row, s.first}, args...)...)
}

func (s *scanner) tooLarge(code, format string, args ...any) *errs.Error {
	e := s.problem(code, format, args...)
	e.Kind = errs.TooLarge
	return e
}

// blank reports whether the record is an empty line or, as spreadsheets leave them, a line of separators only.
func (s *scanner) blank() bool { return len(s.rec) == 0 && !s.quoted }
