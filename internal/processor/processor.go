// Package processor is the register of sub-processors: who else handles a programme's data, what for and where. A new one, and every
// change of one, is announced to the partners first; they may object until its day.
//
//	proposed ──announce──▶ announced ──its day, its notices out──▶ active ──end──▶ ended
//	    └─discard─▶ gone        └──withdraw, before its day──▶ withdrawn
//
// Active is not stored: it follows from the day. A change of an active entry is a new entry that takes its place on its day; until then
// the old one holds.
//
// Invariants:
//
//  1. An announced entry never changes; the day it takes force only moves on (trigger processor_guard).
//  2. No entry takes force before its term (the clock policy-notice, at least 14 days) after its announcement and after its last notice,
//     unless there was nobody to tell: the register of a programme without partners' people.
//  3. A partner sees only its own objections, and objects only while the entry is announced.
package processor

import (
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

// The use cases of the room.
const (
	ActList     access.Action = "processor.list"
	ActRead     access.Action = "processor.read"
	ActDraft    access.Action = "processor.draft"
	ActAnnounce access.Action = "processor.announce"
	ActObject   access.Action = "processor.object"
	ActDecide   access.Action = "processor.decide"
)

// Processor is one entry of the register.
type Processor struct {
	TenantID      id.ID      `db:"tenant_id" json:"tenant_id"`
	ID            id.ID      `db:"processor_id" json:"id"`
	ReplacesID    id.ID      `db:"replaces_id" json:"replaces_id"`
	Name          string     `db:"name" json:"name"`
	Purpose       string     `db:"purpose" json:"purpose"`
	Categories    []string   `db:"categories" json:"categories"` // ids of the data map
	Country       string     `db:"country" json:"country"`
	Regions       string     `db:"regions" json:"regions"`
	Safeguards    string     `db:"safeguards" json:"safeguards"` // what makes a transfer lawful
	Link          string     `db:"link" json:"link"`
	Hosts         []string   `db:"hosts" json:"hosts"` // outbound hosts of this program that are this processor's
	Basis         string     `db:"basis" json:"basis"` // first or notice
	Status        string     `db:"status" json:"status"`
	AnnouncedAt   *time.Time `db:"announced_at" json:"announced_at"`
	NotifiedAt    *time.Time `db:"notified_at" json:"notified_at"`
	EffectiveAt   *time.Time `db:"effective_at" json:"effective_at"`
	EndedAt       *time.Time `db:"ended_at" json:"ended_at"`
	NoticeSeconds int64      `db:"notice_seconds" json:"notice_seconds"`
	NoticeID      id.ID      `db:"notice_id" json:"notice_id"`
	Version       int        `db:"version" json:"version"`
	CreatedAt     time.Time  `db:"created_at" json:"created_at"`
	UpdatedAt     time.Time  `db:"updated_at" json:"updated_at"`
}

// The states of an entry, as State tells them.
const (
	Proposed  = "proposed"
	Announced = "announced"
	Active    = "active"
	Replaced  = "replaced"
	Withdrawn = "withdrawn"
	Ended     = "ended"
)

// active reports whether p has taken force by a time, and has not ended.
func (p Processor) active(at time.Time) bool {
	return p.Status == Announced && p.EffectiveAt != nil && !p.EffectiveAt.After(at) && (p.Basis == "first" || p.NotifiedAt != nil)
}

// StateOf says how p stands among all entries at a time.
func StateOf(all []Processor, p Processor, at time.Time) string {
	if !p.active(at) {
		return p.Status
	}
	if slices.ContainsFunc(all, func(o Processor) bool { return o.ReplacesID == p.ID && (o.active(at) || o.Status == Ended) }) {
		return Replaced
	}
	return Active
}

// Objection is one, with what became of it.
type Objection struct {
	TenantID      id.ID      `db:"tenant_id" json:"tenant_id"`
	ID            id.ID      `db:"objection_id" json:"id"`
	ProcessorID   id.ID      `db:"processor_id" json:"processor_id"`
	PartnerID     id.ID      `db:"partner_id" json:"partner_id"`
	MemberID      id.ID      `db:"member_id" json:"member_id"`
	PartnerName   string     `db:"partner_name" json:"partner_name"`
	ByName        string     `db:"by_name" json:"by_name"`
	Reason        string     `db:"reason" json:"reason"`
	Outcome       string     `db:"outcome" json:"outcome"` // open, accepted, declined or withdrawn
	OutcomeNote   string     `db:"outcome_note" json:"outcome_note"`
	DecidedAt     *time.Time `db:"decided_at" json:"decided_at"`
	DecidedByName string     `db:"decided_by_name" json:"decided_by_name"`
	Version       int        `db:"version" json:"version"`
	CreatedAt     time.Time  `db:"created_at" json:"created_at"`
}

// Host is an outbound host that this installation is configured to talk to, and what for: "mail server".
type Host struct {
	Name    string   `json:"host"`
	Purpose string   `json:"purpose"`
	Holds   []string `json:"categories"` // categories of data that go there
}

// Service runs the room's use cases. hosts are those that the operator configured, whatever the tenant.
type Service struct {
	ops   *op.Ops
	hosts []Host
}

// New returns the room's service.
func New(o *op.Ops, hosts []Host) *Service { return &Service{ops: o, hosts: hosts} }

// Facts are what an entry says.
type Facts struct {
	Name, Purpose, Country, Regions, Safeguards, Link string
	Categories, Hosts                                 []string
}

func (f *Facts) check() errs.Problems {
	var bad errs.Problems
	f.Name = bad.Line("name", f.Name, 200)
	bad.Need("name", f.Name)
	f.Purpose = bad.Text("purpose", f.Purpose, 1000)
	bad.Need("purpose", f.Purpose)
	f.Regions = bad.Line("regions", f.Regions, 300)
	f.Safeguards = bad.Text("safeguards", f.Safeguards, 1000)
	f.Link = bad.Line("link", f.Link, 500)
	if f.Link != "" && !webAddress(f.Link) {
		bad.Add("link", "field.url", "Write the whole address, like https://example.com/privacy.")
	}
	code, ok := country.Lookup(f.Country)
	if !ok {
		bad.Add("country", "country.unknown", "Use a two-letter country code such as DE, or the country's English name.")
	}
	f.Country = code
	if len(f.Categories) == 0 {
		bad.Add("categories", "field.required", "Choose at least one category of data that it handles.")
	}
	for _, c := range f.Categories {
		if _, ok := datamap.CategoryOf(c); !ok {
			bad.Add("categories", "field.choice", "%q is not a category of the data map.", c)
		}
	}
	f.Hosts = slices.DeleteFunc(f.Hosts, func(h string) bool { return h == "" })
	if len(f.Hosts) > 50 {
		bad.Add("hosts", "field.too_many", "Give at most 50 hosts.")
	}
	for _, h := range f.Hosts {
		if !hostName.MatchString(h) {
			bad.Add("hosts", "field.host", "%q is not a host name.", h)
		}
	}
	return bad
}

// Category is one of the data map, as far as a form needs it.
type Category struct{ ID, Name string }

// Categories are those of the data map, in its order.
func Categories() []Category {
	var out []Category
	for _, c := range datamap.Categories() {
		out = append(out, Category{c.ID, c.Name})
	}
	return out
}

// CategoryName returns the name of a category of the data map, or its id.
func CategoryName(v string) string {
	if c, ok := datamap.CategoryOf(v); ok {
		return c.Name
	}
	return v
}

// refused gives the database's own refusals words.
func refused(err error) error {
	switch pg.Constraint(err) {
	case "processor_notice_ck":
		return errs.Refused([]errs.Field{{Name: "effective_on", Code: "processor.notice", Msg: "Partners are told the full term of notice ahead. Choose a later day."}})
	case "processor_frozen_ck", "processor_kept_ck", "processor_step_ck":
		return errs.New(errs.Conflict, "processor.frozen", "What is announced stays as it is. Propose a change instead.")
	}
	return err
}

func stale() error {
	return errs.New(errs.Stale, "processor.stale", "Somebody changed this entry since you opened it. Read it again and repeat your change.")
}
