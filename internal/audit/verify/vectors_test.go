package verify

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	installation = "018f0000-0000-7000-8000-000000000001"
	tenant       = "018f0000-0000-7000-8000-00000000000a"
	stranger     = "018f0000-0000-7000-8000-00000000000b"
)

// log is a log in memory.
type log struct {
	entries []Entry
	signer  note.Signer
	key     string
}

func newLog(t testing.TB, n int) *log {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, "entente/"+installation)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	l := &log{signer: signer, key: public}
	for i := range n {
		payload := fmt.Sprintf(`{"actor_name":"Ada","object_label":"Deal %d"}`, i)
		salt := sha256.Sum256(fmt.Append(nil, "salt", i))
		sum := sha256.Sum256(append(salt[:], payload...))
		l.entries = append(l.entries, Entry{Seq: int64(i), Tenant: tenant, ID: fmt.Sprintf("018f0000-0000-7000-9000-%012d", i), At: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC),
			Op: "018f0000-0000-7000-8000-0000000000cc", Category: "audit-log", ActorKind: "person", Action: "deal.update", Outcome: "done", ObjectType: "deal",
			Commitment: sum[:], Salt: salt[:], Payload: payload})
	}
	return l
}

func (l *log) leaves(lo, hi int64) []tlog.Hash {
	var out []tlog.Hash
	for _, e := range l.entries[lo:hi] {
		out = append(out, e.Hash())
	}
	return out
}

