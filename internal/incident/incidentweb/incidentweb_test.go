package incidentweb_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/doortest"
	"entente.dev/internal/incident"
	"entente.dev/internal/incident/incidentweb"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/partner"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func build(t *testing.T) (*doortest.World, string) {
	t.Helper()
	w := doortest.New(t)
	incidents := incident.New(w.Ops)
	incidentweb.Routes(w.Web, incidentweb.Deps{Page: w.Page, Incidents: incidents, Partners: partner.New(w.Ops)})
	made, err := incidents.Report(t.Context(), w.Actors["staff"], incident.ReportInput{Title: "Lost laptop", Kind: "confidentiality", Severity: "medium", Description: "In the train."})
	if err != nil {
		t.Fatal(err)
	}
	w.Audited(t)
	return w, "/incidents/" + made.ID.String()
}

func TestIncidentPages(t *testing.T) {
	w, one := build(t)
	random, form := "/incidents/"+id.New().String(), doortest.Form
	w.Run(t, []doortest.Case{
		{Name: "stranger to the house", Ask: "GET /incidents", Status: 303},
		{Name: "list", As: "staff", Ask: "GET /incidents", Status: 200, Want: []string{"td.main :: Lost laptop", "td :: Medium", "a[href=/incidents/new]"}},
		{Name: "nothing yet", As: "stranger", Ask: "GET /incidents", Status: 200, Want: []string{".empty-title"}, Forbid: []string{"~Lost laptop"}},
		{Name: "not for partners", As: "partner", Ask: "GET /incidents", Status: 403},
		{Name: "nor agents", As: "agent", Ask: "GET " + one, Status: 403},
		{Name: "record", As: "admin", Ask: "GET " + one, Status: 200, Want: []string{"h1 :: Lost laptop", "~In the train.", "a[href=/incidents]"}},
		{Name: "a stranger's", As: "stranger", Ask: "GET " + one, Status: 404, Audit: []string{"incident.read denied"}},
		{Name: "nobody's", As: "admin", Ask: "GET " + random, Status: 404, Audit: []string{"incident.read denied"}},
		{Name: "not an id", As: "admin", Ask: "GET /incidents/7", Status: 404},
		{Name: "refused", As: "staff", Ask: "POST /incidents", Body: form("title", "", "kind", "availability", "severity", "high", "detected_at", "yesterday", "description", "The server is gone."), Status: 422,
			Want: []string{".error-summary", "#f-detected_at-error", "textarea[name=description] :: The server is gone.", "option[value=availability][selected]", "option[value=high][selected]"}},
		{Name: "staff does not assess", As: "staff", Ask: "GET " + one + "/assess", Status: 403},
		{Name: "assess", As: "admin", Ask: "GET " + one + "/assess", Status: 200, Want: []string{"form[action=" + one + "/assess]"}},
		{Name: "a stranger does not assess", As: "stranger", Ask: "GET " + one + "/assess", Status: 404, Audit: []string{"incident.read denied"}},
		{Name: "a stranger does not note", As: "stranger", Ask: "POST " + one + "/note", Body: form("body", "Hello"), Status: 404, Audit: []string{"incident.note denied"}},
		{Name: "note", As: "staff", Ask: "POST " + one + "/note", Body: form("body", "Called the station."), Status: 303, Audit: []string{"incident.note"}},
		{Name: "an empty note", As: "staff", Ask: "POST " + one + "/note", Body: form("body", ""), Status: 422, Want: []string{"#f-body-error"}},
		{Name: "noted", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{"~Called the station."}},
	})
}

