package identity

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// Invariant 3: who may invite whom.
func TestWhoMayInviteWhom(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	reach, other := h.partner("Reach"), h.partner("Other")
	admin := h.admin()
	staff, _ := h.join(admin, InviteInput{Email: "sam@acme.test", Name: "Sam", Role: role.Staff})
	boss, _ := h.join(staff, InviteInput{Email: "pat@reach.test", Name: "Pat", Role: role.Partner, Partner: reach})
	agent, _ := h.join(boss, InviteInput{Email: "al@reach.test", Name: "Al", Role: role.Agent})
	if agent.Partner != reach {
		t.Fatalf("a Partner's invitation leads elsewhere: %+v", agent)
	}
	n := 0
	for _, c := range []struct {
		who     access.Actor
		role    string
		partner id.ID
		code    string
	}{
		{admin, role.Admin, id.Nil, ""},
		{staff, role.Admin, id.Nil, "person.rank"},
		{staff, role.Staff, id.Nil, "person.rank"},
		{staff, role.Agent, other, ""},
		{boss, role.Admin, id.Nil, "invalid"},
		{boss, role.Staff, reach, "invalid"},
		{boss, role.Partner, reach, ""},
		{boss, role.Agent, other, "denied"},
		{agent, role.Agent, reach, "denied"},
		{admin, role.Agent, id.Nil, "invalid"},
		{admin, role.Staff, reach, "invalid"},
		{admin, role.Agent, id.New(), "invalid"},
		{admin, "owner", id.Nil, "invalid"},
	} {
		n++
		_, err := h.Invite(t.Context(), c.who, InviteInput{Email: "new" + string(rune('a'+n)) + "@x.test", Name: "New", Role: c.role, Partner: c.partner})
		if c.code == "" && err != nil || c.code != "" && !errs.Is(err, c.code) {
			t.Errorf("%s invites %s to %s: %v, want %q", c.who.Role, c.role, c.partner, err, c.code)
		}
	}
	if _, err := h.Invite(t.Context(), admin, InviteInput{Email: "not an address", Role: role.Staff}); len(errs.Of(err).Fields) != 2 {
		t.Errorf("not every field is refused at once: %v", err)
	}
	if _, err := h.Invite(t.Context(), admin, InviteInput{Email: "sam@acme.test", Name: "Sam", Role: role.Staff}); !errs.Is(err, "person.exists") {
		t.Errorf("invited twice: %v", err)
	}
}

// A14: one use, 7 days, replaced by the next, bound to the address.
func TestInvitation(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	in := InviteInput{Email: "Sam@Acme.test", Name: "Sam", Role: role.Staff}
	older, err := h.Invite(t.Context(), h.admin(), in)
	must(t, err)
	newer, err := h.Invite(t.Context(), h.admin(), in)
	must(t, err)
	if older.ID != newer.ID {
		t.Errorf("two memberships for one person: %s %s", older.ID, newer.ID)
	}
	accept := func(url string) error {
		_, err := h.Accept(t.Context(), access.Request{}, AcceptInput{Token: token(t, url), Name: "Sam", Password: plain})
		return err
	}
	wantCode(t, accept(older.URL), "invitation.revoked")
	if _, err := h.Accept(t.Context(), access.Request{}, AcceptInput{Token: token(t, newer.URL), Name: "Sam", Password: "too short"}); !errs.IsKind(err, errs.Invalid) {
		t.Errorf("a weak password is accepted: %v", err)
	}
	if n := h.count(`select count(*) from mail where to_email = 'sam@acme.test' and position(convert_to($1, 'UTF8') in text_sealed || html_sealed || link_sealed) = 0 and link is null and text_body || html_body = ''`, token(t, newer.URL)); n != 2 {
		t.Errorf("%d letters without their link in the log", n)
	}
	must(t, accept(newer.URL))
	wantCode(t, accept(newer.URL), "invitation.used")
	wantCode(t, accept("https://portal.example/invitation?token="+secret()), "invitation.not_found")
	v := h.mustSignIn("sam@acme.test")
	if who := h.alive(t, v.Token); who.Role != role.Staff || who.Member != newer.ID {
		t.Errorf("joined as %+v", who)
	}
	late, err := h.Invite(t.Context(), h.admin(), InviteInput{Email: "late@acme.test", Name: "Late", Role: role.Staff})
	must(t, err)
	h.clock.forward(7 * 24 * time.Hour)
	wantCode(t, accept(late.URL), "invitation.expired")
	again, err := h.Reinvite(t.Context(), h.admin(), late.ID)
	must(t, err)
	must(t, accept(again.URL))
}

