package identity

import (
	"strings"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
)

const another = "kettle marble saxophone"

// mailedReset returns the link that waits to be mailed, and takes it out.
func (h *house) mailedReset(email string) string {
	h.t.Helper()
	var v, tenant id.ID
	var sealed []byte
	must(h.t, h.super.QueryRow(h.t.Context(), `delete from mail where mail_id = (select mail_id from mail where template = 'person.reset' and to_email = $1 order by created_at desc limit 1)
	  returning mail_id, tenant_id, link_sealed`, email).Scan(&v, &tenant, &sealed))
	link, err := h.ops.Keys.Open(h.t.Context(), tenant, keyring.Place{Table: "mail", Row: v.String(), Column: "link_sealed"}, sealed)
	must(h.t, err)
	return string(link)
}

// A41: used once, 20 minutes, the next one replaces it, sessions end, and it is no sign-in.
func TestReset(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	session := h.mustSignIn("ada@acme.test")
	h.alive(t, session.Token)
	ask := func() string {
		must(t, h.Forgot(t.Context(), access.Request{IP: "192.0.2.1"}, "ADA@acme.test"))
		must(t, h.Settle(t.Context()))
		return token(t, h.mailedReset("ada@acme.test"))
	}
	first, second := ask(), ask()
	wantCode(t, h.Reset(t.Context(), access.Request{}, first, another), "link.not_found")
	if err := h.Reset(t.Context(), access.Request{}, second, "ada@acme.test ada@acme.test"); !errs.IsKind(err, errs.Invalid) {
		t.Errorf("a weak password is accepted: %v", err)
	}
	must(t, h.Reset(t.Context(), access.Request{}, second, another))
	wantCode(t, h.Reset(t.Context(), access.Request{}, second, plain), "link.not_found")
	h.dead(t, session.Token)
	if _, err := h.signIn("ada@acme.test", plain); !errs.Is(err, "sign_in.wrong") {
		t.Errorf("the old password works: %v", err)
	}
	_, err := h.signIn("ada@acme.test", another)
	must(t, err)
	if n := h.count(`select count(*) from audit_entry where action = 'me.reset' and object_id = $1`, h.acme.UserID); n != 3 {
		t.Errorf("%d entries", n)
	}
	third := ask()
	h.clock.forward(20 * time.Minute)
	wantCode(t, h.Reset(t.Context(), access.Request{}, third, plain), "link.not_found")
	wantCode(t, h.ResetOpen(t.Context(), secret()), "link.not_found")
}

// A40: who asks learns nothing.
func TestForgotIsUniform(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, email := range []string{"ada@acme.test", "nobody@acme.test", "", "not an address"} {
		if err := h.Forgot(t.Context(), access.Request{}, email); err != nil {
			t.Errorf("%q: %v", email, err)
		}
	}
	must(t, h.Settle(t.Context()))
	if n := h.count(`select count(*) from mail`); n != 1 {
		t.Errorf("%d letters", n)
	}
	var text string
	must(t, h.super.QueryRow(t.Context(), `select encode(text_sealed || html_sealed || link_sealed, 'escape') || text_body || html_body from mail`).Scan(&text))
	if strings.Contains(text, "token=") {
		t.Error("the log holds the link")
	}
	for i := range 10 {
		err := h.Forgot(t.Context(), access.Request{}, "ada@acme.test")
		if i >= ruleReset.Burst && !errs.Is(err, "sign_in.throttled") {
			t.Errorf("mail %d goes out", i)
		}
	}
}

func TestResetLinkForTheOperator(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	url, err := h.ResetLink(t.Context(), "ada@acme.test")
	must(t, err)
	must(t, h.Reset(t.Context(), access.Request{}, token(t, url), another))
	_, err = h.ResetLink(t.Context(), "nobody@acme.test")
	wantCode(t, err, "person.not_found")
}
