// Package identityapi is the API door of the identity room: people, service accounts' keys, and who is calling.
package identityapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/door"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
)

type routes struct{ identity *identity.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *identity.Service) {
	h := routes{s}
	door.Register(a, identity.ActInvite, huma.Operation{Method: "POST", Path: "/people", Summary: "Invite a person", DefaultStatus: http.StatusCreated,
		Description: "Staff invite partner people, a partner its own. Nobody sets another person's password: the person does, by the link."}, h.invite)
	door.Register(a, identity.ActList, huma.Operation{Method: "GET", Path: "/people", Summary: "List people"}, h.people)
	door.Register(a, identity.ActRead, huma.Operation{Method: "GET", Path: "/people/{id}", Summary: "Read a person"}, h.person)
	door.Register(a, identity.ActUpdate, huma.Operation{Method: "PATCH", Path: "/people/{id}", Summary: "Change a person's name or role"}, h.update)
	door.Register(a, identity.ActInvite, huma.Operation{Method: "POST", Path: "/people/{id}/invite", OperationID: "person.invite_again", Summary: "Send a new invitation",
		Description: "The earlier link stops working."}, h.reinvite)
	for _, c := range []struct {
		verb, summary string
		do            func(context.Context, access.Actor, id.ID) (identity.Member, error)
	}{
		{"suspend", "Shut a person out: sessions and keys end at once", s.Suspend},
		{"restore", "Let a suspended person in again", s.Restore},
		{"remove", "End a membership", s.Remove},
	} {
		door.Register(a, identity.ActSuspend, huma.Operation{Method: "POST", Path: "/people/{id}/" + c.verb, OperationID: "person." + c.verb, Summary: c.summary},
			func(ctx context.Context, who access.Actor, in *byID) (*personOut, error) {
				return answer(c.do(ctx, who, in.ID))
			})
	}
	door.Register(a, identity.ActCreateKey, huma.Operation{Method: "POST", Path: "/api-keys", Summary: "Make a service account with an API key", DefaultStatus: http.StatusCreated}, h.createKey)
	door.Register(a, identity.ActKeys, huma.Operation{Method: "GET", Path: "/api-keys", Summary: "List service accounts' API keys"}, h.keys)
	door.Register(a, identity.ActRevokeKey, huma.Operation{Method: "POST", Path: "/api-keys/{id}/revoke", Summary: "Revoke a service account's API key", DefaultStatus: http.StatusNoContent},
		func(ctx context.Context, who access.Actor, in *byID) (*struct{}, error) {
			return nil, s.RevokeKey(ctx, who, in.ID)
		})

	door.Register(a, identity.ActMe, huma.Operation{Method: "GET", Path: "/me", Summary: "Who is calling"}, h.me)
	door.Register(a, identity.ActMe, huma.Operation{Method: "GET", Path: "/me/sessions", OperationID: "me.sessions", Summary: "List where you are signed in"}, h.sessions)
	door.Register(a, identity.ActMe, huma.Operation{Method: "GET", Path: "/me/api-keys", OperationID: "me.keys", Summary: "List your own API keys"}, h.myKeys)
	door.Register(a, identity.ActMyKey, huma.Operation{Method: "POST", Path: "/me/api-keys", Summary: "Make an API key that acts as you", DefaultStatus: http.StatusCreated,
		Description: "It may do what your role may do at each use, limited by its scopes."}, h.createMyKey)
	door.Register(a, identity.ActMyRevoke, huma.Operation{Method: "POST", Path: "/me/api-keys/{id}/revoke", Summary: "Revoke one of your own API keys", DefaultStatus: http.StatusNoContent},
		func(ctx context.Context, who access.Actor, in *byID) (*struct{}, error) {
			return nil, s.RevokeMyKey(ctx, who, in.ID)
		})
}

func (h routes) invite(ctx context.Context, who access.Actor, in *inviteIn) (*invitedOut, error) {
	return invited(h.identity.Invite(ctx, who, in.input()))
}

func (h routes) reinvite(ctx context.Context, who access.Actor, in *byID) (*invitedOut, error) {
	return invited(h.identity.Reinvite(ctx, who, in.ID))
}

func (h routes) people(ctx context.Context, who access.Actor, in *peopleIn) (*peopleOut, error) {
	page, err := h.identity.People(ctx, who, identity.PeopleQuery{Q: in.Q, Role: in.Role, Status: in.Status, Partner: in.PartnerID, Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := &peopleOut{}
	out.Body.NextCursor = page.Next
	out.Body.Items = make([]Person, len(page.Items))
	for i, m := range page.Items {
		out.Body.Items[i] = wire(m)
	}
	return out, nil
}

func (h routes) person(ctx context.Context, who access.Actor, in *byID) (*personOut, error) {
	return answer(h.identity.Person(ctx, who, in.ID))
}

func (h routes) update(ctx context.Context, who access.Actor, in *updateIn) (*personOut, error) {
	return answer(h.identity.UpdatePerson(ctx, who, in.input()))
}

func answer(m identity.Member, err error) (*personOut, error) {
	if err != nil {
		return nil, err
	}
	return &personOut{ETag: httpx.ETag(m.Version), Body: wire(m)}, nil
}

func (h routes) createKey(ctx context.Context, who access.Actor, in *createKeyIn) (*newKeyOut, error) {
	return newKey(h.identity.CreateKey(ctx, who, in.input()))
}

func (h routes) keys(ctx context.Context, who access.Actor, in *keysIn) (*keysOut, error) {
	page, err := h.identity.Keys(ctx, who, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &keysOut{}
	out.Body.Items, out.Body.NextCursor = wireKeys(page.Items), page.Next
	return out, nil
}

func (h routes) me(ctx context.Context, who access.Actor, _ *struct{}) (*meOut, error) {
	v, err := h.identity.Me(ctx, who)
	if err != nil {
		return nil, err
	}
	m := v.Member
	return &meOut{Me{ID: m.ID, Kind: m.Kind, Name: m.Name, Email: m.Email, Role: m.Role, PartnerID: m.PartnerID, PartnerName: m.PartnerName,
		Tenant: Tenant{v.Tenant.ID, v.Tenant.Slug, v.Tenant.Name}, Permissions: permissions(who, role.Actions())}}, nil
}

func (h routes) sessions(ctx context.Context, who access.Actor, _ *struct{}) (*sessionsOut, error) {
	list, err := h.identity.Sessions(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &sessionsOut{}
	for _, s := range list {
		out.Body.Items = append(out.Body.Items, Session{s.ID, s.CreatedAt, s.LastSeenAt, s.ExpiresAt, s.IP, s.UserAgent})
	}
	return out, nil
}

func (h routes) myKeys(ctx context.Context, who access.Actor, _ *struct{}) (*keysOut, error) {
	list, err := h.identity.MyKeys(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &keysOut{}
	out.Body.Items = wireKeys(list)
	return out, nil
}

func (h routes) createMyKey(ctx context.Context, who access.Actor, in *createMyKeyIn) (*newKeyOut, error) {
	return newKey(h.identity.CreateMyKey(ctx, who, in.Body.input()))
}