// A14: a person with a password proves it before joining; nobody else can.
func TestInvitationOfAPersonWithAPassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	bolt, err := h.CreateAdmin(t.Context(), AdminInput{Slug: "bolt", Programme: "Bolt", Name: "Bo", Email: "bo@bolt.test", Password: plain})
	must(t, err)
	inv, err := h.Invite(t.Context(), h.actor(bolt.TenantID, bolt.UserID), InviteInput{Email: "ada@acme.test", Name: "Ada", Role: role.Staff})
	must(t, err)
	tok := token(t, inv.URL)
	_, err = h.Accept(t.Context(), access.Request{}, AcceptInput{Token: tok, Name: "Eve", Password: "a password of the thief"})
	wantCode(t, err, "invitation.sign_in")
	_, err = h.Accept(t.Context(), access.Request{}, AcceptInput{Token: tok, Session: h.mustSignIn("bo@bolt.test").Token})
	wantCode(t, err, "invitation.sign_in")
	v, err := h.Accept(t.Context(), access.Request{}, AcceptInput{Token: tok, Session: h.mustSignIn("ada@acme.test").Token})
	must(t, err)
	if who := h.alive(t, v.Token); who.Tenant != bolt.TenantID || who.Role != role.Staff {
		t.Errorf("joined as %+v", who)
	}
	if _, err := h.signIn("ada@acme.test", "a password of the thief"); !errs.Is(err, "sign_in.wrong") {
		t.Errorf("the password changed: %v", err)
	}
}

// A11: the last Admin stays, also when two demote each other at once.
func TestLastAdminStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.admin()
	staff := role.Staff
	_, err := h.UpdatePerson(t.Context(), ada, UpdateInput{ID: ada.Member, Role: &staff})
	wantCode(t, err, "person.last_admin")
	_, err = h.Suspend(t.Context(), ada, ada.Member)
	wantCode(t, err, "person.last_admin")
	_, err = h.Remove(t.Context(), ada, ada.Member)
	wantCode(t, err, "person.last_admin")

	bea, _ := h.join(ada, InviteInput{Email: "bea@acme.test", Name: "Bea", Role: role.Admin})
	var wait sync.WaitGroup
	results := make([]error, 2)
	for i, pair := range [][2]access.Actor{{ada, bea}, {bea, ada}} {
		wait.Go(func() {
			_, results[i] = h.UpdatePerson(t.Context(), pair[0], UpdateInput{ID: pair[1].Member, Role: &staff})
		})
	}
	wait.Wait()
	if n := h.count(`select count(*) from member where role = 'admin' and status = 'active'`); n != 1 {
		t.Errorf("%d Admins are left: %v", n, results)
	}
}

// Invariant 5: what ends with a membership.
func TestSuspendEndsEverything(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.admin()
	sam, session := h.join(admin, InviteInput{Email: "sam@acme.test", Name: "Sam", Role: role.Staff})
	key, err := h.CreateMyKey(t.Context(), sam, KeyInput{Name: "laptop"})
	must(t, err)
	h.alive(t, session.Token)
	_, err = h.ByKey(t.Context(), key.Secret)
	must(t, err)
	_, err = h.Suspend(t.Context(), admin, sam.Member)
	must(t, err)
	h.dead(t, session.Token)
	if _, err := h.ByKey(t.Context(), key.Secret); !errs.IsKind(err, errs.Unauthenticated) {
		t.Errorf("the key works: %v", err)
	}
	v := h.mustSignIn("sam@acme.test")
	if v.Bound || len(v.Memberships) != 0 {
		t.Errorf("a suspended person gets in: %+v", v)
	}
	_, err = h.Restore(t.Context(), admin, sam.Member)
	must(t, err)
	h.dead(t, session.Token)
	if _, err := h.ByKey(t.Context(), key.Secret); err == nil {
		t.Error("the revoked key is back")
	}
	if v := h.mustSignIn("sam@acme.test"); !v.Bound {
		t.Error("restored and not in")
	}
	_, err = h.Remove(t.Context(), admin, sam.Member)
	must(t, err)
	again, err := h.Invite(t.Context(), admin, InviteInput{Email: "sam@acme.test", Name: "Sam", Role: role.Staff})
	must(t, err)
	if again.ID == sam.Member {
		t.Error("a removed membership came back")
	}
}

func TestRoleChangeEndsSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sam, session := h.join(h.admin(), InviteInput{Email: "sam@acme.test", Name: "Sam", Role: role.Staff})
	h.alive(t, session.Token)
	admin, agent := role.Admin, role.Agent
	_, err := h.UpdatePerson(t.Context(), h.admin(), UpdateInput{ID: sam.Member, Role: &admin})
	must(t, err)
	h.dead(t, session.Token)
	_, err = h.UpdatePerson(t.Context(), h.admin(), UpdateInput{ID: sam.Member, Role: &agent})
	if !errs.IsKind(err, errs.Invalid) {
		t.Errorf("changed sides: %v", err)
	}
	name := "Samuel"
	_, err = h.UpdatePerson(t.Context(), h.admin(), UpdateInput{ID: sam.Member, Version: 1, Name: &name})
	wantCode(t, err, "person.stale")
}

// A partner's Admin reaches nobody outside the company, and nobody of another tenant is reached at all.
func TestForeignPeopleDoNotExist(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	reach, other := h.partner("Reach"), h.partner("Other")
	boss, _ := h.join(h.admin(), InviteInput{Email: "pat@reach.test", Name: "Pat", Role: role.Partner, Partner: reach})
	al, _ := h.join(h.admin(), InviteInput{Email: "al@other.test", Name: "Al", Role: role.Agent, Partner: other})
	bolt, err := h.CreateAdmin(t.Context(), AdminInput{Slug: "bolt", Programme: "Bolt", Name: "Bo", Email: "bo@bolt.test", Password: plain})
	must(t, err)
	for name, c := range map[string]struct {
		who    access.Actor
		member id.ID
	}{
		"vendor":        {boss, h.acme.UserID},
		"other partner": {boss, al.Member},
		"other tenant":  {h.admin(), bolt.UserID},
		"random":        {boss, id.New()},
	} {
		n := "Eve"
		_, err1 := h.Person(t.Context(), c.who, c.member)
		_, err2 := h.UpdatePerson(t.Context(), c.who, UpdateInput{ID: c.member, Name: &n})
		_, err3 := h.Suspend(t.Context(), c.who, c.member)
		_, err4 := h.Reinvite(t.Context(), c.who, c.member)
		for i, err := range []error{err1, err2, err3, err4} {
			if !errs.Is(err, "person.not_found") {
				t.Errorf("%s, %d: %v", name, i, err)
			}
		}
	}
	list, err := h.People(t.Context(), boss, PeopleQuery{})
	must(t, err)
	if len(list.Items) != 1 || list.Items[0].ID != boss.Member {
		t.Errorf("a partner sees %+v", list.Items)
	}
}

func TestPeopleList(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	reach := h.partner("Reach")
	for _, n := range []string{"Zoe", "Bob", "Mia", "100%_sure"} {
		_, err := h.Invite(t.Context(), h.admin(), InviteInput{Email: strings.Trim(strings.ToLower(n), "10%_") + "@reach.test", Name: n, Role: role.Agent, Partner: reach})
		must(t, err)
	}
	names := func(q PeopleQuery) []string {
		t.Helper()
		var out []string
		for {
			p, err := h.People(t.Context(), h.admin(), q)
			must(t, err)
			for _, m := range p.Items {
				out = append(out, m.Name)
			}
			if q.Cursor = p.Next; q.Cursor == "" {
				return out
			}
		}
	}
	for _, c := range []struct {
		q    PeopleQuery
		want int
	}{
		{PeopleQuery{Limit: 2}, 5}, {PeopleQuery{Role: role.Agent}, 4}, {PeopleQuery{Status: StatusActive}, 1}, {PeopleQuery{Partner: reach, Limit: 1}, 4},
		{PeopleQuery{Q: "bo"}, 1}, {PeopleQuery{Q: "%"}, 1}, {PeopleQuery{Q: "REACH.test"}, 4}, {PeopleQuery{Status: StatusRemoved}, 0},
	} {
		got := names(c.q)
		if len(got) != c.want || len(slices.Compact(slices.Sorted(slices.Values(got)))) != c.want {
			t.Errorf("%+v: %q", c.q, got)
		}
	}
	if _, err := h.People(t.Context(), h.admin(), PeopleQuery{Role: "king", Status: "gone"}); len(errs.Of(err).Fields) != 2 {
		t.Errorf("unknown filters: %v", err)
	}
}
