package identityapi

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/id"
)

// Person is a membership on the wire: somebody in this programme.
type Person struct {
	ID          id.ID      `json:"id"`
	Name        string     `json:"name" example:"Pat Miller"`
	Email       string     `json:"email" example:"pat@north.example"`
	Role        string     `json:"role" enum:"admin,staff,partner,agent"`
	PartnerID   id.ID      `json:"partner_id,omitzero" doc:"The partner company; left out for the vendor's people."`
	PartnerName string     `json:"partner_name"`
	Status      string     `json:"status" enum:"listed,invited,active,suspended,removed"`
	LastSeenAt  *time.Time `json:"last_seen_at"`
	Version     int        `json:"version" doc:"Also the ETag."`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

func wire(m identity.Member) Person {
	return Person{ID: m.ID, Name: m.Name, Email: m.Email, Role: m.Role, PartnerID: m.PartnerID, PartnerName: m.PartnerName, Status: m.Status,
		LastSeenAt: m.LastSeenAt, Version: m.Version, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt}
}

type inviteIn struct {
	Body struct {
		Email     string `json:"email" minLength:"3" maxLength:"254" example:"pat@north.example"`
		Name      string `json:"name" minLength:"1" maxLength:"200" example:"Pat Miller"`
		Role      string `json:"role" enum:"admin,staff,partner,agent"`
		PartnerID id.ID  `json:"partner_id,omitzero" doc:"For the roles partner and agent; your own company when you are a partner."`
	}
}

func (in *inviteIn) input() identity.InviteInput {
	b := &in.Body
	return identity.InviteInput{Email: b.Email, Name: b.Name, Role: b.Role, Partner: b.PartnerID}
}

// Resolve implements huma.Resolver: what the room would refuse is told along with what the schema refuses.
func (in *inviteIn) Resolve(c huma.Context) []error { return door.Refused(c, in.input().Refused()) }

type invitedOut struct {
	Body struct {
		ID            id.ID  `json:"id"`
		InvitationURL string `json:"invitation_url" doc:"Works once, for 7 days, for that address. It is mailed too, and told this once."`
	}
}

func invited(v identity.Invited, err error) (*invitedOut, error) {
	if err != nil {
		return nil, err
	}
	out := &invitedOut{}
	out.Body.ID, out.Body.InvitationURL = v.ID, v.URL
	return out, nil
}

type peopleIn struct {
	Q         string `query:"q" maxLength:"200" doc:"Part of name or address."`
	Role      string `query:"role" doc:"admin, staff, partner or agent."`
	Status    string `query:"status" doc:"listed, invited, active, suspended or removed; without it, all but removed."`
	PartnerID id.ID  `query:"partner_id"`
	Limit     int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor    string `query:"cursor"`
}

type peopleOut struct {
	Body struct {
		Items      []Person `json:"items"`
		NextCursor string   `json:"next_cursor" doc:"Empty on the last page."`
	}
}

type byID struct {
	ID id.ID `path:"id"`
}

type personOut struct {
	ETag string `header:"ETag"`
	Body Person
}

type updateIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body struct {
		Name *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
		Role *string `json:"role,omitempty" enum:"admin,staff,partner,agent" doc:"On the same side. The person signs in again."`
	}
}

func (in *updateIn) input() identity.UpdateInput {
	return identity.UpdateInput{ID: in.ID, Version: in.Version, Name: in.Body.Name, Role: in.Body.Role}
}

// Resolve implements huma.Resolver.
func (in *updateIn) Resolve(c huma.Context) []error { return door.Refused(c, in.input().Refused()) }

// Key is an API key on the wire, without its secret.
type Key struct {
	ID          id.ID      `json:"id"`
	Name        string     `json:"name"`
	Prefix      string     `json:"prefix" doc:"The key begins with ent_<prefix>_." example:"k3jd7a2q"`
	Role        string     `json:"role" enum:"admin,staff,partner,agent"`
	PartnerID   id.ID      `json:"partner_id,omitzero"`
	PartnerName string     `json:"partner_name"`
	Scopes      []string   `json:"scopes" doc:"Empty: everything the role may do."`
	ExpiresAt   *time.Time `json:"expires_at"`
	LastUsedAt  *time.Time `json:"last_used_at"`
	RevokedAt   *time.Time `json:"revoked_at"`
	CreatedAt   time.Time  `json:"created_at"`
}

