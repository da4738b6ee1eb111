package auditapi_test

import (
	"testing"

	"entente.dev/internal/account"
	"entente.dev/internal/account/accountapi"
	"entente.dev/internal/audit/auditapi"
	"entente.dev/internal/deal"
	"entente.dev/internal/doortest"
	"entente.dev/internal/partner"
	"entente.dev/internal/partner/partnerapi"
)

func TestVersions(t *testing.T) {
	w := doortest.New(t)
	accounts, partners := account.New(w.Ops), partner.New(w.Ops)
	auditapi.Versions(w.API, deal.New(w.Ops), accounts, partners)
	partnerapi.Routes(w.API, partners)
	accountapi.Routes(w.API, accounts)
	north := "/api/v1/partners/" + w.North.String()
	w.Ask("staff", "PATCH "+north, `{"region":"DACH","status":"suspended"}`)
	w.Ask("staff", "PATCH "+north, `{"region":"Nordics"}`)
	contact := w.Ask("agent", "POST /api/v1/contacts", `{"name":"Paul"}`).JSON(t)["id"].(string)
	w.Audited(t)
	at := north + "/versions"
	w.Run(t, []doortest.Case{
		{Name: "list", As: "staff", Ask: "GET " + at, Status: 200, Want: []string{`~"current":3`, `~"version":2`, `~"region":{"old":"DACH","new":"Nordics"}`, `~"actor_name":"Sam Staff"`, `~"action":"partner.update"`, `~"outside":true`}},
		{Name: "one", As: "staff", Ask: "GET " + at + "/1", Status: 200, Want: []string{`~"region":{"old":"Nordics","new":null}`, `~"status":{"now":"suspended","then":"active","reason":"The status decides`}},
		{Name: "stale", As: "staff", Ask: "POST " + at + "/2/restore", Header: []string{"If-Match", `"1"`}, Status: 412, Want: []string{"~partner.stale"}},
		{Name: "restored", As: "staff", Ask: "POST " + at + "/2/restore", Header: []string{"If-Match", `"3"`, "Idempotency-Key", "k1"}, Status: 200, Want: []string{`~"current":4`, `~"restores":{"region":{"old":"Nordics","new":"DACH"}}`}, Audit: []string{"partner.restore"}},
		{Name: "the same answer again", As: "staff", Ask: "POST " + at + "/2/restore", Header: []string{"If-Match", `"3"`, "Idempotency-Key", "k1"}, Status: 200, Want: []string{`~"current":4`, `~"restores":{"region":{"old":"Nordics","new":"DACH"}}`}},
		{Name: "nothing", As: "admin", Ask: "POST " + at + "/2/restore", Status: 409, Want: []string{"~version.nothing"}},
		{Name: "no version", As: "staff", Ask: "GET " + at + "/9", Status: 404, Want: []string{"~version.not_found"}, Audit: []string{"partner.versions denied"}},
		{Name: "no number", As: "staff", Ask: "GET " + at + "/0", Status: 404},
		{Name: "a partner", As: "partner", Ask: "GET " + at, Status: 403},
		{Name: "an agent restores", As: "agent", Ask: "POST /api/v1/contacts/" + contact + "/versions/1/restore", Status: 403},
		{Name: "a stranger", As: "stranger", Ask: "POST /api/v1/contacts/" + contact + "/versions/1/restore", Status: 404, Want: []string{"~contact.not_found"}, Audit: []string{"contact.restore denied"}},
		{Name: "the vendor", As: "staff", Ask: "GET /api/v1/contacts/" + contact + "/versions", Status: 200, Want: []string{`~"actor_name":"Abe Agent"`, `~"changes":{}`}},
		{Name: "another's cursor", As: "staff", Ask: "GET " + at + "?cursor=x", Status: 400},
	})
	page := w.Ask("staff", "GET "+at+"?limit=1", "").JSON(t)
	rest := w.Ask("staff", "GET "+at+"?limit=200&cursor="+page["next_cursor"].(string), "").JSON(t)
	if n := len(rest["items"].([]any)); n != 3 || rest["next_cursor"] != "" {
		t.Errorf("%d versions behind the first", n)
	}
}
