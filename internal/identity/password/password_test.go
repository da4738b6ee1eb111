package password

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	"entente.dev/internal/kernel/errs"
)

// cheap hashes fast enough for tests that are not about cost.
func cheap() *Hasher {
	return &Hasher{cost: cost{memory: 8, time: 1, threads: 1}, slots: make(chan struct{}, 2), queue: 4}
}

const plain = "four words of nonsense"

func TestHashVerify(t *testing.T) {
	h := NewHasher()
	stored, err := h.Hash(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored %s", stored)
	}
	for guess, want := range map[string]bool{plain: true, plain + " ": false, "": false, "Four words of nonsense": false, "\xff": false} {
		ok, rehash, err := h.Verify(t.Context(), guess, stored)
		if ok != want || rehash || err != nil {
			t.Errorf("%q: ok %v rehash %v err %v", guess, ok, rehash, err)
		}
	}
	again, err := h.Hash(t.Context(), plain)
	if err != nil || again == stored {
		t.Error("two hashes of one password must differ by their salt")
	}
}

// The vectors of the reference implementation (phc-winner-argon2, src/test.c).
func TestReferenceVectors(t *testing.T) {
	vectors := map[string]string{
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc": "password",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4":   "password",
		"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc":   "password",
		"$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg": "password",
		"$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$kCXUjmjvc5XMqQedpMTsOv+zyJEf5PhtGiUghW9jFyw": "password",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94": "differentpassword",
		"$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw": "password",
	}
	h := NewHasher()
	for stored, text := range vectors {
		ok, rehash, err := h.Verify(t.Context(), text, stored)
		if !ok || !rehash || err != nil {
			t.Errorf("%s: ok %v rehash %v err %v", stored, ok, rehash, err)
		}
	}
}

func TestRehashOnlyWhenRight(t *testing.T) {
	weak, err := cheap().Hash(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	h := NewHasher()
	if ok, rehash, err := h.Verify(t.Context(), plain, weak); !ok || !rehash || err != nil {
		t.Errorf("weak hash: ok %v rehash %v err %v", ok, rehash, err)
	}
	if ok, rehash, err := h.Verify(t.Context(), "something else", weak); ok || rehash || err != nil {
		t.Errorf("wrong password: ok %v rehash %v err %v", ok, rehash, err)
	}
}

// Different keyboards send one password in several forms.
func TestNormalised(t *testing.T) {
	h := cheap()
	stored, err := h.Hash(t.Context(), "caf\u00e9 \u30ac quinze mots")
	if err != nil {
		t.Fatal(err)
	}
	for _, same := range []string{"cafe\u0301 \u30ab\u3099 quinze mots", "caf\u00e9\u00a0\uff76\uff9e quinze mots"} {
		if ok, _, err := h.Verify(t.Context(), same, stored); !ok || err != nil {
			t.Errorf("%q is refused: %v", same, err)
		}
	}
}

func TestMalformedStored(t *testing.T) {
	good := "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if _, err := parse(good); err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{
		{"argon2id", "argon2i"}, {"v=19", "v=16"}, {"m=256", "m=+256"}, {"m=256", "m=0256"}, {"m=256", "m=4294967295"},
		{"m=256", "m=4"}, {"t=2", "t=0"}, {"t=2", "t=99"}, {"p=1", "p=0"}, {"p=1", "p=64"}, {",p=1", ""}, {"m=256,t=2", "t=2,m=256"},
		{"c29tZXNhbHQ", "c29"}, {"c29tZXNhbHQ", "!!!!"}, {"nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", ""},
		{"Gi/4", "Gi/5"}, {"$c29", "$$c29"}, {"$argon2id", "argon2id"},
	} {
		bad := strings.Replace(good, edit[0], edit[1], 1)
		if _, err := parse(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%s is accepted", bad)
		}
	}
	ok, _, err := cheap().Verify(t.Context(), plain, "$2y$10$bcrypt")
	if ok || !errors.Is(err, ErrFormat) {
		t.Errorf("ok %v err %v", ok, err)
	}
}

// A40: an account that does not exist costs what one costs that does. What argon2 costs is its memory, which unlike time
// can be measured exactly on a busy machine.
func TestUnknownAccountCostsTheSame(t *testing.T) {
	h := NewHasher()
	stored, err := h.Hash(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string][2]string{
		"known account":     {"not the right password", stored},
		"unknown account":   {"not the right password", ""},
		"unusable password": {"\xff", stored},
		"enormous password": {strings.Repeat("x", 1<<20), stored},
		"malformed hash":    {"not the right password", "x"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if ok, _, _ := h.Verify(t.Context(), try[0], try[1]); ok {
			t.Fatal("a wrong password was accepted")
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got < 19<<20 || got > 24<<20 {
			t.Errorf("%s took %d KiB, want one run of argon2id", name, got>>10)
		}
	}
}

// F7: beyond the queue the answer is 503 at once, and the queue drains.
func TestQueueIsBounded(t *testing.T) {
	h := cheap()
	leave := make([]func(), 2)
	for i := range leave {
		var err error
		if leave[i], err = h.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var wait sync.WaitGroup
	for range h.queue {
		wait.Go(func() {
			if _, err := h.Hash(t.Context(), plain); err != nil {
				t.Errorf("one that queued was refused: %v", err)
			}
		})
	}
	for h.waiting.Load() < h.queue {
		runtime.Gosched()
	}
	_, err := h.Hash(t.Context(), plain)
	if !errs.Is(err, CodeBusy) || !errs.IsKind(err, errs.Unavailable) || errs.Of(err).RetryAfter <= 0 {
		t.Errorf("beyond the queue: %v", err)
	}
	for _, f := range leave {
		f()
	}
	wait.Wait()
	if n := h.waiting.Load(); n != 0 || len(h.slots) != 0 {
		t.Errorf("%d still wait and %d compute", n, len(h.slots))
	}
}

func TestWaitingEndsWithContext(t *testing.T) {
	h := cheap()
	for range cap(h.slots) {
		if _, err := h.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.Verify(ctx, plain, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("err %v", err)
	}
	if h.waiting.Load() != 0 {
		t.Error("who left still counts as waiting")
	}
}

func FuzzVerify(f *testing.F) {
	for _, s := range []string{"", "$", "$argon2id$v=19$m=19456,t=2,p=1$$", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"} {
		f.Add("password", s)
	}
	h := cheap()
	f.Fuzz(func(t *testing.T, guess, stored string) {
		p, err := parse(stored)
		if err == nil && p.String() != stored {
			t.Errorf("%q is read as %q", stored, p)
		}
		if p.cost.memory > 1024 || p.cost.time > 4 {
			return // valid but dear; only parsing matters here
		}
		if ok, _, verr := h.Verify(t.Context(), guess, stored); ok && err != nil || (verr != nil) != (err != nil && stored != "") {
			t.Errorf("ok %v err %v for %q", ok, verr, stored)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	h := NewHasher()
	stored, err := h.Hash(b.Context(), plain)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, _, _ := h.Verify(b.Context(), plain, stored); !ok {
			b.Fatal("refused")
		}
	}
}
