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
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/singleflight"

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
	kek   crypt.KEK   // wraps
	older []crypt.KEK // unwrap what an earlier KEK wrapped, until it is wrapped anew
	clock func() time.Time

	mu     sync.Mutex
	keys   map[keyName]cached
	signer note.Signer
	down   error     // why the KEK could not be reached
	until  time.Time // and until when it is not asked again

	loads  singleflight.Group
	failed atomic.Uint64
}

// pause is how long a KEK that could not be reached is left alone: a hanging one must not hold up every request.
const pause = 5 * time.Second

// loadTime bounds how long a key is waited for.
const loadTime = 15 * time.Second

type keyName struct {
	tenant  id.ID
	version uint32 // 0: the newest
}

type cached struct {
	version uint32
	key     *crypt.Key
	until   time.Time
}

// New returns a ring over the keys in db, which kek wraps. older are KEKs that wrapped some of them before.
func New(db *pg.DB, kek crypt.KEK, clock func() time.Time, older ...crypt.KEK) *Ring {
	return &Ring{db: db, kek: kek, older: older, clock: clock, keys: map[keyName]cached{}}
}

// Failed returns how many ciphertexts did not open since the start: each one was altered, or put in another place.
func (r *Ring) Failed() uint64 { return r.failed.Load() }

type trial struct{}

// Trial returns a context for a probe that opens a ciphertext where it must not open: a refusal is what is hoped for then, and does
// not count as a failure.
func Trial(ctx context.Context) context.Context { return context.WithValue(ctx, trial{}, true) }

// noted counts err when it says that a ciphertext did not open.
func (r *Ring) noted(ctx context.Context, err error) error {
	if errors.Is(err, crypt.ErrWrongKey) && ctx.Value(trial{}) == nil {
		r.failed.Add(1)
	}
	return err
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

// SealWith encrypts with the key of one version, the newest or not. For tests of rotations.
func (r *Ring) SealWith(ctx context.Context, tenant id.ID, version uint32, at Place, plain []byte) ([]byte, error) {
	c, err := r.get(ctx, keyName{tenant, version})
	if err != nil {
		return nil, err
	}
	return Sealer{tenant: tenant, version: c.version, key: c.key}.Seal(at, plain)
}

// Open decrypts what Seal made for the same place. crypt.ErrWrongKey when it was made for another place or altered; further
// errors as of Sealer.
func (r *Ring) Open(ctx context.Context, tenant id.ID, at Place, sealed []byte) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != format {
		return nil, r.noted(ctx, crypt.ErrWrongKey)
	}
	version := binary.BigEndian.Uint32(sealed[1:])
	c, err := r.get(ctx, keyName{tenant, version})
	if err != nil {
		return nil, err
	}
	plain, err := c.key.Open(sealed[headerSize:], at.data(tenant, version))
	return plain, r.noted(ctx, err)
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
		return nil, r.noted(ctx, errors.Join(crypt.ErrWrongKey, err))
	}
	version := binary.BigEndian.Uint32(head[1:])
	c, err := r.get(ctx, keyName{tenant, version})
	if err != nil {
		return nil, err
	}
	plain, err := c.key.OpenFrom(from, at.data(tenant, version))
	return &counted{r, plain, ctx.Value(trial{}) != nil}, err
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
	// One load for everybody who waits for the same key, whoever of them leaves meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTime)
	defer cancel()
	v, err, _ := r.loads.Do(fmt.Sprint(name.tenant, name.version), func() (any, error) { return r.fetch(ctx, name, now) })
	if err != nil {
		return cached{}, err
	}
	return v.(cached), nil
}

// fetch loads a key and unwraps it.
func (r *Ring) fetch(ctx context.Context, name keyName, now time.Time) (c cached, err error) {
	row, err := r.load(ctx, name)
	if err != nil {
		return c, err
	}
	raw, err := r.unwrap(ctx, row.Wrapped, wrapData(name.tenant, row.Version), row.KEK)
	if err != nil {
		return c, err
	}
	key, err := crypt.NewDataKey(raw)
	if err != nil {
		return c, err
	}
	c = cached{version: row.Version, key: key, until: now.Add(keyTTL)}
	r.mu.Lock()
	r.keys[name], r.keys[keyName{name.tenant, row.Version}] = c, c
	r.mu.Unlock()
	return c, nil
}

// unwrap asks the KEK that wrapped it, unless it was down a moment ago. Errors: Unavailable "keys.unavailable".
func (r *Ring) unwrap(ctx context.Context, wrapped, ad []byte, by string) ([]byte, error) {
	now := r.clock()
	r.mu.Lock()
	down := r.down
	if !now.Before(r.until) {
		down = nil
	}
	r.mu.Unlock()
	if down != nil {
		return nil, r.unwrapFailed(down, by)
	}
	raw, err := r.kekOf(by).Unwrap(ctx, wrapped, ad)
	if err != nil && !errors.Is(err, crypt.ErrWrongKey) {
		r.mu.Lock()
		r.down, r.until = err, now.Add(pause)
		r.mu.Unlock()
	}
	if err != nil {
		return nil, r.unwrapFailed(err, by)
	}
	return raw, nil
}

// kekOf returns the KEK of an id, the current one when there is none of it.
func (r *Ring) kekOf(name string) crypt.KEK {
	for _, k := range r.older {
		if k.ID() == name && r.kek.ID() != name {
			return k
		}
	}
	return r.kek
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

// counted counts a stream that does not open, once.
type counted struct {
	ring *Ring
	io.Reader
	told bool
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil && err != io.EOF && !c.told {
		c.told = true
		c.ring.failed.Add(1)
	}
	return n, err
}

// Forget drops every key from memory, such as after a rotation or destruction.
func (r *Ring) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.keys)
	r.signer = nil
}
