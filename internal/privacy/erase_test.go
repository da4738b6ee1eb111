package privacy

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
)

// requested brings an erasure of a subject to the second approval.
func (w *world) requested(sub Subject) Request {
	w.t.Helper()
	ctx := w.t.Context()
	r, err := w.s.Open(ctx, w.officer, Ask{Kind: Erasure, Source: "e-mail", Subject: sub})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.s.Propose(ctx, w.officer, r.ID, 0); !errs.Is(err, "privacy.not_verified") {
		w.t.Fatalf("an erasure was proposed for somebody unproved: %v", err)
	}
	if _, err := w.s.Verify(ctx, w.officer, r.ID, 0, "call-back", "called the number on record"); err != nil {
		w.t.Fatal(err)
	}
	if r, err = w.s.Propose(ctx, w.officer, r.ID, 0); err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) erased(sub Subject) Request {
	w.t.Helper()
	r := w.requested(sub)
	if _, err := w.s.Approve(w.t.Context(), w.second, r.ID, 0); err != nil {
		w.t.Fatal(err)
	}
	w.run(r)
	r, err := w.s.Get(w.t.Context(), w.officer, r.ID)
	if err != nil || r.State != Done {
		w.t.Fatalf("state %s, error %v", r.State, err)
	}
	return r
}

func (w *world) run(r Request) {
	w.t.Helper()
	if err := w.s.Run(w.t.Context(), jobs.Job[RunArgs]{Tenant: r.TenantID, Args: RunArgs{Request: r.ID}}); err != nil {
		w.t.Fatal(err)
	}
}

// traces counts the rows anywhere that still contain a text.
func (w *world) traces(text string) map[string]int {
	w.t.Helper()
	out := map[string]int{}
	for _, t := range []string{"contact", "member", "person", "deal", "deal_note", "mail", "row_history", "import_row", "idempotency", "privacy_request", "privacy_task", "contact_consent", "erasure_ledger", "saved_view"} {
		if n := w.count(`select count(*) from `+t+` x where position(lower($1) in lower(to_jsonb(x)::text)) > 0`, text); n > 0 {
			out[t] = n
		}
	}
	return out
}

func (w *world) populate() id.ID {
	ada := w.contact(w.partner, "Ada Lovelace", "ada@example.com", "+31 6 1234 5678")
	deal := w.deal(w.staff, "Roof for Ada Lovelace")
	w.note(w.staff, deal, "Rang (06) 1234-5678 twice, then wrote to Ada+crm@example.com. Bob Brown answered.")
	w.exec(`insert into mail (tenant_id, mail_id, template, to_email, to_name, subject, text_body, html_body) values ($1, $2, 'deal.note', 'ada@example.com', 'Ada', 'Hello', 'Dear A.', '')`, w.staff.Tenant, id.New())
	w.exec(`insert into idempotency (tenant_id, credential_id, key, action, body_hash, op_id, result) values ($1, $2, 'k', 'contact.create', 'h', $2, '{"email": "ada@example.com"}')`, w.staff.Tenant, id.New())
	w.contact(w.foreign, "Ada Lovelace", "ada@example.com", "")
	return ada
}

// Invariants 1, 2 and 3.
func TestErasure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate()
	r := w.requested(Subject{Email: "ada@example.com"})
	if _, err := w.s.Approve(t.Context(), w.officer, r.ID, 0); !errs.Is(err, "privacy.four_eyes") {
		t.Errorf("the proposer approved: %v", err)
	}
	if _, err := w.s.Approve(t.Context(), w.staff, r.ID, 0); !errs.IsKind(err, errs.Forbidden) {
		t.Errorf("Staff approved: %v", err)
	}
	// The database says the same, whatever the program asks for.
	if _, err := w.super.Exec(t.Context(), `update privacy_request set state = 'executing', approved_by = proposed_by, approved_at = now(), approved_how = 'second-person' where request_id = $1`, r.ID); err == nil {
		t.Error("the database let a proposer approve")
	}
	if _, err := w.s.Approve(t.Context(), w.second, r.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.run(r)
	r, err := w.s.Get(t.Context(), w.officer, r.ID)
	if err != nil || r.State != Done || !strings.Contains(r.Certificate.Note, "entente") && r.Certificate.Note == "" {
		t.Fatalf("state %s, certificate %q, error %v", r.State, r.Certificate.Note, err)
	}
	w.count(`select 1`)
	w.exec(`delete from contact where tenant_id = $1`, w.foreign.Tenant)
	w.exec(`delete from row_history where tenant_id = $1`, w.foreign.Tenant)
	for _, trace := range []string{"ada@example.com", "Ada+crm", "Lovelace", "1234-5678", "1234 5678"} {
		if got := w.traces(trace); len(got) > 0 {
			t.Errorf("%q is left in %v", trace, got)
		}
	}
	if got := w.text(`select body from deal_note`); got != "Rang ([erased] twice, then wrote to [erased]. Bob Brown answered." && got != "Rang [erased] twice, then wrote to [erased]. Bob Brown answered." {
		t.Errorf("note: %q", got)
	}
	if strings.Contains(r.Certificate.Text, "Lovelace") || strings.Contains(r.Certificate.Text, "ada@") {
		t.Errorf("the certificate names the person: %s", r.Certificate.Note)
	}
	ledger, err := os.ReadFile(w.ledger)
	if err != nil || strings.Contains(string(ledger), "Lovelace") || strings.Contains(string(ledger), "ada@") || strings.Contains(string(ledger), "12345678") {
		t.Errorf("the ledger: %s (%v)", ledger, err)
	}
	// Once more changes nothing.
	w.run(r)
	if again, _ := w.s.Get(t.Context(), w.officer, r.ID); again.Version != r.Version {
		t.Error("a finished erasure ran again")
	}
}

