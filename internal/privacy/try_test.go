package privacy

import (
	"os"
	"testing"
)

// What the probes of P-25 and P-27 try: it holds, it leaves nothing behind, and it notices what is broken.
func TestTryRightsAndReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate()
	w.erased(Subject{Email: "ada@example.com"})
	try := func(when string, wrong int) {
		t.Helper()
		before := w.count(`select count(*) from row_history`) + w.count(`select count(*) from audit_entry`) + w.count(`select count(*) from contact`)
		rights, err := w.s.TryRights(t.Context(), w.staff.Tenant)
		if err != nil || rights.Looked < 10 {
			t.Fatalf("%s: %+v, %v", when, rights, err)
		}
		replay, err := w.s.TryReplay(t.Context(), w.staff.Tenant)
		if err != nil || replay.Looked < 4 {
			t.Fatalf("%s: %+v, %v", when, replay, err)
		}
		if got := append(rights.Wrong, replay.Wrong...); len(got) != wrong {
			t.Errorf("%s: %q, want %d", when, got, wrong)
		}
		if after := w.count(`select count(*) from row_history`) + w.count(`select count(*) from audit_entry`) + w.count(`select count(*) from contact`); after != before {
			t.Errorf("%s: %d rows, %d before", when, after, before)
		}
	}
	try("as it is", 0)
	was := w.text(`select col_description('deal_note'::regclass, (select attnum from pg_attribute where attrelid = 'deal_note'::regclass and attname = 'body'))`)
	w.exec(`comment on column deal_note.body is 'class=internal category=customer-data'`)
	try("a text that the data map does not know", 2)
	w.exec(`comment on column deal_note.body is '` + was + `'`)
	w.exec(`update privacy_request set certificate = jsonb_set(certificate, '{note}', to_jsonb(replace(certificate ->> 'note', 'Kind: ', 'Kind:  '))) where certificate ->> 'note' <> ''`)
	try("an edited certificate", 1)
	if err := os.Rename(w.ledger, w.ledger+".lost"); err != nil {
		t.Fatal(err)
	}
	try("the ledger is lost", 2)
}
