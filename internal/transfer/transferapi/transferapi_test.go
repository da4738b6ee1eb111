package transferapi_test

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"entente.dev/internal/audit/trail"
	"entente.dev/internal/doortest"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/tenant"
	"entente.dev/internal/transfer"
	"entente.dev/internal/transfer/transferapi"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// form returns a multipart body and its content type; the part "file" is a file.
func form(t *testing.T, pairs ...string) (body, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		var part io.Writer
		var err error
		if pairs[i] == "file" {
			part, err = w.CreateFormFile("file", `C:\lists\accounts.csv`)
		} else {
			part, err = w.CreateFormField(pairs[i])
		}
		if err == nil {
			_, err = io.WriteString(part, pairs[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return b.String(), w.FormDataContentType()
}

func world(t *testing.T) (*doortest.World, *transfer.Service) {
	w := doortest.New(t)
	s := transfer.New(w.Ops)
	transferapi.Routes(w.API, s)
	transferapi.Exports(w.API, s, identity.New(w.Ops, identity.Options{Tenants: tenant.New(w.Ops)}), trail.New(w.Ops))
	return w, s
}

const accounts = "account,office_location,employees\nKonex,Germany,12\n=cmd(),Nowhere,3\nZotware,United States,many\n"

// refusedUploads are answered with what is wrong, and leave nothing.
func refusedUploads(t *testing.T, w *doortest.World, up func(as string, pairs ...string) doortest.Answer, v string) {
	t.Helper()
	for name, c := range map[string]struct {
		status int
		want   string
		answer doortest.Answer
	}{
		"zip":             {400, "sheet.not_csv", up("staff", "kind", "accounts", "file", "PK\x03\x04zip")},
		"no file":         {422, `"file"`, up("staff", "kind", "accounts")},
		"no kind":         {422, `"kind"`, up("staff", "file", accounts)},
		"unknown kind":    {422, `"kind"`, up("staff", "kind", "people", "file", accounts)},
		"unknown part":    {400, `"tenant_id"`, up("staff", "kind", "accounts", "file", accounts, "tenant_id", v)},
		"unknown mapping": {400, `"mapping.colums"`, up("staff", "kind", "accounts", "file", accounts, "mapping", `{"colums":{}}`)},
		"unknown column":  {422, `"columns.nme"`, up("staff", "kind", "accounts", "file", accounts, "mapping", `{"columns":{"nme":"name"}}`)},
		"a partner":       {403, "import.create", up("partner", "kind", "accounts", "file", accounts)},
		"nobody":          {401, "", up("", "kind", "accounts", "file", accounts)},
	} {
		if c.answer.Code != c.status || !strings.Contains(c.answer.Body.String(), c.want) {
			t.Errorf("%s: %d %s, want %d %s", name, c.answer.Code, c.answer.Body, c.status, c.want)
		}
	}
	if n := w.Ask("staff", "GET /api/v1/imports", ""); strings.Count(n.Body.String(), `"file_name"`) != 1 {
		t.Errorf("something is left of what was refused: %s", n.Body)
	}
}

func TestImportOverTheWire(t *testing.T) {
	w, s := world(t)
	body, kind := form(t, "kind", "accounts", "file", accounts)
	up := func(as string, pairs ...string) doortest.Answer {
		b, k := form(t, pairs...)
		return w.Ask(as, "POST /api/v1/imports", b, "Content-Type", k)
	}
	first := w.Ask("staff", "POST /api/v1/imports", body, "Content-Type", kind, "Idempotency-Key", "one")
	if first.Code != 202 {
		t.Fatalf("%d %s", first.Code, first.Body)
	}
	again := w.Ask("staff", "POST /api/v1/imports", body, "Content-Type", kind, "Idempotency-Key", "one")
	v := first.JSON(t)["id"].(string)
	if again.Code != 202 || again.JSON(t)["id"] != v {
		t.Errorf("sent again: %d %s", again.Code, again.Body)
	}
	other, otherKind := form(t, "kind", "accounts", "file", accounts+"X,,\n")
	if a := w.Ask("staff", "POST /api/v1/imports", other, "Content-Type", otherKind, "Idempotency-Key", "one"); a.Code != 422 {
		t.Errorf("another file with the same key: %d %s", a.Code, a.Body)
	}
	check := func() {
		t.Helper()
		if err := s.RunCheck(t.Context(), jobs.Job[transfer.CheckArgs]{Tenant: w.Tenant, Args: transfer.CheckArgs{Import: id.Must(v)}}); err != nil {
			t.Fatal(err)
		}
	}
	one := "/api/v1/imports/" + v
	refusedUploads(t, w, up, v)
	w.Run(t, []doortest.Case{
		{Name: "too early", As: "staff", Ask: "POST " + one + "/commit", Status: 409, Want: []string{"~import.state"}},
		{Name: "a partner reads none", As: "partner", Ask: "GET " + one, Status: 403},
		{Name: "a stranger's", As: "stranger", Ask: "GET " + one, Status: 404, Audit: []string{"import.read denied"}},
		{Name: "a stranger commits none", As: "stranger", Ask: "POST " + one + "/commit", Status: 404, Audit: []string{"import.commit denied"}},
		{Name: "a stranger undoes none", As: "stranger", Ask: "POST " + one + "/undo", Status: 404, Audit: []string{"import.undo denied"}},
		{Name: "a stranger maps none", As: "stranger", Ask: "PUT " + one + "/mapping", Body: `{}`, Status: 404, Audit: []string{"import.map denied"}},
		{Name: "not an id", As: "staff", Ask: "GET /api/v1/imports/7/refused.csv", Status: 404},
	})
	check()
	w.Run(t, []doortest.Case{
		{Name: "checked", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{`~"status":"checked"`, `~"file_name":"accounts.csv"`, `~"created":2`, `~"refused":1`, `~"row":4`, `~"column":"employees"`, `~"value":"many"`, "~Give a whole number", "~country.unknown"}},
		{Name: "those to create", As: "staff", Ask: "GET " + one + "?outcome=waiting&limit=1", Status: 200, Want: []string{"~Konex", "~next_cursor"}, Forbid: []string{"~Zotware"}},
		{Name: "refused as a file", As: "staff", Ask: "GET " + one + "/refused.csv", Status: 200, Want: []string{"~account,office_location,employees,import row", "~Zotware,United States,many,4,employees"}},
		{Name: "a mapping of nothing", As: "staff", Ask: "PUT " + one + "/mapping", Body: `{"columns":{"account":"nme"},"values":{"sector":{}},"defaults":{"currency":"EURO"}}`, Status: 422,
			Want: []string{`~"columns.account"`, `~"values.sector"`, `~"defaults.currency"`}},
		{Name: "staff add no stages", As: "staff", Ask: "PUT " + one + "/mapping", Body: `{"options":{"create_stages":true}}`, Status: 403, Audit: []string{"import.map denied"}},
		{Name: "unknown option", As: "staff", Ask: "PUT " + one + "/mapping", Body: `{"options":{"force":true}}`, Status: 400, Want: []string{`~options.force`}},
		{Name: "stale", As: "staff", Ask: "PATCH " + one + "/mapping", Body: `{"columns":{"employees":""}}`, Header: []string{"If-Match", `"7"`}, Status: 412},
		{Name: "map", As: "staff", Ask: "PATCH " + one + "/mapping", Body: `{"columns":{"employees":""}}`, Header: []string{"If-Match", `"1"`}, Status: 202, Want: []string{`~"status":"checking"`}, Audit: []string{"import.map"}},
	})
	check()
	w.Run(t, []doortest.Case{
		{Name: "all are good now", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{`~"created":3`, `~"refused":0`, `~"mapping":{"columns":{"employees":""}}`}},
		{Name: "commit", As: "staff", Ask: "POST " + one + "/commit", Status: 202, Want: []string{`~"status":"committing"`}, Audit: []string{"import.commit"}},
		{Name: "twice", As: "staff", Ask: "POST " + one + "/commit", Status: 409},
	})
	if err := s.RunCommit(context.Background(), jobs.Job[transfer.CommitArgs]{Tenant: w.Tenant, Args: transfer.CommitArgs{Import: id.Must(v)}}); err != nil {
		t.Fatal(err)
	}
	w.Audited(t)
	w.Run(t, []doortest.Case{
		{Name: "done", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{`~"status":"committed"`, `~"created":3`, "~undo_until"}},
		{Name: "its end", As: "staff", Ask: "GET " + one + "/events", Status: 200, Want: []string{"~event: done\n", `~"status":"committed"`}},
		{Name: "a stranger follows none", As: "stranger", Ask: "GET " + one + "/events", Status: 404, Audit: []string{"import.read denied"}},
		{Name: "list as a file", As: "staff", Ask: "GET /api/v1/imports.csv?kind=accounts", Status: 200, Want: []string{"~accounts,committed,accounts.csv,3,3,0,0,0,Sam Staff"}},
		{Name: "a partner lists none", As: "partner", Ask: "GET /api/v1/imports.json", Status: 403},
		{Name: "undo", As: "staff", Ask: "POST " + one + "/undo", Status: 202, Want: []string{`~"status":"undoing"`}, Audit: []string{"import.undo"}},
	})
}

func TestExports(t *testing.T) {
	w, _ := world(t)
	w.Run(t, []doortest.Case{
		{Name: "people", As: "staff", Ask: "GET /api/v1/people.csv", Status: 200, Want: []string{"~id,name,email,role", "~Rita Rival", "~Pat Partner", "~Sam Staff"}, Forbid: []string{"~Stan"}},
		{Name: "a partner's people", As: "partner", Ask: "GET /api/v1/people.json?role=agent", Status: 200, Want: []string{"~Abe Agent"}, Forbid: []string{"~Rita", "~Sam", "~Pat"}},
		{Name: "a bad filter", As: "staff", Ask: "GET /api/v1/people.csv?partner_id=7", Status: 422},
		{Name: "an unknown filter", As: "staff", Ask: "GET /api/v1/people.csv?tenant_id=7", Status: 400},
		{Name: "an agent", As: "agent", Ask: "GET /api/v1/people.csv", Status: 403},
		{Name: "audit", As: "staff", Ask: "GET /api/v1/audit.csv?action=import", Status: 200},
		{Name: "audit from never", As: "staff", Ask: "GET /api/v1/audit.json?from=yesterday", Status: 422, Want: []string{`~"from"`}},
		{Name: "audit of a partner", As: "partner", Ask: "GET /api/v1/audit.csv", Status: 403},
	})
}
