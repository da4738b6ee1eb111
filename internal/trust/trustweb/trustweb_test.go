package trustweb_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/tenant"
	"entente.dev/internal/trust"
	"entente.dev/internal/trust/trustapi"
	"entente.dev/internal/trust/trustweb"
	"entente.dev/internal/ui"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func world(t *testing.T) (*doortest.World, *trust.Service) {
	w := doortest.New(t)
	s := trust.New(w.Ops)
	tenants := tenant.New(w.Ops)
	site := func(rw http.ResponseWriter, r *http.Request, title string) (ui.Page, tenant.Brand, error) {
		e, err := tenants.BySlug(r.Context(), r.PathValue("tenant"))
		if err != nil {
			return ui.Page{}, tenant.Brand{}, err
		}
		b, err := tenants.Brand(r.Context(), e.ID)
		p := ui.NewPage(rw, r, ui.Viewer{Brand: ui.Brand{Name: b.Name}}, title, "")
		p.Base = "/t/" + b.Slug
		return p, b, err
	}
	bare := func(rw http.ResponseWriter, r *http.Request, title string) ui.Page {
		return ui.NewPage(rw, r, ui.Viewer{}, title, "")
	}
	trustweb.Routes(w.Web, trustweb.Deps{Page: w.Page, Site: site, Bare: bare, Trust: s, Origin: doortest.Origin})
	trustapi.Routes(w.API, s)
	return w, s
}

func (k *kit) evidence(tenant any, promise, result string, age time.Duration) {
	k.w.T.Helper()
	if tenant == nil {
		k.w.Exec(`insert into installation_evidence (evidence_id, promise, at, kind, result, checked, items, detail, program) values ($1, $2, $3, 'probe', $4, 'It was looked at.', 7, 'secret detail', 'v1')`,
			id.New(), promise, time.Now().Add(-age), result)
		return
	}
	k.w.Exec(`insert into promise_evidence (tenant_id, evidence_id, promise, at, kind, result, checked, items, detail, program) values ($5, $1, $2, $3, 'probe', $4, 'It was looked at.', 7, 'secret detail', 'v1')`,
		id.New(), promise, time.Now().Add(-age), result, tenant)
}

type kit struct{ w *doortest.World }

func TestPublicPages(t *testing.T) {
	w, _ := world(t)
	k := &kit{w}
	w.Run(t, []doortest.Case{{Name: "nothing probed is green", Ask: "GET /trust", Status: 200, Want: []string{".badge :: Not probed"}, Forbid: []string{".badge :: Kept"}}})
	k.evidence(nil, "P-10", "kept", time.Minute)
	k.evidence(nil, "P-14", "failing", time.Minute)
	k.evidence(nil, "P-06", "kept", 5*time.Hour)
	k.evidence(w.Tenant, "P-16", "kept", time.Minute)
	k.evidence(w.Elsewhere, "P-16", "failing", time.Minute)
	w.Run(t, []doortest.Case{
		{Name: "a programme's", Ask: "GET /t/acme/trust", Status: 200, Want: []string{"#p-10 .badge :: Kept", "#p-14 .badge :: Failing", "#p-06 .badge :: Not probed", "#p-16 .badge :: Kept", "#p-30 .badge :: Not offered", "#p-13 .badge :: Not probed", "form[action=/t/acme/trust#report]"}, Forbid: []string{"~secret detail"}},
		{Name: "another's", Ask: "GET /t/globex/trust", Status: 200, Want: []string{"#p-16 .badge :: Failing"}, Forbid: []string{"~secret detail"}},
		{Name: "as data", Ask: "GET /t/acme/trust.json", Status: 200, Want: []string{`~"id":"P-10"`, `~"status":"kept"`}, Forbid: []string{"~secret detail"}},
		{Name: "the installation's as data", Ask: "GET /trust.json", Status: 200, Want: []string{`~"of":"installation"`}, Forbid: []string{"~secret detail"}},
		{Name: "nobody's", Ask: "GET /t/nobody/trust", Status: 404},
		{Name: "security.txt", Ask: "GET /.well-known/security.txt", Status: 200, Want: []string{"~Contact: " + doortest.Origin + "/trust#report\nExpires: 20", "~Canonical: "}},
		{Name: "register", As: "staff", Ask: "GET /promises", Status: 200, Want: []string{".badge :: Failing"}},
		{Name: "one", As: "admin", Ask: "GET /promises/P-14", Status: 200, Want: []string{".callout :: did not hold", "form[action=/promises/P-14/check]", "td :: secret detail"}},
		{Name: "staff probe nothing", As: "staff", Ask: "GET /promises/P-14", Status: 200, Forbid: []string{"form[action=/promises/P-14/check]"}},
		{Name: "no such", As: "admin", Ask: "GET /promises/P-99", Status: 404},
		{Name: "not a partner's", As: "partner", Ask: "GET /promises", Status: 403},
		{Name: "by API", As: "staff", Ask: "GET /api/v1/trust", Status: 200, Want: []string{`~"id":"P-10"`}},
	})
}

