// Package seal makes the audit log tamper-evident. A sequencer gives every committed entry its place in an RFC 6962 tree of
// its tenant, and signs the head of each tree that grew, as a C2SP checkpoint, a few seconds after the commit. The heads themselves are
// leaves of one tree for the installation. Checkpoints leave the host, so that not even a superuser of the database rewrites
// the log unseen. Package verify checks all of it from outside.
//
// Invariants:
//
//  1. One sequencer works at a time (advisory lock), and what it does is one transaction with a fencing number: two never fork a tree.
//  2. A committed entry is never passed over, in whatever order transactions end, and is sealed once.
//  3. A tree only grows. A leaf stays when its entry is erased or its period is over.
package seal

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"

	"golang.org/x/mod/sumdb/tlog"
)

// tick is how often the sequencer looks for entries, and atMost how many it seals at a time.
const (
	tick   = 3 * time.Second
	atMost = 20_000
)

// TreeHead is the newest signed head of a tree.
type TreeHead struct {
	Size int64     `json:"tree_size"`
	Root tlog.Hash `json:"tree_root"`
	At   time.Time `json:"signed_at"`
	Note string    `json:"checkpoint"` // the signed note
}

// Service runs the room's use cases.
type Service struct {
	ops     *op.Ops
	targets []Target
	every   time.Duration

	busy      atomic.Bool  // the last tick sealed something
	oldest    atomic.Int64 // when the oldest entry that is not sealed was seen first, unix nanoseconds; 0 for none
	delivered atomic.Int64 // when the newest checkpoint that arrived at every target was signed
}

// Options say where checkpoints are sent, and how often at most; every zero is an hour.
type Options struct {
	Targets []Target
	Every   time.Duration
}

// New returns the room's service.
func New(o *op.Ops, opt Options) *Service {
	if opt.Every <= 0 {
		opt.Every = time.Hour
	}
	return &Service{ops: o, targets: opt.Targets, every: opt.Every}
}

// Run seals and sends until ctx ends. A failure is logged and tried again.
func (s *Service) Run(ctx context.Context) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		if err := s.Tick(ctx); err != nil && ctx.Err() == nil {
			s.ops.Log.Error("the audit log was not sealed; it is tried again", "error", err)
		}
		if err := s.Deliver(ctx); err != nil && ctx.Err() == nil {
			s.ops.Log.Error("checkpoints did not leave the host; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// Tick encrypts what a program before this one left plain, and seals every entry that is committed. Nothing happens while another
// sequencer works.
func (s *Service) Tick(ctx context.Context) error {
	if err := s.adopt(ctx); err != nil {
		return err
	}
	for {
		n, err := s.Seal(ctx)
		if err != nil || n < atMost {
			return err
		}
	}
}

// Unsealed returns how long the oldest entry that is not sealed has been waiting, as far as this process knows; zero for none.
func (s *Service) Unsealed() time.Duration {
	if at := s.oldest.Load(); at != 0 {
		return s.ops.Clock().Sub(time.Unix(0, at))
	}
	return 0
}

// waiting notes how old the oldest of n waiting entries is.
func (s *Service) waiting(since time.Time) {
	if since.IsZero() {
		s.oldest.Store(0)
		return
	}
	s.oldest.Store(since.UnixNano())
}

// Seal seals at most 20,000 committed entries of all tenants and returns how many.
func (s *Service) Seal(ctx context.Context) (int, error) {
	signer, err := s.ops.Keys.Signer(ctx)
	if err != nil {
		s.stuck()
		return 0, err
	}
	n, err := s.seal(ctx, signer)
	if err != nil {
		s.stuck()
		return 0, err
	}
	s.waiting(time.Time{})
	return n, nil
}

// stuck says that sealing fails since now, or since before.
func (s *Service) stuck() { s.oldest.CompareAndSwap(0, s.ops.Clock().UnixNano()) }

// origin names a log in its checkpoints; Nil is the installation's own.
func (s *Service) origin(tenant id.ID) string {
	o := "entente/" + id.ID(s.ops.DB.Installation().ID).String()
	if tenant != id.Nil {
		o += "/" + tenant.String()
	}
	return o
}

var errFenced = errors.New("another sequencer was here in between; nothing was sealed twice")

// Today is the day by the program's clock, for names of files.
func (s *Service) Today() string { return s.ops.Clock().UTC().Format(time.DateOnly) }
