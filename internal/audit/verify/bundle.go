package verify

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Format names the format of bundles.
const Format = "entente/audit-bundle/1"

// The members of a bundle, a zip file. No other member may be in it.
const (
	MemberHead       = "bundle.json"
	MemberCheckpoint = "checkpoint.txt"
	MemberEntries    = "entries.jsonl"
	MemberLeaves     = "leaves.bin"
	MemberBlocks     = "blocks.bin"
	MemberMarks      = "gone.bin" // a byte for each entry: 0 there, 1 erased, 2 pruned
	MemberGone       = "gone.txt" // the signed statement about them
)

var members = []string{MemberHead, MemberCheckpoint, MemberEntries, MemberLeaves, MemberBlocks, MemberMarks, MemberGone}

// The limits of a bundle.
const (
	MaxEntries = 5_000_000
	maxHead    = 16 << 20
	maxBundle  = 16 << 30 // of plain bytes
)

// Head is bundle.json.
type Head struct {
	Format       string        `json:"format"`
	Tenant       string        `json:"tenant_id"`
	TenantSlug   string        `json:"tenant"`
	Installation string        `json:"installation_id"`
	From         time.Time     `json:"from,omitzero"` // what was asked for
	To           time.Time     `json:"to,omitzero"`
	CreatedAt    time.Time     `json:"created_at"`
	First        int64         `json:"first_seq"` // of the entries in the bundle, which follow each other without a gap
	Count        int64         `json:"count"`
	Size         int64         `json:"tree_size"`
	Verifier     string        `json:"verifier"` // the public key; believe it only if you know it from elsewhere
	Outside      []tlog.Hash   `json:"outside"`  // hashes of the subtrees beside the entries, from left to right
	Consistency  []Consistency `json:"consistency"`
}

// Consistency proves that the tree of an earlier size is a beginning of the bundle's tree.
type Consistency struct {
	Size  int64       `json:"tree_size"`
	Proof []tlog.Hash `json:"proof"`
}

// Options say what the reader believes.
type Options struct {
	Key        string // a verifier key known from elsewhere; "" takes the bundle's own word
	Checkpoint []byte // a signed checkpoint of the same log that was kept elsewhere; nil for none
	Tenant     string // the tenant that the bundle must be of; "" for any
}

type bundle struct {
	head      Head
	cp        Checkpoint
	signed    []byte
	leaves    []tlog.Hash
	blocks    []tlog.Hash
	marks     []byte
	statement []byte
	entries   *zip.File
}

// ErrNotCompared says that nothing is wrong with a bundle as far as it goes, and that it holds no proof for the reader's checkpoint.
var ErrNotCompared = errors.New("it cannot be compared with your checkpoint")

// Bundle verifies a bundle of size bytes. An error means that it cannot be read at all, or ErrNotCompared; what is wrong with it is
// in the report.
func Bundle(in io.ReaderAt, size int64, o Options) (Report, error) {
	b, err := open(in, size)
	if err != nil {
		return Report{}, err
	}
	r := Report{OK: true, Tenant: b.head.Tenant, First: b.head.First, Key: b.head.Verifier, KeyTrusted: o.Key != "", Findings: []Finding{}}
	if !b.signature(&r, o) {
		return r, nil
	}
	r.Of(b.cp)
	if b.belongs(&r, o) && b.older(&r, o) {
		b.tree(&r)
		err = b.compare(&r)
	}
	if err == nil && r.OK && r.NotCompared != "" {
		err = fmt.Errorf("%w: %s", ErrNotCompared, r.NotCompared)
	}
	return r, err
}

// signature checks who signed the checkpoint.
func (b *bundle) signature(r *Report, o Options) bool {
	if o.Key != "" {
		r.Key = o.Key
		if b.head.Verifier != o.Key {
			r.Whole(OtherKey, "the bundle comes with the key %s, not with yours", b.head.Verifier)
		}
	}
	var err error
	if b.cp, err = OpenCheckpoint(b.signed, r.Key); err != nil {
		r.Whole(OtherKey, "%v", err)
		return false
	}
	return true
}

// belongs checks whose log the checkpoint is about.
func (b *bundle) belongs(r *Report, o Options) bool {
	if want := "entente/" + b.head.Installation + "/" + b.head.Tenant; b.cp.Origin != want {
		r.Whole(OtherTenant, "the checkpoint is of %s, the bundle of %s", b.cp.Origin, want)
		return false
	}
	if o.Tenant != "" && o.Tenant != b.head.Tenant {
		r.Whole(OtherTenant, "the bundle is of tenant %s, not of %s", b.head.Tenant, o.Tenant)
		return false
	}
	if b.cp.Size != b.head.Size {
		r.Whole(Damaged, "the checkpoint is of %d entries, the bundle says %d", b.cp.Size, b.head.Size)
		return false
	}
	return true
}

