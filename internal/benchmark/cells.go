package benchmark

import (
	"cmp"
	"crypto/sha256"
	"math"
	"slices"
)

// K is how many programmes stand behind a figure at least.
const K = 10

// dominance is the largest part of the deals behind a figure that one programme may bring.
const dominance = 0.25

// minDeals is how many deals of a programme a figure of it takes at least.
const minDeals = 5

// The metrics.
const (
	DecisionDays = "decision-days"
	WinRate      = "win-rate"
	DealSize     = "deal-size"
)

// Whole is the segment of every programme.
const Whole = "all"

// Part is what one programme brings to a cell.
type Part struct {
	Mark  string  // tells programmes apart without naming them
	Deals int     // how many deals its figure is of
	Value float64 // its figure
}

// Cell is one figure in the making.
type Cell struct {
	Metric, Segment string
	Parts           []Part
}

// Marks is which programmes stand behind a released figure.
type Marks map[string]bool

// Released is a figure that may be told.
type Released struct {
	Metric, Segment string
	Figure          float64
	Marks           Marks
}

// Past is what was released before, as far as later releases must be held against it.
type Past struct {
	Metric string
	Marks  Marks
}

// Release decides which of the cells of a quarter may be told, and with which programmes: invariants 2, 3 and 4. Programmes are
// left out of a cell where that keeps it; a cell that cannot be kept is not told.
func Release(cells []Cell, past []Past) []Released {
	cells = slices.Clone(cells)
	slices.SortFunc(cells, func(a, b Cell) int { // the whole first, then the large parts
		return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(rank(a), rank(b)), cmp.Compare(len(b.Parts), len(a.Parts)), cmp.Compare(a.Segment, b.Segment))
	})
	var out []Released
	for _, c := range cells {
		held := heldAgainst(c.Metric, past, out)
		parts, ok := fit(c, held)
		if !ok || dominated(parts) {
			continue
		}
		r := Released{Metric: c.Metric, Segment: c.Segment, Figure: round(c.Metric, median(parts)), Marks: marksOf(parts)}
		if leavesFew(r, out) {
			continue
		}
		out = append(out, r)
	}
	return out
}

func rank(c Cell) int {
	if c.Segment == Whole {
		return 0
	}
	return 1
}

func heldAgainst(metric string, past []Past, now []Released) []Marks {
	var out []Marks
	for _, p := range past {
		if p.Metric == metric {
			out = append(out, p.Marks)
		}
	}
	for _, r := range now {
		if r.Metric == metric {
			out = append(out, r.Marks)
		}
	}
	return out
}

// fit leaves programmes out until the cell differs from everything it is held against by nobody or by at least K.
func fit(c Cell, held []Marks) ([]Part, bool) {
	parts := slices.DeleteFunc(slices.Clone(c.Parts), func(p Part) bool { return p.Deals < minDeals })
	// In an order that nobody can foresee and that stays the same: who is left out does not depend on figures.
	slices.SortFunc(parts, func(a, b Part) int {
		x, y := sha256.Sum256([]byte(c.Metric+c.Segment+a.Mark)), sha256.Sum256([]byte(c.Metric+c.Segment+b.Mark))
		return slices.Compare(x[:], y[:])
	})
	for again := true; again; {
		again = false
		for _, h := range held {
			mine := marksOf(parts)
			fresh, gone := minus(mine, h), minus(h, mine)
			switch {
			case len(fresh) == len(mine): // nobody in common
			case 0 < len(fresh) && len(fresh) < K: // those who are new wait until there are enough of them
				parts = slices.DeleteFunc(parts, func(p Part) bool { return fresh[p.Mark] })
				again = true
			case 0 < len(gone) && len(gone) < K: // more of the old ones stay away, so that nobody can tell who left
				for drop := K - len(gone); drop > 0 && len(parts) > 0; {
					i := slices.IndexFunc(parts, func(p Part) bool { return h[p.Mark] })
					if i < 0 {
						break
					}
					parts = slices.Delete(parts, i, i+1)
					drop--
				}
				again = true
			}
			if len(parts) < K {
				return nil, false
			}
		}
	}
	return parts, len(parts) >= K
}

// leavesFew reports whether a part, taken from a whole together with the parts that are told already, leaves fewer than K.
func leavesFew(r Released, told []Released) bool {
	if r.Segment == Whole {
		return false
	}
	for _, whole := range told {
		if whole.Metric != r.Metric || whole.Segment != Whole {
			continue
		}
		rest := minus(whole.Marks, r.Marks)
		for _, other := range told {
			if other.Metric == r.Metric && other.Segment != Whole {
				rest = minus(rest, other.Marks)
			}
		}
		if n := len(rest); 0 < n && n < K {
			return true
		}
	}
	return false
}

func dominated(parts []Part) bool {
	total, largest := 0, 0
	for _, p := range parts {
		total, largest = total+p.Deals, max(largest, p.Deals)
	}
	return float64(largest) > dominance*float64(total)
}

func marksOf(parts []Part) Marks {
	m := make(Marks, len(parts))
	for _, p := range parts {
		m[p.Mark] = true
	}
	return m
}

func minus(a, b Marks) Marks {
	out := Marks{}
	for m := range a {
		if !b[m] {
			out[m] = true
		}
	}
	return out
}

// median returns the middle figure; each programme counts once.
func median(parts []Part) float64 {
	v := make([]float64, len(parts))
	for i, p := range parts {
		v[i] = p.Value
	}
	slices.Sort(v)
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}

// round keeps a figure too coarse to point at anybody: half days, five percent, two digits of money.
func round(metric string, v float64) float64 {
	switch metric {
	case DecisionDays:
		return math.Round(v*2) / 2
	case WinRate:
		return math.Round(v*20) / 20
	}
	if v < 1 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	return math.Round(v/unit) * unit
}

// band says how many programmes stand behind a figure without saying it exactly.
func band(n int) string {
	switch {
	case n >= 100:
		return "100 or more"
	case n >= 50:
		return "50 to 99"
	case n >= 20:
		return "20 to 49"
	}
	return "10 to 19"
}
