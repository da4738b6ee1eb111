package retentionweb_test

import (
	"testing"

	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/retention"
	"entente.dev/internal/retention/retentionweb"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func build(t *testing.T) (*doortest.World, *retention.Service) {
	t.Helper()
	w := doortest.New(t)
	kept := retention.New(w.Ops, retention.Options{})
	retentionweb.Routes(w.Web, retentionweb.Deps{Page: w.Page, Retention: kept})
	return w, kept
}

func TestHoldPages(t *testing.T) {
	w, _ := build(t)
	form := doortest.Form
	w.Run(t, []doortest.Case{
		{Name: "stranger to the house", Ask: "GET /retention/holds", Status: 303},
		{Name: "nothing yet", As: "admin", Ask: "GET /retention/holds", Status: 200, Want: []string{".empty-title", "a[href=/retention/holds/new]"}},
		{Name: "staff reads", As: "staff", Ask: "GET /retention/holds", Status: 200, Forbid: []string{"a[href=/retention/holds/new]"}},
		{Name: "not for partners", As: "partner", Ask: "GET /retention/holds/new", Status: 403},
		{Name: "new", As: "admin", Ask: "GET /retention/holds/new?kind=partner&q=nor", Status: 200, Want: []string{"form[action=/retention/holds] input[name=_idempotency]", "input[name=object][value=" + w.North.String() + "]"}, Forbid: []string{"input[name=object][value=" + w.South.String() + "]"}},
		{Name: "refused", As: "admin", Ask: "POST /retention/holds", Body: form("_idempotency", "a", "kind", "partner", "q", "nor", "object", w.North.String(), "reason", "", "until", "some day"), Status: 422,
			Want: []string{"#f-reason-error", "#f-until-error", "input[name=until][value=some day]", "input[name=q][value=nor]", "input[name=object][value=" + w.North.String() + "][checked]"}},
		{Name: "nobody's partner", As: "admin", Ask: "POST /retention/holds", Body: form("kind", "partner", "object", id.New().String(), "reason", "A dispute about a contract.", "until", ""), Status: 422, Want: []string{"~A dispute about a contract."}},
		{Name: "a stranger's partner", As: "stranger", Ask: "POST /retention/holds", Body: form("kind", "partner", "object", w.North.String(), "reason", "Mine.", "until", ""), Status: 422, Forbid: []string{"~North"}},
		{Name: "staff places none", As: "staff", Ask: "POST /retention/holds", Body: form("kind", "partner", "object", w.North.String(), "reason", "A dispute.", "until", ""), Status: 403},
		{Name: "place", As: "admin", Ask: "POST /retention/holds", Body: form("_idempotency", "b", "kind", "partner", "q", "nor", "object", w.North.String(), "reason", "A dispute.", "until", ""), Status: 303, Audit: []string{"hold.place"}},
		{Name: "placed", As: "admin", Ask: "GET /retention/holds", Status: 200, Want: []string{"td :: North", "~A dispute."}},
		{Name: "a stranger's list", As: "stranger", Ask: "GET /retention/holds", Status: 200, Forbid: []string{"~A dispute."}},
	})
	var v id.ID
	if err := w.Super.QueryRow(t.Context(), `select hold_id from legal_hold`).Scan(&v); err != nil {
		t.Fatal(err)
	}
	release := "POST /retention/holds/" + v.String() + "/release"
	w.Run(t, []doortest.Case{
		{Name: "a stranger does not release", As: "stranger", Ask: release, Body: form("reason", "Mine."), Status: 404, Audit: []string{"hold.release denied"}},
		{Name: "staff does not release", As: "staff", Ask: release, Body: form("reason", "Settled."), Status: 403},
		{Name: "without a reason", As: "admin", Ask: release, Body: form("reason", ""), Status: 422, Want: []string{"~A dispute."}},
		{Name: "release", As: "admin", Ask: release, Body: form("reason", "Settled."), Status: 303, Audit: []string{"hold.release"}},
		{Name: "again", As: "admin", Ask: release, Body: form("reason", "Settled."), Status: 303},
		{Name: "nobody's", As: "admin", Ask: "POST /retention/holds/" + id.New().String() + "/release", Body: form("reason", "x"), Status: 404, Audit: []string{"hold.release denied"}},
	})
}

func TestRunPages(t *testing.T) {
	w, kept := build(t)
	form := doortest.Form
	w.Run(t, []doortest.Case{
		{Name: "overview", As: "admin", Ask: "GET /retention", Status: 200, Want: []string{"form[action=/retention/runs]", "~Deals"}},
		{Name: "not for partners", As: "partner", Ask: "GET /retention", Status: 403},
		{Name: "no run yet", As: "admin", Ask: "GET /retention/runs", Status: 200, Want: []string{".empty-title"}},
		{Name: "neither dry nor wet", As: "admin", Ask: "POST /retention/runs", Body: form("dry", "perhaps"), Status: 422},
		{Name: "staff runs nothing", As: "staff", Ask: "POST /retention/runs", Body: form("dry", "yes"), Status: 403},
		{Name: "dry run", As: "admin", Ask: "POST /retention/runs", Body: form("dry", "yes"), Status: 303, Audit: []string{"retention.run"}},
		{Name: "one at a time", As: "admin", Ask: "POST /retention/runs", Body: form("dry", "yes"), Status: 303},
		{Name: "ahead", As: "admin", Ask: "GET /retention/ahead?until=2035-01-31", Status: 200, Want: []string{"input[name=until][value=2035-01-31]"}},
		{Name: "no day", As: "admin", Ask: "GET /retention/ahead?until=soon", Status: 422, Want: []string{"input[name=until][value=soon]", "#f-until-error"}},
	})
	var v id.ID
	var dry bool
	if err := w.Super.QueryRow(t.Context(), `select run_id, dry from retention_run`).Scan(&v, &dry); err != nil || !dry {
		t.Fatal("no dry run", err)
	}
	if err := kept.RunJob(t.Context(), jobs.Job[retention.Args]{Tenant: w.Tenant, Args: retention.Args{Run: v}}); err != nil {
		t.Fatal(err)
	}
	report := "GET /retention/runs/" + v.String()
	w.Run(t, []doortest.Case{
		{Name: "report", As: "admin", Ask: report, Status: 200, Want: []string{"h1", "~Dry run"}},
		{Name: "a stranger's", As: "stranger", Ask: report, Status: 404, Audit: []string{"retention.read denied"}},
		{Name: "staff reads", As: "staff", Ask: report, Status: 200},
		{Name: "a partner reads none", As: "partner", Ask: report, Status: 403},
		{Name: "not an id", As: "admin", Ask: "GET /retention/runs/7", Status: 404},
	})
	w.Run(t, []doortest.Case{
		{Name: "runs", As: "admin", Ask: "GET /retention/runs", Status: 200, Want: []string{"a[href=/retention/runs/" + v.String() + "]"}},
		{Name: "a stranger's runs", As: "stranger", Ask: "GET /retention/runs", Status: 200, Forbid: []string{"~" + v.String()}},
	})
}

func TestDutyPages(t *testing.T) {
	w, _ := build(t)
	form := doortest.Form
	w.Run(t, []doortest.Case{
		{Name: "duties", As: "admin", Ask: "GET /retention/duties", Status: 200, Want: []string{"form[action=/retention/duties] select[name=category]"}},
		{Name: "not for staff", As: "staff", Ask: "GET /retention/duties", Status: 403},
		{Name: "refused", As: "admin", Ask: "POST /retention/duties", Body: form("category", "tea", "event", "tea time", "keep", "ever", "reason", "Section 257 of the Commercial Code"), Status: 422,
			Want: []string{"#f-category-error", "#f-keep-error", "~Section 257 of the Commercial Code"}},
		{Name: "set", As: "admin", Ask: "POST /retention/duties", Body: form("category", "customer-data", "event", "recorded", "keep", "10 years", "reason", "Section 257"), Status: 303, Audit: []string{"duty.set"}},
		{Name: "is shown", As: "admin", Ask: "GET /retention/duties", Status: 200, Want: []string{"~Section 257", "form[action=/retention/duties/customer-data/drop]"}},
		{Name: "a stranger's", As: "stranger", Ask: "GET /retention/duties", Status: 200, Forbid: []string{"~Section 257"}},
		{Name: "drop", As: "admin", Ask: "POST /retention/duties/customer-data/drop", Status: 303, Audit: []string{"duty.drop"}},
		{Name: "gone", As: "admin", Ask: "GET /retention/duties", Status: 200, Forbid: []string{"~Section 257"}},
	})
}
