package dealapi_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"entente.dev/internal/deal"
	"entente.dev/internal/deal/dealapi"
	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func newWorld(t *testing.T) *doortest.World {
	w := doortest.New(t)
	dealapi.Routes(w.API, deal.New(w.Ops))
	return w
}

const body = `{"title":"ERP for %[1]s","account":{"name":"%[1]s","domain":"https://www.%[1]s.example/x","country":"Germany"},"amount_minor":125000,"currency":"eur","expected_close_on":"2026-12-24"}`

// register makes a deal and returns its path.
func register(t *testing.T, w *doortest.World, as, name string) string {
	t.Helper()
	a := w.Ask(as, "POST /api/v1/deals", fmt.Sprintf(body, name))
	if a.Code != http.StatusCreated {
		t.Fatalf("%d %s", a.Code, a.Body)
	}
	return "/api/v1/deals/" + a.JSON(t)["id"].(string)
}

func submitted(t *testing.T, w *doortest.World, as, name string) string {
	t.Helper()
	d := register(t, w, as, name)
	if a := w.Ask(as, "POST "+d+"/submit", ""); a.Code != http.StatusOK {
		t.Fatalf("%d %s", a.Code, a.Body)
	}
	return d
}

func TestCreate(t *testing.T) {
	w := newWorld(t)
	south, nobody := w.South.String(), id.New().String()
	w.Run(t, []doortest.Case{
		{Name: "partner", As: "partner", Ask: "POST /api/v1/deals", Body: fmt.Sprintf(body, "kunde"), Status: 201, Audit: []string{"account.create", "deal.create"},
			Want: []string{`~"state":"draft"`, `~"stage":"Qualify"`, `~"partner":"North"`, `~"owner":"Pat Partner"`, `~"domain":"kunde.example"`, `~"country":"DE"`,
				`~"currency":"EUR"`, `~"amount_minor":125000`, `~"expected_close_on":"2026-12-24"`, `~"version":1`, `~"external_id":null`},
			Forbid: []string{"~claim_key", "~created_by", "~tenant_id", "~import_id"}},
		{Name: "staff for a partner", As: "staff", Ask: "POST /api/v1/deals", Body: `{"title":"x","partner_id":"` + south + `"}`, Status: 201, Audit: []string{"deal.create"},
			Want: []string{`~"partner":"South"`, `~"created_by":`, `~"amount_minor":null`, `~"currency":"USD"`}},
		{Name: "the vendor's own", As: "staff", Ask: "POST /api/v1/deals", Body: `{"title":"x"}`, Status: 201, Audit: []string{"deal.create"}, Forbid: []string{"~partner_id"}},
		{Name: "another partner's id", As: "partner", Ask: "POST /api/v1/deals", Body: `{"title":"x","partner_id":"` + south + `"}`, Status: 404, Want: []string{"~partner.not_found"}, Audit: []string{"deal.create denied"}},
		{Name: "nobody's id", As: "partner", Ask: "POST /api/v1/deals", Body: `{"title":"x","partner_id":"` + nobody + `"}`, Status: 404, Want: []string{"~partner.not_found"}, Audit: []string{"deal.create denied"}},
		{Name: "another tenant's id", As: "stranger", Ask: "POST /api/v1/deals", Body: `{"title":"x","partner_id":"` + south + `"}`, Status: 404, Want: []string{"~partner.not_found"}, Audit: []string{"deal.create denied"}},
		{Name: "A4 unknown field", As: "partner", Ask: "POST /api/v1/deals", Body: `{"title":"x","state":"approved"}`, Status: 400, Want: []string{`~"name":"state"`}},
		{Name: "A4 tenant", As: "partner", Ask: "POST /api/v1/deals", Body: `{"title":"x","tenant_id":"` + nobody + `"}`, Status: 400, Want: []string{`~"name":"tenant_id"`}},
		{Name: "A65 out of range", As: "partner", Ask: "POST /api/v1/deals", Body: `{"title":"","amount_minor":1000000000000001,"account":{"name":7}}`, Status: 422,
			Want: []string{`~"name":"title"`, `~"name":"amount_minor"`, `~"name":"account.name"`}},
		{Name: "values that only the room knows", As: "partner", Ask: "POST /api/v1/deals", Status: 422, Body: `{"title":"x","currency":"ZZZ","expected_close_on":"2026-02-30"}`,
			Want: []string{`~"name":"currency"`, `~"name":"expected_close_on"`}},
		{Name: "no such domain or country", As: "partner", Ask: "POST /api/v1/deals", Status: 422, Body: `{"title":"x","account":{"name":"K","domain":"not a domain","country":"Narnia"}}`,
			Want: []string{`~"name":"account.domain"`, `~"name":"account.country"`}},
		{Name: "wrong type", As: "partner", Ask: "POST /api/v1/deals", Body: `{"title":"x","amount_minor":"12"}`, Status: 422, Want: []string{`~"name":"amount_minor"`}},
		{Name: "nobody", Ask: "POST /api/v1/deals", Body: `{"title":"x"}`, Status: 401},
	})
}

