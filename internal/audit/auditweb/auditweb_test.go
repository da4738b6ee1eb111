package auditweb_test

import (
	"strings"
	"testing"

	"entente.dev/internal/audit/auditweb"
	"entente.dev/internal/audit/seal"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/partner"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestAuditPage(t *testing.T) {
	w := doortest.New(t)
	auditweb.Routes(w.Web, auditweb.Deps{Page: w.Page, Trail: trail.New(w.Ops), Seal: seal.New(w.Ops, seal.Options{})})
	w.Run(t, []doortest.Case{{Name: "nothing yet", As: "admin", Ask: "GET /audit", Status: 200, Want: []string{".empty-title :: Nothing on record"}}})
	partners := partner.New(w.Ops)
	region, land, name := "DACH", "Germany", "East <b>AB</b>"
	if _, err := partners.Update(t.Context(), w.Actors["staff"], w.North, 0, partner.Facts{Region: &region, Country: &land}); err != nil {
		t.Fatal(err)
	}
	if _, err := partners.Create(t.Context(), w.Actors["admin"], partner.Facts{Name: &name}); err != nil {
		t.Fatal(err)
	}
	if _, err := partners.Get(t.Context(), w.Actors["partner"], w.South); err == nil {
		t.Fatal("a rival's company was read")
	}
	north, sam := w.North.String(), w.Actors["staff"].Member.String()
	w.Run(t, []doortest.Case{
		{Name: "all", As: "staff", Ask: "GET /audit", Status: 200, Want: []string{".audit-line :: Sam Staff changed partner North", ".audit-line a[href=/partners/" + north + "]", ".diff ins :: DACH", ".diff ins :: Germany",
			".audit-line :: Ada Admin added partner East <b>AB</b>", ".audit-line :: Pat Partner was refused “See one partner company”", ".badge :: Refused", ".audit-facts :: partner.not_found", "a[href=/audit?actor_id=" + sam + "]"}, Forbid: []string{".audit b"}},
		{Name: "by actor", As: "staff", Ask: "GET /audit?actor_id=" + sam, Status: 200, Want: []string{".audit-line :: North", "select[name=actor_id] option[selected] :: Sam Staff"}, Forbid: []string{".audit-line :: East"}},
		{Name: "by record", As: "staff", Ask: "GET /audit?object_id=" + north, Status: 200, Want: []string{".audit-line :: North", "select[name=object_id] option[selected] :: North"}, Forbid: []string{".audit-line :: East"}},
		{Name: "by room", As: "staff", Ask: "GET /audit?action=partner", Status: 200, Want: []string{".audit-line :: East", "option[value=partner][selected]"}},
		{Name: "by action", As: "staff", Ask: "GET /audit?action=partner.create", Status: 200, Want: []string{".audit-line :: East"}, Forbid: []string{".audit-line :: North"}},
		{Name: "refused", As: "staff", Ask: "GET /audit?outcome=denied", Status: 200, Want: []string{".audit-line :: Pat Partner"}, Forbid: []string{".audit-line :: North", ".audit-line :: East"}},
		{Name: "by word", As: "staff", Ask: "GET /audit?q=north", Status: 200, Want: []string{".audit-line :: North", ".audit-note :: to the beginning"}, Forbid: []string{".audit-line :: East"}},
		{Name: "by a word that is none", As: "staff", Ask: "GET /audit?q=zzz", Status: 200, Want: []string{".empty-title :: No entries match"}},
		{Name: "long ago", As: "staff", Ask: "GET /audit?from=2020-01-01&to=2020-01-31", Status: 200, Want: []string{".empty-title :: No entries match"}},
		{Name: "no day", As: "staff", Ask: "GET /audit?from=2020-02-31", Status: 422, Want: []string{".callout :: date that exists"}},
		{Name: "no id", As: "staff", Ask: "GET /audit?object_id=x", Status: 422},
		{Name: "a partner sees its own", As: "partner", Ask: "GET /audit", Status: 200, Want: []string{".audit-line :: North", ".diff ins :: DACH"}, Forbid: []string{".audit-line :: East", ".audit-line :: refused"}},
		{Name: "a rival sees nothing of it", As: "rival", Ask: "GET /audit", Status: 200, Forbid: []string{".audit-line :: North"}},
		{Name: "an agent may not", As: "agent", Ask: "GET /audit", Status: 403},
		{Name: "seal", As: "staff", Ask: "GET /audit/seal", Status: 200, Want: []string{".callout :: Checkpoints stay"}},
		{Name: "a partner's seal", As: "partner", Ask: "GET /audit/seal", Status: 403},
		{Name: "no proof", As: "staff", Ask: "GET /audit/" + id.New().String() + "/proof", Status: 404, Audit: []string{"audit.proof denied"}},
		{Name: "a stranger sees nothing", As: "stranger", Ask: "GET /audit?object_id=" + north, Status: 200, Forbid: []string{"~DACH"}},
		{Name: "csv", As: "staff", Ask: "GET /audit/export.csv?action=partner.create", Status: 200, Want: []string{"~partner.create", "~request_id"}, Forbid: []string{"~DACH"}},
		{Name: "json", As: "admin", Ask: "GET /audit/export.json?object_id=" + id.New().String(), Status: 200, Want: []string{"~[\n]"}},
		{Name: "a partner's csv", As: "agent", Ask: "GET /audit/export.csv", Status: 403},
	})
}

// A partner's people cannot find out whose id an id is: to ask what one of the vendor's people did tells what asking for nobody tells,
// though the log shows them that this person did something to their company's record.
func TestPartnersLearnNobodyByFilter(t *testing.T) {
	w := doortest.New(t)
	auditweb.Routes(w.Web, auditweb.Deps{Page: w.Page, Trail: trail.New(w.Ops), Seal: seal.New(w.Ops, seal.Options{})})
	partners := partner.New(w.Ops)
	region, name := "DACH", "East"
	if _, err := partners.Update(t.Context(), w.Actors["staff"], w.North, 0, partner.Facts{Region: &region}); err != nil {
		t.Fatal(err)
	}
	if _, err := partners.Create(t.Context(), w.Actors["admin"], partner.Facts{Name: &name}); err != nil {
		t.Fatal(err)
	}
	if all := w.Ask("partner", "GET /audit", ""); !all.Holds(t, ".audit-line :: Sam Staff changed partner North") || all.Holds(t, "~"+w.Actors["staff"].Member.String()) {
		t.Error("the partner's own log does not tell who, or tells by which id")
	}
	ask := func(who, query string, v id.ID) string {
		a := w.Ask(who, "GET /audit?actor_id="+v.String()+query, "")
		return strings.ReplaceAll(a.Body.String(), v.String(), "ID")
	}
	for _, query := range []string{"", "&q=sam", "&action=partner", "&object_id=" + w.North.String()} {
		nobody := ask("partner", query, id.New())
		for _, v := range []string{"staff", "admin", "rival", "stranger"} {
			if got := ask("partner", query, w.Actors[v].Member); got != nobody || strings.Contains(got, w.Actors[v].Name) {
				t.Errorf("a partner tells %s from nobody by %q", v, query)
			}
		}
		if got := ask("staff", query, w.Actors["staff"].Member); got == ask("staff", query, id.New()) {
			t.Errorf("the vendor finds nothing by %q: the comparison proves nothing", query)
		}
	}
}
