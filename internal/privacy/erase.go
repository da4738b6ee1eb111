package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/op"
)

// chunk is how many rows an erasure changes in one transaction.
const chunk = 200

// eraser changes the rows of one subject.
type eraser struct {
	s       *Service
	tables  []table // in the order of execution: the identity rows late, the logs last
	refs    Refs
	m       matcher
	pattern string // "" when only keyed hashes are known
	duties  []duty
	request id.ID
	proof   string  // of a replay: that the request was approved
	files   []id.ID // whose content names the subject
}

// steps orders the tables: texts first, then who the person is, then the logs, which by then tell of the erasure itself too.
func steps(tables []table) []table {
	rank := func(t table) int {
		switch t.name {
		case "contact", "member":
			return 1
		case "audit_entry":
			return 2
		case "row_history":
			return 3
		}
		return 0
	}
	out := slices.DeleteFunc(slices.Clone(tables), func(t table) bool { return own(t.name) })
	slices.SortStableFunc(out, func(a, b table) int { return rank(a) - rank(b) })
	return out
}

// Run carries on with a request whose turn it is: the handler of the job. It may run any number of times, and be killed anywhere.
func (s *Service) Run(ctx context.Context, j jobs.Job[RunArgs]) error {
	who := access.NewSystem(j.Tenant, "rights of a person")
	r, err := s.load(ctx, j.Tenant, j.Args.Request)
	if errs.IsKind(err, errs.NotFound) {
		return nil
	}
	switch {
	case err != nil:
		return err
	case r.State == WaitingPartners:
		return s.partnersAnswered(ctx, who, r)
	case r.State != Executing:
		return nil
	}
	return s.erase(ctx, who, r)
}

// Told is the handler of the job that tells the officers of a new request.
func (s *Service) Told(ctx context.Context, j jobs.Job[TellArgs]) error {
	err := s.tell(ctx, access.NewSystem(j.Tenant, "rights of a person"), j.Args.Request)
	if errs.IsKind(err, errs.NotFound) {
		return nil
	}
	return err
}

// partnersAnswered takes a request up again when no partner's answer is missing.
func (s *Service) partnersAnswered(ctx context.Context, who access.Actor, r Request) error {
	_, err := s.change(ctx, who, ActRun, r.ID, 0, func(tx *op.Tx, r *Request) (string, error) {
		open, err := openTasks(ctx, tx, r.ID)
		if err != nil || open > 0 || r.State != WaitingPartners {
			return fmt.Sprintf("%d partners have still to answer", open), err
		}
		r.State = InProgress
		return "every partner answered", nil
	})
	return err
}

// erase runs chunk after chunk until the request is done. What is to be erased is in the ledger before the first row is touched.
func (s *Service) erase(ctx context.Context, who access.Actor, r Request) error {
	if r.Plan.Refs == nil {
		return jobs.GiveUp(fmt.Errorf("request %s has no plan", r.ID))
	}
	if err := s.enterLedger(ctx, who, r); err != nil {
		return err
	}
	e := eraser{s: s, refs: *r.Plan.Refs, request: r.ID}
	e.m, e.pattern = e.refs.matcher(), e.refs.pattern()
	if _, err := op.Read(ctx, s.ops, who, ActRun, func(tx *op.Tx) (struct{}, error) { return struct{}{}, e.prepare(ctx, tx, r.Email) }); err != nil {
		return err
	}
	if err := e.lookIntoFiles(ctx, who.Tenant, e.refs.sieve()); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := s.eraseChunk(ctx, who, r.ID, &e)
		if err != nil {
			return err
		}
		if !more {
			_, err := s.files.Sweep(ctx, who.Tenant)
			return err
		}
	}
}

// eraseChunk changes the next rows and saves how far it has come, in one transaction.
func (s *Service) eraseChunk(ctx context.Context, who access.Actor, v id.ID, e *eraser) (more bool, err error) {
	return op.Write(ctx, s.ops, who, ActRun, func(tx *op.Tx) (bool, error) {
		tx.About("privacy_request", v)
		r, err := lockRequest(ctx, tx, v)
		if err != nil {
			return false, err
		}
		if err := tx.Allow(access.Object{Partner: r.Partner}); err != nil || r.State != Executing {
			tx.Unchanged()
			return false, err
		}
		p := &r.Progress
		if p.Counts == nil {
			p.Counts = map[string]int{}
		}
		if p.Step < len(e.tables)+len(sealed) {
			tx.Unchanged() // the request's own row has the progress; what was done is told at the end
			if err := e.step(ctx, tx, p); err != nil {
				return false, err
			}
			return true, save(ctx, tx, &r)
		}
		return false, s.completed(ctx, tx, &r, e)
	})
}

func (e *eraser) prepare(ctx context.Context, tx *op.Tx, email string) (err error) {
	if e.tables != nil {
		return nil
	}
	tables, err := catalogue(ctx, tx)
	if err != nil {
		return err
	}
	e.tables = steps(tables)
	e.duties, err = dutiesOf(ctx, tx, e.refs, email)
	return err
}

