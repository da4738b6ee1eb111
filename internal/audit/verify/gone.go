package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// GoneLabel is the first line of the signed statement about what is gone; it tells the statement from a checkpoint.
const GoneLabel = "entente/audit-gone/1"

// The marks of entries, a byte for each.
const (
	there byte = iota
	erased
	pruned
)

// Gone collects what a bundle says of entries that were erased or pruned, for a statement that is signed when it is exported.
// Without it whoever holds a bundle could call any entry pruned.
type Gone struct {
	Checkpoint Checkpoint               // of the bundle
	First      int64                    // the place of the first entry
	At         time.Time                // of the export
	Keep       map[string]time.Duration // how long entries of a category were to be kept at that time; a category that is missing, for ever

	marks []byte
	lines hash.Hash
}

// Add notes the next entry.
func (g *Gone) Add(e Entry) {
	mark, text := gone(e)
	g.marks = append(g.marks, mark)
	if g.lines == nil {
		g.lines = sha256.New()
	}
	g.lines.Write([]byte(text))
}

// gone returns the mark of an entry, and the line about one that is gone.
func gone(e Entry) (mark byte, text string) {
	switch {
	case e.Pruned:
		return pruned, fmt.Sprintf("%d pruned %s %s %s\n", e.Seq, e.ID, e.Category, e.At.UTC().Format(TimeFormat))
	case e.ErasedAt != nil:
		return erased, fmt.Sprintf("%d erased %s %s\n", e.Seq, e.ID, e.ErasedAt.UTC().Format(TimeFormat))
	}
	return there, ""
}

// Sign returns the marks, gone.bin, and the signed statement about them, gone.txt.
func (g *Gone) Sign(signer note.Signer) (marks []byte, statement string, err error) {
	if g.lines == nil {
		g.lines = sha256.New()
	}
	sum := sha256.Sum256(g.marks)
	var keep strings.Builder
	for _, c := range slices.Sorted(maps.Keys(g.Keep)) {
		fmt.Fprintf(&keep, "keep %s %d\n", c, int64(g.Keep[c]/time.Second))
	}
	text := fmt.Sprintf("%s\ntime %s\nmarks %s\nlines %s\n%s", g.about(), g.At.UTC().Format(time.RFC3339), base64.StdEncoding.EncodeToString(sum[:]),
		base64.StdEncoding.EncodeToString(g.lines.Sum(nil)), keep.String())
	b, err := note.Sign(&note.Note{Text: text}, signer)
	return g.marks, string(b), err
}

// about returns the first lines of the statement, which bind it to its place in one log.
func (g *Gone) about() string {
	return fmt.Sprintf("%s\n%s\n%d %s\n%d %d", GoneLabel, g.Checkpoint.Origin, g.Checkpoint.Size, g.Checkpoint.Root, g.First, len(g.marks))
}

// open reads the statement and returns the sums that it signs.
func (g *Gone) open(statement []byte, key string) (marks, lines []byte, err error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, nil, err
	}
	n, err := note.Open(statement, note.VerifierList(v))
	if err != nil {
		return nil, nil, err
	}
	rest, ok := strings.CutPrefix(n.Text, g.about()+"\n")
	if !ok {
		return nil, nil, errors.New("it is of another bundle")
	}
	g.Keep = map[string]time.Duration{}
	for l := range strings.Lines(rest) {
		f := strings.Fields(l)
		switch {
		case len(f) == 2 && f[0] == "time":
			g.At, err = time.Parse(time.RFC3339, f[1])
		case len(f) == 2 && f[0] == "marks":
			marks, err = base64.StdEncoding.DecodeString(f[1])
		case len(f) == 2 && f[0] == "lines":
			lines, err = base64.StdEncoding.DecodeString(f[1])
		case len(f) == 3 && f[0] == "keep":
			var seconds int64
			seconds, err = strconv.ParseInt(f[2], 10, 64)
			g.Keep[f[1]] = time.Duration(seconds) * time.Second
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return marks, lines, nil
}

// readGone checks the statement of a bundle. What it returns tells the comparer what may be gone.
func (b *bundle) readGone(r *Report) *signedGone {
	g := Gone{Checkpoint: b.cp, First: b.head.First, marks: b.marks}
	marks, lines, err := g.open(b.statement, r.Key)
	if err != nil {
		r.Whole(Relabelled, "%s, the statement about erased and pruned entries, is not what was signed: %v", MemberGone, err)
		return nil
	}
	if sum := sha256.Sum256(b.marks); !bytes.Equal(sum[:], marks) {
		r.Whole(Relabelled, "%s, the list of erased and pruned entries, is not the one that was signed", MemberMarks)
		return nil
	}
	return &signedGone{Gone: g, sum: lines, told: sha256.New()}
}

// signedGone is a statement whose signature is good, and what was told so far.
type signedGone struct {
	Gone
	sum  []byte
	told hash.Hash
}

var markWords = [...]string{there: "there", erased: "erased", pruned: "pruned"}

// look compares what is said of an entry at a place with the statement, and warns of one that was pruned too early.
func (g *signedGone) look(r *Report, at int64, e Entry) {
	mark, text := gone(e)
	g.told.Write([]byte(text))
	i := at - g.First
	if i < 0 || i >= int64(len(g.marks)) {
		if mark == pruned {
			r.find(Inserted, at, at+1, e.ID, "a pruned entry %s at %d was never sealed", e.ID, at)
		}
		return
	}
	if was := g.marks[i]; was != mark {
		word := "something else"
		if int(was) < len(markWords) {
			word = markWords[was]
		}
		r.find(Relabelled, at, at+1, e.ID, "the entry at %d is given as %s; when the bundle was exported it was %s", at, markWords[mark], word)
		return
	}
	// The export is signed to the second.
	if keep, ok := g.Keep[e.Category]; mark == pruned && (!ok || g.At.Sub(e.At.Truncate(time.Second)) < keep) {
		r.early(at)
	}
}

// end checks that nothing else was said of what is gone.
func (g *signedGone) end(r *Report) {
	if r.OK && !bytes.Equal(g.told.Sum(nil), g.sum) {
		r.Whole(Relabelled, "the times or categories of erased and pruned entries are not those that were signed")
	}
}

// early warns that an entry was gone before its period was over; neighbours share a warning.
func (r *Report) early(at int64) {
	n := len(r.Warnings)
	switch {
	case n > 0 && r.Warnings[n-1].Until == at && r.MoreWarnings == 0:
		n--
		r.Warnings[n].Until = at + 1
	case n < maxFindings:
		r.Warnings = append(r.Warnings, Finding{Kind: Early, Seq: at, Until: at + 1})
	default:
		r.MoreWarnings++
		return
	}
	w := &r.Warnings[n]
	w.Text = places(w.Seq, w.Until) + " pruned, but the period of the policy at the export was not over: compare with the history of the policy; somebody may have deleted"
}
