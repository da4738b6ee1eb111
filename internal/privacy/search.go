package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// How sure it is that a hit is about the subject.
const (
	Exact    = "exact"    // an identity row: its e-mail address, phone number or login is the subject's
	Possible = "possible" // an identity row that carries the subject's name only: perhaps a namesake
	Mention  = "mention"  // a text that names the subject
	Linked   = "linked"   // a row that refers to the subject by id
)

// Hit is one place where the subject stands.
type Hit struct {
	Category   string `json:"category"`
	Table      string `json:"table"`
	Key        string `json:"key"`    // of the row; "/" between the parts
	Record     string `json:"record"` // what people call it
	Column     string `json:"column"`
	Snippet    string `json:"snippet"` // the words around, the subject in «»
	By         string `json:"by"`      // email, name or phone; "" for a linked row
	Confidence string `json:"confidence"`
}

// Count is how many hits a table has.
type Count struct {
	Category string `json:"category"`
	Table    string `json:"table"`
	Rows     int    `json:"rows"`
	Exact    int    `json:"exact"`
	Possible int    `json:"possible"`
	Mentions int    `json:"mentions"`
	Linked   int    `json:"linked"`
	Sure     int    `json:"sure"`     // rows that are about the subject and say so
	Doubtful int    `json:"doubtful"` // rows that may be about another person of the same name

	kept int  // of the sure ones: those that a hold or a law keeps from being erased
	why  duty // the one that keeps longest
}

// Found is the result of a search.
type Found struct {
	Hits   []Hit   `json:"hits"`
	Counts []Count `json:"counts"`
	Tables int     `json:"tables"` // searched
	More   bool    `json:"more"`   // whether there are more hits than are shown; the counts count them all
	refs   Refs
	duties []duty
}

// add counts one row with its hits and reports whether it is surely about the subject.
func (c *Count) add(hits []Hit, each func(Hit)) bool {
	sure, doubtful := false, false
	c.Rows++
	for _, h := range hits {
		switch h.Confidence {
		case Exact:
			c.Exact++
			sure = true
		case Possible:
			c.Possible++
			doubtful = true
		case Mention:
			c.Mentions++
			sure = true
		case Linked:
			c.Linked++
		}
		each(h)
	}
	switch {
	case sure:
		c.Sure++
	case doubtful:
		c.Doubtful++
	}
	return sure
}

// weigh counts a sure row among the kept when a duty stands for it.
func (c *Count) weigh(duties []duty, at func(datamap.Event) *time.Time) {
	d, stands := keeps(duties, c.Category, at)
	if !stands {
		return
	}
	if c.kept++; c.kept == 1 || c.why.Until != nil && (d.Until == nil || d.Until.After(*c.why.Until)) {
		c.why = d
	}
}

// Limits of a search.
const (
	maxShown  = 2000 // hits that are returned
	perTable  = 300  // of one table
	scanLimit = 2000 // rows of one window
)

// identity are the tables whose rows stand for a person: the columns that say who.
var identity = map[string]struct{ email, name, phone, id string }{
	"contact": {"email", "name", "phone", "contact_id"},
	"member":  {"email", "name", "", "member_id"},
}

// Progress is told how a search or an erasure goes on.
type Progress func(done, total int, table string)

// Find searches everything the data map knows for a person. Invalid when nothing usable is given. report may be nil.
func (s *Service) Find(ctx context.Context, who access.Actor, sub Subject, reason string, report Progress) (Found, error) {
	sub, err := sub.checked()
	if err != nil {
		return Found{}, err
	}
	if err := s.tellSearch(ctx, who, reason); err != nil {
		return Found{}, err
	}
	return s.find(ctx, who.Tenant, sub, report)
}

// tellSearch asks the permission and puts the search on record, without saying for whom.
func (s *Service) tellSearch(ctx context.Context, who access.Actor, reason string) error {
	_, err := op.Write(ctx, s.ops, who, ActFind, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		tx.Audit(audit.Change{Type: "privacy_request", Label: "subject search", Note: reason})
		return struct{}{}, nil
	})
	return err
}

