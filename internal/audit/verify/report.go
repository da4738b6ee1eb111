package verify

import (
	"fmt"
	"time"
)

// The kinds of findings.
const (
	Edited        = "edited"       // an entry is not the one that was sealed
	Deleted       = "deleted"      // a sealed entry is missing
	Inserted      = "inserted"     // an entry was never sealed
	Reordered     = "reordered"    // an entry stands at another place than it was sealed at
	Payload       = "payload"      // what an entry tells is not what was committed to
	Truncated     = "truncated"    // the end is missing
	Rewound       = "rewound"      // the log is older than a checkpoint of it
	Forked        = "forked"       // the log is another one than a checkpoint of it
	OtherTenant   = "other-tenant" // it belongs to another tenant or installation
	OtherKey      = "other-key"    // it is not signed with the key
	Damaged       = "damaged"      // the hashes that come with it do not fit together
	Relabelled    = "relabelled"   // what is said to be erased or pruned is not what was signed
	Early         = "early"        // a warning: pruned before its period was over
	maxFindings   = 100
	blockSize     = 256
	maxLineLength = 1 << 20
)

// Finding is one thing that is wrong. Seq is the first place it is about, Until the first after it; both -1 where it is about the
// whole.
type Finding struct {
	Kind  string `json:"kind"`
	Seq   int64  `json:"seq"`
	Until int64  `json:"until"`
	Entry string `json:"entry_id,omitempty"`
	Text  string `json:"text"`
}

// Report is what a verification found.
type Report struct {
	OK         bool      `json:"ok"`
	Tenant     string    `json:"tenant_id"`
	Origin     string    `json:"origin"`
	Size       int64     `json:"tree_size"`
	Root       string    `json:"tree_root"`
	SignedAt   time.Time `json:"signed_at"`
	Key        string    `json:"key"`
	KeyTrusted bool      `json:"key_trusted"` // the reader gave it; otherwise it is only the bundle's own word
	First      int64     `json:"first_seq"`
	Entries    int64     `json:"entries"`
	Payloads   int64     `json:"payloads_checked"`
	Erased     int64     `json:"erased"`
	Pruned     int64     `json:"pruned"`
	Compared   string    `json:"compared_with,omitempty"` // the checkpoint that the reader kept
	Findings   []Finding `json:"findings"`
	More       int64     `json:"more_findings,omitempty"`

	NotCompared  string    `json:"not_compared,omitempty"` // why the checkpoint that the reader kept could not be compared
	Warnings     []Finding `json:"warnings,omitempty"`     // what may have an innocent reason; OK says nothing of them
	MoreWarnings int64     `json:"more_warnings,omitempty"`
}

func (r *Report) find(kind string, seq, until int64, entry, format string, args ...any) {
	r.OK = false
	if len(r.Findings) >= maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, Finding{Kind: kind, Seq: seq, Until: until, Entry: entry, Text: fmt.Sprintf(format, args...)})
}

// Of says which log the report is about.
func (r *Report) Of(cp Checkpoint) {
	r.Origin, r.Size, r.Root, r.SignedAt = cp.Origin, cp.Size, cp.Root.String(), cp.At
}

// Whole notes what is wrong with the whole.
func (r *Report) Whole(kind, format string, args ...any) { r.find(kind, -1, -1, "", format, args...) }

func places(lo, hi int64) string {
	if hi-lo == 1 {
		return fmt.Sprintf("the entry at %d is", lo)
	}
	return fmt.Sprintf("the entries %d to %d are", lo, hi-1)
}