func TestFlow(t *testing.T) {
	w := newWorld(t)
	d := register(t, w, "agent", "kunde")
	w.Run(t, []doortest.Case{
		{Name: "read", As: "partner", Ask: "GET " + d, Status: 200, Want: []string{`~"owner":"Abe Agent"`}},
		{Name: "change", As: "agent", Ask: "PATCH " + d, Body: `{"product":"GTX","amount_minor":5}`, Header: []string{"If-Match", `"1"`}, Status: 200, Want: []string{`~"version":2`, `~"product":"GTX"`}, Audit: []string{"deal.update"}},
		{Name: "stale", As: "agent", Ask: "PATCH " + d, Body: `{"product":"x"}`, Header: []string{"If-Match", `"1"`}, Status: 412, Want: []string{"~deal.stale"}},
		{Name: "approve what is not submitted", As: "staff", Ask: "POST " + d + "/approve", Status: 409, Want: []string{"~deal.state", "~This deal is draft", "~It can be submitted or withdrawn"}},
		{Name: "submit", As: "agent", Ask: "POST " + d + "/submit", Body: `{"note":"please hurry"}`, Status: 200, Want: []string{`~"state":"submitted"`, `~"answer":"free"`}, Audit: []string{"deal.submit"}},
		{Name: "a partner changes what is submitted", As: "agent", Ask: "PATCH " + d, Body: `{"product":"x"}`, Status: 409, Want: []string{"~deal.state"}},
		{Name: "a partner approves", As: "partner", Ask: "POST " + d + "/approve", Status: 403},
		{Name: "return without a reason", As: "staff", Ask: "POST " + d + "/return", Status: 422, Want: []string{`~"name":"reason"`}},
		{Name: "return", As: "staff", Ask: "POST " + d + "/return", Body: `{"reason":"Which product?"}`, Status: 200, Want: []string{`~"reason":"Which product?"`}, Audit: []string{"deal.return"}},
		{Name: "submit again", As: "agent", Ask: "POST " + d + "/submit", Status: 200, Want: []string{`~"reason":""`}, Audit: []string{"deal.submit"}},
		{Name: "approve a stale version", As: "staff", Ask: "POST " + d + "/approve", Header: []string{"If-Match", `"2"`}, Status: 412},
		{Name: "approve with an unknown field", As: "staff", Ask: "POST " + d + "/approve", Body: `{"approved_at":"2020-01-01"}`, Status: 400, Want: []string{`~"approved_at"`}},
		{Name: "approve", As: "staff", Ask: "POST " + d + "/approve", Body: `{"note":"good one"}`, Status: 200, Want: []string{`~"state":"approved"`, `~"decided_by"`}, Audit: []string{"deal.approve"}},
		{Name: "the partner sees it", As: "agent", Ask: "GET " + d, Status: 200, Want: []string{`~"state":"approved"`, `~"protected_until":"20`}, Forbid: []string{"~decided_by", "~claim_key"}},
		{Name: "the notes of the partner", As: "agent", Ask: "GET " + d + "/notes", Status: 200, Want: []string{"~please hurry"}, Forbid: []string{"~good one"}},
		{Name: "the notes of the vendor", As: "staff", Ask: "GET " + d + "/notes", Status: 200, Want: []string{"~please hurry", "~good one", `~"internal":true`}},
		{Name: "note", As: "agent", Ask: "POST " + d + "/notes", Body: `{"body":"met them","internal":true}`, Status: 201, Want: []string{`~"internal":false`}, Audit: []string{"deal.note"}},
		{Name: "win on a day that does not exist", As: "agent", Ask: "POST " + d + "/win", Body: `{"closed_on":"2026-02-30"}`, Status: 422, Want: []string{`~"name":"closed_on"`}},
		{Name: "win", As: "agent", Ask: "POST " + d + "/win", Status: 200, Want: []string{`~"state":"won"`, `~"stage":"Won"`}, Audit: []string{"deal.win"}},
		{Name: "lose what is won", As: "agent", Ask: "POST " + d + "/lose", Body: `{"reason":"x"}`, Status: 409, Want: []string{"~deal.state", "~won"}},
	})
	if tag := w.Ask("staff", "GET "+d, "").Header().Get("ETag"); tag == `"1"` || tag == "" {
		t.Errorf("ETag %s", tag)
	}
}

