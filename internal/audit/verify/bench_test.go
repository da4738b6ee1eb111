package verify

import (
	"bytes"
	"testing"
)

// A bundle of a million entries, read from memory.
func BenchmarkBundleOfAMillion(b *testing.B) {
	l := newLog(b, 1_000_000)
	whole := l.parts(b, 0, 1_000_000).pack(b)
	b.ResetTimer()
	for b.Loop() {
		if r, err := Bundle(bytes.NewReader(whole), int64(len(whole)), Options{Key: l.key}); err != nil || !r.OK {
			b.Fatal(r, err)
		}
	}
}
