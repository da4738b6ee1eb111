package retention_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/retention"
)

// sample is a row whose event is known, and the last moment on which it has to be there.
type sample struct {
	declared
	rule    datamap.Rule
	forever bool
	until   time.Time // gone from this moment on
	probe   string    // counts it
	args    []any
}

// settle puts one row of every declared table into the programme, each with its events at t0, the deletion of the account among them.
func (w *world) settle(p datamap.Profile, t0 time.Time) []sample {
	w.Helper()
	w.at(t0)
	w.apply(p)
	w.exec(`update tenant set deletion_requested_at = $2 where tenant_id = $1`, w.tenant, t0)
	var out []sample
	for _, d := range w.declared() {
		s := sample{declared: d, rule: p.Rule(d.category)}
		if _, knows := d.events[string(s.rule.Event)]; !knows && s.rule.Event != datamap.AccountDeletion && s.rule.Event != datamap.RelationEnd {
			if w.count(`select count(*) from pg_constraint c join retention_tables() t on t.rel = c.confrelid and t.category = $2 and t.events ? $3
			     where c.conrelid = ('app.' || $1)::regclass and c.confdeltype = 'c'`, d.table, d.category, string(s.rule.Event)) == 0 {
				w.Errorf("%s knows nothing of the event %s, and goes with nothing that does", d, s.rule.Event)
			}
			continue // it goes with the row that it belongs to
		}
		mark := id.New()
		switch d.table {
		case "row_history":
			s.put(w, t0, map[string]any{"row_id": mark})
			s.probe, s.args = `select count(*) from row_history where row_id = $1`, []any{mark}
		case "throttle":
			s.put(w, t0, map[string]any{"key": mark.String()})
			s.probe, s.args = `select count(*) from throttle where key = $1`, []any{mark.String()}
		case "session":
			s.put(w, t0, map[string]any{"session_id": mark, "tenant_id": w.tenant, "token_hash": `\x` + strings.ReplaceAll(mark.String(), "-", "")})
			s.probe, s.args = `select count(*) from session where session_id = $1`, []any{mark}
		case "member":
			person := id.New()
			w.exec(`insert into person (person_id, email, name, last_sign_in_at) values ($1, $2, 'Pat', $3)`, person, person.String()+"@north.example", t0)
			s.put(w, t0, map[string]any{"member_id": mark, "person_id": person})
			s.probe, s.args = `select count(*) from member where member_id = $1 and name = 'Pat' and email <> ''`, []any{mark}
		case "partner":
			s.put(w, t0, map[string]any{"partner_id": mark})
			w.exec(`insert into deal (tenant_id, deal_id, partner_id, title, state, stage_id, currency) select $1, gen_random_uuid(), $2, 'Its deal', 'draft', $3, 'USD'`, w.tenant, mark, w.stage())
			s.probe, s.args = `select count(*) from partner where partner_id = $1 and name = 'North'`, []any{mark}
		default:
			key := w.keyOf(d.table)
			s.put(w, t0, map[string]any{key: mark})
			s.probe, s.args = fmt.Sprintf(`select count(*) from app.%s where %s = $1`, d.table, key), []any{mark}
		}
		s.deadline(t0)
		out = append(out, s)
	}
	return out
}

func (s *sample) put(w *world, t0 time.Time, more map[string]any) {
	w.Helper()
	w.put(s.declared, t0, more)
}

// keyOf returns the last column of the primary key, which is a uuid.
func (w *world) keyOf(table string) (key string) {
	w.Helper()
	if err := w.super.QueryRow(w.Context(), `select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::int2[]) and a.atttypid = 'uuid'::regtype and a.attname <> 'tenant_id'
	  where i.indrelid = ('app.' || $1)::regclass and i.indisprimary order by a.attnum desc limit 1`, table).Scan(&key); err != nil {
		w.Fatalf("%s: %v", table, err)
	}
	return key
}

func (w *world) stage() id.ID {
	w.Helper()
	v := id.New()
	w.exec(`insert into stage (tenant_id, stage_id, name, position) values ($1, $2, $3, 1)`, w.tenant, v, v.String())
	return v
}

// deadline says from when on the row must be gone, by the words of the profile and nothing of the engine.
func (s *sample) deadline(t0 time.Time) {
	switch s.rule.Period.Unit {
	case datamap.Forever:
		s.forever = true
	case datamap.NotStored:
		s.until = t0
	case datamap.Hours:
		s.until = t0.Add(time.Duration(s.rule.Period.N) * time.Hour)
	default:
		day := t0.UTC().Truncate(24 * time.Hour)
		s.until = s.rule.Period.After(day).AddDate(0, 0, 1)
	}
}

// there counts the rows of all samples, in one turn to the database.
func (w *world) there(all []sample) []int64 {
	w.Helper()
	b := &pgx.Batch{}
	out := make([]int64, len(all))
	for i, s := range all {
		b.Queue(s.probe, s.args...).QueryRow(func(row pgx.Row) error { return row.Scan(&out[i]) })
	}
	if err := w.super.SendBatch(w.Context(), b).Close(); err != nil {
		w.Fatal(err)
	}
	return out
}

