package verify

import (
	"bytes"
	"testing"
)

// A bundle of a hundred thousand entries; a million take ten times as long.
func BenchmarkBundle100k(b *testing.B) {
	l := newLog(b, 100_000)
	whole := l.parts(b, 0, 100_000).pack(b)
	b.ResetTimer()
	for b.Loop() {
		if r, err := Bundle(bytes.NewReader(whole), int64(len(whole)), Options{Key: l.key}); err != nil || !r.OK {
			b.Fatal(r, err)
		}
	}
}
