// Package optest gives tests what use cases run on, over a database of pgtest.
package optest

import (
	"log/slog"
	"testing"
	"time"

	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
)

// New returns Ops on db with this machine's clock and a key-encryption key of its own; change its fields as the test needs.
func New(t testing.TB, db *pg.DB) *op.Ops {
	t.Helper()
	classes, err := datamap.Load(t.Context(), db.Pool(pg.Staff))
	if err != nil {
		t.Fatal(err)
	}
	kek, err := crypt.NewLocal(crypt.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	o := &op.Ops{DB: db, Map: classes, Pages: page.NewSigner([]byte("test")), PublicURL: "https://portal.example", Log: slog.New(slog.DiscardHandler),
		Listeners: map[string][]op.Listener{}}
	o.Clock = time.Now
	o.Keys = keyring.New(db, kek, func() time.Time { return o.Clock() })
	return o
}
