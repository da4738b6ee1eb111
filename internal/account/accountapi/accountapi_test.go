package accountapi_test

import (
	"testing"

	"entente.dev/internal/account"
	"entente.dev/internal/account/accountapi"
	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func made(t *testing.T, w *doortest.World, as, path, body string) string {
	t.Helper()
	a := w.Ask(as, "POST /api/v1/"+path, body)
	if a.Code != 201 {
		t.Fatalf("%d %s", a.Code, a.Body)
	}
	return a.JSON(t)["id"].(string)
}

func TestAccounts(t *testing.T) {
	w := doortest.New(t)
	accountapi.Routes(w.API, account.New(w.Ops))
	vendors := made(t, w, "staff", "accounts", `{"name":"Konex","domain":"https://konex.example/","country":"Germany","employees":12,"external_id":"a-1"}`)
	shared := made(t, w, "agent", "accounts", `{"name":"Zotware","domain":"zotware.example"}`)
	w.Run(t, []doortest.Case{
		{Name: "a partner gives no external id", As: "partner", Ask: "POST /api/v1/accounts", Body: `{"name":"X","external_id":"a-1"}`, Status: 422, Want: []string{"~vendor_only"}, Forbid: []string{"~taken"}},
		{Name: "staff may not repeat one", As: "staff", Ask: "POST /api/v1/accounts", Body: `{"name":"X","external_id":"a-1"}`, Status: 422, Want: []string{"~taken"}},
		{Name: "every field at once", As: "staff", Ask: "POST /api/v1/accounts", Body: `{"name":"X","domain":"gmail.com","country":"Germny"}`, Status: 422, Want: []string{`~"name":"domain"`, "~Did you mean Germany"}},
		{Name: "out of range", As: "staff", Ask: "POST /api/v1/accounts", Body: `{"name":"X","employees":-5,"domain":"gmail.com"}`, Status: 422, Want: []string{`~"name":"employees"`, "~domain.free_mail"}},
		{Name: "staff sees all", As: "staff", Ask: "GET /api/v1/accounts", Status: 200, Want: []string{"~Konex", "~Zotware", `~"external_id":"a-1"`}},
		{Name: "a partner sees what is shared", As: "partner", Ask: "GET /api/v1/accounts", Status: 200, Want: []string{"~Zotware"}, Forbid: []string{"~Konex", "~external_id"}},
		{Name: "a rival sees nothing", As: "rival", Ask: "GET /api/v1/accounts", Status: 200, Want: []string{`~"items":[]`}},
		{Name: "by country", As: "staff", Ask: "GET /api/v1/accounts?country=DE&q=konex.ex", Status: 200, Want: []string{"~Konex"}, Forbid: []string{"~Zotware"}},
		{Name: "read", As: "agent", Ask: "GET /api/v1/accounts/" + shared, Status: 200, Want: []string{`~"source":"partner"`}},
		{Name: "the vendor's", As: "agent", Ask: "GET /api/v1/accounts/" + vendors, Status: 404, Audit: []string{"account.read denied"}},
		{Name: "a rival's", As: "rival", Ask: "GET /api/v1/accounts/" + shared, Status: 404, Audit: []string{"account.read denied"}},
		{Name: "a stranger's", As: "stranger", Ask: "GET /api/v1/accounts/" + shared, Status: 404, Audit: []string{"account.read denied"}},
		{Name: "change", As: "staff", Ask: "PATCH /api/v1/accounts/" + vendors, Body: `{"employees":-1,"external_id":""}`, Header: []string{"If-Match", `"1"`}, Status: 200, Forbid: []string{"~employees", "~external_id"}, Audit: []string{"account.update"}},
		{Name: "stale", As: "staff", Ask: "PATCH /api/v1/accounts/" + vendors, Body: `{"sector":"x"}`, Header: []string{"If-Match", `"1"`}, Status: 412},
		{Name: "a partner changes none", As: "partner", Ask: "PATCH /api/v1/accounts/" + shared, Body: `{"sector":"x"}`, Status: 403},
		{Name: "csv", As: "staff", Ask: "GET /api/v1/accounts.csv?sort=-name", Status: 200, Want: []string{"~,source,external_id\n", "~Zotware"}},
		{Name: "a partner's json", As: "partner", Ask: "GET /api/v1/accounts.json", Status: 200, Want: []string{"~Zotware"}, Forbid: []string{"~external_id", "~source", "~Konex"}},
	})
}

func TestContacts(t *testing.T) {
	w := doortest.New(t)
	accountapi.Routes(w.API, account.New(w.Ops))
	vendors := made(t, w, "staff", "accounts", `{"name":"Konex"}`)
	shared := made(t, w, "partner", "accounts", `{"name":"Zotware"}`)
	ours := made(t, w, "staff", "contacts", `{"name":"Vera","email":"Vera@Konex.example","account_id":"`+vendors+`","external_id":"c-1"}`)
	theirs := made(t, w, "agent", "contacts", `{"name":"Paul","account_id":"`+shared+`"}`)
	w.Run(t, []doortest.Case{
		{Name: "a partner may not point elsewhere", As: "partner", Ask: "POST /api/v1/contacts", Body: `{"name":"X","account_id":"` + vendors + `"}`, Status: 422, Want: []string{`~"name":"account_id"`}},
		{Name: "as if it were none", As: "partner", Ask: "POST /api/v1/contacts", Body: `{"name":"X","account_id":"` + id.New().String() + `"}`, Status: 422, Want: []string{`~"name":"account_id"`}},
		{Name: "malformed", As: "partner", Ask: "POST /api/v1/contacts", Body: `{"name":"X","email":"no","account_id":"7"}`, Status: 422, Want: []string{`~"name":"account_id"`, "~field.email"}},
		{Name: "no external id of a partner", As: "partner", Ask: "PATCH /api/v1/contacts/" + theirs, Body: `{"external_id":"c-1"}`, Status: 422, Want: []string{"~vendor_only"}},
		{Name: "staff sees all", As: "staff", Ask: "GET /api/v1/contacts", Status: 200, Want: []string{"~Vera", "~Paul", "~c-1", `~"account_name":"Konex"`, "~vera@konex.example"}},
		{Name: "a partner its own", As: "partner", Ask: "GET /api/v1/contacts", Status: 200, Want: []string{"~Paul"}, Forbid: []string{"~Vera", "~external_id"}},
		{Name: "at an account", As: "staff", Ask: "GET /api/v1/contacts?account_id=" + shared, Status: 200, Want: []string{"~Paul"}, Forbid: []string{"~Vera"}},
		{Name: "read", As: "partner", Ask: "GET /api/v1/contacts/" + theirs, Status: 200, Want: []string{"~Zotware"}},
		{Name: "the vendor's", As: "partner", Ask: "GET /api/v1/contacts/" + ours, Status: 404, Audit: []string{"contact.read denied"}},
		{Name: "take the account away", As: "agent", Ask: "PATCH /api/v1/contacts/" + theirs, Body: `{"account_id":"","phone":"+49 1"}`, Status: 200, Want: []string{`~"account_name":""`}, Forbid: []string{"~account_id"}, Audit: []string{"contact.update"}},
		{Name: "stale", As: "agent", Ask: "PATCH /api/v1/contacts/" + theirs, Body: `{"phone":""}`, Header: []string{"If-Match", `"1"`}, Status: 412},
		{Name: "a consent needs its words", As: "agent", Ask: "POST /api/v1/contacts/" + theirs + "/consents", Body: `{"purpose":"marketing","basis":"consent","source":"fair"}`, Status: 422, Want: []string{`~"name":"wording"`}},
		{Name: "no such purpose", As: "agent", Ask: "POST /api/v1/contacts/" + theirs + "/consents", Body: `{"purpose":"fun","basis":"consent","source":"fair","wording":"w"}`, Status: 422, Want: []string{`~"name":"purpose"`}},
		{Name: "nothing to withdraw", As: "agent", Ask: "POST /api/v1/contacts/" + theirs + "/consents", Body: `{"purpose":"marketing","basis":"withdrawn","source":"mail"}`, Status: 409, Want: []string{"~consent.none"}},
		{Name: "consent", As: "agent", Ask: "POST /api/v1/contacts/" + theirs + "/consents", Body: `{"purpose":"marketing","basis":"consent","source":"fair","wording":"Send me news.","wording_version":"2"}`, Status: 201, Want: []string{"~Send me news.", `~"source":"fair"`}, Forbid: []string{"~withdrawn_at"}, Audit: []string{"consent.record"}},
		{Name: "withdrawn", As: "partner", Ask: "POST /api/v1/contacts/" + theirs + "/consents", Body: `{"purpose":"marketing","basis":"withdrawn","source":"mail"}`, Status: 201, Want: []string{"~withdrawn_at"}, Audit: []string{"consent.record"}},
		{Name: "objection", As: "staff", Ask: "POST /api/v1/contacts/" + ours + "/consents", Body: `{"purpose":"marketing","basis":"objection","source":"phone"}`, Status: 201, Want: []string{"~objection"}, Audit: []string{"consent.record"}},
		{Name: "consents", As: "agent", Ask: "GET /api/v1/contacts/" + theirs + "/consents", Status: 200, Want: []string{"~Send me news."}},
		{Name: "a rival's consents", As: "rival", Ask: "GET /api/v1/contacts/" + theirs + "/consents", Status: 404, Audit: []string{"contact.read denied"}},
		{Name: "the vendor's consents", As: "partner", Ask: "POST /api/v1/contacts/" + ours + "/consents", Body: `{"purpose":"marketing","basis":"objection","source":"phone"}`, Status: 404, Audit: []string{"consent.record denied"}},
		{Name: "a stranger's consents", As: "stranger", Ask: "POST /api/v1/contacts/" + theirs + "/consents", Body: `{"purpose":"marketing","basis":"objection","source":"phone"}`, Status: 404, Audit: []string{"consent.record denied"}},
		{Name: "an agent deletes none", As: "agent", Ask: "DELETE /api/v1/contacts/" + theirs, Status: 403},
		{Name: "a rival neither", As: "rival", Ask: "DELETE /api/v1/contacts/" + theirs, Status: 404, Audit: []string{"contact.delete denied"}},
		{Name: "csv", As: "partner", Ask: "GET /api/v1/contacts.csv", Status: 200, Want: []string{"~Paul"}, Forbid: []string{"~Vera", "~external_id"}},
		{Name: "csv of a bad id", As: "partner", Ask: "GET /api/v1/contacts.csv?account_id=7", Status: 422},
		{Name: "delete", As: "partner", Ask: "DELETE /api/v1/contacts/" + theirs, Status: 204, Audit: []string{"contact.delete"}},
		{Name: "gone", As: "partner", Ask: "GET /api/v1/contacts/" + theirs, Status: 404, Audit: []string{"contact.read denied"}},
	})
}