// step changes up to one chunk of the current table.
func (e *eraser) step(ctx context.Context, tx *op.Tx, p *Run) error {
	if p.Step >= len(e.tables) {
		return e.sealedStep(ctx, tx, p)
	}
	t := e.tables[p.Step]
	p.Table = t.name
	var n, seen int
	var after []string
	var err error
	if t.name == "audit_entry" {
		n, seen, after, err = e.entries(ctx, tx, p.After)
	} else {
		n, seen, after, err = e.rows(ctx, tx, t, p)
	}
	if err != nil {
		return fmt.Errorf("erase in %s: %w", t.name, err)
	}
	p.After = after
	if n > 0 {
		p.Counts[t.name] += n
		p.Done += n
	}
	if seen < chunk {
		p.Step, p.After = p.Step+1, nil
	}
	return nil
}

func (e *eraser) rows(ctx context.Context, tx *op.Tx, t table, p *Run) (n, seen int, after []string, err error) {
	w := window{pattern: e.pattern, links: e.pattern != "", ids: e.refs.ids(), after: p.After, limit: chunk}
	rows, err := scan(ctx, tx, tx.Who.Tenant, t, w)
	if err != nil {
		return 0, 0, nil, err
	}
	after = p.After
	for _, f := range rows {
		after = f.key
		if t.name == "row_history" && own(f.text("table_name")) {
			continue // of the request itself: blanked when it is done
		}
		changed, err := e.row(ctx, tx, t, f, p)
		if err != nil {
			return n, len(rows), after, err
		}
		if changed {
			n++
		}
	}
	return n, len(rows), after, nil
}

// row changes one row, or notes why it stays.
func (e *eraser) row(ctx context.Context, tx *op.Tx, t table, f found, p *Run) (bool, error) {
	hits := e.s.hitsOf(t, f, e.refs, e.m)
	if !slices.ContainsFunc(hits, func(h Hit) bool { return h.Confidence == Exact || h.Confidence == Mention }) && !t.ownRow(f, e.refs, e.m) && !e.ownHistory(t, f) {
		return false, nil
	}
	what, _ := whatOf(t)
	d, keep := keeps(e.duties, t.category, f.event)
	if what == Keep {
		d, keep = duty{Reason: "The record is append-only."}, true
	}
	if keep {
		p.Kept++
		if t.ownRow(f, e.refs, e.m) {
			if err := e.restrict(ctx, tx, t, f, d); err != nil {
				return false, err
			}
		}
		return false, noteKept(ctx, tx, e.request, t.category, t.name, strings.Join(f.key, "/"), d)
	}
	switch {
	case t.name == "row_history":
		return true, rewriteHistory(ctx, tx, f.key, e.history(f, "old_row"), e.history(f, "new_row"))
	case t.ownRow(f, e.refs, e.m):
		return true, e.identityRow(ctx, tx, t, f)
	}
	return e.texts(ctx, tx, t, f, hits)
}

// restrict suspends the processing of an identity row that has to stay (P2).
func (e *eraser) restrict(ctx context.Context, tx *op.Tx, t table, f found, d duty) error {
	v, _ := id.Parse(f.text(identity[t.name].id))
	until := ""
	if d.Until != nil {
		until = " until " + d.Until.Format(time.DateOnly)
	}
	refs := Refs{Contacts: []id.ID{v}}
	if t.name == "member" {
		refs = Refs{Members: []id.ID{v}}
	}
	_, err := restrictIn(ctx, tx, refs, clip("Erasure asked for; kept"+until+". "+d.words(), 500), false)
	return err
}

// identityRow removes who the person is.
func (e *eraser) identityRow(ctx context.Context, tx *op.Tx, t table, f found) error {
	v, _ := id.Parse(f.text(identity[t.name].id))
	if t.name == "member" {
		return emptyMember(ctx, tx, v)
	}
	err := deleteRow(ctx, tx, t, f.key)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "23503" { // something refers to it
		return emptyContact(ctx, tx, v)
	}
	return err
}

// texts replaces every mention in a row.
func (e *eraser) texts(ctx context.Context, tx *op.Tx, t table, f found, hits []Hit) (bool, error) {
	set := map[string]json.RawMessage{}
	whole := t.name == "mail" && slices.ContainsFunc(hits, func(h Hit) bool { return h.Column == "to_email" })
	for _, c := range t.texts {
		var v any
		if json.Unmarshal(f.values[c.Name], &v) != nil || v == nil {
			continue
		}
		out := e.value(v, blankFor(c.Name))
		if whole && c.Class == "personal" && c.Name != "to_email" {
			out = any(erased)
		}
		if b, err := json.Marshal(out); err == nil && !sameJSON(b, f.values[c.Name]) {
			set[c.Name] = b
		}
	}
	if len(set) == 0 {
		return false, nil
	}
	if whole {
		if err := dropMailBody(ctx, tx, f.key[0]); err != nil {
			return false, err
		}
	}
	err := writeRow(ctx, tx, t, f.key, set)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (refused.Code == "23505" || refused.Code == "23514") { // a name must be unique, or the text is too long
		for c, raw := range set {
			var text string
			if json.Unmarshal(raw, &text) == nil {
				set[c] = json.RawMessage(jsonOf(clip(strings.ReplaceAll(text, erased, "[erased "+id.New().String()[24:]+"]"), len(f.text(c))+24)))
			}
		}
		err = writeRow(ctx, tx, t, f.key, set)
	}
	return err == nil, err
}