// walk moves the clocks over ten years, to just before and just after every deadline and to their end, and returns what was
// there too long or not long enough.
func (w *world) walk(all []sample, t0 time.Time) map[string][]string {
	w.Helper()
	moments := map[time.Time]bool{}
	for _, s := range all {
		if !s.forever && s.until.After(t0) {
			moments[s.until.Add(-40*time.Minute)], moments[s.until.Add(40*time.Minute)] = true, true
			if s.table == "member" {
				moments[s.until.AddDate(0, 0, -31)] = true // the warning
			}
		}
	}
	moments[t0.AddDate(10, 0, 3)] = true // what stays for ever is looked for at every moment, this one the last
	found := map[string][]string{}
	for _, m := range slices.SortedFunc(maps.Keys(moments), time.Time.Compare) {
		if m.Before(t0) {
			continue
		}
		w.at(m)
		r := w.run()
		if r.Outcome != retention.Done || r.FinishedAt == nil {
			w.Errorf("at %s: report %+v", m, r)
		}
		if n := w.count(`select count(*) from retention_run where run_id = $1 and outcome = 'done'`, r.ID); n != 1 {
			w.Errorf("at %s: %d reports", m, n)
		}
		there := w.there(all)
		for i, s := range all {
			switch {
			case there[i] == 0 && (s.forever || m.Before(s.until)):
				found[s.String()] = append(found[s.String()], fmt.Sprintf("%s: gone on %s, %s before its time", s, m.Format(time.DateTime), s.until.Sub(m)))
			case there[i] != 0 && !s.forever && !m.Before(s.until):
				found[s.String()] = append(found[s.String()], fmt.Sprintf("%s: still there on %s, %s after its time", s, m.Format(time.DateTime), m.Sub(s.until)))
			}
		}
	}
	return found
}

// t0 is a day on which months and leap years matter little and the hour matters.
func begin() time.Time { return time.Now().UTC().Truncate(24 * time.Hour).Add(10 * time.Hour) }

// The test of the promise: for every profile and every category, the last allowed day has the rows and the next has not.
func TestTenYearsOfEveryProfile(t *testing.T) {
	t.Parallel()
	for _, p := range datamap.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			t0 := begin()
			all := w.settle(p, t0)
			for _, lines := range w.walk(all, t0) {
				t.Error(strings.Join(lines, "\n"))
			}
			categories := map[string]bool{}
			for _, s := range all {
				categories[s.category] = true
			}
			if len(categories) < 8 {
				t.Errorf("only %v", slices.Sorted(maps.Keys(categories)))
			}
			if w.count(`select count(*) from member where member_id = $1 and name = 'Ada'`, w.admin.Member) != 1 {
				t.Error("the last Admin was erased")
			}
		})
	}
}

// Without any one declaration, or with a horizon a day off, the walk finds it: for each table.
func TestTheWalkSeesEveryLostMechanism(t *testing.T) {
	t.Parallel()
	p, _ := datamap.ProfileOf(datamap.DefaultProfile)
	cases := map[string]func(w *world, all []sample){
		"the declarations are gone": func(w *world, all []sample) {
			for _, s := range all {
				w.exec(`comment on table app.` + s.table + ` is null`)
			}
		},
		"a day too early": func(w *world, _ []sample) {
			w.exec(`alter function retention_cutoff(interval, timestamptz) rename to exact_cutoff`)
			w.exec(`create function app.retention_cutoff(keep interval, at timestamptz) returns timestamptz language sql immutable as 'select app.exact_cutoff(keep, at) + interval ''1 day'''`)
			w.exec(`grant execute on function app.retention_cutoff(interval, timestamptz), app.exact_cutoff(interval, timestamptz) to entente_staff, entente_worker, entente_retention`)
		},
		"a day too late": func(w *world, _ []sample) {
			w.exec(`alter function retention_cutoff(interval, timestamptz) rename to exact_cutoff`)
			w.exec(`create function app.retention_cutoff(keep interval, at timestamptz) returns timestamptz language sql immutable as 'select app.exact_cutoff(keep, at) - interval ''1 day'''`)
			w.exec(`grant execute on function app.retention_cutoff(interval, timestamptz), app.exact_cutoff(interval, timestamptz) to entente_staff, entente_worker, entente_retention`)
		},
	}
	for name, mutate := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			t0 := begin()
			all := w.settle(p, t0)
			mutate(w, all)
			found := w.walk(all, t0)
			for _, s := range all {
				if s.forever || name == "a day too early" && s.table == "member" { // erased by its last day, of which the day before is warned about
					continue
				}
				if len(found[s.String()]) == 0 {
					t.Errorf("nobody noticed for %s", s)
				}
			}
		})
	}
}
