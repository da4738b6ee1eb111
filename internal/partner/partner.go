// Package partner keeps the partner companies of a programme: resellers, referrers, distributors, agencies and technology
// partners.
//
// A partner company is the unit of isolation inside a tenant: its people see the rows that carry its id and no others.
//
//	invited ──first sign-in──▶ active ⇄ suspended ──▶ ended
//
// Invariants:
//
//  1. A partner's people see their own company only; everybody else's answers "not found".
//  2. A name is never empty; the domains are registrable domains, lower-case, without duplicates.
//  3. People of a suspended or ended partner are signed out at once: their memberships stop answering.
//  4. The manager of a partner is an active member of the vendor's side.
package partner

import (
	"context"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/op"
)

// The use cases of the room.
const (
	ActList   access.Action = "partner.list"
	ActRead   access.Action = "partner.read"
	ActCreate access.Action = "partner.create"
	ActUpdate access.Action = "partner.update"

	ActVersions access.Action = "partner.versions"
	ActRestore  access.Action = "partner.restore"
)

// Partner is a partner company.
type Partner struct {
	TenantID    id.ID     `db:"tenant_id" json:"tenant_id"`
	ID          id.ID     `db:"partner_id" json:"id"`
	Name        string    `db:"name" json:"name"`
	NameNorm    string    `db:"name_norm" json:"name_norm"`
	Kind        string    `db:"kind" json:"kind"`
	Domains     []string  `db:"domains" json:"domains"`
	Country     string    `db:"country" json:"country"`
	Region      string    `db:"region" json:"region"`
	ManagerID   id.ID     `db:"manager_id" json:"manager_id"`
	ManagerName string    `db:"manager_name" json:"manager_name"`
	Status      string    `db:"status" json:"status"`
	ExternalID  *string   `db:"external_id" json:"external_id"`
	ImportID    id.ID     `db:"import_id" json:"import_id"`
	Version     int       `db:"version" json:"version"`
	CreatedAt   time.Time `db:"created_at" json:"created_at"`
	UpdatedAt   time.Time `db:"updated_at" json:"updated_at"`
}

// Object returns what an access decision needs to know of p.
func (p Partner) Object() access.Object { return access.Object{Partner: p.ID} }

// shown returns p as the actor may see it: the vendor's own bookkeeping is not told to a partner. Every read of the room
// ends here.
func (p Partner) shown(who access.Actor) Partner {
	if who.Persona == access.Partner {
		p.ExternalID, p.ImportID = nil, id.Nil
	}
	return p
}

// Kinds and Statuses are the allowed values, in the order that people read them.
var (
	Kinds    = []string{"reseller", "referrer", "distributor", "agency", "technology"}
	Statuses = []string{"active", "invited", "suspended", "ended"}
)

// Facts are what somebody says about a partner; nil means not said.
type Facts struct {
	Name       *string
	Kind       *string
	Domains    *[]string
	Country    *string // ISO 3166-1 alpha-2, or the country's name
	Region     *string
	ManagerID  *id.ID // Nil takes the manager away
	Status     *string
	ExternalID *string // "" takes it away
}

// apply puts the facts on p and returns every field that is not acceptable.
func (f Facts) apply(p *Partner) errs.Problems {
	var bad errs.Problems
	if f.Name != nil {
		p.Name = bad.Text("name", *f.Name, 200)
		p.NameNorm = orgname.NormalName(p.Name)
	}
	bad.Need("name", p.Name)
	if f.Kind != nil {
		p.Kind = *f.Kind
	}
	if !slices.Contains(Kinds, p.Kind) {
		bad.Add("kind", "field.choice", "Choose one of %s.", strings.Join(Kinds, ", "))
	}
	if f.Domains != nil {
		p.Domains = nil
		for _, raw := range *f.Domains {
			d, ok := orgname.Domain(raw)
			if !ok {
				bad.Add("domains", "domain.malformed", "%q is not a domain; write it like example.com.", shortened(raw))
			} else if orgname.FreeMail(d) {
				bad.Add("domains", "domain.free_mail", "%s is a public mail provider, not the partner's own domain.", d)
			} else if !slices.Contains(p.Domains, d) {
				p.Domains = append(p.Domains, d)
			}
		}
		if len(p.Domains) > 50 {
			bad.Add("domains", "field.too_many", "A partner can have at most 50 domains.")
		}
	}
	if p.Domains == nil {
		p.Domains = []string{}
	}
	if f.Country != nil {
		code, ok := country.Lookup(*f.Country)
		if !ok && strings.TrimSpace(*f.Country) != "" {
			bad.Add("country", "country.unknown", "Use a two-letter country code such as DE, or the country's English name.")
		}
		p.Country = code
	}
	if f.Region != nil {
		p.Region = bad.Text("region", *f.Region, 100)
	}
	if f.Status != nil {
		p.Status = *f.Status
	}
	if !slices.Contains(Statuses, p.Status) {
		bad.Add("status", "field.choice", "Choose one of %s.", strings.Join(Statuses, ", "))
	}
	if f.ExternalID != nil {
		p.ExternalID = nil
		if v := bad.Text("external_id", *f.ExternalID, 200); v != "" {
			p.ExternalID = &v
		}
	}
	return bad
}

// Refused returns every value that no partner may have, so that a door can tell them along with what it finds itself. A name
// that is not given is not missed.
func (f Facts) Refused() []errs.Field {
	return f.apply(&Partner{Name: "-", Kind: Kinds[0], Status: Statuses[0]})
}

// Service runs the room's use cases.
type Service struct{ ops *op.Ops }

// New returns the room's service.
func New(o *op.Ops) *Service { return &Service{ops: o} }

// refused maps what the schema refuses to what a caller is told.
func refused(err error, constraint string) error {
	switch constraint {
	case "partner_external_uq":
		return errs.Refused([]errs.Field{{Name: "external_id", Code: "field.taken", Msg: "Another partner already has this external id."}})
	case "partner_manager_fk":
		return errs.Refused([]errs.Field{{Name: "manager_id", Code: "field.unknown_object", Msg: "There is no such person on the vendor's side."}})
	}
	return err
}

// Get returns one partner. Errors: NotFound.
func (s *Service) Get(ctx context.Context, who access.Actor, v id.ID) (Partner, error) {
	var out Partner
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("partner", v)
		r.Query(sqlGet, []any{who.Tenant, v}, one(&out))
	})
	return out.shown(who), err
}

// shortened keeps what was typed recognisable in a message.
func shortened(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
