package identity

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

func TestServiceKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	reach := h.partner("Reach")
	soon := h.now().Add(time.Hour)
	for name, c := range map[string]struct {
		in   KeyInput
		may  access.Action
		deny access.Action
	}{
		"everything a role may": {KeyInput{Role: role.Staff}, "deal.approve", "tenant.update"},
		"reading":               {KeyInput{Role: role.Admin, Scopes: []string{"read"}}, "deal.list", "deal.create"},
		"one room":              {KeyInput{Role: role.Admin, Scopes: []string{"deal"}}, "deal.approve", "account.list"},
		"one room, reading":     {KeyInput{Role: role.Admin, Scopes: []string{"deal:read"}}, "deal.read", "deal.approve"},
		"one action":            {KeyInput{Role: role.Admin, Scopes: []string{"deal.create"}}, "deal.create", "deal.read"},
		"a partner's":           {KeyInput{Role: role.Partner, Partner: reach}, "deal.withdraw", "deal.approve"},
		"not beyond the role":   {KeyInput{Role: role.Agent, Partner: reach, Scopes: []string{"*"}}, "deal.create", "deal.approve"},
	} {
		c.in.Name, c.in.ExpiresAt = name, &soon
		made, err := h.CreateKey(t.Context(), h.admin(), c.in)
		must(t, err)
		who, err := h.ByKey(t.Context(), made.Secret)
		must(t, err)
		if who.Kind != access.Service || who.Person != id.Nil || who.Credential != made.ID || who.Partner != c.in.Partner || who.Role != c.in.Role {
			t.Errorf("%s: %+v", name, who)
		}
		if !who.May(c.may) || who.May(c.deny) {
			t.Errorf("%s: %s %t, %s %t", name, c.may, who.May(c.may), c.deny, who.May(c.deny))
		}
		must(t, h.RevokeKey(t.Context(), h.admin(), made.ID))
		if _, err := h.ByKey(t.Context(), made.Secret); !errs.IsKind(err, errs.Unauthenticated) {
			t.Errorf("%s: works after it was revoked", name)
		}
	}
	list, err := h.Keys(t.Context(), h.admin(), "", 3)
	must(t, err)
	rest, err := h.Keys(t.Context(), h.admin(), list.Next, 10)
	must(t, err)
	if len(list.Items) != 3 || len(rest.Items) != 4 {
		t.Errorf("listed %d and %d", len(list.Items), len(rest.Items))
	}
}

func TestKeyRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	past := h.now().Add(-time.Second)
	_, err := h.CreateKey(t.Context(), h.admin(), KeyInput{Role: "king", Scopes: []string{"everything"}, ExpiresAt: &past})
	if n := len(errs.Of(err).Fields); n != 4 {
		t.Errorf("%d fields: %v", n, err)
	}
	sam, _ := h.join(h.admin(), InviteInput{Email: "sam@acme.test", Name: "Sam", Role: role.Staff})
	_, err = h.CreateKey(t.Context(), sam, KeyInput{Name: "x", Role: role.Agent, Partner: h.partner("Reach")})
	wantCode(t, err, "denied")
	for _, junk := range []string{"", "ent_", "ent_aaaaaaaa_" + strings.Repeat("a", 52), strings.Repeat("x", 10000)} {
		if _, err := h.ByKey(t.Context(), junk); !errs.IsKind(err, errs.Unauthenticated) {
			t.Errorf("%.20q: %v", junk, err)
		}
	}
	soon := h.now().Add(time.Minute)
	made, err := h.CreateMyKey(t.Context(), sam, KeyInput{Name: "short", ExpiresAt: &soon})
	must(t, err)
	_, err = h.ByKey(t.Context(), made.Secret)
	must(t, err)
	h.clock.forward(time.Minute)
	if _, err := h.ByKey(t.Context(), made.Secret); err == nil {
		t.Error("works after its time")
	}
}

