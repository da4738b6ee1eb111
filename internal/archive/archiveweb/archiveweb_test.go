package archiveweb_test

import (
	"archive/zip"
	"bytes"
	"slices"
	"testing"

	"entente.dev/internal/access"
	"entente.dev/internal/archive"
	"entente.dev/internal/archive/archiveweb"
	"entente.dev/internal/doortest"
	"entente.dev/internal/file"
	"entente.dev/internal/file/fileweb"
	"entente.dev/internal/identity"
	"entente.dev/internal/identity/password"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/partner"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func build(t *testing.T) (*doortest.World, *archive.Service) {
	t.Helper()
	w := doortest.New(t)
	blobs, err := blob.Open("dir:"+t.TempDir(), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	files := file.New(w.Ops, blobs)
	leaving := archive.New(w.Ops, archive.Options{Program: "test", Files: files})
	fileweb.Routes(w.Web, fileweb.Deps{Page: w.Page, Files: files})
	archiveweb.Routes(w.Web, archiveweb.Deps{Page: w.Page, Archive: leaving, Partners: partner.New(w.Ops),
		People: identity.New(w.Ops, identity.Options{Tenants: tenant.New(w.Ops)}), Tabs: func(access.Actor, string) []ui.Tab { return nil }})
	return w, leaving
}

func TestLeavingPages(t *testing.T) {
	w, _ := build(t)
	form := doortest.Form
	end := func(v id.ID) string { return "/partners/" + v.String() + "/end" }
	leave := func(v id.ID) string { return "/people/" + v.String() + "/leave" }
	agent, staff, rival := w.Actors["agent"].Member, w.Actors["staff"].Member, w.Actors["rival"].Member
	w.Run(t, []doortest.Case{
		{Name: "stranger to the house", Ask: "GET /settings/leaving", Status: 303},
		{Name: "leaving", As: "admin", Ask: "GET /settings/leaving", Status: 200, Want: []string{"form[action=/settings/leaving/export]", "form[action=/settings/leaving/delete] input[name=slug]"}},
		{Name: "not for staff", As: "staff", Ask: "GET /settings/leaving", Status: 403},
		{Name: "not for partners", As: "partner", Ask: "POST /settings/leaving/delete", Body: form("slug", "acme", "reason", "x", "password", "x"), Status: 403},
		{Name: "delete refused", As: "admin", Ask: "POST /settings/leaving/delete", Body: form("slug", "", "reason", "We merge.", "password", "secret words"), Status: 422,
			Want: []string{".error-summary", "#f-slug-error", "textarea[name=reason] :: We merge."}, Forbid: []string{"~secret words"}},
		{Name: "nothing to keep", As: "admin", Ask: "POST /settings/leaving/keep", Status: 303},

		{Name: "end of a partner", As: "admin", Ask: "GET " + end(w.North), Status: 200, Want: []string{"h1 :: End the relation to North", "option :: South", "a[href=/partners/" + w.North.String() + "]"}},
		{Name: "not for partners", As: "partner", Ask: "GET " + end(w.North), Status: 403},
		{Name: "nor for agents", As: "agent", Ask: "GET " + end(w.South), Status: 403},
		{Name: "a stranger's partner", As: "stranger", Ask: "GET " + end(w.North), Status: 404, Audit: []string{"partner.end denied"}},
		{Name: "nobody's partner", As: "admin", Ask: "GET " + end(id.New()), Status: 404, Audit: []string{"partner.end denied"}},
		{Name: "a stranger ends", As: "stranger", Ask: "POST " + end(w.North), Body: form("successor", ""), Status: 404, Audit: []string{"partner.end denied"}},
		{Name: "a successor that is none", As: "admin", Ask: "POST " + end(w.North), Body: form("successor", id.New().String()), Status: 422, Want: []string{"#f-successor-error"}},

		{Name: "a partner's person", As: "partner", Ask: "GET " + leave(agent), Status: 200, Want: []string{"h1 :: Abe Agent leaves", "option :: Pat Partner"}, Forbid: []string{"option :: Sam Staff"}},
		{Name: "not for agents", As: "agent", Ask: "GET " + leave(agent), Status: 403},
		{Name: "the vendor's person", As: "partner", Ask: "GET " + leave(staff), Status: 404, Audit: []string{"person.leave denied"}},
		{Name: "a rival's person", As: "partner", Ask: "GET " + leave(rival), Status: 404, Audit: []string{"person.leave denied"}},
		{Name: "a stranger's person", As: "stranger", Ask: "GET " + leave(agent), Status: 404, Audit: []string{"person.leave denied"}},
		{Name: "nobody", As: "partner", Ask: "GET " + leave(id.New()), Status: 404, Audit: []string{"person.leave denied"}},
		{Name: "a rival's person is put out", As: "partner", Ask: "POST " + leave(rival), Body: form("successor", ""), Status: 404, Audit: []string{"person.leave denied"}},
		{Name: "oneself", As: "partner", Ask: "POST " + leave(w.Actors["partner"].Member), Body: form("successor", ""), Status: 303},
		{Name: "out", As: "partner", Ask: "POST " + leave(agent), Body: form("successor", ""), Status: 303, Audit: []string{"person.leave"}},
	})
}

// An export is asked for, written, and fetched.
func TestExportIsFetched(t *testing.T) {
	w, leaving := build(t)
	w.Run(t, []doortest.Case{
		{Name: "staff exports nothing", As: "staff", Ask: "POST /settings/leaving/export", Status: 403},
		{Name: "export", As: "admin", Ask: "POST /settings/leaving/export", Status: 303, Audit: []string{"archive.export"}},
		{Name: "is waited for", As: "admin", Ask: "GET /settings/leaving", Status: 200, Want: []string{"progress"}},
		{Name: "one at a time", As: "admin", Ask: "POST /settings/leaving/export", Status: 303},
	})
	var v id.ID
	if err := w.Super.QueryRow(t.Context(), `select run_id from archive_run`).Scan(&v); err != nil {
		t.Fatal(err)
	}
	if err := leaving.RunExport(t.Context(), jobs.Job[archive.ExportArgs]{Tenant: w.Tenant, Args: archive.ExportArgs{Run: v}}); err != nil {
		t.Fatal(err)
	}
	w.Audited(t)
	content := "/files/" + v.String() + "/content"
	w.Run(t, []doortest.Case{
		{Name: "is there", As: "admin", Ask: "GET /settings/leaving", Status: 200, Want: []string{"a[href=/files/" + v.String() + "]"}},
		{Name: "the end of its events", As: "admin", Ask: "GET /settings/leaving/exports/" + v.String() + "/events", Status: 200},
		{Name: "a stranger's events", As: "stranger", Ask: "GET /settings/leaving/exports/" + v.String() + "/events", Status: 404, Audit: []string{"archive.read denied"}},
		{Name: "a stranger fetches it", As: "stranger", Ask: "GET " + content, Status: 404, Audit: []string{"file.open denied"}},
		{Name: "a partner fetches it", As: "partner", Ask: "GET " + content, Status: 404, Audit: []string{"file.open denied"}},
	})
	a := w.Ask("admin", "GET "+content, "")
	if a.Code != 200 {
		t.Fatalf("download: %d %s", a.Code, a.Body)
	}
	z, err := zip.NewReader(bytes.NewReader(a.Body.Bytes()), int64(a.Body.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(z.File, func(f *zip.File) bool { return f.Name == "manifest.json" }) {
		t.Errorf("%d members, no manifest", len(z.File))
	}
}

// The deletion needs the short name and the password, and can be taken back.
func TestDeletionIsTakenBack(t *testing.T) {
	w, _ := build(t)
	const typed = "three grey herons stand still"
	admin := w.Actors["admin"]
	admin.Person = id.New()
	w.Actors["admin"] = admin
	hash, err := password.NewHasher().Hash(t.Context(), typed)
	if err != nil {
		t.Fatal(err)
	}
	w.Exec(`insert into person (person_id, email, name, password_hash) values ($1, 'admin@acme.example', 'Ada Admin', $2)`, admin.Person, hash)
	w.Exec(`update member set person_id = $1 where member_id = $2`, admin.Person, admin.Member)
	form := doortest.Form
	w.Run(t, []doortest.Case{
		{Name: "another's name", As: "admin", Ask: "POST /settings/leaving/delete", Body: form("slug", "globex", "reason", "We merge.", "password", typed), Status: 422,
			Want: []string{"#f-slug-error", "input[name=slug][value=globex]", "textarea[name=reason] :: We merge."}, Forbid: []string{"~" + typed}},
		{Name: "a wrong password", As: "admin", Ask: "POST /settings/leaving/delete", Body: form("slug", "acme", "reason", "We merge.", "password", "guess"), Status: 422,
			Want: []string{"#f-password-error", "input[name=slug][value=acme]", "textarea[name=reason] :: We merge."}},
		{Name: "delete", As: "admin", Ask: "POST /settings/leaving/delete", Body: form("slug", "acme", "reason", "We merge.", "password", typed), Status: 303, Audit: []string{"tenant.delete"}},
		{Name: "is announced", As: "admin", Ask: "GET /settings/leaving", Status: 200, Want: []string{"form[action=/settings/leaving/keep]"}},
		{Name: "staff does not undo", As: "staff", Ask: "POST /settings/leaving/keep", Status: 403},
		{Name: "a stranger undoes nothing of ours", As: "stranger", Ask: "POST /settings/leaving/keep", Status: 303},
		{Name: "undo", As: "admin", Ask: "POST /settings/leaving/keep", Status: 303, Audit: []string{"tenant.keep"}},
		{Name: "as before", As: "admin", Ask: "GET /settings/leaving", Status: 200, Want: []string{"form[action=/settings/leaving/delete]"}, Forbid: []string{"form[action=/settings/leaving/keep]"}},
	})
	var state, status string
	if err := w.Super.QueryRow(t.Context(), `select d.state, t.status from departure d join tenant t using (tenant_id)`).Scan(&state, &status); err != nil || state != archive.TakenBack || status != "active" {
		t.Errorf("departure %s, programme %s: %v", state, status, err)
	}
}