func TestAttestation(t *testing.T) {
	w, _ := world(t)
	k := &kit{w}
	k.evidence(nil, "P-13", "unseen", time.Minute)
	k.evidence(nil, "P-10", "kept", time.Minute)
	day := time.Now().AddDate(0, 6, 0).Format(time.DateOnly)
	send := func(by, statement, until string) string {
		return url.Values{"by": {by}, "statement": {statement}, "until": {until}}.Encode()
	}
	w.Run(t, []doortest.Case{
		{Name: "nobody attests it", Ask: "GET /t/acme/trust", Status: 200, Want: []string{"#p-13 .badge :: Not offered"}},
		{Name: "nothing typed", As: "admin", Ask: "POST /promises/P-13/attest", Body: send("Ada", "", ""), Status: 422, Want: []string{"#f-statement-error", "#f-until-error", "input[value=Ada]"}},
		{Name: "too far", As: "admin", Ask: "POST /promises/P-13/attest", Body: send("Ada", "LUKS", "2099-01-01"), Status: 422, Want: []string{"#f-until-error :: at most 400 days"}},
		{Name: "what is probed", As: "admin", Ask: "POST /promises/P-10/attest", Body: send("Ada", "Trust me", day), Status: 422},
		{Name: "staff", As: "staff", Ask: "POST /promises/P-13/attest", Body: send("Sam", "LUKS", day), Status: 403},
		{Name: "said", As: "admin", Ask: "POST /promises/P-13/attest", Body: send("Ada Admin", "The volume is LUKS.", day), Status: 303, Audit: []string{"trust.attest"}},
		{Name: "attested", Ask: "GET /t/acme/trust", Status: 200, Want: []string{"#p-13 .badge :: Attested", "#p-13 :: The volume is LUKS."}},
		{Name: "not for others", Ask: "GET /t/globex/trust", Status: 200, Want: []string{"#p-13 .badge :: Not offered"}},
		{Name: "taken back", As: "admin", Ask: "POST /promises/P-13/attest", Body: send("Ada Admin", "", "") + "&withdraw=yes", Status: 303, Audit: []string{"trust.attest"}},
		{Name: "gone", Ask: "GET /t/acme/trust", Status: 200, Want: []string{"#p-13 .badge :: Not offered"}},
	})
	w.Exec(`insert into promise_evidence (tenant_id, evidence_id, promise, at, kind, result, checked, by_name, until_on) values ($1, $2, 'P-13', now(), 'attestation', 'attested', 'It was once', 'Ada', current_date - 1)`, w.Tenant, id.New())
	w.Run(t, []doortest.Case{{Name: "run out", Ask: "GET /t/acme/trust", Status: 200, Want: []string{"#p-13 .badge :: Not offered"}}})
}

var token = regexp.MustCompile(`name="token" value="([^"]+)"`)

