package file_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/audit"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type world struct {
	*file.Service
	ops    *op.Ops
	super  *pgx.Conn
	blobs  blob.Store
	dir    string
	now    time.Time
	tenant id.ID
	north  id.ID

	admin, staff, partner, agent, rival, stranger, system access.Actor
}

func setup(t testing.TB) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{ops: optest.New(t, db), super: pgtest.Super(t, db), dir: t.TempDir(), now: time.Date(2026, 5, 4, 15, 0, 0, 0, time.UTC), tenant: id.New(), north: id.New()}
	w.ops.Clock = func() time.Time { return w.now }
	var err error
	if w.blobs, err = blob.Open("dir:"+w.dir, blob.Options{}); err != nil {
		t.Fatal(err)
	}
	w.Service = file.New(w.ops, w.blobs)
	south, other := id.New(), id.New()
	w.exec(t, `insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme'), ($2, 'globex', 'Globex')`, w.tenant, other)
	w.exec(t, `insert into partner (tenant_id, partner_id, name, name_norm) values ($1, $2, 'North', 'north'), ($1, $3, 'South', 'south')`, w.tenant, w.north, south)
	who := func(r string, tenant, partner id.ID) access.Actor {
		return access.Actor{Kind: access.Person, Persona: role.Persona(r), Tenant: tenant, Partner: partner, Member: id.New(), Role: r, Name: r, Credential: id.New(), Grants: role.Grants(r)}
	}
	w.admin, w.staff = who(role.Admin, w.tenant, id.Nil), who(role.Staff, w.tenant, id.Nil)
	w.partner, w.agent, w.rival = who(role.Partner, w.tenant, w.north), who(role.Agent, w.tenant, w.north), who(role.Partner, w.tenant, south)
	w.stranger, w.system = who(role.Admin, other, id.Nil), access.NewSystem(w.tenant, "test")
	return w
}

