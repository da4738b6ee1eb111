package dealweb_test

import (
	"strings"
	"testing"

	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
)

func TestHome(t *testing.T) {
	w := build(t)
	w.Run(t, []doortest.Case{
		{Name: "a new programme is told where to start", As: "admin", Ask: "GET /", Status: 200, Want: []string{".empty-title :: Your programme starts here", "a[href=/imports/new]"}, Forbid: []string{"#pipeline-title"}},
		{Name: "nobody", Ask: "GET /", Status: 303},
	})
	w.submitted("agent", "Waiting one", "wait.example")
	won := w.approved("partner", "Won one", "won.example")
	w.approved("rival", "Rival's own", "south.example")
	w.Run(t, []doortest.Case{
		{Name: "vendor", As: "staff", Ask: "GET /", Status: 200, Want: []string{"#pipeline-title", "#ages-title", ".stat a[href=/deals/queue] :: Waiting for a decision", ".stat-value :: 1",
			".row-title :: Won one", ".row-title :: Waiting one", ".row-text :: Sam Staff approved Rival's own"}, Forbid: []string{".hero"}},
		{Name: "partner", As: "partner", Ask: "GET /", Status: 200, Want: []string{".hero form[action=/deals/new] button :: Register a deal", ".row-title :: Waiting one", "#pipeline-title"},
			Forbid: []string{"~Rival", "#ages-title", "~Recent activity"}},
		{Name: "another partner", As: "rival", Ask: "GET /", Status: 200, Want: []string{".row-title :: Rival's own"}, Forbid: []string{"~Waiting one", "~Won one"}},
	})
	w.Exec(`update deal set state = 'won', closed_on = current_date where deal_id = $1`, won.ID)
	w.Run(t, []doortest.Case{{Name: "won by month", As: "partner", Ask: "GET /", Status: 200, Want: []string{"#won-title :: Won value by month", ".stat-value :: €12.4K"}}})
}

func TestList(t *testing.T) {
	w := build(t)
	a := w.approved("agent", "Alpha", "alpha.example")
	b := w.submitted("rival", "Beta", "beta.example")
	w.draft("partner", "No customer", "")
	w.Run(t, []doortest.Case{
		{Name: "vendor", As: "staff", Ask: "GET /deals", Status: 200, Want: []string{"td.main a[href=" + href(a) + "] :: Alpha", "td :: South", "td .badge :: Submitted", "td.num :: €12,400", ".sub.missing :: No account",
			"select[name=partner] option :: North", "a[href=/deals/export.csv]", ".tab.active :: All"}},
		{Name: "partner", As: "partner", Ask: "GET /deals", Status: 200, Want: []string{"td.main :: Alpha"}, Forbid: []string{"~Beta", "select[name=partner]", "input[value=source]", "~South"}},
		{Name: "filtered", As: "staff", Ask: "GET /deals?state=submitted", Status: 200, Want: []string{"td.main :: Beta", ".tab.active :: Waiting", "option[value=submitted][selected]", "form[action=/deals/views] input[name=query][value=state=submitted]",
			"a[href=/deals/export.csv?state=submitted]"}, Forbid: []string{"td.main :: Alpha"}},
		{Name: "mine", As: "agent", Ask: "GET /deals?owner=me", Status: 200, Want: []string{"td.main :: Alpha", ".tab.active :: Mine"}, Forbid: []string{"td.main :: No customer"}},
		{Name: "without account", As: "staff", Ask: "GET /deals?account=none", Status: 200, Want: []string{"td.main :: No customer"}, Forbid: []string{"td.main :: Alpha"}},
		{Name: "a rival's partner filter shows nothing", As: "partner", Ask: "GET /deals?partner=" + w.South.String(), Status: 200, Want: []string{".empty-title :: No deals match"}, Forbid: []string{"~Beta"}},
		{Name: "columns", As: "staff", Ask: "GET /deals?col=amount&col=domain", Status: 200, Want: []string{"th :: Domain", "td :: alpha.example"}, Forbid: []string{"th :: State"}},
		{Name: "sorted", As: "staff", Ask: "GET /deals?sort=-amount", Status: 200, Want: []string{"th[aria-sort=descending] :: Amount"}},
		{Name: "bad filters", As: "staff", Ask: "GET /deals?state=maybe&created_from=2026-02-31", Status: 422, Want: []string{".callout li :: Use one of", ".callout li :: date", "a[href=/deals] :: Clear"}},
		{Name: "bad id", As: "staff", Ask: "GET /deals?partner=x", Status: 422, Want: []string{".callout li :: partner"}},
		{Name: "bad cursor goes to the start", As: "staff", Ask: "GET /deals?state=won&cursor=zzz", Status: 303},
		{Name: "stranger", As: "stranger", Ask: "GET /deals", Status: 200, Want: []string{".empty-title :: No deals yet"}, Forbid: []string{"~Alpha"}},
	})
	if at := w.Ask("staff", "GET /deals?state=won&cursor=zzz", "").Header().Get("Location"); at != "/deals?state=won" {
		t.Errorf("a bad cursor leads to %q", at)
	}
	_ = b
}

