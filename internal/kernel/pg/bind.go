package pg

import (
	"time"

	"entente.dev/internal/kernel/id"
)

// Binding is who and what a transaction is for; row-level security and the history trigger read it.
type Binding struct {
	Tenant  id.ID
	Partner id.ID
	Member  id.ID
	Op      id.ID
	Now     time.Time
}

// SQLBind binds the running transaction; the settings end with it. Its arguments are Binding.Args().
const SQLBind = `select set_config('app.tenant_id', $1, true), set_config('app.partner_id', $2, true), set_config('app.member_id', $3, true), set_config('app.op_id', $4, true), set_config('app.now', $5, true)`

// Args returns the arguments of SQLBind.
func (b Binding) Args() []any {
	return []any{b.Tenant.String(), b.Partner.String(), b.Member.String(), b.Op.String(), b.Now.UTC().Format("2006-01-02T15:04:05.999999Z07:00")}
}
