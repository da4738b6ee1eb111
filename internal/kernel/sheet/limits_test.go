package sheet

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"entente.dev/internal/kernel/errs"
)

// endless repeats text up to n bytes and counts what was taken.
type endless struct {
	text  string
	n     int64
	taken int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.taken >= e.n {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && e.taken+int64(n) < e.n {
		at := int((e.taken + int64(n)) % int64(len(e.text)))
		n += copy(p[n:], e.text[at:])
	}
	e.taken += int64(n)
	return n, nil
}

func TestHugeLinesAreRefusedEarly(t *testing.T) {
	cell := strings.Repeat("x", 30_000)
	for _, c := range []struct {
		what, head, text, code string
	}{
		{"one cell", "a,b\n", "x", "sheet.field_too_large"},
		{"one quoted cell", "a,b\n\"", "x\n", "sheet.field_too_large"},
		{"doubled quotes", "a,b\n\"", `""`, "sheet.field_too_large"},
		{"no newline at all", "", "abc", "sheet.field_too_large"},
		{"cells", "a,b\n", "1,", "sheet.too_many_columns"},
		{"large cells", "a,b\n", cell + ",", "sheet.record_too_large"},
		{"header", "", "a,", "sheet.too_many_columns"},
		{"Windows-1252", "a,b\n", "\xfc", "sheet.field_too_large"},
		{"UTF-16", toUTF16("a,b\n", false), "x\x00", "sheet.field_too_large"},
	} {
		in := &endless{text: c.text, n: 2 << 30}
		_, rows, err := readAll(io.MultiReader(strings.NewReader(c.head), in), Limits{Total: 4 << 30})
		if e := errs.Of(err); e == nil || e.Kind != errs.TooLarge || e.Code != c.code || !strings.Contains(e.Msg, "Row ") {
			t.Errorf("%s: %d rows, %v; want %s", c.what, len(rows), err, c.code)
		}
		if in.taken > 1<<20+2*window {
			t.Errorf("%s: %d bytes were read", c.what, in.taken)
		}
	}
}

func TestMemoryStaysBounded(t *testing.T) {
	in := &endless{text: strings.Repeat("x", 50_000) + "," + strings.Repeat("y", 50_000) + "\n", n: 100_002 * 500}
	r, err := Open(io.MultiReader(strings.NewReader("a,b\n"), in), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	peak := uint64(0)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := 0; ; n++ {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if n%50 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			peak = max(peak, after.HeapAlloc)
		}
	}
	if grown := int64(peak) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("50 MB of rows held %d bytes", grown)
	}
}

func TestLimits(t *testing.T) {
	wide := strings.TrimSuffix(strings.Repeat("c,", 200), ",")
	_, rows, err := readAll(strings.NewReader(wide+"\n"+wide+"\n"), Limits{})
	if err != nil || len(rows) != 1 || len(rows[0].Cells) != 200 || rows[0].Problem != nil {
		t.Errorf("200 columns: %d rows, %v", len(rows), err)
	}
	small := Limits{Field: 10, Record: 20, Columns: 3, Rows: 2, Total: 1000}
	for _, c := range []struct{ in, code, says string }{
		{"a\n12345678901\n", "sheet.field_too_large", "Row 2 (line 2) has a cell of more than 10 bytes"},
		{"a,b,c\n1234567890,1234567890,1\n", "sheet.record_too_large", "Row 2 (line 2) is longer than 20 bytes"},
		{"a\n\"\n\"\n1,2,3,4\n", "sheet.too_many_columns", "Row 3 (line 4) has more than 3 columns"},
		{"a\n1\n\n2\n3\n", "sheet.too_many_rows", "Row 5 is beyond the limit of 2 rows"},
		{"a\n" + strings.Repeat("\n", 1000), "sheet.too_large", "larger than 1000 bytes"},
	} {
		r, _, err := readAll(strings.NewReader(c.in), small)
		if e := errs.Of(err); e == nil || e.Kind != errs.TooLarge || e.Code != c.code || !strings.Contains(e.Msg, c.says) {
			t.Errorf("%q: %v, want %s", c.in, err, c.code)
		}
		if r != nil {
			if _, again := r.Next(); again == nil || again.Error() != err.Error() {
				t.Errorf("%q: the error is not final: %v", c.in, again)
			}
		}
	}
	if _, rows, err := readAll(strings.NewReader("a\n1234567890\n2\n\n"), small); err != nil || len(rows) != 2 {
		t.Errorf("exactly at the limits: %d rows, %v", len(rows), err)
	}
}
