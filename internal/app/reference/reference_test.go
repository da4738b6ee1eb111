package reference_test

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"testing"

	"entente.dev/internal/account"
	"entente.dev/internal/account/accountapi"
	"entente.dev/internal/app/reference"
	"entente.dev/internal/audit/auditapi"
	"entente.dev/internal/audit/seal"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/deal/dealapi"
	"entente.dev/internal/doortest"
	"entente.dev/internal/identity"
	"entente.dev/internal/identity/identityapi"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/partner"
	"entente.dev/internal/partner/partnerapi"
	"entente.dev/internal/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func world(t *testing.T) *doortest.World {
	t.Helper()
	w := doortest.New(t)
	people := identity.New(w.Ops, identity.Options{Tenants: tenant.New(w.Ops)})
	partnerapi.Routes(w.API, partner.New(w.Ops))
	accountapi.Routes(w.API, account.New(w.Ops))
	auditapi.Routes(w.API, trail.New(w.Ops), seal.New(w.Ops, seal.Options{}))
	dealapi.Routes(w.API, deal.New(w.Ops))
	identityapi.Routes(w.API, people)
	reference.Routes(w.Web, reference.Deps{Page: w.Page, API: w.API, Origin: doortest.Origin, Read: identity.ActMe})
	return w
}

func TestPages(t *testing.T) {
	w := world(t)
	w.Run(t, []doortest.Case{
		{Name: "nobody", Ask: "GET /api-reference", Status: 303},
		{Name: "index", As: "agent", Ask: "GET /api-reference", Status: 200, Want: []string{"h2 a[href=/api-reference/deal] :: Deals", ".api-list a[href=/api-reference/deal#deal.approve]", ".api-list a[href=/api-reference/contact#contact.delete] .api-method :: DELETE",
			"pre :: " + doortest.Origin + "/api/v1/deals", "a[href=/api/v1/openapi.json]"}},
		{Name: "filter", As: "admin", Ask: "GET /api-reference?q=contact+csv", Status: 200, Want: []string{".api-list :: Export contacts as CSV"}, Forbid: []string{".api-list :: Export partner"}},
		{Name: "nothing matches", As: "admin", Ask: "GET /api-reference?q=zzz", Status: 200, Want: []string{".empty-title :: No operations match"}},
		{Name: "room", As: "admin", Ask: "GET /api-reference/partner", Status: 200, Want: []string{"section[id=partner.create] h2 :: Add a partner company", "section[id=partner.create] .api-field code :: external_id",
			"section[id=partner.create] .tag :: required", "section[id=partner.list] :: one of active, invited, suspended, ended", "section[id=partner.update] code :: If-Match", "section[id=partner.update] :: Permission partner.update",
			"section[id=type-PartnerPage] code :: items[].name", "section[id=partner.list] a[href=#type-PartnerPage]", "section[id=partner.read] pre :: $ENTENTE_KEY"}},
		{Name: "an operation's name", As: "admin", Ask: "GET /api-reference/partner.create", Status: 303},
		{Name: "no such room", As: "admin", Ask: "GET /api-reference/nothing", Status: 404},
	})
}

var (
	pre     = regexp.MustCompile(`(?s)<pre id="curl-([^"]+)"[^>]*>(.*?)</pre>`)
	method  = regexp.MustCompile(`-X (\w+)`)
	address = regexp.MustCompile(`"` + regexp.QuoteMeta(doortest.Origin) + `([^"]*)"`)
	body    = regexp.MustCompile(`(?s)-d '(.*)'$`)
	room    = regexp.MustCompile(`href="/api-reference/([a-z]+)"`)
)

// Every example is asked as it stands: what it sends is well-formed, known and acceptable.
func TestExamplesRun(t *testing.T) {
	w := world(t)
	for _, path := range []string{"contacts", "accounts"} {
		if a := w.Ask("admin", "POST /api/v1/"+path, `{"name":"Konex"}`); a.Code != 201 {
			t.Fatal(a.Body)
		}
	}
	seen, ran := map[string]bool{}, 0
	index := w.Ask("admin", "GET /api-reference", "").Body.String()
	for _, r := range room.FindAllStringSubmatch(index, -1) {
		if seen[r[1]] {
			continue
		}
		seen[r[1]] = true
		for _, m := range pre.FindAllStringSubmatch(w.Ask("admin", "GET /api-reference/"+r[1], "").Body.String(), -1) {
			ran++
			run(t, w, m[1], html.UnescapeString(m[2]))
		}
	}
	if ran < 30 {
		t.Errorf("%d examples were found", ran)
	}
}

// needs says what an example cannot know of the installation it runs in.
var needs = map[string]string{
	"deal.move":     "a stage of the programme",
	"deal.submit":   "a first deal that names its customer",
	"deal.withdraw": "a key of a partner's person",
}

// run asks one example, as a shell would with curl.
func run(t *testing.T, w *doortest.World, name, command string) {
	t.Helper()
	key := ""
	if first, rest, ok := strings.Cut(command, "\n"); ok && strings.HasPrefix(first, "ID=") {
		command = rest
		if list := address.FindStringSubmatch(first); list != nil {
			var page struct{ Items []struct{ ID string } }
			if err := json.Unmarshal(w.Ask("admin", "GET "+list[1], "").Body.Bytes(), &page); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if len(page.Items) > 0 {
				key = page.Items[0].ID
			}
		}
	}
	at := address.FindStringSubmatch(command)
	if at == nil {
		t.Errorf("%s has no address: %s", name, command)
		return
	}
	verb, data := "GET", ""
	if m := method.FindStringSubmatch(command); m != nil {
		verb = m[1]
	}
	if m := body.FindStringSubmatch(command); m != nil {
		data = m[1]
	}
	if strings.Contains(at[1], "$ID") && key == "" {
		key = w.North.String() // a list without records: the example then answers 404
	}
	a := w.Ask("admin", verb+" "+strings.ReplaceAll(at[1], "$ID", key), data)
	switch {
	case a.Code < 300 || a.Code == 404 || a.Code == 409:
	case needs[name] != "":
	default:
		t.Errorf("%s answers %d %s\n%s", name, a.Code, a.Body, command)
	}
}
