package trail

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// Version is how a record stood after one change of it.
type Version struct {
	Number   int               `json:"number"` // the record's version then; what went around the program may have left two with one number
	At       time.Time         `json:"at"`
	Actor    string            `json:"actor"`    // a member's name, "" for one whom the reader may not see
	Action   access.Action     `json:"action"`   // "" where no entry of the log tells it
	System   bool              `json:"system"`   // no member did it, but the program itself
	Outside  bool              `json:"outside"`  // it went around the program
	Lost     bool              `json:"lost"`     // the change has gone from the history, what it left has not: nobody knows who made it
	First    bool              `json:"first"`    // the change made the record
	Changes  map[string][2]any `json:"changes"`  // column → before, after
	Currency string            `json:"currency"` // of the record then, "" where it has none
}

// Did says what was done, without the object: "changed".
func (v Version) Did() string {
	word, ok := done[v.Action]
	switch {
	case v.Action.Room() == "import":
		return "imported"
	case ok && !strings.HasPrefix(string(v.Action), "privacy."):
		return word
	case v.First:
		return "added"
	}
	return "changed"
}

// By names who did it.
func (v Version) By() string {
	switch {
	case v.Outside:
		return "Somebody at the database"
	case v.System:
		return "The program itself"
	case v.Actor == "":
		return "Somebody"
	}
	return v.Actor
}

// Told says in a sentence whose version it is: "Ada changed it".
func (v Version) Told() string {
	if v.Lost {
		return "As the oldest change on record found it"
	}
	return v.By() + " " + v.Did() + " it"
}

// VersionQuery pages through the versions of a record, newest first.
type VersionQuery struct {
	Limit  int
	Cursor string
}

// VersionPage is a part of the versions of a record. Next is the cursor of the rest, "" at the end.
type VersionPage struct {
	Label   string // what the record is called now
	Current int    // its version now
	Items   []Version
	Next    string
}

// Kept is a column that differs and that restoring leaves as it is.
type Kept struct {
	Column string `json:"column"`
	Now    any    `json:"now"`
	Then   any    `json:"then"` // nil too when it is no longer on record
	Why    string `json:"why"`
}

// Comparison is a version beside its record as it stands, and what restoring the version changes.
type Comparison struct {
	Version  Version           `json:"version"`
	Label    string            `json:"label"`    // what the record is called now
	Current  int               `json:"current"`  // its version now
	Currency string            `json:"currency"` // of the record now
	Back     map[string][2]any `json:"back"`     // what comes back: column → now, then
	Kept     []Kept            `json:"kept"`     // what differs and stays, by column
	Refused  string            `json:"refused"`  // why nothing can be restored as the record stands; "" as a rule
}

// Keep says of columns that would come back why they stay.
func (c *Comparison) Keep(why string, columns ...string) {
	for _, column := range columns {
		if pair, ok := c.Back[column]; ok {
			delete(c.Back, column)
			c.Kept = append(c.Kept, Kept{column, pair[0], pair[1], why})
		}
	}
	slices.SortFunc(c.Kept, func(a, b Kept) int { return strings.Compare(a.Column, b.Column) })
}

// KeepRefused keeps every column that a rule of the room refuses today, in the rule's words.
func (c *Comparison) KeepRefused(bad []errs.Field) {
	for _, f := range bad {
		c.Keep(f.Msg, f.Name)
	}
}

// Has reports whether any of these columns comes back.
func (c *Comparison) Has(columns ...string) bool {
	return slices.ContainsFunc(columns, func(column string) bool { _, ok := c.Back[column]; return ok })
}

// Only takes a fact away that is not to come back, so that an update leaves its column alone.
func Only[T any](c *Comparison, column string, fact **T) {
	if !c.Has(column) {
		*fact = nil
	}
}

// Check returns Conflict "version.nothing" when nothing comes back.
func (c *Comparison) Check() error {
	if len(c.Back) > 0 {
		return nil
	}
	return errs.New(errs.Conflict, "version.nothing", "There is nothing to restore: the record says what version %d says, but for what has to stay as it is.", c.Version.Number)
}

// Note is what an entry of the log says of a restored version.
func (c *Comparison) Note() string {
	return "Version " + strconv.Itoa(c.Version.Number) + " of " + c.Version.At.UTC().Format("2 Jan 2006, 15:04:05 MST")
}

// Past is a version with the record as it stood, read from the history of its row.
type Past[T any] struct {
	Version
	Record T
	row    map[string]any
}

