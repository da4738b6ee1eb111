package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/datamap"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/retention"
	"entente.dev/internal/tenant"
)

// unheld are the categories of which the demo has no rows that go by themselves, each with the reason.
var unheld = map[string]string{
	"authorization":   "lives as long as the programme and goes with it",
	"backup":          "the program makes none yet",
	"billing":         "the program holds none yet",
	"feature-flag":    "the program has none",
	"password-breach": "what is compared is not stored",
}

// never is when rows go that nothing takes.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// lasting is what the demo has of one table and category: for each row, from when on it may not be there.
type lasting struct {
	name, table, category string
	probe                 string // counts what is left of these rows
	gone                  []time.Time
	least                 int // of them stay whatever the rule says
}

// left is how many of the rows have to be there.
func (l lasting) left(at time.Time) (n int) {
	for _, g := range l.gone {
		if at.Before(g) {
			n++
		}
	}
	return max(n, l.least)
}

// over says from when on something is gone, by the words of the profile and nothing of the engine.
func over(rule datamap.Rule, event *time.Time, since time.Time) time.Time {
	switch {
	case rule.Period.Unit == datamap.NotStored:
		return since
	case rule.Period.Unit == datamap.Forever || event == nil:
		return never
	case rule.Period.Unit == datamap.Hours:
		return rule.Period.After(*event)
	}
	return rule.Period.After(event.UTC().Truncate(24*time.Hour)).AddDate(0, 0, 1)
}

// decade is the demo under a profile, from t0 on.
type decade struct {
	*house
	profile datamap.Profile
	tenant  id.ID
	t0      time.Time // the programme was left then
	shift   time.Duration
}

// rows reads what there is of every table and category.
func (d *decade) rows() (out []lasting) {
	d.Helper()
	rows, err := d.db.Query(d.Context(), `select tab, category, how, events::text, shared, exists (select from pg_attribute a where a.attrelid = rel and a.attname = 'category')
	  from app.retention_tables() where how in ('rows', 'partitions', 'columns') or tab in ('member', 'stored_file')`)
	if err != nil {
		d.Fatal(err)
	}
	type declared struct {
		Tab, Category, How, Events string
		Shared, ByRow              bool
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[declared])
	if err != nil {
		d.Fatal(err)
	}
	for _, t := range all {
		events := map[string]string{}
		if err := json.Unmarshal([]byte(t.Events), &events); err != nil {
			d.Fatal(err)
		}
		rule := d.profile.Rule(t.Category)
		l := lasting{name: t.Category + " in " + t.Tab, table: t.Tab, category: t.Category}
		col, known := events[string(rule.Event)]
		switch {
		case rule.Event == datamap.AccountDeletion:
			col = "$1::timestamptz"
		case rule.Event == datamap.RelationEnd:
			col = "coalesce(" + col + ", $1::timestamptz)"
		case !known:
			continue // it goes with the row that it belongs to
		}
		// What the walk itself adds is younger than t0.
		where := []string{"$1::timestamptz is not null", fmt.Sprintf("coalesce(%s, $1) <= $1", events["recorded"])}
		if events["recorded"] == "" || t.Tab == "throttle" { // counts its time ahead
			where = where[:1]
		}
		if t.Tab == "session" || !t.Shared {
			where = append(where, fmt.Sprintf("tenant_id = '%s'", d.tenant))
		}
		switch {
		case t.How == "columns":
			where = append(where, "erased_at is null")
		case t.Tab == "member":
			where, l.least = append(where, "erased_at is null and kind = 'person'"), 1 // the last Admin
		case t.Tab == "stored_file":
			where = append(where, "state = 'ready'")
		case t.Tab == "audit_entry" && t.ByRow:
			where = append(where, fmt.Sprintf("category = '%s'", t.Category))
		}
		from := fmt.Sprintf("from app.%s where %s", t.Tab, strings.Join(where, " and "))
		l.probe = "select count(*) " + from
		found, err := d.db.Query(d.Context(), fmt.Sprintf("select (%s)::timestamptz %s", col, from), d.t0)
		if err != nil {
			d.Fatal(l.name, err)
		}
		marks, err := pgx.CollectRows(found, pgx.RowTo[*time.Time])
		if err != nil {
			d.Fatal(l.name, err)
		}
		for _, m := range marks {
			l.gone = append(l.gone, over(rule, m, d.t0))
		}
		if len(marks) > 0 {
			out = append(out, l)
		}
	}
	return out
}

