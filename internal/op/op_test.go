package op_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const act access.Action = "product.update"

type product struct {
	ID   id.ID  `db:"product_id" json:"id"`
	Name string `db:"name" json:"name"`
}

type bundle struct {
	*op.Ops
	super *pgx.Conn
	staff access.Actor
}

func setup(t *testing.T) bundle {
	t.Helper()
	db := pgtest.New(t)
	b := bundle{optest.New(t, db), pgtest.Super(t, db), access.Actor{}}
	b.staff = b.member(t)
	return b
}

// member founds a tenant and returns its one member.
func (b bundle) member(t *testing.T) access.Actor {
	t.Helper()
	tenant, member := id.New(), id.New()
	b.must(t, `insert into tenant (tenant_id, slug, name) values ($1, $2, 'Acme')`, tenant, "t-"+tenant.String())
	b.must(t, `insert into member (tenant_id, member_id, role, name, status) values ($1, $2, 'admin', 'Ada', 'active')`, tenant, member)
	return access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: tenant, Member: member, Role: "admin", Name: "Ada", Credential: id.New(),
		Grants: map[access.Action]access.Scope{act: access.All}}
}

func (b bundle) must(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := b.super.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func (b bundle) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := b.super.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (b bundle) products(t *testing.T) int { return b.count(t, `select count(*) from product`) }

// entries returns the audit log as "action outcome type note" lines, oldest first.
func (b bundle) entries(t *testing.T) []string {
	t.Helper()
	out := []string{}
	for _, e := range optest.Told(t, b.Ops, b.super, `true`) {
		out = append(out, e.Action+" "+e.Outcome+" "+e.ObjectType+" "+e.Note)
	}
	return out
}

// add inserts a product into the actor's tenant without asking or telling.
func add(ctx context.Context, tx *op.Tx, name string) (product, error) {
	p := product{id.New(), name}
	_, err := tx.Exec(ctx, `insert into product (tenant_id, product_id, name) values ($1, $2, $3)`, tx.Who.Tenant, p.ID, p.Name)
	return p, err
}

// create is a whole use case.
func (b bundle) create(ctx context.Context, who access.Actor, name string) (product, error) {
	return op.Write(ctx, b.Ops, who, act, func(tx *op.Tx) (product, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return product{}, err
		}
		p, err := add(ctx, tx, name)
		tx.Audit(audit.Change{Type: "product", ID: p.ID, Label: name, After: p})
		return p, err
	})
}

func wantKind(t *testing.T, err error, kind errs.Kind, code string) {
	t.Helper()
	if !errs.IsKind(err, kind) || !errs.Is(err, code) {
		t.Errorf("error %v, want %s", err, code)
	}
}

func TestWriteCommitsTheWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, err := b.create(t.Context(), b.staff, "Drill")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"product.update done product "}, b.entries(t)); diff != "" {
		t.Error(diff)
	}
	// The row, its history and the entry carry one operation.
	if n := b.count(t, `select count(*) from audit_entry a join row_history h on h.tenant_id = a.tenant_id and h.op_id = a.op_id and h.row_id = a.object_id and h.member_id = a.actor_id
	   where a.object_id = $1`, p.ID); n != 1 {
		t.Errorf("%d entries with their history, want 1", n)
	}
	told := optest.Told(t, b.Ops, b.super, `object_id = $1`, p.ID)
	if len(told) != 1 || !strings.Contains(string(told[0].Changes), `"name":[null,"Drill"]`) || told[0].ActorName != "Ada" {
		t.Errorf("told %+v", told)
	}
	if n := b.count(t, `select count(*) from audit_entry a where a::text like '%Drill%' or a::text like '%Ada%'`); n != 0 {
		t.Error("the entry tells names in plain")
	}
}

