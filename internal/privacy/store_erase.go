package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlRestricted = `
select 'contact', contact_id, name, email, restricted_reason, restricted_at from contact where tenant_id = $1 and restricted_at is not null
union all
select 'member', member_id, name, email, restricted_reason, restricted_at from member where tenant_id = $1 and restricted_at is not null
order by 6 desc, 2 limit 500`

	sqlRestrictContacts = `update contact set restricted_at = case when $4 then null else coalesce(restricted_at, $5) end, restricted_reason = case when $4 then '' else $3 end, version = version + 1, updated_at = $5
 where tenant_id = $1 and contact_id = any ($2) and (restricted_at is null) <> $4`
	sqlRestrictMembers = `update member set restricted_at = case when $4 then null else coalesce(restricted_at, $5) end, restricted_reason = case when $4 then '' else $3 end, version = version + 1, updated_at = $5
 where tenant_id = $1 and member_id = any ($2) and (restricted_at is null) <> $4`

	sqlEndConsents = `update contact_consent set withdrawn_at = $5 where tenant_id = $1 and (contact_id = any ($2) or member_id = any ($3)) and purpose = $4 and withdrawn_at is null and basis <> 'objection'`
	sqlObject      = `
insert into contact_consent (tenant_id, consent_id, partner_id, contact_id, member_id, purpose, basis, given_at, source, recorded_by, recorded_by_name)
select $1, gen_random_uuid(), x.partner_id, x.contact_id, x.member_id, $4, 'objection', $5, $6, $7, $8
  from (select c.partner_id, c.contact_id, null::uuid as member_id from contact c where c.tenant_id = $1 and c.contact_id = any ($2)
        union all select m.partner_id, null, m.member_id from member m where m.tenant_id = $1 and m.member_id = any ($3)) x
 where not exists (select from contact_consent k where k.tenant_id = $1 and (k.contact_id = x.contact_id or k.member_id = x.member_id) and k.purpose = $4 and k.basis = 'objection' and k.withdrawn_at is null)`

	// A hold on the person, on their company or the whole programme, and what a law asks to keep of a category: from which event on, and how long.
	sqlDuties = `
select '', 'On hold: ' || h.reason, h.until::timestamptz, '', 0, 0, null::timestamptz from legal_hold h
 where h.tenant_id = $1 and h.released_at is null and (h.until is null or h.until >= app.now()::date)
   and (h.kind = 'tenant' or h.object_id = any ($2) or h.email <> '' and h.email = any ($3)
        or h.kind = 'account' and h.object_id in (select c.account_id from contact c where c.tenant_id = $1 and c.contact_id = any ($2))
        or h.kind = 'partner' and h.object_id in (select m.partner_id from member m where m.tenant_id = $1 and m.member_id = any ($2)
             union select c.partner_id from contact c where c.tenant_id = $1 and c.contact_id = any ($2)))
union all
select d.category, 'The law asks for it: ' || d.reason, null, d.event, (extract(year from d.keep) * 12 + extract(month from d.keep))::int,
       (extract(day from d.keep) + ceil(extract(hour from d.keep) / 24))::int, t.deletion_requested_at
  from legal_duty d join tenant t on t.tenant_id = d.tenant_id where d.tenant_id = $1
order by 1 limit 200`

	sqlUpdateRow = `update %s set %s where tenant_id = $1 and %s`
	sqlDeleteRow = `delete from %s where tenant_id = $1 and %s`

	sqlForgetMember = `select app.forget_member($1)`
	sqlEmptyMember  = `update member set name = $3, email = '', external_id = null, status = 'removed', last_seen_at = null, restricted_at = null, restricted_reason = '', version = version + 1, updated_at = $4 where tenant_id = $1 and member_id = $2`
	sqlEndKeys      = `update api_key set revoked_at = $3 where tenant_id = $1 and member_id = $2 and revoked_at is null`
	sqlEmptyContact = `update contact set name = $3, email = '', phone = '', title = '', external_id = null, version = version + 1, updated_at = $4 where tenant_id = $1 and contact_id = $2`

	sqlRewriteHistory = `select app.rewrite_history($1::timestamptz, $2::bigint, $3::jsonb, $4::jsonb)`
	sqlEraseEntries   = `select app.audit_erase($1)`
	sqlEraseAgain     = `select app.audit_erase($1, $2, $3)`
	sqlErasureProof   = `select app.erasure_proof($1)`

	sqlKeepNote = `insert into privacy_kept (tenant_id, kept_id, request_id, category, table_name, row_key, reason, until) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict on constraint privacy_kept_row_uq do nothing`

	// The columns after object_type are audit.PayloadColumns.
	sqlEntries = `select at, entry_id, actor_id, object_id, action, object_type, commitment is not null, payload, erased_at, actor_name, object_label, changes::text, note, request_id, ip, user_agent from audit_entry where tenant_id = $1 and (at, entry_id) > ($2::text::timestamptz, $3::text::uuid) and erased_at is null order by at, entry_id limit $4`

	sqlLedgerAdd   = `insert into erasure_ledger (tenant_id, ledger_id, request_id, at, hashes, refs) values ($1, $2, $3, $4, $5::jsonb, $6::jsonb) on conflict on constraint erasure_ledger_pk do nothing`
	sqlLedgerKnown = `select ledger_id from erasure_ledger where tenant_id = $1 and ledger_id = any ($2)`
	sqlLedgerDone  = `update erasure_ledger set replayed_at = $3 where tenant_id = $1 and ledger_id = $2`
	sqlTenantHere  = `select exists (select from tenant where tenant_id = $1)`

	sqlRequestHistory = `select h.at::text, h.history_id::text, h.old_row, h.new_row from row_history h where h.tenant_id = $1 and h.row_id = any ($2) order by h.at, h.history_id limit 1000`

	sqlDropMailBody = `update mail set text_sealed = null, html_sealed = null, link_sealed = null where tenant_id = $1 and mail_id = $2::text::uuid`

	sqlSavepoint = `savepoint row`
	sqlRollback  = `rollback to savepoint row`
	sqlRelease   = `release savepoint row`
)