// find searches the tables, and then what is encrypted, which no scan of them sees.
func (s *Service) find(ctx context.Context, tenant id.ID, sub Subject, report Progress) (Found, error) {
	done, total := 0, 0
	told := func(table string) {
		if report != nil {
			report(done, total, table)
		}
		done++
	}
	out, err := op.Read(ctx, s.ops, access.NewSystem(tenant, "subject search"), ActFind, func(tx *op.Tx) (Found, error) {
		tables, err := catalogue(ctx, tx)
		if err != nil {
			return Found{}, err
		}
		total = len(tables) + len(sealed)
		return s.findTables(ctx, tx, tables, sub, nil, told)
	})
	if err != nil {
		return Found{}, err
	}
	more, err := s.findSealed(ctx, tenant, &out, out.keep, told)
	out.Tables, out.Counts = total, append(out.Counts, more...)
	slices.SortStableFunc(out.Counts, func(a, b Count) int { return strings.Compare(a.Category+a.Table, b.Category+b.Table) })
	return out, err
}

// keep takes the n-th hit of a table, up to the limits of a search.
func (f *Found) keep(h Hit, n int) {
	if n <= perTable && len(f.Hits) < maxShown {
		f.Hits = append(f.Hits, h)
	} else {
		f.More = true
	}
}

// findTables searches tables in a running transaction. from says, by table, after which key to begin; one that it does not name is
// searched whole.
func (s *Service) findTables(ctx context.Context, tx *op.Tx, tables []table, sub Subject, from map[string][]string, told func(string)) (out Found, err error) {
	out = Found{Hits: []Hit{}, Counts: []Count{}, Tables: len(tables)}
	if out.refs, err = s.expand(ctx, tx, tables, sub); err != nil {
		return out, err
	}
	if out.duties, err = dutiesOf(ctx, tx, out.refs, sub.Email); err != nil {
		return out, err
	}
	m := out.refs.matcher()
	for _, t := range tables {
		told(t.name)
		c, err := s.findIn(ctx, tx, t, &out, m, from[t.name])
		if err != nil {
			return out, err
		}
		if c.Rows > 0 {
			out.Counts = append(out.Counts, c)
		}
	}
	return out, nil
}

// knownBy returns what names a subject in a programme, without looking where they stand.
func (s *Service) knownBy(ctx context.Context, tenant id.ID, sub Subject) (Refs, error) {
	return op.Read(ctx, s.ops, access.NewSystem(tenant, "subject search"), ActFind, func(tx *op.Tx) (Refs, error) {
		tables, err := catalogue(ctx, tx)
		if err != nil {
			return Refs{}, err
		}
		return s.expand(ctx, tx, tables, sub)
	})
}

// expand returns what the subject's own records add to what was asked for: a contact found by its address tells the name and the
// phone number, by which the rest is found. A record that was found by its name only adds nothing: it may be a namesake's.
func (s *Service) expand(ctx context.Context, tx *op.Tx, tables []table, sub Subject) (Refs, error) {
	refs := sub.refs()
	for range 2 { // the second time for those that only the phone number or the address of the first finds
		m := refs.matcher()
		for _, t := range tables {
			if _, ok := identity[t.name]; !ok {
				continue
			}
			err := eachRow(ctx, tx, t, window{pattern: refs.pattern()}, func(f found) error {
				refs.learn(t.name, f, m, sub)
				return nil
			})
			if err != nil {
				return refs, err
			}
		}
		if err := learnLogins(ctx, tx, &refs); err != nil {
			return refs, err
		}
	}
	return refs, nil
}

// learn takes over what an identity row says, if it is the subject's for sure.
func (r *Refs) learn(table string, f found, m matcher, sub Subject) {
	who := identity[table]
	sure := sureOf(f, who.email, who.name, who.phone, m)
	named := m.whole(f.text(who.name)) == byName
	if !sure && !(named && (sub.Namesakes || sub.Email == "" && sub.Phone == "")) {
		r.Shared = r.Shared || named
		return
	}
	v, ok := id.Parse(f.text(who.id))
	if !ok {
		return
	}
	list := &r.Contacts
	if table == "member" {
		list = &r.Members
	}
	if !slices.Contains(*list, v) {
		*list = append(*list, v)
	}
	switch {
	case sure && sub.Self: // whoever may write a contact may have given it their own address and somebody else's number
		r.add(f.text(who.email), f.text(who.name), "")
	case sure:
		r.add(f.text(who.email), f.text(who.name), f.text(who.phone))
	}
}

// eachRow calls fn for every row of a table that w finds, window by window.
func eachRow(ctx context.Context, tx *op.Tx, t table, w window, fn func(found) error) error {
	for w.limit = scanLimit; ; {
		rows, err := scan(ctx, tx, tx.Who.Tenant, t, w)
		if err != nil {
			return err
		}
		for _, f := range rows {
			if err := fn(f); err != nil {
				return err
			}
		}
		if len(rows) < w.limit {
			return nil
		}
		w.after = rows[len(rows)-1].key
	}
}

