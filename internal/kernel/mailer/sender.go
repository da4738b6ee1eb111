package mailer

import (
	"context"
	"errors"
	"fmt"
)

// Sender delivers a message or says why not; Permanent tells whether to try again. An
// error may also mean that the answer got lost after the message was taken: sending it
// again is right, for its Message-ID stays the same.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Error says where sending failed.
type Error struct {
	Stage string // message, connect, sender, recipient or content
	Code  int    // the server's SMTP code, 0 when it gave none
	Reply string // what the server wrote; may name the recipient, so it belongs in the e-mail log only
	Final bool   // trying again will not help
	Err   error
}

// Error returns the failure without anything the server wrote, for logs.
func (e *Error) Error() string {
	kind := "temporary"
	if e.Final {
		kind = "final"
	}
	if e.Code != 0 {
		return fmt.Sprintf("mail: %s failure at %s, code %d", kind, e.Stage, e.Code)
	}
	return fmt.Sprintf("mail: %s failure at %s", kind, e.Stage)
}

// Unwrap returns the cause, whose text may name the recipient.
func (e *Error) Unwrap() error { return e.Err }

// Permanent reports whether err says that sending this message again will not help: the
// server refused this recipient or content for good, or the message is malformed. A
// server that cannot be reached, refuses our sign-in or our sender address is not that:
// the operator can repair it.
func Permanent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Final
}