func scanRestricted(row pgx.CollectableRow) (r RestrictedRecord, err error) {
	err = row.Scan(&r.Kind, &r.ID, &r.Name, &r.Email, &r.Reason, &r.Since)
	return r, err
}

// restrictIn suspends or releases the identity rows of a subject and says how many.
func restrictIn(ctx context.Context, tx *op.Tx, refs Refs, reason string, lift bool) (int, error) {
	n := 0
	for sql, ids := range map[string][]id.ID{sqlRestrictContacts: refs.Contacts, sqlRestrictMembers: refs.Members} {
		tag, err := tx.Exec(ctx, sql, tx.Who.Tenant, ids, reason, lift, tx.Now)
		if err != nil {
			return n, err
		}
		n += int(tag.RowsAffected())
	}
	return n, nil
}

// objectIn ends what the subject agreed to and records the objection.
func objectIn(ctx context.Context, tx *op.Tx, refs Refs, r Request) (int, error) {
	if _, err := tx.Exec(ctx, sqlEndConsents, tx.Who.Tenant, refs.Contacts, refs.Members, r.Purpose, tx.Now); err != nil {
		return 0, err
	}
	tag, err := tx.Exec(ctx, sqlObject, tx.Who.Tenant, refs.Contacts, refs.Members, r.Purpose, tx.Now, r.label(), tx.Who.Member, tx.Who.Name)
	return int(tag.RowsAffected()), err
}

// dutiesOf returns why something about the subject must stay, holds first.
func dutiesOf(ctx context.Context, tx *op.Tx, refs Refs, email string) ([]duty, error) {
	emails := append([]string{email}, refs.Emails...)
	rows, err := tx.Query(ctx, sqlDuties, tx.Who.Tenant, refs.ids(), emails)
	if err != nil {
		return nil, err
	}
	y, m, day := tx.Now.UTC().Date()
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (d duty, err error) {
		d.today = time.Date(y, m, day, 0, 0, 0, 0, time.UTC)
		err = r.Scan(&d.Category, &d.Reason, &d.Until, &d.Event, &d.months, &d.days, &d.account)
		return d, err
	})
}

// where returns the condition on a row's key, with arguments from $2 on.
func (t table) where(key []string) (string, []any) {
	var conds []string
	var args []any
	for i, k := range t.key {
		conds = append(conds, fmt.Sprintf("%s = $%d::text::%s", quote(k.Name), i+2, k.Type))
		args = append(args, key[i])
	}
	return strings.Join(conds, " and "), args
}

// writeRow sets columns of one row. A row that the database refuses to change so is put back as it was, with the reason.
func writeRow(ctx context.Context, tx *op.Tx, t table, key []string, set map[string]json.RawMessage) error {
	cond, args := t.where(key)
	args = append([]any{tx.Who.Tenant}, args...)
	var sets []string
	for _, c := range t.columns {
		v, ok := set[c.Name]
		if !ok {
			continue
		}
		args = append(args, string(v))
		n := len(args)
		switch c.Type {
		case "jsonb":
			sets = append(sets, fmt.Sprintf("%s = $%d::jsonb", quote(c.Name), n))
		case "text[]":
			sets = append(sets, fmt.Sprintf("%s = array(select jsonb_array_elements_text($%d::jsonb))", quote(c.Name), n))
		default:
			sets = append(sets, fmt.Sprintf("%s = $%d::jsonb #>> '{}'", quote(c.Name), n))
		}
	}
	return guarded(ctx, tx, fmt.Sprintf(sqlUpdateRow, "app."+quote(t.name), strings.Join(sets, ", "), cond), args...)
}

