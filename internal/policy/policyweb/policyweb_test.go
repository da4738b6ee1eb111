package policyweb_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/policy"
	"entente.dev/internal/policy/policyweb"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestPolicyPages(t *testing.T) {
	w := doortest.New(t)
	base, _ := datamap.ProfileOf(datamap.DefaultProfile)
	tenants, policies := tenant.New(w.Ops), policy.New(w.Ops, base)
	admin := w.Actors["admin"]
	if err := policies.Ensure(t.Context(), admin.Tenant); err != nil {
		t.Fatal(err)
	}
	var validated time.Time
	policyweb.Routes(w.Web, policyweb.Deps{Page: w.Page, Policies: policies, Tenants: tenants,
		Site: func(rw http.ResponseWriter, r *http.Request, title string) (ui.Page, tenant.Brand, error) {
			b, err := tenants.Brand(r.Context(), admin.Tenant)
			p := ui.NewPage(rw, r, ui.Viewer{}, title, "")
			p.Base = "/t/" + b.Slug
			return p, b, err
		},
		Validated: func(context.Context, id.ID) (time.Time, error) { return validated, nil },
		Recipients: func(context.Context, access.Actor) ([]policy.Recipient, error) {
			return []policy.Recipient{{Name: "Postmill", Categories: []string{"email-log"}}}, nil
		}})
	form := doortest.Form
	w.Run(t, []doortest.Case{
		{Name: "the policy", As: "admin", Ask: "GET /policy", Status: 200, Want: []string{"td.main :: Audit log", "td :: 30 days from recording", "a[href=/policy/rules/server-log]", "input[name=profile][value=partro]"}},
		{Name: "staff reads", As: "staff", Ask: "GET /policy", Status: 200, Forbid: []string{"a[href=/policy/rules/server-log]", "form[action=/policy/preview]"}},
		{Name: "partners do not", As: "partner", Ask: "GET /policy", Status: 403},
		{Name: "staff does not change", As: "staff", Ask: "POST /policy/rules/server-log", Body: form("period", "1 day"), Status: 403},
		{Name: "rule", As: "admin", Ask: "GET /policy/rules/server-log", Status: 200, Want: []string{"input[name=period][value=30 days]", "input[name=version][value=1]"}},
		{Name: "no such rule", As: "admin", Ask: "GET /policy/rules/tea", Status: 404},
		{Name: "laxer", As: "admin", Ask: "POST /policy/rules/server-log", Body: form("version", "1", "period", "2 years", "event", "recorded"), Status: 422, Want: []string{"#f-period-error", "input[name=period][value=2 years]"}},
		{Name: "no period", As: "admin", Ask: "POST /policy/rules/server-log", Body: form("version", "1", "period", "soon", "event", "recorded"), Status: 422, Want: []string{"#f-period-error", "input[name=period][value=soon]"}},
		{Name: "empty", As: "admin", Ask: "POST /policy/rules/server-log", Body: form("version", "1", "period", "", "event", "recorded"), Status: 422, Want: []string{"#f-period-error"}},
		{Name: "stricter", As: "admin", Ask: "POST /policy/rules/server-log", Body: form("version", "1", "period", "2 weeks", "event", "recorded"), Status: 303, Audit: []string{"policy.apply"}},
		{Name: "stale", As: "admin", Ask: "POST /policy/rules/server-log", Body: form("version", "1", "period", "1 week", "event", "recorded"), Status: 303},
		{Name: "after it", As: "admin", Ask: "GET /policy", Status: 200, Want: []string{"td :: 14 days from recording", ".badge :: Your own"}},
		{Name: "clock", As: "admin", Ask: "GET /policy/clocks/breach-notice", Status: 200, Want: []string{"input[name=period][value=72 hours]"}},
		{Name: "no clock", As: "admin", Ask: "GET /policy/clocks/subject-answer", Status: 404},
		{Name: "slower", As: "admin", Ask: "POST /policy/clocks/breach-notice", Body: form("version", "2", "period", "4 days"), Status: 422, Want: []string{"#f-period-error"}},
		{Name: "quicker", As: "admin", Ask: "POST /policy/clocks/breach-notice", Body: form("version", "2", "period", "24 hours"), Status: 303, Audit: []string{"policy.apply"}},
		{Name: "preview", As: "admin", Ask: "GET /policy/preview?profile=partro", Status: 200, Want: []string{".callout :: cannot be applied as a whole", "td.main :: Usage analytics", "input[name=stricter]"}},
		{Name: "preview of the profile", As: "admin", Ask: "GET /policy/preview?profile=default", Status: 200, Want: []string{"td :: 72 hours", "form[action=/policy/apply]"}, Forbid: []string{"input[name=stricter]"}},
		{Name: "preview of nothing", As: "admin", Ask: "GET /policy/preview?profile=nothing", Status: 200, Want: []string{".callout :: There is no profile"}},
		{Name: "refused", As: "admin", Ask: "POST /policy/apply", Body: form("version", "3", "profile", "partro"), Status: 422, Want: []string{".callout :: cannot be applied as a whole"}},
		{Name: "the stricter part", As: "admin", Ask: "POST /policy/apply", Body: form("version", "3", "profile", "partro", "stricter", "1"), Status: 303, Audit: []string{"policy.apply"}},
		{Name: "history", As: "staff", Ask: "GET /policy/history", Status: 200, Want: []string{"h2 :: Version 4", ".diff del :: 30 days from recording", ".diff ins :: not stored"}},
		{Name: "register", As: "staff", Ask: "GET /policy/register", Status: 200, Want: []string{"td.main :: Outgoing e-mail", "td :: Postmill", "a[href=/policy/register.csv]"}},
		{Name: "register as CSV", As: "staff", Ask: "GET /policy/register.csv", Status: 200, Want: []string{"~Postmill", "~server-log"}},
		{Name: "register as JSON", As: "staff", Ask: "GET /policy/register.json", Status: 200, Want: []string{"~\"category\":\"server-log\""}},
		{Name: "public", Ask: "GET /t/x/legal/data-policy", Status: 200, Want: []string{"h1 :: Data policy", "td :: 14 days from recording", "dd :: Not validated yet"}, Forbid: []string{"~Ada"}},
		{Name: "public JSON", Ask: "GET /t/x/legal/data-policy.json", Status: 200, Want: []string{"~\"validated_at\":null", "~14 days from recording"}},
	})
	validated = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	w.Run(t, []doortest.Case{
		{Name: "validated", Ask: "GET /t/x/legal/data-policy", Status: 200, Want: []string{"dd :: 3 Mar 2026"}},
		{Name: "validated JSON", Ask: "GET /t/x/legal/data-policy.json", Status: 200, Want: []string{"~2026-03-03T12:00:00Z"}},
	})
}
