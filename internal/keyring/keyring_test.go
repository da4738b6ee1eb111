package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/crypt/crypttest"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/keyring"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type world struct {
	*keyring.Ring
	db    *pg.DB
	super *pgx.Conn
	kek   crypt.KEK
	mu    sync.Mutex
	now   time.Time
	a, b  id.ID
}

func (w *world) clock() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *world) later(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(d) }

func local(t *testing.T) crypt.KEK {
	t.Helper()
	k, err := crypt.NewLocal(crypt.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func setup(t *testing.T, kek crypt.KEK) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{db: db, super: pgtest.Super(t, db), kek: kek, now: time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), a: id.New(), b: id.New()}
	w.Ring = keyring.New(db, kek, w.clock)
	if _, err := w.super.Exec(t.Context(), `insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme'), ($2, 'globex', 'Globex')`, w.a, w.b); err != nil {
		t.Fatal(err)
	}
	return w
}

var place = keyring.Place{Table: "mail", Row: "1", Column: "text_body"}

func (w *world) seal(t *testing.T, tenant id.ID, text string) []byte {
	t.Helper()
	sealed, err := w.Seal(t.Context(), tenant, place, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// Invariant 1.
func TestBoundToItsPlace(t *testing.T) {
	t.Parallel()
	w := setup(t, local(t))
	sealed := w.seal(t, w.a, "secret")
	if got, err := w.Open(t.Context(), w.a, place, sealed); string(got) != "secret" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("it is plain")
	}
	w.seal(t, w.b, "x") // B has a key of its own
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	next := bytes.Clone(sealed)
	next[4] = 2
	for name, c := range map[string]struct {
		tenant id.ID
		at     keyring.Place
		sealed []byte
	}{
		"another tenant": {w.b, place, sealed}, "another row": {w.a, keyring.Place{Table: "mail", Row: "2", Column: "text_body"}, sealed},
		"another column": {w.a, keyring.Place{Table: "mail", Row: "1", Column: "html_body"}, sealed}, "another table": {w.a, keyring.Place{Table: "deal", Row: "1", Column: "text_body"}, sealed},
		"flipped": {w.a, place, flipped}, "another version": {w.a, place, next}, "empty": {w.a, place, nil}, "plain": {w.a, place, []byte("a plain text that was never encrypted")},
	} {
		if got, err := w.Open(t.Context(), c.tenant, c.at, c.sealed); !errors.Is(err, crypt.ErrWrongKey) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if w.Failed() != 7 { // a version that does not exist is no failed decrypt
		t.Errorf("%d failures counted", w.Failed())
	}
}

// Invariant 2: destroyed at once, on every node, for good; the other tenant keeps its own.
func TestDestroy(t *testing.T) {
	t.Parallel()
	w := setup(t, local(t))
	other := keyring.New(w.db, w.kek, w.clock)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- other.Run(ctx) }()
	sealed, kept := w.seal(t, w.a, "secret"), w.seal(t, w.b, "kept")
	// The other node has the key in its cache, and listens.
	for {
		if _, err := other.Open(t.Context(), w.a, place, sealed); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := w.super.QueryRow(t.Context(), `select count(*) from pg_stat_activity where query = 'listen entente_keys' and datname = current_database()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			break
		}
	}
	for range 2 {
		if err := w.Destroy(t.Context(), w.a); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Open(t.Context(), w.a, place, sealed); !errs.Is(err, "keys.destroyed") {
		t.Errorf("here: %v", err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		_, err := other.Open(t.Context(), w.a, place, sealed)
		if errs.Is(err, "keys.destroyed") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the other node did not hear of it: %v", err)
		}
	}
	if _, err := w.Seal(t.Context(), w.a, place, []byte("x")); !errs.Is(err, "keys.destroyed") {
		t.Errorf("a new key took the place: %v", err)
	}
	if got, err := w.Open(t.Context(), w.b, place, kept); string(got) != "kept" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	var left int
	if err := w.super.QueryRow(t.Context(), `select count(*) from data_key where tenant_id = $1 and wrapped is not null`, w.a).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d keys are left, %v", left, err)
	}
	if err := w.super.QueryRow(t.Context(), `select count(*) from row_history where table_name = 'data_key' and (coalesce(old_row, '{}') || coalesce(new_row, '{}')) ? 'wrapped'`).Scan(&left); err != nil || left != 0 {
		t.Errorf("the history holds %d keys, %v", left, err)
	}
	// A tenant that never had a key gets none any more.
	if err := w.Destroy(t.Context(), w.b); err != nil {
		t.Fatal(err)
	}
	stop()
	<-done
}

// F8: keys in memory work until their time is up, then 503, never plain text; and again once the KEK is back.
func TestKEKDown(t *testing.T) {
	t.Parallel()
	vault := crypttest.NewTransit(t)
	o := vault.Options(t)
	o.Vault.Timeout = 300 * time.Millisecond
	kek, err := crypt.Open("vault:transit/entente", o)
	if err != nil {
		t.Fatal(err)
	}
	w := setup(t, kek)
	sealed := w.seal(t, w.a, "secret")
	if err := w.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	vault.Seal(true)
	w.later(9 * time.Minute)
	if got, err := w.Open(t.Context(), w.a, place, sealed); string(got) != "secret" || err != nil {
		t.Errorf("from memory: %q, %v", got, err)
	}
	w.later(2 * time.Minute)
	for range 20 {
		if got, err := w.Open(t.Context(), w.a, place, sealed); !errs.IsKind(err, errs.Unavailable) || !errs.Is(err, "keys.unavailable") || got != nil {
			t.Errorf("after its time: %q, %v", got, err)
		}
		if sealed, err := w.Seal(t.Context(), w.a, place, []byte("plain")); !errs.Is(err, "keys.unavailable") || sealed != nil {
			t.Errorf("sealed without a key: %q, %v", sealed, err)
		}
	}
	asked := vault.Asked()
	if _, err := w.Open(t.Context(), w.a, place, sealed); err == nil || vault.Asked() != asked {
		t.Errorf("a KEK that is down was asked again at once (%v)", err)
	}
	vault.Seal(false)
	w.later(6 * time.Second)
	if got, err := w.Open(t.Context(), w.a, place, sealed); string(got) != "secret" || err != nil {
		t.Errorf("after it came back: %q, %v", got, err)
	}
	vault.Hang(true)
	w.later(11 * time.Minute)
	begin := time.Now()
	if _, err := w.Open(t.Context(), w.a, place, sealed); !errs.Is(err, "keys.unavailable") || time.Since(begin) > 3*time.Second {
		t.Errorf("a hanging KEK: %v after %v", err, time.Since(begin))
	}
}

func TestWrongKEKIsNamed(t *testing.T) {
	t.Parallel()
	w := setup(t, local(t))
	w.seal(t, w.a, "secret")
	if any, err := w.Any(t.Context()); !any || err != nil {
		t.Errorf("%t, %v", any, err)
	}
	stranger := local(t)
	err := keyring.New(w.db, stranger, w.clock).Check(t.Context())
	if !errs.Is(err, "keys.wrong_kek") || !strings.Contains(err.Error(), w.kek.ID()) || !strings.Contains(err.Error(), stranger.ID()) {
		t.Errorf("%v", err)
	}
	if err := w.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// The KEK is exchanged while another process serves with both; broken off, it goes on.
func TestRewrap(t *testing.T) {
	t.Parallel()
	w := setup(t, local(t))
	a, b := w.seal(t, w.a, "of a"), w.seal(t, w.b, "of b")
	before, err := w.Verifier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Rotate(t.Context(), w.a); err != nil {
		t.Fatal(err)
	}
	vault := crypttest.NewTransit(t)
	to, err := crypt.Open("vault:transit/entente", vault.Options(t))
	if err != nil {
		t.Fatal(err)
	}
	vault.Seal(true)
	if _, err := w.Rewrap(t.Context(), to, func(int, int) {}); err == nil {
		t.Error("rewrapped for a KEK that does not work")
	}
	vault.Seal(false)
	ctx, kill := context.WithCancel(t.Context())
	if _, err := w.Rewrap(ctx, to, func(int, int) { kill() }); err == nil {
		t.Error("it was not broken off")
	}
	both := keyring.New(w.db, to, w.clock, w.kek)
	if err := both.Check(t.Context()); err != nil {
		t.Errorf("in the middle, with both: %v", err)
	}
	done, err := both.Rewrap(t.Context(), to, func(int, int) {})
	if err != nil || done.Keys != 1 || done.Signing != 1 {
		t.Errorf("the rest: %+v, %v", done, err)
	}
	alone := keyring.New(w.db, to, w.clock)
	if err := alone.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if got, err := alone.Open(t.Context(), w.a, place, a); string(got) != "of a" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := alone.Open(t.Context(), w.b, place, b); string(got) != "of b" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if after, err := alone.Verifier(t.Context()); after != before || err != nil {
		t.Errorf("the signing key changed: %v", err)
	}
	if err := keyring.New(w.db, w.kek, w.clock).Check(t.Context()); !errs.Is(err, "keys.wrong_kek") {
		t.Errorf("the old KEK: %v", err)
	}
}

func TestRotateAndRetire(t *testing.T) {
	t.Parallel()
	w := setup(t, local(t))
	old := w.seal(t, w.a, "old")
	v, err := w.Rotate(t.Context(), w.a)
	if err != nil || v != 2 {
		t.Fatalf("%d, %v", v, err)
	}
	fresh := w.seal(t, w.a, "new")
	if fresh[4] != 2 || old[4] != 1 {
		t.Errorf("versions %d and %d", old[4], fresh[4])
	}
	for text, sealed := range map[string][]byte{"old": old, "new": fresh} {
		if got, err := w.Open(t.Context(), w.a, place, sealed); string(got) != text || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	for _, version := range []uint32{1, 2, 3} {
		if err := w.Retire(t.Context(), w.a, version); !errs.Is(err, "keys.in_use") {
			t.Errorf("version %d at once: %v", version, err)
		}
	}
	// app.now is the bound clock, so the successor is as old as the clock says.
	w.later(keyring.Settled + time.Second)
	if err := w.Retire(t.Context(), w.a, 2); !errs.Is(err, "keys.in_use") {
		t.Errorf("the newest: %v", err)
	}
	if err := w.Retire(t.Context(), w.a, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Open(t.Context(), w.a, place, old); !errs.Is(err, "keys.destroyed") {
		t.Errorf("after retirement: %v", err)
	}
	if got, err := w.Open(t.Context(), w.a, place, fresh); string(got) != "new" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSigner(t *testing.T) {
	t.Parallel()
	w := setup(t, local(t))
	s, err := w.Signer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: "hello\n"}, s)
	if err != nil {
		t.Fatal(err)
	}
	public, err := keyring.New(w.db, w.kek, w.clock).Verifier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(signed, note.VerifierList(v)); err != nil {
		t.Error(err)
	}
}

func TestStreamFailuresAreCounted(t *testing.T) {
	t.Parallel()
	w := setup(t, local(t))
	var b bytes.Buffer
	out, err := w.SealTo(t.Context(), w.a, place, &b)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = out.Write([]byte("secret"))
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	b.Bytes()[b.Len()-1] ^= 1
	in, err := w.OpenFrom(t.Context(), w.a, place, &b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(in); err == nil || w.Failed() != 1 {
		t.Errorf("%v, %d counted", err, w.Failed())
	}
}
