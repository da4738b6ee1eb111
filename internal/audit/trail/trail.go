// Package trail reads the audit log: the whole of it for the vendor's people who may, and what happened to one record for
// everybody who may see that record's entries. Package audit writes the log and stands below op; reading is a use case and
// stands above it.
//
// Invariants:
//
//  1. A partner's people read entries about their own company's records only (row-level security), and never the vendor's
//     columns, addresses or devices in them.
//  2. Reading leaves no entry; being refused does.
package trail

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/op"
)

// The use cases of the room.
const (
	ActList   access.Action = "audit.list"
	ActObject access.Action = "audit.object"
	ActOwn    access.Action = "audit.own"
)

// Outcomes are what an entry can say of an action.
var Outcomes = []string{string(audit.Done), string(audit.Denied)}

// Searched is how many entries one search for text decrypts and looks at; the cursor of its page goes on behind them.
const Searched = 20_000

// Entry is one line of the log, for reading.
type Entry struct {
	ID          id.ID
	At          time.Time
	Op          id.ID // entries of one operation share it
	ActorKind   string
	ActorID     id.ID
	ActorName   string
	ActorRole   string
	Credential  id.ID
	Partner     id.ID // whose people may read the entry too; Nil for the vendor only
	Action      access.Action
	Outcome     audit.Outcome
	ObjectType  string
	ObjectID    id.ID
	ObjectLabel string
	Changes     map[string][2]any // column → old, new
	Note        string
	RequestID   string
	IP          string
	UserAgent   string
	Category    audit.Category
	ErasedAt    time.Time // when names, values and addresses were erased; zero as a rule

	stored              audit.Stored
	raw                 json.RawMessage
	hidden, hiddenActor bool // whose processing is restricted: named to the privacy officer only
}

// Actor names who did it, also where the name was erased.
func (e Entry) Actor() string {
	if e.ActorName == "" && !e.ErasedAt.IsZero() {
		return "Somebody (erased)"
	}
	if e.ActorKind == string(access.System) && e.ActorName != "" { // "deal expiry" begins a sentence
		return strings.ToUpper(e.ActorName[:1]) + e.ActorName[1:]
	}
	return e.ActorName
}

// shown returns e as the actor may see it.
func (e Entry) shown(who access.Actor) Entry {
	officer := who.May("privacy.restricted")
	if e.hidden && !officer {
		e.ObjectLabel, e.Note, e.Changes, e.raw = "a person whose processing is restricted", "", nil, nil
	}
	if e.hiddenActor && !officer {
		e.ActorName, e.IP, e.UserAgent = "a person whose processing is restricted", "", ""
	}
	if who.Persona == access.Partner {
		e.IP, e.UserAgent, e.Credential, e.RequestID = "", "", id.Nil, ""
		e.raw = nil
		delete(e.Changes, "external_id")
		delete(e.Changes, "import_id")
	}
	return e
}

// Query says which entries to read, newest first.
type Query struct {
	ObjectType string
	ObjectID   id.ID
	ActorID    id.ID
	Action     string    // "deal.approve", or a room: "deal"
	Outcome    string    // one of Outcomes
	Category   string    // one of audit.Categories
	EntryID    id.ID     // this one entry
	Text       string    // a part of a name, value, note or address, among the Searched entries from the cursor on that the rest leaves
	From, To   time.Time // From ≤ at < To; zero leaves a side open
	Limit      int
	Cursor     string
}

func (q Query) check() error {
	var bad []errs.Field
	if q.Outcome != "" && !slices.Contains(Outcomes, q.Outcome) {
		bad = append(bad, errs.Field{Name: "outcome", Code: "field.choice", Msg: "Use one of: " + strings.Join(Outcomes, ", ") + "."})
	}
	if q.Category != "" && !slices.Contains(audit.Categories, q.Category) {
		bad = append(bad, errs.Field{Name: "category", Code: "field.choice", Msg: "Use one of: " + strings.Join(audit.Categories, ", ") + "."})
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		bad = append(bad, errs.Field{Name: "to", Code: "field.range", Msg: "Give an end after the beginning."})
	}
	if len(q.Text) > 200 {
		bad = append(bad, errs.Field{Name: "q", Code: "field.too_long", Msg: "Search for something shorter."})
	}
	return errs.Refused(bad)
}

// Page is one page of the log; Next is the cursor of the next page, "" on the last.
type Page struct {
	Items []Entry
	Next  string

	Looked int       // of a search for text: how many entries it decrypted
	Back   time.Time // and how far back they reach; zero when it saw all
}

// Service runs the room's use cases.
type Service struct{ ops *op.Ops }

// New returns the room's service.
func New(o *op.Ops) *Service { return &Service{ops: o} }

// List returns one page of the log. Invalid names every filter that is not acceptable.
func (s *Service) List(ctx context.Context, who access.Actor, q Query) (Page, error) {
	return s.read(ctx, who, ActList, q)
}

// Object returns one page of what happened to the record q.ObjectID: an empty page when there is none, or none that the
// actor may see. Invalid "object_id" when the query names no record.
func (s *Service) Object(ctx context.Context, who access.Actor, q Query) (Page, error) {
	if q.ObjectID == id.Nil {
		return Page{}, errs.Refused([]errs.Field{{Name: "object_id", Code: "field.required", Msg: "Name the record whose log you want to read."}})
	}
	return s.read(ctx, who, ActObject, q)
}

