package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/trust"
)

// mechanism is one thing that keeps a promise, and how to break it.
type mechanism struct {
	promise, name string
	sql, mend     string                                              // as a superuser
	env           func(e *trust.Env)                                  // in the program itself
	answer        func(q trust.Question, a trust.Answer) trust.Answer // in what it answers
	disk          func(h *house) (mend func())                        // on disk
}

// unbreakable are the promises whose probe can never find them failing, with the reason: a law of the test below. What no version of the
// program offers needs none.
var unbreakable = map[string]string{
	"P-13": "a volume that looks plain may be encrypted below what the program can see: it is attested, or not offered",
	"P-38": "that the list of modules is checked against advisories is done elsewhere: it is attested, or not offered",
}

// swapFile puts other content in the place of the newest stored file of a house.
func swapFile(content func(was []byte) []byte) func(h *house) func() {
	return func(h *house) func() {
		var key string
		if err := h.db.QueryRow(h.Context(), `select blob_key from app.stored_file where state = 'ready' order by created_at desc limit 1`).Scan(&key); err != nil {
			h.Fatal(err)
		}
		path := filepath.Join(h.app.Config.Data, "files", filepath.FromSlash(key))
		was, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, content(was), 0o600)
		}
		if err != nil {
			h.Fatal(err)
		}
		return func() {
			if err := os.WriteFile(path, was, 0o600); err != nil {
				h.Error(err)
			}
		}
	}
}

const floor = `create policy tenant_floor on app.deal as restrictive for all to entente_staff, entente_partner, entente_public, entente_worker, entente_platform
  using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()))`

