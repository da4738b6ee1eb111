package chart

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"pgregory.net/rapid"
)

func draw(t interface{ Fatal(...any) }, c templ.Component) string {
	var b strings.Builder
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestChartsCarryTheirFigures(t *testing.T) {
	t.Parallel()
	bars := draw(t, Bars(BarsData{ID: "p", Title: "Pipeline", Summary: "Mostly A.", LabelHead: "Stage", ValueHead: "Value", NoteHead: "Deals",
		Bars: []Bar{{"A", 50, "€50", "5 deals", "/deals?stage=a"}, {"B & C", 100, "€100", "1 deal", ""}}}))
	for _, want := range []string{`width="50.00%"`, `width="100.00%"`, `B &amp; C`, `<th scope="row"><a href="/deals?stage=a">A</a></th><td class="num">€50</td><td class="num">5 deals</td>`, "Mostly A."} {
		if !strings.Contains(bars, want) {
			t.Errorf("bars lack %s", want)
		}
	}
	cols := draw(t, Columns(ColumnsData{ID: "w", Title: "Won", Summary: "s", LabelHead: "Month", ValueHead: "Won", Columns: []Column{{Label: "March 2026", Short: "Mar", Value: 3, Text: "€3"}, {Label: "April 2026", Short: "Apr"}}}))
	for _, want := range []string{`role="img" aria-labelledby="w-t w-d"`, `<title id="w-t">Won</title>`, `<title>March 2026: €3</title>`, `<td class="num">€3</td>`} {
		if !strings.Contains(cols, want) {
			t.Errorf("columns lack %s", want)
		}
	}
	if n := strings.Count(cols, `class="fill"`); n != 1 {
		t.Errorf("%d columns drawn, want 1: zero is no column", n)
	}
	ages := draw(t, Ages(AgesData{ID: "a", Title: "Waiting", LabelHead: "Age", CountHead: "Deals", Bins: []Bin{{"today", 4, false, ""}, {"> 7 d", 2, true, "/deals/queue"}}}))
	if strings.Count(ages, `class="fill late"`) != 1 || !strings.Contains(ages, `<td class="num">4</td>`) {
		t.Error("ages lack the late bin or the table")
	}
}

var numbers = regexp.MustCompile(` (?:x|y|x1|x2|y1|y2|width|height)="(-?[0-9.]+|NaN|[+-]?Inf)%?"`)

// TestAnyFigureStaysInside draws random figures; nothing may leave the plot or be no number.
func TestAnyFigureStaysInside(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 1e15), 0, 20).Draw(t, "values")
		d := ColumnsData{ID: "x"}
		b := BarsData{ID: "y"}
		for _, v := range values {
			d.Columns = append(d.Columns, Column{Value: v})
			b.Bars = append(b.Bars, Bar{Value: v})
		}
		for _, m := range numbers.FindAllStringSubmatch(draw(t, Columns(d))+draw(t, Bars(b)), -1) {
			if v, err := strconv.ParseFloat(m[1], 64); err != nil || v < 0 || v > 220 {
				t.Fatalf("coordinate %s", m[0])
			}
		}
	})
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for most, want := range map[float64]string{0: "0 1", 0.9: "0 0.5 1", 3: "0 1 2 3", 940: "0 500 1000", 1.2e6: "0 500000 1e+06 1.5e+06"} {
		var got []string
		for _, v := range ticks(most) {
			got = append(got, strconv.FormatFloat(v, 'g', 6, 64))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("ticks(%v) = %s, want %s", most, s, want)
		}
	}
}