func TestConcern(t *testing.T) {
	w, s := world(t)
	now := time.Now()
	w.Ops.Clock = func() time.Time { now = now.Add(time.Millisecond); return now }
	page := w.Ask("", "GET /t/acme/trust", "").Body.String()
	mark := token.FindStringSubmatch(page)[1]
	send := func(body string, more ...string) string {
		v := url.Values{"kind": {"security"}, "body": {body}, "name": {"Vera"}, "email": {"vera@finder.example"}, "website": {""}, "token": {mark}}
		for i := 0; i+1 < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v.Encode()
	}
	w.Run(t, []doortest.Case{
		{Name: "too fast", Ask: "POST /t/acme/trust", Body: send("A hole"), Status: 422, Want: []string{"~faster than people type", "textarea :: A hole"}},
	})
	now = now.Add(20 * time.Second)
	w.Run(t, []doortest.Case{
		{Name: "nothing written", Ask: "POST /t/acme/trust", Body: send(""), Status: 422, Want: []string{"#f-body-error", "input[value=Vera]"}},
		{Name: "no address", Ask: "POST /t/acme/trust", Body: send("A hole", "email", "nobody"), Status: 422, Want: []string{"#f-email-error"}},
		{Name: "made up mark", Ask: "POST /t/acme/trust", Body: send("A hole", "token", "AAAA"), Status: 422, Want: []string{"textarea :: A hole"}},
		{Name: "a program", Ask: "POST /t/acme/trust", Body: send("Buy pills", "website", "x"), Status: 303},
		{Name: "sent", Ask: "POST /t/acme/trust", Body: send("A hole in the fence"), Status: 303, Audit: []string{"concern.report"}},
		{Name: "nothing to see for staff's partner", As: "partner", Ask: "GET /promises/concerns", Status: 403},
		{Name: "read", As: "staff", Ask: "GET /promises/concerns?status=open", Status: 200, Want: []string{"td.main :: A hole in the fence"}, Forbid: []string{"~pills"}},
		{Name: "not another's", As: "stranger", Ask: "GET /promises/concerns", Status: 200, Forbid: []string{"~fence"}},
	})
	page2, err := s.Concerns(t.Context(), w.Actors["admin"], true, "")
	if err != nil || len(page2.Items) != 1 {
		t.Fatal(page2, err)
	}
	at := "/promises/concerns/" + page2.Items[0].ID.String()
	w.Run(t, []doortest.Case{
		{Name: "one", As: "admin", Ask: "GET " + at, Status: 200, Want: []string{"pre :: A hole in the fence", "form[action=" + at + "/answer]"}},
		{Name: "a stranger's", As: "stranger", Ask: "GET " + at, Status: 404, Audit: []string{"concern.list denied"}},
		{Name: "no answer", As: "admin", Ask: "POST " + at + "/answer", Body: "answer=&version=1", Status: 422, Want: []string{"#f-answer-error"}},
		{Name: "staff", As: "staff", Ask: "POST " + at + "/answer", Body: "answer=x", Status: 403},
		{Name: "answered", As: "admin", Ask: "POST " + at + "/answer", Body: "answer=Mended.&version=1", Status: 303, Audit: []string{"concern.answer"}},
		{Name: "stale", As: "admin", Ask: "POST " + at + "/answer", Body: "answer=Again.&version=1", Status: 412},
	})
	mails := mailed(t, w)
	if got := strings.Join(mails, ", "); got != "concern.reported admin@acme.example, concern.answered vera@finder.example" {
		t.Errorf("mails: %s", got)
	}
	// A flood is kept, and mailed up to a limit that the last mail names; the next hour begins anew.
	for range 21 {
		w.Ask("", "POST /t/acme/trust", send("Again"))
	}
	if n := len(mailed(t, w)); n != 21 { // 20, and the answer
		t.Errorf("%d mails of a flood", n)
	}
	if page, err := s.Concerns(t.Context(), w.Actors["admin"], false, ""); err != nil || len(page.Items) != 22 {
		t.Errorf("%d concerns kept, %v", len(page.Items), err)
	}
	now = now.Add(2 * time.Hour)
	w.Ask("", "POST /t/acme/trust", send("Later"))
	if n := len(mailed(t, w)); n != 22 {
		t.Errorf("%d mails after a quiet hour", n)
	}
}

// mailed returns the mails in the queue as "template address".
func mailed(t *testing.T, w *doortest.World) (mails []string) {
	t.Helper()
	rows, err := w.Super.Query(t.Context(), `select template || ' ' || to_email from mail order by template desc, to_email`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var m string
		if err := rows.Scan(&m); err != nil {
			t.Fatal(err)
		}
		mails = append(mails, m)
	}
	return mails
}
