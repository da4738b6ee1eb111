package privacy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Tried says what a try of the room's own mechanism looked at, and what did not hold.
type Tried struct {
	Looked int
	Wrong  []string
}

func (t *Tried) wrong(format string, args ...any) {
	t.Wrong = append(t.Wrong, fmt.Sprintf(format, args...))
}

// canary is a made-up person who stands in several places, in a transaction that is rolled back.
type canary struct {
	sub     Subject
	contact id.ID
	dialled string            // the phone number as somebody else writes it
	tagged  string            // the address with a tag
	places  map[string]string // the key of the row by table
}

func newCanary() *canary {
	word := func() string { t := strings.ToLower(rand.Text()); return strings.ToUpper(t[:1]) + t[1:20] }
	first, last := word(), word()
	digits := strings.Map(func(r rune) rune { return '0' + r%10 }, rand.Text())
	c := &canary{contact: id.New(), places: map[string]string{}}
	c.sub = Subject{Email: strings.ToLower(first) + "@probe.invalid", Name: first + " " + last, Phone: "+31 6 " + digits[:4] + " " + digits[4:8]}
	c.dialled = "(06) " + digits[:4] + "-" + digits[4:8]
	c.tagged = strings.ToLower(first) + "+crm@probe.invalid"
	return c
}

// from is where the logs and, for all tables with wide, the rest are searched from: just before what the running transaction wrote.
func (c *canary) from(now time.Time, wide bool) map[string][]string {
	at := now.Add(-time.Microsecond).UTC().Format(time.RFC3339Nano)
	out := map[string][]string{"row_history": {at, "0"}, "audit_entry": {at, "00000000-0000-0000-0000-000000000000"}}
	if wide {
		before := c.contact // ids are in the order of time
		clear(before[6:])
		for t := range c.places {
			if out[t] == nil {
				out[t] = []string{before.String()}
			}
		}
	}
	return out
}

var errUndone = errors.New("rolled back on purpose")

// try runs fn as the program itself in a transaction that is always rolled back.
func (s *Service) try(ctx context.Context, tenant id.ID, act access.Action, fn func(tx *op.Tx, out *Tried) error) (Tried, error) {
	var out Tried
	_, err := op.Write(ctx, s.ops, access.NewSystem(tenant, "promise probe"), act, func(tx *op.Tx) (struct{}, error) {
		out = Tried{}
		if err := fn(tx, &out); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, errUndone
	})
	if errors.Is(err, errUndone) {
		err = nil
	}
	return out, err
}

// searchTables is what a search does in the running transaction.
func (s *Service) searchTables(ctx context.Context, tx *op.Tx, sub Subject, from map[string][]string) (Found, error) {
	tables, err := catalogue(ctx, tx)
	if err != nil {
		return Found{}, err
	}
	return s.findTables(ctx, tx, tables, sub, from, func(string) {})
}

// TryRights plants a made-up person in several tables, free text and the audit log among them, and makes sure that the search finds every
// place and that the plan of an erasure covers it; and that the newest certificate is signed. Everything is rolled back.
func (s *Service) TryRights(ctx context.Context, tenant id.ID) (Tried, error) {
	verifier, err := s.ops.Keys.Verifier(ctx)
	if err != nil {
		return Tried{}, err
	}
	return s.try(ctx, tenant, ActFind, func(tx *op.Tx, out *Tried) error {
		c := newCanary()
		if err := errors.Join(c.put(ctx, tx), c.tell(ctx, tx, s.ops)); err != nil {
			return err
		}
		found, err := s.searchTables(ctx, tx, c.sub, c.from(tx.Now, false))
		if err != nil {
			return err
		}
		plan, err := planIn(ctx, tx, found)
		if err != nil {
			return err
		}
		c.compare(found, plan, out)
		certificate, err := newestCertificate(ctx, tx, strings.SplitN(verifier, "+", 2)[0])
		if err != nil || certificate == "" {
			return err
		}
		out.Looked++
		key, err := note.NewVerifier(verifier)
		if err != nil {
			return err
		}
		if _, err := note.Open([]byte(certificate), note.VerifierList(key)); err != nil {
			out.wrong("the newest certificate does not verify: %v", err)
		}
		return nil
	})
}