// older compares with the checkpoint that the reader kept.
func (b *bundle) older(r *Report, o Options) bool {
	if o.Checkpoint == nil {
		return true
	}
	all := b.leaves
	if b.head.First > 0 || b.head.Count < b.head.Size {
		all = nil
	}
	return r.Kept(o.Checkpoint, r.Key, b.cp, all, b.head.Consistency)
}

// Kept compares the log of a checkpoint with a signed one that was kept elsewhere. leaves are those of the whole log, or nil where
// one of proofs must do. It returns false when nothing else about the log needs to be looked at.
func (r *Report) Kept(signed []byte, key string, cp Checkpoint, leaves []tlog.Hash, proofs []Consistency) bool {
	kept, err := OpenCheckpoint(signed, key)
	if err != nil {
		r.Whole(OtherKey, "your checkpoint: %v", err)
		return false
	}
	r.Compared = fmt.Sprintf("%d entries, signed %s", kept.Size, kept.At.UTC().Format(time.RFC3339))
	if kept.Origin != cp.Origin {
		r.Whole(OtherTenant, "your checkpoint is of %s, the log of %s", kept.Origin, cp.Origin)
		return false
	}
	same := true
	switch {
	case kept.Size > cp.Size:
		r.find(Rewound, cp.Size, kept.Size, "", "the log had %d entries at %s; now it has %d: it was rewound", kept.Size, kept.At.UTC().Format(time.RFC3339), cp.Size)
		return true
	case kept.Size == 0:
	case kept.Size == cp.Size:
		same = kept.Root == cp.Root
	case leaves != nil:
		same = int64(len(leaves)) >= kept.Size && Subtree(leaves[:kept.Size]) == kept.Root
	default:
		i := slices.IndexFunc(proofs, func(c Consistency) bool { return c.Size == kept.Size })
		if i < 0 {
			r.Compared, r.NotCompared = "", fmt.Sprintf("it has no proof for a log of %d entries; export it again with --checkpoint and your file", kept.Size)
			return true
		}
		same = tlog.CheckTree(proofs[i].Proof, cp.Size, cp.Root, kept.Size, kept.Root) == nil
	}
	if !same {
		r.find(Forked, 0, kept.Size, "", "the first %d entries are not those of your checkpoint", kept.Size)
	}
	return true
}

// NoCheckpoint is Kept for a log that has nothing sealed.
func (r *Report) NoCheckpoint(signed []byte, key string) {
	if signed != nil {
		if kept, err := OpenCheckpoint(signed, key); err != nil {
			r.Whole(OtherKey, "your checkpoint: %v", err)
		} else if kept.Size > 0 {
			r.find(Rewound, 0, kept.Size, "", "the log had %d entries at %s; now it has none: it was rewound", kept.Size, kept.At.UTC().Format(time.RFC3339))
		}
	}
}

// tree checks that the leaves make the signed root; where they do not, it says which block of leaves is not the sealed one.
func (b *bundle) tree(r *Report) {
	root, err := rootOf(b.cp.Size, b.head.First, b.leaves, b.head.Outside)
	if err == nil && root == b.cp.Root {
		return
	}
	r.blocks(b.head.First, b.leaves, func(i int, _ Span) (tlog.Hash, bool) { return b.blocks[i], true })
}

// Tree checks that the leaves of a whole log make its signed root. block gives the stored hash of a block of leaves, if it can.
func (r *Report) Tree(cp Checkpoint, leaves []tlog.Hash, block func(Span) (tlog.Hash, bool)) {
	if int64(len(leaves)) == cp.Size && (cp.Size == 0 || Subtree(leaves) == cp.Root) {
		return
	}
	r.blocks(0, leaves, func(_ int, s Span) (tlog.Hash, bool) { return block(s) })
}

func (r *Report) blocks(first int64, leaves []tlog.Hash, stored func(int, Span) (tlog.Hash, bool)) {
	found := false
	end := first + int64(len(leaves))
	for i, span := range Blocks(first, end) {
		if h, ok := stored(i, span); ok && Subtree(leaves[span.Lo-first:span.Hi-first]) != h {
			r.find(Damaged, span.Lo, span.Hi, "", "the leaves %d to %d are not the sealed ones", span.Lo, span.Hi-1)
			found = true
		}
	}
	if !found {
		r.find(Damaged, first, end, "", "the leaves do not make the signed root")
	}
}

