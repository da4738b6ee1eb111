package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/door"
	"entente.dev/internal/ui"
)

// doorless are actions that somebody is granted and that no route asks for, with where they are done instead.
var doorless = map[access.Action]string{
	"audit.verify":     "entente audit verify --live, which an operator runs",
	"journal.adoption": "GET /partners/{id}, which shows a partner's visits to whoever may see them",
	"me.accept":        "POST /invitation, which is public: the mailed link is the proof; the use case asks once it knows the member",
	"file.private":     "GET /files/{id}/content and its like ask for it besides their own action, by the kind of the file",
	"me.sign_in":       "POST /sign-in and /me/switch, which are public: they come before the actor; the use case asks once it knows the member",
}

// Every entry of the navigation opens with a permission that somebody has; one that was forgotten would be seen by nobody.
func TestNavigationHasPermissions(t *testing.T) {
	t.Parallel()
	for _, key := range ui.NavKeys() {
		if act := navActions[key]; !slices.Contains(role.Actions(), act) {
			t.Errorf("%s opens with %q, which is no permission", key, act)
		}
	}
}

func allRoutes(d door.Doors) []door.Route { return append(d.Web.Routes(), d.API.Routes()...) }

// Every route asks for an action of the permission table that somebody has, and every action that somebody has is asked for.
func TestRoutesAndPermissionsMatch(t *testing.T) {
	t.Parallel()
	granted := map[access.Action]bool{}
	for _, r := range role.All {
		for act := range role.Grants(r) {
			granted[act] = true
		}
	}
	used := map[access.Action]bool{}
	for _, r := range allRoutes(newHouse(t).doors) {
		if r.Action == "" {
			continue
		}
		used[r.Action] = true
		if !granted[r.Action] {
			t.Errorf("%s %s asks for %s, which no role has (internal/access/role/builtin.go)", r.Method, r.Pattern, r.Action)
		}
		if r.Mutates && role.Reads(r.Action) && !strings.HasSuffix(r.Pattern, "/check") {
			t.Errorf("%s %s changes something under %s, which only reads: a key with the scope \"read\" could do it", r.Method, r.Pattern, r.Action)
		}
	}
	for _, act := range role.Actions() {
		switch {
		case granted[act] && !used[act] && doorless[act] == "":
			t.Errorf("%s is granted and no route asks for it: open a door for it, take it from the table, or list it in doorless with the reason", act)
		case used[act] && doorless[act] != "":
			t.Errorf("doorless lists %s, which has a door", act)
		}
	}
}

// Every private route that changes something leaves an entry when it is refused; what is done is held to it by op.
func TestRefusedRoutesAreOnRecord(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.admin("acme")
	nobody := h.partner(admin, "north")
	// The partner's person keeps the session and loses every grant for the rest: an Agent has fewest.
	if _, err := h.db.Exec(t.Context(), `update app.member set role = 'agent' where partner_id is not null`); err != nil {
		t.Fatal(err)
	}
	h.app.Identity.Forget(h.ids(`select member_id from app.member`)...)
	count := func(act access.Action) (n int) {
		if err := h.db.QueryRow(t.Context(), `select count(*) from app.audit_entry where outcome = 'denied' and action = $1`, string(act)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	tried := 0
	for _, r := range allRoutes(h.doors) {
		if r.Action == "" || !r.Mutates || role.Grants(role.Agent)[r.Action] != access.None {
			continue
		}
		tried++
		before := count(r.Action)
		contentType, body := "application/x-www-form-urlencoded", ""
		if strings.HasPrefix(r.Pattern, door.Prefix) {
			contentType, body = "application/json", "{}"
		}
		w := h.send(nobody, r.Method, parameter.ReplaceAllString(strings.TrimSuffix(r.Pattern, "{$}"), "018f0000-0000-7000-8000-000000000000"), contentType, body)
		if w.Code != 403 {
			t.Errorf("%s %s answers %d to an Agent, who has no grant of %s", r.Method, r.Pattern, w.Code, r.Action)
		}
		if n := count(r.Action) - before; n != 1 {
			t.Errorf("%s %s left %d entries of its refusal, want 1", r.Method, r.Pattern, n)
		}
	}
	if tried < 20 {
		t.Errorf("only %d routes were tried", tried)
	}
}

// Without a session or key a private route gives nothing away.
func TestPrivateRoutesAskWhoCalls(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, r := range allRoutes(h.doors) {
		if r.Action == "" {
			continue
		}
		path := parameter.ReplaceAllString(strings.TrimSuffix(r.Pattern, "{$}"), "018f0000-0000-7000-8000-000000000000")
		w := h.send(caller{key: "ent_wrong", session: "wrong"}, r.Method, path, "", "")
		toSignIn := w.Code == 303 && strings.HasPrefix(w.Header().Get("Location"), "/sign-in")
		if w.Code != 401 && !toSignIn {
			t.Errorf("%s %s answers %d to nobody", r.Method, r.Pattern, w.Code)
		}
	}
}

func TestOpenAPIGolden(t *testing.T) {
	t.Parallel()
	yaml, err := newHouse(t).doors.API.OpenAPI().YAML()
	if err != nil {
		t.Fatal(err)
	}
	got := "# Code generated from the routes of the API by internal/app. DO NOT EDIT.\n" + string(yaml)
	file := filepath.Join("..", "..", "openapi.yaml")
	if os.Getenv("ENTENTE_UPDATE") == "1" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("openapi.yaml is not what the routes make; run make generate\n%s", diff)
	}
}
