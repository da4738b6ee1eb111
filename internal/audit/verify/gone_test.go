package verify

import (
	"strings"
	"testing"
	"time"
)

// sign signs what is gone of the entries, as an export does.
func (p *parts) sign(t testing.TB, l *log) {
	t.Helper()
	cp, err := OpenCheckpoint(p.checkpoint, l.key)
	if err != nil {
		t.Fatal(err)
	}
	g := Gone{Checkpoint: cp, First: p.head.First, At: exported, Keep: map[string]time.Duration{"audit-log": 24 * time.Hour}}
	for _, e := range p.entries {
		g.Add(e)
	}
	if p.marks, p.gone, err = g.Sign(l.signer); err != nil {
		t.Fatal(err)
	}
}

// exported is when bundles are made: a day after the first 500 entries of a log.
var exported = time.Date(2026, 1, 2, 0, 8, 20, 0, time.UTC)

// prune leaves of an entry what its leaf row tells.
func prune(e Entry) Entry {
	return Entry{Seq: e.Seq, Pruned: true, ID: e.ID, At: e.At, Category: e.Category}
}

func emptied(e Entry) Entry {
	e.Payload, e.Salt, e.ErasedAt = "", nil, &exported
	return e
}

func (p *parts) insert(i int, e Entry) {
	p.entries = append(p.entries[:i], append([]Entry{e}, p.entries[i:]...)...)
}

// goneVectors tamper with what is said to be erased or pruned.
func goneVectors(t *testing.T, l *log) map[string]vector {
	return map[string]vector{
		"relabelled pruned": {func(p *parts) { p.entries[7] = prune(p.entries[7]) }, Relabelled, 7, true, Options{}},
		"relabelled erased": {func(p *parts) { p.entries[7] = emptied(p.entries[7]) }, Relabelled, 7, true, Options{}},
		"relabelled with its mark": {func(p *parts) {
			p.entries[7], p.marks[7] = prune(p.entries[7]), pruned
		}, Relabelled, -1, true, Options{}},
		"erased called pruned": {func(p *parts) {
			p.entries[7] = emptied(p.entries[7])
			p.sign(t, l)
			p.entries[7] = prune(p.entries[7])
		}, Relabelled, 7, true, Options{}},
		"list altered": {func(p *parts) { p.marks[7] = erased }, Relabelled, -1, true, Options{}},
		"period altered": {func(p *parts) {
			p.gone = strings.Replace(p.gone, "keep audit-log 86400", "keep audit-log 1", 1)
		}, Relabelled, -1, true, Options{}},
		"list of another period": {func(p *parts) { p.gone = l.parts(t, 0, 999).gone }, Relabelled, -1, true, Options{}},
		"list of another's key":  {func(p *parts) { p.gone = newLog(t, 1000).parts(t, 0, 1000).gone }, Relabelled, -1, true, Options{}},
		"pruned made older": {func(p *parts) {
			p.entries[700] = prune(p.entries[700])
			p.sign(t, l)
			p.entries[700].At = p.entries[0].At
		}, Relabelled, -1, true, Options{}},
		"pruned one inserted": {func(p *parts) {
			e := prune(p.entries[999])
			e.Seq = 1000
			p.insert(1000, e)
		}, Inserted, 1000, true, Options{}},
	}
}
