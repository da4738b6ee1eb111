package processor

import (
	"context"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/notice"
	"entente.dev/internal/op"
)

// Register is every entry, and the hosts that the operator configured of which no entry in use speaks.
type Register struct {
	Entries  []Processor
	Unlisted []Host
	Now      time.Time
}

// StateOf says how an entry stands.
func (r Register) StateOf(p Processor) string { return StateOf(r.Entries, p, r.Now) }

// In returns the entries in a state, by name.
func (r Register) In(states ...string) []Processor {
	var out []Processor
	for _, p := range r.Entries {
		if slices.Contains(states, r.StateOf(p)) {
			out = append(out, p)
		}
	}
	return out
}

func (s *Service) register(all []Processor, now time.Time) Register {
	r := Register{Entries: all, Now: now}
	for _, h := range s.hosts {
		if !slices.ContainsFunc(r.In(Active), func(p Processor) bool { return slices.Contains(p.Hosts, strings.ToLower(h.Name)) }) {
			r.Unlisted = append(r.Unlisted, h)
		}
	}
	return r
}

// List returns the register as the actor may see it: partners see no proposals.
func (s *Service) List(ctx context.Context, who access.Actor) (Register, error) {
	return op.Read(ctx, s.ops, who, ActList, func(tx *op.Tx) (Register, error) {
		all, err := many(ctx, tx, sqlList, tx.Who.Tenant)
		return s.register(all, tx.Now), err
	})
}

// Public returns the register as anybody may see it.
func (s *Service) Public(ctx context.Context, tenant id.ID, req access.Request) (Register, error) {
	return op.Public(ctx, s.ops, tenant, req, func(tx *op.Tx) (Register, error) {
		all, err := many(ctx, tx, sqlList, tx.Who.Tenant)
		return s.register(all, tx.Now), err
	})
}

// Unlisted returns the configured outbound hosts that are not those of an active entry of a tenant: the promise that no data goes
// anywhere else is kept when there is none.
func (s *Service) Unlisted(ctx context.Context, tenant id.ID) ([]Host, error) {
	r, err := s.Public(ctx, tenant, access.Request{})
	return r.Unlisted, err
}

// Reading is one entry with its objections and, for the vendor's people, its notice.
type Reading struct {
	Processor  Processor
	State      string
	Replaces   *Processor
	Objections []Objection
	Notice     notice.Notice
	Now        time.Time
}

// Get returns one entry. Errors: NotFound.
func (s *Service) Get(ctx context.Context, who access.Actor, v id.ID) (Reading, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (Reading, error) {
		tx.About("processor", v)
		p, err := one(ctx, tx, sqlGet, v)
		if err != nil {
			return Reading{}, err
		}
		out := Reading{Processor: p, Now: tx.Now}
		all, err := many(ctx, tx, sqlList, tx.Who.Tenant)
		if err != nil {
			return out, err
		}
		out.State = StateOf(all, p, tx.Now)
		if out.Objections, err = objections(ctx, tx, v); err != nil {
			return out, err
		}
		if p.ReplacesID != id.Nil {
			old, err := one(ctx, tx, sqlGet, p.ReplacesID)
			if err != nil && !errs.IsKind(err, errs.NotFound) {
				return out, err
			}
			out.Replaces = &old
		}
		if who.Persona == access.Staff && p.NoticeID != id.Nil {
			if out.Notice, err = notice.In(ctx, tx, p.NoticeID); errs.IsKind(err, errs.NotFound) {
				err = nil
			}
		}
		return out, err
	})
}

// Place says of one category of the data map where it lies and who else handles it.
type Place struct{ ID, Name, Stores, By string }

// Map says it of every category, in the order of the data map.
func Map(r Register) []Place {
	var out []Place
	for _, c := range datamap.Categories() {
		p := Place{ID: c.ID, Name: c.Name, Stores: strings.Join(c.Stores, ", ")}
		var by []string
		for _, e := range r.In(Active) {
			if slices.Contains(e.Categories, c.ID) {
				by = append(by, e.Name)
			}
		}
		for _, h := range r.Unlisted {
			if slices.Contains(h.Holds, c.ID) {
				by = append(by, h.Name)
			}
		}
		p.By = strings.Join(by, ", ")
		out = append(out, p)
	}
	return out
}
