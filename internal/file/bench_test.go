package file_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/crypt"
)

// BenchmarkRead10MB compares reading 10 MB through the file store decrypted and plain: the price of decrypting.
func BenchmarkRead10MB(b *testing.B) {
	store, err := blob.Open("dir:"+b.TempDir(), blob.Options{})
	if err != nil {
		b.Fatal(err)
	}
	key, err := crypt.NewDataKey(crypt.NewKey())
	if err != nil {
		b.Fatal(err)
	}
	content := make([]byte, 10<<20)
	_, _ = rand.Read(content)
	var sealed bytes.Buffer
	w, err := key.SealTo(&sealed, nil)
	if err == nil {
		_, err = w.Write(content)
	}
	if err = errors.Join(err, w.Close(), store.Put(b.Context(), "plain", bytes.NewReader(content)), store.Put(b.Context(), "sealed", &sealed)); err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"plain", "sealed"} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				f, err := store.Get(b.Context(), name)
				if err != nil {
					b.Fatal(err)
				}
				var r io.Reader = f
				if name == "sealed" {
					if r, err = key.OpenFrom(f, nil); err != nil {
						b.Fatal(err)
					}
				}
				if n, err := io.Copy(io.Discard, struct{ io.Reader }{r}); err != nil || n != int64(len(content)) {
					b.Fatal(n, err)
				}
				f.Close()
			}
		})
	}
}
