package dealweb_test

import (
	"strings"
	"testing"

	"entente.dev/internal/deal"
	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/id"
)

// Enter presses the first button of a form, shown or not: in the registration form that is the one that registers.
func TestEnterRegisters(t *testing.T) {
	w := build(t)
	page := w.Ask("agent", "GET /deals/new", "").Body.String()
	register, check := strings.Index(page, `value="submit"`), strings.Index(page, `formaction="/deals/check"`)
	if register < 0 || check < register {
		t.Errorf("the button that registers is at %d, the one that only asks at %d", register, check)
	}
}

func TestRegister(t *testing.T) {
	w := build(t)
	w.approved("rival", "Held", "held.example")
	fields := func(more ...string) string {
		return form(append([]string{"title", "Forty branches", "account.name", "Acme GmbH", "account.domain", "acme.example", "account.country", "DE", "currency", "EUR", "product", "", "expected_close_on", "2027-05-01"}, more...)...)
	}
	w.Run(t, []doortest.Case{
		{Name: "form", As: "agent", Ask: "GET /deals/new", Status: 200, Want: []string{"form[action=/deals] input[name=_idempotency]", "button[name=intent][value=submit] :: Register", "input[hx-post=/deals/check]", "select[name=currency]"},
			Forbid: []string{"select[name=partner_id]", "select[name=owner_id]"}},
		{Name: "staff choose the partner", As: "staff", Ask: "GET /deals/new", Status: 200, Want: []string{"select[name=partner_id] option :: North"}},
		{Name: "from home", As: "agent", Ask: "GET /deals/new?account.domain=held.example", Status: 200, Want: []string{"input[name=account.domain][value=held.example]", "#availability .badge :: Taken"}, Forbid: []string{"~Rita", "~Held"}, Audit: []string{"deal.check"}},
		{Name: "check", As: "agent", Ask: "POST /deals/check", Body: form("account.domain", "free.example", "title", "x"), Header: []string{"HX-Request", "true"}, Status: 200, Want: []string{".answer-free :: Free"}, Forbid: []string{"h1"}, Audit: []string{"deal.check"}},
		{Name: "check says taken, not by whom", As: "agent", Ask: "POST /deals/check", Body: form("account.domain", "held.example"), Header: []string{"HX-Request", "true"}, Status: 200, Want: []string{".answer-taken"}, Forbid: []string{"~South", "~Held"}, Audit: []string{"deal.check"}},
		{Name: "check without script keeps what was typed", As: "agent", Ask: "POST /deals/check", Body: fields("amount", "12,5"), Status: 200, Want: []string{"h1 :: Register a deal", ".answer-free", "input[name=title][value=Forty branches]", "input[name=amount][value=12,5]"}, Audit: []string{"deal.check"}},
		{Name: "check of no domain", As: "agent", Ask: "POST /deals/check", Body: form("account.domain", "nonsense"), Header: []string{"HX-Request", "true"}, Status: 200, Want: []string{"p.quiet :: not a domain"}},
		{Name: "too little to submit", As: "agent", Ask: "POST /deals", Body: form("intent", "submit", "title", "", "currency", "EUR"), Status: 422, Want: []string{"#f-title-error", "#f-amount-error", "[id=f-account.name-error]"}},
		{Name: "refused by the rules", As: "agent", Ask: "POST /deals", Body: fields("intent", "submit", "amount", "-5", "account.country", "Atlantis"), Status: 422, Want: []string{"input[name=account.name][value=Acme GmbH]"}},
		{Name: "amount of two meanings", As: "agent", Ask: "POST /deals", Body: fields("intent", "submit", "amount", "1.234"), Status: 422, Want: []string{"#f-amount-error", "input[name=amount][value=1.234]"}},
		{Name: "another partner", As: "agent", Ask: "POST /deals", Body: fields("amount", "5", "intent", "draft", "partner_id", w.South.String()), Status: 422, Want: []string{".error-summary :: no such partner"}, Audit: []string{"deal.create denied"}},
		{Name: "draft", As: "agent", Ask: "POST /deals", Body: fields("amount", "25,000", "intent", "draft"), Status: 303, Audit: []string{"account.create", "deal.create"}},
		{Name: "register in one go", As: "agent", Ask: "POST /deals", Body: fields("amount", "25,000", "intent", "submit", "_idempotency", "one"), Status: 303, Audit: []string{"deal.create", "deal.submit"}},
		{Name: "the second press", As: "agent", Ask: "POST /deals", Body: fields("amount", "25,000", "intent", "submit", "_idempotency", "one"), Status: 303},
		{Name: "the same form with other words", As: "agent", Ask: "POST /deals", Body: fields("amount", "26,000", "intent", "submit", "_idempotency", "one"), Status: 422, Want: []string{".error-summary :: sent before"}},
		{Name: "on behalf", As: "staff", Ask: "POST /deals", Body: fields("amount", "25,000", "intent", "submit", "partner_id", w.South.String()), Status: 303, Audit: []string{"account.create", "deal.create", "deal.submit"}},
		{Name: "a field the form does not have", As: "agent", Ask: "POST /deals", Body: fields("intent", "draft", "state", "approved"), Status: 400},
	})
	if n := w.count(`select count(*) from deal where title = 'Forty branches' and state = 'submitted' and amount_minor = 2500000`); n != 2 {
		t.Errorf("%d submitted", n)
	}
}

