package trust

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
)

const (
	// Weak: not argon2id, less than 19 MiB, fewer than two passes, a salt under 16 or a key under 32 bytes.
	sqlHashes = `
select count(*), count(*) filter (where h.m is null or h.m[1]::int < 19456 or h.m[2]::int < 2 or length(h.m[3]) < 22 or length(h.m[4]) < 43)
  from person p cross join lateral (select regexp_match(p.password_hash, '^\$argon2id\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,3}),p=[0-9]{1,3}\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$') as m) h
 where p.password_hash is not null`

	sqlSessionHashes = `select count(*), count(*) filter (where octet_length(token_hash) <> 32) from session`

	sqlSessions = `select member_id, created_at from session where tenant_id = $1 and member_id is not null and created_at >= $2 order by created_at desc limit 500`
	sqlMissing  = `
select count(*) from unnest($1::uuid[], $2::timestamptz[]) as s (member_id, created_at)
 where not exists (select from audit_entry e where e.tenant_id = (select app.tenant()) and e.action = 'me.sign_in' and e.outcome = 'done' and e.object_id = s.member_id
                      and e.at >= s.created_at - interval '1 minute')`

	sqlSampleHistory = `
select count(distinct s.history_id), coalesce(array_agg(distinct s.table_name || '.' || k.name), '{}')
  from (select table_name, history_id, coalesce(new_row, old_row) as r from row_history where tenant_id = (select app.tenant()) order by at desc limit 500) s
 cross join lateral jsonb_object_keys(s.r) as k (name)`

	// What was sent in a period, and the lines of the workflow log for it; a line stands before what it was about is settled.
	sqlSentMails       = `select count(*) from mail where tenant_id = (select app.tenant()) and status = 'sent' and sent_at >= $1 and sent_at < $2`
	sqlSentCheckpoints = `select count(*) from audit_delivery where tenant_id = (select app.tenant()) and at >= $1 and at < $2`
	sqlInteractions    = `
select count(*) from workflow_log where tenant_id = (select app.tenant()) and kind = 'vendor' and starts_with(name, $3) and at >= $1::timestamptz - interval '10 minutes' and at < $2::timestamptz + interval '1 minute'`

	sqlCountDeals = `select count(*) from deal where tenant_id = (select app.tenant())`

	sqlProbePartner  = `insert into partner (tenant_id, partner_id, name, name_norm) values ((select app.tenant()), $1, 'Probe', 'probe')`
	sqlProbeRename   = `update partner set name = 'Probe, renamed' where tenant_id = (select app.tenant()) and partner_id = $1`
	sqlProbeDelete   = `delete from partner where tenant_id = (select app.tenant()) and partner_id = $1`
	sqlProbeHistory  = `select change from row_history where tenant_id = (select app.tenant()) and row_id = $1 order by history_id`
	sqlHistoryTables = `
select c.relname::text, array(select t.tgname::text from pg_trigger t where t.tgrelid = c.oid and t.tgname in ('history_insert', 'history_update', 'history_delete') and t.tgenabled in ('O', 'A') order by 1)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition
   and exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname like 'history\_%')
 order by 1`

	sqlCiphers = `select %[3]s::text, %[2]s from app.%[1]s where tenant_id = (select app.tenant()) and %[2]s is not null order by %[4]s desc limit 50`
)

func countHashes(ctx context.Context, o *op.Ops) (n, weak int, err error) {
	err = o.DB.Pool(pg.Public).QueryRow(ctx, sqlHashes).Scan(&n, &weak)
	return n, weak, err
}

func countSessions(ctx context.Context, o *op.Ops) (n, odd int, err error) {
	err = o.DB.Pool(pg.Public).QueryRow(ctx, sqlSessionHashes).Scan(&n, &odd)
	return n, odd, err
}

// countSignIns returns how many sessions of a programme began since then, and how many of them the audit log does not know.
func countSignIns(ctx context.Context, o *op.Ops, tenant id.ID, since time.Time) (sessions, missing int, err error) {
	rows, err := o.DB.Pool(pg.Public).Query(ctx, sqlSessions, tenant, since)
	if err != nil {
		return 0, 0, err
	}
	var members []id.ID
	var times []time.Time
	var member id.ID
	var at time.Time
	if _, err := pgx.ForEachRow(rows, []any{&member, &at}, func() error {
		members, times = append(members, member), append(times, at)
		return nil
	}); err != nil {
		return 0, 0, err
	}
	err = bound(ctx, o, pg.Worker, pg.Binding{Tenant: tenant}, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, sqlMissing, members, times).Scan(&missing)
	})
	return len(members), missing, err
}

// sampleHistory returns which columns the newest history of a programme holds, as "table.column".
func sampleHistory(ctx context.Context, o *op.Ops, tenant id.ID) (rows int, columns []string, err error) {
	err = bound(ctx, o, pg.Worker, pg.Binding{Tenant: tenant}, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, sqlSampleHistory).Scan(&rows, &columns)
	})
	return rows, columns, err
}