var mechanisms = []mechanism{
	{promise: "P-01", name: "a weak hash is stored", sql: `update app.person set password_hash = replace(password_hash, 'm=19456', 'm=1024') where email = 'ada@acme.example'`,
		mend: `update app.person set password_hash = replace(password_hash, 'm=1024', 'm=19456') where email = 'ada@acme.example'`},
	{promise: "P-01", name: "an older kind of hash", sql: `update app.person set password_hash = replace(password_hash, 'argon2id', 'argon2i') where email = 'ada@acme.example'`,
		mend: `update app.person set password_hash = replace(password_hash, 'argon2i', 'argon2id') where email = 'ada@acme.example'`},
	{promise: "P-01", name: "a password is logged", answer: func(q trust.Question, a trust.Answer) trust.Answer {
		a.Log += q.Body
		return a
	}},
	{promise: "P-02", name: "the validator takes anything", env: func(e *trust.Env) { e.JudgePassword = func(string) error { return nil } }},
	{promise: "P-05", name: "a route without a permission", env: func(e *trust.Env) {
		e.Routes = append(slices.Clone(e.Routes), trust.Route{Method: "GET", Pattern: "/healthz"})
	}},
	{promise: "P-06", name: "a page answers strangers", answer: func(q trust.Question, a trust.Answer) trust.Answer {
		if q.Path == "/deals" && q.Method == "GET" {
			a.Status = 200
		}
		return a
	}},
	{promise: "P-07", name: "attempts are forgotten",
		sql:  `create function app.forgetful() returns trigger language plpgsql as $$ begin new.tat := now() - interval '1 hour'; return new; end $$; create trigger forgetful before update on app.throttle for each row execute function app.forgetful(); grant execute on function app.forgetful() to public`,
		mend: `drop trigger forgetful on app.throttle; drop function app.forgetful()`},
	{promise: "P-08", name: "a cookie for other hosts", env: func(e *trust.Env) {
		e.SessionCookies = func() []string { return []string{"__Host-entente=x; Path=/; HttpOnly; SameSite=Lax"} }
	}},
	{promise: "P-08", name: "a session token is stored as it is", sql: `update app.session set token_hash = token_hash || '\x00'::bytea`, mend: `update app.session set token_hash = substring(token_hash for 32)`},
	{promise: "P-10", name: "a tenant floor is dropped", sql: `drop policy tenant_floor on app.deal`, mend: floor},
	{promise: "P-10", name: "a floor is made permissive", sql: `drop policy tenant_floor on app.deal; ` + strings.Replace(floor, "restrictive", "permissive", 1), mend: `drop policy tenant_floor on app.deal; ` + floor},
	{promise: "P-10", name: "row-level security is not forced", sql: `alter table app.contact no force row level security`, mend: `alter table app.contact force row level security`},
	{promise: "P-10", name: "row-level security is off", sql: `alter table app.account disable row level security`, mend: `alter table app.account enable row level security`},
	{promise: "P-10", name: "partners see each other", sql: `create policy leak on app.deal for select to entente_partner using (true)`, mend: `drop policy leak on app.deal`},
	{promise: "P-11", name: "mail leaves without TLS", env: func(e *trust.Env) {
		e.Outbound = func() []trust.Outbound {
			return []trust.Outbound{{Host: "mail.example", What: "outgoing mail", Plain: true}}
		}
		e.Processors = func(context.Context, id.ID) ([]string, error) { return []string{"mail.example"}, nil }
	}},
	{promise: "P-12", name: "a column is not encrypted", env: func(e *trust.Env) {
		e.Encrypted = append(slices.Clone(e.Encrypted), trust.Cipher{Table: "deal_note", Column: "body", Key: "note_id", Order: "created_at"})
	}},
	{promise: "P-12", name: "a file lies in the store as it is", disk: swapFile(func([]byte) []byte { return []byte("of admin of globex") })},
	{promise: "P-12", name: "a stored file was altered", disk: swapFile(func(was []byte) []byte { return append(was[:len(was)-1:len(was)-1], was[len(was)-1]^1) })},
	{promise: "P-14", name: "a header is gone", answer: func(_ trust.Question, a trust.Answer) trust.Answer {
		delete(a.Header, "X-Content-Type-Options")
		return a
	}},
	{promise: "P-14", name: "inline scripts are allowed on pages that break", answer: func(_ trust.Question, a trust.Answer) trust.Answer {
		if a.Status == 500 {
			a.Header["Content-Security-Policy"] = []string{"default-src 'none'; script-src 'self' 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"}
		}
		return a
	}},
	{promise: "P-15", name: "no rate limit", env: func(e *trust.Env) { e.Rate = func() (int, time.Duration) { return 10_000, 0 } }},
	{promise: "P-16", name: "a history trigger is off", sql: `alter table app.deal disable trigger history_update`, mend: `alter table app.deal enable trigger history_update`},
	{promise: "P-16", name: "a history is gone", sql: `drop trigger history_delete on app.account`,
		mend: `create trigger history_delete after delete on app.account referencing old table as old_rows for each statement execute function app.history('account_id')`},
	{promise: "P-17", name: "a session without its entry", sql: `insert into app.session (session_id, token_hash, person_id, tenant_id, member_id, created_at, last_seen_at, idle_expires_at, expires_at)
	  select '018f0000-0000-7000-8000-0000000000aa', sha256('x'), m.person_id, m.tenant_id, m.member_id, now() + interval '5 minutes', now(), now() + interval '1 hour', now() + interval '1 hour' from app.member m where m.email = 'ada@acme.example' limit 1`,
		mend: `delete from app.session where session_id = '018f0000-0000-7000-8000-0000000000aa'`},
	{promise: "P-18", name: "the access log takes no lines", sql: `create function app.deaf() returns trigger language plpgsql as $$ begin return null; end $$; grant execute on function app.deaf() to public; create trigger deaf before insert on app.access_log for each row execute function app.deaf()`,
		mend: `drop trigger deaf on app.access_log; drop function app.deaf()`},
	{promise: "P-19", name: "a superuser edits an entry", sql: `update app.audit_entry set action = 'partner.delete' where action = 'partner.create'`, mend: `update app.audit_entry set action = 'partner.create' where action = 'partner.delete'`},
	{promise: "P-19", name: "a superuser puts an entry in", sql: `set session_replication_role = replica;
	  insert into app.audit_entry select (jsonb_populate_record(e, '{"entry_id": "018f0000-0000-7000-8000-0000000000aa", "xact": "3", "payload": null, "salt": null, "erased_at": "2026-01-01"}')).* from app.audit_entry e where action = 'partner.create' limit 1;
	  set session_replication_role = default`, mend: `delete from app.audit_entry where entry_id = '018f0000-0000-7000-8000-0000000000aa'`},
	{promise: "P-20", name: "a secret is in the history", sql: `insert into app.row_history (tenant_id, at, db_role, table_name, row_id, change, new_row)
	  select tenant_id, now() + interval '1 minute', 'x', 'invitation', '018f0000-0000-7000-8000-0000000000aa', 'insert', '{"token_hash": "x"}' from app.tenant where slug = 'acme'`,
		mend: `delete from app.row_history where row_id = '018f0000-0000-7000-8000-0000000000aa'`},
	{promise: "P-21", name: "an error is open for long", sql: `insert into app.error_report (tenant_id, report_id, fingerprint, title, route, trace, seen, first_at, last_at)
	  select tenant_id, '018f0000-0000-7000-8000-0000000000aa', repeat('x', 64), 'x', '/x', '', 1, now() - interval '40 days', now() from app.tenant where slug = 'acme'`,
		mend: `delete from app.error_report where report_id = '018f0000-0000-7000-8000-0000000000aa'`},
	{promise: "P-22", name: "the workflow log takes no lines", sql: `create function app.deaf() returns trigger language plpgsql as $$ begin return null; end $$; grant execute on function app.deaf() to public; create trigger deaf before insert on app.workflow_log for each row execute function app.deaf()`,
		mend: `drop trigger deaf on app.workflow_log; drop function app.deaf()`},
	{promise: "P-22", name: "a mail leaves without a line", sql: `insert into app.mail (tenant_id, mail_id, template, to_email, subject, status, created_at, sent_at)
	  select tenant_id, '018f0000-0000-7000-8000-0000000000aa', 'x', 'new@acme.example', 'New', 'sent', now() - interval '5 minutes', now() - interval '5 minutes' from app.tenant where slug = 'acme'`,
		mend: `delete from app.mail where mail_id = '018f0000-0000-7000-8000-0000000000aa'`},
	{promise: "P-22", name: "a checkpoint leaves without a line", sql: `insert into app.audit_delivery (tenant_id, delivery_id, target, size, outcome, detail, tries, at)
	  select tenant_id, '018f0000-0000-7000-8000-0000000000aa', 'dir:/elsewhere', 1, 'done', '', 1, now() - interval '5 minutes' from app.tenant where slug = 'acme'`,
		mend: `delete from app.audit_delivery where delivery_id = '018f0000-0000-7000-8000-0000000000aa'`},
	{promise: "P-23", name: "a row is beyond its period", sql: `insert into app.mail (tenant_id, mail_id, template, to_email, subject, status, created_at, sent_at)
	  select tenant_id, '018f0000-0000-7000-8000-0000000000aa', 'x', 'old@acme.example', 'Old', 'sent', now() - interval '20 years', now() - interval '20 years' from app.tenant where slug = 'acme'`,
		mend: `delete from app.mail where mail_id = '018f0000-0000-7000-8000-0000000000aa'`},
	{promise: "P-23", name: "a rule is longer than what is published", sql: `update app.retention_rule set keep = '90 years' where category = 'server-log'`, mend: `update app.retention_rule set keep = '30 days' where category = 'server-log'`},
	{promise: "P-23", name: "a category has no rule", sql: `create table public.lost as select * from app.retention_rule where category = 'audit-log'; delete from app.retention_rule where category = 'audit-log'`,
		mend: `insert into app.retention_rule select * from public.lost; drop table public.lost`},
	{promise: "P-23", name: "retention does not run", sql: `update app.tenant set created_at = created_at - interval '2 days' where slug = 'globex'`, mend: `update app.tenant set created_at = created_at + interval '2 days' where slug = 'globex'`},
	{promise: "P-26", name: "a programme is past its term", sql: `with t as (insert into app.tenant (tenant_id, slug, name, status, closing_at, purge_after) values ('018f0000-0000-7000-8000-0000000000aa', 'left', 'Left', 'closing', now() - interval '9 days', now() - interval '3 days') returning tenant_id)
	  insert into app.departure (tenant_id, departure_id, state, asked_at, purge_after) select tenant_id, tenant_id, 'closing', now() - interval '9 days', now() - interval '3 days' from t`,
		mend: `delete from app.departure where tenant_id = '018f0000-0000-7000-8000-0000000000aa'; delete from app.tenant where tenant_id = '018f0000-0000-7000-8000-0000000000aa'`},
	{promise: "P-26", name: "a purge leaves a table behind", sql: `drop policy definer_leave on app.deal_note`,
		mend: `create policy definer_leave on app.deal_note for all to entente_definer using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()))`},
	{promise: "P-25", name: "the data map does not know a text", sql: `comment on column app.deal_note.body is 'class=internal category=customer-data'`, mend: `call app.classify('deal_note', 'customer-data', 'personal', 'body')`},
	{promise: "P-27", name: "the ledger's file is lost", sql: `with r as (insert into app.privacy_request (tenant_id, request_id, number, kind, source, state, received_at, due_at, closed_at)
	    select tenant_id, '018f0000-0000-7000-8000-0000000000aa', 900, 'access', 'e-mail', 'refused', now(), now() + interval '30 days', now() from app.tenant where slug = 'acme' returning tenant_id, request_id)
	  insert into app.erasure_ledger (tenant_id, ledger_id, request_id, at, hashes, refs) select tenant_id, request_id, request_id, now(), '[]', '{}' from r`,
		mend: `delete from app.erasure_ledger where ledger_id = '018f0000-0000-7000-8000-0000000000aa'; delete from app.privacy_request where request_id = '018f0000-0000-7000-8000-0000000000aa'`},
	{promise: "P-27", name: "the ledger's file knows an erasure that the database does not", disk: func(h *house) func() {
		path := filepath.Join(h.app.Config.Data, "erasures.jsonl")
		line := fmt.Sprintf(`{"id":"018f0000-0000-7000-8000-0000000000aa","tenant":"%s","request":"018f0000-0000-7000-8000-0000000000aa"}`, h.ids(`select tenant_id from app.tenant where slug = 'acme'`)[0])
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			h.Fatal(err)
		}
		return func() {
			if err := os.Remove(path); err != nil {
				h.Error(err)
			}
		}
	}},
	{promise: "P-32", name: "nobody recorded the source", env: func(e *trust.Env) { e.Commit = "main" }},
	{promise: "P-24", name: "an export is not whole", env: func(e *trust.Env) {
		e.Export = func(context.Context, id.ID) (int, error) { return 400, nil }
	}},
	{promise: "P-28", name: "a page loads from a stranger", answer: func(q trust.Question, a trust.Answer) trust.Answer {
		if q.Path == "/trust" {
			a.Body += `<script src="https://stranger.example/x.js"></script>`
		}
		return a
	}},
	{promise: "P-28", name: "a connection to nobody on the list", env: func(e *trust.Env) {
		e.Outbound = func() []trust.Outbound {
			return []trust.Outbound{{Host: "stranger.example", What: "a webhook"}}
		}
		e.Processors = func(context.Context, id.ID) ([]string, error) { return []string{"mail.example"}, nil }
	}},
	{promise: "P-29", name: "the database takes figures of a few", sql: `alter table app.benchmark_cell drop constraint benchmark_cell_contributors_ck`,
		mend: `alter table app.benchmark_cell add constraint benchmark_cell_contributors_ck check (contributors >= 10)`},
	{promise: "P-33", name: "the demo runs beside real data", env: func(e *trust.Env) { e.DemoRefused = func(context.Context) error { return nil } }},
	{promise: "P-34", name: "sub-processors without notice", sql: `alter table app.processor disable trigger processor_guard`, mend: `alter table app.processor enable trigger processor_guard`},
	{promise: "P-35", name: "policies without notice", sql: `alter table app.document_version disable trigger document_guard`, mend: `alter table app.document_version enable trigger document_guard`},
	{promise: "P-36", name: "a deadline has passed", sql: `with i as (insert into app.incident (tenant_id, incident_id, number, title, kind, severity, status, detected_at, aware_at)
	    select tenant_id, '018f0000-0000-7000-8000-0000000000aa', 7, 'Leak', 'other', 'high', 'confirmed', now() - interval '5 days', now() - interval '4 days' from app.tenant where slug = 'acme' returning tenant_id, incident_id)
	  insert into app.incident_clock (tenant_id, clock_id, incident_id, template, step, label, starts_at, due_at) select tenant_id, incident_id, incident_id, 'gdpr-33', 'notice', 'Notice', now() - interval '4 days', now() - interval '1 day' from i`,
		mend: `delete from app.incident_clock where incident_id = '018f0000-0000-7000-8000-0000000000aa'; delete from app.incident where incident_id = '018f0000-0000-7000-8000-0000000000aa'`},
	{promise: "P-37", name: "security.txt has expired", answer: func(q trust.Question, a trust.Answer) trust.Answer {
		if strings.HasSuffix(q.Path, "security.txt") {
			a.Body = strings.Replace(a.Body, "Expires: 2", "Expires: 1", 1)
		}
		return a
	}},
}