func (w *world) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := w.super.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) save(t testing.TB, m file.Meta, content []byte) file.File {
	t.Helper()
	if m.Name == "" {
		m.Name = "a.bin"
	}
	if m.ContentType == "" {
		m.ContentType = "application/octet-stream"
	}
	f, err := w.Save(t.Context(), w.system, m, func(out io.Writer) error { _, err := out.Write(content); return err })
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (w *world) read(t *testing.T, who access.Actor, v id.ID) ([]byte, error) {
	t.Helper()
	c, err := w.Open(t.Context(), who, v)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return io.ReadAll(c)
}

func (w *world) stored(t *testing.T) []string {
	t.Helper()
	out := []string{}
	if err := w.blobs.List(t.Context(), "", func(i blob.Info) error { out = append(out, i.Key); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// Invariants 1 and 2.
func TestRoundTripIsEncrypted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	content := make([]byte, 3<<20)
	_, _ = rand.Read(content)
	copy(content, "CANARY-in-a-file")
	f := w.save(t, file.Meta{Kind: file.Evidence, Name: "one.bin"}, content)
	sum := sha256.Sum256(content)
	if f.State != file.Ready || f.Size != int64(len(content)) || !bytes.Equal(f.SHA256, sum[:]) || *f.KeyVersion != 1 {
		t.Errorf("%+v", f)
	}
	if got, err := w.read(t, w.staff, f.ID); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	raw, err := os.ReadFile(filepath.Join(w.dir, *f.BlobKey))
	if err != nil || bytes.Contains(raw, []byte("CANARY")) || len(raw) < len(content) {
		t.Errorf("the store holds %d bytes, plain: %t, %v", len(raw), bytes.Contains(raw, []byte("CANARY")), err)
	}
	// Another file's content in its place, a flipped bit, a cut: nothing is given out.
	other := w.save(t, file.Meta{Kind: file.Evidence}, []byte("other"))
	for name, bad := range map[string][]byte{"another file's": must(t, filepath.Join(w.dir, *other.BlobKey)), "flipped": flip(raw, 40), "flipped late": flip(raw, len(raw)-20), "cut": raw[:len(raw)-30], "empty": {}} {
		if err := os.WriteFile(filepath.Join(w.dir, *f.BlobKey), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := w.read(t, w.staff, f.ID); err == nil || bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes came back without an error", name, len(got))
		}
	}
	if err := os.Remove(filepath.Join(w.dir, *f.BlobKey)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.read(t, w.staff, f.ID); !errs.Is(err, "file.lost") {
		t.Errorf("a missing blob: %v", err)
	}
}

func must(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func flip(b []byte, at int) []byte {
	c := slices.Clone(b)
	c[at] ^= 1
	return c
}

// Create is part of its transaction.
func TestCreateInATransaction(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rollback := errors.New("change of mind")
	make := func(fail error, finish bool) (v id.ID, err error) {
		_, err = op.Write(t.Context(), w.ops, w.system, file.ActCreate, func(tx *op.Tx) (int, error) {
			if err := tx.Allow(access.Object{}); err != nil {
				return 0, err
			}
			tx.Audit(audit.Change{Type: "stored_file"})
			out, err := w.Create(t.Context(), tx, file.Meta{Kind: file.Certificate, Name: "c.txt", ContentType: "text/plain; charset=utf-8", Forever: true})
			if err != nil {
				return 0, err
			}
			defer out.Abort()
			v = out.ID()
			if _, err := io.WriteString(out, "certified"); err != nil || !finish {
				return 0, err
			}
			return 0, errors.Join(out.Close(), fail)
		})
		return v, err
	}
	v, err := make(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.read(t, w.admin, v); string(got) != "certified" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if v, err = make(rollback, true); !errors.Is(err, rollback) {
		t.Fatal(err)
	}
	if _, err := w.Get(t.Context(), w.admin, v); !errs.IsKind(err, errs.NotFound) {
		t.Errorf("a file outlived its transaction: %v", err)
	}
	if v, err = make(nil, false); err != nil { // given up: the row is there and never opens
		t.Fatal(err)
	}
	if _, err := w.read(t, w.admin, v); !errs.Is(err, "file.writing") {
		t.Errorf("a file that was given up: %v", err)
	}
	// Three blobs were begun: one is known, one is an orphan, one was given up.
	if got := len(w.stored(t)); got != 2 {
		t.Errorf("%d blobs", got)
	}
	w.now = time.Now().Add(48 * time.Hour)
	n, err := w.Sweep(t.Context(), w.tenant)
	if err != nil || n != 1 {
		t.Errorf("%d ended, %v", n, err)
	}
	if got := len(w.stored(t)); got != 1 {
		t.Errorf("%d blobs after the sweep, want the one that is known", got)
	}
}

// F1: a job that is killed while it writes, and runs again, leaves one whole file.
func TestSaveRunsAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	m := file.Meta{ID: id.New(), Kind: file.TenantExport, Name: "all.zip", ContentType: "application/zip"}
	ctx, kill := context.WithCancel(t.Context())
	if _, err := w.Save(ctx, w.system, m, func(out io.Writer) error {
		_, _ = out.Write(make([]byte, 2<<20))
		kill()
		_, err := out.Write(make([]byte, 4<<20))
		return err
	}); err == nil {
		t.Fatal("a broken-off file was reported as done")
	}
	if _, err := w.read(t, w.admin, m.ID); !errs.Is(err, "file.writing") {
		t.Errorf("half a file: %v", err)
	}
	if got := w.stored(t); len(got) != 0 {
		t.Errorf("half a file is visible: %q", got)
	}
	for range 2 {
		f, err := w.Save(t.Context(), w.system, m, func(out io.Writer) error { _, err := io.WriteString(out, "whole"); return err })
		if err != nil || f.Size != 5 || f.ID != m.ID {
			t.Errorf("%+v, %v", f, err)
		}
	}
	if got := w.stored(t); len(got) != 1 {
		t.Errorf("%q", got)
	}
	if got, err := w.read(t, w.admin, m.ID); string(got) != "whole" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// Invariants 3 and 4.
func TestWhoMayOpen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	evidence := w.save(t, file.Meta{Kind: file.Evidence}, []byte("x"))
	partners := w.save(t, file.Meta{Kind: file.Certificate, Partner: w.north}, []byte("x"))
	export := w.save(t, file.Meta{Kind: file.TenantExport}, []byte("x"))
	agents := w.save(t, file.Meta{Kind: file.SubjectExport, Partner: w.north, Member: w.agent.Member}, []byte("x"))
	staffs := w.save(t, file.Meta{Kind: file.SubjectExport, Member: w.staff.Member}, []byte("x"))
	const ok, no, none = "", "denied", "file.not_found"
	for _, c := range []struct {
		name string
		who  access.Actor
		want [5]string // of evidence, partners, export, agents, staffs
		list int
	}{
		{"admin", w.admin, [5]string{ok, ok, ok, ok, ok}, 5},
		{"staff", w.staff, [5]string{ok, ok, no, no, ok}, 3},
		{"partner", w.partner, [5]string{none, ok, none, none, none}, 1},
		{"agent", w.agent, [5]string{none, no, none, ok, none}, 1},
		{"rival", w.rival, [5]string{none, none, none, none, none}, 0},
		{"stranger", w.stranger, [5]string{none, none, none, none, none}, 0},
	} {
		for i, f := range []file.File{evidence, partners, export, agents, staffs} {
			_, err := w.read(t, c.who, f.ID)
			if (err == nil) != (c.want[i] == ok) || err != nil && !errs.Is(err, c.want[i]) {
				t.Errorf("%s opens %s %d: %v, want %q", c.name, f.Kind, i, err, c.want[i])
			}
			if _, gerr := w.Get(t.Context(), c.who, f.ID); errs.Of(gerr) != nil && errs.Of(gerr).Code != c.want[i] || (gerr == nil) != (err == nil) {
				t.Errorf("%s reads %s %d: %v, opens: %v", c.name, f.Kind, i, gerr, err)
			}
			if derr := w.Delete(t.Context(), c.who, f.ID); c.who.Persona == access.Partner && derr == nil {
				t.Errorf("%s deleted %s", c.name, f.Kind)
			} else if derr == nil { // put it back for the next
				w.exec(t, `update stored_file set state = 'ready', blob_key = $2 where file_id = $1`, f.ID, *f.BlobKey)
				again, err := w.blobs.Get(t.Context(), *f.BlobKey)
				if !errors.Is(err, blob.ErrNotFound) {
					again.Close()
					t.Error("the content outlived its deletion")
				}
				w.restore(t, f)
			} else if c.want[i] == ok && c.who.Persona == access.Staff {
				t.Errorf("%s deletes %s: %v", c.name, f.Kind, derr)
			}
		}
		p, err := w.List(t.Context(), c.who, file.Query{})
		if err != nil || len(p.Items) != c.list {
			t.Errorf("%s sees %d files, want %d, %v", c.name, len(p.Items), c.list, err)
		}
	}
	var n int
	if err := w.super.QueryRow(t.Context(), `select count(*) from audit_entry where action = 'file.open' and outcome = 'done'`).Scan(&n); err != nil || n != 10 {
		t.Errorf("%d openings are on record, want 10, %v", n, err)
	}
}

// restore writes the content "x" of f again, under the same key.
func (w *world) restore(t *testing.T, f file.File) {
	t.Helper()
	s, err := w.ops.Keys.Sealer(t.Context(), f.TenantID)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out, err := s.SealTo(placeOf(f), &b)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = out.Write([]byte("x"))
	if err := errors.Join(out.Close(), w.blobs.Put(t.Context(), *f.BlobKey, &b)); err != nil {
		t.Fatal(err)
	}
}

// Invariant 5: the day rule, hours, a rule that became stricter, no rule, no end.
func TestEndsAsThePolicySays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	rule := func(keep any) {
		w.exec(t, `delete from retention_rule`)
		w.exec(t, `insert into retention_rule (tenant_id, category, event, keep) values ($1, 'export', 'recorded', $2::interval)`, w.tenant, keep)
	}
	made := w.now
	byDefault := w.save(t, file.Meta{Kind: file.Evidence}, []byte("x"))
	rule("24 hours")
	hours := w.save(t, file.Meta{Kind: file.Evidence}, []byte("x"))
	rule(nil)
	forever := w.save(t, file.Meta{Kind: file.Evidence}, []byte("x"))
	own := w.save(t, file.Meta{Kind: file.Evidence, Expires: made.Add(time.Hour)}, []byte("x"))
	certificate := w.save(t, file.Meta{Kind: file.Certificate, Forever: true}, []byte("x"))
	rule("30 days")
	month := w.save(t, file.Meta{Kind: file.Evidence}, []byte("x"))
	day := func(d int) time.Time { return time.Date(2026, 5, 4+d, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		f    file.File
		want time.Time
	}{{byDefault, day(8)}, {hours, made.Add(24 * time.Hour)}, {own, made.Add(time.Hour)}, {month, day(31)}} {
		f, err := w.Get(t.Context(), w.admin, c.f.ID)
		if err != nil || f.ExpiresAt == nil || !f.ExpiresAt.Equal(c.want) {
			t.Errorf("ends %v, want %v (%v)", f.ExpiresAt, c.want, err)
		}
		w.now = c.want.Add(-time.Second)
		if _, err := w.read(t, w.admin, f.ID); err != nil {
			t.Errorf("the last second before %v: %v", c.want, err)
		}
		w.now = c.want
		if _, err := w.read(t, w.admin, f.ID); !errs.Is(err, "file.gone") {
			t.Errorf("at %v: %v", c.want, err)
		}
	}
	w.now = day(8)
	if n, err := w.Sweep(t.Context(), w.tenant); n != 3 || err != nil {
		t.Errorf("%d ended, want the default, the hours and the own, %v", n, err)
	}
	rule("2 days") // stricter: what was promised for longer ends too
	if n, err := w.Sweep(t.Context(), w.tenant); n != 2 || err != nil {
		t.Errorf("%d ended by the stricter rule, want 2, %v", n, err)
	}
	w.now = w.now.AddDate(10, 0, 0)
	if _, err := w.read(t, w.admin, certificate.ID); err != nil {
		t.Errorf("a certificate after ten years: %v", err)
	}
	if f, err := w.Get(t.Context(), w.admin, forever.ID); !errs.IsKind(err, errs.NotFound) {
		t.Errorf("the row outlived the content: %+v, %v", f, err)
	}
	if got := w.stored(t); len(got) != 1 || !strings.Contains(got[0], certificate.ID.String()) {
		t.Errorf("the store has %q", got)
	}
	if n, err := w.Purge(t.Context(), w.tenant); n != 1 || err != nil || len(w.stored(t)) != 0 {
		t.Errorf("%d purged, %v", n, err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	w := setup(t)
	want := map[id.ID]bool{}
	for range 5 {
		want[w.save(t, file.Meta{Kind: file.Evidence}, nil).ID] = true
	}
	q := file.Query{Limit: 2}
	for range 3 {
		p, err := w.List(t.Context(), w.staff, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range p.Items {
			delete(want, f.ID)
		}
		q.Cursor = p.Next
	}
	if len(want) != 0 || q.Cursor != "" {
		t.Errorf("%d files were not listed; cursor %q", len(want), q.Cursor)
	}
	if _, err := w.List(t.Context(), w.staff, file.Query{Kind: "x"}); !errs.IsKind(err, errs.Invalid) {
		t.Error(err)
	}
}
