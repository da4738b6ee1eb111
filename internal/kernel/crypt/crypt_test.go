package crypt_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/crypt/crypttest"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keks returns every kind of KEK.
func keks(t *testing.T) map[string]crypt.KEK {
	t.Helper()
	dir := t.TempDir()
	if _, err := crypt.ReadFile(filepath.Join(dir, "kek"), true); err != nil {
		t.Fatal(err)
	}
	vault := crypttest.NewTransit(t).Options(t)
	role := vault
	role.Vault.TokenFile = ""
	out := map[string]crypt.KEK{}
	for name, at := range map[string]struct {
		where string
		o     crypt.Options
	}{
		"file": {"file:" + filepath.Join(dir, "kek"), crypt.Options{}}, "systemd": {"systemd:kek", crypt.Options{Credentials: dir}},
		"vault": {"vault:transit/entente", vault}, "vault by AppRole": {"vault:transit/entente", role},
	} {
		k, err := crypt.Open(at.where, at.o)
		if err != nil {
			t.Fatal(name, err)
		}
		out[name] = k
	}
	return out
}

func TestKEKs(t *testing.T) {
	t.Parallel()
	for name, k := range keks(t) {
		plain, ad := crypt.NewKey(), []byte("tenant|data_key|1")
		wrapped, err := k.Wrap(t.Context(), plain, ad)
		if err != nil || bytes.Contains(wrapped, plain) {
			t.Fatalf("%s: %v", name, err)
		}
		if back, err := k.Unwrap(t.Context(), wrapped, ad); err != nil || !bytes.Equal(back, plain) {
			t.Errorf("%s: %x, %v", name, back, err)
		}
		if _, err := k.Unwrap(t.Context(), wrapped, []byte("elsewhere|data_key|1")); !errors.Is(err, crypt.ErrWrongKey) {
			t.Errorf("%s: opened for another place: %v", name, err)
		}
		wrapped[len(wrapped)-8] ^= 1
		if _, err := k.Unwrap(t.Context(), wrapped, ad); err == nil {
			t.Errorf("%s: opened although altered", name)
		}
		if _, err := k.Unwrap(t.Context(), []byte("x"), ad); !errors.Is(err, crypt.ErrWrongKey) {
			t.Errorf("%s: garbage: %v", name, err)
		}
	}
}

func TestVaultTroubles(t *testing.T) {
	t.Parallel()
	v := crypttest.NewTransit(t)
	o := v.Options(t)
	o.Vault.Timeout = 200 * time.Millisecond
	k, err := crypt.Open("vault:transit/entente", o)
	if err != nil {
		t.Fatal(err)
	}
	wrap := func() error { _, err := k.Wrap(t.Context(), crypt.NewKey(), nil); return err }
	old, err := k.Wrap(t.Context(), []byte("old"), nil)
	if err != nil {
		t.Fatal(err)
	}
	v.Rotate()
	fresh, err := k.Wrap(t.Context(), []byte("new"), nil)
	if err != nil || !bytes.HasPrefix(fresh, []byte("vault:v2:")) {
		t.Errorf("after a rotation in Vault: %s, %v", fresh, err)
	}
	if back, err := k.Unwrap(t.Context(), old, nil); string(back) != "old" || err != nil {
		t.Errorf("an older version: %q, %v", back, err)
	}
	// The token is replaced, as Vault's agent does: the file is read again.
	v.Revoke("s.second")
	if err := wrap(); err == nil || errors.Is(err, crypt.ErrWrongKey) || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("a revoked token: %v", err)
	}
	write(t, o.Vault.TokenFile, "s.second\n")
	if err := wrap(); err != nil {
		t.Errorf("a fresh token: %v", err)
	}
	for name, step := range map[string]struct{ on, off func() }{
		"sealed": {func() { v.Seal(true) }, func() { v.Seal(false) }}, "hanging": {func() { v.Hang(true) }, func() { v.Hang(false) }},
	} {
		step.on()
		begin := time.Now()
		if err := wrap(); err == nil || errors.Is(err, crypt.ErrWrongKey) || time.Since(begin) > 3*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(begin))
		}
		step.off()
		if err := wrap(); err != nil {
			t.Errorf("after it was %s: %v", name, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "short"), "c2hvcnQ=\n")
	for _, c := range []struct {
		where string
		o     crypt.Options
	}{
		{"", crypt.Options{}}, {"file:", crypt.Options{}}, {"file:" + dir + "/none", crypt.Options{}}, {"file:" + dir + "/short", crypt.Options{}},
		{"systemd:kek", crypt.Options{}}, {"systemd:../kek", crypt.Options{Credentials: dir}}, {"vault:transit", crypt.Options{}}, {"vault:transit/k", crypt.Options{}},
		{"vault:transit/k", crypt.Options{Vault: crypt.Vault{Addr: "http://vault.example:8200", TokenFile: "x"}}}, {"vault:a/../b", crypt.Options{}}, {"gcp:x", crypt.Options{}},
	} {
		if _, err := crypt.Open(c.where, c.o); err == nil {
			t.Errorf("%q was opened", c.where)
		}
	}
}

