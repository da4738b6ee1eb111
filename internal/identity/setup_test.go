package identity

import (
	"sync"
	"testing"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/optest"
	"entente.dev/internal/tenant"
)

func TestSetUp(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ops := optest.New(t, db)
	s := New(ops, Options{Tenants: tenant.New(ops)})
	older, err := s.SetUpLink(t.Context())
	must(t, err)
	url, err := s.SetUpLink(t.Context())
	must(t, err)
	wantCode(t, s.SetUpOpen(t.Context(), token(t, older)), "link.not_found")
	tok := token(t, url)

	_, err = s.SetUp(t.Context(), access.Request{}, tok, SetUpInput{Programme: "", Name: "", Email: "x", Password: "short", Currency: "EURO", TimeZone: "Mars/Base"})
	names := map[string]bool{}
	for _, f := range errs.Of(err).Fields {
		names[f.Name] = true
	}
	for _, want := range []string{"programme", "name", "email", "password", "currency", "time_zone"} {
		if !names[want] {
			t.Errorf("field %s is not refused: %v", want, err)
		}
	}
	if names["slug"] {
		t.Error("a short name that nobody typed is refused beside the name it is made from")
	}
	if fresh, err := s.Unfounded(t.Context()); err != nil || !fresh {
		t.Errorf("unfounded before set-up: %v, %v", fresh, err)
	}

	in := SetUpInput{Programme: "Acme & Söhne", Name: "Ada", Email: "Ada@Acme.test", Password: plain, Currency: "EUR", TimeZone: "Europe/Berlin"}
	var wait sync.WaitGroup
	results := make([]error, 3)
	var made Founded
	for i := range results {
		wait.Go(func() {
			var f Founded
			if f, results[i] = s.SetUp(t.Context(), access.Request{}, tok, in); results[i] == nil {
				made = f
			}
		})
	}
	wait.Wait()
	good := 0
	for _, err := range results {
		if err == nil {
			good++
		} else if !errs.Is(err, "link.not_found") {
			t.Errorf("refused with %v", err)
		}
	}
	if good != 1 {
		t.Fatalf("%d programmes were founded by one link", good)
	}
	if fresh, err := s.Unfounded(t.Context()); err != nil || fresh {
		t.Errorf("unfounded after set-up: %v, %v", fresh, err)
	}
	who, err := s.BySession(t.Context(), made.Session.Token)
	must(t, err)
	if who.Role != role.Admin || who.Tenant != made.Tenant || who.Member != made.Member {
		t.Errorf("signed in as %+v", who)
	}
	set, err := tenant.New(ops).Overview(t.Context(), who)
	must(t, err)
	if set.Settings.Slug != "acme-s-hne" || set.Settings.DefaultCurrency != "EUR" || len(set.Stages) != 5 {
		t.Errorf("founded %+v", set)
	}
	if again, err := s.SetUpLink(t.Context()); err != nil || again != "" {
		t.Errorf("another link: %q %v", again, err)
	}
}

func TestCreateAdmin(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	who, err := h.ByKey(t.Context(), h.acme.APIKey)
	must(t, err)
	if who.Tenant != h.acme.TenantID || who.Member != h.acme.UserID || !who.May("tenant.update") {
		t.Errorf("the key acts as %+v", who)
	}
	_, err = h.CreateAdmin(t.Context(), AdminInput{Slug: "acme", Programme: "Acme", Email: "x@acme.test", Password: plain})
	wantCode(t, err, "tenant.slug_taken")
	if n := h.count(`select count(*) from person where email = 'x@acme.test'`); n != 0 {
		t.Error("half a programme was founded")
	}
}
