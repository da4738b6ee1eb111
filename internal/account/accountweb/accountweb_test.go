package accountweb_test

import (
	"testing"

	"entente.dev/internal/account"
	"entente.dev/internal/account/accountweb"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type world struct {
	*doortest.World
	accounts *account.Service
	deals    *deal.Service
}

func build(t *testing.T) world {
	t.Helper()
	w := world{World: doortest.New(t)}
	w.accounts, w.deals = account.New(w.Ops), deal.New(w.Ops)
	accountweb.Routes(w.Web, accountweb.Deps{Page: w.Page, Accounts: w.accounts, Deals: w.deals, Trail: trail.New(w.Ops)})
	return w
}

func (w world) account(t *testing.T, as, name, domain string) account.Account {
	t.Helper()
	sector, employees := "Energy", 1200
	a, err := w.accounts.Create(t.Context(), w.Actors[as], account.Facts{Name: &name, Domain: &domain, Sector: &sector, Employees: &employees})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAccountPages(t *testing.T) {
	w := build(t)
	form := doortest.Form
	konex := "/accounts/" + w.account(t, "staff", "Konex", "konex.example").ID.String()
	zot := w.account(t, "partner", "Zotware", "zotware.example")
	zotware := "/accounts/" + zot.ID.String()
	if _, err := w.deals.Create(t.Context(), w.Actors["agent"], deal.CreateInput{Title: "Zot rollout", AccountID: zot.ID, Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	name := "Paula"
	if _, err := w.accounts.CreateContact(t.Context(), w.Actors["partner"], account.ContactFacts{Name: &name, AccountID: &zot.ID}); err != nil {
		t.Fatal(err)
	}
	w.Run(t, []doortest.Case{
		{Name: "list", As: "staff", Ask: "GET /accounts", Status: 200, Want: []string{"td.main a[href=" + konex + "] :: Konex", "td.main :: Zotware", "td.num :: 1,200", "a[href=/accounts/new]"}},
		{Name: "a partner's", As: "partner", Ask: "GET /accounts", Status: 200, Want: []string{"td.main :: Zotware"}, Forbid: []string{"~Konex"}},
		{Name: "a rival's", As: "rival", Ask: "GET /accounts", Status: 200, Want: []string{".empty-title :: No accounts yet", ".empty-action a[href=/deals/new]"}, Forbid: []string{"a[href=/imports/new].btn.btn-primary"}},
		{Name: "filter", As: "staff", Ask: "GET /accounts?sector=Energy&q=konex", Status: 200, Want: []string{"td.main :: Konex", "option[value=Energy][selected]"}, Forbid: []string{"td.main :: Zotware"}},
		{Name: "no sort of ours", As: "staff", Ask: "GET /accounts?sort=odd", Status: 422, Want: []string{".callout :: Sort by one of"}},
		{Name: "record", As: "agent", Ask: "GET " + zotware, Status: 200, Want: []string{"h1 :: Zotware", "td.main :: Zot rollout", "td.main :: Paula", ".story-line :: added this account"},
			Forbid: []string{"a[href=" + zotware + "/edit]", "dt :: Source"}},
		{Name: "the vendor's record", As: "staff", Ask: "GET " + zotware, Status: 200, Want: []string{"dd :: Brought by a partner", "a[href=" + zotware + "/edit]", "td.main :: North"}},
		{Name: "hidden", As: "partner", Ask: "GET " + konex, Status: 404, Audit: []string{"account.read denied"}},
		{Name: "a rival's hidden", As: "rival", Ask: "GET " + zotware, Status: 404, Audit: []string{"account.read denied"}},
		{Name: "random", As: "rival", Ask: "GET /accounts/" + id.New().String(), Status: 404, Audit: []string{"account.read denied"}},
		{Name: "not an id", As: "staff", Ask: "GET /accounts/x/edit", Status: 404},
		{Name: "new", As: "agent", Ask: "GET /accounts/new", Status: 200, Want: []string{"input[name=_idempotency]"}, Forbid: []string{"input[name=external_id]"}},
		{Name: "a partner's external id", As: "agent", Ask: "POST /accounts", Body: form("name", "X", "external_id", "1"), Status: 400},
		{Name: "refused", As: "staff", Ask: "POST /accounts", Body: form("name", "Codehow", "domain", "gmail.com", "country", "Atlantis", "employees", "12"), Status: 422,
			Want: []string{"#f-domain-error", "#f-country-error", "input[name=name][value=Codehow]", "input[name=employees][value=12]"}},
		{Name: "not a number", As: "staff", Ask: "POST /accounts", Body: form("name", "Codehow", "country", "Atlantis", "employees", "many"), Status: 422, Want: []string{"#f-country-error", "#f-employees-error", "input[name=employees][value=many]"}},
		{Name: "create", As: "agent", Ask: "POST /accounts", Body: form("name", "Codehow", "domain", "codehow.example", "country", "DE", "sector", "", "employees", "", "parent_name", ""), Status: 303, Audit: []string{"account.create"}},
		{Name: "edit by a partner", As: "partner", Ask: "GET " + zotware + "/edit", Status: 403},
		{Name: "edit", As: "staff", Ask: "GET " + konex + "/edit", Status: 200, Want: []string{"input[name=version][value=1]", "input[name=employees][value=1200]"}},
		{Name: "save", As: "staff", Ask: "POST " + konex + "/edit", Body: form("version", "1", "name", "Konex AG", "domain", "konex.example", "country", "", "sector", "Energy", "employees", "", "parent_name", "", "external_id", "k"), Status: 303, Audit: []string{"account.update"}},
		{Name: "saved", As: "staff", Ask: "GET " + konex, Status: 200, Want: []string{"h1 :: Konex AG", ".diff del :: 1,200", "dd :: k"}},
		{Name: "stale", As: "staff", Ask: "POST " + konex + "/edit", Body: form("version", "1", "name", "Konex SE", "domain", "konex.example", "sector", "Energy"), Status: 412,
			Want: []string{".callout :: Somebody changed this", ".diff ins :: Konex SE", ".diff del :: Konex AG", "input[name=version][value=2]"}},
		{Name: "csv", As: "partner", Ask: "GET /accounts/export.csv", Status: 200, Want: []string{"~Zotware"}, Forbid: []string{"~Konex", "~external_id"}},
		{Name: "json", As: "staff", Ask: "GET /accounts/export.json?q=konex", Status: 200, Want: []string{"~Konex AG"}, Forbid: []string{"~Zotware"}},
	})
}

func TestContactPages(t *testing.T) {
	w := build(t)
	form := doortest.Form
	zot := w.account(t, "partner", "Zotware", "zotware.example").ID.String()
	w.Run(t, []doortest.Case{
		{Name: "nothing yet", As: "agent", Ask: "GET /contacts", Status: 200, Want: []string{".empty-title :: No contacts yet"}},
		{Name: "new at an account", As: "agent", Ask: "GET /contacts/new?account=" + zot, Status: 200, Want: []string{"option[value=" + zot + "][selected] :: Zotware"}},
		{Name: "a rival's account is none", As: "rival", Ask: "GET /contacts/new?account=" + zot, Status: 200, Forbid: []string{"~Zotware"}, Audit: []string{"account.read denied"}},
		{Name: "refused", As: "agent", Ask: "POST /contacts", Body: form("name", "Paula", "email", "nope", "account_id", zot), Status: 422, Want: []string{"#f-email-error", "input[name=name][value=Paula]", "option[value=" + zot + "][selected]"}},
		{Name: "create", As: "agent", Ask: "POST /contacts", Body: form("name", "Paula", "title", "CIO", "email", "paula@zotware.example", "phone", "", "account_id", zot), Status: 303, Audit: []string{"contact.create"}},
		{Name: "list", As: "partner", Ask: "GET /contacts?account=" + zot, Status: 200, Want: []string{"td.main :: Paula", "td a :: Zotware"}},
		{Name: "a rival's list", As: "rival", Ask: "GET /contacts", Status: 200, Forbid: []string{"~Paula"}},
		{Name: "csv", As: "staff", Ask: "GET /contacts/export.csv", Status: 200, Want: []string{"~Paula,paula@zotware.example"}},
	})
	var v id.ID
	if err := w.Super.QueryRow(t.Context(), `select contact_id from contact`).Scan(&v); err != nil {
		t.Fatal(err)
	}
	at := "/contacts/" + v.String()
	w.Run(t, []doortest.Case{
		{Name: "record", As: "partner", Ask: "GET " + at, Status: 200, Want: []string{"h1 :: Paula", "a[href=mailto:paula@zotware.example]", "form[action=" + at + "/delete] button"}},
		{Name: "an agent does not delete", As: "agent", Ask: "GET " + at, Status: 200, Forbid: []string{"form[action=" + at + "/delete]"}},
		{Name: "a rival's", As: "rival", Ask: "GET " + at, Status: 404, Audit: []string{"contact.read denied"}},
		{Name: "edit", As: "agent", Ask: "GET " + at + "/edit", Status: 200, Want: []string{"input[name=title][value=CIO]"}},
		{Name: "save", As: "agent", Ask: "POST " + at + "/edit", Body: form("version", "1", "name", "Paula", "title", "CTO", "email", "", "phone", "", "account_id", ""), Status: 303, Audit: []string{"contact.update"}},
		{Name: "half a consent", As: "agent", Ask: "POST " + at + "/consents", Body: form("purpose", "marketing", "basis", "consent", "source", "the fair", "wording", "", "wording_version", "2"), Status: 422, Want: []string{"#f-wording-error", "input[name=source][value=the fair]", "details[open]"}},
		{Name: "nothing to withdraw", As: "agent", Ask: "POST " + at + "/consents", Body: form("purpose", "marketing", "basis", "withdrawn", "source", "mail", "wording", "", "wording_version", ""), Status: 422, Want: []string{"#f-basis-error"}},
		{Name: "consent", As: "agent", Ask: "POST " + at + "/consents", Body: form("purpose", "marketing", "basis", "consent", "source", "the fair", "wording", "Send me news.", "wording_version", "2"), Status: 303, Audit: []string{"consent.record"}},
		{Name: "withdrawal", As: "partner", Ask: "POST " + at + "/consents", Body: form("purpose", "marketing", "basis", "withdrawn", "source", "mail", "wording", "", "wording_version", ""), Status: 303, Audit: []string{"consent.record"}},
		{Name: "history", As: "partner", Ask: "GET " + at, Status: 200, Want: []string{"summary :: What stood before", "td :: Send me news.", ".story-line :: recorded the consent of this contact"}},
		{Name: "a rival's consent", As: "rival", Ask: "POST " + at + "/consents", Body: form("purpose", "marketing", "basis", "objection", "source", "x", "wording", "", "wording_version", ""), Status: 404, Audit: []string{"consent.record denied"}},
		{Name: "stale", As: "agent", Ask: "POST " + at + "/edit", Body: form("version", "1", "name", "Paul"), Status: 412, Want: []string{".diff ins :: Paul"}},
		{Name: "delete refused", As: "agent", Ask: "POST " + at + "/delete", Status: 403},
		{Name: "delete", As: "partner", Ask: "POST " + at + "/delete", Status: 303, Audit: []string{"contact.delete"}},
		{Name: "gone", As: "partner", Ask: "GET " + at, Status: 404, Audit: []string{"contact.read denied"}},
	})
}
