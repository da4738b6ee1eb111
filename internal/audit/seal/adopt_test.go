package seal

import (
	"testing"
	"time"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/optest"
)

// What a program before this one wrote in plain is encrypted, sealed and told as before; nothing of it stays readable in the table.
func TestPlainEntriesAreAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = adoptAtOnce + 3 // more than one batch
	w.exec(`
insert into audit_entry (tenant_id, entry_id, at, op_id, actor_kind, actor_id, actor_name, actor_role, action, outcome, object_type, object_id, object_label, changes, note, request_id, ip, user_agent)
select $1, gen_random_uuid(), $2::timestamptz + i * interval '1 second', gen_random_uuid(), 'person', $3, 'Ada', 'admin', 'deal.update', 'done', 'deal', gen_random_uuid(),
  'Deal ' || i, '{"title": ["A", "B"]}', 'a note', 'req', '192.0.2.9', 'Firefox' from generate_series(1, $4) i`, w.a.Tenant, time.Now().Add(-time.Hour), id.New(), n)
	w.must(w.tell(t.Context(), w.a, 2, "new"))
	w.must(w.Tick(t.Context()))
	told := optest.Told(t, w.ops, w.super, `tenant_id = $1`, w.a.Tenant)
	if len(told) != n+2 {
		t.Fatalf("%d entries", len(told))
	}
	for i, l := range told[:n] {
		if l.ActorName != "Ada" || l.ObjectLabel == "" || l.Note != "a note" || l.IP != "192.0.2.9" || l.UserAgent != "Firefox" || l.RequestID != "req" || string(l.Changes) != `{"title":["A","B"]}` {
			t.Fatalf("entry %d tells %+v", i, l)
		}
	}
	if left := w.count(`select count(*) from audit_entry e where commitment is null or e::text like '%Ada%' or e::text like '%Firefox%' or e::text like '%192.0.2.9%'`); left != 0 {
		t.Errorf("%d entries are readable in the table", left)
	}
	if r := w.live(w.a, nil); !r.OK || r.Payloads != n+2 {
		t.Errorf("%+v", r)
	}
}