func TestDecisions(t *testing.T) {
	w := newWorld(t)
	a, b, c := submitted(t, w, "partner", "kunde"), submitted(t, w, "rival", "kunde"), submitted(t, w, "agent", "dritte")
	own := submitted(t, w, "staff", "direkt")
	w.Run(t, []doortest.Case{
		{Name: "one's own", As: "staff", Ask: "POST " + own + "/approve", Status: 403, Want: []string{"~deal.own"}, Audit: []string{"deal.approve denied"}},
		{Name: "a colleague's", As: "admin", Ask: "POST " + own + "/approve", Status: 200, Audit: []string{"deal.approve"}},
		{Name: "first", As: "staff", Ask: "POST " + a + "/approve", Status: 200, Audit: []string{"deal.approve"}},
		{Name: "second", As: "staff", Ask: "POST " + b + "/approve", Status: 409, Want: []string{"~deal.protected", "~North"}},
		{Name: "queue", As: "staff", Ask: "GET /api/v1/deals/queue", Status: 200, Want: []string{`~"why":"same customer"`, `~"holds":true`, `~"next_cursor":""`}},
		{Name: "a partner has no queue", As: "rival", Ask: "GET /api/v1/deals/queue", Status: 403},
		{Name: "look-alikes", As: "staff", Ask: "GET " + b + "/look-alikes", Status: 200, Want: []string{`~"partner":"North"`}},
		{Name: "reject without words", As: "staff", Ask: "POST " + b + "/reject", Body: `{}`, Status: 422, Want: []string{`~"name":"reason"`}},
		{Name: "reject with an unknown code", As: "staff", Ask: "POST " + b + "/reject", Body: `{"reason_code":"because"}`, Status: 422, Want: []string{`~"name":"reason_code"`}},
		{Name: "reject", As: "staff", Ask: "POST " + b + "/reject", Body: `{"reason":"duplicate","note":"see North"}`, Status: 200, Want: []string{`~"reason_code":"duplicate"`}, Audit: []string{"deal.reject"}},
		{Name: "the rival learns why, not who", As: "rival", Ask: "GET " + b, Status: 200, Want: []string{`~"reason_code":"duplicate"`}, Forbid: []string{"~North"}},
		{Name: "an agent withdraws a colleague's", As: "agent", Ask: "POST " + a + "/withdraw", Status: 403, Want: []string{"~denied"}, Audit: []string{"deal.withdraw denied"}},
		{Name: "staff withdraw nothing", As: "staff", Ask: "POST " + a + "/withdraw", Status: 403},
		{Name: "withdraw", As: "partner", Ask: "POST " + a + "/withdraw", Body: `{"reason":"lost interest"}`, Status: 200, Want: []string{`~"state":"withdrawn"`}, Audit: []string{"deal.withdraw"}},
		{Name: "approve, move, lose", As: "staff", Ask: "POST " + c + "/approve", Status: 200, Audit: []string{"deal.approve"}},
		{Name: "lose", As: "agent", Ask: "POST " + c + "/lose", Body: `{"reason":"price"}`, Status: 200, Want: []string{`~"stage":"Lost"`, `~"reason":"price"`}, Audit: []string{"deal.lose"}},
	})
}

