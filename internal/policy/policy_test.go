package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/datamap"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
	"entente.dev/internal/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type world struct {
	*testing.T
	db      *pg.DB
	ops     *op.Ops
	s       *Service
	tenant  id.ID
	admin   access.Actor
	system  access.Actor
	tenants *tenant.Service
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	db := pgtest.New(t)
	base, _ := datamap.ProfileOf(datamap.DefaultProfile)
	w := &world{T: t, db: db, ops: optest.New(t, db)}
	w.s, w.tenants = New(w.ops, base), tenant.New(w.ops)
	w.ops.Listeners["tenant.created"] = []op.Listener{func(ctx context.Context, tx *op.Tx, _ event.Event) error { return w.s.Found(ctx, tx) }}
	w.tenant = w.found("acme")
	w.system = access.NewSystem(w.tenant, "operator")
	w.admin = access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: w.tenant, Member: id.New(), Role: role.Admin, Name: "Ada", Grants: role.Grants(role.Admin)}
	return w
}

func (w *world) found(slug string) id.ID {
	w.Helper()
	made, err := w.tenants.Create(w.Context(), access.NewPlatform(id.New(), "test"), tenant.CreateInput{Slug: slug, Name: slug}, nil)
	if err != nil {
		w.Fatal(err)
	}
	return made.ID
}

func (w *world) get() Effective {
	w.Helper()
	e, err := w.s.Get(w.Context(), w.admin)
	if err != nil {
		w.Fatal(err)
	}
	return e
}

func (w *world) apply(who access.Actor, in Input) Effective {
	w.Helper()
	e, err := w.s.Apply(w.Context(), who, in)
	if err != nil {
		w.Fatal(err)
	}
	return e
}

// rows returns what is enforced, as text.
func (w *world) rows() map[string]string {
	w.Helper()
	super := pgtest.Super(w.T, w.db)
	rows, err := super.Query(w.Context(), `select category, concat_ws(' ', coalesce(keep::text, 'ever'), event, case when stored then '' else 'unstored' end, case when from_tenant then 'own' else '' end)
		from app.retention_rule where tenant_id = $1 union all select clock, concat_ws(' ', coalesce(keep::text, ''), who) from app.policy_clock where tenant_id = $1`, w.tenant)
	if err != nil {
		w.Fatal(err)
	}
	out := map[string]string{}
	for rows.Next() {
		var k, v string
		if err := rows.Scan(&k, &v); err != nil {
			w.Fatal(err)
		}
		out[k] = strings.TrimSpace(v)
	}
	if rows.Err() != nil {
		w.Fatal(rows.Err())
	}
	return out
}

// Invariant 1: from the founding on, and after Ensure for a tenant that was there before.
func TestEveryTenantHasAPolicy(t *testing.T) {
	w := newWorld(t)
	e := w.get()
	if e.Number != 1 || e.Profile != "default" || len(e.Rules) != 20 || len(e.Clocks) != 4 || e.Rule("server-log").Words() != "30 days from recording" {
		t.Errorf("after founding: %+v", e)
	}
	got := w.rows()
	for what, want := range map[string]string{"server-log": "30 days recorded", "user-account": "3 years last-sign-in", "cache": "24:00:00 recorded", "password-breach": "00:00:00 recorded unstored",
		"business-data": "ever recorded", "authorization": "00:00:00 account-deletion", "breach-notice": "72:00:00", "subject-answer": "tenant-admin"} {
		if got[what] != want {
			t.Errorf("%s is enforced as %q, want %q", what, got[what], want)
		}
	}
	if len(got) != 24 {
		t.Errorf("%d rows", len(got))
	}
	super := pgtest.Super(t, w.db)
	for _, table := range []string{"policy_version", "retention_rule", "policy_clock"} {
		if _, err := super.Exec(t.Context(), `delete from app.`+table); err != nil {
			t.Fatal(err)
		}
	}
	if e := w.get(); e.Number != 0 || e.Rule("server-log").Period.N != 30 {
		t.Errorf("without rows: %+v", e)
	}
	for range 2 {
		if err := w.s.Ensure(t.Context(), w.tenant); err != nil {
			t.Fatal(err)
		}
		if e := w.get(); e.Number != 1 {
			t.Errorf("version %d after Ensure", e.Number)
		}
	}
	if diff := cmp.Diff(got, w.rows()); diff != "" {
		t.Error(diff)
	}
}

