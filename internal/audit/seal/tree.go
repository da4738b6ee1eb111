package seal

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"entente.dev/internal/audit/verify"
)

// width is how many hashes a tile holds; its height is 8.
const width = 256

// tileID names a tile of one tree.
type tileID struct {
	level int
	n     int64
}

// tree is a tree that grows: its size and the tiles at its right edge, with those that were changed.
type tree struct {
	size    int64
	tiles   map[tileID][]byte
	changed map[tileID]bool
}

// edge names the tiles that a tree of size leaves grows at. Those that are full are not among them.
func edge(size int64) []tileID {
	var out []tileID
	for level := 0; size > 0; level++ {
		if size%width != 0 {
			out = append(out, tileID{level, size / width})
		}
		size /= width
	}
	return out
}

// add appends a leaf.
func (t *tree) add(h tlog.Hash) {
	t.push(0, t.size, h)
	t.size++
}

// push puts the hash of the i-th complete subtree of height 8·level into its tile.
func (t *tree) push(level int, i int64, h tlog.Hash) {
	at := tileID{level, i / width}
	t.tiles[at] = append(t.tiles[at], h[:]...)
	t.changed[at] = true
	if i%width == width-1 {
		t.push(level+1, i/width, verify.Subtree(split(t.tiles[at])))
	}
}

// root returns the tree's hash, read from its right edge.
func (t *tree) root() (tlog.Hash, error) {
	return tlog.TreeHash(t.size, tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return readHashes(t.tiles, at) }))
}

func split(b []byte) []tlog.Hash {
	out := make([]tlog.Hash, len(b)/tlog.HashSize)
	for i := range out {
		copy(out[i][:], b[i*tlog.HashSize:])
	}
	return out
}

// tileOf says where the hash with a tlog storage index is: hashes [from, until) of a tile, whose subtree hash it is.
func tileOf(index int64) (at tileID, from, until int64) {
	level, i := tlog.SplitStoredHashIndex(index)
	first := i << (level % 8)
	return tileID{level / 8, first / width}, first % width, first%width + 1<<(level%8)
}

// readHashes returns the hashes at storage indexes from tiles.
func readHashes(tiles map[tileID][]byte, indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		at, from, until := tileOf(index)
		b := tiles[at]
		if int64(len(b)) < until*tlog.HashSize {
			return nil, fmt.Errorf("the hashes of the sealed log are not whole: tile %d/%d has %d of %d", at.level, at.n, len(b)/tlog.HashSize, until)
		}
		out[i] = verify.Subtree(split(b[from*tlog.HashSize : until*tlog.HashSize]))
	}
	return out, nil
}
