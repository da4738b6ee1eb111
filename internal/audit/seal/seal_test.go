package seal

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/audit/verify"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type world struct {
	*Service
	t     testing.TB
	super *pgx.Conn
	a, b  access.Actor
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db := pgtest.New(t)
	o := optest.New(t, db)
	w := &world{Service: New(o, Options{}), t: t, super: pgtest.Super(t, db)}
	w.a, w.b = w.tenant("acme"), w.tenant("bolt")
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.super.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.super.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) tenant(slug string) access.Actor {
	w.t.Helper()
	tenant := id.New()
	w.exec(`insert into tenant (tenant_id, slug, name) values ($1, $2, $2)`, tenant, slug)
	return access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: tenant, Member: id.New(), Role: "admin", Name: "Ada", Credential: id.New(),
		Grants: map[access.Action]access.Scope{"deal.update": access.All, ActProof: access.All, ActCheckpoint: access.All, ActExport: access.All, ActVerify: access.All}}
}

// tell writes n entries of one operation.
func (w *world) tell(ctx context.Context, who access.Actor, n int, label string) error {
	_, err := op.Write(ctx, w.ops, who, "deal.update", func(tx *op.Tx) (int, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return 0, err
		}
		for i := range n {
			tx.Audit(audit.Change{Type: "deal", ID: id.New(), Label: fmt.Sprintf("%s %d", label, i)})
		}
		return n, nil
	})
	return err
}

