// Package audit is the record of what happened: one entry for each thing an actor did or was refused, written in the
// transaction of the thing itself. Row history (a database trigger) keeps the rows; an entry says what the change meant.
//
// Entries are append-only: no persona may update or delete one. Columns classed secret never enter an entry. What an entry tells
// about people (names, labels, values, addresses) is one encrypted payload with a salted commitment: the payload can be erased, and
// the sealed log still proves that the entry was there and was not changed.
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
	"entente.dev/internal/keyring"
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

// Entry is one line of the audit log as it is stored. What it tells about people is in Payload, encrypted.
type Entry struct {
	TenantID     id.ID     `json:"tenant_id"`
	EntryID      id.ID     `json:"entry_id"`
	At           time.Time `json:"at"`
	OpID         id.ID     `json:"op_id"`
	ActorKind    string    `json:"actor_kind"`
	ActorID      *id.ID    `json:"actor_id"`
	ActorRole    string    `json:"actor_role"`
	CredentialID *id.ID    `json:"credential_id"`
	PartnerID    *id.ID    `json:"partner_id"`
	Action       string    `json:"action"`
	Outcome      string    `json:"outcome"`
	Category     Category  `json:"category"`
	ObjectType   string    `json:"object_type"`
	ObjectID     *id.ID    `json:"object_id"`
	Salt         []byte    `json:"salt"`
	Commitment   []byte    `json:"commitment"`
	Payload      []byte    `json:"payload"`
}

// NewEntry returns the sealed entry for a change by an actor, at one time, within one operation. Nothing of its payload is kept
// in plain.
func NewEntry(m datamap.Map, keys keyring.Sealer, who access.Actor, op id.ID, at time.Time, outcome Outcome, c Change) (Entry, error) {
	changes, err := json.Marshal(Diff(m, c.Type, c.Before, c.After))
	if err != nil {
		return Entry{}, fmt.Errorf("audit %s: %w", c.Action, err)
	}
	e := Entry{TenantID: who.Tenant, EntryID: id.New(), At: at, OpID: op, ActorKind: string(who.Kind), ActorID: opt(who.Member), ActorRole: who.Role,
		CredentialID: opt(who.Credential), PartnerID: opt(c.Partner), Action: string(c.Action), Outcome: string(outcome), Category: CategoryOf(c.Action, outcome),
		ObjectType: c.Type, ObjectID: opt(c.ID)}
	sealed, err := Payload{ActorName: who.Name, ObjectLabel: clip(c.Label, 300), Changes: changes, Note: clip(c.Note, 2000), RequestID: who.Request.ID,
		IP: who.Request.IP, UserAgent: clip(who.Request.UserAgent, 300)}.Seal(keys, e.EntryID)
	e.Salt, e.Commitment, e.Payload = sealed.Salt, sealed.Commitment, sealed.Payload
	return e, err
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
