package identity

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/optest"
	"entente.dev/internal/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const plain = "plum orbit velvet cactus"

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) forward(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// house is an installation with one programme "acme" and its Admin.
type house struct {
	*Service
	t     *testing.T
	clock *clock
	super *pgx.Conn
	acme  AdminDone
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db := pgtest.New(t)
	c := &clock{at: time.Now().UTC()}
	ops := optest.New(t, db)
	ops.Clock = c.now
	h := &house{Service: New(ops, Options{Tenants: tenant.New(ops)}), t: t, clock: c, super: pgtest.Super(t, db)}
	var err error
	h.acme, err = h.CreateAdmin(t.Context(), AdminInput{Slug: "acme", Programme: "Acme", Name: "Ada Admin", Email: "ada@acme.test", Password: plain})
	must(t, err)
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if !errs.Is(err, code) {
		t.Errorf("got error %v, want %s", err, code)
	}
}

// actor is a member as if signed in, without a session.
func (h *house) actor(tenantID, member id.ID) access.Actor {
	h.t.Helper()
	var m Membership
	var person id.ID
	m.Tenant, m.Member = tenantID, member
	must(h.t, h.super.QueryRow(h.t.Context(), `select partner_id, role, name, person_id from member where tenant_id = $1 and member_id = $2`, tenantID, member).
		Scan(&m.Partner, &m.Role, &m.Name, &person))
	return m.actor(person, id.Nil, access.Request{})
}

func (h *house) admin() access.Actor { return h.actor(h.acme.TenantID, h.acme.UserID) }

// partner makes a partner company.
func (h *house) partner(name string) id.ID {
	v := id.New()
	h.exec(`insert into partner (tenant_id, partner_id, name) values ($1, $2, $3)`, h.acme.TenantID, v, name)
	return v
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	_, err := h.super.Exec(h.t.Context(), sql, args...)
	must(h.t, err)
}

func (h *house) count(sql string, args ...any) (n int) {
	h.t.Helper()
	must(h.t, h.super.QueryRow(h.t.Context(), sql, args...).Scan(&n))
	return n
}

// join invites somebody and accepts as them.
func (h *house) join(who access.Actor, in InviteInput) (access.Actor, Session) {
	h.t.Helper()
	inv, err := h.Invite(h.t.Context(), who, in)
	must(h.t, err)
	v, err := h.Accept(h.t.Context(), access.Request{}, AcceptInput{Token: token(h.t, inv.URL), Name: in.Name, Password: plain})
	must(h.t, err)
	return h.actor(who.Tenant, inv.ID), v
}

func token(t testing.TB, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	must(t, err)
	if !strings.HasPrefix(link, "https://portal.example/") || u.Query().Get("token") == "" {
		t.Fatalf("%q is no link of ours", link)
	}
	return u.Query().Get("token")
}

func (h *house) signIn(email, password string) (Session, error) {
	return h.SignIn(h.t.Context(), access.Request{IP: "192.0.2.7"}, SignInInput{Email: email, Password: password})
}

func (h *house) mustSignIn(email string) Session {
	h.t.Helper()
	v, err := h.signIn(email, plain)
	must(h.t, err)
	return v
}

func (h *house) dead(t testing.TB, token string) {
	t.Helper()
	if _, err := h.BySession(t.Context(), token); !errs.IsKind(err, errs.Unauthenticated) {
		t.Errorf("the session still answers: %v", err)
	}
}

func (h *house) alive(t testing.TB, token string) access.Actor {
	t.Helper()
	who, err := h.BySession(t.Context(), token)
	if err != nil {
		t.Errorf("the session is dead: %v", err)
	}
	return who
}

// listening runs the service until the test ends and returns once it hears the database.
func (h *house) listening() {
	ctx, stop := context.WithCancel(h.t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = h.Run(ctx) }()
	h.t.Cleanup(func() { stop(); <-ended })
	h.eventually("the listener is up", func() bool { return h.cache.told.Load() })
}

// eventually waits for what another process of ours brings about.
func (h *house) eventually(what string, ok func() bool) {
	h.t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-limit.C:
			h.t.Fatalf("never happened: %s", what)
		case <-tick.C:
		}
	}
}
