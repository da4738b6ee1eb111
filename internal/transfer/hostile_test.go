package transfer

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"entente.dev/internal/kernel/errs"
)

// line is an endless line of a file that claims to be of some size; reading it needs no memory.
type line struct {
	head string
	left int64
}

func (l *line) Read(p []byte) (int, error) {
	if l.head != "" {
		n := copy(p, l.head)
		l.head = l.head[n:]
		return n, nil
	}
	if l.left <= 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), l.left))
	for i := range p[:n] {
		p[i] = 'x'
	}
	l.left -= int64(n)
	return n, nil
}

// A file that is no usable table is refused with a reason, and nothing of it stays (invariant 1).
func TestHostileFilesLeaveNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head := "name,employees\n"
	late := head + strings.Repeat("Konex,5\n", 3*chunkSize)
	wide := strings.Repeat("c,", 300) + "name\n" + strings.Repeat(",", 300) + "Konex\n"
	for name, c := range map[string]struct {
		file io.Reader
		kind errs.Kind
		code string
	}{
		"a zip":                      {strings.NewReader("PK\x03\x04rest"), errs.Malformed, "sheet.not_csv"},
		"an Excel workbook":          {strings.NewReader("PK\x03\x04..[Content_Types].xml"), errs.Malformed, "sheet.not_csv"},
		"binary":                     {strings.NewReader(strings.Repeat("\x00\x01\x02", 100)), errs.Malformed, "sheet.not_csv"},
		"nothing":                    {strings.NewReader(""), errs.Malformed, "sheet.empty"},
		"a header alone":             {strings.NewReader(head), errs.Malformed, "sheet.no_rows"},
		"a web page":                 {strings.NewReader("<!doctype html><table>"), errs.Malformed, "sheet.not_csv"},
		"a line of 2 GB":             {&line{head, 2 << 30}, errs.TooLarge, "sheet.field_too_large"},
		"a line of 2 GB behind rows": {io.MultiReader(strings.NewReader(late), &line{"", 2 << 30}), errs.TooLarge, "sheet.field_too_large"},
		"a quotation mark left open": {io.MultiReader(strings.NewReader(late+`"`), &line{"", 1 << 20}), errs.TooLarge, "sheet.field_too_large"},
		"300 columns":                {strings.NewReader(wide), errs.TooLarge, "sheet.too_many_columns"},
		"a reader that breaks off":   {io.MultiReader(strings.NewReader(late), brokenReader{}), errs.Internal, "internal"},
		"no column for the name":     {strings.NewReader("foo,bar\n1,2\n"), errs.Invalid, "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := w.s.Upload(t.Context(), w.ada, UploadInput{Kind: Accounts, FileName: "x.csv", File: c.file})
			runtime.ReadMemStats(&after)
			wantCode(t, err, c.kind, c.code)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
				t.Errorf("the heap grew by %d MiB", grown>>20)
			}
		})
	}
	for _, table := range []string{"import_run", "import_row", "account", "river.river_job"} {
		if n := one[int](w, `select count(*) from `+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, fmt.Errorf("the line is dead") }

func inUTF16(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// What merely looks unusual goes in: byte order marks, other encodings, delimiters, line breaks in cells, many columns, rows
// that are broken beside rows that are not.
func TestUnusualFilesGoIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	many := make([]string, 200)
	for i := range many {
		many[i] = fmt.Sprintf("c%d", i)
	}
	for i, c := range []struct {
		name, file       string
		created, refused int
		want             string // an account that is there now
	}{
		{"mark", "\ufeffname,country\nMarked,DE\n", 1, 0, "Marked"},
		{"UTF-16", inUTF16("name\tcountry\nŁódź\tPL\n"), 1, 0, "Łódź"},
		{"Windows-1252", "name;country\nM\xfcller;DE\n", 1, 0, "Müller"},
		{"semicolons", "name;employees;country\nSemi;1.200;DE\n", 1, 0, "Semi"},
		{"line breaks", "name,country\r\n\"Broken\nName\",DE\r\n", 1, 0, "Broken Name"},
		{"200 columns", strings.Join(many, ",") + ",name\n" + strings.Repeat(",", 200) + "Wide\n", 1, 0, "Wide"},
		{"ragged", "name,country\nGood,DE\nBad,DE,extra,cells\nShort\n", 1, 2, "Good"},
		{"formula", "name,country\n'=1+1,DE\n", 1, 0, "=1+1"},
		{"repeated header", "name,name,country\nFirst,Second,DE\n", 1, 0, "First"},
		{"repeated row", "name\nTwin\ntwin \n", 1, 1, "Twin"},
		{"too long", "name\n" + strings.Repeat("n", 201) + "\nFits\n", 1, 1, "Fits"},
	} {
		r := w.load(w.ada, Accounts, "", c.file)
		if r.Status != Committed || r.Created != c.created || r.Refused != c.refused {
			t.Errorf("%d %s: %d created, %d refused: %s", i, c.name, r.Created, r.Refused, r.Report)
		}
		if n := one[int](w, `select count(*) from account where tenant_id = $1 and name = $2`, w.ada.Tenant, c.want); n != 1 {
			t.Errorf("%s: %q stands %d times", c.name, c.want, n)
		}
		rows, err := w.s.Rows(context.Background(), w.ada, RowQuery{Import: r.ID, Outcome: Refused})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows.Items {
			if len(row.Problems) == 0 || row.Problems[0].Message == "" || row.Problems[0].Code == "" || row.No < 2 {
				t.Errorf("%s: row %d is refused without a reason: %+v", c.name, row.No, row.Problems)
			}
		}
	}
}