// Sent is what the program sends to systems of somebody else, and keeps a record of its own of.
type Sent string

// What is sent.
const (
	Mails       Sent = "mails"
	Checkpoints Sent = "checkpoints"
)

// Interactions returns how many of what were sent in a period by their own records, and how many lines the workflow log has for systems
// whose name begins so.
func (s *Service) Interactions(ctx context.Context, tenant id.ID, what Sent, name string, from, to time.Time) (sent, logged int, err error) {
	sql := sqlSentMails
	if what == Checkpoints {
		sql = sqlSentCheckpoints
	}
	err = bound(ctx, s.ops, pg.Worker, pg.Binding{Tenant: tenant}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, sql, from, to).Scan(&sent); err != nil {
			return err
		}
		return tx.QueryRow(ctx, sqlInteractions, from, to, name).Scan(&logged)
	})
	return sent, logged, err
}

func countDeals(ctx context.Context, o *op.Ops, tenant id.ID) (n int, err error) {
	err = bound(ctx, o, pg.Worker, pg.Binding{Tenant: tenant}, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sqlCountDeals).Scan(&n) })
	return n, err
}

// tryHistory adds, changes and deletes a record and returns what its history says. It is rolled back.
func tryHistory(ctx context.Context, o *op.Ops, tenant id.ID) (changes []string, err error) {
	row := id.New()
	err = tried(ctx, o, pg.Worker, pg.Binding{Tenant: tenant, Op: id.New()}, func(tx pgx.Tx) error {
		for _, sql := range []string{sqlProbePartner, sqlProbeRename, sqlProbeDelete} {
			if _, err := tx.Exec(ctx, sql, row); err != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, sqlProbeHistory, row)
		if err != nil {
			return err
		}
		changes, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return changes, err
}

// keptHistory are tables that must have their history; others may have it.
var keptHistory = []string{"tenant", "partner", "member", "account", "contact", "deal", "deal_note", "stage", "product", "api_key", "policy_version", "retention_rule", "policy_clock", "concern"}

// readHistoryTriggers returns the tables whose history has a gap.
func readHistoryTriggers(ctx context.Context, o *op.Ops) (wrong []string, tables int, err error) {
	rows, err := o.DB.Pool(pg.Worker).Query(ctx, sqlHistoryTables)
	if err != nil {
		return nil, 0, err
	}
	seen := map[string]bool{}
	var name string
	var triggers []string
	_, err = pgx.ForEachRow(rows, []any{&name, &triggers}, func() error {
		tables++
		seen[name] = true
		if len(triggers) != 3 {
			wrong = append(wrong, fmt.Sprintf("the history of %s is kept only by %q", name, triggers))
		}
		return nil
	})
	for _, t := range keptHistory {
		if !seen[t] {
			wrong = append(wrong, "no history of "+t+" is kept")
		}
	}
	return wrong, tables, err
}

// readCiphers reads stored values of one column: each must have our format, open in its place and nowhere else.
func readCiphers(ctx context.Context, o *op.Ops, tenant id.ID, c Cipher) (n int, wrong []string, err error) {
	type value struct {
		key string
		v   []byte
	}
	var values []value
	err = bound(ctx, o, pg.Worker, pg.Binding{Tenant: tenant}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, fmt.Sprintf(sqlCiphers, ident(c.Table), ident(c.Column), ident(c.Key), ident(c.Order)))
		if err != nil {
			return err
		}
		var one value
		_, err = pgx.ForEachRow(rows, []any{&one.key, &one.v}, func() error {
			values = append(values, value{one.key, append([]byte(nil), one.v...)})
			return nil
		})
		return err
	})
	for _, one := range values {
		at := keyring.Place{Table: c.Table, Row: one.key, Column: c.Column}
		elsewhere := at
		elsewhere.Row = id.New().String()
		_, wrongPlace := o.Keys.Open(keyring.Trial(ctx), tenant, elsewhere, one.v)
		_, opens := o.Keys.Open(ctx, tenant, at, one.v)
		switch {
		case len(one.v) < 33 || one.v[0] != 1:
			wrong = append(wrong, fmt.Sprintf("%s.%s of %s is not encrypted", c.Table, c.Column, one.key))
		case wrongPlace == nil:
			wrong = append(wrong, fmt.Sprintf("%s.%s of %s opens in another place", c.Table, c.Column, one.key))
		case opens != nil:
			wrong = append(wrong, fmt.Sprintf("%s.%s of %s does not open: %v", c.Table, c.Column, one.key, opens))
		}
	}
	return len(values), wrong, err
}

func ident(name string) string { return pgx.Identifier{name}.Sanitize() }

// state returns the SQLSTATE of an error, "" for another kind of error.
func state(err error) (code, constraint string) {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code, e.ConstraintName
	}
	return "", ""
}
