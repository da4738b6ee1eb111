package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/policy"
)

// Visit is one request of somebody whose tenant is known.
type Visit struct {
	At        time.Time
	Tenant    id.ID
	Partner   id.ID
	Member    id.ID // Nil for services and visitors
	Kind      string
	Name      string
	IP        string
	Method    string
	Route     string // the pattern
	Action    string
	Status    int
	Took      time.Duration
	UserAgent string
	RequestID string
	Fault     string // what broke, without any value; "" when nothing did
	Trace     string // where it broke
}

// Step is one attempt at a job, or one interaction with a system of somebody else.
type Step struct {
	At      time.Time
	Tenant  id.ID
	Kind    string // job or vendor
	Name    string // of the job's kind, or of the system
	Outcome string
	Took    time.Duration
	Fault   string // a code, never a text that quotes a value
}

// The kinds of Step.
const (
	Job    = "job"
	Vendor = "vendor"
)

const (
	bufferSize = 8192
	batchSize  = 500
	batchEvery = time.Second
)

// Service keeps and shows the journal.
type Service struct {
	ops    *op.Ops
	visits chan Visit
	steps  chan Step
	lost   atomic.Int64
	kept   atomic.Int64
}

// New returns the room's service. Nothing is written before Run.
func New(o *op.Ops) *Service {
	return &Service{ops: o, visits: make(chan Visit, bufferSize), steps: make(chan Step, bufferSize)}
}

// Stats are the counts since the start.
type Stats struct{ Kept, Lost, Waiting int64 }

// Stats returns how many entries were written, lost, and wait.
func (s *Service) Stats() Stats {
	return Stats{s.kept.Load(), s.lost.Load(), int64(len(s.visits) + len(s.steps))}
}

// Visit takes a request into the journal. It never blocks; one without a tenant belongs to no journal.
func (s *Service) Visit(v Visit) {
	if v.Tenant == id.Nil {
		return
	}
	select {
	case s.visits <- v:
	default:
		s.lost.Add(1)
	}
}

// Step takes a job or an interaction into the journal. It never blocks.
func (s *Service) Step(v Step) {
	if v.Tenant == id.Nil {
		return
	}
	select {
	case s.steps <- v:
	default:
		s.lost.Add(1)
	}
}

// Run writes what is taken in, until ctx ends; then it writes what is left, for at most five seconds.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(batchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			for len(s.visits)+len(s.steps) > 0 && last.Err() == nil {
				s.Flush(last)
			}
			return nil
		case <-tick.C:
			for more := true; more && ctx.Err() == nil; more = len(s.visits)+len(s.steps) >= batchSize {
				s.Flush(ctx)
			}
		}
	}
}

// batch is what one tenant gets in one transaction.
type batch struct {
	visits []Visit
	steps  []Step
}

// Flush writes what waits, up to a batch of each kind. What cannot be written is lost and counted.
func (s *Service) Flush(ctx context.Context) {
	all := map[id.ID]*batch{}
	of := func(tenant id.ID) *batch {
		if all[tenant] == nil {
			all[tenant] = &batch{}
		}
		return all[tenant]
	}
	for _, v := range drain(s.visits) {
		of(v.Tenant).visits = append(of(v.Tenant).visits, v)
	}
	for _, v := range drain(s.steps) {
		of(v.Tenant).steps = append(of(v.Tenant).steps, v)
	}
	for tenant, b := range all {
		n := int64(len(b.visits) + len(b.steps))
		if err := s.write(ctx, tenant, b); err != nil {
			s.lost.Add(n)
			s.ops.Log.Warn("journal entries are lost", "tenant", tenant, "entries", n, "error", err)
			continue
		}
		s.kept.Add(n)
	}
}

func drain[T any](from chan T) []T {
	var out []T
	for len(out) < batchSize {
		select {
		case v := <-from:
			out = append(out, v)
		default:
			return out
		}
	}
	return out
}

func (s *Service) write(ctx context.Context, tenant id.ID, b *batch) error {
	_, err := op.Write(ctx, s.ops, access.NewSystem(tenant, "journal"), ActRecord, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		tx.Unchanged() // the journal is itself the record
		e, err := policy.In(ctx, tx)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, insert(ctx, tx, b, e.Rule("analytics").Period.Unit != datamap.NotStored)
	})
	return err
}

// fault is what one report of a batch gets.
type fault struct {
	id          id.ID
	fingerprint string
	title       string
	route       string
	trace       string
	visits      []Visit
}

// faults groups the visits that failed by what failed.
func faults(visits []Visit) []fault {
	var out []fault
	for _, v := range visits {
		if v.Status < 500 {
			continue
		}
		title := v.Fault
		if title == "" {
			title = "Answered without a reason"
		}
		sum := sha256.Sum256([]byte(v.Route + "\x00" + title + "\x00" + v.Trace))
		print := hex.EncodeToString(sum[:])
		i := slices.IndexFunc(out, func(f fault) bool { return f.fingerprint == print })
		if i < 0 {
			i = len(out)
			out = append(out, fault{id: id.New(), fingerprint: print, title: clip(title, 300), route: v.Route, trace: clip(v.Trace, 4000)})
		}
		out[i].visits = append(out[i].visits, v)
	}
	slices.SortFunc(out, func(a, b fault) int { return strings.Compare(a.fingerprint, b.fingerprint) }) // two programs lock in one order
	return out
}

// use is how often one side, or one member, used one page on one day.
type use struct {
	day     time.Time
	member  id.ID
	partner id.ID
	route   string
	visits  int64
}

// usage counts the pages that people opened. With members it counts for each person.
func usage(visits []Visit, members bool) []use {
	var out []use
	for _, v := range visits {
		if v.Kind != string(access.Person) || v.Method != "GET" || v.Status != 200 || v.Member == id.Nil {
			continue
		}
		u := use{day: v.At.UTC().Truncate(24 * time.Hour), partner: v.Partner, route: v.Route}
		if members {
			u.member = v.Member
		}
		i := slices.IndexFunc(out, func(x use) bool {
			return x.day.Equal(u.day) && x.member == u.member && (members || x.partner == u.partner) && x.route == u.route
		})
		if i < 0 {
			i = len(out)
			out = append(out, u)
		}
		out[i].visits++
	}
	slices.SortFunc(out, func(a, b use) int {
		return strings.Compare(a.day.Format(time.DateOnly)+a.member.String()+a.partner.String()+a.route, b.day.Format(time.DateOnly)+b.member.String()+b.partner.String()+b.route)
	})
	return out
}

// clip cuts s to at most n bytes, never inside a rune, and drops what cannot be stored.
func clip(s string, n int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "?")
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
