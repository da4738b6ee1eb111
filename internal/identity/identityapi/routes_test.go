package identityapi_test

import (
	"strings"
	"testing"

	"entente.dev/internal/doortest"
	"entente.dev/internal/identity"
	"entente.dev/internal/identity/identityapi"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestPeople(t *testing.T) {
	w := doortest.New(t)
	identityapi.Routes(w.API, identity.New(w.Ops, identity.Options{Tenants: tenant.New(w.Ops)}))
	north, agent, rival := w.North.String(), w.Actors["agent"].Member.String(), w.Actors["rival"].Member.String()
	admin := w.Actors["admin"].Member.String()
	w.Run(t, []doortest.Case{
		{Name: "invite", As: "staff", Ask: "POST /api/v1/people", Body: `{"email":"New@North.example","name":"New","role":"agent","partner_id":"` + north + `"}`, Status: 201,
			Want: []string{`~"invitation_url":"http://entente.test/invitation?token=`, `~"id":"`}, Audit: []string{"person.invite"}},
		{Name: "staff invite no staff", As: "staff", Ask: "POST /api/v1/people", Body: `{"email":"a@b.example","name":"A","role":"staff"}`, Status: 403, Want: []string{"~person.rank"}, Audit: []string{"person.invite denied"}},
		{Name: "a partner invites no staff", As: "partner", Ask: "POST /api/v1/people", Body: `{"email":"a@b.example","name":"A","role":"staff"}`, Status: 422, Want: []string{`~"name":"partner_id"`}},
		{Name: "nor for another", As: "partner", Ask: "POST /api/v1/people", Body: `{"email":"a@b.example","name":"A","role":"agent","partner_id":"` + w.South.String() + `"}`, Status: 403, Audit: []string{"person.invite denied"}},
		{Name: "a partner invites its own", As: "partner", Ask: "POST /api/v1/people", Body: `{"email":"own@north.example","name":"Own","role":"partner"}`, Status: 201, Audit: []string{"person.invite"}},
		{Name: "an agent invites nobody", As: "agent", Ask: "POST /api/v1/people", Body: `{"email":"a@b.example","name":"A","role":"agent"}`, Status: 403},
		{Name: "mass assignment", As: "admin", Ask: "POST /api/v1/people", Body: `{"email":"a@b.example","name":"A","role":"agent","tenant_id":"x","status":"active","password":"x"}`, Status: 400, Want: []string{`~"name":"tenant_id"`, `~"name":"password"`}},
		{Name: "every field", As: "admin", Ask: "POST /api/v1/people", Body: `{"email":"no address","name":" ","role":"partner"}`, Status: 422, Want: []string{`~"name":"email"`, `~"name":"name"`, `~"name":"partner_id"`}},
		{Name: "list", As: "admin", Ask: "GET /api/v1/people?limit=200", Status: 200, Want: []string{`~"Rita Rival"`, `~"Ada Admin"`, `~new@north.example`}, Forbid: []string{"~Stan Stranger", "~person_id"}},
		{Name: "a partner's list", As: "partner", Ask: "GET /api/v1/people", Status: 200, Want: []string{`~"Abe Agent"`}, Forbid: []string{"~Rita Rival", "~Ada Admin"}},
		{Name: "filter", As: "admin", Ask: "GET /api/v1/people?role=agent&status=active&q=abe", Status: 200, Want: []string{`~"Abe Agent"`}, Forbid: []string{"~Pat"}},
		{Name: "unknown value", As: "admin", Ask: "GET /api/v1/people?role=king", Status: 422, Want: []string{`~"role"`}},
		{Name: "read", As: "partner", Ask: "GET /api/v1/people/" + agent, Status: 200, Want: []string{`~"status":"active"`}},
		{Name: "another partner's", As: "partner", Ask: "GET /api/v1/people/" + rival, Status: 404, Audit: []string{"person.read denied"}},
		{Name: "the vendor's", As: "partner", Ask: "GET /api/v1/people/" + admin, Status: 404, Audit: []string{"person.read denied"}},
		{Name: "another tenant's", As: "stranger", Ask: "GET /api/v1/people/" + agent, Status: 404, Audit: []string{"person.read denied"}},
		{Name: "change", As: "admin", Ask: "PATCH /api/v1/people/" + agent, Body: `{"role":"partner"}`, Header: []string{"If-Match", `"1"`}, Status: 200, Want: []string{`~"version":2`}, Audit: []string{"person.update"}},
		{Name: "stale", As: "admin", Ask: "PATCH /api/v1/people/" + agent, Body: `{"role":"agent"}`, Header: []string{"If-Match", `"1"`}, Status: 412},
		{Name: "last admin", As: "admin", Ask: "PATCH /api/v1/people/" + admin, Body: `{"role":"staff"}`, Status: 409, Want: []string{"~person.last_admin"}},
		{Name: "suspend", As: "partner", Ask: "POST /api/v1/people/" + agent + "/suspend", Status: 200, Want: []string{`~"suspended"`}, Audit: []string{"person.suspend"}},
		{Name: "suspend again", As: "partner", Ask: "POST /api/v1/people/" + agent + "/suspend", Status: 409},
		{Name: "restore", As: "partner", Ask: "POST /api/v1/people/" + agent + "/restore", Status: 200, Want: []string{`~"active"`}, Audit: []string{"person.suspend"}},
		{Name: "another's", As: "rival", Ask: "POST /api/v1/people/" + agent + "/remove", Status: 404, Audit: []string{"person.suspend denied"}},
		{Name: "remove", As: "admin", Ask: "POST /api/v1/people/" + agent + "/remove", Status: 200, Want: []string{`~"removed"`}, Audit: []string{"person.suspend"}},
		{Name: "invite a removed one again", As: "admin", Ask: "POST /api/v1/people/" + agent + "/invite", Status: 409, Want: []string{"~person.removed"}},
	})
	hidden, random := w.Ask("partner", "GET /api/v1/people/"+rival, "").JSON(t), w.Ask("partner", "GET /api/v1/people/"+id.New().String(), "").JSON(t)
	if hidden["code"] != random["code"] || hidden["detail"] != random["detail"] {
		t.Errorf("a hidden person answers %v, a random one %v", hidden, random)
	}
	key := []string{"Idempotency-Key", "k-1"}
	body := `{"email":"twice@north.example","name":"Twice","role":"agent","partner_id":"` + north + `"}`
	if a := w.Ask("staff", "POST /api/v1/people", body, key...); a.Code != 201 {
		t.Fatal(a.Body)
	}
	if a := w.Ask("staff", "POST /api/v1/people", body, key...); a.Code != 409 || !strings.Contains(a.Body.String(), "idempotency.done") {
		t.Errorf("the link is told twice: %d %s", a.Code, a.Body)
	}
}

func TestKeys(t *testing.T) {
	w := doortest.New(t)
	s := identity.New(w.Ops, identity.Options{Tenants: tenant.New(w.Ops)})
	identityapi.Routes(w.API, s)
	made := w.Ask("admin", "POST /api/v1/api-keys", `{"name":"bench","role":"agent","partner_id":"`+w.North.String()+`","scopes":["deal:read"],"expires_at":"2099-01-01T00:00:00Z"}`)
	if made.Code != 201 {
		t.Fatal(made.Body)
	}
	v := made.JSON(t)
	who, err := s.ByKey(t.Context(), v["key"].(string))
	if err != nil || who.Partner != w.North || !who.May("deal.list") || who.May("deal.create") {
		t.Errorf("%+v %v", who, err)
	}
	key := v["id"].(string)
	w.Run(t, []doortest.Case{
		{Name: "listed without its secret", As: "admin", Ask: "GET /api/v1/api-keys", Status: 200, Want: []string{"~" + key, `~"scopes":["deal:read"]`}, Forbid: []string{"~ent_", "~hash"}, Audit: nil},
		{Name: "not for staff", As: "staff", Ask: "GET /api/v1/api-keys", Status: 403},
		{Name: "unknown scope", As: "admin", Ask: "POST /api/v1/api-keys", Body: `{"name":" ","role":"king","scopes":["world"]}`, Status: 422, Want: []string{`~"name":"name"`, `~"name":"role"`, "~scope.unknown"}},
		{Name: "past", As: "admin", Ask: "POST /api/v1/api-keys", Body: `{"name":"x","role":"admin","expires_at":"2001-01-01T00:00:00Z"}`, Status: 422, Want: []string{`~"name":"expires_at"`}},
		{Name: "another tenant's", As: "stranger", Ask: "POST /api/v1/api-keys/" + key + "/revoke", Status: 404, Audit: []string{"key.revoke denied"}},
		{Name: "revoke", As: "admin", Ask: "POST /api/v1/api-keys/" + key + "/revoke", Status: 204, Audit: []string{"key.revoke"}},
		{Name: "me", As: "agent", Ask: "GET /api/v1/me", Status: 200, Want: []string{`~"kind":"person"`, `~"slug":"acme"`, `~"partner_name":"North"`, `~"deal.create"`}, Forbid: []string{`~"deal.approve"`}},
		{Name: "own key", As: "agent", Ask: "POST /api/v1/me/api-keys", Body: `{"name":"mine"}`, Status: 201, Want: []string{`~"key":"ent_`}, Audit: []string{"me.key_create"}},
		{Name: "own keys", As: "agent", Ask: "GET /api/v1/me/api-keys", Status: 200, Want: []string{`~"mine"`}},
		{Name: "not another's", As: "partner", Ask: "GET /api/v1/me/api-keys", Status: 200, Forbid: []string{`~"mine"`}},
		{Name: "sessions", As: "agent", Ask: "GET /api/v1/me/sessions", Status: 200, Want: []string{`~"items":[]`}},
	})
	if _, err := s.ByKey(t.Context(), v["key"].(string)); err == nil {
		t.Error("the revoked key works")
	}
}
