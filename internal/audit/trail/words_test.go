package trail

import (
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/id"

	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	e := Entry{Action: "deal.update", Changes: map[string][2]any{
		"amount_minor": {nil, 1240000.0}, "currency": {nil, "EUR"}, "country": {"", "DE"}, "protected_until": {nil, "2026-07-01T10:00:00Z"}, "expected_close_on": {"2026-03-01", "2026-04-02"},
		"domains": {nil, []any{"a.example", "b.example"}}, "partner_id": {nil, id.New().String()}, "import_id": {nil, nil}, "claim_key": {nil, "d:a.example"}, "odd_thing": {true, false}, "name": {"A", nil}}}
	want := []Line{{"Name", "A", ""}, {"Amount", "", "€ 12,400.00"}, {"Currency", "", "EUR"}, {"Expected close", "1 Mar 2026", "2 Apr 2026"},
		{"Protected until", "", "1 Jul 2026, 12:00 CEST"}, {"Domains", "", "a.example, b.example"}, {"Country", "", "Germany"}, {"Odd thing", "yes", "no"}}
	if diff := cmp.Diff(want, e.Lines(berlin)); diff != "" {
		t.Error(diff)
	}
	bare := Entry{Changes: map[string][2]any{"amount_minor": {nil, 5.0}}}
	if got := bare.Lines(nil); got[0].New != "5 in minor units" {
		t.Errorf("%+v", got)
	}
}

func TestDid(t *testing.T) {
	for _, c := range []struct {
		e    Entry
		want string
	}{
		{Entry{Action: "deal.approve"}, "approved"},
		{Entry{Action: "deal.approve", Outcome: "denied"}, "was refused"},
		{Entry{Action: "stage.update", Changes: map[string][2]any{"name": {nil, "Pilot"}}}, "added"},
		{Entry{Action: "stage.update", Changes: map[string][2]any{"name": {"Pilot", nil}}}, "removed"},
		{Entry{Action: "stage.update", Changes: map[string][2]any{"name": {"Pilot", "Trial"}}}, "changed"},
		{Entry{Action: "thing.turn_over"}, "did turn over"},
	} {
		if got := c.e.Did(); got != c.want {
			t.Errorf("%s: %q, want %q", c.e.Action, got, c.want)
		}
	}
}

// Every action that can leave an entry has words of its own.
func TestEveryActionHasWords(t *testing.T) {
	for _, act := range role.Actions() {
		if _, ok := done[act]; !ok && !role.Reads(act) {
			t.Errorf("%s has no words", act)
		}
	}
}

func TestPartnersAreNotToldTheVendorsOwn(t *testing.T) {
	e := Entry{IP: "10.0.0.1", UserAgent: "x", RequestID: "r", Credential: id.New(), Changes: map[string][2]any{"external_id": {nil, "7"}, "name": {nil, "A"}}}
	got := e.shown(access.Actor{Persona: access.Partner})
	if got.IP+got.UserAgent+got.RequestID != "" || got.Credential != id.Nil || len(got.Changes) != 1 {
		t.Errorf("%+v", got)
	}
}
