package identity

import "entente.dev/internal/access"

// The actions of this room.
const (
	ActList      access.Action = "person.list"
	ActRead      access.Action = "person.read"
	ActInvite    access.Action = "person.invite"
	ActUpdate    access.Action = "person.update"
	ActSuspend   access.Action = "person.suspend"
	ActKeys      access.Action = "key.list"
	ActCreateKey access.Action = "key.create"
	ActRevokeKey access.Action = "key.revoke"
	ActMe        access.Action = "me.read"
	ActUpdateMe  access.Action = "me.update"
	ActAccept    access.Action = "me.accept"
	ActSignIn    access.Action = "me.sign_in"
	ActSignOut   access.Action = "me.sign_out"
	ActReset     access.Action = "me.reset"
	ActMyKey     access.Action = "me.key_create"
	ActMyRevoke  access.Action = "me.key_revoke"
)

// Joined is emitted when somebody accepts an invitation.
type Joined struct{ Member Member }

// EventName implements event.Event.
func (Joined) EventName() string { return "person.joined" }