// Invariant 3: a key gives no more than it has.
func TestKeyGivesNoMoreThanItHas(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made, err := h.CreateMyKey(t.Context(), h.admin(), KeyInput{Name: "narrow", Scopes: []string{"key", "me", "person", "deal:read"}})
	must(t, err)
	who, err := h.ByKey(t.Context(), made.Secret)
	must(t, err)
	_, err = h.CreateKey(t.Context(), who, KeyInput{Name: "wide", Role: role.Admin})
	wantCode(t, err, "person.rank")
	_, err = h.CreateMyKey(t.Context(), who, KeyInput{Name: "wide"})
	wantCode(t, err, "key.exceeds")
	_, err = h.CreateMyKey(t.Context(), who, KeyInput{Name: "wide", Scopes: []string{"deal"}})
	wantCode(t, err, "key.exceeds")
	_, err = h.CreateMyKey(t.Context(), who, KeyInput{Name: "as narrow", Scopes: []string{"deal:read"}})
	must(t, err)
	_, err = h.Invite(t.Context(), who, InviteInput{Email: "eve@acme.test", Name: "Eve", Role: role.Admin})
	wantCode(t, err, "person.rank")
	reach := h.partner("Reach")
	_, err = h.CreateKey(t.Context(), who, KeyInput{Name: "partner", Role: role.Partner, Partner: reach})
	wantCode(t, err, "key.exceeds")
	_, err = h.Invite(t.Context(), who, InviteInput{Email: "pat@reach.test", Name: "Pat", Role: role.Partner, Partner: reach})
	must(t, err)
}

func TestOwnKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sam, _ := h.join(h.admin(), InviteInput{Email: "sam@acme.test", Name: "Sam", Role: role.Staff})
	made, err := h.CreateMyKey(t.Context(), sam, KeyInput{Name: "laptop"})
	must(t, err)
	who, err := h.ByKey(t.Context(), made.Secret)
	must(t, err)
	if who.Kind != access.Person || who.Member != sam.Member || who.Person != sam.Person {
		t.Errorf("acts as %+v", who)
	}
	wantCode(t, h.RevokeMyKey(t.Context(), h.admin(), made.ID), "key.not_found")
	wantCode(t, h.RevokeKey(t.Context(), h.admin(), made.ID), "key.not_found")
	must(t, h.RevokeMyKey(t.Context(), sam, made.ID))
	list, err := h.MyKeys(t.Context(), sam)
	must(t, err)
	if len(list) != 1 || list[0].Live(h.now()) || !strings.HasPrefix(made.Secret, "ent_"+list[0].Prefix+"_") {
		t.Errorf("listed %+v", list)
	}
}

// A32: of every secret only the hash is in the database, in no table and no log.
func TestOnlyHashesAreStored(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.mustSignIn("ada@acme.test")
	inv, err := h.Invite(t.Context(), h.admin(), InviteInput{Email: "sam@acme.test", Name: "Sam", Role: role.Staff})
	must(t, err)
	reset, err := h.ResetLink(t.Context(), "ada@acme.test")
	must(t, err)
	secrets := map[string]string{"session": v.Token, "key": h.acme.APIKey, "password": plain, "reset link": token(t, reset), "invitation": token(t, inv.URL)}
	rows, err := h.super.Query(t.Context(), `select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('app', 'river') and c.relkind = 'r'`)
	must(t, err)
	var tables []string
	var name string
	for rows.Next() {
		must(t, rows.Scan(&name))
		tables = append(tables, name)
	}
	must(t, rows.Err())
	for _, table := range tables {
		if strings.HasPrefix(table, "river_") {
			table = "river." + table
		}
		for what, s := range secrets {
			if table == "mail" && what == "invitation" {
				continue // until the letter is handed over; TestInvitation looks at its text
			}
			n := h.count(`select count(*) from `+table+` x where strpos(x::text, $1) > 0 or strpos(x::text, $2) > 0`, s, hex.EncodeToString([]byte(s)))
			if n != 0 {
				t.Errorf("%s holds the %s", table, what)
			}
		}
	}
	if len(tables) < 20 {
		t.Errorf("only %d tables were searched", len(tables))
	}
	// A stolen hash opens nothing.
	var hash []byte
	must(t, h.super.QueryRow(t.Context(), `select token_hash from session where session_id = $1`, v.ID).Scan(&hash))
	h.dead(t, hex.EncodeToString(hash))
}
