// Package verify checks what the audit log gives out, without the database and without the program: bundles of entries,
// checkpoints and proofs. It uses the standard library and golang.org/x/mod/sumdb only, so that it can be copied and read
// on its own; docs/audit-bundle.md describes the formats.
//
// What is believed: the public key that the reader gives (or, said so, the one in the bundle), and a checkpoint that the reader
// kept. Everything else is computed.
package verify

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// LeafLabel is the first field of a leaf; it names the encoding.
const LeafLabel = "entente/audit-entry/1"

// TimeFormat is how a leaf writes a time, in UTC with microseconds.
const TimeFormat = "2006-01-02T15:04:05.000000Z"

// Entry is one entry of the log as a bundle carries it. Its ids are canonical UUIDs, "" for none.
type Entry struct {
	Seq        int64      `json:"seq"`
	Pruned     bool       `json:"pruned,omitempty"` // the entry was deleted when its period was over; its leaf stays
	Tenant     string     `json:"tenant_id,omitempty"`
	ID         string     `json:"entry_id"`
	At         time.Time  `json:"at"`
	Op         string     `json:"op_id,omitempty"`
	Category   string     `json:"category"`
	ActorKind  string     `json:"actor_kind,omitempty"`
	ActorID    string     `json:"actor_id,omitempty"`
	ActorRole  string     `json:"actor_role,omitempty"`
	Credential string     `json:"credential_id,omitempty"`
	Partner    string     `json:"partner_id,omitempty"`
	Action     string     `json:"action,omitempty"`
	Outcome    string     `json:"outcome,omitempty"`
	ObjectType string     `json:"object_type,omitempty"`
	ObjectID   string     `json:"object_id,omitempty"`
	Commitment []byte     `json:"commitment,omitempty"`
	Salt       []byte     `json:"salt,omitempty"`
	Payload    string     `json:"payload,omitempty"` // the committed bytes, which are JSON
	ErasedAt   *time.Time `json:"erased_at,omitempty"`
}

// Leaf returns the bytes that the tree holds the hash of: each field as its length in four bytes, big endian, and its bytes.
func (e Entry) Leaf() []byte {
	fields := [...]string{LeafLabel, e.Tenant, e.ID, e.At.UTC().Format(TimeFormat), e.Op, e.Category, e.ActorKind, e.ActorID, e.ActorRole, e.Credential,
		e.Partner, e.Action, e.Outcome, e.ObjectType, e.ObjectID, string(e.Commitment)}
	n := 0
	for _, f := range fields {
		n += 4 + len(f)
	}
	b := make([]byte, 0, n)
	for _, f := range fields {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f))) //nolint:gosec // fields are short
		b = append(b, f...)
	}
	return b
}

// Hash returns the RFC 6962 hash of the entry's leaf.
func (e Entry) Hash() tlog.Hash { return tlog.RecordHash(e.Leaf()) }

// Commits reports whether payload is what commitment was made from with salt: SHA-256(salt ‖ payload).
func Commits(commitment, salt, payload []byte) bool {
	h := sha256.New()
	h.Write(salt)
	h.Write(payload)
	return string(h.Sum(nil)) == string(commitment)
}