// F1: an execution that is killed goes on where it stopped, with no effect twice.
func TestErasureResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate()
	deal := w.deal(w.staff, "Second")
	for range 3 * chunk {
		w.note(w.staff, deal, "from ada@example.com")
	}
	r := w.requested(Subject{Email: "ada@example.com"})
	if _, err := w.s.Approve(t.Context(), w.second, r.ID, 0); err != nil {
		t.Fatal(err)
	}
	for kills := 0; ; kills++ { // each turn gets through a little and dies
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(60+20*kills)*time.Millisecond)
		_ = w.s.Run(ctx, jobs.Job[RunArgs]{Tenant: r.TenantID, Args: RunArgs{Request: r.ID}})
		cancel()
		now, err := w.s.Get(t.Context(), w.officer, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if now.State == Done {
			if n := now.Progress.Counts["deal_note"]; n != 3*chunk+1 {
				t.Errorf("%d notes were changed, want %d", n, 3*chunk+1)
			}
			t.Log(kills, "kills")
			break
		}
		if kills > 500 {
			t.Fatalf("it does not come to an end: %+v", now.Progress)
		}
	}
	if lines, err := ReadLedger(w.ledger); err != nil || len(lines) != 1 {
		t.Errorf("%d lines in the ledger (%v)", len(lines), err)
	}
}

// P-27: a restore of an older database brings the person back; the ledger takes them out again.
func TestReplayAfterRestore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was := w.populate()
	w.erased(Subject{Email: "ada@example.com"})
	// What a restore brings: the rows from before, and a database that does not know of the erasure.
	w.exec(`delete from contact where tenant_id = $1`, w.foreign.Tenant)
	w.exec(`delete from row_history where tenant_id = $1`, w.foreign.Tenant)
	w.exec(`delete from erasure_ledger`)
	w.exec(`delete from deal_note`)
	w.exec(`delete from idempotency`)
	w.exec(`insert into contact (tenant_id, contact_id, partner_id, name, email, phone, title) values ($1, $2, $3, 'Ada Lovelace', 'ada@example.com', '+31 6 1234 5678', 'CFO')`, w.partner.Tenant, was, w.partner.Partner)
	w.note(w.staff, w.deal(w.staff, "For ADA Lovelace"), "Rang 0612345678, wrote to ada+x@example.com. Bob Brown answered.")
	got, err := w.s.Replay(t.Context(), "")
	if err != nil || got.Missing != 1 || got.Rows < 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, trace := range []string{"ada", "Lovelace", "12345678", "1234 5678"} {
		left := w.traces(trace)
		if trace == "ada" {
			for tab := range left { // metadata has those letters too
				if !strings.Contains(tab, "note") && tab != "deal" && tab != "contact" {
					delete(left, tab)
				}
			}
		}
		if len(left) > 0 {
			t.Errorf("%q is back in %v", trace, left)
		}
	}
	if body := w.text(`select body from deal_note`); !strings.Contains(body, "Bob Brown answered") {
		t.Errorf("note: %q", body)
	}
	if again, err := w.s.Replay(t.Context(), ""); err != nil || again.Missing != 0 {
		t.Errorf("a second replay: %+v, %v", again, err)
	}
}

// P2: what is on hold is restricted, not erased, and says why and until when; nobody sees it but the officer's room.
func TestHoldKeepsRestricted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.contact(w.partner, "Ada Lovelace", "ada@example.com", "+31 6 1234 5678")
	w.exec(`insert into legal_hold (tenant_id, hold_id, kind, object_id, reason, until, placed_by_name) values ($1, $2, 'person', $3, 'Court case 7', '2030-01-01', 'Olga')`, w.staff.Tenant, id.New(), ada)
	r := w.requested(Subject{Email: "ada@example.com"})
	if len(r.Plan.Lines) == 0 || r.Plan.Lines[0].What != Keep && r.Plan.Lines[1].What != Keep {
		t.Errorf("plan %+v", r.Plan.Lines)
	}
	if _, err := w.s.Approve(t.Context(), w.second, r.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.run(r)
	if n := w.count(`select count(*) from contact where contact_id = $1 and restricted_at is not null and restricted_reason like '%Court case 7%' and restricted_reason like '%2030-01-01%'`, ada); n != 1 {
		t.Error("the contact is not restricted with its reason")
	}
	if n := w.count(`select count(*) from privacy_kept where table_name = 'contact' and until = '2030-01-01'`); n != 1 {
		t.Errorf("%d notes of what was kept, want 1", n)
	}
}

