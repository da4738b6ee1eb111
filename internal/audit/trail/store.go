package trail

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
)

const (
	columns = `entry_id, at, op_id, actor_kind, actor_id, actor_name, actor_role, credential_id, partner_id, action, outcome,
  object_type, object_id, object_label, changes::text as changes, note, request_id, ip, user_agent`

	sqlList = `select ` + columns + ` from audit_entry where %s order by at desc, entry_id desc limit $%d`

	// The window is cut before the text is compared: a word that nobody ever wrote must not read the whole log.
	sqlSearch = `select * from (select ` + columns + ` from audit_entry where %s order by at desc, entry_id desc limit $%d) e
 where position($%d in lower(e.object_label)) > 0 or position($%[3]d in lower(e.actor_name)) > 0 or position($%[3]d in lower(e.note)) > 0
 order by at desc, entry_id desc limit $%d`
)

// selection checks q and returns its statement.
func (s *Service) selection(who access.Actor, q Query, limit int) (string, []any, error) {
	if err := q.check(); err != nil {
		return "", nil, err
	}
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
	if q.Cursor != "" {
		c, err := s.ops.Pages.Decode(q.Cursor, who.Tenant.String(), "audit")
		if err != nil {
			return "", nil, err
		}
		var at time.Time
		var last id.ID
		if err := c.Scan(&at, &last); err != nil {
			return "", nil, err
		}
		add("(at, entry_id) < ($%d, $%d)", at, last)
	}
	cond := strings.Join(where, " and ")
	if text := strings.ToLower(strings.TrimSpace(q.Text)); text != "" {
		args = append(args, Searched, text, limit)
		return fmt.Sprintf(sqlSearch, cond, len(args)-2, len(args)-1, len(args)), args, nil
	}
	args = append(args, limit)
	return fmt.Sprintf(sqlList, cond, len(args)), args, nil
}

func scan(row pgx.CollectableRow) (e Entry, err error) {
	var changes string
	if err = row.Scan(&e.ID, &e.At, &e.Op, &e.ActorKind, &e.ActorID, &e.ActorName, &e.ActorRole, &e.Credential, &e.Partner, &e.Action, &e.Outcome,
		&e.ObjectType, &e.ObjectID, &e.ObjectLabel, &changes, &e.Note, &e.RequestID, &e.IP, &e.UserAgent); err != nil {
		return e, err
	}
	return e, json.Unmarshal([]byte(changes), &e.Changes)
}
