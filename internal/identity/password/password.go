// Package password turns passwords into argon2id hashes, verifies them, and judges new
// ones. It knows no users and no storage.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"entente.dev/internal/kernel/errs"
)

// CodeBusy is the code of the Unavailable error when too many people sign in at once.
const CodeBusy = "sign_in.busy"

// ErrFormat says that a stored hash is not an argon2id PHC string we accept.
var ErrFormat = errors.New("not an argon2id hash")

// cost is what one hash takes.
type cost struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// current is the cost of new hashes (OWASP ASVS 5.0, V11.4.2).
var current = cost{memory: 19 * 1024, time: 2, threads: 1}

const (
	saltLen = 16
	keyLen  = 32
	// queueSlots waiting for each computing one is about a second of waiting.
	queueSlots = 16
)

// Hasher hashes and verifies. It computes at most one hash for each core at a time, so
// that memory and the rest of the program stay safe when many people, or one attacker, try
// at once. Make one for the whole program.
type Hasher struct {
	cost    cost
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
}

// NewHasher returns a Hasher for as many cores as the program may use.
func NewHasher() *Hasher {
	cores := runtime.GOMAXPROCS(0)
	return &Hasher{cost: current, slots: make(chan struct{}, cores), queue: int64(cores) * queueSlots}
}

// Hash returns the PHC string of plain, with a random salt. It does not judge plain: see
// Check. It fails with "password.unusable" for text that cannot be a password, with
// CodeBusy when too many wait already, and with ctx's error when ctx ends while waiting.
func (h *Hasher) Hash(ctx context.Context, plain string) (string, error) {
	text, ok := normalise(plain)
	if !ok {
		return "", unusable()
	}
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails, see crypto/rand
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return phc{h.cost, salt, h.cost.key(text, salt, keyLen)}.String(), nil
}

// Verify reports whether plain is the password of the PHC string stored, and if so whether
// it should be hashed anew because the stored hash is weaker than today's. For an account
// that does not exist or has no password, pass "" for stored: the answer is false after the
// same time. A malformed stored hash gives ErrFormat, also after that time. Busy and ctx as
// for Hash.
func (h *Hasher) Verify(ctx context.Context, plain, stored string) (ok, rehash bool, err error) {
	want, formatErr := parse(stored)
	if formatErr != nil {
		// The salt is fixed and no key matches: this spends the time only.
		want = phc{cost: h.cost, salt: make([]byte, saltLen), key: make([]byte, keyLen)}
	}
	text, usable := normalise(plain)
	if !usable {
		text = "\x00" // spends the time as well; normalised text never holds NUL
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	got := want.cost.key(text, want.salt, len(want.key))
	same := subtle.ConstantTimeCompare(got, want.key) == 1
	switch {
	case stored == "":
		return false, false, nil
	case formatErr != nil:
		return false, false, formatErr
	case !same || !usable:
		return false, false, nil
	}
	weak := want.cost.memory < h.cost.memory || want.cost.time < h.cost.time ||
		want.cost.threads != h.cost.threads || len(want.salt) < saltLen || len(want.key) < keyLen
	return true, weak, nil
}

// enter waits for a free core; leave gives it back.
func (h *Hasher) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-h.slots }
	select {
	case h.slots <- struct{}{}:
		return leave, nil
	default:
	}
	if h.waiting.Add(1) > h.queue {
		h.waiting.Add(-1)
		return nil, &errs.Error{Kind: errs.Unavailable, Code: CodeBusy, RetryAfter: 2 * time.Second,
			Msg: "Many people are signing in at this moment. Please try again in a few seconds."}
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c cost) key(text string, salt []byte, n int) []byte {
	return argon2.IDKey([]byte(text), salt, c.time, c.memory, c.threads, uint32(n))
}

// phc is a parsed hash in the PHC string format.
type phc struct {
	cost cost
	salt []byte
	key  []byte
}

var b64 = base64.RawStdEncoding.Strict()

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.cost.memory, p.cost.time, p.cost.threads, b64.EncodeToString(p.salt), b64.EncodeToString(p.key))
}

// parse reads a PHC string whose cost is within bounds that cannot exhaust the program.
func parse(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(s) > 512 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return phc{}, ErrFormat
	}
	names := strings.Split(parts[3], ",")
	if len(names) != 3 {
		return phc{}, ErrFormat
	}
	memory, okM := number(names[0], "m=", 8, 256*1024)
	passes, okT := number(names[1], "t=", 1, 16)
	threads, okP := number(names[2], "p=", 1, 16)
	salt, errS := b64.DecodeString(parts[4])
	key, errK := b64.DecodeString(parts[5])
	if !okM || !okT || !okP || memory < 8*threads || errS != nil || errK != nil ||
		len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return phc{}, ErrFormat
	}
	return phc{cost{memory, passes, uint8(threads)}, salt, key}, nil
}

// number reads a decimal without sign or leading zero behind prefix, within bounds.
func number(s, prefix string, low, high uint32) (uint32, bool) {
	digits, found := strings.CutPrefix(s, prefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	v := uint32(n)
	return v, found && err == nil && v >= low && v <= high && strconv.FormatUint(n, 10) == digits
}
