// Package account keeps end customers (accounts) and the people who work there (contacts).
//
// Who sees an account: the vendor's people all of them; a partner those that are shared with it (table account_partner).
// When a partner names a customer, it is found among the accounts shared with that partner only, and otherwise made anew:
// a partner never learns from this room that somebody else knows the customer too.
//
// Who sees a contact: the vendor's people all of them; a partner those that it brought itself.
//
// Invariants:
//
//  1. A partner's account is shared with it in the transaction that makes it.
//  2. The domain is registrable and lower-case, or empty; public mail providers are no domain of a customer.
//  3. A partner neither sees nor gives external ids.
//  4. A contact's partner is the partner of the person who added it, and never changes.
package account

import (
	"fmt"
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
	ActList          access.Action = "account.list"
	ActRead          access.Action = "account.read"
	ActCreate        access.Action = "account.create"
	ActUpdate        access.Action = "account.update"
	ActVersions      access.Action = "account.versions"
	ActRestore       access.Action = "account.restore"
	ActContactList   access.Action = "contact.list"
	ActContactRead   access.Action = "contact.read"
	ActContactCreate access.Action = "contact.create"
	ActContactUpdate access.Action = "contact.update"
	ActContactDelete access.Action = "contact.delete"

	ActContactVersions access.Action = "contact.versions"
	ActContactRestore  access.Action = "contact.restore"
)

// Account is an end customer.
type Account struct {
	TenantID   id.ID     `db:"tenant_id" json:"tenant_id"`
	ID         id.ID     `db:"account_id" json:"id"`
	Name       string    `db:"name" json:"name"`
	NameNorm   string    `db:"name_norm" json:"name_norm"`
	Domain     string    `db:"domain" json:"domain"`
	Country    string    `db:"country" json:"country"`
	Sector     string    `db:"sector" json:"sector"`
	Employees  *int      `db:"employees" json:"employees"`
	ParentName string    `db:"parent_name" json:"parent_name"`
	Source     string    `db:"source" json:"source"`
	ExternalID *string   `db:"external_id" json:"external_id"`
	ImportID   id.ID     `db:"import_id" json:"import_id"`
	Version    int       `db:"version" json:"version"`
	CreatedAt  time.Time `db:"created_at" json:"created_at"`
	UpdatedAt  time.Time `db:"updated_at" json:"updated_at"`
}

// shown returns a as the actor may see it: the vendor's own bookkeeping is not told to a partner. Every read of the room
// ends here.
func (a Account) shown(who access.Actor) Account {
	if who.Persona == access.Partner {
		a.ExternalID, a.ImportID = nil, id.Nil
	}
	return a
}

// notByPartners refuses an external id given by a partner: they are the vendor's keys, and "taken" would tell of records that
// the partner may not see.
func notByPartners(who access.Actor, given *string) []errs.Field {
	if who.Persona != access.Partner || given == nil {
		return nil
	}
	return []errs.Field{{Name: "external_id", Code: "field.vendor_only", Msg: "External ids are given by the vendor only. Leave this out."}}
}

// Facts are what somebody says about an account; nil means not said.
type Facts struct {
	Name       *string
	Domain     *string // a domain, a web address or an e-mail address
	Country    *string // ISO 3166-1 alpha-2, or the country's name
	Sector     *string
	Employees  *int // below zero takes the number away
	ParentName *string
	ExternalID *string // "" takes it away
}

// Refused returns every value that no account may have, so that a door can tell them along with what it finds itself. A name
// that is not given is not missed.
func (f Facts) Refused() []errs.Field { return f.Apply(&Account{Name: "-"}) }

// Service runs the room's use cases.
type Service struct{ ops *op.Ops }

// New returns the room's service.
func New(o *op.Ops) *Service { return &Service{ops: o} }

// text puts a text that was given on dst.
func text(bad *errs.Problems, dst, v *string, name string, most int) {
	if v != nil {
		*dst = bad.Text(name, *v, most)
	}
}

// externalID puts an external id that was given on dst; "" takes it away.
func externalID(bad *errs.Problems, dst **string, v *string) {
	if v == nil {
		return
	}
	*dst = nil
	if given := bad.Text("external_id", *v, 200); given != "" {
		*dst = &given
	}
}

// Apply puts the facts on a and returns every field that is not acceptable.
func (f Facts) Apply(a *Account) errs.Problems {
	var bad errs.Problems
	text(&bad, &a.Name, f.Name, "name", 200)
	a.NameNorm = orgname.NormalName(a.Name)
	bad.Need("name", a.Name)
	if f.Domain != nil {
		a.Domain = ""
		if raw := strings.TrimSpace(*f.Domain); raw != "" {
			d, ok := orgname.Domain(raw)
			switch {
			case !ok:
				bad.Add("domain", "domain.malformed", "This is not a domain; write it like example.com.")
			case orgname.FreeMail(d):
				bad.Add("domain", "domain.free_mail", "%s is a public mail provider. Give the customer's own domain, or leave this empty.", d)
			default:
				a.Domain = d
			}
		}
	}
	if f.Country != nil {
		code, ok := country.Lookup(*f.Country)
		if !ok && strings.TrimSpace(*f.Country) != "" {
			hint := ""
			if s, near := country.Suggest(*f.Country); near {
				hint = fmt.Sprintf(" Did you mean %s (%s)?", country.Name(s), s)
			}
			bad.Add("country", "country.unknown", "Use a two-letter country code such as DE, or the country's English name.%s", hint)
		}
		a.Country = code
	}
	text(&bad, &a.Sector, f.Sector, "sector", 100)
	text(&bad, &a.ParentName, f.ParentName, "parent_name", 200)
	if f.Employees != nil {
		a.Employees = f.Employees
		if *f.Employees < 0 {
			a.Employees = nil
		} else if *f.Employees > 100_000_000 {
			bad.Add("employees", "field.range", "Give a number of employees between 0 and 100,000,000.")
		}
	}
	externalID(&bad, &a.ExternalID, f.ExternalID)
	return bad
}

func refused(err error, constraint string) error {
	switch constraint {
	case "account_external_uq":
		return errs.Refused([]errs.Field{{Name: "external_id", Code: "field.taken", Msg: "Another account already has this external id."}})
	case "contact_external_uq":
		return errs.Refused([]errs.Field{{Name: "external_id", Code: "field.taken", Msg: "Another contact already has this external id."}})
	case "contact_account_fk":
		return errs.Refused([]errs.Field{{Name: "account_id", Code: "field.unknown_object", Msg: "There is no such account here."}})
	}
	return err
}