func wireKeys(list []identity.Key) []Key {
	out := make([]Key, len(list))
	for i, k := range list {
		out[i] = Key{ID: k.ID, Name: k.Name, Prefix: k.Prefix, Role: k.Role, PartnerID: k.PartnerID, PartnerName: k.PartnerName, Scopes: k.Scopes,
			ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt, CreatedAt: k.CreatedAt}
	}
	return out
}

// KeyFacts are what a key is made of.
type KeyFacts struct {
	Name      string     `json:"name" minLength:"1" maxLength:"100" example:"Nightly export"`
	Scopes    []string   `json:"scopes,omitempty" maxItems:"50" doc:"Limits the key: an action (deal.approve), a room (deal), a room's reading actions (deal:read), or read. Without any: everything the role may do." example:"[\"deal:read\"]"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" example:"2027-01-01T00:00:00Z"`
}

func (f KeyFacts) input() identity.KeyInput {
	return identity.KeyInput{Name: f.Name, Scopes: f.Scopes, ExpiresAt: f.ExpiresAt}
}

type createKeyIn struct {
	Body struct {
		KeyFacts
		Role      string `json:"role" enum:"admin,staff,partner,agent"`
		PartnerID id.ID  `json:"partner_id,omitzero" doc:"For the roles partner and agent."`
	}
}

func (in *createKeyIn) input() identity.KeyInput {
	out := in.Body.input()
	out.Role, out.Partner = in.Body.Role, in.Body.PartnerID
	return out
}

// Resolve implements huma.Resolver.
func (in *createKeyIn) Resolve(c huma.Context) []error { return door.Refused(c, in.input().Refused()) }

type createMyKeyIn struct{ Body KeyFacts }

// Resolve implements huma.Resolver.
func (in *createMyKeyIn) Resolve(c huma.Context) []error {
	return door.Refused(c, in.Body.input().Refused())
}

type newKeyOut struct {
	Body struct {
		ID  id.ID  `json:"id"`
		Key string `json:"key" doc:"The key itself, told this once." example:"ent_k3jd7a2q_…"`
	}
}

func newKey(v identity.NewKey, err error) (*newKeyOut, error) {
	if err != nil {
		return nil, err
	}
	out := &newKeyOut{}
	out.Body.ID, out.Body.Key = v.ID, v.Secret
	return out, nil
}

type keysIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor"`
}

type keysOut struct {
	Body struct {
		Items      []Key  `json:"items"`
		NextCursor string `json:"next_cursor" doc:"Empty on the last page."`
	}
}

// Me is who calls.
type Me struct {
	ID          id.ID    `json:"id"`
	Kind        string   `json:"kind" enum:"person,service"`
	Name        string   `json:"name"`
	Email       string   `json:"email"`
	Role        string   `json:"role" enum:"admin,staff,partner,agent"`
	PartnerID   id.ID    `json:"partner_id,omitzero"`
	PartnerName string   `json:"partner_name"`
	Tenant      Tenant   `json:"tenant"`
	Permissions []string `json:"permissions" doc:"The actions this key may do."`
}

// Tenant is the programme a caller belongs to.
type Tenant struct {
	ID   id.ID  `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

type meOut struct{ Body Me }

// Session is a place where the person is signed in.
type Session struct {
	ID         id.ID     `json:"id"`
	CreatedAt  time.Time `json:"created_at"`
	LastSeenAt time.Time `json:"last_seen_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	IP         string    `json:"ip"`
	UserAgent  string    `json:"user_agent"`
}

type sessionsOut struct {
	Body struct {
		Items []Session `json:"items"`
	}
}

func permissions(who access.Actor, all []access.Action) []string {
	var out []string
	for _, act := range all {
		if who.May(act) {
			out = append(out, string(act))
		}
	}
	return out
}
