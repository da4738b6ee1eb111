package trail

import (
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/ui"

	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	e := Entry{Action: "deal.update", Changes: map[string][2]any{
		"amount_minor": {nil, 1240000.0}, "currency": {nil, "EUR"}, "country": {"", "DE"}, "protected_until": {nil, "2026-07-01T10:00:00Z"}, "expected_close_on": {"2026-03-01", "2026-04-02"},
		"domains": {nil, []any{"a.example", "b.example"}}, "partner_id": {nil, id.New().String()}, "import_id": {nil, nil}, "claim_key": {nil, "d:a.example"}, "odd_thing": {true, false}, "name": {"A", nil}, "employees": {nil, 1200.0}}}
	want := []Line{{"name", "Name", "A", ""}, {"amount_minor", "Amount", "", "€12.400"}, {"currency", "Currency", "", "EUR"}, {"expected_close_on", "Expected close", "1 Mar 2026", "2 Apr 2026"},
		{"protected_until", "Protected until", "", "1 Jul 2026, 12:00 CEST"}, {"domains", "Domains", "", "a.example, b.example"}, {"country", "Country", "", "Germany"},
		{"employees", "Employees", "", "1.200"}, {"odd_thing", "Odd thing", "yes", "no"}}
	if diff := cmp.Diff(want, e.Lines(ui.Reader{Language: "de", Zone: berlin})); diff != "" {
		t.Error(diff)
	}
	amount := map[string][2]any{"amount_minor": {nil, 500.0}}
	for currency, want := range map[string]string{"": "500 in minor units", "USD": "$5"} {
		if got := Lines(amount, currency, ui.Reader{}); got[0].New != want {
			t.Errorf("%+v, want %q", got, want)
		}
	}
	// Each side is written with its own currency.
	amount = map[string][2]any{"amount_minor": {100.0, 200.0}, "currency": {"USD", "EUR"}}
	if got := Lines(amount, "", ui.Reader{}); got[0].Old != "$1" || got[0].New != "€2" {
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
