package deal

import (
	"strings"
	"testing"
	"testing/quick"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// The whole transition table: what is not named here is refused.
func TestNext(t *testing.T) {
	want := map[State]map[access.Action]State{
		StateDraft:     {ActSubmit: StateSubmitted, ActWithdraw: StateWithdrawn},
		StateSubmitted: {ActApprove: StateApproved, ActReturn: StateReturned, ActReject: StateRejected, ActWithdraw: StateWithdrawn},
		StateReturned:  {ActSubmit: StateSubmitted, ActWithdraw: StateWithdrawn},
		StateApproved:  {ActWin: StateWon, ActLose: StateLost, ActWithdraw: StateWithdrawn, ActExpire: StateExpired},
		StateExpired:   {ActWin: StateWon, ActLose: StateLost},
	}
	acts := []access.Action{ActSubmit, ActReturn, ActApprove, ActReject, ActWithdraw, ActWin, ActLose, ActExpire, ActUpdate}
	for _, from := range States {
		for _, act := range acts {
			got, err := Next(from, act)
			to, ok := want[from][act]
			if ok && (err != nil || got != to) {
				t.Errorf("%s from %s: %s, %v; want %s", act, from, got, err, to)
			}
			if !ok && (!errs.Is(err, "deal.state") || got != from || !strings.Contains(err.Error(), string(from))) {
				t.Errorf("%s from %s: %s, %v; want deal.state naming the state", act, from, got, err)
			}
		}
	}
}

func TestWrongStateSaysWhatIsPossible(t *testing.T) {
	for _, c := range []struct {
		from State
		act  access.Action
		want string
	}{
		{StateDraft, ActApprove, "This deal is draft and cannot be approved now. It can be submitted or withdrawn."},
		{StateSubmitted, ActWin, "This deal is submitted and cannot be won now. It can be approved, returned, rejected or withdrawn."},
		{StateWon, ActLose, "This deal is won and cannot be lost now. Nothing more can be done to it."},
	} {
		_, err := Next(c.from, c.act)
		if got := errs.Of(err).Msg; got != c.want {
			t.Errorf("%s from %s: %q", c.act, c.from, got)
		}
	}
}

func TestCan(t *testing.T) {
	partner, owner, other := id.New(), id.New(), id.New()
	grants := map[access.Action]access.Scope{}
	for act := range steps {
		grants[act] = access.All
	}
	grants[ActUpdate], grants[ActMove] = access.All, access.All
	staff := access.Actor{Kind: access.Person, Persona: access.Staff, Member: other, Grants: grants}
	mate := access.Actor{Kind: access.Person, Persona: access.Partner, Partner: partner, Member: other, Grants: map[access.Action]access.Scope{ActUpdate: access.Own, ActSubmit: access.Own}}
	self := mate
	self.Member = owner
	d := Deal{Partner: partner, Owner: owner, State: StateDraft}
	for _, c := range []struct {
		name  string
		who   access.Actor
		state State
		act   access.Action
		want  bool
	}{
		{"owner edits a draft", self, StateDraft, ActUpdate, true},
		{"a colleague with own scope does not", mate, StateDraft, ActUpdate, false},
		{"owner cannot edit what is submitted", self, StateSubmitted, ActUpdate, false},
		{"staff can", staff, StateSubmitted, ActUpdate, true},
		{"staff cannot edit what is closed", staff, StateWon, ActUpdate, false},
		{"approve what is submitted", staff, StateSubmitted, ActApprove, true},
		{"not a draft", staff, StateDraft, ActApprove, false},
		{"move an approved one", staff, StateApproved, ActMove, true},
		{"not a lost one", staff, StateLost, ActMove, false},
	} {
		d.State = c.state
		if got := d.Can(c.who, c.act); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	d.State, d.CreatedBy = StateSubmitted, other
	if d.Can(staff, ActApprove) {
		t.Error("invariant 3: who registered a deal may approve it")
	}
}

func TestDay(t *testing.T) {
	for s, want := range map[string]bool{"": true, "2026-03-28": true, "2024-02-29": true, "2026-02-29": false, "2026-13-01": false,
		"28.03.2026": false, "2026-3-8": false, "0001-01-01": false, "2201-01-01": false, " 2026-03-28": false} {
		if _, ok := ParseDay(s); ok != want {
			t.Errorf("ParseDay(%q) = %t", s, ok)
		}
	}
	never := func(s string) bool { d, ok := ParseDay(s); return !ok || d == "" || DayOf(d.Time()) == d }
	if err := quick.Check(never, nil); err != nil {
		t.Error(err)
	}
}

func TestBuckets(t *testing.T) {
	got := byAge([]age{{0, 3}, {1, 1}, {2, 2}, {3, 4}, {6, 1}, {7, 1}, {14, 5}, {400, 1}})
	want := []int64{3, 3, 5, 1, 6}
	for i, b := range got {
		if b.Count != want[i] {
			t.Errorf("%s: %d, want %d", b.Label, b.Count, want[i])
		}
	}
	if ages[0].Count != 0 {
		t.Error("the buckets of one summary leak into the next")
	}
}

func TestMonthsHaveNoGaps(t *testing.T) {
	got := byMonth("2025-06-01", []wonSum{{"2025-08-01", Money{"EUR", 5, 1}}, {"2025-08-01", Money{"USD", 7, 2}}})
	if len(got) != months || got[0].Month != "2025-06-01" || got[17].Month != "2026-11-01" || len(got[2].Totals) != 2 || len(got[1].Totals) != 0 {
		t.Errorf("%v", got)
	}
}
