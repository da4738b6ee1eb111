package isolation

import (
	"testing"

	"entente.dev/internal/kernel/pg"
)

// forgery is one attempt of somebody.
type forgery struct {
	who               actor
	given, try, check string // check is true when the attempt worked
}

// A60, F13, F17, P5: what a persona cannot do with SQL of its own, whatever its grants say: forge a place in the log, approve alone,
// lift a hold unseen, say that mails went out, set a clock back, rewrite the history, or write into another tenant on arrival.
func TestNobodyForges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, member := w.vendor.is("tenant_id"), w.other.is("tenant_id"), w.vendor.is("member_id")
	staff := actor{name: "staff", role: pg.Staff, tenant: a, member: member}
	worker := actor{name: "worker", role: pg.Worker, tenant: a}
	platform := actor{name: "platform", role: pg.Platform, tenant: a}
	const other = `'00000000-0000-4000-8000-00000000000f'`
	proposed := `update app.privacy_request set kind = 'erasure', state = 'waiting-approval', identity_at = now(), proposed_by = '` + member + `', proposed_at = now(), approved_by = null, approved_at = null, approved_how = '', closed_at = null, subject_email = 'x@y.example'`
	approve := `update app.privacy_request set state = 'executing', approved_by = '` + member + `', approved_at = now(), approved_how = 'second-person'`
	ruled := `insert into app.retention_rule (tenant_id, category, event, keep) select '` + a + `', c, 'recorded', interval '12 months' from unnest(array['audit-log', 'security-event']) c on conflict on constraint retention_rule_pk do nothing`
	held := `update app.legal_hold set released_at = null, release_reason = '', until = null`
	for name, c := range map[string]forgery{
		"an entry that is never sealed": {staff, ``, `insert into app.audit_entry (tenant_id, entry_id, at, op_id, actor_kind, actor_role, action, outcome, object_type, commitment, payload, salt, xact)
		   values ('` + a + `', ` + other + `, now(), gen_random_uuid(), 'person', 'admin', 'deal.approve', 'done', 'deal', decode(repeat('00', 32), 'hex'), '\x00', decode(repeat('00', 32), 'hex'), '3')`,
			`select exists (select from app.audit_entry where entry_id = ` + other + ` and xact = '3')`},
		"own proposal, approved": {staff, proposed, approve, `select exists (select from app.privacy_request where state = 'executing')`},
		"own proposal, given to somebody else, approved": {staff, proposed, `update app.privacy_request set proposed_by = ` + other + `; ` + approve,
			`select exists (select from app.privacy_request where state = 'executing')`},
		"own proposal, of nobody, approved": {staff, proposed, `update app.privacy_request set proposed_by = null, proposed_at = null; ` + approve,
			`select exists (select from app.privacy_request where state = 'executing')`},
		"a correction that becomes an erasure": {staff, `update app.privacy_request set kind = 'correction', state = 'in-progress', identity_at = now(), closed_at = null, subject_email = 'x@y.example'`,
			`update app.privacy_request set kind = 'erasure'`, `select exists (select from app.privacy_request where tenant_id = '` + a + `' and kind = 'erasure')`},
		"a hold that ended yesterday":      {staff, held, `update app.legal_hold set until = '2020-01-01'`, `select exists (select from app.legal_hold where until < now())`},
		"a hold on something else":         {staff, held, `update app.legal_hold set kind = 'account', object_id = ` + other, `select exists (select from app.legal_hold where object_id = ` + other + `)`},
		"a hold released without a word":   {staff, held, `update app.legal_hold set released_at = now()`, `select exists (select from app.legal_hold where released_at is not null)`},
		"a notice that went out to nobody": {staff, ``, `insert into app.notice (tenant_id, notice_id, kind, object_id, audience, subject, status, done_at) values ('` + a + `', ` + other + `, 'document', ` + other + `, 'all', 'x', 'done', now())`, `select exists (select from app.notice where notice_id = ` + other + `)`},
		"a clock that was set back":        {staff, ``, `update app.incident_clock set due_at = '2999-01-01'`, `select exists (select from app.incident_clock where due_at > '2998-01-01')`},
		"a clock that began later":         {staff, ``, `update app.incident_clock set starts_at = starts_at - interval '1 hour'`, `select exists (select from app.incident_clock c join app.row_history h on h.row_id = c.clock_id and h.change = 'update' and h.table_name = 'incident_clock')`},
		"a history that says otherwise": {worker, ``, `select app.rewrite_history(h.at, h.history_id, h.old_row, jsonb_build_object('forged', true)) from app.row_history h where h.tenant_id = '` + a + `' and h.new_row is not null`,
			`select exists (select from app.row_history where new_row ? 'forged')`},
		"a history of somebody else": {worker, ``, `select app.rewrite_history(h.at, h.history_id, h.old_row, jsonb_set(h.new_row, '{tenant_id}', '"` + b + `"')) from app.row_history h where h.tenant_id = '` + a + `' and h.new_row is not null`,
			`select exists (select from app.row_history where tenant_id = '` + a + `' and new_row ->> 'tenant_id' = '` + b + `')`},
		"rows of another tenant on arrival": {platform, `update app.tenant set status = 'importing' where tenant_id = '` + a + `'`,
			`select app.archive_insert('row_history', '{tenant_id,at,db_role,table_name,row_id,change}', '[{"tenant_id":"` + b + `","at":"2026-01-01T00:00:00Z","db_role":"forged","table_name":"deal","row_id":"` + a + `","change":"delete"}]')`,
			`select exists (select from app.row_history where db_role = 'forged')`},
		"a log emptied without an erasure": {worker, ``, `select app.audit_erase(array(select entry_id from app.audit_entry))`, `select exists (select from app.audit_entry where tenant_id = '` + a + `' and erased_at > now() - interval '1 minute')`},
		"a log emptied with a made-up proof": {worker, ``, `select app.audit_erase(array(select entry_id from app.audit_entry), ` + other + `, repeat('0', 64))`,
			`select exists (select from app.audit_entry where tenant_id = '` + a + `' and erased_at > now() - interval '1 minute')`},
		"a shorter log":                     {staff, ruled, `update app.retention_rule set keep = interval '1 day' where category = 'audit-log'`, `select exists (select from app.retention_rule where category = 'audit-log' and keep = interval '1 day')`},
		"a log without a period of its own": {staff, ruled, `delete from app.retention_rule where category = 'security-event'`, `select not exists (select from app.retention_rule where tenant_id = '` + a + `' and category = 'security-event')`},
		"a departure that was agreed to by nobody": {staff, `delete from app.departure where tenant_id = '` + a + `'`, `insert into app.departure (tenant_id, departure_id, state, asked_by, asked_at, agreed_at, purge_after) values ('` + a + `', ` + other + `, 'closing', '` + member + `', now(), now(), now())`,
			`select exists (select from app.departure where departure_id = ` + other + `)`},
		"a departure asked for by somebody else": {staff, `delete from app.departure where tenant_id = '` + a + `'`, `insert into app.departure (tenant_id, departure_id, state, asked_by, asked_at) values ('` + a + `', ` + other + `, 'asked', ` + other + `, now())`,
			`select exists (select from app.departure where departure_id = ` + other + `)`},
		"a login on arrival": {platform, `update app.tenant set status = 'importing' where tenant_id = '` + a + `'`,
			`select app.archive_insert('person', '{person_id,email,name}', '[{"person_id":"` + a + `","email":"forged@y.example","name":"F"}]')`, `select exists (select from app.person where email = 'forged@y.example')`},
	} {
		w.forge(t, name, c)
	}
}

// forge tries one forgery and fails when it worked.
func (w *world) forge(t *testing.T, name string, c forgery) {
	t.Helper()
	ctx := t.Context()
	raw := w.conn.PgConn()
	exec := func(sql string) error {
		_, err := raw.Exec(ctx, sql).ReadAll()
		return err
	}
	if err := exec(`begin; ` + c.given + `; savepoint attempt`); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := exec(w.become(c.who)); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := exec(c.try); err != nil {
		if err := exec(`rollback to savepoint attempt`); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	} else if err := exec(`reset session authorization`); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var worked bool
	if err := w.conn.QueryRow(ctx, c.check).Scan(&worked); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if worked {
		t.Errorf("%s forged: %s", c.who.name, name)
	}
	if err := exec(`rollback`); err != nil {
		t.Fatal(err)
	}
}
