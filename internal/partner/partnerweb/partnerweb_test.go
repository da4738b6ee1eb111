package partnerweb_test

import (
	"strings"
	"testing"

	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/doortest"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/partner"
	"entente.dev/internal/partner/partnerweb"
	"entente.dev/internal/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func world(t *testing.T) *doortest.World {
	w := doortest.New(t)
	partnerweb.Routes(w.Web, partnerweb.Deps{Page: w.Page, Partners: partner.New(w.Ops), People: identity.New(w.Ops, identity.Options{Tenants: tenant.New(w.Ops)}),
		Deals: deal.New(w.Ops), Trail: trail.New(w.Ops)})
	return w
}

func TestPartnerPages(t *testing.T) {
	w := world(t)
	deals := deal.New(w.Ops)
	amount := int64(1240000)
	if _, err := deals.Create(t.Context(), w.Actors["agent"], deal.CreateInput{Title: "Konex rollout", Account: deal.AccountFacts{Name: "Konex", Domain: "konex.example"}, AmountMinor: &amount, Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	north, south := "/partners/"+w.North.String(), "/partners/"+w.South.String()
	form := func(pairs ...string) string { return doortest.Form(pairs...) }
	w.Run(t, []doortest.Case{
		{Name: "stranger to the house", Ask: "GET /partners", Status: 303},
		{Name: "list", As: "staff", Ask: "GET /partners", Status: 200, Want: []string{"td.main a[href=" + north + "] :: North", "td.main :: South", "a[href=/partners/new]", "th[aria-sort=ascending] :: Partner"}},
		{Name: "search", As: "staff", Ask: "GET /partners?q=nor", Status: 200, Want: []string{"td.main :: North"}, Forbid: []string{"td.main :: South"}},
		{Name: "nothing matches", As: "staff", Ask: "GET /partners?q=zzz", Status: 200, Want: []string{".empty-title :: No partners match"}},
		{Name: "nothing yet", As: "stranger", Ask: "GET /partners", Status: 200, Want: []string{".empty-title :: No partners yet", ".empty-action a[href=/imports/new]"}},
		{Name: "a filter nobody has", As: "staff", Ask: "GET /partners?status=odd", Status: 422, Want: []string{".callout :: Choose one of"}},
		{Name: "an old cursor", As: "staff", Ask: "GET /partners?q=n&cursor=x", Status: 303},
		{Name: "a partner goes home", As: "partner", Ask: "GET /partners", Status: 303},
		{Name: "record", As: "staff", Ask: "GET " + north, Status: 200, Want: []string{"h1 :: North", ".badge :: Active", "td.main a :: Konex rollout", "td.num :: €12,400", "td.main :: Pat Partner",
			"a[href=" + north + "/edit]", "dt :: External id", "dd :: crm-north", "a[href=/people/new?partner=" + w.North.String() + "]"}},
		{Name: "its own people's record", As: "partner", Ask: "GET " + north, Status: 200, Want: []string{"h1 :: North", "td.main :: Konex rollout", "td.main :: Abe Agent"},
			Forbid: []string{"a[href=" + north + "/edit]", "dt :: External id", "~crm-north", "nav.crumbs"}},
		{Name: "an agent's record", As: "agent", Ask: "GET " + north, Status: 200, Want: []string{"h1 :: North"}, Forbid: []string{"h2 :: People"}},
		{Name: "a rival's", As: "partner", Ask: "GET " + south, Status: 404, Audit: []string{"partner.read denied"}},
		{Name: "nobody's", As: "partner", Ask: "GET /partners/" + id.New().String(), Status: 404, Audit: []string{"partner.read denied"}},
		{Name: "a stranger's", As: "stranger", Ask: "GET " + north, Status: 404, Audit: []string{"partner.read denied"}},
		{Name: "not an id", As: "staff", Ask: "GET /partners/7", Status: 404},
		{Name: "new", As: "staff", Ask: "GET /partners/new", Status: 200, Want: []string{"form[action=/partners] input[name=_idempotency]", "input[name=name][required]", "select[name=manager_id] option :: Sam Staff"},
			Forbid: []string{"select[name=status]", "select[name=manager_id] option :: Pat"}},
		{Name: "new by a partner", As: "partner", Ask: "GET /partners/new", Status: 403},
		{Name: "create refused", As: "staff", Ask: "POST /partners", Body: form("name", "", "kind", "agency", "domains", "no domain!", "country", "DE", "region", "West", "manager_id", "", "external_id", ""), Status: 422,
			Want: []string{".error-summary", "#f-name-error", "#f-domains-error", "input[name=region][value=West]", "option[value=agency][selected]", "textarea[name=domains] :: no domain!"}},
		{Name: "a field of no form", As: "staff", Ask: "POST /partners", Body: form("name", "X", "tenant_id", "y"), Status: 400},
		{Name: "create", As: "staff", Ask: "POST /partners", Body: form("name", "East AB", "kind", "agency", "domains", "east.example\r\nost.example", "country", "SE", "region", "", "manager_id", w.Actors["staff"].Member.String(), "external_id", ""),
			Status: 303, Audit: []string{"partner.create"}},
		{Name: "created", As: "staff", Ask: "GET /partners?sort=-created", Status: 200, Want: []string{"td.main :: east.example, ost.example", "td :: Sam Staff", "td :: Sweden"}},
		{Name: "edit", As: "staff", Ask: "GET " + north + "/edit", Status: 200, Want: []string{"input[name=version][value=1]", "input[name=name][value=North]", "select[name=status]"}},
		{Name: "save", As: "staff", Ask: "POST " + north + "/edit", Body: form("version", "1", "name", "North", "kind", "reseller", "status", "suspended", "domains", "", "country", "", "region", "DACH", "manager_id", "", "external_id", "crm-north"),
			Status: 303, Audit: []string{"partner.update"}},
		{Name: "the story", As: "staff", Ask: "GET " + north, Status: 200, Want: []string{".story-line :: Sam Staff changed this partner", ".diff th :: Region", ".diff ins :: DACH", ".badge :: Suspended"}},
		{Name: "stale", As: "staff", Ask: "POST " + north + "/edit", Body: form("version", "1", "name", "North", "kind", "reseller", "status", "suspended", "domains", "", "country", "", "region", "Nordics", "manager_id", "", "external_id", "crm-north"),
			Status: 412, Want: []string{".callout :: Somebody changed this", ".diff del :: DACH", ".diff ins :: Nordics", "input[name=version][value=2]", "input[name=region][value=Nordics]"}},
		{Name: "csv", As: "staff", Ask: "GET /partners/export.csv?q=south", Status: 200, Want: []string{"~crm-south"}, Forbid: []string{"~North"}},
		{Name: "json of a partner", As: "partner", Ask: "GET /partners/export.json", Status: 200, Want: []string{"~North"}, Forbid: []string{"~South", "~external_id"}},
	})
	twice := form("_idempotency", "once", "name", "Twice", "kind", "reseller")
	a, b := w.Ask("staff", "POST /partners", twice).Header().Get("Location"), w.Ask("staff", "POST /partners", twice).Header().Get("Location")
	if a != b || !strings.HasPrefix(a, "/partners/") {
		t.Errorf("sent twice: %q and %q", a, b)
	}
}
