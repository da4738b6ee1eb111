package mail_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// taken is a mail server that keeps what it is given.
type taken struct{ got []mailer.Message }

func (t *taken) Send(_ context.Context, m mailer.Message) error { t.got = append(t.got, m); return nil }

// Invariants 2 and 3: what is stored is ciphertext, also of a partner's transaction, which may only insert; what is read and sent is
// what was written; mails from before are encrypted, 200 at a time.
func TestBodiesAreEncrypted(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	o, super := optest.New(t, db), pgtest.Super(t, db)
	server := &taken{}
	s := mail.New(o, server)
	tenant, north := id.New(), id.New()
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := super.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme')`, tenant)
	exec(`insert into partner (tenant_id, partner_id, name, name_norm) values ($1, $2, 'North', 'north')`, tenant, north)
	admin := access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: tenant, Member: id.New(), Role: role.Admin, Name: "Ada", Grants: role.Grants(role.Admin)}
	partner := access.Actor{Kind: access.Person, Persona: access.Partner, Tenant: tenant, Partner: north, Member: id.New(), Role: role.Partner, Name: "Pat", Grants: role.Grants(role.Partner)}
	if _, err := op.Write(t.Context(), o, partner, "deal.note", func(tx *op.Tx) (int, error) {
		if err := tx.Allow(access.Object{Partner: north}); err != nil {
			return 0, err
		}
		tx.Unchanged()
		return 0, mail.Queue(t.Context(), tx, mail.Letter{Template: "person.invitation", To: "sam@acme.example", ToName: "Sam", Subject: "Hello", Link: "https://portal.example/CANARY-link",
			Layout: mailer.Layout{Paragraphs: []string{"CANARY-body"}, Button: mailer.Button{Label: "Open"}}})
	}); err != nil {
		t.Fatal(err)
	}
	p, err := s.List(t.Context(), admin, mail.Query{Text: "ACME.exam"})
	if err != nil || len(p.Items) != 1 {
		t.Fatalf("%d found by address, %v", len(p.Items), err)
	}
	v := p.Items[0].ID
	stored := func() string {
		t.Helper()
		var row string
		var a, b, c []byte
		if err := super.QueryRow(t.Context(), `select m::text, text_sealed, html_sealed, coalesce(link_sealed, '') from mail m where mail_id = $1`, v).Scan(&row, &a, &b, &c); err != nil {
			t.Fatal(err)
		}
		return row + string(bytes.Join([][]byte{a, b, c}, nil))
	}
	if strings.Contains(stored(), "CANARY") {
		t.Error("the row is plain")
	}
	m, err := s.Get(t.Context(), admin, v)
	if err != nil || !strings.Contains(m.Text, "CANARY-body") || !strings.Contains(m.HTML, "CANARY-body") || strings.Contains(m.Text+m.HTML, "CANARY-link") {
		t.Errorf("%+v, %v", m, err)
	}
	if err := s.Send(t.Context(), jobs.Job[mail.SendArgs]{Tenant: tenant, Args: mail.SendArgs{Mail: v}, Attempt: 1, MaxAttempts: 3}); err != nil {
		t.Fatal(err)
	}
	if len(server.got) != 1 || !strings.Contains(server.got[0].Text, "CANARY-link") || !strings.Contains(server.got[0].HTML, "CANARY-body") {
		t.Errorf("sent: %+v", server.got)
	}
	var links int
	if err := super.QueryRow(t.Context(), `select count(*) from mail where link_sealed is not null or link is not null`).Scan(&links); err != nil || links != 0 {
		t.Errorf("%d links are kept after sending, %v", links, err)
	}
	exec(`insert into mail (tenant_id, mail_id, template, to_email, subject, text_body, html_body, link) select $1, gen_random_uuid(), 'deal.note', 'old@acme.example', 'Old', 'CANARY old ' || g, '<p>CANARY', 'CANARY' from generate_series(1, 450) g`, tenant)
	for range 2 {
		if err := s.SealPlain(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	var plain int
	if err := super.QueryRow(t.Context(), `select count(*) from mail where text_body || html_body || coalesce(link, '') <> '' or text_sealed is null`).Scan(&plain); err != nil || plain != 0 {
		t.Errorf("%d mails are plain, %v", plain, err)
	}
	if err := super.QueryRow(t.Context(), `select mail_id from mail where subject = 'Old' limit 1`).Scan(&v); err != nil {
		t.Fatal(err)
	}
	if m, err := s.Get(t.Context(), admin, v); err != nil || !strings.HasPrefix(m.Text, "CANARY old ") || m.HTML != "<p>CANARY" {
		t.Errorf("%+v, %v", m, err)
	}
	var history int
	if err := super.QueryRow(t.Context(), `select count(*) from row_history where table_name = 'mail' and (coalesce(old_row, '{}') || coalesce(new_row, '{}')) ?| array['text_body', 'text_sealed', 'link', 'link_sealed']`).Scan(&history); err != nil || history != 0 {
		t.Errorf("the history holds %d bodies, %v", history, err)
	}
}
