package accountapi

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/account"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
)

// Account is an end customer on the wire. What is the vendor's own is left out for a partner's people.
type Account struct {
	ID         id.ID     `json:"id"`
	Name       string    `json:"name" example:"Konex Industries"`
	Domain     string    `json:"domain" example:"konex.example"`
	Country    string    `json:"country" doc:"ISO 3166-1 alpha-2, or empty." example:"DE"`
	Sector     string    `json:"sector"`
	Employees  *int      `json:"employees,omitempty"`
	ParentName string    `json:"parent_name" doc:"The company it belongs to."`
	Source     string    `json:"source" enum:"vendor,partner,import" doc:"Who brought it."`
	ExternalID *string   `json:"external_id,omitempty" doc:"The record's id in the vendor's other systems; only the vendor sees it."`
	ImportID   id.ID     `json:"import_id,omitzero" doc:"The import that made the record; only the vendor sees it."`
	Version    int       `json:"version" doc:"Also the ETag."`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

func wireAccount(a account.Account) Account {
	return Account{ID: a.ID, Name: a.Name, Domain: a.Domain, Country: a.Country, Sector: a.Sector, Employees: a.Employees, ParentName: a.ParentName,
		Source: a.Source, ExternalID: a.ExternalID, ImportID: a.ImportID, Version: a.Version, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}
}

// Facts are what a caller says about an account; what is left out stays as it is.
type Facts struct {
	Domain     *string `json:"domain,omitempty" maxLength:"300" doc:"A domain, web address or e-mail address of the customer; empty takes it away." example:"konex.example"`
	Country    *string `json:"country,omitempty" maxLength:"100" doc:"ISO 3166-1 alpha-2 or the country's English name; empty takes it away." example:"DE"`
	Sector     *string `json:"sector,omitempty" maxLength:"100"`
	Employees  *int    `json:"employees,omitempty" minimum:"-1" maximum:"100000000" doc:"-1 takes the number away."`
	ParentName *string `json:"parent_name,omitempty" maxLength:"200"`
	ExternalID *string `json:"external_id,omitempty" maxLength:"200" doc:"For the vendor only. Unique among the programme's accounts; empty takes it away."`
}

func (f Facts) facts(name *string) account.Facts {
	return account.Facts{Name: name, Domain: f.Domain, Country: f.Country, Sector: f.Sector, Employees: f.Employees, ParentName: f.ParentName, ExternalID: f.ExternalID}
}

// Contact is a person at an end customer on the wire.
type Contact struct {
	ID          id.ID     `json:"id"`
	Name        string    `json:"name" example:"Ada Wong"`
	Email       string    `json:"email" example:"ada@konex.example"`
	Phone       string    `json:"phone"`
	Title       string    `json:"title" example:"Head of IT"`
	AccountID   id.ID     `json:"account_id,omitzero"`
	AccountName string    `json:"account_name"`
	PartnerID   id.ID     `json:"partner_id,omitzero" doc:"The partner that brought the person; absent for the vendor's own."`
	ExternalID  *string   `json:"external_id,omitempty" doc:"The record's id in the vendor's other systems; only the vendor sees it."`
	Version     int       `json:"version" doc:"Also the ETag."`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func wireContact(c account.Contact) Contact {
	return Contact{ID: c.ID, Name: c.Name, Email: c.Email, Phone: c.Phone, Title: c.Title, AccountID: c.AccountID, AccountName: c.AccountName,
		PartnerID: c.PartnerID, ExternalID: c.ExternalID, Version: c.Version, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
}

// ContactFacts are what a caller says about a contact; what is left out stays as it is.
type ContactFacts struct {
	Email      *string `json:"email,omitempty" maxLength:"254" doc:"Empty takes it away." example:"ada@konex.example"`
	Phone      *string `json:"phone,omitempty" maxLength:"50"`
	Title      *string `json:"title,omitempty" maxLength:"200"`
	AccountID  *string `json:"account_id,omitempty" pattern:"^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$" patternDescription:"the id of an account, or empty text to take the account away"`
	ExternalID *string `json:"external_id,omitempty" maxLength:"200" doc:"For the vendor only. Unique among the programme's contacts; empty takes it away."`
}

func (f ContactFacts) facts(name *string) account.ContactFacts {
	out := account.ContactFacts{Name: name, Email: f.Email, Phone: f.Phone, Title: f.Title, ExternalID: f.ExternalID}
	if f.AccountID != nil {
		v, _ := id.Parse(*f.AccountID) // the pattern has checked it; empty is none
		out.AccountID = &v
	}
	return out
}

type readIn struct {
	ID id.ID `path:"id"`
}

// Create is an account to add.
type Create struct {
	Name string `json:"name" minLength:"1" maxLength:"200" example:"Konex Industries"`
	Facts
}

// Update is what changes of an account.
type Update struct {
	Name *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Facts
}

// ContactCreate is a contact to add.
type ContactCreate struct {
	Name string `json:"name" minLength:"1" maxLength:"200" example:"Ada Wong"`
	ContactFacts
}

// ContactUpdate is what changes of a contact.
type ContactUpdate struct {
	Name *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	ContactFacts
}

type createIn struct{ Body Create }

func (in *createIn) input() account.Facts { return in.Body.facts(&in.Body.Name) }

// Resolve implements huma.Resolver: what the room would refuse is told along with what the schema refuses.
func (in *createIn) Resolve(c huma.Context) []error { return door.Refused(c, in.input().Refused()) }

type updateIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body Update
}

func (in *updateIn) input() account.Facts { return in.Body.facts(in.Body.Name) }

// Resolve implements huma.Resolver.
func (in *updateIn) Resolve(c huma.Context) []error { return door.Refused(c, in.input().Refused()) }

type createContactIn struct{ Body ContactCreate }

func (in *createContactIn) input() account.ContactFacts { return in.Body.facts(&in.Body.Name) }

// Resolve implements huma.Resolver.
func (in *createContactIn) Resolve(c huma.Context) []error {
	return door.Refused(c, in.input().Refused())
}

type updateContactIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body ContactUpdate
}

func (in *updateContactIn) input() account.ContactFacts { return in.Body.facts(in.Body.Name) }

// Resolve implements huma.Resolver.
func (in *updateContactIn) Resolve(c huma.Context) []error {
	return door.Refused(c, in.input().Refused())
}

type listIn struct {
	Q       string `query:"q" maxLength:"100" doc:"A part of the name or of the domain."`
	Country string `query:"country" maxLength:"2" doc:"ISO 3166-1 alpha-2."`
	Sector  string `query:"sector" maxLength:"100"`
	Sort    string `query:"sort" enum:"name,-name,created,-created" default:"name"`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor  string `query:"cursor" maxLength:"8192" doc:"next_cursor of the page before."`
}

type listContactsIn struct {
	Q         string `query:"q" maxLength:"100" doc:"A part of the name or of the e-mail address."`
	AccountID id.ID  `query:"account_id" doc:"Contacts at this account only."`
	Sort      string `query:"sort" enum:"name,-name,created,-created" default:"name"`
	Limit     int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor    string `query:"cursor" maxLength:"8192" doc:"next_cursor of the page before."`
}

// Page is one page of accounts.
type Page struct {
	Items      []Account `json:"items"`
	NextCursor string    `json:"next_cursor" doc:"Send it as cursor for the next page; empty on the last."`
}

// ContactPage is one page of contacts.
type ContactPage struct {
	Items      []Contact `json:"items"`
	NextCursor string    `json:"next_cursor" doc:"Send it as cursor for the next page; empty on the last."`
}

type accountOut struct {
	ETag string `header:"ETag"`
	Body Account
}

type contactOut struct {
	ETag string `header:"ETag"`
	Body Contact
}

type pageOut struct{ Body Page }

type contactPageOut struct{ Body ContactPage }