func TestExportHasTheVisibleColumns(t *testing.T) {
	w := build(t)
	w.approved("agent", "=Alpha", "alpha.example")
	w.submitted("rival", "Beta", "beta.example")
	csv := w.Ask("staff", "GET /deals/export.csv?col=amount&col=partner", "")
	rows := strings.Split(strings.TrimSpace(strings.TrimPrefix(csv.Body.String(), "\ufeff")), "\n")
	if len(rows) != 3 || strings.TrimSpace(rows[0]) != "title,customer,amount,currency,partner" {
		t.Fatalf("%q", rows)
	}
	if !strings.Contains(rows[2], "'=Alpha") || !strings.Contains(rows[2], "12400.00,EUR,North") {
		t.Errorf("a formula is not guarded, or the amount is wrong: %q", rows[2])
	}
	if got := csv.Header().Get("Content-Disposition"); got != `attachment; filename=deals.csv` {
		t.Error(got)
	}
	w.Run(t, []doortest.Case{
		{Name: "a partner gets its own and no vendor's column", As: "partner", Ask: "GET /deals/export.csv?col=deal&col=partner&col=source&col=external", Status: 200, Want: []string{"~title,customer\n", "~Alpha"}, Forbid: []string{"~Beta", "~source", "~portal"}},
		{Name: "json", As: "staff", Ask: "GET /deals/export.json?state=submitted", Status: 200, Want: []string{`~"title":"Beta"`, `~"amount":"12400.00"`}, Forbid: []string{"~Alpha"}},
		{Name: "a refusal is a page", As: "staff", Ask: "GET /deals/export.csv?state=maybe", Status: 422},
	})
}

func TestViews(t *testing.T) {
	w := build(t)
	w.Run(t, []doortest.Case{
		{Name: "save", As: "staff", Ask: "POST /deals/views", Body: form("name", "Big ones", "query", "sort=-amount&state=approved"), Status: 303, Audit: []string{"view.save"}},
		{Name: "shown", As: "staff", Ask: "GET /deals?sort=-amount&state=approved", Status: 200, Want: []string{".tab.active :: Big ones", "#tools button :: Delete view"}},
		{Name: "one's own only", As: "admin", Ask: "GET /deals", Status: 200, Forbid: []string{"~Big ones"}},
		{Name: "without a name", As: "staff", Ask: "POST /deals/views", Body: form("name", "", "query", "state=won"), Status: 303},
		{Name: "nobody's view", As: "staff", Ask: "POST /deals/views/" + id.New().String() + "/delete", Status: 404, Audit: []string{"view.delete denied"}},
	})
	views, err := w.deals.Views(t.Context(), w.Actors["staff"], "deals")
	if err != nil || len(views) != 1 {
		t.Fatal(views, err)
	}
	at := "POST /deals/views/" + views[0].ID.String() + "/delete"
	w.Run(t, []doortest.Case{
		{Name: "a colleague's", As: "admin", Ask: at, Status: 404, Audit: []string{"view.delete denied"}},
		{Name: "delete", As: "staff", Ask: at, Status: 303, Audit: []string{"view.delete"}},
	})
}

func TestBoard(t *testing.T) {
	w := build(t)
	a := w.approved("agent", "Alpha", "alpha.example")
	b := w.approved("partner", "Beta", "beta.example")
	w.approved("rival", "Gamma", "gamma.example")
	won := href(a) + "/win?next=%2Fdeals%2Fboard"
	w.Run(t, []doortest.Case{
		{Name: "vendor", As: "staff", Ask: "GET /deals/board", Status: 200, Want: []string{".board[data-board]", ".board-col :: Qualify 3", ".board-card :: Gamma", ".board-hint :: mark it won", "button[aria-label=Move Alpha to Propose]"}},
		{Name: "partner", As: "partner", Ask: "GET /deals/board", Status: 200, Want: []string{".board-card :: Alpha"}, Forbid: []string{"~Gamma"}},
		{Name: "an agent moves own deals only", As: "agent", Ask: "GET /deals/board", Status: 200, Want: []string{"button[formaction=" + href(a) + "/move]"}, Forbid: []string{"button[formaction=" + href(b) + "/move]"}},
		{Name: "narrowed", As: "staff", Ask: "GET /deals/board?partner=" + w.South.String(), Status: 200, Want: []string{".board-card :: Gamma"}, Forbid: []string{".board-card :: Alpha"}},
		{Name: "move by button", As: "agent", Ask: "POST " + href(a) + "/move", Body: form("stage", w.stages["Propose"]), Status: 303, Audit: []string{"deal.move"}},
		{Name: "move by drag", As: "staff", Ask: "POST " + href(a) + "/move", Body: form("stage", w.stages["Qualify"]), Header: []string{"Accept", "application/json"}, Status: 204, Audit: []string{"deal.move"}},
		{Name: "an agent moves nobody else's", As: "agent", Ask: "POST " + href(b) + "/move", Body: form("stage", w.stages["Propose"]), Status: 403, Audit: []string{"deal.move denied"}},
		{Name: "a rival", As: "rival", Ask: "POST " + href(a) + "/move", Body: form("stage", w.stages["Propose"]), Status: 404, Audit: []string{"deal.move denied"}},
		{Name: "no such stage", As: "staff", Ask: "POST " + href(a) + "/move", Body: form("stage", id.New().String()), Header: []string{"Accept", "application/json"}, Status: 422},
		{Name: "won asks first", As: "staff", Ask: "POST " + href(a) + "/move", Body: form("stage", w.stages["Won"]), Status: 303},
		{Name: "and does so for the script", As: "staff", Ask: "POST " + href(a) + "/move", Body: form("stage", w.stages["Won"]), Header: []string{"Accept", "application/json"}, Status: 204},
		{Name: "the page that asks", As: "staff", Ask: "GET " + won, Status: 200, Want: []string{"form[action=" + href(a) + "/win] input[name=next][value=/deals/board]", "input[name=closed_on]"}},
	})
	if got := w.Ask("staff", "POST "+href(a)+"/move", form("stage", w.stages["Won"]), "Accept", "application/json").Header().Get("X-Go"); got != won {
		t.Errorf("the script is led to %q, want %q", got, won)
	}
	if got := w.state(a.ID); got != "approved" {
		t.Errorf("asking made it %s", got)
	}
}
