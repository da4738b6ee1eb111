package crypt

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	aeadsubtle "github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// local is a KEK whose key is in this process: read from a file or a systemd credential.
type local struct {
	id   string
	aead *aeadsubtle.AESGCM
}

// NewLocal returns the KEK of 32 raw bytes. Its ID is derived from the key and tells nothing about it.
func NewLocal(raw []byte) (KEK, error) {
	if len(raw) != KeySize {
		return nil, fmt.Errorf("a key-encryption key has %d bytes, not %d", KeySize, len(raw))
	}
	aead, err := aeadsubtle.NewAESGCM(raw)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte("entente kek id"), raw...))
	return &local{id: "local:" + hex.EncodeToString(sum[:8]), aead: aead}, nil
}

func (l *local) ID() string { return l.id }

func (l *local) Wrap(_ context.Context, plain, ad []byte) ([]byte, error) {
	return l.aead.Encrypt(plain, ad)
}

func (l *local) Unwrap(_ context.Context, wrapped, ad []byte) ([]byte, error) {
	plain, err := l.aead.Decrypt(wrapped, ad)
	if err != nil {
		return nil, ErrWrongKey
	}
	return plain, nil
}

// ReadFile returns the KEK that a file holds as base64. With create, a missing file is made first, readable by its owner only.
func ReadFile(path string, create bool) (KEK, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		b = []byte(base64.StdEncoding.EncodeToString(NewKey()) + "\n")
		err = writeOnce(path, b)
		if errors.Is(err, fs.ErrExist) { // another process was first
			b, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("key-encryption key: %w", err)
	}
	raw, err := decodeFile(path, b)
	if err != nil {
		return nil, err
	}
	return NewLocal(raw)
}

func decodeFile(path string, b []byte) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(raw) != KeySize {
		return nil, fmt.Errorf("key-encryption key %s: want %d bytes as one line of base64", path, KeySize)
	}
	return raw, nil
}

// writeOnce makes a file with all of b in it or none: a crash leaves no half key behind. fs.ErrExist when it is there already.
func writeOnce(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Link(tmp.Name(), path)
}
