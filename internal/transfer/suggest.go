package transfer

import (
	"strings"

	"entente.dev/internal/kernel/orgname"
)

// squeeze is what two spellings of one name share even when blanks and signs differ: "GTXPro" and "GTX Pro".
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t-_.,/&'’()+", r) {
			return -1
		}
		return r
	}, orgname.SearchText(s))
}

// suggest returns the one of known that looks most like s, "" when none comes near.
func suggest(s string, known []string) string {
	want := squeeze(s)
	if want == "" || len(want) > 100 {
		return ""
	}
	best, least := "", 0
	for _, k := range known {
		have := squeeze(k)
		if have == want {
			return k
		}
		allowed := min(len([]rune(want)), len([]rune(have))) / 4
		if allowed == 0 || len(have) > 100 {
			continue
		}
		if d := distance([]rune(want), []rune(have), min(allowed, 3)); d >= 0 && (best == "" || d < least) {
			best, least = k, d
		}
	}
	return best
}

// distance returns the number of letters to change, add or drop to make b of a, or -1 when it is more than most.
func distance(a, b []rune, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return -1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		corner, lowest := row[0], i+1
		row[0] = i + 1
		for j := range b {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
			lowest = min(lowest, row[j+1])
		}
		if lowest > most {
			return -1
		}
	}
	if row[len(b)] > most {
		return -1
	}
	return row[len(b)]
}
