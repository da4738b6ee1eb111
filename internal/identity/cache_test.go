package identity

import (
	"crypto/sha256"
	"strconv"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/tenant"
)

// A change by another process, or typed into psql, reaches what is cached here through the database's notices.
func TestNoticesEndWhatIsCached(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.listening()
	reach := h.partner("Reach")
	type credential struct {
		member id.ID
		token  string
		key    string
		id     id.ID
	}
	make := func(email string) credential {
		who, v := h.join(h.admin(), InviteInput{Email: email, Name: "P", Role: role.Partner, Partner: reach})
		k, err := h.CreateMyKey(t.Context(), who, KeyInput{Name: "k"})
		must(t, err)
		return credential{who.Member, v.Token, k.Secret, k.ID}
	}
	alive := func(c credential) (session, key bool) {
		_, err1 := h.BySession(t.Context(), c.token)
		_, err2 := h.ByKey(t.Context(), c.key)
		return err1 == nil, err2 == nil
	}
	for i, c := range []struct {
		name         string
		sql          string
		back         string
		session, key bool // still alive afterwards
	}{
		{"member suspended", `update member set status = 'suspended' where member_id = $1`, ``, false, false},
		{"key revoked", `update api_key set revoked_at = now() where member_id = $1`, ``, true, false},
		{"session revoked", `update session set revoked_at = now() where member_id = $1`, ``, false, true},
		{"partner suspended", `update partner set status = 'suspended' where partner_id = (select partner_id from member where member_id = $1)`, `update partner set status = 'active'`, false, false},
		{"partner ended", `update partner set status = 'ended' where partner_id = (select partner_id from member where member_id = $1)`, `update partner set status = 'active'`, false, false},
		{"tenant suspended", `update tenant set status = 'suspended' where tenant_id = (select tenant_id from member where member_id = $1)`, `update tenant set status = 'active'`, false, false},
	} {
		p := make("p" + strconv.Itoa(i) + "@reach.test")
		if s, k := alive(p); !s || !k {
			t.Fatalf("%s: dead before: %t %t", c.name, s, k)
		}
		h.exec(c.sql, p.member)
		// The clock stands still: only a notice can end what is cached.
		h.eventually(c.name, func() bool { s, k := alive(p); return s == c.session && k == c.key })
		if c.back != "" {
			h.exec(c.back)
		}
	}
}

// A hot request asks the database nothing; without the listener an answer lives one second, with it ten.
func TestHotCredentialCostsNoRoundTrip(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	who, err := h.ByKey(t.Context(), h.acme.APIKey)
	must(t, err)
	public := h.ops.DB.Pool(pg.Public)
	taken := func() int64 { return public.Stat().AcquireCount() }
	for name, c := range map[string]struct {
		told bool
		life time.Duration
	}{"alone": {false, freshUntold}, "told": {true, freshFor}} {
		h.cache.told.Store(c.told)
		h.clock.forward(freshFor)
		_, err = h.ByKey(t.Context(), h.acme.APIKey)
		must(t, err)
		before := taken()
		h.clock.forward(c.life - time.Millisecond)
		for range 100 {
			got, err := h.ByKey(t.Context(), h.acme.APIKey)
			if err != nil || got.Member != who.Member {
				t.Fatal(err)
			}
		}
		if n := taken() - before; n != 0 {
			t.Errorf("%s: %d round trips", name, n)
		}
		h.clock.forward(time.Millisecond)
		_, err = h.ByKey(t.Context(), h.acme.APIKey)
		must(t, err)
		if taken() == before {
			t.Errorf("%s: not read again after its time", name)
		}
	}
}

// An answer that was read before a change is not kept after it.
func TestAnswerReadBeforeAChangeIsNotKept(t *testing.T) {
	t.Parallel()
	c := newCache()
	now := time.Now()
	key := sha256.Sum256([]byte("x"))
	who := access.Actor{Member: id.New()}
	generation := c.generation.Load()
	c.drop(id.New())
	c.put(key, &known{who: who, until: now.Add(time.Hour)}, generation)
	if c.get(key, now) != nil {
		t.Error("kept")
	}
	c.put(key, &known{who: who, until: now.Add(time.Hour)}, c.generation.Load())
	if c.get(key, now) == nil {
		t.Error("not kept")
	}
	if c.get(key, now.Add(time.Hour)) != nil {
		t.Error("repeated after its time")
	}
	c.drop(who.Member)
	if c.get(key, now) != nil {
		t.Error("not dropped")
	}
	for i := range cacheCapacity + 500 {
		c.put(sha256.Sum256([]byte(strconv.Itoa(i))), &known{}, c.generation.Load())
	}
	if len(c.rows) > cacheCapacity {
		t.Errorf("grew to %d", len(c.rows))
	}
}

// A12: a suspended programme is dead to everybody in it, for sign-in too.
func TestSuspendedTenantIsDead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	inv, err := h.Invite(t.Context(), h.admin(), InviteInput{Email: "sam@acme.test", Name: "Sam", Role: role.Staff})
	must(t, err)
	h.exec(`update tenant set status = 'suspended'`)
	if v := h.mustSignIn("ada@acme.test"); v.Bound || len(v.Memberships) != 0 {
		t.Errorf("got in: %+v", v)
	}
	if _, err := h.ByKey(t.Context(), h.acme.APIKey); !errs.IsKind(err, errs.Unauthenticated) {
		t.Errorf("the key works: %v", err)
	}
	_, err = h.Invitation(t.Context(), token(t, inv.URL))
	wantCode(t, err, "invitation.not_found")
	if b, err := tenant.New(h.ops).BrandFor(t.Context(), "acme.example"); err != nil || b != (tenant.Brand{}) {
		t.Errorf("still shown: %+v %v", b, err)
	}
}

func BenchmarkHotKey(b *testing.B) {
	c := newCache()
	s := &Service{cache: c}
	now := time.Now()
	key := "ent_aaaaaaaa_" + "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst"
	c.put(sha256.Sum256([]byte(key)), &known{who: access.Actor{Member: id.New()}, until: now.Add(time.Hour)}, 0)
	b.ReportAllocs()
	for b.Loop() {
		if s.cache.get(sha256.Sum256([]byte(key)), now) == nil {
			b.Fatal("cold")
		}
	}
}