// Take any one mechanism away, and its promise fails: that one and no other.
func TestBrokenMechanismFailsItsPromise(t *testing.T) {
	h := newHouse(t)
	h.app.limits = newLimiter(100, time.Now)
	one, two := h.admin("acme"), h.admin("globex")
	h.work(one)
	h.work(h.partner(one, "north"))
	h.work(two)
	failing := func() (out []string, details string) {
		for v, c := range h.check() {
			if c.Evidence.Result == trust.Failing {
				out = append(out, v)
				details += "\n" + v + ": " + c.Evidence.Detail
			}
		}
		slices.Sort(out)
		return out, details
	}
	h.app.probing(h.doors)
	if got, details := failing(); len(got) > 0 {
		t.Fatalf("before anything is broken: %s", details)
	}
	for _, m := range mechanisms {
		t.Run(m.promise+" "+m.name, func(t *testing.T) {
			if m.sql != "" {
				tag, err := h.db.Exec(t.Context(), m.sql)
				if err != nil {
					t.Fatal(err)
				}
				if tag.RowsAffected() == 0 && (tag.Update() || tag.Insert()) {
					t.Fatal("nothing was broken")
				}
				defer func() {
					if _, err := h.db.Exec(context.Background(), m.mend); err != nil {
						t.Error(err)
					}
				}()
			}
			if m.disk != nil {
				defer m.disk(h)()
			}
			e := h.app.probed(h.doors)
			if m.env != nil {
				m.env(&e)
			}
			if ask := e.Ask; m.answer != nil {
				e.Ask = func(ctx context.Context, q trust.Question) (trust.Answer, error) {
					a, err := ask(ctx, q)
					return m.answer(q, a), err
				}
			}
			h.app.Trust.Use(e)
			if got, details := failing(); !slices.Equal(got, []string{m.promise}) {
				t.Errorf("failing: %v, want %s alone%s", got, m.promise, details)
			}
		})
	}
	h.app.probing(h.doors)
	if got, details := failing(); len(got) > 0 {
		t.Errorf("after everything was mended: %s", details)
	}
}

// What the program offers, something above breaks: a promise without a break has a probe that nobody has seen fail.
func TestEveryOfferedPromiseIsBroken(t *testing.T) {
	broken := map[string]bool{}
	for _, m := range mechanisms {
		broken[m.promise] = true
	}
	for _, p := range trust.Register() {
		if why := unbreakable[p.ID]; p.Missing == "" && !broken[p.ID] && why == "" {
			t.Errorf("%s is offered, and nothing breaks it", p.ID)
		} else if why != "" && (broken[p.ID] || p.Missing != "") {
			t.Errorf("%s needs no excuse", p.ID)
		}
	}
}
