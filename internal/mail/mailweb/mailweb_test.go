package mailweb_test

import (
	"strings"
	"testing"

	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/mail"
	"entente.dev/internal/mail/mailweb"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestMailLog(t *testing.T) {
	w := doortest.New(t)
	mailweb.Routes(w.Web, mailweb.Deps{Page: w.Page, Mail: mail.New(w.Ops, nil)})
	w.Run(t, []doortest.Case{{Name: "nothing yet", As: "admin", Ask: "GET /mail", Status: 200, Want: []string{".empty-title :: No e-mails yet"}}})
	one, two := id.New(), id.New()
	w.Exec(`insert into mail (tenant_id, mail_id, template, to_email, to_name, subject, text_body, html_body, link, status, object_type, object_id) values ($1, $2, 'deal.submitted', 'sam@acme.example', 'Sam', 'Konex <b>rollout</b>',
		'Hello Sam', '<p style="color:red">Hello Sam</p><script>alert(1)</script>', 'https://secret.example/one-time', 'logged', 'deal', $3)`, w.Tenant, one, id.New())
	w.Exec(`insert into mail (tenant_id, mail_id, template, to_email, subject, text_body, html_body, status, last_error) values ($1, $2, 'person.invitation', 'pat@north.example', 'Welcome', 'Hi', '<p>Hi</p>', 'failed', 'no such mailbox')`, w.Tenant, two)
	w.Run(t, []doortest.Case{
		{Name: "list", As: "admin", Ask: "GET /mail", Status: 200, Want: []string{"td.main a :: Konex <b>rollout</b>", "td.main :: Welcome", ".badge :: Failed", ".badge :: Logged only"}, Forbid: []string{"td b", "~one-time"}},
		{Name: "by status", As: "admin", Ask: "GET /mail?status=failed", Status: 200, Want: []string{"td.main :: Welcome"}, Forbid: []string{"td.main :: Konex"}},
		{Name: "by address", As: "admin", Ask: "GET /mail?q=NORTH.exam", Status: 200, Want: []string{"td.main :: Welcome"}, Forbid: []string{"td.main :: Konex"}},
		{Name: "no status", As: "admin", Ask: "GET /mail?status=lost", Status: 422, Want: []string{".callout :: Use one of"}},
		{Name: "staff may not", As: "staff", Ask: "GET /mail", Status: 403},
		{Name: "a partner may not", As: "partner", Ask: "GET /mail/" + one.String(), Status: 403},
		{Name: "letter", As: "admin", Ask: "GET /mail/" + one.String(), Status: 200, Want: []string{"pre :: Hello Sam", "a[href=/mail/" + one.String() + "/html]", ".form-hint :: No mail server"}, Forbid: []string{"~one-time", "~alert(1)"}},
		{Name: "failed", As: "admin", Ask: "GET /mail/" + two.String(), Status: 200, Want: []string{".callout :: no such mailbox"}},
		{Name: "a stranger's", As: "stranger", Ask: "GET /mail/" + one.String(), Status: 404, Audit: []string{"mail.read denied"}},
		{Name: "random", As: "admin", Ask: "GET /mail/" + id.New().String() + "/html", Status: 404, Audit: []string{"mail.read denied"}},
		{Name: "not an id", As: "admin", Ask: "GET /mail/x", Status: 404},
	})
	a := w.Ask("admin", "GET /mail/"+one.String()+"/html", "")
	policy := a.Header().Get("Content-Security-Policy")
	if a.Code != 200 || !strings.HasSuffix(policy, "; sandbox") || !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "script") {
		t.Errorf("%d %s", a.Code, policy)
	}
}
