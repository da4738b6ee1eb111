// Package audit is the record of what happened: one entry for each thing an actor did or was refused, written in the
// transaction of the thing itself. Row history (a database trigger) keeps the rows; an entry says what the change meant.
//
// Entries are append-only: no persona may update or delete one. Columns classed secret never enter an entry.
package audit

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/id"
)

// Change is what a use case tells about an object. Before and After are structs whose fields carry `db:"column"` tags, or
// nil for a thing that is new or gone; only the columns that differ are recorded.
type Change struct {
	Action  access.Action // the running action when empty
	Type    string        // the table, such as "deal"
	ID      id.ID
	Label   string // what people call the object, such as its title
	Partner id.ID  // the partner whose people may read the entry; Nil for the vendor only
	Before  any
	After   any
	Note    string
}

// Outcome says whether the thing was done or refused.
type Outcome string

// The outcomes.
const (
	Done   Outcome = "done"
	Denied Outcome = "denied"
)

// Entry is one line of the audit log as it is stored.
type Entry struct {
	TenantID     id.ID           `db:"tenant_id" json:"tenant_id"`
	EntryID      id.ID           `db:"entry_id" json:"entry_id"`
	At           time.Time       `db:"at" json:"at"`
	OpID         id.ID           `db:"op_id" json:"op_id"`
	ActorKind    string          `db:"actor_kind" json:"actor_kind"`
	ActorID      *id.ID          `db:"actor_id" json:"actor_id"`
	ActorName    string          `db:"actor_name" json:"actor_name"`
	ActorRole    string          `db:"actor_role" json:"actor_role"`
	CredentialID *id.ID          `db:"credential_id" json:"credential_id"`
	PartnerID    *id.ID          `db:"partner_id" json:"partner_id"`
	Action       string          `db:"action" json:"action"`
	Outcome      string          `db:"outcome" json:"outcome"`
	ObjectType   string          `db:"object_type" json:"object_type"`
	ObjectID     *id.ID          `db:"object_id" json:"object_id"`
	ObjectLabel  string          `db:"object_label" json:"object_label"`
	Changes      json.RawMessage `db:"changes" json:"changes"`
	Note         string          `db:"note" json:"note"`
	RequestID    string          `db:"request_id" json:"request_id"`
	IP           string          `db:"ip" json:"ip"`
	UserAgent    string          `db:"user_agent" json:"user_agent"`
}

// NewEntry returns the entry for a change by an actor, at one time, within one operation.
func NewEntry(m datamap.Map, who access.Actor, op id.ID, at time.Time, outcome Outcome, c Change) (Entry, error) {
	changes, err := json.Marshal(Diff(m, c.Type, c.Before, c.After))
	if err != nil {
		return Entry{}, fmt.Errorf("audit %s: %w", c.Action, err)
	}
	return Entry{TenantID: who.Tenant, EntryID: id.New(), At: at, OpID: op, ActorKind: string(who.Kind), ActorID: opt(who.Member),
		ActorName: who.Name, ActorRole: who.Role, CredentialID: opt(who.Credential), PartnerID: opt(c.Partner),
		Action: string(c.Action), Outcome: string(outcome), ObjectType: c.Type, ObjectID: opt(c.ID), ObjectLabel: clip(c.Label, 300),
		Changes: changes, Note: clip(c.Note, 2000), RequestID: who.Request.ID, IP: who.Request.IP, UserAgent: clip(who.Request.UserAgent, 300)}, nil
}

func opt(v id.ID) *id.ID {
	if v == id.Nil {
		return nil
	}
	return &v
}

// clip cuts s to at most n bytes, never inside a rune.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// Diff returns the columns in which before and after differ, each as [old, new]; a side that is nil gives nulls. Columns
// classed secret, and columns that say nothing to a reader (keys, versions, derived text), are left out.
func Diff(m datamap.Map, table string, before, after any) map[string][2]any {
	old, fresh := values(before), values(after)
	out := map[string][2]any{}
	for _, side := range []map[string]any{old, fresh} {
		for col := range side {
			if _, done := out[col]; done || quiet[col] || m.Class(table, col) == datamap.Secret {
				continue
			}
			if a, b := old[col], fresh[col]; !reflect.DeepEqual(a, b) {
				out[col] = [2]any{a, b}
			}
		}
	}
	return out
}

var quiet = map[string]bool{"tenant_id": true, "version": true, "created_at": true, "updated_at": true, "search_text": true, "name_norm": true, "amount_rank": true, "logo": true}

type column struct {
	index []int
	name  string
}

var columnCache sync.Map // reflect.Type → []column

func columnsOf(t reflect.Type) []column {
	if c, ok := columnCache.Load(t); ok {
		return c.([]column)
	}
	var cols []column
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("db"); name != "" && name != "-" && f.IsExported() {
			cols = append(cols, column{f.Index, name})
		}
	}
	columnCache.Store(t, cols)
	return cols
}

// values returns the db-tagged fields of a struct; zero values are nil, so that "" and NULL read alike.
func values(v any) map[string]any {
	rv := reflect.ValueOf(v)
	for rv.Kind() == reflect.Pointer && !rv.IsNil() {
		rv = rv.Elem()
	}
	if rv.Kind() != reflect.Struct {
		return nil
	}
	out := map[string]any{}
	for _, c := range columnsOf(rv.Type()) {
		f, err := rv.FieldByIndexErr(c.index)
		if err != nil || f.IsZero() { // an embedded struct that is not there
			out[c.name] = nil
			continue
		}
		for f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		if at, ok := f.Interface().(time.Time); ok { // the same moment is the same value, whatever its zone
			out[c.name] = at.UTC().Round(0)
			continue
		}
		out[c.name] = f.Interface()
	}
	return out
}
