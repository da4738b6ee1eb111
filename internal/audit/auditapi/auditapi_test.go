package auditapi_test

import (
	"testing"

	"entente.dev/internal/account"
	"entente.dev/internal/account/accountapi"
	"entente.dev/internal/audit/auditapi"
	"entente.dev/internal/audit/seal"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/partner"
	"entente.dev/internal/partner/partnerapi"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestAudit(t *testing.T) {
	w := doortest.New(t)
	auditapi.Routes(w.API, trail.New(w.Ops), seal.New(w.Ops, seal.Options{}))
	partnerapi.Routes(w.API, partner.New(w.Ops))
	accountapi.Routes(w.API, account.New(w.Ops))
	north := w.North.String()
	w.Ask("staff", "PATCH /api/v1/partners/"+north, `{"region":"DACH","external_id":"secret-7"}`, "User-Agent", "tester/1")
	contact := w.Ask("agent", "POST /api/v1/contacts", `{"name":"Paul"}`).JSON(t)["id"].(string)
	w.Ask("partner", "GET /api/v1/partners/"+w.South.String(), "")
	agent := w.Actors["agent"].Member.String()
	w.Run(t, []doortest.Case{
		{Name: "all of it", As: "staff", Ask: "GET /api/v1/audit", Status: 200,
			Want: []string{`~"action":"partner.update"`, `~"region":{"old":null,"new":"DACH"}`, "~secret-7", "~tester/1", `~"action":"contact.create"`, `~"outcome":"denied"`, "~partner.not_found"}},
		{Name: "of an object", As: "staff", Ask: "GET /api/v1/audit?object_type=contact&object_id=" + contact, Status: 200, Want: []string{"~Paul"}, Forbid: []string{"~DACH"}},
		{Name: "by an actor", As: "staff", Ask: "GET /api/v1/audit?actor_id=" + agent, Status: 200, Want: []string{"~Paul"}, Forbid: []string{"~DACH"}},
		{Name: "a partner by an actor of the vendor", As: "partner", Ask: "GET /api/v1/audit?actor_id=" + w.Actors["staff"].Member.String(), Status: 200, Want: []string{`~"items":[]`}},
		{Name: "a partner by its own", As: "partner", Ask: "GET /api/v1/audit?actor_id=" + agent, Status: 200, Want: []string{"~Paul"}},
		{Name: "by an action", As: "staff", Ask: "GET /api/v1/audit?action=partner.update", Status: 200, Want: []string{"~DACH"}, Forbid: []string{"~Paul", "~denied\""}},
		{Name: "by a room", As: "staff", Ask: "GET /api/v1/audit?action=partner", Status: 200, Want: []string{"~DACH", "~partner.read"}, Forbid: []string{"~Paul"}},
		{Name: "refusals", As: "admin", Ask: "GET /api/v1/audit?outcome=denied", Status: 200, Want: []string{"~partner.read"}, Forbid: []string{"~DACH"}},
		{Name: "of the past", As: "staff", Ask: "GET /api/v1/audit?to=2020-01-01T00:00:00Z", Status: 200, Want: []string{`~"items":[]`}},
		{Name: "backwards in time", As: "staff", Ask: "GET /api/v1/audit?from=2021-01-01T00:00:00Z&to=2020-01-01T00:00:00Z", Status: 422, Want: []string{`~"name":"to"`}},
		{Name: "unknown outcome", As: "staff", Ask: "GET /api/v1/audit?outcome=odd", Status: 422},
		{Name: "a partner reads its own", As: "partner", Ask: "GET /api/v1/audit", Status: 200, Want: []string{"~Paul"}, Forbid: []string{"~secret-7", "~tester/1"}},
		{Name: "an agent names an object", As: "agent", Ask: "GET /api/v1/audit", Status: 422},
		{Name: "security events", As: "staff", Ask: "GET /api/v1/audit?category=security-event", Status: 200, Want: []string{"~partner.not_found"}, Forbid: []string{"~Paul"}},
		{Name: "a word", As: "staff", Ask: "GET /api/v1/audit?q=paul", Status: 200, Want: []string{"~Paul"}, Forbid: []string{"~DACH"}},
		{Name: "a partner's own", As: "partner", Ask: "GET /api/v1/audit?object_id=" + north, Status: 200, Want: []string{"~DACH", "~Sam Staff"},
			Forbid: []string{"~secret-7", "~external_id", "~tester/1", "~user_agent", "~\"ip\"", "~denied\""}},
		{Name: "an agent's company's", As: "agent", Ask: "GET /api/v1/audit?object_id=" + contact, Status: 200, Want: []string{"~Paul"}},
		{Name: "not a rival's", As: "rival", Ask: "GET /api/v1/audit?object_id=" + contact, Status: 200, Want: []string{`~"items":[]`}},
		{Name: "as of no record", As: "rival", Ask: "GET /api/v1/audit?object_id=" + id.New().String(), Status: 200, Want: []string{`~"items":[]`}},
		{Name: "not a stranger's", As: "stranger", Ask: "GET /api/v1/audit", Status: 200, Want: []string{`~"items":[]`}},
		{Name: "nobody", Ask: "GET /api/v1/audit", Status: 401},
	})
	seen, cursor := 0, ""
	for range 10 {
		page := w.Ask("staff", "GET /api/v1/audit?limit=1&cursor="+cursor, "").JSON(t)
		seen += len(page["items"].([]any))
		if cursor = page["next_cursor"].(string); cursor == "" {
			break
		}
	}
	if seen != 3 {
		t.Errorf("the pages hold %d entries, want 3", seen)
	}
}

func TestProof(t *testing.T) {
	w := doortest.New(t)
	sealed := seal.New(w.Ops, seal.Options{})
	auditapi.Routes(w.API, trail.New(w.Ops), sealed)
	partnerapi.Routes(w.API, partner.New(w.Ops))
	w.Run(t, []doortest.Case{{Name: "nothing sealed", As: "staff", Ask: "GET /api/v1/audit/checkpoint", Status: 404}})
	w.Ask("staff", "PATCH /api/v1/partners/"+w.North.String(), `{"region":"DACH"}`)
	entry := w.Ask("staff", "GET /api/v1/audit?action=partner.update", "").JSON(t)["items"].([]any)[0].(map[string]any)["id"].(string)
	at := "GET /api/v1/audit/" + entry + "/proof"
	w.Audited(t)
	w.Run(t, []doortest.Case{{Name: "not sealed yet", As: "staff", Ask: at, Status: 200, Want: []string{`~"sealed":false`}}})
	if err := sealed.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Run(t, []doortest.Case{
		{Name: "checkpoint", As: "admin", Ask: "GET /api/v1/audit/checkpoint", Status: 200, Want: []string{`~"tree_size":1`, "~entente/"}},
		{Name: "no checkpoint for a partner", As: "partner", Ask: "GET /api/v1/audit/checkpoint", Status: 403},
		{Name: "proof", As: "staff", Ask: at, Status: 200, Want: []string{`~"sealed":true`, `~"leaf_hash"`}},
		{Name: "its partner's proof", As: "partner", Ask: at, Status: 200, Want: []string{`~"sealed":true`}},
		{Name: "a rival's", As: "rival", Ask: at, Status: 404, Audit: []string{"audit.proof denied"}},
		{Name: "a stranger's", As: "stranger", Ask: at, Status: 404, Audit: []string{"audit.proof denied"}},
	})
}
