package app

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
	"entente.dev/internal/privacy"
)

// staff adds one of the vendor's people who accepts the invitation, and a key.
func (h *house) staff(by caller) caller {
	h.Helper()
	link, _ := h.make(by, "/people", map[string]any{"email": "sam@vendor.example", "name": "Sam", "role": "staff"})["invitation_url"].(string)
	u, err := url.Parse(link)
	if err != nil {
		h.Fatal(err)
	}
	s, err := h.app.Identity.Accept(h.Context(), access.Request{}, identity.AcceptInput{Token: cmp.Or(u.Query().Get("token"), u.Fragment), Name: "Sam", Password: mirrorPassword})
	if err != nil {
		h.Fatal(err)
	}
	key, _ := h.make(by, "/api-keys", map[string]any{"name": "staff", "role": "staff"})["key"].(string)
	return caller{name: "staff", key: key, session: s.Token, tenant: by.tenant}
}

// reads lists every GET route as paths to ask for: with each id in place of a parameter, and lists also filtered by a text and by ids.
func (h *house) reads(text string, ids []string) (out []string) {
	routes := slices.Concat(h.doors.Web.Routes(), h.doors.API.Routes())
	for _, r := range routes {
		path := strings.TrimSuffix(r.Pattern, "{$}")
		switch {
		case r.Mutates || r.Action == "":
		case parameter.MatchString(path):
			for _, v := range ids {
				out = append(out, parameter.ReplaceAllString(path, v))
			}
		default:
			out = append(out, path)
			for _, filter := range []string{"q", "account", "account_id", "contact", "object_id", "partner_id"} {
				for _, v := range ids {
					if filter == "q" {
						v = text
					}
					out = append(out, path+"?"+filter+"="+url.QueryEscape(v))
					if filter == "q" {
						break
					}
				}
			}
		}
	}
	return out
}

// showing returns the paths on which a caller sees a text, and how many were answered.
func (h *house) showing(who caller, paths []string, text string) (seen []string, answered int) {
	for _, path := range paths {
		w := h.send(who, "GET", path, "", "")
		if w.Code == http.StatusOK {
			answered++
		}
		body := strings.ReplaceAll(w.Body.String(), url.QueryEscape(text), "") // the reader's own words in a link
		body = strings.ReplaceAll(body, `value="`+text+`"`, "")                // and in the search field
		if _, q, ok := strings.Cut(path, "?q="); ok && q == url.QueryEscape(text) {
			body = strings.ReplaceAll(body, "“"+text+"”", "")
		}
		if strings.Contains(body, text) {
			seen = append(seen, path)
		}
	}
	return seen, answered
}

// P3: whose processing is restricted is seen by nobody but the privacy officer, wherever one looks; no mail goes to them.
func TestRestrictedIsShownNowhere(t *testing.T) {
	t.Parallel()
	const marker, address = "Zyxwvut Qponmlk", "zyx@qponmlk.example"
	h := newHouse(t)
	admin := h.admin("acme")
	north, staff := h.partner(admin, "north"), h.staff(admin)
	h.work(north)
	h.catalogue(admin)
	own := h.objects(fmt.Sprintf(`r.tenant_id = '%s' and r.partner_id = '%s'`, admin.tenant, north.partner))
	contact := fmt.Sprint(h.make(north, "/contacts", map[string]any{"name": marker, "email": address, "phone": "+49 30 1234 5678", "account_id": own["account"][0]})["id"])
	h.make(north, "/views", map[string]any{"name": "Of a customer", "list": "deals", "query": "account=" + own["account"][0]})
	paths := h.reads(marker, []string{contact, own["deal"][0], own["account"][0], north.partner, admin.tenant})
	for _, who := range []caller{staff, north} {
		if seen, answered := h.showing(who, paths, marker); len(seen) < 4 || answered < 40 {
			t.Fatalf("%s sees the contact only on %v of %d answers: the walk would prove nothing", who.name, seen, answered)
		}
	}
	officer, err := h.app.Identity.ByKey(t.Context(), admin.key)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := h.app.Privacy.Restrict(t.Context(), officer, privacy.Subject{Email: address}, "She contests it.", false); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	for _, who := range []caller{staff, north} {
		seen, _ := h.showing(who, paths, marker)
		for _, path := range seen {
			t.Errorf("%s still sees the restricted person on %s", who.name, path)
		}
	}
	if seen, _ := h.showing(admin, []string{"/privacy/restricted"}, marker); len(seen) != 1 {
		t.Error("the privacy officer does not see the restricted person")
	}
	for _, path := range []string{"/contacts", "/contacts/" + contact, door.Prefix + "/contacts/" + contact} {
		if seen, _ := h.showing(admin, []string{path}, marker); len(seen) > 0 {
			t.Errorf("an Admin works with the restricted person on %s", path)
		}
	}
	v := id.New()
	_, err = op.Write(t.Context(), h.app.Ops, access.NewSystem(officer.Tenant, "test"), mail.ActSend, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		tx.Unchanged()
		return struct{}{}, mail.Queue(t.Context(), tx, mail.Letter{ID: v, Template: "deal.note", To: address, Subject: "News", Layout: mailer.Layout{Heading: "News"}})
	})
	var status string
	if err == nil {
		err = h.db.QueryRow(t.Context(), `select status from app.mail where mail_id = $1`, v).Scan(&status)
	}
	if err != nil || status != "suppressed" {
		t.Errorf("a mail to the restricted person is %q, %v", status, err)
	}
}
