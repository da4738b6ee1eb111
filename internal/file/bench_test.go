package file_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"entente.dev/internal/file"
)

// BenchmarkDownload10MB compares downloads of 10 MB over HTTP on loopback, opened by the same use case (permission, record of the
// opening): one decrypted on its way, the other from a plain file. The difference is the price of decrypting.
func BenchmarkDownload10MB(b *testing.B) {
	w := setup(b)
	content := make([]byte, 10<<20)
	_, _ = rand.Read(content)
	f := w.save(b, file.Meta{Kind: file.Evidence}, content)
	if err := w.blobs.Put(b.Context(), "plain", bytes.NewReader(content)); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		c, err := w.Open(r.Context(), w.staff, f.ID)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		var body io.Reader = c
		if r.URL.Path == "/plain" {
			plain, err := w.blobs.Get(r.Context(), "plain")
			if err != nil {
				b.Error(err)
				return
			}
			defer plain.Close()
			body = struct{ io.Reader }{plain} // not by sendfile, which a file that is opened and checked would never use
		}
		_, _ = io.Copy(out, body)
	}))
	defer server.Close()
	for _, name := range []string{"plain", "sealed"} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				resp, err := server.Client().Get(server.URL + "/" + name)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != int64(len(content)) {
					b.Fatal(n, err)
				}
				resp.Body.Close()
			}
		})
	}
}
