package benchmark_test

import (
	"fmt"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/benchmark"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/optest"
	"entente.dev/internal/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// programmes founds twelve, each with eight deals in each of two quarters, and returns their Admins.
func programmes(t *testing.T, exec func(string, ...any)) []access.Actor {
	t.Helper()
	var admins []access.Actor
	for i := range 12 {
		v, member, account, stage := id.New(), id.New(), id.New(), id.New()
		exec(`insert into tenant (tenant_id, slug, name) values ($1, $2, 'X')`, v, fmt.Sprintf("t%d", i))
		exec(`insert into member (tenant_id, member_id, role, name, status) values ($1, $2, 'admin', 'Ada', 'active')`, v, member)
		partner := id.New()
		exec(`insert into partner (tenant_id, partner_id, name) values ($1, $2, 'North')`, v, partner)
		exec(`insert into account (tenant_id, account_id, name, source) values ($1, $2, 'Customer', 'vendor')`, v, account)
		exec(`insert into stage (tenant_id, stage_id, name, position, probability, kind) values ($1, $2, 'Won', 1, 100, 'won')`, v, stage)
		for _, day := range []string{"2026-04-10", "2026-07-10"} { // one in each of two quarters
			for range 8 {
				exec(`insert into deal (tenant_id, deal_id, partner_id, account_id, stage_id, title, state, currency, amount_minor, submitted_at, decided_at, closed_on, account_name, source)
				  values ($1, $2, $3, $4, $5, 'Deal', 'won', 'EUR', 1000000, $6::timestamptz - interval '3 days', $6, $7, 'Customer', 'vendor')`, v, id.New(), partner, account, stage, day, day)
			}
		}
		admins = append(admins, access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: v, Member: member, Role: role.Admin, Name: "Ada", Credential: id.New(), Grants: role.Grants(role.Admin)})
	}
	return admins
}

// Twelve programmes take part, one leaves: what it sees and what is made of it ends at once.
func TestReleaseAndRevoke(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	o, super := optest.New(t, db), pgtest.Super(t, db)
	now := time.Date(2026, 7, 20, 0, 0, 0, 0, time.UTC)
	o.Clock = func() time.Time { now = now.Add(time.Millisecond); return now }
	s := benchmark.New(o, tenant.New(o))
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := super.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	count := func(sql string) (n int) {
		t.Helper()
		if err := super.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	admins := programmes(t, exec)
	get := func(i int) benchmark.Board {
		t.Helper()
		b, err := s.Get(t.Context(), admins[i])
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	release := func() {
		t.Helper()
		if err := s.RunRelease(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if get(0).Choice.In {
		t.Fatal("a programme takes part without having said so")
	}
	for _, who := range admins[:11] {
		if _, err := s.Opt(t.Context(), who, true); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Opt(t.Context(), admins[0], false); err != nil {
		t.Fatal(err)
	}
	release()
	release() // twice is once
	if n := count(`select count(*) from benchmark_release`); n != 1 {
		t.Errorf("%d releases", n)
	}
	if n := count(`select count(*) from benchmark_cell where contributors <> 10`); n != 0 {
		t.Errorf("%d figures count somebody who left or was never in", n)
	}
	if b := get(0); len(b.Figures) != 0 || b.Choice.In {
		t.Errorf("who left sees %v", b.Figures)
	}
	if b := get(11); len(b.Figures) != 0 {
		t.Errorf("who was never in sees %v", b.Figures)
	}
	seesAll(t, get(1))
	// The next quarter: two come back, one goes. The figure must not tell who.
	for i, in := range map[int]bool{0: true, 11: true, 1: false} {
		if _, err := s.Opt(t.Context(), admins[i], in); err != nil {
			t.Fatal(err)
		}
	}
	if b := get(1); len(b.Figures) != 0 {
		t.Error("who left still sees figures")
	}
	now = time.Date(2026, 10, 10, 0, 0, 0, 0, time.UTC)
	release()
	if n := count(`select count(*) from benchmark_cell c join benchmark_release r using (release_id) where r.quarter = '2026-07-01'`); n != 0 {
		t.Errorf("%d figures of a quarter in which one of ten changed", n)
	}
	tries(t, s, count)
	onlyAdmins(t, s, admins[2])
}

// onlyAdmins makes sure that only an Admin says whether a programme takes part.
func onlyAdmins(t *testing.T, s *benchmark.Service, staff access.Actor) {
	t.Helper()
	staff.Grants = role.Grants(role.Staff)
	if _, err := s.Opt(t.Context(), staff, false); !errs.IsKind(err, errs.Forbidden) {
		t.Errorf("staff: %v", err)
	}
}

// seesAll makes sure that a programme which takes part sees every figure of ten.
func seesAll(t *testing.T, b benchmark.Board) {
	t.Helper()
	got := map[string]float64{}
	for _, f := range b.Figures {
		got[f.Metric+" "+f.Segment] = f.Value
		if f.Band != "10 to 19" {
			t.Errorf("band %q", f.Band)
		}
	}
	want := map[string]float64{"decision-days all": 3, "win-rate all": 1, "deal-size EUR": 1000000, "decision-days small": 3, "win-rate small": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(b.Own) == 0 {
		t.Errorf("figures %v, own %v", got, b.Own)
	}
}

// tries makes sure that the probe finds nothing wrong and leaves nothing behind.
func tries(t *testing.T, s *benchmark.Service, count func(string) int) {
	t.Helper()
	if wrong, looked, err := s.Try(t.Context()); err != nil || len(wrong) > 0 || looked != 5 {
		t.Errorf("%v, %d looked at, %v", wrong, looked, err)
	}
	if n := count(`select count(*) from benchmark_release where quarter < '2000-01-01'`); n != 0 {
		t.Error("the probe left a release behind")
	}
}