// compare looks for every place of the made-up person in what was found, and for its table in the plan.
func (c *canary) compare(found Found, plan Plan, out *Tried) {
	for table, key := range c.places {
		out.Looked += 2
		if !slices.ContainsFunc(found.Hits, func(h Hit) bool { return h.Table == table && h.Key == key && h.Confidence != Possible }) {
			out.wrong("the search does not find a made-up person in %s", table)
		}
		if !slices.ContainsFunc(plan.Lines, func(l PlanLine) bool { return l.Table == table }) {
			out.wrong("the plan of an erasure leaves out %s", table)
		}
	}
	out.Looked++
	if !slices.ContainsFunc(found.Hits, func(h Hit) bool { return h.Table == "row_history" }) {
		out.wrong("the search does not find a made-up person in the history of rows")
	}
	slices.Sort(out.Wrong)
}

// TryReplay plants a made-up person as a restore of an older database would bring one back, erases them again by a line of the ledger,
// which knows hashes only, and makes sure that nothing is found any more. It also compares the ledger's file with the database: what one
// of them does not know, the next restore would bring back. Everything is rolled back.
func (s *Service) TryReplay(ctx context.Context, tenant id.ID) (Tried, error) {
	lines, err := ReadLedger(s.opts.Ledger)
	if err != nil {
		return Tried{}, fmt.Errorf("erasure ledger: %w", err)
	}
	return s.try(ctx, tenant, ActReplay, func(tx *op.Tx, out *Tried) error {
		if err := s.compareLedger(ctx, tx, lines, out); err != nil {
			return err
		}
		c := newCanary()
		if err := c.put(ctx, tx); err != nil {
			return err
		}
		refs := c.sub.refs()
		refs.Contacts = []id.ID{c.contact}
		l := s.line(tenant, Request{ID: id.New(), Plan: Plan{Refs: &refs}}, tx.Now)
		e := eraser{s: s, refs: Refs{Contacts: l.Contacts}, m: l.matcher(s.ledgerKey()), request: l.Request}
		if err := e.prepare(ctx, tx, ""); err != nil {
			return err
		}
		e.duties = nil
		if err := e.again(ctx, tx, c); err != nil {
			return err
		}
		found, err := s.searchTables(ctx, tx, c.sub, c.from(tx.Now, true))
		if err != nil {
			return err
		}
		out.Looked += len(c.places)
		for _, n := range found.Counts {
			if n.Sure > 0 || n.Doubtful > 0 {
				out.wrong("a person who was erased is back in %s after a restore", n.Table)
			}
		}
		return nil
	})
}

// again erases in the tables where the made-up person stands, from their rows on.
func (e *eraser) again(ctx context.Context, tx *op.Tx, c *canary) error {
	from := c.from(tx.Now, true)
	for i, t := range e.tables {
		if from[t.name] == nil || t.name == "audit_entry" { // the database lets nobody empty the log without an approved erasure
			continue
		}
		p := Run{Step: i, After: from[t.name], Counts: map[string]int{}}
		for p.Step == i {
			if err := e.step(ctx, tx, &p); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareLedger makes sure that file and database know the same erasures.
func (s *Service) compareLedger(ctx context.Context, tx *op.Tx, lines []LedgerLine, out *Tried) error {
	known, err := ledgerLines(ctx, tx)
	if err != nil || s.opts.Ledger == "" {
		return err
	}
	out.Looked += len(known)
	for _, v := range known {
		if !slices.ContainsFunc(lines, func(l LedgerLine) bool { return l.ID == v }) {
			out.wrong("the erasure %s is not in the ledger's file", v)
		}
	}
	for _, l := range lines {
		if l.Tenant != tx.Who.Tenant {
			continue
		}
		out.Looked++
		state, err := ledgerKnown(ctx, tx, l)
		if err != nil {
			return err
		}
		if state == "missing" {
			out.wrong("the erasure %s of the ledger's file was not carried out in this database", l.ID)
		}
	}
	return nil
}
