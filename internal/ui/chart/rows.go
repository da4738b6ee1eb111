package chart

import "strconv"

// row is one line of a chart's table.
type row struct{ label, value, note, href string }

func barRows(d BarsData) []row {
	out := make([]row, len(d.Bars))
	for i, b := range d.Bars {
		out[i] = row{b.Label, b.Text, b.Note, b.Href}
	}
	return out
}

func columnRows(d ColumnsData) []row {
	out := make([]row, len(d.Columns))
	for i, c := range d.Columns {
		out[i] = row{c.Label, c.Text, c.Note, ""}
	}
	return out
}

func binRows(d AgesData) []row {
	out := make([]row, len(d.Bins))
	for i, b := range d.Bins {
		out[i] = row{b.Label, strconv.Itoa(b.Count), "", b.Href}
	}
	return out
}

func binClass(b Bin) string {
	if b.Late {
		return "fill late"
	}
	return "fill"
}