// Own returns one page of the log as far as it concerns the actor's own company: row-level security leaves nothing else to a
// partner's people. Invalid as of List.
func (s *Service) Own(ctx context.Context, who access.Actor, q Query) (Page, error) {
	return s.read(ctx, who, ActOwn, q)
}

func (s *Service) read(ctx context.Context, who access.Actor, act access.Action, q Query) (Page, error) {
	limit := page.Limit(q.Limit)
	after, err := s.from(who, q)
	if err != nil {
		return Page{}, err
	}
	var out Page
	if text := strings.ToLower(strings.TrimSpace(q.Text)); text != "" {
		if out, after, err = s.search(ctx, who, act, q, text, after, limit); err != nil {
			return Page{}, err
		}
	} else {
		if out.Items, err = s.window(ctx, who, act, q, after, limit+1); err != nil {
			return Page{}, err
		}
		after = nil
		if len(out.Items) > limit {
			out.Items = out.Items[:limit]
			after = out.Items[limit-1].position()
		}
	}
	if after != nil {
		out.Next = s.ops.Pages.Encode(who.Tenant.String(), "audit", after.at, after.last)
	}
	for i := range out.Items {
		out.Items[i] = out.Items[i].shown(who)
	}
	return out, nil
}

func (e Entry) position() *position { return &position{e.At, e.ID} }

// window reads and opens at most n entries from a position on.
func (s *Service) window(ctx context.Context, who access.Actor, act access.Action, q Query, after *position, n int) (items []Entry, err error) {
	sql, args := selection(who, q, after, n)
	err = op.Batch(ctx, s.ops, who, act, func(r *op.Reads) {
		r.Query(sql, args, func(rows pgx.Rows) (err error) { items, err = pgx.CollectRows(rows, scan); return err })
	})
	for i := range items {
		if err == nil {
			err = items[i].open(ctx, s.ops.Keys, who.Tenant)
		}
	}
	return items, err
}

// searchWindow is how many entries a search decrypts at a time.
const searchWindow = 1000

// search opens entries window by window until limit of them tell text or Searched were looked at. It returns where the next page
// begins, nil when the log is at its end.
func (s *Service) search(ctx context.Context, who access.Actor, act access.Action, q Query, text string, after *position, limit int) (out Page, _ *position, err error) {
	for out.Looked < Searched {
		items, err := s.window(ctx, who, act, q, after, searchWindow)
		if err != nil {
			return out, nil, err
		}
		for _, e := range items {
			out.Looked++
			after = e.position()
			if e.shown(who).tells(text) {
				if out.Items = append(out.Items, e); len(out.Items) == limit {
					out.Back = e.At
					return out, after, nil
				}
			}
		}
		if len(items) < searchWindow {
			return out, nil, nil
		}
	}
	out.Back = after.at
	return out, after, nil
}

// Each calls fn for every entry that q names, newest first, without holding them in memory. With Text it looks at the newest
// Searched entries.
func (s *Service) Each(ctx context.Context, who access.Actor, q Query, fn func(Entry) error) error {
	q.Cursor = ""
	if _, err := s.from(who, q); err != nil {
		return err
	}
	text, limit := strings.ToLower(strings.TrimSpace(q.Text)), page.MaxExport
	if text != "" {
		limit = Searched
	}
	if _, err := s.ops.Keys.Sealer(ctx, who.Tenant); err != nil { // the key is in memory before the connection is taken
		return err
	}
	sql, args := selection(who, q, nil, limit)
	return op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sql, args, func(rows pgx.Rows) error {
			return pg.Each(rows, scan, func(e Entry) error {
				if err := e.open(ctx, s.ops.Keys, who.Tenant); err != nil {
					return err
				}
				if e = e.shown(who); text != "" && !e.tells(text) {
					return nil
				}
				return fn(e)
			})
		})
	})
}

// Export writes every entry that q names to w. Nothing has left w's buffer when the query is refused; after a later error
// w is not closed, so that the output is visibly incomplete.
func (s *Service) Export(ctx context.Context, who access.Actor, q Query, w sheet.Writer) error {
	if err := w.Columns("at", "actor", "actor_id", "role", "action", "outcome", "object_type", "object_id", "object", "changes", "note",
		"request_id", "ip", "user_agent", "op_id", "id", "category", "erased_at"); err != nil {
		return err
	}
	err := s.Each(ctx, who, q, func(e Entry) error {
		changes, err := json.Marshal(e.Changes)
		if err != nil {
			return err
		}
		w.Time(e.At)
		for _, v := range []string{e.ActorName, e.ActorID.String(), e.ActorRole, string(e.Action), string(e.Outcome), e.ObjectType, e.ObjectID.String(),
			e.ObjectLabel, string(changes), e.Note, e.RequestID, e.IP, e.UserAgent, e.Op.String(), e.ID.String(), string(e.Category)} {
			w.Text(v)
		}
		w.Time(e.ErasedAt)
		return w.EndRow()
	})
	if err != nil {
		return err
	}
	return w.Close()
}
