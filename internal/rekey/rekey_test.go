package rekey_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/keyring"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
	"entente.dev/internal/rekey"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var columns = []rekey.Column{{Table: "mail", Key: "mail_id", Column: "text_sealed"}, {Table: "mail", Key: "mail_id", Column: "html_sealed"},
	{Table: "mail", Key: "mail_id", Column: "link_sealed"}, {Table: "audit_entry", Key: "entry_id", Column: "payload", Fixed: true}}

type world struct {
	*rekey.Service
	o      *op.Ops
	super  *pgx.Conn
	files  *file.Service
	mails  *mail.Service
	now    time.Time
	tenant id.ID
	admin  access.Actor
	kept   []id.ID // files
}

// setup returns a tenant with 1,200 mails and 6 files.
func setup(t *testing.T) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{o: optest.New(t, db), super: pgtest.Super(t, db), now: time.Now().UTC(), tenant: id.New()}
	w.o.Clock = func() time.Time { return w.now }
	blobs, err := blob.Open("dir:"+t.TempDir(), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.files, w.mails = file.New(w.o, blobs), mail.New(w.o, nil)
	w.Service = rekey.New(w.o, w.files, columns)
	w.admin = access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: w.tenant, Member: id.New(), Role: role.Admin, Name: "Ada", Grants: role.Grants(role.Admin)}
	w.exec(t, `insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme')`, w.tenant)
	w.exec(t, `insert into mail (tenant_id, mail_id, template, to_email, subject, text_body, html_body) select $1, gen_random_uuid(), 'x.y', 'a@acme.example', 'S', 'text ' || g, '<p>' from generate_series(1, 1200) g`, w.tenant)
	if err := w.mails.SealPlain(t.Context(), w.tenant); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		f, err := w.files.Save(t.Context(), access.NewSystem(w.tenant, "test"), file.Meta{Kind: file.Evidence, Name: "e.txt", ContentType: "text/plain"}, func(out io.Writer) error {
			_, err := fmt.Fprintf(out, "evidence %d", i)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.kept = append(w.kept, f.ID)
	}
	return w
}

func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.super.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func (w *world) count(t *testing.T, sql string) (n int) {
	t.Helper()
	if err := w.super.QueryRow(t.Context(), sql, w.tenant).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// reads makes sure that everything reads as it was written.
func (w *world) reads(t *testing.T, when string) {
	t.Helper()
	for i, v := range w.kept {
		c, err := w.files.Open(t.Context(), w.admin, v)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		b, err := io.ReadAll(c)
		if c.Close(); err != nil || string(b) != fmt.Sprintf("evidence %d", i) {
			t.Fatalf("%s: %q, %v", when, b, err)
		}
	}
	p, err := w.mails.List(t.Context(), w.admin, mail.Query{Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range p.Items {
		if m, err = w.mails.Get(t.Context(), w.admin, m.ID); err != nil || len(m.Text) < 4 {
			t.Fatalf("%s: %+v, %v", when, m, err)
		}
	}
}

// Invariants 1 and 2: everything reads as before at every moment, broken off it goes on, and the old key goes last.
func TestRotation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s, o, mails, tenant, admin := w.Service, w.o, w.mails, w.tenant, w.admin
	exec := func(sql string, args ...any) { t.Helper(); w.exec(t, sql, args...) }
	count := func(sql string) int { t.Helper(); return w.count(t, sql) }
	reads := func(when string) { t.Helper(); w.reads(t, when) }
	r, err := s.Start(t.Context(), tenant)
	if err != nil || r.Version != 2 || r.Total != 2406 {
		t.Fatalf("%+v, %v", r, err)
	}
	if again, err := s.Start(t.Context(), tenant); err != nil || again.ID != r.ID {
		t.Errorf("a second one began: %+v, %v", again, err)
	}
	// F1: cut off in every step once, after the statements of a chunk or in the middle of a file.
	for steps := 0; r.State == rekey.Running; steps++ {
		ctx, kill := context.WithCancel(t.Context())
		if steps%2 == 1 {
			go kill()
		}
		next, err := s.Step(ctx, tenant)
		kill()
		if err == nil {
			r = next
		} else if r, err = s.Current(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		reads(fmt.Sprint("after step ", steps))
		if steps > 60 {
			t.Fatal("it never ends")
		}
	}
	if r.State != rekey.Waiting || r.Done < 2406 {
		t.Errorf("%+v", r)
	}
	if n := count(`select count(*) from mail where tenant_id = $1 and (substr(text_sealed, 1, 5) <> '\x0100000002' or substr(html_sealed, 1, 5) <> '\x0100000002')`); n != 0 {
		t.Errorf("%d mails have the old key", n)
	}
	if n := count(`select count(*) from stored_file where tenant_id = $1 and key_version <> 2`); n != 0 {
		t.Errorf("%d files have the old key", n)
	}
	// A process that has not heard of the new key writes one more with the old one; until everybody must have, nothing is destroyed.
	late := id.New()
	seal := func(column string) []byte {
		b, err := o.Keys.SealWith(t.Context(), tenant, 1, keyring.Place{Table: "mail", Row: late.String(), Column: column}, []byte("late"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	exec(`insert into mail (tenant_id, mail_id, template, to_email, subject, text_sealed, html_sealed) values ($1, $2, 'x.y', 'a@b.example', 'late', $3, $4)`,
		tenant, late, seal("text_sealed"), seal("html_sealed"))
	job := jobs.Job[rekey.RunArgs]{Tenant: tenant, Args: rekey.RunArgs{Rotation: r.ID}, Attempt: 1, MaxAttempts: 9}
	if err := s.Run(t.Context(), job); err == nil {
		t.Error("the job ended before everybody must have heard")
	}
	w.now = w.now.Add(keyring.Settled + time.Minute)
	if err := s.Run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Current(t.Context(), tenant); !errs.IsKind(err, errs.NotFound) {
		t.Errorf("it is not done: %v", err)
	}
	if m, err := mails.Get(t.Context(), admin, late); err != nil || m.Text != "late" {
		t.Errorf("what was written late: %+v, %v", m, err)
	}
	reads("at the end")
	// The log is not written anew: its key stays as long as it does.
	if n := count(`select count(*) from data_key where tenant_id = $1 and key_version = 1 and destroyed_at is null`); n != 1 {
		t.Error("the key of the audit log is destroyed")
	}
	exec(`delete from audit_entry where tenant_id = $1 and substr(payload, 1, 5) = '\x0100000001'`, tenant)
	finishRotation(t, s, tenant, &w.now)
	if n := count(`select count(*) from data_key where tenant_id = $1 and key_version = 1 and destroyed_at is not null`); n != 1 {
		t.Error("a key that nothing needs is not destroyed")
	}
	reads("after the next rotation")
}

func finishRotation(t *testing.T, s *rekey.Service, tenant id.ID, now *time.Time) {
	t.Helper()
	r, err := s.Start(t.Context(), tenant)
	for err == nil && r.State != rekey.Done {
		if r.State == rekey.Waiting {
			*now = now.Add(keyring.Settled + time.Minute)
		}
		r, err = s.Step(t.Context(), tenant)
	}
	if err != nil {
		t.Fatal(err)
	}
}
