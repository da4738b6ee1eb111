package identity

import (
	"errors"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/optest"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.mustSignIn(" ADA@acme.test ")
	if !v.Bound || len(v.Memberships) != 1 {
		t.Fatalf("not at work: %+v", v)
	}
	who := h.alive(t, v.Token)
	if who.Member != h.acme.UserID || who.Role != role.Admin || who.Persona != access.Staff || who.Credential != v.ID || !who.May("deal.approve") {
		t.Errorf("not the Admin: %+v", who)
	}
	if n := h.count(`select count(*) from audit_entry where action = 'me.sign_in' and outcome = 'done' and actor_id = $1`, who.Member); n != 1 {
		t.Errorf("%d entries of the sign-in", n)
	}
	must(t, h.SignOut(t.Context(), access.Request{}, v.Token))
	h.dead(t, v.Token)
	must(t, h.SignOut(t.Context(), access.Request{}, v.Token))
}

// A40 and invariant 6: the same answer, and the refusal on record only where the account exists.
func TestUniformAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	must(t, h.Settle(t.Context()))
	_, known := h.signIn("ada@acme.test", "not the password at all")
	_, unknown := h.signIn("nobody@acme.test", "not the password at all")
	if known.Error() != unknown.Error() || errs.Of(known).Kind != errs.Unauthenticated {
		t.Errorf("answers differ: %v and %v", known, unknown)
	}
	must(t, h.Settle(t.Context()))
	if told := optest.Told(t, h.ops, h.super, `action = 'me.sign_in' and outcome = 'denied' and object_id = $1`, h.acme.UserID); len(told) != 1 || told[0].IP != "192.0.2.7" {
		t.Errorf("entries of the refusal: %+v", told)
	}
	if n := h.count(`select count(*) from audit_entry where outcome = 'denied'`); n != 1 {
		t.Errorf("%d refusals on record", n)
	}
}

// A38, A39: guesses are slowed per account and network, and the owner gets in meanwhile.
func TestGuessingIsSlowedAndNobodyLockedOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	owner := h.mustSignIn("ada@acme.test")
	var throttled *errs.Error
	tries := 0
	for throttled == nil && tries < 100 {
		tries++
		_, err := h.signIn("ada@acme.test", "wrong wrong wrong wrong")
		if errs.Is(err, "sign_in.throttled") {
			errors.As(err, &throttled)
		}
	}
	if tries > ruleHere.Burst+1 || throttled.RetryAfter <= 0 || throttled.RetryAfter > ruleHere.Every+time.Second {
		t.Errorf("after %d tries: %+v", tries, throttled)
	}
	for range 3 {
		_, other := h.SignIn(t.Context(), access.Request{IP: "192.0.2.7"}, SignInInput{Email: "bob@acme.test", Password: "x"})
		wantCode(t, other, "sign_in.wrong")
	}
	if _, err := h.SignIn(t.Context(), access.Request{IP: "192.0.2.7"}, SignInInput{Email: "ada@acme.test", Password: plain, Device: owner.Device}); err != nil {
		t.Errorf("the owner's own browser is held up: %v", err)
	}
	if _, err := h.SignIn(t.Context(), access.Request{IP: "2001:db8::1"}, SignInInput{Email: "ada@acme.test", Password: plain}); err != nil {
		t.Errorf("the owner is held up elsewhere: %v", err)
	}
	h.clock.forward(ruleHere.Every)
	if _, err := h.signIn("ada@acme.test", plain); err != nil {
		t.Errorf("still held up after one interval: %v", err)
	}
	if _, ok := h.knownDevice("eve@acme.test", owner.Device); ok {
		t.Error("a browser's mark counts for another account")
	}
}

// A31: the token changes at sign-in and at every switch; the old one is worth nothing.
func TestTokenRotates(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other, err := h.CreateAdmin(t.Context(), AdminInput{Slug: "bolt", Programme: "Bolt", Name: "Ada", Email: "ada@acme.test", Password: "another long password"})
	must(t, err)
	if _, err := h.signIn("ada@acme.test", "another long password"); !errs.Is(err, "sign_in.wrong") {
		t.Fatalf("founding a second programme changed a person's password: %v", err)
	}
	v := h.mustSignIn("ada@acme.test")
	if v.Bound || len(v.Memberships) != 2 {
		t.Fatalf("with two memberships none is chosen: %+v", v)
	}
	if _, err := h.BySession(t.Context(), v.Token); !errs.Is(err, "session.unbound") {
		t.Errorf("a session without a membership answers: %v", err)
	}
	at, err := h.Switch(t.Context(), access.Request{}, v.Token, h.acme.UserID)
	must(t, err)
	h.dead(t, v.Token)
	if who := h.alive(t, at.Token); who.Tenant != h.acme.TenantID {
		t.Errorf("in the wrong programme: %+v", who)
	}
	to, err := h.Switch(t.Context(), access.Request{}, at.Token, other.UserID)
	must(t, err)
	h.dead(t, at.Token)
	if who := h.alive(t, to.Token); who.Tenant != other.TenantID || who.Credential != v.ID {
		t.Errorf("in the wrong programme: %+v", who)
	}
	if _, err := h.Switch(t.Context(), access.Request{}, to.Token, id.New()); !errs.IsKind(err, errs.NotFound) {
		t.Errorf("switched to a membership of nobody: %v", err)
	}
	again, err := h.SignIn(t.Context(), access.Request{}, SignInInput{Email: "ada@acme.test", Password: plain, Old: to.Token})
	must(t, err)
	h.dead(t, to.Token)
	if again.Token == to.Token || again.ID == to.ID {
		t.Error("the browser's old session was taken up")
	}
}