// moments are just before and just after the first and the last end of each, the warning of accounts, and the end of ten years.
func (d *decade) moments(all []lasting) []time.Time {
	set := map[time.Time]bool{d.t0.AddDate(10, 0, 3): true}
	for _, l := range all {
		ends := slices.DeleteFunc(slices.Clone(l.gone), func(g time.Time) bool { return g.Equal(never) || !g.After(d.t0) })
		if len(ends) == 0 {
			continue
		}
		first, last := slices.MinFunc(ends, time.Time.Compare), slices.MaxFunc(ends, time.Time.Compare)
		for _, g := range []time.Time{first, last} {
			set[g.Add(-2*time.Minute)], set[g.Add(2*time.Minute)] = true, true
		}
		if l.table == "member" {
			set[first.AddDate(0, 0, -31)], set[last.AddDate(0, 0, -31)] = true, true
		}
	}
	return slices.DeleteFunc(slices.SortedFunc(maps.Keys(set), time.Time.Compare), func(m time.Time) bool { return m.Before(d.t0) })
}

// at sets both clocks.
func (d *decade) at(moment time.Time) {
	d.Helper()
	d.shift = time.Until(moment)
	if _, err := d.db.Exec(d.Context(), `insert into app.clock_shift (shift) values ($1) on conflict on constraint clock_shift_pk do update set shift = excluded.shift`, d.shift); err != nil {
		d.Fatal(err)
	}
}

// walk runs retention at every moment and compares what is there with what has to be.
func (d *decade) walk(all []lasting) {
	d.Helper()
	for _, m := range d.moments(all) {
		d.at(m)
		runs, err := d.app.Retention.RunAll(d.Context(), retention.Daily)
		if err != nil || len(runs) != 1 || runs[0].Outcome != retention.Done || runs[0].TreeSize == nil {
			d.Fatalf("at %s: %+v, %v", m, runs, err)
		}
		b := &pgx.Batch{}
		for _, l := range all {
			b.Queue(l.probe, d.t0).QueryRow(func(row pgx.Row) error {
				var n int
				err := row.Scan(&n)
				if want := l.left(m); err == nil && n != want {
					d.Errorf("%s: %d rows on %s, not %d of %d; first ends %s, last %s", l.name, n, m.Format(time.DateTime), want, len(l.gone),
						slices.MinFunc(l.gone, time.Time.Compare).Format(time.DateTime), slices.MaxFunc(l.gone, time.Time.Compare).Format(time.DateTime))
				}
				return err
			})
		}
		if err := d.db.SendBatch(d.Context(), b).Close(); err != nil {
			d.Fatal(err)
		}
	}
}

// foretold compares the look ahead with what has to come.
func (d *decade) foretold(all []lasting) {
	d.Helper()
	told, err := d.app.Foretell(d.Context(), "", "")
	if err != nil || len(told.Programmes) != 1 {
		d.Fatal(err)
	}
	for _, l := range all {
		if l.table == "throttle" || d.profile.Rule(l.category).Period.Unit == datamap.Hours {
			continue // of the whole installation; to the moment, not to the day
		}
		i := slices.IndexFunc(told.Programmes[0].Tables, func(o retention.Outlook) bool { return o.Table == l.table && o.Category == l.category })
		if i < 0 {
			d.Errorf("%s: not foretold", l.name)
			continue
		}
		last := slices.MaxFunc(l.gone, time.Time.Compare)
		want := ""
		if last.Before(d.t0.AddDate(10, 0, 0)) {
			want = max(last.Format(time.DateOnly), d.t0.Format(time.DateOnly))
		}
		if o := told.Programmes[0].Tables[i]; o.EmptyOn != want {
			d.Errorf("%s: foretold to be empty on %q, not %q", l.name, o.EmptyOn, want)
		}
	}
}

