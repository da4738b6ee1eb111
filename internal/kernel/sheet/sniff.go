package sheet

import (
	"bytes"
	"io"
	"strings"

	"entente.dev/internal/kernel/errs"
)

// magic lists how files that are not CSV begin.
var magic = []struct{ prefix, looks, do string }{
	{"PK\x03\x04", "a ZIP archive", "Unpack it and choose the CSV file inside."},
	{"PK\x05\x06", "an empty ZIP archive", "Choose a CSV file."},
	{"PK\x07\x08", "a ZIP archive", "Unpack it and choose the CSV file inside."},
	{"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", saveAs},
	{"\x1f\x8b", "a gzip archive", "Unpack it first."},
	{"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."},
	{"Rar!\x1a", "a RAR archive", "Unpack it first."},
	{"\x28\xb5\x2f\xfd", "a Zstandard archive", "Unpack it first."},
	{"\xfd7zXZ", "an XZ archive", "Unpack it first."},
	{"BZh91AY", "a bzip2 archive", "Unpack it first."},
	{"%PDF-", "a PDF document", "Export the table as CSV from the program that made it."},
	{"\x89PNG", "an image", "Choose a CSV file."},
	{"\xff\xd8\xff", "an image", "Choose a CSV file."},
	{"GIF87a", "an image", "Choose a CSV file."},
	{"GIF89a", "an image", "Choose a CSV file."},
	{"II*\x00", "an image", "Choose a CSV file."},
	{"MM\x00*", "an image", "Choose a CSV file."},
	{"\x7fELF", "a program", "Choose a CSV file."},
	{"MZ\x90", "a program", "Choose a CSV file."},
	{"SQLite format 3", "a database", "Export the table as CSV first."},
	{"{\\rtf", "a text document (RTF)", saveAs},
	{"PAR1\x15", "a Parquet file", "Export the table as CSV first."},
	{"\xff\xfe\x00\x00", "UTF-32 text", saveAs},
	{"\x00\x00\xfe\xff", "UTF-32 text", saveAs},
}

const saveAs = `Open it in the program that made it and save it as "CSV UTF-8".`

func notCSV(looks, do string) error {
	return errs.New(errs.Malformed, "sheet.not_csv", "This is not a CSV file: it looks like %s. %s", looks, do)
}

// sniff looks at the first bytes, settles a byte order mark and refuses what is no text.
func (s *source) sniff() error {
	s.fill()
	head := s.raw[:s.end]
	for _, m := range magic {
		if !bytes.HasPrefix(head, []byte(m.prefix)) {
			continue
		}
		if m.prefix[:2] == "PK" && (bytes.Contains(head, []byte("xl/")) || bytes.Contains(head, []byte("[Content_Types].xml"))) {
			return notCSV("an Excel workbook (.xlsx)", saveAs)
		}
		return notCSV(m.looks, m.do)
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		s.enc, s.start = utf8Text, 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		s.enc, s.start = utf16LE, 2
		return nil
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		s.enc, s.start = utf16BE, 2
		return nil
	}
	control := 0
	for _, c := range head {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			control++
		}
	}
	switch nul := bytes.Count(head, []byte{0}); {
	case nul*5 > len(head)*2 && nul*5 < len(head)*3:
		return notCSV("UTF-16 text without a byte order mark", saveAs)
	case nul > 0 || control*20 > len(head):
		return notCSV("binary data", "Choose a CSV file.")
	}
	return nil
}

// sniffText refuses text of other sorts; text is the beginning, decoded.
func sniffText(text []byte) error {
	head := bytes.ToLower(bytes.TrimLeft(text[:min(len(text), 1024)], " \t\r\n"))
	for _, prefix := range []string{"<!doctype", "<html", "<table", "<head", "<style", "<meta"} {
		if bytes.HasPrefix(head, []byte(prefix)) {
			return notCSV("a web page (some programs export it as .xls)", saveAs)
		}
	}
	if bytes.HasPrefix(head, []byte("<?xml")) {
		return notCSV("XML", saveAs)
	}
	compact := bytes.Join(bytes.Fields(head[:min(len(head), 64)]), nil)
	if bytes.HasPrefix(compact, []byte(`{"`)) || bytes.HasPrefix(compact, []byte(`[{"`)) || bytes.Equal(compact, []byte("[]")) {
		return notCSV("JSON", "Export it as CSV, or use the API to send JSON.")
	}
	return nil
}

const delimiters = ",;\t|"

// guessDelimiter tries each delimiter on the beginning of the text: the one that cuts most records
// into as many cells as the header wins, then the one that cuts more. explicit says that the
// first line names it in Excel's way, "sep=;", and is no header.
func guessDelimiter(text []byte, whole bool) (delim byte, explicit bool) {
	if len(text) >= 5 && strings.EqualFold(string(text[:4]), "sep=") && strings.IndexByte(delimiters, text[4]) >= 0 &&
		(len(text) == 5 || text[5] == '\r' || text[5] == '\n') {
		return text[4], true
	}
	delim = ','
	best, most := 0, 1
	for _, d := range []byte(delimiters) {
		columns, same := tryDelimiter(text, d, whole)
		if columns > 1 && (same > best || same == best && columns > most) {
			delim, best, most = d, same, columns
		}
	}
	return delim, false
}

func tryDelimiter(text []byte, d byte, whole bool) (columns, same int) {
	s := scanner{delim: d, lim: Limits{Field: window * 3, Record: window * 3, Columns: window * 3}, buf: text, end: io.EOF}
	for range 50 {
		if s.record() != nil || columns > 0 && !whole && !s.more() {
			break // a record cut by the window says nothing, unless it is the header
		}
		switch n := len(s.ends); {
		case s.blank():
		case columns == 0:
			columns, same = n, 1
		case n == columns:
			same++
		}
	}
	return columns, same
}
