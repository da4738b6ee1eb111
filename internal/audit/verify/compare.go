package verify

import (
	"golang.org/x/mod/sumdb/tlog"
)

// Comparer compares entries, one after the other, with the leaves that were sealed. It tells apart what was edited, deleted,
// inserted and reordered, and checks each payload against its commitment.
type Comparer struct {
	Report *Report
	Tenant string
	First  int64       // the place of Leaves[0]
	Leaves []tlog.Hash // authentic: they make the signed root

	signed  *signedGone // of a bundle: what may be erased or pruned; nil where the reader knows it otherwise
	places  map[tlog.Hash]int64
	next    int64         // the place that the next entry should have
	shift   int64         // how far the entries' own numbers are off after one was inserted or deleted and the rest renumbered
	missing map[int64]int // place → the finding that says it is missing
	pending int           // the finding of the entry before, which may turn out to be inserted rather than edited; -1 for none
}

// Begin sets the comparer at its first place.
func (c *Comparer) Begin() { c.next, c.pending, c.missing = c.First, -1, map[int64]int{} }

// place returns where a leaf was sealed.
func (c *Comparer) place(h tlog.Hash) (int64, bool) {
	if c.places == nil { // only when something is wrong
		c.places = make(map[tlog.Hash]int64, len(c.Leaves))
		for i, l := range c.Leaves {
			c.places[l] = c.First + int64(i)
		}
	}
	seq, ok := c.places[h]
	return seq, ok
}

// Add compares the next entry.
func (c *Comparer) Add(e Entry) { c.add(prepare(e)) }

// prepared is an entry with what is computed of it alone.
type prepared struct {
	Entry
	hash    tlog.Hash
	commits bool
}

func prepare(e Entry) prepared {
	return prepared{Entry: e, hash: e.Hash(), commits: Commits(e.Commitment, e.Salt, []byte(e.Payload))}
}

func (c *Comparer) add(e prepared) {
	r := c.Report
	r.Entries++
	if e.Pruned {
		r.Pruned++
		if at := e.Seq - c.shift; at > c.next {
			c.gone(c.next, at)
			c.next = at
		}
		c.mark(e.Entry)
		c.next, c.pending = c.next+1, -1
		return
	}
	if e.Tenant != c.Tenant {
		r.find(OtherTenant, e.Seq, e.Seq+1, e.ID, "entry %d belongs to tenant %s, not to %s", e.Seq, e.Tenant, c.Tenant)
	} else {
		c.payload(e)
	}
	h := e.hash
	if i := c.next - c.First; i < int64(len(c.Leaves)) && c.Leaves[i] == h {
		c.numbered(e.Entry, c.next)
		c.mark(e.Entry)
		c.next, c.pending = c.next+1, -1
		return
	}
	c.differ(e.Entry, h)
}

// mark compares what is said of the entry at the next place with what was signed of it.
func (c *Comparer) mark(e Entry) {
	if c.signed != nil {
		c.signed.look(c.Report, c.next, e)
	}
}

// numbered checks the number that an entry gives itself.
func (c *Comparer) numbered(e Entry, at int64) {
	if e.Seq-c.shift != at {
		c.Report.find(Reordered, at, at+1, e.ID, "entry %s calls itself number %d; it was sealed at %d", e.ID, e.Seq, at)
		c.shift = e.Seq - at
	}
}

// gone says that the places [lo, hi) are missing.
func (c *Comparer) gone(lo, hi int64) {
	c.Report.find(Deleted, lo, hi, "", "%s missing", places(lo, hi))
	if len(c.Report.Findings) <= maxFindings && c.Report.More == 0 && hi-lo <= blockSize {
		for at := lo; at < hi; at++ {
			c.missing[at] = len(c.Report.Findings) - 1
		}
	}
}

// differ says why an entry is not the one that was sealed at the next place.
func (c *Comparer) differ(e Entry, h tlog.Hash) {
	r := c.Report
	at, sealed := c.place(h)
	switch {
	case !sealed && e.Tenant != c.Tenant: // said already
		c.next, c.pending = c.next+1, -1
	case !sealed && c.next >= c.First+int64(len(c.Leaves)):
		r.find(Inserted, e.Seq, e.Seq+1, e.ID, "entry %s at %d was never sealed", e.ID, e.Seq)
	case !sealed:
		r.find(Edited, c.next, c.next+1, e.ID, "entry %s at %d is not what was sealed there", e.ID, c.next)
		c.pending = -1
		if r.More == 0 {
			c.pending = len(r.Findings) - 1
		}
		c.next++
	case c.pending >= 0 && at == c.next-1: // the one before pushed this one back
		f := &r.Findings[c.pending]
		f.Kind, f.Text = Inserted, "entry "+f.Entry+" was never sealed; it stands before the one that was sealed at that place"
		c.shift = e.Seq - at
		c.next, c.pending = at+1, -1
	case at > c.next:
		c.gone(c.next, at)
		c.shift = e.Seq - at
		c.next, c.pending = at+1, -1
	default:
		if i, ok := c.missing[at]; ok && r.Findings[i].Kind == Deleted {
			f := &r.Findings[i]
			f.Kind, f.Entry, f.Text = Reordered, e.ID, places(f.Seq, f.Until)+" not where it was sealed, but later"
			c.shift = 0
			return
		}
		r.find(Reordered, at, at+1, e.ID, "entry %s, sealed at %d, comes again", e.ID, at)
		c.pending = -1
	}
}

func (c *Comparer) payload(e prepared) {
	r := c.Report
	switch {
	case e.ErasedAt != nil && e.Payload == "" && len(e.Salt) == 0:
		r.Erased++
	case !e.commits:
		r.find(Payload, e.Seq, e.Seq+1, e.ID, "what entry %s at %d tells is not what was committed to", e.ID, e.Seq)
	default:
		r.Payloads++
	}
}

// End says what is missing after the last entry.
func (c *Comparer) End() {
	if end := c.First + int64(len(c.Leaves)); c.next < end {
		c.Report.find(Truncated, c.next, end, "", "%s missing at the end", places(c.next, end))
	}
	if c.signed != nil {
		c.signed.end(c.Report)
	}
}