// Blocks returns the spans of 256 leaves, aligned, that [lo, hi) is made of; the first and the last may be shorter.
func Blocks(lo, hi int64) []Span {
	var out []Span
	for lo < hi {
		next := min(hi, lo/blockSize*blockSize+blockSize)
		out = append(out, Span{lo, next})
		lo = next
	}
	return out
}

// compare walks the entries. Where the leaves are not authentic it still says what it finds against those that are there.
func (b *bundle) compare(r *Report) error {
	c := Comparer{Report: r, Tenant: b.head.Tenant, First: b.head.First, Leaves: b.leaves, signed: b.readGone(r)}
	c.Begin()
	in, err := b.entries.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", MemberEntries, err)
	}
	defer in.Close()
	n := int64(0)
	err = eachLine(in, func(l parsed) error {
		if n++; n > MaxEntries {
			return fmt.Errorf("a bundle holds at most %d entries", MaxEntries)
		}
		if l.err != nil {
			r.find(Edited, c.next, c.next+1, "", "line %d cannot be read: %v", n, l.err)
			c.next++
			r.Entries++
			return nil
		}
		c.add(l.prepared)
		return nil
	})
	if err != nil && n > MaxEntries {
		return err
	}
	if err != nil {
		r.find(Damaged, c.next, b.head.First+b.head.Count, "", "the entries cannot be read on: %v", err)
	}
	c.End()
	return nil
}

var errBundle = errors.New("this is no audit bundle")

func open(in io.ReaderAt, size int64) (*bundle, error) {
	z, err := zip.NewReader(in, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBundle, err)
	}
	have := map[string]*zip.File{}
	total := uint64(0)
	for _, f := range z.File {
		if have[f.Name] != nil || !slices.Contains(members, f.Name) {
			return nil, fmt.Errorf("%w: unexpected member %.80q", errBundle, f.Name)
		}
		have[f.Name] = f
		if total += f.UncompressedSize64; total > maxBundle || f.UncompressedSize64 > maxBundle {
			return nil, fmt.Errorf("%w: it is too large", errBundle)
		}
	}
	b := &bundle{entries: have[MemberEntries]}
	head, err := read(have, MemberHead, maxHead)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(head, &b.head); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errBundle, MemberHead, err)
	}
	if b.head.Format != Format {
		return nil, fmt.Errorf("%w: its format is %.80q; this program reads %s", errBundle, b.head.Format, Format)
	}
	if b.head.First < 0 || b.head.Count < 0 || b.head.Count > MaxEntries || b.head.First > b.head.Size-b.head.Count {
		return nil, fmt.Errorf("%w: its numbers do not fit together", errBundle)
	}
	if b.signed, err = read(have, MemberCheckpoint, 8<<10); err != nil {
		return nil, err
	}
	if b.leaves, err = hashes(have, MemberLeaves, b.head.Count); err != nil {
		return nil, err
	}
	if b.blocks, err = hashes(have, MemberBlocks, int64(len(Blocks(b.head.First, b.head.First+b.head.Count)))); err != nil {
		return nil, err
	}
	if b.marks, err = read(have, MemberMarks, b.head.Count); err != nil {
		return nil, err
	}
	if int64(len(b.marks)) != b.head.Count {
		return nil, fmt.Errorf("%w: %s has %d marks for %d entries", errBundle, MemberMarks, len(b.marks), b.head.Count)
	}
	if b.statement, err = read(have, MemberGone, 64<<10); err != nil {
		return nil, err
	}
	if b.entries == nil {
		return nil, fmt.Errorf("%w: %s is missing", errBundle, MemberEntries)
	}
	return b, nil
}

func read(have map[string]*zip.File, name string, limit int64) ([]byte, error) {
	f := have[name]
	if f == nil {
		return nil, fmt.Errorf("%w: %s is missing", errBundle, name)
	}
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errBundle, name, err)
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errBundle, name, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%w: %s is too large", errBundle, name)
	}
	return b, nil
}

func hashes(have map[string]*zip.File, name string, count int64) ([]tlog.Hash, error) {
	b, err := read(have, name, count*tlog.HashSize)
	if err != nil {
		return nil, err
	}
	if int64(len(b)) != count*tlog.HashSize {
		return nil, fmt.Errorf("%w: %s has %d bytes for %d hashes", errBundle, name, len(b), count)
	}
	out := make([]tlog.Hash, count)
	for i := range out {
		copy(out[i][:], b[i*tlog.HashSize:])
	}
	return out, nil
}
