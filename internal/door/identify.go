package door

import (
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/httpx"
)

// identify says for the access log who makes the request, and what they want to do.
func identify(r *http.Request, who access.Actor, act access.Action) {
	httpx.Identify(r.Context(), httpx.Caller{Tenant: who.Tenant, Partner: who.Partner, Member: who.Member, Kind: string(who.Kind), Name: who.Name, Action: string(act)})
}