// text returns a column's value as text; JSON as it stands.
func (f found) text(column string) string {
	raw := f.values[column]
	var s string
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// strings calls fn for every text inside a column's value: the value itself, the elements of an array, the values of an object.
func (f found) strings(column string, fn func(string)) {
	var v any
	if json.Unmarshal(f.values[column], &v) == nil {
		eachString(v, fn)
	}
}

func eachString(v any, fn func(string)) {
	switch v := v.(type) {
	case string:
		fn(v)
	case []any:
		for _, x := range v {
			eachString(x, fn)
		}
	case map[string]any:
		for _, x := range v {
			eachString(x, fn)
		}
	}
}

// findIn searches one table, from after a key on, and keeps what it finds.
func (s *Service) findIn(ctx context.Context, tx *op.Tx, t table, out *Found, m matcher, after []string) (Count, error) {
	refs := out.refs
	c := Count{Category: t.category, Table: t.name}
	n := 0
	if t.name == "audit_entry" {
		return s.findEntries(ctx, tx, c, out, m, after)
	}
	ids := refs.ids()
	err := eachRow(ctx, tx, t, window{pattern: refs.pattern(), links: true, ids: ids, after: after}, func(f found) error {
		hits := s.hitsOf(t, f, refs, m)
		if len(hits) == 0 {
			return nil
		}
		if c.add(hits, func(h Hit) { n++; out.keep(h, n) }) {
			c.weigh(out.duties, f.event)
		}
		return nil
	})
	return c, err
}

// login is one person behind a member.
type login struct {
	Person, Member id.ID
	Email, Name    string
	CreatedAt      time.Time
	LastSignInAt   *time.Time
	UsedElsewhere  bool
}

func (l login) event(e datamap.Event) *time.Time {
	if e == datamap.LastSignIn {
		return l.LastSignInAt
	}
	return recorded(l.CreatedAt)(e)
}

func learnLogins(ctx context.Context, tx *op.Tx, refs *Refs) error {
	logins, err := loginsOf(ctx, tx, refs.Members)
	for _, l := range logins {
		if !slices.Contains(refs.Persons, l.Person) {
			refs.Persons = append(refs.Persons, l.Person)
		}
		refs.add(l.Email, l.Name, "")
	}
	if err != nil {
		return fmt.Errorf("logins of the subject: %w", err)
	}
	return nil
}

// findEntries searches the sealed part of the audit log: decrypted window by window, in memory only.
func (s *Service) findEntries(ctx context.Context, tx *op.Tx, c Count, out *Found, m matcher, after []string) (Count, error) {
	e := eraser{s: s, refs: out.refs, m: m}
	n := 0
	c.Category = "audit-log"
	for {
		es, err := entriesAfter(ctx, tx, after, scanLimit)
		if err != nil {
			return c, fmt.Errorf("search audit_entry: %w", err)
		}
		for _, en := range es {
			after = []string{en.at.UTC().Format(time.RFC3339Nano), en.id.String()}
			h, ok, err := e.entryHit(ctx, tx, en)
			if err != nil {
				return c, fmt.Errorf("search audit_entry: %w", err)
			}
			if ok && c.add([]Hit{h}, func(h Hit) { n++; out.keep(h, n) }) {
				c.weigh(out.duties, recorded(en.at))
			}
		}
		if len(es) < scanLimit {
			return c, nil
		}
	}
}

func (e *eraser) entryHit(ctx context.Context, tx *op.Tx, en entry) (Hit, bool, error) {
	h := Hit{Category: "audit-log", Table: "audit_entry", Key: en.id.String(), Record: en.action + " of " + en.at.Format(time.DateOnly), Column: "payload", Confidence: Mention}
	texts, err := entryText(ctx, e.s.ops, tx.Who.Tenant, &en)
	if err != nil {
		return h, false, err
	}
	for _, text := range texts {
		if h.By, h.Snippet = found1(e.m, text); h.By != "" {
			break
		}
	}
	own := slices.Contains(e.refs.Members, en.actor) || slices.Contains(e.refs.ids(), en.object)
	switch {
	case h.By == "" && own:
		h.Snippet, h.Column = "", "actor_id"
	case h.By == "":
		return h, false, nil
	case !own && e.refs.Shared && e.byNameOnly(texts):
		h.Confidence = Possible
	}
	return h, true, nil
}
