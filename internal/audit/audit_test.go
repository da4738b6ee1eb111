package audit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type meta struct {
	Version int       `db:"version"`
	Updated time.Time `db:"updated_at"`
}

type deal struct {
	*meta
	Title     string     `db:"title"`
	Amount    *int64     `db:"amount_minor"`
	Until     time.Time  `db:"protected_until"`
	Decided   *time.Time `db:"decided_at"`
	Invented  string     `db:"unheard_of"`
	Untagged  string
	skipped   string
	Dismissed string `db:"-"`
}

type mail struct {
	Subject string  `db:"subject"`
	Link    *string `db:"link"`
}

func ptr[T any](v T) *T { return &v }

func TestDiff(t *testing.T) {
	t.Parallel()
	m, err := datamap.Load(t.Context(), pgtest.New(t).Pool(pg.Staff))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	berlin := at.In(time.FixedZone("CET", 3600))
	cases := []struct {
		name          string
		table         string
		before, after any
		want          map[string][2]any
	}{
		{"nothing", "deal", nil, nil, map[string][2]any{}},
		{"new", "deal", nil, deal{Title: "T", Amount: ptr(int64(5)), Untagged: "x", skipped: "x", Dismissed: "x"}, map[string][2]any{"title": {nil, "T"}, "amount_minor": {nil, int64(5)}}},
		{"gone", "deal", &deal{Title: "T"}, nil, map[string][2]any{"title": {"T", nil}}},
		{"a nil pointer is nothing", "deal", (*deal)(nil), deal{Title: "T"}, map[string][2]any{"title": {nil, "T"}}},
		{"changed and emptied", "deal", deal{Title: "A", Amount: ptr(int64(5))}, &deal{Title: "B"}, map[string][2]any{"title": {"A", "B"}, "amount_minor": {int64(5), nil}}},
		{"equal pointers", "deal", deal{Amount: ptr(int64(5))}, deal{Amount: ptr(int64(5))}, map[string][2]any{}},
		{"a moment in another zone", "deal", deal{Until: at, Decided: &at}, deal{Until: berlin, Decided: &berlin}, map[string][2]any{}},
		{"another moment", "deal", deal{Until: at}, deal{Until: at.Add(time.Hour)}, map[string][2]any{"protected_until": {at, at.Add(time.Hour)}}},
		{"what says nothing", "deal", deal{meta: &meta{1, at}}, deal{meta: &meta{2, berlin.Add(1)}}, map[string][2]any{}},
		{"a column that nobody classified", "deal", deal{Invented: "a"}, deal{Invented: "b"}, map[string][2]any{}},
		{"a secret", "mail", nil, mail{"Welcome", ptr("https://portal.example/reset?token=s3cret")}, map[string][2]any{"subject": {nil, "Welcome"}}},
		{"a table that nobody knows", "deals", nil, deal{Title: "T"}, map[string][2]any{}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, Diff(m, c.table, c.before, c.after)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if got := Diff(datamap.Map{}, "deal", nil, deal{Title: "T"}); len(got) != 0 {
		t.Errorf("without a data map %v is on record", got)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"aé", 2, "a"}, {"é", 1, ""}, {"日本", 4, "日"}, {"", 0, ""}} {
		if got := clip(c.s, c.n); got != c.want {
			t.Errorf("clip(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}
