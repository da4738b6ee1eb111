package transfer

import (
	"testing"
	"time"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/optest"
)

var sampleFiles = []struct {
	kind, file string
	rows       int
}{{Products, "products.csv", 7}, {Accounts, "accounts.csv", 85}, {Partners, "sales_teams.csv", 35}, {Deals, "sales_pipeline.csv", 8800}}

// The public sample goes in whole with the guessed mapping; once more, it changes nothing (invariant 3).
func TestSampleGoesInWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tenant := w.ada.Tenant
	for _, f := range sampleFiles {
		start := time.Now()
		r := w.check(w.ada, f.kind, "", sample(t, f.file))
		w.want(r, Checked, f.rows, 0, 0, 0)
		checked := time.Since(start)
		r = w.commit(w.ada, r.ID)
		w.want(r, Committed, f.rows, 0, 0, 0)
		t.Logf("%s: checked in %v, whole %v", f.kind, checked.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
		if f.kind == Deals {
			t.Logf("report: %s", r.Report)
		}
	}
	for what, want := range map[string]int{
		`select count(*) from partner where tenant_id = $1`:                                                                                                          3,
		`select count(*) from member where tenant_id = $1 and role = 'agent' and status = 'listed'`:                                                                  35,
		`select count(*) from member where tenant_id = $1 and role = 'partner'`:                                                                                      6,
		`select count(*) from account where tenant_id = $1`:                                                                                                          85,
		`select count(*) from product where tenant_id = $1`:                                                                                                          7,
		`select count(*) from deal where tenant_id = $1`:                                                                                                             8800,
		`select count(*) from deal where tenant_id = $1 and state = 'won'`:                                                                                           4238,
		`select count(*) from deal where tenant_id = $1 and state = 'lost'`:                                                                                          2473,
		`select count(*) from deal where tenant_id = $1 and state = 'approved'`:                                                                                      2089,
		`select count(*) from deal where tenant_id = $1 and account_id is null`:                                                                                      1425,
		`select count(*) from deal where tenant_id = $1 and state = 'won' and account_id is null`:                                                                    0,
		`select count(*) from deal where tenant_id = $1 and protected_until is not null`:                                                                             0,
		`select count(*) from deal d join member m on m.tenant_id = d.tenant_id and m.member_id = d.owner_id and m.partner_id = d.partner_id where d.tenant_id = $1`: 8800,
		`select coalesce(sum(amount_minor), 0) from deal where tenant_id = $1 and state = 'won'`:                                                                     1_000_553_400,
		`select coalesce(sum(amount_minor), 0) from deal where tenant_id = $1 and state <> 'won'`:                                                                    0,
		`select count(*) from deal where tenant_id = $1 and product = 'GTXPro'`:                                                                                      1480,
		`select count(*) from audit_entry where tenant_id = $1 and object_type = 'deal' and actor_kind = 'system'`:                                                   8800,
		`select count(*) from row_history where tenant_id = $1 and table_name = 'deal' and member_id is not null`:                                                    8800,
		`select count(*) from deal d where tenant_id = $1 and account_id is not null and not exists (select 1 from account_partner s where s.account_id = d.account_id and s.partner_id = d.partner_id)`: 0,
		`select count(*) from mail where tenant_id = $1`: 0,
	} {
		if got := one[int](w, what, tenant); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	for _, l := range optest.Told(t, w.ops, w.super, `tenant_id = $1 and object_type = 'deal' and actor_kind = 'system'`, tenant) {
		if l.ActorName != "Ada" {
			t.Fatalf("an imported deal was recorded under the name %q", l.ActorName)
		}
	}
	for _, f := range sampleFiles {
		w.want(w.commit(w.ada, w.check(w.ada, f.kind, "", sample(t, f.file)).ID), Committed, 0, 0, f.rows, 0)
	}
	if n := one[int](w, `select count(*) from deal where tenant_id = $1`, w.bob.Tenant); n != 0 {
		t.Errorf("the mirror has %d deals", n)
	}
}

// Deals are undone whole, and with them what they made visible.
func TestSampleIsUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var runs []id.ID
	for _, f := range sampleFiles {
		runs = append(runs, w.commit(w.ada, w.check(w.ada, f.kind, "", sample(t, f.file)).ID).ID)
	}
	for i := len(runs) - 1; i >= 0; i-- {
		r := w.undo(w.ada, runs[i])
		if u := r.ReportData().Undo; r.Status != Undone || u.Removed != sampleFiles[i].rows || u.Kept != 0 {
			t.Fatalf("%s: %s %+v", r.Kind, r.Status, u)
		}
	}
	for _, table := range []string{"deal", "partner", "account", "product", "account_partner"} {
		if n := one[int](w, `select count(*) from `+table+` where tenant_id = $1`, w.ada.Tenant); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	if n := one[int](w, `select count(*) from member where tenant_id = $1`, w.ada.Tenant); n != 1 {
		t.Errorf("%d people are left, want Ada", n)
	}
}