func TestMove(t *testing.T) {
	w := newWorld(t)
	d := submitted(t, w, "partner", "kunde")
	stages := map[string]string{}
	for _, s := range w.Ask("partner", "GET /api/v1/stages", "").JSON(t)["items"].([]any) {
		stages[s.(map[string]any)["name"].(string)] = s.(map[string]any)["id"].(string)
	}
	to := func(name string) string { return `{"stage_id":"` + stages[name] + `"}` }
	w.Run(t, []doortest.Case{
		{Name: "to the next", As: "partner", Ask: "POST " + d + "/move", Body: to("Propose"), Status: 200, Want: []string{`~"stage":"Propose"`}, Audit: []string{"deal.move"}},
		{Name: "to where it is", As: "partner", Ask: "POST " + d + "/move", Body: to("Propose"), Status: 200, Want: []string{`~"version":3`}},
		{Name: "to won before approval", As: "partner", Ask: "POST " + d + "/move", Body: to("Won"), Status: 409, Want: []string{"~deal.state", "~Only an approved deal"}},
		{Name: "to no stage", As: "partner", Ask: "POST " + d + "/move", Body: `{"stage_id":"` + id.New().String() + `"}`, Status: 422, Want: []string{`~"name":"stage_id"`}},
		{Name: "a colleague's", As: "agent", Ask: "POST " + d + "/move", Body: to("Qualify"), Status: 403, Audit: []string{"deal.move denied"}},
		{Name: "approve", As: "staff", Ask: "POST " + d + "/approve", Status: 200, Audit: []string{"deal.approve"}},
		{Name: "to won", As: "partner", Ask: "POST " + d + "/move", Body: to("Won"), Status: 200, Want: []string{`~"state":"won"`, `~"closed_on":"20`}, Audit: []string{"deal.win"}},
	})
}

// A1: every route with a foreign id answers like one with an id that nobody has, and both leave one refusal on record.
func TestForeignIDs(t *testing.T) {
	w := newWorld(t)
	d := submitted(t, w, "partner", "kunde")
	asked := []string{"GET ", "PATCH ", "GET /notes", "POST /notes", "POST /submit", "POST /withdraw", "POST /win", "POST /lose", "POST /move",
		"POST /approve", "POST /reject", "POST /return", "GET /look-alikes"}
	bodies := map[string]string{"PATCH ": `{"title":"mine"}`, "POST /notes": `{"body":"x"}`, "POST /move": `{"stage_id":"` + id.New().String() + `"}`,
		"POST /reject": `{"reason":"x"}`, "POST /return": `{"reason":"x"}`}
	ask := func(as, route, path string) (int, string) {
		method, rest, _ := strings.Cut(route, " ")
		a := w.Ask(as, method+" "+path+rest, bodies[route])
		return a.Code, strings.Replace(a.Body.String(), fmt.Sprint(a.JSON(t)["request_id"]), "", 1)
	}
	for _, as := range []string{"rival", "stranger"} {
		for _, route := range asked {
			w.Audited(t)
			code, got := ask(as, route, d)
			first := len(w.Audited(t))
			code2, random := ask(as, route, "/api/v1/deals/"+id.New().String())
			second := len(w.Audited(t))
			if code != code2 || got != random || first != second || (code != http.StatusNotFound && code != http.StatusForbidden) {
				t.Errorf("%s, %s: %d %s (%d on record)\nrandom: %d %s (%d)", as, route, code, got, first, code2, random, second)
			}
			if code == http.StatusNotFound && first != 1 {
				t.Errorf("%s, %s: %d refusals on record", as, route, first)
			}
		}
	}
	if got := w.Ask("partner", "GET "+d, "").JSON(t); got["version"] != float64(2) || got["title"] != "ERP for kunde" {
		t.Errorf("%v", got)
	}
}

