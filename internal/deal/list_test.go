package deal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// shelf fills a world with deals that differ in everything a list can filter and sort by.
func shelf(t *testing.T) *world {
	w := newWorld(t)
	for i := range 25 {
		who := []access.Actor{w.partner, w.agent, w.rival}[i%3]
		in := w.facts(fmt.Sprintf("kunde%02d.de", i))
		n := int64(i%5) * 1000
		in.AmountMinor, in.Product = &n, []string{"GTX Basic", "MG Special"}[i%2]
		if i%4 != 0 {
			in.ExpectedCloseOn = Day(fmt.Sprintf("2026-%02d-15", 1+i%12))
		}
		if i%6 == 5 {
			in.AmountMinor, in.Account, in.Currency = nil, AccountFacts{}, "USD"
		}
		if _, err := w.s.Create(t.Context(), who, in); err != nil {
			t.Fatal(err)
		}
		w.pass(13 * time.Hour)
	}
	return w
}

func (w *world) titles(who access.Actor, q Query) []string {
	w.t.Helper()
	var out []string
	for {
		p, err := w.s.List(w.t.Context(), who, q)
		if err != nil {
			w.t.Fatalf("%+v: %v", q, err)
		}
		for _, d := range p.Items {
			out = append(out, d.Title)
		}
		if p.Next == "" {
			return out
		}
		q.Cursor = p.Next
	}
}

// Pages of any size, in any order, hold every deal once, in the order of one big page; and exports have the same rows.
func TestListPages(t *testing.T) {
	w := shelf(t)
	for _, sort := range Sorts {
		whole := w.titles(w.staff, Query{Sort: sort, Limit: 200})
		if len(whole) != 25 {
			t.Fatalf("%s: %d deals", sort, len(whole))
		}
		for _, n := range []int{1, 4, 25} {
			if got := w.titles(w.staff, Query{Sort: sort, Limit: n}); !slices.Equal(got, whole) {
				t.Errorf("%s by %d:\n%v\nwant\n%v", sort, n, got, whole)
			}
		}
		var all []string
		err := w.s.Each(t.Context(), w.staff, Query{Sort: sort}, func(d *Deal) error { all = append(all, d.Title); return nil })
		if err != nil || !slices.Equal(all, whole) {
			t.Errorf("%s: Each %v, %v", sort, all, err)
		}
	}
}

