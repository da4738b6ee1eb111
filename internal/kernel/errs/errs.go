// Package errs is the one error type that crosses rooms: a closed kind, a stable
// machine code, a message that is safe to show, and the cause that only the log sees.
//
// An error that is not an *Error is a fault of ours: doors show it as Internal and
// hide its text.
package errs

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of refusal an error is. HTTP statuses are derived from it in httpx only.
type Kind uint8

// The closed set of kinds.
const (
	Internal        Kind = iota // a fault of ours
	Malformed                   // the request cannot be read as asked: bad JSON, unknown field
	Invalid                     // readable, but values are not acceptable; Fields names them
	Unauthenticated             // nobody is signed in, or the credential is dead
	Forbidden                   // signed in, may see the object, may not do this
	NotFound                    // does not exist, or the actor may not even see it
	Conflict                    // the object's state does not allow it
	Stale                       // the object changed since the caller read it
	TooLarge                    // over a limit
	Throttled                   // too often; RetryAfter says when
	Unavailable                 // a part we depend on is down or busy
)

// Field is one refused input: its wire name, a stable code and what to do about it.
type Field struct {
	Name string `json:"name"`
	Code string `json:"code"`
	Msg  string `json:"message"`
}

// Error is a refusal with everything a door needs to answer it.
type Error struct {
	Kind       Kind
	Code       string // stable, dotted: "deal.protected"
	Msg        string // safe for the user
	Fields     []Field
	RetryAfter time.Duration
	Err        error // for the log only
}

// Error returns code, message, fields and cause, for logs.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	b.WriteString(": ")
	b.WriteString(e.Msg)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s", f.Name, f.Msg)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an Error whose message is formatted; it must be safe to show.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Msg: fmt.Sprintf(format, args...)}
}

// Refused returns an Invalid error for the given fields, or nil when there are none,
// so that a validator may end with `return errs.Refused(fields)`.
func Refused(fields []Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Code: "invalid", Msg: "Some fields need another look.", Fields: fields}
}

// Missing returns the NotFound error for a kind of object, such as "deal", told in the words of Noun. It is the same
// for an object that does not exist and for one the actor may not see.
func Missing(what string) *Error {
	return New(NotFound, what+".not_found", "There is no such %s here.", Noun(what))
}

// Of returns err as an *Error; anything else becomes an Internal one with err as its cause.
// Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Internal, Code: "internal", Msg: "Something went wrong on our side.", Err: err}
}

// Is reports whether err is an *Error with this code.
func Is(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// IsKind reports whether err is an *Error of this kind.
func IsKind(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}