func TestRecord(t *testing.T) {
	w := build(t)
	d := w.submitted("agent", "Alpha", "alpha.example")
	w.approved("rival", "Alpha too", "alpha.example")
	at := href(d)
	w.Run(t, []doortest.Case{
		{Name: "vendor decides", As: "staff", Ask: "GET " + at, Status: 200, Want: []string{"h1 :: Alpha", ".next h2 :: Your decision is wanted", "form[action=" + at + "/approve] input[name=version]", "form[action=" + at + "/reject] select[name=reason_code]",
			".compare th :: Alpha too", "mark.same :: alpha.example", "dt :: Source", "a[href=/partners/" + w.North.String() + "]", ".story-line :: Abe Agent submitted"}},
		{Name: "partner waits", As: "agent", Ask: "GET " + at, Status: 200, Want: []string{".next h2 :: Waiting for a decision", "a[href=" + at + "/withdraw]"},
			Forbid: []string{"form[action=" + at + "/approve]", ".compare", "dt :: Source", "~South", "~Alpha too", "input[name=reader]", "a[href=" + at + "/edit]"}},
		{Name: "a rival", As: "rival", Ask: "GET " + at, Status: 404, Audit: []string{"deal.read denied"}},
		{Name: "a stranger", As: "stranger", Ask: "GET " + at, Status: 404, Audit: []string{"deal.read denied"}},
		{Name: "random", As: "rival", Ask: "GET /deals/" + id.New().String(), Status: 404, Audit: []string{"deal.read denied"}},
		{Name: "no id", As: "staff", Ask: "GET /deals/x", Status: 404},
		{Name: "internal note", As: "staff", Ask: "POST " + at + "/note", Body: form("body", "Mind the discount", "reader", "internal"), Status: 303, Audit: []string{"deal.note"}},
		{Name: "shared note", As: "staff", Ask: "POST " + at + "/note", Body: form("body", "Call us", "reader", "shared"), Status: 303, Audit: []string{"deal.note"}},
		{Name: "partner's note", As: "agent", Ask: "POST " + at + "/note", Body: form("body", "We called"), Status: 303, Audit: []string{"deal.note"}},
		{Name: "empty note", As: "staff", Ask: "POST " + at + "/note", Body: form("body", " ", "reader", "shared"), Status: 422, Want: []string{"#f-body-error", "input[name=reader][value=shared][checked]"}},
		{Name: "told apart", As: "staff", Ask: "GET " + at, Status: 200, Want: []string{".note.internal .tag :: Internal", ".note.internal :: Mind the discount", ".note .tag :: Shared", ".note .tag :: From the partner"}},
		{Name: "a partner reads the shared ones", As: "partner", Ask: "GET " + at, Status: 200, Want: []string{".note :: Call us"}, Forbid: []string{"~Mind the discount", ".note.internal"}},
	})
}

