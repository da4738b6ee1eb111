// Package access decides who may do what. It is pure: no SQL, no clock, no HTTP.
//
// An Actor is somebody (or some part of the program) that wants to do an Action to an
// Object. A role gives grants; a grant is an Action with the Scope it reaches. What no
// grant names is refused: deny by default.
//
// The database repeats the tenant and partner limits on every row (see db/migrations);
// this package adds what a row policy cannot know: which verb, and own or all.
package access

import (
	"slices"
	"strings"

	"entente.dev/internal/kernel/id"
)

// Action names one use case, such as "deal.approve". It is also its audit verb, its API
// operation id and its line in docs/permissions.md.
type Action string

// Room returns the part before the first dot, such as "deal".
func (a Action) Room() string { room, _, _ := strings.Cut(string(a), "."); return room }

// Scope says which objects a grant reaches, within the rows the persona may see at all.
type Scope uint8

// The scopes, from none to everything the persona sees.
const (
	None Scope = iota
	Own        // objects the member owns
	All        // every object the persona may see
)

// String returns the scope's name as it stands in docs/permissions.md.
func (s Scope) String() string { return [...]string{"–", "own", "all"}[s] }

// Persona is the side of the programme an actor stands on. Each persona has its own
// PostgreSQL role, so that the database itself limits what it can reach.
type Persona string

// The personas.
const (
	Staff    Persona = "staff"    // the vendor's people: Admin and Staff
	Partner  Persona = "partner"  // a partner company's people: Partner and Agent
	Public   Persona = "public"   // nobody yet: before sign-in
	Worker   Persona = "worker"   // a job of one tenant
	Platform Persona = "platform" // the operator's tenant register
)

// Kind is what sort of actor it is.
type Kind string

// The kinds of actor; the zero Kind is nobody and is refused everywhere.
const (
	Person    Kind = "person"    // a signed-in member
	Service   Kind = "service"   // an API key that belongs to no person
	System    Kind = "system"    // the program itself, for one tenant
	Anonymous Kind = "anonymous" // before sign-in
)

// Request is what is known of the call an actor makes; it goes into the audit log.
type Request struct {
	ID             string // request id
	IP             string
	UserAgent      string
	IdempotencyKey string // "" when the caller sent none
	BodyHash       string // of the request body, set together with IdempotencyKey
}

// Actor is who acts. Make one with the constructors; the zero Actor may do nothing.
type Actor struct {
	Kind       Kind
	Persona    Persona
	Tenant     id.ID
	Partner    id.ID // the partner company, Nil for the vendor's people
	Member     id.ID // the membership, Nil for System and Anonymous
	Person     id.ID // the person behind it, Nil for services
	Role       string
	Name       string // shown in the audit log
	Credential id.ID  // the session or API key
	Grants     map[Action]Scope
	Request    Request
}

// NewSystem returns the actor of a job or start-up step of one tenant. It is granted
// everything; why is shown in the audit log, such as "deal expiry".
func NewSystem(tenant id.ID, why string) Actor {
	return Actor{Kind: System, Persona: Worker, Tenant: tenant, Role: "system", Name: why}
}

// NewOperator returns the actor of a command that whoever runs the installation gives for one tenant; the tenant's audit log names it.
func NewOperator(tenant id.ID) Actor { return NewSystem(tenant, "operator (command line)") }

// NewAnonymous returns the actor of a request before sign-in. tenant may be Nil.
func NewAnonymous(tenant id.ID, req Request) Actor {
	return Actor{Kind: Anonymous, Persona: Public, Tenant: tenant, Role: "anonymous", Name: "nobody signed in", Request: req}
}

// NewPlatform returns the operator's actor: it registers tenants and sees no tenant content.
func NewPlatform(tenant id.ID, why string) Actor {
	return Actor{Kind: System, Persona: Platform, Tenant: tenant, Role: "operator", Name: why}
}

// Scope returns how far the actor's grant for act reaches.
func (a Actor) Scope(act Action) Scope {
	switch a.Kind {
	case System:
		return All
	case Person, Service:
		return a.Grants[act]
	}
	return None
}

// May reports whether the actor is granted act at all, for drawing a button or a menu.
func (a Actor) May(act Action) bool { return a.Scope(act) != None }

// Object is the thing an action is done to, as far as a decision needs it.
type Object struct {
	Partner id.ID // the partner it belongs to, Nil for the vendor's own
	Owner   id.ID // the member who owns it, Nil for nobody
}

// Decide reports whether actor may do act to obj. The row itself has already passed the
// database's tenant and partner policies; the partner is compared again all the same.
func Decide(a Actor, act Action, obj Object) bool {
	if a.Persona == Partner && obj.Partner != a.Partner {
		return false
	}
	switch a.Scope(act) {
	case All:
		return true
	case Own:
		return obj.Owner != id.Nil && obj.Owner == a.Member
	}
	return false
}

// Narrow returns the grants limited to the scopes of an API key. A scope is an action
// ("deal.approve"), a room ("deal"), a room's reading actions ("deal:read"), "read" for
// every reading action, or "*". No scopes means no narrowing.
func Narrow(grants map[Action]Scope, scopes []string, reads func(Action) bool) map[Action]Scope {
	if len(scopes) == 0 || slices.Contains(scopes, "*") {
		return grants
	}
	out := make(map[Action]Scope, len(grants))
	for act, sc := range grants {
		for _, s := range scopes {
			room, read := strings.CutSuffix(s, ":read")
			if s == string(act) || s == act.Room() || s == "read" && reads(act) ||
				read && room == act.Room() && reads(act) {
				out[act] = sc
				break
			}
		}
	}
	return out
}
