package blob_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"entente.dev/internal/kernel/blob"
)

// stores returns every kind of store, empty. The object store is a server of its own in this process that speaks S3.
func stores(t *testing.T) map[string]blob.Store {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("files"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	out := map[string]blob.Store{}
	for name, where := range map[string]string{"dir": "dir:" + t.TempDir(), "s3": "s3://files/deep?endpoint=" + server.URL + "&region=eu-central-1"} {
		s, err := blob.Open(where, blob.Options{AccessKey: "access", SecretKey: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		out[name] = s
	}
	return out
}

func keys(t *testing.T, s blob.Store, prefix string) []string {
	t.Helper()
	out := []string{}
	err := s.List(t.Context(), prefix, func(i blob.Info) error { out = append(out, fmt.Sprintf("%s %d", i.Key, i.Size)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func read(t *testing.T, s blob.Store, key string) []byte {
	t.Helper()
	r, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStores(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if err := s.Check(ctx); err != nil {
				t.Fatal(err)
			}
			big := make([]byte, 20<<20) // more than one part of an upload
			_, _ = rand.Read(big)
			for key, content := range map[string][]byte{"t1/one": []byte("one"), "t1/two": []byte("2"), "t2/big": big} {
				if err := s.Put(ctx, key, bytes.NewReader(content)); err != nil {
					t.Fatal(err)
				}
				if got := read(t, s, key); !bytes.Equal(got, content) {
					t.Errorf("%s: %d bytes came back of %d", key, len(got), len(content))
				}
			}
			if err := s.Put(ctx, "t1/one", strings.NewReader("another")); err != nil || string(read(t, s, "t1/one")) != "another" {
				t.Errorf("a key is not replaced: %v", err)
			}
			if got := keys(t, s, "t1/"); !slices.Equal(got, []string{"t1/one 7", "t1/two 1"}) {
				t.Errorf("list of t1/: %q", got)
			}
			for range 2 { // the second time there is nothing
				if err := s.Delete(ctx, "t1/one"); err != nil {
					t.Error(err)
				}
			}
			if _, err := s.Get(ctx, "t1/one"); !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("a deleted blob: %v", err)
			}
			for _, bad := range []string{"", "/etc/passwd", "../x", "a/../../x", "a//b", ".incoming/x", "a/.b", "A", "a\x00", strings.Repeat("a", 600)} {
				if err := s.Put(ctx, bad, strings.NewReader("x")); err == nil {
					t.Errorf("%q was taken as a key", bad)
				}
				if _, err := s.Get(ctx, bad); err == nil {
					t.Errorf("%q was read", bad)
				}
			}
		})
	}
}

// failing breaks off after n bytes, as a source does whose program is ill.
type failing struct{ n int }

var errBroken = errors.New("the source broke")

func (f *failing) Read(p []byte) (int, error) {
	if f.n == 0 {
		return 0, errBroken
	}
	n := min(f.n, len(p))
	f.n -= n
	return n, nil
}

// Invariant 1.
func TestBrokenOffLeavesNothing(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{0, 1000, 20 << 20} {
				if err := s.Put(t.Context(), "half", &failing{n}); !errors.Is(err, errBroken) {
					t.Errorf("after %d bytes: %v", n, err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Put(ctx, "half", strings.NewReader("x")); err == nil {
				t.Error("a cancelled write was reported as done")
			}
			if got := keys(t, s, ""); len(got) != 0 {
				t.Errorf("there is %q", got)
			}
		})
	}
}

// F1: what a killed program left is not listed, and is forgotten.
func TestLeftoversOfAKilledProgram(t *testing.T) {
	at := t.TempDir()
	s, err := blob.Open("dir:"+at, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(at, ".incoming", "left"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, s, ""); len(got) != 0 {
		t.Errorf("there is %q", got)
	}
	info, err := os.Stat(filepath.Join(at, ".incoming", "left"))
	if err != nil {
		t.Fatal(err)
	}
	for want, before := range map[int]time.Time{0: info.ModTime().Add(-time.Hour), 1: info.ModTime().Add(time.Hour)} {
		if want == 1 {
			continue // after the other one
		}
		if n, err := s.Forget(t.Context(), before); n != 0 || err != nil {
			t.Errorf("a young file was forgotten: %d, %v", n, err)
		}
	}
	if n, err := s.Forget(t.Context(), info.ModTime().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("%d forgotten, %v", n, err)
	}
}

// A link planted in the directory leads nowhere outside.
func TestDirectoryIsNotLeft(t *testing.T) {
	outside, at := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := blob.Open("dir:"+at, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(at, "out")); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Get(t.Context(), "out/secret"); err == nil {
		r.Close()
		t.Error("a file outside the directory was read")
	}
	if err := s.Put(t.Context(), "out/new", strings.NewReader("x")); err == nil {
		t.Error("a file outside the directory was written")
	}
}

func TestAddresses(t *testing.T) {
	for where, ok := range map[string]bool{"dir:/x": true, "dir:": false, "/x": false, "": false, "s3://b": true, "s3://b/p?region=eu&endpoint=https://s3.example": true,
		"s3://b?endpoint=http://s3.example": false, "s3://b?endpoint=http://127.0.0.1:9000": true, "s3://": false, "s3://b?key=x": false, "s3://user:pw@b": false, "s3://b/../x": false} {
		if got := blob.Problem(where) == ""; got != ok {
			t.Errorf("%q: %q", where, blob.Problem(where))
		}
	}
}
