package processorweb_test

import (
	"net/http"
	"testing"
	"time"

	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/processor"
	"entente.dev/internal/processor/processorweb"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func build(t *testing.T) (*doortest.World, *processor.Service) {
	t.Helper()
	w := doortest.New(t)
	processors, tenants := processor.New(w.Ops, []processor.Host{{Name: "mail.example", Purpose: "mail server", Holds: []string{"email-log"}}}), tenant.New(w.Ops)
	processorweb.Routes(w.Web, processorweb.Deps{Page: w.Page, Processors: processors,
		Site: func(rw http.ResponseWriter, r *http.Request, title string) (ui.Page, tenant.Brand, error) {
			b, err := tenants.Brand(r.Context(), w.Tenant)
			pg := ui.NewPage(rw, r, ui.Viewer{}, title, "")
			pg.Base = "/t/" + b.Slug
			return pg, b, err
		}})
	return w, processors
}

func TestProcessorPages(t *testing.T) {
	w, processors := build(t)
	made, err := processors.Propose(t.Context(), w.Actors["admin"], processor.ProposeInput{Facts: processor.Facts{Name: "Postmill", Purpose: "Delivers mail", Country: "NL", Categories: []string{"email-log"}}})
	if err != nil {
		t.Fatal(err)
	}
	one, random, form := "/processors/"+made.ID.String(), "/processors/"+id.New().String(), doortest.Form
	w.Run(t, []doortest.Case{
		{Name: "stranger to the house", Ask: "GET /processors", Status: 303},
		{Name: "list", As: "admin", Ask: "GET /processors", Status: 200, Want: []string{"td.main :: Postmill", "a[href=/processors/new]", "~mail.example"}},
		{Name: "staff reads", As: "staff", Ask: "GET /processors", Status: 200, Forbid: []string{"a[href=/processors/new]"}},
		{Name: "a partner sees no proposal", As: "partner", Ask: "GET /processors", Status: 200, Forbid: []string{"td.main :: Postmill"}},
		{Name: "nor does an agent", As: "agent", Ask: "GET /processors", Status: 200, Forbid: []string{"td.main :: Postmill"}},
		{Name: "record", As: "admin", Ask: "GET " + one, Status: 200, Want: []string{"h1 :: Postmill", "a[href=" + one + "/edit]"}},
		{Name: "a proposal is not the partner's", As: "partner", Ask: "GET " + one, Status: 404, Audit: []string{"processor.read denied"}},
		{Name: "a stranger's", As: "stranger", Ask: "GET " + one, Status: 404, Audit: []string{"processor.read denied"}},
		{Name: "nobody's", As: "admin", Ask: "GET " + random, Status: 404, Audit: []string{"processor.read denied"}},
		{Name: "not an id", As: "admin", Ask: "GET /processors/7", Status: 404},
		{Name: "staff does not propose", As: "staff", Ask: "GET /processors/new", Status: 403},
		{Name: "refused", As: "admin", Ask: "POST /processors", Body: form("name", "", "purpose", "Keeps backups", "country", "Atlantis", "regions", "West", "safeguards", "", "link", "no address", "hosts", "backup.example"), Status: 422,
			Want: []string{".error-summary", "#f-name-error", "#f-country-error", "#f-link-error", "input[name=regions][value=West]", "~Keeps backups", "~backup.example"}},
		{Name: "a stranger does not edit", As: "stranger", Ask: "POST " + one + "/edit", Body: form("version", "1", "name", "Mine", "purpose", "x", "country", "NL", "categories", "email-log"), Status: 404, Audit: []string{"processor.draft denied"}},
		{Name: "a partner does not announce", As: "partner", Ask: "POST " + one + "/announce", Body: form("version", "1", "effective_on", ""), Status: 403},
		{Name: "public list", Ask: "GET /t/acme/legal/processors", Status: 200, Want: []string{"~mail.example"}, Forbid: []string{"~Postmill"}},
		{Name: "public json", Ask: "GET /t/acme/legal/processors.json", Status: 200, Forbid: []string{"~Postmill"}},
	})
}

// A proposal is announced, partners object, and get an answer.
func TestAnnounceAndObject(t *testing.T) {
	w, processors := build(t)
	form := doortest.Form
	made, err := processors.Propose(t.Context(), w.Actors["admin"], processor.ProposeInput{Facts: processor.Facts{Name: "Postmill", Purpose: "Delivers mail", Country: "NL", Categories: []string{"email-log"}}})
	if err != nil {
		t.Fatal(err)
	}
	one := "/processors/" + made.ID.String()
	soon := time.Now().AddDate(0, 0, 3).Format(time.DateOnly)
	w.Audited(t)
	w.Run(t, []doortest.Case{
		{Name: "too soon (P5)", As: "admin", Ask: "POST " + one + "/announce", Body: form("effective_on", soon), Status: 422, Want: []string{"#f-effective_on-error", "input[name=effective_on][value=" + soon + "]"}},
		{Name: "a stranger announces", As: "stranger", Ask: "POST " + one + "/announce", Body: form("effective_on", ""), Status: 404, Audit: []string{"processor.announce denied"}},
		{Name: "too early to object", As: "partner", Ask: "POST " + one + "/object", Body: form("reason", "No."), Status: 404, Audit: []string{"processor.object denied"}},
		{Name: "announce", As: "admin", Ask: "POST " + one + "/announce", Body: form("effective_on", ""), Status: 303, Audit: []string{"processor.announce"}},
		{Name: "announced", Ask: "GET /t/acme/legal/processors", Status: 200, Want: []string{"~Postmill"}},
		{Name: "frozen", As: "admin", Ask: "GET " + one, Status: 200, Forbid: []string{"a[href=" + one + "/edit]"}, Want: []string{"form[action=" + one + "/stop]"}},
		{Name: "partners may object", As: "partner", Ask: "GET " + one, Status: 200, Want: []string{"form[action=" + one + "/object] textarea[name=reason]"}, Forbid: []string{"form[action=" + one + "/stop]"}},
		{Name: "without a reason", As: "partner", Ask: "POST " + one + "/object", Body: form("reason", ""), Status: 422, Want: []string{"#f-reason-error"}},
		{Name: "object", As: "partner", Ask: "POST " + one + "/object", Body: form("reason", "We send mails ourselves."), Status: 303, Audit: []string{"processor.object"}},
		{Name: "a rival does not read it", As: "rival", Ask: "GET " + one, Status: 200, Forbid: []string{"~We send mails ourselves."}},
	})
	var o id.ID
	if err := w.Super.QueryRow(t.Context(), `select objection_id from processor_objection`).Scan(&o); err != nil {
		t.Fatal(err)
	}
	decide := "POST /processors/objections/" + o.String() + "/decide"
	w.Run(t, []doortest.Case{
		{Name: "its sender does not decide", As: "partner", Ask: decide, Body: form("outcome", "accepted", "outcome_note", "Yes."), Status: 403},
		{Name: "a stranger decides", As: "stranger", Ask: decide, Body: form("outcome", "accepted", "outcome_note", "Yes."), Status: 404, Audit: []string{"processor.decide denied"}},
		{Name: "without words", As: "admin", Ask: decide, Body: form("outcome", "declined", "outcome_note", ""), Status: 422, Want: []string{"~We send mails ourselves."}},
		{Name: "decide", As: "admin", Ask: decide, Body: form("outcome", "declined", "outcome_note", "You can keep doing so."), Status: 303, Audit: []string{"processor.decide"}},
		{Name: "decided", As: "partner", Ask: "GET " + one, Status: 200, Want: []string{"~You can keep doing so."}},
		{Name: "once", As: "admin", Ask: decide, Body: form("outcome", "accepted", "outcome_note", "Well."), Status: 303},
		{Name: "stop", As: "admin", Ask: "POST " + one + "/stop", Status: 303, Audit: []string{"processor.announce"}},
		{Name: "too late to object", As: "rival", Ask: "POST " + one + "/object", Body: form("reason", "No."), Status: 303},
	})
	var told int
	if err := w.Super.QueryRow(t.Context(), `select count(*) from notice where kind = 'processor'`).Scan(&told); err != nil || told != 1 {
		t.Errorf("%d notices: %v", told, err)
	}
}