// inUse leaves what only use leaves: a sign-in that failed, a session, and a request that carries a key for its retry.
func (h *house) inUse(v id.ID) {
	h.Helper()
	req := access.Request{IP: "198.51.100.7"}
	for _, password := range []string{"not the password", demoPassword} {
		_, err := h.app.Identity.SignIn(h.Context(), req, identity.SignInInput{Email: "admin@halden.example", Password: password})
		if (err == nil) != (password == demoPassword) {
			h.Fatal(password, err)
		}
	}
	who := access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: v, Member: id.New(), Role: role.Admin, Name: "Ingrid Halden", Credential: id.New(), Grants: role.Grants(role.Admin),
		Request: access.Request{IdempotencyKey: "retry-1"}}
	name := "Charger C1"
	if _, err := h.app.Tenants.AddProduct(h.Context(), who, tenant.ProductInput{Name: &name}); err != nil {
		h.Fatal(err)
	}
}

// The promise, on the demo: under every profile, on the last allowed day every row of every category is there, on the next it is not,
// from the day the programme is left and for ten years.
func TestTenYearsOfTheDemo(t *testing.T) {
	t.Parallel()
	db, data := pgtest.URL(t), t.TempDir()
	h := houseAt(t, db, data)
	if err := h.app.FillDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := h.ids(`select tenant_id from app.tenant`)[0]
	h.inUse(v)
	if err := h.app.Seal.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.app.DB.Close()
	h.db.Close(context.Background())
	for _, p := range datamap.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			own := t.TempDir()
			if err := os.CopyFS(own, os.DirFS(data)); err != nil {
				t.Fatal(err)
			}
			d := &decade{house: houseAt(t, pgtest.Copy(t, db), own), profile: p, tenant: v}
			d.app.Ops.Clock = func() time.Time { return time.Now().Add(d.shift) }
			d.live(own)
		})
	}
}

// live applies the profile as the operator does, leaves the programme, and goes through the ten years.
func (d *decade) live(data string) {
	d.Helper()
	p, err := ReadProfile(d.profile.Name)
	if err != nil {
		d.Fatal(err)
	}
	if done, err := d.app.ApplyPolicy(d.Context(), p, ""); err != nil || len(done) != 1 || done[0].Profile != d.profile.Name {
		d.Fatal(done, err)
	}
	d.t0 = time.Now().UTC()
	if _, err := d.db.Exec(d.Context(), `update app.tenant set deletion_requested_at = $2 where tenant_id = $1`, d.tenant, d.t0); err != nil {
		d.Fatal(err)
	}
	all := d.rows()
	missing := maps.Clone(unheld)
	for _, c := range datamap.Categories() {
		i := slices.IndexFunc(all, func(l lasting) bool { return l.category == c.ID })
		if _, known := unheld[c.ID]; known == (i >= 0) {
			d.Errorf("%s: rows in the demo: %t, listed as without: %t", c.ID, i >= 0, known)
		}
		delete(missing, c.ID)
	}
	if len(missing) > 0 {
		d.Errorf("no such categories: %v", missing)
	}
	d.foretold(all)
	d.walk(all)
	kept := 0
	_ = filepath.WalkDir(filepath.Join(data, "files"), func(_ string, e fs.DirEntry, _ error) error {
		if e != nil && e.Type().IsRegular() {
			kept++
		}
		return nil
	})
	if kept > 0 {
		d.Errorf("%d stored files are still on the disk", kept)
	}
}
