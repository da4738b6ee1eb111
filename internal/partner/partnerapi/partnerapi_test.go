package partnerapi_test

import (
	"net/http"
	"testing"

	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/partner"
	"entente.dev/internal/partner/partnerapi"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestPartners(t *testing.T) {
	w := doortest.New(t)
	partnerapi.Routes(w.API, partner.New(w.Ops))
	north, south := w.North.String(), w.South.String()
	w.Run(t, []doortest.Case{
		{Name: "create", As: "staff", Ask: "POST /api/v1/partners", Body: `{"name":"East AB","country":"Sweden","domains":["https://www.east.example/x"],"external_id":"e-1"}`, Status: 201,
			Want: []string{`~"country":"SE"`, `~"domains":["east.example"]`, `~"external_id":"e-1"`, `~"version":1`}, Forbid: []string{"~tenant_id", "~name_norm"}, Audit: []string{"partner.create"}},
		{Name: "unknown field", As: "staff", Ask: "POST /api/v1/partners", Body: `{"name":"X","tenant_id":"y"}`, Status: 400, Want: []string{`~"name":"tenant_id"`}},
		{Name: "every field at once", As: "staff", Ask: "POST /api/v1/partners", Body: `{"name":"X","country":"Nowhere","domains":["not a domain"],"manager_id":"` + id.New().String() + `"}`, Status: 422,
			Want: []string{`~"name":"country"`, `~"name":"domains"`, `~"name":"manager_id"`}},
		{Name: "wrong form", As: "staff", Ask: "POST /api/v1/partners", Body: `{"name":"","kind":"friend","country":"Nowhere"}`, Status: 422, Want: []string{`~"name":"name"`, `~"name":"kind"`, "~country.unknown"}},
		{Name: "external id taken", As: "staff", Ask: "POST /api/v1/partners", Body: `{"name":"X","external_id":"crm-north"}`, Status: 422, Want: []string{`~"name":"external_id"`}},
		{Name: "a partner adds none", As: "partner", Ask: "POST /api/v1/partners", Body: `{"name":"X"}`, Status: 403},
		{Name: "nobody", Ask: "GET /api/v1/partners", Status: 401},
		{Name: "list", As: "staff", Ask: "GET /api/v1/partners?limit=2", Status: 200, Want: []string{`~"East AB"`, `~"North"`, `~"crm-north"`}, Forbid: []string{`~"South"`, `~"next_cursor":""`}},
		{Name: "backwards", As: "staff", Ask: "GET /api/v1/partners?limit=1&sort=-name", Status: 200, Want: []string{`~"South"`}},
		{Name: "filter", As: "staff", Ask: "GET /api/v1/partners?q=nor&kind=reseller", Status: 200, Want: []string{`~"North"`, `~"next_cursor":""`}, Forbid: []string{`~"South"`}},
		{Name: "unknown filter", As: "staff", Ask: "GET /api/v1/partners?nmae=x", Status: 400, Want: []string{`~"nmae"`}},
		{Name: "unknown value", As: "staff", Ask: "GET /api/v1/partners?status=gone", Status: 422, Want: []string{`~"status"`}},
		{Name: "bad cursor", As: "staff", Ask: "GET /api/v1/partners?cursor=abc", Status: 400},
		{Name: "a partner sees its own", As: "partner", Ask: "GET /api/v1/partners", Status: 200, Want: []string{`~"North"`}, Forbid: []string{`~"South"`, "~external_id", "~import_id"}},
		{Name: "read", As: "agent", Ask: "GET /api/v1/partners/" + north, Status: 200, Want: []string{`~"North"`}, Forbid: []string{"~external_id"}},
		{Name: "another partner's", As: "partner", Ask: "GET /api/v1/partners/" + south, Status: 404, Audit: []string{"partner.read denied"}},
		{Name: "no one's", As: "partner", Ask: "GET /api/v1/partners/" + id.New().String(), Status: 404, Audit: []string{"partner.read denied"}},
		{Name: "another tenant's", As: "stranger", Ask: "GET /api/v1/partners/" + north, Status: 404, Audit: []string{"partner.read denied"}},
		{Name: "malformed id", As: "staff", Ask: "GET /api/v1/partners/7", Status: 404},
		{Name: "change", As: "staff", Ask: "PATCH /api/v1/partners/" + north, Body: `{"region":"DACH"}`, Header: []string{"If-Match", `"1"`}, Status: 200, Want: []string{`~"version":2`, `~"region":"DACH"`}, Audit: []string{"partner.update"}},
		{Name: "stale", As: "staff", Ask: "PATCH /api/v1/partners/" + north, Body: `{"region":"x"}`, Header: []string{"If-Match", `"1"`}, Status: 412, Want: []string{"~partner.stale"}},
		{Name: "a partner changes none", As: "partner", Ask: "PATCH /api/v1/partners/" + north, Body: `{"region":"x"}`, Status: 403},
		{Name: "csv", As: "staff", Ask: "GET /api/v1/partners.csv?q=south", Status: 200, Want: []string{"~external_id\n", "~,crm-south\n"}, Forbid: []string{"~North"}},
		{Name: "a partner's csv", As: "partner", Ask: "GET /api/v1/partners.csv", Status: 200, Want: []string{"~North"}, Forbid: []string{"~external_id", "~South"}},
		{Name: "json", As: "staff", Ask: "GET /api/v1/partners.json", Status: 200, Want: []string{`~"name":"South"`}},
		{Name: "csv of an unknown value", As: "staff", Ask: "GET /api/v1/partners.csv?kind=friend", Status: 422, Want: []string{`~"kind"`}},
	})

	missing := func(as, v string) string {
		got := w.Ask(as, "GET /api/v1/partners/"+v, "").JSON(t)
		delete(got, "request_id")
		return got["code"].(string) + got["detail"].(string) + got["title"].(string)
	}
	if a, b := missing("partner", south), missing("partner", id.New().String()); a != b {
		t.Errorf("a hidden partner answers %q, a random one %q", a, b)
	}
	if tag := w.Ask("staff", "GET /api/v1/partners/"+north, "").Header().Get("ETag"); tag != `"2"` {
		t.Errorf("ETag %s", tag)
	}
	key := []string{"Idempotency-Key", "k-1"}
	first, second := w.Ask("staff", "POST /api/v1/partners", `{"name":"Twice"}`, key...), w.Ask("staff", "POST /api/v1/partners", `{"name":"Twice"}`, key...)
	if first.Code != http.StatusCreated || second.Code != http.StatusCreated || first.Body.String() != second.Body.String() {
		t.Errorf("%d %s\n%d %s", first.Code, first.Body, second.Code, second.Body)
	}
}

func TestPagesAddUp(t *testing.T) {
	w := doortest.New(t)
	partnerapi.Routes(w.API, partner.New(w.Ops))
	for _, name := range []string{"b", "a", "d", "c", "e"} {
		w.Exec(`insert into partner (tenant_id, partner_id, name, name_norm) values ($1, $2, $3, $3)`, w.Tenant, id.New(), name)
	}
	for _, sort := range []string{"name", "-name", "created", "-created"} {
		seen, cursor := "", ""
		for range 10 {
			page := w.Ask("staff", "GET /api/v1/partners?limit=2&sort="+sort+"&cursor="+cursor, "").JSON(t)
			for _, it := range page["items"].([]any) {
				seen += it.(map[string]any)["name"].(string) + " "
			}
			if cursor = page["next_cursor"].(string); cursor == "" {
				break
			}
		}
		want := map[string]string{"name": "a b c d e North South ", "-name": "South North e d c b a ", "created": "North South b a d c e ", "-created": "e c d a b South North "}[sort]
		if seen != want {
			t.Errorf("%s: %q, want %q", sort, seen, want)
		}
	}
}
