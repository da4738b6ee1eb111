// Package id is the identifier of every stored thing: a UUID version 7 (RFC 9562),
// so that keys made later sort later.
package id

import (
	"database/sql/driver"
	"encoding/hex"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// ID identifies a stored thing. The zero ID means none and is stored as NULL.
type ID [16]byte

// Nil is the zero ID.
var Nil ID

// New returns a new version 7 ID. It panics only when the system has no randomness.
func New() ID { return ID(uuid.Must(uuid.NewV7())) }

// Parse reads the canonical 36-character form; ok is false for anything else.
func Parse(s string) (v ID, ok bool) {
	if len(s) != 36 {
		return Nil, false
	}
	u, err := uuid.Parse(s)
	return ID(u), err == nil
}

// Must reads a canonical ID that is known to be well-formed, such as one in a test.
func Must(s string) ID { return ID(uuid.MustParse(s)) }

// String returns the canonical form, "" for Nil.
func (v ID) String() string {
	if v == Nil {
		return ""
	}
	return uuid.UUID(v).String()
}

// IsZero reports whether v is Nil; encoding/json's omitzero uses it.
func (v ID) IsZero() bool { return v == Nil }

// MarshalText writes the canonical form, nothing for Nil.
func (v ID) MarshalText() ([]byte, error) { return v.AppendText(nil) }

// AppendText adds the canonical form to b, nothing for Nil: ids are the most of many an answer.
func (v ID) AppendText(b []byte) ([]byte, error) {
	if v == Nil {
		return b, nil
	}
	for i, part := range [...][]byte{v[:4], v[4:6], v[6:8], v[8:10], v[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b, nil
}

// UnmarshalText reads the canonical form; empty text is Nil.
func (v *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*v = Nil
		return nil
	}
	u, err := uuid.ParseBytes(b)
	if err != nil {
		return err
	}
	*v = ID(u)
	return nil
}

// ScanUUID implements pgtype.UUIDScanner; NULL becomes Nil.
func (v *ID) ScanUUID(u pgtype.UUID) error {
	*v = Nil
	if u.Valid {
		*v = u.Bytes
	}
	return nil
}

// UUIDValue implements pgtype.UUIDValuer; Nil becomes NULL.
func (v ID) UUIDValue() (pgtype.UUID, error) {
	return pgtype.UUID{Bytes: v, Valid: v != Nil}, nil
}

// Value implements driver.Valuer for the few places that speak database/sql.
func (v ID) Value() (driver.Value, error) {
	if v == Nil {
		return nil, nil
	}
	return v.String(), nil
}