func TestDecisions(t *testing.T) {
	w := build(t)
	a, b, c := w.submitted("agent", "Alpha", "alpha.example"), w.submitted("agent", "Beta", "beta.example"), w.submitted("rival", "Gamma", "gamma.example")
	own := w.submitted("staff", "Own", "own.example")
	w.Run(t, []doortest.Case{
		{Name: "queue", As: "staff", Ask: "GET /deals/queue", Status: 200, Want: []string{".queue-item h2 :: Alpha", ".queue-item h2 :: Gamma", "form[action=" + href(a) + "/approve] input[name=next][value=/deals/queue]", ".queue-clear"},
			Forbid: []string{"form[action=" + href(own) + "/approve]", "[data-focus]"}},
		{Name: "not for partners", As: "partner", Ask: "GET /deals/queue", Status: 403},
		{Name: "approve", As: "staff", Ask: "POST " + href(a) + "/approve", Body: form("version", "2", "next", "/deals/queue"), Status: 303, Audit: []string{"deal.approve"}},
		{Name: "approved already", As: "admin", Ask: "POST " + href(a) + "/approve", Body: form("version", "2", "next", "/deals/queue"), Status: 303},
		{Name: "a stale page", As: "staff", Ask: "POST " + href(b) + "/approve", Body: form("version", "1"), Status: 303},
		{Name: "one's own", As: "staff", Ask: "POST " + href(own) + "/approve", Body: form("version", "2"), Status: 303, Audit: []string{"deal.approve denied"}},
		{Name: "by a partner", As: "partner", Ask: "POST " + href(b) + "/approve", Status: 403},
		{Name: "reject for no reason", As: "staff", Ask: "POST " + href(b) + "/reject", Body: form("version", "2", "reason_code", "", "reason", "", "next", "/deals/queue"), Status: 422, Want: []string{"h1 :: Reject", "input[name=next][value=/deals/queue]", ".error-summary"}},
		{Name: "other needs words", As: "staff", Ask: "POST " + href(b) + "/reject", Body: form("version", "2", "reason_code", "other", "reason", ""), Status: 422, Want: []string{"option[value=other][selected]", "#f-reason-error"}},
		{Name: "ask back without a question", As: "staff", Ask: "POST " + href(b) + "/return", Body: form("version", "2", "reason", ""), Status: 422, Want: []string{"#f-reason-error"}},
		{Name: "ask back", As: "staff", Ask: "POST " + href(b) + "/return", Body: form("version", "2", "reason", "Who is it?", "next", "/deals/queue"), Status: 303, Audit: []string{"deal.return"}},
		{Name: "the partner reads it", As: "agent", Ask: "GET " + href(b), Status: 200, Want: []string{".next :: Who is it?", "form[action=" + href(b) + "/submit] button :: Submit again", ".story-note :: Who is it?"}},
		{Name: "and submits again", As: "agent", Ask: "POST " + href(b) + "/submit", Body: form("version", "3"), Status: 303, Audit: []string{"deal.submit"}},
		{Name: "reject", As: "staff", Ask: "POST " + href(c) + "/reject", Body: form("version", "2", "reason_code", "direct_pursuit", "reason", "Ours since May"), Status: 303, Audit: []string{"deal.reject"}},
		{Name: "the reason is told", As: "rival", Ask: "GET " + href(c), Status: 200, Want: []string{".next :: Already pursued by us: Ours since May"}, Forbid: []string{"form[action=" + href(c) + "/submit]"}},
		{Name: "no way back", As: "staff", Ask: "GET " + href(c) + "/reject", Status: 303},
		{Name: "withdraw is asked", As: "agent", Ask: "GET " + href(b) + "/withdraw", Status: 200, Want: []string{"form[action=" + href(b) + "/withdraw] button.btn-danger"}},
		{Name: "withdraw", As: "agent", Ask: "POST " + href(b) + "/withdraw", Body: form("version", "4", "reason", "Mistake"), Status: 303, Audit: []string{"deal.withdraw"}},
		{Name: "win in the future", As: "agent", Ask: "POST " + href(a) + "/win", Body: form("version", "3", "closed_on", "2199-01-01"), Status: 422, Want: []string{"#f-closed_on-error", "input[name=closed_on][value=2199-01-01]"}},
		{Name: "win", As: "agent", Ask: "POST " + href(a) + "/win", Body: form("version", "3", "closed_on", ""), Status: 303, Audit: []string{"deal.win"}},
		{Name: "lose what is won", As: "agent", Ask: "POST " + href(a) + "/lose", Body: form("version", "4", "reason", "x"), Status: 303},
		{Name: "stands as won", As: "agent", Ask: "GET " + href(a), Status: 200, Want: []string{".next h2 :: Won on", ".step.now.good :: Won"}},
	})
	for want, d := range map[string]deal.Deal{"won": a, "withdrawn": b, "rejected": c, "submitted": own} {
		if got := w.state(d.ID); got != want {
			t.Errorf("%s is %s, want %s", d.Title, got, want)
		}
	}
}