// Law 1.
func TestNobodyAndNoGrant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	never := func(*op.Tx) (int, error) { t.Error("the function ran"); return 0, nil }
	without := func(change func(*access.Actor)) access.Actor { a := b.staff; change(&a); return a }
	cases := []struct {
		name     string
		who      access.Actor
		kind     errs.Kind
		code     string
		recorded bool
	}{
		{"nobody", access.Actor{}, errs.Unauthenticated, "unauthenticated", false},
		{"anonymous", access.NewAnonymous(b.staff.Tenant, access.Request{}), errs.Unauthenticated, "unauthenticated", false},
		{"no tenant", without(func(a *access.Actor) { a.Tenant = id.Nil }), errs.Forbidden, "no_tenant", false},
		{"a partner's person without a partner", without(func(a *access.Actor) { a.Persona = access.Partner }), errs.Forbidden, "no_tenant", true},
		{"the vendor's person with a partner", without(func(a *access.Actor) { a.Partner = id.New() }), errs.Forbidden, "no_tenant", true},
		{"a person as a worker", without(func(a *access.Actor) { a.Persona = access.Worker }), errs.Forbidden, "no_tenant", true},
		{"no grant", without(func(a *access.Actor) { a.Grants = nil }), errs.Forbidden, "denied", true},
	}
	for _, c := range cases {
		for way, run := range map[string]func() error{
			"write": func() error { _, err := op.Write(t.Context(), b.Ops, c.who, act, never); return err },
			"read":  func() error { _, err := op.Read(t.Context(), b.Ops, c.who, act, never); return err },
			"batch": func() error {
				return op.Batch(t.Context(), b.Ops, c.who, act, func(*op.Reads) { t.Error("the function ran") })
			},
		} {
			before := len(b.entries(t))
			wantKind(t, run(), c.kind, c.code)
			fresh := b.entries(t)[before:]
			if c.recorded && (len(fresh) != 1 || fresh[0] != "product.update denied product "+c.code) || !c.recorded && len(fresh) != 0 {
				t.Errorf("%s by %s: on record %q", way, c.name, fresh)
			}
		}
	}
}

// Laws 1 and 5: an id of another tenant is a random one, and leaves a trace at home.
func TestForeignIDIsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	theirs, err := b.create(ctx, b.member(t), "Secret drill")
	if err != nil {
		t.Fatal(err)
	}
	find := func(q pg.Querier, v id.ID) error {
		err := q.QueryRow(ctx, `select from product where product_id = $1`, v).Scan()
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.Missing("product")
		}
		return err
	}
	for _, v := range []id.ID{theirs.ID, id.New()} {
		for way, run := range map[string]func() error{
			"write": func() error {
				_, err := op.Write(ctx, b.Ops, b.staff, act, func(tx *op.Tx) (int, error) { tx.About("product", v); return 0, find(tx, v) })
				return err
			},
			"read": func() error {
				_, err := op.Read(ctx, b.Ops, b.staff, act, func(tx *op.Tx) (int, error) { tx.About("product", v); return 0, find(tx, v) })
				return err
			},
			"batch": func() error {
				return op.Batch(ctx, b.Ops, b.staff, act, func(r *op.Reads) {
					r.About("product", v)
					r.Query(`select from product where product_id = $1`, []any{v}, func(rows pgx.Rows) error {
						if !rows.Next() {
							return errs.Missing("product")
						}
						return nil
					})
				})
			},
		} {
			refused := func() []optest.Line {
				return optest.Told(t, b.Ops, b.super, `tenant_id = $1 and outcome = 'denied' and object_id = $2`, b.staff.Tenant, v)
			}
			before := len(refused())
			wantKind(t, run(), errs.NotFound, "product.not_found")
			if after := refused(); len(after) != before+1 || after[before].Note != "product.not_found" {
				t.Errorf("%s: %+v, want %d entries", way, after, before+1)
			}
		}
	}
	if n := b.count(t, `select count(*) from audit_entry where tenant_id <> $1 and outcome = 'denied'`, b.staff.Tenant); n != 0 {
		t.Errorf("%d refusals stand in the other tenant's log", n)
	}
}

// Law 2.
func TestUnaskedUntoldAndRefusedDoNotCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	own := b.staff
	own.Grants = map[access.Action]access.Scope{act: access.Own}
	cases := map[string]struct {
		who access.Actor
		fn  func(tx *op.Tx)
		ok  bool
	}{
		"unasked":             {b.staff, func(tx *op.Tx) { tx.Audit(audit.Change{Type: "product"}) }, false},
		"untold":              {b.staff, func(tx *op.Tx) { _ = tx.Allow(access.Object{}) }, false},
		"neither":             {b.staff, func(*op.Tx) {}, false},
		"refused and went on": {own, func(tx *op.Tx) { _ = tx.Allow(access.Object{Owner: id.New()}); tx.Unchanged() }, false},
		"refused one, allowed next": {own, func(tx *op.Tx) {
			_ = tx.Allow(access.Object{})
			_ = tx.Allow(access.Object{Owner: own.Member})
			tx.Unchanged()
		}, false},
		"asked and unchanged": {b.staff, func(tx *op.Tx) { _ = tx.Allow(access.Object{}); tx.Unchanged() }, true},
	}
	for name, c := range cases {
		before := b.products(t)
		_, err := op.Write(ctx, b.Ops, c.who, act, func(tx *op.Tx) (product, error) { c.fn(tx); return add(ctx, tx, name) })
		if (err == nil) != c.ok {
			t.Errorf("%s: error %v", name, err)
		}
		if committed := b.products(t) == before+1; committed != c.ok {
			t.Errorf("%s: committed %t", name, committed)
		}
	}
	// A read that goes on after a refusal gives nothing out either.
	if _, err := op.Read(ctx, b.Ops, own, act, func(tx *op.Tx) (string, error) { _ = tx.Allow(access.Object{}); return "secret", nil }); !errs.IsKind(err, errs.Forbidden) {
		t.Errorf("a refused read answered, error %v", err)
	}
}

