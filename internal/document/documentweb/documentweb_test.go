package documentweb_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"entente.dev/internal/document"
	"entente.dev/internal/document/documentweb"
	"entente.dev/internal/doortest"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/notice"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func build(t *testing.T) (*doortest.World, *document.Service) {
	t.Helper()
	w := doortest.New(t)
	documents, tenants := document.New(w.Ops), tenant.New(w.Ops)
	documentweb.Routes(w.Web, documentweb.Deps{Page: w.Page, Documents: documents,
		Site: func(rw http.ResponseWriter, r *http.Request, title string) (ui.Page, tenant.Brand, error) {
			b, err := tenants.Brand(r.Context(), w.Tenant)
			pg := ui.NewPage(rw, r, ui.Viewer{}, title, "")
			pg.Base = "/t/" + b.Slug
			return pg, b, err
		}})
	w.Ops.Listeners["notice.sent"] = []op.Listener{func(ctx context.Context, tx *op.Tx, ev event.Event) error {
		return documents.NoteSent(ctx, tx, ev.(notice.Sent))
	}}
	return w, documents
}

func TestDocumentPages(t *testing.T) {
	w, documents := build(t)
	draft, err := documents.SaveDraft(t.Context(), w.Actors["admin"], document.DraftInput{Kind: "terms", Title: "Terms of use", Body: "# Rules\n\nBe kind.", Change: "material", Summary: "First."})
	if err != nil {
		t.Fatal(err)
	}
	one, form := "/documents/versions/"+draft.ID.String(), doortest.Form
	random := "/documents/versions/" + id.New().String()
	w.Run(t, []doortest.Case{
		{Name: "stranger to the house", Ask: "GET /documents", Status: 303},
		{Name: "list", As: "admin", Ask: "GET /documents", Status: 200, Want: []string{"h2 :: Terms of use", "a[href=" + one + "]", "a[href=/documents/new?kind=privacy]"}},
		{Name: "staff reads", As: "staff", Ask: "GET /documents", Status: 200, Forbid: []string{"a[href=/documents/new?kind=privacy]"}},
		{Name: "a partner sees no draft", As: "partner", Ask: "GET /documents", Status: 200, Forbid: []string{"a[href=" + one + "]"}},
		{Name: "nor does an agent", As: "agent", Ask: "GET /documents", Status: 200, Forbid: []string{"a[href=" + one + "]"}},
		{Name: "draft", As: "admin", Ask: "GET " + one, Status: 200, Want: []string{"h1 :: Terms of use", "~Be kind."}},
		{Name: "a draft is not the partner's", As: "partner", Ask: "GET " + one, Status: 404, Audit: []string{"document.read denied"}},
		{Name: "a stranger's", As: "stranger", Ask: "GET " + one, Status: 404, Audit: []string{"document.read denied"}},
		{Name: "nobody's", As: "admin", Ask: "GET " + random, Status: 404, Audit: []string{"document.read denied"}},
		{Name: "not an id", As: "admin", Ask: "GET /documents/versions/7", Status: 404},
		{Name: "staff does not write", As: "staff", Ask: "GET /documents/new?kind=privacy", Status: 403},
		{Name: "refused", As: "admin", Ask: "POST /documents", Body: form("kind", "privacy", "title", "", "body", "All my words.", "change", "minor", "summary", "Shorter"), Status: 422,
			Want: []string{".error-summary", "#f-title-error", "textarea[name=body] :: All my words.", "textarea[name=summary] :: Shorter", "input[name=change][value=minor][checked]"}},
		{Name: "a stranger does not edit", As: "stranger", Ask: "POST " + one + "/edit", Body: form("version", "1", "title", "Mine", "body", "x", "change", "minor", "summary", ""), Status: 404, Audit: []string{"document.draft denied"}},
		{Name: "a partner does not publish", As: "partner", Ask: "POST " + one + "/publish", Body: form("version", "1"), Status: 403},
		{Name: "compare with nothing", As: "admin", Ask: "GET /documents/compare", Status: 404},
		{Name: "public list", Ask: "GET /t/acme/legal", Status: 200, Forbid: []string{"~Be kind."}},
		{Name: "not public yet", Ask: "GET /t/acme/legal/terms", Status: 404},
		{Name: "no such kind", Ask: "GET /t/acme/legal/tea", Status: 404},
	})
}

