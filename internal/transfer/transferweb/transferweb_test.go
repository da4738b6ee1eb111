package transferweb_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/partner"
	"entente.dev/internal/transfer"
	"entente.dev/internal/transfer/transferweb"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func upload(t *testing.T, w *doortest.World, as, kind, file string) doortest.Answer {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if kind != "" {
		if err := form.WriteField("kind", kind); err != nil {
			t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", "pipeline.csv")
	if err == nil {
		_, err = io.WriteString(part, file)
	}
	if err != nil {
		t.Fatal(err)
	}
	form.Close()
	return w.Ask(as, "POST /imports", b.String(), "Content-Type", form.FormDataContentType())
}

const pipeline = "id,title,stage,close_date,amount,partner\n1,Konex rollout,Engaging,2026-05-01,1240.50,North\n2,Zotware,Dreaming,,5,North\n3,Won one,Won,2026-01-31,10,Sout\n"

// refusedUploads come back with the form and what is wrong beside the field.
func refusedUploads(t *testing.T, w *doortest.World) {
	t.Helper()
	for file, want := range map[string]string{"PK\x03\x04": "looks like a ZIP archive", "": "Choose a CSV file that is not empty"} {
		if a := upload(t, w, "staff", "deals", file); a.Code != 422 || !a.Holds(t, "#f-file-error :: "+want) || !a.Holds(t, "input[name=kind][value=deals][checked]") {
			t.Errorf("%q: %d %s", file, a.Code, a.Body)
		}
	}
	// A header that says nothing is asked about, not refused: the file may be in another language.
	strange := upload(t, w, "staff", "deals", "Bezeichnung,Betrag\nKonex,5\n")
	page := w.Ask("staff", "GET "+strange.Header().Get("Location"), "")
	if strange.Code != 303 || !page.Holds(t, ".callout :: which column is which") || !page.Holds(t, "form.mapping select[name=column_0]") {
		t.Errorf("an unclear header: %d, then %d", strange.Code, page.Code)
	}
	if a := upload(t, w, "staff", "", pipeline); a.Code != 422 || !a.Holds(t, ".error-summary") {
		t.Errorf("no kind: %d %s", a.Code, a.Body)
	}
}

func TestImportPages(t *testing.T) {
	w := doortest.New(t)
	s := transfer.New(w.Ops)
	transferweb.Routes(w.Web, transferweb.Deps{Page: w.Page, Imports: s, Partners: partner.New(w.Ops)})
	w.Run(t, []doortest.Case{
		{Name: "nobody", Ask: "GET /imports", Status: 303},
		{Name: "a partner", As: "partner", Ask: "GET /imports", Status: 403},
		{Name: "nothing yet", As: "staff", Ask: "GET /imports", Status: 200, Want: []string{".empty-title :: Nothing imported yet", "a[href=/imports/new]"}},
		{Name: "upload form", As: "staff", Ask: "GET /imports/new?kind=deals", Status: 200, Want: []string{"form[enctype=multipart/form-data] input[type=file][name=file]", "input[name=kind][value=deals][checked]"}},
		{Name: "a partner's upload", As: "partner", Ask: "GET /imports/new", Status: 403},
	})
	refusedUploads(t, w)
	a := upload(t, w, "staff", "deals", pipeline)
	one := a.Header().Get("Location")
	v, ok := id.Parse(strings.TrimPrefix(one, "/imports/"))
	if a.Code != 303 || !ok {
		t.Fatalf("%d %q %s", a.Code, one, a.Body)
	}
	w.Audited(t)
	w.Run(t, []doortest.Case{
		{Name: "while it is checked", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{"h1 :: pipeline.csv", "[data-sse=" + one + "/events]", ".badge :: Checking"}, Forbid: []string{"form[action=" + one + "/commit]"}},
		{Name: "a stranger's", As: "stranger", Ask: "GET " + one, Status: 404, Audit: []string{"import.read denied"}},
		{Name: "a stranger follows none", As: "stranger", Ask: "GET " + one + "/events", Status: 404, Audit: []string{"import.read denied"}},
		{Name: "a stranger downloads none", As: "stranger", Ask: "GET " + one + "/refused.csv", Status: 404, Audit: []string{"import.read denied"}},
		{Name: "a stranger commits none", As: "stranger", Ask: "POST " + one + "/commit", Body: "version=1", Status: 404, Audit: []string{"import.commit denied"}},
		{Name: "not an id", As: "staff", Ask: "GET /imports/7", Status: 404},
	})
	check := func() {
		t.Helper()
		if err := s.RunCheck(t.Context(), jobs.Job[transfer.CheckArgs]{Tenant: w.Tenant, Args: transfer.CheckArgs{Import: v}}); err != nil {
			t.Fatal(err)
		}
		w.Audited(t)
	}
	check()
	columns := []string{"column_0", "external_id", "column_1", "title", "column_2", "stage", "column_3", "close_on", "column_4", "amount", "column_5", "partner"}
	form := func(more ...string) string { return doortest.Form(append(append([]string{}, columns...), more...)...) }
	rest := []string{"currency", "EUR", "date", "", "country", "", "partner", "", "missing_accounts", "create", "existing", "update"}
	w.Run(t, []doortest.Case{
		{Name: "checked", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{".badge :: Checked", "td :: Dreaming", "td :: Sout", "~It looks like &#34;South&#34;", "select[name=column_4] option[value=amount][selected]",
			"input[name=to_0]", ".badge :: Propose (a guess)", "form[action=" + one + "/commit] input[name=version][value=1]", "a[href=" + one + "/refused.csv]", "select[name=partner] option :: North"},
			Forbid: []string{"input[name=create_stages]", "[data-sse]"}},
		{Name: "for an Admin", As: "admin", Ask: "GET " + one, Status: 200, Want: []string{"input[name=create_stages]"}},
		{Name: "refused as a file", As: "staff", Ask: "GET " + one + "/refused.csv", Status: 200, Want: []string{"~Dreaming", "~,import row,import column,import problem"}},
		{Name: "a bad mapping", As: "staff", Ask: "POST " + one + "/mapping", Body: form(append([]string{"version", "1", "column_1", "colour"}, rest...)...), Status: 422},
		{Name: "a column twice", As: "staff", Ask: "POST " + one + "/mapping", Body: strings.Replace(form(append([]string{"version", "1"}, rest...)...), "column_1=title", "column_1=amount", 1), Status: 422, Want: []string{".error-summary :: means amount already"}},
		{Name: "a field of no form", As: "staff", Ask: "POST " + one + "/mapping", Body: form("version", "1", "tenant_id", "x"), Status: 400},
		{Name: "staff add no stages", As: "staff", Ask: "POST " + one + "/mapping", Body: form(append([]string{"version", "1", "create_stages", "true"}, rest...)...), Status: 303, Audit: []string{"import.map denied"}},
		{Name: "map", As: "staff", Ask: "POST " + one + "/mapping", Body: form(append([]string{"version", "1", "values", "2", "field_0", "stage", "from_0", "Dreaming", "to_0", "Qualify", "field_1", "partner", "from_1", "Sout", "to_1", "South"}, rest...)...),
			Status: 303, Audit: []string{"import.map"}},
	})
	check()
	w.Run(t, []doortest.Case{
		{Name: "all good", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{"input[name=version][value=2]", "~€1,245.50", "input[value=South]"}, Forbid: []string{"td :: Sout is"}},
		{Name: "stale commit", As: "staff", Ask: "POST " + one + "/commit", Body: "version=1", Status: 303},
		{Name: "commit", As: "staff", Ask: "POST " + one + "/commit", Body: "version=2", Status: 303, Audit: []string{"import.commit"}},
		{Name: "while it is written", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{".badge :: Writing", "[data-sse]"}},
	})
	if err := s.RunCommit(t.Context(), jobs.Job[transfer.CommitArgs]{Tenant: w.Tenant, Args: transfer.CommitArgs{Import: v}}); err != nil {
		t.Fatal(err)
	}
	w.Audited(t)
	w.Run(t, []doortest.Case{
		{Name: "committed", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{".badge :: Committed", "form[action=" + one + "/undo]", "dt :: Can be undone until"}, Forbid: []string{"form[action=" + one + "/mapping]", "form[action=" + one + "/commit]"}},
		{Name: "the end of its progress", As: "staff", Ask: "GET " + one + "/events", Status: 200, Want: []string{"~event: done"}},
		{Name: "list", As: "staff", Ask: "GET /imports?kind=deals&status=committed", Status: 200, Want: []string{"td.main a[href=" + one + "] :: pipeline.csv", ".badge :: Committed"}},
		{Name: "list as a file", As: "staff", Ask: "GET /imports/export.csv", Status: 200, Want: []string{"~deals,committed,pipeline.csv,3,3"}},
		{Name: "a filter nobody has", As: "staff", Ask: "GET /imports?status=odd", Status: 303},
		{Name: "undo", As: "staff", Ask: "POST " + one + "/undo", Body: "version=3", Status: 303, Audit: []string{"import.undo"}},
	})
	if err := s.RunUndo(t.Context(), jobs.Job[transfer.UndoArgs]{Tenant: w.Tenant, Args: transfer.UndoArgs{Import: v}}); err != nil {
		t.Fatal(err)
	}
	w.Audited(t)
	w.Run(t, []doortest.Case{
		{Name: "undone", As: "staff", Ask: "GET " + one, Status: 200, Want: []string{".badge :: Undone", "~Removed"}, Forbid: []string{"form[action=" + one + "/undo]"}},
	})
}