// erase empties entries of tenant a, as an erasure that two people decided on does; without one the database refuses.
func (w *world) erase(entries []id.ID) {
	w.t.Helper()
	try := func() error {
		_, err := op.Write(w.t.Context(), w.ops, access.NewSystem(w.a.Tenant, "test"), "deal.update", func(tx *op.Tx) (n int, err error) {
			_ = tx.Allow(access.Object{})
			tx.Unchanged()
			return n, tx.QueryRow(w.t.Context(), `select app.audit_erase($1)`, entries).Scan(&n)
		})
		return err
	}
	if err := try(); err == nil {
		w.t.Error("the log was emptied without an approved erasure")
	}
	w.exec(`insert into privacy_request (tenant_id, request_id, number, kind, source, state, received_at, due_at, identity_at, proposed_by, proposed_at, approved_by, approved_at, approved_how, subject_email)
	  values ($1, gen_random_uuid(), 1, 'erasure', 'e-mail', 'executing', now(), now() + interval '1 month', now(), gen_random_uuid(), now(), gen_random_uuid(), now(), 'second-person', 'x@y.example')`, w.a.Tenant)
	w.must(try())
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// bundle exports the whole log of a tenant and verifies it.
func (w *world) bundle(who access.Actor, in Bundle) []byte {
	w.t.Helper()
	var buf bytes.Buffer
	_, err := w.Export(w.t.Context(), who, in, &buf)
	w.must(err)
	return buf.Bytes()
}

func (w *world) live(who access.Actor, kept []byte) verify.Report {
	w.t.Helper()
	r, err := w.Verify(w.t.Context(), who, kept)
	w.must(err)
	return r
}

// F10: sequencers in competition, with writers and a transaction that ends late, seal everything once and fork nothing.
func TestSequencersDoNotFork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	// A transaction with an early number that commits last.
	late, err := w.ops.DB.Pool(pg.Worker).Begin(ctx)
	w.must(err)
	_, err = late.Exec(ctx, pg.SQLBind, binding(w.a.Tenant, time.Now())...)
	w.must(err)
	keys, err := w.ops.Keys.Sealer(ctx, w.a.Tenant)
	w.must(err)
	entry, err := audit.NewEntry(w.ops.Map, keys, w.a, id.New(), time.Now().UTC().Truncate(time.Microsecond), audit.Done, audit.Change{Action: "deal.update", Type: "deal", Label: "late"})
	w.must(err)
	w.must(audit.Append(ctx, late, []audit.Entry{entry}))
	var writers, sequencers sync.WaitGroup
	for range 3 {
		sequencers.Go(func() {
			for ctx.Err() == nil {
				if err := w.Tick(ctx); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 3 {
		writers.Go(func() {
			for k := range 40 {
				who := w.a
				if (i+k)%2 == 0 {
					who = w.b
				}
				if err := w.tell(ctx, who, 1+k%5, "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	w.must(w.Tick(ctx))
	if n := w.count(`select count(*) from audit_entry e where not exists (select from audit_leaf l where l.entry_id = e.entry_id)`); n > 0 {
		w.must(w.Tick(ctx)) // another sequencer was at it
	}
	w.must(late.Commit(ctx))
	stop()
	sequencers.Wait()
	const left = `select count(*) from audit_entry e where not exists (select from audit_leaf l where l.tenant_id = e.tenant_id and l.entry_id = e.entry_id)`
	for try := 0; try < 50 && w.count(left) > 0; try++ { // a sequencer that was cut off may hold its lock for a moment
		w.exec(`select pg_sleep(0.1)`)
		w.must(w.Tick(t.Context()))
	}
	if n := w.count(left); n != 0 {
		t.Errorf("%d entries were passed over", n)
	}
	if n := w.count(`select count(*) from audit_leaf where entry_id = $1`, entry.EntryID); n != 1 {
		t.Error("the entry that was committed late has no leaf")
	}
	for _, who := range []access.Actor{w.a, w.b} {
		if r := w.live(who, nil); !r.OK || r.Entries != r.Size || r.Payloads != r.Size || r.Size < 50 {
			t.Errorf("%+v", r)
		}
	}
}

func TestBundleAndProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.tell(t.Context(), w.a, 300, "first"))
	w.must(w.tell(t.Context(), w.b, 3, "other"))
	w.must(w.Tick(t.Context()))
	head, err := w.Checkpoint(t.Context(), w.a.Tenant)
	w.must(err)
	if head.Size != 300 {
		t.Fatalf("%+v", head)
	}
	middle := time.Now()
	w.must(w.tell(t.Context(), w.a, 700, "second"))
	w.must(w.Tick(t.Context()))
	key, err := w.Verifier(t.Context())
	w.must(err)
	for name, in := range map[string]Bundle{"whole": {}, "from": {From: middle, Since: 300}, "to": {To: middle}, "none": {From: middle.Add(time.Hour)}} {
		b := w.bundle(w.a, in)
		r, err := verify.Bundle(bytes.NewReader(b), int64(len(b)), verify.Options{Key: key, Checkpoint: []byte(head.Note), Tenant: w.a.Tenant.String()})
		w.must(err)
		if want := map[string]int64{"whole": 1000, "from": 700, "to": 300}[name]; !r.OK || r.Payloads < want || r.Compared == "" {
			t.Errorf("%s: %+v", name, r)
		}
		w.must(w.Tick(t.Context()))
	}
	// Every entry has its proof, until it is another tenant's.
	rows, err := w.super.Query(t.Context(), `select entry_id from audit_leaf where tenant_id = $1 and seq % 97 = 0`, w.a.Tenant)
	w.must(err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	w.must(err)
	for _, v := range ids {
		p, err := w.Proof(t.Context(), w.a, v)
		w.must(err)
		cp, err := verify.OpenCheckpoint([]byte(p.Head.Note), p.Verifier)
		w.must(err)
		if err := verify.CheckProof(p.Entry, cp, p.Hashes); err != nil || !p.Sealed {
			t.Errorf("%v: %v", v, err)
		}
		if _, err := w.Proof(t.Context(), w.b, v); err == nil {
			t.Error("another tenant has a proof of it")
		}
	}
	// What is told is erased; the entry, its leaf and its proof stay.
	w.erase(ids[:2])
	if r := w.live(w.a, []byte(head.Note)); !r.OK || r.Erased != 2 {
		t.Errorf("%+v", r)
	}
	if p, err := w.Proof(t.Context(), w.a, ids[0]); err != nil || !p.Sealed {
		t.Errorf("%v %v", p.Sealed, err)
	}
	// A bundle tells what was erased and what was pruned; what is gone before its period is over is warned of.
	w.exec(`delete from audit_entry where entry_id = $1`, ids[3])
	b := w.bundle(w.a, Bundle{})
	r, err := verify.Bundle(bytes.NewReader(b), int64(len(b)), verify.Options{Key: key})
	w.must(err)
	if !r.OK || r.Erased != 2 || r.Pruned != 1 || len(r.Warnings) != 1 || r.Warnings[0].Kind != verify.Early || r.Warnings[0].Seq != 291 {
		t.Errorf("%+v", r)
	}
	w.exec(`insert into retention_rule (tenant_id, category, event, keep) values ($1, 'audit-log', 'recorded', interval '0')`, w.a.Tenant)
	b = w.bundle(w.a, Bundle{})
	if r, err = verify.Bundle(bytes.NewReader(b), int64(len(b)), verify.Options{Key: key}); err != nil || !r.OK || r.Pruned != 1 || len(r.Warnings) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if n := w.count(`select count(*) from audit_checkpoint where tenant_id = $1`, w.a.Tenant); n != 1 {
		t.Errorf("%d checkpoints kept in an hour", n)
	}
}

// F13: what a superuser does to the tables, whatever the triggers say, is found and located.
func TestSuperuserIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.tell(t.Context(), w.a, 600, "x"))
	w.must(w.tell(t.Context(), w.b, 5, "y"))
	w.must(w.Tick(t.Context()))
	at := func(seq int) string {
		return fmt.Sprintf(`(select entry_id from audit_leaf where tenant_id = '%s' and seq = %d)`, w.a.Tenant, seq)
	}
	head, err := w.Checkpoint(t.Context(), w.a.Tenant)
	w.must(err)
	tables := []string{"audit_entry", "audit_leaf", "audit_tile", "audit_tree"}
	w.exec(`create schema bak`)
	for _, t := range tables {
		w.exec(`create table bak.` + t + ` as select * from app.` + t)
	}
	for _, c := range []struct {
		name, sql, kind string
		seq             int64
	}{
		{"edit the action", `update audit_entry set action = 'deal.approve' where entry_id = ` + at(17), verify.Edited, 17},
		{"edit the time", `update audit_entry set at = at - interval '1 day' where entry_id = ` + at(299), verify.Edited, 299},
		{"edit the payload", `update audit_entry set payload = payload || '\x00' where entry_id = ` + at(4), verify.Payload, 4},
		{"swap two payloads", `update audit_entry e set payload = o.payload, salt = o.salt from audit_entry o where e.entry_id = ` + at(8) + ` and o.entry_id = ` + at(9), verify.Payload, 8},
		{"edit the commitment", `update audit_entry set commitment = sha256('x') where entry_id = ` + at(3), verify.Edited, 3},
		{"delete", `delete from audit_entry where entry_id = ` + at(100), verify.Deleted, 100},
		{"delete with its leaf", `with d as (delete from audit_entry where entry_id = ` + at(100) + `) delete from audit_leaf where entry_id = ` + at(100), verify.Deleted, 100},
		{"reorder", `with l as (select seq, entry_id, 41 - seq as other from audit_leaf where tenant_id = '` + w.a.Tenant.String() + `' and seq in (20, 21))
		   update audit_leaf a set seq = 100000 + l.other from l where a.entry_id = l.entry_id; update audit_leaf set seq = seq - 100000 where seq > 99999`, verify.Reordered, 20},
		{"truncate", `delete from audit_entry where entry_id in (select entry_id from audit_leaf where seq >= 590 and tenant_id = '` + w.a.Tenant.String() + `'); delete from audit_leaf where seq >= 590`, verify.Truncated, 590},
		{"edit with its leaf", `update audit_entry set action = 'deal.approve' where entry_id = ` + at(17) + `; update audit_tile set hashes = overlay(hashes placing sha256('x') from 17*32+1) where level = 0 and n = 0`, verify.Damaged, 0},
		{"swap the tenant", `update audit_entry set tenant_id = '` + w.b.Tenant.String() + `' where entry_id = ` + at(50), verify.Deleted, 50},
		{"another's checkpoint", `update audit_tree set note = (select note from audit_tree where tenant_id = '` + w.b.Tenant.String() + `') where tenant_id = '` + w.a.Tenant.String() + `'`, verify.OtherTenant, -1},
		{"forge the checkpoint", `update audit_tree set note = replace(note, E'\n600\n', E'\n599\n')`, verify.OtherKey, -1},
	} {
		for _, sql := range strings.Split(c.sql, ";") {
			w.exec(sql)
		}
		r := w.live(w.a, []byte(head.Note))
		found := false
		for _, f := range r.Findings {
			found = found || f.Kind == c.kind && (f.Seq == c.seq || c.kind == verify.Damaged)
		}
		if r.OK || !found {
			t.Errorf("%s: want %s at %d, found %+v", c.name, c.kind, c.seq, r.Findings)
		}
		for _, t := range tables {
			w.exec(`delete from app.` + t)
			w.exec(`insert into app.` + t + ` select * from bak.` + t)
		}
	}
}