// blankFor is what a whole value becomes.
func blankFor(column string) string {
	if strings.Contains(column, "email") || strings.Contains(column, "phone") {
		return ""
	}
	return erased
}

// value returns v with the subject replaced, in every text inside it.
func (e *eraser) value(v any, blank string) any {
	switch v := v.(type) {
	case string:
		return e.text(v, blank)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = e.value(x, blank)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = e.value(x, blank)
		}
		return out
	}
	return v
}

func (e *eraser) text(text, blank string) string {
	if e.m.whole(text) != "" {
		return blank
	}
	spans := e.m.spans(text)
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for _, sp := range spans {
		b.WriteString(text[at:sp.from] + erased)
		at = sp.to
	}
	return b.String() + text[at:]
}

// ownHistory reports whether a line of the history is about one of the subject's identity rows.
func (e *eraser) ownHistory(t table, f found) bool {
	v, ok := id.Parse(f.text("row_id"))
	return ok && t.name == "row_history" && slices.Contains(e.refs.ids(), v)
}

// history returns one side of a line of the history without the subject. Of an identity row everything personal goes, also what the
// subject's identifiers do not tell, such as a former name.
func (e *eraser) history(f found, side string) json.RawMessage {
	var row map[string]any
	if json.Unmarshal(f.values[side], &row) != nil || row == nil {
		return nil
	}
	name := f.text("table_name")
	ownRow := e.ownHistory(table{name: "row_history"}, f)
	for k, v := range row {
		if ownRow && v != nil && e.personal(name, k) {
			row[k] = blankFor(k)
		} else {
			row[k] = e.value(v, blankFor(k))
		}
	}
	return json.RawMessage(jsonOf(row))
}

func (e *eraser) personal(tab, col string) bool {
	i := slices.IndexFunc(e.tables, func(t table) bool { return t.name == tab })
	if i < 0 {
		return false
	}
	c, ok := e.tables[i].column(col)
	return ok && c.Class == "personal" && (c.Type == "text" || c.Type == "jsonb")
}

// entries erases what entries of the audit log tell about the subject; the entries and their places in the sealed log stay.
func (e *eraser) entries(ctx context.Context, tx *op.Tx, after []string) (n, seen int, last []string, err error) {
	es, err := entriesAfter(ctx, tx, after, chunk)
	if err != nil {
		return 0, 0, nil, err
	}
	last = after
	var gone []id.ID
	for _, en := range es {
		last = []string{en.at.UTC().Format(time.RFC3339Nano), en.id.String()}
		hit, err := e.entry(ctx, tx, en)
		if err != nil {
			return 0, len(es), last, err
		}
		if _, keep := keeps(e.duties, "audit-log", recorded(en.at)); hit && !keep {
			gone = append(gone, en.id)
		}
	}
	n, err = eraseEntries(ctx, tx, gone, e.request, e.proof)
	return n, len(es), last, err
}

func (e *eraser) entry(ctx context.Context, tx *op.Tx, en entry) (bool, error) {
	if slices.Contains(e.refs.Members, en.actor) || slices.Contains(e.refs.ids(), en.object) {
		return true, nil
	}
	plain, err := entryText(ctx, e.s.ops, tx.Who.Tenant, &en)
	if err != nil {
		return false, err
	}
	hit := false
	for _, text := range plain {
		hit = hit || e.m.whole(text) != "" || len(e.m.spans(text)) > 0
	}
	return hit && !(e.refs.Shared && e.byNameOnly(plain)), nil
}

func (e *eraser) byNameOnly(texts []string) bool {
	for _, t := range texts {
		if by := e.m.whole(t); by == byEmail || by == byPhone {
			return false
		}
		if slices.ContainsFunc(e.m.spans(t), func(s span) bool { return s.by != byName }) {
			return false
		}
	}
	return true
}

// entryText returns every text of an entry's payload.
func entryText(ctx context.Context, o *op.Ops, tenant id.ID, en *entry) ([]string, error) {
	p, err := en.stored.Open(ctx, o.Keys, tenant, en.id)
	if err != nil {
		return nil, err
	}
	out := []string{p.ActorName, p.ObjectLabel, p.Note}
	var changes any
	if len(p.Changes) > 0 && json.Unmarshal(p.Changes, &changes) == nil {
		eachString(changes, func(s string) { out = append(out, s) })
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" }), nil
}
