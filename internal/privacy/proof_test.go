package privacy

import (
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// signedIn gives somebody a session that began a moment ago.
func (w *world) signedIn(who access.Actor) access.Actor {
	w.t.Helper()
	who.Credential = id.New()
	w.exec(`insert into session (session_id, token_hash, person_id, tenant_id, member_id, created_at, last_seen_at, idle_expires_at, expires_at)
	  values ($1, sha256($2), $3, $4, $5, $6::timestamptz, $6, $6::timestamptz + interval '10 hours', $6::timestamptz + interval '10 hours')`, who.Credential, []byte(who.Credential.String()), who.Person, who.Tenant, who.Member, w.ops.Clock())
	return who
}

// coded asks for the actor's own data and gives the request a code that the test knows, in place of the one that was mailed.
func (w *world) coded(who access.Actor, code string) Request {
	w.t.Helper()
	r, err := w.s.Request(w.t.Context(), who, Access, "", "What do you know of me?")
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`update privacy_request set code_hash = $2 where request_id = $1`, r.ID, codeHash(r.ID, code))
	return r
}

// P4: a request of a signed-in person counts from the moment it is confirmed with the code that was mailed for it: not a wrong one, not
// one that is over, not another request's, not somebody else's, and once only.
func TestCodeProvesOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me, rival, officer := w.signedIn(w.partner), w.signedIn(w.rival), w.signedIn(w.officer)
	const right, others = "11112222", "33334444"
	r, other := w.coded(me, right), w.coded(me, others)
	unproved := func(what string, err error, code string) {
		t.Helper()
		if e := errs.Of(err); err == nil || e.Code != code && (len(e.Fields) == 0 || e.Fields[0].Code != code) {
			t.Errorf("%s: %v, want %s", what, err, code)
		}
		if now, err := w.s.Get(t.Context(), w.officer, r.ID); err != nil || now.State != Verifying || now.Verified() {
			t.Fatalf("%s: the request is %s: %v", what, now.State, err)
		}
		if _, err := w.s.MakePackage(t.Context(), w.officer, r.ID); !errs.Is(err, "privacy.not_verified") {
			t.Fatalf("%s: a package was made: %v", what, err)
		}
	}
	confirm := func(who access.Actor, code string) error {
		_, err := w.s.Confirm(t.Context(), who, r.ID, code)
		return err
	}
	unproved("a wrong code", confirm(me, "00000000"), "code.wrong")
	unproved("no code", confirm(me, ""), "code.wrong")
	unproved("the code of another request", confirm(me, others), "code.wrong")
	unproved("somebody else with the right code", confirm(rival, right), "request.not_found")
	unproved("an officer with the right code", confirm(officer, right), "request.not_found")

	w.clock.Add(int64(codeLasts / time.Microsecond))
	unproved("a code that is over", confirm(me, right), "code.wrong")
	if _, err := w.s.NewCode(t.Context(), me, r.ID); err != nil {
		t.Fatal(err)
	}
	unproved("the code before the new one", confirm(me, right), "code.wrong")
	w.exec(`update privacy_request set code_hash = $2 where request_id = $1`, r.ID, codeHash(r.ID, right))
	for range codeTries - 1 { // one was spent on the code before
		unproved("a guess", confirm(me, "00000000"), "code.wrong")
	}
	unproved("the right code after too many guesses", confirm(me, right), "code.wrong")

	if done, err := w.s.Confirm(t.Context(), w.signedIn(w.partner), other.ID, others); errs.Of(err).Fields[0].Code != "code.wrong" || done.Verified() {
		t.Errorf("the other request's code is over too: %v", err)
	}
	me = w.signedIn(w.partner)
	fresh := w.coded(me, right)
	if done, err := w.s.Confirm(t.Context(), me, fresh.ID, " "+right+" "); err != nil || done.State != InProgress || done.IdentityHow != "session-and-code" {
		t.Fatalf("the right code: %s, %v", done.State, err)
	}
	if _, err := w.s.Confirm(t.Context(), me, fresh.ID, right); !errs.IsKind(err, errs.Conflict) {
		t.Errorf("the code a second time: %v", err)
	}
	if n := w.count(`select count(*) from privacy_request where code_hash is not null and state = 'in-progress'`); n != 0 {
		t.Errorf("%d used codes are kept", n)
	}
}

// P4: whoever only reads the mailbox has the code and no fresh session, and gets nothing: neither with a key nor with a session that lay
// open. Under single sign-on a session begins at the identity provider and no mail begins one, so the same rule refuses there.
func TestMailboxIsHalfAProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me := w.signedIn(w.partner)
	const code = "11112222"
	r := w.coded(me, code)
	again := func(what string, who access.Actor) {
		t.Helper()
		if _, err := w.s.Confirm(t.Context(), who, r.ID, code); !errs.Is(err, "privacy.sign_in_again") {
			t.Errorf("%s confirms: %v", what, err)
		}
		if _, err := w.s.Request(t.Context(), who, Access, "", ""); !errs.Is(err, "privacy.sign_in_again") {
			t.Errorf("%s asks: %v", what, err)
		}
	}
	again("a key", w.partner)
	stolen := me
	stolen.Member, stolen.Person = w.rival.Member, w.rival.Person
	if _, err := w.s.Confirm(t.Context(), stolen, r.ID, code); err == nil {
		t.Error("another member confirms with a session that is not theirs")
	}
	w.exec(`update session set created_at = created_at - interval '31 minutes' where session_id = $1`, me.Credential)
	again("an old session", me)
	if now, err := w.s.Get(t.Context(), w.officer, r.ID); err != nil || now.Verified() {
		t.Errorf("%s: %v", now.State, err)
	}
	if _, err := w.s.Verify(t.Context(), w.officer, r.ID, 0, "e-mail", "They answered our mail."); !errs.IsKind(err, errs.Invalid) {
		t.Errorf("an officer takes a mail for proof: %v", err)
	}
	if n := w.count(`select count(*) from mail where template in ('privacy.answer', 'privacy.package')`); n != 0 {
		t.Errorf("%d mails told the mailbox something", n)
	}
	if _, err := w.s.Confirm(t.Context(), w.signedIn(w.partner), r.ID, code); err != nil {
		t.Errorf("both halves: %v", err)
	}
}