// F9: no audit entry, no change.
func TestFailingAuditUndoesTheChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, `alter table audit_entry add constraint audit_entry_full_ck check (object_type <> 'product')`)
	if _, err := b.create(t.Context(), b.staff, "Saw"); err == nil {
		t.Error("a change went through without its entry")
	}
	if n := b.products(t); n != 0 {
		t.Errorf("%d products, want none", n)
	}
	// A refusal that cannot be recorded is still a refusal.
	b.must(t, `alter table audit_entry add constraint audit_entry_shut_ck check (outcome <> 'denied') not valid`)
	who := b.staff
	who.Grants = nil
	_, err := b.create(t.Context(), who, "Drill")
	wantKind(t, err, errs.Forbidden, "denied")
}

// F8: without the tenant's key there is neither a change nor a plain entry; with the key in memory the loss is not felt yet.
func TestNoKeyNoChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kek := &fickle{KEK: b.kek(t)}
	b.Keys = keyring.New(b.DB, kek, func() time.Time { return b.Clock() })
	if _, err := b.create(t.Context(), b.staff, "Drill"); err != nil {
		t.Fatal(err)
	}
	kek.down = true
	if _, err := b.create(t.Context(), b.staff, "Saw"); err != nil {
		t.Errorf("with the key in memory: %v", err)
	}
	b.Clock = func() time.Time { return time.Now().Add(time.Hour) }
	_, err := b.create(t.Context(), b.staff, "Hammer")
	wantKind(t, err, errs.Unavailable, "keys.unavailable")
	if n := b.products(t); n != 2 {
		t.Errorf("%d products, want 2", n)
	}
}

type fickle struct {
	crypt.KEK
	down bool
}

func (f *fickle) Unwrap(ctx context.Context, wrapped, ad []byte) ([]byte, error) {
	if f.down {
		return nil, errors.New("no route to the key server")
	}
	return f.KEK.Unwrap(ctx, wrapped, ad)
}

func (b bundle) kek(t *testing.T) crypt.KEK {
	t.Helper()
	k, err := crypt.NewLocal(crypt.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestCommitFailureIsAnError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, `alter table product add constraint product_late_uq unique (tenant_id, series) deferrable initially deferred`)
	if _, err := b.create(t.Context(), b.staff, "One"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.create(t.Context(), b.staff, "Two"); pg.Constraint(err) != "product_late_uq" {
		t.Errorf("error %v, want the constraint that fails at commit", err)
	}
	// A statement failed, the function says nothing: the server rolls back where it was asked to commit.
	_, err := op.Write(t.Context(), b.Ops, b.staff, act, func(tx *op.Tx) (int, error) {
		_ = tx.Allow(access.Object{})
		tx.Unchanged()
		_, _ = tx.Exec(t.Context(), `select 1 / 0`)
		return 0, nil
	})
	if err == nil {
		t.Error("a rolled-back write was reported as done")
	}
	if n := b.products(t); n != 1 {
		t.Errorf("%d products, want 1", n)
	}
}

// Law 3.
func TestWriteIsRunAgainAfterALostRace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, c := range []struct {
		losses, runs int
		ok           bool
	}{{0, 1, true}, {2, 3, true}, {9, 3, false}} {
		runs := 0
		before := b.products(t)
		_, err := op.Write(t.Context(), b.Ops, b.staff, act, func(tx *op.Tx) (product, error) {
			runs++
			_ = tx.Allow(access.Object{})
			tx.Audit(audit.Change{Type: "product"})
			p, err := add(t.Context(), tx, fmt.Sprint("race ", c.losses))
			if err == nil && runs <= c.losses {
				err = fmt.Errorf("save: %w", &pgconn.PgError{Code: "40001"})
			}
			return p, err
		})
		if runs != c.runs || (err == nil) != c.ok {
			t.Errorf("%d losses: %d runs, error %v", c.losses, runs, err)
		}
		if !c.ok {
			wantKind(t, err, errs.Conflict, "busy")
		}
		if got := b.products(t) - before; got != map[bool]int{true: 1}[c.ok] {
			t.Errorf("%d losses: %d products", c.losses, got)
		}
	}
	if n := b.count(t, `select count(*) from audit_entry`); n != 2 {
		t.Errorf("%d entries for 2 changes", n)
	}
}

