package benchmark

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func parts(from, to int) []Part {
	var out []Part
	for i := from; i < to; i++ {
		out = append(out, Part{Mark: fmt.Sprintf("m%03d", i), Deals: 10, Value: float64(i)})
	}
	return out
}

func TestRelease(t *testing.T) {
	cases := []struct {
		name  string
		cells []Cell
		past  []Past
		want  map[string]int
	}{
		{"nine are too few", []Cell{{WinRate, Whole, parts(0, 9)}}, nil, map[string]int{}},
		{"ten are enough", []Cell{{WinRate, Whole, parts(0, 10)}}, nil, map[string]int{Whole: 10}},
		{"one brings too many deals", []Cell{{WinRate, Whole, append(parts(0, 11), Part{"big", 100, 1})}}, nil, map[string]int{}},
		{"who has few deals is not counted", []Cell{{WinRate, Whole, append(parts(0, 9), Part{"few", 4, 1})}}, nil, map[string]int{}},
		{"three newcomers wait", []Cell{{WinRate, Whole, parts(0, 15)}}, []Past{{WinRate, marksOf(parts(0, 12))}}, map[string]int{Whole: 12}},
		{"ten newcomers come", []Cell{{WinRate, Whole, parts(0, 22)}}, []Past{{WinRate, marksOf(parts(0, 12))}}, map[string]int{Whole: 22}},
		{"one left: more stay away", []Cell{{WinRate, Whole, parts(1, 30)}}, []Past{{WinRate, marksOf(parts(0, 30))}}, map[string]int{Whole: 20}},
		{"one left and too few remain", []Cell{{WinRate, Whole, parts(1, 15)}}, []Past{{WinRate, marksOf(parts(0, 15))}}, map[string]int{}},
		{"another metric is another thing", []Cell{{WinRate, Whole, parts(1, 15)}}, []Past{{DealSize, marksOf(parts(0, 15))}}, map[string]int{Whole: 14}},
		{"the part that would give away the rest is not told", []Cell{{WinRate, Whole, parts(0, 33)}, {WinRate, "small", parts(0, 15)}, {WinRate, "medium", parts(15, 28)}, {WinRate, "large", parts(28, 33)}}, nil,
			map[string]int{Whole: 33, "small": 15}},
		{"all parts are told when they are the whole", []Cell{{WinRate, Whole, parts(0, 30)}, {WinRate, "small", parts(0, 15)}, {WinRate, "medium", parts(15, 30)}}, nil,
			map[string]int{Whole: 30, "small": 15, "medium": 15}},
	}
	for _, c := range cases {
		got := map[string]int{}
		for _, r := range Release(c.cells, c.past) {
			got[r.Segment] = len(r.Marks)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestRound(t *testing.T) {
	for _, c := range []struct {
		metric  string
		v, want float64
	}{{DecisionDays, 3.3, 3.5}, {WinRate, 0.337, 0.35}, {DealSize, 1234567, 1200000}, {DealSize, 0, 0}, {DealSize, 7, 7}} {
		if got := round(c.metric, c.v); got != c.want {
			t.Errorf("%s %v: %v, want %v", c.metric, c.v, got, c.want)
		}
	}
}

// Invariant 4: whoever comes and goes, no two figures, and no whole without its parts, single out fewer than K programmes.
func TestNoDifferenceSinglesOutAFew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const universe = 70
		in, size := make([]bool, universe), make([]int, universe)
		for i := range in {
			in[i] = rapid.IntRange(0, 2).Draw(t, "in") > 0
			size[i] = rapid.IntRange(0, 2).Draw(t, "size")
		}
		var past []Past
		told := 0
		for quarter := range rapid.IntRange(2, 6).Draw(t, "quarters") {
			for range rapid.IntRange(0, 14).Draw(t, "changes") {
				i := rapid.IntRange(0, universe-1).Draw(t, "who")
				if rapid.Bool().Draw(t, "opts") {
					in[i] = !in[i]
				} else {
					size[i] = rapid.IntRange(0, 2).Draw(t, "size")
				}
			}
			cells := []Cell{{Metric: WinRate, Segment: Whole}, {Metric: WinRate, Segment: "s0"}, {Metric: WinRate, Segment: "s1"}, {Metric: WinRate, Segment: "s2"}}
			for i := range in {
				if in[i] {
					p := Part{Mark: fmt.Sprint(i), Deals: 10, Value: float64(i)}
					cells[0].Parts = append(cells[0].Parts, p)
					cells[1+size[i]].Parts = append(cells[1+size[i]].Parts, p)
				}
			}
			now := Release(cells, past)
			for _, r := range now {
				if len(r.Marks) < K {
					t.Fatalf("quarter %d: %s stands on %d", quarter, r.Segment, len(r.Marks))
				}
				for m := range r.Marks {
					var i int
					fmt.Sscan(m, &i)
					if !in[i] {
						t.Fatalf("quarter %d: %s holds somebody who is not in", quarter, r.Segment)
					}
				}
				past = append(past, Past{WinRate, r.Marks})
			}
			told += len(now)
			rest := Marks{}
			for _, r := range now {
				if r.Segment == Whole {
					rest = r.Marks
				}
			}
			for _, r := range now {
				if r.Segment != Whole {
					rest = minus(rest, r.Marks)
				}
			}
			if n := len(rest); 0 < n && n < K {
				t.Fatalf("quarter %d: the whole without its parts is %d", quarter, n)
			}
		}
		for i, a := range past {
			for _, b := range past[:i] {
				x, y := minus(a.Marks, b.Marks), minus(b.Marks, a.Marks)
				if len(x) == len(a.Marks) {
					continue // nobody in common
				}
				if 0 < len(x) && len(x) < K || 0 < len(y) && len(y) < K {
					t.Fatalf("two figures differ by %d and %d", len(x), len(y))
				}
			}
		}
	})
}
