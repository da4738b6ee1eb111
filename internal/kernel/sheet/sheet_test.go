package sheet

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"entente.dev/internal/kernel/errs"
)

func readAll(r io.Reader, lim Limits) (t *Reader, rows []Row, err error) {
	t, err = Open(r, lim)
	if err != nil {
		return nil, nil, err
	}
	for {
		row, err := t.Next()
		if errors.Is(err, io.EOF) {
			return t, rows, nil
		}
		if err != nil {
			return t, rows, err
		}
		rows = append(rows, row)
	}
}

func open(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "testdata", "crm-sales-opportunities", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestRealFiles(t *testing.T) {
	for name, want := range map[string]int{"accounts.csv": 85, "products.csv": 7, "sales_teams.csv": 35, "sales_pipeline.csv": 8800} {
		r, rows, err := readAll(open(t, name), Limits{})
		if err != nil || len(rows) != want {
			t.Fatalf("%s: %d rows, %v; want %d", name, len(rows), err, want)
		}
		if info := r.Info(); info.Encoding != "UTF-8" || info.Delimiter != "," || info.Header != nil {
			t.Errorf("%s: %+v", name, info)
		}
		for i, row := range rows {
			if row.Problem != nil || row.Number != i+2 || row.Line != i+2 {
				t.Fatalf("%s: row %d: %+v", name, i, row)
			}
		}
		if name != "sales_pipeline.csv" {
			continue
		}
		sum, stages, orphans := 0, map[string]int{}, 0
		for _, row := range rows {
			stages[row.Cells[4]]++
			if row.Cells[3] == "" {
				orphans++
			}
			if v := row.Cells[7]; v != "" {
				n, err := strconv.Atoi(v)
				if err != nil {
					t.Fatal(err)
				}
				sum += n
			}
		}
		if sum != 10_005_534 || orphans != 1425 {
			t.Errorf("sum %d, %d without account", sum, orphans)
		}
		if diff := cmp.Diff(map[string]int{"Won": 4238, "Lost": 2473, "Engaging": 1589, "Prospecting": 500}, stages); diff != "" {
			t.Error(diff)
		}
	}
}

func toUTF16(s string, big bool) string {
	b := []byte{0xff, 0xfe}
	if big {
		b = []byte{0xfe, 0xff}
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

func TestDialects(t *testing.T) {
	late := "name,town\n" + strings.Repeat("Smith,Leeds\n", 20_000)
	for _, c := range []struct {
		what, in, encoding, delimiter string
		header                        []string
		last                          Row
	}{
		{"plain", "a,b\n1,2\n", "UTF-8", ",", []string{"a", "b"}, Row{2, 2, []string{"1", "2"}, nil}},
		{"no final newline", "a,b\n1,2", "UTF-8", ",", []string{"a", "b"}, Row{2, 2, []string{"1", "2"}, nil}},
		{"BOM", "\ufeffa,b\nä,2\n", "UTF-8", ",", []string{"a", "b"}, Row{2, 2, []string{"ä", "2"}, nil}},
		{"BOM before a quote", "\ufeff\"a,x\",b\n1,2\n", "UTF-8", ",", []string{"a,x", "b"}, Row{2, 2, []string{"1", "2"}, nil}},
		{"semicolons, decimal commas", "a;b\n1,5;2,5\n", "UTF-8", ";", []string{"a", "b"}, Row{2, 2, []string{"1,5", "2,5"}, nil}},
		{"tabs", "a\tb, c\n1\t2\n", "UTF-8", "\t", []string{"a", "b, c"}, Row{2, 2, []string{"1", "2"}, nil}},
		{"pipes", "a|b\n1|2;3\n", "UTF-8", "|", []string{"a", "b"}, Row{2, 2, []string{"1", "2;3"}, nil}},
		{"Excel's sep line", "sep=;\r\na,x;b\r\n1;2\r\n", "UTF-8", ";", []string{"a,x", "b"}, Row{3, 3, []string{"1", "2"}, nil}},
		{"old Mac", "a,b\r1,2\r3,4\r", "UTF-8", ",", []string{"a", "b"}, Row{3, 3, []string{"3", "4"}, nil}},
		{"Windows-1252", "name;price\nM\xfcller;5 \x80\n", "Windows-1252", ";", []string{"name", "price"}, Row{2, 2, []string{"Müller", "5 €"}, nil}},
		{"Windows-1252 header", "Stra\xdfe,b\n1,2\n", "Windows-1252", ",", []string{"Straße", "b"}, Row{2, 2, []string{"1", "2"}, nil}},
		{"late Windows-1252", late + "M\xfcller,K\xf6ln\n", "Windows-1252", ",", []string{"name", "town"}, Row{20_002, 20_002, []string{"Müller", "Köln"}, nil}},
		{"late UTF-8", late + "Müller,Köln", "UTF-8", ",", []string{"name", "town"}, Row{20_002, 20_002, []string{"Müller", "Köln"}, nil}},
		{"UTF-16LE", toUTF16("name\tx\r\nMüller\t😀\r\n", false), "UTF-16LE", "\t", []string{"name", "x"}, Row{2, 2, []string{"Müller", "😀"}, nil}},
		{"UTF-16BE", toUTF16("name,x\nMüller,😀", true), "UTF-16BE", ",", []string{"name", "x"}, Row{2, 2, []string{"Müller", "😀"}, nil}},
		{"quoted newlines", "a,b\n\"1\r\n2\n3\",\"say \"\"hi\"\"\"\n\n4,5\n", "UTF-8", ",", []string{"a", "b"}, Row{4, 6, []string{"4", "5"}, nil}},
		{"quotes kept inside", "a,b\n5\" pipe,x\n", "UTF-8", ",", []string{"a", "b"}, Row{2, 2, []string{`5" pipe`, "x"}, nil}},
		{"blanks after a quote", "a,b\n\"1\" ,2\n", "UTF-8", ",", []string{"a", "b"}, Row{2, 2, []string{"1", "2"}, nil}},
		{"blank lines count", "\n\na,b\n\n,\n1,2\n,,,\n", "UTF-8", ",", []string{"a", "b"}, Row{6, 6, []string{"1", "2"}, nil}},
		{"empty tails", "a,b,,\n1,2,,,\n", "UTF-8", ",", []string{"a", "b"}, Row{2, 2, []string{"1", "2"}, nil}},
		{"one column", "name\nAcme\n", "UTF-8", ",", []string{"name"}, Row{2, 2, []string{"Acme"}, nil}},
		{"our mark", "a,b\n'=1,'-5\n", "UTF-8", ",", []string{"a", "b"}, Row{2, 2, []string{"=1", "-5"}, nil}},
		{"no mark of ours", "a,b\n'quoted',''\n", "UTF-8", ",", []string{"a", "b"}, Row{2, 2, []string{"'quoted'", "''"}, nil}},
	} {
		for chunks, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "data with EOF": iotest.DataErrReader,
		} {
			r, rows, err := readAll(wrap(strings.NewReader(c.in)), Limits{})
			if err != nil || len(rows) == 0 {
				t.Errorf("%s (%s): %d rows, %v", c.what, chunks, len(rows), err)
				continue
			}
			if diff := cmp.Diff(c.last, rows[len(rows)-1]); diff != "" {
				t.Errorf("%s (%s): %s", c.what, chunks, diff)
			}
			if diff := cmp.Diff(c.header, r.Header()); diff != "" {
				t.Errorf("%s (%s): %s", c.what, chunks, diff)
			}
			if info := r.Info(); info.Encoding != c.encoding || info.Delimiter != c.delimiter {
				t.Errorf("%s (%s): %+v", c.what, chunks, info)
			}
		}
	}
}

func TestEncodingIsDecidedAcrossTheWindowsEdge(t *testing.T) {
	for text, want := range map[string]string{"\xe9t\xe9": "Windows-1252", "über": "UTF-8", "😀": "UTF-8"} {
		for edge := window - 5; edge <= window; edge++ {
			in := "a\n" + strings.Repeat("x\n", (edge-2)/2) + strings.Repeat("y", edge%2) + text
			r, rows, err := readAll(strings.NewReader(in), Limits{})
			if err != nil || r.Info().Encoding != want || rows[len(rows)-1].Problem != nil {
				t.Errorf("%q at byte %d: %s, %v, %v", text, edge, r.Info().Encoding, rows[len(rows)-1], err)
			}
		}
	}
}

func TestRowProblems(t *testing.T) {
	in := "a,b\n1\n1,2,3\nok,ok\n\"x\"y,2\nä\xff,ü\nzu,1\n\"never\nclosed,9\n"
	_, rows, err := readAll(strings.NewReader(in), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		code := ""
		if row.Problem != nil {
			e := errs.Of(row.Problem)
			code = e.Code
			if want := fmt.Sprintf("Row %d (line %d) ", row.Number, row.Line); !strings.HasPrefix(e.Msg, want) || e.Kind != errs.Invalid {
				t.Errorf("%v does not name its row", e)
			}
		}
		got = append(got, fmt.Sprintf("%d %s %q", row.Number, code, row.Cells))
	}
	want := []string{
		`2 sheet.ragged ["1" ""]`, `3 sheet.ragged ["1" "2" "3"]`, `4  ["ok" "ok"]`, `5 sheet.quote ["xy" "2"]`,
		`6 sheet.encoding ["ä�" "ü"]`, `7  ["zu" "1"]`, `8 sheet.quote ["never\nclosed,9\n" ""]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBrokenTextLate(t *testing.T) {
	head := "a,b\n" + strings.Repeat("1,2\n", window/4)
	for what, in := range map[string]string{
		"NUL":                  head + "x\x00,y\n",
		"NUL in UTF-16":        toUTF16("a,b\nx\x00,y\n", false),
		"surrogate":            toUTF16("a,b\nx", true) + "\xd8\x00\x00,\x00y\x00\n",
		"odd byte":             toUTF16("a,b\nx,y", false) + "z",
		"split over two cells": head + "äöü,b\nx\xc3,\xa4\n",
	} {
		_, rows, err := readAll(strings.NewReader(in), Limits{})
		if err != nil || len(rows) == 0 || !errs.Is(rows[len(rows)-1].Problem, "sheet.encoding") {
			t.Errorf("%s: %v %v", what, rows[max(0, len(rows)-1):], err)
		}
	}
}

func TestHeaderNotes(t *testing.T) {
	r, err := Open(strings.NewReader("Name,,name , \"x\"\n"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Name", "", "name", `"x"`}, r.Header()); diff != "" {
		t.Error(diff)
	}
	want := []errs.Field{
		{Name: "column 2", Code: "sheet.header_empty", Msg: "This column has no name."},
		{Name: "column 3", Code: "sheet.header_repeated", Msg: `"name" is already the name of column 1.`},
	}
	if diff := cmp.Diff(want, r.Info().Header); diff != "" {
		t.Error(diff)
	}
}

func TestNotCSV(t *testing.T) {
	for _, c := range []struct{ in, code, says string }{
		{"PK\x03\x04rest", "sheet.not_csv", "ZIP archive"},
		{"PK\x03\x04\x14\x00[Content_Types].xml", "sheet.not_csv", "Excel workbook (.xlsx)"},
		{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "sheet.not_csv", "old Excel"},
		{"\x1f\x8b\x08", "sheet.not_csv", "gzip"},
		{"%PDF-1.7\n", "sheet.not_csv", "PDF"},
		{"\x89PNG\r\n", "sheet.not_csv", "image"},
		{"\xff\xd8\xff\xe0", "sheet.not_csv", "image"},
		{"GIF89a", "sheet.not_csv", "image"},
		{"a,b\n1,\x002\n", "sheet.not_csv", "binary"},
		{"a\x00,\x00b\x00\n\x00", "sheet.not_csv", "UTF-16 text without"},
		{"<!DOCTYPE html><table>", "sheet.not_csv", "web page"},
		{"\ufeff<?xml version='1.0'?>", "sheet.not_csv", "XML"},
		{"[\n  {\"a\": 1}]", "sheet.not_csv", "JSON"},
		{"\x01\x02\x03\x04", "sheet.not_csv", "binary"},
		{"", "sheet.empty", "empty"},
		{"\ufeff", "sheet.empty", "empty"},
		{"\xff\xfe", "sheet.empty", "empty"},
		{"\n\r\n,,\n", "sheet.empty", "empty"},
		{"sep=,\n", "sheet.empty", "empty"},
		{"\"a,b\n1,2\n", "sheet.quote", "never closed"},
	} {
		_, err := Open(strings.NewReader(c.in), Limits{})
		if e := errs.Of(err); e == nil || e.Kind != errs.Malformed || e.Code != c.code || !strings.Contains(e.Msg, c.says) {
			t.Errorf("Open(%q) = %v, want %s about %q", c.in, err, c.code, c.says)
		}
	}
	if _, _, err := readAll(strings.NewReader("PK,name\n1,Acme\n"), Limits{}); err != nil {
		t.Errorf("a primary key column: %v", err)
	}
}

func TestUnderlyingErrorPasses(t *testing.T) {
	broken := errors.New("connection reset")
	_, rows, err := readAll(io.MultiReader(strings.NewReader("a,b\n1,2\n"+strings.Repeat("3,4\n", 40_000)), iotest.ErrReader(broken)), Limits{})
	if !errors.Is(err, broken) || len(rows) == 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	if _, err := Open(iotest.ErrReader(broken), Limits{}); !errors.Is(err, broken) {
		t.Errorf("Open = %v", err)
	}
}
