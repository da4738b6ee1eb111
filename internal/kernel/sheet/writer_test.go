package sheet

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var moment = time.Date(2026, 3, 4, 5, 6, 7, 8, time.FixedZone("", 3600))

func fillTable(t *testing.T, w Writer) {
	t.Helper()
	if err := w.Columns("text", "bytes", "int", "amount", "at", "yes", "none"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Acme", "=1+1", "say \"hi\",\nü\\", ""} {
		w.Text(text)
		w.Bytes([]byte(text))
		w.Int(-5)
		w.Decimal(-123456, 2)
		w.Time(moment)
		w.Bool(true)
		w.Empty()
		if err := w.EndRow(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	fillTable(t, NewCSV(&b))
	want := "text,bytes,int,amount,at,yes,none\n" +
		"Acme,Acme,-5,-1234.56,2026-03-04T04:06:07Z,true,\n" +
		"\"'=1+1\",\"'=1+1\",-5,-1234.56,2026-03-04T04:06:07Z,true,\n" +
		"\"say \"\"hi\"\",\nü\\\",\"say \"\"hi\"\",\nü\\\",-5,-1234.56,2026-03-04T04:06:07Z,true,\n" +
		",,-5,-1234.56,2026-03-04T04:06:07Z,true,\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	fillTable(t, NewJSON(&b))
	var got []map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, b.String())
	}
	if len(got) != 4 {
		t.Fatalf("%d objects", len(got))
	}
	const text = "say \"hi\",\nü\\"
	want := map[string]any{"text": text, "bytes": text, "int": -5.0, "amount": "-1234.56", "at": "2026-03-04T04:06:07Z", "yes": true, "none": nil}
	if diff := cmp.Diff(want, got[2]); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	empty := NewJSON(&b)
	if err := errors.Join(empty.Columns("a"), empty.Close()); err != nil || json.Unmarshal(b.Bytes(), &got) != nil || len(got) != 0 {
		t.Errorf("an empty table is %q, %v", b.String(), err)
	}
}

func TestFormulaGuard(t *testing.T) {
	dangerous := []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "﹦1", "  =1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\u3000=1",
		" \t=1", "\x01=1", "'=1", "''=1", "' =1", "=", "-", "=cmd|' /C calc'!A0", "\u00ad=1", "\u2060+1",
	}
	safe := []string{"Acme", "a=b", "1-2", "'quoted'", "'", "", " ", "Ä=1", "\"=1", "(1)", "#x", "日本=", "5"}
	for _, s := range append(dangerous, safe...) {
		var b bytes.Buffer
		w := NewCSV(&b)
		if err := w.Columns("a", "b"); err != nil {
			t.Fatal(err)
		}
		w.Text(s)
		w.Bytes([]byte(s))
		if err := errors.Join(w.EndRow(), w.Close()); err != nil {
			t.Fatal(err)
		}
		raw, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		marked := len(raw) == 2 && raw[1][0] == "'"+strings.ReplaceAll(s, "\r\n", "\n")
		if want := slices.Contains(dangerous, s); marked != want || raw[1][0] != raw[1][1] {
			t.Errorf("%q was written as %q, marked %v", s, raw[1], marked)
		}
	}
}

func TestWriterRefusesUnevenRows(t *testing.T) {
	for _, w := range []Writer{NewCSV(io.Discard), NewJSON(io.Discard)} {
		if err := w.Columns("a", "b"); err != nil {
			t.Fatal(err)
		}
		w.Int(1)
		if w.EndRow() == nil {
			t.Errorf("%T took a row that is too short", w)
		}
		if w.Close() == nil {
			t.Errorf("%T forgot its error", w)
		}
	}
}

type failing struct{ after int }

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func TestWriterErrorSticks(t *testing.T) {
	for _, w := range []Writer{NewCSV(&failing{100_000}), NewJSON(&failing{100_000})} {
		_ = w.Columns("a")
		rows := 0
		for rows < 1_000_000 {
			w.Text("some text that fills the buffer")
			if w.EndRow() != nil {
				break
			}
			rows++
		}
		if rows == 1_000_000 || !errors.Is(w.Close(), io.ErrClosedPipe) {
			t.Errorf("%T wrote %d rows to a broken pipe", w, rows)
		}
	}
}

func TestNoAllocationPerCell(t *testing.T) {
	for _, w := range []Writer{NewCSV(io.Discard), NewJSON(io.Discard)} {
		if err := w.Columns("a", "b", "c", "d", "e", "f"); err != nil {
			t.Fatal(err)
		}
		text, raw := "-Müller, \"Söhne\"", []byte("Acme Corporation")
		if n := testing.AllocsPerRun(1000, func() { writeRow(w, text, raw) }); n != 0 {
			t.Errorf("%T allocates %v times a row", w, n)
		}
	}
}

func writeRow(w Writer, text string, raw []byte) {
	w.Text(text)
	w.Bytes(raw)
	w.Int(math.MinInt64)
	w.Decimal(1234567, 2)
	w.Time(moment)
	w.Bool(false)
	_ = w.EndRow()
}

func BenchmarkWriter(b *testing.B) {
	for name, w := range map[string]Writer{"csv": NewCSV(io.Discard), "json": NewJSON(io.Discard)} {
		b.Run(name, func(b *testing.B) {
			_ = w.Columns("a", "b", "c", "d", "e", "f")
			raw := []byte("Acme Corporation")
			b.ReportAllocs()
			for b.Loop() {
				writeRow(w, "Müller Söhne, \"Ltd\"", raw)
			}
			b.ReportMetric(float64(b.N)*6/b.Elapsed().Seconds(), "cells/s")
		})
	}
}

func BenchmarkReader(b *testing.B) {
	f := open(&testing.T{}, "sales_pipeline.csv")
	data, err := io.ReadAll(f)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, rows, err := readAll(bytes.NewReader(data), Limits{}); err != nil || len(rows) != 8800 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*8800*8/b.Elapsed().Seconds(), "cells/s")
}
