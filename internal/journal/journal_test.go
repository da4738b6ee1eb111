package journal

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
	"entente.dev/internal/policy"
	"entente.dev/internal/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type world struct {
	*testing.T
	db     *pg.DB
	ops    *op.Ops
	s      *Service
	tenant id.ID
	admin  access.Actor
	now    time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	db := pgtest.New(t)
	w := &world{T: t, db: db, ops: optest.New(t, db), now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}
	w.ops.Clock = func() time.Time { return w.now }
	w.ops.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	w.s = New(w.ops)
	w.tenant = w.found("acme")
	w.admin = access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: w.tenant, Member: id.New(), Role: role.Admin, Name: "Ada", Grants: role.Grants(role.Admin)}
	return w
}

func (w *world) found(slug string) id.ID {
	w.Helper()
	made, err := tenant.New(w.ops).Create(w.Context(), access.NewPlatform(id.New(), "test"), tenant.CreateInput{Slug: slug, Name: slug}, nil)
	if err != nil {
		w.Fatal(err)
	}
	return made.ID
}

func (w *world) visit(change func(*Visit)) {
	v := Visit{At: w.now, Tenant: w.tenant, Member: w.admin.Member, Kind: "person", Name: "Ada", IP: "192.0.2.1", Method: "GET", Route: "/deals/{id}", Action: "deal.read", Status: 200,
		Took: 3 * time.Millisecond, UserAgent: "Browser", RequestID: "r"}
	if change != nil {
		change(&v)
	}
	w.s.Visit(v)
}

