package partnerapi

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
)

// Partner is a partner company on the wire. What is the vendor's own is left out for a partner's people.
type Partner struct {
	ID          id.ID     `json:"id"`
	Name        string    `json:"name" example:"North Systems GmbH"`
	Kind        string    `json:"kind" enum:"reseller,referrer,distributor,agency,technology"`
	Domains     []string  `json:"domains" example:"[\"north.example\"]"`
	Country     string    `json:"country" doc:"ISO 3166-1 alpha-2, or empty." example:"DE"`
	Region      string    `json:"region"`
	ManagerID   id.ID     `json:"manager_id,omitzero" doc:"The vendor's person who looks after this partner."`
	ManagerName string    `json:"manager_name"`
	Status      string    `json:"status" enum:"active,invited,suspended,ended"`
	ExternalID  *string   `json:"external_id,omitempty" doc:"The record's id in the vendor's other systems; only the vendor sees it."`
	ImportID    id.ID     `json:"import_id,omitzero" doc:"The import that made the record; only the vendor sees it."`
	Version     int       `json:"version" doc:"Also the ETag."`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func wire(p partner.Partner) Partner {
	return Partner{ID: p.ID, Name: p.Name, Kind: p.Kind, Domains: p.Domains, Country: p.Country, Region: p.Region, ManagerID: p.ManagerID,
		ManagerName: p.ManagerName, Status: p.Status, ExternalID: p.ExternalID, ImportID: p.ImportID, Version: p.Version, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
}

// Facts are what a caller says about a partner; what is left out stays as it is.
type Facts struct {
	Kind       *string   `json:"kind,omitempty" enum:"reseller,referrer,distributor,agency,technology" doc:"reseller when left out."`
	Domains    *[]string `json:"domains,omitempty" maxItems:"50" doc:"The partner's own domains, such as north.example."`
	Country    *string   `json:"country,omitempty" maxLength:"100" doc:"ISO 3166-1 alpha-2 or the country's English name; empty takes it away." example:"DE"`
	Region     *string   `json:"region,omitempty" maxLength:"100"`
	ManagerID  *string   `json:"manager_id,omitempty" pattern:"^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$" patternDescription:"the id of one of the vendor's people, or empty text to take the manager away"`
	Status     *string   `json:"status,omitempty" enum:"active,invited,suspended,ended" doc:"active when left out. People of a suspended or ended partner are signed out at once."`
	ExternalID *string   `json:"external_id,omitempty" maxLength:"200" doc:"Unique among the programme's partners; empty takes it away."`
}

func (f Facts) facts(name *string) partner.Facts {
	out := partner.Facts{Name: name, Kind: f.Kind, Domains: f.Domains, Country: f.Country, Region: f.Region, Status: f.Status, ExternalID: f.ExternalID}
	if f.ManagerID != nil {
		v, _ := id.Parse(*f.ManagerID) // the pattern has checked it; empty is none
		out.ManagerID = &v
	}
	return out
}

// Create is a partner to add.
type Create struct {
	Name string `json:"name" minLength:"1" maxLength:"200" example:"North Systems GmbH"`
	Facts
}

// Update is what changes of a partner.
type Update struct {
	Name *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Facts
}

type createIn struct{ Body Create }

func (in *createIn) input() partner.Facts { return in.Body.facts(&in.Body.Name) }

// Resolve implements huma.Resolver: what the room would refuse is told along with what the schema refuses.
func (in *createIn) Resolve(c huma.Context) []error { return door.Refused(c, in.input().Refused()) }

type updateIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body Update
}

func (in *updateIn) input() partner.Facts { return in.Body.facts(in.Body.Name) }

// Resolve implements huma.Resolver.
func (in *updateIn) Resolve(c huma.Context) []error { return door.Refused(c, in.input().Refused()) }

type readIn struct {
	ID id.ID `path:"id"`
}

type listIn struct {
	Q       string `query:"q" maxLength:"100" doc:"A part of the name."`
	Status  string `query:"status" enum:"active,invited,suspended,ended"`
	Kind    string `query:"kind" enum:"reseller,referrer,distributor,agency,technology"`
	Country string `query:"country" maxLength:"2" doc:"ISO 3166-1 alpha-2."`
	Sort    string `query:"sort" enum:"name,-name,created,-created" default:"name"`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor  string `query:"cursor" maxLength:"8192" doc:"next_cursor of the page before."`
}

func (in listIn) query() partner.Query {
	return partner.Query{Text: in.Q, Status: in.Status, Kind: in.Kind, Country: in.Country, Sort: in.Sort, Limit: in.Limit, Cursor: in.Cursor}
}

// Page is one page of partners.
type Page struct {
	Items      []Partner `json:"items"`
	NextCursor string    `json:"next_cursor" doc:"Send it as cursor for the next page; empty on the last."`
}

type out struct {
	ETag string `header:"ETag"`
	Body Partner
}

type pageOut struct{ Body Page }
