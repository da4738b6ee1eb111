// Package page cuts lists into pages: limits, and keyset cursors that a client can carry but
// neither read meaning into nor change.
package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// Page sizes of every list.
const (
	DefaultLimit = 50
	MaxLimit     = 200
	MaxExport    = 1_000_000 // rows of one export
)

// Limit returns the page size for what a caller asked: DefaultLimit for zero or less, never more than MaxLimit.
func Limit(n int) int {
	if n <= 0 {
		return DefaultLimit
	}
	return min(n, MaxLimit)
}

const (
	version  = 1
	macSize  = sha256.Size
	maxToken = 8 << 10 // characters; longer ones are refused unread

	kindInt    = 'i'
	kindString = 's'
	kindTime   = 't'
	kindID     = 'u'
)

// Signer makes and checks cursors. It is safe for concurrent use.
type Signer struct{ key []byte }

// NewSigner returns a Signer with this secret, which all processes of an installation share.
func NewSigner(key []byte) *Signer { return &Signer{key: append([]byte(nil), key...)} }

// Encode returns the token for the list position vals, valid only for the same scope (the tenant
// and whatever else must not mix) and sort name. Values are int64, int, string, time.Time,
// id.ID or [16]byte; another type panics, since the sort's author chose it.
func (s *Signer) Encode(scope, sort string, vals ...any) string {
	b := []byte{version}
	for _, v := range vals {
		switch v := v.(type) {
		case int64:
			b = binary.AppendVarint(append(b, kindInt), v)
		case int:
			b = binary.AppendVarint(append(b, kindInt), int64(v))
		case string:
			b = binary.AppendUvarint(append(b, kindString), uint64(len(v)))
			b = append(b, v...)
		case time.Time:
			b = binary.AppendVarint(append(b, kindTime), v.Unix())
			b = binary.AppendUvarint(b, uint64(v.Nanosecond()))
		case id.ID:
			b = append(append(b, kindID), v[:]...)
		case [16]byte:
			b = append(append(b, kindID), v[:]...)
		default:
			panic(fmt.Sprintf("page: a cursor cannot hold %T", v))
		}
	}
	return base64.RawURLEncoding.EncodeToString(s.mac(b, scope, sort, b))
}

// mac appends the authentication code of payload under scope and sort to dst.
func (s *Signer) mac(dst []byte, scope, sort string, payload []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	var n [8]byte
	for _, part := range []string{"entente cursor", scope, sort} {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	h.Write(payload)
	return h.Sum(dst)
}

// Cursor is a checked list position.
type Cursor struct{ rest []byte }

// Decode checks a token made by Encode with the same scope and sort. Everything else, the empty
// token included, is a Malformed error with code cursor.bad and field cursor.
func (s *Signer) Decode(token, scope, sort string) (Cursor, error) {
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return Cursor{}, bad()
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < 1+macSize {
		return Cursor{}, bad()
	}
	payload, mac := b[:len(b)-macSize], b[len(b)-macSize:]
	if !hmac.Equal(mac, s.mac(nil, scope, sort, payload)) || payload[0] != version {
		return Cursor{}, bad()
	}
	return Cursor{rest: payload[1:]}, nil
}

// Resume makes a list go on behind the position of a cursor that Encode made: dst, pointers as Scan takes them, hold the list's
// beginning, which stays without a cursor. Malformed "cursor.bad" as Decode.
func (s *Signer) Resume(token, scope, sort string, dst ...any) error {
	if token == "" {
		return nil
	}
	c, err := s.Decode(token, scope, sort)
	if err != nil {
		return err
	}
	return c.Scan(dst...)
}

// Cut returns the first limit of items and, when there are more, the cursor of the next page, which next makes from the last item
// that stays. A list asks for limit+1 rows and cuts them.
func Cut[T any](items []T, limit int, next func(last T) string) ([]T, string) {
	if len(items) <= limit {
		return items, ""
	}
	return items[:limit], next(items[limit-1])
}

func bad() error {
	const msg = "This cursor does not belong to this list. Start again without one."
	e := errs.New(errs.Malformed, "cursor.bad", msg)
	e.Fields = []errs.Field{{Name: "cursor", Code: "cursor.bad", Msg: msg}}
	return e
}

// Scan copies the values in order into dst: *int64, *string, *time.Time (UTC), *id.ID or *[16]byte.
// Other types or another number of values than were encoded are cursor.bad: such a token
// is of an older release of the same sort.
func (c Cursor) Scan(dst ...any) error {
	b := c.rest
	for _, d := range dst {
		if len(b) == 0 {
			return bad()
		}
		var ok bool
		if b, ok = scan(b[0], b[1:], d); !ok {
			return bad()
		}
	}
	if len(b) != 0 {
		return bad()
	}
	return nil
}

func scan(kind byte, b []byte, dst any) (rest []byte, ok bool) {
	switch d := dst.(type) {
	case *int64:
		v, n := binary.Varint(b)
		if kind != kindInt || n <= 0 {
			return nil, false
		}
		*d = v
		return b[n:], true
	case *string:
		size, n := binary.Uvarint(b)
		if kind != kindString || n <= 0 || size > uint64(len(b)-n) {
			return nil, false
		}
		*d = string(b[n : n+int(size)])
		return b[n+int(size):], true
	case *time.Time:
		sec, n := binary.Varint(b)
		if kind != kindTime || n <= 0 {
			return nil, false
		}
		nano, m := binary.Uvarint(b[n:])
		if m <= 0 || nano >= 1e9 {
			return nil, false
		}
		*d = time.Unix(sec, int64(nano)).UTC()
		return b[n+m:], true
	case *id.ID:
		return scanID(kind, b, (*[16]byte)(d))
	case *[16]byte:
		return scanID(kind, b, d)
	}
	return nil, false
}

func scanID(kind byte, b []byte, d *[16]byte) (rest []byte, ok bool) {
	if kind != kindID || len(b) < len(d) {
		return nil, false
	}
	return b[copy(d[:], b):], true
}
