// Package keyring holds the data keys of the tenants: it encrypts values and streams with the key of their tenant, and signs
// with the key of the installation. A data key is stored wrapped by the key-encryption key and unwrapped only in memory.
//
// Invariants:
//
//  1. A ciphertext is bound to its place (tenant, table, row, column, key version): moved elsewhere it does not open.
//  2. A destroyed key is gone for good: nothing opens, and no new key takes its number.
//  3. When the KEK cannot be reached, keys that are cached work until their time is up; then Unavailable, never plain text.
package keyring

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

// keyTTL is how long an unwrapped key is used before the KEK is asked again.
const keyTTL = 10 * time.Minute

// Place is where a ciphertext belongs; it opens nowhere else.
type Place struct{ Table, Row, Column string }

// Ring gives each tenant its keys. It is safe for concurrent use.
type Ring struct {
	db    *pg.DB
	kek   crypt.KEK
	clock func() time.Time

	mu     sync.Mutex
	keys   map[keyName]cached
	signer note.Signer
}

type keyName struct {
	tenant  id.ID
	version uint32 // 0: the newest
}

type cached struct {
	version uint32
	key     *crypt.Key
	until   time.Time
}

// New returns a ring over the keys in db.
func New(db *pg.DB, kek crypt.KEK, clock func() time.Time) *Ring {
	return &Ring{db: db, kek: kek, clock: clock, keys: map[keyName]cached{}}
}

// header is what stands before a ciphertext: the format and the version of the data key.
const (
	format     = 1
	headerSize = 5
)

func header(version uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{format}, version)
}

func (p Place) data(tenant id.ID, version uint32) []byte {
	return fmt.Appendf(nil, "%s|%s|%s|%s|%d", tenant, p.Table, p.Row, p.Column, version)
}

// Sealer encrypts for one tenant without asking the database again.
type Sealer struct {
	tenant  id.ID
	version uint32
	key     *crypt.Key
}

// Sealer returns the newest key of a tenant, made at the first call. Errors: Unavailable "keys.unavailable" when the KEK or the
// database cannot be reached, Conflict "keys.destroyed" when the tenant's keys were destroyed.
func (r *Ring) Sealer(ctx context.Context, tenant id.ID) (Sealer, error) {
	c, err := r.get(ctx, keyName{tenant: tenant})
	return Sealer{tenant: tenant, version: c.version, key: c.key}, err
}

// Seal encrypts plain for its place.
func (s Sealer) Seal(at Place, plain []byte) ([]byte, error) {
	sealed, err := s.key.Seal(plain, at.data(s.tenant, s.version))
	return append(header(s.version), sealed...), err
}

// Version is the number of the key that it encrypts with.
func (s Sealer) Version() uint32 { return s.version }

// SealTo returns a writer that encrypts a stream to w; close it to complete the stream.
func (s Sealer) SealTo(at Place, w io.Writer) (io.WriteCloser, error) {
	if _, err := w.Write(header(s.version)); err != nil {
		return nil, err
	}
	return s.key.SealTo(w, at.data(s.tenant, s.version))
}

// Seal encrypts plain for its place with the tenant's newest key. Errors as of Sealer.
func (r *Ring) Seal(ctx context.Context, tenant id.ID, at Place, plain []byte) ([]byte, error) {
	s, err := r.Sealer(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return s.Seal(at, plain)
}

// Open decrypts what Seal made for the same place. crypt.ErrWrongKey when it was made for another place or altered; further
// errors as of Sealer.
func (r *Ring) Open(ctx context.Context, tenant id.ID, at Place, sealed []byte) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != format {
		return nil, crypt.ErrWrongKey
	}
	version := binary.BigEndian.Uint32(sealed[1:])
	c, err := r.get(ctx, keyName{tenant, version})
	if err != nil {
		return nil, err
	}
	return c.key.Open(sealed[headerSize:], at.data(tenant, version))
}

// SealTo returns a writer that encrypts a stream to w with the tenant's newest key; close it to complete the stream.
func (r *Ring) SealTo(ctx context.Context, tenant id.ID, at Place, w io.Writer) (io.WriteCloser, error) {
	s, err := r.Sealer(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return s.SealTo(at, w)
}

// OpenFrom returns a reader of what SealTo wrote for the same place.
func (r *Ring) OpenFrom(ctx context.Context, tenant id.ID, at Place, from io.Reader) (io.Reader, error) {
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(from, head); err != nil || head[0] != format {
		return nil, errors.Join(crypt.ErrWrongKey, err)
	}
	version := binary.BigEndian.Uint32(head[1:])
	c, err := r.get(ctx, keyName{tenant, version})
	if err != nil {
		return nil, err
	}
	return c.key.OpenFrom(from, at.data(tenant, version))
}

// get returns a key from the cache or unwraps it. A key made by another process counts as the newest after keyTTL at most.
func (r *Ring) get(ctx context.Context, name keyName) (cached, error) {
	now := r.clock()
	r.mu.Lock()
	c, ok := r.keys[name]
	r.mu.Unlock()
	if ok && now.Before(c.until) {
		return c, nil
	}
	row, err := r.load(ctx, name)
	if err != nil {
		return cached{}, err
	}
	raw, err := r.kek.Unwrap(ctx, row.Wrapped, wrapData(name.tenant, row.Version))
	if err != nil {
		return cached{}, r.unwrapFailed(err, row.KEK)
	}
	key, err := crypt.NewDataKey(raw)
	if err != nil {
		return cached{}, err
	}
	c = cached{version: row.Version, key: key, until: now.Add(keyTTL)}
	r.mu.Lock()
	r.keys[name], r.keys[keyName{name.tenant, row.Version}] = c, c
	r.mu.Unlock()
	return c, nil
}

func wrapData(tenant id.ID, version uint32) []byte {
	return fmt.Appendf(nil, "%s|data_key|%d", tenant, version)
}

func (r *Ring) unwrapFailed(err error, kek string) error {
	msg := "The keys of this programme cannot be reached right now. Try again in a moment."
	if errors.Is(err, crypt.ErrWrongKey) {
		err = fmt.Errorf("the key was wrapped by KEK %s; this program has %s: %w", kek, r.kek.ID(), err)
		msg = "The keys of this programme cannot be opened. The operator must restore the key-encryption key."
	}
	return &errs.Error{Kind: errs.Unavailable, Code: "keys.unavailable", Msg: msg, RetryAfter: 30 * time.Second, Err: err}
}

// Forget drops every key from memory, such as after a rotation or destruction.
func (r *Ring) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.keys)
	r.signer = nil
}
