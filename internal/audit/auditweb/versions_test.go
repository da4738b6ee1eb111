package auditweb_test

import (
	"fmt"
	"testing"

	"entente.dev/internal/account"
	"entente.dev/internal/audit/auditweb"
	"entente.dev/internal/deal"
	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
)

func TestVersionPages(t *testing.T) {
	w := doortest.New(t)
	rooms := auditweb.Rooms{Deals: deal.New(w.Ops), Accounts: account.New(w.Ops), Partners: partner.New(w.Ops)}
	auditweb.Versions(w.Web, w.Page, rooms)
	staff := w.Actors["staff"]
	name, other, employees := "Konex", "Typo <b>AG</b>", 1200
	a, err := rooms.Accounts.Create(t.Context(), staff, account.Facts{Name: &name, Employees: &employees})
	if err != nil {
		t.Fatal(err)
	}
	none := -1
	if _, err := rooms.Accounts.Update(t.Context(), staff, a.ID, 0, account.Facts{Name: &other, Employees: &none}); err != nil {
		t.Fatal(err)
	}
	at := "/accounts/" + a.ID.String() + "/versions"
	restore := "POST " + at + "/1/restore"
	form := func(version int) string { return doortest.Form("version", fmt.Sprint(version)) }
	w.Run(t, []doortest.Case{
		{Name: "list", As: "staff", Ask: "GET " + at, Status: 200, Want: []string{".audit-line :: Version 2", ".audit-line .badge :: As it stands", ".audit-line :: Sam Staff changed it", ".audit-line a[href=" + at + "/1] :: Version 1",
			".audit-line :: Sam Staff added it", ".diff ins :: Typo <b>AG</b>", ".diff del :: 1,200"}, Forbid: []string{"a[href=" + at + "/2]", ".audit b"}},
		{Name: "one", As: "admin", Ask: "GET " + at + "/1", Status: 200, Want: []string{"h1 :: Version 1", ".diff ins :: Konex", ".diff ins :: 1,200", ".version-form input[name=version][value=2]", "button :: Restore this version"}},
		{Name: "as it stands", As: "staff", Ask: "GET " + at + "/2", Status: 200, Want: []string{".quiet :: says the same now"}, Forbid: []string{".version-form"}},
		{Name: "none", As: "staff", Ask: "GET " + at + "/7", Status: 404, Audit: []string{"account.versions denied"}},
		{Name: "no number", As: "staff", Ask: "GET " + at + "/x", Status: 404, Audit: []string{"account.versions denied"}},
		{Name: "damaged cursor", As: "staff", Ask: "GET " + at + "?cursor=x", Status: 303},
		{Name: "a partner's", As: "partner", Ask: "GET " + at, Status: 403},
		{Name: "a stranger's", As: "stranger", Ask: "GET " + at + "/1", Status: 404, Audit: []string{"account.versions denied"}},
		{Name: "a stranger restores", As: "stranger", Ask: restore, Body: form(2), Status: 404, Audit: []string{"account.restore denied"}},
		{Name: "nothing", As: "staff", Ask: "POST " + at + "/2/restore", Body: form(2), Status: 409, Want: []string{".callout :: There is nothing to restore"}},
		{Name: "read long ago", As: "staff", Ask: restore, Body: form(1), Status: 412, Want: []string{".callout :: Somebody changed this account", ".version-form input[name=version][value=2]", ".diff ins :: Konex"}},
		{Name: "no version", As: "staff", Ask: restore, Body: "version=x", Status: 422, Want: []string{".callout"}},
		{Name: "restored", As: "staff", Ask: restore, Body: form(2), Status: 303, Audit: []string{"account.restore"}},
		{Name: "twice", As: "staff", Ask: restore, Body: form(2), Status: 412},
		{Name: "now", As: "staff", Ask: "GET " + at, Status: 200, Want: []string{".audit-line :: Version 3", ".audit-line :: Sam Staff restored an old version of it", ".audit-line a[href=" + at + "/2]"}},
		{Name: "no record", As: "staff", Ask: "GET /contacts/" + id.New().String() + "/versions", Status: 404, Audit: []string{"contact.versions denied"}},
		{Name: "no id", As: "staff", Ask: "GET /deals/x/versions", Status: 404},
	})
	var d deal.Deal
	if d, err = rooms.Deals.Create(t.Context(), w.Actors["agent"], deal.CreateInput{Title: "Robots", Currency: "EUR", Account: deal.AccountFacts{Name: "Zot"}}); err != nil {
		t.Fatal(err)
	}
	title, minor := "Robots & more", int64(125_000)
	if _, err = rooms.Deals.Update(t.Context(), staff, deal.UpdateInput{ID: d.ID, Title: &title, AmountMinor: &minor}); err != nil {
		t.Fatal(err)
	}
	if _, err = rooms.Deals.Submit(t.Context(), staff, deal.Step{ID: d.ID}); err != nil {
		t.Fatal(err)
	}
	w.Audited(t)
	deals, partners := "/deals/"+d.ID.String()+"/versions", "/partners/"+w.North.String()+"/versions"
	w.Run(t, []doortest.Case{
		{Name: "a deal's", As: "staff", Ask: "GET " + deals, Status: 200, Want: []string{".diff ins :: €1,250", ".audit-line :: Abe Agent registered it"}},
		{Name: "what stays", As: "staff", Ask: "GET " + deals + "/1", Status: 200, Want: []string{".diff ins :: Robots", "#stays-title", ".version-why :: goes on by its steps", ".version-why :: that was submitted names its amount"}},
		{Name: "to where it leads", As: "staff", Ask: "POST " + deals + "/1/restore", Body: form(3), Status: 303, Audit: []string{"deal.restore"}},
		{Name: "a partner's own deal", As: "agent", Ask: "GET " + deals, Status: 403},
		{Name: "around the program", As: "staff", Ask: "GET " + partners, Status: 200, Want: []string{".audit-line :: Somebody at the database added it"}},
	})
	if got := w.Ask("staff", "POST "+deals+"/2/restore", form(4)).Header().Get("Location"); got != "/deals/"+d.ID.String() {
		t.Errorf("leads to %q", got)
	}
}