// F16: any two of three shares restore the key; one reveals nothing; a slip is told.
func TestShares(t *testing.T) {
	t.Parallel()
	raw := crypt.NewKey()
	shares, err := crypt.Split(raw, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][]int{{0, 1}, {0, 2}, {1, 2}, {2, 0}, {0, 1, 2}} {
		var given []string
		for _, i := range pair {
			given = append(given, shares[i]+"\n")
		}
		if back, err := crypt.Combine(given); err != nil || !bytes.Equal(back, raw) {
			t.Errorf("shares %v: %v", pair, err)
		}
	}
	others, err := crypt.Split(crypt.NewKey(), 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	slip := []byte(shares[1])
	slip[60] ^= 1
	for name, given := range map[string][]string{"none": nil, "one alone": shares[:1], "the same twice": {shares[0], shares[0]}, "of two keys": {shares[0], others[1]},
		"a slip": {shares[0], string(slip)}, "cut": {shares[0], shares[1][:50]}, "garbage": {"hello", "world"}} {
		if _, err := crypt.Combine(given); err == nil {
			t.Errorf("%s: combined", name)
		} else {
			t.Log(name, err)
		}
	}
	five, err := crypt.Split(raw, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := crypt.Combine(five[:2]); err == nil {
		t.Error("two of three needed were enough")
	}
	if back, err := crypt.Combine([]string{five[4], five[0], five[2]}); err != nil || !bytes.Equal(back, raw) {
		t.Error(err)
	}
	for _, c := range [][2]int{{3, 1}, {2, 3}, {256, 2}} {
		if _, err := crypt.Split(raw, c[0], c[1]); err == nil {
			t.Errorf("%v was taken", c)
		}
	}
}

// A stream that was cut, swapped or altered is told.
func TestStreams(t *testing.T) {
	t.Parallel()
	k, err := crypt.NewDataKey(crypt.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := k.SealTo(&b, []byte("place"))
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	read := func(sealed []byte, place string) error {
		r, err := k.OpenFrom(bytes.NewReader(sealed), []byte(place))
		if err != nil {
			return err
		}
		got, err := io.ReadAll(r)
		if err == nil && !bytes.Equal(got, content) {
			t.Error("another content came back")
		}
		return err
	}
	if err := read(b.Bytes(), "place"); err != nil {
		t.Error(err)
	}
	cut := b.Bytes()[:1<<16] // the end of a segment: what remains is whole by itself
	flipped := bytes.Clone(b.Bytes())
	flipped[len(flipped)-1] ^= 1
	for name, err := range map[string]error{"another place": read(b.Bytes(), "elsewhere"), "cut": read(cut, "place"), "flipped": read(flipped, "place"), "empty": read(nil, "place")} {
		if err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}
