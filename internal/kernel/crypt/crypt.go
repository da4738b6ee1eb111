// Package crypt is the cryptography of data at rest: a key-encryption key (KEK) that wraps data keys, and the two ciphers a data
// key gives, AES-256-GCM for values and AES256-GCM-HKDF for streams (both by Tink). It knows no database and no tenant.
package crypt

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	aeadsubtle "github.com/tink-crypto/tink-go/v2/aead/subtle"
	streamsubtle "github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// KeySize is the size of a data key and of a KEK in bytes.
const KeySize = 32

// ErrWrongKey means that a ciphertext was not made with this key, for this place, or was altered.
var ErrWrongKey = errors.New("the data was encrypted with another key or for another place, or was altered")

// KEK wraps data keys. What it wraps is bound to ad; Unwrap with another one fails with ErrWrongKey.
type KEK interface {
	ID() string // names the key and its version; stored beside what it wrapped
	Wrap(ctx context.Context, plain, ad []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, ad []byte) ([]byte, error)
}

// NewKey returns 32 fresh random bytes.
func NewKey() []byte {
	b := make([]byte, KeySize)
	_, _ = rand.Read(b) // never fails
	return b
}

// Key is a data key at work.
type Key struct {
	values *aeadsubtle.AESGCM
	stream *streamsubtle.AESGCMHKDF
}

// NewDataKey returns the ciphers of a 32-byte data key. Each cipher has a key of its own, derived from it by HKDF-SHA-256.
func NewDataKey(raw []byte) (*Key, error) {
	if len(raw) != KeySize {
		return nil, fmt.Errorf("crypt: a data key has %d bytes, not %d", KeySize, len(raw))
	}
	one, err := hkdf.Key(sha256.New, raw, nil, "entente values", KeySize)
	if err != nil {
		return nil, err
	}
	two, err := hkdf.Key(sha256.New, raw, nil, "entente streams", KeySize)
	if err != nil {
		return nil, err
	}
	values, err := aeadsubtle.NewAESGCM(one)
	if err != nil {
		return nil, err
	}
	stream, err := streamsubtle.NewAESGCMHKDF(two, "SHA256", KeySize, 1<<16, 0)
	if err != nil {
		return nil, err
	}
	return &Key{values: values, stream: stream}, nil
}

// Seal encrypts plain and binds it to ad.
func (k *Key) Seal(plain, ad []byte) ([]byte, error) { return k.values.Encrypt(plain, ad) }

// Open decrypts what Seal made. ErrWrongKey when the key, ad or data is another.
func (k *Key) Open(sealed, ad []byte) ([]byte, error) {
	plain, err := k.values.Decrypt(sealed, ad)
	if err != nil {
		return nil, ErrWrongKey
	}
	return plain, nil
}

// SealTo returns a writer that encrypts to w; the stream is complete only when it is closed.
func (k *Key) SealTo(w io.Writer, ad []byte) (io.WriteCloser, error) {
	return k.stream.NewEncryptingWriter(w, ad)
}

// OpenFrom returns a reader of what SealTo wrote. A stream that was cut or altered fails while it is read.
func (k *Key) OpenFrom(r io.Reader, ad []byte) (io.Reader, error) {
	return k.stream.NewDecryptingReader(r, ad)
}