func TestListFilters(t *testing.T) {
	w := shelf(t)
	lo, hi := int64(1000), int64(2000)
	for _, c := range []struct {
		who  access.Actor
		q    Query
		want int
	}{
		{w.staff, Query{}, 25},
		{w.partner, Query{}, 17},
		{w.agent, Query{}, 17},
		{w.rival, Query{}, 8},
		{w.foreign, Query{}, 0},
		{w.rival, Query{Partner: w.partner.Partner}, 0},
		{w.rival, Query{Owner: w.partner.Member}, 0},
		{w.staff, Query{Partner: w.rival.Partner}, 8},
		{w.staff, Query{Owner: w.agent.Member}, 8},
		{w.staff, Query{State: StateDraft}, 25},
		{w.staff, Query{State: StateWon}, 0},
		{w.staff, Query{Stage: "Qualify"}, 25},
		{w.staff, Query{Stage: w.stages["Propose"].String()}, 0},
		{w.staff, Query{Stage: "No such stage"}, 0},
		{w.staff, Query{NoAccount: true}, 4},
		{w.staff, Query{Currency: "usd"}, 4},
		{w.staff, Query{MinMinor: &lo, MaxMinor: &hi}, 8},
		{w.staff, Query{MaxMinor: &hi}, 12},
		{w.staff, Query{CreatedFrom: "2026-03-29", CreatedTo: "2026-03-30"}, 4},
		{w.staff, Query{CloseFrom: "2026-02-15", CloseTo: "2026-03-01"}, 2},
		{w.staff, Query{Q: "KUNDE1"}, 10},
		{w.rival, Query{Q: "kunde1"}, 3},
		{w.foreign, Query{Q: "kunde1"}, 0},
		{w.staff, Query{Q: "special"}, 12},
		{w.staff, Query{Q: "ku"}, 25},
		{w.staff, Query{Q: "re"}, 25},
		{w.staff, Query{Q: "nd"}, 0},
		{w.staff, Query{Q: "100%"}, 0},
		{w.staff, Query{Q: `k_nde1`}, 0},
		{w.staff, Query{Q: `\`}, 0},
		{w.staff, Query{Q: "'; drop table deal; --"}, 0},
		{w.staff, Query{Q: "kunde1", Sort: "amount", Limit: 3, State: StateDraft}, 10},
	} {
		if got := w.titles(c.who, c.q); len(got) != c.want {
			t.Errorf("%s, %+v: %d deals, want %d", c.who.Name, c.q, len(got), c.want)
		}
	}
}

// A50, A7: what is not on the lists of filters and sorts is refused, each with its name.
func TestListRefuses(t *testing.T) {
	w := newWorld(t)
	n := int64(-1)
	_, err := w.s.List(t.Context(), w.partner, Query{State: "gone", Sort: "title; drop table deal", Currency: "QQQ", CreatedFrom: "yesterday", MinMinor: &n, Q: strings.Repeat("q", 101)})
	var names []string
	for _, f := range errs.Of(err).Fields {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "sort state currency created_from amount_min q" {
		t.Errorf("%q: %v", got, err)
	}
	if _, err := w.s.List(t.Context(), w.partner, Query{Cursor: "forged"}); !errs.Is(err, "cursor.bad") {
		t.Errorf("%v", err)
	}
	w.draft(w.partner, "a.de")
	w.draft(w.partner, "b.de")
	p, err := w.s.List(t.Context(), w.partner, Query{Limit: 1})
	if err != nil || p.Next == "" {
		t.Fatal(p, err)
	}
	if _, err := w.s.List(t.Context(), w.foreign, Query{Cursor: p.Next}); !errs.Is(err, "cursor.bad") {
		t.Errorf("another tenant's cursor: %v", err)
	}
	if _, err := w.s.List(t.Context(), w.partner, Query{Cursor: p.Next, Sort: "amount"}); !errs.Is(err, "cursor.bad") {
		t.Errorf("another order's cursor: %v", err)
	}
}

func TestBoardAndSummary(t *testing.T) {
	w := newWorld(t)
	for i := range 53 {
		d := w.approved(w.partner, fmt.Sprintf("kunde%d.de", i))
		if i == 0 {
			if _, err := w.s.Win(t.Context(), w.partner, WinInput{Step: Step{ID: d.ID}, ClosedOn: "2025-12-24"}); err != nil {
				t.Fatal(err)
			}
		}
		if i == 1 {
			if _, err := w.s.Move(t.Context(), w.partner, MoveInput{ID: d.ID, Stage: w.stages["Propose"]}); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.submitted(w.rival, "wartet.de")
	w.pass(26 * time.Hour)
	for _, c := range []struct {
		who                      access.Actor
		qualify, propose, cards  int
		waiting, won, expiringOf int64
	}{{w.staff, 51, 1, 50, 1, 125_000, 10}, {w.agent, 51, 1, 50, 0, 125_000, 10}, {w.rival, 0, 0, 0, 1, 0, 0}, {w.foreign, 0, 0, 0, 0, 0, 0}} {
		b, err := w.s.Board(t.Context(), c.who, BoardQuery{})
		if err != nil || len(b.Columns) != 4 {
			t.Fatalf("%s: %d columns, %v", c.who.Name, len(b.Columns), err)
		}
		q, p := b.Columns[0], b.Columns[1]
		if int(q.Count) != c.qualify || int(p.Count) != c.propose || len(q.Cards) != c.cards {
			t.Errorf("%s: %d, %d, %d cards", c.who.Name, q.Count, p.Count, len(q.Cards))
		}
		if c.qualify > 0 && (len(q.Totals) != 1 || q.Totals[0] != Money{"EUR", 51 * 125_000, 51}) {
			t.Errorf("%s: %v", c.who.Name, q.Totals)
		}
		s, err := w.s.Summary(t.Context(), c.who)
		if err != nil || len(s.WonByMonth) != months || len(s.Expiring) != int(c.expiringOf) || len(s.Pipeline) != 2 || s.Waiting[1].Count != c.waiting {
			t.Errorf("%s: %+v, %v", c.who.Name, s, err)
		}
		won := int64(0)
		for _, m := range s.WonByMonth {
			for _, money := range m.Totals {
				if m.Month == "2025-12-01" {
					won += money.Minor
				}
			}
		}
		if won != c.won {
			t.Errorf("%s won %d", c.who.Name, won)
		}
	}
	if b, err := w.s.Board(t.Context(), w.staff, BoardQuery{Partner: w.partner.Partner, Owner: w.rival.Member}); err != nil || b.Columns[0].Count != 0 {
		t.Errorf("narrowed: %+v, %v", b.Columns[0].Count, err)
	}
	if b, err := w.s.Board(t.Context(), w.staff, BoardQuery{Owner: w.partner.Member}); err != nil || b.Columns[0].Count != 51 {
		t.Errorf("narrowed: %+v, %v", b.Columns[0].Count, err)
	}
}

func TestQueue(t *testing.T) {
	w := newWorld(t)
	named := func(who access.Actor, name, domain string) Deal {
		in := w.facts(domain)
		in.Account.Name = name
		d, err := w.s.Create(t.Context(), who, in)
		if err == nil {
			d, err = w.s.Submit(t.Context(), who, Step{ID: d.ID})
		}
		if err != nil {
			t.Fatal(err)
		}
		w.pass(time.Hour)
		return d
	}
	held := w.approved(w.partner, "kunde.de")
	first := named(w.rival, "Kunde", "kunde.de")
	second := named(w.rival, "Müller Maschinenbau GmbH", "mueller.de")
	third := named(w.partner, "Muller Maschinenbau AG", "")
	fourth := named(w.partner, "Mueller Maschinenbau", "maschinen-mueller.de")
	other := named(w.partner, "Etwas ganz anderes", "anders.de")

	p, err := w.s.Queue(t.Context(), w.staff, QueueQuery{})
	if err != nil || len(p.Items) != 5 || p.Next != "" {
		t.Fatalf("%d items, %v", len(p.Items), err)
	}
	why := func(i int) map[id.ID]string {
		m := map[id.ID]string{}
		for _, a := range p.Items[i].Alike {
			m[a.Deal.ID] = a.Why
		}
		return m
	}
	if p.Items[0].Deal.ID != first.ID || len(p.Items[0].Alike) != 1 || !p.Items[0].Alike[0].Claim || why(0)[held.ID] != SameCustomer {
		t.Errorf("%+v", p.Items[0])
	}
	if m := why(1); m[third.ID] != SameName || m[fourth.ID] != SimilarName || len(m) != 2 {
		t.Errorf("%v", m)
	}
	if len(p.Items[4].Alike) != 0 || p.Items[4].Deal.ID != other.ID {
		t.Errorf("%+v", p.Items[4])
	}
	var got []id.ID
	q := QueueQuery{Limit: 2}
	for {
		p, err := w.s.Queue(t.Context(), w.staff, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range p.Items {
			got = append(got, i.Deal.ID)
		}
		if q.Cursor = p.Next; q.Cursor == "" {
			break
		}
	}
	if !slices.Equal(got, []id.ID{first.ID, second.ID, third.ID, fourth.ID, other.ID}) {
		t.Errorf("pages of the queue: %v", got)
	}
	alike, err := w.s.LookAlikes(t.Context(), w.staff, first.ID)
	if err != nil || len(alike) != 1 {
		t.Errorf("%+v, %v", alike, err)
	}
	_, err = w.s.Queue(t.Context(), w.partner, QueueQuery{})
	wantCode(t, err, "denied")
	if p, err = w.s.Queue(t.Context(), w.foreign, QueueQuery{}); err != nil || len(p.Items) != 0 {
		t.Errorf("the other tenant: %+v, %v", p, err)
	}
}
