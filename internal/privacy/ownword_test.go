package privacy

import (
	"encoding/json"
	"strings"
	"testing"
)

func (w *world) packed(sub Subject) string {
	w.t.Helper()
	p, err := w.s.gather(w.t.Context(), w.partner.Tenant, sub)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := json.Marshal(p.Data)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// People write their own name, and partners write contacts. Neither reaches what others wrote about somebody else.
func TestOwnWordIsNoProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	theirs := w.contact(w.rival, "Carla Customer", "carla@konex.example", "+31 6 1234 5678")
	w.note(w.rival, w.deal(w.rival, "Westbrook Pharma, twenty robots"), "They say that Westbrook Pharma pays 40 percent more.")
	mine := w.note(w.partner, w.deal(w.partner, "Konex"), "Pat wrote that Westbrook Pharma is ours.")
	address := w.text(`select email from member where member_id = $1`, w.partner.Member)
	w.exec(`update member set name = 'Westbrook Pharma' where member_id = $1`, w.partner.Member)
	sub := Request{Source: selfService, Email: address, Name: "Westbrook Pharma"}.Subject()

	me, err := w.s.MyData(t.Context(), w.partner, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range me.Counts {
		if c.Table == "deal" || c.Table == "deal_note" && c.Rows != 1 {
			t.Errorf("a name of one's own choice counts %d rows of %s", c.Rows, c.Table)
		}
	}
	plan, err := w.s.makePlan(t.Context(), w.partner.Tenant, sub)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range plan.Lines {
		if l.Table == "deal" || l.Table == "deal_note" && l.Rows != 1 {
			t.Errorf("an erasure of oneself takes %d rows of %s", l.Rows, l.Table)
		}
	}
	if plan.Namesakes == 0 {
		t.Error("the officer is not told of what carries the name only")
	}

	text := w.packed(sub)
	planted := w.contact(w.partner, "Carla Customer", address, "06-12345678")
	for _, text := range []string{text, w.packed(sub)} {
		for _, foreign := range []string{"percent more", "twenty robots", "carla@konex.example", theirs.String()} {
			if strings.Contains(text, foreign) {
				t.Errorf("the package holds %q of somebody else", foreign)
			}
		}
	}
	for _, own := range []string{address, w.partner.Member.String(), planted.String(), mine.String()} {
		if !strings.Contains(w.packed(sub), own) {
			t.Errorf("the package lacks %q", own)
		}
	}
	if sub.Self, sub.Namesakes = false, true; !strings.Contains(w.packed(sub), "percent more") {
		t.Error("not even the officer who looked reaches what carries the name only")
	}
}

// Of two people of one name, each gets their own data only.
func TestNamesakesDataStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.contact(w.rival, "Nina Namesake", "nina@konex.example", "")
	w.contact(w.partner, "Nina Namesake", "nina@westbrook.example", "")
	w.note(w.partner, w.deal(w.partner, "Anything"), "Nina Namesake is on leave until May.")
	text := w.packed(Subject{Email: "nina@konex.example", Name: "Nina Namesake"})
	if !strings.Contains(text, "nina@konex.example") || strings.Contains(text, "nina@westbrook.example") || strings.Contains(text, "on leave") {
		t.Errorf("somebody else's data is handed out, or none: %s", text)
	}
}
