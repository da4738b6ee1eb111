package op_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

// Law 4.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	who := b.staff
	who.Request = access.Request{IdempotencyKey: "k1", BodyHash: "h1"}
	first, err := b.create(t.Context(), who, "Drill")
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.create(t.Context(), who, "Drill")
	if err != nil || again != first {
		t.Errorf("again: %v, error %v; want the first answer %v", again, err, first)
	}
	other := who
	other.Request.BodyHash = "h2"
	_, err = b.create(t.Context(), other, "Saw")
	wantKind(t, err, errs.Invalid, "idempotency.reused")
	_, err = op.Write(t.Context(), b.Ops, with(who, "stage.update"), "stage.update", func(*op.Tx) (int, error) { t.Error("ran"); return 0, nil })
	wantKind(t, err, errs.Invalid, "idempotency.reused")
	if n := b.products(t); n != 1 {
		t.Errorf("%d products, want 1", n)
	}
	// Another credential, or another tenant's, has keys of its own.
	for _, free := range []access.Actor{who, b.member(t)} {
		free.Credential, free.Request = id.New(), who.Request
		if got, err := b.create(t.Context(), free, "Other drill"); err != nil || got == first {
			t.Errorf("another credential got %v, error %v", got, err)
		}
	}
	// A failed write frees its key.
	who.Request.IdempotencyKey = "k2"
	if _, err := b.create(t.Context(), who, ""); pg.Constraint(err) != "product_name_ck" {
		t.Errorf("error %v, want the name's constraint", err)
	}
	if _, err := b.create(t.Context(), who, "Named"); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}

func with(a access.Actor, act access.Action) access.Actor {
	a.Grants = map[access.Action]access.Scope{act: access.All}
	return a
}

func TestSameKeyAtOnceHasOneEffect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	who := b.staff
	who.Request = access.Request{IdempotencyKey: "k", BodyHash: "h"}
	answers := make([]product, 8)
	var wg sync.WaitGroup
	var failed atomic.Int32
	for i := range answers {
		wg.Go(func() {
			var err error
			if answers[i], err = b.create(t.Context(), who, "Drill"); err != nil {
				failed.Add(1)
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("answers differ: %v and %v", a, answers[0])
		}
	}
	if n := b.products(t); n != 1 {
		t.Errorf("%d products, want 1", n)
	}
	if n := b.count(t, `select count(*) from audit_entry where outcome = 'done'`); n != 1 {
		t.Errorf("%d entries, want 1", n)
	}
}

type secret struct{ Key string }

func (secret) ToldOnce() {}

func TestSecretIsToldOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	who := b.staff
	who.Request = access.Request{IdempotencyKey: "k", BodyHash: "h"}
	tell := func() (secret, error) {
		return op.Write(t.Context(), b.Ops, who, act, func(tx *op.Tx) (secret, error) {
			_ = tx.Allow(access.Object{})
			tx.Unchanged()
			return secret{"s3cret"}, nil
		})
	}
	if got, err := tell(); err != nil || got.Key != "s3cret" {
		t.Fatal(got, err)
	}
	got, err := tell()
	wantKind(t, err, errs.Conflict, "idempotency.done")
	if got.Key != "" || b.count(t, `select count(*) from idempotency i where i::text like '%s3cret%'`) != 0 {
		t.Error("the secret was kept")
	}
}