type made struct{ name string }

func (made) EventName() string { return "product.made" }

// Listeners are part of the transaction.
func TestListenerUndoesTheWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	heard := 0
	b.Listeners = map[string][]op.Listener{"product.made": {func(ctx context.Context, tx *op.Tx, ev event.Event) error {
		heard++
		if ev.(made).name == "bad" {
			return errors.New("listener says no")
		}
		_, err := add(ctx, tx, "for "+ev.(made).name)
		return err
	}}}
	for _, name := range []string{"good", "bad"} {
		_, err := op.Write(t.Context(), b.Ops, b.staff, act, func(tx *op.Tx) (int, error) {
			_ = tx.Allow(access.Object{})
			tx.Unchanged()
			return 0, tx.Emit(t.Context(), made{name})
		})
		if (err == nil) != (name == "good") || err != nil && !strings.Contains(err.Error(), "listener of product.made") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if n := b.products(t); n != 1 || heard != 2 {
		t.Errorf("%d products and %d calls", n, heard)
	}
}

// idle reports whether the pool of the staff gives out every connection, unbound and outside a transaction.
func (b bundle) idle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	pool := b.DB.Pool(pg.Staff)
	for range pool.Config().MaxConns {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			t.Fatalf("a connection did not come back: %v", err)
		}
		defer conn.Release()
		var bound string
		if err := conn.QueryRow(ctx, `select coalesce(current_setting('app.tenant_id', true), '') || coalesce(current_setting('app.member_id', true), '')`).Scan(&bound); err != nil || bound != "" {
			t.Errorf("a connection came back bound to %q (%v)", bound, err)
		}
		if s := conn.Conn().PgConn().TxStatus(); s != 'I' {
			t.Errorf("a connection came back in state %c", s)
		}
	}
}

// A16: however a use case ends, its connection goes back clean.
func TestPanicAndCancelGiveTheConnectionBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	caught := func(fn func()) (v any) {
		defer func() { v = recover() }()
		fn()
		return nil
	}
	for range 12 { // more than the pool has; without a connection left, the time runs out
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		for way, run := range map[string]func(){
			"write": func() {
				_, _ = op.Write(ctx, b.Ops, b.staff, act, func(tx *op.Tx) (int, error) { _, _ = add(ctx, tx, "lost"); panic("boom") })
			},
			"read": func() {
				_, _ = op.Read(ctx, b.Ops, b.staff, act, func(*op.Tx) (int, error) { panic("boom") })
			},
			"batch": func() {
				_ = op.Batch(ctx, b.Ops, b.staff, act, func(r *op.Reads) {
					r.Query(`select 1`, nil, func(pgx.Rows) error { panic("boom") })
				})
			},
		} {
			if caught(run) == nil {
				t.Errorf("the panic in a %s was swallowed", way)
			}
		}
		_, err := op.Write(ctx, b.Ops, b.staff, act, func(tx *op.Tx) (product, error) {
			_ = tx.Allow(access.Object{})
			tx.Unchanged()
			p, err := add(ctx, tx, "cancelled")
			cancel()
			return p, err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the cancellation", err)
		}
	}
	b.idle(t)
	if n := b.products(t); n != 0 {
		t.Errorf("%d products outlived a panic or a cancellation", n)
	}
}

// Reads never write, and a partner's people read no answers of others.
func TestReadsAreReadOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := op.Read(t.Context(), b.Ops, b.staff, act, func(tx *op.Tx) (product, error) { return add(t.Context(), tx, "x") })
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) || refusal.Code != "25006" {
		t.Errorf("error %v, want a read-only transaction", err)
	}
	b.idle(t)
}