// Invariant 2, for every profile: what is written is what the profile says, and it reads back.
func TestEveryProfileApplies(t *testing.T) {
	w := newWorld(t)
	for n, name := range []string{"partners-one", "partnerportal", "dpa-annex", "partro", "codific", "default"} {
		p, _ := datamap.ProfileOf(name)
		made := w.apply(w.system, Input{Profile: name})
		read := w.get()
		if diff := cmp.Diff(made.Rules, read.Rules); diff != "" || read.Number != n+2 || read.Profile != name {
			t.Errorf("%s: version %d, %s", name, read.Number, diff)
		}
		for i, r := range read.Rules {
			if r.Rule != p.Retention[i] || r.Own {
				t.Errorf("%s: %+v, want %+v", name, r, p.Retention[i])
			}
		}
		for i, c := range read.Clocks {
			if c.Clock != p.Clocks[i] || c.Own {
				t.Errorf("%s: %+v, want %+v", name, c, p.Clocks[i])
			}
		}
		if n == 3 && w.rows()["analytics"] != "00:00:00 recorded unstored" {
			t.Errorf("partro: analytics %q", w.rows()["analytics"])
		}
	}
}

// Invariant 5.
func TestApplyingAgainChangesNothing(t *testing.T) {
	w := newWorld(t)
	first := w.apply(w.system, Input{Profile: "partro"})
	for _, in := range []Input{{Profile: "partro"}, {}, {Rules: []RuleInput{{Category: "server-log", Period: "30 days"}}}, {Clocks: []ClockInput{{Clock: "policy-notice", Period: "2 weeks"}}}} {
		if again := w.apply(w.system, in); again.Number != first.Number {
			t.Errorf("%+v made version %d", in, again.Number)
		}
	}
}