func TestLists(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"alpha", "beta", "gamma"} {
		submitted(t, w, "partner", name)
	}
	register(t, w, "rival", "delta")
	w.Run(t, []doortest.Case{
		{Name: "all", As: "staff", Ask: "GET /api/v1/deals", Status: 200, Want: []string{"~ERP for alpha", "~ERP for delta", `~"next_cursor":""`, "~claim_key"}},
		{Name: "A7 one's own only", As: "rival", Ask: "GET /api/v1/deals?sort=-amount", Status: 200, Want: []string{"~ERP for delta"}, Forbid: []string{"~alpha", "~claim_key"}},
		{Name: "filters", As: "staff", Ask: "GET /api/v1/deals?state=submitted&q=BETA&stage=Qualify&currency=EUR&amount_min=1&close_from=2026-12-01&partner_id=" + w.North.String(), Status: 200, Want: []string{"~ERP for beta"}, Forbid: []string{"~alpha"}},
		{Name: "A7 another partner by filter", As: "rival", Ask: "GET /api/v1/deals?partner_id=" + w.North.String(), Status: 200, Want: []string{`~"items":[]`}},
		{Name: "A7 by search", As: "rival", Ask: "GET /api/v1/deals?q=alpha", Status: 200, Want: []string{`~"items":[]`}},
		{Name: "pages", As: "staff", Ask: "GET /api/v1/deals?limit=2", Status: 200, Want: []string{"~delta", "~gamma"}, Forbid: []string{"~alpha", `~"next_cursor":""`}},
		{Name: "unknown filter", As: "staff", Ask: "GET /api/v1/deals?stat=won", Status: 400, Want: []string{`~"stat"`}},
		{Name: "A50 unknown order", As: "staff", Ask: "GET /api/v1/deals?sort=search_text", Status: 422, Want: []string{`~"sort"`}},
		{Name: "unknown currency", As: "staff", Ask: "GET /api/v1/deals?currency=QQQ", Status: 422, Want: []string{`~"currency"`}},
		{Name: "no such day", As: "staff", Ask: "GET /api/v1/deals?close_to=2026-02-30", Status: 422, Want: []string{`~"close_to"`}},
		{Name: "a forged cursor", As: "staff", Ask: "GET /api/v1/deals?cursor=AAAA", Status: 400, Want: []string{"~cursor"}},
		{Name: "too many", As: "staff", Ask: "GET /api/v1/deals?limit=201", Status: 422},
		{Name: "without a customer", As: "staff", Ask: "GET /api/v1/deals?account=none", Status: 200, Want: []string{`~"items":[]`}},
		{Name: "csv filter", As: "staff", Ask: "GET /api/v1/deals.csv?state=gone&partner_id=7&amount_min=x", Status: 422, Want: []string{`~"partner_id"`, `~"amount_min"`}},
		{Name: "csv unknown", As: "staff", Ask: "GET /api/v1/deals.csv?limit=7", Status: 400, Want: []string{`~"limit"`}},
		{Name: "save a view", As: "partner", Ask: "POST /api/v1/views", Body: `{"list":"deals","name":"Mine","query":"state=draft"}`, Status: 201, Want: []string{`~"Mine"`}, Audit: []string{"view.save"}},
		{Name: "views", As: "partner", Ask: "GET /api/v1/views", Status: 200, Want: []string{`~"state=draft"`}},
		{Name: "nobody else's", As: "agent", Ask: "GET /api/v1/views", Status: 200, Want: []string{`~"items":[]`}},
	})
	v := w.Ask("partner", "GET /api/v1/views", "").JSON(t)["items"].([]any)[0].(map[string]any)["id"].(string)
	w.Run(t, []doortest.Case{
		{Name: "delete another's view", As: "agent", Ask: "DELETE /api/v1/views/" + v, Status: 404, Audit: []string{"view.delete denied"}},
		{Name: "delete a view", As: "partner", Ask: "DELETE /api/v1/views/" + v, Status: 204, Audit: []string{"view.delete"}},
	})
}

