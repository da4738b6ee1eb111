package trail

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
)

const (
	columns = `entry_id, at, op_id, actor_kind, actor_id, actor_role, credential_id, partner_id, action, outcome, category,
  object_type, object_id, object_type in ('contact', 'member') and app.restricted(object_id), actor_kind = 'person' and app.restricted(actor_id), commitment is not null, payload, erased_at, actor_name, object_label, changes::text, note, request_id, ip, user_agent` // as audit.PayloadColumns

	sqlList = `select ` + columns + ` from audit_entry where %s order by at desc, entry_id desc limit $%d`
)

// position is a place in the log: the entries after it are older.
type position struct {
	at   time.Time
	last id.ID
}

// from checks q and returns where its cursor stands, nil at the beginning.
func (s *Service) from(who access.Actor, q Query) (*position, error) {
	if err := q.check(); err != nil || q.Cursor == "" {
		return nil, err
	}
	c, err := s.ops.Pages.Decode(q.Cursor, who.Tenant.String(), "audit")
	if err != nil {
		return nil, err
	}
	var p position
	return &p, c.Scan(&p.at, &p.last)
}

// selection returns the statement of q from a position on. Text is no part of it: what it looks at is encrypted.
func selection(who access.Actor, q Query, after *position, limit int) (string, []any) {
	where, args := []string{"tenant_id = $1"}, []any{who.Tenant}
	add := func(cond string, vals ...any) {
		at := make([]any, len(vals))
		for i, v := range vals {
			args = append(args, v)
			at[i] = len(args)
		}
		where = append(where, fmt.Sprintf(cond, at...))
	}
	if q.ObjectID != id.Nil {
		add("object_id = $%d", q.ObjectID)
	}
	if q.ObjectType != "" {
		add("object_type = $%d", q.ObjectType)
	}
	if q.ActorID != id.Nil {
		add("actor_id = $%d", q.ActorID)
		if who.Persona == access.Partner { // of anybody else they learn no more than of nobody
			add("exists (select from app.member m where m.tenant_id = $1 and m.member_id = actor_id and m.partner_id = $%d)", who.Partner)
		}
	}
	if strings.Contains(q.Action, ".") {
		add("action = $%d", q.Action)
	} else if q.Action != "" {
		add("starts_with(action, $%d)", q.Action+".")
	}
	if q.Outcome != "" {
		add("outcome = $%d", q.Outcome)
	}
	if !q.From.IsZero() {
		add("at >= $%d", q.From)
	}
	if !q.To.IsZero() {
		add("at < $%d", q.To)
	}
	if q.Category != "" {
		add("category = $%d", q.Category)
	}
	if q.EntryID != id.Nil {
		add("entry_id = $%d", q.EntryID)
	}
	if after != nil {
		add("(at, entry_id) < ($%d, $%d)", after.at, after.last)
	}
	args = append(args, limit)
	return fmt.Sprintf(sqlList, strings.Join(where, " and "), len(args)), args
}

func scan(row pgx.CollectableRow) (e Entry, err error) {
	err = row.Scan(append([]any{&e.ID, &e.At, &e.Op, &e.ActorKind, &e.ActorID, &e.ActorRole, &e.Credential, &e.Partner, &e.Action, &e.Outcome, &e.Category,
		&e.ObjectType, &e.ObjectID, &e.hidden, &e.hiddenActor}, e.stored.Dest()...)...)
	return e, err
}

// open fills in what the entry tells about people; of an erased one only when it was erased.
func (e *Entry) open(ctx context.Context, keys *keyring.Ring, tenant id.ID) error {
	p, err := e.stored.Open(ctx, keys, tenant, e.ID)
	if err != nil {
		return err
	}
	e.ErasedAt, e.ActorName, e.ObjectLabel, e.Note = e.stored.ErasedAt(), p.ActorName, p.ObjectLabel, p.Note
	e.RequestID, e.IP, e.UserAgent, e.raw = p.RequestID, p.IP, p.UserAgent, p.Changes
	if len(p.Changes) > 0 {
		return json.Unmarshal(p.Changes, &e.Changes)
	}
	return nil
}

// tells reports whether the entry's payload holds text, which is in lower case.
func (e Entry) tells(text string) bool {
	for _, s := range []string{e.ObjectLabel, e.ActorName, e.Note, e.IP, string(e.raw)} {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	return false
}
