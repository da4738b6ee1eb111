package audit

import (
	"context"
	"encoding/json"
	"fmt"

	"entente.dev/internal/kernel/pg"
)

// SQLAppend inserts entries; its one argument is a JSON array of Entry, made by Encode.
const SQLAppend = `
insert into audit_entry (tenant_id, entry_id, at, op_id, actor_kind, actor_id, actor_role, credential_id, partner_id, action, outcome, category,
  object_type, object_id, salt, commitment, payload)
select e.tenant_id, e.entry_id, e.at, e.op_id, e.actor_kind, e.actor_id, e.actor_role, e.credential_id, e.partner_id, e.action, e.outcome, e.category,
  e.object_type, e.object_id, decode(e.salt, 'base64'), decode(e.commitment, 'base64'), decode(e.payload, 'base64')
  from jsonb_to_recordset($1::jsonb) as e (tenant_id uuid, entry_id uuid, at timestamptz, op_id uuid, actor_kind text, actor_id uuid,
    actor_role text, credential_id uuid, partner_id uuid, action text, outcome text, category text, object_type text, object_id uuid,
    salt text, commitment text, payload text)`

// PayloadColumns are the columns of audit_entry that Stored.Dest scans.
const PayloadColumns = `commitment is not null, payload, erased_at, actor_name, object_label, changes::text, note, request_id, ip, user_agent`

// Encode returns entries as the argument of SQLAppend.
func Encode(entries []Entry) (string, error) {
	b, err := json.Marshal(entries)
	return string(b), err
}

// Append writes entries into the running transaction.
func Append(ctx context.Context, q pg.Querier, entries []Entry) error {
	arg, err := Encode(entries)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	_, err = q.Exec(ctx, SQLAppend, arg)
	return err
}