func (w *world) count(sql string, args ...any) (n int) {
	w.Helper()
	if err := pgtest.Super(w.T, w.db).QueryRow(w.Context(), sql, args...).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

func TestAccessLog(t *testing.T) {
	w := newWorld(t)
	other := w.found("other")
	for i := range 3 {
		w.visit(func(v *Visit) { v.At = v.At.Add(time.Duration(i) * time.Second) })
	}
	w.visit(func(v *Visit) { v.Status, v.Name, v.Method, v.IP = 403, "Ben", "POST", "192.0.2.9" })
	w.visit(func(v *Visit) { v.Tenant, v.Name = other, "Eve" })
	w.visit(func(v *Visit) { v.Tenant = id.Nil }) // belongs to nobody
	w.visit(func(v *Visit) {
		v.Kind, v.Name, v.Member, v.UserAgent = "anonymous", "", id.Nil, strings.Repeat("é", 400)+"\x00\xff"
	})
	w.s.Flush(t.Context())
	if got := w.s.Stats(); got != (Stats{Kept: 6}) {
		t.Errorf("stats %+v", got)
	}
	list := func(q Query) string {
		page, err := w.s.List(t.Context(), w.admin, q)
		if err != nil {
			return errs.Of(err).Code
		}
		var out []string
		for _, e := range page.Items {
			out = append(out, fmt.Sprintf("%s %s %d", e.Name, e.Method, e.Status))
		}
		return strings.Join(out, ", ")
	}
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{Text: "ben"}, "Ben POST 403"}, {Query{Result: "refused"}, "Ben POST 403"}, {Query{IP: "192.0.2.9"}, "Ben POST 403"}, {Query{Method: "post"}, "Ben POST 403"}, {Query{Result: "failed"}, ""},
		{Query{Text: "%"}, ""}, {Query{Text: "Eve"}, ""}, {Query{Result: "odd"}, "invalid"}, {Query{From: w.now.Add(time.Second)}, "Ada GET 200, Ada GET 200"},
		{Query{To: w.now.Add(2 * time.Second), From: w.now.Add(time.Second)}, "Ada GET 200"}, {Query{Cursor: "x"}, "cursor.bad"},
	} {
		if got := list(c.q); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
	seen := 0
	for q := (Query{Limit: 2}); ; {
		page, err := w.s.List(t.Context(), w.admin, q)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(page.Items)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if seen != 5 {
		t.Errorf("%d entries over the pages, want 5", seen)
	}
	var b strings.Builder
	if err := w.s.Export(t.Context(), w.admin, Query{}, sheet.NewCSV(&b)); err != nil || strings.Count(b.String(), "\n") != 6 || strings.Contains(b.String(), "Eve") {
		t.Errorf("export: %v\n%s", err, b.String())
	}
	staff := w.admin
	staff.Grants = role.Grants(role.Staff)
	if _, err := w.s.List(t.Context(), staff, Query{}); !errs.IsKind(err, errs.Forbidden) {
		t.Errorf("staff reads the access log: %v", err)
	}
}

// Invariant 2.
func TestFaultsAreGroupedUntilSolved(t *testing.T) {
	w := newWorld(t)
	broken := func(n int) {
		for range n {
			w.visit(func(v *Visit) {
				v.Status, v.Fault, v.Trace = 500, "panic runtime.Error", "entente.dev/internal/deal.Broken:7"
			})
		}
		w.s.Flush(t.Context())
		w.now = w.now.Add(time.Hour)
	}
	broken(3)
	broken(2)
	w.visit(func(v *Visit) { v.Status, v.Route = 503, "/" })
	w.s.Flush(t.Context())
	page, err := w.s.Errors(t.Context(), w.admin, "open", "", 0)
	if err != nil || len(page.Items) != 2 || page.Items[1].Seen != 5 || page.Items[1].Title != "panic runtime.Error" {
		t.Fatalf("%+v, %v", page.Items, err)
	}
	key := page.Items[1].ID
	r, times, err := w.s.Error(t.Context(), w.admin, key)
	if err != nil || len(times) != 5 || r.Trace == "" {
		t.Errorf("%+v %d %v", r, len(times), err)
	}
	if r, err = w.s.Solve(t.Context(), w.admin, key, true); err != nil || r.State != "solved" || r.SolvedBy != "Ada" || !r.SolvedAt.Equal(w.now) {
		t.Errorf("solved: %+v, %v", r, err)
	}
	if again, err := w.s.Solve(t.Context(), w.admin, key, true); err != nil || again.Version != r.Version {
		t.Errorf("solved again: %+v, %v", again, err)
	}
	if page, err = w.s.Errors(t.Context(), w.admin, "solved", "", 0); err != nil || len(page.Items) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	broken(1)
	if r, _, err = w.s.Error(t.Context(), w.admin, key); err != nil || r.State != "open" || r.SolvedAt != nil || r.Seen != 6 {
		t.Errorf("after it came back: %+v, %v", r, err)
	}
	stranger := w.admin
	stranger.Tenant = w.found("other")
	for _, err := range []error{second(w.s.Solve(t.Context(), stranger, key, true)), third(w.s.Error(t.Context(), stranger, key)), second(w.s.Solve(t.Context(), w.admin, id.New(), true))} {
		if !errs.IsKind(err, errs.NotFound) {
			t.Errorf("somebody else's report: %v", err)
		}
	}
}

func second[A any](_ A, err error) error { return err }

func third[A, B any](_ A, _ B, err error) error { return err }

// Invariant 3: analytics with identifiers only where the policy stores them.
func TestUsageFollowsThePolicy(t *testing.T) {
	w := newWorld(t)
	base, _ := datamap.ProfileOf(datamap.DefaultProfile)
	policies := policy.New(w.ops, base)
	partner := id.New()
	use := func() {
		for _, m := range []id.ID{w.admin.Member, w.admin.Member, {1}} {
			w.visit(func(v *Visit) { v.Member, v.Partner = m, partner })
		}
		w.visit(func(v *Visit) { v.Partner, v.Method = partner, "POST" })
		w.visit(func(v *Visit) { v.Partner, v.Status = partner, 404 })
		w.visit(func(v *Visit) { v.Kind = "service" })
		w.visit(nil)
		w.s.Flush(t.Context())
	}
	use()
	use()
	if got := w.s.Stats(); got.Lost != 0 {
		t.Fatalf("stats %+v", got)
	}
	counts := func() [4]int {
		return [4]int{w.count(`select count(*) from app.usage_event`), w.count(`select coalesce(sum(visits), 0) from app.usage_event`), w.count(`select count(*) from app.usage_day`), w.count(`select sum(visits) from app.usage_day`)}
	}
	if diff := cmp.Diff([4]int{2, 8, 2, 8}, counts()); diff != "" {
		t.Error(diff)
	}
	a, err := w.s.Adoption(t.Context(), w.admin, partner)
	if err != nil || a.Visits != 6 || a.People != 2 || a.Last.Format(time.DateOnly) != "2026-05-04" {
		t.Errorf("adoption %+v, %v", a, err)
	}
	if _, err := policies.Apply(t.Context(), w.admin, policy.Input{Rules: []policy.RuleInput{{Category: "analytics", Period: "not stored"}}}); err != nil {
		t.Fatal(err)
	}
	use()
	if diff := cmp.Diff([4]int{2, 8, 2, 12}, counts()); diff != "" {
		t.Error(diff)
	}
}

func TestWorkflows(t *testing.T) {
	w := newWorld(t)
	for i, s := range []Step{{Kind: Job, Name: "mail.send", Outcome: "completed"}, {Kind: Vendor, Name: "mail server", Outcome: "failed", Fault: "internal *mailer.Error"}, {Kind: Job, Name: "import.check", Outcome: "failed", Fault: "SQLSTATE 40001"}} {
		s.At, s.Tenant, s.Took = w.now.Add(time.Duration(i)*time.Minute), w.tenant, time.Second
		w.s.Step(s)
	}
	w.s.Step(Step{Kind: Job, Name: "log.partitions"}) // of no tenant
	w.s.Flush(t.Context())
	for q, want := range map[WorkQuery]string{{}: "import.check mail server mail.send", {Kind: Vendor}: "mail server", {Outcome: "completed"}: "mail.send", {Name: "IMPORT"}: "import.check"} {
		page, err := w.s.Workflows(t.Context(), w.admin, q)
		var got []string
		for _, x := range page.Items {
			got = append(got, x.Name)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%+v: %v, %v", q, got, err)
		}
	}
}

// Invariant 4: a full buffer and a database that refuses lose entries, count them, and hold nobody up.
func TestRecordingNeverBlocks(t *testing.T) {
	w := newWorld(t)
	for range bufferSize + 10 {
		w.visit(nil)
	}
	if got := w.s.Stats(); got != (Stats{Lost: 10, Waiting: bufferSize}) {
		t.Errorf("stats %+v", got)
	}
	for len(w.s.visits) > 0 {
		<-w.s.visits
	}
	w.visit(func(v *Visit) { v.Tenant = id.ID{15: 1} }) // there is no such tenant: the log takes it all the same
	w.visit(func(v *Visit) { v.Tenant, v.Status = id.ID{15: 1}, 500 })
	w.s.Flush(t.Context())
	if got := w.s.Stats(); got != (Stats{Lost: 12}) {
		t.Errorf("stats %+v", got)
	}
}
