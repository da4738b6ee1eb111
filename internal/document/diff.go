package document

import (
	"strings"
	"unicode"
)

// Piece is a run of words that both versions have, or that only one of them has.
type Piece struct {
	Op   byte // '=' in both, '-' in the old one only, '+' in the new one only
	Text string
}

// Block is a paragraph of a comparison.
type Block struct {
	Op     byte // '=' unchanged, '-' gone, '+' new, '~' changed
	Pieces []Piece
}

// Compare returns how the old text became the new one: paragraph by paragraph and, within a changed paragraph, word by word.
func Compare(old, fresh string) []Block {
	a, b := paragraphs(old), paragraphs(fresh)
	var out []Block
	var gone, came []string
	flush := func() {
		for len(gone) > 0 && len(came) > 0 { // one took the place of the other
			out = append(out, Block{'~', words(gone[0], came[0])})
			gone, came = gone[1:], came[1:]
		}
		for _, p := range gone {
			out = append(out, Block{'-', []Piece{{'-', p}}})
		}
		for _, p := range came {
			out = append(out, Block{'+', []Piece{{'+', p}}})
		}
		gone, came = nil, nil
	}
	for _, s := range script(a, b) {
		switch s.Op {
		case '=':
			flush()
			out = append(out, Block{'=', []Piece{{'=', s.Text}}})
		case '-':
			gone = append(gone, s.Text)
		case '+':
			came = append(came, s.Text)
		}
	}
	flush()
	return out
}

// Changed counts the blocks of a comparison that are not as they were.
func Changed(blocks []Block) (n int) {
	for _, b := range blocks {
		if b.Op != '=' {
			n++
		}
	}
	return n
}

// paragraphs are the non-empty lines of a text.
func paragraphs(s string) []string {
	var out []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func words(old, fresh string) []Piece {
	var out []Piece
	for _, s := range script(tokens(old), tokens(fresh)) {
		if n := len(out); n > 0 && out[n-1].Op == s.Op {
			out[n-1].Text += s.Text
			continue
		}
		out = append(out, s)
	}
	return out
}

// tokens cuts a line into words with the space behind them.
func tokens(s string) []string {
	var out []string
	start, inSpace := 0, false
	for i, r := range s {
		space := unicode.IsSpace(r)
		if inSpace && !space {
			out = append(out, s[start:i])
			start = i
		}
		inSpace = space
	}
	return append(out, s[start:])
}

// maxEdits bounds the search for the shortest script; beyond it the rest is told as replaced.
const maxEdits = 2000

// script returns the shortest way from a to b (Myers 1986), one piece for each token.
func script(a, b []string) []Piece {
	var head, tail []Piece
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, Piece{'=', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, Piece{'=', a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	out := append(head, middle(a, b)...)
	for i := len(tail) - 1; i >= 0; i-- {
		out = append(out, tail[i])
	}
	return out
}

func middle(a, b []string) []Piece {
	n, m := len(a), len(b)
	limit := min(n+m, maxEdits)
	v := make([]int, 2*limit+3)
	var trace [][]int
	for d := 0; d <= limit; d++ {
		trace = append(trace, append([]int(nil), v[limit+1-d:limit+2+d]...)) // what the step before reached
		for k := -d; k <= d; k += 2 {
			at := limit + 1 + k
			x := v[at-1] + 1
			if k == -d || k != d && v[at-1] < v[at+1] {
				x = v[at+1]
			}
			for x < n && x-k < m && a[x] == b[x-k] {
				x++
			}
			v[at] = x
			if x >= n && x-k >= m {
				return back(a, b, trace, d)
			}
		}
	}
	var out []Piece
	for _, t := range a {
		out = append(out, Piece{'-', t})
	}
	for _, t := range b {
		out = append(out, Piece{'+', t})
	}
	return out
}

// back walks the trace of a search that ended after d edits, from its end to its beginning.
func back(a, b []string, trace [][]int, d int) []Piece {
	var out []Piece
	x, y := len(a), len(b)
	for ; d > 0; d-- {
		reached := func(k int) int { return trace[d][k+d] }
		k := x - y
		prev := k - 1
		if k == -d || k != d && reached(k-1) < reached(k+1) {
			prev = k + 1
		}
		px := reached(prev)
		py := px - prev
		for x > px && y > py {
			x, y = x-1, y-1
			out = append(out, Piece{'=', a[x]})
		}
		if x == px {
			y--
			out = append(out, Piece{'+', b[y]})
		} else {
			x--
			out = append(out, Piece{'-', a[x]})
		}
	}
	for x > 0 && y > 0 {
		x, y = x-1, y-1
		out = append(out, Piece{'=', a[x]})
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
