package audit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
)

// Payload is what an entry tells about people. Its JSON, as written here, is what is committed to and encrypted.
type Payload struct {
	ActorName   string          `json:"actor_name,omitempty"`
	ObjectLabel string          `json:"object_label,omitempty"`
	Changes     json.RawMessage `json:"changes,omitempty"` // column → [old, new]
	Note        string          `json:"note,omitempty"`
	RequestID   string          `json:"request_id,omitempty"`
	IP          string          `json:"ip,omitempty"`
	UserAgent   string          `json:"user_agent,omitempty"`
}

// Sealed is a payload as it is stored.
type Sealed struct{ Payload, Salt, Commitment []byte }

// saltSize is the size of a salt in bytes: nobody guesses a payload from its commitment.
const saltSize = 32

func place(entry id.ID) keyring.Place {
	return keyring.Place{Table: "audit_entry", Row: entry.String(), Column: "payload"}
}

// Seal encrypts p for an entry and commits to it.
func (p Payload) Seal(keys keyring.Sealer, entry id.ID) (Sealed, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return Sealed{}, fmt.Errorf("audit payload: %w", err)
	}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	sealed, err := keys.Seal(place(entry), plain)
	return Sealed{Payload: sealed, Salt: salt, Commitment: Commit(salt, plain)}, err
}

// Commit returns SHA-256(salt ‖ plain).
func Commit(salt, plain []byte) []byte {
	h := sha256.New()
	h.Write(salt)
	h.Write(plain)
	return h.Sum(nil)
}

// Stored is what the columns of PayloadColumns hold, before it is opened.
type Stored struct {
	sealed   bool
	payload  []byte
	erasedAt *time.Time
	plain    Payload // of an entry that the program before this one wrote
	changes  string
}

// Dest returns where to scan PayloadColumns.
func (s *Stored) Dest() []any {
	return []any{&s.sealed, &s.payload, &s.erasedAt, &s.plain.ActorName, &s.plain.ObjectLabel, &s.changes, &s.plain.Note, &s.plain.RequestID, &s.plain.IP, &s.plain.UserAgent}
}

// ErasedAt is when the payload was erased, the zero time when it was not.
func (s *Stored) ErasedAt() time.Time {
	if s.erasedAt == nil {
		return time.Time{}
	}
	return *s.erasedAt
}

// Bytes returns the payload's committed bytes, nil when it was erased. Errors as of keyring.Ring.Open.
func (s *Stored) Bytes(ctx context.Context, keys *keyring.Ring, tenant, entry id.ID) ([]byte, error) {
	if s.payload == nil {
		return nil, nil
	}
	plain, err := keys.Open(ctx, tenant, place(entry), s.payload)
	if err != nil {
		return nil, fmt.Errorf("audit entry %s: %w", entry, err)
	}
	return plain, nil
}

// Open decrypts the payload; an erased one is empty. Errors as of keyring.Ring.Open.
func (s *Stored) Open(ctx context.Context, keys *keyring.Ring, tenant, entry id.ID) (p Payload, err error) {
	if !s.sealed {
		p = s.plain
		p.Changes = json.RawMessage(s.changes)
		return p, nil
	}
	plain, err := s.Bytes(ctx, keys, tenant, entry)
	if err != nil || plain == nil {
		return p, err
	}
	return p, json.Unmarshal(plain, &p)
}
