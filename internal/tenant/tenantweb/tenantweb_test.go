package tenantweb_test

import (
	"bytes"
	"mime/multipart"
	"strings"
	"testing"

	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/tenant"
	"entente.dev/internal/tenant/tenantweb"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func world(t *testing.T) *doortest.World {
	t.Helper()
	w := doortest.New(t)
	tenantweb.Routes(w.Web, tenantweb.Deps{Page: w.Page, Tenants: tenant.New(w.Ops)})
	return w
}

func TestProgramme(t *testing.T) {
	w := world(t)
	form := doortest.Form
	good := []string{"version", "1", "name", "Acme Partners", "default_currency", "EUR", "time_zone", "Europe/Berlin", "protection_days", "120", "agent_edits", "company"}
	w.Run(t, []doortest.Case{
		{Name: "nobody", Ask: "GET /settings", Status: 303},
		{Name: "a partner", As: "partner", Ask: "GET /settings", Status: 403},
		{Name: "staff goes to the products", As: "staff", Ask: "GET /settings", Status: 303},
		{Name: "staff saves nothing", As: "staff", Ask: "POST /settings", Body: form(good...), Status: 403},
		{Name: "the page", As: "admin", Ask: "GET /settings", Status: 200, Want: []string{"input[name=name][value=Acme]", "option[value=USD][selected]", "input[name=protection_days][value=90]", "input[value=own][checked]",
			".tab[href=/settings/pipeline]", "input[name=version][value=1]"}},
		{Name: "every field at once", As: "admin", Ask: "POST /settings", Body: form("version", "1", "name", "", "default_currency", "XXX", "time_zone", "Berlin", "protection_days", "0", "agent_edits", "own"), Status: 422,
			Want: []string{"#f-name-error", "#f-default_currency-error", "#f-time_zone-error", "#f-protection_days-error", "input[name=time_zone][value=Berlin]"}},
		{Name: "save", As: "admin", Ask: "POST /settings", Body: form(good...), Status: 303, Audit: []string{"tenant.update"}},
		{Name: "saved", As: "admin", Ask: "GET /settings", Status: 200, Want: []string{"input[name=name][value=Acme Partners]", "input[value=company][checked]"}},
		{Name: "stale", As: "admin", Ask: "POST /settings", Body: form(append(good[2:], "version", "1")...), Status: 412, Want: []string{".callout :: Somebody changed the settings", "input[name=version][value=2]"}},
		{Name: "another tenant keeps its own", As: "stranger", Ask: "GET /settings", Status: 200, Want: []string{"input[name=name][value=Globex]"}},
	})
}

func TestBrand(t *testing.T) {
	w := world(t)
	form := doortest.Form
	at := "/brand/" + w.Tenant.String() + "/logo"
	w.Run(t, []doortest.Case{
		{Name: "the page", As: "admin", Ask: "GET /settings/brand", Status: 200, Want: []string{"input[name=brand_color][value=#1f5fd6]", "#brand-preview link[rel=stylesheet]", "input[type=file]"}, Forbid: []string{".logo-show"}},
		{Name: "a colour to try", As: "admin", Ask: "GET /settings/brand?brand_color=%23ffdd00", Status: 200, Want: []string{"input[name=brand_color][value=#ffdd00]", ".brand-facts :: Dark text on #ffdd00", ".brand-facts :: too pale"}},
		{Name: "live", As: "admin", Ask: "GET /settings/brand/preview?brand_color=%23004400", Status: 200, Want: []string{"#brand-preview :: White text on #004400"}, Forbid: []string{"nav"}},
		{Name: "live nonsense", As: "admin", Ask: "GET /settings/brand/preview?brand_color=%22%3E%3Cscript", Status: 200, Forbid: []string{"~<script"}},
		{Name: "no colour", As: "admin", Ask: "POST /settings/brand", Body: form("brand_color", "blue"), Status: 422, Want: []string{".error-summary :: Give a colour"}},
		{Name: "save", As: "admin", Ask: "POST /settings/brand", Body: form("brand_color", "#AA0000"), Status: 303, Audit: []string{"tenant.update"}},
		{Name: "staff does not", As: "staff", Ask: "POST /settings/brand", Body: form("brand_color", "#AA0000"), Status: 403},
		{Name: "no logo yet", Ask: "GET " + at, Status: 404},
		{Name: "of no tenant", Ask: "GET /brand/" + id.New().String() + "/logo", Status: 404},
		{Name: "by slug", Ask: "GET /brand/acme/logo", Status: 404},
		{Name: "of no slug", Ask: "GET /brand/nobody/logo", Status: 404},
	})
	upload := func(image string) doortest.Answer {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		part, err := m.CreateFormFile("logo", "logo.png")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write([]byte(image))
		_ = m.Close()
		return w.Ask("admin", "POST /settings/logo", b.String(), "Content-Type", m.FormDataContentType())
	}
	if a := upload("<svg onload=alert(1)>"); a.Code != 422 || !a.Holds(t, "#f-logo-error :: PNG") {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	if a := upload(""); a.Code != 422 {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	png := "\x89PNG\r\n\x1a\nxxxxIEND\xaeB`\x82"
	if a := upload(png + strings.Repeat("x", 300<<10)); a.Code != 422 {
		t.Errorf("too large: %d", a.Code)
	}
	if a := upload(png); a.Code != 303 {
		t.Fatalf("%d %s", a.Code, a.Body)
	}
	a := w.Ask("", "GET "+at+"?v=3", "")
	if a.Code != 200 || a.Body.String() != png || a.Header().Get("Content-Type") != "image/png" || !strings.Contains(a.Header().Get("Cache-Control"), "max-age=86400") ||
		!strings.Contains(a.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%d %q %v", a.Code, a.Body, a.Header())
	}
	w.Run(t, []doortest.Case{
		{Name: "by slug", Ask: "GET /brand/acme/logo", Status: 200},
		{Name: "shown", As: "admin", Ask: "GET /settings/brand", Status: 200, Want: []string{".logo-show img", "form[action=/settings/logo/remove]"}},
		{Name: "removed", As: "admin", Ask: "POST /settings/logo/remove", Status: 303, Audit: []string{"tenant.update"}},
		{Name: "gone", Ask: "GET " + at, Status: 404},
	})
}

func TestPipeline(t *testing.T) {
	w := world(t)
	form := doortest.Form
	stage := func(name string) string {
		var v id.ID
		if err := w.Super.QueryRow(t.Context(), `select stage_id from stage where tenant_id = $1 and name = $2`, w.Tenant, name).Scan(&v); err != nil {
			t.Fatal(err)
		}
		return "/settings/stages/" + v.String()
	}
	qualify, propose, won := stage("Qualify"), stage("Propose"), stage("Won")
	w.Run(t, []doortest.Case{
		{Name: "the page", As: "admin", Ask: "GET /settings/pipeline", Status: 200, Want: []string{"form[action=" + qualify + "] input[name=name][value=Qualify]", "form[action=" + qualify + "/up] button[disabled]",
			"form[action=" + propose + "/remove]", "form[action=" + won + "] :: 100 %"}, Forbid: []string{"form[action=" + won + "/remove]"}},
		{Name: "staff may not", As: "staff", Ask: "GET /settings/pipeline", Status: 403},
		{Name: "rename", As: "admin", Ask: "POST " + qualify, Body: form("version", "1", "name", "Qualified", "probability", "15"), Status: 303, Audit: []string{"stage.update"}},
		{Name: "stale", As: "admin", Ask: "POST " + qualify, Body: form("version", "1", "name", "Other", "probability", "15"), Status: 303},
		{Name: "taken", As: "admin", Ask: "POST " + qualify, Body: form("name", "Propose", "probability", "15"), Status: 422, Want: []string{"form[action=" + qualify + "] input[name=name][value=Propose]", ".field-error :: already"}},
		{Name: "beyond", As: "admin", Ask: "POST " + qualify, Body: form("name", "Qualified", "probability", "101"), Status: 422, Want: []string{".field-error :: 0 to 100"}},
		{Name: "add", As: "admin", Ask: "POST /settings/stages", Body: form("name", "Pilot", "probability", "60"), Status: 303, Audit: []string{"stage.update"}},
		{Name: "add refused", As: "admin", Ask: "POST /settings/stages", Body: form("name", "", "probability", "60"), Status: 422, Want: []string{"form[action=/settings/stages] #f-add-name-error", "input[value=60]"}},
		{Name: "down", As: "admin", Ask: "POST " + qualify + "/down", Status: 303, Audit: []string{"stage.update"}},
		{Name: "up at the top", As: "admin", Ask: "POST " + propose + "/up", Status: 303},
		{Name: "move what is not there", As: "admin", Ask: "POST /settings/stages/" + id.New().String() + "/up", Status: 404},
		{Name: "a stranger's", As: "stranger", Ask: "POST " + propose + "/remove", Status: 404, Audit: []string{"stage.update denied"}},
		{Name: "remove", As: "admin", Ask: "POST " + propose + "/remove", Status: 303, Audit: []string{"stage.update"}},
		{Name: "won stays", As: "admin", Ask: "POST " + won + "/remove", Status: 303},
	})
	var names []string
	rows, err := w.Super.Query(t.Context(), `select name from stage where tenant_id = $1 order by position`, w.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		names = append(names, n)
	}
	if got := strings.Join(names, " "); got != "Qualified Pilot Won Lost" {
		t.Errorf("stages: %s", got)
	}
}

func TestProducts(t *testing.T) {
	w := world(t)
	form := doortest.Form
	w.Run(t, []doortest.Case{
		{Name: "nothing yet", As: "staff", Ask: "GET /settings/products", Status: 200, Want: []string{".empty-title :: No products yet"}, Forbid: []string{".tab[href=/settings/pipeline]"}},
		{Name: "a partner", As: "partner", Ask: "GET /settings/products", Status: 403},
		{Name: "refused", As: "staff", Ask: "POST /settings/products", Body: form("name", "GTX Basic", "series", "GTX", "price_minor", "1.234"), Status: 422, Want: []string{"#f-price_minor-error", "input[name=name][value=GTX Basic]"}},
		{Name: "add", As: "staff", Ask: "POST /settings/products", Body: form("name", "GTX Basic", "series", "GTX", "price_minor", "550"), Status: 303, Audit: []string{"product.update"}},
		{Name: "twice", As: "staff", Ask: "POST /settings/products", Body: form("name", "GTX Basic", "series", "", "price_minor", ""), Status: 422, Want: []string{"#f-name-error :: already"}},
		{Name: "listed", As: "staff", Ask: "GET /settings/products", Status: 200, Want: []string{"td.main :: GTX Basic", "td.num :: $550"}},
	})
	var v id.ID
	if err := w.Super.QueryRow(t.Context(), `select product_id from product`).Scan(&v); err != nil {
		t.Fatal(err)
	}
	at := "/settings/products/" + v.String()
	w.Run(t, []doortest.Case{
		{Name: "edit", As: "admin", Ask: "GET " + at, Status: 200, Want: []string{"input[name=price_minor][value=550.00]", "input[name=version][value=1]"}},
		{Name: "save", As: "admin", Ask: "POST " + at, Body: form("version", "1", "name", "GTX Basic", "series", "", "price_minor", ""), Status: 303, Audit: []string{"product.update"}},
		{Name: "stale", As: "admin", Ask: "POST " + at, Body: form("version", "1", "name", "GTX", "series", "", "price_minor", ""), Status: 303},
		{Name: "a stranger's", As: "stranger", Ask: "GET " + at, Status: 404},
		{Name: "random", As: "admin", Ask: "GET /settings/products/" + id.New().String(), Status: 404},
		{Name: "remove", As: "admin", Ask: "POST " + at + "/remove", Status: 303, Audit: []string{"product.update"}},
		{Name: "gone", As: "admin", Ask: "POST " + at + "/remove", Status: 404, Audit: []string{"product.update denied"}},
	})
}
