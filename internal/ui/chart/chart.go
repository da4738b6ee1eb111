// Package chart draws small charts as SVG on the server: bars for comparing, columns for
// months, an age histogram for waiting. No script, no inline style; colours come from the
// style sheet's classes so that they follow brand and theme. Each chart has a title and a
// summary for assistive technology and its figures as a table to unfold.
//
// Positions across are percentages, so text keeps its size from phone to desk.
package chart

import (
	"math"
	"strconv"
)

// Bar is one row of Bars.
type Bar struct {
	Label string
	Value float64
	Text  string // the value in words: "€1.2M"
	Note  string // second figure: "34 deals"
	Href  string // where the figure comes from, or ""
}

// BarsData is a horizontal bar chart, such as the pipeline by stage.
type BarsData struct {
	ID        string // unique on the page
	Title     string
	Summary   string // one sentence that says what the chart shows
	LabelHead string // column titles of the table: "Stage"
	ValueHead string // "Value"
	NoteHead  string // "Deals"; "" when there are no notes
	Bars      []Bar
}

// Column is one period of Columns.
type Column struct {
	Label string // full: "March 2026"
	Short string // below the column: "Mar"
	Group string // drawn under the first column of a group, such as the year
	Value float64
	Text  string
	Note  string
}

// ColumnsData is a vertical bar chart over time, such as won value by month.
type ColumnsData struct {
	ID, Title, Summary  string
	LabelHead           string
	ValueHead, NoteHead string
	Columns             []Column
	Axis                func(v float64) string // words for a gridline; nil writes the number
}

// Bin is one range of ages.
type Bin struct {
	Label string // "3–7 days"
	Count int
	Late  bool // drawn in the warning tone
	Href  string
}

// AgesData is a histogram of how long things have waited.
type AgesData struct {
	ID, Title, Summary string
	LabelHead          string // "Waiting"
	CountHead          string // "Deals"
	Bins               []Bin
}

const (
	plotTop    = 18.0  // room for the figure over the highest column
	plotBottom = 182.0 // base line
)

// largest is the greatest value, at least a tiny positive number.
func largest[T any](items []T, value func(T) float64) float64 {
	m := math.SmallestNonzeroFloat32
	for _, it := range items {
		m = max(m, value(it))
	}
	return m
}

// share is v as a percentage of the largest, never invisible when above zero.
func share(v, most float64) float64 {
	if v <= 0 || most <= 0 {
		return 0
	}
	return max(0.8, 100*v/most)
}

func pct(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + "%" }

func px(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// ticks are three or four round gridline values from 0 to at least most.
func ticks(most float64) []float64 {
	if most <= 0 || math.IsInf(most, 0) || math.IsNaN(most) {
		return []float64{0, 1}
	}
	raw := most / 3
	pow := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * pow
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*pow >= raw*0.999 {
			step = m * pow
			break
		}
	}
	out := []float64{0}
	for v := step; ; v += step {
		out = append(out, v)
		if v >= most*0.999 {
			return out
		}
	}
}

func (d ColumnsData) axis(v float64) string {
	if d.Axis != nil {
		return d.Axis(v)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// place is where one column stands: left edge and width in percent, middle for its words.
type place struct{ x, w, mid float64 }

func (d ColumnsData) place(i int) place {
	slot := 100 / float64(max(1, len(d.Columns)))
	w := slot * 0.64
	x := slot*float64(i) + (slot-w)/2
	return place{x, w, x + w/2}
}

// height is a column's height in pixels for the highest gridline top.
func height(v, top float64) float64 {
	if v <= 0 || top <= 0 {
		return 0
	}
	return max(2, (plotBottom-plotTop)*v/top)
}

// minor reports whether a column's words are left out where it is narrow.
func (d ColumnsData) minor(i int) bool {
	n := len(d.Columns)
	if n <= 6 {
		return false
	}
	return (n-1-i)%3 != 0
}
