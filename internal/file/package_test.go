package file_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/file"
	"entente.dev/internal/kernel/id"
)

func pair(t *testing.T) (note.Signer, string) {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, "entente/test")
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s, public
}

func packed(t *testing.T, s note.Signer, key string) []byte {
	t.Helper()
	var b bytes.Buffer
	p := file.NewPackage(&b, file.SubjectExport, id.New(), time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), s, key)
	for name, content := range map[string]string{"README.txt": "Read me.", "data/deals.json": `[{"title":"A"}]`, "data/empty.csv": ""} {
		w, err := p.Add(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"README.txt", "MANIFEST", "../x", "/x", "a//b", "a\\b", "a\nb", "", "x/"} {
		if _, err := p.Add(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rezip copies a package, member by member; change returns false for a member to leave out.
func rezip(t *testing.T, pkg []byte, change func(name *string, content *[]byte) bool, more ...string) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	add := func(name string, content []byte) {
		w, err := out.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if i == len(r.File)-1 {
			for _, name := range more {
				add(name, []byte("smuggled"))
			}
		}
		name := f.Name
		if change(&name, &content) {
			add(name, content)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPackage(t *testing.T) {
	s, key := pair(t)
	_, otherKey := pair(t)
	pkg := packed(t, s, key)
	verify := func(b []byte, key string) error {
		_, err := file.VerifyPackage(bytes.NewReader(b), int64(len(b)), key)
		return err
	}
	c, err := file.VerifyPackage(bytes.NewReader(pkg), int64(len(pkg)), key)
	if err != nil || len(c.Members) != 3 || c.Kind != file.SubjectExport || !c.KeyGiven {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := verify(pkg, ""); err != nil {
		t.Errorf("by its own key: %v", err)
	}
	same := func(*string, *[]byte) bool { return true }
	if err := verify(rezip(t, pkg, same), key); err != nil {
		t.Fatalf("an honest copy: %v", err)
	}
	in := func(part string, then func(name *string, content *[]byte) bool) func(*string, *[]byte) bool {
		return func(name *string, content *[]byte) bool {
			if strings.Contains(*name, part) {
				return then(name, content)
			}
			return true
		}
	}
	for name, c := range map[string]struct {
		pkg  []byte
		key  string
		want string
	}{
		"another key":       {pkg, otherKey, "signature"},
		"no key at all":     {pkg, "garbage", "verifier key"},
		"altered member":    {rezip(t, pkg, in("deals", func(_ *string, b *[]byte) bool { (*b)[2] ^= 1; return true })), key, "data/deals.json was altered"},
		"longer member":     {rezip(t, pkg, in("empty", func(_ *string, b *[]byte) bool { *b = []byte("x"); return true })), key, "data/empty.csv was altered"},
		"renamed member":    {rezip(t, pkg, in("deals", func(n *string, _ *[]byte) bool { *n = "data/deals2.json"; return true })), key, "stands where"},
		"member taken away": {rezip(t, pkg, in("deals", func(*string, *[]byte) bool { return false })), key, "lists 3 members and the package has 2"},
		"member added":      {rezip(t, pkg, same, "virus.exe"), key, "lists 3 members and the package has 4"},
		"altered manifest": {rezip(t, pkg, in("MANIFEST", func(_ *string, b *[]byte) bool {
			*b = bytes.Replace(*b, []byte("subject-export"), []byte("tenant-export"), 1)
			return true
		})), key, "signature"},
		"no manifest":      {rezip(t, pkg, in("MANIFEST", func(*string, *[]byte) bool { return false })), key, "MANIFEST"},
		"another manifest": {rezip(t, pkg, in("MANIFEST", func(_ *string, b *[]byte) bool { *b = []byte("hello\n"); return true })), key, "begin with"},
		"cut":              {pkg[:len(pkg)-10], key, "cut"},
		"no zip":           {[]byte("hello"), key, "no zip"},
	} {
		if err := verify(c.pkg, c.key); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzVerifyPackage(f *testing.F) {
	f.Add([]byte("hello"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := file.VerifyPackage(bytes.NewReader(b), int64(len(b)), ""); err == nil {
			t.Log("a package") // only a signed one gets here
		}
	})
}
