package sheet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"a,b\n1,2\n", "\ufeffa;b\r\n\"1\"\"\";2", "a\tb\r\"x\r\ny\"z\t", toUTF16("a,b\nä,😀", true), "a,b\n\xfc,\xe4\xb8", "sep=|\na|b\n", "\"", "a,b\n'=1,\x00",
		"\xff\xfe\x00\xd8", "PK\x03\x04", "a,b\n,,\n\"\",\n",
	} {
		f.Add([]byte(s))
	}
	lim := Limits{Field: 60, Record: 100, Columns: 10, Rows: 20, Total: 5000}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, rows, err := readAll(bytes.NewReader(data), lim)
		_, slow, slowErr := readAll(iotest.OneByteReader(bytes.NewReader(data)), lim)
		if (err == nil) != (slowErr == nil) || err != nil && err.Error() != slowErr.Error() {
			t.Fatalf("whole: %v, byte by byte: %v", err, slowErr)
		}
		last := 1
		for i, row := range rows {
			size := 0
			for _, c := range row.Cells {
				size += len(c)
				if !utf8.ValidString(c) || strings.ContainsRune(c, 0) {
					t.Errorf("row %d has unusable text %q", row.Number, c)
				}
			}
			if size > 3*lim.Record || len(row.Cells) > lim.Columns || len(row.Cells) < len(r.Header()) || row.Number <= last || row.Line < row.Number {
				t.Errorf("row %d after %d, line %d, %d cells of %d bytes", row.Number, last, row.Line, len(row.Cells), size)
			}
			if slow[i].Number != row.Number || slow[i].Line != row.Line || !slices.Equal(slow[i].Cells, row.Cells) || (slow[i].Problem == nil) != (row.Problem == nil) {
				t.Errorf("row %d depends on how the input was cut: %v, %v", row.Number, row, slow[i])
			}
			last = row.Number
		}
		if len(rows) > lim.Rows {
			t.Errorf("%d rows", len(rows))
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("=1+1", "'-x", "a\r\nb", int64(-5))
	f.Add("\ufeff+", "\"", " ", int64(0))
	f.Add("", "", "", int64(0))
	f.Fuzz(func(t *testing.T, a, b, c string, n int64) {
		clean := func(s string) string { // a file full of control characters is refused as binary
			return strings.Map(func(r rune) rune {
				if r < ' ' && r != '\t' && r != '\r' && r != '\n' {
					return '?'
				}
				return r
			}, strings.ToValidUTF8(s, "?"))
		}
		want := [][]string{{clean(a), clean(b), clean(c)}, {clean(c), "", clean(a)}, {"", "", ""}}
		var asCSV, asJSON bytes.Buffer
		for _, w := range []Writer{NewCSV(&asCSV), NewJSON(&asJSON)} {
			if err := w.Columns("x", "y", "z"); err != nil {
				t.Fatal(err)
			}
			for i, row := range want {
				w.Text(row[0])
				if i == 2 {
					w.Int(n)
				} else {
					w.Text(row[1])
				}
				w.Bytes([]byte(row[2]))
				if err := w.EndRow(); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var objects []map[string]any
		if err := json.Unmarshal(asJSON.Bytes(), &objects); err != nil || len(objects) != 3 || objects[0]["x"] != want[0][0] || objects[0]["z"] != want[0][2] {
			t.Fatalf("JSON %q: %v", asJSON.String(), err)
		}
		r, err := Open(&asCSV, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			row, err := r.Next()
			if err != nil || row.Problem != nil {
				t.Fatalf("row %d: %v %v", i, err, row.Problem)
			}
			if i == 2 {
				row.Cells[1] = ""
			}
			if diff := cmp.Diff(want[i], row.Cells); diff != "" {
				t.Error(diff)
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("more rows than were written: %v", err)
		}
	})
}
