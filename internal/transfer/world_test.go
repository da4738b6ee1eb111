package transfer

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// world is one database with two programmes.
type world struct {
	t     testing.TB
	s     *Service
	ops   *op.Ops
	super *pgx.Conn
	now   time.Time
	ada   access.Actor // Admin of acme
	bob   access.Actor // Admin of the mirror
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{t: t, super: pgtest.Super(t, db), now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	w.ops = optest.New(t, db)
	w.ops.Clock = func() time.Time { return w.now }
	w.s = New(w.ops)
	w.ada, w.bob = w.tenant("acme", "Ada"), w.tenant("mirror", "Bob")
	return w
}

// tenant makes a programme with the usual stages and one Admin.
func (w *world) tenant(slug, name string) access.Actor {
	tenant, member := id.New(), id.New()
	w.exec(`insert into tenant (tenant_id, slug, name) values ($1, $2, $2)`, tenant, slug)
	w.exec(`insert into member (tenant_id, member_id, role, name, status) values ($1, $2, 'admin', $3, 'active')`, tenant, member, name)
	for i, st := range []struct{ name, kind string }{{"Qualify", "open"}, {"Propose", "open"}, {"Negotiate", "open"}, {"Won", "won"}, {"Lost", "lost"}} {
		w.exec(`insert into stage (tenant_id, stage_id, name, position, kind) values ($1, $2, $3, $4, $5)`, tenant, id.New(), st.name, i+1, st.kind)
	}
	return access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: tenant, Member: member, Role: role.Admin, Name: name, Grants: role.Grants(role.Admin)}
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.super.Exec(context.Background(), sql, args...); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// one reads one value, past row-level security.
func one[T any](w *world, sql string, args ...any) T {
	w.t.Helper()
	var v T
	if err := w.super.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func job[A jobs.Args](tenant id.ID, args A) jobs.Job[A] {
	return jobs.Job[A]{Tenant: tenant, Args: args, Attempt: 1, MaxAttempts: 8}
}

func mustMap(t testing.TB, s string) Mapping {
	t.Helper()
	m, err := ParseMapping([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// check uploads and checks a file.
func (w *world) check(who access.Actor, kind, mapping string, file io.Reader) Run {
	w.t.Helper()
	ctx := context.Background()
	r, err := w.s.Upload(ctx, who, UploadInput{Kind: kind, FileName: kind + ".csv", Mapping: mustMap(w.t, mapping), File: file, Direct: true})
	if err != nil {
		w.t.Fatalf("upload %s: %v", kind, err)
	}
	if err := w.s.RunCheck(ctx, job(who.Tenant, CheckArgs{r.ID})); err != nil {
		w.t.Fatalf("check %s: %v", kind, err)
	}
	return w.get(who, r.ID)
}

// commit writes a checked import.
func (w *world) commit(who access.Actor, v id.ID) Run {
	w.t.Helper()
	if _, err := w.s.Commit(context.Background(), who, StepInput{ID: v, Direct: true}); err != nil {
		w.t.Fatalf("commit: %v", err)
	}
	if err := w.s.RunCommit(context.Background(), job(who.Tenant, CommitArgs{v})); err != nil {
		w.t.Fatalf("commit: %v", err)
	}
	return w.get(who, v)
}

func (w *world) undo(who access.Actor, v id.ID) Run {
	w.t.Helper()
	if _, err := w.s.Undo(context.Background(), who, StepInput{ID: v, Direct: true}); err != nil {
		w.t.Fatalf("undo: %v", err)
	}
	if err := w.s.RunUndo(context.Background(), job(who.Tenant, UndoArgs{v})); err != nil {
		w.t.Fatalf("undo: %v", err)
	}
	return w.get(who, v)
}

func (w *world) load(who access.Actor, kind, mapping, csv string) Run {
	w.t.Helper()
	return w.commit(who, w.check(who, kind, mapping, strings.NewReader(csv)).ID)
}

func (w *world) get(who access.Actor, v id.ID) Run {
	w.t.Helper()
	r, err := w.s.Get(context.Background(), who, v)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) want(r Run, status string, created, updated, unchanged, refused int) {
	w.t.Helper()
	if r.Status != status || r.Created != created || r.Updated != updated || r.Unchanged != unchanged || r.Refused != refused {
		rows, _ := w.s.Rows(context.Background(), access.NewSystem(one[id.ID](w, `select tenant_id from import_run where import_id = $1`, r.ID), "test"), RowQuery{Import: r.ID, Outcome: Refused, Limit: 5})
		w.t.Fatalf("%s is %s %q: %d created, %d updated, %d unchanged, %d refused; want %s %d, %d, %d, %d\nrefused: %+v\nreport: %s", r.Kind, r.Status, r.Failure,
			r.Created, r.Updated, r.Unchanged, r.Refused, status, created, updated, unchanged, refused, rows.Items, r.Report)
	}
}

const sampleDir = "../../testdata/crm-sales-opportunities/"

func sample(t testing.TB, name string) *os.File {
	t.Helper()
	f, err := os.Open(sampleDir + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func wantCode(t testing.TB, err error, kind errs.Kind, code string) {
	t.Helper()
	e := errs.Of(err)
	if e == nil || e.Kind != kind || e.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}
