package dealweb_test

import (
	"fmt"
	"testing"
)

// The page of fifty deals as the vendor sees it, with everything but the network. It stays below 100 KB.
func BenchmarkList(b *testing.B) {
	w := build(b)
	for i := range 60 {
		w.draft("agent", fmt.Sprintf("Shuttle racking for hall %d", i), fmt.Sprintf("customer-%d.example", i))
	}
	a := w.Ask("staff", "GET /deals", "")
	if n := a.Body.Len(); a.Code != 200 || n > 100<<10 {
		b.Fatalf("status %d, %d bytes", a.Code, n)
	}
	for b.Loop() {
		w.Ask("staff", "GET /deals", "")
	}
	b.ReportMetric(float64(a.Body.Len()), "bytes/page")
}
