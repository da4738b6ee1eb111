package seal

import (
	"context"
	"testing"

	"entente.dev/internal/kernel/id"
)

func BenchmarkProof(b *testing.B) {
	w := newWorld(b)
	for range 20 {
		w.must(w.tell(b.Context(), w.a, 1000, "x"))
	}
	w.must(w.Tick(b.Context()))
	var entry id.ID
	w.must(w.super.QueryRow(b.Context(), `select entry_id from audit_leaf where seq = 12345`).Scan(&entry))
	for b.Loop() {
		if p, err := w.Proof(b.Context(), w.a, entry); err != nil || !p.Sealed {
			b.Fatal(err)
		}
	}
}

// BenchmarkWrite is the throughput of one writer without the sequencer and with it, running as in the program.
func BenchmarkWrite(b *testing.B) {
	for _, name := range []string{"unsealed", "sealed"} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			ctx, stop := context.WithCancel(b.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				if name == "sealed" {
					_ = w.Run(ctx)
				}
			}()
			for b.Loop() {
				w.must(w.tell(b.Context(), w.a, 1, "x"))
			}
			stop()
			<-done
		})
	}
}
