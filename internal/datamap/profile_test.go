package datamap

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
)

// TestProfilesSayWhatTheirDocumentsSay holds the numbers of the five documents and of the default; – is as the default.
func TestProfilesSayWhatTheirDocumentsSay(t *testing.T) {
	t.Parallel()
	names := []string{"default", "partners-one", "partnerportal", "dpa-annex", "partro", "codific"}
	table := map[string][]string{
		"legal-entity":    {"7 years relation-end", "10 years relation-end", "0 days account-deletion", "0 days account-deletion", "30 days account-deletion", "0 days account-deletion"},
		"customer-data":   {"30 days account-deletion", "–", "0 days account-deletion", "0 days account-deletion", "30 days account-deletion", "0 days account-deletion"},
		"audit-log":       {"12 months recorded", "indefinitely recorded", "12 months recorded", "–", "–", "2 months recorded"},
		"security-event":  {"12 months recorded", "indefinitely recorded", "12 months recorded", "–", "–", "2 months recorded"},
		"email-log":       {"12 months recorded", "indefinitely recorded", "–", "–", "–", "–"},
		"analytics":       {"2 years recorded", "2 years recorded", "–", "–", "not stored recorded", "–"},
		"user-account":    {"3 years last-sign-in", "3 years last-sign-in", "–", "–", "30 days account-deletion", "0 days account-deletion"},
		"backup":          {"30 days recorded", "30 days recorded", "–", "–", "–", "–"},
		"export":          {"7 days recorded", "7 days recorded", "–", "–", "–", "–"},
		"error-report":    {"91 days recorded", "91 days recorded", "–", "–", "–", "0 days solved"},
		"workflow-log":    {"90 days recorded", "90 days recorded", "–", "–", "–", "–"},
		"server-log":      {"30 days recorded", "30 days recorded", "12 months recorded", "–", "30 days recorded", "60 days recorded"},
		"cache":           {"24 hours recorded", "24 hours recorded", "–", "–", "–", "–"},
		"login-ip":        {"30 days recorded", "–", "–", "–", "–", "30 days recorded"},
		"password-breach": {"not stored recorded", "not stored recorded", "not stored recorded", "–", "–", "–"},
		"feature-flag":    {"indefinitely recorded", "–", "–", "–", "–", "–"},
		"business-data":   {"indefinitely recorded", "–", "–", "–", "indefinitely recorded", "–"},
		"billing":         {"10 years recorded", "indefinitely recorded", "–", "10 years recorded", "–", "–"},
		"authorization":   {"0 days account-deletion", "indefinitely recorded", "–", "–", "–", "0 days account-deletion"},
		"preference":      {"0 days session-end", "–", "–", "–", "–", "0 days session-end"},
		BreachNotice:      {"72 hours", "–", "72 hours", "24 hours", "–", "–"},
		Purge:             {"30 days", "–", "0 days", "0 days", "30 days", "0 days"},
		PolicyNotice:      {"14 days", "–", "–", "–", "14 days", "–"},
		SubjectAnswer:     {"tenant-admin", "operator", "–", "controller", "app", "tenant-admin"},
	}
	if len(profiles) != len(names) {
		t.Fatalf("%d profiles", len(profiles))
	}
	for i, name := range names {
		p, ok := ProfileOf(name)
		if !ok || profiles[i].Name != name {
			t.Fatalf("no profile %s in its place", name)
		}
		got := map[string]string{}
		for _, r := range p.Retention {
			got[r.Category] = fmt.Sprint(r.Period, " ", r.Event)
		}
		for _, c := range p.Clocks {
			if got[c.Clock] = c.Period.String(); c.Clock == SubjectAnswer {
				got[c.Clock] = c.Who
			}
		}
		want := map[string]string{}
		for what, row := range table {
			if want[what] = row[i]; row[i] == "–" {
				want[what] = row[0]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestCategoriesAreWhole(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	m, err := Load(t.Context(), db.Pool(pg.Staff))
	if err != nil {
		t.Fatal(err)
	}
	if len(categories) != 20 {
		t.Errorf("%d categories", len(categories))
	}
	tables := m.Tables()
	for _, c := range Categories() {
		if c.Name == "" || c.Holds == "" || c.Ground == "" || c.Legal == "" || !slices.Contains([]string{"yes", "likely", "no"}, c.PII) || !slices.Contains(c.Events, c.Event) {
			t.Errorf("%s lacks something: %+v", c.ID, c)
		}
		for _, e := range c.Events {
			if e.Words() == "" {
				t.Errorf("%s: unknown event %s", c.ID, e)
			}
		}
		if len(tables[c.ID]) == 0 && c.Elsewhere == "" {
			t.Errorf("%s: no table holds it: classify columns as it, or say in categories.toml why none does", c.ID)
		}
		if c.Personal() && len(c.Subjects) == 0 && c.PII == "yes" {
			t.Errorf("%s is about nobody", c.ID)
		}
	}
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"12 months": "12 months", "1 year": "12 months", "7 years": "7 years", "1 week": "7 days", "24 Hours": "24 hours", "1 day": "1 day", " 0  days ": "0 days",
		"indefinitely": "indefinitely", "not stored": "not stored", "while customer": "0 days", "until solved": "0 days"} {
		p, _, err := ParsePeriod(text)
		if err != nil || p.String() != want {
			t.Errorf("%q is %q, %v", text, p, err)
		}
		var back Period
		if b, err := json.Marshal(p); err != nil || json.Unmarshal(b, &back) != nil || back != p {
			t.Errorf("%q comes back as %q, %v", p, back, err)
		}
	}
	for _, text := range []string{"", "-3 days", "- 3 days", "3", "days", "3 fortnights", "3.5 days", "101 years", "99999999999999999999 days", "for ever", "3 days ago", "１ day"} {
		if p, _, err := ParsePeriod(text); err == nil {
			t.Errorf("%q is taken as %q", text, p)
		}
	}
	jan31 := time.Date(2025, 1, 31, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{"1 month": "2025-02-28T10", "13 months": "2026-02-28T10", "37 months": "2028-02-29T10", "2 months": "2025-03-31T10", "30 days": "2025-03-02T10", "24 hours": "2025-02-01T10"} {
		p, _, _ := ParsePeriod(text)
		if got := p.After(jan31).Format("2006-01-02T15"); got != want {
			t.Errorf("%s after 31 January is %s, want %s", text, got, want)
		}
	}
}

func rule(category, period string, event Event) Rule {
	p, implied, err := ParsePeriod(period)
	if err != nil {
		panic(err)
	}
	if implied != "" {
		event = implied
	}
	return Rule{Category: category, Period: p, Event: event}
}

func TestLaxer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		category, own, operator  string
		ownEvent, operatorsEvent Event
		laxer                    bool
	}{
		{"server-log", "14 days", "30 days", Recorded, Recorded, false},
		{"server-log", "30 days", "30 days", Recorded, Recorded, false},
		{"server-log", "31 days", "30 days", Recorded, Recorded, true},
		{"server-log", "720 hours", "30 days", Recorded, Recorded, false},
		{"server-log", "721 hours", "30 days", Recorded, Recorded, true},
		{"server-log", "1 month", "30 days", Recorded, Recorded, true},
		{"server-log", "28 days", "1 month", Recorded, Recorded, false},
		{"server-log", "29 days", "1 month", Recorded, Recorded, true}, // in February
		{"server-log", "365 days", "12 months", Recorded, Recorded, false},
		{"server-log", "12 months", "365 days", Recorded, Recorded, true}, // over a 29 February
		{"server-log", "12 months", "1 year", Recorded, Recorded, false},
		{"server-log", "indefinitely", "30 days", Recorded, Recorded, true},
		{"audit-log", "90 years", "indefinitely", Recorded, Recorded, false},
		{"audit-log", "indefinitely", "indefinitely", Recorded, Recorded, false},
		{"analytics", "not stored", "2 years", Recorded, Recorded, false},
		{"analytics", "1 day", "not stored", Recorded, Recorded, true},
		{"user-account", "2 years", "3 years", LastSignIn, LastSignIn, false},
		{"user-account", "while customer", "3 years", LastSignIn, LastSignIn, true}, // nobody knows which comes first
		{"customer-data", "while customer", "30 days", AccountDeletion, AccountDeletion, false},
		{"customer-data", "20 days", "30 days", Recorded, AccountDeletion, false},
		{"customer-data", "40 days", "30 days", Recorded, AccountDeletion, true},
		{"error-report", "until solved", "91 days", Solved, Recorded, true},
		{"business-data", "indefinitely", "1 day", Recorded, Recorded, false}, // nobody is in it
		{"billing", "20 years", "10 years", Recorded, Recorded, false},
	} {
		why := Laxer(rule(c.category, c.own, c.ownEvent), rule(c.category, c.operator, c.operatorsEvent))
		if (why != "") != c.laxer {
			t.Errorf("%s: %s after %s from %s: %q", c.category, c.own, c.operator, c.operatorsEvent, why)
		}
	}
	clock := func(name, period, who string) Clock {
		c := Clock{Clock: name, Who: who}
		if period != "" {
			c.Period, _, _ = ParsePeriod(period)
		}
		return c
	}
	for _, c := range []struct {
		own, operator Clock
		laxer         bool
	}{
		{clock(BreachNotice, "24 hours", ""), clock(BreachNotice, "72 hours", ""), false},
		{clock(BreachNotice, "3 days", ""), clock(BreachNotice, "72 hours", ""), false},
		{clock(BreachNotice, "73 hours", ""), clock(BreachNotice, "72 hours", ""), true},
		{clock(Purge, "0 days", ""), clock(Purge, "30 days", ""), false},
		{clock(Purge, "31 days", ""), clock(Purge, "30 days", ""), true},
		{clock(PolicyNotice, "30 days", ""), clock(PolicyNotice, "14 days", ""), false},
		{clock(PolicyNotice, "13 days", ""), clock(PolicyNotice, "14 days", ""), true},
		{clock(SubjectAnswer, "", "app"), clock(SubjectAnswer, "", "controller"), true},
		{clock(SubjectAnswer, "", "app"), clock(SubjectAnswer, "", "app"), false},
	} {
		if why := LaxerClock(c.own, c.operator); (why != "") != c.laxer {
			t.Errorf("%+v after %+v: %q", c.own, c.operator, why)
		}
	}
}

const goodFile = `name = "acme"
title = "Acme"
source = "Acme data policy of 3 March 2026"

[retention.server-log]
period = "14 days"

[retention]
audit-log = { period = "6 months", event = "recorded", says = "half a year" }
legal-entity.period = "while customer"

[clocks.breach-notice]
period = "24 hours"

[clocks.subject-answer]
who = "app"
`

const goodYAML = `
name: acme
title: Acme
source: Acme data policy of 3 March 2026
retention:
  server-log:
    period: 14 days
  audit-log: {period: 6 months, event: recorded, says: half a year}
  legal-entity:
    period: while customer
clocks:
  breach-notice:
    period: 24 hours
  subject-answer:
    who: app
`

func TestParseProfile(t *testing.T) {
	t.Parallel()
	p, err := ParseProfile("acme.toml", []byte(goodFile))
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseProfile("acme.yaml", []byte(goodYAML))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, again); diff != "" {
		t.Errorf("TOML and YAML differ:\n%s", diff)
	}
	want := map[string]string{"server-log": "14 days from recording", "audit-log": "6 months from recording", "legal-entity": "while customer", "email-log": "12 months from recording"}
	for category, words := range want {
		if got := p.Rule(category).Words(); got != words {
			t.Errorf("%s: %s, want %s", category, got, words)
		}
	}
	if p.Clock(BreachNotice).Period != (Period{24, Hours}) || p.Clock(PolicyNotice).Period != (Period{14, Days}) || p.Clock(SubjectAnswer).Who != "app" {
		t.Errorf("clocks %+v", p.Clocks)
	}
	if fresh, _ := ProfileOf(DefaultProfile); fresh.Rule("server-log").Period != (Period{30, Days}) || fresh.Rule("legal-entity").Says == "" {
		t.Error("reading a file changed the default profile")
	}
}

// TestParseProfileNamesEveryProblem gives files that are wrong in several ways: each is named with its line, its field and a way
// out, all at once.
func TestParseProfileNamesEveryProblem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, text string
		want       []string
	}{
		{"bad.toml", `name = "Acme Inc"
titel = "Acme"
source = 3
[retention.server-logs]
period = "30 days"
[retention.audit-log]
period = "-3 months"
event = "recordet"
[retention.email-log]
event = "recorded"
[retention.cache]
period = "24 hours"
period = "25 hours"
[retention.customer-data]
period = "not stored"
[retention.user-account]
period = "until solved"
[retention.cache]
[retention.billing]
period = 10
[clocks.breach-notise]
period = "24 hours"
[clocks.purge-after-deletion]
period = "indefinitely"
[clocks.policy-notice]
[clocks.subject-answer]
who = "nobody"
`, []string{
			`bad.toml:1: name: use small letters`, `bad.toml:1: title: is missing`, `bad.toml:2: titel: there is no such field, did you mean title?; use one of name, title,`,
			`bad.toml:3: source: is a number; write a text in quotes`, `bad.toml:4: retention.server-logs: there is no category "server-logs", did you mean server-log?; use one of legal-entity,`,
			`bad.toml:7: retention.audit-log.period: "-3 months" is negative`, `bad.toml:8: retention.audit-log.event: "recordet" is no event for this category, did you mean recorded?; use recorded`,
			`bad.toml:9: retention.email-log.period: is missing`, `bad.toml:13: retention.cache.period: stands here a second time; the first is on line 12`,
			`bad.toml:15: retention.customer-data.period: the program does not work without this data`, `bad.toml:17: retention.user-account.period: "until solved" starts from solved`,
			`bad.toml:18: retention.cache: stands here a second time; the first is on line 11`, `bad.toml:20: retention.billing.period: is a number`,
			`bad.toml:21: clocks.breach-notise: there is no clock "breach-notise", did you mean breach-notice?`, `bad.toml:24: clocks.purge-after-deletion.period: "indefinitely" is no length of time`,
			`bad.toml:25: clocks.policy-notice.period: is missing`, `bad.toml:27: clocks.subject-answer.who: "nobody" answers nobody; use one of app,`,
		}},
		{"bad.yaml", "name: acme\ntitle: Acme\nretention:\n  cache:\n    period: 3 fortnights\n  cache:\n    period: 1 day\n  export: 7 days\n  audit-log: [1]\nclocks: 14 days\n", []string{
			"bad.yaml:1: source: is missing", `bad.yaml:5: retention.cache.period: "3 fortnights" counts in no unit`, "bad.yaml:6: retention.cache: stands here a second time; the first is on line 4",
			"bad.yaml:8: retention.export: is a text; give it the fields", "bad.yaml:9: retention.audit-log: is a list", "bad.yaml:10: clocks: is a text"}},
		{"broken.toml", "name = \"acme\"\ntitle = Acme\n", []string{"broken.toml:2: this is not TOML"}},
		{"broken.yaml", "name: acme\n\ttitle: x\n", []string{"broken.yaml:2: this is not YAML"}},
		{"empty.yaml", "", []string{"empty.yaml:1: this is not YAML: the file is empty"}},
		{"list.yaml", "- a\n", []string{"list.yaml:1: a profile has the fields"}},
		{"empty.toml", "", []string{"empty.toml:1: name: is missing", "empty.toml:1: title: is missing", "empty.toml:1: source: is missing"}},
		{"taken.toml", "name = \"partro\"\ntitle = \"x\"\nsource = \"x\"\n", []string{`taken.toml: name: "partro" is a built-in profile`}},
		{"alias.yaml", "name: &a acme\ntitle: *a\nsource: x\n", []string{"alias.yaml:2: title: write the value itself", "alias.yaml:2: title: is nothing"}},
	} {
		p, err := ParseProfile(c.file, []byte(c.text))
		if err == nil || p.Name != "" {
			t.Errorf("%s: taken as %+v", c.file, p)
			continue
		}
		got := strings.Split(err.Error(), "\n")
		for i := range max(len(got), len(c.want)) {
			if i >= len(got) || i >= len(c.want) || !strings.HasPrefix(got[i], c.want[i]) {
				t.Errorf("%s: problems\n%s\nwant beginnings\n%s", c.file, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				break
			}
		}
	}
}

// FuzzParseProfile reads anything: never a panic, and what is taken is complete and reads back.
func FuzzParseProfile(f *testing.F) {
	f.Add(false, goodFile)
	f.Add(true, goodYAML)
	f.Add(false, "a.b.c = 1\n[a.b]\nc = {d = {e = 1}}\n[[x]]\n")
	f.Add(true, "? [a]\n: b\n<<: {a: 1}\n")
	f.Fuzz(func(t *testing.T, yaml bool, text string) {
		file := map[bool]string{false: "f.toml", true: "f.yaml"}[yaml]
		p, err := ParseProfile(file, []byte(text))
		if err != nil {
			if _, ok := err.(Problems); !ok || err.Error() == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		if p.Name == "" || len(p.Retention) != len(categories) || len(p.Clocks) != len(clockNames) {
			t.Fatalf("incomplete %+v", p)
		}
		for _, r := range p.Retention {
			if again, _, err := ParsePeriod(r.Period.String()); err != nil || again != r.Period && r.Period != (Period{}) {
				t.Fatalf("%q reads back as %q, %v", r.Period, again, err)
			}
		}
	})
}
