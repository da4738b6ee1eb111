package verify

import (
	"errors"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Span is the interval [Lo, Hi) of leaves.
type Span struct{ Lo, Hi int64 }

// split is where RFC 6962 splits a tree of n > 1 leaves: the largest power of two below n.
func split(n int64) int64 { return 1 << (bits.Len64(uint64(n-1)) - 1) } //nolint:gosec // n > 1

// Outside returns the subtrees of a tree of size leaves that hold nothing of [lo, hi), from left to right. With their hashes and
// the leaves of [lo, hi) the root can be computed.
func Outside(size, lo, hi int64) []Span {
	var out []Span
	var walk func(a, b int64)
	walk = func(a, b int64) {
		switch {
		case a >= b || lo <= a && b <= hi:
		case b <= lo || hi <= a:
			out = append(out, Span{a, b})
		default:
			m := a + split(b-a)
			walk(a, m)
			walk(m, b)
		}
	}
	walk(0, size)
	return out
}

var errOutside = errors.New("the hashes beside the bundle's own entries are too few or too many")

// rootOf computes the root of a tree of size leaves from those of [lo, lo+len(leaves)) and the hashes of Outside.
func rootOf(size, lo int64, leaves, outside []tlog.Hash) (tlog.Hash, error) {
	hi := lo + int64(len(leaves))
	var walk func(a, b int64) (tlog.Hash, error)
	walk = func(a, b int64) (tlog.Hash, error) {
		switch {
		case b <= lo || hi <= a:
			if len(outside) == 0 {
				return tlog.Hash{}, errOutside
			}
			h := outside[0]
			outside = outside[1:]
			return h, nil
		case lo <= a && b <= hi:
			return Subtree(leaves[a-lo : b-lo]), nil
		}
		m := a + split(b-a)
		l, err := walk(a, m)
		if err != nil {
			return l, err
		}
		r, err := walk(m, b)
		return tlog.NodeHash(l, r), err
	}
	if size == 0 {
		return tlog.TreeHash(0, nil)
	}
	h, err := walk(0, size)
	if err == nil && len(outside) > 0 {
		err = errOutside
	}
	return h, err
}

// Subtree returns the RFC 6962 hash over at least one leaf hash.
func Subtree(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	m := split(int64(len(leaves)))
	return tlog.NodeHash(Subtree(leaves[:m]), Subtree(leaves[m:]))
}