// Gone reports whether the column's value is no longer on record: erased, or taken out of the history.
func (p Past[T]) Gone(column string) bool {
	v, ok := p.row[column]
	return !ok || erased(v)
}

// Has reports whether the row had a value in a column that is no field of the record.
func (p Past[T]) Has(column string) bool { return p.row[column] != nil }

func erased(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, datamap.Erased)
	case []any:
		return slices.ContainsFunc(v, erased)
	}
	return false
}

// Records knows how a room's records stand in their history: T is read from a row by its `json` tags and compared by its `db`
// tags, as for the log.
type Records[T any] struct {
	Table string
	Quiet []string // columns that are derived from others, or never change
	// Names fills in the names behind the ids of records that were read from the history; nil where there are none.
	Names func(ctx context.Context, tx *op.Tx, all []*T) error
	// Refs puts differences between references into the changes, by name; nil where there are none.
	Refs func(a, b *T, changes map[string][2]any)
}

// Page returns versions of a record that the actor may see; the caller has asked the permission.
func (k Records[T]) Page(ctx context.Context, o *op.Ops, tx *op.Tx, record id.ID, q VersionQuery) (out VersionPage, err error) {
	limit := page.Limit(q.Limit)
	rows, err := versionRows(ctx, o, tx, k.Table, record, q.Cursor, limit+1)
	if err != nil {
		return out, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		out.Next = o.Pages.Encode(tx.Who.Tenant.String(), versionSort(k.Table, record), rows[limit-1].At, rows[limit-1].history)
	}
	if n := len(rows); n > 0 && out.Next == "" && len(rows[n-1].old) > 0 {
		first, err := before(rows[n-1].old)
		if err != nil {
			return out, err
		}
		if first.Number != rows[n-1].Number {
			rows = append(rows, first)
		}
	}
	befores, afters := make([]*T, len(rows)), make([]*T, len(rows))
	var all []*T
	for i, r := range rows {
		if afters[i], err = decode[T](r.fresh); err != nil {
			return out, err
		}
		all = append(all, afters[i])
		if befores[i], err = decode[T](r.old); err != nil {
			return out, err
		}
		if befores[i] != nil {
			all = append(all, befores[i])
		}
	}
	if err := k.names(ctx, tx, all); err != nil {
		return out, err
	}
	for i, r := range rows {
		if befores[i] != nil {
			r.Changes, err = k.changes(o, befores[i], afters[i])
		}
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, r.Version)
	}
	return out, nil
}

// Compare sets a version beside the record as it stands. NotFound "version.not_found" for a number that the history does not
// have, or has no longer. What the history lost is kept already.
func (k Records[T]) Compare(ctx context.Context, o *op.Ops, tx *op.Tx, record id.ID, now T, number int) (c Comparison, past Past[T], err error) {
	r, err := versionRow(ctx, tx, k.Table, record, number)
	if err != nil {
		return c, past, err
	}
	then, err := decode[T](r.fresh)
	if err == nil {
		err = json.Unmarshal(r.fresh, &past.row)
	}
	if err == nil {
		err = k.names(ctx, tx, []*T{then})
	}
	if err != nil {
		return c, past, err
	}
	past.Version, past.Record = r.Version, *then
	c.Version = r.Version
	if c.Back, err = k.changes(o, &now, then); err != nil {
		return c, past, err
	}
	for _, column := range slices.Sorted(maps.Keys(c.Back)) {
		if past.Gone(column) {
			c.Back[column] = [2]any{c.Back[column][0], nil}
			c.Keep("What stood there was erased, and is not on record any more.", column)
		}
	}
	return c, past, nil
}

func (k Records[T]) names(ctx context.Context, tx *op.Tx, all []*T) error {
	if k.Names == nil || len(all) == 0 {
		return nil
	}
	return k.Names(ctx, tx, all)
}

// changes are the differences in plain JSON values, so that they read alike wherever they come from.
func (k Records[T]) changes(o *op.Ops, a, b *T) (out map[string][2]any, err error) {
	diff := audit.Diff(o.Map, k.Table, a, b)
	if k.Refs != nil {
		k.Refs(a, b, diff)
	}
	for _, column := range k.Quiet {
		delete(diff, column)
	}
	text, err := json.Marshal(diff)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(text, &out)
}

func decode[T any](row json.RawMessage) (*T, error) {
	if len(row) == 0 {
		return nil, nil
	}
	out := new(T)
	return out, json.Unmarshal(row, out)
}