// P2: what a law asks to keep counts from the row's own event, not from today: it says until when, is restricted, and what the law has
// done with goes.
func TestLawCountsFromTheEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.contact(w.partner, "Ada Lovelace", "ada@example.com", "")
	deal := w.deal(w.staff, "Invoice for Ada Lovelace")
	w.note(w.staff, deal, "sent the invoice to ada@example.com")
	old := w.deal(w.staff, "Old invoice for Ada Lovelace")
	w.exec(`update contact set created_at = '2024-02-29 10:00Z' where contact_id = $1`, ada)
	w.exec(`update deal set created_at = '2021-06-30 23:30Z' where deal_id = $1`, deal)
	w.exec(`update deal set created_at = '2015-01-31 00:00Z' where deal_id = $1`, old)
	w.exec(`insert into legal_duty (tenant_id, duty_id, category, event, keep, reason, set_by_name) values ($1, $2, 'customer-data', 'recorded', '7 years', 'invoices, Handelsgesetzbuch 257', 'Olga')`, w.staff.Tenant, id.New())
	w.exec(`insert into legal_duty (tenant_id, duty_id, category, event, keep, reason, set_by_name) values ($1, $2, 'email-log', 'account-deletion', '1 year', 'a contract', 'Olga')`, w.staff.Tenant, id.New())
	w.exec(`insert into mail (tenant_id, mail_id, template, to_email, to_name, subject, text_body, html_body) values ($1, $2, 'deal.note', 'ada@example.com', 'Ada', 'Hello', 'Dear A.', '')`, w.staff.Tenant, id.New())
	r := w.requested(Subject{Email: "ada@example.com"})
	plan := map[string]string{}
	for _, l := range r.Plan.Lines {
		plan[l.Table+" "+string(l.What)] = fmt.Sprintf("%d %s %s", l.Rows, l.Until, l.Reason)
	}
	for line, want := range map[string]string{
		"contact keep":   "1 2031-02-28 The law asks for it: invoices, Handelsgesetzbuch 257, 7 years from recording. Kept and restricted",
		"deal keep":      "1 2028-06-30 The law",
		"deal anonymise": "1  The person is replaced",
		"deal_note keep": "1 2028-06-30 The law", // as long as its deal
		"mail keep":      "1  The law asks for it: a contract, 1 year from the deletion of the customer's account, which has not come yet.",
	} {
		if !strings.HasPrefix(plan[line], want) {
			t.Errorf("%s: %q, want %q", line, plan[line], want)
		}
	}
	if _, err := w.s.Approve(t.Context(), w.second, r.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.run(r)
	done, err := w.s.Get(t.Context(), w.officer, r.ID)
	if err != nil || !strings.Contains(done.Certificate.Text, "Kept in contact: 1, The law asks for it: invoices") || !strings.Contains(done.Certificate.Text, "(until 2031-02-28)") {
		t.Errorf("the certificate (%v):\n%s", err, done.Certificate.Text)
	}
	if n := w.count(`select count(*) from contact where contact_id = $1 and restricted_at is not null and restricted_reason like '%until 2031-02-28%7 years from recording%'`, ada); n != 1 {
		t.Error("the contact is not restricted with its reason")
	}
	if got := w.text(`select string_agg(title, '|' order by created_at) from deal`); got != "Old invoice for "+erased+"|Invoice for Ada Lovelace" {
		t.Errorf("deals: %s", got)
	}
	if n := w.count(`select count(*) from privacy_kept where table_name = 'deal_note' and until = '2028-06-30'`); n != 1 {
		t.Errorf("%d notes of kept notes, want 1", n)
	}
}

// A law's last day is the one that retention counts.
func TestLastDayIsTheDatabases(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"2024-02-29T23:59:00Z", "2026-01-31T00:00:00+02:00", "2026-12-31T12:00:00Z"} {
		for _, d := range []duty{{months: 84}, {months: 1}, {days: 40}, {months: 13, days: 3}} {
			event, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			want := w.text(`select app.retention_last_day($1, make_interval(months => $2, days => $3))::text`, event, d.months, d.days)
			if got := d.lastDay(event).Format(time.DateOnly); got != want {
				t.Errorf("%s and %d months, %d days: %s, want %s", at, d.months, d.days, got, want)
			}
		}
	}
}