// Whoever holds the customer is shown to those who decide, and the registration cannot be approved.
func TestQueueShowsWhoHoldsTheCustomer(t *testing.T) {
	w := build(t)
	w.approved("rival", "First", "same.example")
	d := w.submitted("agent", "Second", "same.example")
	w.Run(t, []doortest.Case{
		{Name: "taken", As: "staff", Ask: "GET /deals/queue", Status: 200, Want: []string{".queue-item .callout :: South", "option[value=duplicate][selected]", "mark.same :: same.example", ".compare .tag :: Holds the customer"},
			Forbid: []string{"form[action=" + href(d) + "/approve]"}},
		{Name: "approved all the same", As: "staff", Ask: "POST " + href(d) + "/approve", Body: form("version", "2", "next", "/deals/queue"), Status: 303},
	})
	a := w.Ask("staff", "POST "+href(d)+"/approve", form("version", "2", "next", "/deals/queue"))
	if a.Header().Get("Location") != "/deals/queue" || !strings.Contains(a.Header().Get("Set-Cookie"), "flash") {
		t.Errorf("the refusal is not told on the queue: %v", a.Header())
	}
	after := w.Ask("staff", "GET /deals/queue", "", "Cookie", "s=staff; "+strings.Split(a.Header().Get("Set-Cookie"), ";")[0])
	for _, want := range []string{".flash.tone-warn :: already protected for South", ".queue-item[data-focus]"} {
		if !after.Holds(t, want) {
			t.Errorf("wants %q", want)
		}
	}
}