// From the assessment over clocks and notice to the end.
func TestIncidentIsClosed(t *testing.T) {
	w, one := build(t)
	form := doortest.Form
	advance := func(to string, more ...string) string {
		return form(append([]string{"to", to, "aware_at", ""}, more...)...)
	}
	notice := func(more ...string) string {
		return form(append([]string{"recipient", "authority", "nature", "A laptop was lost.", "impact", "Names could be read.", "mitigation", "It was wiped."}, more...)...)
	}
	w.Run(t, []doortest.Case{
		{Name: "half an assessment", As: "admin", Ask: "POST " + one + "/assess", Body: form("severity", "odd", "nature", "A laptop.", "people_count", "many", "record_count", "", "consequences", "Names could be read.", "measures", "", "risk", "risk", "notify_decision", "", "notify_reason", ""), Status: 422,
			Want: []string{"#f-people_count-error", "~Names could be read.", "input[name=people_count][value=many]"}},
		{Name: "assess", As: "admin", Ask: "POST " + one + "/assess", Body: form("severity", "high", "nature", "A laptop.", "categories", "customer-data", "people_count", "12", "record_count", "", "consequences", "Names could be read.", "measures", "Wiped.", "risk", "risk", "notify_decision", "notify", "notify_reason", "Names."), Status: 303, Audit: []string{"incident.assess"}},
		{Name: "staff does not confirm", As: "staff", Ask: "POST " + one + "/advance", Body: advance("confirmed"), Status: 403},
		{Name: "a stranger does not confirm", As: "stranger", Ask: "POST " + one + "/advance", Body: advance("confirmed"), Status: 404, Audit: []string{"incident.advance denied"}},
		{Name: "no such law", As: "admin", Ask: "POST " + one + "/advance", Body: advance("confirmed", "templates", "tea"), Status: 422},
		{Name: "confirm", As: "admin", Ask: "POST " + one + "/advance", Body: advance("confirmed", "templates", "gdpr-33"), Status: 303, Audit: []string{"incident.advance"}},
		{Name: "clocks run", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{"~GDPR Art. 33"}},
		{Name: "affected", As: "admin", Ask: "POST " + one + "/affected", Body: form("categories", "customer-data", "from", "2026-01-01T00:00", "to", "someday"), Status: 422, Want: []string{"#f-to-error", "input[name=to][value=someday]"}},
		{Name: "half a notice is kept", As: "admin", Ask: "POST " + one + "/notice", Body: notice("contact", ""), Status: 303, Audit: []string{"incident.notify"}},
	})
	idOf := func(sql string) (v id.ID) {
		t.Helper()
		if err := w.Super.QueryRow(t.Context(), sql).Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	n, c := idOf(`select notice_id from incident_notice`), idOf(`select clock_id from incident_clock where template = 'gdpr-33'`)
	w.Run(t, []doortest.Case{
		{Name: "not closed yet", As: "admin", Ask: "POST " + one + "/advance", Body: advance("closed"), Status: 303},
		{Name: "half a notice is not sent", As: "admin", Ask: "POST /incidents/notices/" + n.String() + "/send", Status: 303},
		{Name: "the rest", As: "admin", Ask: "POST " + one + "/notice", Body: notice("notice", n.String(), "contact", "Ada, +49 30 0000 0100"), Status: 303, Audit: []string{"incident.notify"}},
		{Name: "a stranger sends", As: "stranger", Ask: "POST /incidents/notices/" + n.String() + "/send", Status: 404, Audit: []string{"incident.notify denied"}},
		{Name: "send", As: "admin", Ask: "POST /incidents/notices/" + n.String() + "/send", Status: 303, Audit: []string{"incident.notify", "incident.notify"}},
		{Name: "a stranger settles", As: "stranger", Ask: "POST /incidents/clocks/" + c.String() + "/settle", Body: form("note", "Told.", "how", "met"), Status: 404, Audit: []string{"incident.clock denied"}},
		{Name: "not needed, without a word", As: "admin", Ask: "POST /incidents/clocks/" + c.String() + "/settle", Body: form("note", "", "how", "waive"), Status: 303},
		{Name: "contain", As: "admin", Ask: "POST " + one + "/advance", Body: advance("contained", "note", "Wiped."), Status: 303, Audit: []string{"incident.advance"}},
		{Name: "resolve", As: "admin", Ask: "POST " + one + "/advance", Body: advance("resolved"), Status: 303, Audit: []string{"incident.advance"}},
		{Name: "review", As: "admin", Ask: "POST " + one + "/review", Body: form("summary", "A laptop was lost.", "cause", "A full train.", "impact", "Nobody read it.", "response", "Wiped.", "lessons", "Chain it."), Status: 303, Audit: []string{"incident.review"}},
		{Name: "an action without a day", As: "admin", Ask: "POST " + one + "/actions", Body: form("action", "Buy chains", "owner", "Sam", "due_on", "soon"), Status: 422, Want: []string{"#f-due_on-error", "input[name=action][value=Buy chains]"}},
		{Name: "action", As: "admin", Ask: "POST " + one + "/actions", Body: form("action", "Buy chains", "owner", "Sam", "due_on", "2030-01-31"), Status: 303, Audit: []string{"incident.review"}},
	})
	a := idOf(`select action_id from incident_action`)
	w.Run(t, []doortest.Case{
		{Name: "staff does nothing about it", As: "staff", Ask: "POST /incidents/actions/" + a.String() + "/done", Status: 403},
		{Name: "done", As: "admin", Ask: "POST /incidents/actions/" + a.String() + "/done", Status: 303, Audit: []string{"incident.review"}},
	})
	rows, err := w.Super.Query(t.Context(), `select clock_id from incident_clock where met_at is null and waived_at is null`)
	if err != nil {
		t.Fatal(err)
	}
	left, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range left {
		w.Run(t, []doortest.Case{{Name: "settle", As: "admin", Ask: "POST /incidents/clocks/" + v.String() + "/settle", Body: form("note", "Nobody of theirs was in it.", "how", "waive"), Status: 303, Audit: []string{"incident.clock"}}})
	}
	w.Run(t, []doortest.Case{
		{Name: "close", As: "admin", Ask: "POST " + one + "/advance", Body: advance("closed"), Status: 303, Audit: []string{"incident.advance"}},
		{Name: "closed", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{"~Chain it.", "~Buy chains"}},
	})
}