// deleteRow deletes one row.
func deleteRow(ctx context.Context, tx *op.Tx, t table, key []string) error {
	cond, args := t.where(key)
	return guarded(ctx, tx, fmt.Sprintf(sqlDeleteRow, "app."+quote(t.name), cond), append([]any{tx.Who.Tenant}, args...)...)
}

// guarded runs a statement so that its refusal leaves the transaction as it was.
func guarded(ctx context.Context, tx *op.Tx, sql string, args ...any) error {
	if _, err := tx.Exec(ctx, sqlSavepoint); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sql, args...); err != nil {
		if _, undo := tx.Exec(ctx, sqlRollback); undo != nil {
			return undo
		}
		return err
	}
	_, err := tx.Exec(ctx, sqlRelease)
	return err
}

// emptyMember takes login, sessions, keys and everything personal from a member.
func emptyMember(ctx context.Context, tx *op.Tx, v id.ID) error {
	var gone string
	if err := tx.QueryRow(ctx, sqlForgetMember, v).Scan(&gone); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlEndKeys, tx.Who.Tenant, v, tx.Now); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqlEmptyMember, tx.Who.Tenant, v, erased, tx.Now)
	return err
}

// emptyContact is for a contact that something refers to, so that its row cannot go.
func emptyContact(ctx context.Context, tx *op.Tx, v id.ID) error {
	_, err := tx.Exec(ctx, sqlEmptyContact, tx.Who.Tenant, v, erased, tx.Now)
	return err
}

func rewriteHistory(ctx context.Context, tx *op.Tx, key []string, before, after json.RawMessage) error {
	opt := func(v json.RawMessage) *string {
		if len(v) == 0 || string(v) == "null" {
			return nil
		}
		s := string(v)
		return &s
	}
	var done bool
	return tx.QueryRow(ctx, sqlRewriteHistory, key[0], key[1], opt(before), opt(after)).Scan(&done)
}

// eraseEntries empties entries of the log: of the erasure that is carried out, or with the proof that the ledger kept of one.
func eraseEntries(ctx context.Context, tx *op.Tx, entries []id.ID, request id.ID, proof string) (n int, err error) {
	switch {
	case len(entries) == 0:
	case proof != "":
		err = tx.QueryRow(ctx, sqlEraseAgain, entries, request, proof).Scan(&n)
	default:
		err = tx.QueryRow(ctx, sqlEraseEntries, entries).Scan(&n)
	}
	return n, err
}

func noteKept(ctx context.Context, tx *op.Tx, request id.ID, category, tab, key string, d duty) error {
	_, err := tx.Exec(ctx, sqlKeepNote, tx.Who.Tenant, id.New(), request, category, tab, key, d.Reason, d.Until)
	return err
}

// entry is one entry of the audit log with its payload still sealed.
type entry struct {
	at              time.Time
	id              id.ID
	actor, object   id.ID
	action, objects string
	stored          audit.Stored
}

// entriesAfter returns the next entries of the audit log in their order.
func entriesAfter(ctx context.Context, tx *op.Tx, after []string, limit int) ([]entry, error) {
	if after == nil {
		after = []string{"-infinity", "00000000-0000-0000-0000-000000000000"}
	}
	rows, err := tx.Query(ctx, sqlEntries, tx.Who.Tenant, after[0], after[1], limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (e entry, err error) {
		err = r.Scan(append([]any{&e.at, &e.id, &e.actor, &e.object, &e.action, &e.objects}, e.stored.Dest()...)...)
		return e, err
	})
}

// historyOf returns the lines of the history of rows by their ids.
func historyOf(ctx context.Context, tx *op.Tx, rowIDs []id.ID) ([]found, error) {
	rows, err := tx.Query(ctx, sqlRequestHistory, tx.Who.Tenant, rowIDs)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (f found, err error) {
		var at, line string
		var before, after []byte
		err = r.Scan(&at, &line, &before, &after)
		f.key, f.values = []string{at, line}, map[string]json.RawMessage{"old_row": before, "new_row": after}
		return f, err
	})
}

// dropMailBody throws the encrypted text of a mail away.
func dropMailBody(ctx context.Context, tx *op.Tx, v string) error {
	_, err := tx.Exec(ctx, sqlDropMailBody, tx.Who.Tenant, v)
	return err
}
