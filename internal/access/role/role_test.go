package role

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente.dev/internal/access"
)

func TestPermissionsGolden(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "..", "docs", "permissions.md")
	if os.Getenv("ENTENTE_UPDATE") == "1" {
		if err := os.WriteFile(file, []byte(Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), Markdown()); diff != "" {
		t.Errorf("docs/permissions.md is not the table of builtin.go; run make generate\n%s", diff)
	}
}

// Each role has no more than the one above it on its side, and a partner's people decide nothing.
func TestRolesAreNested(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{Admin, Staff}, {Partner, Agent}} {
		for act, scope := range Grants(pair[1]) {
			if Grants(pair[0])[act] < scope {
				t.Errorf("%s may %s (%s) and %s may not", pair[1], act, scope, pair[0])
			}
		}
	}
	for _, act := range []access.Action{"deal.approve", "deal.reject", "deal.return", "partner.create", "key.create", "import.commit", "audit.list", "mail.list", "tenant.update"} {
		for _, r := range []string{Partner, Agent} {
			if Grants(r)[act] != access.None {
				t.Errorf("%s may %s", r, act)
			}
		}
	}
	if len(Grants("")) != 0 || len(Grants("owner")) != 0 {
		t.Error("an unknown role has grants")
	}
}

func TestTableIsWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[access.Action]bool{}
	for _, l := range table {
		if seen[l.act] {
			t.Errorf("%s stands twice", l.act)
		}
		seen[l.act] = true
		if room, verb, ok := strings.Cut(string(l.act), "."); !ok || room == "" || verb == "" || l.what == "" {
			t.Errorf("%q is not room.verb with a description", l.act)
		}
		if l.read != Reads(l.act) || !slices.Contains(Actions(), l.act) {
			t.Errorf("%s is told differently by Reads or Actions", l.act)
		}
	}
	if Reads("deal.unheard_of") {
		t.Error("an action that is not in the table reads")
	}
}