// Invariants 3, 4 and 6.
func TestATenantIsStricterNeverLaxer(t *testing.T) {
	w := newWorld(t)
	e := w.apply(w.admin, Input{Number: 1, Rules: []RuleInput{{Category: "server-log", Period: "2 weeks"}}, Clocks: []ClockInput{{Clock: "breach-notice", Period: "24 hours"}}})
	if r := e.Rule("server-log"); r.Words() != "14 days from recording" || !r.Own || e.Rule("cache").Own || !e.Clock("breach-notice").Own {
		t.Errorf("%+v", e)
	}
	if got := w.rows()["server-log"]; got != "14 days recorded  own" {
		t.Errorf("enforced: %q", got)
	}
	before := w.rows()
	for _, c := range []struct {
		in    Input
		field string
		code  string
	}{
		{Input{Rules: []RuleInput{{Category: "server-log", Period: "31 days"}}}, "retention.server-log.period", "policy.laxer"},
		{Input{Rules: []RuleInput{{Category: "audit-log", Period: "6 months"}}}, "retention.audit-log.period", "policy.log_shorter"},
		{Input{Rules: []RuleInput{{Category: "security-event", Period: "11 months"}}}, "retention.security-event.period", "policy.log_shorter"},
		{Input{Rules: []RuleInput{{Category: "server-log", Period: "-1 days"}}}, "retention.server-log.period", "policy.period"},
		{Input{Rules: []RuleInput{{Category: "server-lag", Period: "1 day"}}}, "retention.server-lag", "policy.category_unknown"},
		{Input{Rules: []RuleInput{{Category: "server-log", Period: "1 day", Event: "solved"}}}, "retention.server-log.event", "policy.event"},
		{Input{Rules: []RuleInput{{Category: "customer-data", Period: "not stored"}}}, "retention.customer-data.period", "policy.needed"},
		{Input{Rules: []RuleInput{{Category: "cache", Period: "1 hour"}, {Category: "email-log", Period: "indefinitely"}}}, "retention.email-log.period", "policy.laxer"},
		{Input{Clocks: []ClockInput{{Clock: "policy-notice", Period: "13 days"}}}, "clocks.policy-notice.period", "policy.laxer"},
		{Input{Clocks: []ClockInput{{Clock: "subject-answer", Who: "app"}}}, "clocks.subject-answer.who", "policy.laxer"},
		{Input{Clocks: []ClockInput{{Clock: "tea"}}}, "clocks.tea", "policy.clock_unknown"},
		{Input{Profile: "partners-one"}, "retention.legal-entity.period", "policy.laxer"},
		{Input{Profile: "acme"}, "profile", "policy.profile_unknown"},
		{Input{File: &Profile{Name: "acme"}}, "profile", "policy.operator"},
	} {
		_, err := w.s.Apply(t.Context(), w.admin, c.in)
		e := errs.Of(err)
		if e == nil || e.Kind != errs.Invalid || !slices.ContainsFunc(e.Fields, func(f errs.Field) bool { return f.Name == c.field && f.Code == c.code }) {
			t.Errorf("%+v: %v", c.in, err)
		}
		if _, _, preview := w.s.Preview(t.Context(), w.admin, c.in); fmt.Sprint(preview) != fmt.Sprint(err) {
			t.Errorf("%+v: the preview says %v", c.in, preview)
		}
	}
	if diff := cmp.Diff(before, w.rows()); diff != "" || w.get().Number != 2 {
		t.Errorf("a refused change left something: version %d, %s", w.get().Number, diff)
	}
	if _, err := w.s.Apply(t.Context(), w.admin, Input{Number: 1, Rules: []RuleInput{{Category: "cache", Period: "1 hour"}}}); !errs.Is(err, "policy.stale") {
		t.Errorf("stale: %v", err)
	}
	// A new base: what is still stricter stays, the rest follows the base.
	e = w.apply(w.system, Input{Profile: "codific"})
	if got := []string{e.Rule("server-log").Words(), e.Rule("audit-log").Words(), e.Clock("breach-notice").Words()}; !slices.Equal(got, []string{"14 days from recording", "2 months from recording", "24 hours"}) {
		t.Errorf("after a new base: %v", got)
	}
	// Of a profile that is laxer here and stricter there, the stricter part can be taken.
	e = w.apply(w.admin, Input{Profile: "partners-one", Stricter: true})
	if got := []string{e.Profile, e.Rule("workflow-log").Words(), e.Rule("server-log").Words(), e.Rule("user-account").Words(), e.Rule("error-report").Words()}; !slices.Equal(got, []string{"codific", "90 days from recording", "14 days from recording", "while customer", "until solved"}) {
		t.Errorf("the stricter part: %v", got)
	}
	// Back to the profile's rule.
	if e = w.apply(w.admin, Input{Rules: []RuleInput{{Category: "server-log"}}}); e.Rule("server-log").Own || e.Rule("server-log").Words() != "60 days from recording" {
		t.Errorf("back: %+v", e.Rule("server-log"))
	}
}

func TestVersionsTellWhatChanged(t *testing.T) {
	w := newWorld(t)
	w.apply(w.admin, Input{Rules: []RuleInput{{Category: "server-log", Period: "14 days"}}})
	w.apply(w.system, Input{Profile: "partnerportal"})
	for i := range versionsAPage {
		w.apply(w.admin, Input{Rules: []RuleInput{{Category: "export", Period: fmt.Sprintf("%d hours", i+1)}}})
	}
	page, err := w.s.Versions(t.Context(), w.admin, 0)
	if err != nil || len(page.Items) != versionsAPage || page.Next != 4 {
		t.Fatalf("%d items, next %d, %v", len(page.Items), page.Next, err)
	}
	page, err = w.s.Versions(t.Context(), w.admin, page.Next)
	if err != nil || len(page.Items) != 3 || page.Next != 0 {
		t.Fatalf("%d items, next %d, %v", len(page.Items), page.Next, err)
	}
	want := []Change{{"server-log", "Server and API access log", "30 days from recording", "14 days from recording", "shorter"}}
	if diff := cmp.Diff(want, page.Items[1].Changes); diff != "" || page.Items[1].AppliedBy != "Ada" || page.Items[2].Changes != nil {
		t.Errorf("%s %+v", diff, page.Items[1].AppliedBy)
	}
}