func TestCheck(t *testing.T) {
	w := newWorld(t)
	submitted(t, w, "rival", "kunde")
	w.Run(t, []doortest.Case{
		{Name: "look", As: "partner", Ask: "POST /api/v1/deals/check", Body: `{"domain":"shop.kunde.example"}`, Status: 200, Want: []string{`~{"answer":"look"}`}, Forbid: []string{"~South"}, Audit: []string{"deal.check"}},
		{Name: "free", As: "agent", Ask: "POST /api/v1/deals/check", Body: `{"domain":"andere.example","name":"Andere"}`, Status: 200, Want: []string{`~{"answer":"free"}`}, Audit: []string{"deal.check"}},
		{Name: "nothing asked", As: "partner", Ask: "POST /api/v1/deals/check", Body: `{}`, Status: 422, Want: []string{`~"domain"`}},
	})
	for range 70 {
		if a := w.Ask("partner", "POST /api/v1/deals/check", `{"domain":"x.example"}`); a.Code == http.StatusTooManyRequests {
			if a.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return
		}
	}
	t.Error("70 checks in a row were all answered")
}

// Exports hold exactly the rows and columns of the person; what looks like a formula is text.
func TestExport(t *testing.T) {
	w := newWorld(t)
	d := register(t, w, "partner", "kunde")
	w.Ask("partner", "PATCH "+d, `{"title":"=1+1"}`)
	register(t, w, "rival", "fremd")
	for _, c := range []struct {
		as            string
		rows, columns int
	}{{"staff", 2, 29}, {"agent", 1, 24}, {"stranger", 0, 29}} {
		a := w.Ask(c.as, "GET /api/v1/deals.csv?sort=created", "")
		rows, err := csv.NewReader(bytes.NewReader(a.Body.Bytes())).ReadAll()
		if err != nil || len(rows) != c.rows+1 || len(rows[0]) != c.columns {
			t.Fatalf("%s: %v in %s", c.as, err, a.Body)
		}
		if c.rows > 0 && (rows[1][1] != "'=1+1" || rows[1][9] != "1250.00" || rows[1][12] != "2026-12-24") {
			t.Errorf("%s: %q", c.as, rows[1])
		}
		if strings.Contains(a.Body.String(), "claim_key") != (c.columns == 29) || a.Header().Get("Content-Type") != "text/csv; charset=utf-8" {
			t.Errorf("%s: %s", c.as, rows[0])
		}
		var all []map[string]any
		if err := json.Unmarshal(w.Ask(c.as, "GET /api/v1/deals.json", "").Body.Bytes(), &all); err != nil || len(all) != c.rows {
			t.Errorf("%s: %d deals, %v", c.as, len(all), err)
		}
	}
}

func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	key := []string{"Idempotency-Key", "k-1"}
	first := w.Ask("partner", "POST /api/v1/deals", fmt.Sprintf(body, "kunde"), key...)
	again := w.Ask("partner", "POST /api/v1/deals", fmt.Sprintf(body, "kunde"), key...)
	if first.Code != 201 || again.Code != 201 || first.Body.String() != again.Body.String() || first.Header().Get("ETag") != again.Header().Get("ETag") {
		t.Errorf("%s\n%s", first.Body, again.Body)
	}
	if other := w.Ask("partner", "POST /api/v1/deals", fmt.Sprintf(body, "andere"), key...); other.Code != 422 {
		t.Errorf("%d %s", other.Code, other.Body)
	}
	d := "/api/v1/deals/" + first.JSON(t)["id"].(string)
	for range 2 {
		if a := w.Ask("partner", "POST "+d+"/submit", "", "Idempotency-Key", "k-2"); a.Code != 200 || a.JSON(t)["version"] != float64(2) {
			t.Errorf("%d %s", a.Code, a.Body)
		}
	}
}