func (l *log) checkpoint(t testing.TB, of string, size int64) []byte {
	t.Helper()
	c := Checkpoint{Origin: "entente/" + installation + "/" + of, Size: size, At: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}
	if size > 0 {
		c.Root = Subtree(l.leaves(0, size))
	}
	s, err := SignCheckpoint(c, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(s)
}

// parts are a bundle before it is packed, for tests to tamper with.
type parts struct {
	head           Head
	checkpoint     []byte
	leaves, blocks []tlog.Hash
	entries        []Entry
	raw            []string // lines instead of entries
	marks          []byte
	gone           string
}

func (l *log) parts(t testing.TB, lo, hi int64) *parts {
	size := int64(len(l.entries))
	p := &parts{head: Head{Format: Format, Tenant: tenant, TenantSlug: "acme", Installation: installation, First: lo, Count: hi - lo, Size: size, Verifier: l.key},
		checkpoint: l.checkpoint(t, tenant, size), leaves: l.leaves(lo, hi), entries: append([]Entry(nil), l.entries[lo:hi]...)}
	for _, s := range Outside(size, lo, hi) {
		p.head.Outside = append(p.head.Outside, Subtree(l.leaves(s.Lo, s.Hi)))
	}
	for _, s := range Blocks(lo, hi) {
		p.blocks = append(p.blocks, Subtree(l.leaves(s.Lo, s.Hi)))
	}
	p.sign(t, l)
	return p
}

func (p *parts) pack(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	put := func(name string, b []byte) {
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write(b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	flat := func(hs []tlog.Hash) (b []byte) {
		for _, h := range hs {
			b = append(b, h[:]...)
		}
		return b
	}
	head, err := json.Marshal(p.head)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	for _, e := range p.entries {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(b, '\n'))
	}
	for _, l := range p.raw {
		lines.WriteString(l + "\n")
	}
	put(MemberHead, head)
	put(MemberCheckpoint, p.checkpoint)
	put(MemberLeaves, flat(p.leaves))
	put(MemberBlocks, flat(p.blocks))
	put(MemberEntries, lines.Bytes())
	put(MemberMarks, p.marks)
	put(MemberGone, []byte(p.gone))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func check(t testing.TB, b []byte, o Options) Report {
	t.Helper()
	r, err := Bundle(bytes.NewReader(b), int64(len(b)), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHonestBundles(t *testing.T) {
	l := newLog(t, 1000)
	for _, c := range [][2]int64{{0, 1000}, {0, 0}, {0, 1}, {999, 1000}, {255, 257}, {300, 900}, {512, 768}, {1000, 1000}} {
		if r := check(t, l.parts(t, c[0], c[1]).pack(t), Options{Key: l.key, Tenant: tenant}); !r.OK || r.Payloads != c[1]-c[0] || !r.KeyTrusted {
			t.Errorf("%v: %+v", c, r)
		}
	}
	// Every older checkpoint of the whole log is a beginning of it.
	for _, n := range []int64{0, 1, 2, 255, 256, 257, 999, 1000} {
		if r := check(t, l.parts(t, 0, 1000).pack(t), Options{Checkpoint: l.checkpoint(t, tenant, n)}); !r.OK || r.KeyTrusted {
			t.Errorf("%d: %+v", n, r)
		}
	}
	// Erased and pruned entries keep their places.
	p := l.parts(t, 0, 1000)
	now := time.Now()
	p.entries[5].Payload, p.entries[5].Salt, p.entries[5].ErasedAt = "", nil, &now
	p.entries[6] = Entry{Seq: 6, Pruned: true, ID: p.entries[6].ID, At: p.entries[6].At, Category: "audit-log"}
	p.sign(t, l)
	if r := check(t, p.pack(t), Options{}); !r.OK || r.Erased != 1 || r.Pruned != 1 || r.Payloads != 998 || r.Warnings != nil {
		t.Errorf("%+v", r)
	}
	// The second day's are pruned too early; that is a warning, one for neighbours.
	for _, i := range []int{500, 501, 502, 700} {
		p.entries[i] = prune(p.entries[i])
	}
	p.sign(t, l)
	if r := check(t, p.pack(t), Options{}); !r.OK || r.Pruned != 5 || len(r.Warnings) != 2 || r.Warnings[0].Kind != Early || r.Warnings[0].Seq != 501 || r.Warnings[0].Until != 503 || r.Warnings[1].Seq != 700 {
		t.Errorf("%+v", r)
	}
}

// vector is one way to tamper with a bundle, and what is to be found.
type vector struct {
	tamper func(p *parts)
	kind   string
	seq    int64
	only   bool // nothing else is found
	o      Options
}

// Each way to tamper with a bundle is found, named and located.
func TestNegativeVectors(t *testing.T) {
	l := newLog(t, 1000)
	all := vectors(t, l)
	maps.Copy(all, goneVectors(t, l))
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			p := l.parts(t, 0, 1000)
			c.tamper(p)
			r := check(t, p.pack(t), c.o)
			found := false
			for _, f := range r.Findings {
				found = found || f.Kind == c.kind && f.Seq == c.seq
			}
			if r.OK || !found || c.only && len(r.Findings) != 1 {
				t.Errorf("want %s at %d, found %+v", c.kind, c.seq, r.Findings)
			}
		})
	}
}

func vectors(t *testing.T, l *log) map[string]vector {
	other := newLog(t, 1000)
	cut := func(es []Entry, i, n int) []Entry { return append(append([]Entry(nil), es[:i]...), es[i+n:]...) }
	renumber := func(es []Entry) {
		for i := range es {
			es[i].Seq = int64(i)
		}
	}
	return map[string]vector{
		"edited action":       {func(p *parts) { p.entries[7].Action = "deal.approve" }, Edited, 7, true, Options{}},
		"edited time":         {func(p *parts) { p.entries[999].At = p.entries[999].At.Add(time.Microsecond) }, Edited, 999, true, Options{}},
		"edited actor":        {func(p *parts) { p.entries[0].ActorID = stranger }, Edited, 0, true, Options{}},
		"edited commitment":   {func(p *parts) { p.entries[7].Commitment = make([]byte, 32) }, Edited, 7, false, Options{}},
		"edited payload":      {func(p *parts) { p.entries[7].Payload = strings.Replace(p.entries[7].Payload, "Ada", "Eve", 1) }, Payload, 7, true, Options{}},
		"edited salt":         {func(p *parts) { p.entries[7].Salt = make([]byte, 32) }, Payload, 7, true, Options{}},
		"payload left out":    {func(p *parts) { p.entries[7].Payload = "" }, Payload, 7, true, Options{}},
		"swapped payloads":    {func(p *parts) { a, b := &p.entries[7], &p.entries[8]; a.Payload, b.Payload = b.Payload, a.Payload }, Payload, 8, false, Options{}},
		"deleted":             {func(p *parts) { p.entries = cut(p.entries, 7, 1) }, Deleted, 7, false, Options{}},
		"deleted, renumbered": {func(p *parts) { p.entries = cut(p.entries, 7, 1); renumber(p.entries) }, Deleted, 7, true, Options{}},
		"many deleted":        {func(p *parts) { p.entries = cut(p.entries, 100, 500) }, Deleted, 100, false, Options{}},
		"deleted, counted": {func(p *parts) {
			p.entries = cut(p.entries, 7, 1)
			p.leaves = append(p.leaves[:7], p.leaves[8:]...)
			p.head.Count--
			p.blocks = p.blocks[:4]
			p.marks = p.marks[:999]
		}, Damaged, 0, false, Options{}},
		"first deleted": {func(p *parts) { p.entries = p.entries[1:] }, Deleted, 0, false, Options{}},
		"reordered":     {func(p *parts) { p.entries[7], p.entries[8] = p.entries[8], p.entries[7] }, Reordered, 7, true, Options{}},
		"reordered, renumbered": {func(p *parts) {
			p.entries[7], p.entries[8] = p.entries[8], p.entries[7]
			renumber(p.entries)
		}, Reordered, 7, false, Options{}},
		"moved far": {func(p *parts) { e := p.entries[7]; p.entries = cut(p.entries, 7, 1); p.insert(500, e) }, Reordered, 7, false, Options{}},
		"reordered leaves too": {func(p *parts) {
			p.entries[300], p.entries[301] = p.entries[301], p.entries[300]
			p.leaves[300], p.leaves[301] = p.leaves[301], p.leaves[300]
			renumber(p.entries)
		}, Damaged, 256, true, Options{}},
		"inserted":             {func(p *parts) { e := p.entries[7]; e.ID = stranger; p.insert(7, e) }, Inserted, 7, false, Options{}},
		"inserted, renumbered": {func(p *parts) { e := p.entries[7]; e.ID = stranger; p.insert(7, e); renumber(p.entries) }, Inserted, 7, true, Options{}},
		"inserted at the end":  {func(p *parts) { e := p.entries[999]; e.ID, e.Seq = stranger, 1000; p.insert(1000, e) }, Inserted, 1000, true, Options{}},
		"told twice":           {func(p *parts) { p.insert(9, p.entries[7]) }, Reordered, 7, true, Options{}},
		"truncated":            {func(p *parts) { p.entries = p.entries[:990] }, Truncated, 990, true, Options{}},
		"emptied":              {func(p *parts) { p.entries = nil }, Truncated, 0, true, Options{}},
		"rewound":              {func(p *parts) { *p = *(&log{l.entries[:600], l.signer, l.key}).parts(t, 0, 600) }, Rewound, 600, true, Options{Checkpoint: l.checkpoint(t, tenant, 900)}},
		"forked": {func(p *parts) {
			f := newLog(t, 1000)
			f.entries[3].Action = "deal.lose"
			f.signer, f.key = l.signer, l.key
			*p = *f.parts(t, 0, 1000)
		}, Forked, 0, true, Options{Checkpoint: l.checkpoint(t, tenant, 900)}},
		"forked, same size": {func(p *parts) {
			f := newLog(t, 1000)
			f.entries[3].Action = "deal.lose"
			f.signer, f.key = l.signer, l.key
			*p = *f.parts(t, 0, 1000)
		}, Forked, 0, true, Options{Checkpoint: l.checkpoint(t, tenant, 1000)}},
		"other tenant":         {func(p *parts) { p.head.Tenant = stranger }, OtherTenant, -1, true, Options{}},
		"not the wanted one":   {func(*parts) {}, OtherTenant, -1, true, Options{Tenant: stranger}},
		"other's checkpoint":   {func(p *parts) { p.checkpoint = l.checkpoint(t, stranger, 1000) }, OtherTenant, -1, true, Options{}},
		"other's entry":        {func(p *parts) { p.entries[7].Tenant = stranger }, OtherTenant, 7, true, Options{}},
		"other's kept one":     {func(*parts) {}, OtherTenant, -1, true, Options{Checkpoint: l.checkpoint(t, stranger, 900)}},
		"replaced key":         {func(p *parts) { *p = *other.parts(t, 0, 1000) }, OtherKey, -1, false, Options{Key: l.key}},
		"replaced key, older":  {func(p *parts) { *p = *other.parts(t, 0, 1000) }, OtherKey, -1, true, Options{Checkpoint: l.checkpoint(t, tenant, 900)}},
		"forged checkpoint":    {func(p *parts) { p.checkpoint = bytes.Replace(p.checkpoint, []byte("\n1000\n"), []byte("\n999\n"), 1) }, OtherKey, -1, true, Options{}},
		"flipped leaf":         {func(p *parts) { p.leaves[300][0] ^= 1 }, Damaged, 256, false, Options{}},
		"edited with its leaf": {func(p *parts) { p.entries[300].Action = "deal.win"; p.leaves[300] = p.entries[300].Hash() }, Damaged, 256, true, Options{}},
		"unreadable line":      {func(p *parts) { p.raw = []string{"{"}; p.entries = p.entries[:999] }, Edited, 999, true, Options{}},
		"unknown field":        {func(p *parts) { p.entries, p.raw = nil, []string{`{"seq":0,"colour":"red"}`} }, Edited, 0, false, Options{}},
		"pruned in between":    {func(p *parts) { p.entries = cut(p.entries, 7, 2); p.entries[7] = Entry{Seq: 9, Pruned: true} }, Deleted, 7, false, Options{}},
	}
}

// A bundle of the middle of the log is bound to its place too.
func TestMiddleIsBound(t *testing.T) {
	l := newLog(t, 1000)
	p := l.parts(t, 300, 900)
	p.head.First, p.head.Outside = 301, append([]tlog.Hash{}, p.head.Outside...)
	if r := check(t, p.pack(t), Options{}); r.OK {
		t.Error("moved by one and not found")
	}
	p = l.parts(t, 300, 900)
	p.head.Outside[0][3] ^= 1
	if r := check(t, p.pack(t), Options{}); r.OK {
		t.Error("another beginning of the log and not found")
	}
	p = l.parts(t, 300, 900)
	kept, b := Options{Checkpoint: l.checkpoint(t, tenant, 500)}, p.pack(t)
	if r, err := Bundle(bytes.NewReader(b), int64(len(b)), kept); !errors.Is(err, ErrNotCompared) || len(r.Findings) > 0 || r.Compared != "" {
		t.Errorf("no proof for the kept checkpoint: %+v, %v", r, err)
	}
	p.entries[0].Action = "deal.win"
	if r := check(t, p.pack(t), kept); r.OK || r.NotCompared == "" {
		t.Errorf("tampered with, and no proof: %+v", r)
	}
}

func TestNoBundle(t *testing.T) {
	l := newLog(t, 10)
	whole := l.parts(t, 0, 10)
	for name, b := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "cut": whole.pack(t)[:200],
		"format":  func() []byte { p := *whole; p.head.Format = "x"; return p.pack(t) }(),
		"numbers": func() []byte { p := *whole; p.head.Count = 1 << 40; return p.pack(t) }(),
		"leaves":  func() []byte { p := *whole; p.leaves = p.leaves[1:]; return p.pack(t) }(),
	} {
		if _, err := Bundle(bytes.NewReader(b), int64(len(b)), Options{}); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func FuzzBundle(f *testing.F) {
	l := newLog(f, 20)
	whole := l.parts(f, 0, 20).pack(f)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Bundle(bytes.NewReader(b), int64(len(b)), Options{Key: l.key})
		if err == nil && r.OK && !bytes.Equal(b, whole) && r.Payloads+r.Erased+r.Pruned != r.Entries {
			t.Errorf("believed: %+v", r)
		}
	})
}

// Flip every byte of what is told: none is believed that is not what was sealed.
func TestEveryBit(t *testing.T) {
	l := newLog(t, 3)
	p := l.parts(t, 0, 3)
	line, err := json.Marshal(p.entries[1])
	if err != nil {
		t.Fatal(err)
	}
	for i := range line {
		q := *p
		bad := append([]byte(nil), line...)
		bad[i] ^= 1
		if bad[i] == '\n' {
			continue
		}
		var e Entry
		q.raw = make([]string, 3)
		for k, x := range p.entries {
			b, _ := json.Marshal(x)
			q.raw[k] = string(b)
		}
		q.entries, q.raw[1] = nil, string(bad)
		if r := check(t, q.pack(t), Options{Key: l.key}); r.OK && (json.Unmarshal(bad, &e) != nil || e.Hash() != p.entries[1].Hash() || e.Payload != p.entries[1].Payload) {
			t.Errorf("byte %d: %s believed", i, bad)
		}
	}
}