func TestWhoMay(t *testing.T) {
	w := newWorld(t)
	staff, stranger := w.admin, w.admin
	staff.Role, staff.Grants = role.Staff, role.Grants(role.Staff)
	stranger.Tenant = w.found("other")
	if _, err := w.s.Get(t.Context(), staff); err != nil {
		t.Error(err)
	}
	if _, err := w.s.Apply(t.Context(), staff, Input{Rules: []RuleInput{{Category: "server-log", Period: "1 day"}}}); !errs.IsKind(err, errs.Forbidden) {
		t.Errorf("staff applied a policy: %v", err)
	}
	w.apply(stranger, Input{Rules: []RuleInput{{Category: "server-log", Period: "1 day"}}})
	if e := w.get(); e.Number != 1 {
		t.Error("a tenant changed the policy of another")
	}
	if _, err := w.s.Get(t.Context(), access.Actor{}); !errs.IsKind(err, errs.Unauthenticated) {
		t.Errorf("nobody reads: %v", err)
	}
	// The public reads the numbers, and not who applied them.
	e, err := w.s.Public(t.Context(), w.tenant, access.Request{})
	if err != nil || e.Number != 1 || e.AppliedBy != "" || len(e.Rules) != 20 || e.Base.Name != "" {
		t.Errorf("public: %+v, %v", e, err)
	}
	if _, err := w.db.Pool(pg.Public).Exec(t.Context(), `select applied_by_name from policy_version`); err == nil {
		t.Error("the public persona reads who applied a policy")
	}
	if b, err := json.Marshal(w.get()); err != nil || strings.Contains(string(b), "Ada") {
		t.Errorf("the document names people: %s %v", b, err)
	}
}

// The operator's profile for all programmes is applied to all or to none: the last of them refuses, the first has not changed.
func TestApplyAllIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	others := []id.ID{w.found("beta"), w.found("gamma")}
	all := []access.Actor{w.system, access.NewSystem(others[0], "operator"), access.NewSystem(others[1], "operator")}
	super := pgtest.Super(t, w.db)
	numbers := func() (out []int) {
		for _, who := range all {
			e, err := w.s.Get(t.Context(), who)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, e.Number)
		}
		return out
	}
	entries := func() (n int) {
		if err := super.QueryRow(t.Context(), `select count(*) from app.audit_entry where action = 'policy.apply' and outcome = 'done'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	founded := entries()
	if _, err := super.Exec(t.Context(), `alter table app.policy_version add constraint test_ck check (tenant_id <> '`+others[1].String()+`') not valid`); err != nil {
		t.Fatal(err)
	}
	_, err := w.s.ApplyAll(t.Context(), all, Input{Profile: "partro"})
	if each := (*op.EachError)(nil); !errors.As(err, &each) || each.At != 2 {
		t.Fatalf("the third programme refuses: %v", err)
	}
	if got := numbers(); !slices.Equal(got, []int{1, 1, 1}) || entries() != founded {
		t.Errorf("half applied: versions %v, %d entries", got, entries())
	}
	if _, err := super.Exec(t.Context(), `alter table app.policy_version drop constraint test_ck`); err != nil {
		t.Fatal(err)
	}
	done, err := w.s.ApplyAll(t.Context(), all, Input{Profile: "partro"})
	if err != nil || len(done) != 3 || done[2].Old.Profile != "default" || done[2].New.Profile != "partro" {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := numbers(); !slices.Equal(got, []int{2, 2, 2}) || entries() != founded+3 {
		t.Errorf("versions %v, %d entries", got, entries())
	}
	if _, err := w.s.ApplyAll(t.Context(), []access.Actor{w.system, w.admin}, Input{Profile: "codific"}); !errs.IsKind(err, errs.Forbidden) {
		t.Errorf("a person changed several programmes: %v", err)
	}
}