// From the draft over its notice to the acceptance.
func TestPublishAndAccept(t *testing.T) {
	w, documents := build(t)
	form := doortest.Form
	write := func(body string) document.Version {
		t.Helper()
		v, err := documents.SaveDraft(t.Context(), w.Actors["admin"], document.DraftInput{Kind: "programme-terms", Title: "Programme terms", Body: body})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := write("Deals are protected for 90 days.")
	one := "/documents/versions/" + first.ID.String()
	w.Run(t, []doortest.Case{
		{Name: "an old version of the draft", As: "admin", Ask: "POST " + one + "/edit", Body: form("version", "9", "title", "Terms", "body", "Other words.", "change", "minor", "summary", ""), Status: 412, Want: []string{"textarea[name=body] :: Other words."}},
		{Name: "publish", As: "admin", Ask: "POST " + one + "/publish", Body: form("version", "1", "change", "", "summary", "", "effective_on", ""), Status: 303, Audit: []string{"document.publish"}},
		{Name: "is in force", Ask: "GET /t/acme/legal/programme-terms", Status: 200, Want: []string{"~Deals are protected for 90 days."}},
		{Name: "is listed", Ask: "GET /t/acme/legal", Status: 200, Want: []string{"a[href=/t/acme/legal/programme-terms]"}},
		{Name: "no longer a draft", As: "admin", Ask: "GET " + one + "/edit", Status: 303},
		{Name: "published while somebody wrote", As: "admin", Ask: "POST " + one + "/edit", Body: form("version", "1", "title", "Terms", "body", "Other words.", "change", "minor", "summary", ""), Status: 409, Want: []string{".error-summary", "textarea[name=body] :: Other words."}},
		{Name: "settings", As: "admin", Ask: "POST /documents/settings", Body: form("document", first.DocumentID.String(), "version", "", "audience", "partners", "acceptance", "asked", "accept_for", "company", "accept_days", "many"), Status: 422,
			Want: []string{"#f-accept_days-error", "input[name=accept_days][value=many]"}},
		{Name: "settings saved", As: "admin", Ask: "POST /documents/settings", Body: form("document", first.DocumentID.String(), "version", "", "audience", "partners", "acceptance", "asked", "accept_for", "company", "accept_days", "14"), Status: 303, Audit: []string{"document.update"}},
		{Name: "to accept", As: "partner", Ask: "GET " + one, Status: 200, Want: []string{"form[action=" + one + "/accept] input[name=digest]"}},
		{Name: "an agent does not accept for the company", As: "agent", Ask: "GET " + one, Status: 200, Forbid: []string{"form[action=" + one + "/accept]"}},
		{Name: "another text", As: "partner", Ask: "POST " + one + "/accept", Body: form("digest", "0000"), Status: 303},
		{Name: "a stranger accepts", As: "stranger", Ask: "POST " + one + "/accept", Body: form("digest", "0000"), Status: 403},
	})
	var digest string
	if err := w.Super.QueryRow(t.Context(), `select digest from document_version where version_id = $1`, first.ID).Scan(&digest); err != nil {
		t.Fatal(err)
	}
	next := write("Deals are protected for 120 days.")
	two := "/documents/versions/" + next.ID.String()
	soon := time.Now().AddDate(0, 0, 3).Format(time.DateOnly)
	w.Audited(t)
	w.Run(t, []doortest.Case{
		{Name: "accept", As: "partner", Ask: "POST " + one + "/accept", Body: form("digest", digest), Status: 303, Audit: []string{"document.accept"}},
		{Name: "accepted", As: "admin", Ask: "GET /documents/acceptances?document=" + first.DocumentID.String(), Status: 200, Want: []string{"td :: Pat Partner"}},
		{Name: "as a file", As: "admin", Ask: "GET /documents/acceptances.csv?document=" + first.DocumentID.String(), Status: 200, Want: []string{"~Pat Partner", "~" + digest}},
		{Name: "a stranger's acceptances", As: "stranger", Ask: "GET /documents/acceptances?document=" + first.DocumentID.String(), Status: 404},
		{Name: "too soon (P5)", As: "admin", Ask: "POST " + two + "/publish", Body: form("version", "1", "change", "material", "summary", "Longer protection.", "effective_on", soon), Status: 422,
			Want: []string{"#f-effective_on-error", "input[name=effective_on][value=" + soon + "]", "~Longer protection."}},
		{Name: "no summary", As: "admin", Ask: "POST " + two + "/publish", Body: form("version", "1", "change", "material", "summary", "", "effective_on", ""), Status: 422, Want: []string{"#f-summary-error"}},
		{Name: "announce", As: "admin", Ask: "POST " + two + "/publish", Body: form("version", "1", "change", "material", "summary", "Longer protection.", "effective_on", ""), Status: 303, Audit: []string{"document.publish"}},
		{Name: "the old one still holds", Ask: "GET /t/acme/legal/programme-terms", Status: 200, Want: []string{"~90 days"}},
		{Name: "partners compare", As: "agent", Ask: "GET /documents/compare?from=" + first.ID.String() + "&to=" + next.ID.String(), Status: 200, Want: []string{"del :: 90", "ins :: 120"}},
		{Name: "a stranger compares", As: "stranger", Ask: "GET /documents/compare?from=" + first.ID.String() + "&to=" + next.ID.String(), Status: 404, Audit: []string{"document.read denied", "document.read denied"}},
	})
	var v id.ID
	if err := w.Super.QueryRow(t.Context(), `select notice_id from notice`).Scan(&v); err != nil {
		t.Fatal(err)
	}
	if err := notice.New(w.Ops).RunSend(t.Context(), jobs.Job[notice.SendArgs]{Tenant: w.Tenant, Args: notice.SendArgs{Notice: v}}); err != nil {
		t.Fatal(err)
	}
	w.Run(t, []doortest.Case{
		{Name: "notices are out", As: "admin", Ask: "GET " + two, Status: 200, Want: []string{"form[action=" + two + "/withdraw]"}},
		{Name: "staff does not withdraw", As: "staff", Ask: "POST " + two + "/withdraw", Status: 403},
		{Name: "withdraw", As: "admin", Ask: "POST " + two + "/withdraw", Status: 303, Audit: []string{"document.publish"}},
		{Name: "once", As: "admin", Ask: "POST " + two + "/withdraw", Status: 303},
	})
	var n int
	if err := w.Super.QueryRow(t.Context(), `select count(distinct to_email) from mail where subject like 'Programme terms: changes from%'`).Scan(&n); err != nil || n != 3 {
		t.Errorf("%d people of partners were told, want 3: %v", n, err)
	}
}
