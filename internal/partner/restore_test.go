package partner

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/optest"
)

// Everything comes back but the status, and it is on record.
func TestRestore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	super := pgtest.Super(t, b.db)
	first, err := b.svc.Create(ctx, b.admin, Facts{Name: ptr("North GmbH"), Kind: ptr("agency"), Domains: &[]string{"north.example", "north.test"}, Country: ptr("DE"), Region: ptr("DACH"),
		ManagerID: &b.admin.Member, ExternalID: ptr("crm-1")})
	if err != nil {
		t.Fatal(err)
	}
	change := func(f Facts) {
		t.Helper()
		if _, err := b.svc.Update(ctx, b.admin, first.ID, 0, f); err != nil {
			t.Fatal(err)
		}
	}
	change(Facts{Name: ptr("South"), Kind: ptr("referrer"), Domains: &[]string{}, Country: ptr(""), Region: ptr(""), ManagerID: ptr(id.Nil), ExternalID: ptr(""), Status: ptr("suspended")})

	page, err := b.svc.Versions(ctx, b.admin, first.ID, trail.VersionQuery{})
	if err != nil || len(page.Items) != 2 || page.Items[0].Changes["manager_name"] != [2]any{"Ada", nil} && page.Items[0].Changes["manager_name"] != [2]any{"Ada", ""} {
		t.Errorf("%+v, %v", page, err)
	}
	if _, err := b.svc.Restore(ctx, b.admin, first.ID, 1, 1); !errs.Is(err, "partner.stale") {
		t.Errorf("error %v", err)
	}
	done, err := b.svc.Restore(ctx, b.admin, first.ID, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Kept) != 1 || done.Kept[0].Column != "status" || done.Kept[0].Why == "" || done.Current != 3 {
		t.Errorf("%+v", done)
	}
	now, err := b.svc.Get(ctx, b.admin, first.ID)
	want := first
	want.Status, want.Version, want.CreatedAt, want.UpdatedAt = "suspended", 3, now.CreatedAt, now.UpdatedAt
	if diff := cmp.Diff(want, now); diff != "" || err != nil {
		t.Error(diff, err)
	}
	lines := optest.Told(t, b.svc.ops, super, `action = 'partner.restore'`)
	if len(lines) != 1 || !strings.HasPrefix(lines[0].Note, "Version 1 of ") || strings.Contains(string(lines[0].Changes), "status") {
		t.Errorf("%+v", lines)
	}

	// A manager who left and an external id that another has by now stay as they are.
	change(Facts{Region: ptr("Nordics"), ManagerID: ptr(id.Nil), ExternalID: ptr("")})
	if _, err := b.svc.Create(ctx, b.admin, Facts{Name: ptr("East"), ExternalID: ptr("crm-1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := super.Exec(ctx, `update member set status = 'removed' where member_id = $1`, b.admin.Member); err != nil {
		t.Fatal(err)
	}
	if done, err = b.svc.Restore(ctx, b.admin, first.ID, 3, 0); err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, k := range done.Kept {
		kept = append(kept, k.Column)
	}
	if !slices.Equal(kept, []string{"external_id", "manager_name"}) || len(done.Back) != 1 || done.Back["region"] != [2]any{"Nordics", "DACH"} {
		t.Errorf("%+v", done)
	}
}

func TestVersionsAreTheVendors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	p, err := b.svc.Create(ctx, b.admin, Facts{Name: ptr("North")})
	if err != nil {
		t.Fatal(err)
	}
	foe := b.admin
	foe.Tenant = id.New()
	if _, err := pgtest.Super(t, b.db).Exec(ctx, `insert into tenant (tenant_id, slug, name) values ($1, 'bolt', 'Bolt')`, foe.Tenant); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		who  access.Actor
		code string
	}{{partnerActor(b.admin, p.ID), "denied"}, {access.Actor{}, "unauthenticated"}, {foe, "partner.not_found"}, {access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: b.admin.Tenant, Role: role.Staff}, "denied"}} {
		_, list := b.svc.Versions(ctx, c.who, p.ID, trail.VersionQuery{})
		_, show := b.svc.Version(ctx, c.who, p.ID, 1)
		_, back := b.svc.Restore(ctx, c.who, p.ID, 1, 0)
		for _, err := range []error{list, show, back} {
			if !errs.Is(err, c.code) {
				t.Errorf("error %v, want %s", err, c.code)
			}
		}
	}
}