func TestEdit(t *testing.T) {
	w := build(t)
	d := w.draft("agent", "Alpha", "alpha.example")
	at := href(d) + "/edit"
	fields := func(version, title, amount string, more ...string) string {
		return form(append([]string{"version", version, "title", title, "account.name", "Alpha", "account.domain", "alpha.example", "account.country", "DE", "amount", amount, "currency", "EUR", "expected_close_on", "2027-03-28", "product", ""}, more...)...)
	}
	w.Run(t, []doortest.Case{
		{Name: "form", As: "agent", Ask: "GET " + at, Status: 200, Want: []string{"input[name=amount][value=12400]", "input[name=version][value=1]", "option[value=DE][selected]"}, Forbid: []string{"select[name=partner_id]", "select[name=owner_id]"}},
		{Name: "with owners", As: "partner", Ask: "GET " + at, Status: 200, Want: []string{"select[name=owner_id] option[selected] :: Abe Agent"}},
		{Name: "a rival", As: "rival", Ask: "GET " + at, Status: 404, Audit: []string{"deal.read denied"}},
		{Name: "refused", As: "agent", Ask: "POST " + at, Body: fields("1", "", "nothing"), Status: 422, Want: []string{"#f-title-error", "#f-amount-error", "input[name=amount][value=nothing]"}},
		{Name: "save", As: "agent", Ask: "POST " + at, Body: fields("1", "Alpha plus", "15,000"), Status: 303, Audit: []string{"deal.update"}},
		{Name: "the timeline tells it", As: "partner", Ask: "GET " + href(d), Status: 200, Want: []string{".diff tr :: Amount €12,400 €15,000", ".diff tr :: Title Alpha Alpha plus"}},
		{Name: "stale", As: "partner", Ask: "POST " + at, Body: fields("1", "Alpha minus", "15000"), Status: 412, Want: []string{".callout :: Somebody changed this deal", ".both tr :: Title Alpha plus Alpha minus", "input[name=title][value=Alpha minus]", "input[name=version][value=2]"},
			Forbid: []string{".both tr :: Amount"}},
		{Name: "another owner", As: "partner", Ask: "POST " + at, Body: fields("2", "Alpha plus", "15000", "has_owner", "1", "owner_id", w.Actors["partner"].Member.String()), Status: 303, Audit: []string{"deal.update"}},
		{Name: "told by name", As: "partner", Ask: "GET " + href(d), Status: 200, Want: []string{".diff tr :: Owner Abe Agent Pat Partner"}},
		{Name: "not the agent's any more", As: "agent", Ask: "POST " + at, Body: fields("3", "Mine", "1"), Status: 403, Audit: []string{"deal.update denied"}},
		{Name: "nothing changed", As: "partner", Ask: "POST " + at, Body: fields("3", "Alpha plus", "15000"), Status: 303},
		{Name: "submitted", As: "partner", Ask: "POST " + href(d) + "/submit", Body: form("version", "3"), Status: 303, Audit: []string{"deal.submit"}},
		{Name: "no longer the partner's to edit", As: "partner", Ask: "GET " + at, Status: 303},
		{Name: "nor to save", As: "partner", Ask: "POST " + at, Body: fields("4", "Late", "1"), Status: 303},
		{Name: "the vendor may", As: "staff", Ask: "GET " + at, Status: 200},
	})
}

func TestSubmitNamesWhatIsMissing(t *testing.T) {
	w := build(t)
	d := w.draft("agent", "Nameless", "")
	a := w.Ask("agent", "POST "+href(d)+"/submit", form("version", "1"))
	if a.Code != 303 || a.Header().Get("Location") != href(d)+"/edit" {
		t.Errorf("%d to %q", a.Code, a.Header().Get("Location"))
	}
}

// A second press of the button is told the same as the first, and makes nothing.
func TestSecondPressIsToldTheSame(t *testing.T) {
	w := build(t)
	body := form("title", "Twice", "account.name", "Acme", "account.domain", "acme.example", "amount", "5000", "currency", "EUR", "intent", "submit", "_idempotency", "press")
	var places []string
	for range 2 {
		a := w.Ask("agent", "POST /deals", body)
		at := a.Header().Get("Location")
		places = append(places, at)
		next := w.Ask("agent", "GET "+at, "", "Cookie", "s=agent; "+strings.Split(a.Header().Get("Set-Cookie"), ";")[0])
		if !next.Holds(t, ".flash.tone-good :: Registered.") || !next.Holds(t, "h1 :: Twice") {
			t.Errorf("%d to %s: %s", a.Code, at, next.Body)
		}
	}
	if places[0] != places[1] || w.count(`select count(*) from deal where title = 'Twice'`) != 1 {
		t.Errorf("led to %q", places)
	}
}
