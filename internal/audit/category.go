package audit

import (
	"slices"
	"strings"

	"entente.dev/internal/access"
)

// Category is the data category of an entry; each has its own retention.
type Category string

// The categories.
const (
	Log      Category = "audit-log"
	Security Category = "security-event"
)

// Categories are all of them.
var Categories = []string{string(Log), string(Security)}

// What is done in these rooms, with these verbs or by these actions is a security event: sign-ins, passwords, permissions, roles,
// configuration, keys, exports and the operator's access. So is every refusal.
var (
	securityRooms   = []string{"policy", "retention", "key", "processor", "operator", "role", "sso", "trust", "hold", "seal"}
	securityVerbs   = []string{"export", "sign_in", "sign_out", "reset", "key_create", "key_revoke"}
	securityActions = []access.Action{"me.accept", "me.update", "person.invite", "person.update", "person.suspend", "tenant.create", "tenant.update", "tenant.delete"}
)

// CategoryOf decides the category of an entry.
func CategoryOf(act access.Action, outcome Outcome) Category {
	if outcome == Denied || slices.Contains(securityRooms, act.Room()) || slices.Contains(securityActions, act) {
		return Security
	}
	if _, verb, _ := strings.Cut(string(act), "."); slices.Contains(securityVerbs, verb) {
		return Security
	}
	return Log
}