func TestSwitchCannotTakeAnothersMembership(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	bob, session := h.join(h.admin(), InviteInput{Email: "bob@acme.test", Name: "Bob Staff", Role: role.Staff})
	if _, err := h.Switch(t.Context(), access.Request{}, session.Token, h.acme.UserID); !errs.IsKind(err, errs.NotFound) {
		t.Errorf("Bob became Ada: %v", err)
	}
	// The database refuses it too, whatever the program asks.
	v := Session{ID: session.ID, Token: session.Token}
	m := Membership{Tenant: h.acme.TenantID, Member: h.acme.UserID, Role: role.Admin, Name: "Ada"}
	if _, err := h.bind(t.Context(), access.Request{}, v, m, bob.Person, h.now(), "x"); !errs.IsKind(err, errs.Unauthenticated) {
		t.Errorf("bound to another's membership: %v", err)
	}
}

func TestSessionEndsIdleAndAtAll(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.partner("Reach")
	h.join(h.admin(), InviteInput{Email: "al@reach.test", Name: "Al Agent", Role: role.Agent, Partner: p})
	for _, c := range []struct {
		email          string
		idle, absolute time.Duration
	}{
		{"ada@acme.test", 30 * time.Minute, 12 * time.Hour},
		{"al@reach.test", time.Hour, 24 * time.Hour},
	} {
		start, token := h.clock.now(), h.mustSignIn(c.email).Token
		h.alive(t, token)
		for h.clock.now().Sub(start) < c.absolute-c.idle {
			h.clock.forward(c.idle - time.Second)
			h.alive(t, token)
		}
		h.clock.forward(start.Add(c.absolute).Sub(h.clock.now()))
		h.dead(t, token)
	}
	v := h.mustSignIn("ada@acme.test")
	h.alive(t, v.Token)
	h.clock.forward(30*time.Minute + time.Second)
	h.dead(t, v.Token)
}

func TestLastSeenIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.mustSignIn("ada@acme.test")
	seen := func() (at time.Time) {
		must(t, h.super.QueryRow(t.Context(), `select last_seen_at from session where session_id = $1`, v.ID).Scan(&at))
		return at
	}
	start := seen()
	h.clock.forward(59 * time.Second)
	h.alive(t, v.Token)
	if !seen().Equal(start) {
		t.Error("written within the minute")
	}
	h.clock.forward(11 * time.Second)
	h.alive(t, v.Token)
	if !seen().After(start) {
		t.Error("not written after a minute")
	}
}

// Sessions of the person, in every programme, listed and ended.
func TestOwnSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	one, two := h.mustSignIn("ada@acme.test"), h.mustSignIn("ada@acme.test")
	bob, bobs := h.join(h.admin(), InviteInput{Email: "bob@acme.test", Name: "Bob Staff", Role: role.Staff})
	who := h.alive(t, one.Token)
	h.alive(t, two.Token)
	list, err := h.Sessions(t.Context(), who)
	must(t, err)
	if len(list) != 2 || list[0].Current == list[1].Current {
		t.Errorf("listed %+v", list)
	}
	wantCode(t, h.RevokeSession(t.Context(), bob, two.ID), "session.not_found")
	must(t, h.RevokeSession(t.Context(), who, two.ID))
	h.dead(t, two.Token)
	three := h.mustSignIn("ada@acme.test")
	h.alive(t, three.Token)
	must(t, h.RevokeOtherSessions(t.Context(), who))
	h.dead(t, three.Token)
	h.alive(t, one.Token)
	h.alive(t, bobs.Token)
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	one, two := h.mustSignIn("ada@acme.test"), h.mustSignIn("ada@acme.test")
	who := h.alive(t, one.Token)
	const next = "kettle marble saxophone"
	err := h.ChangePassword(t.Context(), who, "not my password", next)
	if !errs.IsKind(err, errs.Invalid) || errs.Of(err).Fields[0].Name != "current" {
		t.Errorf("the current password is not asked: %v", err)
	}
	if err := h.ChangePassword(t.Context(), who, plain, "short"); !errs.IsKind(err, errs.Invalid) {
		t.Errorf("a weak password is accepted: %v", err)
	}
	must(t, h.ChangePassword(t.Context(), who, plain, next))
	h.alive(t, one.Token)
	h.dead(t, two.Token)
	if _, err := h.signIn("ada@acme.test", plain); !errs.Is(err, "sign_in.wrong") {
		t.Errorf("the old password works: %v", err)
	}
	_, err = h.signIn("ada@acme.test", next)
	must(t, err)
}

func TestRehash(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	// The reference implementation's own vector: weaker than ours.
	const weak = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	h.exec(`update person set password_hash = $1`, weak)
	_, err := h.signIn("ada@acme.test", "password")
	must(t, err)
	if n := h.count(`select count(*) from person where password_hash like '$argon2id$v=19$m=19456,t=2,p=1$%'`); n != 1 {
		t.Error("the weak hash stands")
	}
}
