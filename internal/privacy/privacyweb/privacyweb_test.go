package privacyweb_test

import (
	"net/http"
	"path/filepath"
	"testing"

	"entente.dev/internal/audit/trail"
	"entente.dev/internal/doortest"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/privacy"
	"entente.dev/internal/privacy/privacyapi"
	"entente.dev/internal/privacy/privacyweb"
	"entente.dev/internal/ui"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestDoors(t *testing.T) {
	w := doortest.New(t)
	blobs, err := blob.Open("dir:"+t.TempDir(), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := privacy.New(w.Ops, file.New(w.Ops, blobs), privacy.Options{Ledger: filepath.Join(t.TempDir(), "erasures.jsonl")})
	bare := func(_ http.ResponseWriter, _ *http.Request, title string) ui.Page { return ui.Page{Title: title} }
	privacyweb.Routes(w.Web, privacyweb.Deps{Page: w.Page, Bare: bare, Privacy: s, Trail: trail.New(w.Ops), Clock: w.Ops.Clock})
	privacyapi.Routes(w.API, s)
	form := doortest.Form
	made := w.Ask("admin", "POST /api/v1/privacy/requests", `{"kind":"access","source":"phone","email":"carla@konex.example"}`)
	if made.Code != 201 {
		t.Fatal(made.Code, made.Body)
	}
	v := made.JSON(t)["id"].(string)
	at, api := "/privacy/"+v, "/api/v1/privacy/requests/"+v
	w.Run(t, []doortest.Case{
		{Name: "list", As: "admin", Ask: "GET /privacy", Status: 200, Want: []string{"a[href=" + at + "]"}},
		{Name: "not for staff", As: "staff", Ask: "GET /privacy", Status: 403},
		{Name: "nor a partner", As: "partner", Ask: "GET /privacy", Status: 403},
		{Name: "another programme's list", As: "stranger", Ask: "GET /privacy", Status: 200, Forbid: []string{"~" + v}},
		{Name: "record", As: "admin", Ask: "GET " + at, Status: 200, Want: []string{"~carla@konex.example", "form[action=" + at + "/verify]"}, Forbid: []string{"form[action=" + at + "/package]"}},
		{Name: "a stranger's record", As: "stranger", Ask: "GET " + at, Status: 404, Audit: []string{"privacy.read denied"}},
		{Name: "a stranger's check", As: "stranger", Ask: "POST " + at + "/verify", Body: form("version", "1", "how", "document", "note", "x"), Status: 404, Audit: []string{"privacy.verify denied"}},
		{Name: "a stranger's package", As: "stranger", Ask: "GET " + at + "/package", Status: 404, Audit: []string{"privacy.read denied"}},
		{Name: "a stranger's certificate", As: "stranger", Ask: "GET " + at + "/certificate", Status: 404, Audit: []string{"privacy.read denied"}},
		{Name: "unknown", As: "admin", Ask: "GET /privacy/" + id.New().String(), Status: 404, Audit: []string{"privacy.read denied"}},
		{Name: "not an id", As: "admin", Ask: "GET /privacy/x", Status: 404},
		{Name: "no package before the proof", As: "admin", Ask: "POST " + at + "/package", Body: form(), Status: 409},
		{Name: "no certificate yet", As: "admin", Ask: "GET " + at + "/certificate", Status: 404},
		{Name: "an e-mail is no proof", As: "admin", Ask: "POST " + at + "/verify", Body: form("version", "1", "how", "e-mail", "note", "She wrote."), Status: 422, Want: []string{"#f-how-error", "input[name=note][value=She wrote.]"}},
		{Name: "stale", As: "admin", Ask: "POST " + at + "/verify", Body: form("version", "7", "how", "document", "note", "Seen."), Status: 409},
		{Name: "proof", As: "admin", Ask: "POST " + at + "/verify", Body: form("version", "1", "how", "document", "note", "Seen."), Status: 303, Audit: []string{"privacy.verify"}},
		{Name: "nothing to refuse without a reason", As: "admin", Ask: "POST " + at + "/refuse", Body: form("version", "2", "reason", ""), Status: 422},
		{Name: "new, refused", As: "admin", Ask: "POST /privacy", Body: form("kind", "objection", "source", "phone", "email", "nope", "name", "Carla"), Status: 422, Want: []string{"#f-email-error", "#f-purpose-error", "input[name=name][value=Carla]"}},
		{Name: "new", As: "admin", Ask: "POST /privacy", Body: form("kind", "erasure", "source", "phone", "email", "carla@konex.example", "name", "Carla", "purpose", "", "asked", "", "received_at", "", "phone", ""), Status: 303, Audit: []string{"privacy.open"}},
		{Name: "restricted", As: "admin", Ask: "GET /privacy/restricted", Status: 200},
		{Name: "not for staff to restrict", As: "staff", Ask: "POST /privacy/restricted", Body: form("email", "x@y.example", "reason", "x"), Status: 403},
		{Name: "tasks", As: "partner", Ask: "GET /privacy/tasks", Status: 200},
		{Name: "my data", As: "agent", Ask: "GET /me/privacy", Status: 200, Forbid: []string{"~" + v}},
		{Name: "not mine", As: "agent", Ask: "GET /me/privacy/" + v, Status: 404, Audit: []string{"me.privacy denied"}},
		{Name: "a link that is none", Ask: "POST /your-data/abc", Body: form(), Status: 404},

		{Name: "api read", As: "admin", Ask: "GET " + api, Status: 200, Want: []string{`~"identity_how":"document"`}},
		{Name: "api of a stranger", As: "stranger", Ask: "GET " + api, Status: 404, Audit: []string{"privacy.read denied"}},
		{Name: "api of staff", As: "staff", Ask: "GET " + api, Status: 403},
		{Name: "api list of a stranger", As: "stranger", Ask: "GET /api/v1/privacy/requests", Status: 200, Want: []string{`~"items":[]`}},
		{Name: "api refuses", As: "admin", Ask: "POST /api/v1/privacy/requests", Body: `{"kind":"gossip","source":"phone"}`, Status: 422, Want: []string{`~kind`}},
		{Name: "api search needs a reason", As: "admin", Ask: "POST /api/v1/privacy/search", Body: `{"email":"carla@konex.example","reason":""}`, Status: 422},
		{Name: "api search of staff", As: "staff", Ask: "POST /api/v1/privacy/search", Body: `{"email":"carla@konex.example","reason":"x"}`, Status: 403},
	})
}
