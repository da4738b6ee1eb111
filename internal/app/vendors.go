package app

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/courier"
	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// What the program asks of systems of somebody else goes through one of these: each call leaves a line in the workflow log of the
// programme that it was about. A line says which system, when, for how long and how it went, and nothing of what was sent.

// interacted takes one interaction with a system into a tenant's journal.
func (a *App) interacted(tenant id.ID, system string, start time.Time, err error) {
	if a.Journal == nil || a.Ops == nil || a.Ops.Clock == nil { // the program is being built, for no tenant yet
		return
	}
	s := journal.Step{At: start, Tenant: tenant, Kind: journal.Vendor, Name: system, Outcome: "completed", Took: max(a.Ops.Clock().Sub(start), 0)}
	if err != nil {
		s.Outcome, s.Fault = "failed", fmt.Sprintf("%s %T", errs.Of(err).Code, err)
	}
	a.Journal.Step(s)
}

// telling is told of one interaction of a tenant's.
type telling func(tenant id.ID, system string, start time.Time, err error)

// What the systems are called in the log.
const (
	mailServer  = "mail server "
	checkpoints = "checkpoints to "
	fileStore   = "file store "
	keyStore    = "key store "
)

// mailHanded is told of every mail that was handed to the mail server.
func (a *App) mailHanded(tenant id.ID, took time.Duration, err error) {
	a.interacted(tenant, mailServer+a.Config.SMTP.Host, a.Ops.Clock().Add(-took), err)
}

// toldPlace tells of every checkpoint that is sent.
type toldPlace struct {
	courier.Place
	tell telling
}

// Send sends m and tells of each tenant whose checkpoint is in it.
func (p toldPlace) Send(ctx context.Context, m courier.Message) error {
	start := time.Now()
	err := p.Place.Send(ctx, m)
	for _, t := range m.Texts {
		if path := strings.Split(t.Name, "/"); len(path) == 4 { // checkpoints/INSTALLATION/TENANT/SIZE.txt
			if v, ok := id.Parse(path[2]); ok {
				p.tell(v, checkpoints+p.Name(), start, err)
			}
		}
	}
	return err
}

// toldStore tells of every file that is written to, read from or deleted in a file store elsewhere.
type toldStore struct {
	blob.Store
	host string
	tell telling
}

func (s toldStore) told(key string, start time.Time, err error) {
	tenant, _, _ := strings.Cut(key, "/")
	if v, ok := id.Parse(tenant); ok {
		s.tell(v, fileStore+s.host, start, err)
	}
}

// Put stores and tells.
func (s toldStore) Put(ctx context.Context, key string, r io.Reader) error {
	start := time.Now()
	err := s.Store.Put(ctx, key, r)
	s.told(key, start, err)
	return err
}

// Get opens and tells.
func (s toldStore) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	start := time.Now()
	r, err := s.Store.Get(ctx, key)
	s.told(key, start, err)
	return r, err
}

// Delete removes and tells.
func (s toldStore) Delete(ctx context.Context, key string) error {
	start := time.Now()
	err := s.Store.Delete(ctx, key)
	s.told(key, start, err)
	return err
}

// toldKEK tells of every data key that a key store elsewhere wraps or unwraps.
type toldKEK struct {
	crypt.KEK
	tell telling
}

// told returns a KEK that tells, when it is kept elsewhere.
func told(where string, k crypt.KEK, tell telling) crypt.KEK {
	if strings.HasPrefix(where, "vault:") {
		return toldKEK{k, tell}
	}
	return k
}

func (k toldKEK) told(ad []byte, start time.Time, err error) {
	tenant, _, _ := strings.Cut(string(ad), "|")
	if v, ok := id.Parse(tenant); ok {
		k.tell(v, keyStore+k.ID(), start, err)
	}
}

// Wrap wraps and tells.
func (k toldKEK) Wrap(ctx context.Context, plain, ad []byte) ([]byte, error) {
	start := time.Now()
	out, err := k.KEK.Wrap(ctx, plain, ad)
	k.told(ad, start, err)
	return out, err
}

// Unwrap unwraps and tells.
func (k toldKEK) Unwrap(ctx context.Context, wrapped, ad []byte) ([]byte, error) {
	start := time.Now()
	out, err := k.KEK.Unwrap(ctx, wrapped, ad)
	k.told(ad, start, err)
	return out, err
}
