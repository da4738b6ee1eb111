package browsertest

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestRevokedSessionIsSignedOut(t *testing.T) {
	w := newProgramme(t)
	one, two := w.tab(Look{}), w.tab(Look{})
	signIn(one, w.admin, longEnough)
	signIn(two, w.admin, longEnough)
	one.Go("/me")
	one.See("Where you are signed in", "this one")
	one.Press("Sign out everywhere else")
	one.Gone("Sign out everywhere else")
	two.Go("/deals")
	two.Arrive("/sign-in?next=")
	one.Go("/deals")
	one.Arrive("/deals")
	// After signing in one lands where one wanted to go.
	two.Fill("email", w.admin.Email)
	two.Fill("password", longEnough)
	two.Press("Sign in")
	two.Arrive("/deals")
	two.Click("Your account:")
	two.Press("Sign out")
	two.See("You are signed out")
	two.Go("/deals")
	two.Arrive("/sign-in")
}

func TestOwnKeyWorks(t *testing.T) {
	w := newProgramme(t)
	tab := w.as(w.admin, Look{})
	tab.Go("/me")
	tab.Fill("key_name", "Nightly export")
	tab.Fill("scope", "read")
	tab.Press("Make a key")
	key := tab.Value("#new-key")
	w.apiAs(key, "GET", "/deals", nil)
	if status := w.status(key, "POST", "/partners", `{"name":"X"}`); status != http.StatusForbidden {
		t.Errorf("a reading key may write: %d", status)
	}
	tab.Go("/me")
	tab.See("Nightly export")
	tab.Hides("#new-key")
	tab.PressNear("Nightly export", "Revoke")
	tab.See("revoked")
	tab.wait("the key to be refused", func() (bool, error) { return w.status(key, "GET", "/deals", "") == http.StatusUnauthorized, nil })
}

// status sends one request and returns the answer's status.
func (w *programme) status(key, method, path, body string) int {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.prog.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestForgottenPassword(t *testing.T) {
	w := newProgramme(t)
	tab := w.tab(Look{})
	tab.Go("/sign-in")
	tab.Press("Forgot your password?")
	tab.Fill("email", w.admin.Email)
	tab.Press("Send the link")
	known := tab.Text()
	tab.Go("/forgot")
	tab.Fill("email", "nobody@"+w.slug+".test")
	tab.Press("Send the link")
	if got := strings.ReplaceAll(tab.Text(), "nobody@", "ada@"); got != known {
		t.Errorf("a known and an unknown address are told apart:\n%s\n%s", known, got)
	}
	// The operator's command makes a link where no mail leaves.
	link, err := w.prog.App.Identity.ResetLink(t.Context(), w.admin.Email)
	if err != nil {
		t.Fatal(err)
	}
	tab.Go(link)
	tab.Fill("password", "a new and longer one, with otters")
	tab.Press("Set the password")
	tab.See("Your new password is set")
	tab.Fill("email", w.admin.Email)
	tab.Fill("password", longEnough)
	tab.Press("Sign in")
	tab.Arrive("/sign-in")
	tab.Fill("password", "a new and longer one, with otters")
	tab.Press("Sign in")
	tab.See("Ada Admin")
	tab.Go(link)
	tab.See("It was used already")
}

// One person belongs to two programmes and switches between them.
func TestSwitchMembership(t *testing.T) {
	w := newPair(t)
	// The same address is invited by the other partner too; accepting needs the sign-in it has.
	link := w.api("POST", "/people", fields{"email": w.pat.Email, "name": "Pat North", "role": "agent", "partner_id": w.south})["invitation_url"].(string)
	w.registered(w.southKey, "Only South sees this", "Bellows", "bellows.example", 200)
	tab := w.as(w.pat, Look{})
	tab.Go(link)
	tab.See("You are signed in as")
	tab.Press("Join")
	tab.Go("/deals")
	tab.See("Only South sees this")
	tab.Click("Your account:")
	tab.See("Switch to")
	tab.PressNear("North Systems", "Acme")
	tab.Go("/deals")
	tab.Gone("Only South sees this")
	tab.Click("Your account:")
	tab.See("North Systems")
}

func TestKeyboard(t *testing.T) {
	w := newProgramme(t)
	tab := w.as(w.admin, Look{})
	tab.Go("/")
	tab.KeysTo("gd")
	tab.Arrive("/deals")
	tab.Keys("?")
	tab.Has("dialog[open]")
	tab.Keys(Escape)
	tab.Hides("dialog[open]")
	tab.Keys("/")
	tab.Has("[data-search]:focus")
	tab.Keys("robots")
	tab.KeysTo("\r")
	tab.Arrive("/deals?q=robots")
	tab.Keys("c")
	tab.See("Register a deal", "Add a partner")
	tab.Keys(Escape)
	tab.KeysTo("gp")
	tab.Arrive("/partners")
}

func TestThemePersists(t *testing.T) {
	w := newProgramme(t)
	tab := w.as(w.admin, Look{})
	tab.Go("/deals")
	tab.Hides("html[data-bs-theme]")
	tab.Click("Your account:")
	tab.Press("Dark")
	tab.Arrive("/deals")
	tab.Has(`html[data-bs-theme="dark"]`)
	tab.Go("/partners")
	tab.Has(`html[data-bs-theme="dark"]`)
	tab.Click("Your account:")
	tab.Press("System")
	tab.Hides("html[data-bs-theme]")
}

func TestErrorPagesHelp(t *testing.T) {
	w := newPair(t)
	pat := w.as(w.pat, Look{})
	for path, want := range map[string]int{"/no/such/page": 404, "/deals/0192f0c1-0000-7000-8000-000000000000": 404, "/deals/queue": 403, "/settings": 403} {
		pat.Go(path)
		pat.See(strconv.Itoa(want), "Request", "Go to the start")
		if id := pat.Value(".error-id code"); len(id) != 36 {
			t.Errorf("%s: request id %q", path, id)
		}
		if status, faults := pat.Faults(); status != want || len(faults) > 0 {
			t.Errorf("%s: status %d, want %d; %q", path, status, want, faults)
		}
	}
}

func TestAuditSaysWhoDidWhat(t *testing.T) {
	w := newPair(t)
	deal := w.registered(w.northKey, "Old title", "Alpine", "alpine.example", 100000)
	pat := w.as(w.pat, Look{})
	w.api("POST", "/deals/"+deal+"/return", fields{"reason": "Which one?"})
	pat.Go("/deals/" + deal + "/edit")
	pat.Fill("title", "New title")
	pat.Press("Save")
	admin := w.as(w.admin, Look{})
	admin.Go("/audit")
	admin.See("Pat North", "New title")
	admin.Go("/deals/" + deal)
	admin.See("Pat North", "Old title", "New title", "Which one?")
}
